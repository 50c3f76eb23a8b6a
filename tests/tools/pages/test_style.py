"""Check that every page has the shape that learners know from the one before."""

import re

import pytest

from course import chapters
from course.pages import grammar, style

VERIFIED = "**Verified with** Django 5.2 and 6.1."
GOOD = f"""\
# 2. Two

![A room](../assets/room.png)

**In this chapter you'll learn how to**

- write a file
- change a file,
  line by line
- test it

**You need** tea. **It takes** about 1 h 30 min. {VERIFIED}

## 1. Write a file

Write `a.py`:

```python title="a.py"
one = 1

two = 2
```

```mermaid
sequenceDiagram
  ann->>bob: Tea?
```

## See it fail: no tea

Look.

## 2. Test the tea

In `a.py`:

```diff title="a.py"
 one = 1
+
+three = 3
-two = 2
```

## Recap

You now know how to:

- write a file
- change a file
- test it

## Check yourself

1. Why?

<details>
<summary>Answers</summary>

1. So.

</details>

## Exercises

### Pour it

Pour **the tea**.

<details>
<summary>Hint</summary>

Take a cup.

</details>

<details>
<summary>Solution</summary>

<!-- left out: an exercise -->
```python
### pour()
```

</details>

### Drink it

Drink.

<details>
<summary>Hint</summary>

**Wait** first.

</details>

<details>
<summary>Solution</summary>

Sip.

</details>

## Everything that changed

@@diff 01_one 02_two

## What's next

You've had tea.

**[3. Three](03_three.md)** has milk.
"""
COMPARED = "## Everything that changed\n\n@@diff 01_one 02_two\n\n"


@pytest.mark.parametrize("chapter", chapters.with_pages())
def test_chapter_has_the_shape(chapter):
    parts = grammar.read_lesson(chapter)
    found = style.faults(parts, chapter, style.versions(chapter))
    assert not found, "\n".join(["", *found])


def test_versions_are_those_of_the_environment():
    assert style.versions("01_http_only").startswith(
        "**Verified with** Django 5.2 and 6.1, Channel"
    )
    assert style.versions("03_sync_group_chat").endswith(", channels-redis 4.3, Redis 7.0.")
    assert style.versions("05_htmx_ws").endswith("Redis 7.0, django-htmx 1.29, htmx 2.0.")
    assert style.versions("hardening") == style.versions("06_conversations_auth")


@pytest.fixture
def faults(course):
    """Return a function that writes texts as a chapter's parts, and returns the faults."""
    assets = course.root / "docs" / "assets"
    assets.mkdir()
    (assets / "room.png").touch()

    def faults(*texts, chapter="02_two"):
        if len(texts) == 1:
            chapters.page(chapter).write_text(texts[0])
        else:
            for number, text in enumerate(texts, start=1):
                course.part(chapter, f"{number}_x.md", text)
        return style.faults(grammar.read_lesson(chapter), chapter, VERIFIED)

    return faults


def test_good_page_has_no_faults(faults):
    assert faults(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("![A room]", "![]", 1, "the page lacks a picture"),
        ("room.png", "none.png", 1, "the page lacks a picture"),
        ("sequenceDiagram", "flowchart", 1, "the page lacks a sequenceDiagram"),
        ("See it fail: no", "Look: no", 1, "lacks a section that begins with 'See it fail'"),
        ("2. Test", "2. Try", 1, "the page lacks a section that begins with 'Test'"),
        ("fail: no tea", "fail", 29, "say what fails: ## See it fail: a script"),
        ("**You need**", "You need", 1, "no **You need** above the first step"),
        ("**It takes**", "It takes", 1, "no **It takes**"),
        ("1 h 30 min", "an hour", 1, "**It takes** goes on: about 45 min, about 2 h"),
        ("about 1 h", "1 h", 1, "**It takes** goes on: about 45 min"),
        (VERIFIED, "", 1, "no **Verified with**"),
        ("and 6.1", "and 6.0", 1, f"the versions have to be: {VERIFIED}"),
        ("you'll learn how", "we learn how", 1, "no **In this chapter you'll learn how to** above"),
        ("In this chapter", "In this part", 1, "no **In this chapter you'll learn how to** above"),
        ("- write a file\n- change a file,", "Change a file", 1, "1 bullets below **In this chap"),
        ("- test it\n\n**You", "- 3\n- 4\n- 5\n- 6\n\n**You", 1, "6 bullets below **In this chap"),
        ("one = 1\n\n", "one = 1\n" * 25, 14, "26 lines to be typed, and no <!-- long: why -->"),
        ("+three = 3\n", "+three = 3\n" * 26, 33, "26 lines to be typed, and no"),
        ("Write a file\n", "Write a file\n<!-- long: x -->\n", 14, "2 lines to be typed are not"),
        ("- change a file\n- test it\n", "", 44, "1 bullets; 3 to 6 are right"),
        ("- test it\n\n## C", "- x\n" * 5 + "\n## C", 44, "7 bullets; 3 to 6 are right"),
        ("## Recap", "## Summary", 108, "a page ends with the sections Recap, Check yourself, Ex"),
        ("## Everything that changed", "", 108, "Exercises, Everything that changed, What's next"),
        ("has milk.", "has milk.\n\n## More\n\n[x](y.md)", 114, "a page ends with"),
        ("<summary>Answers", "<summary>More", 52, "the answers are folded, below the questions"),
        ("Hint</summary>\n\nTake", "Help</summary>\n\nTake", 65, "there is Help, Solution"),
        ("### Drink it\n\n", "", 65, "there is Hint, Solution, Hint, Solution"),
        (
            "Drink.\n",
            "Drink.\n\n### Sleep\n",
            86,
            "folded Hint and a folded Solution; there is nei",
        ),
        ("**[3. Three](03_three.md)**", "Chapter 3", 108, "the last paragraph leads to the next"),
        ("Sip.", "Sip.\n\n</details>" + "\nmany lines" * 750, 1, "lines outside of folds; 700 are"),
    ],
)
def test_missing_or_wrong_part_of_a_page_is_reported_with_its_line(faults, old, new, line, message):
    assert old in GOOD
    found = faults(GOOD.replace(old, new))
    assert len(found) == 1, found
    assert found[0].startswith(f"docs/chapters/02_two.md:{line}: ")
    assert message in found[0]


