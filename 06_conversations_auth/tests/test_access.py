from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.utils import timezone

from chat.models import Conversation, Message
from tests.frames import close_code, message, say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("layer"),
]

User = get_user_model()


async def test_logged_out_are_told_4401(enter):
    assert await close_code(await enter(None)) == 4401


async def test_strangers_are_told_4403(enter):
    assert await close_code(await enter("carol")) == 4403


@pytest.mark.parametrize("conversation_id", [0, 10**30])
async def test_missing_conversation_closes_with_4403(enter, conversation_id):
    assert await close_code(await enter("ann", conversation_id)) == 4403


async def test_strangers_hear_and_say_nothing(enter):
    carol, ann, bob = await enter("carol"), await enter("ann"), await enter("bob")
    assert await close_code(carol) == 4403
    await carol.send_json_to({"chat_message": "Let me in"})
    await say(ann, "Who was that?")
    assert await message(bob) == ("other", "Who was that?")
    assert await carol.receive_nothing()
    assert await Message.objects.acount() == 1


async def test_other_conversations_hear_nothing(enter):
    bob = await User.objects.aget(username="bob")
    carol = await User.objects.aget(username="carol")
    others = await sync_to_async(Conversation.objects.get_or_create_for)([bob, carol])
    ann, bob, carol = (
        await enter("ann"),
        await enter("bob", others.pk),
        await enter("carol", others.pk),
    )
    await say(ann, "for bob alone")
    await say(bob, "for carol alone")
    assert await message(carol) == ("other", "for carol alone")
    assert await ann.receive_nothing()


async def log_out(ann):
    await ann.client.post("/accounts/logout/")


async def lose_session(ann):
    await sync_to_async(ann.client.session.flush)()


async def change_password(ann):
    user = await User.objects.aget(username="ann")
    user.set_password("something else")
    await user.asave()


async def be_deactivated(ann):
    user = await User.objects.aget(username="ann")
    user.is_active = False
    await user.asave()


async def be_deleted(ann):
    await (await User.objects.aget(username="ann")).adelete()


async def be_removed(ann):
    user = await User.objects.aget(username="ann")
    conversation = await user.conversations.aget()
    await conversation.participants.aremove(user)


async def leave(ann):
    user = await User.objects.aget(username="ann")
    await user.conversations.aclear()


async def see_conversation_deleted(ann):
    await (await Conversation.objects.aget()).adelete()


ENDS = {
    log_out: 4401,
    lose_session: 4401,
    change_password: 4401,
    be_deactivated: 4401,
    be_deleted: 4401,
    be_removed: 4403,
    leave: 4403,
    see_conversation_deleted: 4403,
}


@pytest.mark.parametrize(
    ("end", "code"), ENDS.items(), ids=lambda v: getattr(v, "__name__", "")
)
async def test_open_socket_is_closed_when_access_ends(enter, end, code):
    ann = await enter("ann")
    await end(ann)
    assert await close_code(ann) == code


async def test_only_the_session_that_ended_is_closed(enter):
    ann, anns_phone, bob = await enter("ann"), await enter("ann"), await enter("bob")
    await log_out(ann)
    assert await close_code(ann) == 4401
    await say(bob, "Ann?")
    assert await message(anns_phone) == ("other", "Ann?")
    assert await ann.receive_nothing()


async def test_writing_asks_again_even_if_no_event_came(enter):
    ann, bob = await enter("ann"), await enter("bob")
    # A change past the signals, as a script in SQL would make it.
    await sync_to_async(User.objects.filter(username="ann").update)(is_active=False)
    await ann.send_json_to({"chat_message": "still here?"})
    assert await close_code(ann) == 4401
    assert await bob.receive_nothing()
    assert not await Message.objects.aexists()


async def test_session_that_has_expired_ends_the_socket(enter):
    ann, bob = await enter("ann"), await enter("bob")
    sessions = Session.objects.filter(session_key=ann.client.session.session_key)
    await sessions.aupdate(expire_date=timezone.now() - timedelta(seconds=1))
    await ann.send_json_to({"chat_message": "still here?"})
    assert await close_code(ann) == 4401
    assert await bob.receive_nothing()
    assert not await Message.objects.aexists()


async def test_session_that_changed_its_user_ends_the_socket(enter):
    ann = await enter("ann")
    bob = await User.objects.aget(username="bob")
    session = ann.client.session
    await session.aset(SESSION_KEY, f"{bob.pk}")
    await session.asave()
    await ann.send_json_to({"sync": 0})
    assert await close_code(ann) == 4401


async def test_logging_in_elsewhere_closes_nothing(enter):
    ann = await enter("ann")
    await enter("ann")
    await say(ann, "still here")
