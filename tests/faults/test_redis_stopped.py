"""A Redis that stops for a while, or is away at the wrong moment."""

from concurrent.futures import ThreadPoolExecutor

from websockets.exceptions import WebSocketException

from tests.faults.pages import insist, recover, settle, talk, verdict
from tests.faults.processes import until
from tests.faults.sockets import open_socket

# The layer lost Redis, an event wasn't sent, a socket was refused, a channel wasn't cleaned up,
# and a group wasn't left.
KINDS = 5
HANDSHAKES = 300
AT_ONCE = 20


def test_talk_goes_on_while_redis_is_away(chat, redis, count):
    server = chat.serve(redis=redis)
    people = ann, bob = chat.arrive("ann", "bob")
    talk(people, 1)
    redis.kill()
    talk(people, 3)
    insist(people)
    assert server.sockets() == 2  # the same two as before
    redis.start()
    for person in people:
        person.look_again()
    recover(people, count)
    assert until(lambda: sum(redis.subscriptions().values()) == 5), redis.subscriptions()
    talk(people, 1)
    insist(people)
    verdict(people, count)
    assert not any("Not connected" in told for told in ann.told | bob.told)
    chat.check_log(count, 1, KINDS)


def test_talk_goes_on_while_redis_does_not_answer(chat, redis, count):
    chat.serve(redis=redis)
    people = chat.arrive("ann", "bob")
    talk(people, 1)
    redis.freeze()
    talk(people, 7)  # the layer gives up after five seconds
    redis.thaw()
    insist(people)
    for person in people:
        person.look_again()
    recover(people, count)
    verdict(people, count)
    chat.check_log(count, 1, KINDS)


def test_page_loaded_while_redis_is_away_connects_when_it_is_back(chat, redis, count):
    chat.serve(redis=redis)
    ann, bob = chat.arrive("ann", "bob")
    redis.kill()
    bob.page.reload()
    bob.is_cut_off()
    ann.write()
    insist([ann])
    redis.start()
    recover([ann, bob], count)
    bob.is_connected()
    bob.write()
    insist([bob])
    verdict([ann, bob], count)
    chat.check_log(count, 1, KINDS)


def test_message_whose_event_was_lost_arrives_with_the_next_sync(chat, redis, count):
    chat.serve(redis=redis)
    ann, bob = chat.arrive("ann", "bob", clock=True)
    ann.write()
    insist([ann])
    settle([ann, bob])
    redis.kill()
    text = ann.write()
    insist([ann])
    assert text in dict(map(reversed, ann.messages()))
    assert text not in dict(map(reversed, bob.messages()))
    bob.page.clock.fast_forward(31_000)  # Redis stays away, and bob's page asks by itself
    recover([ann, bob], count)
    verdict([ann, bob], count, connected=False)
    chat.check_log(count, 1, KINDS)


def try_to_open(server, session, conversation):
    """Open a socket and close it again; tell whether the server let it in."""
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
        count("channels while Redis is away", during)
        redis.start()
        assert until(lambda: try_to_open(server, session, conversation))
        until(lambda: server.report()["channels"] == 1, 5)
        after = server.report()["channels"]
        count("channels after its return", after)
    assert (during, after) == (1, 1)
    assert until(lambda: server.report()["channels"] == 0, 5)


def test_leaving_while_redis_is_away_ends_all_memberships(chat, redis, count):
    server = chat.serve(redis=redis)
    people = chat.arrive("ann", "bob")
    talk(people, 0.5)
    insist(people)
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
