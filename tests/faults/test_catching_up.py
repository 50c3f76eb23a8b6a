"""Check that pages catch up on missed messages, and stay undisturbed if they missed none."""

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

SYNC_PERIOD = 30  # seconds from one sync of a page to the next
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


def disconnect(person, proxy):
    """Cut the page's connection, and remove the proxy's servers; return them."""
    servers, proxy.servers = proxy.servers, []
    proxy.cut()
    person.wait_until_disconnected()
    return servers


def test_page_that_reconnects_during_a_burst_misses_nothing(chat, proxy, count):
    server = chat.serve(layer=LOSING)
    proxy.servers = [server]
    people = [ann] = chat.open_pages("ann", port=proxy.port, clock=True)
    talk(people, 0.5)
    retry_until_acknowledged(people)
    wait_until_complete(people)
    ann.mark_first_message()
    servers = disconnect(ann, proxy)
    with chat.crowd(60):
        pass
    before = len(chat.ledger.stored())
    with chat.crowd(200):
        assert until(lambda: len(chat.ledger.stored()) > before + 20)
        proxy.servers = servers
        ann.page.clock.fast_forward(10_000)  # past the page's wait for its next attempt
        ann.wait_until_connected()
        joined = len(chat.ledger.stored()) - before
        talk(people, 1)
    count("of the burst before the page was back", joined)
    assert joined < 200
    retry_until_acknowledged(people)
    assert server.report()["lost"] > 0
    answers = ann.answers
    ann.return_to_tab()
    ann.wait_for_answers(answers + 1)
    shown = {ann.name: ann.messages()}
    count("missing after one more sync", len(chat.ledger.faults(shown)))
    check_recovery(people, count)
    assert ann.still_has_marked_message()
    check_pages(people, count)
    chat.check_log_is_empty(count)


def test_page_that_missed_nothing_keeps_its_list_when_it_reconnects(chat, proxy, count):
    proxy.servers = [chat.serve(layer=MEMORY)]
    loaded = time.monotonic()
    people = [ann] = chat.open_pages("ann", port=proxy.port)
    talk(people, 0.5)
    retry_until_acknowledged(people)
    with chat.crowd(300):
        pass
    wait_until_complete(people)
    took = time.monotonic() - loaded
    count("300 messages in", f"{took:.1f} s")
    assert took < SYNC_PERIOD, "The page has synced meanwhile, which this test has to rule out."
    ann.mark_first_message()
    ann.page.evaluate(SCROLL_UP)
    reading = ann.page.evaluate(READING)
    answers = ann.answers
    proxy.cut()
    ann.wait_for_answers(answers + 1)
    count("messages in the list", len(ann.messages()))
    assert ann.still_has_marked_message()
    assert ann.page.evaluate(READING) == reading
    check_pages(people, count)
    chat.check_log_is_empty(count)


@pytest.fixture
def ann(chat, proxy):
    """Ann's page, with a clock that the test can set ahead."""
    proxy.servers = [chat.serve()]
    (ann,) = chat.prepare_pages("ann", port=proxy.port, clock=True)
    return ann


def test_new_socket_survives_the_sync_timer(chat, proxy, ann, count):
    before = time.monotonic()
    ann.enter()
    after = time.monotonic()
    ann.wait_for_answers(1)
    # The timer was started between `before` and `after`, so it fires 30 seconds later.
    proxy.slow_down(2)
    elapsed = time.monotonic() - before
    ann.page.clock.fast_forward(int((SYNC_PERIOD - 6 - elapsed) * 1000))
    jumped = SYNC_PERIOD - 6 - elapsed
    proxy.cut()
    ann.wait_until_disconnected()
    ann.wait_until_connected()  # and the answer to its sync is still on the way
    left = SYNC_PERIOD - (time.monotonic() - after + jumped)
    assert 0 < left < 8, "The machine is too slow for this test."
    answers = ann.answers
    ann.page.clock.fast_forward(int(left * 1000) + 100)
    ann.wait_for_answers(answers + 1)
    count("sockets", ann.sockets)
    assert ann.sockets == 2, "the one that was cut, and the next"


def test_socket_survives_two_tab_changes_within_a_round_trip(chat, proxy, ann, count):
    ann.enter()
    ann.wait_for_answers(1)
    proxy.slow_down(1)
    ann.return_to_tab()
    ann.return_to_tab()
    ann.wait_for_answers(2)
    ann.send_new_text()
    retry_until_acknowledged([ann])
    count("sockets", ann.sockets)
    assert ann.sockets == 1
