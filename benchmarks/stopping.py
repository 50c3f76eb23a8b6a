"""Measure how long a server takes to stop while many connections are open."""

import asyncio
import time

from benchmarks.client import Crowd
from benchmarks.servers import Bench, Servers, running
from benchmarks.subjects import Subject
from course import processes

CONNECTIONS = 1_000
STOP_LIMIT = 60  # seconds


def measure(subject: Subject, bench: Bench) -> float | None:
    """Return the seconds from SIGTERM to the server's end, or None if it took too long.

    Raises CourseError.
    """
    with running(subject, bench, CONNECTIONS) as servers:
        return asyncio.run(_measure(subject, servers))


async def _measure(subject: Subject, servers: Servers) -> float | None:
    crowd = Crowd(subject.field)
    await crowd.enter(servers.urls, CONNECTIONS, servers.cookies)
    await crowd.settle()
    [server] = servers.processes
    began = time.perf_counter()
    server.popen.terminate()
    ended = await asyncio.to_thread(processes.until, server.ended, STOP_LIMIT)
    return time.perf_counter() - began if ended else None
