"""A database that somebody else writes to, and does not let go."""

import sqlite3
from contextlib import closing

from tests.faults.ledger import SQLITE
from tests.faults.pages import insist, recover, settle, verdict


def test_sender_is_told_when_the_database_is_locked(chat, count):
    chat.serve()
    people = chat.arrive("ann", "bob")
    for person in people:
        person.write()
    insist(people)
    settle(people)
    before = chat.ledger.stored()
    with closing(
        sqlite3.connect(chat.database.removeprefix(SQLITE), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        texts = [person.write() for person in people]
        for person, text in zip(people, texts, strict=True):
            person.is_told("could not be stored", 30)
            assert person.see()["form"] == text
        assert chat.ledger.stored() == before
        other.execute("ROLLBACK")
    recover(people, count)
    insist(people)
    verdict(people, count)
    chat.check_log(count, 1, 1)
