"""Check that the outcome of every test is reported, and that nothing is left running."""

import contextlib
import fcntl
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from course import chapters, console
from course.tasks import services, suites

FILES = {
    "good": "def test_one(): pass\ndef test_two(): pass",
    "bad": """
import pytest
def test_fine(): pass
def test_wrong(): assert 'tea' == 'coffee'
@pytest.fixture
def pot(): raise OSError
def test_broken(pot): pass
""",
    "expected": "import pytest\n@pytest.mark.xfail\ndef test_later(): assert False",
    "lacking": """
import pytest
@pytest.mark.skip(reason='needs a Redis')
def test_skipped(): pass
def test_fine(): pass
""",
    "lacking_a_file": "import pytest\npytest.importorskip('nothing', reason='needs \"it\"')",
    "unreadable": "def test_(:",
    "empty": "",
    "crashing": "import os\ndef test_one(): pass\ndef test_two(): os.kill(os.getpid(), 9)",
    "leaving": "import os\ndef test_one(): os._exit(0)",
}
# The child process of this suite holds the lock as long as it runs.
SLOW = """
import subprocess, sys, time
def test_slow():
    subprocess.Popen([sys.executable, 'child.py'])
    time.sleep(60)
"""
CHILD = """
import fcntl, pathlib, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
with open('lock', 'w') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    pathlib.Path('child').touch()
    time.sleep(60)
"""
# These tests don't need the environment's pytest plugins, which take time to load.
ENVIRONMENT = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def write_suite(folder: Path, text: str) -> suites.Suite:
    """Write a suite with one test file; return it."""
    folder.mkdir()
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    return suites.Suite(folder.name, folder)


@contextlib.contextmanager
def captured_messages():
    """Yield a list that collects the lines that the course prints."""
    messages = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(console, "say", messages.append)
        yield messages


def write_hanging_suite(folder: Path) -> suites.Suite:
    """Write a suite that never ends, and whose child process doesn't either."""
    suite = write_suite(folder, SLOW)
    (folder / "child.py").write_text(CHILD)
    return suite


def is_gone(folder: Path) -> bool:
    """Tell whether the slow suite's child process ends within 5 seconds."""
    deadline = time.monotonic() + 5
    with (folder / "lock").open() as lock:
        while time.monotonic() < deadline:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def suite_run(tmp_path_factory):
    """Run all small suites; return results by name, what was printed, and how many ran at once."""
    root = tmp_path_factory.mktemp("suites")
    written = [write_suite(root / name, text) for name, text in FILES.items()]
    start, processes, at_once = suites._start, [], []

    def counted(*given):
        at_once.append(1 + sum(process.poll() is None for process in processes))
        running = start(*given)
        processes.append(running.process)
        return running

    with captured_messages() as messages, pytest.MonkeyPatch.context() as patch:
        patch.setattr(suites, "_start", counted)
        missing = suites.Suite("missing", root / "missing")
        results = suites.run_all([*written, missing], ENVIRONMENT, at_once=2)
    return {result.name: result for result in results}, "\n".join(messages), max(at_once)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("good", (2, 0, 0)),
        ("bad", (1, 2, 0)),
        ("expected", (1, 0, 0)),
        ("lacking", (1, 0, 1)),
        ("lacking_a_file", (0, 0, 1)),
        ("unreadable", (0, 1, 0)),
        ("empty", (0, 1, 0)),
        ("crashing", (0, 1, 0)),
        ("leaving", (0, 1, 0)),
        ("missing", (0, 1, 0)),
    ],
)
def test_every_outcome_is_counted_and_ending_early_is_a_failure(suite_run, name, counts):
    result = suite_run[0][name]
    assert (result.passed, result.failed, result.skipped) == counts


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("good", None),
        ("bad", None),
        ("lacking_a_file", None),
        ("empty", "it ran no test"),
        ("crashing", "it was ended by signal 9"),
        ("leaving", "it ran no test"),
        ("missing", "there is no folder missing"),
    ],
)
def test_problem_outside_the_tests_is_reported(suite_run, name, problem):
    results, messages, _ = suite_run
    assert (results[name].problem or "").startswith(problem or "")
    assert bool(results[name].problem) == bool(problem)
    assert problem is None or problem in messages


def test_only_failed_suites_are_printed_in_full(suite_run):
    results, messages, _ = suite_run
    assert "assert 'tea' == 'coffee'" in messages
    assert "SyntaxError" in messages
    assert results["good"].output not in messages


def test_skip_reasons_are_listed(suite_run):
    lines = "\n".join(suites.skips(list(suite_run[0].values()), require_all=False))
    assert "1  needs a Redis" in lines
    assert '1  needs "it"' in lines


def test_hanging_suite_is_stopped_with_its_child_processes(tmp_path, monkeypatch):
    suite = write_hanging_suite(tmp_path / "slow")

    def monotonic():
        """Jump a day ahead as soon as the suite hangs."""
        return time.monotonic() + 86400 * (suite.folder / "child").exists()

    clock = types.SimpleNamespace(monotonic=monotonic, sleep=time.sleep)
    monkeypatch.setattr(suites, "time", clock)
    with captured_messages() as messages:
        (result,) = suites.run_all([suite], ENVIRONMENT, limit=3600)
    assert (result.passed, result.failed) == (0, 1)
    assert "it took longer than 3600 s" in messages[0]
    assert "test_it.py:5: KeyboardInterrupt" in messages[1], "the output doesn't show where it hung"
    assert is_gone(suite.folder)


