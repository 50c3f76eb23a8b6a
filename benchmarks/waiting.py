"""Who waits for whom, when a handler takes a second: five people, and a neighbour."""

import asyncio
from dataclasses import dataclass

from benchmarks.client import Crowd
from benchmarks.servers import ROOM, Stage, running
from benchmarks.subjects import Subject

PEOPLE = 5
HEAD_START = 0.1  # seconds, so that the neighbour comes last


@dataclass
class Waiting:
    """What came of it, in seconds: until all `people` had their answers, and the neighbour."""

    subject: Subject
    people: int
    all_s: float
    neighbour_s: float


def wait(subject: Subject, stage: Stage) -> Waiting:
    """Have five people send what takes a second each, in rooms of their own, at the same time.

    The neighbour, in a further room, then sends something that takes no time. Raises
    progress.Trouble.
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
    """Return how many seconds it took until a message came back to its sender."""
    talk = await crowd.talk(crowd.readers, 1, lambda sent, seconds: True)
    return talk.delays[0] if talk.delays else float("inf")
