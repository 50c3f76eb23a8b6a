"""Check that a page's commands do the same here as in a learner's terminal."""

import os
import sys
import threading

import pytest

from course.processes import Halted
from course.replay.shell import may_ask_a_server, writes_files
from tests.support.sample_course import do, failure, open_shell


def test_folder_and_variables_persist_between_commands(shell):
    do(shell, "$ mkdir -p a/b\n$ cd a/b\n$ export TEA=green\n")
    do(shell, "$ basename \"$(pwd)\"\nb\n$ echo $TEA\ngreen\n$ bash -c 'echo $TEA'\ngreen\n")


def test_callers_environment_is_hidden(tmp_path, monkeypatch):
    for name in ("REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "SECRET"):
        monkeypatch.setenv(name, "leaked")
    with open_shell(tmp_path) as shell:
        _, printed = shell.run("env")
    assert not [line for line in printed if "leaked" in line]
    assert f"HOME={tmp_path}/home" in printed


def test_block_may_hold_several_commands_and_continued_lines(shell):
    do(shell, "$ echo one \\\n    two\none two\n$ echo three\nthree\n")


@pytest.mark.parametrize(
    "block, below, message",
    [
        ("$ echo one\none\n$ echo two\n2\n", 3, "`echo two` printed something else."),
        ("$ false\n", 1, "`false` failed with exit status 1"),
        ("$ echo late; exit 3 | cat; false\n...\n", 1, "doesn't show its last line"),
        ("$ echo 1 failed, 3 passed in 2s; false\n... passed...\n", 1, "doesn't show its last"),
        ("$ echo x; false\ny\n", 1, "failed with exit status 1."),
        ("$ exit\n", 1, "`exit` ended the shell"),
        ("$ echo x\nx\n^C\n", 1, "`^C` ends a server, but `echo x` doesn't start one"),
    ],
)
def test_unexpected_output_or_failure_is_reported_with_its_line(shell, block, below, message):
    at, text = failure(shell, block)
    assert at == below
    assert message in text


def test_command_may_fail_if_the_page_shows_it(shell):
    do(shell, "$ echo went wrong; false\nwent wrong\n$ echo a; echo b; false\n...\nb\n")


def test_shell_survives_a_syntax_error(shell):
    assert "failed with exit status" in failure(shell, "$ echo (\n")[1]
    do(shell, "$ echo still here\nstill here\n")


def test_hanging_command_is_reported_and_stopped(shell, monkeypatch):
    monkeypatch.setattr("course.replay.shell.COMMAND_LIMIT", 0.2)
    assert "`sleep 600` is still running after 0.2 s" in failure(shell, "$ sleep 600\n")[1]


def test_halting_the_replay_stops_the_command(tmp_path, started):
    halt = threading.Event()
    halt.set()
    with open_shell(tmp_path, halt=halt) as shell, pytest.raises(Halted):
        shell.run("sleep 600")
    started.check_ended(at_least=1)


def test_venv_command_links_to_the_existing_environment(shell, folder):
    do(shell, "$ python -m venv .venv\n$ python3 -m venv .venv\n$ python -c 'print(1)'\n1\n")
    assert (folder / ".venv").resolve() == (folder / sys.prefix).resolve()
    assert not os.path.lexists(os.path.join(sys.prefix, os.path.basename(sys.prefix)))


def test_black_does_not_rewrite_a_commands_files(shell):
    do(shell, "$ black --fast -- manage.py\n")


@pytest.mark.parametrize(
    "command, writes, asks",
    [
        ("cp ~/channels-course/a b", True, False),
        ("mkdir -p a", True, False),
        ("cd x && rm y; touch z", True, False),
        ("export REDIS_URL=redis://127.0.0.1:6379", True, False),
        ("django-admin startproject config .", True, False),
        ("python manage.py startapp chat", True, False),
        ("python manage.py makemigrations chat --no-header", True, False),
        ("python manage.py migrate", False, False),
        ("pip install cpx", False, False),
        ("python manage.py demo", False, False),
        ("pytest -q tests/test_x.py", False, False),
        ("REDIS_URL= pytest -q", False, False),
        ("cd x && pytest", True, False),
        ("cpio", False, True),
        ("curl -s http://127.0.0.1:8000/", False, True),
        ("cd x && curl http://127.0.0.1:8000/", True, True),
        ("touch x | nc localhost 8000", True, True),
        ("python manage.py announce lobby Tea", False, True),
    ],
)
def test_commands_that_write_files_or_may_ask_a_server_are_recognized(command, writes, asks):
    assert (writes_files(command), may_ask_a_server(command)) == (writes, asks)
