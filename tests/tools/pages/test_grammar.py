"""Check that a page is parsed correctly, and that a broken rule is reported with its line."""

import re

import pytest

from course.pages import grammar

GOOD = """\
# A chapter

Opening.

```console
$ python manage.py runserver
...
```

## 1. A first step

Write `chat/views.py`:

```python title="chat/views.py"
x = 1
```

> [!NOTE]
> In `chat/views.py`:
>
> ```diff title="chat/views.py"
> -x = 1
> +x = 2
> ```

## See it fail

```console
Not Found
```

```wire
ws://127.0.0.1:8000/
```

```mermaid
graph
```

<!-- shown in: tests/test_x.py -->
```javascript
y
```

<!-- left out:
     it takes an hour -->

```console
$ sleep 3600
```

## 2. `Second`, a step
"""


def write(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text)
    return path


def test_steps_and_blocks_are_parsed(tmp_path):
    read = grammar.read(write(tmp_path, GOOD))
    assert [(step.number, step.title, step.line) for step in read.steps] == [
        (None, "", 1),
        (1, "A first step", 10),
        (None, "See it fail", 26),
        (2, "`Second`, a step", 52),
    ]
    assert read.count == 2
    blocks = [block for step in read.steps for block in step.blocks]
    assert [(block.kind, block.line, block.path, block.note) for block in blocks] == [
        ("console", 5, "", ""),
        ("write", 14, "chat/views.py", ""),
        ("edit", 21, "chat/views.py", ""),
        ("log", 28, "", ""),
        ("wire", 32, "", ""),
        ("drawn", 36, "", ""),
        ("shown", 41, "", "tests/test_x.py"),
        ("left out", 48, "", "it takes an hour"),
    ]
    assert blocks[2].text == "-x = 1\n+x = 2\n"


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("## 1. One\n\n## 3. Three\n", 3, "step 2 comes here, and not 3"),
        ("```\nx\n```\n", 1, "a fence says LANGUAGE"),
        ('a\n\n```python titel="x.py"\nx\n```\n', 3, "titel"),
        ("```python hl_lines=2\nx\n```\n", 1, "hl_lines"),
        ('Write `y.py`.\n\n```python title="x.py"\n```\n', 3, "above does not name `x.py`"),
        ('`x.py`\n\n## 1. One\n\n```python title="x.py"\n```\n', 5, "above does not name"),
        ('`../x`\n\n```text title="../x"\n```\n', 3, "isn't a path below the project's folder"),
        ('`a/../../x`\n\n```text title="a/../../x"\n```\n', 3, "isn't a path below"),
        ('`/etc/x`\n\n```text title="/etc/x"\n```\n', 3, "isn't a path below"),
        ('`~/x`\n\n```text title="~/x"\n```\n', 3, "isn't a path below"),
        ('`./x`\n\n```text title="./x"\n```\n', 3, "isn't a path below"),
        ('``\n\n```text title=""\n```\n', 3, "isn't a path below"),
        ('`x`\n\n```console title="x"\n$ y\n```\n', 3, "a console block has no title"),
        ("```javascript\nx\n```\n", 1, "<!-- shown in: tests/... -->"),
        ("```diff\n-x\n```\n", 1, "<!-- shown in: tests/... -->"),
        ("<!-- shown in: t.py -->\n\n```wire\nx\n```\n", 1, "this is replayed"),
        ("<!-- left out: -->\n\n```wire\nx\n```\n", 1, "say what follows 'left out'"),
        ("<!-- left out: late -->\n\nText.\n\n```wire\nx\n```\n", 1, "no block follows"),
        ("a\n\n<!-- left out: late -->\n", 3, "no block follows"),
        ("```console\nprinted\n$ typed\n```\n", 1, "begins with a `$ ` line, or has none"),
        ("a\n\n    ```console\n    $ x\n    ```\n", 3, "fence it, at the page's margin"),
        ("a\n\n<!-- long: why -->\n", 3, "'long' belongs directly under a numbered step's heading"),
        ("## See\n<!-- long: why -->\n", 2, "directly under a numbered step's heading"),
        ("## 1. Go\n\na\n\n<!-- long: why -->\n", 5, "directly under"),
        ("## 1. Go\n\n### Below\n\n<!-- long: why -->\n", 5, "directly under"),
        ("## 1. Go\n\n<!-- long: -->\n", 3, "say what follows 'long'"),
        ("<details>\n```console\n$ x\n```\n</details>\n", 1, "leave a blank line"),
    ],
)
def test_broken_rule_is_reported_with_its_line(tmp_path, text, line, message):
    with pytest.raises(grammar.PageError) as caught:
        grammar.read(write(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path}/page.md:{line}: ")
    assert message in str(caught.value)
    assert caught.value.line == line


WHOLE = "@@diff 01_one 02_two"
PART = "@@diff this part"


@pytest.mark.parametrize(
    "lesson, texts, message",
    [
        ("01_one", [""], None),
        ("01_one", ["@@diff 00_none 01_one"], "1_x.md:3: 01_one has no @@diff"),
        ("aside", ["@@diff 02_two aside"], "1_x.md:3: aside has no @@diff: there are no two"),
        ("look", ["@@diff 01_one look"], "1_x.md:3: look has no @@diff"),
        ("02_two", [WHOLE], None),
        ("02_two", [""], f"1_x.md:1: a line {WHOLE} belongs below"),
        ("02_two", ["@@diff 01_one 03_three"], f"1_x.md:3: this has to be: {WHOLE}"),
        ("02_two", ["@@diff 02_two 01_one"], f"1_x.md:3: this has to be: {WHOLE}"),
        ("02_two", [f"{WHOLE}\n\n## 2. On"], "1_x.md:3: @@diff belongs at the end"),
        ("02_two", [f"{WHOLE}\n{WHOLE}"], f"1_x.md:4: {WHOLE} is here twice"),
        ("02_two", [PART], f"1_x.md:3: this page isn't in parts: write {WHOLE}"),
        ("02_two", ["", WHOLE], None),
        ("02_two", [PART, PART], None),
        ("02_two", [PART, f"{PART}\n{WHOLE}"], None),
        ("02_two", [WHOLE, ""], f"1_x.md:3: {WHOLE} belongs in the last part"),
        ("02_two", ["@@diff that part", ""], f"1_x.md:3: this has to be: {WHOLE}"),
        ("02_two", [f"{PART}\n{PART}", ""], f"1_x.md:4: {PART} is here twice"),
        ("02_two", [f"{PART}\n\n## 2. X", ""], "1_x.md:3: @@diff belongs at the end"),
        ("02_two", [PART, ""], f"2_x.md:1: a line {PART}, or {WHOLE} belongs below"),
    ],
)
def test_diff_line_compares_with_the_chapter_before(course, lesson, texts, message):
    number = 1
    for count, text in enumerate(texts, start=1):
        course.part(lesson, f"{count}_x.md", f"## {number}. Go\n\n{text}\n")
        number += 1 + text.count("## ")
    parts = grammar.read_lesson(lesson)
    if message is None:
        grammar.check_diff(parts, lesson)
        return
    with pytest.raises(grammar.PageError, match=re.escape(f"{lesson}/{message}")):
        grammar.check_diff(parts, lesson)


def test_reason_for_a_long_step_and_its_prose_are_parsed(tmp_path):
    text = "# T\n\nA\nb.\n\n## 1. Go\n<!-- long: one\n  idea -->\n\nC.\n\n- d\n"
    above, step = grammar.read(write(tmp_path, text)).steps
    assert (above.long, above.prose) == ("", ["T", "A\nb."])
    assert (step.long, step.prose) == ("one idea", ["1. Go", "C.", "d"])


def test_step_numbers_continue_across_parts(course):
    assert grammar.read_lesson("02_two") == []
    course.part("02_two", "1_a.md", "## 1. One\n\n## 2. Two\n")
    course.part("02_two", "2_b.md", "Nothing yet.\n")
    course.part("02_two", "3_c.md", "## 3. Three\n")
    parts = grammar.read_lesson("02_two")
    assert [(part.path.name, step.number) for part, step in grammar.steps(parts)] == [
        ("1_a.md", None),
        ("1_a.md", 1),
        ("1_a.md", 2),
        ("2_b.md", None),
        ("3_c.md", None),
        ("3_c.md", 3),
    ]
    course.part("02_two", "3_c.md", "Text.\n\n## 1. One\n")
    with pytest.raises(grammar.PageError, match=r"02_two/3_c\.md:3: step 3 comes here, and not 1"):
        grammar.read_lesson("02_two")


def test_error_shows_the_pages_path_in_the_repository(course):
    path = course.page("01_one", "```\n```\n")
    with pytest.raises(grammar.PageError, match=r"^docs/chapters/01_one\.md:1: "):
        grammar.read(path)
