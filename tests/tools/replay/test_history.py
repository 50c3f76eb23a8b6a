"""Check that the history has what the pages make, step by step, and is the same everywhere."""

import os
import re
import subprocess

import django
import pytest

from course import chapters, console
from course.pages import file_tree, grammar
from course.replay import checkout, history
from course.site import glossary


def git(folder, *words):
    ended = subprocess.run(["git", *words], cwd=folder, capture_output=True, check=True)
    return ended.stdout.decode()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("history") / "channels history"
    assert history.write(checkout.check_target(str(folder))) == 0
    return folder


def steps():
    """Return (chapter's number, page, step) of all numbered steps."""
    return [
        (number, part, step)
        for number, chapter in enumerate(chapters.NAMES, start=1)
        for part, step in grammar.steps(grammar.read_lesson(chapter))
        if step.number
    ]


def test_each_step_is_a_commit_that_names_its_page(made):
    messages = git(made, "log", "--reverse", "--format=%s%n%b%x00").split("\0")[:-1]
    wanted = []
    for number, part, step in steps():
        anchor = glossary.slug(f"{step.number}. {step.title}", "-")
        path = part.path.relative_to(chapters.ROOT)
        title = glossary.plain(step.title)
        wanted.append(f"Chapter {number}, step {step.number}: {title}\n{path}#{anchor}")
    assert [message.strip() for message in messages] == wanted
    assert "Chapter 3, step 4: " in "".join(messages)


def test_no_commit_is_empty(made):
    changed = git(made, "log", "--format=%x00", "--name-only").split("\0")[1:]
    assert all(names.strip() for names in changed)


# Another series of Django writes other files in chapter 1: the folders are made with 5.2.
FIRST = 1 if django.VERSION[:2] == (5, 2) else 2


@pytest.mark.parametrize("number", range(FIRST, len(chapters.NAMES) + 1))
def test_a_chapters_tag_is_its_folder(made, tmp_path, number):
    git(made, "worktree", "add", "--detach", str(tmp_path / "tree"), f"chapter-{number}")
    assert file_tree.read(tmp_path / "tree") == file_tree.read(
        chapters.folder(chapters.NAMES[number - 1])
    )
    git(made, "worktree", "remove", "--force", str(tmp_path / "tree"))


def test_each_part_of_a_page_has_its_tag(made):
    wanted = {f"chapter-{number}" for number in range(1, len(chapters.NAMES) + 1)}
    for number, chapter in enumerate(chapters.NAMES, start=1):
        if len(parts := chapters.pages(chapter)) > 1:
            wanted |= {f"chapter-{number}-{n}" for n in range(1, len(parts) + 1)}
            last = git(made, "rev-parse", f"chapter-{number}-{len(parts)}", f"chapter-{number}")
            assert len(set(last.split())) == 1
    assert "chapter-6-1" in wanted
    assert set(git(made, "tag").split()) == wanted
    assert git(made, "rev-parse", "chapter-6") == git(made, "rev-parse", "main")


def test_work_tree_is_the_end_and_can_be_worked_in(made):
    assert file_tree.read(made) == file_tree.read(chapters.folder(chapters.NAMES[-1]))
    assert os.access(made / "manage.py", os.X_OK)
    (made / "db.sqlite3").touch()
    assert git(made, "status", "--porcelain") == ""


def test_two_runs_have_the_same_hashes_whoever_runs_them(made, tmp_path, monkeypatch, capsys):
    # What a person may have set.
    (tmp_path / ".gitconfig").write_text(
        "[user]\nname = Eve\nemail = eve@evil.example\n"
        "[commit]\ngpgsign = true\n[core]\nautocrlf = true\n[init]\ndefaultBranch = trunk\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_AUTHOR_DATE", "2001-01-01T00:00:00Z")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert history.write(checkout.check_target("~/again")) == 0
    one, other = (git(folder, "rev-parse", "main") for folder in (made, tmp_path / "again"))
    assert one == other
    said = capsys.readouterr().out
    assert re.search(r"^Chapter 6: \d+ steps$", said, re.MULTILINE)
    assert f"cd {tmp_path / 'again'}\n  git log --oneline --reverse" in said


def test_missing_git_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(console.CourseError, match="git couldn't be started. Is it installed"):
        history._git(tmp_path, "init")


def test_odd_names_are_quoted():
    commit = history.Commit("x\n", {'a "b"\\c.txt': b"#!x"}, [])
    assert file_tree.is_program(b"#!x")
    assert b'M 100755 inline "a \\"b\\"\\\\c.txt"\ndata 3\n#!x\n' in b"".join(
        history._stream([commit])
    )
