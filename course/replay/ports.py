"""Replace a page's ports by free ones in a replay."""

import re

from course.processes import free_port
from course.replay.server_kinds import KINDS


class Ports:
    """Free ports instead of a page's. `real` is {the page's port: the free one}."""

    def __init__(self):
        self.real = {port: free_port() for port in {kind.port for kind in KINDS} - {None}}

    def to_replay(self, text: str) -> str:
        """Return a page's text with the free ports."""
        for shown, real in self.real.items():
            text = _as_port(shown).sub(rf"\g<1>{real}", text)
        return text

    def to_page(self, text: str) -> str:
        """Return printed text with the page's ports."""
        for shown, real in self.real.items():
            text = _as_port(real).sub(rf"\g<1>{shown}", text)
        return text

    def names(self, text: str, shown: int) -> bool:
        """Return whether `text`, as to_replay() gives it, names the port that replaces `shown`."""
        return bool(_as_port(self.real[shown]).search(text))


def _as_port(port: int) -> re.Pattern:
    """Match a number used as a port: `:8000`, `port 8000`, `-p 8000`, `('127.0.0.1', 8000)`."""
    before = r":|\bport\b\W{1,4}|-p |\brunserver |\blisten |', "
    return re.compile(rf"({before}){port}(?!\d)", re.IGNORECASE)
