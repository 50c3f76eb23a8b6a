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


def test_index_leads_to_the_room(visit):
    page = visit("/")
    expect(page.locator("#room-name-input")).to_be_focused()
    page.fill("#room-name-input", "Café du coin")
    page.press("#room-name-input", "Enter")
    expect(page).to_have_title("cafe-du-coin")
    expect(page.locator("#chat-message-input")).to_be_focused()


def test_enter_and_button_both_send(visit):
    page = enter(visit)
    say(page, "by key")
    page.fill("#chat-message-input", "by button")
    page.click("#chat-message-submit")
    expect(page.locator("#chat-log")).to_have_value("by key\nby button\n")
    expect(page.locator("#chat-message-input")).to_have_value("")


def test_two_pages_of_a_room_see_each_others_messages(visit):
    ann, bob = enter(visit), enter(visit)
    say(ann, "Tea?")
    expect(bob.locator("#chat-log")).to_have_value("Tea?\n")
    say(bob, "Please.")
    for page in (ann, bob):
        expect(page.locator("#chat-log")).to_have_value("Tea?\nPlease.\n")


def test_two_rooms_do_not_mix(visit):
    ann, carol = enter(visit, "/chat/lobby/"), enter(visit, "/chat/kitchen/")
    say(ann, "in the lobby")
    say(carol, "in the kitchen")
    expect(ann.locator("#chat-log")).to_have_value("in the lobby\n")
    expect(carol.locator("#chat-log")).to_have_value("in the kitchen\n")


def test_markup_shows_as_text(visit):
    page = enter(visit)
    say(page, "<img src=x onerror=alert(1)>")
    expect(page.locator("#chat-log")).to_have_value("<img src=x onerror=alert(1)>\n")


def test_refused_message_is_given_back(visit):
    page = enter(visit)
    say(page, "   ")
    expect(page.locator("#notice")).to_have_text("A message must not be empty.")
    expect(page.locator("#chat-message-input")).to_have_value("   ")


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
