"""Estimate what a number of connections needs, from the figures of the last run.

Run it: `python -m benchmarks.calculator 100000 --room 100 --per-minute 2`.
"""

import argparse
import bisect
import csv
import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.subjects import CAPACITY, named
from course import chapters, console
from course.console import CourseError

FOLDER = chapters.ROOT / "benchmarks"
BUSY = 0.5  # of a core that a process should use, so that peaks and reconnects have room
SYNC_EVERY = 30  # seconds between a page's syncs, as in chat/socket.js
SIZES = (10_000, 100_000, 1_000_000)
ROOM, PER_MINUTE = 100, 1.0


@dataclass(frozen=True)
class Need:
    """What `connections` need. CPU time is in cores, memory in GiB, bandwidth in Mbit/s.

    `reconnect_s` is how long all pages take to come back at the same time, with all processes busy
    with nothing else. `extrapolated`: more of something than was measured.
    """

    connections: int
    messages_s: float
    deliveries_s: float
    cores: float
    processes: int
    gib: float
    redis_cores: float
    mbit_s: float
    queries_s: float
    reconnect_s: float
    extrapolated: bool


class Measured:
    """The figures that the estimate uses, read from the CSVs in `folder`. Raises CourseError."""

    def __init__(self, folder: Path = FOLDER):
        one, two, idle = CAPACITY
        figures = _rows(folder / "results.csv", "make bench WRITE=1")
        self.one, self.two = ([row for row in figures if row["subject"] == n] for n in (one, two))
        waiting = _rows(folder / "idle.csv", "make bench LONG=1 WRITE=1")
        self.idle = next((row for row in waiting if row["subject"] == idle), None)
        if not (self.one and self.two and self.idle):
            raise CourseError(f"The figures of {one}, {two} or {idle} are missing: make bench")

    @property
    def rooms(self) -> list[int]:
        """The room sizes that were measured, in increasing order."""
        return [int(row["connections"]) for row in self.one]

    def at(self, rows: list[dict[str, str]], column: str, room: int) -> float:
        """Return a figure for each delivery in a room of that size.

        Between two measured sizes it's interpolated. Outside, a message costs in a smaller room
        what it costs in the smallest, and a delivery in a larger room what it costs in the largest.
        """
        sizes, values = self.rooms, [float(row[column] or 0) for row in rows]
        place = bisect.bisect_left(sizes, room)
        if place == 0:
            return values[0] * sizes[0] / room
        if place == len(sizes):
            return values[-1]
        low, high = sizes[place - 1 : place + 1]
        part = math.log(room / low) / math.log(high / low)
        return values[place - 1] + (values[place] - values[place - 1]) * part


def estimate(
    measured: Measured, connections: int, room: int = ROOM, per_minute: float = PER_MINUTE
) -> Need:
    """Return what that many connections need, in conversations of `room` open pages each.

    Each page sends `per_minute` messages a minute, and syncs every SYNC_EVERY seconds.
    """
    idle, rooms = measured.idle, measured.rooms
    messages, syncs = connections * per_minute / 60, connections / SYNC_EVERY
    deliveries = messages * room
    sync_s, connect_s = (float(idle[name]) / 1_000 for name in ("sync_ms", "connect_ms"))
    cores = deliveries * measured.at(measured.one, "cpu_us_per_delivery", room) / 1e6
    cores += syncs * sync_s
    most = int(idle["connections"])
    processes = max(math.ceil(cores / BUSY), math.ceil(connections / most))
    # A message costs Redis something to take, and something for each process that has a reader.
    in_one, in_two = (
        measured.at(rows, "redis_cpu_us_per_delivery", room) * room
        for rows in (measured.one, measured.two)
    )
    each = max(0.0, in_two - in_one)
    redis = messages * (max(0.0, in_one - each) + each * min(processes, room)) / 1e6
    memory = (
        connections * float(idle["kib"]) / 1024**2 + processes * float(idle["empty_mib"]) / 1024
    )
    size = measured.at(measured.one, "bytes_per_frame", room)
    return Need(
        connections,
        messages,
        deliveries,
        cores,
        processes,
        memory,
        redis,
        deliveries * size * 8 / 1e6,
        messages * 5 + syncs * 3,
        connections * (connect_s + sync_s) / processes,
        processes > 2 or not rooms[0] <= room <= rooms[-1],
    )


def assumptions(room: int = ROOM, per_minute: float = PER_MINUTE) -> str:
    """Say what an estimate is for."""
    return (
        f"{named(CAPACITY[0]).title}: conversations of {room:,} open pages, each of which sends "
        f"{per_minute:g} message{'s' * (per_minute != 1)} a minute and syncs every {SYNC_EVERY} "
        f"seconds. Processes are busy for {BUSY:.0%} of the time. "
        "A ≈ marks what goes beyond the measured range."
    )


def rows(needs: Sequence[Need]) -> list[list[str]]:
    """Describe the estimates as rows of a table."""
    table = [
        ["connections", "deliveries/s", "cores", "processes", "GiB", "Redis, cores", "Mbit/s"]
        + ["queries/s", "all back after"]
    ]
    for need in needs:
        about = "≈ " * need.extrapolated
        figures = [f"{need.deliveries_s:,.0f}", about + _short(need.cores)]
        figures += [f"{about}{need.processes:,}", about + _short(need.gib)]
        figures += [about + _short(need.redis_cores), about + _short(need.mbit_s)]
        figures += [about + f"{need.queries_s:,.0f}", f"{about}{need.reconnect_s:,.0f} s"]
        table.append([f"{need.connections:,}", *figures])
    return table


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}" if value >= 0.1 else f"{value:.2f}"


def _rows(path: Path, command: str) -> list[dict[str, str]]:
    if not path.exists():
        raise CourseError(f"{path.name} is missing. Measure first: {command}")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def main(words: Sequence[str]) -> int:
    """Print the estimate that `words` ask for; return the exit status."""
    top = argparse.ArgumentParser(prog="python -m benchmarks.calculator", description=__doc__)
    top.add_argument("connections", type=int, nargs="*", default=SIZES, metavar="100000")
    top.add_argument("--room", type=int, default=ROOM, help="open pages in a conversation")
    top.add_argument(
        "--per-minute", type=float, default=PER_MINUTE, help="messages that each page sends"
    )
    asked = top.parse_args(words)
    return console.exit_status(lambda: _print(asked))


def _print(asked: argparse.Namespace) -> int:
    measured = Measured()
    needs = [estimate(measured, one, asked.room, asked.per_minute) for one in asked.connections]
    console.say(f"{assumptions(asked.room, asked.per_minute)}\n\n{console.table(rows(needs))}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
