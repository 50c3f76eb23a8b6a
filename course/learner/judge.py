"""Hold a project against what a page shows: its commands and its conversations."""

import contextlib
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from course.pages import file_tree, grammar
from course.pages.matching import Mismatch
from course.replay.workshop import Workshop


@dataclass(frozen=True)
class Outcome:
    """How a section went: the line of the block that failed, and what was different, or "".

    `line` is the section's own if all of it is as the page shows.
    """

    section: grammar.Step
    line: int
    said: str


@contextlib.contextmanager
def workshop(
    files: file_tree.Tree,
    halt: threading.Event | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Workshop]:
    """Yield a workshop with a copy of the project, in which blocks can be carried out.

    `prefix` is a command that runs the project's programs, such as `nice`; see processes.bash.
    """
    with (
        tempfile.TemporaryDirectory(prefix="course-judge-", ignore_cleanup_errors=True) as scratch,
        Workshop(
            Path(scratch).resolve(),
            files,
            fast=False,
            halt=halt or threading.Event(),
            browser=False,
            prefix=prefix,
        ) as found,
    ):
        yield found


def judge(there: Workshop, sections: Iterable[grammar.Step]) -> Iterator[Outcome]:
    """Carry out each section's blocks up to the first that fails; yield how each section went.

    Servers that a section starts go on running in the next. Raises Halted.
    """
    for section in sections:
        yield _carry_out(there, section)


def _carry_out(there: Workshop, section: grammar.Step) -> Outcome:
    for block in section.blocks:
        try:
            there.do(block)
        except Mismatch as mismatch:
            return Outcome(section, block.line + mismatch.below, str(mismatch))
    return Outcome(section, section.line, "")
