"""Measure the CPU time and memory that processes have used, as the operating system counts."""

from collections.abc import Callable, Iterable
from typing import Any

import psutil
from redis import Redis

from course import console


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the CPU time of these processes and their children, in seconds.

    Time in the kernel is included. Raises progress.Trouble if one of them has ended.
    """
    times = _of_each(pids, psutil.Process.cpu_times)
    return sum(one.user + one.system for one in times)


def redis_cpu_seconds(url: str) -> float:
    """Return the CPU time of the Redis at that URL in seconds, as Redis itself reports it.

    Redis needs so little that the system's figures are too coarse. Raises redis.RedisError.
    """
    with Redis.from_url(url) as client:
        used = client.info("cpu")
    return used["used_cpu_user"] + used["used_cpu_sys"]


def memory_kib(pids: Iterable[int]) -> float:
    """Return the resident memory of these processes and their children, in KiB.

    Raises progress.Trouble if one of them has ended.
    """
    return sum(one.rss for one in _of_each(pids, psutil.Process.memory_info)) / 1024


def _of_each(pids: Iterable[int], ask: Callable[[psutil.Process], Any]) -> list:
    try:
        servers = [psutil.Process(pid) for pid in pids]
        children = [child for server in servers for child in server.children(recursive=True)]
        return [ask(process) for process in servers + children]
    except psutil.NoSuchProcess:  # it has ended, or is a zombie
        raise console.CourseError("A server ended by itself.") from None
