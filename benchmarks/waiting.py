"""Measure how long five people and a neighbour wait when a handler takes a second."""

import asyncio
from dataclasses import dataclass

from benchmarks.client import Crowd
from benchmarks.servers import ROOM, Stage, running
from benchmarks.subjects import Subject

PEOPLE = 5
HEAD_START = 0.1  # seconds, so that the neighbour sends last


@dataclass
class Waiting:
    """The result: seconds until all `people` had their answers, and until the neighbour had."""

    subject: Subject
    people: int
    all_s: float
    neighbour_s: float


def wait(subject: Subject, stage: Stage) -> Waiting:
    """Let five people, each in their own room, send a slow message at the same time.

    Handling it takes a second. The neighbour, in another room, then sends a message that takes no
    time. Raises progress.Trouble.
    """
    with running(subject, stage, PEOPLE) as servers:
        return asyncio.run(_wait(subject, servers.urls[0]))


async def _wait(subject: Subject, url: str) -> Waiting:
    people = [Crowd(subject.field, words="slow") for _ in range(PEOPLE)]
    neighbour = Crowd(subject.field)
    for number, crowd in enumerate([*people, neighbour]):
        await crowd.enter([url.replace(f"/{ROOM}/", f"/{ROOM}-{number}/")], 1)
    await neighbour.settle()
    slow = [asyncio.ensure_future(_say_one(crowd)) for crowd in people]
    await asyncio.sleep(HEAD_START)
    neighbours = await _say_one(neighbour)
    answered = await asyncio.gather(*slow)
    for crowd in [*people, neighbour]:
        crowd.leave()
    return Waiting(subject, PEOPLE, max(answered), neighbours)


async def _say_one(crowd: Crowd) -> float:
    """Send a message; return how many seconds it took to come back to its sender."""
    talk = await crowd.talk(crowd.readers, 1, lambda sent, seconds: True)
    return talk.delays[0] if talk.delays else float("inf")
