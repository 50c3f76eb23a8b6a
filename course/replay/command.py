"""`replay`: follow the pages, and write or compare the folders."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from course import chapters, console
from course.console import CourseError, say
from course.pages import file_tree, grammar, patches
from course.replay import checkout
from course.replay.checkout import start_of
from course.replay.run import Replayed, Snapshot, replay

# Lessons. Each waits now and then, so one more than there are processors keeps those at work.
AT_ONCE = (os.cpu_count() or 1) + 1


@dataclass(frozen=True)
class Row:
    """How a lesson's replay ended. `good`: as it should."""

    lesson: str
    verdict: str
    good: bool
    done: Replayed = field(default_factory=Replayed)
    seconds: float = 0.0


def command(chapter: list[str], to: Path | None, step: int | None, write: bool, fast: bool) -> int:
    """Replay the lessons of those names, or write one as it is after a step into the folder `to`.

    Returns the exit status. Raises CourseError.
    """
    if to:
        return write_step(chapter[0], to, step)
    return replay_lessons(chapter, write, fast)


def chosen(names: list[str]) -> list[str]:
    """Return those lessons in order; without any, all that have pages.

    Raises CourseError for one without a page, and as chapters.pages() does.
    """
    if not names:
        return chapters.with_pages()
    for lesson in names:
        if not chapters.pages(lesson):
            shown = chapters.page(lesson).relative_to(chapters.ROOT)
            raise CourseError(f"{lesson} has no page yet: there is no {shown}.")
    return [lesson for lesson in chapters.lessons() if lesson in names]


def replay_lessons(names: list[str], write: bool = False, fast: bool = False) -> int:
    """Replay the lessons called `names`, or all that have pages, and compare with the folders.

    With `write` the folders are made from the pages instead, each from the new folder of the one
    before it. A guide has no folder, so it only has to reach its end. Prints progress, problems,
    and a table at the end. Returns 1 if anything failed, else 0. Raises CourseError as
    chosen() does.
    """
    wanted = chosen(names)
    if not wanted:
        say("There's no page yet, so there's nothing to replay.")
        return 0
    began = time.monotonic()
    run = _Run(write, fast)
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
    run.report.say("\n" + table(rows, time.monotonic() - began))
    if write:
        _say_what_is_left(wanted, run.report)
    return int(any(not row.good for row in rows))


class _Run:
    """One run of the command."""

    def __init__(self, write: bool, fast: bool):
        self.halt = threading.Event()
        self.report = console.Progress()
        self._write = write
        self._fast = fast
        self._failed = False

    def follow(self, lesson: str) -> Row:
        """Replay one lesson; say what is wrong; write or compare."""
        if self._write and self._failed:
            return Row(lesson, "not reached", False)
        began = time.monotonic()
        done = Replayed()
        try:
            done = self._replay(lesson)
            how, good = self._compare_or_write(lesson, done)
        except CourseError as error:
            self.report.say(f"\n{error}\n")
            how, good = "failed", False
        finally:
            self.report.over(lesson)
        self._failed |= not good
        return Row(lesson, how, good, done, time.monotonic() - began)

    def _replay(self, lesson: str) -> Replayed:
        done = replay(
            lesson,
            start_of(lesson),
            fast=self._fast,
            halt=self.halt,
            tell=lambda *words, seconds: self.report.step(lesson, words, seconds),
        )
        # Last, so that an unfinished page can be replayed as far as it goes.
        grammar.check_diff(grammar.read_lesson(lesson), lesson)
        return done

    def _compare_or_write(self, lesson: str, done: Replayed) -> tuple[str, bool]:
        """Write or compare; return a verdict, and whether it is a good one."""
        if not chapters.is_committed(lesson):
            return "to its end", True
        folder = chapters.folder(lesson)
        if self._write:
            return f"written, files changed: {len(file_tree.write(done.files, folder))}", True
        if not folder.is_dir():
            raise CourseError(f"There's no folder {lesson}: make it with `make replay WRITE=1`.")
        wanted = file_tree.read(folder)
        if done.files == wanted:
            return "as the folder", True
        for said in differences(lesson, start_of(lesson), done.snapshots, wanted):
            self.report.say(f"\n{said}")
        return "not as the folder", False


