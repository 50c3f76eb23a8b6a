"""`@@diff A B` of a page: everything that changed between two chapters, as Markdown."""

import difflib
import re

from course import chapters, listing, tree

LINE = re.compile(r"@@diff +(\S+) +(\S+) *")
CONTEXT = 3  # unchanged lines around a change
TESTS = "tests/"  # the folder whose files are shown folded


def expand(text: str) -> str:
    """Return `text` with its `@@diff` lines replaced.

    Raises ValueError if one of them names no chapters.
    """
    lines = []
    for line in text.split("\n"):
        match = LINE.fullmatch(line)
        lines.append(markdown(match[1], match[2]) if match else line)
    return "\n".join(lines)


def markdown(before: str, after: str) -> str:
    """Return all that is another in `after`, a block that folds for each file."""
    old, new = (_read(name) for name in (before, after))
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    # What was written comes first, and what tests it after it.
    changed.sort(key=lambda name: name.startswith(TESTS))
    return "\n\n".join(_file(name, old.get(name), new.get(name)) for name in changed)


def unified(old: str, new: str) -> tuple[str, int, int]:
    """Return a diff as the pages write them, and how many lines come and go."""
    sides = [text.removesuffix("\n").split("\n") if text else [] for text in (old, new)]
    lines = []
    for line in list(difflib.unified_diff(*sides, lineterm="", n=CONTEXT))[2:]:
        # The numbers of lines help a program; a person finds the place by what stands there.
        lines.append("@@" if line.startswith("@@ ") else line)
    come, go = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return "\n".join(lines[1:]), come, go


def fenced(text: str, info: str) -> str:
    """Return `text` between fences that are longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{info}\n{text}\n{fence}"


def _read(name: str) -> tree.Tree:
    if name not in chapters.NAMES:
        raise ValueError(f"@@diff names two chapters, and {name!r} is none")
    return tree.read(chapters.folder(name))


def _file(name: str, old: bytes | None, new: bytes | None) -> str:
    folded = "" if name.startswith(TESTS) else " open"
    try:
        before, after = (side.decode() if side is not None else "" for side in (old, new))
    except UnicodeDecodeError:
        return _details(name, "no text, and another", "", "")
    if old is None:
        text = fenced(after.removesuffix("\n"), f'{listing.language_of(name)} title="{name}"')
        return _details(name, "new", text, folded)
    if new is None:
        return _details(name, "gone", "", "")
    diff, come, go = unified(before, after)
    said = f"{come} {'line' if come == 1 else 'lines'} in, {go} out"
    return _details(name, said, fenced(diff, f'diff title="{name}"'), folded)


def _details(name: str, said: str, text: str, folded: str) -> str:
    if not text:
        return f"`{name}`: {said}."
    summary = f"<summary><code>{name}</code> {said}</summary>"
    return f"<details{folded}>\n{summary}\n\n{text}\n\n</details>"
