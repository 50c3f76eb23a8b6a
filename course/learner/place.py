"""Find out how far a project is: which state on the pages is nearest, and what differs from it.

Everything is derived from the files. What layout doesn't change doesn't count (see canonical.py),
and neither do files that no lesson has.
"""

import difflib
import functools
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from course import chapters
from course.learner import canonical
from course.learner.project import Project
from course.learner.timeline import Position, Timeline
from course.pages import file_tree

StepName = tuple[str, int]  # a lesson and the number of a step, 0 for its start

NEARLY = 0.8  # how alike two lines are if one of them was mistyped, from 0 to 1
ALIKE = 0.6  # how much of two files has to be the same for one to be a misplaced other
# What a state has and the project lacks counts more than the opposite. So if a project is between
# two states, the earlier one is nearer.
MISSING = 1.5
HALF = 0.3
MOSTLY = 0.75  # how much of a step has to be there, or to be missing, for all of it to count so


@dataclass(frozen=True)
class Difference:
    """A file that isn't as in the nearest state, for no reason that a step gives.

    `path` is the pages' path, and `moved_from` where a misplaced file is. `missing` is what the
    pages' file says and this one doesn't, and `extra` the opposite; both are empty if it's only in
    another order. `step` brought what's missing, or removed what's extra: (lesson, number), or None
    if no step did.
    """

    path: str
    missing: frozenset[str]
    extra: frozenset[str]
    moved_from: str
    step: StepName | None


@dataclass(frozen=True)
class Place:
    """How far a project is in `lesson`, which has `steps` numbered steps.

    The steps from 1 to `done` are done, except for those `skipped`. From `first` to `done`, steps
    can't be told apart by their files. `begun` is a step that's only half done, or None, and
    `ahead` are steps that are done too early. `ahead_files` are files that are as after a later
    step. `section` is the heading of a section without a number whose changes are there.
    `differences` are those that none of this explains, the earliest step's first. `finished`: the
    project is as at the lesson's end.
    """

    lesson: str
    steps: int
    first: int
    done: int
    skipped: list[StepName]
    begun: int | None
    ahead: list[StepName]
    ahead_files: dict[str, StepName]
    section: str
    finished: bool
    differences: list[Difference]
    nearest: Position = field(repr=False)
    files: file_tree.Tree = field(repr=False)

    @property
    def next(self) -> StepName | None:
        """The step to do next: the first that's skipped, the one that's begun, or the next one."""
        if self.skipped:
            return self.skipped[0]
        if self.begun:
            return self.lesson, self.begun
        number = self.done + 1
        while (self.lesson, number) in self.ahead:
            number += 1
        return (self.lesson, number) if number <= self.steps else None


def place(project: Project, timeline: Timeline) -> Place:
    """Return how far a project is."""
    files = project.as_on_the_pages(content for _, content in timeline.said)
    ends = _nearest(files, timeline)
    here = [each.files for each in timeline.positions if each.lesson == ends[0].lesson]
    files, moved = _put_back(files, here, timeline)
    if moved:
        ends = _nearest(files, timeline)
    return _describe(files, moved, ends, timeline)


def _nearest(files: file_tree.Tree, timeline: Timeline) -> list[Position]:
    """Return the positions that are nearest, in order. All are of one lesson.

    The distance to a position is a sum over files. A file that differs in many ways counts little
    more than one that differs in a few, because it may have been copied too early as a whole.
    """

    @functools.cache
    def distance(path: str, content: bytes | None) -> float:
        missing, extra = _differ(path, files.get(path), content, timeline)
        return math.log2(1 + MISSING * missing.total() + extra.total())

    course_paths = {path for position in timeline.positions for path in position.files}
    costs = []
    for position in timeline.positions:
        paths = position.files.keys() | (files.keys() & course_paths)
        costs.append(round(sum(distance(path, position.files.get(path)) for path in paths), 6))
    least = min(costs)
    nearest = [each for each, cost in zip(timeline.positions, costs, strict=True) if cost == least]
    # The end of a chapter is the start of the next, and of guides.
    lesson = min(nearest, key=lambda each: (each.step == 0 and not each.inside, _rank(each))).lesson
    return [each for each in nearest if each.lesson == lesson]


def _rank(position: Position) -> int:
    return [*chapters.lessons()].index(position.lesson)


