"""Check code and spelling, and remove what the commands left behind."""

import shutil
import subprocess
import sys
from pathlib import Path

from course import chapters, console

CACHES = [".course_cache", "__pycache__", ".hypothesis", ".pytest_cache", ".ruff_cache"]
OURS = ["course", "tests", "benchmarks"]
READ = ["README.md", "docs", "mkdocs.yml", *OURS]
# A learner's code is read beside its explanation, in a narrower column than ours.
LEARNERS = ["--config", "line-length = 88"]


def lint(root: Path = chapters.ROOT) -> int:
    """Run ruff on the tools and the chapters, and codespell on everything people read.

    Returns 1 if one of them finds anything, else 0.
    """
    ours = [name for name in OURS if (root / name).is_dir()]
    learners = [name for name in chapters.NAMES if (root / name).is_dir()]
    failed = False
    for folders, options in ((ours, []), (learners, LEARNERS)):
        for verb in (["check"], ["format", "--check"]):
            # Without a folder, ruff would check everything.
            if folders:
                command = [sys.executable, "-m", "ruff", *verb, *options, *folders]
                failed |= subprocess.run(command, cwd=root).returncode != 0
    # What to leave out stands in pyproject.toml.
    read = [name for name in [*READ, *chapters.NAMES] if (root / name).exists()]
    command = [sys.executable, "-m", "codespell_lib", *read]
    failed |= bool(read) and subprocess.run(command, cwd=root).returncode != 0
    return int(failed)


def clean(root: Path = chapters.ROOT) -> None:
    """Remove environments, the site, caches and the chapters' databases, but nothing git tracks."""
    # Parents come first, so that what goes with one of them is not looked for again.
    made = [*root.glob(".venv*"), *root.glob("site"), *root.glob("benchmarks/out")]
    found = sorted([*made, *_below(root, CACHES), *_databases(root)])
    tracked = _tracked(root)
    removed = 0
    for path in found:
        inside = path.relative_to(root).as_posix()
        if any(name == inside or name.startswith(inside + "/") for name in tracked):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
        removed += 1
        if path.name not in CACHES:
            console.say(f"Removed {inside}")
    caches = sum(path.name in CACHES for path in found)
    if caches:
        console.say(f"Removed the caches in {caches} folders")
    if not removed:
        console.say("There's nothing to remove.")


def _below(folder: Path, names: list[str]) -> list[Path]:
    """Return the folders with those names under `folder`, without looking into hidden ones."""
    found = []
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            if path.name in names:
                found.append(path)
            elif not path.name.startswith("."):
                found += _below(path, names)
    return found


def _databases(root: Path) -> list[Path]:
    # A Redis that a page had started leaves dump.rdb where it was started.
    found = list(root.glob("dump.rdb"))
    for name in chapters.NAMES:
        found += [*(root / name).glob("db.sqlite3*"), *(root / name).glob("dump.rdb")]
    return found


def _tracked(root: Path) -> list[str]:
    """Return the files that git tracks, or none without git or a repository."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return []
    return listed.stdout.split("\0")[:-1]
