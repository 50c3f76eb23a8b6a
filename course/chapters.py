"""List the chapters, guides and first looks, and find their pages.

All of them are lessons: pages that are replayed, starting from a lesson's initial files. The end of
a chapter is committed in a folder, with which others start. The end of a guide isn't, and neither
is that of a first look, which starts with an empty folder.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from course.console import CourseError

ROOT = Path(__file__).resolve().parent.parent

NAMES = [
    "01_http_only",
    "02_echo_consumer",
    "03_sync_group_chat",
    "04_async_group_chat",
    "05_htmx_ws",
    "06_conversations_auth",
]

# Each guide, and the chapter or the guide whose end it goes on from.
GUIDES = {
    "hardening": "06_conversations_auth",
    "deploying": "hardening",
    "scaling_out": "06_conversations_auth",
    "choosing_a_server": "06_conversations_auth",
}

# Pages below docs/start/ that make a project of their own, from nothing.
FIRST_LOOKS = ["ten_minutes"]

# The chapter whose `manage.py demo` creates people, and the password of all of them.
DEMO = NAMES[-1]
DEMO_PASSWORD = "channels-demo"

_PART = re.compile(r"([1-9]\d*)_\w+\.md")


@dataclass(frozen=True)
class Lesson:
    """A lesson's page below docs/, without `.md`, and the lesson it starts from.

    `before` is a chapter or, for a guide, also a guide. It's None for lessons that start with
    nothing: the first chapter and first looks. `committed`: its end is a folder in the repository.
    """

    page: str
    before: str | None
    committed: bool


def lessons() -> dict[str, Lesson]:
    """Return all lessons by their names: the chapters in order, then guides, then first looks."""
    chapters = {
        name: Lesson(f"chapters/{name}", earlier, True)
        for earlier, name in pairwise([None, *NAMES])
    }
    guides = {name: Lesson(f"guides/{name}", before, False) for name, before in GUIDES.items()}
    looks = {name: Lesson(f"start/{name}", None, False) for name in FIRST_LOOKS}
    return chapters | guides | looks


def find(name: str) -> str:
    """Return the full name of the chapter called `name`: "03", "3" or "03_sync_group_chat".

    Raises CourseError.
    """
    wanted = name.strip().rstrip("/")
    for chapter in NAMES:
        if wanted in (chapter, chapter[:2], chapter[:2].lstrip("0")):
            return chapter
    raise CourseError(f"There is no chapter {name!r}. There are: {', '.join(NAMES)}.")


def find_lesson(name: str) -> str:
    """Return the full name of the chapter called `name`, or `name` if it's another lesson's.

    Raises CourseError.
    """
    wanted = name.strip().rstrip("/")
    if wanted in lessons():
        return wanted
    try:
        return find(name)
    except CourseError:
        there = ", ".join(lessons())
        raise CourseError(f"There is no chapter or guide {name!r}. There are: {there}.") from None


def folder(chapter: str) -> Path:
    """Return the folder of the chapter's committed project."""
    return ROOT / chapter


def is_committed(lesson: str) -> bool:
    """Return whether the lesson's end is committed as a folder, as every chapter's is."""
    return lessons()[lesson].committed


def page(lesson: str) -> Path:
    """Return the path of the lesson's page, whether or not it's written yet.

    A lesson of several parts has a folder of that name instead, without the `.md`.
    """
    return ROOT / "docs" / f"{lessons()[lesson].page}.md"


def pages(lesson: str) -> list[Path]:
    """Return the lesson's page, or its parts in order; nothing if none is written yet.

    Parts are called `1_accounts.md`, `2_messages.md` and so on. Raises CourseError if there
    is a page beside the folder of parts, and if parts aren't numbered from 1 on.
    """
    whole = page(lesson)
    parts = whole.with_suffix("")
    if not parts.is_dir():
        return [whole] if whole.exists() else []
    shown = parts.relative_to(ROOT)
    if whole.exists():
        raise CourseError(
            f"There are both {shown}.md and {shown}/: it is one page or a folder of parts."
        )
    numbered: list[tuple[int, Path]] = []
    for path in sorted(parts.glob("[!.]*.md")):
        match = _PART.fullmatch(path.name)
        if not match:
            raise CourseError(
                f"{shown}/{path.name} isn't a part of a page: those are called like 1_accounts.md."
            )
        numbered.append((int(match[1]), path))
    numbered.sort()
    if [number for number, _ in numbered] != list(range(1, len(numbered) + 1)):
        names = ", ".join(path.name for _, path in numbered)
        raise CourseError(
            f"The parts in {shown}/ have to be numbered 1, 2, 3 ...; there are {names}."
        )
    return [path for _, path in numbered]


def with_pages() -> list[str]:
    """Return the lessons that have a page, in order. Raises as pages() does."""
    return [lesson for lesson in lessons() if pages(lesson)]


def before(lesson: str) -> str | None:
    """Return the lesson that this one starts from, or None if it starts with nothing."""
    return lessons()[lesson].before


def way_to(lesson: str) -> list[str]:
    """Return the lessons that lead to this one, from one that starts with nothing, and itself."""
    earlier = before(lesson)
    return [*(way_to(earlier) if earlier else []), lesson]


def chapter_of(lesson: str) -> str | None:
    """Return the lesson itself, or the chapter that it goes on from; None for a first look."""
    return next((each for each in reversed(way_to(lesson)) if each in NAMES), None)
