"""Check that a learner's folder gets the project to start with, and that no file is lost."""

import errno
import stat
import subprocess
import sys

import pytest

from course import __main__, chapters, console
from course.pages import file_tree
from tests.support.sample_course import start


def test_new_folder_gets_the_end_of_the_chapter_before(course, mine, capsys):
    folder = course.folder("01_one", manage_py="#!/usr/bin/env python\n", README_md="x")
    (folder / "requirements-dev.txt").write_text("django\n")
    (folder / "db.sqlite3").touch()
    page = course.page("02_two", "")
    assert start("2", str(mine)) == 0
    assert sorted(path.name for path in mine.iterdir()) == ["manage.py", "requirements-dev.txt"]
    assert file_tree.read(mine) == file_tree.read(folder)
    assert (mine / "manage.py").stat().st_mode & stat.S_IXUSR
    assert capsys.readouterr().out == (
        f"{mine} now contains the end of 01_one: 2 files.\n\nNext:\n\n"
        f"  cd {mine}\n"
        "  python3 -m venv .venv\n"
        "  source .venv/bin/activate\n"
        "  pip install -r requirements-dev.txt\n"
        "  python manage.py migrate\n\n"
        f"Then follow {page}\n"
    )


def test_first_chapter_begins_with_an_empty_folder(course, tmp_path, capsys):
    mine = tmp_path / "my chat"
    page = course.page("01_one", "")
    assert start("01", str(mine)) == 0
    assert list(mine.iterdir()) == []
    assert capsys.readouterr().out == (
        f"01_one starts with an empty folder, and {mine} is ready.\n\nNext:\n\n"
        f"  cd '{mine}'\n\nThen follow {page}\n"
    )
    assert start("01", str(mine)) == 0, "an empty folder serves as well"


def test_first_of_several_parts_is_named(course, mine, capsys):
    course.folder("01_one")
    start("2", str(mine))
    assert capsys.readouterr().out.endswith("02_two has no page yet.\n")
    first = course.part("02_two", "1_a.md", "")
    course.part("02_two", "2_b.md", "")
    start("2", str(mine))
    assert capsys.readouterr().out.endswith(f"Then follow {first}\n")


def test_tilde_is_the_home(course, tmp_path, monkeypatch):
    course.folder("01_one", a_py="x\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    start("2", "~/deep/below")
    assert file_tree.read(tmp_path / "deep" / "below") == {"a.py": b"x\n"}


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("full", "full isn't empty, so nothing was changed there. Choose a new or an empty folder"),
        ("full/mine.txt", "mine.txt is a file. Choose"),
        ("full/mine.txt/below", "mine.txt/below can't be"),
        (".", " isn't empty"),
        ("channels-course", "is inside the course's repository"),
        ("channels-course/new/folder", "is inside the course's repository"),
        ("link/new", "is inside the course's repository"),
        ("~nobody-of-that-name/x", "is in the home of a user who doesn't exist"),
        ("x" * 300, "can't be used: File name too long"),
    ],
)
def test_unusable_folder_is_reported_and_left_alone(course, tmp_path, monkeypatch, to, message):
    course.folder("01_one", a_py="x\n")
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("my own\n")
    (tmp_path / "link").symlink_to(course.root)
    before = file_tree.read(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(console.CourseError, match=message):
        start("2", to)
    assert file_tree.read(tmp_path) == before


def test_folder_without_permission_is_reported(course, mine, monkeypatch):
    def write(files, folder):
        # Root, who may run these tests, could write anywhere.
        raise PermissionError(errno.EACCES, "Permission denied")

    course.folder("01_one", a_py="x\n")
    monkeypatch.setattr(file_tree, "write", write)
    with pytest.raises(console.CourseError, match="mine can't be written: Permission denied"):
        start("2", str(mine))


def test_missing_chapter_or_folder_is_reported(course, mine):
    with pytest.raises(console.CourseError):
        start("9", str(mine))
    with pytest.raises(console.CourseError, match="There's no folder 02_two, with which 03_three"):
        start("3", str(mine))
    assert not mine.exists()


def test_start_needs_only_python(tmp_path):
    mine = tmp_path / "mine"
    # -S: without anything that was installed.
    command = [sys.executable, "-S", "-m", "course", "start", "--chapter", "04", "--to", str(mine)]
    ended = subprocess.run(command, cwd=chapters.ROOT, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert file_tree.read(mine) == file_tree.read(chapters.folder("03_sync_group_chat"))


@pytest.mark.parametrize(
    "words",
    [
        "start --chapter 04",
        "start --to x",
        "replay --to x",
        "replay --chapter 03 --chapter 04 --to x",
        "replay --chapter 03 --step 5",
        "replay --chapter 03 --to x --step five",
        "replay --chapter 03 --to x --step -1",
        "replay --chapter 03 --to x --write",
    ],
)
def test_arguments_that_do_not_go_together_change_nothing(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    try:
        status = __main__.main(words.split())
    except SystemExit as ended:
        status = ended.code
    assert status
    said = capsys.readouterr().err
    assert "make start CHAPTER=04 TO=" in said or "TO=~/mine STEP=5" in said or "--step" in said
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
