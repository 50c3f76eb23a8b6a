"""Every state that a project goes through on the pages, and what its files say in each of them.

Reading all files of all states takes seconds, so it's kept in `.course_cache/`, like the recordings
that it's made from.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from course import chapters, console
from course.learner import canonical
from course.pages import file_tree, grammar
from course.replay import recordings

CACHE = "timeline"
BROKEN = "See it fail"  # how the titles of sections begin that break something on purpose


@dataclass(frozen=True)
class Position:
    """A state of the project in a lesson: after a block of its pages, or at its start.

    `step` is the last numbered step whose blocks are all done, 0 before the first. In the middle of
    a step, `inside` is that step's number. `section` is the heading of a section without a number
    that has changed something, or "".
    """

    lesson: str
    step: int
    inside: int
    section: str
    files: file_tree.Tree = field(repr=False)


@dataclass(frozen=True)
class Step:
    """A numbered step of a lesson: its title, its page and line there, the files it changes."""

    number: int
    title: str
    page: Path
    line: int
    paths: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Timeline:
    """All positions in order, {lesson: its steps}, and {(path, content): what it says, counted}."""

    positions: list[Position]
    steps: dict[str, list[Step]]
    said: dict[tuple[str, bytes], Counter] = field(repr=False)

    def step(self, lesson: str, number: int) -> Step:
        return self.steps[lesson][number - 1]

    def says(self, path: str, content: bytes) -> Counter:
        """Return what a file says, counted."""
        known = self.said.get((path, content))
        return canonical.counted(canonical.parts(path, content)) if known is None else known

    def end(self, lesson: str) -> Position:
        """Return the lesson's last position."""
        return [each for each in self.positions if each.lesson == lesson][-1]


def read(tell: Callable[[str], None] = console.say) -> Timeline:
    """Return the timeline of all lessons. `tell` is told if they have to be replayed first.

    Raises PageError and CourseError if one can't be read.
    """
    lessons = chapters.with_pages()
    recorded = recordings.read_all(lessons, tell)
    positions: list[Position] = []
    steps = {}
    for lesson, recording in recorded.items():
        steps[lesson] = _steps(lesson, recording)
        positions += _positions(lesson, recording)
    return Timeline(positions, steps, _said(positions))


def _positions(lesson: str, recording: recordings.Recording) -> list[Position]:
    """Return the lesson's positions, its start first."""
    found = [Position(lesson, 0, 0, "", recording.start)]
    numbers = {
        (part.path, step.title): step.number
        for part, step in grammar.steps(grammar.read_lesson(lesson))
    }
    snapshots = recording.snapshots
    for snapshot, following in zip(snapshots, [*snapshots[1:], None], strict=True):
        number = numbers[snapshot.page, snapshot.title]
        complete = following is None or following.step != snapshot.step or not number
        if not number and snapshot.title.startswith(BROKEN):
            continue  # where a learner's mistake would be taken for the page's
        if not number:
            found.append(Position(lesson, snapshot.step, 0, snapshot.title, snapshot.files))
        elif complete or numbers[following.page, following.title] != number:
            found.append(Position(lesson, number, 0, "", snapshot.files))
        else:
            found.append(Position(lesson, number - 1, number, "", snapshot.files))
    return found


def _steps(lesson: str, recording: recordings.Recording) -> list[Step]:
    found = []
    before = recording.start
    for part, step in grammar.steps(grammar.read_lesson(lesson)):
        if not step.number:
            continue
        after = before
        for snapshot in recording.snapshots:
            if snapshot.step == step.number and snapshot.title == step.title:
                after = snapshot.files
        changed = sorted(
            name for name in before.keys() | after.keys() if before.get(name) != after.get(name)
        )
        found.append(Step(step.number, step.title, part.path, step.line, tuple(changed)))
        before = after
    return found


def _said(positions: list[Position]) -> dict[tuple[str, bytes], Counter]:
    files = {item for position in positions for item in position.files.items()}
    ours = Path(canonical.__file__).read_bytes()
    digest = hashlib.sha256(ours)
    for path, content in sorted(files):
        digest.update(f"{path} {len(content)}\n".encode() + content)
    key = digest.hexdigest()
    cached = recordings.load(CACHE, key)
    if cached is None:
        cached = {
            (path, content): canonical.counted(canonical.parts(path, content))
            for path, content in files
        }
        recordings.save(CACHE, key, cached)
    return cached
