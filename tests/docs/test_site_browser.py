"""What only a browser knows of the site: served, and opened from a folder."""

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from course import chapters
from tests.docs.windows import chromium  # noqa: F401

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
SCHEMES = {"light": "default", "dark": "slate"}
DRAWN = "scheme => document.body.dataset.diagrams === scheme"


@pytest.fixture(scope="module", params=["http", "file"])
def start(request, site, served_site):
    """Where the site starts: at a server, and in a folder."""
    return served_site if request.param == "http" else site.as_uri()


@pytest.fixture
def window(chromium):  # noqa: F811
    """Return a function that gives a new page of a person of their own."""
    contexts = []

    def window(**options):
        contexts.append(chromium.new_context(**options))
        return contexts[-1].new_page()

    yield window
    for context in contexts:
        context.close()


@pytest.fixture
def with_diagrams(site, site_pages):
    return [name for name in site_pages if 'class="diagram"' in (site / name).read_text()]


@dataclass
class Visit:
    """What a page did: all that went wrong, its diagrams' styles by palette, and its width."""

    name: str
    wrong: list[str]
    styles: dict[str, list[str]]
    wide: bool


@pytest.fixture(scope="module")
def visits(start, chromium, site_pages):  # noqa: F811
    """Every page, opened once: in both palettes, and then on a telephone."""
    # A server gives 404.html, at any address.
    names = [name for name in site_pages if start.startswith("http") or name != "404.html"]
    with chromium.new_context() as context:
        page = context.new_page()
        yield [visit(page, start, name) for name in names]


def visit(page, start, name):
    wrong = []

    def watch(route):
        address = route.request.url
        if address.startswith((start, "data:", "blob:")):
            return route.continue_()
        wrong.append(f"{name} asks for {address}")
        return route.abort()

    def hear_of_error(error):
        wrong.append(f"{name}: {error}")

    def hear_of_answer(answer):
        if not answer.ok:
            wrong.append(f"{answer.url}: {answer.status}")

    page.route("**/*", watch)
    page.on("pageerror", hear_of_error)
    page.on("response", hear_of_answer)
    page.set_viewport_size(WIDE)
    page.goto(f"{start}/{name}")
    styles = {}
    if page.locator(".diagram").count():
        for scheme in SCHEMES.values():
            if page.evaluate("document.body.dataset.mdColorScheme") != scheme:
                page.locator("[data-md-component=palette] label:visible").click()
            page.wait_for_function(DRAWN, arg=scheme)
            styles[scheme] = [drawn(one, name, wrong) for one in page.locator(".diagram").all()]
    page.set_viewport_size(NARROW)
    page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.remove_listener("pageerror", hear_of_error)
    page.remove_listener("response", hear_of_answer)
    page.unroute("**/*", watch)
    return Visit(name, wrong, styles, wide)


def drawn(diagram, name, wrong):
    """Return a diagram's style, and note what is wrong with it."""
    if diagram.locator("svg").count() != 1 or "Syntax error" in diagram.inner_html():
        wrong.append(f"{name}: a diagram is not drawn")
        return ""
    if diagram.locator("pre").is_visible():
        wrong.append(f"{name}: a diagram's source shows")
    return diagram.locator("svg style").first.text_content()


def test_no_page_asks_another_host_or_fails(visits):
    assert visits
    assert not [line for visit in visits for line in visit.wrong]


def test_diagrams_are_drawn_in_both_palettes(visits, with_diagrams):
    found = {visit.name: visit.styles for visit in visits if visit.styles}
    assert sorted(found) == with_diagrams
    for name, styles in found.items():
        light, dark = (styles[scheme] for scheme in SCHEMES.values())
        assert len(light) == len(dark)
        assert light != dark, f"{name}: diagrams do not follow the palette"


def test_no_page_is_wider_than_a_telephone(visits):
    assert not [visit.name for visit in visits if visit.wide]


