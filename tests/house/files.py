"""A chapter's files, less what an environment or a cache has in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path


def files(folder: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    """Give the files below `folder` that fit the pattern, each with its path from there."""
    for path in sorted(folder.rglob(pattern)):
        inside = path.relative_to(folder)
        if not any(part.startswith(".") for part in inside.parts):
            yield inside.as_posix(), path
