"""Measure what a reader that stops reading does to the other readers and to the server."""

import asyncio
import contextlib
import socket
import statistics
import time
from array import array
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.client import Crowd
from benchmarks.servers import Bench, Servers, running
from benchmarks.subjects import Subject
from course.console import CourseError, say

READERS = 100  # the one that stops reading included
SPEAKERS = 10
MESSAGES = 10_000
STEPS = 20  # the run without a slow reader takes its turn after each
ALONE = 4  # that run has a quarter of the messages
WORDS = "x" * 1_000  # with the message's number, that's about 1 KiB
SHARE = 0.5  # of what the server can carry
TRY_OUT = 3  # seconds, to see how much that is
RECEIVE_BUFFER = 4_096  # bytes, of the reader that stops reading
HANDSHAKE_LIMIT = 30  # seconds
LOOK = 0.5  # seconds between two looks at the server
TIMES = 1.5  # wanted: the others' p99, with the slow reader and without


@dataclass
class SlowReader:
    """The result. `rate` is in messages per second.

    `p99_ms` and `alone_p99_ms` are the other readers' delays, with a slow reader and without one.
    `grown_mib` is how much the server's memory grew at most, and `alone_grown_mib` without a slow
    reader. `cut_off_s` is when the server closed the slow reader's connection, or None if it
    didn't, and `cut_off_after` is how many messages it had sent by then.
    """

    subject: Subject
    rate: float
    p99_ms: float = 0.0
    alone_p99_ms: float = 0.0
    grown_mib: float = 0.0
    alone_grown_mib: float = 0.0
    missing: int = 0
    cut_off_s: float | None = None
    cut_off_after: int | None = None

    @property
    def times(self) -> float:
        return self.p99_ms / self.alone_p99_ms


def measure(subject: Subject, bench: Bench) -> SlowReader:
    """Run the subject twice, with and without a reader that stops reading, in turns.

    Raises CourseError.
    """
    with running(subject, bench, READERS) as slow, running(subject, bench, READERS) as alone:
        return asyncio.run(_measure(subject, slow, alone))


async def _measure(subject: Subject, slow: Servers, alone: Servers) -> SlowReader:
    others = [Crowd(subject.field, WORDS) for _ in range(2)]
    for crowd, servers in zip(others, (slow, alone), strict=True):
        await crowd.enter(servers.urls, READERS - 1, servers.cookies)
        await crowd.settle()
    reads_on = Crowd(subject.field)
    await reads_on.enter(alone.urls, 1, alone.cookies[READERS - 1 :])
    with_slow, without = others
    tried = await without.talk(SPEAKERS, in_flight=5, seconds=TRY_OUT)
    result = SlowReader(subject, tried.messages / tried.seconds * SHARE)
    say(f"{subject.title}: {result.rate:.0f} messages a second ...")
    delays, alone_delays = array("d"), array("d")
    empty, alone_empty = slow.memory_kib(), alone.memory_kib()
    with contextlib.closing(stop_reading(slow.urls[0], slow.cookies[READERS - 1])) as stopped:
        watch = asyncio.create_task(_watch(result, slow, stopped, with_slow, empty))
        for _ in range(STEPS):
            count = MESSAGES // STEPS
            talk = await with_slow.stream(SPEAKERS, count, result.rate)
            delays += talk.delays
            result.missing += talk.missing
            talk = await without.stream(SPEAKERS, count // ALONE, result.rate)
            alone_delays += talk.delays
            result.missing += talk.missing
        watch.cancel()
    result.alone_grown_mib = (alone.memory_kib() - alone_empty) / 1024
    result.p99_ms, result.alone_p99_ms = _p99_ms(delays), _p99_ms(alone_delays)
    for crowd in (*others, reads_on):
        await crowd.leave()
    return result


async def _watch(
    result: SlowReader, servers: Servers, stopped: socket.socket, crowd: Crowd, empty: float
) -> None:
    """Keep the server's largest growth, and note when it closes the stopped reader's connection."""
    began, port, before = time.perf_counter(), stopped.getsockname()[1], crowd.sent
    while True:
        grown = (servers.memory_kib() - empty) / 1024
        result.grown_mib = max(result.grown_mib, grown)
        if result.cut_off_s is None and not servers.is_connected(port):
            result.cut_off_s = time.perf_counter() - began
            result.cut_off_after = crowd.sent - before
        await asyncio.sleep(LOOK)


def stop_reading(url: str, cookie: str) -> socket.socket:
    """Open a WebSocket, and read nothing after the handshake. Raises CourseError if refused."""
    address = urlsplit(url)
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    client.settimeout(HANDSHAKE_LIMIT)
    client.connect((address.hostname, address.port))
    client.sendall(
        f"GET {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Origin: http://{address.netloc}\r\nCookie: {cookie}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    status = client.recv(12)
    if status != b"HTTP/1.1 101":
        raise CourseError(f"The slow reader was refused: {status.decode(errors='replace')}")
    return client


def _p99_ms(delays: array) -> float:
    return statistics.quantiles(delays, n=100, method="inclusive")[98] * 1_000
