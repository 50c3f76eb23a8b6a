"""Check what's asked of a project at a step, and what's said about an answer; no server runs."""

import pytest

from course import chapters
from course.learner import behaviour
from course.pages import grammar


@pytest.fixture
def script(monkeypatch, tmp_path):
    """Return a function that gives what a made page asks up to a step, as first lines."""
    page = tmp_path / "page.md"
    monkeypatch.setattr(chapters, "pages", lambda lesson: [page])

    def script(text: str, step: int) -> list[str]:
        page.write_text(text)
        return [action.block.text.partition("\n")[0] for action in behaviour.script("x", step)]

    return script


def console(*lines: str) -> str:
    return "\n".join(["```console", *lines, "```", ""])


TALK = "```wire\nws://127.0.0.1:8000/ws/\n> Tea?\n```\n"


def test_later_steps_are_not_asked(script):
    text = f"## 1. One\n\n{TALK}\n## Between\n\n{console('$ curl -s x')}\n## 2. Two\n\n{TALK}"
    assert script(text, 0) == []
    assert script(text, 1) == ["ws://127.0.0.1:8000/ws/", "$ curl -s x"]
    assert len(script(text, 2)) == 3


def test_suites_and_commands_that_make_files_are_left_out(script):
    commands = ["pip install x", "pytest -q", "cp a b", "mkdir c", "rm b", "python3 -m venv .venv"]
    commands.append("(cd ~/channels-course && python3 -m course check ~/my-chat --run)")
    shown = console(*[f"$ {command}" for command in commands], "$ python manage.py migrate", "OK")
    assert script(f"## 1. One\n\n{shown}", 1) == ["$ python manage.py migrate"]


def test_server_that_runs_already_is_not_started_again(script):
    run, redis = "$ python manage.py runserver", '$ redis-server --save ""'
    export, unset = "$ export REDIS_URL=redis://127.0.0.1:6379", "$ unset REDIS_URL"
    text = "## 1. One\n\n" + console(redis, run, run, export, run, redis, unset, run)
    assert script(text, 1) == [redis, run, export, run, unset, run]


def test_failure_counts_only_while_nothing_has_been_done_about_it(script):
    stop = console('$ redis-server --save ""', "^C")
    text = f"## 1. One\n\n{TALK}\n## See it fail: all\n\n{stop}\n{TALK}\n## 2. Two\n\n"
    assert len(script(text, 1)) == 3
    assert len(script(text, 2)) == 1


def test_experiment_that_sleeps_counts_only_in_its_own_step(script):
    slow = "```wire\nws://127.0.0.1:8000/ws/\n$ sleep 3\n```\n"
    text = f"## 1. One\n\n{slow}\n## 2. Two\n\n"
    assert (len(script(text, 1)), len(script(text, 2))) == (1, 0)


def test_prompt_counts_in_a_step_but_not_where_only_python_is_shown(script):
    prompt = console("$ python manage.py shell", "...", ">>> 1 + 1", "2")
    text = f"## 1. One\n\n{prompt}\n## Look at Python\n\n{prompt}\n## 2. Two\n\n"
    assert len(script(text, 2)) == 1


def test_line_of_a_difference_is_its_line_on_the_page(script, tmp_path):
    text = "## 1. One\n\n" + console("$ curl -s a", "A", "$ curl -s b", "B")
    script(text, 1)
    last = behaviour.script("x", 1)[-1]
    assert text.split("\n")[last.block.line] == "$ curl -s b"  # the line below its fence


def test_judged_without_anything_seen_is_not_passed():
    assert not behaviour.Judged().passed
    assert not behaviour.Judged(conversations=2, expected=3).passed
    assert behaviour.Judged(conversations=2, hidden=1, expected=3).passed


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_hidden_sections_end_in_what_to_do(chapter):
    page = grammar.read(behaviour.HIDDEN / f"{chapter}.md")
    assert not [step.title for step in page.steps[1:] if len(step.prose) != 3 or not step.blocks]
    assert all(step.prose[-1].startswith(("Compare ", "Look at ")) for step in page.steps[1:])
