"""Provoke messages for real: with copies of chapters, servers, shells and a browser.

Commands and addresses are written the way a learner types them. They run with free ports in place
of 8000 and 6379, and what they print has the learner's ports again.
"""

import contextlib
import functools
import http.client
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from websockets.exceptions import InvalidHandshake
from websockets.sync.client import connect

from course import chapters
from course.console import CourseError
from course.pages import matching
from course.processes import Process, listens
from course.replay import shell
from course.replay.ports import Ports
from course.site import screenshots
from course.tasks import services
from tests.faults.processes import Postgres

RUN_LIMIT = 60  # seconds that a command may take
OPEN_LIMIT = 10  # seconds that a handshake or a request may take
RUNSERVER = "python manage.py runserver 8000 --noreload"
ROOM = "/ws/chat/lobby/"
LEFT_BEHIND = shutil.ignore_patterns("db.sqlite3*", "__pycache__", ".*cache")


@dataclass
class Printed:
    """What was printed, as far as it has come by now, and where one reads it."""

    where: str
    lines: Callable[[], list[str]]


class Server:
    """A server that runs in a folder. `log` is the file that it prints to."""

    def __init__(self, folder: Path, command: str, variables: dict[str, str], log: Path):
        self.ports = Ports()
        self._sockets = contextlib.ExitStack()
        self._process = Process(
            self.ports.to_replay(command),
            folder=folder,
            environment={**environment(), **variables},
            log=log,
        )

    @property
    def port(self) -> int:
        return self.ports.real[8000]

    def wait(self) -> None:
        """Return once it takes connections."""
        self._process.wait_for(lambda: listens(self.port), "The server doesn't start.")

    def lines(self) -> list[str]:
        """Return the whole lines that it has printed."""
        whole, newline, _ = self._process.printed().rpartition("\n")
        return matching.lines(self.ports.to_page(whole + newline))

    def log(self, since: int | None = None) -> Printed:
        """Return what it prints from now on, or from line `since`."""
        begin = len(self.lines()) if since is None else since
        return Printed("server log", lambda: self.lines()[begin:])

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> int:
        """Make a request, and return the status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=OPEN_LIMIT)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            return connection.getresponse().status

    def open(self, path: str = ROOM, origin: str = "http://127.0.0.1", cookies: str = "") -> None:
        """Open a socket as a page would, to stay until the server ends. It may be refused."""
        with contextlib.suppress(InvalidHandshake):
            opened = connect(
                f"ws://127.0.0.1:{self.port}{path}",
                origin=origin,
                additional_headers={"Cookie": cookies} if cookies else None,
                proxy=None,
                open_timeout=OPEN_LIMIT,
                close_timeout=0,
            )
            self._socket = self._sockets.enter_context(opened)

    def send(self, *frames: str) -> None:
        """Send frames through the socket that was opened last."""
        for frame in frames:
            self._socket.send(frame)

    def hang_up(self) -> None:
        """Let that socket go, as a browser that is closed."""
        self._socket.socket.close()

    def kill(self) -> None:
        """End it without a chance to clean up: some take their time over open sockets."""
        self._process.kill()
        self._sockets.close()


class Laboratory:
    """Copies, servers and a browser for one thread. What it starts ends with `close`."""

    def __init__(self, scratch: Path):
        self._scratch = scratch
        self._ends = contextlib.ExitStack()
        self._copies: dict[tuple, Path] = {}
        self._servers: dict[tuple, Server] = {}
        self._tested: dict[tuple, Printed] = {}
        self._count = 0

    def close(self) -> None:
        self._ends.close()

    def folder(self) -> Path:
        """Return a new empty folder."""
        self._count += 1
        folder = self._scratch / str(self._count)
        folder.mkdir()
        return folder

    def copy(self, chapter: str, *edits: str) -> Path:
        """Return a copy of a chapter with these edits; the same one for the same edits.

        Each is a path, some of that file, and what's there instead; "" of a new file. Without a
        chapter it's an empty folder.
        """
        key = (chapter, *edits)
        if key not in self._copies:
            folder = self.folder()
            if chapter:
                folder /= "project"
                shutil.copytree(chapters.folder(chapters.find(chapter)), folder, ignore=LEFT_BEHIND)
            for path, old, new in zip(edits[::3], edits[1::3], edits[2::3], strict=True):
                edit(folder / path, old, new)
            self._copies[key] = folder
        return self._copies[key]

    def run(
        self, folder: Path, command: str, ports: Ports | None = None, **variables: str
    ) -> Printed:
        """Run a line of bash until it ends. `ports` are those that stand for 8000 and 6379."""
        ports = ports or Ports()
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", ports.to_replay(command)],
            cwd=folder,
            env={**environment(), **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=RUN_LIMIT,
        )
        printed = matching.lines(ports.to_page(done.stdout.decode(errors="replace")))
        return Printed("terminal", lambda: printed)

    def pytest(self, folder: Path, words: str) -> Printed:
        """Run pytest until it ends; the same words in the same folder once."""
        key = (folder, words)
        if key not in self._tested:
            self._tested[key] = self.run(folder, f"pytest {words}")
        return Printed("pytest", self._tested[key].lines)

    def serve(self, folder: Path, command: str = RUNSERVER, **variables: str) -> Server:
        """Return the server that the command starts there; the one that runs, if it does."""
        key = (folder, command, *variables.items())
        if key not in self._servers:
            self._servers[key] = self.start(folder, command, **variables)
            self._servers[key].wait()
        return self._servers[key]

    def start(self, folder: Path, command: str, **variables: str) -> Server:
        """Start a server there, and wait for nothing."""
        server = Server(folder, command, variables, self.folder() / "log")
        self._ends.callback(server.kill)
        return server

    def console(
        self, server: Server, path: str = "/chat/lobby/", do: Callable | None = None
    ) -> Printed:
        """Open a page of the server's, `do` something there; return what the console says.

        The server answers at https://chat.example as well, as if a web server stood in front.
        """
        address = f"http://127.0.0.1:{server.port}"
        said: list[str] = []

        def pass_on(route) -> None:
            route.fulfill(response=route.fetch(url=address + urlsplit(route.request.url).path))

        page = self.browser.new_page(base_url=address)
        page.on("console", lambda message: said.extend(message.text.splitlines()))
        page.on("pageerror", lambda error: said.append(f"Uncaught {error.name}: {error.message}"))
        page.route("https://chat.example/**", pass_on)
        page.goto(path)
        if do:
            do(page)

        def lines() -> list[str]:
            page.evaluate("0")  # Playwright hands on what came whenever it is asked something
            return matching.lines(server.ports.to_page("\n".join(said)))

        return Printed("browser console", lines)

    @functools.cached_property
    def redis(self) -> str:
        """The address of a Redis."""
        return self._have(services.redis(os.environ))

    def guarded_redis(self, login: str) -> str:
        """Return the URL, with that login, of a Redis that requires one.

        It knows the user "chat" with the password "plum", who has no rights to channels.
        """
        return self._guarded_redis.replace("//", f"//{login}")

    @functools.cached_property
    def _guarded_redis(self) -> str:
        program = _or_skip(services.redis_program(), services.GET_REDIS)
        url = self._have(services.started_redis(program))
        with redis.Redis.from_url(url) as client:
            client.execute_command("ACL SETUSER chat on >plum resetchannels ~* +@all")
            client.execute_command("ACL SETUSER default resetpass >plum")
        return url

    @functools.cached_property
    def postgres(self) -> Postgres:
        """A PostgreSQL that's running."""
        postgres = Postgres(_or_skip(services.postgres_programs(), services.GET_POSTGRES))
        self._ends.callback(postgres.close)
        postgres.start()
        return postgres

    @functools.cached_property
    def browser(self):
        """A headless browser."""
        # Playwright stays in the thread that it was started in.
        alone = threading.current_thread() is threading.main_thread()
        assert alone, "In the browser one reads a `browser console` or a `page`."
        return self._have(screenshots.browser())

    def _have(self, service: contextlib.AbstractContextManager) -> Any:
        """Start something that ends with the laboratory; skip the test where it can't be had."""
        try:
            return self._ends.enter_context(service)
        except CourseError as trouble:
            pytest.skip(str(trouble))


def _or_skip(program: Any, sentence: str) -> Any:
    return program or pytest.skip(sentence)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text() if old else ""
    assert text.count(old) == 1, f"{path.name} doesn't have this once: {old}"
    path.write_text(text.replace(old, new))


def environment() -> dict[str, str]:
    """Return what a learner's terminal has set, the environment active, and nothing else."""
    return {
        **shell.VARIABLES,
        "HOME": os.environ.get("HOME", "/"),
        "PATH": f"{Path(sys.executable).parent}:{shell.SYSTEM}",
    }
