"""Collect the figures of a run by subject and connections."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from benchmarks.subjects import SUBJECTS, Subject, named


@dataclass
class Figures:
    """The figures of a cell: a subject with a number of connections.

    None means that a figure wasn't measured, and `note` says why. `cpu_us` is the servers' CPU
    time for each delivered message in µs, and `redis_us` is that of their Redis. `deliveries_s`
    and `connects_s` are rates per second. `p50_ms` and `p99_ms` are delays from send to receipt
    with one message under way. `kib` is memory for each idle connection. `bytes` is the size of a
    frame that delivers a message. `delivered`, `missing` and `doubled` count messages.
    `client_bound` means that the client was so busy that the servers
    may be capable of more deliveries per second. `broken` means that a server didn't start,
    refused a connection or forwarded nothing; `log` holds the last lines that it printed.
    """

    cpu_us: float | None = None
    redis_us: float | None = None
    deliveries_s: float | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    connects_s: float | None = None
    kib: float | None = None
    bytes: float | None = None
    delivered: int = 0
    missing: int = 0
    doubled: int = 0
    client_bound: bool = False
    broken: bool = False
    note: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def faulty(self) -> bool:
        return bool(self.missing or self.doubled or self.broken)


def median(rounds: Sequence[Figures]) -> Figures:
    """Merge the figures of a cell's rounds: the median of each figure, the sum of each count."""
    merged = Figures(note=next((one.note for one in rounds if one.note), ""))
    for name, default in ((each.name, each.default) for each in fields(Figures)):
        values = [value for one in rounds if (value := getattr(one, name)) is not None]
        if default is None and values:
            setattr(merged, name, statistics.median(values))
        elif default is False:
            setattr(merged, name, any(values))
        elif default == 0:
            setattr(merged, name, sum(values))
    return merged


class Results:
    """The figures so far. A cell's figures are the medians of its rounds."""

    def __init__(self):
        self._rounds: dict[tuple[Subject, int], list[Figures]] = defaultdict(list)

    def add(self, subject: Subject, connections: int, rounds: Sequence[Figures]) -> None:
        self._rounds[subject, connections] += rounds

    @property
    def subjects(self) -> list[Subject]:
        """The measured subjects, in the order of SUBJECTS."""
        measured = {subject for subject, _ in self._rounds}
        return [subject for subject in SUBJECTS if subject in measured]

    @property
    def connections(self) -> list[int]:
        """The numbers of connections that were measured, in increasing order."""
        return sorted({connections for _, connections in self._rounds})

    def figures(self, subject: Subject, connections: int) -> Figures:
        """Return a cell's figures; all None if it wasn't measured."""
        return median(self._rounds.get((subject, connections), []))

    def cells(self) -> list[tuple[Subject, int, Figures]]:
        """Return what was measured: subject, connections and figures, sorted by connections."""
        return [
            (subject, connections, self.figures(subject, connections))
            for connections in self.connections
            for subject in self.subjects
            if (subject, connections) in self._rounds
        ]

    def faulty(self) -> bool:
        """Tell whether a message was missing or arrived twice, or a cell failed."""
        return any(figures.faulty for _, _, figures in self.cells())

    def ratios(self, name: str, over: str, connections: int, figure: str = "cpu_us") -> list[float]:
        """Return each round's ratio of a figure of two subjects."""
        both = [
            [getattr(one, figure) for one in self._rounds.get((named(each), connections), [])]
            for each in (name, over)
        ]
        return [one / other for one, other in zip(*both, strict=False) if one and other]
