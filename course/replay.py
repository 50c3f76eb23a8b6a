"""Run a lesson's steps in a folder, and compare the result with the committed folder."""

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from course import chapters, page, progress, tree, verdict
from course.blocks import Workshop
from course.output import Mismatch
from course.page import PageError
from course.report import Report, Row
from course.start import start_of
from course.state import State

# Lessons. Each waits now and then, so one more than there are processors keeps those at work.
AT_ONCE = (os.cpu_count() or 1) + 1


@dataclass
class Replayed:
    """A replayed lesson: its states in order, the project at its end, the number of steps.

    `left_out` names each block that wasn't replayed, as PAGE:LINE, and why.
    """

    states: list[State]
    files: tree.Tree
    steps: int
    left_out: list[str]


def replay(
    lesson: str,
    start: tree.Tree,
    *,
    fast: bool = False,
    python: str = sys.executable,
    halt: threading.Event | None = None,
    tell: Callable[[str, str, float | None], None] = lambda *_: None,
) -> Replayed:
    """Run the pages of `lesson` on the files of `start`, in a temporary folder.

    Parts run one after the other in one shell, and servers keep running between them. With `fast`,
    only commands that change files are run. `python` belongs to the environment for the commands.
    `tell` gets a step's place and title when it begins, and again, with seconds, when it ends.
    Raises PageError if a page does something wrong, progress.Trouble as chapters.pages() does, and
    processes.Halted once `halt` is set.
    """
    parts = page.read_lesson(lesson)
    done = Replayed([], start, sum(part.count for part in parts), [])
    number = 0
    with tempfile.TemporaryDirectory(
        prefix="course-replay-", ignore_cleanup_errors=True
    ) as scratch:
        room = Path(scratch).resolve()
        with Workshop(room, start, fast, python, halt or threading.Event()) as workshop:
            for part, step in page.steps(parts):
                number = step.number or number
                place = f"step {step.number} of {done.steps}" if step.number else "between steps"
                began, before = time.monotonic(), workshop.files
                tell(place, step.title, None)
                for block in step.blocks:
                    _do(block, workshop, part)
                    if block.kind == "left out":
                        done.left_out.append(f"{page.place(part.path, block.line)}: {block.note}")
                    if workshop.files != done.files:
                        done.files = workshop.files
                        about = (lesson, number, step.title, part.path, block.line, block.path)
                        done.states.append(State(*about, workshop.files))
                _check_step(part, step, before, workshop.files)
                tell(place, step.title, time.monotonic() - began)
    return done


def chosen(names: list[str]) -> list[str]:
    """Return the lessons called `names` in order, or all that have pages without names.

    Raises progress.Trouble for one without a page and as chapters.pages() does, and
    chapters.UnknownChapter.
    """
    if not names:
        return chapters.with_pages()
    found = {chapters.find_lesson(name) for name in names}
    for lesson in found:
        if not chapters.pages(lesson):
            shown = chapters.page(lesson).relative_to(chapters.ROOT)
            raise progress.Trouble(f"{lesson} has no page yet: there is no {shown}.")
    return [lesson for lesson in chapters.lessons() if lesson in found]


def command(
    names: list[str], write: bool = False, fast: bool = False, python: str = sys.executable
) -> int:
    """Replay the lessons called `names`, or all that have pages, and compare with the folders.

    With `write` the folders are made from the pages instead, each from the new state of the one
    before it. A guide has no folder, so it only has to reach its end. Prints progress, problems,
    and a table at the end. Returns 1 if anything failed, else 0. Raises progress.Trouble and
    chapters.UnknownChapter, as chosen() does.
    """
    wanted = chosen(names)
    if not wanted:
        progress.say("There's no page yet, so there's nothing to replay.")
        return 0
    began = time.monotonic()
    run = _Run(write, fast, python)
    # Later lessons take longer, and what takes longest goes first. Written, each goes on from the
    # one before.
    order = wanted if write else wanted[::-1]
    with ThreadPoolExecutor(1 if write else AT_ONCE) as pool:
        try:
            rows = sorted(pool.map(run.follow, order), key=lambda row: wanted.index(row.lesson))
        except BaseException:
            # As with Ctrl-C: the other threads clean up, and nothing new is started.
            run.halt.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    run.report.table(rows, time.monotonic() - began)
    if write:
        _say_what_is_left(wanted, run.report)
    return int(any(not row.good for row in rows))


class _Run:
    """One run of the command."""

    def __init__(self, write: bool, fast: bool, python: str):
        self.halt = threading.Event()
        self.report = Report()
        self._write = write
        self._fast = fast
        self._python = python
        self._failed = False

    def follow(self, lesson: str) -> Row:
        """Replay one lesson; say what is wrong; write or compare."""
        if self._write and self._failed:
            return Row(lesson, "not reached", False)
        began = time.monotonic()
        done = Replayed([], {}, 0, [])
        try:
            done = self._replay(lesson)
            how, good = self._settle(lesson, done)
        except progress.Trouble as trouble:
            self.report.say(f"\n{trouble}\n")
            how, good = "failed", False
        finally:
            self.report.over(lesson)
        self._failed |= not good
        counts = (done.steps, len(done.states), done.left_out, time.monotonic() - began)
        return Row(lesson, how, good, *counts)

    def _replay(self, lesson: str) -> Replayed:
        done = replay(
            lesson,
            start_of(lesson),
            fast=self._fast,
            python=self._python,
            halt=self.halt,
            tell=lambda *words: self.report.step(lesson, *words),
        )
        # Last: what is written of a lesson can be replayed before its end is.
        page.check_diff(page.read_lesson(lesson), lesson)
        return done

    def _settle(self, lesson: str, done: Replayed) -> tuple[str, bool]:
        """Write or compare; return a verdict, and whether it is a good one."""
        if not chapters.is_committed(lesson):
            return "to its end", True
        folder = chapters.folder(lesson)
        if self._write:
            return f"written, files changed: {len(tree.write(done.files, folder))}", True
        if not folder.is_dir():
            raise progress.Trouble(f"There is no folder {lesson}: make it with replay --write.")
        wanted = tree.read(folder)
        if done.files == wanted:
            return "as the folder", True
        for said in verdict.differences(lesson, start_of(lesson), done.states, wanted):
            self.report.say(f"\n{said}")
        return "not as the folder", False


def _do(block: page.Block, workshop: Workshop, read: page.Page) -> None:
    try:
        workshop.do(block)
    except Mismatch as mismatch:
        raise PageError(read.path, block.line + mismatch.below, str(mismatch)) from None


def _check_step(read: page.Page, step: page.Step, before: tree.Tree, after: tree.Tree) -> None:
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


def _say_what_is_left(written: list[str], report: Report) -> None:
    """Name the chapters after those written, because their folders may be out of date."""
    of_chapters = [name for name in chapters.NAMES if name in written]
    later = chapters.NAMES[chapters.NAMES.index(of_chapters[-1]) + 1 :] if of_chapters else []
    with_pages = chapters.with_pages()
    left = [f"{name} ({'not asked for' if name in with_pages else 'no page'})" for name in later]
    if left:
        report.say(f"Left as they are: {', '.join(left)}")
