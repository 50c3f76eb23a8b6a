"""Does the Markdown of the pages become what a reader should see."""

import html
import re
import types

import pytest
from markdown import Markdown
from markdown.preprocessors import Preprocessor

from course import chapters
from course.pages import file_tree, grammar, style
from course.site import chapter_diff, contexts, directives, glossary, listings, markdown_extension
from tests.support.sample_course import Course

EXTENSIONS = ["md_in_html", "sane_lists", "tables", "toc", "pymdownx.superfences"]
EXTENSIONS += ["course.site.markdown_extension"]


def shown(text):
    """Return the HTML of Markdown, as the site has it."""
    return Markdown(extensions=EXTENSIONS).convert(text)


def plain(text):
    """Return the text that a reader of the HTML sees."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def block(info, text="x = 1"):
    return f"A line.\n\n```{info}\n{text}\n```\n"


@pytest.mark.parametrize(
    "info", ['python titel="a.py"', "python linenums", "nosuchlanguage", "", '{.python title="a"}']
)
def test_unknown_fence_is_an_error_and_no_paragraph(info):
    with pytest.raises(ValueError, match="line 3"):
        shown(block(info))


def test_file_has_its_title_and_its_text():
    made = shown(block('html+django title="a/b.html"', "{% if a < b %}&amp;{% endif %}"))
    assert '<span class="filename">a/b.html</span>' in made
    assert "{% if a < b %}&amp;{% endif %}" in plain(made)


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("$ one\nsaid\n$ two", "one\ntwo"),
        ("$ one \\\n  --more\nsaid", "one \\\n  --more"),
        ("$ python manage.py shell\n...\n>>> 1 + 1\n2", "python manage.py shell\n1 + 1"),
        (">>> for x in y:\n...     x\n...\n1\n...", "for x in y:\n    x\n"),
        (">>> f()\n...\nlast", "f()"),
    ],
)
def test_console_is_copied_without_prompts_and_output(text, copied):
    made = listings.block(text, "console")
    assert plain(made).rstrip("\n") == text
    assert copied_from(made) == [copied]


def copied_from(made):
    """Return what the blocks say is to be copied."""
    return [html.unescape(data) for data in re.findall(r'data-copy="([^"]*)"', made)]


def test_lessons_page_tells_scripts_where_they_are(monkeypatch):
    monkeypatch.setattr(style, "minutes", lambda part: 90)
    made = shown(chapters.pages("06_conversations_auth")[1].read_text())
    part = grammar.read_lesson("06_conversations_auth")[1]
    [data] = re.findall(r'<div ([^>]*id="lesson-data"[^>]*)></div>', made)
    said = dict(re.findall(r'data-(\w+)="([^"]*)"', data))
    assert said == {
        "lesson": "06_conversations_auth",
        "steps": str(part.count),
        "minutes": "90",
    }
    numbers = [step.number for step in part.steps if step.number]
    assert [int(n) for n in re.findall(r'<h2[^>]* data-step="(\d+)"', made)] == numbers


def test_other_pages_tell_scripts_nothing():
    made = shown("# Other\n\n## 1. One\n\nText.")
    assert "lesson-data" not in made and "data-step" not in made


def test_log_and_conversation_have_nothing_to_copy():
    for language, text in (("console", "said"), ("wire", "ws://a/\n> b\n< c\nx 1000")):
        made = listings.block(text, language)
        assert "no-copy" in made and "data-copy" not in made
        assert plain(made) == text + "\n"


@pytest.mark.parametrize("text", ["+a\n", "-only gone", "+'''\n+more\n-'''\n \n+x", "@@ def a\n+b"])
def test_diff_shows_every_line_and_copies_what_comes(text):
    made = listings.block(text, "diff", "a.py")
    assert plain(made).removeprefix("a.py").rstrip("\n ") == text.rstrip("\n ")
    come = "\n".join(line[1:] for line in text.split("\n") if line.startswith("+"))
    assert copied_from(made) == ([come] if come else [])
    assert "<button" not in made


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        (" a\n-b\n+c\n+ d\n@@\n d\n+", ["c\n d", ""]),
        ('@@ class A\n+a\n@@ def b\n-b\n@@\n+"<c>"', ["a", None, '"<c>"']),
    ],
)
def test_each_hunk_has_a_button_that_copies_its_lines(text, copied):
    made = listings.block(text, "diff", "a.py")
    assert plain(made).removeprefix("a.py").strip("\n ") == text.strip("\n ")
    buttons = re.findall(r'<button [^>]*data-clipboard-text="([^"]*)"[^>]*></button>', made)
    assert [html.unescape(button) for button in buttons] == [
        each for each in copied if each is not None
    ]
    assert made.count('aria-label="Copy this hunk"') == len(buttons)
    assert "data-copy" not in made and "no-copy" in made  # the theme adds no button for all of it


def test_every_language_that_a_diff_shows_has_colours():
    for language in [*grammar.LANGUAGES.values(), grammar.PLAIN]:
        listings.check(language)


def test_details_hold_markdown():
    made = shown("<details>\n<summary>Answers</summary>\n\n1. *One*\n\n</details>")
    assert "<em>One</em>" in made and "<summary>Answers</summary>" in made


def test_comments_go_and_what_follows_stays():
    made = shown("<!-- shown in: tests/test_x.py -->\n```python\nx = 1\n```\n")
    assert "<!--" not in made and "shown in" not in made and "highlight" in made


@pytest.mark.parametrize("after", [chapters.NAMES[1], chapters.NAMES[-1]])
def test_diff_of_chapters_names_each_file_that_changed(after):
    before = chapters.before(after)
    text = chapter_diff.of_chapters(before, after)
    old, new = (file_tree.read(chapters.folder(name)) for name in (before, after))
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    assert changed
    summaries = re.findall(r"<summary><code>(.+?)</code>|^`(.+?)`: gone", text, re.MULTILINE)
    assert [one or other for one, other in summaries] == sorted(changed)
    made = shown(f"@@diff {before} {after}")
    assert "@@diff" not in made
    # Nothing of a file, be it a template, has become a tag of the page.
    inside = re.findall(r"<(?!/?(?:details|summary|code|div|span|pre|p|button)\b)\w+", made)
    assert not inside


@pytest.mark.parametrize(
    ("words", "said"),
    [("01_http_only 09_nothing", "09_nothing"), ("this part", "belongs on the page of a lesson")],
)
def test_diff_of_something_else_is_an_error(words, said):
    with pytest.raises(ValueError, match=said):
        shown(f"@@diff {words}")


PART = """\
# Part {number}

