"""Check that `run` serves a chapter, prints its address and leaves other projects alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from course import console, processes
from course.tasks import serve

# A fake manage.py of a chapter: it records each call, and serves a page.
MANAGE = """
import http.server, json, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
with open("calls", "a") as calls:
    calls.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
if os.path.exists(sys.argv[1] + ".fails"):
    sys.exit("it went wrong")
if sys.argv[1] == "runserver":
    if os.fork() == 0:
        port = int(sys.argv[2].split(":")[1])
        handler = http.server.SimpleHTTPRequestHandler
        handler.log_message = lambda *_: None
        http.server.HTTPServer(("127.0.0.1", port), handler).serve_forever()
    os.wait()
else:
    print("chatter")
"""
SERVE = """
import sys
from pathlib import Path
from course import __main__ as cli, serve
cli.do = lambda *_: serve.serve(Path(sys.argv[1]), int(sys.argv[2]))
sys.exit(cli.main([]))
"""


def write_chapter(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    (folder / "manage.py").write_text(MANAGE)
    return folder


@pytest.fixture
def started(tmp_path):
    """Return a function that starts the program, and waits for its last line or its end."""
    programs = []

    def start(folder, port, **environment):
        program = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(folder), str(port)],
            stdout=subprocess.PIPE,
            stderr=(tmp_path / "errors").open("w"),
            text=True,
            env={**os.environ, **environment},
        )
        programs.append(program)
        printed = ""
        for line in program.stdout:
            printed += line
            if "stops it" in line:
                break
        return program, printed

    yield start
    for program in programs:
        program.terminate()
        program.communicate(timeout=10)


def calls(folder):
    """Return the arguments and the environment of each call of the chapter's manage.py."""
    return [json.loads(line) for line in (folder / "calls").read_text().splitlines()]


def is_free(port):
    """Tell whether the port is free, or becomes free within 5 seconds."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            serve.check_port(port)
            return True
        except console.CourseError:
            time.sleep(0.02)
    return False


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_taken_port_is_reported(address):
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        sentence = f"Port {port} is taken. Choose another: make run PORT={port + 1}"
        with pytest.raises(console.CourseError, match=sentence):
            serve.check_port(port)


def test_bound_port_that_does_not_answer_is_taken():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(console.CourseError, match="is taken"):
            serve.check_port(bound.getsockname()[1])


def test_port_of_a_server_that_just_stopped_is_free():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        connection, _ = server.accept()
        connection.close()
    client.close()
    serve.check_port(port)


def test_chapter_6_is_served_with_login_instructions(tmp_path, started):
    folder = write_chapter(tmp_path, "06_conversations_auth")
    port = processes.free_port()
    program, printed = started(folder, port)
    assert f"http://127.0.0.1:{port}/" in printed
    assert "Log in as ann with the password channels-demo" in printed
    assert "in a second browser (or a private window) as bob" in printed
    assert "chatter" not in printed
    verbs = [words for words, _ in calls(folder)]
    migrate = ["migrate", "--no-input", "--verbosity", "0"]
    assert verbs == [migrate, ["demo"], ["runserver", f"127.0.0.1:{port}"]]
    program.send_signal(signal.SIGINT)
    assert program.wait(timeout=10) == 0
    assert is_free(port), "the server's child process still runs"
    assert (tmp_path / "errors").read_text() == ""


def test_early_chapter_is_served_without_login_instructions(tmp_path, started):
    folder = write_chapter(tmp_path, "03_sync_group_chat")
    _, printed = started(folder, processes.free_port())
    assert "Chapter 3 is served at" in printed
    assert "password" not in printed
    assert ["demo"] not in [words for words, _ in calls(folder)]


def test_terminating_the_program_stops_the_server(tmp_path, started):
    port = processes.free_port()
    program, _ = started(write_chapter(tmp_path, "03_sync_group_chat"), port)
    program.terminate()
    assert program.wait(timeout=10) == 143
    assert is_free(port)


def test_database_of_another_project_is_not_touched(tmp_path, started):
    folder = write_chapter(tmp_path, "06_conversations_auth")
    others = dict.fromkeys(processes.OTHER_PROJECTS, "another project's")
    started(folder, processes.free_port(), **others)
    assert len(calls(folder)) == 3
    for _, given in calls(folder):
        assert not set(given) & set(processes.OTHER_PROJECTS)


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        ("migrate", "The database of 06_conversations_auth could not be made."),
        ("demo", "The demo could not be made."),
        ("runserver", "The server didn't start"),
    ],
)
def test_failing_command_is_reported_and_ends_the_program(tmp_path, started, verb, sentence):
    folder = write_chapter(tmp_path, "06_conversations_auth")
    (folder / f"{verb}.fails").touch()
    program, printed = started(folder, processes.free_port())
    assert program.wait(timeout=10) == 1
    errors = (tmp_path / "errors").read_text()
    assert sentence in errors
    assert "it went wrong" in errors
    assert "Traceback" not in errors
    assert "stops it" not in printed


def test_missing_chapter_is_reported(tmp_path):
    with pytest.raises(console.CourseError, match="no chapter in the folder 05_htmx_ws"):
        serve.serve(tmp_path / "05_htmx_ws", 8000)
