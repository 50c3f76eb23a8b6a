"""What a page shows, held against what was printed."""

import re

ANY = "..."
LONGEST = 60  # lines of output that a message repeats

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Mismatch(Exception):
    """A page shows one thing and another happened; the text tells a person both.

    `below` says how many lines below the block's first line it happened: 0 is its fence.
    """

    def __init__(self, text: str, below: int = 0):
        super().__init__(text)
        self.below = below


def lines(text: str) -> list[str]:
    """Return the lines of `text`, less colours, white space at their ends, and blank last lines."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
    found = [line.rstrip() for line in plain.split("\n")]
    while found and not found[-1]:
        found.pop()
    return found


def is_any(shown: str) -> bool:
    """Tell whether a line of a page stands for any lines: `...` alone."""
    return shown.strip() == ANY


def line_matches(shown: str, printed: str) -> bool:
    """Tell whether a line was printed as the page shows it; each `...` in it is anything."""
    first, *parts = shown.split(ANY)
    if not parts:
        return shown == printed
    *middle, last = parts
    if not printed.startswith(first) or not printed[len(first) :].endswith(last):
        return False
    place, end = len(first), len(printed) - len(last)
    for part in middle:
        found = printed.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def matches(shown: list[str], printed: list[str]) -> bool:
    """Tell whether the page shows all that was printed."""
    return len(printed) in _follow(shown, printed)[0]


def beginning(shown: list[str], printed: list[str]) -> int | None:
    """Return how many of the lines printed first the page shows, or None if it shows others.

    A page that ends in `...` shows all of them.
    """
    ends, _ = _follow(shown, printed)
    if not ends:
        return None
    return max(ends) if shown and is_any(shown[-1]) else min(ends)


def compare(what: str, shown: list[str], printed: list[str]) -> None:
    """Raise Mismatch, which tells both, unless the page shows what `what` printed."""
    if not matches(shown, printed):
        raise Mismatch(difference(f"{what} printed something else.", shown, printed))


def difference(sentence: str, shown: list[str], printed: list[str]) -> str:
    """Return `sentence`, what the page shows, what was printed, and where the two part."""
    _, reached = _follow(shown, printed)
    if reached < len(shown):
        parting = f"The first line that does not fit: {shown[reached]}"
    else:
        parting = "More was printed than the page shows."
    return (
        f"{sentence}\n\nThe page shows:\n\n{quote(shown)}\n\n"
        f"Printed was:\n\n{quote(printed)}\n\n{parting}"
    )


def quote(text: list[str]) -> str:
    """Return lines indented, to stand in a message; of very many, the last ones."""
    cut = [f"(... {len(text) - LONGEST} lines ...)"] if len(text) > LONGEST else []
    return "\n".join(f"    {line}".rstrip() for line in cut + text[-LONGEST:]) or "    (nothing)"


def _follow(shown: list[str], printed: list[str]) -> tuple[list[int], int]:
    """Go through the printed lines once, knowing every place of the page they may stand at.

    Returns the numbers of lines after which all that the page shows has come, and the furthest
    line of the page that was reached.
    """
    places = _with_skipped({0}, shown)
    ends, furthest = [], max(places)
    for count in range(len(printed) + 1):
        if len(shown) in places:
            ends.append(count)
        if count == len(printed) or not places:
            break
        after = set()
        for place in places - {len(shown)}:
            if is_any(shown[place]):
                after.add(place)
            elif line_matches(shown[place], printed[count]):
                after.add(place + 1)
        places = _with_skipped(after, shown)
        furthest = max(places | {furthest})
    return ends, furthest


def _with_skipped(places: set[int], shown: list[str]) -> set[int]:
    """Return `places` and those behind a `...` that stands for no line at all."""
    found = set()
    for place in places:
        found.add(place)
        while place < len(shown) and is_any(shown[place]):
            place += 1
            found.add(place)
    return found
