"""Check that chapters can be used without a mouse, and by people who see them differently."""

import re
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from course.replay import login

# Chapters 1, 3 and 4 make these pages from the same files as chapter 2: see test_folders.py.
ROOMS = ["02_echo_consumer", "05_htmx_ws"]
CONVERSATIONS = "06_conversations_auth"
LONG_NAME = "wilhelmina" * 15  # as long as Django lets a user name be
LONG_WORD = "antidisestablishmentarianism" * 8
PEOPLE = ["ann", "bob", LONG_NAME]  # who have an account

AXE = Axe()
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# A colour scheme, and a window's size in CSS pixels. What matters to axe depends on one of them at
# most: colours on the scheme, places on the size.
VIEWS = [("light", 1280, 800), ("dark", 390, 780)]

FIELD = "#chat-message-input, #chat_message"

# Tab should reach these controls, in this order.
CONTROLS = """() => {
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  window.controls = [...document.querySelectorAll(kinds)].filter((control) =>
    control.checkVisibility() && !control.disabled && control.type !== "hidden");
  return window.controls.length;
}"""
FOCUSED = "() => window.controls.indexOf(document.activeElement)"
# How the focus is shown on each of them, and the colour behind it.
OUTLINES = """() => window.controls.map((control) => {
  control.focus();
  const style = getComputedStyle(control);
  let around = control.parentElement;
  while (around && getComputedStyle(around).backgroundColor === "rgba(0, 0, 0, 0)") {
    around = around.parentElement;
  }
  return {
    name: control.outerHTML.slice(0, 80),
    width: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    colour: style.outlineColor,
    ground: around ? getComputedStyle(around).backgroundColor : "rgb(255, 255, 255)",
  };
})"""


@pytest.fixture(scope="module")
def filled(servers):
    """Give chapter 6 a long name, and more messages than a page shows at once."""
    server = servers[CONVERSATIONS]
    assert server.port  # there's a database as soon as it listens
    server.change("UPDATE auth_user SET username = ? WHERE username = 'carol'", LONG_NAME)
    for _ in range(5):
        server.change(
            "INSERT INTO chat_message (conversation_id, sender_id, content, timestamp)"
            " SELECT conversation_id, sender_id, content, timestamp"
            " FROM chat_message WHERE conversation_id = 1"
        )


@pytest.fixture(scope="module")
def windows(chromium):
    """Browser windows, one for each chapter and person, because opening one takes long."""
    opened = {}
    yield opened
    for window in opened.values():
        window.close()


@pytest.fixture
def visit(chromium, servers, filled, windows):
    """Return a function that opens a chapter's page.

    Every person has a window of their own; PEOPLE are logged in. `prepare` is called with the page
    before it's loaded.
    """
    pages = []

    def visit(chapter, path="/chat/", person=None, prepare=None):
        server = servers[chapter]
        if (chapter, person) not in windows:
            window = chromium.new_context(base_url=server.origin, locale="en-GB")
            windows[chapter, person] = window
            if person in PEOPLE:
                pairs = [pair.split("=") for pair in login.log_in(server.port, person).split("; ")]
                window.add_cookies(
                    [{"name": name, "value": value, "url": server.origin} for name, value in pairs]
                )
        page = windows[chapter, person].new_page()
        pages.append(page)
        if prepare:
            prepare(page)
        page.goto(path)
        return page

    yield visit
    for page in pages:
        page.close()


# Each page as it looks when it has something to show.


def index_with_error(visit, chapter):
    page = visit(chapter, "/chat/?room_name=%E6%97%A5%E6%9C%AC")
    expect(page.locator("#notice")).to_contain_text("needs a letter")
    return page


def room(visit, chapter):
    page = visit(chapter, "/chat/" + "a-long-name" * 4 + "/")
    expect(page.locator("#status")).to_have_text("Connected.")
    return page


def room_with_notice(visit, chapter):
    page = room(visit, chapter)
    for text in ("Tea?", LONG_WORD):
        say(page, text)
        expect_message(page, text)
    return be_refused(page)


