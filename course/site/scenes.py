"""What ann and bob do in the running chapters for the screenshots, the same every time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from course.chapters import DEMO_PASSWORD

DENSITY = 2  # pixels of a picture to a CSS pixel
ROOM = (400, 632)  # a window's size, in CSS pixels
WIDE = (500, 564)
TALL = (500, 592)  # for a state of the connection that takes two lines
INDEX = (560, 200)
PLAIN = (400, 150)
LIST = (560, 328)

WORDS = ["Tea?", "Please.", "Four o'clock, then."]  # ann's, bob's, ann's

# A message is in the log, and the field is free for the next.
HEARD = """text => {
  const log = document.querySelector("#chat-log, #content, pre");
  return (log.value ?? log.textContent).includes(text);
}"""
READY = """field => {
  const input = document.querySelector(field);
  return input.value === "" && !input.readOnly;
}"""


@dataclass
class Picture:
    """The windows at one moment of a scenario: a page for each person's name."""

    name: str
    windows: dict
    size: tuple[int, int]


def scenario(chapter: str, chromium, address: str) -> Iterator[Picture]:
    """Play the chapter's scenario; yield each of its pictures when it should be taken."""
    options = {
        "base_url": address,
        "device_scale_factor": DENSITY,
        "locale": "en-GB",
        "timezone_id": "UTC",
        "viewport": {"width": ROOM[0], "height": ROOM[1]},
    }
    with chromium.new_context(**options) as anns, chromium.new_context(**options) as bobs:
        for picture in SCENARIOS[chapter](anns.new_page(), bobs.new_page()):
            for page in picture.windows.values():
                settle(page)
            yield picture


def settle(page) -> None:
    """Wait until htmx has done what it does after a swap."""
    busy = ".htmx-added, .htmx-settling, .htmx-swapping, .htmx-request"
    page.wait_for_function("busy => !document.querySelector(busy)", arg=busy)


def ten_minutes(ann, bob):
    for page in (ann, bob):
        page.goto("/")
        page.wait_for_function("socket.readyState === WebSocket.OPEN")
    converse(ann, bob, "[name=message]")
    yield Picture("ten_minutes", {"ann": ann, "bob": bob}, PLAIN)


def index(ann, bob):
    ann.goto("/chat/")
    ann.fill("#room-name-input", "Café du coin")
    yield Picture("01_http_only", {"ann": ann}, INDEX)


def room(name: str, field: str, everybody: bool = True) -> Callable:
    """Return the scenario in which ann and bob talk in the lobby. `field` is where they type."""

    def talk(ann, bob):
        for page in (ann, bob):
            page.goto("/chat/lobby/")
            wait_until_connected(page)
        converse(ann, bob, field, everybody)
        yield Picture(name, {"ann": ann, "bob": bob}, ROOM)

    return talk


def conversation(ann, bob):
    log_in(ann, "ann")
    ann.click("text=New conversation")
    say(ann, "[name=usernames]", "bob")
    wait_until_connected(ann)
    log_in(bob, "bob")
    bob.click("#conversations strong:text-is('ann')")
    wait_until_connected(bob)
    converse(ann, bob, "#chat_message")
    windows = {"ann": ann, "bob": bob}
    yield Picture("06_conversation", windows, ROOM)
    yield Picture("06_conversations_auth", windows, WIDE)

    with ann.context.new_page() as tab:
        tab.route_web_socket("**/ws/**", lambda socket: socket.close(code=1011))
        tab.goto(ann.url)
        tab.get_by_text("Not connected").wait_for()
        say(tab, "#chat_message", "Shall I bring cake?")
        tab.get_by_text("Not sent").wait_for()
        yield Picture("06_offline", {"ann": tab}, WIDE)

    with ann.context.new_page() as tab:
        tab.goto("/chat/")
        tab.get_by_text("ann: Four").wait_for()
        yield Picture("06_list", {"ann": tab}, LIST)
        tab.click("text=Log out")
        # A tab that's closed while it changes pages may never close.
        tab.wait_for_url("**/accounts/login/")
    ann.get_by_text("Your login has ended or changed.").wait_for()
    say(ann, "#chat_message", "Shall I bring cake?")
    ann.get_by_text("Not sent").wait_for()
    yield Picture("06_logged_out", {"ann": ann}, TALL)


def log_in(page, name: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=username]", name)
    say(page, "[name=password]", DEMO_PASSWORD)
    page.get_by_role("heading", name="Conversations").wait_for()


def converse(ann, bob, field: str, everybody: bool = True) -> None:
    """Let the two speak in turns, each when the last message has arrived everywhere."""
    for text, page in zip(WORDS, (ann, bob, ann), strict=True):
        say(page, field, text)
        for reader in (ann, bob) if everybody else (page,):
            reader.wait_for_function(HEARD, arg=text)
        page.wait_for_function(READY, arg=field)


def wait_until_connected(page) -> None:
    page.get_by_text("Connected.", exact=True).wait_for()


def say(page, field: str, text: str) -> None:
    page.fill(field, text)
    page.press(field, "Enter")


# Chapter 4 looks like chapter 3.
SCENARIOS: dict[str, Callable] = {
    "ten_minutes": ten_minutes,
    "01_http_only": index,
    "02_echo_consumer": room("02_echo_consumer", "#chat-message-input", everybody=False),
    "03_sync_group_chat": room("03_sync_group_chat", "#chat-message-input"),
    "05_htmx_ws": room("05_htmx_ws", "#chat_message"),
    "06_conversations_auth": conversation,
}
