"""Does the built site hold together: links, anchors, pictures, and the two files for programs."""

import html
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from course import chapters
from course.site import build, directives

VOID = {"404.html"}  # served from anywhere, with addresses from the top


class Page(HTMLParser):
    """What a page of HTML can be reached by, and what it leads to."""

    def __init__(self, text):
        super().__init__()
        self.ids = {""}
        self.leads_to = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        said = dict(attributes)
        self.ids |= {said[key] for key in ("id", "name") if said.get(key)}
        self.leads_to += [said[key] for key in ("href", "src") if said.get(key)]


@pytest.fixture(scope="module")
def pages(site, site_pages):
    return {name: Page((site / name).read_text()) for name in site_pages}


def missing(site: Path, pages, name: str, address: str) -> bool:
    """Tell whether an address in the file `name` leads to nothing in the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return False
    below = unquote(parts.path)
    target = (site / name).parent / below if below else site / name
    if target.is_dir():
        target = target / "index.html"
    if not target.is_file():
        return True
    inside = target.resolve().relative_to(site.resolve()).as_posix()
    return inside in pages and unquote(parts.fragment) not in pages[inside].ids


def test_everything_that_a_page_leads_to_is_there(site, pages):
    dead = [
        f"{name}: {address}"
        for name, page in pages.items()
        for address in page.leads_to
        if name not in VOID and missing(site, pages, name, address)
    ]
    assert not dead, "\n".join(dead)


def test_nothing_is_loaded_from_another_host(site):
    loads = re.compile(
        r"""<(?:script|img|iframe|source|video)\b[^>]*\bsrc=["']?(?:https?:)?//"""
        r"""|<link\b[^>]*\bhref=["']?(?:https?:)?//|url\(["']?(?:https?:)?//|@import"""
    )
    found = [path.name for path in site.rglob("*.html") if loads.search(path.read_text())]
    found += [
        path.name
        for path in site.joinpath("assets/site").glob("*.css")
        if loads.search(path.read_text())
    ]
    assert not found


def test_list_for_programs_has_every_page_with_a_line_about_it(site):
    text = (site / build.LIST).read_text()
    title = yaml.safe_load((chapters.ROOT / "mkdocs.yml").read_text())["site_name"]
    assert re.match(rf"# {title}\n\n> .+\n", text)
    listed = re.findall(r"^- \[.+?\]\((.+?)\): .+\.$|^- (.+)$", text, re.MULTILINE)
    assert [wrong for _, wrong in listed if wrong] == []
    assert [page for page, _ in listed] == [page.address for page in build.entries(chapters.ROOT)]
    assert all((site / page).is_file() for page, _ in listed)


def test_whole_course_in_one_file_reads_in_order_and_leads_somewhere(site, pages):
    text = (site / build.WHOLE).read_text()
    prose = re.sub(r"^(`{3,})[^`\n]*\n.*?^\1[ \t]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    titles = [page.title for page in build.entries(chapters.ROOT)]
    assert [build.glossary.plain(one) for one in re.findall(r"^# (.+)$", prose, re.M)] == titles
    assert not re.search(r"^@@diff", text, re.MULTILINE)
    assert "<summary><code>chat/consumers.py</code>" in text
    targets = re.findall(r"!?\[[^\]]*\]\(([^)\s]+)\)", prose)
    assert len(targets) > 20
    dead = [target for target in targets if missing(site, pages, build.WHOLE, target)]
    assert not dead, "\n".join(dead)


def test_site_has_every_page_and_no_other(site_pages):
    wanted = {page.address for page in build.entries(chapters.ROOT)}
    assert set(site_pages) - VOID == wanted


def test_what_a_repositorys_web_page_shows_is_what_the_site_shows(site):
    """Two readers of Markdown differ over lists and fences: the pages are written for both."""
    from markdown_it import MarkdownIt

    for page in build.entries(chapters.ROOT):
        tokens = MarkdownIt("commonmark").enable("table").parse(directives.expand(page.text))
        wanted = {
            "li": sum(token.type == "list_item_open" for token in tokens),
            "pre": sum(token.type == "fence" for token in tokens),
            "table": sum(token.type == "table_open" for token in tokens),
        }
        text = (site / page.address).read_text()
        article = text[text.index("<article") : text.index("</article>")]
        # What the site adds from the replay.
        article = re.sub(r'<details class="whole-file".*?</details>', "", article, flags=re.DOTALL)
        found = {tag: len(re.findall(rf"<{tag}[ >]", article)) for tag in wanted}
        assert found == wanted, page.path


def test_every_diagram_says_what_it_shows(site, site_pages):
    found = {
        name: re.findall(r'class="diagram"[^>]*', (site / name).read_text()) for name in site_pages
    }
    assert any(found.values())
    nameless = [
        name for name, tags in found.items() if any('aria-label="Diagram"' in t for t in tags)
    ]
    assert not nameless, "A diagram without accTitle"


def test_copy_leaves_no_prompt_in_any_block(site, site_pages):
    """What the buttons give is in the pages; test_site_browser shows that they give it."""
    for name in site_pages:
        text = (site / name).read_text()
        for copied in re.findall(r'<div class="highlight console" data-copy="([^"]*)"', text):
            assert not re.search(r"^(\$|>>>) ", html.unescape(copied), re.MULTILINE), name
