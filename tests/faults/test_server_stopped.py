"""Check servers that are killed, hang, or are stopped by a service manager: SIGTERM, SIGKILL."""

import contextlib
import json
import signal
import sys
import threading

import pytest
from websockets.exceptions import WebSocketException

from course import chapters, processes
from course.processes import until
from tests.faults.conftest import variables_for
from tests.faults.pages import check_pages, check_recovery, retry_until_acknowledged, talk
from tests.faults.sockets import PATIENCE, Crowd
from tests.faults.subject import SUBSCRIPTIONS
from tests.support.contract import CHAPTERS
from tests.support.servers import Daphne, Server, copy_of

STOP_TIMEOUT = 5  # seconds from SIGTERM to SIGKILL
RUNS = 2


def test_chat_continues_after_the_server_is_killed(chat, redis, count):
    server = chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    for _ in range(2):
        talk(people, 1)
        server.freeze()  # so that both people have a message under way
        talk(people, 0.5)
        server.kill()
        for person in people:
            person.wait_until_disconnected()
        talk(people, 0.5)
        for person in people:
            person.wait_for_notice("Not yet")  # it's sent again by itself
        server.start()
        check_recovery(people, count)
    talk(people, 1)
    retry_until_acknowledged(people)
    check_pages(people, count)
    chat.check_log(count)
    # Dead connections have left no subscription behind.
    assert until(lambda: redis.subscriptions() == SUBSCRIPTIONS, PATIENCE), redis.subscriptions()


def test_pressing_enter_repeatedly_sends_one_message(chat, count):
    server = chat.serve()
    ann, bob = chat.open_pages("ann", "bob")
    server.freeze()
    ann.send_new_text()
    for _ in range(10):
        ann.press_enter()
    server.thaw()
    check_recovery([ann, bob], count)
    retry_until_acknowledged([ann])
    check_pages([ann, bob], count)
    assert len(bob.messages()) == 1
    chat.check_log(count)


def test_stopped_server_loses_no_acknowledged_message(chat, redis, count):
    server = chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    enough = []
    stopping = threading.Thread(target=lambda: enough.append(server.stop(STOP_TIMEOUT)))
    senders = [chat.sender(name, 4000) for name in ("carol", "dave")]
    with Crowd(senders, may_break=True):
        talk(people, 1)
        assert until(lambda: len(chat.ledger.acknowledged) > 50, PATIENCE)
        stopping.start()
        while stopping.is_alive():
            talk(people, 0.1)
    assert all(sender.trouble for sender in senders), "They finished before the server stopped."
    count("SIGTERM was enough", enough[0])
    assert chat.ledger.faults({}) == []
    server.start()
    check_recovery(people, count)
    retry_until_acknowledged(people)
    check_pages(people, count)


class Room:
    """A chapter's server and worker, and sockets to the server without a browser."""

    def __init__(self, name, folder, variables, scratch):
        self.contract = CHAPTERS[name]
        self.server = Daphne(folder, scratch / "daphne.log", **variables)
        self.worker = Server(
            [sys.executable, "manage.py", "runworker", "bot"],
            scratch / "worker.log",
            folder=folder,
            environment=processes.project_env(**variables),
        )
        self.path = self.contract.socket
        self.cookie = ""
        self.ended = threading.Event()
        self._cleanup = contextlib.ExitStack()

    def open(self):
        """Open a socket that stays until the room is closed."""
        return self._cleanup.enter_context(self.server.open(self.path, self.cookie))

    def close(self):
        self.ended.set()
        self.server.kill()
        self.worker.kill()
        self._cleanup.close()

    def send(self, socket, text="Tea?"):
        socket.send(json.dumps({self.contract.key: text}))

    def keep_talking(self, socket):
        """Send the next message as soon as there's an answer."""
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            while not self.ended.is_set():
                self.send(socket)
                socket.recv(timeout=PATIENCE)

    def keep_reconnecting(self, *_):
        with contextlib.suppress(WebSocketException, OSError, TimeoutError):
            while not self.ended.is_set():
                with self.server.open(self.path, self.cookie):
                    pass

    def make_busy(self):
        """Open sockets that send, reconnect and listen; wait until messages flow."""
        listeners = [self.open() for _ in range(3)]
        for work in [self.keep_talking] * 3 + [self.keep_reconnecting] * 3:
            threading.Thread(target=work, args=[self.open()], daemon=True).start()
        for listener in listeners:
            for _ in range(20):
                listener.recv(timeout=PATIENCE)


@pytest.fixture
def room(request, project, redis, tmp_path):
    """A chapter whose server is about to listen. `request.param` is its number."""
    name = chapters.find(request.param)
    if name == chapters.DEMO:
        folder, variables = project.folder, variables_for(project.database)
    else:
        folder, variables = copy_of(chapters.folder(name), tmp_path), {}
    room = Room(name, folder, {**variables, "REDIS_URL": redis.url}, tmp_path)
    if name == chapters.DEMO:
        room.path = f"/ws/chat/{project.conversation}/"
        room.cookie = f"sessionid={project.sessions['ann']}"
    with contextlib.closing(room):
        room.server.begin()
        yield room


@pytest.mark.parametrize("room", ["03", "04", "05"], indirect=True)
def test_worker_stops_after_it_has_answered(room):
    room.worker.begin()
    socket = room.open()
    room.send(socket, "/time")
    while "It is " not in socket.recv(timeout=PATIENCE):
        pass
    assert room.worker.stop(STOP_TIMEOUT), f"It still runs {STOP_TIMEOUT} seconds after SIGTERM."
    assert room.worker.process.popen.returncode in (0, -signal.SIGTERM)


@pytest.mark.parametrize("room", ["04", "05", "06"], indirect=True)
def test_stopped_server_frees_its_address_for_the_next(room, count):
    """Stop a busy server several times, and start it again at the same address."""
    enough = 0
    for _ in range(RUNS):
        room.make_busy()
        enough += room.server.stop(STOP_TIMEOUT)
        room.server.start()
        room.open()
    count("SIGTERM was enough", f"{enough} of {RUNS} times")
