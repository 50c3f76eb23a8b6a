"""Check that a lesson's parts are found in order, and that wrong names are reported."""

import re

import pytest

from course import chapters, console


def test_parts_are_sorted_by_number(course):
    for number in range(1, 11):
        course.part("02_two", f"{number}_x.md", "")
    course.part("02_two", ".#1_x.md", "an editor's")
    numbers = [path.name.split("_")[0] for path in chapters.pages("02_two")]
    assert numbers == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
    assert chapters.with_pages() == ["02_two"]


@pytest.mark.parametrize(
    "names, message",
    [
        (["2_b.md"], "numbered 1, 2, 3 ...; there are 2_b.md"),
        (["1_a.md", "3_c.md"], "there are 1_a.md, 3_c.md"),
        (["1_a.md", "1_b.md"], "there are 1_a.md, 1_b.md"),
        (["1_a.md", "index.md"], "02_two/index.md isn't a part of a page"),
        (["01_a.md"], "02_two/01_a.md isn't a part of a page"),
        (["1_a.md", "../02_two.md"], "There are both docs/chapters/02_two.md and docs/chapters/02"),
        (["../02_two.md", "."], "There are both"),
    ],
)
def test_wrongly_named_or_numbered_parts_are_reported(course, names, message):
    folder = course.root / "docs" / "chapters" / "02_two"
    folder.mkdir()
    for name in set(names) - {"."}:
        (folder / name).touch()
    with pytest.raises(console.CourseError, match=re.escape(message)):
        chapters.pages("02_two")
