"""Two people whose server is frozen, killed and restarted."""

import json
import signal

import pytest

from chat.history import MESSAGES_PER_PAGE
from tests.test_browser import (
    SYNCED,
    enter,
    latest,
    log_in_by_form,
    look_again,
    until,
    write,
)

expect = pytest.importorskip("playwright.sync_api").expect

# After each attempt that fails, htmx waits longer: ten seconds at most.
PATIENCE = 60_000


class Site:
    """A server that a test may kill and restart, always at the same address."""

    def __init__(self, serve):
        self.serve = serve
        self.daphne, self.port = serve()

    def freeze(self):
        self.daphne.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.daphne.send_signal(signal.SIGCONT)

    def kill(self):
        self.daphne.kill()
        self.daphne.wait()

    def start(self):
        self.daphne, _ = self.serve(self.port)


@pytest.fixture(scope="module")
def site(demo, serve):
    return Site(serve)


@pytest.fixture(scope="module")
def opened(browser, site):
    """The conversation of ann and carol, in a window for each."""
    pages = []
    for username in ("ann", "carol"):
        page = browser.new_page(base_url=f"http://127.0.0.1:{site.port}")
        log_in_by_form(page, username)
        pages.append(page)
    ann, carol = pages
    ann.goto("/chat/new/")
    ann.fill("[name=usernames]", "carol")
    ann.press("[name=usernames]", "Enter")
    connected(ann)
    carol.reload()
    enter(carol, "ann")
    yield ann, carol
    for page in pages:
        page.context.close()


def connected(page):
    expect(page.locator("#status")).to_have_text("Connected.", timeout=PATIENCE)


@pytest.fixture
def pages(opened):
    """The two pages, both complete, whatever the last test did."""
    for page in opened:
        page.reload()
        connected(page)
        page.wait_for_function(SYNCED)
    return opened


def field(page):
    return page.locator("#chat_message")


def shown(page):
    return page.locator("#content p").all_text_contents()


def all_alike(*pages):
    """Check that pages end alike, show nothing twice, and the same after a reload."""
    lists = [shown(page) for page in pages]
    common = min(MESSAGES_PER_PAGE, *map(len, lists))  # one may have loaded more
    latest_ones = lists[0][-common:]
    assert all(each[-common:] == latest_ones for each in lists)
    numbers = pages[0].eval_on_selector_all("#content li", "all => all.map(i => i.id)")
    assert len(set(numbers)) == len(numbers)
    pages[0].reload()
    connected(pages[0])
    assert shown(pages[0])[-common:] == latest_ones


def test_impatient_finger_sends_one_message_and_a_draft_survives(site, pages):
    ann, carol = pages
    site.freeze()
    write(ann, "Tea?")
    for _ in range(3):
        ann.press("#chat_message", "Enter")
    ann.locator("#chat_message").press_sequentially(" At four?")
    ann.press("#chat_message", "Enter")
    expect(ann.locator("#notice")).to_contain_text("Not yet")
    site.thaw()
    expect(field(ann)).to_have_value(" At four?")
    expect(ann.locator("#notice")).to_have_text("")
    expect(latest(carol, ".other")).to_have_text("Tea?")
    ann.press("#chat_message", "Enter")
    expect(latest(carol, ".other")).to_have_text("At four?")
    expect(field(ann)).to_have_value("")
    assert shown(carol).count("Tea?") == 1
    all_alike(ann, carol)


def test_other_text_typed_meanwhile_is_left_alone(site, pages):
    ann, carol = pages
    site.freeze()
    write(ann, "Milk?")
    ann.fill("#chat_message", "Sugar?")
    site.thaw()
    expect(latest(carol, ".other")).to_have_text("Milk?")
    expect(latest(ann, ".own")).to_have_text("Milk?")
    expect(field(ann)).to_have_value("Sugar?")
    ann.press("#chat_message", "Enter")
    expect(latest(carol, ".other")).to_have_text("Sugar?")
    expect(field(ann)).to_have_value("")


def test_after_a_refusal_the_next_message_goes(pages):
    ann, carol = pages
    write(ann, "   ")
    expect(ann.locator("#notice")).to_have_text("A message must not be empty.")
    expect(field(ann)).to_have_value("   ")
    write(ann, "Not empty")
    expect(latest(carol, ".other")).to_have_text("Not empty")
    expect(ann.locator("#notice")).to_have_text("")


