import logging
import re

import pytest

from tests.bad_frames import BAD_FRAMES
from tests.frames import message, notice, say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("layer"),
]


async def test_message_reaches_everyone_in_the_room_and_nobody_else(enter):
    ann, bob, carol = await enter("lobby"), await enter("lobby"), await enter("kitchen")
    await say(ann, " Tea? ")
    assert await message(ann) == "Tea?"
    assert await message(bob) == "Tea?"
    assert await carol.receive_nothing()


async def test_everyone_sees_the_same_roll(enter):
    people = [await enter(), await enter()]
    for _ in range(20):
        await say(people[0], "/roll")
        seen = [await message(person) for person in people]
        assert seen[0] == seen[1]
        assert re.fullmatch("Someone rolled a [1-6].", seen[0])


async def test_messages_keep_their_order(enter):
    ann, bob = await enter(), await enter()
    for number in range(20):
        await ann.send_json_to({"chat_message": f"{number}"})
    heard = [await message(bob) for _ in range(20)]
    assert heard == [f"{number}" for number in range(20)]


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_leaving_removes_the_channel_from_its_group(enter, layer):
    ann = await enter()
    assert layer.groups
    await ann.disconnect()
    assert not layer.groups


async def test_markup_is_escaped(enter):
    ann = await enter()
    await say(ann, "<img src=x onerror=alert(1)>")
    assert await message(ann) == "&lt;img src=x onerror=alert(1)&gt;"


async def test_message_is_rendered_once_for_all(enter, monkeypatch):
    rendered = []

    def render_to_string(template_name, context):
        rendered.append(template_name)
        return '<ol hx-swap-oob="beforeend:#content"><li dir="auto">Tea?</li></ol>'

    monkeypatch.setattr("chat.channel_layer.render_to_string", render_to_string)
    people = [await enter() for _ in range(3)]
    await say(people[0], "Tea?")
    for person in people:
        assert await message(person) == "Tea?"
    assert rendered == ["chat/partials/ws_response.html"]


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_bad_frame_is_answered_to_its_sender_only(enter, frame, caplog):
    ann, bob = await enter(), await enter()
    await ann.send_input({"type": "websocket.receive", **frame})
    assert (await notice(ann)).startswith("A ")
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]

    # If anything else had reached one of them, it would arrive first.
    await say(ann, "still here")
    for person in (ann, bob):
        assert await message(person) == "still here"


async def test_page_of_another_site_is_refused(enter):
    with pytest.raises(AssertionError, match="refused"):
        await enter(origin="https://elsewhere.example")


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_room_without_a_proper_name_has_no_route(enter, layer):
    with pytest.raises(ValueError, match="No route found"):
        await enter("caf%C3%A9")