def test_two_suites_run_at_the_same_time(tmp_path):
    """Let each suite wait for the other, which fails if they run one after the other."""
    text = """
import pathlib, time
def test_meeting():
    pathlib.Path('../{me}.here').touch()
    deadline = time.monotonic() + 30
    while not pathlib.Path('../{other}.here').exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
"""
    one = write_suite(tmp_path / "one", text.format(me="one", other="two"))
    two = write_suite(tmp_path / "two", text.format(me="two", other="one"))
    with captured_messages():
        results = suites.run_all([one, two], ENVIRONMENT, at_once=2)
    assert [result.passed for result in results] == [1, 1]


def test_number_of_suites_at_once_is_limited(suite_run):
    assert suite_run[2] == 2


@pytest.fixture
def run_suites(tmp_path, monkeypatch, capsys):
    """Return a function that runs suites with these texts; it returns the status and the output."""

    def run(*texts, **options):
        written = [
            write_suite(tmp_path / f"suite{number}", text) for number, text in enumerate(texts)
        ]
        have = services.Services({"REDIS_URL": "redis://here"}, ["Browser: install one."])
        monkeypatch.setattr(services, "services", lambda: contextlib.nullcontext(have))
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        status = suites.run_suites(written, **options)
        return status, capsys.readouterr().out

    return run


def test_summary_has_a_table_skip_reasons_and_a_total(run_suites):
    status, output = run_suites(FILES["good"], FILES["lacking"])
    end = output[output.index("suite ") :]
    end = re.sub(r"\d+\.\d", "0.0", end)
    assert end == (
        "suite      passed   failed  skipped  seconds\n"
        "suite0          2        0        0      0.0\n"
        "suite1          1        0        1      0.0\n"
        "together        3        0        1      0.0\n"
        "\n"
        "Skipped:\n"
        "     1  needs a Redis\n"
        "Browser: install one.\n"
        "\n"
        "3 passed, 0 failed, 1 skipped\n"
    )
    assert status == 0


def test_skip_is_a_failure_with_require_all(run_suites):
    status, output = run_suites(FILES["lacking"], require_all=True)
    assert status == 1
    assert output.endswith("\n1 passed, 1 failed, 0 skipped\n")
    assert "REQUIRE_ALL=1 counts as failed" in output


def test_suite_gets_the_services_but_no_settings_of_another_project(run_suites, monkeypatch):
    for name in suites.DROPPED:
        monkeypatch.setenv(name, "another project's")
    names = [name for name in suites.DROPPED if name != "REDIS_URL"]
    status, output = run_suites(f"""
import os
def test_environment():
    assert os.environ["REDIS_URL"] == "redis://here"
    assert not set(os.environ) & set({names})
""")
    assert status == 0, output


def test_single_suite_is_run_with_the_arguments_for_pytest(tmp_path, monkeypatch):
    folder = write_suite(tmp_path / "bad", FILES["bad"]).folder
    monkeypatch.setattr(services, "services", lambda: contextlib.nullcontext(services.Services()))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert suites.run_suite(folder, ["-q", "-k", "fine"]) == 0
    with pytest.raises(console.CourseError, match="no folder missing"):
        suites.run_suite(tmp_path / "missing", [])


def test_interrupt_stops_all_processes(tmp_path):
    suite = write_hanging_suite(tmp_path / "slow")
    script = f"""
import sys
from pathlib import Path
from course import __main__ as cli, suites
suite = suites.Suite("slow", Path({str(suite.folder)!r}))
cli.do = lambda *_: suites.run_all([suite], {ENVIRONMENT!r})
sys.exit(cli.main(["test-all"]))
"""
    program = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    child = suite.folder / "child"
    deadline = time.monotonic() + 10
    while not child.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=10)
    assert program.returncode == 130
    assert "Traceback" not in errors
    assert is_gone(suite.folder)


def test_docs_tests_have_their_own_target():
    everything, of_docs = suites.everything(chapters.ROOT), suites.of_docs(chapters.ROOT)
    assert {suite.arguments[0] for suite in of_docs} == {
        f"tests/docs/{path.name}" for path in chapters.ROOT.glob("tests/docs/test_*.py")
    }
    assert "--ignore=tests/docs" in everything[-1].arguments


def test_fault_tests_have_their_own_target():
    everything, of_faults = suites.everything(chapters.ROOT), suites.of_faults(chapters.ROOT)
    assert {suite.arguments[0] for suite in of_faults} == {
        f"tests/faults/{path.name}" for path in chapters.ROOT.glob("tests/faults/test_*.py")
    }
    assert "--ignore=tests/faults" in everything[-1].arguments


def test_figures_of_a_test_are_shown(tmp_path):
    text = "def test_no_tea_is_lost(record_property): record_property('sent', 3)"
    results = suites.run_all([write_suite(tmp_path / "counting", text)], ENVIRONMENT)
    assert suites.figures(results) == ["", "counting", "  no tea is lost", "      sent 3"]
