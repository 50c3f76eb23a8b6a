import signal
from urllib.parse import urlsplit

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def say(page, text):
    """Send a message with the Enter key, and see the form emptied."""
    write(page, text)
    expect(page.locator("#chat_message")).to_have_value("")


def write(page, text):
    """Type a message and press the Enter key."""
    page.fill("#chat_message", text)
    page.press("#chat_message", "Enter")


def messages(page):
    """The list items of the log."""
    return page.locator("#content li")


def enter(visit, path="/chat/lobby/"):
    """Open a room's page and wait until its socket is open."""
    page = visit(path)
    expect(page.locator("#status")).to_have_text("Connected.")
    return page


@pytest.fixture
def page(browser, server):
    """A page that is closed after the test, because it keeps its WebSocket routes."""
    with browser.new_page(base_url=server) as page:
        yield page


def test_index_leads_to_the_room(visit):
    page = visit("/")
    expect(page.locator("#room-name-input")).to_be_focused()
    page.fill("#room-name-input", "Café du coin")
    page.press("#room-name-input", "Enter")
    expect(page).to_have_title("cafe-du-coin")
    expect(page.locator("#chat_message")).to_be_focused()


def test_log_and_input_have_labels_and_the_input_has_limits(visit):
    page = enter(visit)
    expect(page.get_by_role("log", name="Messages")).to_be_visible()
    field = page.get_by_label("Your message")
    expect(field).to_have_attribute("maxlength", "2000")
    page.press("#chat_message", "Enter")
    expect(page.locator("#chat_message:invalid")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("Connected.")
    expect(page.get_by_role("alert")).to_have_text("")


def test_name_without_usable_characters_is_explained(visit):
    page = visit("/chat/")
    page.fill("#room-name-input", "日本")
    page.click("#room-name-submit")
    expect(page.locator("#notice")).to_contain_text("needs a letter")


def test_enter_and_button_both_send(visit):
    page = enter(visit)
    say(page, "by key")
    page.fill("#chat_message", "by button")
    page.click("#form button")
    expect(messages(page)).to_have_text(["by key", "by button"])
    expect(page.locator("#chat_message")).to_have_value("")
    expect(page.locator("#chat_message")).to_be_focused()


def test_two_pages_of_a_room_see_each_others_messages(visit):
    ann, bob = enter(visit), enter(visit)
    say(ann, "Tea?")
    expect(messages(bob)).to_have_text(["Tea?"])
    say(bob, "Please.")
    for page in (ann, bob):
        expect(messages(page)).to_have_text(["Tea?", "Please."])


def test_two_rooms_do_not_mix(visit):
    ann, carol = enter(visit, "/chat/lobby/"), enter(visit, "/chat/kitchen/")
    say(ann, "in the lobby")
    say(carol, "in the kitchen")
    expect(messages(ann)).to_have_text(["in the lobby"])
    expect(messages(carol)).to_have_text(["in the kitchen"])


def test_hebrew_runs_from_right_to_left(visit):
    page = enter(visit)
    page.fill("#chat_message", "שלום!")
    expect(page.locator("#chat_message")).to_have_css("direction", "rtl")
    say(page, "שלום!")
    expect(page.locator("#content li")).to_have_css("direction", "rtl")


def test_markup_shows_as_text(visit):
    page = enter(visit)
    say(page, "<img src=x onerror=alert(1)>")
    expect(messages(page)).to_have_text(["<img src=x onerror=alert(1)>"])


def test_refused_message_stays_in_the_form(visit):
    page = enter(visit)
    write(page, "   ")
    expect(page.locator("#notice")).to_have_text("A message must not be empty.")
    expect(page.locator("#chat_message")).to_have_value("   ")
    expect(page.locator("#chat_message")).to_be_editable()


def test_enter_pressed_twice_sends_once(visit):
    ann, bob = enter(visit), enter(visit)
    ann.fill("#chat_message", "once")
    # Both presses come before the server's answer can.
    ann.evaluate(
        """() => {
          const form = document.querySelector("#form");
          form.requestSubmit();
          form.requestSubmit();
        }"""
    )
    expect(ann.locator("#chat_message")).to_have_value("")
    say(ann, "then this")
    for page in (ann, bob):
        expect(messages(page)).to_have_text(["once", "then this"])


def test_log_follows_the_conversation_but_leaves_a_reader_alone(visit):
    ann, bob = enter(visit), enter(visit)
    say(ann, "Tea? " * 390)
    say(ann, "Tea? " * 390)
    ann.wait_for_function(
        """() => {
          const log = document.querySelector("#content");
          const end = log.scrollTop + log.clientHeight;
          return log.scrollTop > 0 && end >= log.scrollHeight - 1;
        }"""
    )
    ann.locator("#content").evaluate("log => { log.scrollTop = 0; }")
    ann.wait_for_timeout(100)  # the scroll event comes with the next picture
    say(bob, "Please.")
    expect(messages(ann)).to_have_count(3)
    assert ann.locator("#content").evaluate("log => log.scrollTop") == 0


def test_enter_before_the_script_has_come_loses_nothing(visit):
    page = visit("/chat/")
    page.route("**/chat.js?*", lambda route: None)  # it never comes
    page.goto("/chat/lobby/", wait_until="commit")
    write(page, "early")
    expect(page.locator("#chat_message")).to_have_value("early")
    assert page.url.endswith("/chat/lobby/")


def test_page_reconnects_after_any_close_code_but_not_at_once(page):
    sockets = []
    page.route_web_socket("**/ws/**", lambda socket: sockets.append(socket))
    page.clock.install(time=0)
    page.goto("/chat/lobby/")
    expect(page.locator("#status")).to_have_text("Connected.")
    page.clock.pause_at(60)
    for code in (1000, 1001, 1009, 4000):
        count = len(sockets)
        sockets[-1].close(code=code)
        expect(page.locator("#status")).to_contain_text("Not connected")
        page.clock.run_for(999)
        assert len(sockets) == count
        page.clock.run_for(1001)
        expect(page.locator("#status")).to_have_text("Connected.")


def test_page_that_came_over_https_opens_a_secure_socket(page, server):
    sockets = []
    page.route_web_socket("**/ws/**", lambda socket: sockets.append(socket.url))
    page.route(
        "https://chat.example/**",
        lambda route: route.fulfill(
            response=page.request.get(server + urlsplit(route.request.url).path)
        ),
    )
    page.goto("https://chat.example/chat/lobby/")
    expect(page.locator("#status")).to_have_text("Connected.")
    assert sockets == ["wss://chat.example/ws/chat/lobby/"]


def test_frame_beyond_the_limit_ends_only_its_connection(visit):
    page = enter(visit)
    code = page.evaluate(
        """(path) => new Promise((resolve) => {
          const socket = new WebSocket(`ws://${location.host}${path}`);
          socket.onclose = (event) => resolve(event.code);
          socket.onopen = () => socket.send("x".repeat(2 * 1024 * 1024));
        })""",
        "/ws/chat/lobby/",
    )
    assert code in (1006, 1009)
    say(page, "still here")
    expect(messages(page)).to_have_text(["still here"])


def test_page_below_a_path_survives_a_restart_of_the_server(browser, serve):
    options = ("--root-path", "/app")
    daphne, port = serve(0, *options)
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/app/chat/lobby/")
    expect(page.locator("#status")).to_have_text("Connected.")

    # A frozen server takes the frame and answers nothing: the form keeps the text.
    daphne.send_signal(signal.SIGSTOP)
    write(page, "Tea?")
    expect(page.locator("#chat_message")).not_to_be_editable()
    expect(page.locator("#chat_message")).to_have_value("Tea?")
    daphne.kill()
    daphne.wait()

    expect(page.locator("#status")).to_contain_text("Not connected")
    page.press("#chat_message", "Enter")
    expect(page.locator("#notice")).to_contain_text("Not sent")
    expect(page.locator("#chat_message")).to_have_value("Tea?")

    serve(port, *options)
    # After each attempt that fails, htmx waits longer: up to a minute.
    expect(page.locator("#status")).to_have_text("Connected.", timeout=90_000)
    page.press("#chat_message", "Enter")
    expect(messages(page)).to_have_text(["Tea?"])
    page.close()
