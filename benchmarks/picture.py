"""Draw the site's picture as SVG: a bar for each subject's CPU time per delivered message."""

from collections import namedtuple
from html import escape

from benchmarks.report import number
from benchmarks.results import Results
from benchmarks.subjects import CHAPTER, CHAPTERS

WIDTH, NAMES, BAR, GAP, TOP, END = 720, 270, 18, 10, 46, 84
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', Arial, sans-serif"


# Of the background, the text and the bars: chapters, their Redis, all others. The colours are those
# of the site's two palettes.
Colours = namedtuple("Colours", "paper ink chapters redis others")
LIGHT = Colours("#fdfcf9", "#1d2530", "#0b6b58", "#b7791f", "#7d8794")
DARK = Colours("#14181d", "#e3e7ec", "#79d5ba", "#d9a441", "#808b98")


def draw(results: Results, connections: int, colours: Colours) -> str | None:
    """Return the picture for that many connections, or None if nothing was measured with them."""
    bars = [
        (subject, figures)
        for subject, count, figures in results.cells()
        if count == connections and subject in CHAPTERS and figures.cpu_us is not None
    ]
    if not bars:
        return None
    longest = max(figures.cpu_us + (figures.redis_us or 0) for _, figures in bars)
    height = TOP + len(bars) * (BAR + GAP) + GAP
    title = f"CPU time for a delivered message, in µs, at {connections:,} connections"
    if any(figures.redis_us for _, figures in bars):
        title += ": server + Redis"
    lines = [
        f"<title>{title}</title>",
        _box(0, 0, WIDTH, height, colours.paper),
        _text(GAP, 26, title, colours.ink, ' font-weight="600"'),
    ]
    for place, (subject, figures) in enumerate(bars):
        x, y = NAMES, TOP + place * (BAR + GAP)
        lines.append(_text(x - GAP, y + BAR - 4, subject.title, colours.ink, ' text-anchor="end"'))
        as_it_stands = subject.application == CHAPTER
        parts = [(figures.cpu_us, colours.chapters if as_it_stands else colours.others)]
        if figures.redis_us:
            parts.append((figures.redis_us, colours.redis))
        for value, colour in parts:
            length = max(1, round(value / longest * (WIDTH - NAMES - END)))
            lines.append(_box(x, y, length, BAR, colour))
            x += length
        label = " + ".join(number(value) for value, _ in parts)
        lines.append(_text(x + 6, y + BAR - 4, label, colours.ink))
    start = (
        f'<svg font-family="{FONT}" font-size="14" xmlns="http://www.w3.org/2000/svg"'
        f' viewBox="0 0 {WIDTH} {height}" role="img">'
    )
    return "\n".join([start, *(f"  {line}" for line in lines), "</svg>\n"])


def _box(x: int, y: int, width: int, height: int, colour: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{colour}" />'


def _text(x: int, y: int, text: str, colour: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}"{more}>{escape(text, quote=False)}</text>'
