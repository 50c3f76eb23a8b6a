"""The state of a project at a place in a page."""

from dataclasses import dataclass, field
from pathlib import Path

from course import tree


@dataclass(frozen=True)
class State:
    """A project as it is after a block of a page.

    `step` is the last numbered step's number, 0 before the first. `title` is the heading above, or
    "". `page` is the page or part with the block, `line` its line there, from 1, and `path` the
    file that it writes or edits, or "" if a command did it.
    """

    lesson: str
    step: int
    title: str
    page: Path
    line: int
    path: str
    files: tree.Tree = field(repr=False)
