r"""Recognise mistakes that many people make, and say what they are.

The mistakes are data: course/learner/mistakes/*.toml, each a table whose name is its id.

    [await-missing]
    title = "An `await` is missing"
    chapter = "04_async_group_chat"
    says = "One or two sentences: what's wrong, and what to do."
    entry = "a-coroutine-was-never-awaited"
    test = "tests/test_consumers.py::test_messages_keep_their_order"

    [await-missing.patch]
    "chat/consumers.py" = '''
    -        await self.channel_layer.group_add(self.group_name, self.channel_name)
    +        self.channel_layer.group_add(self.group_name, self.channel_name)
    '''

    [[await-missing.shows]]
    file = "chat/consumers.py"
    has = '^ +self\.channel_layer\.group_'

- `patch` makes the mistake at the end of `chapter`: {path: a diff in the pages' dialect}. `removed`
  is a list of paths.
- `entry` is the anchor of the entry in docs/reference/troubleshooting.md that explains it.
- `test` is the chapter's own test that fails then, as pytest's node id, and `hidden` the heading of
  a hidden test. A mistake has at least one of them.
- `steps` are the titles of the page's own steps that have it for a while.
- Each `shows` is one way to recognise it, and one is enough. All that it says has to hold:

  - `rung`: the finding's rung, or a list of rungs. Without it, and without a `message`, that's
    "routes", "text" or "behaviour", because what stops a project earlier is what's wrong with it.
  - `message`: a line of the finding's `yours`. Each `...` in it matches anything.
  - `file`: a path, as on the pages, in which `*` matches anything but a slash. There's such a file.
    With several, one of them has to fit.
  - `within`: a class or a function in it, such as "ChatConsumer.connect". It exists.
  - `has`, `lacks`: a regular expression that's found in the file, or in `within`, or isn't. `^` and
    `$` match at each line. A Python file is searched as Python's own `ast.unparse` writes it: one
    statement in a line, strings in single quotes, no comments and no docstrings.
  - `chapters`: the chapters in which this holds, such as ["02", "03"]; without it, all.
"""

import ast
import functools
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from course import chapters
from course.console import CourseError
from course.learner.findings import Finding
from course.pages import file_tree, headings, matching, patches

FOLDER = Path(__file__).parent / "mistakes"
LATE = ("routes", "text", "behaviour")  # the rungs of a project that starts


@dataclass(frozen=True)
class Symptom:
    """One way to recognise a mistake, as above."""

    rung: str | tuple[str, ...] = ()
    message: str = ""
    file: str = ""
    within: str = ""
    has: str = ""
    lacks: str = ""
    chapters: tuple[str, ...] = ()

    def fits(self, finding: Finding, chapter: str) -> bool:
        """Return whether the finding may show it, whatever the files say."""
        if self.chapters and not chapter.startswith(self.chapters):
            return False
        rungs = self.rung or (() if self.message else LATE)
        if rungs and finding.rung not in rungs:
            return False
        lines = matching.lines(finding.yours)
        return not self.message or any(
            matching.line_matches(self.message, line.strip()) for line in lines
        )

    def places(self, files: file_tree.Tree) -> Iterator[tuple[str, int]]:
        """Yield the path and the line, from 1, of each place in the files that shows it."""
        wanted = re.compile(re.escape(self.file).replace(r"\*", "[^/]*"))
        for path, content in files.items():
            if wanted.fullmatch(path):
                line = _line(path, content, self.within, self.has, self.lacks)
                if line:
                    yield path, line


