"""Run chapter 6 for longer: 1,000 people in one conversation, and 100,000 messages."""

import asyncio
from dataclasses import dataclass, field

from benchmarks.client import Crowd
from benchmarks.servers import Bench, Servers, create_users, running
from benchmarks.subjects import named
from course import console

# Connections, speakers, messages, and messages until the next line of progress.
CROWDED = (1_000, 20, 100, 20)
LONG = (10, 10, 100_000, 10_000)
FLAT = 1.1  # memory grows if it exceeds that of the first step by this factor


@dataclass
class LongRun:
    """The result of one of the two runs.

    `memory` holds (messages so far, resident memory in KiB) after each step of the LONG run.
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
    def problem(self) -> str:
        """What went wrong, or ""."""
        found = {"missing": self.missing, "duplicates": self.doubled, "closed": self.closed}
        words = [f"{count:,} {what}" for what, count in found.items() if count]
        return ", ".join(words + ["memory grew"] * self.grows)

    @property
    def grows(self) -> bool:
        """Whether the last step's memory exceeds FLAT times the first's."""
        return bool(self.memory) and self.memory[-1][1] > self.memory[0][1] * FLAT


def run_both(bench: Bench) -> list[LongRun]:
    """Do both runs, printing progress; return their results. Raises CourseError."""
    create_users(bench, [CROWDED[0], LONG[0]])
    subject, results = named("chapter6"), []
    for connections, speakers, messages, step in (CROWDED, LONG):
        console.say(f"{connections:,} connections, {messages:,} messages ...")
        results.append(LongRun(connections, speakers))
        with running(subject, bench, connections) as servers:
            asyncio.run(_talk(results[-1], servers, subject.field, messages, step))
    return results


async def _talk(run: LongRun, servers: Servers, key: str, messages: int, step: int) -> None:
    """Let all speakers send at the same time, and print progress after each step."""
    crowd = Crowd(key)
    await crowd.enter(servers.urls, run.connections, servers.cookies)
    await crowd.settle()
    while run.messages < messages and not run.missing:
        talk = await crowd.talk(run.speakers, in_flight=run.speakers, messages=step)
        run.messages += talk.messages
        run.deliveries += talk.deliveries
        run.missing += talk.missing
        run.seconds += talk.seconds
        memory = servers.memory_kib()
        if messages == LONG[2]:
            run.memory.append((run.messages, memory))
        console.say(
            f"  {run.messages:>7,} messages after {run.seconds:,.0f} s: "
            f"{run.deliveries:,} deliveries, {talk.missing} missing, "
            f"{crowd.doubled} duplicates, {memory / 1024:.1f} MiB"
        )
    await crowd.leave()
    run.doubled, run.closed = crowd.doubled, crowd.closed
