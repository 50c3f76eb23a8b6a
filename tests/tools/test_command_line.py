"""Check that a mistyped command gets one clear sentence, with make and without it."""

import ast
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from course import __main__, chapters
from course.tasks import environment, suites

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def run(*command):
    """Run a command in the repository, without the variables of a make that runs this test."""
    ours = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "CHAPTER", "DJANGO", "PORT", "PYTHON", "STEP", "TO")
    given = {name: value for name, value in os.environ.items() if name not in ours}
    return subprocess.run(command, cwd=chapters.ROOT, env=given, capture_output=True, text=True)


def course(*words):
    return run(sys.executable, "-m", "course", *words)


@pytest.fixture
def in_environment(monkeypatch, tmp_path):
    """Pretend that the environment exists and that its Python runs the tests."""
    monkeypatch.setattr(environment, "ensure", lambda root, django: tmp_path / "bin" / "python")
    monkeypatch.setattr(environment, "is_in_use", lambda python: True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["serve"], "invalid choice: 'serve'"),
        (["run", "--chapter", "09"], "There is no chapter '09'. There are: 01_http_only"),
        (["run", "--port", "80000"], "a port is a number from 1 to 65535, and not '80000'"),
        (["run", "--port", "x"], "and not 'x'"),
        (["run", "--prot", "80"], "Run does not know --prot 80"),
        (["test"], "Say which chapter: make test CHAPTER=03"),
        (["test", "--chapter", ""], "Say which chapter: make test CHAPTER=03"),
        (["draft"], "arguments are required: CHAPTER"),
        (["run", "--chapter", "hardening"], "There is no chapter 'hardening'"),
        (["start", "09", "/tmp/x"], "There is no chapter or guide '09'. There are: 01_http_only"),
        (["history"], "Say which folder: make history TO=~/channels-history"),
        (["history", "README.md"], "README.md is inside the course's repository"),
        (["start"], "Say which chapter and which folder: make start CHAPTER=04 TO=~/mysite"),
        (["replay", "03", "seven"], "There is no chapter or guide 'seven'"),
        (["setup", "--django", "7"], "DJANGO can be 5.2, 6.0, 6.1, but not '7'"),
    ],
)
def test_bad_input_gets_one_sentence(words, sentence):
    ended = course(*words)
    assert ended.returncode == (1 if words[0] in ("setup", "history") and words[1:] else 2)
    assert sentence in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""


def test_taken_port_is_reported_before_anything_slow(monkeypatch, capsys):
    def do_something_slow(*_):
        raise AssertionError("the environment was made first")

    monkeypatch.setattr(environment, "ensure", do_something_slow)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert __main__.main(["run", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"Port {port} is taken. Choose another: make run")


def test_old_python_can_parse_the_command_line():
    text = Path(__main__.__file__).read_text()
    ast.parse(text, feature_version=(3, 6))
    imports = [node for node in ast.parse(text).body if isinstance(node, ast.ImportFrom)]
    assert imports == [], "import the rest of the course only after checking Python's version"


def test_old_python_gets_a_hint_to_choose_another(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    assert __main__.main(["run"]) == 1
    assert capsys.readouterr().err == (
        "The course needs Python 3.11 or newer, and this is 3.9. "
        "Name one: make run PYTHON=python3.12\n"
    )


def test_environments_python_takes_over_with_the_same_arguments(monkeypatch, tmp_path):
    python = tmp_path / "bin" / "python"
    monkeypatch.setattr(environment, "ensure", lambda root, django: python)
    executed = []
    monkeypatch.setattr(os, "execv", lambda *command: executed.append(command))
    __main__.main(["test", "--chapter", "03", "-k", "x"])
    words = [str(python), "-m", "course", "test", "--chapter", "03", "-k", "x"]
    assert executed == [(str(python), words)]


def test_pytest_options_are_passed_on_in_order(in_environment, monkeypatch):
    called = []
    monkeypatch.setattr(suites, "test_one", lambda *given: called.append(given) or 5)
    words = ["test", "--chapter", "3", "tests/test_x.py", "-k", "a or b", "-x", "--lf"]
    assert __main__.main(words) == 5
    folder = chapters.folder("03_sync_group_chat")
    assert called == [(folder, ["tests/test_x.py", "-k", "a or b", "-x", "--lf"])]


@pytest.mark.parametrize(("value", "required"), [("1", True), ("", False), ("0", False)])
def test_require_all_is_read_from_the_environment(in_environment, monkeypatch, value, required):
    monkeypatch.setenv("REQUIRE_ALL", value)
    asked = []
    monkeypatch.setattr(suites, "test_all", lambda _, require_all: asked.append(require_all))
    __main__.main(["test-all"])
    assert asked == [required]


@needs_make
def test_make_without_a_target_lists_all_commands():
    listed = run("make").stdout
    assert listed == course().stdout
    for verb in (
        "run",
        "test-all",
        "test",
        "replay",
        "start",
        "history",
        "draft",
        "lint",
        "setup",
        "clean",
        "lock",
    ):
        assert f"make {verb}" in listed


@needs_make
@pytest.mark.parametrize(
    ("target", "words"),
    [
        (["run", "CHAPTER=03", "PORT=8001"], "run --chapter '03' --port '8001'"),
        (["test-all", "DJANGO=6.1"], "test-all --django '6.1'"),
        (["test", "CHAPTER=03"], "test --chapter '03'"),
        (["replay", "CHAPTER=03 04"], "replay 03 04"),
        (["replay"], "replay"),
        (["replay", "CHAPTER=03", "TO=~/mine", "STEP=0"], "replay 03 --to '~/mine' --step '0'"),
        (["start", "CHAPTER=04", "TO=~/mysite"], "start '04' '~/mysite'"),
        (["history", "TO=~/history"], "history '~/history'"),
        (["draft", "CHAPTER=03"], "draft 03"),
    ],
)
def test_make_passes_its_variables_on(target, words):
    shown = run("make", "-n", "PYTHON=py", *target).stdout
    assert shown.split() == f"py -m course {words}".split()


@needs_make
def test_make_prints_nothing_extra():
    ended = run("make", "run", f"PYTHON={sys.executable}", "CHAPTER=09")
    assert ended.returncode == 2
    assert ended.stdout == ""
    sentence, makes_own = ended.stderr.splitlines()
    assert sentence.startswith("There is no chapter '09'")
    assert makes_own.startswith("make: *** ")
