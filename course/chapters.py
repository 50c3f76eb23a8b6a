"""Which chapters there are, and where they stand."""

import re
from pathlib import Path

from course.progress import Trouble

ROOT = Path(__file__).resolve().parent.parent

NAMES = [
    "01_http_only",
    "02_echo_consumer",
    "03_sync_group_chat",
    "04_async_group_chat",
    "05_htmx_ws",
    "06_conversations_auth",
]

_PART = re.compile(r"([1-9]\d*)_\w+\.md")


class UnknownChapter(Exception):
    """No chapter goes by that name; the text lists those there are."""


def find(name: str) -> str:
    """Return the full name of the chapter called `name`: "03", "3" or "03_sync_group_chat".

    Raises UnknownChapter.
    """
    wanted = name.strip().rstrip("/")
    for chapter in NAMES:
        if wanted in (chapter, chapter[:2], chapter[:2].lstrip("0")):
            return chapter
    raise UnknownChapter(f"There is no chapter {name!r}. There are: {', '.join(NAMES)}.")


def folder(chapter: str) -> Path:
    """Return where the chapter's committed project stands."""
    return ROOT / chapter


def page(chapter: str) -> Path:
    """Return where the chapter's page stands, whether or not it is written yet.

    A chapter of several parts has a folder of that name, less the `.md`, in its place.
    """
    return ROOT / "docs" / "chapters" / f"{chapter}.md"


def pages(chapter: str) -> list[Path]:
    """Return the chapter's page, or its parts in order; nothing if none is written yet.

    Parts are called `1_accounts.md`, `2_messages.md` and so on. Raises progress.Trouble if there
    is a page beside the folder of parts, and for parts that are not numbered from 1 on.
    """
    whole = page(chapter)
    parts = whole.with_suffix("")
    if not parts.is_dir():
        return [whole] if whole.exists() else []
    shown = parts.relative_to(ROOT)
    if whole.exists():
        raise Trouble(
            f"There are both {shown}.md and {shown}/: a chapter is one page or a folder of parts."
        )
    numbered: list[tuple[int, Path]] = []
    for path in sorted(parts.glob("[!.]*.md")):
        match = _PART.fullmatch(path.name)
        if not match:
            raise Trouble(
                f"{shown}/{path.name} is no part of a chapter: those are called like 1_accounts.md."
            )
        numbered.append((int(match[1]), path))
    numbered.sort()
    if [number for number, _ in numbered] != list(range(1, len(numbered) + 1)):
        names = ", ".join(path.name for _, path in numbered)
        raise Trouble(f"The parts in {shown}/ have to be numbered 1, 2, 3 ...; there are {names}.")
    return [path for _, path in numbered]


def with_pages() -> list[str]:
    """Return the chapters of which anything is written, in order. Raises as pages() does."""
    return [chapter for chapter in NAMES if pages(chapter)]


def before(chapter: str) -> str | None:
    """Return the chapter that `chapter` goes on from, or None for the first."""
    place = NAMES.index(chapter)
    return NAMES[place - 1] if place else None
