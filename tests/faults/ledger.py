"""The accounts of a conversation: what was sent, acknowledged and stored, against what shows."""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

LATEST = 50  # messages on a page that was loaded anew


@dataclass
class Ledger:
    """What people have sent in one conversation, whose messages lie in the file `database`."""

    database: Path
    conversation: int
    sent: dict[str, str] = field(default_factory=dict)  # a text, and who sent it
    acknowledged: set[str] = field(default_factory=set)

    def next_text(self, name: str) -> str:
        """Return a text that nobody has sent yet, entered as sent by `name`."""
        text = f"{name} {len(self.sent) + 1}"
        self.sent[text] = name
        return text

    def stored(self) -> list[tuple[int, str]]:
        """Return the numbers and texts of the messages that the database has, in order."""
        question = "SELECT id, content FROM chat_message WHERE conversation_id = ? ORDER BY id"
        address = f"file:{self.database}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=20)) as connection:
            return connection.execute(question, [self.conversation]).fetchall()

    def faults(self, shown: dict[str, list[tuple[int, str]]]) -> list[str]:
        """Return a sentence for each message that is lost, doubled, or out of its place.

        `shown` has, by person, the numbers and texts on their page from top to bottom.
        """
        stored = self.stored()
        texts = Counter(text for _, text in stored)
        found = [f"{text} was stored {count} times" for text, count in texts.items() if count > 1]
        found += [
            f"{text} was acknowledged and not stored" for text in self.acknowledged - texts.keys()
        ]
        for name, messages in shown.items():
            for message, count in Counter(messages).items():
                if count > 1:
                    found.append(f"{name}'s page shows {message[1]} {count} times")
            for message in stored:
                if message not in messages:
                    found.append(f"{name}'s page lacks {message[1]}")
            for message in messages:
                if message not in stored:
                    found.append(f"{name}'s page shows {message}, which is not stored")
            if messages != sorted(messages):
                found.append(f"{name}'s page is out of order: {[number for number, _ in messages]}")
        return found

    def complete(self, messages: list[tuple[int, str]]) -> bool:
        """Tell whether a page shows every message that is stored."""
        return set(self.stored()) <= set(messages)
