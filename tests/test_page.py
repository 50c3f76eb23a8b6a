"""Is a page read as it is meant, and is a rule that it breaks named with its line."""

import pytest
from replay_helpers import Course

from course import page

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


def test_steps_and_blocks(tmp_path):
    read = page.read(write(tmp_path, GOOD))
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
        ('`../x`\n\n```text title="../x"\n```\n', 3, "no path below the project's folder"),
        ('`a/../../x`\n\n```text title="a/../../x"\n```\n', 3, "no path below"),
        ('`/etc/x`\n\n```text title="/etc/x"\n```\n', 3, "no path below"),
        ('`~/x`\n\n```text title="~/x"\n```\n', 3, "no path below"),
        ('`./x`\n\n```text title="./x"\n```\n', 3, "no path below"),
        ('``\n\n```text title=""\n```\n', 3, "no path below"),
        ('`x`\n\n```console title="x"\n$ y\n```\n', 3, "a console block has no title"),
        ("```javascript\nx\n```\n", 1, "<!-- shown in: tests/... -->"),
        ("```diff\n-x\n```\n", 1, "<!-- shown in: tests/... -->"),
        ("<!-- shown in: t.py -->\n\n```wire\nx\n```\n", 1, "this is replayed"),
        ("<!-- left out: -->\n\n```wire\nx\n```\n", 1, "say what follows 'left out'"),
        ("<!-- left out: late -->\n\nText.\n\n```wire\nx\n```\n", 1, "no block follows"),
        ("a\n\n<!-- left out: late -->\n", 3, "no block follows"),
        ("```console\nprinted\n$ typed\n```\n", 1, "begins with a `$ ` line, or has none"),
        ("a\n\n    ```console\n    $ x\n    ```\n", 3, "fence it, at the page's margin"),
        ("<details>\n```console\n$ x\n```\n</details>\n", 1, "leave a blank line"),
    ],
)
def test_broken_rule_is_named_with_its_line(tmp_path, text, line, message):
    with pytest.raises(page.PageError) as caught:
        page.read(write(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path}/page.md:{line}: ")
    assert message in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    "chapter, text, message",
    [
        ("01_one", "@@diff 00_none 01_one", "md:5: the first chapter has nothing"),
        ("02_two", "", "md:1: one line @@diff 01_one 02_two belongs below; no is there"),
        ("02_two", "@@diff 01_one 03_three", "md:5: this has to be: @@diff 01_one 02_two"),
        ("02_two", "@@diff 02_two 01_one", "md:5: this has to be: @@diff 01_one 02_two"),
        ("02_two", "@@diff 01_one 02_two\n\n## 2. On", "md:5: @@diff stands at the end"),
        ("02_two", "@@diff 01_one 02_two\n@@diff 01_one 02_two", "2 is there"),
        ("02_two", "@@diff 01_one 02_two", None),
        ("01_one", "", None),
    ],
)
def test_diff_line_names_the_chapter_before_and_this_one(
    tmp_path, monkeypatch, chapter, text, message
):
    Course(tmp_path, monkeypatch)
    path = write(tmp_path, f"## 1. Go\n\n## All\n\n{text}\n")
    if message is None:
        page.check_diff(page.read(path), chapter)
        return
    with pytest.raises(page.PageError) as caught:
        page.check_diff(page.read(path), chapter)
    assert message in str(caught.value)


def test_error_names_the_page_as_the_repository_does(tmp_path, monkeypatch):
    course = Course(tmp_path, monkeypatch)
    path = course.page("01_one", "```\n```\n")
    with pytest.raises(page.PageError, match=r"^docs/chapters/01_one\.md:1: "):
        page.read(path)
