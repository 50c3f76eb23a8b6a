import pytest

from chat.frames import BadFrame, read_message


def test_message_is_trimmed():
    assert read_message('{"message": "  Tea? "}') == "Tea?"


def test_message_keeps_what_lies_beyond_ascii():
    assert read_message('{"message": "Café ☕ 日本 😀"}') == "Café ☕ 日本 😀"


def test_longest_message_passes():
    assert read_message('{"message": "%s"}' % ("x" * 2000)) == "x" * 2000


def test_what_is_wrong_is_said():
    with pytest.raises(BadFrame, match="longer than 2000 characters"):
        read_message('{"message": "%s"}' % ("x" * 2001))
