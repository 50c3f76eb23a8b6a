"""A page in a real browser, watched from outside."""

import asyncio
import time

from playwright.async_api import Browser, Page

from tests.cluster.members import Conversation, Member

LOOK = 0.2  # seconds from one look at the page to the next
# Note each message as it appears, and when.
WATCH = """
document.addEventListener("DOMContentLoaded", () => {
  window.seen = [];
  const note = (item) => window.seen.push([
    Number(item.id.replace("message-", "")), item.querySelector("p").textContent, Date.now() / 1000,
  ]);
  const content = document.querySelector("#content");
  [...content.children].forEach(note);
  new MutationObserver((changes) => changes.forEach((change) => {
    change.addedNodes.forEach((node) => node.id && note(node));
  })).observe(content, { childList: true });
});
"""
SEEN = """(from) => ({
  messages: window.seen.slice(from),
  form: document.querySelector("#chat_message").value,
  notice: document.querySelector("#notice").textContent,
  status: document.querySelector("#status").textContent,
})"""
SHOWN = """() => [...document.querySelectorAll("#content li")].map((item) => [
  Number(item.id.replace("message-", "")), item.querySelector("p").textContent,
])"""
COME_BACK = "() => document.dispatchEvent(new Event('visibilitychange'))"


class Window(Member):
    """A person in a browser, on a conversation's page at `url`."""

    def __init__(
        self, name: str, session: str, conversation: Conversation, returns: bool, *, url: str
    ):
        super().__init__(name, session, conversation, returns)
        self.url = url
        self._read = 0  # so many of the messages that appeared have been read
        self._notice = ""
        self._page: Page

    async def open(self, browser: Browser) -> None:
        # The browser doesn't know the cluster's own certificate authority.
        context = await browser.new_context(base_url=self.url, ignore_https_errors=True)
        cookie = {"name": "sessionid", "value": self.session, "url": self.url}
        await context.add_cookies([cookie])
        await context.add_init_script(WATCH)
        self._page = await context.new_page()
        self._page.on("pageerror", lambda error: self.trouble.append(str(error)))
        await self._page.goto(f"/chat/{self.conversation.conversation}/")

    async def run(self) -> None:
        """Read what appears on the page, again and again."""
        while True:
            await self._look()
            await asyncio.sleep(LOOK)

    async def press_enter(self) -> None:
        """Type a new text and press Enter, or press Enter again if the form isn't empty."""
        if self.pending is None and self.connected:
            await self._page.fill("#chat_message", self.send_next())
        await self._page.press("#chat_message", "Enter")

    async def come_back(self) -> None:
        await self._page.evaluate(COME_BACK)

    async def read(self) -> list[tuple[int, str]]:
        """Return the numbers and texts that the page shows, from top to bottom."""
        return [(number, text) for number, text in await self._page.evaluate(SHOWN)]

    async def _look(self) -> None:
        seen = await self._page.evaluate(SEEN, self._read)
        self._read += len(seen["messages"])
        for number, text, at in seen["messages"]:
            self.show(number, text, at)
            if text == self.pending:
                self.acknowledge(at)
        if seen["notice"] not in ("", self._notice):
            self.notices.append((time.time(), seen["notice"]))
        self._notice = seen["notice"]
        connected = seen["status"] == "Connected."
        if connected and not self.connected:
            self.connect(time.time())
        self.connected = connected
