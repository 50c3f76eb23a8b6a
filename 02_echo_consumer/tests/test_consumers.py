import logging

import pytest

from tests.bad_frames import BAD_FRAMES

pytestmark = pytest.mark.django_db(transaction=True)


async def test_message_comes_back_to_its_sender_alone(enter):
    ann, bob = await enter(), await enter()
    await ann.send_json_to({"message": " Tea? "})
    assert await ann.receive_json_from() == {"message": "Tea?"}
    assert await bob.receive_nothing()


@pytest.mark.parametrize("frame", BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_bad_frame_is_answered_to_its_sender_only(enter, frame, caplog):
    ann, bob = await enter(), await enter()
    await ann.send_input({"type": "websocket.receive", **frame})
    assert list(await ann.receive_json_from()) == ["error"]
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]

    # If anything else had reached one of them, it would arrive first.
    for person in (ann, bob):
        await person.send_json_to({"message": "still here"})
        assert await person.receive_json_from() == {"message": "still here"}


async def test_page_of_another_site_is_refused(enter):
    with pytest.raises(AssertionError, match="refused"):
        await enter(origin="https://elsewhere.example")


async def test_room_without_a_proper_name_has_no_route(enter):
    with pytest.raises(ValueError, match="No route found"):
        await enter("caf%C3%A9")
