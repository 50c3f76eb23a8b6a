"""The chapters, served, and a browser: what the tests of pictures and of pages have in common."""

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from course import chapters, progress, screenshots


# Playwright keeps an event loop in this thread, so the browser ends with the file that uses it.
@pytest.fixture(scope="module")
def chromium():
    """A Chromium or Chrome, if there is one."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(screenshots.browser())
        except progress.Trouble as trouble:
            pytest.skip(str(trouble))
        yield found


@pytest.fixture
def window(chromium):
    """Return a function that gives a new page of a person of their own."""
    contexts = []

    def window(**options):
        contexts.append(chromium.new_context(**options))
        return contexts[-1].new_page()

    yield window
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def page_with(site, site_pages):
    """Return a function that gives the first page of a chapter whose HTML has all of these."""

    def page_with(*parts):
        texts = {name: (site / name).read_text() for name in site_pages if "chapters/0" in name}
        return next(name for name, text in texts.items() if all(part in text for part in parts))

    return page_with


@contextlib.contextmanager
def all_served(names: list[str], filled_by: str = screenshots.PEOPLE) -> Iterator[dict[str, str]]:
    """Serve these chapters, all at once; give their addresses by name."""
    with contextlib.ExitStack() as stack:

        def serve(name):
            return stack.enter_context(screenshots.served(chapters.folder(name), filled_by))

        with ThreadPoolExecutor(len(names)) as pool:
            addresses = list(pool.map(serve, names))
        yield dict(zip(names, addresses, strict=True))
