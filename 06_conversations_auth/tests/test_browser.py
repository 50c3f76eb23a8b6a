import contextlib
import json
import os
import shutil
import time

import pytest

from tests.conftest import BROWSER_OPTIONS, BROWSERS, free_tab

expect = pytest.importorskip("playwright.sync_api").expect

PASSWORD = "channels-demo"

# The page's first answer to a sync has replaced what it was loaded with.
SYNCED = "() => !document.querySelector('#synced').hasAttribute('hx-swap-oob')"

# htmx marks what it has inserted until it listens to it.
LOAD_EARLIER = "#load-earlier:not(.htmx-added)"


@pytest.fixture(scope="module")
def windows(browser, server, demo, store):
    """A window for each of the three people, in which they are logged in.

    Bob and carol have a long conversation.
    """
    windows = {}
    for username in ("ann", "bob", "carol"):
        windows[username] = browser.new_context(base_url=server)
        log_in_by_form(windows[username].new_page(), username)
    page = windows["bob"].pages[0]
    begin_with(page, "carol")
    store(page, "bob", *map(str, range(120)))
    yield windows
    for window in windows.values():
        window.close()


def log_in_by_form(page, username):
    page.goto("/accounts/login/")
    page.fill("[name=username]", username)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page).to_have_title("Conversations")


@pytest.fixture(scope="module")
def addresses(windows):
    """The address of each conversation, by the user who sees it and by its name."""
    addresses = {}
    for username, window in windows.items():
        page = window.pages[0]
        page.goto("/chat/")
        for link in page.locator("#conversations a").all():
            name = link.locator("strong").text_content()
            addresses[username, name] = link.get_attribute("href")
    return addresses


@pytest.fixture
def log_in(windows, addresses):
    """Return a function that opens a page as one of the people.

    It shows the list of conversations, or one of them once its socket is open.
    """
    taken = []

    def log_in(username, name=None):
        page = free_tab(windows[username], taken)
        page.goto(addresses[username, name] if name else "/chat/")
        if name:
            expect(page.locator("#status")).to_have_text("Connected.")
        return page

    yield log_in
    for page in taken:
        page.unroute_all(behavior="ignoreErrors")


def enter(page, name):
    """Open a conversation by its name and wait until its socket is open."""
    page.click(f"#conversations strong:text-is('{name}')")
    expect(page.locator("#status")).to_have_text("Connected.")
    return page


def say(page, text):
    """Send a message with the Enter key, and see the form emptied."""
    write(page, text)
    expect(page.locator("#chat_message")).to_have_value("")


def write(page, text):
    """Type a message and press the Enter key."""
    page.fill("#chat_message", text)
    page.press("#chat_message", "Enter")


def scroll_up(page):
    """Scroll to the top, once more if something arrived before the page had noticed."""
    page.wait_for_function(
        """() => {
          const log = document.querySelector("#content");
          if (log.scrollTop > 0) {
            log.scrollTop = 0;
            return false;
          }
          return true;
        }"""
    )


def latest(page, side="*"):
    """The latest message of the log, if it looks like one's own or another's."""
    return page.locator(f"#content li:last-child:is(.own, .other):is({side}) p")


def test_two_people_see_each_others_messages(log_in):
    ann, bob = log_in("ann", "bob"), log_in("bob", "ann")
    say(ann, "Did you find the ladder?")
    expect(latest(ann, ".own")).to_have_text("Did you find the ladder?")
    expect(latest(bob, ".other")).to_have_text("Did you find the ladder?")
    say(bob, "In the shed.")
    expect(latest(bob, ".own")).to_have_text("In the shed.")
    expect(latest(ann, ".other")).to_have_text("In the shed.")

    for page in (ann, bob):
        shown = page.locator("#content p").all_text_contents()
        page.reload()
        expect(page.locator("#status")).to_have_text("Connected.")
        assert page.locator("#content p").all_text_contents() == shown


def test_two_conversations_do_not_mix(log_in):
    ann = log_in("ann", "bob")
    carol = log_in("carol", "ann, bob")
    say(carol, "for three")
    say(ann, "for two")
    expect(latest(ann, ".own")).to_have_text("for two")
    expect(latest(carol, ".own")).to_have_text("for three")


def test_enter_and_button_both_send(log_in):
    ann = log_in("ann", "bob")
    say(ann, "by key")
    expect(latest(ann)).to_have_text("by key")
    ann.fill("#chat_message", "by button")
    ann.click("#form button")
    expect(latest(ann)).to_have_text("by button")
    expect(ann.locator("#chat_message")).to_have_value("")
    expect(ann.locator("#chat_message")).to_be_focused()


