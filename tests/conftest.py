"""Fixtures for several rooms of tests."""

import contextlib
import os
from pathlib import Path

import pytest

from course import chapters, console
from course.site import screenshots
from tests.support.servers import Served

# Set CHAPTERS_ROOT to test copies of the chapters, such as ones that break a rule on purpose.
ROOT = Path(os.environ.get("CHAPTERS_ROOT") or chapters.ROOT)


@pytest.fixture(scope="session")
def chapter_folders():
    """Map each chapter's name to its folder."""
    return {name: ROOT / name for name in chapters.NAMES}


@pytest.fixture(scope="session")
def serve_copy(tmp_path_factory):
    """Return a function that starts a server on a copy of a chapter's folder, without waiting.

    It passes its arguments to `Served`. The servers stop when the session ends.
    """
    with contextlib.ExitStack() as cleanup:

        def serve_copy(folder, command="", **variables):
            scratch = tmp_path_factory.mktemp(folder.name)
            started = Served(folder, scratch, command, **variables)
            cleanup.callback(started.end)
            return started

        yield serve_copy


# Playwright keeps an event loop in this thread, so the browser ends with the file that uses it.
@pytest.fixture(scope="module")
def chromium():
    """A Chromium or Chrome, if there is one."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(screenshots.browser())
        except console.CourseError as trouble:
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
