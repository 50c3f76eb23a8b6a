"""Where a hunk belongs in its file: the function, class or block around it, as in git's diffs."""

import ast
import functools
import re
from pathlib import PurePosixPath

from course.pages import patches
from course.pages.patches import Hunk

_KEYWORDS = {ast.ClassDef: "class", ast.FunctionDef: "def", ast.AsyncFunctionDef: "async def"}
_JAVASCRIPT = re.compile(r"\b(?:function|class)\b|=>\s*\{$")
_TEMPLATE = re.compile(r"\{%-?\s*(?P<end>end)?block\b\s*(?P<name>\w*)")

Lines = list[str]
Found = list[tuple[int, str]]  # the line that it begins on, from 1, and what it's called


def mark(diff: str, path: str, text: str) -> str:
    """Return a page's diff with each hunk's surroundings behind its `@@`.

    `text` is the file of that path before the diff. Raises PatchError if it doesn't fit.
    """
    lines = text.removesuffix("\n").split("\n") if text else []
    hunks = patches.hunks(diff)
    return join(hunks, [patches.only_position(lines, hunk) for hunk in hunks], path, lines)


def join(hunks: list[Hunk], starts: list[int], path: str, lines: Lines) -> str:
    """Return hunks as a diff. The first has an `@@` line too, if there's anything to say in it.

    `starts` are the positions of their first lines in `lines`, the file before the change, from 0.
    """
    said = []
    for count, (hunk, start) in enumerate(zip(hunks, starts, strict=True)):
        surroundings = around(hunk, path, lines, start)
        if count or surroundings:
            said.append(f"@@ {surroundings}".rstrip())
        said += [sign + line for sign, line in hunk]
    return "\n".join(said)


def around(hunk: Hunk, path: str, lines: Lines, start: int) -> str:
    """Return what is around a hunk's first change, less what the hunk itself shows; "" if nothing.

    The hunk's first line is `lines[start]`, of the file before the change.
    """
    changed = [n for n, (sign, line) in enumerate(hunk) if sign != " "]
    first = next((n for n in changed if hunk[n][1].strip()), changed[0])
    sign, line = hunk[first]
    above = sum(each != "+" for each, _ in hunk[:first])
    # A removed line is looked up itself, an added one by the last line above it.
    last = start + above + (sign == "-")
    while last and not lines[last - 1].strip():
        last -= 1
    indent = len(line) - len(line.lstrip())
    look = {".py": _python, ".js": _javascript, ".html": _template}
    found = look.get(PurePosixPath(path).suffix, _nothing)(lines, last, indent)
    return ", ".join(said for number, said in found if number <= start)


def _nothing(lines: Lines, last: int, indent: int) -> Found:
    return []


def _python(lines: Lines, last: int, indent: int) -> Found:
    """Return the classes, functions and long assignments that a line of that indent belongs to."""
    return [
        (node.lineno, said)
        for node, said in _named("\n".join(lines))
        if node.lineno <= last <= node.end_lineno and node.col_offset < indent
    ]


@functools.lru_cache(maxsize=1)  # all hunks of a diff ask about the same file
def _named(text: str) -> list[tuple[ast.stmt, str]]:
    try:
        nodes = ast.walk(ast.parse(text))
    except SyntaxError:
        return []  # as in a step that shows a mistake
    return [(node, said) for node in nodes if (said := _said(node))]


def _said(node: ast.AST) -> str:
    if keyword := _KEYWORDS.get(type(node)):
        return f"{keyword} {node.name}"
    if isinstance(node, ast.Assign) and node.col_offset == 0:
        return ast.unparse(node.targets[0])
    return ""


def _javascript(lines: Lines, last: int, indent: int) -> Found:
    """Return the functions and classes whose first line is above, and further left each time."""
    found: Found = []
    for number in range(last, 0, -1):
        line = lines[number - 1]
        margin = len(line) - len(line.lstrip())
        if line.strip() and margin < indent:
            indent = margin
            if _JAVASCRIPT.search(line.rstrip()) and line.rstrip().endswith("{"):
                found.insert(0, (number, line.strip().removesuffix("{").rstrip()))
    return found


def _template(lines: Lines, last: int, indent: int) -> Found:
    """Return the template's blocks that are open there."""
    found: Found = []
    for number, line in enumerate(lines[:last], start=1):
        for match in _TEMPLATE.finditer(line):
            if not match["end"]:
                found.append((number, f"{{% block {match['name']} %}}"))
            elif found:
                found.pop()
    return found
