"""What members of a conversation send and see, and when: the same for programs and browsers."""

import math
import time
from dataclasses import dataclass, field

from tests.support.ledger import Ledger


@dataclass
class Conversation(Ledger):
    """A conversation's ledger, with the times at which its messages were sent and acknowledged."""

    sent_at: dict[str, float] = field(default_factory=dict)
    acknowledged_at: dict[str, float] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)  # the texts as they were acknowledged

    def next_text(self, name: str) -> str:
        text = super().next_text(name)
        self.sent_at[text] = time.time()
        return text

    def acknowledge(self, text: str, at: float) -> None:
        self.acknowledged.add(text)
        self.acknowledged_at[text] = at
        self.order.append(text)


class Member:
    """A person on a conversation's page, and what that page shows.

    `returns`: this person comes back to the tab every few seconds, and the page then asks for what
    it missed. Otherwise it asks every 30 seconds, and a second or two after it notices a gap.
    """

    def __init__(self, name: str, session: str, conversation: Conversation, returns: bool):
        self.name = name
        self.session = session  # its cookie's value
        self.conversation = conversation
        self.returns = returns
        self.connected = False
        self.messages: dict[int, str] = {}  # by number
        self.pending: str | None = None  # the text that was sent and isn't acknowledged yet
        self.notices: list[tuple[float, str]] = []
        # How long each acknowledgement and each delivery took, and when it came. Reconnecting is
        # always slow.
        self.delays: list[tuple[float, float]] = []
        self.trouble: list[str] = []  # what must never happen
        self._texts: set[str] = set()
        self._checked = 0  # so many of the acknowledged messages are on the page

    def show(self, number: int, text: str, at: float) -> None:
        """Record that a message is on the page from now on."""
        if number in self.messages:
            if self.messages[number] != text:
                self.trouble.append(f"{number} was {self.messages[number]}, then {text}")
            return
        self.messages[number] = text
        self._texts.add(text)
        self.delays.append((at - self.conversation.acknowledged_at.get(text, at), at))

    def send_next(self) -> str:
        """Return a new text, which is pending until it's acknowledged."""
        self.pending = self.conversation.next_text(self.name)
        return self.pending

    def acknowledge(self, at: float) -> None:
        """Record that the pending text came back."""
        self.delays.append((at - self.conversation.sent_at[self.pending], at))
        self.conversation.acknowledge(self.pending, at)
        self.pending = None

    def connect(self, at: float) -> None:
        self.connected = True
        self.delays.append((math.inf, at))

    def last_slow(self, late: float) -> float:
        """Return when something came last that had taken longer than `late` seconds, or 0."""
        return max((at for took, at in self.delays if took > late), default=0)

    def lacks(self, moment: float) -> str:
        """Return what this page lacks of what was sent before that moment, or an empty string.

        That's a connection, the acknowledgement of its own message, or a message that was
        acknowledged.
        """
        sent_at, order = self.conversation.sent_at, self.conversation.order
        if not self.connected:
            return "isn't connected"
        if self.pending and sent_at[self.pending] < moment:
            return f"waits for the acknowledgement of {self.pending!r}"
        while self._checked < len(order) and order[self._checked] in self._texts:
            self._checked += 1
        for text in order[self._checked :]:
            if sent_at[text] < moment and text not in self._texts:
                return f"doesn't show {text!r}"
        return ""

    def shown(self) -> list[tuple[int, str]]:
        """Return the numbers and texts on the page, from top to bottom."""
        return sorted(self.messages.items())
