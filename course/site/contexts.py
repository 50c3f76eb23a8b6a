"""What the site says about each block of a page: which terminal, which file, and how it changes."""

import re
from dataclasses import dataclass

from course.pages import enclosing, grammar, transcript
from course.pages.grammar import Block, Page
from course.pages.transcript import PROMPT
from course.replay import recordings, server_kinds

TERMINALS = {
    "web": "Server",
    "worker": "Worker",
    "redis": "Redis",
    "postgres": "PostgreSQL",
    "nginx": "nginx",
    "daphne 8001": "First server",
    "daphne 8002": "Second server",
}
YOURS = "Your terminal"
PYTHON = "Python prompt"
SOCKET = "Over the socket"

LONGEST = 400  # lines of a file that is shown whole

_OF_REDIS = re.compile(r"^\d+:[A-Z] \d", re.MULTILINE)
_OF_WORKER = re.compile(r"^Running worker\b", re.MULTILINE)


@dataclass(frozen=True)
class Context:
    """A block's surroundings.

    `title` is the file that an untitled block shows a part of, `label` a terminal's name, and
    `fate` what happens to a file: "new", "changed", "replaced". A diff has its `text` with what is
    around each hunk, and `whole`, the file that it makes, with `when` that is so.
    """

    title: str = ""
    label: str = ""
    fate: str = ""
    text: str = ""
    whole: str = ""
    when: str = ""


def of_page(lesson: str, part: Page) -> dict[int, Context]:
    """Return the contexts of a page's blocks, by the line of their fence, from 1.

    Raises PageError for what a page does wrong, and CourseError.
    """
    recording = recordings.read(lesson)
    running: list[str] = []
    found = {}
    for other, step in grammar.steps(grammar.read_lesson(lesson)):
        for number, block in enumerate(step.blocks):
            terminal_of = _terminal(block, running)
            if other.path != part.path or block.kind == "left out":
                continue
            if block.kind in ("write", "edit"):
                found[block.line] = _file(block, step.blocks[number + 1 :], part, recording)
            elif block.kind == "shown":
                found[block.line] = Context(title=block.note, fate="excerpt")
            else:
                found[block.line] = Context(label=terminal_of)
    return found


def label(language: str, text: str) -> str:
    """Return which terminal a block is typed in, judged by its text alone."""
    kind = {"console": "console" if text.startswith("$ ") else "log"}.get(language, language)
    return _terminal(Block(kind, 0, text), [])


def _file(block: Block, below: list[Block], part: Page, recording: recordings.Recording) -> Context:
    """Return the context of a block that writes or edits a file; `below` are its step's others."""
    old = recording.before(part.path, block.line).get(block.path)
    if block.kind == "write":
        return Context(fate="new" if old is None else "replaced")
    # A state has the line of the block that made it, so this is the state after the block.
    new = recording.before(part.path, block.line + 1)[block.path].decode()
    again = any(other.path == block.path for other in below)
    return Context(
        fate="changed",
        text=enclosing.mark(block.text, block.path, old.decode()),
        whole=new if new.count("\n") <= LONGEST else "",
        when="so far" if again else "after this step",
    )


def _terminal(block: Block, running: list[str]) -> str:
    """Return which terminal a block belongs to, or "" if it isn't seen in one.

    `running` holds the kinds of the servers that run, in the order they were started. It's brought
    up to date.
    """
    if block.kind == "wire":
        for line in block.text.split("\n"):
            if line.startswith("$ ") and (kind := server_kinds.kind_of(line[2:])):
                _start(kind.name, running)
        return SOCKET
    if block.kind == "log":
        server = _that_printed(block.text, running)
        if transcript.until_stop(block.text)[1] and server in running:
            running.remove(server)
        return TERMINALS[server]
    if block.kind != "console":
        return ""
    started = []
    for command in transcript.commands(block.text):
        if kind := server_kinds.kind_of(command.text):
            started.append(kind.name)
            _start(kind.name, running)
            if command.stop:
                running.remove(kind.name)
    if started:
        return TERMINALS[started[0]]
    # Such a block starts the shell and then types at its prompt.
    return PYTHON if f"\n{PROMPT}" in block.text else YOURS


def _start(name: str, running: list[str]) -> None:
    if name in running:
        running.remove(name)
    running.append(name)


def _that_printed(text: str, running: list[str]) -> str:
    """Return the kind of server whose output a block is.

    The replay looks in the output of every running server. From the text alone, only Redis and the
    worker's first line can be recognised, so anything else comes from the web server if one runs.
    """
    shown, _ = transcript.until_stop(text)
    if not shown and running:
        return running[-1]
    for name, sign in (("redis", _OF_REDIS), ("worker", _OF_WORKER)):
        if sign.search(text):
            return name
    return "web" if "web" in running or not running else running[-1]
