"""Control people's pages in a browser: press Enter, and read what appears."""

import time

from playwright.sync_api import Page, expect

from tests.support.ledger import LATEST, Ledger

PACE = 0.15  # seconds from one press of a key to the next
RECONNECT_LIMIT = 30_000  # milliseconds: htmx waits ten seconds at most, and may have to twice

SEEN = """() => ({
  form: document.querySelector("#chat_message").value,
  notice: document.querySelector("#notice").textContent,
  status: document.querySelector("#status").textContent,
})"""
MESSAGES = """() => [...document.querySelectorAll("#content li")].map((item) => [
  Number(item.id.replace("message-", "")), item.querySelector("p").textContent,
  item.classList.contains("own"),
])"""
LOOK_AGAIN = "() => document.dispatchEvent(new Event('visibilitychange'))"


class Person:
    """A person on a conversation's page, who presses Enter until the form is empty."""

    def __init__(self, name: str, page: Page, ledger: Ledger):
        self.name = name
        self.page = page
        self.ledger = ledger
        self.text: str | None = None  # sent but not acknowledged yet
        self.status_texts: set[str] = set()  # all notices and connection states seen so far
        self.errors: list[str] = []  # of the page's script
        self.sockets = 0  # how many the page has started to open so far
        self.answers = 0  # frames with the page's new cursor, which answer a sync
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", self._count_socket)

    def _count_socket(self, socket) -> None:
        self.sockets += 1
        socket.on("framereceived", self._count_answer)

    def _count_answer(self, frame) -> None:
        self.answers += 'id="synced"' in str(frame)

    def wait_for_answers(self, answers: int, seconds: float = 10) -> None:
        """Wait until the page has received this many answers to a sync."""
        deadline = time.monotonic() + seconds
        while self.answers < answers:
            assert time.monotonic() < deadline, f"{self.answers} answers instead of {answers}"
            self.page.wait_for_timeout(50)

    def load(self) -> None:
        """Open the conversation without waiting for its socket."""
        self.page.goto(f"/chat/{self.ledger.conversation}/")

    def enter(self) -> None:
        """Open the conversation, and wait for its socket."""
        self.load()
        self.wait_until_connected()

    def wait_until_connected(self) -> None:
        expect(self.page.locator("#status")).to_have_text("Connected.", timeout=RECONNECT_LIMIT)

    def wait_until_disconnected(self) -> None:
        expect(self.page.locator("#status")).to_contain_text("Not connected")

    def wait_for_notice(self, text: str, seconds: float = 10) -> None:
        """Wait until a notice appears that contains `text`."""
        expect(self.page.locator("#notice")).to_contain_text(text, timeout=seconds * 1000)

    def return_to_tab(self) -> None:
        """Return from another tab, which makes the page ask for messages that it missed."""
        self.page.evaluate(LOOK_AGAIN)

    def pause_clock(self) -> None:
        """Stop the page's clock: from now on, the test alone moves it."""
        self.page.clock.pause_at(self.page.evaluate("Date.now()") / 1000 + 1)

    def mark_first_message(self) -> None:
        """Remember the list's first item, to find out later whether it was ever replaced."""
        self.page.evaluate("() => { window.marked = document.querySelector('#content li'); }")

    def still_has_marked_message(self) -> bool:
        return self.page.evaluate("() => window.marked.isConnected")

    def read_texts(self) -> dict[str, str]:
        """Return the texts of form, notice and status; record an acknowledgement."""
        seen = self.page.evaluate(SEEN)
        self.status_texts |= {seen["notice"], seen["status"]} - {""}
        if self.text is not None and seen["form"] == "":
            self.ledger.acknowledged.add(self.text)
            self.text = None
        return seen

    def press_enter(self) -> None:
        self.page.press("#chat_message", "Enter")

    def send_new_text(self) -> str:
        """Type a new text and press Enter."""
        self.text = self.ledger.next_text(self.name)
        self.page.fill("#chat_message", self.text)
        self.press_enter()
        return self.text

    def retry(self) -> None:
        """Press Enter again if the form isn't empty yet."""
        self.read_texts()
        if self.text is not None:
            self.press_enter()

    def send_or_retry(self) -> None:
        """Press Enter again if the form isn't empty, or else send the next text."""
        self.retry()
        if self.text is None:
            self.send_new_text()

    def messages(self) -> list[tuple[int, str]]:
        """Return the IDs and texts of the messages that the page shows, from top to bottom."""
        return [(number, text) for number, text, _ in self.page.evaluate(MESSAGES)]

    def own_texts(self) -> set[str]:
        """Return the texts that the page marks as this person's own."""
        return {text for _, text, own in self.page.evaluate(MESSAGES) if own}


def talk(people: list[Person], seconds: float) -> None:
    """Let people send for some seconds, whatever happens to the servers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for person in people:
            person.send_or_retry()
            person.page.wait_for_timeout(PACE * 1000 / len(people))


def retry_until_acknowledged(people: list[Person], seconds: float = 40) -> None:
    """Let people press Enter until everything that they sent is acknowledged."""
    deadline = time.monotonic() + seconds
    while waiting := [person for person in people if person.text is not None]:
        late = time.monotonic() > deadline
        assert not late, [(one.name, one.text, one.read_texts()) for one in waiting]
        for person in waiting:
            person.retry()
            person.page.wait_for_timeout(PACE * 1000)


def wait_until_complete(people: list[Person], seconds: float = 30) -> None:
    """Wait until each page shows every stored message."""
    began = time.monotonic()
    while lacking := [one for one in people if not one.ledger.complete(one.messages())]:
        late = time.monotonic() - began > seconds
        shown = {one.name: one.messages() for one in lacking}
        assert not late, people[0].ledger.faults(shown)
        lacking[0].page.wait_for_timeout(100)


def check_recovery(people: list[Person], count) -> None:
    """Check that every page is complete within 30 seconds. Call this when a fault has ended."""
    began = time.monotonic()
    for person in people:
        person.wait_until_connected()
    wait_until_complete(people, 30 - (time.monotonic() - began))
    count("complete after", f"{time.monotonic() - began:.1f} s")


def check_pages(people: list[Person], count, connected: bool = True) -> None:
    """Check that pages show each message once, in order, on the right side, also after a reload.

    `count` is called with each figure's name and value. `connected` tells whether a reloaded page
    can open a socket.
    """
    wait_until_complete(people)
    ledger = people[0].ledger
    shown = {person.name: person.messages() for person in people}
    count("sent", len(ledger.sent))
    count("acknowledged", len(ledger.acknowledged))
    count("stored", len(ledger.stored()))
    for name, messages in shown.items():
        count(f"{name} sees", len(messages))
    assert ledger.faults(shown) == []
    for person in people:
        mine = {text for text, name in ledger.sent.items() if name == person.name}
        assert person.own_texts() == mine & {text for _, text in shown[person.name]}
        assert person.errors == []
        person.page.reload()
        if connected:
            person.wait_until_connected()
        assert person.messages() == shown[person.name][-LATEST:]
