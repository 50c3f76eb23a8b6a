"""What a reader's browser keeps of how far they are, and where it shows it."""

import re

import pytest

LESSON = "chapters/01_http_only.html"
OTHER = "chapters/04_async_group_chat.html"
# Browsers can be told to keep nothing. Reading then fails as well.
FORGETS = """
for (const name of ["getItem", "setItem"]) {
  Storage.prototype[name] = () => { throw new DOMException("no", "SecurityError"); };
}
"""
# How far things moved by themselves, and which of them stand in the text.
MOVED = """() => new Promise((done) => {
  let sum = 0;
  const inText = [];
  new PerformanceObserver((list) => {
    for (const { value, sources } of list.getEntries()) {
      sum += value;
      inText.push(...sources.map(({ node }) => node).filter((one) => one?.closest?.("article")));
    }
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done([sum, inText.map((one) => one.outerHTML)]), 500);
})"""


def open_lesson(page, start, name=LESSON):
    """Open a lesson of three hours, and return its buttons."""

    def last_three_hours(route):
        text = route.fetch().text()
        route.fulfill(body=re.sub('data-minutes="[0-9]*"', 'data-minutes="180"', text))

    if start.startswith("http"):
        page.route(re.compile(r"/chapters/.*\.html"), last_three_hours)
    page.goto(f"{start}/{name}")
    return page.locator(".step-done button")


def summary(page):
    return page.locator(".md-sidebar--secondary .lesson-progress span")


def test_done_steps_are_kept(start, window):
    page = window()
    buttons = open_lesson(page, start)
    count = buttons.count()
    assert count == page.locator("h2[data-step]").count() > 3
    assert page.locator(".step-mark:visible").count() == 0
    buttons.nth(0).click()
    buttons.nth(2).click()
    page.reload()
    pressed = [one.get_attribute("aria-pressed") for one in buttons.all()]
    assert pressed == ["true", "false", "true"] + ["false"] * (count - 3)
    marked = page.locator(".md-sidebar--secondary li", has=page.locator(".step-mark:visible"))
    assert [text[:2] for text in marked.all_inner_texts()] == ["1.", "3."]
    assert summary(page).inner_text().startswith(f"2 of {count} steps done")
    page.goto(f"{start}/{OTHER}")
    link = page.locator(".md-sidebar--primary a", has=page.locator(".steps-done"))
    assert link.count() == 1
    assert link.inner_text().endswith(f"2 of {count} steps")
    assert link.get_attribute("href").endswith("01_http_only.html")


def test_step_is_done_and_undone_from_the_keyboard(window, site):
    page = window()
    buttons = open_lesson(page, site.as_uri())
    button = page.get_by_role("button", name="Done: step 2", exact=True)
    button.focus()
    page.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"
    assert buttons.nth(1).get_attribute("aria-label") == "Done: step 2"


def test_time_left_shrinks_with_each_step(window, served_site):
    page = window()
    buttons = open_lesson(page, served_site)
    count = buttons.count()
    assert summary(page).inner_text() == f"0 of {count} steps done, about 3 h left"
    for one in buttons.all()[: count // 2]:
        one.click()
    hours, minutes = re.search(
        r"about (?:(\d) h)? ?(?:(\d+) min)? left", summary(page).inner_text()
    ).groups(default="0")
    assert abs(int(hours) * 60 + int(minutes) - 180 * (1 - count // 2 / count)) <= 2.5
    for one in buttons.all()[count // 2 :]:
        one.click()
    assert summary(page).inner_text() == f"{count} of {count} steps done"


def test_marks_are_cleared_and_brought_back(window, site):
    page = window()
    buttons = open_lesson(page, site.as_uri())
    clear = page.locator(".md-sidebar--secondary .lesson-progress button")
    assert not clear.is_visible()
    buttons.nth(0).click()
    clear.click()
    assert buttons.nth(0).get_attribute("aria-pressed") == "false"
    assert clear.inner_text() == "Undo"
    clear.click()
    assert buttons.nth(0).get_attribute("aria-pressed") == "true"


def test_header_names_the_step_that_is_read(window, site):
    page = window(viewport={"width": 390, "height": 844})
    count = open_lesson(page, site.as_uri()).count()
    shown = page.locator(".lesson-step")
    page.wait_for_function(
        f"document.querySelector('.lesson-step').textContent === '{count} steps'"
    )
    page.locator("h2[data-step='4']").evaluate("one => one.scrollIntoView({behavior: 'instant'})")
    page.wait_for_function(
        "document.querySelector('.lesson-step').textContent.startsWith('Step 4')"
    )
    page.locator(".md-header__title--active").wait_for()
    assert shown.is_visible()


def test_part_of_a_chapter_counts_on_and_for_itself(window, site, site_pages):
    name = [name for name in site_pages if "06_conversations_auth/2_" in name][0]
    page = window()
    count = open_lesson(page, site.as_uri(), name).count()
    heading = page.locator("h2[data-step]").nth(1)
    heading.evaluate("one => one.scrollIntoView({behavior: 'instant'})")
    step = heading.get_attribute("data-step")
    page.wait_for_function(
        "text => document.querySelector('.lesson-step').textContent === text",
        arg=f"Step {step} (2 of {count})",
    )


@pytest.mark.parametrize(
    "kept", [None, "null", "[]", "7", "{", '{"chapters/01_http_only.html": 1}']
)
def test_buttons_work_whatever_is_kept(window, site, kept):
    page = window()
    keep = f"localStorage.setItem('channels-course.done', {kept!r})"
    page.add_init_script(FORGETS if kept is None else keep)
    buttons = open_lesson(page, site.as_uri())
    buttons.nth(0).click()
    assert buttons.nth(0).get_attribute("aria-pressed") == "true"
    assert page.locator(".step-mark:visible").count() == 1


def test_another_tab_hears_of_it(window, served_site):
    page = window()
    buttons = open_lesson(page, served_site)
    other = page.context.new_page()
    other.goto(f"{served_site}/{LESSON}")
    buttons.nth(1).click()
    other.locator(".step-done button[aria-pressed=true]").wait_for()


def test_text_stays_where_it_is_when_the_marks_come(window, served_site):
    page = window(viewport={"width": 1280, "height": 900})
    buttons = open_lesson(page, served_site)
    buttons.nth(0).click()
    # A picture moves what's below it, and isn't meant.
    page.route("**/*.webp", lambda route: route.abort())
    page.reload()
    sum_of_all, in_text = page.evaluate(MOVED)
    assert in_text == []
    assert sum_of_all < 0.03


def test_pages_without_steps_have_no_buttons(window, site):
    page = window()
    page.goto((site / "reference/glossary.html").as_uri())
    assert page.locator(".step-done, .lesson-progress, .lesson-step").count() == 0
