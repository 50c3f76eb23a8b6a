"""Run chapter 6 for longer: 1,000 people in one conversation, and 100,000 messages."""

import asyncio
from dataclasses import dataclass, field

from benchmarks import usage
from benchmarks.client import Crowd
from benchmarks.servers import Servers, Stage, create_people, running
from benchmarks.subjects import named
from course import console

CROWD, SPEAKERS, CROWD_MESSAGES = 1_000, 20, 100
FEW, MESSAGES, STEP = 10, 100_000, 10_000
FLAT = 1.1  # memory grows if it exceeds that of the first step by this factor


@dataclass
class Soaked:
    """The result of one of the two runs.

    `memory` holds (messages so far, resident memory in KiB) after each step of the longer run. It
    `grows` if the last value exceeds FLAT times the first.
    """

    connections: int
    speakers: int
    messages: int = 0
    deliveries: int = 0
    missing: int = 0
    doubled: int = 0
    closed: int = 0
    seconds: float = 0.0
    memory: list[tuple[int, float]] = field(default_factory=list)

    @property
    def faulty(self) -> bool:
        return bool(self.missing or self.doubled or self.closed or self.grows)

    @property
    def grows(self) -> bool:
        return len(self.memory) > 1 and self.memory[-1][1] > self.memory[0][1] * FLAT


def soak(stage: Stage) -> list[Soaked]:
    """Do both runs, printing progress; return their results. Raises progress.Trouble."""
    create_people(stage, [FEW, CROWD])
    together = []
    for connections, speakers, messages, step in (
        (CROWD, SPEAKERS, CROWD_MESSAGES, SPEAKERS),
        (FEW, FEW, MESSAGES, STEP),
    ):
        console.say(f"{connections:,} connections, {messages:,} messages ...")
        subject = named("chapter6")
        with running(subject, stage, connections) as servers:
            soaked = Soaked(connections, speakers)
            asyncio.run(_talk(soaked, servers, subject.field, messages, step))
        together.append(soaked)
    return together


async def _talk(soaked: Soaked, servers: Servers, key: str, messages: int, step: int) -> None:
    """Let all speakers send at the same time, and print progress after each step."""
    crowd = Crowd(key)
    await crowd.enter(servers.urls, soaked.connections, servers.cookies)
    await crowd.settle()
    speakers = crowd.readers[: soaked.speakers]
    while soaked.messages < messages and not soaked.missing:
        talk = await crowd.talk(speakers, len(speakers), lambda sent, seconds: sent >= step)
        soaked.messages += talk.messages
        soaked.deliveries += talk.deliveries
        soaked.missing += talk.missing
        soaked.seconds += talk.seconds
        memory = usage.memory_kib(servers.pids)
        if messages == MESSAGES:
            soaked.memory.append((soaked.messages, memory))
        console.say(
            f"  {soaked.messages:>7,} messages after {soaked.seconds:,.0f} s: "
            f"{soaked.deliveries:,} deliveries, {talk.missing} missing, "
            f"{crowd.doubled} duplicates, {memory / 1024:.1f} MiB"
        )
    await crowd.wait_for_duplicates()
    soaked.doubled, soaked.closed = crowd.doubled, crowd.closed
    crowd.leave()