@functools.cache
def _differ(
    path: str, mine: bytes | None, theirs: bytes | None, timeline: Timeline
) -> tuple[Counter, Counter]:
    """Return what `theirs` says and `mine` doesn't, and the opposite. None is a missing file."""
    if mine == theirs:
        return Counter(), Counter()
    if mine is not None and theirs is not None and path.endswith(".py"):
        readable = canonical.is_readable(path, mine)
        if not readable and canonical.is_readable(path, theirs):
            said = canonical.counted(canonical.lines(mine))
            shown = canonical.counted(canonical.lines(theirs))
            return shown - said, said - shown
    said = _said(path, mine, timeline)
    shown = _said(path, theirs, timeline)
    return shown - said, said - shown


def _said(path: str, content: bytes | None, timeline: Timeline) -> Counter:
    """Return what a file says, and that it's there at all."""
    if content is None:
        return Counter()
    return timeline.says(path, content) + Counter({f"(the file {path})": 1})


def _count(both: tuple[Counter, Counter]) -> int:
    return sum(both[0].values()) + sum(both[1].values())


def _put_back(
    files: file_tree.Tree, states: list[file_tree.Tree], timeline: Timeline
) -> tuple[file_tree.Tree, dict[str, str]]:
    """Return the files with misplaced ones where they belong, and {that path: where it was}.

    `states` are the lesson's. A file is misplaced if none of them has its path, and one has a file
    that's missing, is called alike and says nearly the same.
    """
    versions: dict[str, set[bytes]] = {}
    for state in states:
        for path, content in state.items():
            versions.setdefault(path, set()).add(content)
    moved: dict[str, str] = {}
    for stray in sorted(files.keys() - versions.keys()):
        found = {
            path: max(_alike(stray, files[stray], path, each, timeline) for each in contents)
            for path, contents in versions.items()
            if path not in files and path not in moved and _called_alike(stray, path)
        }
        best = max(found, key=found.__getitem__, default="")
        if best and found[best] >= ALIKE:
            moved[best] = stray
    put = {path: content for path, content in files.items() if path not in moved.values()}
    return put | {path: files[stray] for path, stray in moved.items()}, moved


def _called_alike(one: str, other: str) -> bool:
    names = PurePosixPath(one), PurePosixPath(other)
    if names[0].suffix != names[1].suffix:
        return False
    return difflib.SequenceMatcher(None, names[0].stem, names[1].stem).ratio() > 0.75


def _alike(stray: str, mine: bytes, path: str, theirs: bytes, timeline: Timeline) -> float:
    """Return how much two files have in common, from 0 to 1. Empty ones have nothing."""
    said, shown = timeline.says(stray, mine), timeline.says(path, theirs)
    total = (said | shown).total()
    return (said & shown).total() / total if total else 0.0


class _History:
    """Seen from a position: which step brought, removed, will bring or remove what a file says.

    Each is {(path, what it says): step}.
    """

    def __init__(self, position: Position, timeline: Timeline):
        self.brought: dict[tuple[str, str], StepName] = {}
        self.removed: dict[tuple[str, str], StepName] = {}
        self.coming: dict[tuple[str, str], StepName] = {}
        self.leaving: dict[tuple[str, str], StepName] = {}
        self.brings: Counter = Counter()  # {step: how much it brings or removes, when it's done}
        past = True
        before: file_tree.Tree = {}
        for each in _way_through(position, timeline):
            step = (each.lesson, each.inside or each.step)
            for path in before.keys() | each.files.keys():
                if before.get(path) == each.files.get(path):
                    continue
                new, old = _differ(path, before.get(path), each.files.get(path), timeline)
                self.brings[step] += len(new.keys() | old.keys())
                for what in new:
                    if past:
                        self.brought[path, what] = step
                        self.removed.pop((path, what), None)
                    else:
                        self.coming.setdefault((path, what), step)
                for what in old:
                    if past:
                        self.removed[path, what] = step
                        self.brought.pop((path, what), None)
                    else:
                        self.leaving.setdefault((path, what), step)
            before = each.files
            past = past and each is not position
        # {step: how much of what it brought or removed is still so at the position}
        self.left = Counter([*self.brought.values(), *self.removed.values()])

    def writers(self, path: str) -> int:
        """Return how many steps what the file says at the position comes from."""
        return len({step for (other, _), step in self.brought.items() if other == path})

    def is_most(self, undone: int, step: StepName) -> bool:
        """Return whether a step that lacks so much isn't done, and can still be told by that."""
        can_be_told = self.left[step] >= HALF * self.brings[step]
        return can_be_told and undone >= MOSTLY * self.left[step]

    def is_early(self, early: int, step: StepName) -> bool:
        """Return whether a later step of which so much is there is done."""
        return early >= MOSTLY * self.brings[step]

    def is_some(self, undone: int, step: StepName) -> bool:
        """Return whether a step that lacks so much is only half done."""
        return undone >= HALF * self.left[step] > 0


