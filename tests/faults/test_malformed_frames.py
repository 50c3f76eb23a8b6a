"""Send a thousand malformed frames to each chapter's consumer on a real Daphne.

Their sender has to get an error for each, and other members must not notice anything.
"""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from course.replay import login
from tests.faults import malformed
from tests.support.answers import Markup, message, refusal, synced
from tests.support.contract import CHAPTERS, WITH_SOCKET
from tests.support.listening import SOON, is_message, until

WITH_SYNC = [name for name in WITH_SOCKET if CHAPTERS[name].syncs]
FRAMES = 1000
SYNC_FRAMES = 300
TOGETHER = 20  # frames sent without waiting for an answer
LIMIT = 1024 * 1024  # bytes that Daphne accepts in one frame

# Hypothesis would need minutes on a real server to find the simplest of the failing frames.
PATIENT = settings(
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.large_base_example, HealthCheck.too_slow],
)


class Room:
    """A running chapter, a member who sends malformed frames, and another member."""

    def __init__(self, name, server):
        self.contract = CHAPTERS[name]
        self.server = server
        self.people = ["", ""]
        if self.contract.people:
            self.people = [login.log_in(server.port, user) for user in self.contract.people[:2]]
        self.sent_texts = []  # the texts of the valid messages that were sent
        self._sockets = None
        self._cleanup = contextlib.ExitStack()

    @property
    def sockets(self):
        """The two members' sockets. After a failed check, they're opened again."""
        if self._sockets is None:
            self._sockets = [self._cleanup.enter_context(self.open(person)) for person in (0, 1)]
        return self._sockets

    def open(self, person):
        return self.server.open(self.contract.socket, self.people[person])

    def close(self):
        self._sockets = None
        self._cleanup.close()

    def say(self, socket):
        """Send a valid message; return its text."""
        self.sent_texts.append(f"message {len(self.sent_texts)}")
        socket.send(json.dumps({self.contract.key: self.sent_texts[-1]}))
        return self.sent_texts[-1]

    def check_refused(self, frames):
        """Send frames and then a message; check that each frame is refused, only to its sender."""
        own, other = self.sockets
        try:
            for frame in frames:
                own.send(frame)
            text = self.say(own)
            received = until(own, is_message)
            heard = until(other, is_message) if self.contract.shared else []
            assert message(received[-1]) == text, "it was forwarded as a message"
            refused = [frame for frame in received if refusal(frame)]
            assert len(refused) == len(frames), f"{len(frames)} sent, {len(refused)} refused"
            assert [message(frame) for frame in heard] == [text][: len(heard)], "others heard it"
        except BaseException:
            self.close()
            raise

    def check_all_refused(self, frames):
        """Send frames, many at a time, and check that each is refused."""
        frames = [malformed.for_key(frame, self.contract.key) for frame in frames]
        for start in range(0, len(frames), TOGETHER):
            batch = frames[start : start + TOGETHER]
            try:
                self.check_refused(batch)
            except AssertionError:
                self.fail_for_first_accepted(batch)
                raise

    def fail_for_first_accepted(self, frames):
        """Send each frame alone, and fail with the first one that isn't refused, if any."""
        for frame in frames:
            try:
                self.check_refused([frame])
            except AssertionError as error:
                pytest.fail(f"{frame!r:.500}\n{error}", pytrace=False)

    def check_others_heard_nothing(self):
        """Let the other member send a message, and check that it's the first thing they receive."""
        own, other = self.sockets
        text = self.say(other)
        received = until(other, is_message)
        assert message(received[-1]) == text
        assert [refusal(frame) for frame in received if refusal(frame)] == []
        if self.contract.shared:
            assert message(until(own, is_message)[-1]) == text

    def page(self):
        """Return the messages on the other member's page, or the whole page if it shows none."""
        page = "/chat/lobby/" if "/lobby/" in self.contract.socket else "/chat/2/"
        answer = self.server.ask("GET", page, self.people[1])
        assert answer.status == 200
        if not self.contract.people:
            return answer.text
        read = Markup(answer.text)
        return [text for where, text in read.texts if where[-2:] == ("li", "p")]


@pytest.fixture(scope="module", params=WITH_SOCKET)
def room(request, chapter_folders, serve_copy):
    """A chapter that runs only for these tests."""
    server = serve_copy(chapter_folders[request.param])
    room = Room(request.param, server)
    with contextlib.closing(room):
        yield room
    server.end()


@pytest.fixture(autouse=True)
def quiet_log(room):
    """Check that no error was logged while a test ran."""
    begin = len(room.server.log())
    yield
    if trouble := room.server.trouble(begin):
        pytest.fail(f"The server's log has:\n{trouble:.2000}")


@pytest.fixture(scope="module")
def frames():
    """The same frames for each chapter."""
    return malformed.generate(malformed.FRAMES, FRAMES)


def test_thousand_malformed_frames_are_refused(room, frames):
    page = room.page()
    room.check_all_refused(frames)
    if room.contract.syncs:
        room.check_all_refused(malformed.generate(malformed.SYNC_FRAMES, SYNC_FRAMES))
    room.check_others_heard_nothing()
    # If the chapter stores messages, its page shows the valid ones of these batches, and no others.
    assert room.page() == (room.sent_texts[-50:] if room.contract.people else page)


def test_frame_of_the_maximum_size_is_refused_like_others(room):
    room.check_refused(["x" * LIMIT, b"x" * LIMIT])


@pytest.mark.parametrize("room", WITH_SYNC, indirect=True)
@settings(PATIENT, max_examples=20)
@given(last=st.integers(0, 2**63 - 1))
def test_sync_from_any_valid_number_is_answered(room, last):
    own, _ = room.sockets
    own.send(json.dumps({"sync": last}))
    assert synced(until(own, lambda frame: synced(frame) is not None)[-1]) >= last
    room.check_refused([])


@settings(PATIENT, max_examples=10)
@given(
    size=st.integers(LIMIT + 1, 2 * LIMIT),
    character=st.sampled_from(["x", "[", " ", b"x", b"\0"]),
    pieces=st.integers(1, 4),
)
def test_oversized_frame_closes_only_its_own_socket(room, size, character, pieces):
    whole = character * size
    length = -(-size // pieces)
    check_only_own_socket_closes(
        room, [whole[start : start + length] for start in range(0, size, length)]
    )


@settings(PATIENT, max_examples=10)
@given(st.binary(min_size=1, max_size=200).filter(lambda given: not is_utf_8(given)))
def test_invalid_utf_8_closes_only_its_own_socket(room, text):
    check_only_own_socket_closes(room, text, text=True)


def check_only_own_socket_closes(room, frame, **options):
    """Send a frame (a list: in pieces), and check that only the sender's socket is closed."""
    with room.open(0) as socket:
        with contextlib.suppress(ConnectionClosed):
            socket.send(frame, **options)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=SOON)
    room.check_refused([])
    with room.open(0) as again:
        text = room.say(again)
        assert message(until(again, is_message)[-1]) == text
    if room.contract.shared:
        assert [message(until(socket, is_message)[-1]) for socket in room.sockets] == [text] * 2


def is_utf_8(given):
    try:
        given.decode()
    except UnicodeDecodeError:
        return False
    return True
