import logging
import re

import pytest

from tests.bad_frames import BAD_FRAMES

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("layer"),
]


async def test_message_reaches_everyone_in_the_room_and_nobody_else(enter):
    ann, bob, carol = await enter("lobby"), await enter("lobby"), await enter("kitchen")
    await ann.send_json_to({"message": " Tea? "})
    assert await ann.receive_json_from() == {"message": "Tea?"}
    assert await bob.receive_json_from() == {"message": "Tea?"}
    assert await carol.receive_nothing()


async def test_everyone_sees_the_same_roll(enter):
    people = [await enter(), await enter()]
    for _ in range(20):
        await people[0].send_json_to({"message": "/roll"})
        seen = [(await person.receive_json_from())["message"] for person in people]
        assert seen[0] == seen[1]
        assert re.fullmatch("Someone rolled a [1-6].", seen[0])


async def test_messages_keep_their_order(enter):
    ann, bob = await enter(), await enter()
    for number in range(20):
        await ann.send_json_to({"message": f"{number}"})
    heard = [await bob.receive_json_from() for _ in range(20)]
    assert heard == [{"message": f"{number}"} for number in range(20)]


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_leaving_removes_the_channel_from_its_group(enter, layer):
    ann = await enter()
    assert layer.groups
    await ann.disconnect()
    assert not layer.groups


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_bad_frame_is_answered_to_its_sender_only(enter, frame, caplog):
    ann, bob = await enter(), await enter()
    await ann.send_input({"type": "websocket.receive", **frame})
    assert list(await ann.receive_json_from()) == ["error"]
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]

    # If anything else had reached one of them, it would arrive first.
    await ann.send_json_to({"message": "still here"})
    for person in (ann, bob):
        assert await person.receive_json_from() == {"message": "still here"}


async def test_page_of_another_site_is_refused(enter):
    with pytest.raises(AssertionError, match="refused"):
        await enter(origin="https://elsewhere.example")


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_room_without_a_proper_name_has_no_route(enter, layer):
    with pytest.raises(ValueError, match="No route found"):
        await enter("caf%C3%A9")
