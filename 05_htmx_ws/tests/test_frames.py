import pytest

from chat.frames import BadFrame, clean_message, decode, read_message


def test_message_is_trimmed():
    assert clean_message("  Tea? ") == "Tea?"


def test_message_keeps_what_lies_beyond_ascii():
    assert clean_message("Café ☕ 日本 😀") == "Café ☕ 日本 😀"


@pytest.mark.parametrize(
    "text", ["مرحبا!", "שָׁלוֹם", "नमस्ते", "Zoë", "❤️", "👩‍👩‍👧", "\U0001fae9"]
)
def test_message_in_any_script_passes(text):
    assert clean_message(text) == text


@pytest.mark.parametrize(
    "text",
    ["\u200b", "\u2060\ufeff", "\u00ad", "\u0301", "\x1b\x07"]
    + ["\u2800", "\u3164", "\u115f\u1160", "\uffa0"],
)
def test_invisible_message_is_rejected(text):
    with pytest.raises(BadFrame, match="must not be empty"):
        clean_message(text)


def test_longest_message_passes():
    assert clean_message("x" * 2000) == "x" * 2000


def test_errors_are_explained():
    with pytest.raises(BadFrame, match="longer than 2000 characters"):
        clean_message("x" * 2001)


def test_keys_that_htmx_adds_are_ignored():
    frame = decode('{"chat_message": "Tea?", "HEADERS": {"HX-Request": "true"}}')
    assert read_message(frame) == "Tea?"
