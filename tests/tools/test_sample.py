"""Check that a short run leaves no chapter out, and that a whole one leaves nothing out."""

import pytest

from tests.support.sample import sample

NAMES = ["b1", "a1", "a2", "b2", "a3", "c1", "a4", "b3"]


def chapter_of(name):
    return name[0]


def test_short_run_has_some_of_every_chapter(monkeypatch):
    monkeypatch.setenv("SAMPLE", "1")
    assert sample(NAMES, chapter_of) == ["a1", "a4", "b1", "c1"]


@pytest.mark.parametrize("value", ["0", "", None])
def test_run_that_is_not_meant_to_be_short_has_all(value, monkeypatch):
    monkeypatch.delenv("SAMPLE", raising=False)
    if value is not None:
        monkeypatch.setenv("SAMPLE", value)
    assert sorted(sample(NAMES, chapter_of)) == sorted(NAMES)
