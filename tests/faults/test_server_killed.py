"""Check a server that's killed, alone or as one of two, and one that doesn't answer."""

import pytest

from tests.faults.pages import check_pages, check_recovery, retry_until_acknowledged, talk
from tests.faults.processes import until


@pytest.mark.parametrize(("layer", "times"), [("memory", 1), ("redis", 3)])
def test_chat_continues_after_the_server_is_killed(chat, layer, times, request, count):
    redis = request.getfixturevalue("redis") if layer == "redis" else None
    server = chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    for _ in range(times):
        talk(people, 1)
        server.freeze()  # so that both people have a message under way
        talk(people, 0.5)
        server.kill()
        for person in people:
            person.wait_until_disconnected()
        talk(people, 0.5)
        for person in people:
            person.wait_for_notice("Not yet")  # it's sent again by itself
        server.start()
        check_recovery(people, count)
    talk(people, 1)
    retry_until_acknowledged(people)
    check_pages(people, count)
    chat.check_log_is_empty(count)
    if redis:
        check_subscriptions(redis, count)


def check_subscriptions(redis, count):
    """Check that dead connections have left no subscription behind."""
    # A channel for each of two pages, the group of their conversation, and one for each person.
    assert until(lambda: sum(redis.subscriptions().values()) <= 5, 5), redis.subscriptions()
    count("subscriptions", sum(redis.subscriptions().values()))


def test_pages_move_to_the_other_server_when_one_of_two_is_killed(chat, redis, proxy, count):
    first, second = chat.serve(2, redis=redis), chat.servers[1]
    proxy.servers = [first, second]
    people = chat.open_pages("ann", port=proxy.port)
    proxy.servers = [second, first]
    people += chat.open_pages("bob", port=proxy.port)
    assert (first.sockets(), second.sockets()) == (1, 1)
    talk(people, 1)
    first.freeze()
    talk(people, 0.5)
    first.kill()
    people[0].wait_until_disconnected()
    talk(people, 1)
    check_recovery(people, count)
    talk(people, 1)
    retry_until_acknowledged(people)
    assert second.sockets() == 2
    check_pages(people, count)
    chat.check_log_is_empty(count)
    check_subscriptions(redis, count)


def test_pressing_enter_repeatedly_sends_one_message(chat, count):
    server = chat.serve()
    ann, bob = chat.open_pages("ann", "bob")
    server.freeze()
    ann.send_new_text()
    for _ in range(10):
        ann.press_enter()
    server.thaw()
    check_recovery([ann, bob], count)
    retry_until_acknowledged([ann])
    check_pages([ann, bob], count)
    assert len(bob.messages()) == 1
    chat.check_log_is_empty(count)
