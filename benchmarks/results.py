"""Collect the figures of a run by subject and connections; make CSVs and ratios of them."""

import csv
import io
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import measure
from benchmarks.measure import Figures
from benchmarks.subjects import SUBJECTS, Subject, named
from benchmarks.waiting import Waiting

# Each figure's column in the CSV, which includes the unit.
COLUMNS = {
    "cpu_us": "cpu_us_per_delivery",
    "redis_us": "redis_cpu_us_per_delivery",
    "deliveries_s": "deliveries_per_s",
    "p50_ms": "p50_ms",
    "p99_ms": "p99_ms",
    "connects_s": "connects_per_s",
    "kib": "kib_per_connection",
}
COUNTS = ["delivered", "missing", "doubled", "client_bound", "note"]


@dataclass(frozen=True)
class Ratio:
    """For each round, a subject's CPU time per delivered message divided by another subject's."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)


class Results:
    """The figures so far. A cell's figures are the medians of its rounds."""

    def __init__(self):
        self.waiting: list[Waiting] = []
        self._rounds: dict[tuple[Subject, int], list[Figures]] = defaultdict(list)

    def add(self, subject: Subject, connections: int, rounds: Sequence[Figures]) -> None:
        self._rounds[subject, connections] += rounds

    def cells(self) -> dict[tuple[Subject, int], Figures]:
        """Return the figures by subject and connections, sorted by connections, then subject."""
        order = [subject.name for subject in SUBJECTS]

        def place(cell: tuple[Subject, int]) -> tuple[int, int]:
            return cell[1], order.index(cell[0].name)

        return {
            cell: measure.median(self._rounds[cell]) for cell in sorted(self._rounds, key=place)
        }

    def faulty(self) -> bool:
        """Tell whether a message was missing or arrived twice, or a cell failed."""
        return any(figures.faulty for figures in self.cells().values())

    def ratio(self, name: str, over: str, connections: int) -> Ratio | None:
        """Return the ratio of two subjects at this number of connections, None if not measured."""
        both = [
            [figures.cpu_us for figures in self._rounds.get((named(each), connections), [])]
            for each in (name, over)
        ]
        rounds = tuple(one / other for one, other in zip(*both, strict=False) if one and other)
        return Ratio(rounds) if rounds else None

    def as_csv(self) -> str:
        """Return CSV with a line for each cell."""
        written = io.StringIO()
        lines = csv.writer(written, lineterminator="\n")
        lines.writerow(["subject", "connections", *COLUMNS.values(), *COUNTS])
        for (subject, connections), figures in self.cells().items():
            values = [_rounded(getattr(figures, name)) for name in COLUMNS]
            rest = [getattr(figures, name) for name in COUNTS]
            lines.writerow([subject.name, connections, *values, *rest])
        return written.getvalue()

    def waiting_as_csv(self) -> str:
        """Return CSV with a line for each handler that takes a second."""
        written = io.StringIO()
        lines = csv.writer(written, lineterminator="\n")
        lines.writerow(["subject", "people", "all_answered_s", "neighbour_s"])
        for one in self.waiting:
            lines.writerow(
                [one.subject.name, one.people, f"{one.all_s:.3f}", f"{one.neighbour_s:.3f}"]
            )
        return written.getvalue()


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
