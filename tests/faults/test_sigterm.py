"""SIGTERM, by which a service manager stops a server: it has to be gone within 5 seconds."""

import contextlib
import http.client
import json
import shutil
import signal
import sys
import threading

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from course import chapters
from tests.faults.conftest import of_project
from tests.faults.processes import LEFT_BEHIND, Daphne, Process, environment, until

LIMIT = 5  # seconds
TOKEN = "t" * 32  # against forged requests; a cookie and a form that agree are believed


class Room:
    """A chapter's server with nobody at its pages, and sockets without a browser."""

    def __init__(self, server, chapter, project):
        self.server = server
        self.in_chapter_6 = chapter == "06"
        self.field = "chat_message" if chapter in ("05", "06") else "message"
        self.sessions = project.sessions
        self.path = f"/ws/chat/{project.conversation}/" if self.in_chapter_6 else "/ws/chat/lobby/"
        self.ended = threading.Event()
        self._ends = contextlib.ExitStack()

    def open(self):
        """Open a socket, until the server has ended."""
        return self._ends.enter_context(self.connect())

    def close(self):
        self.ended.set()
        self.server.kill()
        self._ends.close()

    def connect(self):
        cookie = {"Cookie": f"sessionid={self.sessions['ann']}"} if self.in_chapter_6 else None
        address = f"ws://127.0.0.1:{self.server.port}{self.path}"
        return connect(
            address,
            origin="http://127.0.0.1",
            additional_headers=cookie,
            proxy=None,
            open_timeout=30,
            close_timeout=0,
        )

    def say(self, socket, text="Tea?"):
        socket.send(json.dumps({self.field: text}))

    def keep_talking(self, socket):
        """Say something again as soon as there is an answer."""
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            while not self.ended.is_set():
                self.say(socket)
                socket.recv(timeout=30)

    def come_and_go(self, *_):
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            while not self.ended.is_set():
                with self.connect():
                    pass


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Copies of chapters 3 to 5, by number."""
    folders = {}
    for name in chapters.NAMES[2:5]:
        folders[name[:2]] = tmp_path_factory.mktemp("chapter") / name
        shutil.copytree(chapters.folder(name), folders[name[:2]], ignore=LEFT_BEHIND)
    return folders


@pytest.fixture
def serve(folders, project, database, tmp_path):
    """Return a function that starts a chapter's server."""
    with contextlib.ExitStack() as ends:

        def serve(chapter, **variables):
            if chapter == "06":
                folder, variables = project.folder, of_project(database, **variables)
            else:
                folder, variables = folders[chapter], environment(**variables)
            room = Room(Daphne(folder, variables, tmp_path / "daphne.log"), chapter, project)
            ends.callback(room.close)
            room.server.start()
            return room

        yield serve


def end(process, count):
    took = process.end_by_sigterm(LIMIT)
    assert took is not None, f"It is still there after {LIMIT} seconds."
    count("gone after", f"{took:.1f} s")


@pytest.mark.parametrize("layer", ["memory", "redis"])
@pytest.mark.parametrize("chapter", ["03", "04", "05", "06"])
def test_server_ends_in_the_middle_of_it_all(serve, redis, chapter, layer, count):
    room = serve(chapter, **({"REDIS_URL": redis.url} if layer == "redis" else {}))
    quiet = [room.open() for _ in range(3)]
    for work in [room.keep_talking] * 3 + [room.come_and_go] * 3:
        threading.Thread(target=work, args=[room.open()], daemon=True).start()
    for socket in quiet:  # each has heard the others, who are well under way
        for _ in range(20):
            socket.recv(timeout=30)
    end(room.server, count)


@pytest.mark.parametrize("layer", ["memory", "redis"])
@pytest.mark.parametrize("chapter", ["03", "04", "05", "06"])
def test_server_ends_though_nobody_says_anything(serve, redis, chapter, layer, count):
    room = serve(chapter, **({"REDIS_URL": redis.url} if layer == "redis" else {}))
    for _ in range(3):
        with room.connect():
            pass
    quiet = [room.open() for _ in range(3)]
    assert until(lambda: room.server.sockets() == len(quiet))
    end(room.server, count)


@pytest.mark.parametrize("chapter", ["03", "04", "05", "06"])
def test_server_ends_while_a_handler_waits_for_redis(serve, redis, chapter, count):
    room = serve(chapter, REDIS_URL=redis.url)
    socket = room.open()
    with redis.paused() as waiting:
        before = waiting()
        room.say(socket)
        assert until(lambda: waiting() > before)
        # One more that comes at the last moment.
        threading.Thread(target=room.come_and_go, daemon=True).start()
        assert until(lambda: room.server.handshakes() > 1)
        end(room.server, count)


def test_server_ends_while_somebody_logs_out(serve, redis, count):
    room = serve("06", REDIS_URL=redis.url)
    with redis.paused() as waiting:
        before = waiting()
        threading.Thread(target=log_out, args=[room], daemon=True).start()
        assert until(lambda: waiting() > before)
        end(room.server, count)


def log_out(room):
    connection = http.client.HTTPConnection("127.0.0.1", room.server.port, timeout=30)
    headers = {
        "Cookie": f"sessionid={room.sessions['bob']}; csrftoken={TOKEN}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("POST", "/accounts/logout/", f"csrfmiddlewaretoken={TOKEN}", headers)
        connection.getresponse()


@pytest.mark.parametrize("chapter", ["03", "04", "05"])
def test_worker_ends_when_it_has_answered(serve, folders, redis, tmp_path, chapter, count):
    room = serve(chapter, REDIS_URL=redis.url)
    worker = Process(tmp_path / "worker.log")
    words = [sys.executable, "manage.py", "runworker", "bot"]
    worker.run(words, cwd=folders[chapter], env=environment(REDIS_URL=redis.url))
    try:
        socket = room.open()
        room.say(socket, "/time")
        while "It is " not in socket.recv(timeout=30):
            pass
        end(worker, count)
        assert worker.process.returncode in (0, -signal.SIGTERM)
        end(room.server, count)
    finally:
        worker.kill()