def table(rows: list[Row], seconds: float) -> str:
    """Return how each lesson ended, their sums, and the blocks that were left out.

    `seconds` is the time for all of them, side by side. If a lesson failed, the blocks aren't
    listed, so that what's wrong stays in view.
    """
    left_out = [block for row in rows for block in row.done.left_out]
    if not all(row.good for row in rows):
        left_out = []
    lines = [("page", "steps", "snapshots", "left out", "seconds", "verdict")]
    counts = [(row.done.steps, len(row.done.snapshots), len(row.done.left_out)) for row in rows]
    for row, count in zip(rows, counts, strict=True):
        lines.append((row.lesson, *count, f"{row.seconds:.1f}", row.verdict))
    lines.append(("all", *map(sum, zip(*counts, strict=True)), f"{seconds:.1f}"))
    listed = "\n\nLeft out:\n" + "\n".join(f"  {block}" for block in left_out)
    return console.table(lines) + listed * bool(left_out)


def _say_what_is_left(written: list[str], report: console.Progress) -> None:
    """Name the chapters after those written, because their folders may be out of date."""
    of_chapters = [name for name in chapters.NAMES if name in written]
    later = chapters.NAMES[chapters.NAMES.index(of_chapters[-1]) + 1 :] if of_chapters else []
    with_pages = chapters.with_pages()
    left = [f"{name} ({'not asked for' if name in with_pages else 'no page'})" for name in later]
    if left:
        report.say(f"Left as they are: {', '.join(left)}")


def write_step(name: str, folder: Path, number: int | None) -> int:
    """Write the project as it is after that step of the lesson `name` into `folder`,
    which check_target() has checked.

    0 is its start, and None its end. Only commands that change files are run. Returns 0.
    Raises CourseError, or PageError if a page does something wrong.
    """
    [lesson] = chosen([name])
    steps = [found for found in grammar.steps(grammar.read_lesson(lesson)) if found[1].number]
    if number is None:
        number = len(steps)
    if number > len(steps):
        raise CourseError(
            f"{lesson} has no step {number}. Its steps are 1 to {len(steps)}, and 0 is its start."
        )
    files = files_after(lesson, number)
    checkout.write_project(files, folder)
    when = f"after step {number} of {lesson}" if number else f"at the start of {lesson}"
    say(f"{folder} now contains the project as it is {when}.")
    say(f"\nNext:\n\n{checkout.advice(files, folder)}\n")
    if number < len(steps):
        part, step = steps[number]
        say(f"Then follow {part.path}, from line {step.line} on: step {step.number}, {step.title}")
    return 0


def files_after(lesson: str, number: int) -> file_tree.Tree:
    """Return the project as it is after a numbered step of the lesson; 0 is its start.

    Raises as replay() and start_of() do.
    """
    files = start_of(lesson)
    for snapshot in replay(lesson, files, fast=True).snapshots:
        if snapshot.step <= number:
            files = snapshot.files
    return files


def differences(
    chapter: str, start: file_tree.Tree, snapshots: list[Snapshot], wanted: file_tree.Tree
) -> list[str]:
    """Return, for each file that differs from the folder, the block to blame and the difference.

    `snapshots` are the page's, beginning with `start`, and `wanted` is the folder. Each text begins
    with the PAGE:LINE of the last block that changed the file, or of the page's first line.
    """
    made = snapshots[-1].files if snapshots else start
    said = []
    for name in sorted(made.keys() | wanted.keys()):
        if made.get(name) == wanted.get(name):
            continue
        before = [start, *(snapshot.files for snapshot in snapshots)]
        blocks = [
            snapshot
            for old, snapshot in zip(before, snapshots, strict=False)
            if old.get(name) != snapshot.files.get(name)
        ]
        if blocks:
            where = grammar.location(blocks[-1].page, blocks[-1].line)
            sentence = f"this leaves {name} unlike the folder's"
        else:
            where = grammar.location(chapters.pages(chapter)[0], 1)
            sentence = f"no block below makes {name} what it is in the folder"
        sides = [{name: side[name]} if name in side else {} for side in (made, wanted)]
        said.append(f"{where}: {sentence}:\n\n{patches.difference(*sides)}\n")
    return said
