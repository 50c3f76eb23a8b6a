"""Check servers that a service manager stops: with SIGTERM, and later with SIGKILL."""

import contextlib
import json
import shutil
import signal
import sys
import threading

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from course import chapters
from tests.faults.conftest import project_environment
from tests.faults.pages import (
    check_pages,
    check_recovery,
    retry_until_acknowledged,
    talk,
    wait_until_complete,
)
from tests.faults.processes import LEFT_BEHIND, Daphne, Process, environment, until
from tests.faults.sockets import Crowd

STOP_TIMEOUT = 5  # seconds from SIGTERM to SIGKILL
RUNS = 3


class Room:
    """A chapter's server, and sockets to it without a browser."""

    def __init__(self, server, chapter, project):
        self.server = server
        self.in_chapter_6 = chapter == "06"
        self.field = "chat_message" if chapter in ("05", "06") else "message"
        self.sessions = project.sessions
        self.path = f"/ws/chat/{project.conversation}/" if self.in_chapter_6 else "/ws/chat/lobby/"
        self.ended = threading.Event()
        self._cleanup = contextlib.ExitStack()

    def open(self):
        """Open a socket that stays until the room is closed."""
        return self._cleanup.enter_context(self.connect())

    def close(self):
        self.ended.set()
        self.server.kill()
        self._cleanup.close()

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

    def send(self, socket, text="Tea?"):
        socket.send(json.dumps({self.field: text}))

    def keep_talking(self, socket):
        """Send the next message as soon as there's an answer."""
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            while not self.ended.is_set():
                self.send(socket)
                socket.recv(timeout=30)

    def keep_reconnecting(self, *_):
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            while not self.ended.is_set():
                with self.connect():
                    pass

    def make_busy(self):
        """Open sockets that send, reconnect and listen; wait until messages flow."""
        listeners = [self.open() for _ in range(3)]
        for work in [self.keep_talking] * 3 + [self.keep_reconnecting] * 3:
            threading.Thread(target=work, args=[self.open()], daemon=True).start()
        for listener in listeners:
            for _ in range(20):
                listener.recv(timeout=30)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Copies of chapters 3 to 5, by number."""
    folders = {}
    for name in chapters.NAMES[2:5]:
        folders[name[:2]] = tmp_path_factory.mktemp("chapter") / name
        shutil.copytree(chapters.folder(name), folders[name[:2]], ignore=LEFT_BEHIND)
    return folders


@pytest.fixture
def open_room(folders, project, database, tmp_path):
    """Return a function that starts a chapter's server."""
    with contextlib.ExitStack() as cleanup:

        def open_room(chapter, **variables):
            if chapter == "06":
                folder, variables = project.folder, project_environment(database, **variables)
            else:
                folder, variables = folders[chapter], environment(**variables)
            room = Room(Daphne(folder, variables, tmp_path / "daphne.log"), chapter, project)
            cleanup.callback(room.close)
            room.server.start()
            return room

        yield open_room


@pytest.mark.parametrize("chapter", ["04", "05", "06"])
def test_stopped_server_frees_its_address_for_the_next(open_room, redis, chapter, count):
    """Stop a busy server several times, and start it again at the same address."""
    enough = 0
    for _ in range(RUNS):
        room = open_room(chapter, REDIS_URL=redis.url)
        room.make_busy()
        enough += room.server.stop(STOP_TIMEOUT)
        room.server.start()
        with room.connect():
            pass
        room.close()
    count("SIGTERM was enough", f"{enough} of {RUNS} times")


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_stopped_server_loses_no_acknowledged_message(request, redis, engine, count):
    chat = request.getfixturevalue(f"{engine}_chat")
    server = chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    enough = []
    stopping = threading.Thread(target=lambda: enough.append(server.stop(STOP_TIMEOUT)))
    senders = [chat.sender(name, 2_000) for name in ("carol", "dave")]
    with Crowd(senders, may_break=True):
        talk(people, 1)
        assert until(lambda: len(chat.ledger.acknowledged) > 50)
        stopping.start()
        while stopping.is_alive():
            talk(people, 0.1)
    assert all(sender.trouble for sender in senders), (
        "The senders finished before the server stopped."
    )
    count("SIGTERM was enough", enough[0])
    assert chat.ledger.faults({}) == []
    server.start()
    check_recovery(people, count)
    retry_until_acknowledged(people)
    wait_until_complete(people)
    check_pages(people, count)


@pytest.mark.parametrize("chapter", ["03", "04", "05"])
def test_worker_stops_after_it_has_answered(open_room, folders, redis, tmp_path, chapter, count):
    room = open_room(chapter, REDIS_URL=redis.url)
    worker = Process(tmp_path / "worker.log")
    words = [sys.executable, "manage.py", "runworker", "bot"]
    worker.run(words, cwd=folders[chapter], env=environment(REDIS_URL=redis.url))
    try:
        socket = room.open()
        room.send(socket, "/time")
        while "It is " not in socket.recv(timeout=30):
            pass
        assert worker.stop(STOP_TIMEOUT), (
            f"The worker still runs {STOP_TIMEOUT} seconds after SIGTERM."
        )
        assert worker.process.returncode in (0, -signal.SIGTERM)
    finally:
        worker.kill()
