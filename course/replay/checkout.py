"""Write a project into a learner's folder, which has to be new or empty."""

import functools
import shlex
from pathlib import Path

from course import chapters
from course.console import CourseError, say
from course.pages import file_tree

ELSE = "Choose a new or an empty folder, such as ~/mysite."


def check_target(text: str) -> Path:
    """Return the folder that someone named, as an absolute path. Nothing is created yet.

    `~` is their home. Raises CourseError unless the folder is new or empty, and outside of the
    repository.
    """
    try:
        folder = Path(text).expanduser().resolve()
        if any(
            parent.exists() and parent.samefile(chapters.ROOT)
            for parent in (folder, *folder.parents)
        ):
            raise CourseError(f"{folder} is inside the course's repository. {ELSE}")
        if folder.exists() and not folder.is_dir():
            raise CourseError(f"{folder} is a file. {ELSE}")
        if folder.exists() and any(folder.iterdir()):
            raise CourseError(f"{folder} isn't empty, so nothing was changed there. {ELSE}")
    except RuntimeError:
        raise CourseError(f"{text} is in the home of a user who doesn't exist. {ELSE}") from None
    except OSError as error:
        raise CourseError(f"{text} can't be used: {error.strerror}. {ELSE}") from None
    return folder


def check_replay(
    chapter: list[str], to: Path | None, step: int | None, write: bool, fast: bool
) -> None:
    """Raise CourseError unless these arguments of `replay` go together."""
    if (to or step is not None) and (not to or len(chapter) != 1 or write):
        raise CourseError("A step is written so: make replay CHAPTER=03 TO=~/mine STEP=5")


def write_project(files: file_tree.Tree, folder: Path) -> None:
    """Write a project into `folder`, which check_target() has checked. Raises CourseError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file_tree.write(files, folder)
        for name, content in files.items():
            if file_tree.is_program(content):
                (folder / name).chmod((folder / name).stat().st_mode | 0o111)
    except OSError as error:
        raise CourseError(f"{folder} can't be written: {error.strerror}. {ELSE}") from None


def advice(files: file_tree.Tree, folder: Path) -> str:
    """Return the commands with which a learner starts to work on those files in `folder`."""
    lines = [f"cd {shlex.quote(str(folder))}"]
    if "requirements-dev.txt" in files:
        lines += [
            "python3 -m venv .venv",
            "source .venv/bin/activate",
            "pip install -r requirements-dev.txt",
        ]
    if "manage.py" in files:
        lines.append("python manage.py migrate")
    return "\n".join(f"  {line}" for line in lines)


def write_start(chapter: str, to: Path) -> int:
    """Write the project with which a lesson starts into the folder `to`; say what's next.

    That's the committed folder of the chapter before, without its README.md. The first chapter
    starts with nothing. Returns 0. Raises CourseError.
    """
    pages = chapters.pages(chapter)
    files = start_of(chapter)
    write_project(files, to)
    if before := chapters.before(chapter):
        say(f"{to} now contains the end of {before}: {len(files)} files.")
    else:
        say(f"{chapter} starts with an empty folder, and {to} is ready.")
    say(f"\nNext:\n\n{advice(files, to)}\n")
    say(f"Then follow {pages[0]}" if pages else f"{chapter} has no page yet.")
    return 0


def needs_packages(chapter: str, to: Path | None) -> bool:
    """Return whether the lesson's start has to be replayed, because it's committed nowhere."""
    before = chapters.before(chapter)
    return before is not None and not chapters.is_committed(before)


def start_of(lesson: str) -> file_tree.Tree:
    """Return the files with which a lesson starts. The first chapter starts with none.

    They're the committed folder of the chapter before. The end of a guide is committed nowhere, so
    its pages are replayed. Raises CourseError if there's no such folder, and as run.replay() does.
    """
    before = chapters.before(lesson)
    if before is None:
        return {}
    if not chapters.is_committed(before):
        texts = [path.read_text(encoding="utf-8") for path in chapters.pages(before)]
        return _end_of(before, "".join(texts))
    if not chapters.folder(before).is_dir():
        raise CourseError(f"There's no folder {before}, with which {lesson} starts.")
    return file_tree.read(chapters.folder(before))


@functools.cache
def _end_of(lesson: str, text: str) -> file_tree.Tree:
    """Return the files at the end of a lesson whose pages say `text`."""
    from course.replay import run  # which needs packages, and check_target() is called without any

    return run.replay(lesson, start_of(lesson), fast=True).files
