"""What several folders of tests have in common. That it stands here also makes the modules beside
it (`answers`, `contract`, `listening`, `served`) importable in all of them."""

import contextlib
import os
from pathlib import Path

import pytest
import served

from course import chapters

# Another place to look for the chapters, such as copies that break a rule on purpose.
ROOT = Path(os.environ.get("CHAPTERS_ROOT") or chapters.ROOT)


@pytest.fixture(scope="session")
def chapter_folders():
    """The chapters' folders by name."""
    return {name: ROOT / name for name in chapters.NAMES}


@pytest.fixture(scope="session")
def serve_copy(tmp_path_factory):
    """Return a function that starts a Daphne on a copy of a chapter's folder, and waits for none.

    What was started ends with the session.
    """
    with contextlib.ExitStack() as ends:

        def serve_copy(folder):
            started = served.Served(folder, tmp_path_factory.mktemp(folder.name))
            ends.callback(started.end)
            return started

        yield serve_copy