def test_message_under_way_when_the_server_dies_arrives_once(site, pages):
    ann, carol = pages
    site.freeze()
    write(ann, "Still there?")
    expect(field(ann)).to_have_value("Still there?")
    site.kill()
    expect(ann.locator("#status")).to_contain_text("Not connected")
    expect(field(ann)).to_have_value("Still there?")
    ann.press("#chat_message", "Enter")
    expect(ann.locator("#notice")).to_contain_text("Not yet")
    site.start()
    expect(field(ann)).to_have_value("", timeout=PATIENCE)
    expect(latest(carol, ".other")).to_have_text("Still there?", timeout=PATIENCE)
    all_alike(ann, carol)


def test_page_that_missed_many_messages_gets_all_and_keeps_its_own(site, pages, store):
    ann, carol = pages
    store(carol, "ann", *[f"old {number}" for number in range(60)])
    carol.reload()
    connected(carol)
    under_way = []
    carol.route("**/earlier/**", lambda route: under_way.append(route))
    carol.click("#load-earlier")
    items = carol.evaluate_handle("[...document.querySelectorAll('#content li')]")
    before = shown(carol)
    site.kill()
    many = [f"many {number}" for number in range(120)]
    store(carol, "ann", *many)
    site.start()
    for page in pages:
        connected(page)
        expect(latest(page)).to_have_text("many 119")
    assert shown(carol) == before + many
    assert shown(ann)[-120:] == many
    assert items.evaluate("items => items.every((item) => item.isConnected)")
    under_way[0].continue_()  # it was clicked before the server died
    carol.unroute("**/earlier/**")
    expect(carol.locator("#content li")).not_to_have_count(len(before + many))
    assert shown(carol)[-len(before + many) :] == before + many
    all_alike(ann, carol)


def test_lost_message_appears_in_its_place_when_you_look_again(pages, store):
    ann, carol = pages
    # Her page was loaded a moment ago: it will not ask by itself for half a minute.
    store(carol, "ann", "unheard")
    write(ann, "heard")
    expect(latest(carol, ".other")).to_have_text("heard")
    assert "unheard" not in shown(carol)
    look_again(carol)
    expect(carol.locator("#content li:nth-last-child(2) p")).to_have_text("unheard")
    expect(latest(carol, ".other")).to_have_text("heard")


def test_answer_without_news_leaves_the_reader_in_place(pages):
    ann, carol = pages
    write(ann, "taller than the list " * 90)
    expect(latest(carol, ".other")).to_contain_text("taller than the list")
    log = carol.locator("#content")
    scrolled = log.evaluate("log => log.scrollTop -= 20")
    assert scrolled > 0
    before = carol.evaluate_handle("document.querySelector('#synced')")
    look_again(carol)
    carol.wait_for_function("before => !before.isConnected", arg=before)
    assert log.evaluate("log => log.scrollTop") == scrolled


def test_page_does_not_continue_as_another_user(site, pages, browser):
    ann, carol = pages
    page = logged_in_like(ann, browser)
    page.goto(ann.url)
    connected(page)
    site.freeze()
    write(page, "Ann alone wrote this")
    site.kill()
    page.context.clear_cookies()
    page.context.add_cookies(carol.context.cookies())
    site.start()
    expect(page.locator("#status")).to_contain_text(
        "Your login has ended", timeout=PATIENCE
    )
    page.context.close()
    carol.reload()
    connected(carol)
    assert "Ann alone wrote this" not in shown(carol)


def logged_in_like(page, browser):
    """Return an empty page in a new window with the same login."""
    window = browser.new_context(storage_state=page.context.storage_state())
    return window.new_page()


KEEP_SOCKETS = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    window.sockets.push(this);
  }
};
"""


@pytest.fixture
def hurried(opened, browser):
    """Carol's conversation in a page whose clock the test may put forward."""
    _, carol = opened
    page = logged_in_like(carol, browser)
    page.clock.install()
    page.add_init_script(KEEP_SOCKETS)
    page.sockets, page.sent, page.errors = [], [], []
    page.on("pageerror", lambda error: page.errors.append(error.message))
    page.on("websocket", lambda socket: note_frames(page, socket))
    page.goto(carol.url)
    connected(page)
    page.wait_for_function(SYNCED)
    yield page
    assert page.errors == []
    page.context.close()


