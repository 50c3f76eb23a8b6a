"""Measure 10,000 connections that do nothing, and a message that reaches all of them."""

import asyncio
import json
import statistics
from dataclasses import dataclass

from benchmarks.client import Crowd
from benchmarks.measure import ENTRANCES
from benchmarks.servers import Bench, Servers, running
from benchmarks.subjects import Subject
from course.console import say

CONNECTIONS = 10_000
MESSAGES = 5
SYNCS = 1_000  # connections that ask what they've missed
NOTHING_NEWER = 2**31  # a cursor above every message


@dataclass
class Idle:
    """The result. `kib` is memory for each connection, and `empty_mib` that of a server without
    any. `connects_s` is a rate per second.

    `connect_ms` and `sync_ms` are the server's CPU time for opening a connection, and for a page
    that asks what it has missed; None if it has no such pages. `half_s` and `last_s` are the
    seconds after which half of the readers and all of them had a message (the median of several).
    """

    subject: Subject
    connections: int
    empty_mib: float
    kib: float
    connects_s: float
    connect_ms: float
    half_s: float
    last_s: float
    missing: int
    sync_ms: float | None


def measure(subject: Subject, bench: Bench) -> Idle:
    """Measure the subject. Raises CourseError."""
    with running(subject, bench, CONNECTIONS) as servers:
        return asyncio.run(_measure(subject, servers))


async def _measure(subject: Subject, servers: Servers) -> Idle:
    entrance = Crowd(subject.field)
    await entrance.enter(servers.urls, min(CONNECTIONS, ENTRANCES), servers.cookies)
    await entrance.leave()
    empty, before = servers.memory_kib(), servers.cpu_seconds()
    crowd = Crowd(subject.field)
    seconds = await crowd.enter(servers.urls, CONNECTIONS, servers.cookies)
    say(f"{subject.title}: {CONNECTIONS:,} connections after {seconds:.0f} s ...")
    kib = (servers.memory_kib() - empty) / CONNECTIONS
    connecting = servers.cpu_seconds() - before
    await crowd.settle()
    talks = [await crowd.talk(speakers=1) for _ in range(MESSAGES)]
    sync_ms = None
    if subject.logged_in:
        before = servers.cpu_seconds()
        syncs = min(SYNCS, CONNECTIONS)
        await crowd.ask(json.dumps({"sync": NOTHING_NEWER}), syncs)
        sync_ms = (servers.cpu_seconds() - before) / syncs * 1_000
    await crowd.leave()
    return Idle(
        subject,
        CONNECTIONS,
        empty / 1024,
        kib,
        CONNECTIONS / seconds,
        connecting / CONNECTIONS * 1_000,
        statistics.median(statistics.median(talk.delays) for talk in talks),
        statistics.median(max(talk.delays) for talk in talks),
        sum(talk.missing for talk in talks),
        sync_ms,
    )
