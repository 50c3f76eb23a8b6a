"""`make bench`: measure, print progress and the tables, and write the figures to files."""

import datetime
import os
import platform
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from benchmarks import subjects
from course import chapters, console

OUT = chapters.ROOT / "benchmarks" / "out"
KEPT = chapters.ROOT / "benchmarks"
ASSETS = chapters.ROOT / "docs" / "assets"
PAGE = chapters.ROOT / "docs" / "understand" / "what_a_message_costs.md"
PICTURE = "what_a_message_costs"

NEEDED = ("picows", "psutil")
NAMED = ("Django", "channels", "daphne", "channels-redis", "starlette", "uvicorn", "websockets")


def check(
    only: Sequence[str], connections: Sequence[int], full: bool, write: bool, soak: bool
) -> None:
    """Raise progress.Trouble if these options don't go together or name an unknown subject."""
    for name in only:
        subjects.named(name)
    if write and not soak and (only or connections):
        raise console.CourseError("The page needs all figures, so use WRITE=1 without a selection.")
    if soak and (only or connections or full):
        raise console.CourseError(
            "The soak test has its own subjects and connections: use --soak alone."
        )


def run(
    only: Sequence[str] = (),
    connections: Sequence[int] = (),
    full: bool = False,
    write: bool = False,
    soak: bool = False,
) -> int:
    """Measure the selected subjects (by default all), print the figures; return the exit status.

    `full` measures with 1 to 10,000 connections. `write` rewrites the page, its picture and the
    CSVs; without it, CSVs and pictures go only to benchmarks/out. `soak` does the longer runs
    instead of all this. Raises progress.Trouble.
    """
    check(only, connections, full, write, soak)
    for package in NEEDED:
        if find_spec(package) is None:
            raise console.CourseError(
                f"The benchmark needs {package}, which is missing: make setup"
            )
    # Not imported earlier, because it needs these packages.
    from benchmarks import servers

    with servers.stage() as stage:
        if soak:
            return _soak(stage, write)
        counts = list(connections or (subjects.FULL if full else subjects.CONNECTIONS))
        chosen = [subjects.named(name) for name in only] or subjects.SUBJECTS
        return _measure(stage, chosen, counts, write, waiting=not (only or connections))


def _measure(stage, chosen, counts: list[int], write: bool, waiting: bool) -> int:
    from benchmarks import measure, servers, table
    from benchmarks import waiting as waits
    from benchmarks.results import Results

    if write:
        _check_all_is_here(stage, chosen)
    began = time.monotonic()
    results = Results()
    cells = subjects.plan(chosen, counts)
    console.say(f"{len(cells)} measurements of some seconds each. {machine()}")
    servers.create_people(stage, sorted(set(counts)))
    for place, (group, connections) in enumerate(cells, 1):
        turns = subjects.ROUNDS if len(group) > 1 else [measure.LOADED]
        measured = measure.measure_side_by_side(group, stage, connections, turns)
        for subject, rounds in zip(group, measured, strict=True):
            results.add(subject, connections, rounds)
            console.say(f"[{place:>2}/{len(cells)}] {table.line(subject, connections, rounds)}")
    if waiting:
        for subject in subjects.WAITING:
            results.waiting.append(waits.wait(subject, stage))
            console.say(f"{subject.title}: {results.waiting[-1].all_s:.1f} s")

    console.say(table.terminal(results))
    if results.waiting:
        console.say("\n" + table.waiting(results))
    if ratios := table.ratios(results):
        console.say("\n" + ratios)
    _keep(results, write and not results.faulty())
    console.say(f"\nThat took {time.monotonic() - began:.0f} s.")
    if results.faulty():
        console.say("Not every message reached every reader exactly once: see the table.")
        return 1
    return 0


def _check_all_is_here(stage, chosen) -> None:
    """Raise progress.Trouble if a row of the page's tables would be empty."""
    from benchmarks import servers

    for subject in chosen:
        try:
            servers.check(subject, stage, max(subjects.CONNECTIONS))
        except servers.Absent as absent:
            raise console.CourseError(
                f"The page needs all figures. Can't measure {subject.title}: {absent}."
            ) from None


def _keep(results, write: bool) -> None:
    """Write the figures and the picture to benchmarks/out; with `write`, to the repository too."""
    from benchmarks import page, picture, table

    at = subjects.PICTURED
    files = {"results.csv": results.as_csv(), "waiting.csv": results.waiting_as_csv()}
    pictures = {
        f"{PICTURE}.svg": picture.draw(results, at, picture.LIGHT),
        f"{PICTURE}-dark.svg": picture.draw(results, at, picture.DARK),
    }
    for folder, named in [(OUT, files | pictures), *([(KEPT, files), (ASSETS, pictures)] * write)]:
        folder.mkdir(exist_ok=True)
        for name, text in named.items():
            if text:
                folder.joinpath(name).write_text(text, encoding="utf-8")
    console.say(f"\nThe figures: {OUT.relative_to(chapters.ROOT)}/results.csv")
    if write:
        blocks = {
            "machine": f"{machine()} {_today()}",
            "cpu": table.cpu_in_markdown(results),
            "ratios": table.ratios_in_markdown(results),
            "rest": table.all_in_markdown(results, at),
            "waiting": table.waiting_in_markdown(results),
        }
        page.refresh(PAGE, blocks)
        console.say(f"Updated {PAGE.relative_to(chapters.ROOT)}")


def _soak(stage, write: bool) -> int:
    from benchmarks import page, table
    from benchmarks import soak as soaking

    found = soaking.soak(stage)
    text = table.soaked(found)
    console.say("\n" + text)
    if any(one.faulty for one in found):
        console.say("\nA message was lost or duplicated, a connection closed, or memory grew.")
        return 1
    if write:
        page.refresh(PAGE, {"soak": table.soaked_in_markdown(found)})
        console.say(f"\nUpdated {PAGE.relative_to(chapters.ROOT)}")
    return 0


def machine() -> str:
    """Return a sentence about the machine and the versions of the main packages."""
    found = [f"Python {platform.python_version()}"]
    for name in NAMED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    cores = os.cpu_count()
    return f"{platform.system()}, {cores} cores, {', '.join(found)}."


def _today() -> str:
    today = datetime.date.today()
    return f"Measured on {today.day} {today:%B %Y}."
