"""Replace the lines of a page that stand for something made: `@@diff` and `@@commands`.

`@@diff 01_http_only 02_echo_consumer` compares the committed folders of two chapters. `@@diff this
part`, in a chapter of several parts, compares the project before the part's first step with the
project after its last, as the replay makes them. `@@commands` is a table of the commands.
"""

import re

from course.pages import grammar
from course.site import chapter_diff
from course.verbs import VERBS

COMMANDS = "@@commands"
_DIFF = re.compile(r"@@diff +(\S+) +(\S+) *")


def expand(text: str, found: tuple[str, grammar.Page] | None = None) -> str:
    """Return a page's text with its directives replaced.

    `found` is what grammar.find() returns for the page; it's called here if that isn't given.
    Raises ValueError if a line names no chapters, or a part where there is none; PageError and
    CourseError if the part can't be replayed.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines):
        match = _DIFF.fullmatch(line)
        if line == COMMANDS:
            lines[number] = commands_table()
        elif match and [*match.groups()] == grammar.THIS_PART:
            found = found or grammar.find(text)
            if found is None:
                raise ValueError("@@diff this part belongs on the page of a lesson")
            lines[number] = chapter_diff.of_part(*found)
        elif match:
            lines[number] = chapter_diff.of_chapters(match[1], match[2])
    return "\n".join(lines)


def commands_table() -> str:
    """Return a Markdown table of the commands: how to call each, and what it does."""
    rows = [f"| `{verb.call}` | {verb.explanation} |" for verb in VERBS]
    return "\n".join(["| command | what it does |", "| --- | --- |", *rows])
