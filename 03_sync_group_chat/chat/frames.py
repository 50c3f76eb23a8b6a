"""Read a frame that anyone may have sent."""

import json
import re
import unicodedata

MAX_MESSAGE_LENGTH = 2000

# PostgreSQL stores no NUL, and UTF-8 can't write half of a surrogate pair.
UNSENDABLE = re.compile(r"[\x00\ud800-\udfff]")

# What shows nothing by itself: control, format and combining characters, spaces ...
INVISIBLE = {"Cc", "Cf", "Me", "Mn", "Zl", "Zp", "Zs"}
# ... and the letters and symbols that are blank.
BLANK = "\u115f\u1160\u2800\u3164\uffa0"


class BadFrame(Exception):
    """A frame without a valid message; the text tells its sender why."""


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
    """Return the trimmed message, or raise BadFrame."""
    if not isinstance(text, str):
        raise BadFrame("A message must be text.")
    if UNSENDABLE.search(text):
        raise BadFrame("A message must not contain broken characters.")
    message = text.strip()
    if all(is_invisible(character) for character in message):
        raise BadFrame("A message must not be empty.")
    if len(message) > MAX_MESSAGE_LENGTH:
        raise BadFrame(
            f"A message must not be longer than {MAX_MESSAGE_LENGTH} characters."
        )
    return message


def is_invisible(character):
    return character in BLANK or unicodedata.category(character) in INVISIBLE


def read_message(text_data):
    """Return the message that a frame carries."""
    return clean_message(decode(text_data).get("message"))