def room_without_connection(visit, chapter):
    page = visit(chapter, "/chat/lobby/", prepare=closes_with(1001))
    expect(page.locator("#status")).to_contain_text("Not connected")
    say(page, "Tea?")
    expect(page.locator("#notice")).to_contain_text("Not sent")
    return page


def login_with_error(visit, chapter):
    page = visit(chapter, "/accounts/login/")
    send(page, username="ann", password="wrong")
    expect(page.locator(".errorlist")).to_contain_text("correct username and password")
    return page


def signup_with_errors(visit, chapter):
    page = visit(chapter, "/accounts/signup/")
    send(page, username="ann", password1="plum", password2="plumb")
    expect(page.locator(".errorlist")).to_have_count(2)
    return page


def no_conversations(visit, chapter):
    page = visit(chapter, "/accounts/signup/", "dave")
    send(page, username="dave", password1="plum-cake-4", password2="plum-cake-4")
    expect(page.locator("#conversations")).to_have_text("None yet.")
    return page


def conversations(visit, chapter):
    return visit(chapter, person=LONG_NAME)


def new_conversation_with_error(visit, chapter):
    page = visit(chapter, "/chat/new/", "ann")
    send(page, usernames="x" * 100)
    expect(page.locator(".errorlist")).to_contain_text("Nobody here")
    return page


def conversation_with_earlier_messages(visit, chapter):
    page = visit(chapter, "/chat/1/", "ann")
    expect(page.locator("#status")).to_have_text("Connected.")
    expect(page.locator("#load-earlier")).to_be_visible()
    return page


def conversation_with_notice(visit, chapter):
    page = visit(chapter, "/chat/2/", "ann")
    expect(page.locator("#status")).to_have_text("Connected.")
    say(page, LONG_WORD)
    expect_message(page, LONG_WORD)
    return be_refused(page)


def conversation_when_logged_out(visit, chapter):
    page = visit(chapter, "/chat/2/", "bob", closes_with(4401))
    expect(page.locator("#status")).to_contain_text("Your login has ended or changed.")
    say(page, "Am I still here?")
    expect(page.locator("#notice")).to_contain_text("Not sent")
    return page


def conversation_without_access(visit, chapter):
    page = visit(chapter, "/chat/2/", "bob", closes_with(4403))
    expect(page.locator("#status")).to_contain_text("don't take part")
    return page


STATES = [
    (ROOMS[0], index_with_error),
    *(
        (name, state)
        for name in ROOMS
        for state in (room, room_with_notice, room_without_connection)
    ),
    *(
        (CONVERSATIONS, state)
        for state in (
            login_with_error,
            signup_with_errors,
            no_conversations,
            conversations,
            new_conversation_with_error,
            conversation_with_earlier_messages,
            conversation_with_notice,
            conversation_when_logged_out,
            conversation_without_access,
        )
    ),
]


@pytest.mark.parametrize(
    ("chapter", "state"), STATES, ids=[f"{name[:2]}-{state.__name__}" for name, state in STATES]
)
def test_page_is_accessible(visit, chapter, state):
    page = state(visit, chapter)
    page.evaluate(AXE.axe_script)
    faults = tab_faults(page)
    for scheme, width, height in VIEWS:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": height})
        found = [
            f"{violation['id']}: {violation['help']}: {violation['nodes'][0]['target']}"
            for violation in page.evaluate("rules => axe.run(rules)", RULES)["violations"]
        ]
        needed = page.evaluate("document.documentElement.scrollWidth")
        if needed > width:
            found.append(f"the page is {needed} px wide and scrolls sideways")
        found += outline_faults(page)
        faults += [f"{scheme}, {width} px: {fault}" for fault in found]
    assert not faults, "\n".join(["", *faults])


def tab_faults(page):
    """Walk through the page with Tab; return which controls it skips or takes out of order."""
    count = page.evaluate(CONTROLS)
    places = []
    for _ in range(count + 2):  # once round, with the browser's own place between end and start
        page.keyboard.press("Tab")
        places.append(page.evaluate(FOCUSED))
    places = [place for place in places if place >= 0]
    expected = [(places[0] + step) % count for step in range(len(places))]
    if places == expected and len(places) >= count:
        return []
    return [f"Tab reaches the {count} controls in this order: {places}"]


