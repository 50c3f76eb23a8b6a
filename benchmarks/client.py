"""The client: it opens many sockets in one room, sends on some and counts messages on all.

It recognizes a message by a token in its text, so frames may hold JSON or HTML.
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

from benchmarks.subjects import CannotMeasure
from course.console import CourseError

HANDSHAKES_AT_ONCE = 10  # handshakes under way at a time
HANDSHAKE_LIMIT = 30  # seconds that one may take
HANDSHAKE_TRIES = 3
ENTER_LIMIT = 90  # seconds that opening a whole room may take, plus those for each connection
ENTER_LIMIT_EACH = 0.02
QUIET = 20  # seconds without a message, after which the outstanding ones count as missing
MANY = 1_000  # readers; the in-memory layer takes minutes to send a message to 10,000
LINGER = 0.1  # seconds in which duplicates may still arrive
SETTLE_TRIES = 3
SETTLE_QUIET = 2  # seconds without a message until the next try, plus those for each reader
SETTLE_QUIET_EACH = 0.002

WORDS = "The four o'clock train is late. Shall we meet at half past four, under the clock?"


@dataclass
class Talk:
    """The result of a talk. `delays` are seconds from send to receipt, one for each delivery.

    `size` is the sum of the sizes of the delivered frames, in bytes.
    """

    messages: int
    deliveries: int
    missing: int
    seconds: float
    delays: array
    size: int


class Reader(WSListener):
    """One connection. `seen` holds the numbers of the messages that it received."""

    def __init__(self, crowd: "Crowd"):
        self.crowd = crowd
        self.seen: set[int] = set()
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport):
        self.transport = transport

    def on_ws_frame(self, transport, frame):
        if frame.msg_type is WSMsgType.TEXT:
            self.crowd.count(self, frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport):
        self.crowd.closed += not self.crowd.leaving


class Crowd:
    """Connections in one room. They send JSON whose key `field` holds `words` and a token.

    `doubled` counts messages that reached a reader again, and `closed` counts connections that
    the server closed. `stray` is the last frame without a message, such as a refusal, and `strays`
    counts them.
    """

    def __init__(self, field: str, words: str = WORDS):
        self.readers: list[Reader] = []
        self.doubled = 0
        self.closed = 0
        self.stray = b""
        self.strays = 0
        self.leaving = False
        self._field = field
        self._words = words
        run = secrets.token_hex(4)
        self._token = f"bench-{run}-{{}}-end"
        self._find = re.compile(rb"bench-%s-(\d+)-end" % run.encode()).findall
        self._sent = array("d")  # when each message was sent
        self._left = array("l")  # how many readers still wait for each
        self._first = 0  # number of the current talk's first message
        self._began = 0.0  # when the current talk began
        self._last = 0.0  # when the last message arrived
        self._delays = array("d")
        self._size = 0
        self._complete: Callable[[], None] = lambda: None

    async def enter(self, urls: Sequence[str], count: int, cookies: Sequence[str] = ()) -> float:
        """Open `count` sockets, spread over the URLs; return how many seconds that took.

        With `cookies`, each socket sends one of these Cookie headers. Raises CourseError if a
        socket is refused, and CannotMeasure if opening them takes too long.
        """
        gate = asyncio.Semaphore(HANDSHAKES_AT_ONCE)

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
            connected = f"{len(self.readers):,} of {count:,}"
            raise CannotMeasure(f"only {connected} connected in {seconds:.0f} s")
        if failure:
            reason = str(failure).splitlines() or ["no answer"]
            raise CourseError(f"A connection was refused: {reason[0]}")
        return time.perf_counter() - began

    async def settle(self) -> None:
        """Send messages until one has reached every reader.

        Raises CourseError if none does, or CannotMeasure if there are more readers than a server
        can be expected to reach in that time.
        """
        quiet = SETTLE_QUIET + len(self.readers) * SETTLE_QUIET_EACH
        for _ in range(SETTLE_TRIES):
            if not (await self.talk(speakers=1, quiet=quiet)).missing:
                return
        if len(self.readers) > MANY:
            raise CannotMeasure(f"no message reached every reader in {quiet:.0f} s")
        last = f" The last frame was: {self.stray[:200]!r}" if self.stray else ""
        raise CourseError(f"No message reaches every reader.{last}")

    async def talk(
        self,
        speakers: int,
        in_flight: int = 1,
        messages: int = 1,
        seconds: float = 0,
        quiet: float = QUIET,
    ) -> Talk:
        """Let the first `speakers` readers send in turns, `in_flight` messages at a time.

        As soon as a message has reached every reader, the next one is sent, until there have been
        `messages` and `seconds` have passed. The talk ends when every message has reached every
        reader, when nothing has arrived for `quiet` seconds, or when the server has closed all
        connections.
        """
        first, began = self._begin()
        done = asyncio.Event()

        def complete() -> None:
            passed = time.perf_counter() - began
            if len(self._sent) - first < messages or passed < seconds:
                self._send_one(speakers)
            elif not any(self._left[first:]):
                done.set()

        self._complete = complete
        for _ in range(in_flight if seconds else min(in_flight, messages)):
            self._send_one(speakers)
        return await self._end(done, quiet)

    async def stream(self, speakers: int, messages: int, rate: float, quiet: float = QUIET) -> Talk:
        """Send `messages`, `rate` each second, without waiting for any to arrive.

        The talk ends as talk()'s does. The delay of a message counts from when it was due.
        """
        first, began = self._begin()
        done = asyncio.Event()
        for number in range(messages):
            due = began + number / rate
            await asyncio.sleep(max(0, due - time.perf_counter()))
            self._send_one(speakers, due)

        def complete() -> None:
            if not any(self._left[first:]):
                done.set()

        self._complete = complete
        complete()
        return await self._end(done, quiet)

    async def ask(self, frame: str, count: int, limit: float = 120) -> None:
        """Send a frame on the first `count` connections; wait until each has an answer.

        Raises CourseError if that takes longer than `limit` seconds.
        """
        wanted = self.strays + count
        for reader in self.readers[:count]:
            reader.transport.send(WSMsgType.TEXT, frame.encode())
        try:
            async with asyncio.timeout(limit):
                while self.strays < wanted:
                    await asyncio.sleep(0.01)
        except TimeoutError:
            missing = f"{wanted - self.strays:,} of {count:,}"
            raise CourseError(f"{missing} frames weren't answered in {limit:.0f} s.") from None

    @property
    def sent(self) -> int:
        """How many messages have been sent so far."""
        return len(self._sent)

    def _begin(self) -> tuple[int, float]:
        """Begin a talk; return the number of its first message, and when it began."""
        self._first = len(self._sent)
        self._delays, self._size = array("d"), 0
        self._began = self._last = time.perf_counter()
        return self._first, self._began

    def _send_one(self, speakers: int, due: float | None = None) -> None:
        number = len(self._sent)
        text = f"{self._words} {self._token.format(number)}"
        frame = json.dumps({self._field: text}).encode()
        self._left.append(len(self.readers))
        self._sent.append(due or time.perf_counter())
        speaker = self.readers[number % min(speakers, len(self.readers))]
        speaker.transport.send(WSMsgType.TEXT, frame)

    async def _end(self, done: asyncio.Event, quiet: float) -> Talk:
        """Wait until `done`, or until nothing has arrived for `quiet` seconds; return the talk."""
        first, began = self._first, self._began
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
            size=self._size,
        )

    def count(self, reader: Reader, payload: bytes) -> None:
        """Count the messages in a frame."""
        now = time.perf_counter()
        found = self._find(payload)
        if not found:
            self.stray = payload
            self.strays += 1
        for token in found:
            number = int(token)
            if number in reader.seen:
                self.doubled += 1
                continue
            reader.seen.add(number)
            if number < self._first:  # a late message of an earlier talk
                continue
            self._last = now
            self._delays.append(now - self._sent[number])
            self._size += len(payload)
            self._left[number] -= 1
            if not self._left[number]:
                self._complete()

    async def leave(self) -> None:
        """Wait for duplicates that may still arrive, then close all sockets."""
        await asyncio.sleep(LINGER)
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
            # Daphne drops a handshake after 5 s, which may happen with thousands of readers.
            if not again:
                raise