def test_diagrams_tell_what_they_show(window, site, with_diagrams):
    page = window(java_script_enabled=False)
    for name in with_diagrams:
        page.goto((site / name).as_uri())
        labels = [
            one.get_attribute("aria-label")
            for one in page.get_by_role("img").all()
            if one.get_attribute("class") == "diagram"
        ]
        assert labels
        assert "Diagram" not in labels, f"{name}: a diagram without accTitle"


def test_only_pages_with_a_diagram_load_what_draws_it(window, site, site_pages, with_diagrams):
    page = window()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    for name in site_pages:
        if name not in with_diagrams and name != "404.html":
            page.goto((site / name).as_uri())
    assert asked
    assert not [address for address in asked if "mermaid" in address]


def test_search_finds(start, window):
    page = window()
    page.goto(f"{start}/index.html")
    page.locator(".md-search__input").click()
    page.locator(".md-search__input").press_sequentially("handshake")
    found = page.locator(".md-search-result__item").first
    found.wait_for()
    found.locator("a").first.click()
    page.wait_for_url(lambda address: "index.html" not in address)
    assert "handshake" in page.locator("article").inner_text().lower()


def test_copy_button_gives_what_a_learner_types(served_site, window):
    page = window(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{served_site}/chapters/01_http_only.html")

    def copied(kind, text):
        block = page.locator(f".highlight.{kind}", has_text=text).first
        block.hover()
        page.evaluate("navigator.clipboard.writeText('')")
        block.locator("button").first.click()
        page.wait_for_function("navigator.clipboard.readText()")
        return page.evaluate("navigator.clipboard.readText()")

    assert copied("console", "venv .venv").startswith("python3 -m venv .venv\nsource .venv/")
    assert re.fullmatch("daphne .*config.asgi:application", copied("console", "Listening on TCP"))
    shell = copied("console", ">>> from chat.forms").split("\n")
    assert shell[:2] == ["python manage.py shell", "from chat.forms import RoomForm"]
    assert not any(line.startswith((">>>", "True", "'")) for line in shell)
    assert copied("diff", "SECRET_KEY") == "SECRET_KEY = 'django-insecure-for-development-only'"
    file = (chapters.folder("01_http_only") / "pytest.ini").read_text()
    assert copied("ini", "DJANGO_SETTINGS_MODULE") == file.rstrip()


def test_copy_leaves_no_prompt_and_no_sign_in_any_block(site, site_pages):
    """What the buttons give stands in the pages; the browser has shown that they give it."""
    for name in site_pages:
        for kind, data in blocks(site / name):
            if kind == "console":
                assert not any(line.startswith(("$ ", ">>> ")) for line in data.split("\n")), name


def blocks(path: Path):
    """Return (language, what is copied) of the blocks that say what is copied."""
    text = path.read_text()
    for kind, data in re.findall(r'<div class="highlight ([\w-]+)" data-copy="([^"]*)"', text):
        yield kind, html.unescape(data)


def test_picture_of_the_palette_is_shown(window, site):
    page = window(color_scheme="light")
    page.goto((site / "index.html").as_uri())
    shown = "[...document.querySelectorAll('article img')].filter((one) => one.checkVisibility())"
    light = page.evaluate(f"{shown}.map((one) => one.src)")
    page.locator("[data-md-component=palette] label:visible").click()
    page.wait_for_function("document.body.dataset.mdColorScheme === 'slate'")
    dark = page.evaluate(f"{shown}.map((one) => one.src)")
    assert light and len(light) == len(dark)
    assert all("-dark." in one for one in dark)
    assert not any("-dark." in one for one in light)


@pytest.mark.parametrize("palette", SCHEMES)
def test_palette_is_the_systems_at_first(window, site, palette):
    page = window(color_scheme=palette)
    page.goto((site / "index.html").as_uri())
    assert page.evaluate("document.body.dataset.mdColorScheme") == SCHEMES[palette]


def test_title_of_a_file_is_shown(window, site):
    page = window()
    page.goto((site / "chapters/01_http_only.html").as_uri())
    assert page.locator(".highlight .filename", has_text="chat/forms.py").first.is_visible()
