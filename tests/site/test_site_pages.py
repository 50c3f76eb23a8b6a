"""Every page in a browser, from a server and from a folder: what goes wrong, what can't be read.

axe looks at each page in light and dark, on a wide and a narrow screen.
"""

from collections import Counter
from pathlib import Path

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import TimeoutError

SIZES = {"wide": {"width": 1280, "height": 900}, "narrow": {"width": 390, "height": 844}}
# What's left of 1280 pixels beside a scroll bar.
BESIDE_SCROLL_BAR = {"width": 1265, "height": 900}
SCHEMES = {"light": "default", "dark": "slate"}
STILL = "*, ::before, ::after { transition: none !important; animation: none !important }"
OPEN_ALL = "document.querySelectorAll('details').forEach((one) => one.open = true)"
TRIES = 3  # places where axe is shown a look that it can't judge
DRAWN_IN = 30_000  # milliseconds that a page's diagrams may take

KINDS = [
    "loads something from elsewhere, or something that fails",
    "has a diagram that isn't drawn",
    "has diagrams that don't follow the palette",
    "is wider than a telephone",
    "cuts a line of code on a wide screen",
    "squeezes a table on a telephone",
    "shows a picture's windows wrongly on a telephone",
    "isn't for everyone, says axe",
]
LOADS, DRAWN, PALETTE, WIDE, CUT, SQUEEZED, WINDOWS, AXE = KINDS

IS_WIDE = "document.documentElement.scrollWidth > innerWidth"
CUT_LINES = """[...document.querySelectorAll(".md-content pre > code")]
  .filter((code) => code.scrollWidth > code.clientWidth)
  .map((code) => code.textContent.trim().split("\\n")[0])"""
# Cells that squeeze a sentence into a column of a word a line.
SQUEEZED_CELLS = """[...document.querySelectorAll("article :is(td, th)")]
  .filter((cell) => cell.textContent.length > 40 && cell.clientWidth < 150)
  .map((cell) => cell.textContent)"""
# The style of each diagram, or "" for one that isn't drawn or shows its source.
DIAGRAMS = """[...document.querySelectorAll(".diagram")].map((one) => {
  const drawn = [...one.querySelectorAll("svg")];
  const fine = drawn.length === 1 && !drawn[0].textContent.includes("Syntax error");
  return fine && !one.querySelector("pre").checkVisibility()
    ? drawn[0].querySelector("style").textContent : "";
})"""
IN_PALETTE = """scheme => document.body.dataset.mdColorScheme === scheme
  && (!document.querySelector(".diagram") || document.body.dataset.diagrams === scheme)"""
