"""Read a learner's folder, without ever writing into it."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from course import chapters
from course.console import CourseError
from course.pages import file_tree

PACKAGE = "config"  # what the pages call the package with the settings
MOST_FILES = 2_000
MOST_BYTES = 500_000  # of one file; larger ones aren't a learner's
# What isn't the learner's work: editors' folders, packages, and what runs leave behind.
NOT_THEIRS = file_tree.IGNORED | {"node_modules", "site-packages", "htmlcov", "media"}

_SETTINGS = re.compile(rb"""DJANGO_SETTINGS_MODULE['"]?,\s*['"](\w+)\.settings""")


@dataclass(frozen=True)
class Project:
    """A learner's project: where it is, its files, and the name of its package with the settings.

    `files` has the learner's own paths and contents, without caches, environments and databases.
    """

    folder: Path
    files: file_tree.Tree
    package: str

    def as_on_the_pages(self, others: Iterable[bytes] = ()) -> file_tree.Tree:
        """Return the files as if the package were called `config`, as it is on the pages.

        `others` are files in which the package's name may mean something else. If it does in none
        of them, every such word means the package.
        """
        if self.package == PACKAGE:
            return self.files
        name = rf"\b{re.escape(self.package)}\b"
        if any(self.package.encode() in other for other in others):
            modules = {path.split("/")[1] for path in self.files if self._own(path)}
            used = "|".join(sorted(path.removesuffix(".py") for path in modules))
            name += rf"(?=\.(?:{used})\b|/(?:{used})\.py\b| import\b| project\b)"
        word = re.compile(name.encode())
        return {
            PACKAGE + path[len(self.package) :] if self._own(path) else path: word.sub(
                PACKAGE.encode(), content
            )
            for path, content in self.files.items()
        }

    def theirs(self, path: str) -> str:
        """Return the learner's path of a file that the pages call `path`."""
        if path.startswith(f"{PACKAGE}/"):
            return self.package + path[len(PACKAGE) :]
        return path

    def _own(self, name: str) -> bool:
        return name.startswith(f"{self.package}/")


def read(text: str) -> Project:
    """Read the project in the folder that someone named; `~` is their home.

    A folder without a Django project is read, too, because lessons begin without one. Raises
    CourseError if there's nothing to read, or if it's the clone's.
    """
    folder = _folder(text)
    files = _files(folder)
    if not files:
        raise CourseError(
            f"{folder} has no files of yours yet. Chapter 1 fills it: "
            "docs/chapters/01_http_only.md. If your project is somewhere else, name that folder: "
            "type `pwd` in your server's terminal to find out."
        )
    return Project(folder, files, package_of(files))


def check(dir: str, run: bool, all: bool, watch: bool, json: bool, exercise: str | None) -> None:
    """Raise CourseError if there's no folder of that name, or these don't go together."""
    _folder(dir)
    if exercise and (run or all or json):
        raise CourseError("An exercise is checked as a whole: leave out RUN, ALL and JSON.")
    if watch and json:
        raise CourseError("Leave out WATCH or JSON: JSON is one answer.")


def package_of(files: file_tree.Tree) -> str:
    """Return the name of the package with the settings: what manage.py says, or `config`."""
    match = _SETTINGS.search(files.get("manage.py", b""))
    if match and f"{match[1].decode()}/settings.py" in files:
        return match[1].decode()
    if f"{PACKAGE}/settings.py" in files:
        return PACKAGE
    others = [
        name.split("/")[0]
        for name in files
        if name.count("/") == 1 and name.endswith("/settings.py")
    ]
    return others[0] if len(others) == 1 else PACKAGE


def _folder(text: str) -> Path:
    try:
        folder = Path(text).expanduser().resolve()
        exists, is_folder = folder.exists(), folder.is_dir()
    except RuntimeError:
        raise CourseError(f"{text} is in the home of a user who doesn't exist.") from None
    except (OSError, ValueError) as error:
        raise CourseError(f"{text} can't be read: {error}.") from None
    if not exists:
        raise CourseError(
            f"There's no folder {folder}. Name your project's: make check DIR=~/my-chat"
        )
    if not is_folder:
        raise CourseError(f"{folder} is a file. Name the folder that it's in.")
    if folder == chapters.ROOT or chapters.ROOT in folder.parents:
        raise CourseError(
            f"{folder} is inside the course's clone, which holds the finished projects. Name the "
            "folder that you work in, such as ~/my-chat."
        )
    return folder


def _files(folder: Path) -> file_tree.Tree:
    """Return the folder's files as file_tree.read() does, without large ones and environments."""

    def refuse(error: OSError) -> None:
        raise CourseError(
            f"{error.filename} can't be read: {error.strerror}. Give yourself the right to read it."
        ) from None

    found: file_tree.Tree = {}
    for parent, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(
            name
            for name in folders
            if name not in NOT_THEIRS
            and not name.startswith(".")
            and not os.path.exists(os.path.join(parent, name, "pyvenv.cfg"))
        )
        for name in sorted(names):
            path = Path(parent, name)
            inside = path.relative_to(folder).as_posix()
            if name in file_tree.IGNORED or inside == file_tree.README or not os.path.isfile(path):
                continue
            if len(found) == MOST_FILES:
                raise CourseError(
                    f"{folder} has more than {MOST_FILES:,} files, so it isn't a project of this "
                    "course. Name the folder with your manage.py."
                )
            try:
                if path.stat().st_size <= MOST_BYTES:
                    found[inside] = path.read_bytes()
            except OSError as error:
                refuse(error)
    return found
