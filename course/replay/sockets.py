"""Open WebSockets and compare what arrives with what a page shows."""

import contextlib
import json
import threading
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from course import processes
from course.pages import matching
from course.pages.matching import Mismatch
from course.replay.login import OWN_AUTHORITY

ANSWER_LIMIT = 5  # seconds in which what the page shows has to arrive
OPEN_LIMIT = 10  # seconds that a handshake may take
CLOSE_LIMIT = 3  # seconds that a server may take to say goodbye


class Socket:
    """One end of a WebSocket. `end` is how it ended, such as "4403" or "HTTP 403", or None."""

    def __init__(
        self,
        name: str,
        connection: ClientConnection | None,
        end: str | None,
        halt: threading.Event,
    ):
        self._name = name or "the page"
        self._connection = connection
        self._end = end
        self._halt = halt
        self._end_shown = False

    def send(self, frame: str) -> None:
        """Send a text frame. Raises Mismatch if the socket isn't open."""
        try:
            if not self._end:
                self._connection.send(frame)
        except ConnectionClosed as closed:
            self._end = _code(closed)
        if self._end:
            raise Mismatch(f"{self._name} can't send: the socket ended with {self._end}")

    def receive(self, shown: str) -> None:
        """Wait for the frame that the page shows. Raises Mismatch, Halted."""
        frame = self._next(ANSWER_LIMIT)
        if self._end:
            raise Mismatch(f"{self._name} gets nothing more: the socket ended with {self._end}")
        if frame is None:
            raise Mismatch(f"{self._name} got nothing within {ANSWER_LIMIT} s; shown is: {shown}")
        if not same(shown, frame):
            raise Mismatch(
                f"{self._name} got another frame.\n\nThe page shows:\n\n    {shown}\n\n"
                f"It was:\n\n    {_one_line(frame)}"
            )

    def ends(self, shown: str) -> None:
        """Wait until the socket ends as the page shows: `4403`, `HTTP 403`. Raises Mismatch."""
        frame = self._next(ANSWER_LIMIT)
        came = "" if frame is None else f", and this came: {frame}"
        if self._end != shown:
            how = f"it ended with {self._end}" if self._end else f"it's still open{came}"
            raise Mismatch(f"{self._name}'s socket should end with {shown}, but {how}")
        self._end_shown = True

    def finish(self, seconds: float) -> None:
        """Check for `seconds` that nothing happens that the page doesn't show. Raises Mismatch."""
        if self._end_shown:
            return
        frame = self._next(seconds)
        if self._end:
            raise Mismatch(
                f"{self._name}'s socket ended with {self._end}, but the page doesn't show that"
            )
        if frame is not None:
            raise Mismatch(
                f"{self._name} also got a frame that the page doesn't show: {_one_line(frame)}"
            )

    def close(self) -> None:
        """Close the socket if it's open."""
        if self._connection:
            self._connection.close()

    def _next(self, seconds: float) -> str | bytes | None:
        """Return the next frame, or None if the socket ends or none comes within `seconds`."""

        def come() -> list[str | bytes | None]:
            try:
                return [self._connection.recv(timeout=min(0.1, seconds))]
            except TimeoutError:
                return []
            except ConnectionClosed as closed:
                self._end = _code(closed)
                return [None]

        if self._end:
            return None
        found = processes.until(come, seconds, self._halt)
        return found[0] if found else None


def enter(
    name: str, url: str, origin: str | None, cookies: str | None, halt: threading.Event
) -> Socket:
    """Open a socket as a page of `origin` would, by default a page of the same server.

    Raises Mismatch if nothing answers.
    """
    parts = urlsplit(url)
    own = f"http{parts.scheme.removeprefix('ws')}://{parts.netloc}"
    try:
        opened = connect(
            url,
            origin=origin or own,
            additional_headers={"Cookie": cookies} if cookies else None,
            proxy=None,
            ssl=OWN_AUTHORITY if parts.scheme == "wss" else None,
            open_timeout=OPEN_LIMIT,
            close_timeout=CLOSE_LIMIT,
        )
    except InvalidStatus as refusal:
        return Socket(name, None, f"HTTP {refusal.response.status_code}", halt)
    except (OSError, InvalidHandshake, TimeoutError, EOFError) as error:
        raise Mismatch(f"no server accepts a WebSocket at that address: {error}") from None
    return Socket(name, opened.__enter__(), None, halt)  # Socket.close() is its end


def same(shown: str, frame: str | bytes) -> bool:
    """Return whether a frame is as shown: the same JSON, or the same text with `...` as a wildcard.

    Any white space equals any other.
    """
    if isinstance(frame, bytes):
        return False
    with contextlib.suppress(ValueError, RecursionError):
        if _canonical(shown) == _canonical(frame):
            return True
    return matching.line_matches(" ".join(shown.split()), " ".join(frame.split()))


def _canonical(text: str) -> str:
    # Compared as text: to Python, true is 1.
    return json.dumps(json.loads(text), sort_keys=True)


def _one_line(frame: str | bytes) -> str:
    """Return a frame for a message. White space doesn't count when frames are compared."""
    return repr(frame) if isinstance(frame, bytes) else " ".join(frame.split())


def _code(closed: ConnectionClosed) -> str:
    """Return the server's close code, or 1006 if it left without one."""
    return str(closed.rcvd.code if closed.rcvd else 1006)