# Which window of its picture each visible one is, whether the middle of the picture is empty
# because there are two, and how large the picture is beside the page it was taken of.
VISIBLE_WINDOWS = """[...document.querySelectorAll(".window > img")]
  .filter((picture) => picture.checkVisibility() && picture.naturalHeight)
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
PICTURES_LOADED = "[...document.images].every((one) => one.complete)"

# axe takes most of its time for colours. So it's shown a text in each pair of colours, of each size
# and on each ground, where that's seen for the first time on any page: `seen` has the others.
# Returns the looks it's sure about, those it can't judge there, and what it found.
CHECK_COLOURS = """async (seen) => {
  const known = new Set(seen);
  const look = (one) => {
    const { color, fontSize, fontWeight, textDecorationLine } = getComputedStyle(one);
    const said = [color, fontSize, fontWeight, textDecorationLine];
    said.push(getComputedStyle(one.parentElement).color);
    for (let around = one; around; around = around.parentElement) {
      const { backgroundColor, backgroundImage, opacity } = getComputedStyle(around);
      const ground = [backgroundColor, backgroundImage, opacity].join();
      if (ground !== "rgba(0, 0, 0, 0),none,1") said.push(ground);
    }
    return said.join(" ");
  };
  const found = new Map();
  for (const one of document.body.querySelectorAll("*")) {
    const holdsText = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!holdsText || !one.checkVisibility() || known.has(look(one))) continue;
    known.add(look(one));
    found.set(one, look(one));
  }
  if (!found.size) return [[], [], []];
  const { incomplete, violations } = await axe.run([...found.keys()], {
    resultTypes: ["violations", "incomplete"],
    runOnly: ["color-contrast", "link-in-text-block"],
    elementRef: true,
  });
  const unsure = [];
  for (const { element } of incomplete.flatMap(({ nodes }) => nodes)) {
    if (found.has(element)) unsure.push(found.get(element));
    found.delete(element);
  }
  for (const { nodes } of violations) nodes.forEach((node) => delete node.element);
  return [[...found.values()], unsure, violations];
}"""
CHECK_REST = """async () => {
  const rules = {
    "target-size": { enabled: true },
    "color-contrast": { enabled: false },
    "link-in-text-block": { enabled: false },
  };
  return (await axe.run({ resultTypes: ["violations"], rules })).violations;
}"""
# A page's code has thousands of coloured words, which make axe slow: one of each kind will do.
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


class Visitor:
    """Opens pages in a browser and says what's wrong with them."""

    def __init__(self, page):
        self.page = page
        self.windows = Counter()  # of the pictures, by which of two each shows
        self._looks = Counter()  # of texts that axe was shown: how often
        self._asked = []
        self._wrong = []
        page.on("request", lambda request: self._asked.append(request.url))
        page.on("pageerror", lambda error: self._wrong.append(str(error)))
        page.on("response", self._hear_of_answer)

    def _hear_of_answer(self, answer):
        if answer.status >= 400:
            self._wrong.append(f"{answer.url}: {answer.status}")

    def open(self, address, start):
        """Open a page; yield a line for all that fails or comes from elsewhere than `start`."""
        self._asked.clear()
        self._wrong.clear()
        self.page.set_viewport_size(SIZES["wide"])
        self.page.goto(address)
        draws = any("mermaid" in asked for asked in self._asked)
        if self.page.locator(".diagram").count():
            try:
                self.page.wait_for_function("document.body.dataset.diagrams", timeout=DRAWN_IN)
            except TimeoutError:
                yield "its diagrams aren't drawn"
        elif draws:
            yield "it has no diagram, and loads what draws them"
        for asked in self._asked:
            if not asked.startswith((start, "data:", "blob:")):
                yield f"it asks for {asked}"
        yield from self._wrong

    def visit(self, address, start):
        """Open a page, and yield all that's wrong with it as (kind, line)."""
        for line in self.open(address, start):
            yield LOADS, line
        self.page.evaluate(OPEN_ALL)
        self.page.set_viewport_size(BESIDE_SCROLL_BAR)
        for line in self.page.evaluate(CUT_LINES):
            yield CUT, line
        self.page.set_viewport_size(SIZES["narrow"])
        if self.page.evaluate(IS_WIDE):
            yield WIDE, "it can be scrolled to the side"
        for cell in self.page.evaluate(SQUEEZED_CELLS):
            yield SQUEEZED, cell
        self.page.wait_for_function(PICTURES_LOADED)
        for kind, two, scale in self.page.evaluate(VISIBLE_WINDOWS):
            self.windows[kind] += 1
            # Which pictures show two windows is said in site.js; what's in their middle tells.
            if (kind != "middle") != two:
                yield WINDOWS, f"the {kind} one, of {'two' if two else 'one'}"
            if scale <= 0.6:
                yield WINDOWS, "the letters are too small"
        styles = []
        for line in self.look_over(styles):
            yield AXE, line
        if any("" in drawn for drawn in styles):
            yield DRAWN, "not one drawing, or its source shows"
        elif styles[0] and styles[0] == styles[1]:
            yield PALETTE, "they look the same in both"

    def look_over(self, styles, prepare=None):
        """Yield a line for each thing that axe finds, in both palettes and on both screens.

        Adds what DIAGRAMS returns to `styles`, once for each palette. `prepare` is done to the
        page before each look.
        """
        page = self.page
        page.add_style_tag(content=STILL)
        page.evaluate(OPEN_ALL)
        page.evaluate(THIN_OUT)
        page.evaluate(AXE_SCRIPT)
        for palette, scheme in SCHEMES.items():
            if page.evaluate("document.body.dataset.mdColorScheme") != scheme:
                page.locator("[data-md-component=palette] label:visible").dispatch_event("click")
            try:
                page.wait_for_function(IN_PALETTE, arg=scheme, timeout=DRAWN_IN)
            except TimeoutError:
                yield f"{palette}: the palette or the diagrams stay as they were"
            styles.append(page.evaluate(DIAGRAMS))
            for size, pixels in SIZES.items():
                page.set_viewport_size(pixels)
                if prepare:
                    prepare(page)
                page.evaluate(LAID_OUT)
                seen = [look for look, times in self._looks.items() if times >= TRIES]
                sure, unsure, broken = page.evaluate(CHECK_COLOURS, seen)
                self._looks.update(unsure)
                self._looks.update(dict.fromkeys(sure, TRIES))
                if palette == "light":
                    broken += page.evaluate(CHECK_REST)
                for rule in broken:
                    for node in rule["nodes"][:3]:
                        said = " ".join(node["failureSummary"].split())
                        yield f"{palette}, {size}: {rule['id']}: {node['target']} {said}"


