"""Frames over the socket, for the tests."""

EMPTY_INPUT = 'id="chat_message"'


async def say(person, text):
    """Send a message and see it acknowledged by an empty input."""
    await person.send_json_to({"chat_message": text, "HEADERS": {}})
    assert EMPTY_INPUT in await person.receive_from(timeout=30)


async def message(person):
    """Return the message that arrives, as the list item it is."""
    frame = (await person.receive_from(timeout=30)).strip()
    before, after = '<ol hx-swap-oob="beforeend:#content"><li dir="auto">', "</li></ol>"
    assert frame.startswith(before) and frame.endswith(after), frame
    return frame.removeprefix(before).removesuffix(after)


async def notice(person):
    """Return the notice that arrives."""
    frame = (await person.receive_from(timeout=30)).strip()
    before, after = '<p hx-swap-oob="innerHTML:#notice">', "</p>"
    assert frame.startswith(before) and frame.endswith(after), frame
    return frame.removeprefix(before).removesuffix(after)
