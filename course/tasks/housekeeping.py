"""Check code and spelling, and remove what the commands left behind."""

import shutil
import subprocess
import sys
from pathlib import Path

from course import chapters, console, processes

OURS = ["course", "tests", "benchmarks"]
# What to leave out stands in pyproject.toml.
PAGES = ["README.md", "AGENTS.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs", "exercises"]
READ = [*PAGES, "mkdocs.yml", *OURS, *chapters.NAMES]
# A learner's code is read beside its explanation, in a narrower column than ours.
LEARNERS = ["--config", "line-length = 88"]


def lint(root: Path = chapters.ROOT) -> int:
    """Run ruff on the tools and the chapters, and codespell on everything people read.

    Returns 1 if one of them finds anything, else 0.
    """
    commands = [
        ["ruff", *verb, *options]
        for options in (OURS, [*LEARNERS, *chapters.NAMES])
        for verb in (["check"], ["format", "--check"])
    ]
    failed = False
    for command in [*commands, ["codespell_lib", *READ]]:
        failed |= subprocess.run([sys.executable, "-m", *command], cwd=root).returncode != 0
    return int(failed)


def clean(root: Path = chapters.ROOT) -> None:
    """Remove what .gitignore lists: environments, the site, caches and the chapters' databases.

    What a person has told git to ignore elsewhere stays. Raises CourseError without git.
    """
    ignored = ["--others", "--ignored", "--exclude-from=.gitignore", "--directory", "-z"]
    failed = "What to remove isn't known: that takes git, and a clone of the course."
    listed = processes.run(["git", "ls-files", *ignored], failed, cwd=root)
    names = listed.split("\0")[:-1]
    for path in (root / name for name in names):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)  # it may have gone with its folder
    for name in names:
        if not name.endswith("__pycache__/"):
            console.say(f"Removed {name}")
    if not names:
        console.say("There's nothing to remove.")
