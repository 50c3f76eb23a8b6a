"""Read what a console block shows: commands, their output, and lines typed at Python's prompt."""

import codeop
from dataclasses import dataclass, field

from course.pages import matching

STOP = "^C"
PROMPT = ">>> "
GOES_ON = "... "


@dataclass
class Exchange:
    """A statement typed at Python's prompt, and the answer that the page shows.

    `below` is its distance from its command, in lines.
    """

    typed: list[str]
    below: int
    shown: list[str] = field(default_factory=list)


@dataclass
class Command:
    """A page's command and the output that the page shows, before any prompt of Python's.

    `below` is its distance from the block's fence, in lines. `stop`: `^C` is typed at the end.
    """

    text: str
    below: int
    shown: list[str] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)
    stop: bool = False


def commands(text: str) -> list[Command]:
    """Return the commands of a console block. A line that ends in a backslash continues."""
    found: list[Command] = []
    for below, (kind, prompt, rest) in enumerate(typed(text), start=1):
        if kind == "bash" and prompt:
            found.append(Command(rest, below))
        elif kind == "bash":
            found[-1].text += "\n" + rest
        elif kind == "python" and f"{prompt} ".startswith(PROMPT):
            found[-1].exchanges.append(Exchange([rest], below - found[-1].below))
        elif kind == "python":
            found[-1].exchanges[-1].typed.append(rest)
        else:
            (found[-1].exchanges or found)[-1].shown.append(rest)
    for command in found:
        command.shown, command.stop = until_stop("\n".join(command.shown))
        for exchange in command.exchanges:
            exchange.shown = matching.lines("\n".join(exchange.shown))
    return found


def until_stop(text: str) -> tuple[list[str], bool]:
    """Return the lines of shown output, and whether `^C` follows them."""
    shown = matching.lines(text)
    stop = shown[-1:] == [STOP]
    return (shown[:-1] if stop else shown), stop


def typed(text: str) -> list[tuple[str, str, str]]:
    """Return a console block's lines as (kind, prompt, what comes after it).

    The kinds are "bash" and "python" for what a learner types, and "output" for the rest. A line
    that begins with `...` was typed if the statement above it wasn't complete.
    """
    lines: list[tuple[str, str, str]] = []
    statement: list[str] = []
    goes_on = False  # whether the line above was a command that ended in a backslash
    for line in text.split("\n"):
        if line.startswith("$ ") or goes_on:
            prompt = "" if goes_on else "$ "
            lines.append(("bash", prompt, line[len(prompt) :]))
            goes_on, statement = line.endswith("\\"), []
        elif f"{line} ".startswith(PROMPT):
            statement = [line[4:]]
            lines.append(("python", line[:4], line[4:]))
        elif f"{line} ".startswith(GOES_ON) and _wants_more(statement):
            statement.append(line[4:])
            lines.append(("python", line[:4], line[4:]))
        else:
            statement = []
            lines.append(("output", "", line))
    return lines


def _wants_more(statement: list[str]) -> bool:
    try:
        return bool(statement) and codeop.compile_command("\n".join(statement)) is None
    except (SyntaxError, ValueError, OverflowError):
        return False
