"""Run the servers to measure: each starts fresh, with its own folder and its own database."""

import contextlib
import json
import resource
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from redis import Redis

from benchmarks.subjects import SIXTH, CannotMeasure, Subject
from course import chapters, console, processes
from course.processes import Process
from course.tasks import services

ROOM = "bench"

# Arguments of `python -m`, with the port and the application to fill in.
COMMANDS = {
    "daphne": "daphne -b 127.0.0.1 -p {port} {application}",
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} --no-access-log {application}",
    "python": "{application} {port}",
}


@dataclass
class Bench:
    """What all servers of a run share. `redis` is Redis's program, or None if it's missing.

    create_users() makes chapter 6's database, `users`, with a conversation of each size.
    `cookies` holds a Cookie header for each user, and `conversations` an ID for each size.
    """

    folder: Path
    redis: str | None = None
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(40))
    cookies: list[str] = field(default_factory=list)
    conversations: dict[int, int] = field(default_factory=dict)

    @property
    def users(self) -> Path:
        return self.folder / "users.sqlite3"


@dataclass
class Servers:
    """Running servers. `urls` are the WebSocket URLs of one room, one for each process.

    `redis` is the URL of their Redis, if they use one. `cookies` holds a Cookie header for each
    connection, if users have to be logged in.
    """

    urls: list[str]
    processes: list[Process]
    redis: str | None
    cookies: list[str]

    def cpu_seconds(self) -> float:
        """Return the CPU time of the servers and their children so far, kernel time included.

        Raises CourseError if a server has ended.
        """
        return sum(one.user + one.system for one in self._of_each(psutil.Process.cpu_times))

    def redis_cpu_seconds(self) -> float:
        """Return the CPU time of their Redis so far, as Redis itself reports it; 0 without one.

        Redis needs so little that the system's figures are too coarse. Raises redis.RedisError.
        """
        if not self.redis:
            return 0.0
        with Redis.from_url(self.redis) as client:
            used = client.info("cpu")
        return used["used_cpu_user"] + used["used_cpu_sys"]

    def memory_kib(self) -> float:
        """Return the resident memory of the servers and their children in KiB.

        Raises CourseError if a server has ended.
        """
        return sum(one.rss for one in self._of_each(psutil.Process.memory_info)) / 1024

    def last_lines(self) -> list[str]:
        """Return the last lines that the servers printed, without those about connections."""
        output = "\n".join(process.printed() for process in self.processes)
        return console.last_lines("\n".join(s for s in output.splitlines() if '"WS' not in s), 6)

    def _of_each(self, figure: Callable[[psutil.Process], Any]) -> list:
        try:
            servers = [psutil.Process(process.pid) for process in self.processes]
            children = [child for server in servers for child in server.children(recursive=True)]
            return [figure(process) for process in servers + children]
        except psutil.NoSuchProcess:  # it has ended, or is a zombie
            raise console.CourseError("A server ended by itself.") from None


@contextlib.contextmanager
def open_bench() -> Iterator[Bench]:
    """Yield a bench with a temporary folder for databases and logs, and Redis if installed."""
    with tempfile.TemporaryDirectory(prefix="course-bench-") as folder:
        yield Bench(Path(folder), services.redis_program())


def create_users(bench: Bench, sizes: list[int]) -> None:
    """Create users, and a conversation of each of these sizes. Raises CommandFailed."""
    printed = processes.run(
        [sys.executable, "-m", "benchmarks.apps.users", *sizes],
        "The users for chapter 6 couldn't be created.",
        env=_environment(bench, SIXTH["folder"], bench.users),
        cwd=chapters.folder(SIXTH["folder"]),
    )
    created = json.loads(printed.splitlines()[-1])
    bench.cookies = [f"{created['cookie']}={key}" for key in created["keys"]]
    bench.conversations = {int(size): pk for size, pk in created["conversations"].items()}


def check(subject: Subject, bench: Bench, connections: int) -> None:
    """Raise CannotMeasure if something that the subject needs is missing on this machine."""
    if subject.redis and not bench.redis:
        raise CannotMeasure("no Redis here")
    _allow_files(connections + 200)


@contextlib.contextmanager
def running(subject: Subject, bench: Bench, connections: int) -> Iterator[Servers]:
    """Run the subject's servers, and its Redis, until the context ends.

    Raises CannotMeasure if something is missing, or CommandFailed with a server's output if it
    doesn't start.
    """
    check(subject, bench, connections)
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=bench.folder)))
        environment = _environment(bench, subject.folder, folder / "db.sqlite3")
        servers, room = Servers([], [], None, []), ROOM
        if subject.logged_in:
            shutil.copy(bench.users, folder / "db.sqlite3")
            servers.cookies, room = bench.cookies, bench.conversations[connections]
        if subject.redis:
            servers.redis = stack.enter_context(services.started_redis(bench.redis))
            environment["REDIS_URL"] = servers.redis
        for number in range(subject.processes):
            port = processes.free_port()
            command = COMMANDS[subject.server].format(port=port, application=subject.application)
            server = Process(
                [sys.executable, "-m", *command.split()],
                folder=chapters.folder(subject.folder) if subject.folder else chapters.ROOT,
                environment=environment,
                log=folder / f"{number}.log",
            )
            # Its shutdown isn't measured, and takes long with many connections.
            stack.callback(server.kill)
            server.wait_for(
                partial(processes.listens, port), f"{subject.title}: the server doesn't start."
            )
            servers.processes.append(server)
            servers.urls.append(f"ws://127.0.0.1:{port}/ws/chat/{room}/")
        yield servers


def _environment(bench: Bench, chapter: str | None, database: Path) -> dict[str, str]:
    """Return a server's environment, without the caller's variables for other projects."""
    settings = "config.settings" if chapter == SIXTH["folder"] else "benchmarks.apps.settings"
    return processes.project_env(
        PYTHONPATH=str(chapters.ROOT),
        SECRET_KEY=bench.secret,
        DEBUG="off",
        ALLOWED_HOSTS="127.0.0.1",
        DATABASE_URL=f"sqlite:///{database}",
        BENCH_DATABASE=str(database),
        **({"DJANGO_SETTINGS_MODULE": settings} if chapter else {}),
    )


def _allow_files(wanted: int) -> None:
    """Let this process and its servers open that many sockets, or raise CannotMeasure."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < wanted:
        raise CannotMeasure(f"it needs {wanted} open files; {most} are allowed (see ulimit -n)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
