"""The diffs that pages show: apply them to a file, make them, and say where one doesn't fit.

A hunk has no line numbers, and only as many unchanged lines as it takes to find its position.
"""

import difflib

from course.pages import file_tree, matching

Hunk = list[tuple[str, str]]  # pairs of a sign (` `, `+` or `-`) and a line


class PatchError(ValueError):
    """An edit doesn't fit the file. The text says which line, and what's there instead."""


def apply(text: str, diff: str) -> str:
    """Return `text` with each hunk's old lines replaced by its new ones.

    Each hunk's old lines are searched in the given `text`, whatever the other hunks do.
    Raises PatchError.
    """
    old = text.split("\n")
    # What follows the last newline isn't a line; without one, the last line has no end.
    tail = [old.pop()] if old[-1] == "" else []
    gone: set[int] = set()
    added: dict[int, list[str]] = {}
    for hunk in hunks(diff):
        position = only_position(old, hunk)
        for sign, line in hunk:
            if sign == "+":
                added.setdefault(position, []).append(line)
                continue
            if position in gone:
                raise PatchError(f"two hunks touch the same line, make them one: {old[position]}")
            if sign == "-":
                gone.add(position)
            position += 1
    new = []
    for number, line in enumerate([*old, None]):
        new += added.get(number, [])
        if line is not None and number not in gone:
            new.append(line)
    return "\n".join(new + tail) if new else ""


def hunks(diff: str) -> list[Hunk]:
    """Return the hunks of a diff. Raises PatchError."""
    found: list[Hunk] = [[]]
    for line in diff.removesuffix("\n").split("\n"):
        if line.rstrip() == "@@":
            found.append([])
        elif line == "":
            found[-1].append((" ", ""))  # an editor has taken the space off the line's end
        elif line[0] in " +-":
            found[-1].append((line[0], line[1:]))
        else:
            raise PatchError(f"a line of a diff begins with a space, + or -, or is @@: {line}")
    if not all(any(sign != " " for sign, _ in hunk) for hunk in found):
        raise PatchError("a hunk changes nothing")
    return found


def positions(lines: list[str], hunk: Hunk) -> list[int]:
    """Return the positions in `lines`, from 0, where the hunk's old lines occur."""
    old = [(sign, line) for sign, line in hunk if sign != "+"]
    return [
        start
        for start in range(len(lines) - len(old) + 1)
        if all(_fits(sign, line, lines[start + n]) for n, (sign, line) in enumerate(old))
    ]


def difference(made: file_tree.Tree, wanted: file_tree.Tree) -> str:
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
        said += difflib.unified_diff(*sides, f"folder/{name}", f"page/{name}", lineterm="")
    return "\n".join(said)


def only_position(lines: list[str], hunk: Hunk) -> int:
    """Return the one position in `lines`, from 0, where the hunk's old lines occur.

    Raises PatchError.
    """
    old = [(sign, line) for sign, line in hunk if sign != "+"]
    if not old and lines:
        raise PatchError("a hunk needs a line that's in the file, to say where it goes")
    found = positions(lines, hunk)
    if len(found) == 1:
        return found[0]
    if found:
        where = ", ".join(str(position + 1) for position in found[:5])
        raise PatchError(
            f"in the file {len(found)} times (lines {where}), give more context: {old[0][1]}"
        )
    raise PatchError(_nearest(lines, old))


def _fits(sign: str, shown: str, line: str) -> bool:
    return matching.line_matches(shown, line) if sign == "-" else shown == line


def _nearest(lines: list[str], old: Hunk) -> str:
    """Say which of the old lines is missing from the file, and what's there instead."""
    for sign, shown in old:
        if not any(_fits(sign, shown, line) for line in lines):
            like = difflib.get_close_matches(shown, lines, 1)
            return f"not in the file: {shown}" + (f"; there is {like[0]}" if like else "")
    # Each is there, but not one after the other: say where the longest run ends.
    runs = [_run(lines[start:], old) for start in range(len(lines))]
    count = max(runs)
    position = runs.index(count) + count
    there = (lines[position] or "a blank line") if position < len(lines) else "the file's end"
    wanted, before = (old[n][1] or "a blank line" for n in (count, count - 1))
    return f"not in the file: {wanted} after {before}; there is {there}"


def _run(lines: list[str], old: Hunk) -> int:
    """Return how many of the old lines are at the beginning of `lines`."""
    for count, (sign, shown) in enumerate(old):
        if count == len(lines) or not _fits(sign, shown, lines[count]):
            return count
    return len(old)


def make(old: str, new: str) -> list[Hunk]:
    """Return hunks that make the text `old` into `new`, each with the least context it needs.

    Both end in a newline, except for an empty `new`; `old` has more than blank lines.
    """
    before, after = old.split("\n")[:-1], new.split("\n")[:-1]
    codes = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changes = {a: (b, after[c:d]) for tag, a, b, c, d in codes if tag != "equal"}
    gone = {line for a, (b, _) in changes.items() for line in range(a, b)}
    signed = [("-" if number in gone else " ", line) for number, line in enumerate(before)]
    spans: list[tuple[int, int]] = []
    for a, (b, _) in changes.items():
        start, end = _least_span(before, signed, a, b)
        while spans and start <= spans[-1][1]:
            earlier = spans.pop()
            start, end = min(start, earlier[0]), max(end, earlier[1])
        spans.append((start, end))
    return [_hunk(signed, changes, start, end) for start, end in spans]


def _least_span(before: list[str], signed: Hunk, a: int, b: int) -> tuple[int, int]:
    """Widen the changed lines from `a` to `b` until they occur in exactly one position."""
    for count in range(2 * len(before) + 1):
        for above in sorted(range(count + 1), key=lambda above: (abs(2 * above - count), -above)):
            start, end = max(0, a - above), min(len(before), b + count - above)
            old = signed[start:end]
            # People can't find a hunk by a blank line alone.
            if any(line.strip() for _, line in old) and positions(before, old) == [start]:
                return start, end
    raise ValueError("a text of blank lines has no position that could be described")


def _hunk(signed: Hunk, changes: dict[int, tuple[int, list[str]]], start: int, end: int) -> Hunk:
    found: Hunk = []
    added: list[str] = []  # what replaces the lines that are being removed
    until = start
    for position in range(start, end + 1):
        if position in changes:
            until, added = changes[position]
        if position == until:
            found += [("+", line) for line in added]
            added = []
        if position < end:
            found.append(signed[position])
    return found
