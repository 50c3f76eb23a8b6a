"""Measure how long five people and a neighbour wait when a handler takes a second."""

import asyncio
from dataclasses import dataclass

from benchmarks.client import Crowd
from benchmarks.servers import ROOM, Bench, running
from benchmarks.subjects import Subject

PEOPLE = 5
HEAD_START = 0.1  # seconds, so that the neighbour sends last


@dataclass
class Waits:
    """The result: seconds until all `people` had their answers, and until the neighbour had."""

    subject: Subject
    people: int
    all_s: float
    neighbour_s: float


def measure_waits(subject: Subject, bench: Bench) -> Waits:
    """Let five people, each in their own room, send a slow message at the same time.

    Handling it takes a second. The neighbour, in another room, then sends a message that takes no
    time. Raises CourseError.
    """
    with running(subject, bench, PEOPLE) as servers:
        return asyncio.run(_measure(subject, servers.urls[0]))


async def _measure(subject: Subject, url: str) -> Waits:
    people = [Crowd(subject.field, words="slow") for _ in range(PEOPLE)]
    neighbour = Crowd(subject.field)
    for number, crowd in enumerate([*people, neighbour]):
        await crowd.enter([url.replace(f"/{ROOM}/", f"/{ROOM}-{number}/")], 1)
    await neighbour.settle()
    slow = [asyncio.ensure_future(_send_one(crowd)) for crowd in people]
    await asyncio.sleep(HEAD_START)
    neighbours = await _send_one(neighbour)
    answered = await asyncio.gather(*slow)
    await asyncio.gather(*(crowd.leave() for crowd in [*people, neighbour]))
    return Waits(subject, PEOPLE, max(answered), neighbours)


async def _send_one(crowd: Crowd) -> float:
    """Send a message; return how many seconds it took to come back to its sender."""
    talk = await crowd.talk(speakers=1)
    return talk.delays[0] if talk.delays else float("inf")
