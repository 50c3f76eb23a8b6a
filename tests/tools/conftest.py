"""Fixtures for the tests of the tools: a fake course, and what was started."""

import pytest

from tests.support.sample_course import Course, Started


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A fake course in a folder of its own, so that the rest of `tmp_path` is outside of it."""
    return Course(tmp_path / "channels-course", monkeypatch)


@pytest.fixture
def started(monkeypatch):
    """Every process that's started from now on."""
    return Started(monkeypatch)


@pytest.fixture
def mine(tmp_path):
    """A learner's folder, which isn't there yet."""
    return tmp_path / "mine"