def outline_faults(page):
    """Return the controls on which the focus can't be seen."""
    return [
        f"no focus to be seen on {control['name']}"
        for control in page.evaluate(OUTLINES)
        if control["width"] < 2 or contrast(control["colour"], control["ground"]) < 3
    ]


def contrast(one, other):
    """Return the contrast of two colours, as WCAG defines it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# Visits without a mouse. That Enter works in a form, the chapters' own tests show.


@pytest.mark.parametrize("chapter", ROOMS)
def test_room_is_visited_by_keyboard(visit, chapter):
    page = visit(chapter)
    expect(page.locator("#room-name-input")).to_be_focused()
    page.keyboard.type("Café du coin")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Connected.")
    send_with_button(page)
    if page.locator("#content").count():  # browsers scroll a textarea themselves
        scroll(page)
    tab_to(page, "a:text-is('Another room')")
    page.keyboard.press("Enter")
    expect(page.locator("#room-name-input")).to_be_focused()


def test_conversation_is_visited_by_keyboard(visit):
    page = visit(CONVERSATIONS, "/accounts/login/", "erin")
    tab_to(page, "a:text-is('Sign up')")
    page.keyboard.press("Enter")
    expect(page.locator("[name=username]")).to_be_focused()
    for text in ("erin", "plum-cake-4", "plum-cake-4"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    tab_to(page, "button:text-is('Sign up')")
    page.keyboard.press("Space")
    expect(page.locator("h1")).to_have_text("Conversations")
    tab_to(page, "a:text-is('New conversation')")
    page.keyboard.press("Enter")
    expect(page.locator("[name=usernames]")).to_be_focused()
    page.keyboard.type("nobody")
    tab_to(page, "button:text-is('Begin')")
    page.keyboard.press("Enter")
    expect(page.locator(".errorlist")).to_have_text("Nobody here is called nobody.")
    expect(page.locator("[name=usernames]")).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("bob")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Connected.")
    send_with_button(page)
    scroll(page)
    tab_to(page, "a:text-is('Conversations')", "Shift+Tab")
    page.keyboard.press("Enter")
    tab_to(page, "button:text-is('Log out')")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Log in")


def send(page, **fields):
    """Fill a form in, and send it with Enter."""
    for name, text in fields.items():
        page.fill(f"[name={name}]", text)
    page.press(f"[name={name}]", "Enter")


def say(page, text):
    page.fill(FIELD, text)
    page.press(FIELD, "Enter")


def expect_message(page, text):
    if page.locator("#chat-log").count():
        expect(page.locator("#chat-log")).to_have_value(re.compile(rf"(^|\n){re.escape(text)}\n$"))
    else:
        expect(page.locator("#content li").last).to_contain_text(text)
    expect(page.locator(FIELD)).to_have_value("")


def be_refused(page):
    say(page, "   ")
    expect(page.locator("#notice")).to_have_text("A message must not be empty.")
    return page


def closes_with(code):
    """Return a function after which a page's sockets are closed as soon as they're open."""

    def prepare(page):
        page.route_web_socket(
            lambda url: urlsplit(url).path.startswith("/ws/"),
            lambda socket: socket.close(code=code),
        )

    return prepare


def send_with_button(page):
    expect(page.locator(FIELD)).to_be_focused()
    page.keyboard.type("by button")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect_message(page, "by button")


def scroll(page):
    """Fill the log, and scroll through it by keyboard."""
    for number in range(3):
        say(page, f"{number} {LONG_WORD * 6}")
        expect_message(page, f"{number} {LONG_WORD * 6}")
    top = "document.querySelector('#content').scrollTop"
    tab_to(page, "#content", "Shift+Tab")
    page.wait_for_function(f"{top} > 100")
    page.keyboard.press("Home")
    page.wait_for_function(f"{top} === 0")
    page.keyboard.press("PageDown")
    page.wait_for_function(f"{top} > 100")


def tab_to(page, selector, key="Tab"):
    """Press Tab until an element has the focus."""
    wanted = page.locator(selector)
    for _ in range(30):
        page.keyboard.press(key)
        if wanted.count() and wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{key} doesn't reach {selector}")
