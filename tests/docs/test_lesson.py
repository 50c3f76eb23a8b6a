"""Does the Markdown of the pages become what a reader should see."""

import html
import re

import pytest
from markdown import Markdown

from course import changes, chapters, glossary, lesson, listing, page, shape

EXTENSIONS = ["md_in_html", "sane_lists", "tables", "toc", "course.lesson"]
PAGES = sorted((chapters.ROOT / "docs").rglob("*.md"))


def shown(text):
    """Return the HTML of Markdown, as the site has it."""
    return Markdown(extensions=EXTENSIONS).convert(text)


def plain(text):
    """Return the text that a reader of the HTML sees."""
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def block(info, text="x = 1"):
    return f"A line.\n\n```{info}\n{text}\n```\n"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_fence_is_known(path):
    lesson.check_fences(path.read_text())


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
    made = listing.block(text, "console")
    assert plain(made).rstrip("\n") == text
    assert copied_from(made) == [copied]


def copied_from(made):
    """Return what the blocks say is to be copied."""
    return [html.unescape(data) for data in re.findall(r'data-copy="([^"]*)"', made)]


@pytest.mark.parametrize("path", chapters.pages("06_conversations_auth")[1:2])
def test_lessons_page_tells_scripts_where_they_are(path, monkeypatch):
    monkeypatch.setattr(shape, "minutes", lambda part: 90)
    made = shown(path.read_text())
    part = page.read_lesson("06_conversations_auth")[1]
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
        made = listing.block(text, language)
        assert "no-copy" in made and "data-copy" not in made
        assert plain(made) == text + "\n"


@pytest.mark.parametrize(
    "text", [" a\n-b\n+c\n@@\n d\n+", "+a\n", "-only gone", "+'''\n+more\n-'''\n \n+x"]
)
def test_diff_shows_every_line_and_copies_what_comes(text):
    made = listing.block(text, "diff", "a.py")
    assert plain(made).removeprefix("a.py").rstrip("\n ") == text.rstrip("\n ")
    come = "\n".join(line[1:] for line in text.split("\n") if line.startswith("+"))
    assert copied_from(made) == ([come] if come else [])


def test_every_language_that_a_diff_shows_has_colours():
    for language in [*listing.LANGUAGES.values(), listing.PLAIN]:
        listing.check(language)


def test_details_hold_markdown():
    made = shown("<details>\n<summary>Answers</summary>\n\n1. *One*\n\n</details>")
    assert "<em>One</em>" in made and "<summary>Answers</summary>" in made


def test_comments_go_and_what_follows_stays():
    made = shown("<!-- shown in: tests/test_x.py -->\n```python\nx = 1\n```\n")
    assert "<!--" not in made and "shown in" not in made and "highlight" in made


@pytest.mark.parametrize("after", chapters.NAMES[1:])
def test_diff_of_chapters_names_each_file_that_changed(after):
    before = chapters.before(after)
    text = changes.markdown(before, after)
    old, new = (changes.tree.read(chapters.folder(name)) for name in (before, after))
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    assert changed
    summaries = re.findall(r"<summary><code>(.+?)</code>|^`(.+?)`: gone", text, re.MULTILINE)
    assert {one or other for one, other in summaries} == changed
    made = shown(f"@@diff {before} {after}")
    assert "@@diff" not in made
    # Nothing of a file, be it a template, has become a tag of the page.
    inside = re.findall(r"<(?!/?(?:details|summary|code|div|span|pre|p)\b)\w+", made)
    assert not inside


def test_diff_of_something_else_is_an_error():
    with pytest.raises(ValueError, match="09_nothing"):
        shown("@@diff 01_http_only 09_nothing")


def test_fence_is_longer_than_those_inside():
    assert changes.fenced("a\n````\nb", "text").startswith("`````text\n")


def test_tests_are_folded_and_the_rest_is_open():
    text = changes.markdown("01_http_only", "02_echo_consumer")
    for opened, name in re.findall(r"<details( open)?>\n<summary><code>(.+?)</code>", text):
        assert bool(opened) != name.startswith("tests/")


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
    monkeypatch.setattr(lesson, "DOCS", tmp_path)
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
