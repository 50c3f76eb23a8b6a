"""Type a page's lines at an interpreter's prompt and compare its answers."""

import os
import pty
import subprocess
import termios
import threading
from collections.abc import Sequence

from pexpect import EOF, TIMEOUT
from pexpect.fdpexpect import fdspawn

from course import processes
from course.pages import matching, transcript
from course.pages.matching import Mismatch
from course.replay.ports import Ports

ANSWER_LIMIT = 30  # seconds that an answer may take


def converse(
    command: transcript.Command,
    environment: dict[str, str],
    folder: str,
    ports: Ports,
    halt: threading.Event,
    prefix: Sequence[str] = (),
) -> None:
    """Run a command, type the page's lines at its prompts, and compare its answers.

    If the page doesn't leave the interpreter, it's left at the end. `prefix` is processes.bash's.
    Raises Mismatch, Halted.
    """
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[3] &= ~termios.ECHO  # what is typed is known
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    # Popen and not pexpect's own spawn: two replays run in threads, and only Popen forks safely.
    process = subprocess.Popen(
        processes.bash(ports.to_replay(command.text), prefix=prefix),
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
        matching.compare(what, answered, matching.lines(ports.to_page(child.before)))
        return not ended

    try:
        going = answer(f"`{command.text}`", transcript.PROMPT, command.shown)
        for exchange in command.exchanges:
            what = f"`{transcript.PROMPT}{exchange.typed[0]}`"
            try:
                if not going:
                    raise Mismatch(f"the interpreter had ended before {what}")
                for line in exchange.typed[:-1]:
                    child.sendline(ports.to_replay(line))
                    answer(what, transcript.GOES_ON, [])
                child.sendline(ports.to_replay(exchange.typed[-1]))
                going = answer(what, transcript.PROMPT, exchange.shown)
            except Mismatch as mismatch:
                mismatch.below += exchange.below
                raise
        if going:
            child.send("\x04")
            _wait(child, None, f"`{command.text}`", halt)
    finally:
        child.close()  # which hangs up: an interpreter takes Ctrl-C for an invitation to go on
        processes.end(process)


def _wait(child: fdspawn, wanted: str | None, what: str, halt: threading.Event) -> bool:
    """Wait for the text `wanted`, or for the end if that's None; return whether it has ended."""
    looked_for = [EOF] if wanted is None else [EOF, wanted]

    def come() -> object:
        number = child.expect_exact([TIMEOUT, *looked_for], timeout=0.1)
        return [TIMEOUT, *looked_for][number] if number else None

    found = processes.until(come, ANSWER_LIMIT, halt)
    if found is None:
        printed = matching.quote(matching.lines(child.before))
        raise Mismatch(f"{what}: no prompt after {ANSWER_LIMIT} s. Printed was:\n\n{printed}")
    return found is EOF
