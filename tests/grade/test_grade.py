"""Marking: 30 made submissions, good, unfinished, broken and hostile, get the verdicts they should.

What a submission does is contained as far as the machine allows. Where it doesn't, hostile ones
aren't run here at all.
"""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from course import chapters, processes
from course.learner import grade, sandbox
from course.learner.sandbox import Means
from tests.grade import submissions

LINKED = "hostile_linked"


def picture(folder):
    """Return what's in a folder, to see changes: {path: a hash, or where a link leads}."""
    return {
        str(path): os.readlink(path)
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def running():
    """Return the command lines of all processes on this machine."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    """The folder with the submissions, and what they should come to."""
    top = tmp_path_factory.mktemp("group")
    near = top / "near"
    near.mkdir()
    (near / "thesis.txt").write_text("Years of work\n")
    made = submissions.make(near)
    submissions.write(made, top / "submissions")
    return top, made


@pytest.fixture(scope="module")
def graded(group, tmp_path_factory):
    """What `make grade` wrote, by submission, and what was different around it afterwards."""
    if not sandbox.means().namespaces:
        pytest.skip("Hostile submissions are only run where they can be contained.")
    top, _ = group
    to = tmp_path_factory.mktemp("marks") / "here"
    (top / "tmp").mkdir()
    before = picture(top)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(top / "tmp"))
        grade.command(f"{top}/submissions/*", submissions.CHAPTER, to)
    after = picture(top)
    with (to / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["submission"]: row for row in csv.DictReader(file)}
    return rows, to, before, after


def test_each_submission_gets_the_verdict_written_down_for_it(graded, group):
    rows, *_ = graded
    _, made = group
    wrong = {
        name: (rows[name]["verdict"], rows[name]["yours"] or rows[name]["why"])
        for name, submission in made.items()
        if rows[name]["verdict"] not in submission.verdicts
    }
    assert wrong == {}


def test_a_teacher_reads_at_which_step_the_unfinished_ones_stop(graded, group):
    rows, *_ = graded
    _, made = group
    wanted = {name: str(each.step) for name, each in made.items() if each.step}
    assert {name: rows[name]["step"] for name in wanted} == wanted


def test_a_neighbours_work_that_is_only_linked_to_does_not_count(graded):
    rows, *_ = graded
    assert rows[LINKED]["verdict"] == "stops"


def test_no_submission_changes_anything_outside_its_copy(graded):
    _, _, before, after = graded
    assert after == before
    for folder in ("/tmp", "/root", "/etc", chapters.ROOT, chapters.ROOT / "course"):
        assert not os.path.exists(f"{folder}/pwned-by-a-submission")


def test_judging_leaves_no_copies_behind(graded, group):
    assert os.listdir(group[0] / "tmp") == []


def test_nothing_of_a_submission_goes_on_running(graded):
    assert not [line for line in running().values() if "987654" in line]


def test_the_page_is_about_the_group(graded):
    _, to, *_ = graded
    page = (to / "marks.html").read_text(encoding="utf-8")
    assert "stop at step 8" in page and "hostile_forks" in page


def judge(names, made, means, tmp_path):
    """Judge some of the submissions; return their verdicts by name."""
    submissions.write({name: made[name] for name in names}, tmp_path / "some")
    found = {name: tmp_path / "some" / name for name in names}
    every = grade.judge_all(found, submissions.CHAPTER, means, tmp_path / "s", threading.Event())
    return {mark.name: mark.verdict for mark in every}


def test_without_namespaces_submissions_are_judged_all_the_same(group, tmp_path):
    names = ["good", "broken_key", "hostile_fakes_tests"]
    verdicts = judge(names, group[1], Means(), tmp_path)
    assert verdicts == {"good": "passed", "broken_key": "stops", "hostile_fakes_tests": "stops"}


def test_as_the_judges_own_user_a_submission_still_cannot_give_its_own_verdict(group, tmp_path):
    means = Means(sandbox.means().namespaces)
    if not means.namespaces:
        pytest.skip("Hostile submissions are only run where they can be contained.")
    names = ["good", "hostile_fakes_verdict", "hostile_kills_all"]
    verdicts = judge(names, group[1], means, tmp_path)
    assert verdicts.pop("good") == "passed"
    assert "passed" not in verdicts.values()


def test_ctrl_c_ends_all_that_was_started(group, tmp_path):
    _, made = group
    mark = str(654_000 + os.getpid())
    hangs = submissions.LEAVES_A_DAEMON.replace("987654", mark) + submissions.HANGS
    folder = tmp_path / "hangs"
    files = made["good"].files
    files = files | {submissions.SETTINGS: hangs.encode() + files[submissions.SETTINGS]}
    folder.mkdir()
    submissions.file_tree.write(files, folder)
    words = ["--dirs", folder, "--chapter", submissions.CHAPTER, "--to", tmp_path / "marks"]
    started = subprocess.Popen(
        [sys.executable, "-m", "course", "grade", *words], cwd=chapters.ROOT, start_new_session=True
    )
    try:
        assert processes.until(lambda: any(mark in line for line in running().values()), 120)
        os.kill(started.pid, signal.SIGINT)
        assert started.wait(30) == 130
    finally:
        processes.end(started)
    assert not [line for line in running().values() if mark in line]
    assert not (tmp_path / "marks").exists()
