"""Check that output passes when it matches what a page shows, and fails when it doesn't."""

import pytest

from course.pages import matching


@pytest.mark.parametrize(
    "shown, printed",
    [
        ("", ""),
        ("one\ntwo", "one\ntwo\n\n"),
        ("one", "one   \n"),
        ("one", "\x1b[32mone\x1b[0m\r\n"),
        ("...", ""),
        ("...", "one\ntwo"),
        ("one\n...", "one"),
        ("...\ntwo\n...\nfour", "one\ntwo\nfour"),
        ("...\ntwo\n...", "two\ntwo\ntwo"),
        ("    ...\nend", "one\nend"),
        ("passed in ...s", "passed in 0.12s"),
        ("a...b...c", "a and b and b and c"),
        ("..... [100%]", "..... [100%]"),
        ("a (b) [c] .*", "a (b) [c] .*"),
    ],
)
def test_matching_output_is_accepted(shown, printed):
    assert matching.matches(matching.lines(shown), matching.lines(printed))


@pytest.mark.parametrize(
    "shown, printed",
    [
        ("", "one"),
        ("one", ""),
        ("one", "one\ntwo"),
        ("one\n...\nthree", "one\ntwo"),
        ("...\none", "one\ntwo"),
        ("5 passed in ...s", "6 passed in 0.12s"),
        ("ab...ba", "aba"),
        ("x...x...x", "xx"),
        ("a...b...c", "a and c"),
        ("one\n\ntwo", "one\ntwo"),
        (".*", "one"),
    ],
)
def test_different_output_is_rejected(shown, printed):
    assert not matching.matches(matching.lines(shown), matching.lines(printed))


def test_many_wildcards_do_not_take_forever():
    shown = ["...", "line"] * 100 + ["end"]
    assert not matching.matches(shown, ["line"] * 3000)
    assert not matching.line_matches("a..." * 200 + "b", "a" * 5000)


def test_beginning_ends_at_the_last_line_shown():
    printed = ["greeting", "ready", "asked for /", "ready"]
    assert matching.beginning(["...", "ready"], printed) == 2
    assert matching.beginning(["...", "ready", "..."], printed) == 4
    assert matching.beginning([], printed) == 0
    assert matching.beginning(["ready"], printed) is None


def test_error_shows_both_texts_and_the_first_difference():
    with pytest.raises(matching.Mismatch) as caught:
        matching.compare("`pytest`", ["...", "5 passed", "done"], ["F", "5 passed", "gone"])
    text = str(caught.value)
    assert "`pytest` printed something else" in text
    assert "    5 passed\n    done" in text
    assert "    5 passed\n    gone" in text
    assert text.endswith("The first line that doesn't fit: done")


def test_long_output_is_shortened_in_the_middle():
    text = matching.quote([f"line {number}" for number in range(1000)])
    assert "(... 940 lines ...)" in text
    assert text.endswith("line 999")
