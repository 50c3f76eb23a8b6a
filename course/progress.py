"""Talk to the person at the terminal, and run other programs with signs of life."""

import subprocess
import time

TICK = 10  # seconds between two signs of life of a long command


class Trouble(Exception):
    """Something that a person can fix. The text says what it is and what to do."""


class Failed(Trouble):
    """A program failed. `output` is everything it printed."""

    def __init__(self, sentence: str, output: str = ""):
        super().__init__("\n".join([*last_lines(output), sentence]))
        self.output = output


def say(text: str) -> None:
    """Print a line immediately, even if no terminal reads it."""
    print(text, flush=True)


def last_lines(output: str, count: int = 12) -> list[str]:
    """Return the last `count` non-blank lines of `output`, indented and cut short."""
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    return [f"  {line[:200]}" for line in lines[-count:]]


def run(command: list, sentence: str, *, env: dict | None = None, cwd=None) -> str:
    """Run `command` without input, hide its output, and return what it printed.

    Every ten seconds a line says that it's still working. Raises Failed, with `sentence` and the
    end of the output, if it can't be started or ends with a status other than 0.
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
    """Return whether `command` can be started and ends with status 0 within `seconds`."""
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
