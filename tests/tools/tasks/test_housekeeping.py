"""Check that `make clean` keeps people's own work, and that `make lint` finds mistakes."""

import subprocess

import pytest

from course import chapters
from course.tasks import housekeeping

CHAPTER = "06_conversations_auth"
GENERATED = [
    ".venv/bin/python",
    ".venv-py3.13-django6.1/bin/python",
    "course/__pycache__/page.pyc",
    f"{CHAPTER}/chat/__pycache__/views.pyc",
    f"{CHAPTER}/.pytest_cache/v",
    f"{CHAPTER}/db.sqlite3",
    f"{CHAPTER}/db.sqlite3-wal",
    ".course_cache/x.json",
    ".ruff_cache/v",
    "dump.rdb",
    "site/index.html",
]
OWN_FILES = [
    "docs/site/index.md",
    "notes.txt",
    f"{CHAPTER}/chat/views.py",
    "mine/db.sqlite3",
    ".hidden/__pycache__/x",
]


def create_files(root, names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")


def files(root):
    found = (path for path in root.rglob("*") if path.is_file())
    return sorted(path.relative_to(root).as_posix() for path in found)


def test_clean_removes_generated_files_and_lists_them(tmp_path, capsys):
    create_files(tmp_path, GENERATED + OWN_FILES)
    housekeeping.clean(tmp_path)
    assert files(tmp_path) == sorted(OWN_FILES)
    printed = capsys.readouterr().out
    assert "Removed .venv\n" in printed
    assert f"Removed {CHAPTER}/db.sqlite3\n" in printed
    housekeeping.clean(tmp_path)
    assert capsys.readouterr().out == "There's nothing to remove.\n"


def test_clean_keeps_tracked_files(tmp_path):
    tracked = [f"{CHAPTER}/db.sqlite3", "course/__pycache__/kept.txt", ".venv/kept"]
    create_files(tmp_path, tracked + GENERATED)
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "-f", *tracked], cwd=tmp_path, check=True)
    housekeeping.clean(tmp_path)
    assert set(tracked) <= set(files(tmp_path))
    assert not (tmp_path / CHAPTER / "db.sqlite3-wal").exists()


def test_clean_does_not_follow_links_out_of_the_repository(tmp_path):
    outside = tmp_path / "outside"
    create_files(outside, ["bin/python", "__pycache__/x"])
    root = tmp_path / "root"
    root.mkdir()
    (root / ".venv").symlink_to(outside)
    (root / "docs").symlink_to(outside)
    housekeeping.clean(root)
    assert files(outside) == ["__pycache__/x", "bin/python"]
    assert not (root / ".venv").is_symlink()


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("x = 1\n", 0),
        ("import os\n", 1),
        ("x = 'a'\n", 1),
        (f'x = "{"a" * 90}"\n', 1),
        ("x = 1  # recieve\n", 1),  # codespell:ignore
    ],
)
def test_lint_finds_mistakes_in_a_chapter(tmp_path, text, status):
    (tmp_path / "pyproject.toml").write_text((chapters.ROOT / "pyproject.toml").read_text())
    create_files(tmp_path, [f"{CHAPTER}/chat/views.py", "course/page.py"])
    (tmp_path / CHAPTER / "chat" / "views.py").write_text(text)
    assert housekeeping.lint(tmp_path) == status


def test_lint_ignores_files_from_django_admin(tmp_path):
    (tmp_path / "pyproject.toml").write_text((chapters.ROOT / "pyproject.toml").read_text())
    names = ["config/settings.py", "config/urls.py", "manage.py", "chat/apps.py"]
    create_files(tmp_path, [f"{CHAPTER}/{name}" for name in names])
    for name in names:
        (tmp_path / CHAPTER / name).write_text("x = 'a'\n")
    (tmp_path / CHAPTER / "chat" / "admin.py").write_text(
        "from django.contrib import admin\n\n# Register your models here.\n"
    )
    assert housekeeping.lint(tmp_path) == 0


def test_lint_finds_what_is_banned_in_chapters(tmp_path, capfd):
    (tmp_path / "pyproject.toml").write_text((chapters.ROOT / "pyproject.toml").read_text())
    create_files(tmp_path, [f"{CHAPTER}/tests/test_x.py"])
    (tmp_path / CHAPTER / "tests" / "test_x.py").write_text(
        "import sys\n\nimport benchmarks\nimport course\n"
        "from django.utils.html import html_safe\n"
        "from django.utils.safestring import SafeString, mark_safe\n"
        "from django.views.decorators.csrf import csrf_exempt\n\n"
        "print(sys.stdout, sys.stderr)\nmark_safe(id(1))\n"
    )
    assert housekeeping.lint(tmp_path) == 1
    printed = capfd.readouterr().out
    names = ["benchmarks", "course", "html_safe", "SafeString", "csrf_exempt", "stdout", "stderr"]
    for found in ["T201", "S308", *(f"{name}` is banned" for name in names)]:
        assert found in printed
