"""A page without a browser: an asyncio program that does what the page's scripts do.

Names are those of socket.js, log.js and form.js, so that both can be read side by side.
"""

import asyncio
import bisect
import contextlib
import json
import random
import re
import ssl
import time
import uuid
from collections.abc import Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from tests.cluster.members import Conversation, Member
from tests.support.answers import refusal
from tests.support.servers import Answer

SYNC_INTERVAL = 30  # seconds
REASONS = {4401, 4403}  # close codes after which a page stays closed
RETRIED_BY_HTMX = {1006, 1011, 1012, 1013}

ITEM = re.compile(r'<li id="message-(\d+)"(.*?)>.*?<p dir="auto">(.*?)</p>', re.DOTALL)
PREVIOUS = re.compile(r'data-previous="(\d+)"')
SYNCED = re.compile(r'<data id="synced" value="(\d+)"(.*?)>')
USER = re.compile(r'data-user="(\d+)"')
EPOCH = re.compile(r'data-epoch="(.*?)"')
PATH = re.compile(r'ws-connect="(.+?)"')


class Page(Member):
    """A person's page of a conversation at `url`. `tls` trusts the certificate of that server.

    `port` is where it opens its sockets, if that's another than its url's. `refused` is called with
    the status of each handshake that's refused.
    """

    def __init__(
        self,
        name: str,
        session: str,
        conversation: Conversation,
        returns: bool,
        *,
        url: str,
        tls: ssl.SSLContext,
        port: int | None,
        refused: Callable[[int], None],
    ):
        super().__init__(name, session, conversation, returns)
        self.url = url
        self.cookie = f"sessionid={session}"
        self.doubles = 0  # messages that arrived once more, which the page drops
        self._tls = tls
        self._port = port
        self._refused = refused
        self._numbers: list[int] = []  # of the list's items, in order
        self._previous: dict[int, int] = {}  # the data-previous of those that have one
        self._synced = 0  # the cursor: #synced
        self._epochs: set[str] = set()  # more than one, and a page would load itself again
        self._socket: ClientConnection | None = None
        self._sync_pending = False
        self._sync_timer: asyncio.TimerHandle | None = None
        self._gap_timer: asyncio.TimerHandle | None = None
        self._watchdog: asyncio.Timeout
        self._message: dict[str, str] | None = None
        self._ack_pending = False
        self._tasks: set[asyncio.Task] = set()

    def load(self, answer: Answer) -> None:
        """Take what a GET of the page has answered."""
        assert answer.status == 200, f"{self.name}'s page: HTTP {answer.status}"
        self._path = PATH.search(answer.text)[1]
        self._user = USER.search(answer.text)[1]
        self._take(answer.text)

    async def run(self) -> None:
        """Keep a socket open, as htmx and socket.js do."""
        retries = 0
        while True:
            opened, code = await self._connect()
            if opened:
                retries = 0
            if code in REASONS:
                self.trouble.append(f"its socket was closed with {code}")
                return
            if code in RETRIED_BY_HTMX:
                await asyncio.sleep(random.random() * min(2**retries, 10))
                retries += 1
            elif code:
                await asyncio.sleep(1 + random.random())
            # Otherwise the watchdog has ended it, and the page reconnects at once.

    async def press_enter(self) -> None:
        """Send a new text, or the same one again if the server has refused it."""
        if not self.connected or self._ack_pending:
            return  # the page says so, and the text stays in the form
        if self._message is None:
            text = self.send_next()
            self._message = {"chat_message": text, "client_id": str(uuid.uuid4())}
        self._ack_pending = True
        await self._send(self._message)

    async def come_back(self) -> None:
        """Do what a page does when its person comes back from another tab."""
        if self.connected and not self._sync_pending:
            await self._sync()

    async def _connect(self) -> tuple[bool, int]:
        """Open a socket and read it until it closes.

        Returns whether it was open, and its close code, or 0 if an answer to a sync is missing.
        """
        place = {"host": "127.0.0.1", "port": self._port} if self._port else {}
        try:
            socket = await connect(
                self.url.replace("https:", "wss:") + self._path,
                ssl=self._tls,
                origin=self.url,
                additional_headers={"Cookie": self.cookie},
                open_timeout=SYNC_INTERVAL,
                ping_interval=None,
                close_timeout=1,
                compression=None,
                proxy=None,
                **place,
            )
        except (OSError, EOFError, InvalidHandshake) as error:
            if isinstance(error, InvalidStatus):
                self._refused(error.response.status_code)
            return False, 1006
        self._socket = socket
        self.connect(time.time())
        try:
            async with asyncio.timeout(None) as self._watchdog:
                await self._sync()
                if self._ack_pending:
                    await self._send(self._message)
                while True:
                    await self._receive(await socket.recv())
        except TimeoutError:
            return True, 0
        except ConnectionClosed:
            return True, socket.close_code
        finally:
            self.connected = False
            self._stop_timer()
            self._start(socket.close())

    async def _sync(self) -> None:
        """Send the cursor. Without an answer in time, the socket is dead."""
        self._sync_pending = True
        self._stop_timer()
        self._watchdog.reschedule(asyncio.get_running_loop().time() + SYNC_INTERVAL)
        await self._send({"sync": self._synced, "user": self._user})

    def _stop_timer(self) -> None:
        if self._sync_timer:
            self._sync_timer.cancel()

    async def _receive(self, frame: str) -> None:
        answer = self._take(frame)
        if notice := refusal(frame):
            self.notices.append((time.time(), notice))
            self._ack_pending = False
        self._advance_cursor()
        if answer:
            self._sync_pending = False
            self._watchdog.reschedule(None)
            if "data-more" in answer[2]:
                await self._sync()
            else:
                self._stop_timer()
                loop = asyncio.get_running_loop()
                self._sync_timer = loop.call_later(SYNC_INTERVAL, lambda: self._start(self._sync()))
        if self._message and f'data-client-id="{self._message["client_id"]}"' in frame:
            self.acknowledge(time.time())
            self._message = None
            self._ack_pending = False
        if self._gap_timer is None:
            delay = 1 + random.random()
            self._gap_timer = asyncio.get_running_loop().call_later(delay, self._close_gap)

    def _close_gap(self) -> None:
        """Ask for what's missing, if the newest message doesn't follow on the one before it."""
        self._gap_timer = None
        has_gap = self._numbers and self._numbers[-1] > self._synced
        if has_gap and self.connected and not self._sync_pending:
            self._start(self._sync())

    def _take(self, html: str) -> re.Match | None:
        """Insert the messages of a page or a frame; return its new cursor, if there's one."""
        for number, attributes, text in ITEM.findall(html):
            self._insert_message(int(number), attributes, text)
        answer = SYNCED.search(html)
        if answer:
            self._synced = int(answer[1])
            self._epochs.update(EPOCH.findall(answer[2]))
            if len(self._epochs) > 1:
                self.trouble.append(f"its epoch has changed: {self._epochs}")
        return answer

    def _insert_message(self, number: int, attributes: str, text: str) -> None:
        self.doubles += number in self.messages
        if number not in self.messages:
            bisect.insort(self._numbers, number)
            if previous := PREVIOUS.search(attributes):
                self._previous[number] = int(previous[1])
        self.show(number, text, time.time())

    def _advance_cursor(self) -> None:
        """Move the cursor past every message that follows directly on what the page has."""
        for number in self._numbers[bisect.bisect(self._numbers, self._synced) :]:
            if self._previous.get(number, number) <= self._synced:
                self._synced = number

    async def _send(self, frame: dict) -> None:
        with contextlib.suppress(ConnectionClosed):
            await self._socket.send(json.dumps(frame))

    def _start(self, coroutine) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
