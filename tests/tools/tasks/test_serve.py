"""Check that `run` serves a chapter, prints its address and leaves other projects alone."""

import contextlib
import json
import os
import signal
import socket
import sys

import pytest

from course import chapters, console, processes
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
import pathlib, sys
from course import __main__ as cli, chapters
from course.tasks import serve
chapters.ROOT = pathlib.Path.cwd()
cli.do = lambda words: serve.run(words[0], int(words[1]))
sys.exit(cli.main(sys.argv[1:]))
"""
SIXTH = "06_conversations_auth"
THIRD = "03_sync_group_chat"


class Program:
    """`make run` for a fake chapter. It's there once it has said that it serves, or has ended."""

    def __init__(self, root, chapter, **environment):
        self.folder = root / chapter
        self.port = processes.free_port()
        self.process = processes.Process(
            [sys.executable, "-c", SERVE, chapter, self.port],
            folder=root,
            environment={**os.environ, "PYTHONPATH": str(chapters.ROOT), **environment},
            log=root / "log",
        )
        assert processes.until(
            lambda: "stops it" in self.process.printed() or self.process.ended(), 20
        )

    def calls(self):
        """Return the arguments and the environment of each call of the chapter's manage.py."""
        return [json.loads(line) for line in (self.folder / "calls").read_text().splitlines()]

    def stop(self, number):
        """Send a signal; return the exit status once the server's port is free again."""
        self.process.popen.send_signal(number)
        status = self.process.popen.wait(timeout=20)
        stopped = processes.until(lambda: not processes.listens(self.port), 20)
        assert stopped, "the server's child process still runs"
        return status


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a chapter; after the test it ends."""
    with contextlib.ExitStack() as ends:

        def start(chapter, fails=None, **environment):
            folder = tmp_path / chapter
            folder.mkdir()
            (folder / "manage.py").write_text(MANAGE)
            (folder / f"{fails}.fails").touch()
            program = Program(tmp_path, chapter, **environment)
            ends.callback(program.process.end)
            return program

        yield start


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])
def test_taken_port_is_reported(address):
    with socket.create_server((address, 0)) as server:
        port = server.getsockname()[1]
        sentence = f"Port {port} is taken. Choose another: make run PORT={port + 1}"
        with pytest.raises(console.CourseError, match=sentence):
            serve.check_port(port)


def test_chapter_6_is_served_with_login_instructions(start):
    program = start(SIXTH)
    printed = program.process.printed()
    assert f"http://127.0.0.1:{program.port}/" in printed
    assert "Log in as ann with the password channels-demo" in printed
    assert "in a second browser (or a private window) as bob" in printed
    assert "chatter" not in printed
    migrate = ["migrate", "--no-input", "--verbosity", "0"]
    runserver = ["runserver", f"127.0.0.1:{program.port}"]
    assert [words for words, _ in program.calls()] == [migrate, ["demo"], runserver]
    assert program.stop(signal.SIGINT) == 0
    assert program.process.printed() == printed + "\nStopped.\n"


def test_early_chapter_is_served_without_login_instructions_until_it_is_terminated(start):
    program = start(THIRD)
    assert "Chapter 3 is served at" in program.process.printed()
    assert "password" not in program.process.printed()
    assert ["demo"] not in [words for words, _ in program.calls()]
    assert program.stop(signal.SIGTERM) == 143


def test_database_of_another_project_is_not_touched(start):
    others = dict.fromkeys(processes.OTHER_PROJECTS, "another project's")
    calls = start(SIXTH, **others).calls()
    assert len(calls) == 3
    for _, given in calls:
        assert not set(given) & set(processes.OTHER_PROJECTS)


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        ("migrate", f"The database of {SIXTH} couldn't be made."),
        ("demo", "The demo couldn't be made."),
        ("runserver", "The server didn't start"),
    ],
)
def test_failing_command_is_reported_and_ends_the_program(start, verb, sentence):
    process = start(SIXTH, fails=verb).process
    assert process.popen.wait(timeout=20) == 1
    assert sentence in process.printed()
    assert "it went wrong" in process.printed()
    assert "Traceback" not in process.printed()
    assert "stops it" not in process.printed()


def test_missing_chapter_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    with pytest.raises(console.CourseError, match=f"(?s)No such file.*database of {THIRD}"):
        serve.run(THIRD, 8000)
