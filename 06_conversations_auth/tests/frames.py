"""Frames over the socket, for the tests."""

import re

MESSAGE = re.compile(
    r'<ol hx-swap-oob="beforeend:#content"><li id="message-\d+" class="(own|other)".*?>'
    r".*<p.*?>(.*)</p>\s*</li>\s*</ol>",
    re.DOTALL,
)


async def say(person, text):
    """Send a message and see it come back; an empty input may come first."""
    await person.send_json_to({"chat_message": text, "HEADERS": {}})
    frame = await person.receive_from(timeout=30)
    while 'class="own"' not in frame:
        frame = await person.receive_from(timeout=30)


async def message(person):
    """Return the message that arrives, and whether it's rendered as one's own."""
    frame = (await person.receive_from(timeout=30)).strip()
    found = MESSAGE.fullmatch(frame)
    assert found, frame
    return found[1], found[2]


async def notice(person):
    """Return the notice that arrives."""
    frame = (await person.receive_from(timeout=30)).strip()
    before, after = '<p hx-swap-oob="innerHTML:#notice">', "</p>"
    assert frame.startswith(before) and frame.endswith(after), frame
    return frame.removeprefix(before).removesuffix(after)


async def close_code(person):
    """Return the server's close code."""
    event = await person.receive_output(timeout=30)
    assert event["type"] == "websocket.close", event
    return event["code"]
