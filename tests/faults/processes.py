"""Start, freeze and kill the servers that tests break: Redis, PostgreSQL and Daphne.

Each keeps its address when it's started again.
"""

import contextlib
import getpass
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
from redis import Redis as Client

from course import processes
from course.tasks import services

START_LIMIT = 60  # seconds that a server may take to start
LEFT_BEHIND = shutil.ignore_patterns("db.sqlite3*", "__pycache__", ".*cache")

# What a server logs about each request, and about its own start and end.
CHATTER = re.compile(
    r"^(127\.0\.0\.1|None|unix):?\S* - - \[|^\S+ \S+ (INFO|WARNING +Channel layer: in memory)"
)
# A log record, and its first words.
RECORD = re.compile(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL) +(.{1,22})")


def until(condition, seconds: float = START_LIMIT):
    """Return the condition's value as soon as it's true, or None after `seconds`."""
    return processes.until(condition, seconds, threading.Event())


class Process:
    """A process that can be frozen, killed and restarted. `log` keeps its output of all runs."""

    def __init__(self, log: Path):
        self.log = log
        self.process: subprocess.Popen | None = None

    def run(self, command: list, **where) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **where
            )

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it with SIGKILL, which gives it no chance to clean up."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self, seconds: float) -> bool:
        """Stop it as a service manager does: SIGTERM first, and SIGKILL after `seconds`.

        Returns whether SIGTERM was enough.
        """
        self.process.terminate()
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True


class Redis(Process):
    """A Redis that saves nothing to disk."""

    def __init__(self, program: str, scratch: Path):
        super().__init__(scratch / "redis.log")
        self._program = program
        self._scratch = scratch
        self._port = processes.free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        address = ["--port", f"{self._port}", "--bind", "127.0.0.1"]
        keep_nothing = ["--save", "", "--appendonly", "no"]
        self.run([self._program, *address, *keep_nothing], cwd=self._scratch)
        assert until(lambda: services.is_redis(self.url)), self.log.read_text()

    def subscriptions(self) -> dict[str, int]:
        """Return the number of subscribers of each channel that has any."""
        with Client.from_url(self.url, decode_responses=True) as client:
            return dict(client.pubsub_numsub(*client.pubsub_channels()))

    @contextlib.contextmanager
    def paused(self) -> Iterator[Callable[[], int]]:
        """Block all writes; yield a function that returns how many clients are blocked."""
        with Client.from_url(self.url) as client:
            client.execute_command("CLIENT", "PAUSE", "600000", "WRITE")
            yield lambda: client.info("clients")["blocked_clients"]


