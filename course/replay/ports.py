"""Replace a page's ports by free ones in a replay."""

import re

from course.processes import free_port

PAGES = (8000, 6379)


class Ports:
    """Free ports instead of a page's. `real` is {the page's port: the free one}."""

    def __init__(self):
        self.real = {port: free_port() for port in PAGES}

    def to_replay(self, text: str) -> str:
        """Return a page's text with the free ports."""
        for shown, real in self.real.items():
            text = _places(shown).sub(rf"\g<1>{real}", text)
        return text

    def to_page(self, text: str) -> str:
        """Return printed text with the page's ports."""
        for shown, real in self.real.items():
            text = _places(real).sub(rf"\g<1>{shown}", text)
        return text

    def names(self, text: str, shown: int) -> bool:
        """Return whether `text`, as to_replay() gives it, names the port that replaces `shown`."""
        return bool(_places(self.real[shown]).search(text))


def _places(port: int) -> re.Pattern:
    """Match a number used as a port: `:8000`, `port 8000`, `-p 8000`, `('127.0.0.1', 8000)`."""
    return re.compile(rf"(:|\bport\b\W{{1,4}}|-p |\brunserver |', ){port}(?!\d)", re.IGNORECASE)
