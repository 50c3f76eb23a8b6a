"""Measure one cell: a subject with a number of connections, on its own servers."""

import asyncio
import contextlib
import gc
import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from benchmarks import usage
from benchmarks.client import Crowd, Reader, Talk, TooSlow
from benchmarks.servers import Absent, Servers, Stage, running
from benchmarks.subjects import Subject
from course import console

SPEAKERS = 10
ENTRANCES = 20  # connections opened and closed first, so that all code is loaded
ALONE = 1.0  # seconds of talk with one message at a time, for the delays
LOADED = 2.0  # seconds of talk with several at a time, for the other figures
LEAST = 5  # messages of each talk
UNDER_WAY = 1_000  # deliveries under way at a time; from 2 to 10 messages
BUSY = 0.85  # of a core; a client that needs more may be the bottleneck
ENOUGH_FOR_MEMORY = 100  # connections; with fewer, single memory pages distort the figure


@dataclass
class Figures:
    """The figures of a cell. None means that it wasn't measured, and `note` says why.

    `cpu_us` is the servers' CPU time for each delivered message in µs, and `redis_us` is that of
    their Redis. `deliveries_s` and `connects_s` are rates per second. `p50_ms` and `p99_ms` are
    delays from send to receipt with one message under way. `kib` is memory for each idle
    connection. `delivered`, `missing` and `doubled` count messages. `client_bound` means that the
    client was so busy that the servers may be capable of more deliveries per second. `broken`
    means that a server didn't start, refused a connection or forwarded nothing; `log` holds the
    last lines that it printed.
    """

    cpu_us: float | None = None
    redis_us: float | None = None
    deliveries_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    connects_s: float | None = None
    kib: float | None = None
    delivered: int = 0
    missing: int = 0
    doubled: int = 0
    client_bound: bool = False
    broken: bool = False
    note: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def faulty(self) -> bool:
        return bool(self.missing or self.doubled or self.broken)


MEASURED = [each.name for each in fields(Figures) if each.default is None]


def cell(subject: Subject, stage: Stage, connections: int) -> Figures:
    """Measure one cell. If that's impossible, the figures have a note that says why."""
    [[figures]] = measure_side_by_side([subject], stage, connections, [LOADED])
    return figures


def measure_side_by_side(
    subjects: Sequence[Subject], stage: Stage, connections: int, rounds: Sequence[float]
) -> list[list[Figures]]:
    """Measure several subjects side by side: all their servers run, and take turns in each round.

    That way, other work on the machine affects all of them alike. `rounds` are the seconds of
    each round. Returns the figures of each subject's rounds. Only the first round's figures hold
    more than CPU times and rates. If a subject can't be measured, they have a note that says why.
    """
    try:
        with contextlib.ExitStack() as stack:
            cells = [
                Cell(
                    subject, stack.enter_context(running(subject, stage, connections)), connections
                )
                for subject in subjects
            ]
            try:
                return asyncio.run(_measure(cells, rounds))
            except TooSlow:
                raise
            except console.CourseError as trouble:
                return [
                    [Figures(broken=True, note=str(trouble), log=cell.servers.last_lines())]
                    for cell in cells
                ]
    except (Absent, TooSlow) as why:
        return [[Figures(note=str(why))] for _ in subjects]
    except console.CourseError as trouble:  # a server didn't start
        return [[Figures(broken=True, note=str(trouble))] for _ in subjects]


