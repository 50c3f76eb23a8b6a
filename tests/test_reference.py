"""The reference pages name all that there is, and nothing that there is not."""

import re

import pytest

from course import __main__, chapters

REFERENCE = chapters.ROOT / "docs" / "reference"
# Chapters whose tests are told together.
TOGETHER = {"04_async_group_chat": "03_sync_group_chat"}


def page(name: str) -> str:
    return REFERENCE.joinpath(name).read_text(encoding="utf-8")


def verbs() -> set[str]:
    return set(__main__.parser()._subparsers._group_actions[0].choices)


def targets() -> set[str]:
    """Return the Makefile's targets."""
    text = chapters.ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def test_every_target_of_make_is_a_verb_and_the_other_way_round():
    assert targets() == verbs()


def test_every_verb_is_told():
    told = set(re.findall(r"`make ([a-z-]+)", page("commands.md")))
    assert told == verbs() - {"help"}


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_every_variable_of_a_chapter_is_told(chapter):
    settings = chapters.folder(chapter).joinpath("config", "settings.py").read_text()
    read = set(re.findall(r"environ(?:\.get\(|\[)'([A-Z_]+)'", settings))
    # As dj_database_url does.
    read |= {"DATABASE_URL"} if "dj_database_url" in settings else set()
    number = int(chapter[:2])
    told = {
        name
        for name, first, last in re.findall(
            r"^\| `([A-Z_]+)` \| (\d)(?: to (\d))? \|", page("commands.md"), re.MULTILINE
        )
        if int(first) <= number <= int(last or first)
    }
    assert told == read


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_every_file_of_tests_is_told(chapter):
    parts = re.split(r"^## ", page("tests.md"), flags=re.MULTILINE)
    number = TOGETHER.get(chapter, chapter)[1:2]
    [told] = [part for part in parts if re.match(rf"Chapters? {number}\b", part)]
    files = {f"tests/{path.name}" for path in chapters.folder(chapter).glob("tests/test_*.py")}
    assert {name for name in re.findall(r"`(tests/test_\w+\.py)`", told)} == files


def test_glossary_is_in_order():
    words = re.findall(r"^### (.+)", page("glossary.md"), re.MULTILINE)
    assert words == sorted(set(words), key=str.lower)
