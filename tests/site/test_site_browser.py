"""What only a browser knows of the site: how its parts look, and what its buttons give."""

import re
from functools import partial

import pytest

from course import chapters

NARROW = {"width": 390, "height": 844}
# What's left of 1280 pixels beside a scroll bar.
BESIDE_SCROLL_BAR = {"width": 1265, "height": 900}
PAPER = {"width": 658, "height": 1000}  # between the margins of a sheet of A4
CUT = """() => [...document.querySelectorAll(".md-content pre > code")]
  .filter((code) => code.scrollWidth > code.clientWidth)
  .map((code) => code.textContent.trim().split("\\n")[0])"""
SCHEMES = {"light": "default", "dark": "slate"}
CLIPBOARD = "navigator.clipboard.readText()"

# What a page has to have for a test.
STEPS = ('data-step="1"', 'data-step="4"')
KINDS = ('class="highlight python', 'class="highlight console', 'class="highlight wire')
FOLDS = ("<summary>Answers</summary>", "<summary><code>", 'class="whole-file"')
# It has an edit of several hunks, servers' output, and files that change more than once.
BLOCKS = "chapters/03_sync_group_chat/2_many_processes.html"


@pytest.fixture
def page(window, start):
    """A page with blocks of all kinds."""
    page = window(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{start}/{BLOCKS}")
    # Buttons answer once the theme's script has added its own.
    page.locator(".md-code__button").first.wait_for()
    return page


def copied(page, push):
    """Return what is copied when a button is pushed."""
    page.evaluate("navigator.clipboard.writeText('')")
    push()
    page.wait_for_function(CLIPBOARD)
    return page.evaluate(CLIPBOARD)


def test_each_hunk_is_copied_by_itself(page):
    diff = page.locator(".highlight.diff", has=page.locator(".copy-hunk")).first
    buttons = diff.get_by_role("button", name="Copy this hunk")
    assert buttons.count() > 1
    given = [copied(page, partial(button.press, "Enter")) for button in buttons.all()]
    added = [line.removesuffix("\n") for line in diff.locator(".gi").all_text_contents()]
    assert "\n".join(given).split("\n") == [line[1:] for line in added]
    assert len(set(given)) == len(given)
    # The theme's button would join them.
    assert diff.locator(".md-code__button").count() == 0
    assert page.get_by_text("Copied to clipboard").is_visible()
    # An edit of one hunk has the theme's.
    diffs = page.locator(".highlight.diff:not(:has(.copy-hunk)):not(.no-copy)")
    assert diffs.count() > 0
    assert all(diff.locator(".md-code__button").count() == 1 for diff in diffs.all())


def test_whole_file_opens_and_is_copied(page):
    fold = page.locator("details.whole-file").first
    assert not fold.locator("pre").is_visible()
    fold.locator("summary").press("Enter")
    code = fold.locator("pre > code")
    assert code.is_visible()
    button = fold.locator(".md-code__button")
    assert copied(page, partial(button.press, "Enter")) == code.text_content().rstrip()


def test_printed_page_has_no_whole_file_and_no_button(page):
    page.emulate_media(media="print")
    for hidden in (".whole-file", ".copy-hunk"):
        assert not page.locator(hidden).first.is_visible()
    assert page.locator(".highlight .terminal").first.is_visible()


def test_servers_output_does_not_look_typed(page):
    look = """(code) => [getComputedStyle(code).color, getComputedStyle(code).backgroundColor]"""
    printed = page.locator(".highlight.printed pre > code").first.evaluate(look)
    typed = page.locator(".highlight.console:not(.printed) pre > code").first.evaluate(look)
    assert all(one != other for one, other in zip(printed, typed, strict=True))


def test_button_stays_in_sight_on_a_telephone(page):
    page.set_viewport_size(NARROW)
    diff = page.locator(".highlight.diff", has=page.locator(".copy-hunk")).first
    code = diff.locator("pre > code")
    for scrolled in ("0", "code.scrollWidth"):
        code.evaluate(f"code => {{ code.scrollLeft = {scrolled} }}")
        for button in diff.locator(".copy-hunk").all():
            box = button.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= 390
            assert min(box["width"], box["height"]) >= 24


def test_copy_button_gives_what_a_learner_types(served_site, window):
    page = window(permissions=["clipboard-read", "clipboard-write"])
    page.goto(f"{served_site}/chapters/01_http_only.html")

    def given(kind, text, number=0):
        block = page.locator(f".highlight.{kind}", has_text=text).first
        return copied(page, block.locator("button").nth(number).click)

    assert given("console", "venv .venv").startswith("python3 -m venv .venv\nsource .venv/")
    assert re.fullmatch("daphne .*config.asgi:application", given("console", "Listening on TCP"))
    shell = given("console", ">>> from chat.forms").split("\n")
    assert shell[:2] == ["python manage.py shell", "from chat.forms import RoomForm"]
    assert not any(line.startswith((">>>", "True", "'")) for line in shell)
    assert given("diff", "SECRET_KEY") == "SECRET_KEY = 'django-insecure-for-development-only'"
    assert given("diff", "SECRET_KEY", 1) == "    'chat',"
    file = (chapters.folder("01_http_only") / "pytest.ini").read_text()
    assert given("ini", "DJANGO_SETTINGS_MODULE") == file.rstrip()
    assert page.locator(".highlight .filename", has_text="chat/forms.py").first.is_visible()


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


@pytest.mark.parametrize("palette", SCHEMES)
def test_palette_is_the_systems_at_first_and_pictures_follow_it(window, site, palette):
    page = window(color_scheme=palette)
    page.goto((site / "index.html").as_uri())

    def shown():
        pictures = "[...document.querySelectorAll('article img')]"
        sources = page.evaluate(
            f"{pictures}.filter((one) => one.checkVisibility()).map((one) => one.src)"
        )
        return ["-dark." in source for source in sources]

    assert page.evaluate("document.body.dataset.mdColorScheme") == SCHEMES[palette]
    first = shown()
    assert first and set(first) == {palette == "dark"}
    page.locator("[data-md-component=palette] label:visible").click()
    page.wait_for_function(
        "was => document.body.dataset.mdColorScheme !== was", arg=SCHEMES[palette]
    )
    assert shown() == [not dark for dark in first]
