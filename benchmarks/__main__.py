"""The command line: `python -m benchmarks`. `make bench` runs it in the environment."""

import argparse
import sys
from collections.abc import Sequence

from benchmarks import subjects
from course import console
from course.console import CourseError


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise CourseError(message[:1].upper() + message[1:] + ". See: python -m benchmarks --help")


def main(words: Sequence[str]) -> int:
    """Measure what `words` ask for; return the exit status."""
    return console.exit_status(lambda: do(words))


def do(words: Sequence[str]) -> int:
    """Measure what `words` ask for; return the exit status. Raises CourseError."""
    asked = parser().parse_args(words)
    chosen = [subjects.named(name) for name in asked.only]
    if (asked.soak or asked.long) and (asked.only or asked.connections or asked.full):
        raise CourseError("--soak and --long have their own subjects and connections.")
    if asked.write and (asked.only or asked.connections):
        raise CourseError("The page needs all figures, so use --write without a selection.")
    try:
        from benchmarks import run
    except ModuleNotFoundError as error:
        raise CourseError(
            f"The benchmark needs {error.name}, which is missing: make setup"
        ) from None
    if asked.soak:
        return run.soak(asked.write)
    if asked.long:
        return run.measure_extremes(asked.write)
    counts = asked.connections or (subjects.FULL if asked.full else subjects.CONNECTIONS)
    selection = asked.only or asked.connections
    return run.measure(chosen or subjects.SUBJECTS, counts, asked.write, waits=not selection)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = Parser(prog="python -m benchmarks", description="Measure what a message costs.")
    flag = {"action": "store_true"}
    top.add_argument("--full", **flag, help="measure from 1 to 10,000 connections")
    top.add_argument("--soak", **flag, help="only 1,000 people at once, then 100,000 messages")
    top.add_argument(
        "--long",
        **flag,
        help="only a reader that stops reading, 10,000 idle connections, and 1,000 that reconnect",
    )
    top.add_argument("--write", **flag, help="write the figures into the pages, too")
    names = ", ".join(subject.name for subject in subjects.SUBJECTS)
    several = {"nargs": "+", "default": []}
    top.add_argument("--only", **several, metavar="SUBJECT", help=f"measure only these: {names}")
    top.add_argument(
        "--connections", **several, type=count, metavar="100", help="instead of 10, 100 and 1,000"
    )
    return top


def count(text: str) -> int:
    """Return a number of connections. Raises argparse.ArgumentTypeError."""
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"connections are a number from 1 on, and not {text!r}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
