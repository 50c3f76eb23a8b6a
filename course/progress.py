"""What the commands say while they work, and the other programs that they run meanwhile."""

import subprocess
import time

TICK = 10  # seconds between two signs of life of a long command


class Trouble(Exception):
    """Something that a person can mend; the text says what it is and what to do."""


class Failed(Trouble):
    """A program that was run ended badly; `output` is all that it printed."""

    def __init__(self, sentence: str, output: str = ""):
        super().__init__("\n".join([*last_lines(output), sentence]))
        self.output = output


def say(text: str) -> None:
    """Print a line at once, whether or not a terminal reads it."""
    print(text, flush=True)


def last_lines(output: str, count: int = 12) -> list[str]:
    """Return the last `count` lines of `output` that say anything, indented, each cut short."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return [f"  {line[:200]}" for line in lines[-count:]]


def run(command: list, sentence: str, *, env: dict | None = None, cwd=None) -> str:
    """Run `command` with nothing to read and its output kept back; return what it printed.

    Every ten seconds a line says that it is still at work. Raises Failed, with the end of the
    output and `sentence`, if it ends with another status than 0 or cannot be started.
    """
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=env,
            cwd=cwd,
        )
    except OSError as error:
        raise Failed(sentence, str(error)) from None
    try:
        while True:
            try:
                output, _ = process.communicate(timeout=TICK)
                break
            except subprocess.TimeoutExpired:
                say(f"  ... {time.monotonic() - began:.0f} s")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise Failed(sentence, output)
    return output


def answers(command: list, seconds: float = 20) -> bool:
    """Tell whether `command` can be started and ends with status 0 within `seconds`."""
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0
