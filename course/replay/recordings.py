"""The snapshots of the lessons, kept on disk because every build of the site needs all of them.

A replay that only makes files takes some seconds for all lessons. Its snapshots are kept in
`.course_cache/`, one file for each lesson, together with a hash of everything they depend on: the
pages, the chapters' folders, Django and the course's own modules. A file is written under another
name and renamed when it's complete, so several builds can run at the same time.
"""

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

import course
from course import chapters, console
from course.pages import file_tree
from course.replay import command, run
from course.replay.checkout import start_of
from course.replay.run import Snapshot

MADE_BY = [".", "pages", "replay"]  # the rooms whose modules make snapshots
FOLDER = ".course_cache"  # below the repository's; `make clean` removes it


@dataclass(frozen=True)
class Recording:
    """A lesson's snapshots in order, the files it starts from, and its page or parts."""

    start: file_tree.Tree
    pages: list[Path]
    snapshots: list[Snapshot]

    def before(self, path: Path, line: int) -> file_tree.Tree:
        """Return the project as it is when all blocks above that line of the page are done."""
        there = (self.pages.index(path), line)
        files = self.start
        for snapshot in self.snapshots:
            if (self.pages.index(snapshot.page), snapshot.line) >= there:
                break
            files = snapshot.files
        return files

    def after_step(self, number: int | None) -> file_tree.Tree:
        """Return the project as it is after a numbered step; 0 is its start, None its end."""
        files = self.start
        for snapshot in self.snapshots:
            if number is None or snapshot.step <= number:
                files = snapshot.files
        return files

    def after(self, path: Path) -> file_tree.Tree:
        """Return the project as it is at the end of the page."""
        return self.before(path, sys.maxsize)


def read(lesson: str) -> Recording:
    """Return the lesson's recording: from disk, or replayed if anything has changed since.

    Raises PageError for what a page does wrong, and CourseError.
    """
    return _read(lesson, _key(lesson, _shared()))


def read_all(lessons: list[str], tell: Callable[[str], None] = console.say) -> dict[str, Recording]:
    """Return {lesson: its recording}. `tell` is told which have to be replayed.

    Raises PageError and CourseError, for the first of them that can't be replayed.
    """
    shared = _shared()
    keys = {lesson: _key(lesson, shared) for lesson in lessons}
    stale = [lesson for lesson in lessons if not is_kept(lesson, keys[lesson])]
    if stale:
        tell(f"Replaying the files of {', '.join(stale)} ...")
    with ThreadPoolExecutor(command.AT_ONCE) as pool:
        # Later lessons take longer, and what takes longest goes first.
        done = {lesson: pool.submit(_read, lesson, keys[lesson]) for lesson in reversed(stale)}
    for lesson in stale:
        done[lesson].result()
    return {lesson: _read(lesson, keys[lesson]) for lesson in lessons}


def _read(lesson: str, key: str) -> Recording:
    kept = load(lesson, key)
    if kept is None:
        start = start_of(lesson)  # which takes a replay of its own if it goes on from a guide
        kept = start, run.replay(lesson, start, fast=True).snapshots
        save(lesson, key, kept)
    start, snapshots = kept
    return Recording(start, chapters.pages(lesson), snapshots)


def _key(lesson: str, shared: bytes) -> str:
    """Return a hash of all that the lesson's snapshots are made from."""
    digest = hashlib.sha256(shared)
    earlier = [each for each in chapters.way_to(lesson)[:-1] if not chapters.is_committed(each)]
    for path in [path for each in [*earlier, lesson] for path in chapters.pages(each)]:
        _add(digest, path.name, path.read_bytes())
    return digest.hexdigest()


def _shared() -> bytes:
    """Return a hash of what the snapshots of all lessons are made from."""
    digest = hashlib.sha256(f"{django.VERSION} {sys.version} {chapters.ROOT}".encode())
    here = Path(course.__file__).parent
    for path in sorted(path for room in MADE_BY for path in here.glob(f"{room}/*.py")):
        _add(digest, path.name, path.read_bytes())
    # A page copies files from its chapter's folder, and could copy from any other.
    for name in chapters.NAMES:
        for inside, content in file_tree.read(chapters.folder(name)).items():
            _add(digest, f"{name}/{inside}", content)
    return digest.digest()


def _add(digest, name: str, content: bytes) -> None:
    digest.update(f"{name} {len(content)}\n".encode() + content)


def _path(name: str) -> Path:
    return chapters.ROOT / FOLDER / f"{name}.pickle"


def load(name: str, key: str) -> Any:
    """Return what save() kept, or None if it isn't there or was kept for another key."""
    try:
        with _path(name).open("rb") as file:
            return pickle.load(file) if pickle.load(file) == key else None
    except Exception:  # a damaged file can raise almost anything
        return None


def is_kept(name: str, key: str) -> bool:
    """Return whether something was kept for that key, without reading it."""
    try:
        with _path(name).open("rb") as file:
            return pickle.load(file) == key
    except Exception:
        return False


def save(name: str, key: str, kept: Any) -> None:
    """Keep something on disk for those who ask with the same key, if the disk can be written."""
    path = _path(name)
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".half", delete=False) as half:
            pickle.dump(key, half)
            pickle.dump(kept, half)
        os.replace(half.name, path)