## {number}. Step

In `a.py`:

```diff title="a.py"
 def f():
-    return {old}
+    return {new}
```

## See it fail: the terminals

```console
$ ls
a.py
```

## Everything that changed

@@diff this part
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course whose second chapter has two parts."""
    course = Course(tmp_path, monkeypatch)
    course.folder("01_one", a_py="def f():\n    return 1\n")
    course.part("02_two", "1_a.md", PART.format(number=1, old=1, new=2))
    course.part("02_two", "2_b.md", PART.format(number=2, old=2, new=3))
    return course


def test_diff_of_a_part_is_from_its_start_to_its_end(course):
    for number, path in enumerate(chapters.pages("02_two"), start=1):
        text = directives.expand(path.read_text())
        assert text.count("<details>\n<summary><code>a.py</code> 1 line in, 1 out<") == 1
        assert f"-    return {number}\n+    return {number + 1}\n```\n\n</details>" in text
        made = shown(path.read_text())
        assert f"+    return {number + 1}" in plain(made) and "@@diff" not in made


def test_page_that_cannot_be_replayed_is_shown_with_a_warning(course, caplog):
    path = course.part("02_two", "1_a.md", PART.format(number=1, old=7, new=8))
    made = shown(path.read_text())
    [warning] = caplog.messages
    assert warning.startswith("docs/chapters/02_two/1_a.md:7: a.py: not in the file:     return 7")
    assert [record.name for record in caplog.records] == ["mkdocs.course"]
    assert "return 8" in plain(made) and "whole-file" not in made


def bars(made):
    """Return what stands above each block."""
    return [plain(bar) for bar in re.findall(r'<span class="filename.*?">(.*?)</span><pre>', made)]


LABELLED = """\
# One

