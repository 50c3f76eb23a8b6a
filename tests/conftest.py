"""Fixtures for several folders of tests.

Because this file is here, all of them can also import the modules beside it: `answers`,
`contract`, `listening` and `served`.
"""

import contextlib
import os
from pathlib import Path

import pytest
import served

from course import chapters

# Set CHAPTERS_ROOT to test copies of the chapters, such as ones that break a rule on purpose.
ROOT = Path(os.environ.get("CHAPTERS_ROOT") or chapters.ROOT)


@pytest.fixture(scope="session")
def chapter_folders():
    """Map each chapter's name to its folder."""
    return {name: ROOT / name for name in chapters.NAMES}


@pytest.fixture(scope="session")
def serve_copy(tmp_path_factory):
    """Return a function that starts a server on a copy of a chapter's folder, without waiting.

    It passes its arguments to `served.Served`. The servers stop when the session ends.
    """
    with contextlib.ExitStack() as cleanup:

        def serve_copy(folder, command="", **variables):
            scratch = tmp_path_factory.mktemp(folder.name)
            started = served.Served(folder, scratch, command, **variables)
            cleanup.callback(started.end)
            return started

        yield serve_copy
