"""Compare what a page shows with what was printed."""

import re

ANY = "..."
LONGEST = 60  # lines of output that a message repeats

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Mismatch(Exception):
    """What happened isn't what the page shows. The text says both.

    `below` says how many lines below the block's first line it happened: 0 is its fence.
    """

    def __init__(self, text: str, below: int = 0):
        super().__init__(text)
        self.below = below


def lines(text: str) -> list[str]:
    """Return the lines of `text` without colours, trailing white space and blank last lines."""
    plain = _ESCAPES.sub("", text).replace("\r\n", "\n")
    found = [line.rstrip() for line in plain.split("\n")]
    while found and not found[-1]:
        found.pop()
    return found


def is_any(shown: str) -> bool:
    """Return whether a page's line matches any lines: it's just `...`."""
    return shown.strip() == ANY


def line_matches(shown: str, printed: str) -> bool:
    """Return whether a line was printed as the page shows it. Each `...` in it matches anything."""
    first, *parts = shown.split(ANY)
    if not parts:
        return shown == printed
    *middle, last = parts
    if not printed.startswith(first) or not printed[len(first) :].endswith(last):
        return False
    start, end = len(first), len(printed) - len(last)
    for part in middle:
        found = printed.find(part, start, end)
        if found < 0:
            return False
        start = found + len(part)
    return True


def matches(shown: list[str], printed: list[str]) -> bool:
    """Return whether the page shows everything that was printed."""
    return len(printed) in _follow(shown, printed)[0]


def beginning(shown: list[str], printed: list[str]) -> int | None:
    """Return how many of the first printed lines the page shows, or None if it shows others.

    If the page ends in `...`, that's all of them.
    """
    ends, _ = _follow(shown, printed)
    if not ends:
        return None
    return max(ends) if shown and is_any(shown[-1]) else min(ends)


def compare(what: str, shown: list[str], printed: list[str]) -> None:
    """Raise Mismatch unless the page shows what `what` printed."""
    if not matches(shown, printed):
        raise Mismatch(difference(f"{what} printed something else.", shown, printed))


def difference(sentence: str, shown: list[str], printed: list[str]) -> str:
    """Return `sentence`, what the page shows, what was printed, and where they begin to differ."""
    _, reached = _follow(shown, printed)
    if reached < len(shown):
        parting = f"The first line that doesn't fit: {shown[reached]}"
    else:
        parting = "More was printed than the page shows."
    return (
        f"{sentence}\n\nThe page shows:\n\n{quote(shown)}\n\n"
        f"Printed was:\n\n{quote(printed)}\n\n{parting}"
    )


def quote(text: list[str]) -> str:
    """Return lines indented for a message; if there are very many, only the last ones."""
    cut = [f"(... {len(text) - LONGEST} lines ...)"] if len(text) > LONGEST else []
    return "\n".join(f"    {line}".rstrip() for line in cut + text[-LONGEST:]) or "    (nothing)"


def _follow(shown: list[str], printed: list[str]) -> tuple[list[int], int]:
    """Go through the printed lines once, tracking every line of the page that may come next.

    Returns the numbers of lines after which everything the page shows has been printed, and the
    furthest line of the page that was reached.
    """
    positions = _with_skipped({0}, shown)
    ends, furthest = [], max(positions)
    for count in range(len(printed) + 1):
        if len(shown) in positions:
            ends.append(count)
        if count == len(printed) or not positions:
            break
        after = set()
        for position in positions - {len(shown)}:
            if is_any(shown[position]):
                after.add(position)
            elif line_matches(shown[position], printed[count]):
                after.add(position + 1)
        positions = _with_skipped(after, shown)
        furthest = max(positions | {furthest})
    return ends, furthest


def _with_skipped(positions: set[int], shown: list[str]) -> set[int]:
    """Return `positions`, and those after a `...` that matches no line at all."""
    found = set()
    for position in positions:
        found.add(position)
        while position < len(shown) and is_any(shown[position]):
            position += 1
            found.add(position)
    return found
