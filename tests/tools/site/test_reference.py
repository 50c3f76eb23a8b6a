"""Check that the reference pages list everything that exists, and nothing else."""

import itertools
import os
import re
import shlex
import shutil
import subprocess

import pytest

from course import chapters
from course.site import directives
from course.verbs import VERBS

REFERENCE = chapters.ROOT / "docs" / "reference"
# Chapters that share a section of the page about tests.
SAME_SECTION = {"04_async_group_chat": "03_sync_group_chat"}


def page(name: str) -> str:
    return REFERENCE.joinpath(name).read_text(encoding="utf-8")


def test_make_targets_and_verbs_are_the_same():
    text = chapters.ROOT.joinpath("Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE)
    assert sorted(targets) == sorted(["help", *(verb.name for verb in VERBS)])


@pytest.mark.skipif(not shutil.which("make"), reason="make isn't installed")
@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
def test_make_passes_a_verb_the_variables_that_it_takes_and_no_others(verb):
    def passed(*variables):
        command = ["make", "--dry-run", "--no-print-directory", verb.name, *variables]
        # A make that runs this test has handed its own variables on.
        plain = {"PATH": os.environ["PATH"]}
        done = subprocess.run(command, cwd=chapters.ROOT, env=plain, capture_output=True, text=True)
        words = shlex.split(done.stdout)
        assert words[1:4] == ["-m", "course", verb.name], done.stderr
        return words[4:]

    takes = {each.variable: each for each in verb.arguments}
    others = {each.variable: each for other in VERBS for each in other.arguments} | takes
    variables = [f"{each.variable}={each.example}" for each in others.values()]
    options = [
        [each.name] * each.name.startswith("-") + [each.example] * (not each.is_flag)
        for each in verb.arguments
    ]
    assert sorted(passed(*variables)) == sorted(itertools.chain(*options))
    assert passed() == []


def test_commands_page_lists_every_command_with_what_it_takes():
    rows = re.findall(r"^\| `make ([a-z-]+).*$", directives.expand(page("commands.md")), re.M)
    assert rows == [verb.name for verb in VERBS]
    for verb in VERBS:
        [row] = [row for row in directives.commands_table().split("\n") if f"`{verb.call}`" in row]
        for argument in verb.arguments:
            assert argument.assignment in row or argument.assignment in page("commands.md")


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
