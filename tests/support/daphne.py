"""Run a copy of a chapter on a real Daphne, with its own database and an in-memory layer."""

import http.client
import os
import re
import shlex
import shutil
import signal
import sqlite3
import sys
import threading
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from websockets.sync.client import ClientConnection, connect

from course import processes
from course.processes import project_env

START_LIMIT = 60  # seconds that a database and a server may take
ANSWER_LIMIT = 20  # seconds that an answer may take
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


@dataclass(frozen=True)
class Answer:
    """The response to a request. `cookies` are the ones that it set."""

    status: int
    text: str
    location: str
    cookies: dict[str, str]


class Served:
    """A server on a copy of a chapter's folder. Creating it starts it, and `end` stops it.

    `command` replaces `daphne -p 0 config.asgi:application`, and `variables` are set in the
    server's environment.
    """

    def __init__(self, folder: Path, scratch: Path, command: str = "", **variables: str):
        self.folder = scratch / folder.name
        shutil.copytree(folder, self.folder, ignore=LEFT_BEHIND)
        self._log = scratch / "log"
        (self.folder / "copy_settings.py").write_text(SETTINGS)
        python = shlex.quote(sys.executable)
        command = f"exec {python} -m {command or 'daphne -p 0 config.asgi:application'}"
        if any(self.folder.glob("chat/migrations/0*.py")):
            # The other chapters have no tables of their own, so they don't need a database.
            command = f"{python} -c {shlex.quote(PREPARE)} && {command}"
        environment = {
            **project_env(os.environ),
            "DJANGO_SETTINGS_MODULE": "copy_settings",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **variables,
        }
        self.process = processes.start(command, environment, str(self.folder), self._log)
        self._port: int | None = None

    @property
    def port(self) -> int:
        """Wait until the server listens; return its port."""
        if self._port is None:
            found = processes.until(self._listens, START_LIMIT, threading.Event())
            assert found and found != "over", f"Daphne doesn't listen:\n{self.log()}"
            self._port = int(found[1])
        return self._port

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def end(self) -> None:
        """Kill the server, because some servers stop slowly while sockets are open."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def log(self, since: int = 0) -> str:
        """Return what the server has printed after the first `since` characters of its log."""
        return self._log.read_text(errors="replace")[since:]

    def trouble(self, since: int = 0) -> str:
        """Return the log from the first traceback or error after `since`, or an empty string."""
        log = self.log(since)
        found = TROUBLE.search(log)
        return log[found.start() :] if found else ""

    def ask(
        self,
        method: str,
        path: str,
        cookies: str = "",
        form: dict[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        """Make a request without following redirects."""
        sent = {**headers, **({"Cookie": cookies} if cookies else {})}
        body = None
        if form is not None:
            body = urlencode(form)
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_LIMIT)
        with closing(connection):
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        pairs = (line.split(";")[0] for line in answer.headers.get_all("Set-Cookie", []))
        cookies_set = dict(pair.split("=", 1) for pair in pairs)
        return Answer(answer.status, text, answer.headers.get("Location", ""), cookies_set)

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

    def _listens(self) -> re.Match | str | None:
        found = re.search(
            r"(?:Listening on TCP address|(?:running|server) \w+) \S+:(\d+)[\s/]", self.log()
        )
        return found or ("over" if self.process.poll() is not None else None)
