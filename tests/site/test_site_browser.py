"""What only a browser knows of the site: served, and opened from a folder."""

import html
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from course import chapters

WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}
# What's left of 1280 pixels beside a scroll bar.
BESIDE_SCROLL_BAR = {"width": 1265, "height": 900}
PAPER = {"width": 658, "height": 1000}  # between the margins of a sheet of A4
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => one.open = true)"
CUT = """() => [...document.querySelectorAll(".md-content pre > code")]
  .filter((code) => code.scrollWidth > code.clientWidth)
  .map((code) => code.textContent.trim().split("\\n")[0])"""
# Cells that squeeze a sentence into a column of a word a line.
SQUEEZED = """() => [...document.querySelectorAll("article :is(td, th)")]
  .filter((cell) => cell.textContent.length > 40 && cell.clientWidth < 150)
  .map((cell) => cell.textContent)"""
SCHEMES = {"light": "default", "dark": "slate"}
DRAWN = "scheme => document.body.dataset.diagrams === scheme"


# What a page has to have for a test.
STEPS = ('data-step="1"', 'data-step="4"')
KINDS = ('class="highlight python', 'class="highlight console', 'class="highlight wire')
FOLDS = ("<summary>Answers</summary>", "<summary><code>", 'class="whole-file"')
# For each window that's visible: which one of its picture it is, whether the middle of the picture
# is empty because there are two, and how large the picture is beside the page it was taken of.
WINDOWS = """() => [...document.querySelectorAll(".window > img")]
  .filter((picture) => picture.checkVisibility())
  .map((picture) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.naturalWidth, picture.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0);
    const middle = context.getImageData(canvas.width / 2, 0, 1, canvas.height).data;
    const empty = middle.every((value, place) => place % 4 < 3 || value === 0);
    const kind = picture.parentElement.className.replace("window ", "");
    return [kind, empty, picture.clientWidth / (picture.naturalWidth / 2)];
  })"""


@pytest.fixture(scope="module", params=["http", "file"])
def start(request, site, served_site):
    """Where the site starts: at a server, and in a folder."""
    return served_site if request.param == "http" else site.as_uri()


@pytest.fixture
def with_diagrams(site, site_pages):
    return [name for name in site_pages if 'class="diagram"' in (site / name).read_text()]


@dataclass
class Visit:
    """What a page did: all that went wrong, its diagrams' styles by palette, and its width.

    `cut` are the blocks of code that don't fit a wide screen, and `squeezed` the cells of tables
    that can't be read on a narrow one.
    """

    name: str
    wrong: list[str]
    styles: dict[str, list[str]]
    wide: bool
    cut: list[str]
    squeezed: list[str]


@pytest.fixture(scope="module")
def visits(start, chromium, site_pages):
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
    page.evaluate(OPEN_ALL)
    page.set_viewport_size(BESIDE_SCROLL_BAR)
    cut = page.evaluate(CUT)
    page.set_viewport_size(NARROW)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    squeezed = page.evaluate(SQUEEZED)
    page.remove_listener("pageerror", hear_of_error)
    page.remove_listener("response", hear_of_answer)
    page.unroute("**/*", watch)
    return Visit(name, wrong, styles, wide, cut, squeezed)


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


def test_no_block_of_code_is_cut_on_a_wide_screen(visits):
    assert not {visit.name: visit.cut for visit in visits if visit.cut}


def test_no_table_is_squeezed_on_a_telephone(visits):
    assert not {visit.name: visit.squeezed for visit in visits if visit.squeezed}


def test_88_characters_of_a_diff_fit_on_a_line(window, site, page_with):
    page = window(viewport=BESIDE_SCROLL_BAR)
    page.goto((site / page_with(*STEPS)).as_uri())
    heights = page.evaluate(
        """[88, 1].map((length) => {
          const block = document.createElement("div");
          block.className = "highlight diff";
          block.innerHTML = '<pre><code><span class="gi"><span class="sign">+</span></span></code>';
          block.querySelector(".gi").append("m".repeat(length));
          document.querySelector(".md-content__inner > p").after(block);
          return block.querySelector(".gi").offsetHeight;
        })"""
    )
    assert heights[0] == heights[1] > 0


def test_lines_of_prose_are_no_longer_than_70_zeros(window, site, page_with):
    page = window(viewport={"width": 1900, "height": 900})
    page.goto((site / page_with(*STEPS)).as_uri())
    prose, zeros = page.evaluate(
        """() => {
          const ruler = document.createElement("span");
          ruler.textContent = "0".repeat(70);
          ruler.style.position = "absolute";
          const paragraph = document.querySelector(".md-content__inner > p");
          const width = paragraph.clientWidth;
          paragraph.append(ruler);
          return [width, ruler.offsetWidth];
        }"""
    )
    assert 0 < prose <= zeros


