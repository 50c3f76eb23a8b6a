"""The client: many sockets in one room, some of which speak, and each message counted at each.

A message is known by a token in its text, in whatever frame it comes: JSON or HTML.
"""

import asyncio
import contextlib
import json
import re
import secrets
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from picows import WSError, WSListener, WSMsgType, WSTransport, ws_connect

from course import progress

AT_ONCE = 10  # handshakes under way at a time
HANDSHAKE_LIMIT = 30  # seconds that one may take
HANDSHAKE_TRIES = 3
ENTER_LIMIT = 90  # seconds that all of a room's may take, and those for each connection
ENTER_LIMIT_EACH = 0.02
QUIET = 20  # seconds without a message, after which what has not come is missing
MANY = 1_000  # readers; the layer in memory takes minutes for a message to 10,000
LINGER = 0.1  # seconds in which a message that came already may come again
SETTLE_TRIES = 3
SETTLE_QUIET = 2  # seconds without a message until the next try, and those for each reader
SETTLE_QUIET_EACH = 0.002

WORDS = "The four o'clock train is late. Shall we meet at half past four, under the clock?"


class TooSlow(progress.Trouble):
    """Connecting takes longer than a benchmark can wait; the text says how far it came."""


@dataclass
class Talk:
    """What came of a talk. `delays` are seconds from send to receipt, one for each delivery."""

    messages: int
    deliveries: int
    missing: int
    seconds: float
    delays: array


class Reader(WSListener):
    """One connection. `seen` are the numbers of the messages that it got."""

    def __init__(self, crowd: "Crowd"):
        self.crowd = crowd
        self.seen: set[int] = set()
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport):
        self.transport = transport

    def on_ws_frame(self, transport, frame):
        if frame.msg_type is WSMsgType.TEXT:
            self.crowd.arrived(self, frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport):
        self.crowd.closed += not self.crowd.leaving


