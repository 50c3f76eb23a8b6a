"""Read a frame that anybody may have sent."""

import json
import re
import uuid

MAX_LENGTH = 2000

# A NUL fits in no PostgreSQL text, and half of a surrogate pair in no UTF-8.
UNSENDABLE = re.compile(r"[\x00\ud800-\udfff]")


class BadFrame(Exception):
    """A frame that carries no message; the text tells its sender why."""


def decode(text_data):
    """Return the JSON object in a frame."""
    try:
        frame = json.loads(text_data or "")
    except (ValueError, RecursionError):
        raise BadFrame("A frame must be JSON.") from None
    if not isinstance(frame, dict):
        raise BadFrame("A frame must be a JSON object.")
    return frame


def clean_message(text):
    """Return the message, trimmed, if it is one."""
    if not isinstance(text, str):
        raise BadFrame("A message must be text.")
    if UNSENDABLE.search(text):
        raise BadFrame("A message must not contain broken characters.")
    message = text.strip()
    if not message:
        raise BadFrame("A message must not be empty.")
    if len(message) > MAX_LENGTH:
        raise BadFrame(f"A message must not be longer than {MAX_LENGTH} characters.")
    return message


def read_message(frame):
    """Return the message in a frame, and the id that its page gave it."""
    return clean_message(frame.get("chat_message")), read_client_id(frame)


def read_client_id(frame):
    """Return the id of a message; one without gets a new one each time it comes."""
    client_id = frame.get("client_id", str(uuid.uuid4()))
    try:
        return uuid.UUID(client_id)
    except (AttributeError, TypeError, ValueError):
        raise BadFrame("A client_id must be a UUID.") from None


def read_sync(frame):
    """Return the number of the message up to which a page is complete."""
    last = frame["sync"]
    if type(last) is not int or not 0 <= last < 2**63:
        raise BadFrame("A sync must be the number of a message.")
    return last
