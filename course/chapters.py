"""Which chapters there are, and where they stand."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NAMES = [
    "01_http_only",
    "02_echo_consumer",
    "03_sync_group_chat",
    "04_async_group_chat",
    "05_htmx_ws",
    "06_conversations_auth",
]


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
    """Return where the chapter's page stands, whether or not it is written yet."""
    return ROOT / "docs" / "chapters" / f"{chapter}.md"


def with_pages() -> list[str]:
    """Return the chapters whose pages are written, in order."""
    return [chapter for chapter in NAMES if page(chapter).exists()]


def before(chapter: str) -> str | None:
    """Return the chapter that `chapter` goes on from, or None for the first."""
    place = NAMES.index(chapter)
    return NAMES[place - 1] if place else None
