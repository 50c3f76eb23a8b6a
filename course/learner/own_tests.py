"""Run tests of a project in a copy, and tell in few lines what failed."""

import re
from dataclasses import dataclass
from itertools import pairwise, takewhile

from course import chapters
from course.learner import judge
from course.pages import file_tree
from course.pages.matching import Mismatch
from course.replay.workshop import PROJECT, Workshop

# The first failure, in few lines: the learner wants to know what's wrong, and not how pytest runs.
PYTEST = "pytest -q -x -rN --tb=short --no-header"
_SECTION = re.compile(r"_{3,} (?!ERROR at teardown).+ _{3,}")  # what's above each traceback
_RULE = re.compile(r"[=_!-]{3,} .* [=_!-]{3,}|\d+ (?:passed|failed|error)")  # what ends it
_FRAME = re.compile(r"(\S+):\d+: in ")
_PASSED = re.compile(r"\b(\d+) passed\b")

# The project is checked in a copy, which isn't there any more when its owner reads the answer.
IN_THE_COPY = re.compile(rf"""[^\s"']*/{PROJECT}/""")


@dataclass(frozen=True)
class Tested:
    """How many tests passed, and where the first failed and why, or ""."""

    passed: int
    said: str


def with_tests(files: file_tree.Tree, chapter: str) -> file_tree.Tree:
    """Return a project with the chapter's own tests in place of those that it came with."""
    ours = file_tree.read(chapters.folder(chapter))
    tests = {name: text for name, text in ours.items() if name.startswith("tests/")}
    others = {name: text for name, text in files.items() if not name.startswith("tests/")}
    return others | tests | {"pytest.ini": ours["pytest.ini"]}


def of_chapter(files: file_tree.Tree, chapter: str) -> Tested:
    """Run the chapter's own tests, without those in a browser, on a project."""
    with judge.workshop(with_tests(files, chapter)) as there:
        return run(there)


def run(there: Workshop, words: str = "") -> Tested:
    """Run the tests that `words` tell pytest to, in a workshop. Raises Halted."""
    try:
        status, printed = there.run(f"{PYTEST} {words}".strip())
    except Mismatch as mismatch:
        return Tested(0, str(mismatch))
    counted = _PASSED.search(printed[-1]) if printed else None
    said = IN_THE_COPY.sub("", "\n".join(_failure(printed))) if status else ""
    return Tested(int(counted[1]) if counted else 0, said)


def _failure(printed: list[str]) -> list[str]:
    """Return the project's own lines of pytest's first traceback, and the error at its end."""
    # An error of the cleaning up comes first, but it's only a consequence.
    begins = [n for n, line in enumerate(printed) if _SECTION.fullmatch(line)]
    section = printed[begins[0] + 1 :] if begins else printed
    section = list(takewhile(lambda line: not _RULE.match(line), section))
    found, errors, is_ours = [], [], False
    for before, line in pairwise(["", *section]):
        if frame := _FRAME.match(line):
            is_ours = not frame[1].startswith(("/", "."))
        if line.startswith("E  "):
            errors = [*errors, line] if before.startswith("E  ") else [line]
        elif is_ours and line:
            found.append(line)
    if not errors:
        return printed[-20:]
    if errors[-1].endswith("TimeoutError"):
        errors.append("    (Nothing arrived in time.)")
    return [*found, *errors[:20]]
