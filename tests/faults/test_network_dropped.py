"""A network that pauses, or swallows what is said on it without a word."""

import time

import pytest

from tests.faults.pages import insist, recover, settle, talk, verdict
from tests.faults.processes import until

UNHEARD_LIMIT = 65  # seconds: a sync every thirty, and a second one that gives the socket up


@pytest.fixture
def served(chat, redis, proxy):
    """A server behind a network that can fail."""
    proxy.servers = [chat.serve(redis=redis)]
    return proxy.servers[0]


@pytest.fixture
def people(chat, served, proxy):
    """Ann and bob, who have said something."""
    people = chat.arrive("ann", "bob", port=proxy.port)
    talk(people, 0.5)
    insist(people)
    settle(people)
    return people


def test_pause_of_the_network_loses_nothing(chat, people, proxy, count):
    proxy.hold()
    talk(people, 3)
    proxy.release()
    recover(people, count)
    talk(people, 0.5)
    insist(people)
    verdict(people, count)
    assert not any("Not connected" in told for person in people for told in person.told)
    chat.check_log_is_empty(count)


def test_message_whose_acknowledgement_was_lost_is_stored_once(chat, people, proxy, count):
    ann, bob = people
    proxy.lose_answers()
    text = ann.write()
    assert until(lambda: text in dict(map(reversed, chat.ledger.stored())))
    ann.press_enter()
    assert ann.see()["form"] == text
    for person in people:
        person.look_again()
        person.look_again()  # the first got no answer
    recover(people, count)
    insist(people)
    verdict(people, count)
    chat.check_log_is_empty(count)


def test_connection_that_was_given_up_and_comes_back_does_no_harm(chat, people, proxy, count):
    ann, bob = people
    proxy.hold()
    ann.write()
    for person in people:
        person.look_again()
        person.look_again()
    insist(people)
    proxy.release()
    assert until(lambda: proxy.servers[0].sockets() == 2)
    for person in people:
        person.is_connected()
    talk(people, 1)
    insist(people, 10)
    verdict(people, count)
    chat.check_log_is_empty(count)


def test_page_notices_by_itself_that_nobody_hears_it(chat, people, proxy, redis, count):
    proxy.lose()
    began = time.monotonic()
    for person in people:
        person.write()
    insist(people, UNHEARD_LIMIT)
    count("noticed after", f"{time.monotonic() - began:.1f} s")
    verdict(people, count)
    chat.check_log_is_empty(count)
    # Those of the connections that were lost as well: the server asks after them by pings.
    assert until(lambda: sum(redis.subscriptions().values()) == 5), redis.subscriptions()
    count("subscriptions", 5)
