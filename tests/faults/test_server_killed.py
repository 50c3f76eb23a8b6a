"""A server that dies, alone or as one of two, and one that does not answer."""

import pytest

from tests.faults.pages import insist, recover, talk, verdict
from tests.faults.processes import until


@pytest.mark.parametrize(("layer", "times"), [("memory", 1), ("redis", 3)])
def test_everybody_talks_on_when_the_server_was_killed(chat, layer, times, request, count):
    redis = request.getfixturevalue("redis") if layer == "redis" else None
    server = chat.serve(redis=redis)
    people = chat.arrive("ann", "bob")
    for _ in range(times):
        talk(people, 1)
        server.freeze()  # so that both have a message under way
        talk(people, 0.5)
        server.kill()
        for person in people:
            person.is_cut_off()
        talk(people, 0.5)
        for person in people:
            person.is_told("Not sent")
        server.start()
        recover(people, count)
    talk(people, 1)
    insist(people)
    verdict(people, count)
    chat.check_log_is_empty(count)
    if redis:
        nobody_is_left(redis, count)


def nobody_is_left(redis, count):
    """See that no membership of a dead connection is left."""
    # A channel for each of two pages, the group of their conversation, and one for each person.
    assert until(lambda: sum(redis.subscriptions().values()) <= 5, 5), redis.subscriptions()
    count("subscriptions", sum(redis.subscriptions().values()))


def test_pages_go_on_at_the_other_server_when_one_of_two_was_killed(chat, redis, proxy, count):
    first, second = chat.serve(2, redis=redis), chat.servers[1]
    proxy.servers = [first, second]
    people = chat.arrive("ann", port=proxy.port)
    proxy.servers = [second, first]
    people += chat.arrive("bob", port=proxy.port)
    assert (first.sockets(), second.sockets()) == (1, 1)
    talk(people, 1)
    first.freeze()
    talk(people, 0.5)
    first.kill()
    people[0].is_cut_off()
    talk(people, 1)
    recover(people, count)
    talk(people, 1)
    insist(people)
    assert second.sockets() == 2
    verdict(people, count)
    chat.check_log_is_empty(count)
    nobody_is_left(redis, count)


def test_impatient_finger_sends_one_message(chat, count):
    server = chat.serve()
    ann, bob = chat.arrive("ann", "bob")
    server.freeze()
    ann.write()
    for _ in range(10):
        ann.press_enter()
    server.thaw()
    recover([ann, bob], count)
    insist([ann])
    verdict([ann, bob], count)
    assert len(bob.messages()) == 1
    chat.check_log_is_empty(count)
