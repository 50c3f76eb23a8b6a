"""Start programs, wait until they're ready, and end them with everything they started."""

import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course.console import CommandFailed, say

TICK = 0.02  # seconds between two looks
SIGN_OF_LIFE = 10  # seconds between two lines that say that a long command is still working
START_LIMIT = 60  # seconds that a server may take until it's ready
# Seconds that a process has to obey a signal. Daphne may take longer; nothing that a server says or
# keeps at its end is of interest.
PATIENCE = 1

# A person may have these set for another project, whose database must not be touched here.
OTHER_PROJECTS = [
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "REDIS_PREFIX",
    "REDIS_URL",
    "SECRET_KEY",
]

# What Daphne, Uvicorn and runserver print when they take connections.
_LISTENS = re.compile(r"(?:Listening on TCP address|(?:running|server) \w+) \S+:(\d+)[\s/]")


class Halted(Exception):
    """The replay was told to stop, for example by Ctrl-C."""


class Process:
    """A running program in a session of its own. Creating it starts it.

    `command` is a list of words, or a line of bash. What it prints is added to the file `log`;
    without one, it goes to the terminal. `options` are those of subprocess.Popen.
    """

    def __init__(
        self,
        command: str | Sequence,
        *,
        folder: Path | str,
        environment: Mapping[str, str],
        log: Path | None = None,
        **options: Any,
    ):
        self.log = log
        self._since = len(self.printed())
        words = bash(command) if isinstance(command, str) else command
        with contextlib.ExitStack() as stack:
            if log:
                options["stdout"] = stack.enter_context(log.open("ab"))
                options["stderr"] = subprocess.STDOUT
            self.popen = subprocess.Popen(
                [str(word) for word in words],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                **options,
            )

    @property
    def pid(self) -> int:
        return self.popen.pid

    def ended(self) -> bool:
        return self.popen.poll() is not None

    def printed(self) -> str:
        """Return everything in its log, earlier runs included."""
        exists = self.log and self.log.exists()
        return self.log.read_text(errors="replace") if exists else ""

    def wait_for(
        self, ready: Callable[[], Any], sentence: str, seconds: float = START_LIMIT
    ) -> Any:
        """Return the value of `ready` as soon as it's true.

        Raises CommandFailed, with `sentence` and the end of the log, if the program ends first or
        isn't ready in time.
        """
        found = until(lambda: ready() or ("ended" if self.ended() else None), seconds)
        if found in (None, "ended"):
            raise CommandFailed(sentence, self.printed()[self._since :])
        return found

    def port(self, sentence: str = "The server doesn't listen.") -> int:
        """Wait until a web server says where it listens; return its port. Raises CommandFailed."""
        found = self.wait_for(lambda: _LISTENS.search(self.printed(), self._since), sentence)
        return int(found[1])

    def signal(self, number: int) -> None:
        """Send a signal to the program and everything in its group."""
        signal_group(self.popen, number)

    def end(self, patience: float = PATIENCE) -> None:
        end(self.popen, patience)

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self.signal(signal.SIGKILL)
        self.popen.wait()


def bash(line: str = "", prefix: Sequence[str] = ()) -> list[str]:
    """Return the words that run a line of bash, or a bash that reads lines, without anyone's files.

    `prefix` is a command that runs the words after it, such as `nice`.
    """
    return [*prefix, "bash", "--noprofile", "--norc", *(["-c", line] if line else [])]


def until(condition: Callable[[], Any], seconds: float, halt: threading.Event | None = None) -> Any:
    """Return the value of `condition` as soon as it's true, or None after `seconds`.

    Raises Halted once `halt` is set.
    """
    halt = halt or threading.Event()
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            return None
        if halt.wait(TICK):
            raise Halted
    return found


def end(process: subprocess.Popen, patience: float = PATIENCE) -> None:
    """End the process and its group as Ctrl-C does, with more force if that's not enough."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        numbers.pop(0)  # a shell has started us in the background: what we start ignores it too
    for number in numbers:
        if process.poll() is None:
            signal_group(process, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)
    signal_group(process, signal.SIGKILL)
    process.wait()


def signal_group(process: subprocess.Popen, number: int) -> None:
    """Send a signal to a process that leads a group, and to the rest of that group."""
    # On macOS a group of nothing but the dead gives PermissionError.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def run(command: Sequence, sentence: str, *, env: Mapping | None = None, cwd=None) -> str:
    """Run `command` without input, hide its output, and return what it printed.

    Every ten seconds a line says that it's still working. Raises CommandFailed, with `sentence` and
    the end of the output, if it can't be started or ends with a status other than 0.
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
        raise CommandFailed(sentence, str(error)) from None
    try:
        while True:
            try:
                output, _ = process.communicate(timeout=SIGN_OF_LIFE)
                break
            except subprocess.TimeoutExpired:
                say(f"  ... {time.monotonic() - began:.0f} s")
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if process.returncode != 0:
        raise CommandFailed(sentence, output)
    return output


def answers(command: Sequence, seconds: float = 20) -> bool:
    """Return whether `command` can be started and ends with status 0 within `seconds`."""
    quiet = subprocess.DEVNULL
    try:
        ended = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def project_env(given: Mapping[str, str] = os.environ, **variables: str) -> dict[str, str]:
    """Return an environment for a project: the caller's, without other projects' settings."""
    kept = {name: value for name, value in given.items() if name not in OTHER_PROJECTS}
    return {**kept, **variables}


def listens(port: int) -> bool:
    """Return whether something takes connections on that local port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Return a local port that's free, and that this function hasn't returned to any process.

    The number stays reserved until this process ends: whatever is to listen there may take a while
    to start.
    """
    while True:
        # Below those that systems give to outgoing connections, which would come and go.
        address = "127.0.0.1", random.randint(20_000, 29_999)
        # A UDP socket reserves the number among processes, and leaves the TCP port free.
        with socket.socket(type=socket.SOCK_DGRAM) as reserved, socket.socket() as probe:
            try:
                reserved.bind(address)
                probe.bind(address)
            except OSError:
                continue
            reserved.detach()  # so it isn't closed here
            return address[1]
