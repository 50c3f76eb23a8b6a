"""Find the folders of a group, and a place for their marks. No packages are needed for that."""

import glob
import os
import shlex
from collections import Counter
from pathlib import Path

from course.console import CourseError
from course.learner.marks import clean

DEFAULT = "marks"  # a folder here, with a folder for each time


def check(dirs: str, chapter: str, to: Path | None) -> None:
    """Raise CourseError, before anything slow, if there's nothing to judge."""
    find(dirs)


def find(dirs: str) -> dict[str, Path]:
    """Return {name: folder or file} of what `dirs` names: patterns such as `submissions/*`.

    A name is the folder's, with that of its parent where it takes that. Raises CourseError.
    """
    try:
        patterns = shlex.split(dirs)
    except ValueError:
        patterns = [dirs]
    found: list[Path] = []
    for pattern in patterns:
        whole = os.path.expanduser(pattern)
        matching = [whole] if os.path.exists(whole) else glob.glob(whole)
        found += [Path(each) for each in sorted(matching)]
    found = list(dict.fromkeys(found))
    if not found:
        raise CourseError(
            f"Nothing is called {dirs} in {Path.cwd()}. Name the submissions' folders: "
            "make grade DIRS='submissions/*' CHAPTER=03"
        )
    if not any(path.is_dir() for path in found):
        raise CourseError(
            f"{found[0]} is a file. Unpack archives, each into a folder of its own, and name the "
            "folders: make grade DIRS='submissions/*' CHAPTER=03"
        )
    if len(found) == 1 and not _has_project(found[0]):
        inside = [each for each in _folders(found[0]) if _has_project(each)]
        if len(inside) > 1:
            raise CourseError(
                f"{found[0]} has {len(inside)} projects in it. Name each: DIRS='{found[0]}/*'"
            )
    names = Counter(path.name for path in found)
    return {
        clean(
            path.name if names[path.name] == 1 else f"{path.resolve().parent.name}/{path.name}"
        ): path
        for path in found
    }


def new_folder(chapter: str) -> Path:
    """Return a new folder below the current one, which git ignores."""
    top = Path.cwd() / DEFAULT
    try:
        top.mkdir(exist_ok=True)
        (top / ".gitignore").write_text("*\n")
    except OSError as error:
        raise CourseError(
            f"{top} can't be written: {error.strerror}. Name another folder: TO=~/marks"
        ) from None
    number = 1
    while (top / f"{chapter}-{number}").exists():
        number += 1
    return top / f"{chapter}-{number}"


def _has_project(folder: Path) -> bool:
    return (folder / "manage.py").is_file()


def _folders(folder: Path) -> list[Path]:
    try:
        return [each for each in folder.iterdir() if each.is_dir()]
    except OSError:
        return []
