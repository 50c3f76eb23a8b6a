import json

import pytest

from chat.frames import BadFrame, read_message


def test_message_is_trimmed():
    assert read_message('{"message": "  Tea? "}') == "Tea?"


def test_message_keeps_what_lies_beyond_ascii():
    assert read_message('{"message": "Café ☕ 日本 😀"}') == "Café ☕ 日本 😀"


@pytest.mark.parametrize(
    "text", ["\u200b", "\u2060\ufeff", "\u0301", "\u3164", "\u2800 \u115f", "\x07"]
)
def test_message_that_shows_nothing_is_empty(text):
    with pytest.raises(BadFrame, match="empty"):
        read_message(json.dumps({"message": text}))


@pytest.mark.parametrize("text", ["❤️", "👩‍👩‍👧", "नमस्ते", "שלום!", "\U0001fae8", "é"])
def test_message_in_any_script_passes(text):
    assert read_message(json.dumps({"message": text})) == text


def test_longest_message_passes():
    assert read_message('{"message": "%s"}' % ("x" * 2000)) == "x" * 2000


def test_what_is_wrong_is_said():
    with pytest.raises(BadFrame, match="longer than 2000 characters"):
        read_message('{"message": "%s"}' % ("x" * 2001))
