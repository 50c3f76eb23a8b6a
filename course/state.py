"""A project as it stands at a place of a page."""

from dataclasses import dataclass, field
from pathlib import Path

from course import tree


@dataclass(frozen=True)
class State:
    """A project as a block of a page leaves it.

    `step` is the last numbered step's number, 0 before the first; `title` that of the heading
    above, "" where there is none. `page` is the page or the part that the block stands in, `line`
    its line there, from 1, and `path` the file that it writes or edits, "" where a command did it.
    """

    lesson: str
    step: int
    title: str
    page: Path
    line: int
    path: str
    files: tree.Tree = field(repr=False)
