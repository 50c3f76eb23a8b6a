"""Check that `make nightly` tries all it should, and tells what became of each."""

import pytest

from course import chapters
from course.tasks import environment, nightly
from course.tasks.nightly import Job
from course.verbs import VERBS


def test_job_that_fails_is_named_and_the_others_are_run_all_the_same(monkeypatch, messages):
    jobs = [
        Job("a taken chapter", ("start", "--chapter", "09", "--to", "/tmp/nowhere")),
        Job("no such Python", ("help",), python=None),
        Job("a list", ("help",)),
    ]
    monkeypatch.setattr(nightly, "jobs", lambda: jobs)
    assert nightly.nightly() == 1
    *_, table, last = messages
    rows = [line.split()[-1] for line in table.strip().splitlines()]
    assert rows == ["outcome", "failed", "skipped", "passed"]
    assert last.strip() == "1 passed, 1 failed, 1 skipped"


def test_no_job_asks_for_a_verb_that_is_not_there():
    verbs = {verb.name for verb in VERBS}
    assert {job.words[0] for job in nightly.jobs()} <= verbs


def test_no_job_is_about_a_lesson_that_is_not_there():
    named = {job.variables.get("FAULTS_LESSON") for job in nightly.jobs()} - {None}
    assert named <= chapters.lessons().keys() and named


def test_no_promised_python_or_django_is_left_out():
    titles = {job.title for job in nightly.jobs()}
    assert {f"Python {python}, Django {django}" for python, django in environment.pairs()} < titles


@pytest.mark.parametrize("works", ["first", "second"])
def test_python_that_only_complains_is_passed_over(works, monkeypatch, tmp_path):
    """pyenv puts a python3.13 on PATH, which may say no more than that there's none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "first"))
    found = {
        "first": tmp_path / "first" / "python3.13",
        "second": tmp_path / ".pyenv" / "versions" / "3.13.1" / "bin" / "python",
    }
    for name, program in found.items():
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\nexit {int(name != works)}\n")
        program.chmod(0o755)
    assert nightly.find("3.13") == str(found[works])
    assert nightly.find("3.12") is None
