"""Check that a mistyped command gets one clear sentence, with make and without it."""

import ast
import os
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from course import __main__, chapters, console
from course.tasks import environment, suites
from course.verbs import VERBS

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
OURS = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON"}
OURS |= {argument.variable for verb in VERBS for argument in verb.arguments}


def make(*words):
    """Run make in the repository, without the variables of a make that runs this test."""
    given = {name: value for name, value in os.environ.items() if name not in OURS}
    command = ["make", f"PYTHON={sys.executable}", *words]
    return subprocess.run(command, cwd=chapters.ROOT, env=given, capture_output=True, text=True)


@pytest.fixture
def in_environment(monkeypatch, tmp_path):
    """Pretend that the environment exists and that its Python runs the tests."""
    monkeypatch.setattr(environment, "ensure", lambda root, django: tmp_path / "bin" / "python")
    monkeypatch.setattr(environment, "is_in_use", lambda python: True)


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        ("serve", 2, "invalid choice: 'serve'"),
        ("run --port 80000", 2, "a port is a number from 1 to 65535, and not '80000'"),
        ("run --port x", 2, "and not 'x'"),
        ("replay --step x", 2, "a step is a number from 0 on, and not 'x'"),
        ("replay --chapter 03 --step 1", 1, "A step is written so: make replay CHAPTER=03 TO="),
        ("run --prot 80", 2, "Run doesn't know --prot 80"),
        ("test", 2, "Test needs CHAPTER: make test CHAPTER=03. What there is: make help"),
        ("draft", 2, "Draft needs CHAPTER: make draft CHAPTER=03"),
        ("history", 2, "History needs TO: make history TO=~/channels-history"),
        ("start", 2, "Start needs CHAPTER and TO: make start CHAPTER=04 TO=~/my-chat"),
        ("start --chapter 04", 2, "Start needs TO: make start CHAPTER=04 TO=~/my-chat"),
        ("run --chapter 09", 1, "There is no chapter '09'. There are: 01_http_only"),
        ("run --chapter hardening", 1, "There is no chapter 'hardening'"),
        ("start --chapter 09 --to /tmp/x", 1, "There is no chapter or guide '09'. There are: 01_"),
        ("history --to README.md", 1, "README.md is inside the course's repository"),
        ("replay --chapter 03 --chapter seven", 1, "There is no chapter or guide 'seven'"),
        ("setup --django 7", 1, "DJANGO can be 5.2, 6.0, 6.1, main, but not '7'"),
    ],
)
def test_bad_input_gets_one_sentence(words, status, sentence, monkeypatch, capsys):
    monkeypatch.chdir(chapters.ROOT)
    try:
        ended = __main__.main(words.split())
    except SystemExit as end:
        ended = end.code
    printed = capsys.readouterr()
    assert (ended, printed.out) == (status, "")
    assert sentence in printed.err
    assert len(printed.err.splitlines()) == 1


def test_taken_port_is_reported_before_anything_slow(monkeypatch, capsys):
    monkeypatch.setattr(environment, "ensure", lambda *_: pytest.fail("made the environment first"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert __main__.main(["run", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"Port {port} is taken. Choose another: make run")


def test_old_python_can_parse_the_command_line():
    text = Path(__main__.__file__).read_text()
    tree = ast.parse(text, feature_version=(3, 6))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
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


def test_json_is_not_preceded_by_how_the_environment_is_made(monkeypatch, tmp_path, capsys):
    def ensure(root, django):
        console.say("Creating .venv ...")
        return tmp_path / "bin" / "python"

    monkeypatch.setattr(environment, "ensure", ensure)
    monkeypatch.setattr(os, "execv", lambda *_: None)
    (tmp_path / "a.py").touch()
    __main__.main(["check", str(tmp_path), "--json"])
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "Creating .venv ...\n")


def test_pytest_options_are_passed_on_in_order(in_environment, monkeypatch):
    called = []
    monkeypatch.setattr(suites, "run_suite", lambda *given: called.append(given) or 5)
    words = ["test", "--chapter", "3", "tests/test_x.py", "-k", "a or b", "-x", "--lf"]
    assert __main__.main(words) == 5
    folder = chapters.folder("03_sync_group_chat")
    assert called == [(folder, ["tests/test_x.py", "-k", "a or b", "-x", "--lf"])]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_every_verb_names_functions_that_take_its_arguments(verb):
    """Import what the table names, and compare parameters with options."""
    options = {argument.key for argument in verb.arguments}
    if verb.packages is True:
        options -= {"django"}
    asks = verb.packages if isinstance(verb.packages, str) else ""
    for name in filter(None, [verb.function, verb.check, asks]):
        code = __main__.function(name).__code__
        taken = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
        assert options <= taken, name
    for argument in verb.arguments:
        if "type" in argument.options:
            assert callable(__main__.function(argument.options["type"]))


@needs_make
def test_make_without_a_target_lists_all_commands():
    listed = make().stdout
    assert listed == __main__.help_text()
    assert all(f"\n  {verb.call}" in listed for verb in VERBS)


@needs_make
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("run CHAPTER=03 PORT=8001", "run --chapter '03' --port '8001'"),
        ("test-all DJANGO=6.1", "test-all --django '6.1'"),
        ("test CHAPTER=03", "test --chapter '03'"),
        ("replay", "replay"),
        ("replay CHAPTER='03 04'", "replay --chapter '03' --chapter '04'"),
        ("replay CHAPTER=03 TO=~/mine STEP=0", "replay --chapter '03' --to '~/mine' --step '0'"),
        ("replay FAST=1 WRITE=1", "replay --write --fast"),
        ("replay FAST=0 WRITE=", "replay"),
        ("start CHAPTER=04 TO=~/mysite", "start --chapter '04' --to '~/mysite'"),
        ("history TO=~/history", "history --to '~/history'"),
        ("draft CHAPTER=03", "draft --chapter '03'"),
        ("bench FULL=1 SOAK=1", "bench --full --soak"),
        ("bench LONG=1 WRITE=1", "bench --long --write"),
        ("docs-serve PORT=8011", "docs-serve --port '8011'"),
        ("setup DJANGO=6.0", "setup --django '6.0'"),
    ],
)
def test_make_passes_its_variables_on(target, words):
    shown = make("-n", "PYTHON=py", *shlex.split(target)).stdout
    assert shown.split() == f"py -m course {words}".split()


@needs_make
def test_make_prints_nothing_extra():
    ended = make("run", "CHAPTER=09")
    assert ended.returncode == 2
    assert ended.stdout == ""
    sentence, makes_own = ended.stderr.splitlines()
    assert sentence.startswith("There is no chapter '09'")
    assert makes_own.startswith("make: *** ")
