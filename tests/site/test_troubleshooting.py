"""Provoke every message of the troubleshooting page, and compare it with the page."""

import contextlib
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from course import chapters
from course.pages import matching
from course.processes import until
from tests.site.laboratory import Laboratory, Printed
from tests.site.provocations import PROVOCATIONS

PAGE = chapters.ROOT / "docs" / "reference" / "troubleshooting.md"
LIMIT = 15  # seconds in which a message has to appear
SYMPTOMS = "By symptom"  # the section whose parts are prose, and no entries
# Where a message can be read. Each set is provoked by a thread of its own; the browser's has to be
# the first, because Playwright needs the thread that the tests run in.
SIDE_BY_SIDE = [{"browser console", "page"}, {"server log"}, {"terminal", "pytest"}]
PARTS = ["Where", "Cause", "Fix", "Chapter"]
SPOT = 12  # characters in a row that a message needs to be found by


@dataclass
class Entry:
    """An entry of the page: its heading, the message, and the parts below it by name."""

    heading: str
    message: list[str] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)


def read(text: str) -> list[Entry]:
    """Return the page's entries."""
    text = re.sub(rf"^## {SYMPTOMS}\n.*?(?=^## )", "", text, flags=re.MULTILINE | re.DOTALL)
    found = []
    for piece in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        piece = re.split(r"^## ", piece, flags=re.MULTILINE)[0]
        form = re.fullmatch(r"(.+)\n\n```text\n(.+?)\n```\n\n((?:- .+\n)+)\n*", piece, re.DOTALL)
        assert form, f"This isn't a heading, a block and a list:\n\n{piece}"
        parts = re.findall(r"^- \*\*(\w+):\*\* (.+)$", form[3], re.MULTILINE)
        found.append(Entry(form[1], form[2].split("\n"), dict(parts)))
    return found


ENTRIES = read(PAGE.read_text())
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.heading)


@pytest.fixture(scope="module")
def provoked(request, tmp_path_factory):
    """What the provocation of each chosen entry printed, or the exception that it raised.

    All of them run before the first is compared, because many messages take a second or more.
    """
    chosen = [
        item.callspec.params["entry"]
        for item in request.session.items
        if item.path == request.path and "provoked" in item.fixturenames
    ]
    with contextlib.ExitStack() as stack:
        work = []
        for places in SIDE_BY_SIDE:
            laboratory = Laboratory(tmp_path_factory.mktemp("laboratory"))
            stack.callback(laboratory.close)
            work.append((laboratory, [e.heading for e in chosen if e.parts["Where"] in places]))
        with ThreadPoolExecutor() as pool:
            others = [pool.submit(provoke, *each) for each in work[1:]]
            found = provoke(*work[0])
        for other in others:
            found |= other.result()
        yield found


def provoke(laboratory: Laboratory, headings: list[str]) -> dict[str, Printed | BaseException]:
    found = {}
    for heading in headings:
        try:
            found[heading] = PROVOCATIONS[heading](laboratory)
        except (Exception, pytest.skip.Exception) as error:
            found[heading] = error
    return found


@each_entry
def test_message_is_printed_as_the_page_shows_it(entry, provoked):
    printed = provoked[entry.heading]
    if isinstance(printed, BaseException):
        raise printed
    # The page leaves out what's printed before and after a message.
    shown = [matching.ANY, *entry.message, matching.ANY]
    until(lambda: matching.matches(shown, printed.lines()), LIMIT)
    matching.compare(f"The provocation of {entry.heading!r}", shown, printed.lines())
    assert entry.parts["Where"] == printed.where


def test_every_provocation_has_its_entry():
    assert sorted(PROVOCATIONS) == sorted(entry.heading for entry in ENTRIES)


@each_entry
def test_entry_says_what_to_do(entry):
    assert list(entry.parts) == PARTS
    assert any(entry.parts["Where"] in places for places in SIDE_BY_SIDE)
    assert re.search(rf"[^.]{{{SPOT}}}", "\n".join(entry.message))
    number, page = re.fullmatch(
        r"\[(\d)\.\d? .+\]\(\.\./(chapters/.+\.md)\)", entry.parts["Chapter"]
    ).groups()
    assert page.startswith(f"chapters/{chapters.find(number)}")
    assert (chapters.ROOT / "docs" / page).is_file()