def test_long_step_may_have_a_reason(faults):
    long = GOOD.replace("one = 1\n\n", "one = 1\n" * 30)
    assert faults(long.replace("Write a file\n", "Write a file\n<!-- long: one idea -->\n")) == []


def test_folds_do_not_make_a_page_long(faults):
    assert faults(GOOD.replace("Sip.", "Sip.\n" * 700)) == []


def test_exercises_may_begin_with_bold_words(faults):
    bold = GOOD.replace("### Pour it\n\n", "**Pour it.** ").replace(
        "### Drink it\n\n", "**Drink.** "
    )
    assert faults(bold) == []
    [fault] = faults(bold.replace("**Drink.** ", ""))
    assert "there is Hint, Solution, Hint, Solution" in fault
    [fault] = faults(bold.replace("**Pour it.** ", "").replace("**Drink.** ", ""))
    assert "02_two.md:63: no exercise" in fault


def test_exercise_that_is_checked_has_its_hints_elsewhere(faults):
    drink = GOOD[GOOD.index("### Drink it") : GOOD.index("## Everything")]
    checked = GOOD.replace(drink, "### Drink it\n\nDrink. Start with `EXERCISE=02_drink`.\n\n")
    assert faults(checked) == []
    [fault] = faults(checked.replace("EXERCISE=", ""))
    assert "an exercise is followed by a folded Hint" in fault


def test_first_chapter_compares_nothing(faults):
    assert faults(GOOD.replace(COMPARED, ""), chapter="01_one") == []


def test_each_part_compares_its_start_with_its_end(faults):
    whole = GOOD.replace("In this chapter", "In this part")
    first = whole.replace("01_one 02_two", "this part").replace("../assets", "../../assets")
    second = whole.replace("1. Write", "3. Write").replace("2. Test", "4. Test")
    both = second.replace("@@diff", "@@diff this part\n\n@@diff")
    assert faults(first, both) == []
    assert faults(first, second.replace("01_one 02_two", "this part")) == []
    [fault] = faults(first, second)
    assert fault == "docs/chapters/02_two/2_x.md:104: each part says @@diff this part"
    [fault] = faults(first.replace(COMPARED.replace("01_one 02_two", "this part"), ""), both)
    assert "1_x.md:104: a page ends with the sections Recap" in fault


def test_guide_has_a_shape_of_its_own(faults):
    guide = GOOD.replace("In this chapter", "In this guide")
    for part in (r"!\[[^\n]+", r"```mermaid.+?```", r"## Exercises.+(?=## What)"):
        guide = re.sub(part, "", guide, flags=re.DOTALL)
    assert faults(guide, chapter="aside") == []
    [fault] = faults(guide.replace("See it", "It"), chapter="aside")
    assert "the page lacks a section that begins with 'See it fail'" in fault
    fault = faults(guide + "\n## More\n", chapter="aside")[0]
    assert "ends with the sections Recap, Check yourself, What's next" in fault


def test_first_look_has_a_title_and_says_how_long_it_takes(faults):
    short = "# Ten minutes\n\n**It takes** about 10 min.\n\n## 1. Do\n"
    assert faults(short, chapter="look") == []
    assert faults(short.replace("# Ten", "Ten"), chapter="look") == [
        "docs/start/look.md:1: the page begins with its title"
    ]
    [fault] = faults(short.replace("10 min", "ten minutes"), chapter="look")
    assert "the page says **It takes** about 45 min" in fault


@pytest.mark.parametrize(
    ("said", "minutes"),
    [
        ("about 45 min.", 45),
        ("about 2 h, most of it typing", 120),
        ("about 1 h 30 min", 90),
        ("about 1 hour", None),
        ("two hours", None),
        ("about 30", None),
    ],
)
def test_time_is_read(faults, said, minutes):
    faults(GOOD.replace("about 1 h 30 min.", said))
    [part] = grammar.read_lesson("02_two")
    assert style.minutes(part) == minutes


def test_home_page_says_how_long_everything_takes():
    home = (chapters.ROOT / "docs" / "index.md").read_text()
    rows = dict(re.findall(r"^\| \[.+?\]\((\S+?)\) .*\| *([^|]+?) *\|$", home, re.MULTILINE))
    items = dict(re.findall(r"^- \[.+?\]\((\S+?)\), (\d[^:]*):", home, re.MULTILINE))
    looks = [name for name in chapters.FIRST_LOOKS if chapters.pages(name)]
    sums = {}
    for lesson in [*looks, *chapters.NAMES]:
        pages = grammar.read_lesson(lesson)
        times = {
            part.path.relative_to(chapters.ROOT / "docs").as_posix(): style.minutes(part) or 0
            for part in pages
        }
        sums[next(iter(times))] = sum(times.values())
        for path in times.keys() & items.keys():
            assert style.duration(items[path]) == times[path], path
    assert {path: style.duration(said) for path, said in rows.items()} == sums
    [altogether] = re.findall(r"Altogether that's (\d[^.]*)\.", home)
    assert style.duration(altogether) == sum(sums.values())
