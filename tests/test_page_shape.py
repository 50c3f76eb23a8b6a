"""Has every chapter's page the shape that learners know from the one before."""

import pytest
from replay_helpers import Course

from course import chapters, page, shape

VERIFIED = "**Verified with** Django 5.2 and 6.1."
GOOD = f"""\
# Two

![A room](../assets/room.png)

**You need** tea. **It takes** an hour. {VERIFIED}

## 1. A file

Write `a.py`:

```python title="a.py"
one = 1

two = 2
```

```mermaid
sequenceDiagram
  ann->>bob: Tea?
```

## See it fail

Look.

## 2. Test it

In `a.py`:

```diff title="a.py"
 one = 1
+
+three = 3
-two = 2
```

## Check yourself

1. Why?

<details>
<summary>Answers</summary>

1. So.

</details>

## Exercises

- Do.

## Everything that changed

@@diff 01_one 02_two

## What is still missing

Milk.
"""


@pytest.mark.parametrize("chapter", chapters.with_pages())
def test_chapter_has_the_shape(chapter):
    parts = page.read_lesson(chapter)
    found = shape.faults(parts, chapter, shape.versions(chapter))
    assert not found, "\n".join(["", *found])


def test_versions_are_those_of_the_environment():
    assert shape.versions("01_http_only").startswith(
        "**Verified with** Django 5.2 and 6.1, Channel"
    )
    assert shape.versions("03_sync_group_chat").endswith(", channels-redis 4.3, Redis 7.0.")
    assert shape.versions("05_htmx_ws").endswith("Redis 7.0, django-htmx 1.29, htmx 2.0.")


@pytest.fixture
def faults(tmp_path, monkeypatch):
    """Return a function that writes texts as a chapter's parts, and returns the faults."""
    course = Course(tmp_path, monkeypatch)
    (tmp_path / "docs" / "assets").mkdir()
    (tmp_path / "docs" / "assets" / "room.png").touch()

    def faults(*texts, chapter="02_two"):
        if len(texts) == 1:
            chapters.page(chapter).write_text(texts[0])
        else:
            for number, text in enumerate(texts, start=1):
                course.part(chapter, f"{number}_x.md", text)
        return shape.faults(page.read_lesson(chapter), chapter, VERIFIED)

    return faults


def test_good_page_has_no_faults(faults):
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("![A room]", "![]", 1, "the page lacks a picture"),
        ("room.png", "none.png", 1, "the page lacks a picture"),
        ("sequenceDiagram", "flowchart", 1, "the page lacks a sequenceDiagram"),
        ("## See it fail", "## Look", 1, "the page lacks a section 'See it fail'"),
        ("2. Test it", "2. Try it", 1, "the page lacks a section 'Test it'"),
        ("**You need**", "You need", 1, "no **You need** above the first step"),
        ("**It takes**", "It takes", 1, "no **It takes**"),
        (VERIFIED, "", 1, "no **Verified with**"),
        ("and 6.1", "and 6.0", 1, f"the versions have to be: {VERIFIED}"),
        ("one = 1\n\n", "one = 1\n" * 25, 7, "26 lines to be typed, and no <!-- long: why -->"),
        ("+three = 3\n", "+three = 3\n" * 26, 26, "26 lines to be typed, and no"),
        ("1. A file\n", "1. A file\n<!-- long: x -->\n", 7, "2 lines to be typed are not long"),
        ("## Exercises", "## Practice", 56, "a page ends with the sections Check yourself, Exer"),
        ("## Everything that changed", "", 56, "Exercises, Everything that changed, What is still"),
        ("Milk.", "Milk.\n\n## More", 60, "a page ends with"),
        ("<details>", "<div>", 37, "the answers stand in a <details>"),
        ("Milk.", "many words " * 1800, 1, "words of prose; 3500 are the most"),
    ],
)
def test_page_that_leaves_the_shape_is_told_with_its_line(faults, old, new, line, message):
    assert old in GOOD
    found = faults(GOOD.replace(old, new))
    assert len(found) == 1, found
    assert found[0].startswith(f"docs/chapters/02_two.md:{line}: ")
    assert message in found[0]


def test_long_step_with_a_reason_is_none(faults):
    long = GOOD.replace("one = 1\n\n", "one = 1\n" * 30)
    assert faults(long.replace("1. A file\n", "1. A file\n<!-- long: one idea -->\n")) == []


def test_first_chapter_and_all_parts_but_the_last_compare_nothing(faults):
    whole = GOOD.replace("## Everything that changed\n\n@@diff 01_one 02_two\n\n", "")
    assert faults(whole, chapter="01_one") == []
    first = whole.replace("../assets", "../../assets")
    second = GOOD.replace("1. A file", "3. A file").replace("2. Test it", "4. Test it")
    assert faults(first, second) == []
    lacking = faults(first + "## More\n", second.replace("## Exercises", ""))
    assert [fault.split(": ")[0] for fault in lacking] == [
        "docs/chapters/02_two/1_x.md:55",
        "docs/chapters/02_two/2_x.md:56",
    ]


def test_prose_is_what_a_learner_reads(tmp_path):
    path = tmp_path / "page.md"
    path.write_text(
        "# One two\n\nThree `four` [five](six.md) -- – |.\n\n<!-- no -->\n\n> [!NOTE]\n> Seven\n\n"
        "```mermaid\nno no\n```\n\n- eight\n\n@@diff 01_one 02_two\n\n## 1. Nine\n"
    )
    assert shape.words(page.read(path)) == 10  # NOTE and the step's number are words too
