"""Check a Redis that stops for a while, or is down at the wrong moment."""

from concurrent.futures import ThreadPoolExecutor

from websockets.exceptions import WebSocketException

from tests.faults.pages import (
    check_pages,
    check_recovery,
    retry_until_acknowledged,
    talk,
    wait_until_complete,
)
from tests.faults.processes import until
from tests.faults.sockets import open_socket

# Kinds of log lines: the layer lost Redis, an event wasn't sent, a socket was refused, a channel
# wasn't cleaned up, and a group wasn't left.
KINDS = 5
HANDSHAKES = 300
AT_ONCE = 20


def test_chat_continues_while_redis_is_down(chat, redis, count):
    server = chat.serve(redis=redis)
    people = ann, bob = chat.open_pages("ann", "bob")
    talk(people, 1)
    redis.kill()
    talk(people, 3)
    retry_until_acknowledged(people)
    assert server.sockets() == 2  # the same two as before
    redis.start()
    for person in people:
        person.return_to_tab()
    check_recovery(people, count)
    assert until(lambda: sum(redis.subscriptions().values()) == 5), redis.subscriptions()
    talk(people, 1)
    retry_until_acknowledged(people)
    check_pages(people, count)
    assert not any("Not connected" in text for text in ann.status_texts | bob.status_texts)
    chat.check_log(count, 1, KINDS)


def test_chat_continues_while_redis_does_not_answer(chat, redis, count):
    chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    talk(people, 1)
    redis.freeze()
    talk(people, 7)  # the layer gives up after five seconds
    redis.thaw()
    retry_until_acknowledged(people)
    for person in people:
        person.return_to_tab()
    check_recovery(people, count)
    check_pages(people, count)
    chat.check_log(count, 1, KINDS)


def test_page_loaded_while_redis_is_down_connects_when_it_is_back(chat, redis, count):
    chat.serve(redis=redis)
    ann, bob = chat.open_pages("ann", "bob")
    redis.kill()
    bob.page.reload()
    bob.wait_until_disconnected()
    ann.send_new_text()
    retry_until_acknowledged([ann])
    redis.start()
    check_recovery([ann, bob], count)
    bob.wait_until_connected()
    bob.send_new_text()
    retry_until_acknowledged([bob])
    check_pages([ann, bob], count)
    chat.check_log(count, 1, KINDS)


def test_message_whose_event_was_lost_arrives_with_the_next_sync(chat, redis, count):
    chat.serve(redis=redis)
    ann, bob = chat.open_pages("ann", "bob", clock=True)
    ann.send_new_text()
    retry_until_acknowledged([ann])
    wait_until_complete([ann, bob])
    redis.kill()
    text = ann.send_new_text()
    retry_until_acknowledged([ann])
    assert text in dict(map(reversed, ann.messages()))
    assert text not in dict(map(reversed, bob.messages()))
    bob.page.clock.fast_forward(31_000)  # Redis stays down, and bob's page asks by itself
    check_recovery([ann, bob], count)
    check_pages([ann, bob], count, connected=False)
    chat.check_log(count, 1, KINDS)


def try_to_open(server, session, conversation):
    """Open a socket and close it again; tell whether the server accepted it."""
    try:
        with open_socket(server.port, session, conversation) as socket:
            socket.close()
    except (WebSocketException, OSError):
        return False
    return True


def test_refused_sockets_leave_no_channel_behind(chat, redis, count):
    server = chat.serve(redis=redis)
    session, conversation = chat.project.sessions["ann"], chat.project.conversation
    with open_socket(server.port, session, conversation):
        assert until(lambda: server.report()["channels"] == 1)
        redis.kill()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            tries = range(HANDSHAKES)
            let_in = pool.map(lambda _: try_to_open(server, session, conversation), tries)
            count("let in", sum(let_in))
        until(lambda: server.report()["channels"] == 1, 5)
        during = server.report()["channels"]
        count("channels while Redis is down", during)
        redis.start()
        assert until(lambda: try_to_open(server, session, conversation))
        until(lambda: server.report()["channels"] == 1, 5)
        after = server.report()["channels"]
        count("channels after its return", after)
    assert (during, after) == (1, 1)
    assert until(lambda: server.report()["channels"] == 0, 5)


def test_leaving_while_redis_is_down_ends_all_memberships(chat, redis, count):
    server = chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    talk(people, 0.5)
    retry_until_acknowledged(people)
    redis.kill()
    for person in people:
        person.page.goto("about:blank")
    until(lambda: server.report()["memberships"] == 0, 5)
    report = server.report()
    count("channels", report["channels"])
    count("memberships", report["memberships"])
    redis.start()
    for person in people:
        person.enter()
    refused = [line for line in server.complaints() if "refused:" in line]
    count("lines about a refused socket", len(refused))
    assert (report["channels"], report["memberships"], refused) == (0, 0, [])
    chat.check_log(count, 1, KINDS)
