"""Start processes in separate groups, wait for them, and end them with everything they started."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

TICK = 0.02  # seconds between two looks
# Seconds that a process has to obey a signal. Daphne may take longer; nothing that a server says or
# keeps at its end is of interest.
PATIENCE = 1


class Halted(Exception):
    """The replay was told to stop, for example by Ctrl-C."""


def until(condition: Callable[[], Any], seconds: float, halt: threading.Event) -> Any:
    """Return the value of `condition` as soon as it's true, or None after `seconds`.

    Raises Halted once `halt` is set.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            return None
        if halt.wait(TICK):
            raise Halted
    return found


def start(command: str, environment: dict[str, str], folder: str, log: Path) -> subprocess.Popen:
    """Run a line of bash; what it prints is added to `log`."""
    with log.open("ab") as output:
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-c", command],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def end(process: subprocess.Popen) -> None:
    """End the process and its group as Ctrl-C does, with more force if that's not enough."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        numbers.pop(0)  # a shell has started us in the background: what we start ignores it too
    for number in numbers:
        if process.poll() is None:
            _signal(process, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen, number: int) -> None:
    # On macOS a group of nothing but the dead gives PermissionError.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
