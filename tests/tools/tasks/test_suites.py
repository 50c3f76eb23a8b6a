"""Check that the outcome of every test is reported, and that nothing is left running."""

import contextlib
import copy
import os
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

from course import chapters, console, processes
from course.tasks import services, suites

# Two suites wait for each other, which fails if they run one after the other.
MEETING = """
import pathlib, pytest, time
def test_meeting():
    pathlib.Path('here').touch()
    deadline = time.monotonic() + 30
    while not pathlib.Path('../{}/here').exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
"""
FILES = {
    "good": MEETING.format("lacking")
    + """
@pytest.mark.xfail
def test_later(): assert False
def test_no_tea_is_lost(record_property): record_property('sent', 3)
""",
    "bad": """
import pytest
def test_fine(): pass
def test_wrong(): assert 'tea' == 'coffee'
@pytest.fixture
def pot(): raise OSError
def test_broken(pot): pass
""",
    "lacking": MEETING.format("good")
    + """
@pytest.mark.skip(reason='needs a Redis')
def test_skipped(): pass
""",
    "lacking_a_file": "import pytest\npytest.importorskip('nothing', reason='needs \"it\"')",
    "unreadable": "def test_(:",
    "empty": "",
    "crashing": "import os\ndef test_one(): pass\ndef test_two(): os.kill(os.getpid(), 9)",
    "leaving": "import os\ndef test_one(): os._exit(0)",
}
# A suite that never ends, and neither does its child process.
HANGING = """
import subprocess, sys, time
def test_server():
    subprocess.Popen([sys.executable, '-m', 'http.server', '-b', '127.0.0.1', '{}'])
    time.sleep(60)
"""
SAYS_WHAT_RAN = """
import pytest
@pytest.mark.parametrize("number", range(9))
def test_one(number):
    with open("ran", "a") as ran:
        print(__file__, number, file=ran)
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


@pytest.fixture(scope="module")
def suite_run(tmp_path_factory):
    """Run all small suites; return results by name, what was printed, and how many ran at once."""
    root = tmp_path_factory.mktemp("suites")
    written = [write_suite(root / name, text) for name, text in FILES.items()]
    started, at_once = [], []

    class Counted(suites.Process):
        def __init__(self, *words, **options):
            at_once.append(1 + sum(not process.ended() for process in started))
            super().__init__(*words, **options)
            started.append(self)

    with captured_messages() as messages, pytest.MonkeyPatch.context() as patch:
        patch.setattr(suites, "Process", Counted)
        results = suites.run_all(written, ENVIRONMENT, at_once=2)
    assert [result.name for result in results] == list(FILES)
    return {result.name: result for result in results}, "\n".join(messages), max(at_once)


@pytest.mark.parametrize(
    ("name", "counts", "problem"),
    [
        ("good", (3, 0, 0), None),
        ("bad", (1, 2, 0), None),
        ("lacking", (1, 0, 1), None),
        ("lacking_a_file", (0, 0, 1), None),
        ("unreadable", (0, 1, 0), "pytest's exit status was 2"),
        ("empty", (0, 1, 0), "it ran no test"),
        ("crashing", (0, 1, 0), "it was ended by signal 9"),
        ("leaving", (0, 1, 0), "it ran no test"),
    ],
)
def test_every_outcome_is_counted_and_ending_early_is_a_failure(suite_run, name, counts, problem):
    results, messages, _ = suite_run
    result = results[name]
    assert (result.passed, result.failed, result.skipped) == counts
    assert (result.problem or "").startswith(problem or "")
    assert bool(result.problem) == bool(problem)
    assert problem is None or problem in messages


def test_only_failed_suites_are_printed_in_full(suite_run):
    results, messages, _ = suite_run
    assert "assert 'tea' == 'coffee'" in messages
    assert "SyntaxError" in messages
    assert results["good"].output not in messages


def test_number_of_suites_at_once_is_limited(suite_run):
    assert suite_run[2] == 2


@pytest.fixture
def summary(suite_run, monkeypatch, capsys):
    """Return a function that gives the exit status and the summary of a suite that went so."""
    have = services.Services({"REDIS_URL": "redis://here"}, ["Browser: install one."])
    monkeypatch.setattr(services, "services", lambda: contextlib.nullcontext(have))

    def summarise(*names, require_all=""):
        results = [suite_run[0][name] for name in names]
        monkeypatch.setattr(suites, "run_all", lambda *_: [copy.copy(one) for one in results])
        monkeypatch.setenv("REQUIRE_ALL", require_all)
        return suites.run_suites([]), re.sub(r"\d+\.\d", "0.0", capsys.readouterr().out)

    return summarise


@pytest.mark.parametrize("require_all", ["", "0"])
def test_summary_has_figures_a_table_skip_reasons_and_a_total(summary, require_all):
    names = ["good", "lacking", "lacking_a_file"]
    status, printed = summary(*names, require_all=require_all)
    assert printed == (
        "\n"
        "good\n"
        "  no tea is lost\n"
        "      sent 3\n"
        "\n"
        "suite           passed  failed  skipped  seconds\n"
        "good                 3       0        0      0.0\n"
        "lacking              1       0        1      0.0\n"
        "lacking_a_file       0       0        1      0.0\n"
        "together             4       0        2      0.0\n"
        "\n"
        "Skipped:\n"
        "     1  needs a Redis\n"
        '     1  needs "it"\n'
        "Browser: install one.\n"
        "\n"
        "4 passed, 0 failed, 2 skipped\n"
    )
    assert status == 0


def test_skip_is_a_failure_with_require_all(summary):
    status, printed = summary("lacking", require_all="1")
    assert status == 1
    assert printed.endswith("\n1 passed, 1 failed, 0 skipped\n")
    assert "REQUIRE_ALL=1 counts as failed" in printed


def test_suite_gets_the_services_but_no_settings_of_another_project():
    given = dict.fromkeys([*suites.DROPPED, *processes.OTHER_PROJECTS, "HOME"], "mine")
    have = services.Services({"REDIS_URL": "redis://here"})
    assert suites.suite_env(given, have) == {"HOME": "mine", "REDIS_URL": "redis://here"}


def test_hanging_suite_is_stopped_with_its_child_processes(tmp_path, monkeypatch):
    port = processes.free_port()
    suite = write_suite(tmp_path / "slow", HANGING.format(port))

    def monotonic():
        """Jump a day ahead as soon as the suite hangs."""
        return time.monotonic() + 86400 * processes.listens(port)

    clock = types.SimpleNamespace(monotonic=monotonic, sleep=time.sleep)
    monkeypatch.setattr(suites, "time", clock)
    monkeypatch.setattr(suites, "GRACE", 60)
    with captured_messages() as messages:
        (result,) = suites.run_all([suite], ENVIRONMENT, limit=3600)
    assert (result.passed, result.failed) == (0, 1)
    assert "it took longer than 3600 s" in messages[0]
    assert "test_it.py:5: KeyboardInterrupt" in messages[1], "the output doesn't show where it hung"
    assert processes.until(lambda: not processes.listens(port), 5)


def test_interrupt_stops_all_processes(tmp_path):
    port = processes.free_port()
    suite = write_suite(tmp_path / "slow", HANGING.format(port))
    script = f"""
