"""People without a browser: each sends messages on a socket and insists until they're stored."""

import json
import threading
import uuid
from dataclasses import dataclass, field

from websockets.sync.client import connect

from tests.faults.ledger import Ledger

PATIENCE = 30  # seconds that a sender waits for an answer
NOT_STORED = "could not be stored"


def open_socket(port: int, session: str, conversation: int):
    """Open a person's socket in a conversation, as a page would."""
    return connect(
        f"ws://127.0.0.1:{port}/ws/chat/{conversation}/",
        origin="http://127.0.0.1",
        additional_headers={"Cookie": f"sessionid={session}"},
        proxy=None,
        open_timeout=PATIENCE,
        close_timeout=0,
    )


@dataclass
class Sender:
    """Somebody who sends `count` messages one after another, in the conversation of a ledger."""

    name: str
    session: str
    ledger: Ledger
    count: int
    port: int
    refused: int = 0  # times that a message had to be sent again
    trouble: list[str] = field(default_factory=list)

    def __post_init__(self):
        # Texts are numbered here because senders share a ledger and run at the same time.
        self.texts = [self.ledger.next_text(self.name) for _ in range(self.count)]

    def send_all(self) -> None:
        try:
            with open_socket(self.port, self.session, self.ledger.conversation) as socket:
                for text in self.texts:
                    self.send(socket, text)
        except Exception as error:
            self.trouble.append(f"{self.name}: {error!r}")

    def send(self, socket, text: str) -> None:
        """Send one message until it comes back, always with the same client ID."""
        client_id = str(uuid.uuid4())
        frame = json.dumps({"chat_message": text, "client_id": client_id})
        socket.send(frame)
        while f'data-client-id="{client_id}"' not in (answer := socket.recv(timeout=PATIENCE)):
            if NOT_STORED in answer:
                self.refused += 1
                socket.send(frame)
        self.ledger.acknowledged.add(text)


class Crowd:
    """Senders at work. Leaving the context waits until all their messages are stored."""

    def __init__(self, senders: list[Sender]):
        self.senders = senders
        self._threads = [threading.Thread(target=one.send_all) for one in senders]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_) -> None:
        for thread in self._threads:
            thread.join()
        assert [trouble for one in self.senders for trouble in one.trouble] == []

    @property
    def refused(self) -> int:
        return sum(one.refused for one in self.senders)
