"""Check a network that pauses, loses everything or breaks, and pages that catch up afterwards."""

import pytest

from course.processes import until
from tests.faults.pages import (
    check_pages,
    check_recovery,
    retry_until_acknowledged,
    talk,
    wait_until_complete,
)
from tests.faults.sockets import PATIENCE
from tests.faults.subject import SUBSCRIPTIONS

SYNC = 31_000  # milliseconds: past a page's next sync, or past its patience for the answer
# Daphne's pings find dead sockets after half a minute; here it needn't take as long.
OFTEN = ["--ping-interval", "2", "--ping-timeout", "3"]
MEMORY = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
LOSING = {"BACKEND": "faults_inside.LosingMemoryLayer"}
SCROLL_UP = "() => { document.querySelector('#content').scrollTop = 200; }"
# The reader's place: how far the list is scrolled, and which message is at its upper edge.
READING = """() => {
  const content = document.querySelector("#content");
  const edge = content.getBoundingClientRect().top;
  const top = [...content.children].find((item) => item.getBoundingClientRect().bottom > edge);
  return [Math.round(content.scrollTop), top.id];
}"""


def begin_to_talk(chat, proxy, redis, *options):
    """Return ann and bob after a short talk, over a network that can fail."""
    proxy.servers = [chat.serve(*options, redis=redis)]
    people = chat.open_pages("ann", "bob", port=proxy.port, clock=True)
    talk(people, 0.5)
    retry_until_acknowledged(people)
    wait_until_complete(people)
    return people


def test_network_pause_loses_no_message(chat, proxy, redis, count):
    people = begin_to_talk(chat, proxy, redis)
    proxy.hold()
    talk(people, 2)
    proxy.release()
    check_recovery(people, count)
    talk(people, 0.5)
    retry_until_acknowledged(people)
    check_pages(people, count)
    assert not any("Not connected" in text for person in people for text in person.status_texts)
    chat.check_log(count)


def test_message_whose_acknowledgement_was_lost_is_stored_once(chat, proxy, redis, count):
    people = ann, bob = begin_to_talk(chat, proxy, redis)
    proxy.lose_answers()
    text = ann.send_new_text()
    assert until(lambda: text in dict(map(reversed, chat.ledger.stored())), PATIENCE)
    ann.press_enter()
    assert ann.read_texts()["form"] == text
    for person in people:
        person.return_to_tab()
        person.page.clock.fast_forward(SYNC)
    check_recovery(people, count)
    retry_until_acknowledged(people)
    check_pages(people, count)
    chat.check_log(count)


def test_abandoned_socket_that_recovers_does_no_harm(chat, proxy, redis, count):
    people = ann, bob = begin_to_talk(chat, proxy, redis)
    proxy.hold()
    ann.send_new_text()
    for person in people:
        person.return_to_tab()
        person.page.clock.fast_forward(SYNC)
    retry_until_acknowledged(people)
    proxy.release()
    assert until(lambda: chat.servers[0].sockets() == 2, PATIENCE)
    for person in people:
        person.wait_until_connected()
    talk(people, 1)
    retry_until_acknowledged(people, 10)
    check_pages(people, count)
    chat.check_log(count)


def test_page_and_server_notice_a_dead_connection_by_themselves(chat, proxy, redis, count):
    people = begin_to_talk(chat, proxy, redis, *OFTEN)
    proxy.lose()
    for person in people:
        person.send_new_text()
        person.page.clock.fast_forward(SYNC)  # the page asks for messages that it missed ...
        person.page.clock.fast_forward(SYNC)  # ... and gets no answer
    retry_until_acknowledged(people)
    check_pages(people, count)
    chat.check_log(count)
    # The server's pings find the dead connections, so their subscriptions end too.
    assert until(lambda: redis.subscriptions() == SUBSCRIPTIONS, PATIENCE), redis.subscriptions()


def test_page_that_reconnects_during_a_burst_misses_nothing(chat, proxy, count):
    server = chat.serve(layer=LOSING)
    proxy.servers = [server]
    people = [ann] = chat.open_pages("ann", port=proxy.port, clock=True)
    talk(people, 0.5)
    retry_until_acknowledged(people)
    wait_until_complete(people)
    ann.mark_first_message()
    proxy.servers = []
    proxy.cut()
    ann.wait_until_disconnected()
    chat.ledger.write("carol", 500)
    before = len(chat.ledger.stored())
    with chat.crowd(4000) as crowd:
        assert until(lambda: len(chat.ledger.stored()) > before + 20, PATIENCE)
        proxy.servers = [server]
        ann.page.clock.fast_forward(10_000)  # past the page's wait for its next attempt
        ann.wait_until_connected()
        count("of the burst before the page was back", len(chat.ledger.stored()) - before)
        talk(people, 0.5)
        crowd.finish()
    retry_until_acknowledged(people)
    assert chat.report()["lost"] > 0
    answers = ann.answers
    ann.return_to_tab()
    ann.wait_for_answers(answers + 1)
    check_recovery(people, count)
    assert ann.still_has_marked_message()
    check_pages(people, count)
    chat.check_log(count)


def test_page_that_missed_nothing_keeps_its_list_when_it_reconnects(chat, proxy, count):
    proxy.servers = [chat.serve(layer=MEMORY)]
    people = [ann] = chat.open_pages("ann", port=proxy.port, clock=True)
    ann.pause_clock()  # so that it doesn't sync before it reconnects
    with chat.crowd(120):
        pass
    wait_until_complete(people)
    ann.mark_first_message()
    ann.page.evaluate(SCROLL_UP)
    reading = ann.page.evaluate(READING)
    answers = ann.answers
    ann.page.clock.resume()
    proxy.cut()
    ann.wait_for_answers(answers + 1)
    assert ann.still_has_marked_message()
    assert ann.page.evaluate(READING) == reading
    check_pages(people, count)
    chat.check_log(count)


@pytest.fixture
def ann(chat, proxy):
    """Ann on a page with a clock that the test can set ahead, after her first sync."""
    proxy.servers = [chat.serve()]
    (ann,) = chat.open_pages("ann", port=proxy.port, clock=True)
    ann.wait_for_answers(1)
    return ann


def test_new_socket_survives_the_sync_timer_of_the_old_one(proxy, ann):
    ann.pause_clock()
    ann.page.clock.fast_forward(SYNC - 6_000)
    proxy.slow_down(1)
    proxy.cut()
    ann.wait_until_disconnected()
    ann.page.clock.fast_forward(2_000)  # past the page's wait for its next attempt
    ann.wait_until_connected()  # and the answer to its sync is still on the way
    ann.page.clock.fast_forward(6_000)
    ann.wait_for_answers(2)
    assert ann.sockets == 2, "the one that was cut, and the next"


def test_socket_survives_two_tab_changes_within_a_round_trip(proxy, ann):
    proxy.slow_down(1)
    ann.return_to_tab()
    ann.return_to_tab()
    ann.wait_for_answers(2)
    ann.send_new_text()
    retry_until_acknowledged([ann])
    assert ann.sockets == 1
