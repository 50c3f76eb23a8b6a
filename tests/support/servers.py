"""Run Daphne, Redis and PostgreSQL for tests, which may freeze, kill and restart them.

Each keeps its address when it's started again.
"""

import contextlib
import getpass
import http.client
import os
import pwd
import re
import shlex
import shutil
import signal
import sqlite3
import ssl
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import psutil
import psycopg
import redis
from websockets.sync.client import ClientConnection, connect

from course import chapters
from course.processes import START_LIMIT, Process, free_port, project_env, until
from course.site import screenshots
from course.tasks import services

ANSWER_LIMIT = 30  # seconds that an answer may take
# Seconds to wait for the server's half of the closing handshake. After an exception in a consumer,
# Daphne never sends it, and nothing but closing the socket has to wait for it.
CLOSE_LIMIT = 0.2
LEFT_BEHIND = shutil.ignore_patterns("db.sqlite3*", "__pycache__", ".*cache", ".venv*")

# Slow password hashes protect nothing in a test.
SETTINGS = """
from config.settings import *

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""
PREPARE = """
import django
from django.core.management import call_command

django.setup()
call_command("migrate", verbosity=0)
call_command("demo")
"""

# A date, a time, a level: `2026-11-21 12:00:00,000 ERROR    Exception inside application: ...`
TROUBLE = re.compile(r"^Traceback \(most recent|^\S+ \S+ (?:ERROR|CRITICAL) |^Unhandled", re.M)
# What Daphne logs about each request, and about its own start and end.
CHATTER = re.compile(
    r"^(127\.0\.0\.1|None|unix):?\S* - - \[|^\S+ \S+ (INFO|WARNING +Channel layer: in memory)"
)
# A log record, and its first words.
RECORD = re.compile(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL) +(.{1,22})")


class Server:
    """A program that can be frozen, killed and restarted. Its log keeps what all runs printed.

    `options` are those of course.processes.Process.
    """

    def __init__(self, command: list | str, log: Path, **options: Any):
        self.command = command
        self.process: Process | None = None
        self._log = log
        self._options = options
        self._since = 0  # how long the log was when the program started last

    def begin(self) -> None:
        """Start it without waiting until it's ready."""
        self._since = len(self.log())
        self.process = Process(self.command, log=self._log, **self._options)

    def wait(self) -> None:
        """Wait until it's ready."""

    def start(self) -> None:
        self.begin()
        self.wait()

    def freeze(self) -> None:
        self.process.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it with SIGKILL, which gives it no chance to clean up."""
        if self.process:
            self.process.kill()

    def stop(self, seconds: float) -> bool:
        """Stop it as a service manager does: SIGTERM first, and SIGKILL after `seconds`.

        Returns whether SIGTERM was enough.
        """
        self.process.popen.terminate()
        enough = until(self.process.ended, seconds)
        self.kill()
        return bool(enough)

    def log(self, since: int = 0) -> str:
        """Return what it has printed after the first `since` characters of its log."""
        return self._log.read_text(errors="replace")[since:] if self._log.exists() else ""


class Redis(Server):
    """A Redis that saves nothing to disk."""

    def __init__(self, program: str, scratch: Path):
        port = free_port()
        self.url = f"redis://127.0.0.1:{port}/0"
        address = ["--port", port, "--bind", "127.0.0.1"]
        command = [program, *address, "--save", "", "--appendonly", "no"]
        super().__init__(command, scratch / "redis.log", folder=scratch, environment=os.environ)

    def wait(self) -> None:
        self.process.wait_for(lambda: services.is_redis(self.url), "Redis doesn't answer.")

    def subscriptions(self) -> int:
        """Return how many subscriptions its clients have."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return sum(dict(client.pubsub_numsub(*client.pubsub_channels())).values())


