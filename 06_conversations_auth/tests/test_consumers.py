import asyncio
import logging
import uuid

import pytest
from asgiref.sync import sync_to_async
from django.db import DatabaseError, connection
from redis.exceptions import RedisError

from chat.models import Message
from tests.bad_frames import BAD_FRAMES
from tests.frames import close_code, message, notice, say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("layer"),
]


async def test_message_reaches_every_page_of_both(enter):
    ann, bob, bobs_phone = await enter("ann"), await enter("bob"), await enter("bob")
    await say(bob, " Tea? ")
    assert await message(ann) == ("other", "Tea?")
    assert await message(bobs_phone) == ("own", "Tea?")


async def test_message_is_stored(enter, conversation):
    ann = await enter("ann")
    await say(ann, " Tea? ")
    stored = await Message.objects.select_related("sender").aget()
    assert (stored.sender.username, stored.content) == ("ann", "Tea?")
    assert stored.conversation_id == conversation.pk


async def test_messages_keep_their_order(enter):
    ann, bob = await enter("ann"), await enter("bob")
    for number in range(20):
        await ann.send_json_to({"chat_message": f"{number}"})
    heard = [await message(bob) for _ in range(20)]
    assert heard == [("other", f"{number}") for number in range(20)]


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_leaving_removes_the_channel_from_its_group(enter, layer):
    ann = await enter("ann")
    assert layer.groups
    await ann.disconnect()
    assert not layer.groups


async def test_markup_is_escaped(enter):
    ann, bob = await enter("ann"), await enter("bob")
    await ann.send_json_to({"chat_message": "<img src=x onerror=alert(1)>"})
    assert await message(bob) == ("other", "&lt;img src=x onerror=alert(1)&gt;")
    assert "<img" not in await ann.receive_from()


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_bad_frame_is_answered_to_its_sender_only(enter, frame, caplog):
    ann, bob = await enter("ann"), await enter("bob")
    await ann.send_input({"type": "websocket.receive", **frame})
    assert (await notice(ann)).startswith("A ")
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]

    # If anything else had reached one of them, it would arrive first.
    await say(ann, "still here")
    assert await message(bob) == ("other", "still here")
    assert await Message.objects.acount() == 1


async def test_page_of_another_site_is_refused(enter):
    with pytest.raises(AssertionError, match="refused"):
        await enter("ann", origin="https://elsewhere.example")


def rename_table(old, new):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")


@pytest.fixture
def break_messages(transactional_db, monkeypatch):
    """Return coroutine functions that take the messages' table away and return it."""
    monkeypatch.setattr(logging.getLogger("chat.consumers"), "filters", [])
    away = []

    def take():
        rename_table("chat_message", "taken_away")
        away.append(True)

    def give_back():
        rename_table("taken_away", "chat_message")
        away.clear()

    yield sync_to_async(take), sync_to_async(give_back)
    if away:
        give_back()


async def test_author_is_told_when_a_message_could_not_be_stored(
    enter, break_messages, conversation, caplog
):
    take, give_back = break_messages
    ann, bob = await enter("ann"), await enter("bob")
    frame = {"chat_message": "Tea?", "client_id": f"{uuid.uuid4()}"}
    await take()
    await ann.send_json_to(frame)
    assert await notice(ann) == "Your message could not be stored. Try again later."
    (record,) = [each for each in caplog.records if each.name == "chat.consumers"]
    assert f"Not stored in chat_{conversation.pk}: " in record.getMessage()
    assert "chat_message" in record.getMessage()
    await give_back()
    await ann.send_json_to(frame)
    assert await message(ann) == ("own", "Tea?")
    assert await message(bob) == ("other", "Tea?")
    assert await Message.objects.acount() == 1


async def test_socket_that_an_error_ends_leaves_nothing_in_the_layer(
    enter, break_messages, layer
):
    take, _ = break_messages
    ann = await enter("ann")
    await say(ann, "Tea?")
    await take()
    await ann.send_json_to({"sync": 0})
    with pytest.raises(DatabaseError):
        await ann.wait(timeout=20)
    assert not layer.groups
    assert not layer.channels


async def test_refused_socket_leaves_nothing_in_the_layer(enter, layer):
    ann = await enter("ann")
    await ann.client.post("/accounts/logout/")
    assert await close_code(ann) == 4401
    await ann.wait(timeout=20)
    assert not layer.groups
    assert not layer.channels


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_error_of_the_layer_later_on_is_not_a_refused_handshake(
    enter, layer, monkeypatch, caplog
):
    broken = asyncio.Event()

    async def receive(self, channel):
        await broken.wait()
        raise RedisError("Redis is gone")

    monkeypatch.setattr(type(layer), "receive", receive)
    ann = await enter("ann")
    broken.set()
    with pytest.raises(RedisError):
        await ann.wait(timeout=20)
    assert "Handshake refused" not in caplog.text
    assert not layer.groups
