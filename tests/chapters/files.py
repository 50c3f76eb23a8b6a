"""List a chapter's files, without hidden folders such as environments and caches."""

from collections.abc import Iterator
from pathlib import Path


def files(folder: Path, pattern: str) -> Iterator[tuple[str, Path]]:
    """Yield the files below `folder` that match the pattern: relative path and full path."""
    for path in sorted(folder.rglob(pattern)):
        inside = path.relative_to(folder)
        if not any(part.startswith(".") for part in inside.parts):
            yield inside.as_posix(), path
