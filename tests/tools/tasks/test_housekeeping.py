"""Check that `make clean` keeps people's own work, and that `make lint` finds mistakes."""

import subprocess

import pytest

from course import chapters, console
from course.tasks import housekeeping

CHAPTER = "06_conversations_auth"
GENERATED = [
    ".course_cache/x.json",
    ".ruff_cache/v",
    ".venv-py3.13-django6.1/bin/python",
    ".venv/bin/python",
    "benchmarks/out/x.csv",
    f"{CHAPTER}/.pytest_cache/v",
    f"{CHAPTER}/chat/__pycache__/views.pyc",
    f"{CHAPTER}/db.sqlite3",
    f"{CHAPTER}/db.sqlite3-wal",
    "course/__pycache__/page.pyc",
    "dump.rdb",
    "site/index.html",
]
OWN_FILES = [
    ".env",
    ".git/info/exclude",
    f"{CHAPTER}/chat/views.py",
    "docs/site/index.md",
    "mine/db.sqlite3",
    "notes.txt",
]


def create_files(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")


def git(root, *words):
    subprocess.run(["git", *words], cwd=root, check=True)


@pytest.fixture
def clone(tmp_path):
    """A repository with the course's .gitignore, and with more that a person has ignored."""
    root = tmp_path / "clone"
    root.mkdir()
    git(root, "init", "-q")
    (root / ".gitignore").write_text((chapters.ROOT / ".gitignore").read_text())
    (root / ".git" / "info" / "exclude").write_text(".env\n")
    return root


def files(root, names):
    return [name for name in names if (root / name).exists()]


def test_clean_removes_generated_files_and_lists_them(clone, capsys):
    create_files(clone, GENERATED + OWN_FILES[2:] + OWN_FILES[:1])
    housekeeping.clean(clone)
    assert files(clone, GENERATED + OWN_FILES) == OWN_FILES
    printed = capsys.readouterr().out
    assert "Removed .venv/\n" in printed
    assert f"Removed {CHAPTER}/db.sqlite3\n" in printed
    assert "__pycache__" not in printed
    housekeeping.clean(clone)
    assert capsys.readouterr().out == "There's nothing to remove.\n"


def test_clean_keeps_tracked_files(clone):
    tracked = [f"{CHAPTER}/db.sqlite3", "course/__pycache__/kept.txt", ".venv/kept"]
    create_files(clone, tracked + GENERATED)
    git(clone, "add", "-f", *tracked)
    housekeeping.clean(clone)
    assert files(clone, tracked + GENERATED) == [*tracked, f"{CHAPTER}/db.sqlite3"]


def test_clean_does_not_follow_links_out_of_the_repository(clone, tmp_path):
    outside = tmp_path / "outside"
    names = ["bin/python", "__pycache__/x"]
    create_files(outside, names)
    for link in (".venv", "docs"):
        (clone / link).symlink_to(outside)
    housekeeping.clean(clone)
    assert files(outside, names) == names
    assert not (clone / ".venv").is_symlink()


def test_clean_without_git_is_explained(tmp_path):
    with pytest.raises(console.CourseError, match="takes git, and a clone"):
        housekeeping.clean(tmp_path)


@pytest.fixture
def linted(tmp_path):
    """A repository that lint finds nothing in."""
    names = [name if "." in name else f"{name}/x.py" for name in housekeeping.READ]
    create_files(tmp_path, names)
    (tmp_path / "pyproject.toml").write_text((chapters.ROOT / "pyproject.toml").read_text())
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "import os\n",
        "x = 'a'\n",
        f'x = "{"a" * 90}"\n',
        "x = 1  # recieve\n",  # codespell:ignore
    ],
)
def test_lint_finds_mistakes_in_a_chapter(linted, text):
    create_files(linted, [f"{CHAPTER}/chat/views.py"])
    (linted / CHAPTER / "chat" / "views.py").write_text(text)
    assert housekeeping.lint(linted) == 1


def test_lint_finds_a_misspelt_word_in_what_contributors_read(linted):
    (linted / "CHANGELOG.md").write_text("You recieve it.\n")  # codespell:ignore
    assert housekeeping.lint(linted) == 1


def test_lint_ignores_files_from_django_admin(linted):
    names = ["config/settings.py", "config/urls.py", "manage.py", "chat/apps.py", "chat/admin.py"]
    create_files(linted, [f"{CHAPTER}/{name}" for name in names])
    for name in names:
        (linted / CHAPTER / name).write_text("x = 'a'\n")
    (linted / CHAPTER / "chat" / "admin.py").write_text(
        "from django.contrib import admin\n\n# Register your models here.\n"
    )
    assert housekeeping.lint(linted) == 0


def test_lint_finds_what_is_banned_in_chapters(linted, capfd):
    create_files(linted, [f"{CHAPTER}/tests/test_x.py"])
    (linted / CHAPTER / "tests" / "test_x.py").write_text(
        "import sys\n\nimport benchmarks\nimport course\n"
        "from django.utils.html import html_safe\n"
        "from django.utils.safestring import SafeString, mark_safe\n"
        "from django.views.decorators.csrf import csrf_exempt\n\n"
        "print(sys.stdout, sys.stderr)\nmark_safe(id(1))\n"
    )
    assert housekeeping.lint(linted) == 1
    printed = capfd.readouterr().out
    names = ["benchmarks", "course", "html_safe", "SafeString", "csrf_exempt", "stdout", "stderr"]
    for found in ["T201", "S308", *(f"{name}` is banned" for name in names)]:
        assert found in printed
