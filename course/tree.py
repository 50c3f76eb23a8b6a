"""Read, write, edit and compare a project's files as {path: content}."""

import difflib
import os
import shutil
from pathlib import Path

from course import output

# What a run leaves behind, wherever it lies.
IGNORED = {
    ".git",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "db.sqlite3",
    "db.sqlite3-journal",
    "db.sqlite3-shm",
    "db.sqlite3-wal",
    "dump.rdb",
    "staticfiles",  # what collectstatic copies together
}
ASIDE = "README.md"  # at the top of a chapter's folder: it tells of the folder, no page writes it

Tree = dict[str, bytes]


class EditError(ValueError):
    """An edit doesn't fit the file. The text says which line, and what's there instead."""


def read(folder: Path) -> Tree:
    """Return {path from `folder`, with slashes: content} of its files, except ignored ones."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED]
        for name in names:
            path = Path(parent, name)
            inside = path.relative_to(folder).as_posix()
            # A link to a folder stands among the folders; one to nothing is no file.
            if name not in IGNORED and inside != ASIDE and path.is_file():
                found[inside] = path.read_bytes()
    return dict(sorted(found.items()))


def write(files: Tree, folder: Path) -> list[str]:
    """Make `folder` contain `files` and nothing else, except ignored files.

    Returns the paths that were written or removed.
    """
    before = read(folder)
    removed = sorted(before.keys() - files.keys())
    for name in removed:
        (folder / name).unlink()
        _remove_if_empty((folder / name).parent, folder)
    written = [name for name, content in files.items() if before.get(name) != content]
    for name in written:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[name])
    return sorted(removed + written)


def edit(text: str, diff: str) -> str:
    """Return `text` with each hunk's old lines replaced by its new ones.

    Each hunk's old lines are searched in the given `text`, whatever the other hunks do.
    Raises EditError.
    """
    old = text.split("\n")
    # What stands behind the last newline is no line; without one, the last line has no end.
    tail = [old.pop()] if old[-1] == "" else []
    gone: set[int] = set()
    added: dict[int, list[str]] = {}
    for hunk in hunks(diff):
        place = only_place(old, hunk)
        for sign, line in hunk:
            if sign == "+":
                added.setdefault(place, []).append(line)
                continue
            if place in gone:
                raise EditError(f"two hunks touch the same line, make them one: {old[place]}")
            if sign == "-":
                gone.add(place)
            place += 1
    new = []
    for number, line in enumerate([*old, None]):
        new += added.get(number, [])
        if line is not None and number not in gone:
            new.append(line)
    return "\n".join(new + tail) if new else ""


def hunks(diff: str) -> list[list[tuple[str, str]]]:
    """Return the hunks of a diff as pairs of a sign (` `, `+` or `-`) and a line.

    Raises EditError.
    """
    found: list[list[tuple[str, str]]] = [[]]
    for line in diff.removesuffix("\n").split("\n"):
        if line.rstrip() == "@@":
            found.append([])
        elif line == "":
            found[-1].append((" ", ""))  # an editor has taken the space off the line's end
        elif line[0] in " +-":
            found[-1].append((line[0], line[1:]))
        else:
            raise EditError(f"a line of a diff begins with a space, + or -, or is @@: {line}")
    if not all(any(sign != " " for sign, _ in hunk) for hunk in found):
        raise EditError("a hunk changes nothing")
    return found


def places(lines: list[str], hunk: list[tuple[str, str]]) -> list[int]:
    """Return the places in `lines`, from 0, where the hunk's old lines occur."""
    old = [(sign, line) for sign, line in hunk if sign != "+"]
    return [
        start
        for start in range(len(lines) - len(old) + 1)
        if all(_fits(sign, line, lines[start + n]) for n, (sign, line) in enumerate(old))
    ]


def difference(made: Tree, wanted: Tree) -> str:
    """Return a unified diff from the committed folder, `wanted`, to the page's result."""
    said = []
    for name in sorted(made.keys() | wanted.keys()):
        if made.get(name) == wanted.get(name):
            continue
        if name not in made or name not in wanted:
            said.append(f"{name}: only in the {'page' if name in made else 'folder'}")
        try:
            sides = [side.get(name, b"").decode().split("\n") for side in (wanted, made)]
        except UnicodeDecodeError:
            said.append(f"{name}: not text, and different")
            continue
        told = difflib.unified_diff(*sides, f"folder/{name}", f"page/{name}", lineterm="")
        said += told
    return "\n".join(said)


def only_place(lines: list[str], hunk: list[tuple[str, str]]) -> int:
    """Return the one place in `lines`, from 0, where the hunk's old lines stand.

    Raises EditError.
    """
    old = [(sign, line) for sign, line in hunk if sign != "+"]
    if not old and lines:
        raise EditError("a hunk needs a line that stands in the file, to say where it goes")
    found = places(lines, hunk)
    if len(found) == 1:
        return found[0]
    if found:
        where = ", ".join(str(place + 1) for place in found[:5])
        raise EditError(
            f"in the file {len(found)} times (lines {where}), give more context: {old[0][1]}"
        )
    raise EditError(_nearest(lines, old))


def _fits(sign: str, shown: str, line: str) -> bool:
    return output.line_matches(shown, line) if sign == "-" else shown == line


def _nearest(lines: list[str], old: list[tuple[str, str]]) -> str:
    """Say which of the old lines the file lacks, and what's there instead."""
    for sign, shown in old:
        if not any(_fits(sign, shown, line) for line in lines):
            like = difflib.get_close_matches(shown, lines, 1)
            return f"not in the file: {shown}" + (f"; there is {like[0]}" if like else "")
    # Each stands there, and not one after the other: tell where the longest run breaks off.
    runs = [_run(lines[start:], old) for start in range(len(lines))]
    count = max(runs)
    place = runs.index(count) + count
    there = (lines[place] or "a blank line") if place < len(lines) else "the file's end"
    wanted, before = (old[n][1] or "a blank line" for n in (count, count - 1))
    return f"not in the file: {wanted} after {before}; there is {there}"


def _run(lines: list[str], old: list[tuple[str, str]]) -> int:
    """Return how many of the old lines are at the beginning of `lines`."""
    for count, (sign, shown) in enumerate(old):
        if count == len(lines) or not _fits(sign, shown, lines[count]):
            return count
    return len(old)


def _remove_if_empty(parent: Path, top: Path) -> None:
    """Remove a folder that contains only caches, and then its parents, up to `top`."""
    while parent != top and all(child.name in IGNORED for child in parent.iterdir()):
        shutil.rmtree(parent)
        parent = parent.parent
