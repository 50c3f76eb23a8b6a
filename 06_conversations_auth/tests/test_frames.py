import pytest

from chat.frames import BadFrame, clean_message, decode, read_message


def test_message_is_trimmed():
    assert clean_message("  Tea? ") == "Tea?"


def test_message_keeps_what_lies_beyond_ascii():
    assert clean_message("Café ☕ 日本 😀") == "Café ☕ 日本 😀"


@pytest.mark.parametrize(
    "text", ["\u200b", "\u2060\ufeff", "\u0301", "\u3164", "\u2800 \u115f", "\x07"]
)
def test_invisible_message_counts_as_empty(text):
    with pytest.raises(BadFrame, match="empty"):
        clean_message(text)


@pytest.mark.parametrize("text", ["❤️", "👩‍👩‍👧", "नमस्ते", "שלום!", "\U0001fae8", "é"])
def test_message_in_any_script_passes(text):
    assert clean_message(text) == text


def test_longest_message_passes():
    assert clean_message("x" * 2000) == "x" * 2000


def test_errors_are_explained():
    with pytest.raises(BadFrame, match="longer than 2000 characters"):
        clean_message("x" * 2001)


def test_keys_that_htmx_adds_are_ignored():
    frame = decode('{"chat_message": "Tea?", "HEADERS": {"HX-Request": "true"}}')
    assert read_message(frame)[0] == "Tea?"
