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
    """Return a function that starts a server on a copy of a chapter's folder, and doesn't wait.

    It takes what `served.Served` takes. Whatever was started ends with the session.
    """
    with contextlib.ExitStack() as ends:

        def serve_copy(folder, command="", **variables):
            scratch = tmp_path_factory.mktemp(folder.name)
            started = served.Served(folder, scratch, command, **variables)
            ends.callback(started.end)
            return started

        yield serve_copy