class Postgres(Server):
    """A PostgreSQL that keeps its data in a temporary folder."""

    def __init__(self, programs: Path):
        # Not in pytest's folder: other users can't enter that, and root can't run PostgreSQL.
        self._scratch = Path(tempfile.mkdtemp(prefix="course-postgres-"))
        self._port = free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": self._scratch,
            "fsync": "off",  # the machine survives these tests, so nothing has to reach a disk
            "max_connections": 100,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        options = {"folder": self._scratch, "environment": os.environ}
        if os.geteuid() == 0:
            account = _unprivileged_account()
            os.chown(self._scratch, account.pw_uid, account.pw_gid)
            options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        super().__init__(
            [programs / "postgres", "-D", "data", *words], self._scratch / "log", **options
        )
        words = ["--username=chat", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]
        made = Process(
            [programs / "initdb", "--pgdata=data", *words], log=self._scratch / "initdb", **options
        )
        assert until(made.ended, START_LIMIT), made.printed()
        assert made.popen.returncode == 0, made.printed()

    def url(self, database: str = "postgres") -> str:
        return f"postgres://chat@127.0.0.1:{self._port}/{database}"

    def wait(self) -> None:
        self.process.wait_for(self.is_ready, "PostgreSQL doesn't answer.")

    def is_ready(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self.execute("SELECT 1")
            return True
        return False

    def ensure_running(self) -> None:
        """Start it again if a test has stopped it."""
        if not self.is_ready():
            self.kill()
            self.start()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=3) as connection:
            connection.execute(statement)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Create a database as a copy of `template`; return its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def kill(self) -> None:
        """Crash it: none of its processes, one per connection, can close anything first."""
        family = self._family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        super().kill()
        psutil.wait_procs(family[1:])

    def freeze(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.suspend()

    def thaw(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def _family(self) -> list[psutil.Process]:
        """Return its processes, the server first. Each leads a group of its own."""
        if not self.process or self.process.ended():
            return []
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]

    def restart(self) -> None:
        """Restart it as an upgrade does: it tells each client that the connection ends."""
        self.process.popen.send_signal(signal.SIGINT)  # PostgreSQL calls this a fast shutdown
        assert until(self.process.ended, START_LIMIT), self.log()
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._scratch)


def _unprivileged_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError(f"{getpass.getuser()} can't run PostgreSQL, and there's no other user.")


def daphne(*words: str) -> list:
    """Return the command for a Daphne on a port of its own; `words` are its other arguments."""
    return [sys.executable, "-m", "daphne", "-p", free_port(), *words]


@dataclass(frozen=True)
class Answer:
    """The response to a request. `cookies` are the ones that it set."""

    status: int
    text: str
    location: str
    cookies: dict[str, str]


def ask(
    origin: str,
    method: str,
    path: str,
    cookies: str = "",
    form: dict[str, str] | None = None,
    seconds: float = ANSWER_LIMIT,
    tls: ssl.SSLContext | None = None,
    **headers: str,
) -> Answer:
    """Make a request without following redirects. Raises OSError, and TimeoutError after `seconds`.

    `tls` says which certificates to trust where `origin` is `https://HOST:PORT`.
    """
    sent = {**headers, **({"Cookie": cookies} if cookies else {})}
    body = None
    if form is not None:
        body = urlencode(form)
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    address = urlsplit(origin)
    options = {"timeout": seconds}
    if address.scheme == "https":
        made = http.client.HTTPSConnection(address.hostname, address.port, context=tls, **options)
    else:
        made = http.client.HTTPConnection(address.hostname, address.port, **options)
    with closing(made) as connection:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    pairs = (line.split(";")[0] for line in answer.headers.get_all("Set-Cookie", []))
    cookies_set = dict(pair.split("=", 1) for pair in pairs)
    return Answer(answer.status, text, answer.headers.get("Location", ""), cookies_set)