def test_markup_shows_as_text(log_in):
    ann, bob = log_in("ann", "bob"), log_in("bob", "ann")
    say(ann, "<img src=x onerror=alert(1)>")
    for page in (ann, bob):
        expect(latest(page)).to_have_text("<img src=x onerror=alert(1)>")
    bob.reload()
    expect(latest(bob)).to_have_text("<img src=x onerror=alert(1)>")


def test_enter_before_the_script_has_come_loses_nothing(log_in):
    page = log_in("ann")
    page.route("**/form.js?*", lambda route: None)  # it never comes
    page.click("#conversations a >> nth=0", no_wait_after=True)
    write(page, "early")
    expect(page.locator("#chat_message")).to_have_value("early")
    assert "early" not in page.url


def test_load_earlier_until_there_is_nothing_earlier(log_in):
    carol = log_in("carol", "bob")
    messages = carol.locator("#content li p")
    expect(messages).to_have_count(50)
    carol.click(LOAD_EARLIER)
    expect(messages).to_have_count(100)
    carol.click(LOAD_EARLIER)
    expect(carol.locator("#load-earlier")).to_have_count(0)
    numbers = [text for text in messages.all_text_contents() if text.isdigit()]
    assert numbers == [f"{number}" for number in range(120)]


def test_earlier_messages_leave_the_reader_in_place(log_in):
    bob, carol = log_in("bob", "carol"), log_in("carol", "bob")
    scroll_up(carol)
    first = carol.locator("#content li").first
    top = first.bounding_box()["y"]
    seen = carol.locator(f"#{first.get_attribute('id')}")
    for text in ("said", "meanwhile"):
        say(bob, text)
        expect(latest(carol)).to_have_text(text)
    carol.click("#load-earlier")
    expect(carol.locator("#content li")).to_have_count(102)
    assert abs(seen.bounding_box()["y"] - top) < 2


def test_new_message_is_followed_but_not_by_a_reader_who_scrolled_up(log_in):
    bob, carol = log_in("bob", "carol"), log_in("carol", "bob")
    say(bob, "followed")
    expect(latest(carol)).to_be_in_viewport()
    scroll_up(carol)
    expect(carol.locator("#content li").first).to_be_in_viewport()
    say(bob, "not followed")
    expect(latest(carol)).to_have_text("not followed")
    expect(carol.locator("#content li").first).to_be_in_viewport()


def test_new_conversation_begins_with_names(log_in):
    ann = log_in("ann")
    ann.click("text=New conversation")
    ann.fill("[name=usernames]", "carol, dave")
    ann.press("[name=usernames]", "Enter")
    expect(ann.locator(".errorlist")).to_have_text("Nobody here is called dave.")
    ann.fill("[name=usernames]", "carol")
    ann.press("[name=usernames]", "Enter")
    expect(ann.locator("h1")).to_have_text("carol")
    expect(ann.locator("#status")).to_have_text("Connected.")
    say(ann, "Good morning")
    ann.goto("/chat/")
    expect(ann.locator("#conversations li").first).to_contain_text("ann: Good morning")


@pytest.fixture
def new_page(windows):
    """Return a function that opens the list of conversations in a page of its own."""
    opened = []

    def new_page(username):
        page = windows[username].new_page()
        opened.append(page)
        page.goto("/chat/")
        return page

    yield new_page
    for page in opened:
        page.close()


def sent_by(page):
    """Return the list that will hold each frame that the page sends."""
    frames = []
    page.on(
        "websocket",
        lambda socket: socket.on(
            "framesent", lambda text: frames.append(json.loads(text))
        ),
    )
    return frames


def test_refused_message_keeps_its_client_id_until_its_text_changes(new_page):
    page = new_page("ann")
    frames = sent_by(page)
    enter(page, "bob")
    notice = page.locator("#notice")
    for text in ("   ", "   ", "    "):
        write(page, text)
        expect(notice).to_have_text("A message must not be empty.")
        page.evaluate("document.querySelector('#notice').textContent = ''")
    first, again, other = [f["client_id"] for f in frames if "chat_message" in f]
    assert first == again
    assert first != other


