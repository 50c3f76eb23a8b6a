"""Every page of the six projects, as it is for those who use no mouse or see it differently."""

import contextlib
import re
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from course import chapters
from course.site import scenes, screenshots
from tests.support.servers import all_served

ROOMS = [name for name in chapters.NAMES if "02" <= name[:2] <= "05"]
CONVERSATIONS = "06_conversations_auth"
PASSWORD = "channels-demo"
LONG_NAME = "wilhelmina" * 15  # as long as Django lets a user name be
LONG_WORD = "antidisestablishmentarianism" * 8

SIZES = {1280: 800, 390: 780}  # widths and heights, in CSS pixels
AXE = Axe()
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}

# carol and bob have 120 messages, dave has nobody yet.
FILL = f"""
from django.core.management import call_command
from chat.management.commands.demo import Command
from chat.models import Conversation, Message
call_command("demo")
ann, bob, carol, dave, long = [
    Command().person(name) for name in ("ann", "bob", "carol", "dave", "{LONG_NAME}")
]
conversation = Conversation.objects.get_or_create_for([bob, carol])
Message.objects.bulk_create(
    Message(conversation=conversation, sender=bob, content=number) for number in range(120)
)
conversation = Conversation.objects.get_or_create_for([ann, long])
Message.objects.create(conversation=conversation, sender=long, content="{LONG_WORD}")
"""

# What Tab should come to, in this order.
CONTROLS = """() => {
  const kinds = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  window.controls = [...document.querySelectorAll(kinds)].filter((one) =>
    one.checkVisibility() && !one.disabled && one.type !== "hidden");
  return window.controls.length;
}"""
# Which of them has the focus, how that is seen, and on what it is drawn.
FOCUS = """() => {
  const one = document.activeElement;
  const style = getComputedStyle(one);
  let around = one.parentElement;
  while (around && getComputedStyle(around).backgroundColor === "rgba(0, 0, 0, 0)") {
    around = around.parentElement;
  }
  return {
    place: window.controls.indexOf(one),
    name: one.outerHTML.slice(0, 80),
    outline: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    colour: style.outlineColor,
    ground: around ? getComputedStyle(around).backgroundColor : "rgb(255, 255, 255)",
  };
}"""


@pytest.fixture(scope="module")
def addresses():
    """The addresses of the six chapters, by name."""
    with all_served(chapters.NAMES, FILL) as addresses:
        yield addresses


@pytest.fixture(scope="module")
def cookies():
    """The cookies of those who have logged in, by name; filled as they do."""
    return {}


@pytest.fixture(scope="module")
def clean():
    """What the pages show in which nothing was found."""
    return []


@pytest.fixture
def visit(chromium, addresses, cookies):
    """Return a function that opens a chapter's page, as somebody who is logged in if need be."""
    with contextlib.ExitStack() as stack:

        def visit(chapter, path="/chat/", person=None, prepare=None):
            window = chromium.new_context(
                base_url=addresses[chapter],
                viewport={"width": 1280, "height": SIZES[1280]},
                locale="en-GB",
                timezone_id="UTC",
            )
            page = stack.enter_context(window).new_page()
            if person and person not in cookies:
                log_in(page, person)
                cookies[person] = window.cookies()
            elif person:
                window.add_cookies(cookies[person])
            if prepare:
                prepare(page)
            page.goto(path)
            return page

        yield visit


# The pages, each as it stands when there is something to see.


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
    say(page, "   ")
    expect(page.locator("#notice")).to_have_text("A message must not be empty.")
    return page


def room_without_connection(visit, chapter):
    page = visit(chapter, "/chat/lobby/", prepare=closes_with(1001))
    expect(page.locator("#status")).to_contain_text("Not connected")
    say(page, "Tea?")
    expect(page.locator("#notice")).to_contain_text("Not sent")
    return page


def login(visit, chapter):
    return visit(chapter, "/accounts/login/")


