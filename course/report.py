"""Report on a replay: progress while it runs, and a table at its end."""

import shutil
import sys
import threading
from dataclasses import dataclass, field

SLOW = 1.0  # seconds from which a step is told of where no terminal reads


@dataclass(frozen=True)
class Row:
    """How a lesson's replay ended. `good`: as it should. `left_out`: which blocks, and why."""

    lesson: str
    verdict: str
    good: bool
    steps: int = 0
    states: int = 0
    left_out: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Report:
    """Prints for several threads, one at a time. On a terminal, the last line changes."""

    def __init__(self):
        self._lock = threading.Lock()
        self._in_place = sys.stdout.isatty()
        self._doing: dict[str, str] = {}

    def step(self, lesson: str, place: str, title: str, seconds: float | None) -> None:
        """Report that a step begins (`seconds` is None) or has ended after that time."""
        words = [lesson, place, title, "" if seconds is None else f"{seconds:.1f} s"]
        line = "  ".join(word for word in words if word)
        if self._in_place:
            with self._lock:
                self._doing[lesson] = line
                self._clear()
                self._show()
        elif seconds is not None and seconds >= SLOW:
            self.say(line)

    def over(self, lesson: str) -> None:
        """Report that a lesson is done."""
        with self._lock:
            if self._doing.pop(lesson, None):
                self._clear()
                self._show()

    def say(self, text: str) -> None:
        """Print text that stays."""
        with self._lock:
            self._clear()
            print(text, flush=True)
            self._show()

    def table(self, rows: list[Row], seconds: float) -> None:
        """Print how each lesson ended, their sums, and the blocks that were left out.

        `seconds` is the time for all of them, side by side.
        """
        total = _sum(rows, seconds)
        lines = [("page", "steps", "states", "left out", "seconds", "verdict")]
        for row in [*rows, total]:
            counts = (row.steps, row.states, len(row.left_out), f"{row.seconds:.1f}")
            lines.append((row.lesson, *counts, row.verdict))
        width = max(len(line[0]) for line in lines)
        self.say("")
        for name, *counts, verdict in lines:
            cells = "".join(f"{cell:>10}" for cell in counts)
            self.say(f"{name:<{width}}{cells}  {verdict}".rstrip())
        if total.left_out:
            self.say("\nLeft out:\n" + "\n".join(f"  {block}" for block in total.left_out))

    def _show(self) -> None:
        if self._in_place and self._doing:
            # A line that wraps could not be cleared.
            width = shutil.get_terminal_size().columns - 1
            print(" | ".join(self._doing.values())[:width], end="", flush=True)

    def _clear(self) -> None:
        if self._in_place:
            print("\r\x1b[K", end="")


def _sum(rows: list[Row], seconds: float) -> Row:
    """Return a row with the sums of the others."""
    return Row(
        "all",
        "",
        all(row.good for row in rows),
        sum(row.steps for row in rows),
        sum(row.states for row in rows),
        [block for row in rows for block in row.left_out],
        seconds,
    )