def test_pages_wait_longer_after_each_failure_and_not_all_the_same_time(log_in):
    page = log_in("ann", "bob")
    delays = page.evaluate(
        """[0, 1, 2, 3, 4, 100].map((retries) =>
             Array.from({length: 200}, () => htmx.config.wsReconnectDelay(retries)))"""
    )
    longest = [max(each) / 1000 for each in delays]
    assert all(0 <= delay <= 10_000 for each in delays for delay in each)
    for seconds, limit in zip(longest, [1, 2, 4, 8, 10, 10], strict=True):
        assert limit * 0.8 < seconds <= limit
    assert min(delays[-1]) < 1_000


def test_page_reconnects_whatever_code_a_gateway_closes_with(new_page):
    page = new_page("ann")
    page.clock.install()
    sockets = []

    def route(socket):
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket("**/ws/**", route)
    enter(page, "bob")
    for count, code in enumerate([1000, 1001, 1009, 1011, 4000], start=2):
        sockets[-1].close(code=code)
        expect(page.locator("#status")).to_contain_text("Not connected")
        page.clock.run_for(12_000)
        expect(page.locator("#status")).to_have_text("Connected.")
        page.clock.run_for(12_000)  # no second timer opens one more
        assert len(sockets) == count
    assert len({socket.url for socket in sockets}) == 1
    say(page, "still here")
    expect(latest(page, ".own")).to_have_text("still here")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (
            4401,
            "Your login has ended or changed. Copy your text, then reload the page.",
        ),
        (4403, "You don't take part in this conversation."),
    ],
)
def test_page_that_was_refused_says_why_and_stays_closed(new_page, code, reason):
    page = new_page("ann")
    page.clock.install()
    addresses = []

    def refuse(socket):
        addresses.append(socket.url)
        socket.close(code=code)

    page.route_web_socket("**/ws/**", refuse)
    page.click("#conversations strong:text-is('bob')")
    expect(page.locator("#status")).to_have_text(reason)
    page.clock.run_for(60_000)
    assert len(addresses) == 1


@contextlib.contextmanager
def held_back(page, marks_ours="", marks_servers=""):
    """Hold back each frame with such a mark, until the `with` ends."""
    sockets, held = [], []

    def route(socket):
        server = socket.connect_to_server()
        sockets.append((socket, server))
        socket.on_message(lambda text: on_message(server, marks_ours, text))
        server.on_message(lambda text: on_message(socket, marks_servers, text))

    def on_message(receiver, mark, text):
        if mark and holding and mark in text:
            held.append((receiver, text))
        else:
            receiver.send(text)

    holding = []
    page.route_web_socket("**/ws/**", route)
    yield holding, held
    holding.clear()
    for receiver, text in held:
        receiver.send(text)


def test_message_of_another_person_acknowledges_nothing(new_page, log_in):
    bob = log_in("bob", "ann")
    page = new_page("ann")
    with held_back(page, marks_ours="chat_message") as (holding, held):
        enter(page, "bob")
        say(page, "sent at once")
        holding.append(True)
        write(page, "sent late")
        say(bob, "in between")
        expect(latest(page, ".other")).to_have_text("in between")
        expect(page.locator("#chat_message")).to_have_value("sent late")
        write(page, "sent late")
        expect(page.locator("#notice")).to_contain_text("Not yet")
        assert len(held) == 1
    expect(latest(bob, ".other")).to_have_text("sent late")
    expect(page.locator("#chat_message")).to_have_value("")


def cursor(page):
    return page.evaluate("Number(document.querySelector('#synced').value)")


def number_of_latest(page):
    return int(page.locator("#content li").last.get_attribute("id").split("-")[1])


def syncs(frames):
    """Return the cursor of each sync among the frames."""
    return [frame["sync"] for frame in frames if "sync" in frame]


def until(page, is_so, problem, seconds=30):
    """Wait for something that Playwright's own expectations can't see."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, problem
        page.wait_for_timeout(20)


def look_again(page):
    """Come back to the page, as if from another tab."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_late_answer_does_not_move_the_cursor_back(new_page, log_in):
    bob = log_in("bob", "ann")
    page = new_page("ann")
    frames = sent_by(page)
    with held_back(page, marks_servers='id="synced"') as (holding, held):
        enter(page, "bob")
        page.wait_for_function(SYNCED)
        holding.append(True)
        look_again(page)
        until(page, lambda: held, "no answer came")
        say(bob, "newer than the answer")
        expect(latest(page, ".other")).to_have_text("newer than the answer")
        newest = number_of_latest(page)
        assert cursor(page) == newest
        before = page.evaluate_handle("document.querySelector('#synced')")
    page.wait_for_function("before => !before.isConnected", arg=before)
    assert cursor(page) == newest
    look_again(page)
    until(page, lambda: syncs(frames)[-1] == newest, "the page asks for too much")


