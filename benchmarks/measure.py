"""Measure cells: subjects with a number of connections, each on its own servers."""

import asyncio
import contextlib
import gc
import statistics
import time
from collections.abc import Sequence

from benchmarks.client import Crowd, Talk
from benchmarks.results import Figures
from benchmarks.servers import Bench, Servers, check, running
from benchmarks.subjects import CannotMeasure, Subject
from course.console import CourseError

SPEAKERS = 10
ENTRANCES = 20  # connections opened and closed first, so that all code is loaded
ALONE = 1.0  # seconds of talk with one message at a time, for the delays
LOADED = 2.0  # seconds of talk with several at a time, for the other figures
LEAST = 5  # messages of each talk
UNDER_WAY = 1_000  # deliveries under way at a time; from 2 to 10 messages
BUSY = 0.85  # of a core; a client that needs more may be the bottleneck
ENOUGH_FOR_MEMORY = 100  # connections; with fewer, single memory pages distort the figure


def measure_interleaved(
    subjects: Sequence[Subject], bench: Bench, connections: int, rounds: Sequence[float]
) -> list[list[Figures]]:
    """Measure several subjects interleaved: all their servers run, and take turns in each round.

    That way, other work on the machine affects all of them alike. `rounds` are the seconds of
    each round. Returns the figures of each subject's rounds. Only the first round's figures hold
    more than CPU times and rates. If a subject can't be measured, they have a note that says why.
    """
    cells = []
    try:
        with contextlib.ExitStack() as stack:
            for subject in subjects:
                check(subject, bench, connections * len(subjects))
            for subject in subjects:
                servers = stack.enter_context(running(subject, bench, connections))
                cells.append(Cell(subject, servers, connections))
            try:
                return asyncio.run(_measure(cells, rounds))
            except CannotMeasure:
                raise
            except CourseError as error:
                return [
                    [Figures(broken=True, note=str(error), log=cell.servers.last_lines())]
                    for cell in cells
                ]
    except CourseError as error:
        # If it's not the machine that lacks something, a server didn't start.
        broken = not isinstance(error, CannotMeasure)
        return [[Figures(broken=broken, note=str(error))] for _ in subjects]


class Cell:
    """A subject's servers and the crowd connected to them. `rounds` are the figures."""

    def __init__(self, subject: Subject, servers: Servers, connections: int):
        self.rounds: list[Figures] = []
        self.servers = servers
        self._connections = connections
        self._field = subject.field
        self._crowd = Crowd(subject.field)

    async def enter(self) -> None:
        """Open all connections. Raises CourseError if one is refused or nothing arrives."""
        figures, servers = Figures(), self.servers
        entrance = Crowd(self._field)
        await entrance.enter(servers.urls, min(self._connections, ENTRANCES), servers.cookies)
        await entrance.leave()
        empty = servers.memory_kib()
        seconds = await self._crowd.enter(servers.urls, self._connections, servers.cookies)
        figures.connects_s = self._connections / seconds
        if self._connections >= ENOUGH_FOR_MEMORY:
            figures.kib = (servers.memory_kib() - empty) / self._connections
        await self._crowd.settle()
        self.rounds.append(figures)

    async def talk_alone(self) -> None:
        """Measure the delays with one message under way at a time."""
        talk = await self._crowd.talk(SPEAKERS, messages=LEAST, seconds=ALONE)
        figures = self.rounds[0]
        self._count(figures, talk)
        if talk.deliveries > 1:
            hundredths = statistics.quantiles(talk.delays, n=100, method="inclusive")
            figures.p50_ms, figures.p99_ms = hundredths[49] * 1_000, hundredths[98] * 1_000

    async def talk_loaded(self, seconds: float, number: int) -> None:
        """Measure the other figures of that round with several messages under way at a time."""
        if number:
            self.rounds.append(Figures())
        figures, in_flight = self.rounds[number], max(2, min(10, UNDER_WAY // self._connections))
        before = self._used()
        talk = await self._crowd.talk(SPEAKERS, in_flight, max(LEAST, in_flight), seconds)
        after = self._used()
        self._count(figures, talk)
        if talk.deliveries:
            own, redis, client = (late - early for early, late in zip(before, after, strict=True))
            figures.cpu_us = own / talk.deliveries * 1e6
            figures.redis_us = redis / talk.deliveries * 1e6 if self.servers.redis else None
            figures.deliveries_s = talk.deliveries / talk.seconds
            figures.bytes = talk.size / talk.deliveries
            figures.client_bound = client / talk.seconds > BUSY

    async def leave(self) -> None:
        """Wait for duplicates, then close all connections."""
        await self._crowd.leave()
        figures = self.rounds[0]
        figures.doubled = self._crowd.doubled
        if self._crowd.closed:
            figures.note = f"{self._crowd.closed} connections were closed"
        if self.faulty:
            figures.log = self.servers.last_lines()

    @property
    def faulty(self) -> bool:
        return any(figures.faulty for figures in self.rounds)

    def _count(self, figures: Figures, talk: Talk) -> None:
        figures.delivered += talk.deliveries
        figures.missing += talk.missing

    def _used(self) -> tuple[float, float, float]:
        """Return the seconds of CPU time used so far by the servers, their Redis and the client."""
        servers = self.servers
        return servers.cpu_seconds(), servers.redis_cpu_seconds(), time.process_time()


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
