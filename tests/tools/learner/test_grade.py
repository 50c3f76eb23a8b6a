import pytest

from course.console import CourseError
from course.learner import grade, marks, submissions
from course.learner.sandbox import Means


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def project(folder):
    folder.mkdir(parents=True)
    (folder / "manage.py").write_text("")


def test_a_pattern_that_matches_nothing_is_named(here):
    with pytest.raises(CourseError, match="Nothing is called subs/"):
        submissions.find("subs/*")


def test_archives_that_were_not_unpacked_are_named(here):
    (here / "ann.zip").write_bytes(b"PK")
    with pytest.raises(CourseError, match="Unpack archives"):
        submissions.find("*.zip")


def test_the_folder_around_the_submissions_is_not_taken_for_one(here):
    project(here / "all/ann")
    project(here / "all/bob")
    with pytest.raises(CourseError, match="DIRS='all/"):
        submissions.find("all")


def test_folders_with_spaces_and_odd_names_are_found(here):
    project(here / "all/Ann B")
    project(here / "all/[bob]")
    assert list(submissions.find("all/*")) == ["Ann B", "[bob]"]
    assert list(submissions.find("'all/Ann B'")) == ["Ann B"]


def test_two_of_the_same_name_are_told_apart(here):
    project(here / "monday/ann")
    project(here / "tuesday/ann")
    assert list(submissions.find("*/ann")) == ["monday/ann", "tuesday/ann"]


def test_a_file_among_the_folders_stops_no_one_else(here):
    (here / "ann.zip").write_bytes(b"PK")
    mark = grade.judge("ann.zip", here / "ann.zip", "", Means(), here / "s", 1, None)
    assert mark.verdict == marks.NOT_JUDGED and "Unpack" in mark.why


@pytest.mark.parametrize(
    "verdict", [{}, {"verdict": "PASSED"}, {"verdict": None}, {"stopped": "x"}]
)
def test_only_a_positive_verdict_passes(verdict):
    assert grade._mark("ann", verdict, 1.0).verdict == marks.NOT_JUDGED


def test_marks_are_written_where_git_ignores_them(here):
    target = submissions.new_folder("03_sync_group_chat")
    assert target == here / "marks/03_sync_group_chat-1"
    assert (here / "marks/.gitignore").read_text() == "*\n"
