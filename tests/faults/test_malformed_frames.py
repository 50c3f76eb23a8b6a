"""A thousand frames that carry no message, at each consumer on a real Daphne: who sends them is
told, and nobody else can tell that they were sent."""

import contextlib
import json

import malformed
import pytest
from answers import Markup, message, refusal, synced
from contract import CHAPTERS, WITH_SOCKET
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from listening import SOON, is_message, until
from websockets.exceptions import ConnectionClosed

from course import login

WITH_SYNC = [name for name in WITH_SOCKET if CHAPTERS[name].syncs]
TOGETHER = 20  # frames sent without waiting for an answer
BATCHES = 50
LIMIT = 1024 * 1024  # bytes that Daphne takes at once

# What fails is looked for frame by frame: to shrink it would cost a server's time, for minutes.
# What is large takes longer to make than hypothesis thinks right.
PATIENT = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=[
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.large_base_example,
        HealthCheck.too_slow,
    ],
)


class Room:
    """A running chapter, one who sends what is no message, and another member."""

    def __init__(self, name, server):
        self.contract = CHAPTERS[name]
        self.server = server
        self.people = ["", ""]
        if self.contract.people:
            self.people = [login.log_in(server.port, user) for user in self.contract.people[:2]]
        self.good = []  # the messages that were sent
        self._sockets = None
        self._ends = contextlib.ExitStack()

    @property
    def sockets(self):
        """The two sockets: open until something goes wrong, and then opened anew."""
        if self._sockets is None:
            self._sockets = [self._ends.enter_context(self.open(person)) for person in (0, 1)]
        return self._sockets

    def open(self, person):
        return self.server.open(self.contract.socket, self.people[person])

    def close(self):
        self._sockets = None
        self._ends.close()

    def say(self, socket):
        """Send a message, and return its text."""
        self.good.append(f"message {len(self.good)}")
        socket.send(json.dumps({self.contract.key: self.good[-1]}))
        return self.good[-1]

    def refuses(self, frames):
        """Send frames and then a message. Fails unless each frame is refused, to its sender."""
        own, other = self.sockets
        try:
            for frame in frames:
                own.send(frame)
            said = self.say(own)
            came = until(own, is_message)
            heard = until(other, is_message) if self.contract.shared else []
            assert message(came[-1]) == said, "it was sent on as a message"
            refused = [frame for frame in came if refusal(frame)]
            assert len(refused) == len(frames), f"{len(frames)} sent, {len(refused)} refused"
            assert [message(frame) for frame in heard] == [said][: len(heard)], "others heard it"
        except BaseException:
            self.close()
            raise

    def blame(self, frames):
        """Fail with the first of these that is not refused when it comes alone, if there is one."""
        for frame in frames:
            try:
                self.refuses([frame])
            except AssertionError as error:
                pytest.fail(f"{frame!r:.500}\n{error}", pytrace=False)

    def hears_nothing_else(self):
        """Let the other member speak: the answer is the first thing that they hear."""
        own, other = self.sockets
        said = self.say(other)
        came = until(other, is_message)
        assert message(came[-1]) == said
        assert [refusal(frame) for frame in came if refusal(frame)] == []
        if self.contract.shared:
            assert message(until(own, is_message)[-1]) == said

    def page(self):
        """Return the messages on the other member's page, or the page where it shows none."""
        page = "/chat/lobby/" if "/lobby/" in self.contract.socket else "/chat/2/"
        answer = self.server.ask("GET", page, self.people[1])
        assert answer.status == 200
        if not self.contract.people:
            return answer.text
        read = Markup(answer.text)
        return [text for where, text in read.texts if where[-2:] == ("li", "p")]


@pytest.fixture(scope="module", params=WITH_SOCKET)
def room(request, chapter_folders, serve_copy):
    """A chapter that runs for these tests alone."""
    server = serve_copy(chapter_folders[request.param])
    room = Room(request.param, server)
    with contextlib.closing(room):
        yield room
    server.end()


@pytest.fixture(autouse=True)
def quiet_log(room):
    """See that nothing was logged as an error while a test ran."""
    begin = len(room.server.log())
    yield
    if trouble := room.server.trouble(begin):
        pytest.fail(f"The server's log has:\n{trouble:.2000}")


def test_thousand_malformed_frames_are_refused(room):
    page = room.page()
    sent = []
    frames = malformed.frames(room.contract.key, room.contract.syncs)

    @settings(PATIENT, max_examples=BATCHES)
    @given(st.lists(frames, min_size=TOGETHER, max_size=TOGETHER, unique=True))
    def refused(frames):
        try:
            room.refuses(frames)
        except AssertionError:
            room.blame(frames)
            raise
        sent.extend(frames)

    refused()
    assert len(sent) >= 1000
    room.hears_nothing_else()
    # Where messages are stored, those of all these batches, and nothing else.
    assert room.page() == (room.good[-50:] if room.contract.people else page)


def test_frame_as_large_as_the_server_takes_is_refused_like_others(room):
    room.refuses(["x" * LIMIT, b"x" * LIMIT])


@pytest.mark.parametrize("room", WITH_SYNC, indirect=True)
@settings(PATIENT, max_examples=20)
@given(last=st.integers(0, 2**63 - 1))
def test_any_number_that_a_database_holds_is_answered(room, last):
    own, _ = room.sockets
    own.send(json.dumps({"sync": last}))
    assert synced(until(own, lambda frame: synced(frame) is not None)[-1]) >= last
    room.refuses([])


@settings(PATIENT, max_examples=10)
@given(
    size=st.integers(LIMIT + 1, 2 * LIMIT),
    character=st.sampled_from(["x", "[", " ", b"x", b"\0"]),
    pieces=st.integers(1, 4),
)
def test_what_is_larger_closes_that_socket_alone(room, size, character, pieces):
    whole = character * size
    length = -(-size // pieces)
    closes(room, [whole[start : start + length] for start in range(0, size, length)])


@settings(PATIENT, max_examples=20)
@given(st.binary(min_size=1, max_size=200).filter(lambda given: not is_utf_8(given)))
def test_text_that_is_no_utf_8_closes_that_socket_alone(room, text):
    closes(room, text, text=True)


def closes(room, frame, **options):
    """Send a frame, a list of them as one in pieces. Fails unless its socket alone is closed."""
    with room.open(0) as socket:
        with contextlib.suppress(ConnectionClosed):
            socket.send(frame, **options)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=SOON)
    room.refuses([])
    with room.open(0) as again:
        said = room.say(again)
        assert message(until(again, is_message)[-1]) == said
    if room.contract.shared:
        assert [message(until(socket, is_message)[-1]) for socket in room.sockets] == [said] * 2


def is_utf_8(given):
    try:
        given.decode()
    except UnicodeDecodeError:
        return False
    return True
