"""Send as people without a browser: each sends messages on a socket until they're stored."""

import contextlib
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support.ledger import Ledger

PATIENCE = 30  # seconds that a sender waits for an answer
QUIET = 0.3  # seconds without an event after which a sender has heard everything
NOT_STORED = "could not be stored"


def listen_until_quiet(socket) -> list[str]:
    """Return the frames that arrive until none has for QUIET seconds."""
    frames = []
    with contextlib.suppress(TimeoutError):
        while True:
            frames.append(socket.recv(timeout=QUIET))
    return frames


@dataclass
class Sender:
    """A person who sends `count` messages one after another, in the conversation of a ledger."""

    name: str
    ledger: Ledger
    count: int
    open_socket: Callable
    refused: int = 0  # times that a message had to be sent again
    trouble: list[str] = field(default_factory=list)

    def send_all(self, done: threading.Barrier) -> None:
        """Send the messages, and keep the socket open until all senders are done.

        A socket that's closed while events arrive leaves a traceback in Daphne's log.
        """
        try:
            with self.open_socket() as socket:
                while self.count > 0:
                    self.send(socket)
                    self.count -= 1
                done.wait(PATIENCE)
                listen_until_quiet(socket)
        except Exception as error:
            done.abort()
            self.trouble.append(f"{self.name}: {error!r}")

    def send(self, socket) -> None:
        """Send a message until it comes back, always with the same client ID."""
        text = self.ledger.next_text(self.name)
        client_id = str(uuid.uuid4())
        frame = json.dumps({"chat_message": text, "client_id": client_id})
        socket.send(frame)
        while f'data-client-id="{client_id}"' not in (answer := socket.recv(timeout=PATIENCE)):
            if NOT_STORED in answer:
                self.refused += 1
                socket.send(frame)
        self.ledger.acknowledged.add(text)


class Crowd:
    """Senders who work at the same time. Leaving the context waits until all are done.

    It fails if a message couldn't be stored, unless their sockets `may_break`.
    """

    def __init__(self, senders: list[Sender], may_break: bool = False):
        self.senders = senders
        self._may_break = may_break
        done = threading.Barrier(len(senders))
        self._threads = [threading.Thread(target=one.send_all, args=[done]) for one in senders]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        for thread in self._threads:
            thread.join()
        if not self._may_break:
            assert [trouble for one in self.senders for trouble in one.trouble] == []

    def finish(self) -> None:
        """Let each send no further message than the one it's sending."""
        for one in self.senders:
            one.count = 0

    @property
    def refused(self) -> int:
        return sum(one.refused for one in self.senders)
