"""A message sent twice is stored once, and a page gets what it missed when it asks."""

import re
import uuid
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.db import IntegrityError
from django.db.models import F

from chat.history import MESSAGES_PER_PAGE
from chat.models import Conversation, Message
from tests.frames import close_code, message, notice, say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.parametrize("layer", ["memory"], indirect=True),
    pytest.mark.usefixtures("layer"),
]

User = get_user_model()


def named(text, client_id=None):
    """Return the frame of a message with a client ID."""
    return {"chat_message": text, "client_id": f"{client_id or uuid.uuid4()}"}


async def sync(person, cursor=0):
    """Ask for what's newer than a message: return the texts, and the new cursor."""
    answer = await answer_to_sync(person, cursor)
    (synced,) = re.findall(r'<data id="synced" value="(\d+)"', answer)
    return re.findall(r"<p.*?>(.*)</p>\s*</li>", answer), int(synced)


async def answer_to_sync(person, cursor=0):
    """Return the frame that answers; messages may come before it."""
    await person.send_json_to({"sync": cursor})
    frame = await person.receive_from(timeout=30)
    while 'id="synced"' not in frame:
        frame = await person.receive_from(timeout=30)
    return frame


async def write(conversation, username, *texts):
    """Store messages without sending an event."""
    sender = await User.objects.aget(username=username)
    for text in texts:
        await Message.objects.acreate(
            conversation=conversation, sender=sender, content=text
        )


async def test_message_sent_twice_is_stored_once(enter):
    ann, bob = await enter("ann"), await enter("bob")
    frame = named("Tea?")
    for _ in range(2):
        await ann.send_json_to(frame)
        assert await message(ann) == ("own", "Tea?")
    first, second = await bob.receive_from(), await bob.receive_from()
    assert first == second  # so bob's page shows it once
    assert await ann.receive_nothing()
    assert await Message.objects.acount() == 1


async def test_message_sent_again_over_another_socket_is_stored_once(enter):
    ann, ann_again = await enter("ann"), await enter("ann")
    frame = named("Tea?")
    await ann.send_json_to(frame)
    assert await message(ann_again) == ("own", "Tea?")
    await ann_again.send_json_to(frame)
    assert await message(ann_again) == ("own", "Tea?")
    assert await Message.objects.acount() == 1


async def test_message_sent_again_keeps_its_first_text(enter):
    ann = await enter("ann")
    frame = named("Tea?")
    await ann.send_json_to(frame)
    await message(ann)
    await ann.send_json_to(frame | {"chat_message": "Coffee!"})
    assert await message(ann) == ("own", "Tea?")
    assert (await Message.objects.aget()).content == "Tea?"


async def test_only_the_sender_gets_the_client_id_back(enter):
    ann, bob = await enter("ann"), await enter("bob")
    frame = named("Tea?")
    await ann.send_json_to(frame)
    assert f'data-client-id="{frame["client_id"]}"' in await ann.receive_from()
    assert frame["client_id"] not in await bob.receive_from()
    assert frame["client_id"] not in await answer_to_sync(bob)
    assert frame["client_id"] in await answer_to_sync(ann)


async def test_two_people_may_use_the_same_client_id(enter):
    ann, bob = await enter("ann"), await enter("bob")
    frame = named("Tea?")
    await ann.send_json_to(frame)
    assert await message(bob) == ("other", "Tea?")
    await bob.send_json_to(frame)
    assert await message(bob) == ("own", "Tea?")
    assert await Message.objects.acount() == 2


async def test_database_refuses_the_same_client_id_twice(conversation):
    ann = await User.objects.aget(username="ann")
    message = {"conversation": conversation, "sender": ann, "client_id": uuid.uuid4()}
    await Message.objects.acreate(**message)
    with pytest.raises(IntegrityError):
        await Message.objects.acreate(**message)


async def test_same_client_id_in_another_conversation_is_another_message(conversation):
    ann = await User.objects.aget(username="ann")
    carol = await User.objects.aget(username="carol")
    get_or_create_for = sync_to_async(Conversation.objects.get_or_create_for)
    others = await get_or_create_for([ann, carol])
    post, sent = sync_to_async(Message.objects.post), {"client_id": uuid.uuid4()}
    first = await post("here", conversation=conversation, sender=ann, **sent)
    second = await post("there", conversation=others, sender=ann, **sent)
    assert (first.content, second.content) == ("here", "there")
    again = await post("again", conversation=others, sender=ann, **sent)
    assert again.pk == second.pk


async def test_message_for_no_conversation_is_an_error(conversation):
    ann = await User.objects.aget(username="ann")
    number = conversation.pk
    await conversation.adelete()
    with pytest.raises(IntegrityError):
        await sync_to_async(Message.objects.post)(
            "Tea?", conversation_id=number, sender=ann, client_id=uuid.uuid4()
        )


async def test_same_words_twice_are_two_messages(enter):
    ann = await enter("ann")
    await say(ann, "Tea?")
    await say(ann, "Tea?")
    assert await Message.objects.acount() == 2


