"""What really surrounds a submission's programs, and what's said about it."""

import os
import threading

import pytest

from course.learner import sandbox
from course.learner.sandbox import Means

HERE = sandbox.means()
ALONE = [each for each in (HERE, Means(HERE.namespaces)) if each.namespaces]

SCRIPT = "tests.tools.learner.a_judge"


@pytest.fixture
def ask(tmp_path):
    """Return a function that has a judge run a submission's program; it returns what came of it."""

    def ask(code, means, seconds=30):
        job = {"scratch": str(tmp_path / "scratch"), "code": code}
        return sandbox.worker(SCRIPT, job, means, seconds, threading.Event())

    return ask


@pytest.mark.skipif(not ALONE, reason="this machine has no namespaces")
@pytest.mark.parametrize("means", ALONE, ids=str)
def test_what_is_said_to_hold_does(means, tmp_path):
    held = {
        each.protection: each.holds for each in sandbox.measure(means, tmp_path, threading.Event())
    }
    lacking = [name for name, holds in held.items() if not holds]
    assert lacking == ([] if means.user else ["runs as a user who owns nothing"])


def test_what_does_not_hold_without_namespaces_is_said(tmp_path):
    held = {
        each.protection: each.holds
        for each in sandbox.measure(Means(), tmp_path, threading.Event())
    }
    assert not held["can't change your files"] and not held["has no network"]
    assert held["a limit on time"] and held["a limit on what it prints"]


@pytest.mark.parametrize("means", [*ALONE, Means()], ids=str)
def test_one_that_fills_memory_is_stopped(ask, means):
    verdict, _ = ask("hoard = []\nwhile True: hoard.append(b'x' * 50_000_000)", means)
    assert verdict == {"stopped": "It used more than 1,024 MB of memory."}


@pytest.mark.parametrize("means", [*ALONE, Means()], ids=str)
def test_one_that_never_ends_is_stopped(ask, means):
    verdict, _ = ask("import time\nwhile True: time.sleep(1)", means, seconds=2)
    assert verdict == {"stopped": "It wasn't done after 2 s."}


@pytest.mark.parametrize("means", [*ALONE, Means()], ids=str)
def test_a_file_can_only_become_so_large(ask, means):
    verdict, _ = ask("open('big', 'wb').write(b'x' * 100_000_000)", means)
    assert "File too large" in verdict["said"]


@pytest.mark.parametrize("means", [*ALONE, Means()], ids=str)
def test_what_it_started_ends_with_it(ask, means, tmp_path):
    seconds = 500_000 + os.getpid()
    code = "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', "
    code += f"'import time; time.sleep({seconds})'], start_new_session=True, "
    code += "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"
    verdict, _ = ask(code, means)
    assert verdict["status"] == 0
    assert not [each for each in command_lines() if str(seconds).encode() in each]


@pytest.mark.skipif(not ALONE, reason="this machine has no namespaces")
@pytest.mark.parametrize("means", ALONE, ids=str)
def test_one_that_kills_everything_does_not_reach_the_judge(ask, means):
    verdict, _ = ask("import os, signal\nos.kill(1, 9)\nos.kill(-1, 9)", means)
    assert verdict["status"] != 0


def test_a_judge_that_ends_without_a_verdict_says_so(tmp_path):
    job = {"scratch": str(tmp_path / "scratch")}
    verdict, why = sandbox.worker("no.such.module", job, Means(), 10, threading.Event())
    assert verdict is None and "without a verdict" in why


def command_lines():
    for path in sandbox.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue
