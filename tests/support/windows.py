"""Serve chapters for a browser."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from course import chapters
from course.site import screenshots


@contextlib.contextmanager
def all_served(names: list[str], filled_by: str = screenshots.PEOPLE) -> Iterator[dict[str, str]]:
    """Serve these chapters, all at once; give their addresses by name."""
    with contextlib.ExitStack() as stack:

        def serve(name):
            return stack.enter_context(screenshots.served(chapters.folder(name), filled_by))

        with ThreadPoolExecutor(len(names)) as pool:
            addresses = list(pool.map(serve, names))
        yield dict(zip(names, addresses, strict=True))