def test_page_names_the_latest_message_when_it_asks_for_newer_ones(log_in):
    bob, ann = log_in("bob", "ann"), log_in("ann")
    frames = sent_by(ann)
    enter(ann, "bob").wait_for_function(SYNCED)
    for page, text in ((bob, "one"), (ann, "two"), (bob, "three")):
        say(page, text)
        expect(latest(ann)).to_have_text(text)
    look_again(ann)
    newest = number_of_latest(ann)
    until(ann, lambda: syncs(frames)[-1] == newest, "the page asks for too much")


def test_page_without_https_can_send(new_page):
    page = new_page("ann")
    page.add_init_script("delete Crypto.prototype.randomUUID")
    enter(page, "bob")
    say(page, "from a phone in the same network")
    expect(latest(page, ".own")).to_have_text("from a phone in the same network")


REMOVE = """
DELETE FROM chat_conversation_participants
WHERE user_id = (SELECT id FROM auth_user WHERE username = 'frank')
"""


def test_page_is_told_that_its_person_was_removed(visit, demo, execute):
    page = sign_up(visit, "frank")
    begin_with(page, "bob")
    execute(REMOVE)
    look_again(page)
    expect(page.locator("#status")).to_have_text(
        "You don't take part in this conversation."
    )


def test_page_is_told_that_its_person_changed_the_password_elsewhere(
    visit, demo, execute
):
    page = sign_up(visit, "grace")
    begin_with(page, "bob")
    execute("UPDATE auth_user SET is_staff = true WHERE username = 'grace'")
    other_tab = page.context.new_page()
    other_tab.goto("/admin/password_change/")
    other_tab.fill("[name=old_password]", "plum-cake-4")
    other_tab.fill("[name=new_password1]", "cherry-cake-5")
    other_tab.fill("[name=new_password2]", "cherry-cake-5")
    other_tab.press("[name=new_password2]", "Enter")
    expect(page.locator("#status")).to_contain_text("Your login has ended or changed")
    other_tab.goto("/chat/")  # whoever changed it is still logged in
    expect(other_tab).to_have_title("Conversations")


def test_second_tab_that_logs_in_finds_the_way_home(visit, demo):
    first, second = visit("/accounts/login/"), visit("/accounts/login/")
    log_in_by_form(first, "ann")
    second.fill("[name=username]", "ann")
    second.fill("[name=password]", PASSWORD)
    with second.expect_navigation() as navigation:
        second.press("[name=password]", "Enter")
    assert navigation.value.status == 403
    expect(second.locator("h1")).to_have_text("Please try again")
    second.click("text=Your conversations")
    expect(second).to_have_title("Conversations")


# Whatever changes inside a message that the list has already.
WATCH = """() => {
  window.changed = [];
  const observer = new MutationObserver((changes) => {
    for (const { target } of changes) {
      const element = target.closest ? target : target.parentElement;
      changed.push(...(element.closest("li") ? [element.outerHTML] : []));
    }
  });
  observer.observe(document.querySelector("#content"), {
    subtree: true, childList: true, characterData: true, attributes: true,
  });
}"""


def test_earlier_messages_are_not_announced_by_screen_readers(log_in):
    carol = log_in("carol", "bob")
    carol.evaluate(WATCH)
    under_way = []
    carol.route("**/earlier/**", lambda route: under_way.append(route))
    carol.click("#load-earlier")
    log = carol.get_by_role("log")
    expect(log).to_have_attribute("aria-busy", "true")
    under_way[0].continue_()
    expect(carol.locator("#content li")).not_to_have_count(50)
    expect(log).to_have_attribute("aria-busy", "false")
    assert carol.evaluate("changed") == []


def test_focus_stays_on_the_button_and_goes_to_the_list_when_it_is_gone(log_in):
    carol = log_in("carol", "bob")
    button, items = carol.locator(LOAD_EARLIER), carol.locator("#content li")
    button.press("Enter")
    expect(items).to_have_count(100)
    expect(button).to_be_focused()
    button.press("Enter")
    expect(carol.locator("#load-earlier")).to_have_count(0)
    expect(carol.locator("#content")).to_be_focused()


