"""Check that a page's commands do the same here as in a learner's terminal."""

import os
import re
import shutil
import sys
import threading

import pytest

from course import processes
from course.pages import matching, transcript
from course.processes import Halted
from course.replay import ports, prompt, server_kinds, servers, shell
from tests.support.sample_course import MANAGE, Processes


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "home" / "project"
    folder.mkdir(parents=True)
    (folder / "manage.py").write_text(MANAGE)
    (folder / "answer.txt").write_text("Tea\n")
    (tmp_path / "home" / "channels-course").mkdir()
    return folder


@pytest.fixture
def processes(monkeypatch):
    return Processes(monkeypatch)


@pytest.fixture
def shell(tmp_path, folder, processes):
    opened = shell.Shell(folder, tmp_path, sys.executable, threading.Event())
    yield opened
    opened.close()
    processes.check_ended(at_least=1)


def do(shell, text):
    for command in transcript.commands(text):
        shell.do(command)


def fails(shell, text):
    """Run a block that has to fail; return the failing line's number and the error message."""
    with pytest.raises(matching.Mismatch) as caught:
        do(shell, text)
    return caught.value.below, str(caught.value)


def test_folder_and_variables_persist_between_commands(shell):
    do(shell, "$ mkdir -p a/b\n$ cd a/b\n$ export TEA=green\n")
    do(shell, "$ basename \"$(pwd)\"\nb\n$ echo $TEA\ngreen\n$ bash -c 'echo $TEA'\ngreen\n")


def test_callers_environment_is_hidden(tmp_path, folder, monkeypatch):
    for name in ("REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTHONPATH", "SECRET"):
        monkeypatch.setenv(name, "leaked")
    shell = shell.Shell(folder, tmp_path, sys.executable, threading.Event())
    try:
        _, printed = shell.run("env")
        assert not [line for line in printed if "leaked" in line]
        assert f"HOME={folder.parent}" in printed
    finally:
        shell.close()


def test_block_may_hold_several_commands_and_continued_lines(shell):
    do(shell, "$ echo one \\\n    two\none two\n$ echo three\nthree\n")


def test_different_output_is_reported_with_the_commands_line(shell):
    below, text = fails(shell, "$ echo one\none\n$ echo two\n2\n")
    assert below == 3
    assert "`echo two` printed something else." in text


@pytest.mark.parametrize(
    "block, message",
    [
        ("$ false\n", "`false` failed with exit status 1"),
        ("$ echo late; exit 3 | cat; false\n...\n", "does not show its last line"),
        ("$ echo 1 failed, 3 passed in 2s; false\n... passed...\n", "does not show its last"),
        ("$ echo x; false\ny\n", "failed with exit status 1."),
        ("$ exit\n", "`exit` ended the shell"),
        ("$ echo x\nx\n^C\n", "`^C` ends a server, but `echo x` doesn't start one"),
    ],
)
def test_unexpected_failure_is_reported(shell, block, message):
    assert message in fails(shell, block)[1]


def test_command_may_fail_if_the_page_shows_it(shell):
    do(shell, "$ echo went wrong; false\nwent wrong\n$ echo a; echo b; false\n...\nb\n")


def test_shell_survives_a_syntax_error(shell):
    assert "failed with exit status" in fails(shell, "$ echo (\n")[1]
    do(shell, "$ echo still here\nstill here\n")


def test_hanging_command_is_reported_and_stopped(shell, monkeypatch):
    monkeypatch.setattr(shell, "COMMAND_LIMIT", 0.2)
    assert "`sleep 600` is still running after 0.2 s" in fails(shell, "$ sleep 600\n")[1]


def test_halting_the_replay_stops_the_command(tmp_path, folder, processes):
    halt = threading.Event()
    shell = shell.Shell(folder, tmp_path, sys.executable, halt)
    try:
        threading.Timer(0.2, halt.set).start()
        with pytest.raises(Halted):
            shell.run("sleep 600")
    finally:
        shell.close()
    processes.check_ended(at_least=1)


def test_process_that_ignores_signals_is_killed(tmp_path, processes, monkeypatch):
    monkeypatch.setattr(processes, "PATIENCE", 0.1)
    log = tmp_path / "log"
    stubborn = "trap '' INT TERM; echo ready; while true; do sleep 0.1; done"
    process = processes.start(stubborn, dict(os.environ), str(tmp_path), log)
    assert processes.until(log.read_text, 10, threading.Event())
    processes.end(process)
    processes.check_ended(at_least=1)


