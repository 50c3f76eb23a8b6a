"""Run the servers to measure: each starts fresh, with its own folder and its own database."""

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from benchmarks.subjects import Subject
from course import chapters, console, processes
from course.tasks import services

START_LIMIT = 30  # seconds that a server may take until it takes connections
TICK = 0.02  # seconds between two attempts to connect
ROOM = "bench"
SIXTH = "06_conversations_auth"

# Arguments of `python -m`, with the port and the application to fill in.
COMMANDS = {
    "daphne": "daphne -b 127.0.0.1 -p {port} {application}",
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} --no-access-log {application}",
    "python": "{application} {port}",
}


class Absent(console.CourseError):
    """Something that a subject needs is missing; the message names it in a few words."""


@dataclass
class People:
    """Logged-in people: a Cookie header for each, and a conversation's ID for each size."""

    cookies: list[str]
    conversations: dict[int, int]
    database: Path


@dataclass
class Stage:
    """What all servers of a run share. `redis` is Redis's program, or None if it's missing."""

    folder: Path
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    redis: str | None = None
    people: People | None = None


@dataclass
class Servers:
    """Running servers. `urls` are the WebSocket URLs of one room, one for each process.

    `redis` is the URL of their Redis, if they use one. `cookies` holds a Cookie header for each
    connection, if people have to be logged in.
    """

    urls: list[str]
    processes: list[subprocess.Popen]
    logs: list[Path]
    redis: str | None = None
    cookies: list[str] | None = None

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    def last_lines(self) -> list[str]:
        """Return the last lines that the servers printed, without those about connections."""
        output = "\n".join(log.read_text(errors="replace") for log in self.logs)
        output = [line for line in output.splitlines() if '"WS' not in line]
        return console.last_lines("\n".join(output), 6)


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Yield a stage with a temporary folder for databases and logs, and Redis if installed."""
    with tempfile.TemporaryDirectory(prefix="course-bench-") as folder:
        yield Stage(Path(folder), redis=services.redis_program())


def create_people(stage: Stage, sizes: list[int]) -> None:
    """Create chapter 6's database, with a conversation of each of these sizes.

    Raises progress.Failed.
    """
    database = stage.folder / "people.sqlite3"
    made = processes.run(
        [sys.executable, "-m", "benchmarks.apps.people", *map(str, sizes)],
        "The people for chapter 6 couldn't be created.",
        env=_environment(stage, chapters.folder(SIXTH), database),
        cwd=chapters.folder(SIXTH),
    )
    output = json.loads(made.splitlines()[-1])
    stage.people = People(
        [f"{output['cookie']}={key}" for key in output["keys"]],
        {int(size): pk for size, pk in output["conversations"].items()},
        database,
    )


def check(subject: Subject, stage: Stage, connections: int) -> None:
    """Raise Absent if the subject can't be measured on this machine."""
    for package in subject.packages:
        if find_spec(package) is None:
            raise Absent(f"no {package} here")
    if subject.redis and not stage.redis:
        raise Absent("no Redis here")
    _allow_files(connections + 200)


@contextlib.contextmanager
def running(subject: Subject, stage: Stage, connections: int) -> Iterator[Servers]:
    """Run the subject's servers, and its Redis, until the context ends.

    Raises Absent if something is missing, or progress.Failed with a server's output if it
    doesn't start.
    """
    check(subject, stage, connections)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=stage.folder)))
        database = folder / "db.sqlite3"
        if subject.people:
            shutil.copy(stage.people.database, database)
        where = chapters.folder(subject.folder) if subject.folder else chapters.ROOT
        environment = _environment(stage, where if subject.folder else None, database)
        redis = None
        if subject.redis:
            redis = stack.enter_context(services.started_redis(stage.redis))
            environment["REDIS_URL"] = redis
        room = stage.people.conversations[connections] if subject.people else ROOM
        found = Servers([], [], [], redis, stage.people.cookies if subject.people else None)
        stack.callback(lambda: [_end(process) for process in found.processes])
        for number in range(subject.processes):
            port = processes.free_port()
            command = COMMANDS[subject.server].format(port=port, application=subject.application)
            log = folder / f"{number}.log"
            found.processes.append(_start(command, environment, where, log))
            found.logs.append(log)
            found.urls.append(f"ws://127.0.0.1:{port}/ws/chat/{room}/")
            _wait(found, port, subject)
        yield found


def _environment(stage: Stage, chapter: Path | None, database: Path) -> dict[str, str]:
    """Return a server's environment, without the caller's variables for other projects."""
    own = {
        "PYTHONPATH": str(chapters.ROOT),
        "SECRET_KEY": stage.secret,
        "DEBUG": "off",
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": f"sqlite:///{database}",
        "BENCH_DATABASE": str(database),
    }
    if chapter:
        module = "config.settings" if chapter.name == SIXTH else "benchmarks.apps.settings"
        own["DJANGO_SETTINGS_MODULE"] = module
    return {**processes.project_env(), **own}


def _start(command: str, environment: dict[str, str], folder: Path, log: Path) -> subprocess.Popen:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", *command.split()],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C only reaches the benchmark, which ends them
        )


def _wait(servers: Servers, port: int, subject: Subject) -> None:
    """Wait until the newest server accepts connections."""
    deadline = time.monotonic() + START_LIMIT
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if servers.processes[-1].poll() is not None or time.monotonic() > deadline:
            output = servers.logs[-1].read_text(errors="replace")
            raise console.CommandFailed(f"{subject.title}: the server doesn't start.", output)
        time.sleep(TICK)


def _end(process: subprocess.Popen) -> None:
    # Kill it: its shutdown isn't measured, and takes long with many connections.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _allow_files(wanted: int) -> None:
    """Let this process and its servers open that many sockets, or raise Absent."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Absent(f"it needs {wanted} open files, but only {hard} are allowed (see ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