def test_failed_load_of_earlier_messages_is_reported_and_can_be_retried(log_in):
    carol = log_in("carol", "bob")
    carol.route("**/earlier/**", lambda route: route.abort())
    carol.click("#load-earlier")
    expect(carol.locator("#notice")).to_contain_text("could not be loaded")
    expect(carol.get_by_role("log")).to_have_attribute("aria-busy", "false")
    carol.unroute("**/earlier/**")
    carol.click("#load-earlier")
    expect(carol.locator("#content li")).to_have_count(100)


def direction(locator):
    return locator.evaluate("element => getComputedStyle(element).direction")


def test_text_from_right_to_left_is_shown_that_way(log_in):
    ann, bob = log_in("ann", "bob"), log_in("bob", "ann")
    ann.fill("#chat_message", "שלום!")
    assert direction(ann.locator("#chat_message")) == "rtl"
    say(ann, "שלום!")
    for page in (ann, bob):
        expect(latest(page)).to_have_text("שלום!")
        assert direction(latest(page)) == "rtl"
    ann.goto("/chat/")
    assert direction(ann.locator("#conversations li").first.locator("span")) == "rtl"


def test_times_are_those_of_the_reader(browser, server, windows, addresses):
    tokyo = browser.new_context(
        base_url=server,
        timezone_id="Asia/Tokyo",
        locale="en-GB",
        storage_state=windows["ann"].storage_state(),
    )
    page = tokyo.new_page()
    page.goto(addresses["ann", "bob"])
    expect(page.locator("#status")).to_have_text("Connected.")
    say(page, "Good evening")
    expect(latest(page)).to_have_text("Good evening")
    for place in ("first", "last"):
        shown = page.locator(f"#content li:{place}-child time")
        there = shown.evaluate(
            """time => new Date(time.dateTime).toLocaleString([], {
                 dateStyle: "short", timeStyle: "short", timeZone: "Asia/Tokyo"
               })"""
        )
        expect(shown).to_have_text(there)
        assert "UTC" in shown.get_attribute("title")
    tokyo.close()


def test_page_is_told_that_its_person_logged_out(visit, demo):
    ann = visit("/chat/")
    log_in_by_form(ann, "ann")
    enter(ann, "bob")
    other_tab = ann.context.new_page()
    other_tab.goto("/chat/")
    other_tab.click("text=Log out")
    expect(ann.locator("#status")).to_contain_text("Your login has ended")
    write(ann, "Am I still here?")
    expect(ann.locator("#notice")).to_contain_text("Not sent")
    expect(ann.locator("#chat_message")).to_have_value("Am I still here?")


@pytest.fixture
def page_with_back_forward_cache(browser, server, demo):
    """A page in a browser that may bring pages back as they were, unlike Playwright's.

    A full Chromium does; chromium-headless-shell loads them again in any case.
    """
    found = map(shutil.which, reversed(BROWSERS))
    chromium = browser.browser_type.launch(
        executable_path=os.environ.get("CHROMIUM") or next(filter(None, found), None),
        ignore_default_args=["--disable-back-forward-cache"],
        args=BROWSER_OPTIONS,
    )
    with contextlib.closing(chromium):
        page = chromium.new_page(base_url=server)
        yield page


def test_back_after_logging_out_shows_nothing_private(page_with_back_forward_cache):
    page = page_with_back_forward_cache
    log_in_by_form(page, "ann")
    enter(page, "bob")
    page.click("text=Log out")
    expect(page).to_have_title("Log in")
    for path in ("/chat/*/", "/chat/"):  # the conversation, and then the list
        with page.expect_request(f"**{path}"):
            page.go_back(wait_until="commit")
        expect(page).to_have_title("Log in")
        expect(page.locator("[name=password]")).to_be_visible()


def sign_up(visit, username):
    """Open the list of conversations of somebody new."""
    page = visit("/accounts/signup/")
    page.fill("[name=username]", username)
    page.fill("[name=password1]", "plum-cake-4")
    page.fill("[name=password2]", "plum-cake-4")
    page.press("[name=password2]", "Enter")
    expect(page.locator("#conversations")).to_have_text("None yet.")
    expect(page.locator("header")).to_contain_text(username)
    return page


def begin_with(page, names):
    """Begin a conversation and wait until its page knows all messages."""
    page.goto("/chat/new/")
    page.fill("[name=usernames]", names)
    page.press("[name=usernames]", "Enter")
    expect(page.locator("#status")).to_have_text("Connected.")
    page.wait_for_function(SYNCED)