def test_venv_command_links_to_the_existing_environment(shell, folder):
    do(shell, "$ python -m venv .venv\n$ python3 -m venv .venv\n$ python -c 'print(1)'\n1\n")
    assert (folder / ".venv").resolve() == (folder / sys.prefix).resolve()
    assert not os.path.lexists(os.path.join(sys.prefix, os.path.basename(sys.prefix)))


def test_black_does_not_rewrite_a_commands_files(shell):
    do(shell, "$ black --fast -- manage.py\n")


@pytest.mark.parametrize(
    "command, expected",
    [
        ("cp ~/channels-course/a b", True),
        ("cd x && rm y", True),
        ("django-admin startproject config .", True),
        ("python manage.py startapp chat", True),
        ("python manage.py makemigrations chat --no-header", True),
        ("mkdir -p a", True),
        ("export REDIS_URL=redis://127.0.0.1:6379", True),
        ("python manage.py migrate", False),
        ("pip install cpx", False),
        ("cpio", False),
        ("pytest", False),
    ],
)
def test_commands_that_write_files_are_recognized(command, expected):
    assert shell.writes_files(command) is expected


@pytest.mark.parametrize(
    "command, expected",
    [
        ("cp a b", False),
        ("cd tests && rm x; touch y", False),
        ("pytest -q tests/test_x.py", False),
        ("pip install -r requirements.txt", False),
        ("python manage.py migrate", False),
        ("cd x && pytest", False),
        ("curl -s http://127.0.0.1:8000/", True),
        ("cd x && curl http://127.0.0.1:8000/", True),
        ("touch x | nc localhost 8000", True),
        ("python manage.py announce lobby Tea", True),
    ],
)
def test_commands_that_may_contact_a_server_are_recognized(command, expected):
    assert shell.may_ask_a_server(command) is expected


@pytest.mark.parametrize(
    "command, name",
    [
        ("python manage.py runserver", "web"),
        ("python3 -Wd manage.py runserver 0.0.0.0:8000", "web"),
        ("DEBUG=0 daphne config.asgi:application", "web"),
        ("python -m daphne -p 8000 config.asgi:application", "web"),
        ("uvicorn --port 8000 config.asgi:application", "web"),
        ("python manage.py runworker bot", "worker"),
        ("redis-server --port 6379", "redis"),
        ("redis-server --version", None),
        ("daphne --help", None),
        ("pip install daphne", None),
        ("grep daphne config/settings.py", None),
        ("python manage.py migrate", None),
    ],
)
def test_servers_are_recognized_by_their_commands(command, name):
    kind = server_kinds.kind_of(command)
    assert (kind and kind.name) == name


def test_only_port_numbers_are_translated():
    has = ports.Ports()
    web, redis = has.real[8000], has.real[6379]
    there = [
        "http://127.0.0.1:8000/ and redis://localhost:6379",
        "curl: connect to 127.0.0.1 port 8000",
        "port=6379. Port: 6379, --port 8000, -p 8000",
        "runserver 8000",
        "Connect call failed ('127.0.0.1', 6379)",
    ]
    for text in there:
        assert has.to_page(has.to_replay(text)) == text
        # Look for whole numbers, because the real port may be 26379.
        assert not re.search(r"\b(8000|6379)\b", has.to_replay(text))
    numbers = f"took {web} ms, id={redis}, 1:{web}5, pid {web}, {web}"
    assert has.to_page(numbers) == numbers
    assert has.to_replay("sleep 8000; head -c 6379; :80001") == "sleep 8000; head -c 6379; :80001"


