"""Check that people can send despite a database that another writer has locked."""

import sqlite3
from contextlib import closing

from tests.faults.ledger import SQLITE
from tests.faults.pages import (
    check_pages,
    check_recovery,
    retry_until_acknowledged,
    wait_until_complete,
)


def test_sender_gets_an_error_when_the_database_is_locked(chat, count):
    chat.serve()
    people = chat.open_pages("ann", "bob")
    for person in people:
        person.send_new_text()
    retry_until_acknowledged(people)
    wait_until_complete(people)
    before = chat.ledger.stored()
    with closing(
        sqlite3.connect(chat.database.removeprefix(SQLITE), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        texts = [person.send_new_text() for person in people]
        for person, text in zip(people, texts, strict=True):
            person.wait_for_notice("could not be stored", 30)
            assert person.read_texts()["form"] == text
        assert chat.ledger.stored() == before
        other.execute("ROLLBACK")
    check_recovery(people, count)
    retry_until_acknowledged(people)
    check_pages(people, count)
    chat.check_log(count, 1, 1)