def note_frames(page, socket):
    page.sockets.append(socket)
    socket.on("framesent", lambda text: page.sent.append(json.loads(text)))


def syncs(page):
    return [frame for frame in page.sent if "sync" in frame]


def test_page_asks_every_30_seconds_for_what_it_missed(hurried, store):
    assert len(syncs(hurried)) == 1
    store(hurried, "ann", "lost")
    hurried.clock.fast_forward(20_000)
    assert len(syncs(hurried)) == 1
    hurried.clock.fast_forward(11_000)
    expect(latest(hurried)).to_have_text("lost")
    first, second = syncs(hurried)
    assert first["user"] == second["user"]
    hurried.clock.fast_forward(31_000)
    until(hurried, lambda: len(syncs(hurried)) == 3, "the page asked only twice")
    assert syncs(hurried)[2]["sync"] > second["sync"]


def test_socket_without_an_answer_for_30_seconds_is_replaced(site, hurried):
    site.freeze()
    look_again(hurried)
    hurried.clock.fast_forward(20_000)
    expect(hurried.locator("#status")).to_have_text("Connected.")
    hurried.clock.fast_forward(11_000)
    expect(hurried.locator("#status")).to_contain_text("Not connected")
    site.thaw()
    connected(hurried)
    until(
        hurried,
        lambda: [socket.is_closed() for socket in hurried.sockets] == [True, False],
        "the page has not exactly one socket",
    )
    hurried.wait_for_function("sockets[0].readyState === WebSocket.CLOSED")
    hurried.clock.run_for(12_000)  # the end of the old socket begins nothing
    assert hurried.evaluate("sockets.length") == 2
    expect(hurried.locator("#status")).to_have_text("Connected.")


def test_handshake_without_an_answer_for_30_seconds_is_tried_again(site, hurried):
    site.freeze()
    look_again(hurried)
    for sockets in (2, 3):
        hurried.clock.fast_forward(31_000)
        until(
            hurried,
            lambda sockets=sockets: len(hurried.sockets) >= sockets,
            "the page waits for ever",
        )
    expect(hurried.locator("#status")).to_contain_text("Not connected")
    site.thaw()
    connected(hurried)


# How many frames the page sends when it's looked at again: hidden, and in view.
LOOK_AGAIN = """() => {
  const send = WebSocket.prototype.send;
  const counts = [0, 0];
  let place = 0;
  WebSocket.prototype.send = function (text) {
    counts[place] += 1;
    send.call(this, text);
  };
  Object.defineProperty(document, "hidden", { get: () => true, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
  delete document.hidden;
  place = 1;
  document.dispatchEvent(new Event("visibilitychange"));
  WebSocket.prototype.send = send;
  return counts;
}"""


def test_page_in_the_background_does_not_ask(hurried):
    assert hurried.evaluate(LOOK_AGAIN) == [0, 1]


def test_page_whose_server_died_sends_nothing_until_it_is_back(site, hurried):
    sent = len(hurried.sent)
    site.kill()
    expect(hurried.locator("#status")).to_contain_text("Not connected")
    look_again(hurried)
    for _ in range(3):
        hurried.clock.fast_forward(31_000)
    write(hurried, "Hello?")
    expect(hurried.locator("#notice")).to_contain_text("Not sent")
    expect(field(hurried)).to_have_value("Hello?")
    assert len(hurried.sent) == sent
    site.start()
    hurried.clock.fast_forward(11_000)
    connected(hurried)
    hurried.press("#chat_message", "Enter")
    expect(latest(hurried, ".own")).to_have_text("Hello?")
    expect(field(hurried)).to_have_value("")
    expect(hurried.locator("#notice")).to_have_text("")


def test_looking_again_many_times_asks_once(site, hurried):
    asked = len(syncs(hurried))
    site.freeze()
    for _ in range(5):
        look_again(hurried)
    hurried.clock.fast_forward(20_000)
    expect(hurried.locator("#status")).to_have_text("Connected.")
    site.thaw()
    until(hurried, lambda: len(syncs(hurried)) > asked, "the page didn't ask")
    assert len(syncs(hurried)) == asked + 1
