"""Generate malformed frames with Hypothesis: frames that don't carry a valid message."""

import json
import uuid
from functools import partial

from hypothesis import strategies as st

MAX_LENGTH = 2000

# Half of a surrogate pair can't be sent as UTF-8, but it can be sent as a JSON escape.
CHARACTERS = st.characters(exclude_categories=["Cs"])
BLANKS = " \t\n\r\f\v\x1c\x1f\x85\xa0\u1680\u2003\u2028\u3000"

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(CHARACTERS, max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(CHARACTERS, max_size=8), inner)
    ),
    max_leaves=8,
)
NO_TEXT = JSON.filter(lambda value: not isinstance(value, str))


def is_text(value) -> bool:
    """Tell whether a chapter accepts this value as a message's text."""
    if not isinstance(value, str) or not 1 <= len(value.strip()) <= MAX_LENGTH:
        return False
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def is_uuid(value) -> bool:
    try:
        uuid.UUID(value)
    except (AttributeError, TypeError, ValueError):
        return False
    return True


def is_malformed(frame: str | bytes, key: str, syncs: bool) -> bool:
    """Tell whether a frame has to be refused. A random frame may be valid by chance.

    `key` is the JSON key of a message; `syncs` tells whether the chapter knows sync and client_id.
    """
    if isinstance(frame, bytes):
        return True
    try:
        parsed = json.loads(frame)
    except (ValueError, RecursionError):
        return True
    if not isinstance(parsed, dict):
        return True
    if syncs and "sync" in parsed:
        return type(parsed["sync"]) is not int or not 0 <= parsed["sync"] < 2**63
    if syncs and "client_id" in parsed and not is_uuid(parsed["client_id"]):
        return True
    return not is_text(parsed.get(key))


def frames(key: str, syncs: bool) -> st.SearchStrategy[str | bytes]:
    """Generate frames that have to be refused; `key` and `syncs` are those of is_malformed."""
    good = json.dumps({key: "Tea?"})
    kinds = [
        st.just("") | st.just(b""),
        st.text(CHARACTERS, max_size=200),
        st.binary(max_size=200) | st.just(good.encode()),
        _broken(good),
        _deep(key),
        _long_numbers(key),
        JSON.map(json.dumps),
        _objects({key: NO_TEXT | bad_texts()}),
        st.sampled_from([key.upper(), f" {key}", "text"]).map(lambda near: f'{{"{near}": "Tea?"}}'),
        # If a key comes twice, the later value counts.
        NO_TEXT.map(lambda value: f'{good[:-1]}, "{key}": {json.dumps(value)}}}'),
    ]
    if syncs:
        text = st.just("Tea?") | NO_TEXT
        kinds += [
            _objects({key: st.just("Tea?"), "client_id": bad_ids()}),
            _objects({key: NO_TEXT | bad_texts(), "client_id": st.uuids().map(str)}),
            _objects({"sync": bad_syncs()}),
            _objects({"sync": bad_syncs(), key: text, "client_id": st.uuids().map(str)}),
        ]
    return st.one_of(kinds).filter(partial(is_malformed, key=key, syncs=syncs))


def bad_texts() -> st.SearchStrategy[str]:
    """Generate invalid texts: blank, too long, with a NUL or half of a surrogate pair."""
    around = st.text(CHARACTERS, max_size=20)
    halves = st.characters(categories=["Cs"])
    return st.one_of(
        st.text(BLANKS, max_size=20),
        st.builds(lambda text, more: text * (MAX_LENGTH + more), CHARACTERS, st.integers(1, 500)),
        st.builds(lambda a, odd, b: a + odd + b, around, st.just("\0") | halves, around),
    )


def bad_ids() -> st.SearchStrategy:
    """Generate invalid client IDs: other types, and texts that are almost a UUID."""
    near = st.uuids().map(str)
    return st.one_of(
        JSON,
        near.map(lambda text: text[:-1]),
        near.map(lambda text: text + "0"),
        near.map(lambda text: "g" + text[1:]),
        near.map(lambda text: text + "\0"),
        near.map(lambda text: [text]),
    )


def bad_syncs() -> st.SearchStrategy:
    """Generate invalid message numbers: negative, too large for a database, or other types."""
    return st.one_of(
        st.integers(max_value=-1),
        st.integers(min_value=2**63, max_value=10**400),
        st.floats(),
        st.integers(0, 100).map(str),
        JSON.filter(lambda value: type(value) is not int),
    )


def _objects(values: dict) -> st.SearchStrategy[str]:
    """Build JSON objects from these values, with or without the HEADERS that htmx adds."""
    extra = st.dictionaries(st.text(CHARACTERS, max_size=8), SCALARS, max_size=3)
    return st.fixed_dictionaries(values, optional={"HEADERS": extra}).map(json.dumps)


def _broken(good: str) -> st.SearchStrategy[str]:
    """Cut a good frame short, or insert characters into it."""
    places = st.integers(0, len(good) - 1)
    cut = places.map(lambda place: good[:place])
    more = st.builds(
        lambda place, odd: good[:place] + odd + good[place:],
        places,
        st.text(CHARACTERS, max_size=3),
    )
    return cut | more


def _deep(key: str) -> st.SearchStrategy[str]:
    """Nest lists or objects deeply, as the whole frame or as the message, closed or unclosed."""

    def nest(pair, depth, inside, closed):
        opens, closes = pair
        deep = opens * depth + ("0" + closes * depth if closed else "")
        return f'{{"{key}": {deep}}}' if inside else deep

    pairs = st.sampled_from([("[", "]"), ('{"a":', "}")])
    return st.builds(nest, pairs, st.integers(1, 60_000), st.booleans(), st.booleans())


def _long_numbers(key: str) -> st.SearchStrategy[str]:
    """Send a number as the message: very long, out of a float's range, or not valid JSON."""
    numbers = st.integers(1, 6000).map(lambda digits: "9" * digits)
    odd = st.sampled_from(["1e400", "-1e400", "1e-400", "-0", "NaN", "-Infinity", "0x1", "1_000"])
    return (numbers | odd).map(lambda number: f'{{"{key}": {number}}}')