## 1. Files

```console
$ python manage.py runserver
...
```

```console
said
```

```console
$ redis-server
```

```console
2:M 1 Jan 2026 9:00 * Ready
```

```console
$ python manage.py runworker bot
```

```console
Running worker for channels ['bot']
```

```console
$ python manage.py shell
...
>>> 1
1
```

```wire
ws://127.0.0.1:8000/
```

```console
$ pytest && cat a.py
```

Write `a.py`, and then `a.py` again:

```python title="a.py"
class A:
    def b(self):
        return 1

    def c(self):
        return 2
```

In `a.py`:

```diff title="a.py"
         return 1
+
+    def d(self):
+        return 3
@@
-        return 2
+        return 4
```

In `a.py` at last:

```diff title="a.py"
 class A:
+    x = 1
```

Write `a.py`:

```python title="a.py"
y = 1
```

<!-- shown in: a.py -->
```python
y = 1
```

<!-- left out: a browser's -->
```python
z = 1
```
"""


@pytest.fixture
def labelled(course):
    return shown(course.page("01_one", LABELLED).read_text())


def test_each_block_says_what_it_is(labelled):
    assert bars(labelled) == [
        "Server",
        "Server output",
        "Redis",
        "Redis output",
        "Worker",
        "Worker output",
        "Python prompt",
        "Over the socket",
        "Your terminal",
        "a.py new",
        "a.py changed",
        "a.py",  # in the fold
        "a.py changed",
        "a.py",
        "a.py replaced",
        "a.py excerpt",
    ]
    assert labelled.count("highlight console no-copy printed") == 3


def test_servers_output_is_that_of_the_one_that_runs(course):
    worker = "```console\n$ python manage.py runworker bot\n```\n\n"
    log, stop = "```console\nsaid\n```\n\n", "```console\n^C\n```\n\n"
    server = "```console\n$ daphne config.asgi:application\n```\n\n"
    text = "# One\n\n" + worker + log + server + log + stop + log
    assert bars(shown(course.page("01_one", text).read_text())) == [
        "Worker",
        "Worker output",
        "Server",
        "Server output",
        "Server output",
        "Worker output",
    ]


def test_blocks_elsewhere_are_labelled_by_their_text():
    made = shown("```console\n$ redis-server\n```\n\n```console\n$ ls\n```\n\n```text\nx\n```\n")
    assert bars(made) == ["Redis", "Your terminal"]


def test_whole_file_is_folded_below_its_diff(labelled):
    folds = re.findall(
        r'<details class="whole-file" data-search-exclude>.*?</details>', labelled, re.S
    )
    summaries = [re.search("<summary>(.+?)</summary>", fold)[1] for fold in folds]
    # Two blocks of this step still change the first; a step's last word on a file is its own.
    assert summaries == ["The whole file so far", "The whole file so far"]
    assert "    def d(self):\n        return 3\n" in plain(folds[0])
    assert "    x = 1\n    def b(self):" in plain(folds[1]) and "x = 1" not in plain(folds[0])
    assert not any("data-copy" in fold or "no-copy" in fold for fold in folds)  # copied as it is


def test_whole_file_of_the_last_change_is_that_after_the_step(course):
    made = shown(chapters.pages("02_two")[0].read_text())
    assert "<summary>The whole file after this step</summary>" in made


def test_long_file_is_not_shown_whole(course, monkeypatch):
    monkeypatch.setattr(contexts, "LONGEST", 1)
    assert "whole-file" not in shown(chapters.pages("02_two")[0].read_text())


def test_hunks_name_what_is_around_them(labelled):
    assert re.findall(r"@@.*", plain(labelled)) == ["@@ class A", "@@ class A, def c"]


def test_everything_that_changed_names_what_is_around_its_hunks():
    old = "class A:\n" + "".join(f"    def f{n}(self):\n        a\n        b\n\n" for n in range(9))
    new = old.replace("f8(self):\n        a\n        b", "f8(self):\n        a\n        c")
    new = new.replace("f2(self):\n        a\n        b", "f2(self):\n        a\n        c")
    text, come, go = chapter_diff.unified("a.py", old, new)
    assert (come, go) == (2, 2)
    assert re.findall("@@.*", text) == ["@@ class A", "@@ class A"]
    # A first file has no lines that a hunk could follow.
    assert chapter_diff.unified("a.py", "", "x\n") == ("+x", 1, 0)


@pytest.fixture
def terms():
    return {term.word: term for term in glossary.read()}


def linked(made):
    return re.findall(r'<a class="term" href="/(\S+?)" title="([^"]+)">([^<]+)</a>', made)


def test_glossary_is_read(terms):
    assert len(terms) > 20
    assert all(term.definition.endswith(".") for term in terms.values())


def test_first_of_a_term_leads_to_the_glossary(terms):
    made = shown("## A consumer\n\n`consumer` Two consumers, one consumer.\n\nA consumer.")
    assert linked(made) == [
        ("reference/glossary.md#consumer", terms["consumer"].definition, "consumers")
    ]
    assert "Two <a" in made


def test_zensical_which_resolves_no_absolute_links_gets_one_from_the_page():
    md = Markdown(extensions=EXTENSIONS)
    said_by_zensical = Preprocessor(md)
    said_by_zensical.run = lambda lines: lines
    said_by_zensical.page = types.SimpleNamespace(
        path="chapters/06_conversations_auth/3_messages.md"
    )
    md.preprocessors.register(said_by_zensical, "rendering_context", 0)
    assert 'href="../../reference/glossary.md#consumer"' in md.convert("A consumer.")


def test_longest_term_wins_and_names_are_no_terms():
    made = shown("Channels has a channel layer. An event loop. `a` channel, [event](x.md) event.")
    assert [word for _, _, word in linked(made)] == [
        "channel layer",
        "event loop",
        "channel",
        "event",
    ]


def test_term_is_no_part_of_another_word():
    assert not linked(shown("Eventually, messageboard, chat-message, frame.html, a/group."))


def test_text_around_links_is_kept():
    text = "A *frame* and **a group** of consumers, then `x` and a scope; the scope."
    assert plain(shown(text)) == text.replace("*", "").replace("`", "")


def test_glossary_has_no_links_to_itself():
    assert not linked(shown(glossary.PATH.read_text()))


def test_picture_comes_in_its_dark_kind_too(tmp_path, monkeypatch):
    monkeypatch.setattr(markdown_extension, "DOCS", tmp_path)
    for name in ("room.webp", "room-dark.webp", "alone.png"):
        (tmp_path / name).touch()
    made = shown("![A room](../../room.webp) and ![alone](alone.png)")
    assert re.findall(r'src="(.+?)"', made) == [
        "../../room.webp",
        "../../room-dark.webp",
        "alone.png",
    ]
    assert made.count('alt="A room"') == 2
    assert re.search(r'room-dark.webp" /> and <img[^>]+alone', made)


def test_empty_heading_of_a_table_is_none():
    made = shown("| | a |\n| --- | --- |\n| 1 | 2 |")
    assert made.count("<th>") == 1


def test_diagram_says_what_it_shows():
    made = shown('```mermaid\nflowchart LR\n    accTitle: A "way"\n    a --> b\n```')
    assert 'role="img" aria-label="A &quot;way&quot;"' in made
    assert "a --&gt; b" in made
