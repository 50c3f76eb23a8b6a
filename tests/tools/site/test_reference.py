"""Check that the reference pages list everything that exists, and nothing else."""

import re

import pytest

from course import __main__, chapters

REFERENCE = chapters.ROOT / "docs" / "reference"
# Chapters that share a section of the page about tests.
SAME_SECTION = {"04_async_group_chat": "03_sync_group_chat"}


def page(name: str) -> str:
    return REFERENCE.joinpath(name).read_text(encoding="utf-8")


def verbs() -> set[str]:
    return set(__main__.parser()._subparsers._group_actions[0].choices)


def targets() -> set[str]:
    """Return the Makefile's targets."""
    text = chapters.ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def test_make_targets_and_verbs_are_the_same():
    assert targets() == verbs()


def test_commands_page_lists_every_verb():
    listed = set(re.findall(r"`make ([a-z-]+)", page("commands.md")))
    assert listed == verbs() - {"help"}


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_commands_page_lists_every_variable_of_a_chapter(chapter):
    settings = chapters.folder(chapter).joinpath("config", "settings.py").read_text()
    read = set(re.findall(r"environ(?:\.get\(|\[)'([A-Z_]+)'", settings))
    # dj_database_url reads this variable itself.
    read |= {"DATABASE_URL"} if "dj_database_url" in settings else set()
    number = int(chapter[:2])
    listed = {
        name
        for name, first, last in re.findall(
            r"^\| `([A-Z_]+)` \| (\d)(?: to (\d))? \|", page("commands.md"), re.MULTILINE
        )
        if int(first) <= number <= int(last or first)
    }
    assert listed == read


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_tests_page_lists_every_test_file(chapter):
    parts = re.split(r"^## ", page("tests.md"), flags=re.MULTILINE)
    number = SAME_SECTION.get(chapter, chapter)[1:2]
    [listed] = [part for part in parts if re.match(rf"Chapters? {number}\b", part)]
    files = {f"tests/{path.name}" for path in chapters.folder(chapter).glob("tests/test_*.py")}
    assert {name for name in re.findall(r"`(tests/test_\w+\.py)`", listed)} == files


def test_glossary_is_sorted():
    words = re.findall(r"^### (.+)", page("glossary.md"), re.MULTILINE)
    assert words == sorted(set(words), key=str.lower)
