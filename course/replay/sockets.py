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

ANSWER_LIMIT = 5  # seconds in which what the page shows has to arrive
OPEN_LIMIT = 10  # seconds that a handshake may take
CLOSE_LIMIT = 3  # seconds that a server may take to say goodbye


class Socket:
    """One end of a WebSocket, or the HTTP status with which its handshake was refused."""

    def __init__(
        self,
        name: str,
        connection: ClientConnection | None,
        refused: int | None,
        halt: threading.Event,
    ):
        self._who = name or "the page"
        self._connection = connection
        self._refused = refused
        self._halt = halt
        self._over = False  # whether the page has shown how it ended

    def send(self, frame: str) -> None:
        """Send a text frame. Raises Mismatch if the socket is not open."""
        self._check_open()
        try:
            self._connection.send(frame)
        except ConnectionClosed as closed:
            raise Mismatch(
                f"{self._who} can't send: the socket ended with {_code(closed)}"
            ) from None

    def receive(self, shown: str) -> None:
        """Wait for the frame that the page shows. Raises Mismatch, Halted."""
        self._check_open()
        try:
            frame = self._next(ANSWER_LIMIT)
        except ConnectionClosed as closed:
            raise Mismatch(
                f"{self._who} gets nothing more: the socket ended with {_code(closed)}"
            ) from None
        if frame is None:
            raise Mismatch(f"{self._who} got nothing within {ANSWER_LIMIT} s; shown is: {shown}")
        if not same(shown, frame):
            raise Mismatch(
                f"{self._who} got another frame.\n\nThe page shows:\n\n    {shown}\n\n"
                f"It was:\n\n    {frame}"
            )

    def end(self, shown: str) -> None:
        """Wait until the socket ends as the page shows: `4403`, `HTTP 403`. Raises Mismatch."""
        if self._refused:
            how = f"HTTP {self._refused}"
        else:
            try:
                frame = self._next(ANSWER_LIMIT)
                how = "not at all" if frame is None else f"not at all, but this came: {frame}"
            except ConnectionClosed as closed:
                how = _code(closed)
        if how != shown:
            raise Mismatch(f"{self._who} should end with {shown}, but ended with {how}")
        self._over = True

    def finish(self, seconds: float) -> None:
        """Check for `seconds` that nothing happens that the page doesn't show. Raises Mismatch."""
        if self._over:
            return
        self._check_open()
        try:
            frame = self._next(seconds)
        except ConnectionClosed as closed:
            raise Mismatch(
                f"{self._who}'s socket ended with {_code(closed)}, but the page doesn't show that"
            ) from None
        if frame is not None:
            raise Mismatch(f"{self._who} also got a frame that the page doesn't show: {frame}")

    def close(self) -> None:
        """Close the socket if it's open."""
        if self._connection:
            self._connection.close()

    def _check_open(self) -> None:
        if self._refused:
            raise Mismatch(f"{self._who} was refused with HTTP {self._refused}")

    def _next(self, seconds: float) -> str | bytes | None:
        """Return the next frame, or None if none comes within `seconds`."""

        def come() -> list[str | bytes]:
            with contextlib.suppress(TimeoutError):
                return [self._connection.recv(timeout=0.1)]
            return []

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
            open_timeout=OPEN_LIMIT,
            close_timeout=CLOSE_LIMIT,
        )
    except InvalidStatus as refusal:
        return Socket(name, None, refusal.response.status_code, halt)
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


def _code(closed: ConnectionClosed) -> str:
    """Return the server's close code, or 1006 if it left without one."""
    return str(closed.rcvd.code if closed.rcvd else 1006)
