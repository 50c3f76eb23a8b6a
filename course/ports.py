"""Replace a page's ports by free ones in a replay."""

import random
import re
import socket
import threading

PAGES = (8000, 6379)


class Ports:
    """Free ports instead of a page's. `real` is {the page's port: the free one}."""

    _taken: set[int] = set()  # by all replays of this process
    _lock = threading.Lock()

    def __init__(self):
        self.real = {port: self._free() for port in PAGES}

    def local(self, text: str) -> str:
        """Return a page's text with the free ports."""
        for shown, real in self.real.items():
            text = _places(shown).sub(rf"\g<1>{real}", text)
        return text

    def public(self, text: str) -> str:
        """Return printed text with the page's ports."""
        for shown, real in self.real.items():
            text = _places(real).sub(rf"\g<1>{shown}", text)
        return text

    def names(self, text: str, shown: int) -> bool:
        """Return whether `text`, made local, names the free port that replaces `shown`."""
        return bool(_places(self.real[shown]).search(text))

    @classmethod
    def _free(cls) -> int:
        while True:
            # Below those that systems give to outgoing connections, which would come and go.
            port = random.randint(20_000, 29_999)
            with cls._lock, socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                if port not in cls._taken:
                    cls._taken.add(port)
                    return port


def _places(port: int) -> re.Pattern:
    """Match a number used as a port: `:8000`, `port 8000`, `-p 8000`, `('127.0.0.1', 8000)`."""
    return re.compile(rf"(:|\bport\b\W{{1,4}}|-p |\brunserver |', ){port}(?!\d)", re.IGNORECASE)
