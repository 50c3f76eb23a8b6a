"""Run a lesson's steps in a folder, and keep a snapshot of the project whenever a file changes."""

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from course import chapters
from course.pages import file_tree, grammar
from course.pages.grammar import PageError
from course.pages.matching import Mismatch
from course.replay.workshop import Workshop


@dataclass(frozen=True)
class Snapshot:
    """A project as it is after a block of a page.

    `step` is the last numbered step's number, 0 before the first. `title` is the heading above, or
    "". `page` is the page or part with the block, `line` its line there, from 1, and `path` the
    file that it writes or edits, or "" if a command did it.
    """

    lesson: str
    step: int
    title: str
    page: Path
    line: int
    path: str
    files: file_tree.Tree = field(repr=False)


@dataclass
class Replayed:
    """A replayed lesson: its snapshots in order, the project at its end, the number of steps.

    `left_out` names each block that wasn't replayed, as PAGE:LINE, and why.
    """

    snapshots: list[Snapshot] = field(default_factory=list)
    files: file_tree.Tree = field(default_factory=dict)
    steps: int = 0
    left_out: list[str] = field(default_factory=list)


def replay(
    lesson: str,
    start: file_tree.Tree,
    *,
    fast: bool = False,
    halt: threading.Event | None = None,
    tell: Callable[..., None] = lambda which, title, seconds: None,
) -> Replayed:
    """Run the pages of `lesson` on the files of `start`, in a temporary folder.

    Parts run one after the other in one shell, and servers keep running between them. With `fast`,
    only commands that change files are run. `tell` gets which step it is and its title when it
    begins, and again, with seconds, when it ends.
    Raises PageError if a page does something wrong, CourseError as chapters.pages() does, and
    processes.Halted once `halt` is set.
    """
    parts = grammar.read_lesson(lesson)
    done = Replayed(files=start, steps=sum(part.count for part in parts))
    number = 0
    with tempfile.TemporaryDirectory(
        prefix="course-replay-", ignore_cleanup_errors=True
    ) as scratch:
        # A chapter's suite runs with a browser in `make test-all`, on the same files. What a guide
        # makes is tested nowhere else.
        browser = not chapters.is_committed(lesson)
        halt = halt or threading.Event()
        with Workshop(Path(scratch).resolve(), start, fast, halt, browser) as workshop:
            for part, step in grammar.steps(parts):
                number = step.number or number
                which = f"step {step.number} of {done.steps}" if step.number else "between steps"
                began, before = time.monotonic(), workshop.files
                tell(which, step.title, seconds=None)
                for block in step.blocks:
                    _do(block, workshop, part)
                    if block.kind == "left out":
                        done.left_out.append(
                            f"{grammar.location(part.path, block.line)}: {block.note}"
                        )
                    if workshop.files != done.files:
                        done.files = workshop.files
                        about = (lesson, number, step.title, part.path, block.line, block.path)
                        done.snapshots.append(Snapshot(*about, workshop.files))
                _check_step(part, step, before, workshop.files)
                tell(which, step.title, seconds=time.monotonic() - began)
    return done


def _do(block: grammar.Block, workshop: Workshop, read: grammar.Page) -> None:
    try:
        workshop.do(block)
    except Mismatch as mismatch:
        raise PageError(read.path, block.line + mismatch.below, str(mismatch)) from None


def _check_step(
    read: grammar.Page, step: grammar.Step, before: file_tree.Tree, after: file_tree.Tree
) -> None:
    """Raise PageError unless a numbered step has changed a file, and any other has not.

    A learner's files tell which step they've done. A section that shows a failure may break
    something, if it repairs it again.
    """
    if step.number and before == after:
        raise PageError(read.path, step.line, "a numbered step changes a file; this does not")
    if not step.number and before != after:
        names = sorted(before.keys() | after.keys())
        changed = ", ".join(name for name in names if before.get(name) != after.get(name))
        raise PageError(read.path, step.line, f"this changes {changed}: give its heading a number")
