"""Check that a guide is replayed from the end of its chapter, and that its code is tidy."""

import re
import subprocess
import sys

import pytest

from course import chapters
from course.console import CourseError
from course.pages import file_tree
from course.replay import checkout, command, recordings, run
from course.site import build
from course.tasks import housekeeping
from tests.support.sample_course import edit, start, write_step

# The chapters' code is looked over so by `make lint`, which sees their folders.
TIDY = [["check"], ["format", "--check"]]

GUIDE = """\
# Aside

```console
$ cat a.py
one = 2
```

"""
GUIDE += edit("a.py", "one = 2", "one = 3")


@pytest.fixture
def course(course):
    """A course with the ends of three chapters; the guide goes on from the second."""
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", a_py="one = 2\n")
    course.folder("03_three", a_py="one = 7\n")
    return course


def test_guide_goes_on_from_its_chapter_and_has_a_row_of_its_own(course, capsys):
    course.guide(GUIDE)
    course.page("02_two", edit("a.py", "one = 1", "one = 2"))
    assert command.replay_lessons([]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^02_two .* as the folder\naside +1 +1 +0 .*  to its end$", printed, re.M)
    assert command.replay_lessons(["aside"]) == 0
    assert "02_two" not in capsys.readouterr().out


def test_guide_can_go_on_from_a_guide(course, monkeypatch, tmp_path):
    monkeypatch.setattr(chapters, "GUIDES", {"aside": "02_two", "further": "aside"})
    course.guide(GUIDE)
    chapters.page("further").write_text("# Further\n\n" + edit("a.py", "one = 3", "one = 4"))
    assert command.replay_lessons(["further"]) == 0
    assert start("further", str(tmp_path / "start")) == 0
    assert file_tree.read(tmp_path / "start") == {"a.py": b"one = 3\n"}
    assert chapters.chapter_of("further") == "02_two"
    kept = recordings.read("further").snapshots
    with monkeypatch.context() as patch:
        patch.setattr(recordings, "start_of", None)  # it would replay the other guide each time
        assert recordings.read("further").start == {"a.py": b"one = 3\n"}
    course.guide(GUIDE.replace("one = 3", "one = 3 "))
    with pytest.raises(CourseError):
        recordings.read("further")
    assert kept[-1].files == {"a.py": b"one = 4\n"}


def test_first_look_begins_with_nothing_and_leaves_nothing(course, tmp_path, capsys):
    assert "look" not in chapters.with_pages(), "a page that isn't written yet is no fault"
    path = chapters.page("look")
    path.write_text('# Look\n\n## 1. Write\n\nIn `b.py`:\n\n```python title="b.py"\nb = 1\n```\n')
    before = file_tree.read(course.root)
    for names in (["look"], []):
        assert command.replay_lessons(names, write=True) == 0
        assert re.search(r"^look +1 +1 +0 .*  to its end$", capsys.readouterr().out, re.M)
    assert file_tree.read(course.root) == before
    assert start("look", str(tmp_path / "start")) == 0
    said = capsys.readouterr().out
    assert "look starts with an empty folder" in said and said.endswith(f"Then follow {path}\n")


def test_guide_that_no_longer_fits_its_chapter_is_red(course, capsys):
    course.guide(GUIDE)
    course.page("02_two", edit("a.py", "one = 1", "one = 5"))
    assert command.replay_lessons([], write=True) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^02_two .* written, files changed: 1$", printed, re.M)
    assert "docs/guides/aside.md:4: `cat a.py` printed something else" in printed
    assert file_tree.read(chapters.folder("03_three")) == {"a.py": b"one = 7\n"}


def test_write_keeps_a_guides_files_out_of_the_folders(course, capsys):
    course.guide(GUIDE)
    before = file_tree.read(course.root)
    assert command.replay_lessons(["aside"], write=True) == 0
    assert file_tree.read(course.root) == before
    assert "Left as they are" not in capsys.readouterr().out


def test_guide_starts_with_its_chapters_end(course, tmp_path, capsys):
    path = course.guide(GUIDE)
    assert start("aside", str(tmp_path / "start")) == 0
    assert file_tree.read(tmp_path / "start") == {"a.py": b"one = 2\n"}
    said = capsys.readouterr().out
    assert "now contains the end of 02_two: 1 files." in said
    assert said.endswith(f"Then follow {path}\n")
    assert write_step("aside", str(tmp_path / "step"), 1) == 0
    assert file_tree.read(tmp_path / "step") == {"a.py": b"one = 3\n"}
    assert "as it is after step 1 of aside." in capsys.readouterr().out


@pytest.mark.parametrize("guide", chapters.GUIDES)
def test_guide_is_on_the_site(guide):
    there = [entry.path for entry in build.entries(chapters.ROOT) if entry.section == "Guides"]
    shown = [path.relative_to(chapters.ROOT / "docs").as_posix() for path in chapters.pages(guide)]
    assert set(shown) <= set(there)
    assert set(there) == {
        path.relative_to(chapters.ROOT / "docs").as_posix()
        for path in chapters.page(guide).parent.glob("**/*.md")
    }


@pytest.mark.parametrize("guide", chapters.GUIDES)
def test_code_of_a_guide_passes_ruff(guide, tmp_path):
    begins = checkout.start_of(guide)
    ends = run.replay(guide, begins, fast=True).files
    changed = [name for name, content in ends.items() if begins.get(name) != content]
    file_tree.write(ends, tmp_path / "06_guide")  # pyproject.toml knows the chapters by their digit
    (tmp_path / "pyproject.toml").write_text((chapters.ROOT / "pyproject.toml").read_text())
    for verb in TIDY:
        paths = [f"06_guide/{name}" for name in changed if name.endswith(".py")]
        # --force-exclude: what django-admin makes is left out, although it's named.
        words = [*verb, "--force-exclude", *housekeeping.LEARNERS, *paths]
        ruff = [sys.executable, "-m", "ruff", *words]
        ended = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout
