"""Two people's pages: who presses Enter, and what they see."""

import time

from playwright.sync_api import Page, expect

from tests.faults.ledger import LATEST, Ledger

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
    """Somebody at a page of one conversation, who keeps pressing Enter until it is empty."""

    def __init__(self, name: str, page: Page, ledger: Ledger):
        self.name = name
        self.page = page
        self.ledger = ledger
        self.text: str | None = None  # sent, and not acknowledged yet
        self.told: set[str] = set()  # all notices and states of the connection that were seen
        self.errors: list[str] = []  # of the page's script
        self.sockets = 0  # opened so far, whether or not they were accepted
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", self._count_socket)

    def _count_socket(self, _) -> None:
        self.sockets += 1

    def load(self) -> None:
        """Open the conversation without waiting for its socket."""
        self.page.goto(f"/chat/{self.ledger.conversation}/")

    def enter(self) -> None:
        """Open the conversation, and wait for its socket."""
        self.load()
        self.is_connected()

    def is_connected(self) -> None:
        expect(self.page.locator("#status")).to_have_text("Connected.", timeout=RECONNECT_LIMIT)

    def is_cut_off(self) -> None:
        expect(self.page.locator("#status")).to_contain_text("Not connected")

    def is_told(self, text: str, seconds: float = 10) -> None:
        """See a notice appear."""
        expect(self.page.locator("#notice")).to_contain_text(text, timeout=seconds * 1000)

    def look_again(self) -> None:
        """Come back to the page as from another tab, which makes it ask what it missed."""
        self.page.evaluate(LOOK_AGAIN)

    def give_up_socket(self) -> None:
        """Let a minute go by on the page's clock while nothing answers it.

        The page asks what it missed, gets no answer for 30 seconds, and opens another socket.
        """
        self.look_again()
        for _ in range(2):
            self.page.clock.fast_forward(31_000)

    def mark_first_message(self) -> None:
        """Remember the list's first item, to see later whether it was ever replaced."""
        self.page.evaluate("() => { window.marked = document.querySelector('#content li'); }")

    def still_has_marked_message(self) -> bool:
        return self.page.evaluate("() => window.marked.isConnected")

    def see(self) -> dict[str, str]:
        """Return what the form, the notice and the status say, and enter an acknowledgement."""
        seen = self.page.evaluate(SEEN)
        self.told |= {seen["notice"], seen["status"]} - {""}
        if self.text is not None and seen["form"] == "":
            self.ledger.acknowledged.add(self.text)
            self.text = None
        return seen

    def press_enter(self) -> None:
        self.page.press("#chat_message", "Enter")

    def write(self) -> str:
        """Type a new text and press Enter."""
        self.text = self.ledger.next_text(self.name)
        self.page.fill("#chat_message", self.text)
        self.press_enter()
        return self.text

    def insist(self) -> None:
        """Press Enter again if the form is not empty yet."""
        self.see()
        if self.text is not None:
            self.press_enter()

    def turn(self) -> None:
        """Press Enter again, or go on to the next text."""
        self.insist()
        if self.text is None:
            self.write()

    def messages(self) -> list[tuple[int, str]]:
        """Return the numbers and texts that the page shows, from top to bottom."""
        return [(number, text) for number, text, _ in self.page.evaluate(MESSAGES)]

    def own(self) -> set[str]:
        """Return the texts that the page shows as one's own."""
        return {text for _, text, own in self.page.evaluate(MESSAGES) if own}


def talk(people: list[Person], seconds: float) -> None:
    """Let everybody send for a while, whatever happens to the servers meanwhile."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for person in people:
            person.turn()
            person.page.wait_for_timeout(PACE * 1000 / len(people))


def insist(people: list[Person], seconds: float = 40) -> None:
    """Let everybody press Enter until all that they wrote is acknowledged."""
    deadline = time.monotonic() + seconds
    while waiting := [person for person in people if person.text is not None]:
        late = time.monotonic() > deadline
        assert not late, [(one.name, one.text, one.see()) for one in waiting]
        for person in waiting:
            person.insist()
            person.page.wait_for_timeout(PACE * 1000)


def settle(people: list[Person], seconds: float = 30) -> None:
    """Wait until each page shows all that is stored."""
    began = time.monotonic()
    while lacking := [one for one in people if not one.ledger.complete(one.messages())]:
        late = time.monotonic() - began > seconds
        shown = {one.name: one.messages() for one in lacking}
        assert not late, people[0].ledger.faults(shown)
        lacking[0].page.wait_for_timeout(100)


def recover(people: list[Person], count) -> None:
    """See that, within 30 seconds from now, when a fault has ended, no page lacks anything."""
    began = time.monotonic()
    for person in people:
        person.is_connected()
    settle(people, 30 - (time.monotonic() - began))
    count("complete after", f"{time.monotonic() - began:.1f} s")


def verdict(people: list[Person], count, connected: bool = True) -> None:
    """See that all is shown once, in order, to the right side, and alike when loaded anew.

    `count` is called with each of the figures by its name; `connected` tells whether a page that
    is loaded anew can get a socket.
    """
    settle(people)
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
        assert person.own() == mine & {text for _, text in shown[person.name]}
        assert person.errors == []
        person.page.reload()
        if connected:
            person.is_connected()
        assert person.messages() == shown[person.name][-LATEST:]
