"""Check a network that pauses, or silently loses everything."""

import time

import pytest

from tests.faults.pages import (
    check_pages,
    check_recovery,
    retry_until_acknowledged,
    talk,
    wait_until_complete,
)
from tests.faults.processes import until

NO_ANSWER_LIMIT = 65  # seconds: a sync after 30, and 30 more without an answer


@pytest.fixture
def served(chat, redis, proxy):
    """A server behind a network that can fail."""
    proxy.servers = [chat.serve(redis=redis)]
    return proxy.servers[0]


@pytest.fixture
def people(chat, served, proxy):
    """Ann and bob, after a short talk."""
    people = chat.open_pages("ann", "bob", port=proxy.port, clock=True)
    talk(people, 0.5)
    retry_until_acknowledged(people)
    wait_until_complete(people)
    return people


def test_network_pause_loses_no_message(chat, people, proxy, count):
    proxy.hold()
    talk(people, 3)
    proxy.release()
    check_recovery(people, count)
    talk(people, 0.5)
    retry_until_acknowledged(people)
    check_pages(people, count)
    assert not any("Not connected" in text for person in people for text in person.status_texts)
    chat.check_log_is_empty(count)


def test_message_whose_acknowledgement_was_lost_is_stored_once(chat, people, proxy, count):
    ann, bob = people
    proxy.lose_answers()
    text = ann.send_new_text()
    assert until(lambda: text in dict(map(reversed, chat.ledger.stored())))
    ann.press_enter()
    assert ann.read_texts()["form"] == text
    for person in people:
        person.give_up_socket()
    check_recovery(people, count)
    retry_until_acknowledged(people)
    check_pages(people, count)
    chat.check_log_is_empty(count)


def test_abandoned_socket_that_recovers_does_no_harm(chat, people, proxy, count):
    ann, bob = people
    proxy.hold()
    ann.send_new_text()
    for person in people:
        person.give_up_socket()
    retry_until_acknowledged(people)
    proxy.release()
    assert until(lambda: proxy.servers[0].sockets() == 2)
    for person in people:
        person.wait_until_connected()
    talk(people, 1)
    retry_until_acknowledged(people, 10)
    check_pages(people, count)
    chat.check_log_is_empty(count)


def test_page_notices_a_dead_connection_by_itself(chat, people, proxy, redis, count):
    proxy.lose()
    began = time.monotonic()
    for person in people:
        person.send_new_text()
    retry_until_acknowledged(people, NO_ANSWER_LIMIT)
    count("noticed after", f"{time.monotonic() - began:.1f} s")
    check_pages(people, count)
    chat.check_log_is_empty(count)
    # The server's pings find the dead connections, so their subscriptions end too.
    assert until(lambda: sum(redis.subscriptions().values()) == 5), redis.subscriptions()
    count("subscriptions", 5)
