"""Would the site be a place for everybody: axe finds nothing, on a wide and on a narrow screen."""

import asyncio
import os

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import async_playwright

from course import console
from course.site import screenshots
from course.tasks import services

WIDTHS = [1280, 390]
PALETTES = {"light": "default", "dark": "slate"}
AT_ONCE = 2  # pages, each a process of the browser
STILL = "*, ::before, ::after { transition: none !important; animation: none !important }"
OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
# A page's code has thousands of coloured words. One of each colour on each ground stands for all.
THIN_OUT = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll(".highlight code span")) {
    const around = [word, word.parentElement, word.closest(".highlight")];
    const kind = around.map((one) => one.className).join(" in ");
    if (seen.has(kind)) word.replaceWith(...word.childNodes);
    seen.add(kind);
  }
}"""
# What a script does after a resize is done when a second frame is drawn.
LAID_OUT = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
AXE = Axe().axe_script


async def look_over(browser, address, prepare=None):
    """Return what axe finds on a page, a line for each thing."""
    # A person of its own: which palette one has chosen is remembered.
    page = await browser.new_page(reduced_motion="reduce")
    await page.goto(address)
    await page.add_style_tag(content=STILL)
    await page.evaluate("document.querySelectorAll('details').forEach((one) => one.open = true)")
    await page.evaluate(THIN_OUT)
    await page.evaluate(AXE)
    found = []
    for palette, scheme in PALETTES.items():
        if await page.evaluate("document.body.dataset.mdColorScheme") != scheme:
            await page.locator("[data-md-component=palette] label:visible").dispatch_event("click")
        await page.wait_for_function(
            """scheme => {
              const said = document.body.dataset;
              const drawn = !document.querySelector('.diagram') || said.diagrams === scheme;
              return drawn && said.mdColorScheme === scheme;
            }""",
            arg=scheme,
        )
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            if prepare:
                await prepare(page)
            await page.evaluate(LAID_OUT)
            result = await page.evaluate("options => axe.run(options)", OPTIONS)
            for rule in result["violations"]:
                for node in rule["nodes"][:3]:
                    said = " ".join(node["failureSummary"].split())
                    found.append(
                        f"{address} {palette} {width}: {rule['id']}: {node['target']} {said}"
                    )
    await page.close()
    return found


async def mark_steps(page):
    """Mark two steps of a lesson as done, so that every part of the marks is there."""
    await page.evaluate(
        """document.querySelectorAll(".step-done button").forEach((one, number) => {
          if (number < 2 && one.ariaPressed === "false") one.click();
        })"""
    )


async def open_search(page):
    """Ask for something, and wait for what is found."""
    field = page.locator(".md-search__input")
    if not await field.is_visible():
        await page.locator(".md-header label[for=__search]").first.click()
    await field.fill("")
    await field.press_sequentially("consumer")
    await page.locator(".md-search-result__item").first.wait_for()


async def open_menu(page):
    """Open the menu, where the screen is too narrow to have it open."""
    await page.evaluate("document.querySelector('#__drawer').checked || __drawer.click()")


def looked_over(addresses):
    """Return what axe finds on all these pages; each is (address, what is done there first)."""
    try:
        program = services.browser(os.environ)
    except console.CourseError as trouble:
        pytest.skip(str(trouble))

    async def all_of_them():
        turns = asyncio.Semaphore(AT_ONCE)
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=program, args=screenshots.OPTIONS
            )

            async def one(address, prepare):
                async with turns:
                    return await look_over(browser, address, prepare)

            found = await asyncio.gather(*(one(*each) for each in addresses))
            await browser.close()
        return [line for lines in found for line in lines]

    return asyncio.run(all_of_them())


def test_axe_finds_nothing_on_any_page(served_site, site_pages):
    found = looked_over([(f"{served_site}/{page}", None) for page in site_pages])
    assert not found, "\n" + "\n".join(found)


def test_axe_finds_nothing_in_search_and_menu(served_site):
    page = f"{served_site}/reference/commands.html"
    found = looked_over([(page, open_search), (page, open_menu)])
    assert not found, "\n" + "\n".join(found)


def test_axe_finds_nothing_where_steps_are_marked(served_site):
    page = f"{served_site}/chapters/01_http_only.html"

    async def mark_and_open_menu(page):
        await mark_steps(page)
        await open_menu(page)

    found = looked_over([(page, mark_steps), (page, mark_and_open_menu)])
    assert not found, "\n" + "\n".join(found)
