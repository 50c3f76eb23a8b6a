"""A page's steps run over a folder, and what comes of it held against the committed one."""

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from course import chapters, page, progress, tree
from course.blocks import Workshop
from course.output import Mismatch
from course.page import PageError
from course.report import Report, Row

AT_ONCE = 2  # chapters


@dataclass(frozen=True)
class State:
    """A project as a block of a page leaves it.

    `step` is the last numbered step's number, 0 before the first; `title` that of the heading
    above, "" where there is none. `line` is the block's in the page, from 1, and `path` the file
    that it writes or edits, "" where a command did it.
    """

    chapter: str
    step: int
    title: str
    line: int
    path: str
    files: tree.Tree = field(repr=False)


@dataclass
class Replayed:
    """What came of a page: its states in order, the project at its end, and two counts."""

    states: list[State]
    files: tree.Tree
    steps: int
    left_out: int


def replay(
    chapter: str,
    start: tree.Tree,
    *,
    fast: bool = False,
    python: str = sys.executable,
    halt: threading.Event | None = None,
    tell: Callable[[str, str, float | None], None] = lambda *_: None,
) -> Replayed:
    """Run the page of `chapter` over the files of `start`, in a folder that is gone afterwards.

    With `fast`, only what makes files is run. `python` is that of the environment which commands
    find. `tell` is given a step's place and title as it begins, and again, with seconds, as it
    ends. Raises PageError for what the page does wrong, and processes.Halted once `halt` is set.
    """
    read = page.read(chapters.page(chapter))
    done = Replayed([], start, read.count, 0)
    number = 0
    with tempfile.TemporaryDirectory(
        prefix="course-replay-", ignore_cleanup_errors=True
    ) as scratch:
        room = Path(scratch).resolve()
        with Workshop(room, start, fast, python, halt or threading.Event()) as workshop:
            for step in read.steps:
                number = step.number or number
                place = f"step {step.number} of {read.count}" if step.number else "between steps"
                began, before = time.monotonic(), workshop.files
                tell(place, step.title, None)
                for block in step.blocks:
                    _do(block, workshop, read)
                    done.left_out += block.kind == "left out"
                    if workshop.files != done.files:
                        done.files = workshop.files
                        about = (chapter, number, step.title, block.line, block.path)
                        done.states.append(State(*about, workshop.files))
                _check_step(read, step, before, workshop.files)
                tell(place, step.title, time.monotonic() - began)
    return done


def start_of(chapter: str) -> tree.Tree:
    """Return the committed files that a chapter goes on from; the first begins with none.

    Raises progress.Trouble if there is no such folder.
    """
    before = chapters.before(chapter)
    if before is None:
        return {}
    if not chapters.folder(before).is_dir():
        raise progress.Trouble(f"There is no folder {before}, from which {chapter} goes on.")
    return tree.read(chapters.folder(before))


def chosen(names: list[str]) -> list[str]:
    """Return the chapters called `names` in order, or all that have pages if none is named.

    Raises progress.Trouble for one without a page, and chapters.UnknownChapter.
    """
    with_pages = chapters.with_pages()
    found = {chapters.find(name) for name in names}
    for chapter in sorted(found - set(with_pages)):
        shown = chapters.page(chapter).relative_to(chapters.ROOT)
        raise progress.Trouble(f"Chapter {chapter} has no page yet: there is no {shown}.")
    return [chapter for chapter in with_pages if not found or chapter in found]


def command(
    names: list[str], write: bool = False, fast: bool = False, python: str = sys.executable
) -> int:
    """Replay the chapters called `names`, or all that have pages, and compare with the folders.

    With `write` the folders are made from the pages instead, each from the one before it as it
    has become. Says where it is, what is wrong, and a table at the end. Returns 1 if anything
    failed, else 0. Raises progress.Trouble and chapters.UnknownChapter, as chosen() does.
    """
    wanted = chosen(names)
    if not wanted:
        progress.say("No chapter has a page yet: there is nothing to replay.")
        return 0
    run = _Run(write, fast, python)
    with ThreadPoolExecutor(1 if write else AT_ONCE) as pool:
        try:
            rows = list(pool.map(run.follow, wanted))
        except BaseException:
            # As by Ctrl-C: the other threads put away what they started, and nothing is begun.
            run.halt.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    run.report.table(rows)
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

    def follow(self, chapter: str) -> Row:
        """Replay one chapter; say what is wrong; write or compare."""
        if self._write and self._failed:
            return Row(chapter, "not reached", False)
        began = time.monotonic()
        done = Replayed([], {}, 0, 0)
        try:
            done = self._replay(chapter)
            verdict, good = self._settle(chapter, done.files)
        except progress.Trouble as trouble:
            self.report.say(f"\n{trouble}\n")
            verdict, good = "failed", False
        finally:
            self.report.over(chapter)
        self._failed |= not good
        counts = (done.steps, len(done.states), done.left_out, time.monotonic() - began)
        return Row(chapter, verdict, good, *counts)

    def _replay(self, chapter: str) -> Replayed:
        page.check_diff(page.read(chapters.page(chapter)), chapter)
        return replay(
            chapter,
            start_of(chapter),
            fast=self._fast,
            python=self._python,
            halt=self.halt,
            tell=lambda *words: self.report.step(chapter, *words),
        )

    def _settle(self, chapter: str, made: tree.Tree) -> tuple[str, bool]:
        """Write or compare; return a verdict, and whether it is a good one."""
        folder = chapters.folder(chapter)
        if self._write:
            return f"written, files changed: {len(tree.write(made, folder))}", True
        if not folder.is_dir():
            raise progress.Trouble(f"There is no folder {chapter}: make it with replay --write.")
        wanted = tree.read(folder)
        if made == wanted:
            return "as the folder", True
        self.report.say(tree.difference(made, wanted))
        return "not as the folder", False


def _do(block: page.Block, workshop: Workshop, read: page.Page) -> None:
    try:
        workshop.do(block)
    except Mismatch as mismatch:
        raise PageError(read.path, block.line + mismatch.below, str(mismatch)) from None


def _check_step(read: page.Page, step: page.Step, before: tree.Tree, after: tree.Tree) -> None:
    """Raise PageError unless a numbered step has changed a file, and any other has not.

    Where a learner stands is told by the step whose files are theirs. What shows a failure may
    break something, if it mends it.
    """
    if step.number and before == after:
        raise PageError(read.path, step.line, "a numbered step changes a file; this does not")
    if not step.number and before != after:
        names = sorted(before.keys() | after.keys())
        changed = ", ".join(name for name in names if before.get(name) != after.get(name))
        raise PageError(read.path, step.line, f"this changes {changed}: give its heading a number")


def _say_what_is_left(written: list[str], report: Report) -> None:
    later = chapters.NAMES[chapters.NAMES.index(written[-1]) + 1 :]
    with_pages = chapters.with_pages()
    left = [f"{name} ({'not asked for' if name in with_pages else 'no page'})" for name in later]
    if left:
        report.say(f"Left as they are: {', '.join(left)}")
