import re
from urllib.parse import urlsplit

import pytest

expect = pytest.importorskip("playwright.sync_api").expect


def say(page, text):
    """Send a message with the Enter key."""
    page.fill("#chat-message-input", text)
    page.press("#chat-message-input", "Enter")


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
    expect(page.locator("#chat-message-input")).to_be_focused()


def test_log_and_input_have_labels_and_the_input_has_limits(visit):
    page = enter(visit)
    expect(page.get_by_label("Messages")).to_be_visible()
    field = page.get_by_label("Your message")
    expect(field).to_have_attribute("maxlength", "2000")
    page.press("#chat-message-input", "Enter")
    expect(page.locator("#chat-message-input:invalid")).to_be_focused()
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
    page.fill("#chat-message-input", "by button")
    page.click("#chat-message-submit")
    expect(page.locator("#chat-log")).to_have_value("by key\nby button\n")
    expect(page.locator("#chat-message-input")).to_have_value("")


def test_two_pages_do_not_see_each_other(visit):
    ann, bob = enter(visit), enter(visit)
    say(ann, "ann's")
    say(bob, "bob's")
    expect(ann.locator("#chat-log")).to_have_value("ann's\n")
    expect(bob.locator("#chat-log")).to_have_value("bob's\n")


def test_hebrew_runs_from_right_to_left(visit):
    page = enter(visit)
    page.fill("#chat-message-input", "שלום!")
    expect(page.locator("#chat-message-input")).to_have_css("direction", "rtl")
    say(page, "שלום!")
    expect(page.locator("#chat-log")).to_have_css("direction", "rtl")
    # Each line of the log has a direction of its own.
    expect(page.locator("#chat-log")).to_have_css("unicode-bidi", "plaintext")


def test_markup_shows_as_text(visit):
    page = enter(visit)
    say(page, "<img src=x onerror=alert(1)>")
    expect(page.locator("#chat-log")).to_have_value("<img src=x onerror=alert(1)>\n")


def test_refused_message_is_given_back(visit):
    page = enter(visit)
    say(page, "   ")
    expect(page.locator("#notice")).to_have_text("A message must not be empty.")
    expect(page.locator("#chat-message-input")).to_have_value("   ")


def test_refused_message_does_not_replace_the_next_one(page):
    sockets = []
    page.route_web_socket("**/ws/**", lambda socket: sockets.append(socket))
    page.goto("/chat/lobby/")
    expect(page.locator("#status")).to_have_text("Connected.")
    say(page, "refused")
    page.fill("#chat-message-input", "the next one")
    sockets[0].send('{"error": "No."}')
    expect(page.locator("#notice")).to_have_text("No.")
    expect(page.locator("#chat-message-input")).to_have_value("the next one")


def test_log_scrolls_to_the_newest_message(visit):
    page = enter(visit)
    say(page, "Tea? " * 390)
    expect(page.locator("#chat-log")).to_have_value(re.compile("Tea"))
    assert page.evaluate(
        "log => log.scrollTop > 0 && "
        "log.scrollTop + log.clientHeight >= log.scrollHeight - 1",
        page.query_selector("#chat-log"),
    )


def test_enter_before_the_script_has_come_loses_nothing(visit):
    page = visit("/chat/")
    page.route("**/chat.js?*", lambda route: None)  # it never comes
    page.goto("/chat/lobby/", wait_until="commit")
    say(page, "early")
    expect(page.locator("#chat-message-input")).to_have_value("early")
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
    expect(page.locator("#chat-log")).to_have_value("still here\n")


def test_page_below_a_path_survives_a_restart_of_the_server(browser, serve):
    options = ("--root-path", "/app")
    daphne, port = serve(0, *options)
    page = browser.new_page()
    page.goto(f"http://127.0.0.1:{port}/app/chat/lobby/")
    expect(page.locator("#status")).to_have_text("Connected.")
    daphne.kill()
    daphne.wait()

    expect(page.locator("#status")).to_contain_text("Not connected")
    say(page, "Tea?")
    expect(page.locator("#notice")).to_contain_text("Not sent")
    expect(page.locator("#chat-message-input")).to_have_value("Tea?")

    serve(port, *options)
    expect(page.locator("#status")).to_have_text("Connected.")
    page.press("#chat-message-input", "Enter")
    expect(page.locator("#chat-log")).to_have_value("Tea?\n")
    page.close()
