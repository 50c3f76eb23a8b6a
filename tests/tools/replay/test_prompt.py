"""Check that lines typed at an interpreter's prompt get the answers that the page shows."""

import pytest

from course.replay import prompt
from tests.support.sample_course import do, failure

SESSION = """\
$ python manage.py shell
Welcome
>>> tea = 1
>>> for cup in range(2):
...     print("cup", cup)
...
cup 0
cup 1
>>> print("one\\n...\\nthree")
one
...
three
>>> ":8000"
':8000'
>>> 1 / 0
Traceback (most recent call last):
...
ZeroDivisionError: division by zero
"""


def test_interpreter_session_runs_as_shown(shell):
    do(shell, SESSION)
    do(shell, SESSION + ">>> exit()\n")
    do(shell, "$ echo after\nafter\n")


@pytest.mark.parametrize(
    "typed, below, message",
    [
        (">>> 1 + 1\n3\n", 3, "`>>> 1 + 1` printed something else"),
        (">>> exit()\n>>> 1\n1\n", 4, "the interpreter had ended before `>>> 1`"),
        (">>> 1\n1\n>>> (2,\n", 5, "`>>> (2,`: no prompt after 3 s"),
    ],
)
def test_different_interpreter_output_is_reported(shell, monkeypatch, typed, below, message):
    monkeypatch.setattr(prompt, "ANSWER_LIMIT", 3 if "no prompt" in message else 30)
    at, text = failure(shell, "$ python manage.py shell\nWelcome\n" + typed)
    assert message in text
    assert at == below
