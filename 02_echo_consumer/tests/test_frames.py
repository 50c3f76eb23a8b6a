import json

import pytest

from chat.frames import BadFrame, read_message


def test_message_is_trimmed():
    assert read_message('{"message": "  Tea? "}') == "Tea?"


def test_message_keeps_what_lies_beyond_ascii():
    assert read_message('{"message": "Café ☕ 日本 😀"}') == "Café ☕ 日本 😀"


@pytest.mark.parametrize(
    "text", ["مرحبا!", "שָׁלוֹם", "नमस्ते", "Zoë", "❤️", "👩‍👩‍👧", "\U0001fae9"]
)
def test_message_in_any_script_passes(text):
    assert read_message(json.dumps({"message": text})) == text


@pytest.mark.parametrize(
    "text",
    ["\u200b", "\u2060\ufeff", "\u00ad", "\u0301", "\x1b\x07"]
    + ["\u2800", "\u3164", "\u115f\u1160", "\uffa0"],
)
def test_invisible_message_is_rejected(text):
    with pytest.raises(BadFrame, match="must not be empty"):
        read_message(json.dumps({"message": text}))


def test_longest_message_passes():
    assert read_message('{"message": "%s"}' % ("x" * 2000)) == "x" * 2000


def test_errors_are_explained():
    with pytest.raises(BadFrame, match="longer than 2000 characters"):
        read_message('{"message": "%s"}' % ("x" * 2001))
