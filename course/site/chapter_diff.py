"""Everything that changed between two chapters, or in one part of a chapter, as Markdown."""

import difflib

from course import chapters
from course.pages import enclosing, file_tree, grammar
from course.pages.patches import Hunk
from course.replay import recordings

CONTEXT = 3  # unchanged lines around a change


def of_chapters(before: str, after: str) -> str:
    """Return everything that differs between two chapters' folders.

    Raises ValueError if one isn't a chapter.
    """
    for name in (before, after):
        if name not in chapters.NAMES:
            raise ValueError(f"@@diff names two chapters, and {name!r} is none")
    return _changes(*(file_tree.read(chapters.folder(name)) for name in (before, after)))


def of_part(lesson: str, part: grammar.Page) -> str:
    """Return everything that a part of a lesson's page changes. Raises as recordings.read()."""
    recording = recordings.read(lesson)
    return _changes(recording.before(part.path, 0), recording.after(part.path))


def _changes(old: file_tree.Tree, new: file_tree.Tree) -> str:
    """Return the differences, with a block that folds for each file."""
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    return "\n\n".join(_file(name, old.get(name), new.get(name)) for name in changed)


def _file(name: str, old: bytes | None, new: bytes | None) -> str:
    if new is None:
        return f"`{name}`: gone."
    try:
        before, after = (old or b"").decode(), new.decode()
    except UnicodeDecodeError:
        return f"`{name}`: changed, but isn't text."
    if old is None:
        said, text, language = "new", after, grammar.language_of(name)
    else:
        text, come, go = unified(name, before, after)
        said, language = f"{come} {'line' if come == 1 else 'lines'} in, {go} out", "diff"
    block = grammar.fenced(text, f'{language} title="{name}"')
    summary = f"<summary><code>{name}</code> {said}</summary>"
    return f"<details>\n{summary}\n\n{block}\n\n</details>"


def unified(name: str, old: str, new: str) -> tuple[str, int, int]:
    """Return a file's diff as the pages write them, and how many lines come and go.

    Behind each `@@` is the function or class around it.
    """
    before, after = (text.removesuffix("\n").split("\n") if text else [] for text in (old, new))
    hunks: list[Hunk] = []
    starts: list[int] = []
    for group in difflib.SequenceMatcher(None, before, after).get_grouped_opcodes(CONTEXT):
        hunks.append([])
        starts.append(group[0][1])
        for tag, a, b, c, d in group:
            if tag == "equal":
                hunks[-1] += [(" ", line) for line in before[a:b]]
            else:
                hunks[-1] += [("-", line) for line in before[a:b]]
                hunks[-1] += [("+", line) for line in after[c:d]]
    text = enclosing.join(hunks, starts, name, before)
    come, go = (sum(sign == each for hunk in hunks for each, _ in hunk) for sign in "+-")
    return text, come, go
