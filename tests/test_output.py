"""Is a page green when it shows what was printed, and red when it does not."""

import pytest

from course import output


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
def test_what_a_page_shows_fits_what_was_printed(shown, printed):
    assert output.matches(output.lines(shown), output.lines(printed))


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
def test_what_a_page_shows_does_not_fit_what_was_printed(shown, printed):
    assert not output.matches(output.lines(shown), output.lines(printed))


def test_many_any_lines_over_a_long_output_come_to_an_end():
    shown = ["...", "line"] * 100 + ["end"]
    assert not output.matches(shown, ["line"] * 3000)
    assert not output.line_matches("a..." * 200 + "b", "a" * 5000)


def test_beginning_ends_where_the_page_ends():
    printed = ["greeting", "ready", "asked for /", "ready"]
    assert output.beginning(["...", "ready"], printed) == 2
    assert output.beginning(["...", "ready", "..."], printed) == 4
    assert output.beginning([], printed) == 0
    assert output.beginning(["ready"], printed) is None


def test_message_holds_both_sides_and_where_they_part():
    with pytest.raises(output.Mismatch) as caught:
        output.compare("`pytest`", ["...", "5 passed", "done"], ["F", "5 passed", "gone"])
    text = str(caught.value)
    assert "`pytest` printed something else" in text
    assert "    5 passed\n    done" in text
    assert "    5 passed\n    gone" in text
    assert text.endswith("The first line that does not fit: done")


def test_message_of_a_long_output_keeps_its_end():
    text = output.quote([f"line {number}" for number in range(1000)])
    assert "(... 940 lines ...)" in text
    assert text.endswith("line 999")
