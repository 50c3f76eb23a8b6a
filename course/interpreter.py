"""Type a page's lines at an interpreter's prompt and compare its answers."""

import codeop
import os
import pty
import subprocess
import termios
import threading

from pexpect import EOF, TIMEOUT
from pexpect.fdpexpect import fdspawn

from course import output, processes
from course.output import Mismatch
from course.ports import Ports

PROMPT = ">>> "
GOES_ON = "... "
ANSWER_LIMIT = 30  # seconds that an answer may take


def converse(
    command: str,
    shown: list[str],
    environment: dict[str, str],
    folder: str,
    ports: Ports,
    halt: threading.Event,
) -> None:
    """Run `command`, type the page's lines at its prompts, and compare its answers.

    If the page doesn't leave the interpreter, it's left at the end. Raises Mismatch, Halted.
    """
    greeting, exchanges = read(shown)
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[3] &= ~termios.ECHO  # what is typed is known
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    # Popen and not pexpect's own spawn: two replays run in threads, and only Popen forks safely.
    process = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-c", ports.local(command)],
        env=environment,
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    child = fdspawn(master, encoding="utf-8", codec_errors="replace")

    def answer(what: str, wanted: str, answered: list[str]) -> bool:
        """Wait for a prompt and compare the text before it; return False if none will come."""
        ended = _wait(child, wanted, what, halt)
        output.compare(what, answered, output.lines(ports.public(child.before)))
        return not ended

    try:
        going = answer(f"`{command}`", PROMPT, greeting)
        for typed, answered, below in exchanges:
            what = f"`{PROMPT}{typed[0]}`"
            try:
                if not going:
                    raise Mismatch(f"the interpreter had ended before {what}")
                for line in typed[:-1]:
                    child.sendline(ports.local(line))
                    answer(what, GOES_ON, [])
                child.sendline(ports.local(typed[-1]))
                going = answer(what, PROMPT, answered)
            except Mismatch as mismatch:
                mismatch.below += below
                raise
        if going:
            child.send("\x04")
            _wait(child, None, f"`{command}`", halt)
    finally:
        child.close()  # which hangs up: an interpreter takes Ctrl-C for an invitation to go on
        processes.end(process)


def read(shown: list[str]) -> tuple[list[str], list[tuple[list[str], list[str], int]]]:
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


def _wants_more(typed: list[str]) -> bool:
    try:
        return bool(typed) and codeop.compile_command("\n".join(typed)) is None
    except (SyntaxError, ValueError, OverflowError):
        return False


def _wait(child: fdspawn, wanted: str | None, what: str, halt: threading.Event) -> bool:
    """Wait for the text `wanted`, or for the end if that's None; return whether it has ended."""
    looked_for = [EOF] if wanted is None else [EOF, wanted]

    def come() -> object:
        number = child.expect_exact([TIMEOUT, *looked_for], timeout=0.1)
        return [TIMEOUT, *looked_for][number] if number else None

    found = processes.until(come, ANSWER_LIMIT, halt)
    if found is None:
        printed = output.quote(output.lines(child.before))
        raise Mismatch(f"{what}: no prompt after {ANSWER_LIMIT} s. Printed was:\n\n{printed}")
    return found is EOF
