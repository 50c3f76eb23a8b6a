"""Measure a thousand pages that reconnect at the same time, because all servers were killed."""

import asyncio
import contextlib
import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import psycopg
from picows import WSError, WSListener, WSMsgType, ws_connect

from benchmarks.servers import Bench, Servers, create_users, running
from benchmarks.subjects import CannotMeasure, Subject
from course.console import CourseError
from course.tasks import services

PAGES = 1_000
AT_FIRST = 20  # pages that connect at a time, before there's a storm
HANDSHAKE_LIMIT = 30  # seconds, as in the page
SYNC_LIMIT = 30  # seconds without an answer to a sync until the page reconnects
STORM_LIMIT = 120  # seconds
LOOK = 0.05  # seconds between two looks at PostgreSQL
WITHIN = 30  # wanted: seconds until all pages are whole again

# What a page waits before each attempt, in seconds: as chat/socket.js, and as a page that doesn't
# think about others.
WAITS: dict[str, Callable[[int], float]] = {
    "random, up to 10 s": lambda retries: random.random() * min(2**retries, 10),
    "always 1 s": lambda retries: 1.0,
}
LOAD = """
    SELECT count(*) FILTER (WHERE state = 'active'), count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
TRANSACTIONS = """
    SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass
class Storm:
    """The result, in seconds since the servers were killed: until they listened again, until half
    of the pages were whole, and until all of them were (None if that took too long).

    `attempts` is how often they tried to connect. `active` and `connected` are PostgreSQL's
    highest numbers of connections meanwhile, and `queries_s` are its transactions per second. (A
    page that catches up uses none but single queries.)
    """

    subject: Subject
    waits: str
    listening_s: float
    half_s: float
    all_s: float | None
    attempts: int
    active: int
    connected: int
    queries_s: float


class Page(WSListener):
    """A page in a conversation: it connects, asks what it has missed, and starts over if cut off.

    `whole` is when the answer to its last sync arrived, or None while it waits for one.
    """

    def __init__(self, url: str, cookie: str):
        self.url, self.cookie = url, cookie
        self.wait: Callable[[int], float] = lambda retries: 0
        self.attempts = 0
        self.whole: float | None = None
        self._answered, self._broken = asyncio.Event(), asyncio.Event()

    def on_ws_frame(self, transport, frame):
        if frame.msg_type is WSMsgType.TEXT and b'id="synced"' in frame.get_payload_as_bytes():
            self.whole = time.perf_counter()
            self._answered.set()
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport):
        self.whole = None
        self._broken.set()

    async def live(self) -> None:
        """Stay connected until cancelled."""
        retries = 0
        while True:
            self._answered.clear()
            self._broken.clear()
            self.attempts += 1
            with contextlib.suppress(OSError, WSError):  # a TimeoutError is an OSError
                transport, _ = await ws_connect(
                    lambda: self,
                    self.url,
                    extra_headers={
                        "Origin": f"http://{urlsplit(self.url).netloc}",
                        "Cookie": self.cookie,
                    },
                    websocket_handshake_timeout=HANDSHAKE_LIMIT,
                )
                retries = 0
                transport.send(WSMsgType.TEXT, json.dumps({"sync": 0}).encode())
                await self._sync_or_break(transport)
            await asyncio.sleep(self.wait(retries))
            retries += 1

    async def _sync_or_break(self, transport) -> None:
        """Wait until the connection breaks; break it if the sync isn't answered in time."""
        answered = asyncio.ensure_future(self._answered.wait())
        broken = asyncio.ensure_future(self._broken.wait())
        try:
            first = asyncio.FIRST_COMPLETED
            await asyncio.wait([answered, broken], timeout=SYNC_LIMIT, return_when=first)
            if not answered.done():
                transport.disconnect(graceful=False)
            await broken
        finally:
            answered.cancel()
            broken.cancel()


class Load:
    """What PostgreSQL does while the context is open: see Storm."""

    def __init__(self, url: str):
        self.active = self.connected = 0
        self.queries_s = 0.0
        self._url = url
        self._over = threading.Event()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        with psycopg.connect(self._url, autocommit=True) as connection:
            before, began = self._transactions(connection), time.perf_counter()
            thread.start()
            try:
                yield
            finally:
                self._over.set()
                thread.join()
                done = self._transactions(connection) - before
                self.queries_s = done / (time.perf_counter() - began)

    def _transactions(self, connection: psycopg.Connection) -> int:
        return connection.execute(TRANSACTIONS).fetchone()[0]

    def _watch(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._over.wait(LOOK):
                active, connected = connection.execute(LOAD).fetchone()
                self.active = max(self.active, active)
                self.connected = max(self.connected, connected)


@contextlib.contextmanager
def open_postgres(bench: Bench) -> Iterator[Callable[[str], Bench]]:
    """Run a PostgreSQL with the users. Yields a function that returns a bench on a copy of them.

    Raises CannotMeasure if PostgreSQL is missing.
    """
    from tests.support.servers import Postgres

    programs = services.postgres_programs()
    if not programs:
        raise CannotMeasure("no PostgreSQL here")
    postgres = Postgres(programs)
    try:
        postgres.start()
        users = replace(bench, postgres=postgres.create_database("users"))
        create_users(users, [PAGES])
        yield lambda name: replace(users, postgres=postgres.create_database(name, "users"))
    finally:
        postgres.close()


def measure(subject: Subject, bench: Bench) -> list[Storm]:
    """Measure the subject with each way to wait. Raises CourseError."""
    with running(subject, bench, PAGES) as servers:
        return asyncio.run(_measure(subject, servers, bench.postgres))


async def _measure(subject: Subject, servers: Servers, database: str) -> list[Storm]:
    urls, cookies = servers.urls, servers.cookies
    pages = [Page(urls[number % len(urls)], cookies[number]) for number in range(PAGES)]
    lives, storms = [], []
    for first in range(0, PAGES, AT_FIRST):
        some = pages[first : first + AT_FIRST]
        lives += [asyncio.create_task(page.live()) for page in some]
        if not await _all_whole(some):
            raise CourseError(f"{subject.title}: not every page could connect.")
    for words, wait in WAITS.items():
        for page in pages:
            page.wait, page.attempts = wait, 0
        load = Load(database)
        with load.watched():
            killed = time.perf_counter()
            await asyncio.to_thread(servers.kill)
            await asyncio.to_thread(servers.start)
            listening = time.perf_counter()
            all_whole = await _all_whole(pages)
        whole = sorted(page.whole - killed for page in pages if page.whole)
        storms.append(
            Storm(
                subject,
                words,
                listening - killed,
                whole[len(pages) // 2] if len(whole) > len(pages) // 2 else STORM_LIMIT,
                whole[-1] if all_whole else None,
                sum(page.attempts for page in pages),
                load.active,
                load.connected,
                load.queries_s,
            )
        )
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)
    return storms


async def _all_whole(pages: list[Page]) -> bool:
    """Wait until all pages are whole; return whether they were in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STORM_LIMIT):
            while not all(page.whole for page in pages):
                await asyncio.sleep(LOOK)
            return True
    return False
