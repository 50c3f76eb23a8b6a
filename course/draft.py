"""Show what a chapter's page still lacks, as blocks that an author can cut into steps."""

import difflib
import re
import shlex
from pathlib import PurePosixPath

from course import chapters, replay, tree
from course.blocks import CLONE
from course.progress import Trouble, say
from course.start import start_of

LANGUAGES = {
    ".css": "css",
    ".html": "html+django",
    ".ini": "ini",
    ".js": "javascript",
    ".md": "markdown",
    ".py": "python",
    ".txt": "text",
}

Hunk = list[tuple[str, str]]


def command(name: str) -> int:
    """Print what a chapter's page lacks to end as its committed folder.

    Without a page, that's everything that changed since the chapter before. For a page or parts
    in progress, it's whatever they don't reach yet. Returns 0. Raises Trouble if there's no folder
    or a page is wrong, and chapters.UnknownChapter.
    """
    chapter = chapters.find(name)
    folder = chapters.folder(chapter)
    if not folder.is_dir():
        raise Trouble(f"There is no folder {chapter}, which the page could lack anything of.")
    made = start_of(chapter)
    if chapters.pages(chapter):
        made = replay.replay(chapter, made, fast=True).files
    found = blocks(made, tree.read(folder), chapter)
    say("\n".join(found) or f"The page of {chapter} lacks nothing: it makes the folder.")
    return 0


def blocks(made: tree.Tree, wanted: tree.Tree, chapter: str) -> list[str]:
    """Return Markdown blocks that turn `made` into `wanted`, the folder of `chapter`.

    Files that can't be typed are copied from that folder by a command.
    """
    found = []
    if removed := sorted(made.keys() - wanted.keys()):
        found.append(_console([f"rm {shlex.quote(name)}" for name in removed]))
    for name, content in wanted.items():
        old = made.get(name)
        if old == content:
            continue
        if not _can_be_typed(name, content):
            found.append(_copy(name, chapter))
        elif old and _can_be_typed(name, old) and old.strip():
            parts = hunks(old.decode(), content.decode())
            text = "@@\n".join("".join(f"{sign}{line}\n" for sign, line in part) for part in parts)
            found.append(_titled("diff", name, text))
        else:
            language = LANGUAGES.get(PurePosixPath(name).suffix, "text")
            found.append(_titled(language, name, content.decode()))
    return found


def hunks(old: str, new: str) -> list[Hunk]:
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
    """Widen the changed lines from `a` to `b` until they occur in exactly one place."""
    for count in range(2 * len(before) + 1):
        for above in sorted(range(count + 1), key=lambda above: (abs(2 * above - count), -above)):
            start, end = max(0, a - above), min(len(before), b + count - above)
            old = signed[start:end]
            # A blank line by itself is no landmark for a person.
            if any(line.strip() for _, line in old) and tree.places(before, old) == [start]:
                return start, end
    raise ValueError("a text of blank lines has no place that could be told")


def _hunk(signed: Hunk, changes: dict[int, tuple[int, list[str]]], start: int, end: int) -> Hunk:
    found: Hunk = []
    added: list[str] = []  # what stands in place of the lines that are being removed
    until = start
    for place in range(start, end + 1):
        if place in changes:
            until, added = changes[place]
        if place == until:
            found += [("+", line) for line in added]
            added = []
        if place < end:
            found.append(signed[place])
    return found


def _can_be_typed(name: str, content: bytes) -> bool:
    """Return whether a page can contain a file: text, in whole lines, with a name it can spell."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    whole = not text or text.endswith("\n")
    return whole and not re.search(r"[\r\0]", text) and not re.search(r'["`]', name)


def _titled(language: str, name: str, text: str) -> str:
    # A fence ends at the first line of as many backticks.
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f'`{name}`:\n\n{fence}{language} title="{name}"\n{text}{fence}\n'


def _copy(name: str, chapter: str) -> str:
    commands = [f"cp ~/{CLONE}/{chapter}/{shlex.quote(name)} {shlex.quote(name)}"]
    if "/" in name:
        commands.insert(0, f"mkdir -p {shlex.quote(str(PurePosixPath(name).parent))}")
    return _console(commands)


def _console(commands: list[str]) -> str:
    return "```console\n" + "".join(f"$ {command}\n" for command in commands) + "```\n"