def _way_through(position: Position, timeline: Timeline) -> list[Position]:
    """Return the positions of all lessons that lead to a position's, and of those that go on."""
    way = chapters.way_to(position.lesson)
    lessons = chapters.NAMES if position.lesson in chapters.NAMES else way
    return [each for each in timeline.positions if each.lesson in lessons]


Item = tuple[str, str]  # a path, and one thing that its file says


@dataclass
class _Steps:
    """Which steps of a lesson are done, counted from 1, and which aren't quite: see Place."""

    lesson: str
    done: int
    skipped: list[StepName]
    ahead: list[StepName]
    begun: set[int]

    def go_back_to(self, step: int) -> None:
        """Note that a step is only half done, and that those after it are done early."""
        name = (self.lesson, step)
        self.ahead += [(self.lesson, later) for later in range(step + 1, self.done + 1)]
        self.skipped = [each for each in self.skipped if each != name]
        self.begun.add(step)
        self.done = step - 1

    def look_from_the_end(self) -> None:
        """Say it the other way round if that's shorter: later steps are done, some are missing."""
        later = [step for lesson, step in self.ahead if lesson == self.lesson]
        gap = [step for step in range(self.done + 1, max(later, default=0)) if step not in later]
        if later and len(gap) <= len(later) and not self.begun.intersection(gap):
            self.done = max(later)
            self.skipped += [(self.lesson, step) for step in gap]
            self.ahead = [step for step in self.ahead if step[0] != self.lesson]


def _describe(
    files: file_tree.Tree, moved: dict[str, str], ends: list[Position], timeline: Timeline
) -> Place:
    # A section that undoes its changes leaves the state from before it.
    position = next((each for each in reversed(ends) if not each.section), ends[-1])
    count = len(timeline.steps[position.lesson])
    history = _History(position, timeline)
    different = _different_files(files, position, timeline)
    missing = {(path, what) for path, both in different.items() for what in both[0]}
    extra = {(path, what) for path, both in different.items() for what in both[1]}
    # If several steps have written a file that's missing or empty, it's lost, and they're done.
    lost = {path for path in different if not files.get(path) and history.writers(path) > 1}
    missing = {item for item in missing if item[0] not in lost}
    steps = _steps(missing, extra, position, history)
    explained = _explained(missing, extra, steps, history)
    ahead_files = {
        path: step
        for path, step in _ahead_files(files, different, position, timeline).items()
        if any((path, what) not in explained for both in different[path] for what in both)
    }
    steps.look_from_the_end()
    first = min(each.step for each in ends) if steps.done == position.step else steps.done
    return Place(
        lesson=position.lesson,
        steps=count,
        first=first,
        done=steps.done,
        skipped=sorted(steps.skipped, key=_order),
        begun=min(steps.begun, default=None),
        ahead=sorted(steps.ahead, key=_order),
        ahead_files=ahead_files,
        section=position.section,
        finished=not different and not moved and position.step == count and not position.inside,
        differences=_unexplained(different, ahead_files, moved, explained, history),
        nearest=position,
        files=files,
    )


def _steps(missing: set[Item], extra: set[Item], position: Position, history: _History) -> _Steps:
    """Return which steps are done, by what's missing from the position's files, and extra."""
    unknown = extra - history.coming.keys() - history.removed.keys()
    mistyped = {item for item in missing if _has_nearly(unknown, item)}
    undone = Counter(history.brought.get(item) for item in missing)
    undone += Counter(history.removed.get(item) for item in extra)
    early = Counter(history.coming.get(item) for item in extra)
    early += Counter(history.leaving.get(item) for item in missing - mistyped)
    found = _Steps(
        position.lesson,
        position.step,
        skipped=[step for step in undone if step and history.is_most(undone[step], step)],
        ahead=[step for step in early if step and history.is_early(early[step], step)],
        begun={position.inside} if position.inside else set(),
    )
    following = (position.lesson, position.inside or position.step + 1)
    coming = [item for item, step in history.coming.items() if step == following]
    nearly = [item for item in coming if _has_nearly(unknown, item)]
    typed = len(nearly) >= HALF * history.brings[following] > 0
    if (early[following] or typed) and following not in found.ahead:
        found.begun.add(following[1])
    # The last steps may be half done, or just not done.
    for step in range(position.step, max(0, position.step - 3), -1):
        name = (position.lesson, step)
        half = history.is_some(undone[name], name)
        if half and (step == found.done or name not in found.skipped):
            found.go_back_to(step)
    return found


