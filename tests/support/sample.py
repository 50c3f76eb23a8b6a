"""Leave out two thirds of many tests that are alike, for a run that has to be short."""

import os
from collections.abc import Callable, Iterable
from itertools import groupby

EVERY = 3


def sample(names: Iterable[str], chapter_of: Callable[[str], str]) -> list[str]:
    """Return the names, or with SAMPLE=1 the first, fourth, seventh ... of each chapter.

    They're the same each time, so that a red test stays red. `make nightly` runs all of them.
    """
    names = sorted(names, key=chapter_of)
    if os.environ.get("SAMPLE", "") in ("", "0"):
        return names
    groups = (list(group) for _, group in groupby(names, chapter_of))
    return [name for group in groups for name in group[::EVERY]]