def login_with_error(visit, chapter):
    page = login(visit, chapter)
    page.fill("[name=username]", "ann")
    page.fill("[name=password]", "wrong")
    page.press("[name=password]", "Enter")
    expect(page.locator(".errorlist")).to_contain_text("correct username and password")
    return page


def signup(visit, chapter):
    return visit(chapter, "/accounts/signup/")


def signup_with_errors(visit, chapter):
    page = signup(visit, chapter)
    page.fill("[name=username]", "ann")
    page.fill("[name=password1]", "plum")
    page.fill("[name=password2]", "plumb")
    page.press("[name=password2]", "Enter")
    expect(page.locator(".errorlist")).to_have_count(2)
    return page


def conversations(visit, chapter):
    page = visit(chapter, person="ann")
    expect(page.locator("#conversations a")).not_to_have_count(0)
    return page


def no_conversations(visit, chapter):
    page = visit(chapter, person="dave")
    expect(page.locator("#conversations")).to_have_text("None yet.")
    return page


def conversations_of_a_long_name(visit, chapter):
    return visit(chapter, person=LONG_NAME)


def new_conversation(visit, chapter):
    return visit(chapter, "/chat/new/", "ann")


def new_conversation_with_error(visit, chapter):
    page = new_conversation(visit, chapter)
    page.fill("[name=usernames]", "x" * 100)
    page.press("[name=usernames]", "Enter")
    expect(page.locator(".errorlist")).to_contain_text("Nobody here")
    return page


def conversation(visit, chapter):
    page = enter(visit, "carol", "bob")
    expect(page.locator("#load-earlier")).to_be_visible()
    return page


def conversation_with_notice(visit, chapter):
    page = enter(visit, "ann", LONG_NAME)
    say(page, LONG_WORD)
    expect(page.locator("#chat_message")).to_have_value("")
    expect_message(page, LONG_WORD)
    say(page, "   ")
    expect(page.locator("#notice")).to_have_text("A message must not be empty.")
    return page


def earlier_messages_loaded(visit, chapter):
    page = conversation(visit, chapter)
    page.click("#load-earlier")
    expect(page.locator("#content li")).to_have_count(100)
    return page


def conversation_when_logged_out(visit, chapter):
    page = visit(chapter, person=None)
    log_in(page, "ann")
    open_conversation(page, "bob")
    with page.context.new_page() as other:
        other.goto("/chat/")
        other.click("text=Log out")
    expect(page.locator("#status")).to_contain_text("Your login has ended or changed.")
    say(page, "Am I still here?")
    expect(page.locator("#notice")).to_contain_text("Not sent")
    return page


def conversation_without_access(visit, chapter):
    page = visit(chapter, person="bob", prepare=closes_with(4403))
    page.click("#conversations strong:text-is('ann')")
    expect(page.locator("#status")).to_contain_text("don't take part")
    return page


PAGES = [
    *[(name, index_with_error) for name in chapters.NAMES[:5]],
    *[
        (name, state)
        for name in ROOMS
        for state in (room, room_with_notice, room_without_connection)
    ],
    *[
        (CONVERSATIONS, state)
        for state in (
            login,
            login_with_error,
            signup,
            signup_with_errors,
            conversations,
            no_conversations,
            conversations_of_a_long_name,
            new_conversation,
            new_conversation_with_error,
            conversation,
            conversation_with_notice,
            earlier_messages_loaded,
            conversation_when_logged_out,
            conversation_without_access,
        )
    ],
]


@pytest.mark.parametrize(
    ("chapter", "state"), PAGES, ids=[f"{name[:2]}-{state.__name__}" for name, state in PAGES]
)
def test_page_is_accessible(visit, chapter, state, clean):
    page = state(visit, chapter)
    if (shown := screenshots.shown(page)) in clean:
        return  # the same as in an earlier chapter, to the letter
    page.evaluate(AXE.axe_script)
    faults = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width, height in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            found = page.evaluate("rules => axe.run(rules)", RULES)["violations"]
            faults += [f"{scheme}, {width} px: {describe(violation)}" for violation in found]
            needed = page.evaluate("document.documentElement.scrollWidth")
            if needed > width:
                faults.append(f"{width} px: the page is {needed} px wide and scrolls sideways")
        faults += [f"{scheme}: {fault}" for fault in faults_of_focus(page)]
    assert not faults, "\n" + "\n".join(faults)
    clean.append(shown)


