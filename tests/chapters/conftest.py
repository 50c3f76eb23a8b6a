"""Provide the chapters, both as files and as running servers."""

import pytest

from course.pages import file_tree

# The chapters' own suites use Daphne, so most run under Uvicorn here. The pages of chapters 3 and 4
# come from the same files as those of chapter 2: see test_folders.py.
UVICORN = "uvicorn --port 0 config.asgi:application"
SERVED = {
    "01_http_only": "",
    "02_echo_consumer": UVICORN,
    "05_htmx_ws": UVICORN,
    "06_conversations_auth": UVICORN,
}


@pytest.fixture(scope="session")
def trees(chapter_folders):
    """Map each chapter's name to its files: {path: content}."""
    return {name: file_tree.read(folder) for name, folder in chapter_folders.items()}


@pytest.fixture(scope="session")
def servers(chapter_folders, serve_copy):
    """Start these chapters without waiting for each; return the servers by name."""
    return {name: serve_copy(chapter_folders[name], command) for name, command in SERVED.items()}
