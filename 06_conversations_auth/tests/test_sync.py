"""What is sent twice is stored once, and what was missed is asked for."""

import re
import uuid

import pytest
from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer
from django.contrib.auth import get_user_model
from django.db import IntegrityError

from chat.models import Conversation, Message
from tests.frames import close_code, message, notice, say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("layer"),
]

User = get_user_model()


def named(text, client_id=None):
    """Return the frame of a message that its page has given a name."""
    return {"chat_message": text, "client_id": f"{client_id or uuid.uuid4()}"}


async def sync(person, last=0):
    """Ask what came after a message: return the texts, and the number to go on from."""
    await person.send_json_to({"sync": last})
    answer = await person.receive_from(timeout=30)
    (synced,) = re.findall(r'<data id="synced" value="(\d+)"', answer)
    return re.findall(r"<p>(.*)</p>\s*</li>", answer), int(synced)


async def write(conversation, username, *texts):
    """Store messages of which no event tells."""
    sender = await User.objects.aget(username=username)
    for text in texts:
        await Message.objects.acreate(
            conversation=conversation, sender=sender, content=text
        )


async def test_message_sent_twice_is_stored_and_heard_once(enter):
    ann, bob = await enter("ann"), await enter("bob")
    frame = named("Tea?")
    for _ in range(2):
        await ann.send_json_to(frame)
        assert await message(ann) == ("own", "Tea?")
    assert await message(bob) == ("other", "Tea?")
    assert await bob.receive_nothing()
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


async def test_answer_says_which_message_it_is_for(enter):
    ann = await enter("ann")
    frame = named("Tea?")
    await ann.send_json_to(frame)
    assert f'data-client-id="{frame["client_id"]}"' in await ann.receive_from()


async def test_nobody_takes_a_name_from_somebody_else(enter):
    ann, bob = await enter("ann"), await enter("bob")
    frame = named("Tea?")
    for person in (ann, bob):
        await person.send_json_to(frame)
        assert await message(person) == ("own", "Tea?")
    assert await Message.objects.acount() == 2


async def test_database_refuses_the_same_name_twice(conversation):
    ann = await User.objects.aget(username="ann")
    message = {"conversation": conversation, "sender": ann, "client_id": uuid.uuid4()}
    await Message.objects.acreate(**message)
    with pytest.raises(IntegrityError):
        await Message.objects.acreate(**message)


async def test_same_words_twice_are_two_messages(enter):
    ann = await enter("ann")
    await say(ann, "Tea?")
    await say(ann, "Tea?")
    assert await Message.objects.acount() == 2


async def test_page_of_somebody_else_is_refused(enter):
    bob, ann = await enter("bob"), await User.objects.aget(username="ann")
    await bob.send_json_to({"sync": 0, "user": ann.pk})
    assert await close_code(bob) == 4401


async def test_page_hears_what_came_before_its_socket(enter, conversation):
    ann = await enter("ann")
    await say(ann, "one")
    await say(ann, "two")
    bob = await enter("bob")
    missed, synced = await sync(bob)
    assert missed == ["one", "two"]
    assert synced == (await Message.objects.alast()).pk
    await say(ann, "three")
    assert await message(bob) == ("other", "three")


async def test_what_the_layer_lost_comes_with_the_next_question(enter):
    ann, bob = await enter("ann"), await enter("bob")
    _, synced = await sync(bob)
    await get_channel_layer().flush()  # it forgets who is in which group
    await say(ann, "lost")
    assert await bob.receive_nothing()
    missed, _ = await sync(bob, synced)
    assert missed == ["lost"]


async def test_what_was_lost_before_something_heard_is_not_forgotten(
    enter, conversation
):
    ann, bob = await enter("ann"), await enter("bob")
    _, synced = await sync(bob)
    await write(conversation, "ann", "lost")
    await say(ann, "heard")
    assert await message(bob) == ("other", "heard")
    missed, _ = await sync(bob, synced)
    assert missed == ["lost"]


async def test_what_was_heard_is_not_sent_again(enter):
    ann, bob = await enter("ann"), await enter("bob")
    await say(ann, "heard")
    assert await message(bob) == ("other", "heard")
    for person in (ann, bob):
        missed, synced = await sync(person)
        assert (missed, synced) == ([], (await Message.objects.alast()).pk)


async def test_lower_number_that_comes_later_is_not_missed(enter, conversation):
    await write(conversation, "ann", "slow", "quick")
    last = await Message.objects.alast()
    missed, _ = await sync(await enter("bob"), last.pk)
    assert missed == ["slow", "quick"]


async def test_who_missed_too_much_gets_the_latest_page_anew(enter, conversation):
    await write(conversation, "ann", *map(str, range(60)))
    bob = await enter("bob")
    await bob.send_json_to({"sync": 0})
    answer = await bob.receive_from()
    assert '<ol hx-swap-oob="innerHTML:#content"></ol>' in answer
    assert "Load earlier" in answer
    texts = re.findall(r"<p>(\d+)</p>", answer)
    assert texts == [f"{number}" for number in range(10, 60)]
    missed, _ = await sync(bob, (await Message.objects.alast()).pk)
    assert missed == []


async def test_other_conversations_are_not_told(enter):
    people = [await User.objects.aget(username=name) for name in ("bob", "carol")]
    others = await sync_to_async(Conversation.objects.between)(people)
    await write(others, "carol", "for bob alone")
    missed, synced = await sync(await enter("ann"))
    assert (missed, synced) == ([], 0)


async def test_question_is_not_answered_to_who_may_no_longer_listen(enter):
    ann = await enter("ann")
    # A change past the signals, as a lost event would leave it.
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
async def test_name_or_number_that_is_none_is_answered(enter, frame):
    ann = await enter("ann")
    await ann.send_json_to(frame)
    assert (await notice(ann)).startswith("A ")
    await say(ann, "still here")
    assert await Message.objects.acount() == 1
