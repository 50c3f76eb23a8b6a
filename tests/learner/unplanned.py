"""Make projects that no page describes, as learners leave them. A seed makes them the same."""

import random
from dataclasses import dataclass

from course import chapters
from course.learner.timeline import Position, Timeline
from course.pages import file_tree, patches

KINDS = ["step skipped", "steps half done", "line lost", "file in the wrong folder", "pasted early"]


@dataclass(frozen=True)
class Unplanned:
    """A project, what was done to it, and the step that it's at: (lesson, number)."""

    kind: str
    step: tuple[str, int]
    skipped: int
    files: file_tree.Tree
    package: str = "config"


def make(count: int, timeline: Timeline, seed: int = 20261126) -> list[Unplanned]:
    """Return so many projects, of all kinds in turn."""
    chance = random.Random(seed)
    ends = [each for each in timeline.positions if _is_step_end(each)]
    found: list[Unplanned] = []
    while len(found) < count:
        kind = KINDS[len(found) % len(KINDS)]
        position = chance.choice(ends)
        try:
            skipped = (
                chance.randint(max(1, position.step - 4), position.step - 1)
                if kind == KINDS[0]
                else 0
            )
            files = _WAYS[kind](position, timeline, chance, skipped)
        except (patches.PatchError, LookupError, ValueError):
            continue
        # Some of what's made so is the state at another step.
        if files is not None and all(files != each.files for each in timeline.positions):
            found.append(Unplanned(kind, (position.lesson, position.step), skipped, files))
    return found


def _is_step_end(position: Position) -> bool:
    chapter = position.lesson in chapters.NAMES
    return chapter and position.step > 0 and not position.inside and not position.section


def _following(position: Position, timeline: Timeline) -> list[Position]:
    """Return the position, and those that follow in its chapter."""
    same = [each for each in timeline.positions if each.lesson == position.lesson]
    return same[same.index(position) :]


def _change(files, before, after, chance=None):
    """Return `files` with the change from `before` to `after`, or with half of it."""
    changed = dict(files)
    paths = sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )
    if chance and len(paths) > 1:
        paths, chance = chance.sample(paths, len(paths) // 2), None
    for path in paths:
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        if old is None or new is None or changed.get(path) == old:
            if new is None:
                changed.pop(path, None)
            elif chance is None or old is None or not new.strip():
                changed[path] = new
            else:
                changed[path] = _half(old, new, chance)
        else:
            changed[path] = patches.apply(changed[path].decode(), _diff(old, new)).encode()
    return changed


def _diff(old, new):
    return _text(patches.make(old.decode(), new.decode()))


def _text(hunks):
    return "@@\n".join("".join(f"{sign}{line}\n" for sign, line in hunk) for hunk in hunks)


def _half(old, new, chance):
    """Return a file with half of the hunks of a change or, if that's one, with half its lines."""
    hunks = patches.make(old.decode(), new.decode())
    if len(hunks) > 1:
        hunks = chance.sample(hunks, len(hunks) // 2)
    else:
        added = [line for sign, line in hunks[0] if sign == "+"]
        left = added[len(added) // 2 :]
        if not added:
            raise ValueError("a change that only removes lines has no half")
        hunks = [
            [
                each
                for each in hunks[0]
                if each[0] == " " or (each[0] == "+" and each[1] not in left)
            ]
        ]
    return patches.apply(old.decode(), _text(hunks)).encode()


def _skip_a_step(position, timeline, chance, skipped):
    same = [each for each in timeline.positions if each.lesson == position.lesson]
    files = same[0].files
    for before, after in zip(same, same[1 : same.index(position) + 1], strict=False):
        if after.section or skipped != (after.inside or after.step):
            files = _change(files, before.files, after.files)
    return files


def _half_do_two_steps(position, timeline, chance, _):
    later = _following(position, timeline)
    ends = [each for each in later if _is_step_end(each)][:3]
    files = position.files
    for before, after in zip(ends, ends[1:], strict=False):
        files = _change(files, before.files, after.files, chance)
        changed = [path for path in after.files if after.files[path] != before.files.get(path)]
        if all(files.get(path) == after.files[path] for path in changed):
            return None  # too small a step to be done by half
    return files if len(ends) == 3 else None


def _lose_a_line(position, timeline, chance, _):
    path = chance.choice([path for path in position.files if position.files[path].strip()])
    lines = position.files[path].split(b"\n")
    counted = [  # a comment or a docstring can be lost without harm
        number
        for number, line in enumerate(lines)
        if line.strip() and not line.strip().startswith((b"#", b'"""', b"/*", b"//", b"*"))
    ]
    del lines[chance.choice(counted)]
    return {**position.files, path: b"\n".join(lines)}


def _put_a_file_elsewhere(position, timeline, chance, _):
    path = chance.choice([path for path in position.files if len(position.files[path]) > 150])
    name = path.rpartition("/")[2]
    folders = {other.rpartition("/")[0] for other in position.files} | {"chat/template"}
    other = f"{chance.choice(sorted(folders))}/{name}".lstrip("/")
    if other in position.files:
        return None
    files = {**position.files, other: position.files[path]}
    del files[path]
    return files


def _paste_early(position, timeline, chance, _):
    number = chapters.NAMES.index(position.lesson) + 1
    later = timeline.end(chapters.NAMES[number]).files
    path = chance.choice(
        [path for path in later if later[path].strip() and later[path] != position.files.get(path)]
    )
    return {**position.files, path: later[path]}


_WAYS = dict(
    zip(
        KINDS,
        [_skip_a_step, _half_do_two_steps, _lose_a_line, _put_a_file_elsewhere, _paste_early],
        strict=True,
    )
)