@pytest.fixture(scope="module")
def visitor(chromium):
    with chromium.new_context(reduced_motion="reduce") as context:
        yield Visitor(context.new_page())


@pytest.fixture(scope="module")
def faults(visitor, site, served_site, site_pages):
    """What's wrong with the pages: a list of lines for each kind, each with the page's name."""
    found = {kind: [] for kind in KINDS}
    one_of_each_folder = {Path(name).parent: name for name in site_pages if name != "404.html"}
    for name in site_pages:
        for kind, line in visitor.visit(f"{served_site}/{name}", served_site):
            found[kind].append(f"{name}: {line}")
        # Links are checked in test_site.py. Scripts may need a server all the same.
        if name in one_of_each_folder.values():
            for line in visitor.open(f"{site.as_uri()}/{name}", site.as_uri()):
                found[LOADS].append(f"{name}, in a folder: {line}")
    assert set(visitor.windows) == {"left", "right", "middle"}
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_no_page(kind, faults):
    assert not faults[kind], "\n" + "\n".join(faults[kind])


def open_search(page):
    """Ask for something, and wait for what is found."""
    field = page.locator(".md-search__input")
    if not field.is_visible():
        page.locator(".md-header label[for=__search]").first.click()
    field.fill("")
    field.press_sequentially("consumer")
    page.locator(".md-search-result__item").first.wait_for()


def open_menu(page):
    """Open the menu, where the screen is too narrow to have it open."""
    page.evaluate("document.querySelector('#__drawer').checked || __drawer.click()")


def mark_steps(page):
    """Mark two steps of a lesson as done, so that every part of the marks is there."""
    page.evaluate(
        """document.querySelectorAll(".step-done button").forEach((one, number) => {
          if (number < 2 && one.ariaPressed === "false") one.click();
        })"""
    )


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("reference/commands.html", [open_search]),
        ("reference/commands.html", [open_menu]),
        ("chapters/01_http_only.html", [mark_steps]),
        ("chapters/01_http_only.html", [mark_steps, open_menu]),
    ],
)
def test_axe_finds_nothing_in(name, states, visitor, served_site):
    def prepare(page):
        for state in states:
            state(page)

    found = list(visitor.open(f"{served_site}/{name}", served_site))
    found += visitor.look_over([], prepare)
    assert not found, "\n" + "\n".join(found)
