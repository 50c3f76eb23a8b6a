"""What a chapter's server answers over a socket: a message, a refusal, or neither."""

import json
import re
from html.parser import HTMLParser

NOTICE = re.compile(r'<p hx-swap-oob="innerHTML:#notice">(.+)</p>', re.DOTALL)


class Markup(HTMLParser):
    """A page or a frame, read as a browser reads it.

    `tags` are pairs of a name and its attributes, `texts` pairs of what stands open, outermost
    first, and the text in it.
    """

    # Those that never stand open.
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
        """Return the text that stands in all of these elements."""
        return "".join(text for where, text in self.texts if set(inside) <= set(where))


def refusal(frame: str | bytes) -> str | None:
    """Return what is said to the sender of a frame that was refused, or None."""
    if isinstance(frame, bytes):
        return None
    if frame.startswith("{"):
        said = json.loads(frame)
        return said["error"] if said.keys() == {"error"} else None
    found = NOTICE.fullmatch(frame.strip())
    return found[1] if found and "<" not in found[1] else None


def message(frame: str | bytes) -> str | None:
    """Return the text of the message in a frame as a reader sees it, or None."""
    if isinstance(frame, bytes):
        return None
    if frame.startswith("{"):
        said = json.loads(frame)
        return said["message"] if said.keys() == {"message"} else None
    if "beforeend:#content" not in frame or synced(frame) is not None:
        return None
    read = Markup(frame)
    # Chapter 6 has a paragraph for it, below the sender and the time.
    return read.text("li", "p") or read.text("li").strip()


def synced(frame: str | bytes) -> int | None:
    """Return up to which message a page is complete with a frame that it asked for, or None."""
    if isinstance(frame, bytes) or 'id="synced"' not in frame:
        return None
    numbers = [given["value"] for _, given in Markup(frame).tags if given.get("id") == "synced"]
    return int(numbers[0])
