"""Marking: 30 made submissions, good, unfinished, broken and hostile, get the verdicts they should.

What a submission does is contained as far as the machine allows. Where it doesn't, hostile ones
aren't run here at all.
"""

import csv
import hashlib
import os
import tempfile
import threading
from pathlib import Path

import pytest

from course.learner import grade, sandbox
from tests.learner import submissions

LINKED = "hostile_linked"


def picture(folder):
    """Return what's in a folder, so that a change is seen: {path: a hash, or where a link leads}."""
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
    before = picture(top), set(os.listdir(tempfile.gettempdir()))
    grade.command(f"{top}/submissions/*", submissions.CHAPTER, to)
    after = picture(top), set(os.listdir(tempfile.gettempdir()))
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
    assert after[0] == before[0]
    assert not [name for name in after[1] - before[1] if name.startswith(("course-", "pwned"))]
    assert not list(grade.chapters.ROOT.rglob("pwned-by-a-submission"))


def test_nothing_of_a_submission_goes_on_running(graded):
    assert not [line for line in running().values() if "987654" in line]


def test_the_page_is_about_the_group(graded):
    _, to, *_ = graded
    page = (to / "marks.html").read_text(encoding="utf-8")
    assert "stop at step 8" in page and "hostile_forks" in page
