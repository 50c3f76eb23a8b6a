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
from urllib.parse import urlsplit

import psutil
from redis import Redis

from benchmarks.subjects import SIXTH, CannotMeasure, Subject
from course import chapters, console, processes
from course.pages import file_tree
from course.processes import Process
from course.replay import recordings
from course.tasks import services

ROOM = "bench"

# Arguments of `python -m`, with the port and the application to fill in.
COMMANDS = {
    "daphne": "daphne -b 127.0.0.1 -p {port} {application}",
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} --no-access-log --loop uvloop"
    " --ws websockets-sansio --ws-per-message-deflate false {application}",
    "granian": "granian --interface asginl --host 127.0.0.1 --port {port} {application}",
    "python": "{application} {port}",
}


@dataclass
class Bench:
    """What all servers of a run share. `redis` is Redis's program, or None if it's missing.

    create_users() makes chapter 6's database, `users`, with a conversation of each size, or it
    fills the PostgreSQL database at `postgres`. `cookies` holds a Cookie header for each user, and
    `conversations` an ID for each size.
    """

    folder: Path
    redis: str | None = None
    postgres: str | None = None
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
    connection, if users have to be logged in. `title` is the subject's, and `launches` start a
    server each.
    """

    urls: list[str]
    processes: list[Process]
    redis: str | None
    cookies: list[str]
    title: str = ""
    launches: list[Callable[[], Process]] = field(default_factory=list)

    def start(self) -> None:
        """Start all of them, and wait until they listen. Raises CommandFailed."""
        self.processes = [launch() for launch in self.launches]
        for process, url in zip(self.processes, self.urls, strict=True):
            listens = partial(processes.listens, urlsplit(url).port)
            process.wait_for(listens, f"{self.title}: the server doesn't start.")

    def kill(self) -> None:
        """End all of them without a chance to clean up."""
        for process in self.processes:
            process.kill()

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

    def is_connected(self, port: int) -> bool:
        """Return whether a server holds the connection of a client that uses that local port.

        Raises CourseError if a server has ended.
        """
        held = sum(self._of_each(partial(psutil.Process.net_connections, kind="tcp")), [])
        return any(one.raddr and one.raddr.port == port for one in held)

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
        env=_environment(bench, SIXTH["lesson"], bench.users),
        cwd=chapters.folder(SIXTH["lesson"]),
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
        environment = _environment(bench, subject.lesson, folder / "db.sqlite3")
        folder_served = project(subject, bench)
        servers, room = Servers([], [], None, [], subject.title), ROOM
        if subject.logged_in:
            if not bench.postgres:
                shutil.copy(bench.users, folder / "db.sqlite3")
            servers.cookies, room = bench.cookies, bench.conversations[connections]
        if subject.redis:
            servers.redis = stack.enter_context(services.started_redis(bench.redis))
            environment["REDIS_URL"] = servers.redis
        if folder_served.is_relative_to(bench.folder):  # it may have migrations of its own
            migrate = [sys.executable, "manage.py", "migrate", "--verbosity=0"]
            processes.run(
                migrate, f"{subject.title}: can't migrate.", env=environment, cwd=folder_served
            )
        for number in range(subject.processes):
            port = processes.free_port()
            command = COMMANDS[subject.server].format(port=port, application=subject.application)
            words = [sys.executable, "-m", *command.split()]
            log = folder / f"{number}.log"
            servers.launches.append(
                partial(Process, words, folder=folder_served, environment=environment, log=log)
            )
            servers.urls.append(f"ws://127.0.0.1:{port}/ws/chat/{room}/")
        # Their shutdown isn't measured, and takes long with many connections.
        stack.callback(servers.kill)
        servers.start()
        yield servers


def project(subject: Subject, bench: Bench) -> Path:
    """Return the folder that the subject is served from, which for a step is written first."""
    if subject.lesson is None:
        return chapters.ROOT
    if subject.step is None and chapters.is_committed(subject.lesson):
        return chapters.folder(subject.lesson)
    folder = bench.folder / f"{subject.lesson}-{subject.step}"
    if not folder.exists():
        folder.mkdir()
        file_tree.write(recordings.read(subject.lesson).after_step(subject.step), folder)
    return folder


def _environment(bench: Bench, lesson: str | None, database: Path) -> dict[str, str]:
    """Return a server's environment, without the caller's variables for other projects."""
    sixth = lesson and chapters.chapter_of(lesson) == SIXTH["lesson"]
    settings = "config.settings" if sixth else "benchmarks.apps.settings"
    return processes.project_env(
        PYTHONPATH=str(chapters.ROOT),
        SECRET_KEY=bench.secret,
        DEBUG="off",
        ALLOWED_HOSTS="127.0.0.1",
        DATABASE_URL=bench.postgres or f"sqlite:///{database}",
        BENCH_DATABASE=str(database),
        **({"DJANGO_SETTINGS_MODULE": settings} if lesson else {}),
    )


def _allow_files(wanted: int) -> None:
    """Let this process and its servers open that many sockets, or raise CannotMeasure."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < wanted:
        raise CannotMeasure(f"it needs {wanted} open files; {most} are allowed (see ulimit -n)")
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
