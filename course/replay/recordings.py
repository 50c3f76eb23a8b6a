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

    def after(self, path: Path) -> file_tree.Tree:
        """Return the project as it is at the end of the page."""
        return self.before(path, sys.maxsize)


def read(lesson: str) -> Recording:
    """Return the lesson's recording: from disk, or replayed if anything has changed since.

    Raises PageError for what a page does wrong, and CourseError.
    """
    key = _key(lesson)
    snapshots = load(lesson, key)
    if snapshots is None:
        snapshots = run.replay(lesson, start_of(lesson), fast=True).snapshots
        save(lesson, key, snapshots)
    return Recording(start_of(lesson), chapters.pages(lesson), snapshots)


def prepare(lessons: list[str]) -> None:
    """Replay those of the lessons whose recordings are out of date, and say which they are.

    Raises PageError and CourseError, for the first of them that can't be replayed.
    """
    stale = [lesson for lesson in lessons if load(lesson, _key(lesson)) is None]
    if stale:
        console.say(f"Replaying the files of {', '.join(stale)} ...")
    with ThreadPoolExecutor(command.AT_ONCE) as pool:
        # Later lessons take longer, and what takes longest goes first.
        done = {lesson: pool.submit(read, lesson) for lesson in reversed(stale)}
    for lesson in stale:
        done[lesson].result()


def _key(lesson: str) -> str:
    """Return a hash of all that the lesson's snapshots are made from."""
    digest = hashlib.sha256(f"{django.VERSION} {sys.version} {chapters.ROOT}".encode())
    here = Path(course.__file__).parent
    ours = [path for room in MADE_BY for path in here.glob(f"{room}/*.py")]
    for path in sorted([*ours, *chapters.pages(lesson)]):
        _add(digest, path.name, path.read_bytes())
    # A page copies files from its chapter's folder, and could copy from any other.
    for name in chapters.NAMES:
        for inside, content in file_tree.read(chapters.folder(name)).items():
            _add(digest, f"{name}/{inside}", content)
    return digest.hexdigest()


def _add(digest, name: str, content: bytes) -> None:
    digest.update(f"{name} {len(content)}\n".encode() + content)


def _path(name: str) -> Path:
    return chapters.ROOT / FOLDER / f"{name}.pickle"


def load(name: str, key: str) -> Any:
    """Return what save() kept, or None if it isn't there or was kept for another key."""
    try:
        made_for, kept = pickle.loads(_path(name).read_bytes())
    except Exception:  # a damaged file can raise almost anything
        return None
    return kept if made_for == key else None


def save(name: str, key: str, kept: Any) -> None:
    """Keep something on disk for those who ask with the same key, if the disk can be written."""
    path = _path(name)
    with contextlib.suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".half", delete=False) as half:
            pickle.dump((key, kept), half)
        os.replace(half.name, path)
