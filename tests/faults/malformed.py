"""Generate frames without a valid message. Each is malformed because of the way it's built.

Nothing here reads a frame to judge it: code that does could share a mistake with the chapters.
"""

import json

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

KEY = "KEY"  # stands for the JSON key of a message, which differs between chapters
MAX_LENGTH = 2000
TOO_LARGE = 2**63  # for the number of a message

# Half of a surrogate pair can't be sent as UTF-8, but it can be sent as a JSON escape.
CHARACTERS = st.characters(exclude_categories=["Cs"])
HALVES = st.characters(categories=["Cs"])
BLANKS = " \t\n\r\f\v\x1c\x1f\x85\xa0\u1680\u2003\u2028\u3000"
SOME = st.text(CHARACTERS, max_size=20)
# Between the parts of a good frame, any of these breaks it. JSON has four kinds of white space.
JUNK = CHARACTERS.filter(lambda character: character not in " \t\n\r")
PARTS = ["{", f'"{KEY}"', ":", '"Tea?"', "}"]
GOOD = "".join(PARTS)

NUMBERS = st.integers() | st.floats()
SCALARS = st.none() | st.booleans() | NUMBERS | SOME
# No key is one that a chapter knows.
NAMES = st.text(CHARACTERS, max_size=7).map("x{}".format)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)
LISTS = st.lists(JSON, max_size=4)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=4)
NO_NUMBER = st.none() | st.booleans() | SOME | LISTS | OBJECTS
NO_TEXT = st.none() | st.booleans() | NUMBERS | LISTS | OBJECTS
BAD_TEXTS = st.one_of(
    st.text(BLANKS, max_size=20),
    st.builds(lambda text, more: text * (MAX_LENGTH + more), CHARACTERS, st.integers(1, 500)),
    st.builds("{}{}{}".format, SOME, st.just("\0") | HALVES, SOME),
)
GOOD_IDS = st.uuids().map(str)
BAD_IDS = st.one_of(
    NO_TEXT,
    SOME,  # a UUID has 32 digits
    GOOD_IDS.map(lambda text: text[:-1]),
    GOOD_IDS.map(lambda text: text + "0"),
    GOOD_IDS.map(lambda text: "g" + text[1:]),
    GOOD_IDS.map(lambda text: text + "\0"),
    GOOD_IDS.map(lambda text: [text]),
)
BAD_SYNCS = st.one_of(
    st.integers(max_value=-1),
    st.integers(min_value=TOO_LARGE, max_value=10**400),
    st.floats(),
    st.integers(0, 100).map(str),
    NO_NUMBER,
)


def _objects(**values: st.SearchStrategy) -> st.SearchStrategy[str]:
    """Build JSON objects from these values, with or without the HEADERS that htmx adds."""
    extra = st.dictionaries(NAMES, SCALARS, max_size=3)
    return st.fixed_dictionaries(values, optional={"HEADERS": extra}).map(json.dumps)


def _nest(pair: tuple[str, str], depth: int, inside: bool, closed: bool) -> str:
    """Nest lists or objects, as the whole frame or as the message."""
    opens, closes = pair
    deep = opens * depth + ("0" + closes * depth if closed else "")
    return f'{{"{KEY}": {deep}}}' if inside else deep


# For every chapter.
FRAMES = st.one_of(
    st.just("") | st.just(b""),
    st.binary(max_size=200) | st.just(GOOD.encode()),
    # No JSON begins with a letter that none of its words begins with, or with such a sign.
    st.builds("{}{}".format, st.sampled_from("abcxyzABCXYZ/'(<+.,:]}\0\xa0\ufeff"), SOME),
    # The start of an object, and one with junk between its parts, before it or after it.
    st.integers(1, len(GOOD) - 1).map(lambda size: GOOD[:size]),
    st.builds(
        lambda place, junk: "".join([*PARTS[:place], junk, *PARTS[place:]]),
        st.integers(0, len(PARTS)),
        JUNK,
    ),
    # Python gives up on some of them, because they're nested too deeply.
    st.builds(
        _nest,
        st.sampled_from([("[", "]"), ('{"a":', "}")]),
        st.integers(1, 60_000),
        st.booleans(),
        st.booleans(),
    ),
    # Numbers: very long, out of a float's range, or not valid JSON.
    (
        st.integers(1, 6000).map(lambda digits: "9" * digits)
        | st.sampled_from(["1e400", "-1e400", "1e-400", "-0", "NaN", "-Infinity", "0x1", "1_000"])
    ).map(lambda number: f'{{"{KEY}": {number}}}'),
    # JSON without a text at the key.
    (SCALARS | LISTS | OBJECTS).map(json.dumps),
    _objects(**{KEY: NO_TEXT | BAD_TEXTS}),
    _objects(text=st.just("Tea?")),
    st.sampled_from([f" {KEY}", f"{KEY} ", f"{KEY}s"]).map(lambda near: f'{{"{near}": "Tea?"}}'),
    # If a key comes twice, the later value counts.
    NO_TEXT.map(lambda value: f'{GOOD[:-1]}, "{KEY}": {json.dumps(value)}}}'),
)
# For a chapter that knows sync and client_id.
SYNC_FRAMES = st.one_of(
    _objects(**{KEY: st.just("Tea?"), "client_id": BAD_IDS}),
    _objects(**{KEY: NO_TEXT | BAD_TEXTS, "client_id": GOOD_IDS}),
    _objects(sync=BAD_SYNCS),
    _objects(sync=BAD_SYNCS, **{KEY: st.just("Tea?") | NO_TEXT, "client_id": GOOD_IDS}),
)


def generate(frames: st.SearchStrategy[str | bytes], count: int) -> list[str | bytes]:
    """Return at least `count` different frames."""
    found: dict[str | bytes, None] = {}

    @settings(
        max_examples=count + count // 5,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(frames)
    def collect(frame: str | bytes) -> None:
        found[frame] = None

    collect()
    assert len(found) >= count
    return list(found)


def for_key(frame: str | bytes, key: str) -> str | bytes:
    """Return a frame for the chapter whose messages have this JSON key."""
    if isinstance(frame, bytes):
        return frame.replace(KEY.encode(), key.encode())
    return frame.replace(KEY, key)
