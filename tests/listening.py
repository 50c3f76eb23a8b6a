"""What comes over a socket, up to what is waited for."""

from collections.abc import Callable

from answers import message
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

SOON = 20  # seconds that an answer may take

Frame = str | bytes


def until(socket: ClientConnection, wanted: Callable[[Frame], bool]) -> list[Frame]:
    """Return the frames that come, up to the first that is wanted.

    Raises AssertionError if the socket closes, or if no such frame comes.
    """
    came: list[Frame] = []
    try:
        while not came or not wanted(came[-1]):
            came.append(socket.recv(timeout=SOON))
    except TimeoutError:
        raise AssertionError(f"nothing more came within {SOON} s than {came}") from None
    except ConnectionClosed as closed:
        raise AssertionError(f"the socket closed ({closed}) after {came}") from None
    return came


def is_message(frame: Frame) -> bool:
    return message(frame) is not None