async def test_page_of_another_user_is_refused(enter):
    bob, users = await enter("bob"), User.objects.order_by("username")
    ann, himself, _ = [user async for user in users]
    await bob.send_json_to({"sync": 0, "user": f"{himself.pk}"})
    assert "synced" in await bob.receive_from()
    await bob.send_json_to({"sync": 0, "user": f"{ann.pk}"})
    assert await close_code(bob) == 4401


async def test_message_names_the_one_before_it(enter, conversation):
    ann, bob = await enter("ann"), await enter("bob")
    numbers = []
    for text in ("one", "two", "three"):
        await say(ann, text)
        frame = await bob.receive_from()
        numbers.append(
            [
                int(n)
                for n in re.search(r'message-(\d+)".*previous="(\d+)"', frame).groups()
            ]
        )
    (first, nothing), (second, before_second), (third, before_third) = numbers
    assert (nothing, before_second, before_third) == (0, first, second)
    assert first < second < third


async def test_message_of_another_conversation_is_not_the_one_before(enter):
    people = [await User.objects.aget(username=name) for name in ("ann", "carol")]
    others = await sync_to_async(Conversation.objects.get_or_create_for)(people)
    ann = await enter("ann")
    await write(others, "carol", "elsewhere")
    await ann.send_json_to(named("here"))
    assert 'data-previous="0"' in await ann.receive_from()


async def test_page_gets_the_messages_from_before_its_socket(enter):
    ann = await enter("ann")
    await say(ann, "one")
    await say(ann, "two")
    bob = await enter("bob")
    texts, cursor = await sync(bob)
    assert texts == ["one", "two"]
    assert cursor == (await Message.objects.alast()).pk


async def test_event_lost_by_the_layer_comes_with_the_next_sync(enter):
    ann, bob = await enter("ann"), await enter("bob")
    _, cursor = await sync(bob)
    await get_channel_layer().flush()  # it forgets who is in which group
    await say(ann, "lost")
    assert await bob.receive_nothing()
    texts, _ = await sync(bob, cursor)
    assert texts == ["lost"]


async def test_complete_page_gets_no_message(enter):
    ann = await enter("ann")
    await say(ann, "here")
    last = (await Message.objects.alast()).pk
    assert await sync(ann, last) == ([], last)


async def test_own_messages_in_a_sync_look_like_own_messages(enter, conversation):
    await write(conversation, "ann", "mine")
    await write(conversation, "bob", "yours")
    answer = await answer_to_sync(await enter("ann"))
    assert re.findall(r'class="(own|other)"', answer) == ["own", "other"]


async def test_page_that_missed_much_gets_all_of_it_in_order(enter, conversation):
    texts = [f"{number}" for number in range(2 * MESSAGES_PER_PAGE + 20)]
    await write(conversation, "ann", *texts)
    bob, cursor, got, more = await enter("bob"), 0, [], True
    while more:
        answer = await answer_to_sync(bob, cursor)
        found = re.findall(r"<p.*?>(\d+)</p>", answer)
        assert len(found) <= MESSAGES_PER_PAGE
        got += found
        (cursor,) = re.findall(r'<data id="synced" value="(\d+)"', answer)
        cursor, more = int(cursor), " data-more" in answer
    assert got == texts


async def test_page_that_missed_a_full_page_needs_to_ask_only_once(enter, conversation):
    texts = [f"{number}" for number in range(MESSAGES_PER_PAGE)]
    await write(conversation, "ann", *texts)
    answer = await answer_to_sync(await enter("bob"))
    assert re.findall(r"<p.*?>(\d+)</p>", answer) == texts
    assert " data-more" not in answer


async def test_order_is_that_of_the_numbers_though_the_clock_was_set_back(
    enter, conversation
):
    await write(conversation, "ann", "one", "two")
    last = Message.objects.filter(content="two")
    await last.aupdate(timestamp=F("timestamp") - timedelta(days=1))
    texts, _ = await sync(await enter("bob"))
    assert texts == ["one", "two"]


async def test_other_conversations_are_not_in_the_answer(enter):
    people = [await User.objects.aget(username=name) for name in ("bob", "carol")]
    others = await sync_to_async(Conversation.objects.get_or_create_for)(people)
    await write(others, "carol", "for bob alone")
    assert await sync(await enter("ann")) == ([], 0)


async def test_sync_is_not_answered_to_someone_who_may_no_longer_listen(enter):
    ann = await enter("ann")
    # An update sends no signal, so it's as if the event had been lost.
    await sync_to_async(User.objects.filter(username="ann").update)(is_active=False)
    await ann.send_json_to({"sync": 0})
    assert await close_code(ann) == 4401


@pytest.mark.parametrize(
    "frame",
    [
        {"chat_message": "Tea?", "client_id": value}
        for value in (None, 1, "", "tea", [], {}, "52a41e7c", True)
    ]
    + [{"sync": value} for value in (None, True, -1, 1.5, "1", [], {}, 2**63)],
    ids=str,
)
async def test_bad_client_id_or_cursor_is_answered_with_a_notice(enter, frame):
    ann = await enter("ann")
    await ann.send_json_to(frame)
    assert (await notice(ann)).startswith("A ")
    await say(ann, "still here")
    assert await Message.objects.acount() == 1