class Crowd:
    """Connections in one room. A message goes in as JSON with the key `field`: `words`, a token.

    `doubled` counts messages that came to a reader again, `closed` connections that the server
    ended, and `stray` holds the last frame that was none of the messages, such as a refusal.
    """

    def __init__(self, field: str, words: str = WORDS):
        self.readers: list[Reader] = []
        self.doubled = 0
        self.closed = 0
        self.stray = b""
        self.leaving = False
        self._field = field
        self._words = words
        run = secrets.token_hex(4)
        self._token = f"bench-{run}-{{}}-end"
        self._find = re.compile(rb"bench-%s-(\d+)-end" % run.encode()).findall
        self._sent = array("d")  # when each message was sent
        self._left = array("l")  # how many readers still wait for it
        self._first = 0  # of the talk that is on
        self._last = 0.0  # when the last message came
        self._delays = array("d")
        self._complete: Callable[[], None] = lambda: None

    async def enter(self, urls: Sequence[str], count: int, cookies: Sequence[str] = ()) -> float:
        """Open `count` sockets, spread over the addresses; return how many seconds that took.

        With `cookies`, each sends the next of these Cookie headers. Raises progress.Trouble if
        one of them is refused, and TooSlow.
        """
        gate = asyncio.Semaphore(AT_ONCE)
        self.readers = []

        async def open_one(number: int) -> None:
            url = urls[number % len(urls)]
            headers = {"Origin": f"http://{urlsplit(url).netloc}"}
            if cookies:
                headers["Cookie"] = cookies[number]
            async with gate:
                reader = Reader(self)
                await _connect(reader, url, headers)
            self.readers.append(reader)

        seconds = ENTER_LIMIT + count * ENTER_LIMIT_EACH
        began, failure = time.perf_counter(), None
        try:
            async with asyncio.timeout(seconds) as limit, asyncio.TaskGroup() as opening:
                for number in range(count):
                    opening.create_task(open_one(number))
        except* (OSError, WSError) as errors:  # a TimeoutError is an OSError
            failure = errors.exceptions[0]
        if failure and limit.expired():
            came = f"{len(self.readers):,} of {count:,}"
            raise TooSlow(f"only {came} connected in {seconds:.0f} s")
        if failure:
            said = str(failure).splitlines() or ["no answer"]
            raise progress.Trouble(f"A connection was refused: {said[0]}")
        return time.perf_counter() - began

    async def settle(self) -> None:
        """Speak until a message has reached everybody.

        Raises progress.Trouble if none does, and TooSlow if there are more readers than a server
        may be expected to reach.
        """
        quiet = SETTLE_QUIET + len(self.readers) * SETTLE_QUIET_EACH
        for _ in range(SETTLE_TRIES):
            talk = await self.talk(self.readers[:1], 1, lambda sent, seconds: True, quiet)
            if not talk.missing:
                return
        if len(self.readers) > MANY:
            raise TooSlow(f"no message reached everybody in {quiet:.0f} s")
        last = f" The last frame was: {self.stray[:200]!r}" if self.stray else ""
        raise progress.Trouble(f"No message reaches everybody.{last}")

    async def talk(
        self,
        speakers: Sequence[Reader],
        in_flight: int,
        enough: Callable[[int, float], bool],
        quiet: float = QUIET,
    ) -> Talk:
        """Have the speakers speak in turns, with `in_flight` messages under way at a time.

        The next one is sent as soon as one has reached everybody, until `enough` of how many were
        sent, and in how many seconds, is true. Ends when all have reached everybody, when nothing
        has come for `quiet` seconds, or when the server has ended all connections.
        """
        self._first = first = len(self._sent)
        self._delays, done = array("d"), asyncio.Event()
        began = self._last = time.perf_counter()

        def say() -> None:
            number = len(self._sent)
            text = f"{self._words} {self._token.format(number)}"
            frame = json.dumps({self._field: text}).encode()
            self._left.append(len(self.readers))
            self._sent.append(time.perf_counter())
            speakers[number % len(speakers)].transport.send(WSMsgType.TEXT, frame)

        def complete() -> None:
            if not enough(len(self._sent) - first, time.perf_counter() - began):
                say()
            elif not any(self._left[first:]):
                done.set()

        self._complete = complete
        say()
        while len(self._sent) - first < in_flight and not enough(len(self._sent) - first, 0):
            say()
        while not done.is_set() and self.closed < len(self.readers):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), quiet / 10)
            if time.perf_counter() - self._last > quiet:
                break
        self._complete = lambda: None
        return Talk(
            messages=len(self._sent) - first,
            deliveries=len(self._delays),
            missing=sum(self._left[first:]),
            seconds=self._last - began,
            delays=self._delays,
        )

    def arrived(self, reader: Reader, payload: bytes) -> None:
        """Count the messages that a frame holds."""
        now = time.perf_counter()
        found = self._find(payload)
        if not found:
            self.stray = payload
        for token in found:
            number = int(token)
            if number in reader.seen:
                self.doubled += 1
                continue
            reader.seen.add(number)
            if number < self._first:  # too late for its talk
                continue
            self._last = now
            self._delays.append(now - self._sent[number])
            self._left[number] -= 1
            if not self._left[number]:
                self._complete()

    async def linger(self) -> None:
        """Wait for what may come a second time."""
        await asyncio.sleep(LINGER)

    def leave(self) -> None:
        """Close all sockets."""
        self.leaving = True
        for reader in self.readers:
            reader.transport.disconnect(graceful=False)


async def _connect(reader: Reader, url: str, headers: dict[str, str]) -> None:
    """Open a socket. Raises OSError or WSError."""
    for again in reversed(range(HANDSHAKE_TRIES)):
        try:
            await ws_connect(
                lambda: reader,
                url,
                extra_headers=headers,
                websocket_handshake_timeout=HANDSHAKE_LIMIT,
            )
            return
        except WSError:
            # Daphne drops a handshake that takes it 5 s, as it may with thousands of readers.
            if not again:
                raise