def test_code_that_is_scrolled_shows_where_it_goes_on(window, site, page_with):
    page = window(viewport=NARROW)
    page.goto((site / page_with(KINDS[0])).as_uri())
    code = page.wait_for_selector(".highlight.python pre > code.goes-on-right", state="attached")
    assert code.get_attribute("tabindex") == "0"
    assert "gradient" in code.evaluate("code => getComputedStyle(code).maskImage")
    code.evaluate("code => code.scrollTo({left: code.scrollWidth, behavior: 'instant'})")
    page.wait_for_function("code => code.matches('.goes-on-left')", arg=code)
    assert not code.evaluate("code => code.matches('.goes-on-right')")


def test_printed_lines_wrap_on_a_telephone(window, site, page_with):
    page = window(viewport=NARROW)
    page.goto((site / page_with(*KINDS[1:])).as_uri())
    for kind in ("console", "wire"):
        assert page.locator(f".highlight.{kind} pre > code").count()
        assert not page.locator(f".highlight.{kind} pre > code[tabindex]").count()


def test_windows_of_a_picture_are_shown_one_by_one_on_a_telephone(
    window,
    site,
    site_pages,
    served_site,
):
    """Which pictures show two windows is said in site.js; what's in the middle of them tells."""
    page = window(viewport=NARROW)
    pictures = {}
    for name in site_pages:
        for picture in re.findall(r"(\w+)\.webp", (site / name).read_text()):
            pictures.setdefault(picture, name)
    seen = set()
    for name in sorted(set(pictures.values())):
        page.goto(f"{served_site}/{name}")
        page.wait_for_function("[...document.images].every((one) => one.complete)")
        for kind, two, scale in page.evaluate(WINDOWS):
            assert (kind != "middle") == two, name
            assert scale > 0.6, f"{name}: letters are too small"
            seen.add(kind)
    assert seen == {"left", "right", "middle"}


def test_last_paragraph_of_a_lesson_is_a_card(window, served_site, page_with):
    page = window()
    page.goto(f"{served_site}/{page_with(*STEPS)}")
    page.evaluate(
        """() => {
          const article = document.querySelector("article");
          article.querySelectorAll("[id=whats-next]").forEach((one) => one.removeAttribute("id"));
          article.insertAdjacentHTML("beforeend",
            `<h2 id="whats-next">What's next</h2><p>You have a chat.</p>
             <p><strong><a href="04_async_group_chat.html">4. Async</a></strong> It waits.</p>`);
        }"""
    )
    plain, card = page.locator("#whats-next ~ p").all()
    border = "one => getComputedStyle(one).borderTopWidth"
    assert plain.evaluate(border) == "0px"
    assert card.evaluate(border) == "1px"
    card.scroll_into_view_if_needed()
    box = card.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5)
    page.wait_for_url("**/04_async_group_chat.html")


@pytest.mark.parametrize("palette", SCHEMES)
def test_chapter_can_be_printed(window, site, palette, page_with):
    page = window(color_scheme=palette, viewport=PAPER)
    page.goto((site / page_with(*FOLDS)).as_uri())
    # As nobody would want it: answers closed, and files open.
    page.evaluate(
        """document.querySelectorAll("details").forEach((one) => {
          one.open = one.matches(".whole-file, :has(> summary > code)");
        })"""
    )
    page.emulate_media(media="print")
    for part in (".md-header", ".md-sidebar", ".md-footer", ".step-done", ".md-code__nav"):
        assert not any(one.is_visible() for one in page.locator(part).all()), part
    assert page.evaluate(CUT) == []
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert min(map(int, re.findall(r"\d+", ground)[:3])) > 240
    answers = page.locator("details", has=page.locator("summary:text-is('Answers')")).first
    assert answers.locator("li").first.is_visible()
    changed = page.locator("details", has=page.locator("summary > code")).first
    assert changed.locator("summary").is_visible()
    assert not changed.locator("pre").first.is_visible()
    assert page.locator("details.whole-file").count()
    assert not page.locator("details.whole-file").first.is_visible()


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

    def copied(kind, text, number=0):
        block = page.locator(f".highlight.{kind}", has_text=text).first
        block.hover()
        page.evaluate("navigator.clipboard.writeText('')")
        block.locator("button").nth(number).click()
        page.wait_for_function("navigator.clipboard.readText()")
        return page.evaluate("navigator.clipboard.readText()")

    assert copied("console", "venv .venv").startswith("python3 -m venv .venv\nsource .venv/")
    assert re.fullmatch("daphne .*config.asgi:application", copied("console", "Listening on TCP"))
    shell = copied("console", ">>> from chat.forms").split("\n")
    assert shell[:2] == ["python manage.py shell", "from chat.forms import RoomForm"]
    assert not any(line.startswith((">>>", "True", "'")) for line in shell)
    assert copied("diff", "SECRET_KEY") == "SECRET_KEY = 'django-insecure-for-development-only'"
    assert copied("diff", "SECRET_KEY", 1) == "    'chat',"
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
