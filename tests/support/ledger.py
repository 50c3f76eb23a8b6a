"""Compare the messages that were sent, acknowledged and stored with those that pages show."""

import sqlite3
import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field

import psycopg

LATEST = 50  # messages on a page that was just loaded
SQLITE = "sqlite:///"


@dataclass
class Ledger:
    """The messages that people sent in one conversation. `database` is its database's URL."""

    database: str
    conversation: int
    sent: dict[str, str] = field(default_factory=dict)  # each text's sender
    acknowledged: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next_text(self, name: str) -> str:
        """Return a new text, and record that `name` sends it."""
        with self._lock:
            text = f"{name} {len(self.sent) + 1}"
            self.sent[text] = name
        return text

    def write(self, name: str, count: int) -> None:
        """Store messages by `name` in SQLite, of which no page hears."""
        row = """
            INSERT INTO chat_message (conversation_id, sender_id, content, timestamp)
            SELECT ?, id, ?, CURRENT_TIMESTAMP FROM auth_user WHERE username = ?
        """
        with closing(sqlite3.connect(self.database.removeprefix(SQLITE))) as connection, connection:
            rows = ((self.conversation, self.next_text(name), name) for _ in range(count))
            connection.executemany(row, rows)

    def stored(self) -> list[tuple[int, str]]:
        """Return the IDs and texts of the stored messages, in order."""
        query = "SELECT id, content FROM chat_message WHERE conversation_id = {} ORDER BY id"
        with closing(connect(self.database)) as connection:
            return connection.execute(query.format(int(self.conversation))).fetchall()

    def faults(
        self,
        shown: dict[str, list[tuple[int, str]]],
        stored: list[tuple[int, str]] | None = None,
        acknowledged: set[str] | None = None,
    ) -> list[str]:
        """Return a sentence for each message that's lost, duplicated or out of order.

        `shown` maps each person to the IDs and texts on their page, from top to bottom. While
        people talk, give what was stored at some moment and what had been acknowledged before it.
        """
        stored = self.stored() if stored is None else stored
        acknowledged = self.acknowledged if acknowledged is None else acknowledged
        known = set(stored)
        texts = Counter(text for _, text in stored)
        found = [f"{text} was stored {count} times" for text, count in texts.items() if count > 1]
        found += [f"{text} was acknowledged but not stored" for text in acknowledged - texts.keys()]
        for name, messages in shown.items():
            on_page = Counter(messages)
            for message, count in on_page.items():
                if count > 1:
                    found.append(f"{name}'s page shows {message[1]} {count} times")
            for message in stored:
                if message not in on_page:
                    found.append(f"{name}'s page doesn't show {message[1]}")
            for message in messages:
                if message not in known:
                    found.append(f"{name}'s page shows {message}, which isn't stored")
            if messages != sorted(messages):
                found.append(f"{name}'s page is out of order: {[number for number, _ in messages]}")
        return found

    def complete(self, messages: list[tuple[int, str]]) -> bool:
        """Tell whether a page shows every message that's stored."""
        return set(self.stored()) <= set(messages)


def connect(database: str):
    """Open a connection for reading."""
    if database.startswith(SQLITE):
        path = database.removeprefix(SQLITE)
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    return psycopg.connect(database, autocommit=True, connect_timeout=5)
