"""Provide the six chapters, both as folders and as running servers."""

import pytest

from tests.support.contract import CHAPTERS, WITH_SOCKET
from tests.support.visit import Visit


@pytest.fixture(params=CHAPTERS)
def folder(chapter_folders, request):
    """A chapter's folder, for a rule that applies to all of them."""
    return chapter_folders[request.param]


@pytest.fixture(scope="session")
def visits(chapter_folders, serve_copy):
    """Start all chapters without waiting for each; return a visit to each one by name."""
    return {
        name: Visit(contract, serve_copy(chapter_folders[name]))
        for name, contract in CHAPTERS.items()
    }


@pytest.fixture(params=CHAPTERS)
def visit(visits, request):
    """A running chapter, for a rule that applies to all of them."""
    return visits[request.param]


@pytest.fixture(params=WITH_SOCKET)
def visit_with_socket(visits, request):
    """A running chapter, for a rule about WebSockets."""
    return visits[request.param]
