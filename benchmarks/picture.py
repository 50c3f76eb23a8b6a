"""Draw the site's picture as SVG: a bar for each subject's CPU time per delivered message."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

from benchmarks.results import Results
from benchmarks.subjects import CHAPTER, SUBJECTS
from benchmarks.table import number

WIDTH, NAMES, BAR, GAP, TOP, END = 720, 270, 18, 10, 46, 84
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"


@dataclass(frozen=True)
class Colours:
    """Colours of the background, the text and the bars: chapters, their Redis, all others."""

    paper: str
    ink: str
    chapters: str
    redis: str
    others: str


# The colours of the site's two palettes.
LIGHT = Colours("#fdfcf9", "#1d2530", "#0b6b58", "#b7791f", "#7d8794")
DARK = Colours("#14181d", "#e3e7ec", "#79d5ba", "#d9a441", "#808b98")


def draw(results: Results, connections: int, colours: Colours) -> str | None:
    """Return the picture for that many connections, or None if nothing was measured with them."""
    cells = results.cells()
    bars = [
        (subject, figures)
        for subject in SUBJECTS
        if (figures := cells.get((subject, connections))) and figures.cpu_us is not None
    ]
    if not bars:
        return None
    longest = max(figures.cpu_us + (figures.redis_us or 0) for _, figures in bars)
    height = TOP + len(bars) * (BAR + GAP) + GAP
    svg = ElementTree.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {height}",
        role="img",
        attrib={"font-family": FONT, "font-size": "14"},
    )
    title = f"CPU time for a delivered message, in µs, at {connections:,} connections"
    if any(figures.redis_us for _, figures in bars):
        title += ": server + Redis"
    ElementTree.SubElement(svg, "title").text = title
    _box(svg, 0, 0, WIDTH, height, colours.paper)
    _text(svg, GAP, 26, title, colours.ink, weight="600")
    for place, (subject, figures) in enumerate(bars):
        y = TOP + place * (BAR + GAP)
        _text(svg, NAMES - GAP, y + BAR - 4, subject.title, colours.ink, anchor="end")
        x = NAMES
        as_it_stands = subject.application == CHAPTER
        parts = [(figures.cpu_us, colours.chapters if as_it_stands else colours.others)]
        if figures.redis_us:
            parts.append((figures.redis_us, colours.redis))
        for value, colour in parts:
            length = max(1, round(value / longest * (WIDTH - NAMES - END)))
            _box(svg, x, y, length, BAR, colour)
            x += length
        label = " + ".join(number(value) for value, _ in parts)
        _text(svg, x + 6, y + BAR - 4, label, colours.ink)
    ElementTree.indent(svg)
    return ElementTree.tostring(svg, encoding="unicode") + "\n"


def _box(svg, x: int, y: int, width: int, height: int, colour: str) -> None:
    place = {"x": x, "y": y, "width": width, "height": height}
    ElementTree.SubElement(
        svg, "rect", {**{key: str(value) for key, value in place.items()}, "fill": colour}
    )


def _text(
    svg, x: int, y: int, text: str, colour: str, anchor: str = "start", weight: str = "400"
) -> None:
    attributes = {"x": str(x), "y": str(y), "fill": colour}
    if anchor != "start":
        attributes["text-anchor"] = anchor
    if weight != "400":
        attributes["font-weight"] = weight
    ElementTree.SubElement(svg, "text", attributes).text = text