def describe(violation):
    places = [" ".join(node["target"]) for node in violation["nodes"]]
    more = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f"{violation['id']}: {violation['help']} ({', '.join(places[:3])}{more})"


def faults_of_focus(page):
    """Walk through the page with Tab; return what is left out, out of order or not to be seen."""
    count = page.evaluate(CONTROLS)
    faults, places = [], []
    for _ in range(count + 2):  # once round, with the browser's own place between end and start
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        if focus["place"] < 0:
            continue
        if places and focus["place"] != (places[-1] + 1) % count:
            faults.append(f"Tab jumps from control {places[-1]} to {focus['name']}")
        places.append(focus["place"])
        if focus["outline"] < 2:
            faults.append(f"no focus to be seen on {focus['name']}")
        elif contrast(focus["colour"], focus["ground"]) < 3:
            faults.append(f"a faint focus on {focus['name']}")
    if missing := set(range(count)) - set(places):
        faults.append(f"Tab does not reach {len(missing)} of {count} controls")
    return faults


def contrast(one, other):
    """Return the contrast of two colours, as WCAG reckons it."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    red, green, blue = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# The ways, gone by keyboard alone.


@pytest.mark.parametrize("chapter", chapters.NAMES[:5])
def test_room_is_named_by_keyboard(visit, chapter):
    for way in ("Enter", "Tab Enter", "Tab Space"):
        page = visit(chapter)
        expect(page.locator("#room-name-input")).to_be_focused()
        page.keyboard.type("Café du coin")
        with page.expect_navigation(url="**/chat/cafe-du-coin/"):
            press(page, way)


@pytest.mark.parametrize("chapter", ROOMS)
def test_message_is_sent_by_keyboard_and_the_room_left(visit, chapter):
    page = room(visit, chapter)
    send_in_all_ways(page)
    tab_to(page, "a:text-is('Another room')")
    page.keyboard.press("Enter")
    expect(page.locator("#room-name-input")).to_be_focused()


def test_message_is_sent_by_keyboard_and_the_conversation_left(visit):
    page = conversations(visit, CONVERSATIONS)
    tab_to(page, "#conversations a:has(strong:text-is('bob'))")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Connected.")
    send_in_all_ways(page)
    tab_to(page, "a:text-is('Conversations')", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#conversations")).to_be_visible()


def send_in_all_ways(page):
    field = page.locator("#chat-message-input, #chat_message")
    # The server replaces the field of chapters 5 and 6, and the new one takes the focus.
    stays_on_button = page.locator("#chat-log").count()
    for way in ("Enter", "Tab Enter", "Tab Space"):
        expect(field).to_be_focused()
        page.keyboard.type(f"by {way}")
        press(page, way)
        expect_message(page, f"by {way}")
        expect(field).to_have_value("")
        if stays_on_button and way != "Enter":
            page.keyboard.press("Shift+Tab")


def test_earlier_messages_are_loaded_by_keyboard(visit):
    page = conversation(visit, CONVERSATIONS)
    for key, count in (("Enter", 100), ("Space", 120)):
        if not is_focused(page.locator("#load-earlier")):
            tab_to(page, "#load-earlier", "Shift+Tab")
        page.keyboard.press(key)
        expect(page.locator("#content li")).to_have_count(count)
        scenes.settle(page)  # a new button is nobody's until htmx has bound it
    expect(page.locator("#load-earlier")).to_have_count(0)
    # The button is gone, and the focus goes on where it was, not to the top of the page.
    expect(page.locator("#content")).to_be_focused()


@pytest.mark.parametrize("chapter", ["05_htmx_ws", CONVERSATIONS])
def test_log_is_scrolled_by_keyboard(visit, chapter):
    if chapter == CONVERSATIONS:
        page = conversation(visit, chapter)
    else:
        page = room(visit, chapter)
        for number in range(3):
            say(page, f"{number} {LONG_WORD * 6}")
            expect_message(page, f"{number} {LONG_WORD}")
            expect(page.locator("#chat_message")).to_have_value("")
    top = "document.querySelector('#content').scrollTop"
    tab_to(page, "#content", "Shift+Tab")
    page.wait_for_function(f"{top} > 100")
    page.keyboard.press("Home")
    page.wait_for_function(f"{top} === 0")
    page.keyboard.press("PageDown")
    page.wait_for_function(f"{top} > 100")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_one_logs_in_and_out_by_keyboard(visit, key):
    page = login(visit, CONVERSATIONS)
    expect(page.locator("[name=username]")).to_be_focused()
    page.keyboard.type("carol")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    tab_to(page, "button:text-is('Log in')")
    page.keyboard.press(key)
    expect(page.locator("h1")).to_have_text("Conversations")
    tab_to(page, "button:text-is('Log out')")
    page.keyboard.press(key)
    expect(page.locator("h1")).to_have_text("Log in")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_one_signs_up_by_keyboard(visit, key):
    page = login(visit, CONVERSATIONS)
    tab_to(page, "a:text-is('Sign up')")
    page.keyboard.press("Enter")
    expect(page.locator("[name=username]")).to_be_focused()
    for text in (f"erin-{key}", "plum-cake-4", "plum-cake-4"):
        page.keyboard.type(text)
        page.keyboard.press("Tab")
    tab_to(page, "button:text-is('Sign up')")
    page.keyboard.press(key)
    expect(page.locator("header")).to_contain_text(f"erin-{key}")


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_conversation_is_begun_by_keyboard(visit, key):
    page = conversations(visit, CONVERSATIONS)
    tab_to(page, "a:text-is('New conversation')")
    page.keyboard.press("Enter")
    expect(page.locator("[name=usernames]")).to_be_focused()
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    expect(page.locator(".errorlist")).to_have_text("Nobody here is called nobody.")
    expect(page.locator("[name=usernames]")).to_be_focused()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("carol")
    tab_to(page, "button:text-is('Begin')")
    page.keyboard.press(key)
    expect(page.locator("h1")).to_have_text("carol")
    expect(page.locator("#chat_message")).to_be_focused()


def log_in(page, person):
    page.goto("/accounts/login/")
    page.fill("[name=username]", person)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.locator("h1")).to_have_text("Conversations")


def enter(visit, person, name):
    page = visit(CONVERSATIONS, person=person)
    open_conversation(page, name)
    return page


def open_conversation(page, name):
    page.click(f"#conversations strong:text-is('{name}')")
    expect(page.locator("#status")).to_have_text("Connected.")


def closes_with(code):
    """Return a function after which the page's sockets are closed as soon as they are open."""

    def prepare(page):
        page.route_web_socket(
            lambda url: urlsplit(url).path.startswith("/ws/"),
            lambda socket: socket.close(code=code),
        )

    return prepare


def say(page, text):
    field = page.locator("#chat-message-input, #chat_message")
    field.fill(text)
    field.press("Enter")


def expect_message(page, text):
    if page.locator("#chat-log").count():
        expect(page.locator("#chat-log")).to_have_value(re.compile(rf"(^|\n){re.escape(text)}\n$"))
    else:
        expect(page.locator("#content li").last).to_contain_text(text)


def press(page, keys):
    for key in keys.split():
        page.keyboard.press(key)


def is_focused(locator):
    return locator.count() and locator.evaluate("one => one === document.activeElement")


def tab_to(page, selector, key="Tab"):
    """Press Tab until an element has the focus."""
    wanted = page.locator(selector)
    for _ in range(30):
        page.keyboard.press(key)
        if is_focused(wanted):
            return
    pytest.fail(f"{key} does not reach {selector}")
