"""Redis that stops for a while, or is away at the wrong moment."""

from tests.faults.pages import insist, recover, settle, talk, verdict
from tests.faults.processes import until

# The layer lost Redis, an event was not sent on, a socket was closed, and its channel not left.
KINDS = 4


def test_everybody_talks_on_while_redis_is_away(chat, redis, count):
    server = chat.serve(redis=redis)
    people = ann, bob = chat.arrive("ann", "bob")
    talk(people, 1)
    redis.kill()
    talk(people, 3)
    insist(people)
    assert server.sockets() == 2  # those of before: nobody was cut off
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


def test_everybody_talks_on_while_redis_does_not_answer(chat, redis, count):
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


def test_page_that_comes_while_redis_is_away_is_let_in_when_it_is_back(chat, redis, count):
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


def test_message_that_was_stored_and_not_sent_on_comes_by_the_next_sync(chat, redis, count):
    chat.serve(redis=redis)
    ann, bob = chat.arrive("ann", "bob")
    ann.write()
    insist([ann])
    settle([ann, bob])
    redis.kill()
    text = ann.write()
    insist([ann])
    assert text in dict(map(reversed, ann.messages()))
    assert text not in dict(map(reversed, bob.messages()))
    recover([ann, bob], count)  # Redis stays away: bob's page asks by itself
    verdict([ann, bob], count, connected=False)
    chat.check_log(count, 1, KINDS)