@dataclass(frozen=True)
class Mistake:
    """A mistake that's known: how it's made, how it shows, and what to say about it."""

    id: str
    title: str
    chapter: str
    says: str
    entry: str
    shows: tuple[Symptom, ...]
    test: str = ""
    hidden: str = ""
    patch: dict[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()

    def make(self, files: file_tree.Tree) -> file_tree.Tree:
        """Return the files with the mistake in them. Raises PatchError if they don't fit it."""
        made = {path: content for path, content in files.items() if path not in self.removed}
        for path, diff in self.patch.items():
            made[path] = patches.apply(made[path].decode(), diff).encode()
        return made

    def place(
        self,
        finding: Finding,
        files: file_tree.Tree,
        chapter: str,
        wanted: file_tree.Tree | None = None,
    ) -> str | None:
        """Return where the mistake shows, as FILE:LINE, or "" if it's in no file.

        None means that it doesn't show. `wanted` are the page's files, which may have the mistake
        on purpose; then it isn't one.
        """
        for symptom in self.shows:
            if not symptom.fits(finding, chapter):
                continue
            if not symptom.file:
                return ""
            # What a tool says isn't so in the page's project: probe.compare() has looked.
            if wanted and not symptom.message and next(symptom.places(wanted), None):
                continue
            for path, line in symptom.places(files):
                return f"{path}:{line}"
        return None


@functools.cache
def load() -> dict[str, Mistake]:
    """Return all known mistakes by their ids. Raises CourseError if one isn't as above."""
    found: dict[str, Mistake] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
            for name, table in tables.items():
                if name in found:
                    raise CourseError(f"{path.name}: there are two mistakes {name}. Rename one.")
                found[name] = _mistake(name, table)
        except (tomllib.TOMLDecodeError, TypeError, re.error) as error:
            raise CourseError(f"{path.name} can't be read: {error}.") from None
    return found


def candidates(
    finding: Finding, files: file_tree.Tree, chapter: str, wanted: file_tree.Tree | None = None
) -> list[Mistake]:
    """Return every known mistake that the finding or the files show."""
    return [
        mistake
        for mistake in load().values()
        if mistake.place(finding, files, chapter, wanted) is not None
    ]


def recognise(
    finding: Finding, files: file_tree.Tree, chapter: str, wanted: file_tree.Tree | None = None
) -> Mistake | None:
    """Return the known mistake that the finding or the files show, or None.

    `files` are the learner's, with the pages' paths and package. `wanted` are the page's.
    """
    found = candidates(finding, files, chapter, wanted)
    return found[0] if found else None


def explain(
    finding: Finding,
    files: file_tree.Tree,
    chapter: str,
    wanted: file_tree.Tree | None = None,
    theirs: Callable[[str], str] = str,
) -> Finding:
    """Return the finding with the mistake behind it, or with an entry that has its message.

    `theirs` gives the learner's path of a file that the pages call by another.
    """
    if finding.rung == "text":  # it shows a file's lines: what's wrong elsewhere isn't about them
        named = finding.where.partition(":")[0]
        files = {path: content for path, content in files.items() if theirs(path) == named}
    mistake = recognise(finding, files, chapter, wanted)
    if not mistake:
        return replace(finding, entry=finding.entry or entry_of(finding.yours))
    where = mistake.place(finding, files, chapter, wanted)
    if where and finding.rung != "text":
        path, _, line = where.rpartition(":")
        finding = replace(finding, where=f"{theirs(path)}:{line}")
    return replace(finding, do=mistake.says, entry=mistake.entry, mistake=mistake.id)


def entry_of(said: str) -> str:
    """Return the anchor of the entry in Troubleshooting whose message is in a text, or ""."""
    lines = [line.strip() for line in matching.lines(said)]
    for anchor, message in entries().items():
        if message and any(matching.line_matches(message, line) for line in lines):
            return anchor
    return ""


@functools.cache
def entries() -> dict[str, str]:
    """Return {the anchor of an entry in Troubleshooting: the first line of its message}."""
    page = (chapters.ROOT / "docs/reference/troubleshooting.md").read_text(encoding="utf-8")
    found = re.findall(r"^### (.+)\n\n(?:```text\n(.+))?", page, re.MULTILINE)
    return {headings.slug(headings.plain(heading), "-"): message for heading, message in found}


def _mistake(name: str, table: dict) -> Mistake:
    if not table.get("shows"):
        raise TypeError(f"{name} has no `shows`")
    shows = tuple(
        Symptom(**{key: tuple(v) if isinstance(v, list) else v for key, v in each.items()})
        for each in table.pop("shows")
    )
    for each in shows:
        re.compile(each.has), re.compile(each.lacks)
    several = {key: tuple(table.pop(key, ())) for key in ("removed", "steps")}
    return Mistake(id=name, shows=shows, **several, **table)


def _line(path: str, content: bytes, within: str, has: str, lacks: str) -> int:
    """Return the line of a file in which a symptom shows, from 1, or 0."""
    text, lines = content.decode(errors="replace"), None
    if path.endswith(".py"):
        text, lines = _unparsed(content, within)
        if not text:
            return 0
    if lacks and re.search(lacks, text, re.MULTILINE):
        return 0
    match = re.search(has, text, re.MULTILINE)
    if not match:
        return 0
    number = text.count("\n", 0, match.end()) + 1
    return lines.get(number, 1) if lines else number


@functools.lru_cache(maxsize=1_000)
def _unparsed(content: bytes, within: str) -> tuple[str, dict[int, int]]:
    """Return Python code as ast.unparse writes it, and {line there: line in the file}.

    It's "" if the file can't be parsed or has nothing called `within`.
    """
    try:
        node: ast.AST | None = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError):
        return "", {}
    for name in filter(None, within.split(".")):
        inside = getattr(node, "body", [])
        node = next((each for each in inside if getattr(each, "name", "") == name), None)
    if not node:
        return "", {}
    for each in ast.walk(node):
        if isinstance(body := getattr(each, "body", None), list):
            each.body = [line for line in body if not _is_docstring(line)] or [ast.Pass(lineno=1)]
    text = ast.unparse(node)
    again = ast.parse(text)
    pairs = zip(_statements(node), _statements(again.body[0] if within else again), strict=True)
    return text, {there.lineno: here.lineno for here, there in pairs}


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _statements(tree: ast.AST) -> list[ast.stmt]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