class Daphne(Server):
    """A Daphne, or another web server, on a project in `folder`.

    Without `command` it runs the project on Daphne. `variables` are set in its environment.
    """

    def __init__(
        self, folder: Path, log: Path, command: list | str | None = None, **variables: str
    ):
        environment = project_env(**{"PYTHONUNBUFFERED": "1", **variables})
        command = command or daphne("config.asgi:application")
        super().__init__(command, log, folder=folder, environment=environment)
        self.folder = folder
        self._port = 0

    def wait(self) -> None:
        self._port = self.process.port()

    @property
    def port(self) -> int:
        """The port it listens on, as soon as it does."""
        if not self._port:
            self.wait()
        return self._port

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method: str, path: str, *arguments: Any, **options: Any) -> Answer:
        """Make a request as the function `ask` does."""
        return ask(self.origin, method, path, *arguments, **options)

    def open(self, path: str, cookies: str = "", origin: str | None = "own") -> ClientConnection:
        """Open a socket as a page from `origin` would. Raises InvalidStatus if it's refused."""
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            origin=self.origin if origin == "own" else origin,
            additional_headers={"Cookie": cookies} if cookies else None,
            proxy=None,
            open_timeout=ANSWER_LIMIT,
            close_timeout=CLOSE_LIMIT,
        )

    def trouble(self, since: int = 0) -> str:
        """Return the log from the first traceback or error after `since`, or an empty string."""
        log = self.log(since)
        found = TROUBLE.search(log)
        return log[found.start() :] if found else ""

    def complaints(self) -> list[str]:
        """Return the lines of its log that aren't about requests, its start or its end."""
        return [line for line in self.log().splitlines() if line and not CHATTER.match(line)]

    def bad_lines(self) -> list[str]:
        """Return the complaints that belong to a traceback, or that repeat an earlier line."""
        found = []
        logged = set()
        for line in self.complaints():
            record = RECORD.match(line)
            if record is None or record[1] in logged:
                found.append(line)
            else:
                logged.add(record[1])
        return found

    def sockets(self) -> int:
        """Return how many sockets are open since the last start, according to its log."""
        logged = self.log(self._since)
        return logged.count('"WSCONNECT ') - logged.count('"WSDISCONNECT ')


class Served(Daphne):
    """A server on a copy of a chapter's folder, with a database and an in-memory layer of its own.

    Creating it starts it, and `end` stops it. `command` replaces
    `daphne -p 0 config.asgi:application`, and `variables` are set in the server's environment.
    """

    def __init__(self, folder: Path, scratch: Path, command: str = "", **variables: str):
        copy = copy_of(folder, scratch)
        python = shlex.quote(sys.executable)
        line = f"exec {python} -m {command or 'daphne -p 0 config.asgi:application'}"
        if any(copy.glob("chat/migrations/0*.py")):
            # The other chapters have no tables of their own, so they don't need a database.
            line = f"{python} -c {shlex.quote(PREPARE)} && {line}"
        variables = {"DJANGO_SETTINGS_MODULE": "copy_settings", **variables}
        super().__init__(copy, scratch / "log", line, **variables)
        self.begin()

    def end(self) -> None:
        """Kill it, because some servers stop slowly while sockets are open."""
        self.kill()

    def stored(self) -> list[str]:
        """Return everything in the database as lines of SQL."""
        database = self.folder / "db.sqlite3"
        if not database.exists():
            return []
        with closing(sqlite3.connect(database, timeout=ANSWER_LIMIT)) as connection:
            return list(connection.iterdump())

    def change(self, sql: str, *values: str) -> None:
        """Change the database directly, without the server."""
        database = self.folder / "db.sqlite3"
        with closing(sqlite3.connect(database, timeout=ANSWER_LIMIT)) as connection, connection:
            connection.execute(sql, values)


def copy_of(folder: Path, scratch: Path, settings: str = "") -> Path:
    """Copy a chapter's folder into `scratch`, and add `copy_settings` that may have more lines."""
    copy = scratch / folder.name
    shutil.copytree(folder, copy, ignore=LEFT_BEHIND)
    (copy / "copy_settings.py").write_text(SETTINGS + settings)
    return copy


@contextlib.contextmanager
def all_served(names: list[str], filled_by: str = screenshots.PEOPLE) -> Iterator[dict[str, str]]:
    """Serve these chapters for a browser, all at once; yield their addresses by name."""
    with contextlib.ExitStack() as stack:

        def serve(name):
            return stack.enter_context(screenshots.served(chapters.folder(name), filled_by))

        with ThreadPoolExecutor(len(names)) as pool:
            addresses = list(pool.map(serve, names))
        yield dict(zip(names, addresses, strict=True))
