"""Is a guide replayed over the end of its chapter, and is what it has typed as tidy as theirs."""

import re
import subprocess
import sys

import pytest

from course import chapters
from course.pages import file_tree, grammar, style
from course.replay import checkout, command, run
from course.site import build
from course.tasks import housekeeping
from tests.support.sample_course import start, write_step

# The chapters' code is looked over so by `make lint`, which sees their folders.
TIDY = [["check"], ["format", "--check"]]

GUIDE = """\
# Aside

**In this guide you'll learn how to**

- pour
- wait
- drink

**You need** tea. **It takes** about 1 h. **Verified with** Tea 1.

## See it fail: no tea

```console
$ cat a.py
one = 2
```

## 1. Test it

In `a.py`:

```diff title="a.py"
-one = 2
+one = 3
```

## Recap

- Pour.
- Wait.
- Drink.

## Check yourself

1. Why?

<details>
<summary>Answers</summary>

1. So.

</details>

## What's next

[Milk](milk.md).
"""


@pytest.fixture
def course(course):
    """A course with the ends of three chapters; the guide goes on from the second."""
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", a_py="one = 2\n")
    course.folder("03_three", a_py="one = 7\n")
    return course


def edit_page(old, new):
    return f'## 1. Edit\n\nIn `a.py`:\n\n```diff title="a.py"\n-one = {old}\n+one = {new}\n```\n'


def test_guide_goes_on_from_its_chapter_and_has_a_row_of_its_own(course, capsys):
    course.guide(GUIDE)
    course.page("02_two", edit_page(1, 2))
    assert command.replay_lessons([]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^02_two .* as the folder\naside +1 +1 +0 .*  to its end$", printed, re.M)
    assert command.replay_lessons(["aside"]) == 0
    assert "02_two" not in capsys.readouterr().out


def test_first_look_begins_with_nothing_and_leaves_nothing(course, tmp_path, capsys):
    assert "look" not in chapters.with_pages(), "a page that isn't written yet is no fault"
    text = '# Look\n\n## 1. Write\n\nIn `b.py`:\n\n```python title="b.py"\nb = 1\n```\n'
    path = chapters.page("look")
    path.write_text(text + "\n```console\n$ ls\nb.py\n```\n")
    before = file_tree.read(course.root)
    for names in (["look"], []):
        assert command.replay_lessons(names, write=True) == 0
        assert re.search(r"^look +1 +1 +0 .*  to its end$", capsys.readouterr().out, re.M)
    assert file_tree.read(course.root) == before
    assert start("look", str(tmp_path / "start")) == 0
    said = capsys.readouterr().out
    assert "look starts with an empty folder" in said and said.endswith(f"Then follow {path}\n")
    path.write_text(text + "\n@@diff 01_one look\n")
    assert command.replay_lessons(["look"]) == 1
    assert "look.md:11: look has no @@diff" in capsys.readouterr().out


def test_guide_is_run_and_not_only_read(course, capsys):
    course.guide(GUIDE.replace("$ cat a.py\none = 2", "$ cat a.py\none = 8"))
    assert command.replay_lessons(["aside"]) == 1
    printed = capsys.readouterr().out
    assert "docs/guides/aside.md:14: `cat a.py` printed something else" in printed
    assert re.search(r"^aside .*  failed$", printed, re.M)


def test_guide_that_no_longer_fits_its_chapter_is_red(course, capsys):
    course.guide(GUIDE)
    course.page("02_two", edit_page(1, 5))
    assert command.replay_lessons([], write=True) == 1
    printed = capsys.readouterr().out
    assert re.search(r"^02_two .* written, files changed: 1$", printed, re.M)
    assert "docs/guides/aside.md:14: `cat a.py` printed something else" in printed
    assert file_tree.read(chapters.folder("03_three")) == {"a.py": b"one = 7\n"}


def test_what_a_guide_makes_is_written_nowhere(course, capsys):
    course.guide(GUIDE)
    before = file_tree.read(course.root)
    assert command.replay_lessons(["aside"], write=True) == 0
    assert file_tree.read(course.root) == before
    assert "Left as they are" not in capsys.readouterr().out


def test_folder_for_a_guide_holds_its_chapters_end(course, tmp_path, capsys):
    path = course.guide(GUIDE)
    assert start("aside", str(tmp_path / "start")) == 0
    assert file_tree.read(tmp_path / "start") == {"a.py": b"one = 2\n"}
    said = capsys.readouterr().out
    assert "now contains the end of 02_two: 1 files." in said
    assert said.endswith(f"Then follow {path}\n")
    assert write_step("aside", str(tmp_path / "step"), 1) == 0
    assert file_tree.read(tmp_path / "step") == {"a.py": b"one = 3\n"}
    assert "as it is after step 1 of aside." in capsys.readouterr().out


def test_guide_compares_no_folders(course, capsys):
    course.guide(GUIDE + "\n@@diff 02_two aside\n")
    assert command.replay_lessons(["aside"]) == 1
    said = "docs/guides/aside.md:48: aside has no @@diff: there are no two folders to compare"
    assert said in capsys.readouterr().out


def test_guide_has_a_shape_of_its_own(course):
    path = course.guide(GUIDE)

    def faults(text):
        path.write_text(text)
        return style.faults(grammar.read_lesson("aside"), "aside", "**Verified with** Tea 1.")

    assert faults(GUIDE) == []  # no picture, no diagram, no exercises, nothing compared
    lacking = "the page lacks a section that begins with 'See it fail'"
    assert lacking in faults(GUIDE.replace("See it", "It"))[0]
    assert (
        "ends with the sections Recap, Check yourself, What's" in faults(GUIDE + "\n## More\n")[0]
    )


def test_guide_is_verified_with_what_its_chapter_is():
    chapter = chapters.GUIDES["hardening"]
    assert style.versions("hardening") == style.versions(chapter)


@pytest.mark.parametrize("guide", chapters.GUIDES)
def test_guide_is_on_the_site(guide):
    there = [entry.path for entry in build.entries(chapters.ROOT) if entry.section == "Guides"]
    assert f"guides/{guide}.md" in there
    assert [path.stem for path in chapters.page(guide).parent.glob("*.md")] == [*chapters.GUIDES]


@pytest.mark.parametrize("guide", chapters.GUIDES)
def test_what_a_guide_has_typed_is_tidy(guide, tmp_path):
    begins = checkout.start_of(guide)
    ends = run.replay(guide, begins, fast=True).files
    changed = [name for name, content in ends.items() if begins.get(name) != content]
    file_tree.write(ends, tmp_path / "06_guide")  # pyproject.toml knows the chapters by their digit
    (tmp_path / "pyproject.toml").write_text((chapters.ROOT / "pyproject.toml").read_text())
    for verb in TIDY:
        paths = [f"06_guide/{name}" for name in changed if name.endswith(".py")]
        # --force-exclude: what django-admin lays is left out, though it is named.
        ruff = [
            sys.executable,
            "-m",
            "ruff",
            *verb,
            "--force-exclude",
            *housekeeping.LEARNERS,
            *paths,
        ]
        ended = subprocess.run(ruff, cwd=tmp_path, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout
