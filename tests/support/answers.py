"""Read what a chapter's server sends over a socket: a message, a refusal, or neither."""

import json
import re
from html.parser import HTMLParser

NOTICE = re.compile(r'<p hx-swap-oob="innerHTML:#notice">(.+)</p>', re.DOTALL)


class Markup(HTMLParser):
    """Parse the HTML of a page or a frame.

    `tags` holds the name and the attributes of each tag. `texts` holds each piece of text, and
    before it the names of the elements around it, outermost first.
    """

    # Elements that have no end tag.
    VOID = {"base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, {name: value or "" for name, value in attributes}))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data):
        self.texts.append((tuple(self._open), data))

    def text(self, *inside: str) -> str:
        """Return the text that's inside all of these elements."""
        return "".join(text for where, text in self.texts if set(inside) <= set(where))


def refusal(frame: str | bytes) -> str | None:
    """Return the error text in a frame that refuses a message, or None for other frames."""
    if isinstance(frame, bytes):
        return None
    if frame.startswith("{"):
        parsed = json.loads(frame)
        return parsed["error"] if parsed.keys() == {"error"} else None
    found = NOTICE.fullmatch(frame.strip())
    return found[1] if found and "<" not in found[1] else None


def message(frame: str | bytes) -> str | None:
    """Return the text of the message in a frame as a reader sees it, or None."""
    if isinstance(frame, bytes):
        return None
    if frame.startswith("{"):
        parsed = json.loads(frame)
        return parsed["message"] if parsed.keys() == {"message"} else None
    if "beforeend:#content" not in frame or synced(frame) is not None:
        return None
    read = Markup(frame)
    # In chapter 6, the text is a paragraph below the sender and the time.
    return read.text("li", "p") or read.text("li").strip()


def synced(frame: str | bytes) -> int | None:
    """Return the number of the last message that a sync answer covers, or None."""
    if isinstance(frame, bytes) or 'id="synced"' not in frame:
        return None
    numbers = [given["value"] for _, given in Markup(frame).tags if given.get("id") == "synced"]
    return int(numbers[0])
