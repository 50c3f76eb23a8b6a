"""Everything that changed between two chapters, or in one part of a chapter, as Markdown."""

import difflib
import re

from course import chapters
from course.pages import enclosing, file_tree, grammar
from course.replay import recordings

CONTEXT = 3  # unchanged lines around a change
_NUMBERS = re.compile(r"@@ -(\d+)")  # where a hunk begins in the old file


def of_chapters(before: str, after: str) -> str:
    """Return all that differs between two chapters' folders."""
    return _changes(*(_read(name) for name in (before, after)))


def of_part(lesson: str, part: grammar.Page) -> str:
    """Return all that a part of a lesson's page changes. Raises as recorded.read() does."""
    recording = recordings.read(lesson)
    return _changes(recording.before(part.path, 0), recording.after(part.path))


def _changes(old: file_tree.Tree, new: file_tree.Tree) -> str:
    """Return the differences, with a block that folds for each file."""
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return "\n\n".join(_file(name, old.get(name), new.get(name)) for name in changed)


def unified(name: str, old: str, new: str) -> tuple[str, int, int]:
    """Return a file's diff as the pages write them, and how many lines come and go.

    Behind each `@@` is the function or class around it.
    """
    sides = [text.removesuffix("\n").split("\n") if text else [] for text in (old, new)]
    hunks: list[list[tuple[str, str]]] = []
    starts: list[int] = []
    for line in list(difflib.unified_diff(*sides, lineterm="", n=CONTEXT))[2:]:
        # The numbers of lines help a program; a person finds the place by its function.
        if match := _NUMBERS.match(line):
            hunks.append([])
            # An empty side is said to begin at line 0.
            starts.append(max(0, int(match[1]) - 1))
        else:
            hunks[-1].append((line[0], line[1:]))
    text = enclosing.join(hunks, starts, name, sides[0])
    come, go = (sum(sign == each for hunk in hunks for each, _ in hunk) for sign in "+-")
    return text, come, go


def _read(name: str) -> file_tree.Tree:
    if name not in chapters.NAMES:
        raise ValueError(f"@@diff names two chapters, and {name!r} is none")
    return file_tree.read(chapters.folder(name))


def _file(name: str, old: bytes | None, new: bytes | None) -> str:
    try:
        before, after = (side.decode() if side is not None else "" for side in (old, new))
    except UnicodeDecodeError:
        return _details(name, "no text, and another", "")
    if old is None:
        text = grammar.fenced(
            after.removesuffix("\n"), f'{grammar.language_of(name)} title="{name}"'
        )
        return _details(name, "new", text)
    if new is None:
        return _details(name, "gone", "")
    diff, come, go = unified(name, before, after)
    said = f"{come} {'line' if come == 1 else 'lines'} in, {go} out"
    return _details(name, said, grammar.fenced(diff, f'diff title="{name}"'))


def _details(name: str, said: str, text: str) -> str:
    if not text:
        return f"`{name}`: {said}."
    summary = f"<summary><code>{name}</code> {said}</summary>"
    return f"<details>\n{summary}\n\n{text}\n\n</details>"