SHELL = """\
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


def test_interpreter_session_runs_as_shown(shell, processes):
    do(shell, SHELL)
    do(shell, SHELL + ">>> exit()\n")
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
    at, text = fails(shell, "$ python manage.py shell\nWelcome\n" + typed)
    assert message in text
    assert at == below


RUN = "$ python manage.py runserver\nStarting at http://127.0.0.1:8000/, process ...\n"
ASK = "$ curl -s http://127.0.0.1:8000/\n"


def test_server_runs_until_its_block_ends_in_control_c(shell, processes):
    do(shell, RUN)
    do(shell, ASK + "Tea\n")
    shell.log("asked for /\n")
    shell.log("^C\n")
    assert processes.started[1].poll() is not None
    assert "failed with exit status 7" in fails(shell, ASK)[1]


def test_second_server_of_a_kind_replaces_the_first(shell, folder, processes):
    do(shell, RUN)
    (folder / "answer.txt").write_text("Coffee\n")
    do(shell, RUN + "Quit the server with CONTROL-C.\n")
    do(shell, ASK + "Coffee\n")
    assert processes.started[1].poll() is not None


def test_server_restarts_only_after_an_edit(shell, folder):
    do(shell, RUN)
    (folder / "answer.txt").write_text("Coffee\n")
    do(shell, ASK + "Tea\n")
    shell.servers.edited()
    do(shell, ASK + "Coffee\n")


def test_server_does_not_restart_before_the_next_request(shell, folder, processes):
    do(shell, RUN)
    count = len(processes.started)
    for name in ("a", "b", "c"):
        do(shell, f"$ touch {name}\n")
        shell.servers.edited()
    assert len(processes.started) == count
    do(shell, ASK + "Tea\n")
    assert len(processes.started) == count + 1


def test_edit_does_not_start_a_server(shell, processes):
    shell.servers.edited()
    do(shell, "$ echo x\nx\n")
    assert len(processes.started) == 1


def test_server_broken_by_an_edit_restarts_after_the_next_edit(shell, folder):
    do(shell, RUN)
    (folder / "answer.txt").write_text("broken\n")
    shell.servers.edited()
    shell.log("I cannot start.\n")
    with pytest.raises(matching.Mismatch, match="isn't serving.*"):
        shell.servers.check_web()
    (folder / "answer.txt").write_text("Fixed\n")
    shell.servers.edited()
    do(shell, ASK + "Fixed\n")


def test_server_may_fail_to_start_if_the_page_shows_it(shell, folder):
    (folder / "answer.txt").write_text("broken\n")
    do(shell, "$ python manage.py runserver\nI cannot start.\n")
    (folder / "answer.txt").write_text("Fixed\n")
    shell.servers.edited()
    do(shell, ASK + "Fixed\n")  # its reloader was waiting for this edit
    (folder / "answer.txt").write_text("broken\n")
    assert "ended at once" in fails(shell, "$ python manage.py runserver\n")[1]
    assert "ended at once" in fails(shell, "$ python manage.py runserver\n...\n")[1]


def test_different_server_output_is_reported(shell, monkeypatch):
    monkeypatch.setattr(servers, "START_LIMIT", 4)
    below, text = fails(shell, "$ python manage.py runserver\nStarting at ftp://...\n")
    assert below == 1
    assert "The first line that does not fit: Starting at ftp://..." in text
    assert "Starting at http://127.0.0.1:8000/" in text


def test_server_that_ended_by_itself_is_reported(shell):
    do(shell, RUN)
    shell.run("curl -s http://127.0.0.1:8000/stop")
    shell.servers.running["web"].process.wait(5)
    assert "`python manage.py runserver` ended by itself" in fails(shell, "$ echo x\nx\n")[1]


def test_log_block_matches_only_new_output(shell, monkeypatch):
    do(shell, RUN)
    shell.run("curl -s http://127.0.0.1:8000/once")
    shell.log("asked for /once\n")
    monkeypatch.setattr(servers, "LOG_LIMIT", 0.2)
    with pytest.raises(matching.Mismatch, match="No server printed this within 0.2 s"):
        shell.log("asked for /once\n")


def test_log_block_ignores_output_from_before_an_edit(shell, monkeypatch):
    do(shell, RUN)
    shell.run("curl -s http://127.0.0.1:8000/before")
    shell.servers.edited()
    monkeypatch.setattr(servers, "LOG_LIMIT", 0.2)
    with pytest.raises(matching.Mismatch, match="No server printed this within 0.2 s"):
        shell.log("asked for /before\n")


def test_log_block_needs_a_server(shell):
    with pytest.raises(matching.Mismatch, match="no server is running here"):
        shell.log("anything\n")
    with pytest.raises(matching.Mismatch, match="no server is running here"):
        shell.log("^C\n")


@pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server")
def test_redis_uses_another_port_but_shows_the_pages_port(shell, folder):
    do(shell, "$ redis-server\n...\n... Ready to accept connections...\n")
    do(shell, "$ export REDIS_URL=redis://127.0.0.1:6379\n")
    ask = "import os, redis; print(redis.Redis.from_url(os.environ['REDIS_URL']).ping())"
    do(shell, f'$ python -c "{ask}"\nTrue\n$ echo $REDIS_URL\nredis://127.0.0.1:6379\n')
    shell.log("^C\n")
    assert not (folder / "dump.rdb").exists()
