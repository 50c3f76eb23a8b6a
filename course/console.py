"""Talk to the person at the terminal: lines, a live last line, tables, and errors."""

import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Sequence


class CourseError(Exception):
    """Something that a person can fix. The text says what it is and what to do."""


class CommandFailed(CourseError):
    """A program failed. `output` is everything it printed."""

    def __init__(self, sentence: str, output: str = ""):
        super().__init__("\n".join([*last_lines(output), sentence]))
        self.output = output


def exit_status(command: Callable[[], int]) -> int:
    """Carry out a command; return its exit status. Print an error as a sentence.

    Signals that end the program raise an exception, so that the servers that it started are
    stopped on this way out too.
    """

    def leave(number, frame):
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        # If a signal is ignored, the caller meant it to be: with nohup, for example.
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, leave)
    # A shell ignores it for what it starts in the background, and all that is started here,
    # which is stopped by it, would take that over.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return command()
    except CourseError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted.\n")
        return 130


def say(text: str) -> None:
    """Print a line immediately, even if no terminal reads it."""
    print(text, flush=True)  # noqa: T201


def last_lines(output: str, count: int = 12) -> list[str]:
    """Return the last `count` non-blank lines of `output`, indented and cut short."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return [f"  {line[:200]}" for line in lines[-count:]]


def table(rows: Iterable[Sequence[object]]) -> str:
    """Return rows as aligned text: the first column to the left, the others to the right.

    A row may have one cell more than the first row, the heading: a remark at its end.
    """
    rows = [[str(cell) for cell in row] for row in rows]
    columns = len(rows[0])
    widths = [max((len(row[n]) for row in rows if n < len(row)), default=0) for n in range(columns)]
    lines = []
    for name, *cells in rows:
        numbers = "".join(
            f"  {cell:>{width}}" for cell, width in zip(cells, widths[1:], strict=False)
        )
        remark = "".join(f"  {cell}" for cell in cells[columns - 1 :])
        lines.append(f"{name:<{widths[0]}}{numbers}{remark}".rstrip())
    return "\n".join(lines)


def markdown_table(rows: Iterable[Sequence[object]]) -> str:
    """Return the same rows as a Markdown table, without remarks."""
    head, *rest = [[str(cell) for cell in row] for row in rows]
    rest = [row[: len(head)] for row in rest]
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rest])


class Progress:
    """Says what several threads are doing. On a terminal, that's one last line, which changes.

    Elsewhere, only what took longer than SLOW seconds is printed.
    """

    SLOW = 1.0

    def __init__(self):
        self._lock = threading.Lock()
        self._in_place = sys.stdout.isatty()
        self._doing: dict[str, str] = {}

    def step(self, name: str, words: Sequence[str], seconds: float | None) -> None:
        """Report what `name` begins to do (`seconds` is None) or has done in that time."""
        line = "  ".join([name, *filter(None, words)])
        if seconds is not None:
            line += f"  {seconds:.1f} s"
        if self._in_place:
            with self._lock:
                self._doing[name] = line
                self._clear()
                self._show()
        elif seconds is not None and seconds >= self.SLOW:
            self.say(line)

    def over(self, name: str) -> None:
        """Report that `name` has nothing more to do."""
        with self._lock:
            if self._doing.pop(name, None):
                self._clear()
                self._show()

    def say(self, text: str) -> None:
        """Print text that stays."""
        with self._lock:
            self._clear()
            say(text)
            self._show()

    def _show(self) -> None:
        if self._in_place and self._doing:
            # A line that wraps couldn't be cleared.
            width = shutil.get_terminal_size().columns - 1
            sys.stdout.write(" | ".join(self._doing.values())[:width])
            sys.stdout.flush()

    def _clear(self) -> None:
        if self._in_place:
            sys.stdout.write("\r\x1b[K")