class Postgres(Process):
    """A PostgreSQL that keeps its data in a temporary folder."""

    def __init__(self, programs: Path):
        # Not in pytest's folder: other users can't enter that, and root can't run PostgreSQL.
        self._scratch = Path(tempfile.mkdtemp(prefix="course-postgres-"))
        super().__init__(self._scratch / "log")
        self._programs = programs
        self._port = processes.free_port()
        self._where = {"cwd": self._scratch}
        if os.geteuid() == 0:
            account = _unprivileged_account()
            os.chown(self._scratch, account.pw_uid, account.pw_gid)
            self._where |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._make_data()

    def _make_data(self) -> None:
        words = ["--username=chat", "--auth=trust", "--no-sync", "--locale=C", "--encoding=UTF8"]
        made = subprocess.run(
            [self._programs / "initdb", "--pgdata=data", *words],
            **self._where,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr

    def url(self, database: str = "postgres") -> str:
        return f"postgres://chat@127.0.0.1:{self._port}/{database}"

    def begin(self) -> None:
        """Start it without waiting until it accepts connections."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": self._scratch,
            "fsync": "off",  # the machine survives these tests, so nothing has to reach a disk
            "max_connections": 100,
        }
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self.run([self._programs / "postgres", "-D", "data", *words], **self._where)

    def start(self) -> None:
        self.begin()
        assert until(self.is_ready), self.log.read_text()

    def ensure_running(self) -> None:
        """Start it again if a test has stopped it."""
        if not self.is_ready():
            self.kill()
            self.start()

    def is_ready(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            self.execute("SELECT 1")
            return True
        return False

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url(), autocommit=True, connect_timeout=3) as connection:
            connection.execute(statement)

    def create_database(self, name: str, template: str = "template0") -> str:
        """Create a database as a copy of `template`; return its URL."""
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    def freeze(self) -> None:
        for process in self._family():
            process.suspend()

    def thaw(self) -> None:
        for process in self._family():
            process.resume()

    def kill(self) -> None:
        """Crash it: none of its processes can close its connections first."""
        family = self._family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        super().kill()
        psutil.wait_procs(family)

    def restart(self) -> None:
        """Restart it as an upgrade does: it tells each client that the connection ends."""
        self.process.send_signal(signal.SIGINT)  # PostgreSQL calls this a fast shutdown
        self.process.wait(START_LIMIT)
        self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self._scratch)

    def _family(self) -> list[psutil.Process]:
        """Return the server's process and its child processes, such as one per connection."""
        if self.process is None or self.process.poll() is not None:
            return []
        server = psutil.Process(self.process.pid)
        return [server, *server.children(recursive=True)]


def _unprivileged_account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise AssertionError(f"{getpass.getuser()} can't run PostgreSQL, and there's no other user.")


class Daphne(Process):
    """A Daphne in a project's folder."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        log: Path,
        application: str = "config.asgi:application",
    ):
        super().__init__(log)
        log.touch()
        self._folder = folder
        self._application = application
        self._environment = environment
        self.port = 0  # chosen by the system at the first start

    def begin(self) -> None:
        """Start it without waiting until it accepts connections."""
        self._since = len(self._read_log())
        words = ["-m", "daphne", "-p", f"{self.port}", self._application]
        self.run([sys.executable, *words], cwd=self._folder, env=self._environment)

    def wait(self) -> None:
        """Wait until it accepts connections."""

        def listens() -> re.Match | None:
            assert self.process.poll() is None, f"Daphne has ended:\n{self._read_log()}"
            return re.search(
                r"Listening on TCP address \S+:(\d+)\s", self._read_log()[self._since :]
            )

        found = until(listens)
        assert found, f"Daphne doesn't listen:\n{self._read_log()}"
        self.port = int(found[1])

    def start(self) -> None:
        self.begin()
        self.wait()

    def complaints(self) -> list[str]:
        """Return the lines of its log that aren't about requests, its start or its end."""
        lines = self._read_log().splitlines()
        return [line for line in lines if line.strip() and not CHATTER.match(line)]

    def handshakes(self) -> int:
        """Return how many handshakes have started, according to its log."""
        return self._read_log().count('"WSCONNECTING ')

    def sockets(self) -> int:
        """Return how many sockets are open since the last start, according to its log."""
        logged = self._read_log()[self._since :]
        return logged.count('"WSCONNECT ') - logged.count('"WSDISCONNECT ')

    def report(self) -> dict[str, int]:
        """Return the counts of `inside.py`: the layer's channels, memberships and lost events."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/faults/", timeout=10) as answer:
            return json.load(answer)

    def _read_log(self) -> str:
        return self.log.read_text(errors="replace")


def environment(**variables: str) -> dict[str, str]:
    """Return a project's environment: the caller's cleaned variables plus `variables`."""
    plain = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"}
    return {**processes.project_env(), **plain, **variables}


def bad_log_lines(lines: list[str]) -> list[str]:
    """Return the log lines that belong to a traceback, or that repeat an earlier line."""
    found = []
    logged = set()
    for line in lines:
        record = RECORD.match(line)
        if record is None or record[1] in logged:
            found.append(line)
        else:
            logged.add(record[1])
    return found
