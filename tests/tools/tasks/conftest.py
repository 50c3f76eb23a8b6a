import pytest

from course import console


@pytest.fixture
def messages(monkeypatch):
    """The lines that the course prints."""
    lines = []
    monkeypatch.setattr(console, "say", lines.append)
    return lines
