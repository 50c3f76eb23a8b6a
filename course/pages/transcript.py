"""Read what a console block shows: commands, their output, and lines typed at Python's prompt."""

import codeop
from dataclasses import dataclass

from course.pages import matching

STOP = "^C"
PROMPT = ">>> "
GOES_ON = "... "

Typed = list[tuple[str, str, str]]


@dataclass
class Command:
    """A page's command and the output that the page shows.

    `below` is its distance from the block's fence, in lines. `stop`: `^C` is typed at the end.
    """

    text: str
    shown: list[str]
    below: int
    stop: bool = False


def commands(text: str) -> list[Command]:
    """Return the commands of a console block. A line that ends in a backslash continues."""
    found: list[Command] = []
    for below, line in enumerate(text.split("\n"), start=1):
        if line.startswith("$ "):
            found.append(Command(line[2:], [], below))
        elif not found[-1].shown and found[-1].text.endswith("\\"):
            found[-1].text += "\n" + line
        else:
            found[-1].shown.append(line)
    for command in found:
        command.shown, command.stop = until_stop("\n".join(command.shown))
    return found


def until_stop(text: str) -> tuple[list[str], bool]:
    """Return the lines of shown output, and whether `^C` follows them."""
    shown = matching.lines(text)
    stop = shown[-1:] == [STOP]
    return (shown[:-1] if stop else shown), stop


def read_prompts(shown: list[str]) -> tuple[list[str], list[tuple[list[str], list[str], int]]]:
    """Return what the page shows before the first prompt, and after each one.

    For each: the lines typed, the answer, and how many lines below the command they are.
    A line that begins with `...` was typed if the statement above it wasn't complete.
    """
    greeting: list[str] = []
    exchanges: list[tuple[list[str], list[str], int]] = []
    for below, line in enumerate(shown, start=1):
        typed, answered, _ = exchanges[-1] if exchanges else ([], greeting, 0)
        if f"{line} ".startswith(PROMPT):
            exchanges.append(([line[len(PROMPT) :]], [], below))
        elif f"{line} ".startswith(GOES_ON) and not answered and _wants_more(typed):
            typed.append(line[len(GOES_ON) :])
        else:
            answered.append(line)
    return greeting, exchanges


def typed(text: str) -> Typed:
    """Return a console block's lines as (kind, prompt, what stands behind it).

    The kinds are "bash" and "python" for what a learner types, and "output" for the rest.
    """
    lines: Typed = []
    statement: list[str] = []
    goes_on = False  # whether the line above was a command that ended in a backslash
    for line in text.split("\n"):
        if line.startswith("$ ") or goes_on:
            prompt = "" if goes_on else "$ "
            lines.append(("bash", prompt, line[len(prompt) :]))
            goes_on, statement = line.endswith("\\"), []
        elif f"{line} ".startswith(">>> "):
            statement = [line[4:]]
            lines.append(("python", line[:4], line[4:]))
        elif f"{line} ".startswith("... ") and _wants_more(statement):
            statement.append(line[4:])
            lines.append(("python", line[:4], line[4:]))
        else:
            statement = []
            lines.append(("output", "", line))
    return lines


def _wants_more(typed: list[str]) -> bool:
    try:
        return bool(typed) and codeop.compile_command("\n".join(typed)) is None
    except (SyntaxError, ValueError, OverflowError):
        return False