import sys
from pathlib import Path
from course import __main__ as cli
from course.tasks import suites
suite = suites.Suite("slow", Path({str(suite.folder)!r}))
cli.do = lambda *_: suites.run_all([suite], {ENVIRONMENT!r})
sys.exit(cli.main(["test-all"]))
"""
    program = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE, text=True)
    assert processes.until(lambda: processes.listens(port), 20)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=20)
    assert program.returncode == 130
    assert "Traceback" not in errors
    assert processes.until(lambda: not processes.listens(port), 5)


def test_single_suite_is_run_with_the_arguments_for_pytest(tmp_path, monkeypatch):
    folder = write_suite(tmp_path / "bad", FILES["bad"]).folder
    monkeypatch.setattr(services, "services", lambda: contextlib.nullcontext(services.Services()))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    assert suites.run_suite(folder, ["-q", "-k", "fine"]) == 0


def test_missing_folder_of_a_chapter_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(chapters, "ROOT", tmp_path)
    for command in (suites.test_all, lambda: suites.test(chapters.NAMES[0], [])):
        with pytest.raises(console.CourseError, match=f"no folder {chapters.NAMES[0]}"):
            command()


@pytest.fixture
def ran(monkeypatch):
    """All suites of the repository, in no order."""
    ran = []
    monkeypatch.setattr(suites, "run_suites", ran.extend)
    monkeypatch.setattr(services, "postgres_programs", lambda: None)
    for command in (
        suites.test_all,
        suites.test_docs,
        suites.test_faults,
        suites.test_cluster,
        suites.test_learner,
        suites.test_grade,
        suites.test_zensical,
    ):
        command()
    return ran


def test_every_test_of_the_repository_belongs_to_one_suite(ran):
    """Take apart what the commands run, and compare it with the files that there are."""
    files = []
    for suite in ran:
        left_out = [each.removeprefix("--ignore=") for each in suite.arguments if each[0] == "-"]
        named = [each for each in suite.arguments if each[0] != "-"] or ["."]
        for path in (suite.folder / each for each in named):
            found = [path] if path.is_file() else list(path.rglob("test_*.py"))
            out = [suite.folder / each for each in left_out]
            files += [f for f in found if not any(f == each or each in f.parents for each in out)]
    folders = ["tests", *chapters.NAMES]
    assert sorted(files) == sorted(
        file for folder in folders for file in (chapters.ROOT / folder).rglob("test_*.py")
    )


def test_seed_gives_the_tests_another_order_that_can_be_repeated(tmp_path):
    suite = write_suite(tmp_path / "two_files", SAYS_WHAT_RAN)
    (suite.folder / "test_more.py").write_text(SAYS_WHAT_RAN)

    def order(seed):
        (suite.folder / "ran").unlink(missing_ok=True)
        suites.run_all([suite], {**ENVIRONMENT, suites.SHUFFLE: seed})
        return [line.split() for line in (suite.folder / "ran").read_text().splitlines()]

    usual, first = order(""), order("1")
    assert first != usual and sorted(first) == sorted(usual)
    assert order("1") == first
    assert order("2") != first
    assert len({file for file, _ in first[:9]}) == 1, "a file's tests are torn apart"


def test_what_takes_longest_begins(tmp_path, monkeypatch):
    class AlreadyOver:
        def __init__(self, suite, *_):
            self.process = types.SimpleNamespace(ended=lambda: True)
            self.suite = suite
            self.result = lambda limit: suites.Result(suite.name)

    monkeypatch.setattr(suites, "Running", AlreadyOver)
    written = [suites.Suite(name, tmp_path) for name in ("one", "tools", "site_pages", "two")]
    with captured_messages() as messages:
        results = suites.run_all(written, ENVIRONMENT, at_once=1)
    assert [line.split()[0] for line in messages] == ["site_pages", "tools", "one", "two"]
    assert [result.name for result in results] == ["one", "tools", "site_pages", "two"]


def test_names_of_the_longest_suites_are_right(ran):
    assert set(suites.FIRST) <= {suite.name for suite in ran}
