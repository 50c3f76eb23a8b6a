"""Describe how tests talk to each chapter's socket."""

from dataclasses import dataclass

from course import chapters


@dataclass(frozen=True)
class Contract:
    """A chapter's socket, and the users who have to log in to open it.

    `socket` is the path of its WebSocket, and `key` is the JSON key of a message; both are empty
    without a WebSocket. `shared` tells whether other members receive a message, and `syncs` whether
    a page may ask for messages that it missed. `people` are the users who take part there.
    """

    socket: str = ""
    key: str = ""
    shared: bool = True
    syncs: bool = False
    people: tuple[str, ...] = ()


ROOM = "/ws/chat/lobby/"

# Ann, bob and carol take part in the demo's second conversation.
_CONTRACTS = [
    Contract(),
    Contract(ROOM, "message", shared=False),
    Contract(ROOM, "message"),
    Contract(ROOM, "message"),
    Contract(ROOM, "chat_message"),
    Contract("/ws/chat/2/", "chat_message", syncs=True, people=("ann", "bob", "carol")),
]
CHAPTERS = dict(zip(chapters.NAMES, _CONTRACTS, strict=True))
WITH_SOCKET = [name for name, contract in CHAPTERS.items() if contract.socket]