def _explained(missing: set[Item], extra: set[Item], steps: _Steps, history: _History) -> set[Item]:
    """Return what's missing or extra because a step isn't done, is half done, or done early."""
    begun = {(steps.lesson, step) for step in steps.begun}
    not_done, done_early = begun.union(steps.skipped), begun.union(steps.ahead)
    return {
        item
        for item in missing | extra
        if history.brought.get(item) in not_done
        or history.removed.get(item) in not_done
        or history.coming.get(item) in done_early
        or (history.leaving.get(item) in done_early and item in missing)
    }


def nearly_the_same(one: str, other: str) -> bool:
    """Return whether two parts of a file differ in a few characters, or in where they are."""
    sides = difflib.SequenceMatcher(None, canonical.bare(one), canonical.bare(other), False)
    return all(
        ratio() >= NEARLY for ratio in (sides.real_quick_ratio, sides.quick_ratio, sides.ratio)
    )


def _has_nearly(items: set[Item], item: Item) -> bool:
    return any(path == item[0] and nearly_the_same(what, item[1]) for path, what in items)


def _different_files(
    files: file_tree.Tree, position: Position, timeline: Timeline
) -> dict[str, tuple[Counter, Counter]]:
    """Return {path: (what's missing, what's extra)} of the files that differ, or are in order.

    Both are empty if a file says the same in another order.
    """
    known = {path for each in timeline.positions for path in each.files}
    own = _own_packages(files, known)
    found = {}
    for path in sorted(position.files.keys() | (files.keys() & known)):
        mine, theirs = files.get(path), position.files.get(path)
        missing, extra = _differ(path, mine, theirs, timeline)
        both = missing, Counter({what: extra[what] for what in extra if not own.search(what)})
        if both[1] != extra and not _count(both):
            continue
        if _count(both) or (mine != theirs and not _same_order(path, mine, theirs)):
            found[path] = both
    return found


def _own_packages(files: file_tree.Tree, known: set[str]) -> re.Pattern:
    """Return what matches the quoted names of packages that no lesson has, such as an own app's."""
    lessons = {path.partition("/")[0] for path in known}
    found = {path.partition("/")[0] for path in files if path.count("/") == 1}
    names = [each for each in found - lessons if f"{each}/__init__.py" in files]
    return re.compile(rf"""["'/](?:{"|".join(map(re.escape, names)) or "(?!)"})\b""")


def _same_order(path: str, mine: bytes | None, theirs: bytes | None) -> bool:
    sides = [[part.text for part in canonical.parts(path, side or b"")] for side in (mine, theirs)]
    return sides[0] == sides[1]


def _ahead_files(
    files: file_tree.Tree, different: dict, position: Position, timeline: Timeline
) -> dict[str, StepName]:
    """Return the different files that are as after a later step, and that step."""
    way = _way_through(position, timeline)
    later = way[way.index(position) + 1 :]
    found = {}
    for path in different:
        for each in later:
            mine, theirs = files.get(path), each.files.get(path)
            if mine and theirs and not _count(_differ(path, mine, theirs, timeline)):
                found[path] = (each.lesson, each.inside or each.step)
                break
    following = (position.lesson, position.inside or position.step + 1)
    return {path: step for path, step in found.items() if step != following}


def _unexplained(
    different: dict[str, tuple[Counter, Counter]],
    ahead_files: dict[str, StepName],
    moved: dict[str, str],
    explained: set[tuple[str, str]],
    history: _History,
) -> list[Difference]:
    found = []
    for path in sorted(different.keys() | moved.keys()):
        both = different.get(path, (Counter(), Counter()))
        missing, extra = (
            frozenset(what for what in side if (path, what) not in explained) for side in both
        )
        only_order = path in different and not _count(both)
        if path in ahead_files or not (missing or extra or only_order or path in moved):
            continue
        owners = [history.brought.get((path, what)) for what in missing]
        owners += [history.removed.get((path, what)) for what in extra]
        step = min(filter(None, owners), key=_order, default=None)
        found.append(Difference(path, missing, extra, moved.get(path, ""), step))
    return sorted(found, key=lambda each: (_order(each.step) if each.step else (99, 0), each.path))


def _order(step: StepName) -> tuple[int, int]:
    return [*chapters.lessons()].index(step[0]), step[1]