def median(rounds: Sequence[Figures]) -> Figures:
    """Merge the figures of a cell's rounds: the median of each figure, the sum of each count."""
    together = Figures(
        delivered=sum(one.delivered for one in rounds),
        missing=sum(one.missing for one in rounds),
        doubled=sum(one.doubled for one in rounds),
        client_bound=any(one.client_bound for one in rounds),
        broken=any(one.broken for one in rounds),
        note=next((one.note for one in rounds if one.note), ""),
    )
    for name in MEASURED:
        values = [value for one in rounds if (value := getattr(one, name)) is not None]
        if values:
            setattr(together, name, statistics.median(values))
    return together


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the value that `percent` of the values do not exceed (nearest rank).

    Raises ValueError if there are none.
    """
    if not values:
        raise ValueError("no values")
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


def in_flight(connections: int) -> int:
    """Return how many messages to keep under way in the talk that loads the servers."""
    return max(2, min(10, UNDER_WAY // connections))


def until_enough(seconds: float, least: int):
    """Return a condition that ends a talk after `seconds` and at least `least` messages."""
    return lambda sent, elapsed: sent >= least and elapsed >= seconds


class Cell:
    """A subject's servers and the crowd connected to them. `rounds` are the figures."""

    def __init__(self, subject: Subject, servers: Servers, connections: int):
        self.rounds: list[Figures] = []
        self.servers = servers
        self._connections = connections
        self._field = subject.field
        self._crowd = Crowd(subject.field)

    async def enter(self) -> None:
        """Open all connections. Raises progress.Trouble if one is refused or nothing arrives."""
        figures, servers = Figures(), self.servers
        cookies = servers.cookies or ()
        entrance = Crowd(self._field)
        await entrance.enter(servers.urls, min(self._connections, ENTRANCES), cookies)
        entrance.leave()
        empty = usage.memory_kib(servers.pids)
        seconds = await self._crowd.enter(servers.urls, self._connections, cookies)
        figures.connects_s = self._connections / seconds
        if self._connections >= ENOUGH_FOR_MEMORY:
            figures.kib = (usage.memory_kib(servers.pids) - empty) / self._connections
        await self._crowd.settle()
        self.rounds.append(figures)

    async def talk_alone(self) -> None:
        """Measure the delays with one message under way at a time."""
        talk = await self._crowd.talk(self._speakers, 1, until_enough(ALONE, LEAST))
        figures = self.rounds[0]
        self._count(figures, talk)
        if talk.deliveries:
            figures.p50_ms = percentile(talk.delays, 50) * 1_000
            figures.p99_ms = percentile(talk.delays, 99) * 1_000

    async def talk_loaded(self, seconds: float, number: int) -> None:
        """Measure the other figures of that round with several messages under way at a time."""
        if number:
            self.rounds.append(Figures())
        figures, under_way = self.rounds[number], in_flight(self._connections)
        before = self._used()
        talk = await self._crowd.talk(
            self._speakers, under_way, until_enough(seconds, max(LEAST, under_way))
        )
        after = self._used()
        self._count(figures, talk)
        if talk.deliveries:
            own, redis, client = (late - early for early, late in zip(before, after, strict=True))
            figures.cpu_us = own / talk.deliveries * 1e6
            figures.redis_us = redis / talk.deliveries * 1e6 if self.servers.redis else None
            figures.deliveries_s = talk.deliveries / talk.seconds
            figures.client_bound = client / talk.seconds > BUSY

    async def leave(self) -> None:
        """Wait for duplicates, then close all connections."""
        await self._crowd.wait_for_duplicates()
        self._crowd.leave()
        figures = self.rounds[0]
        figures.doubled = self._crowd.doubled
        if self._crowd.closed:
            figures.note = f"{self._crowd.closed} connections were closed"
        if self.faulty:
            figures.log = self.servers.last_lines()

    @property
    def faulty(self) -> bool:
        return any(figures.faulty for figures in self.rounds)

    @property
    def _speakers(self) -> list[Reader]:
        return self._crowd.readers[:SPEAKERS]

    def _count(self, figures: Figures, talk: Talk) -> None:
        figures.delivered += talk.deliveries
        figures.missing += talk.missing

    def _used(self) -> tuple[float, float, float]:
        """Return the seconds of CPU time used so far by the servers, their Redis and the client."""
        servers = self.servers
        redis = usage.redis_cpu_seconds(servers.redis) if servers.redis else 0.0
        return usage.cpu_seconds(servers.pids), redis, time.process_time()


async def _measure(cells: list[Cell], rounds: Sequence[float]) -> list[list[Figures]]:
    for cell in cells:
        await cell.enter()
    gc.collect()
    gc.disable()  # its pauses would count as the servers' delays
    try:
        for cell in cells:
            await cell.talk_alone()
        for number, seconds in enumerate(rounds):
            for cell in cells:
                # After a fault, each talk would wait again for messages that don't arrive.
                if not any(cell.faulty for cell in cells):
                    await cell.talk_loaded(seconds, number)
    finally:
        gc.enable()
    for cell in cells:
        await cell.leave()
    return [cell.rounds for cell in cells]
