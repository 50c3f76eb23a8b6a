import logging

import pytest

from chat.models import Message
from tests.bad_frames import BAD_FRAMES
from tests.frames import message, notice, say

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
async def test_who_leaves_is_forgotten(enter, layer):
    ann = await enter("ann")
    assert layer.groups
    await ann.disconnect()
    assert not layer.groups


async def test_markup_is_escaped(enter):
    ann, bob = await enter("ann"), await enter("bob")
    await ann.send_json_to({"chat_message": "<img src=x onerror=alert(1)>"})
    assert await message(bob) == ("other", "&lt;img src=x onerror=alert(1)&gt;")
    assert "<img" not in await ann.receive_from()


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_bad_frame_is_answered_and_nobody_else_notices(enter, frame, caplog):
    ann, bob = await enter("ann"), await enter("bob")
    await ann.send_input({"type": "websocket.receive", **frame})
    assert (await notice(ann)).startswith("A ")
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]

    # Had anything else reached one of them, it would arrive first.
    await say(ann, "still here")
    assert await message(bob) == ("other", "still here")
    assert await Message.objects.acount() == 1


async def test_page_of_another_site_is_refused(enter):
    with pytest.raises(AssertionError, match="refused"):
        await enter("ann", origin="https://elsewhere.example")
