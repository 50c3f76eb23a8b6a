"""Receive frames from a socket until the expected one arrives."""

from collections.abc import Callable

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.support.answers import message

SOON = 20  # seconds that an answer may take

Frame = str | bytes


def until(socket: ClientConnection, wanted: Callable[[Frame], bool]) -> list[Frame]:
    """Return the frames that arrive, up to the first one that's wanted.

    Raises AssertionError if the socket closes, or if no such frame arrives in time.
    """
    received: list[Frame] = []
    try:
        while not received or not wanted(received[-1]):
            received.append(socket.recv(timeout=SOON))
    except TimeoutError:
        raise AssertionError(f"expected another frame within {SOON} s, after {received}") from None
    except ConnectionClosed as closed:
        raise AssertionError(f"the socket closed ({closed}) after {received}") from None
    return received


def is_message(frame: Frame) -> bool:
    return message(frame) is not None
