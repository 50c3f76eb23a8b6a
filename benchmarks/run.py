"""Measure, print progress and the tables, and write the figures to files."""

import contextlib
import datetime
import os
import platform
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks import (
    calculator,
    idle,
    long_runs,
    picture,
    report,
    servers,
    slow_reader,
    stopping,
    storm,
    subjects,
)
from benchmarks.measure import LOADED, measure_interleaved
from benchmarks.results import Results
from benchmarks.slow_handlers import Waits, measure_waits
from benchmarks.subjects import Subject
from course import chapters
from course.console import CourseError, markdown_table, say, table

KEPT = chapters.ROOT / "benchmarks"
OUT = KEPT / "out"
ASSETS = chapters.ROOT / "docs" / "assets"
PAGE = chapters.ROOT / "docs" / "understand" / "what_a_message_costs.md"
GUIDES = chapters.ROOT / "docs" / "guides"

NAMED = (
    "Django",
    "channels",
    "daphne",
    "channels-redis",
    "starlette",
    "uvicorn",
    "granian",
    "websockets",
)


def measure(chosen: Sequence[Subject], counts: Sequence[int], write: bool, waits: bool) -> int:
    """Measure these subjects with these numbers of connections; return the exit status.

    With `waits`, measure also how long people wait for a slow handler. `write` rewrites the page,
    its picture and the CSVs; without it, CSVs and pictures go only to benchmarks/out. Raises
    CourseError.
    """
    began, results, waited = time.monotonic(), Results(), []
    cells = subjects.plan(chosen, counts)
    with servers.open_bench() as bench:
        if write:
            _check_all_is_here(bench, chosen)
        say(f"{len(cells)} measurements of some seconds each. {machine()}")
        if any(subject.logged_in for subject in chosen):
            servers.create_users(bench, sorted(set(counts)))
        for place, (group, connections) in enumerate(cells, 1):
            rounds = subjects.ROUNDS if len(group) > 1 else [LOADED]
            measured = measure_interleaved(group, bench, connections, rounds)
            for subject, figures in zip(group, measured, strict=True):
                results.add(subject, connections, figures)
                line = report.progress_line(subject, connections, figures)
                say(f"[{place:>2}/{len(cells)}] {line}")
        stops: dict[str, float | None] = {}
        for subject in subjects.SLOW * waits:
            waited.append(measure_waits(subject, bench))
            say(f"{subject.title}: {waited[-1].all_s:.1f} s")
        for subject in _compared_servers() * waits:
            stops[subject.name] = stopping.measure(subject, bench)
            say(f"{subject.title}: stopped after {report.seconds(stops[subject.name])}")
    say(f"\n{report.as_text(results, waited)}\n")
    _keep(results, waited, stops, write and not results.faulty())
    say(f"That took {time.monotonic() - began:.0f} s.")
    if results.faulty():
        say("Not every message reached every reader exactly once: see the table.")
    return int(results.faulty())


def soak(write: bool) -> int:
    """Do the two longer runs; return the exit status. Raises CourseError."""
    with servers.open_bench() as bench:
        runs = long_runs.run_both(bench)
    rows, memory = report.long_run_rows(runs), report.memory_sentence(runs[-1])
    say(f"\n{table(rows)}\n\n{memory}\n")
    if any(run.problem for run in runs):
        say("A message was lost or duplicated, a connection closed, or memory grew.")
        return 1
    if write:
        _refresh_page({"soak": f"{markdown_table(rows)}\n\n{memory}"})
    return 0


def measure_extremes(write: bool) -> int:
    """Measure slow readers, idle connections and reconnect storms; return the exit status.

    `write` also writes the figures into the guide and the repository's CSVs. Raises CourseError.
    """
    began, found = time.monotonic(), {"slow_reader": [], "idle": [], "storm": []}
    with servers.open_bench() as bench:
        servers.create_users(bench, [slow_reader.READERS, idle.CONNECTIONS])
        for name in subjects.SLOW_READERS:
            found["slow_reader"].append(slow_reader.measure(subjects.named(name), bench))
        for name in subjects.IDLE:
            found["idle"].append(idle.measure(subjects.named(name), bench))
        with storm.open_postgres(bench) as copied:
            for subject in subjects.STORMS:
                say(f"{subject.title}: {storm.PAGES:,} pages reconnect ...")
                found["storm"] += storm.measure(subject, copied(subject.name))
    shown = {
        "slow_reader": report.slow_reader_rows(found["slow_reader"], judged=True),
        "idle": report.idle_rows(found["idle"]),
        "storm": report.storm_rows(found["storm"], judged=True),
    }
    say("\n" + "\n\n".join(map(table, shown.values())) + "\n")
    files = {f"{name}.csv": report.rows_csv(rows) for name, rows in found.items()}
    _write_files((OUT, files), *([(KEPT, files)] * write))
    if write:
        tables = {
            "slow_reader": report.slow_reader_rows(found["slow_reader"]),
            "idle": report.idle_rows(found["idle"]),
            "storm": report.storm_rows(found["storm"]),
        }
        _refresh("scaling_out", tables)
        _refresh_capacity()
    say(f"That took {time.monotonic() - began:.0f} s.")
    lost = sum(one.missing for one in [*found["slow_reader"], *found["idle"]])
    if lost:
        say(f"{lost:,} messages didn't arrive.")
    return int(lost > 0)


def _check_all_is_here(bench: servers.Bench, chosen: Sequence[Subject]) -> None:
    """Raise CourseError if a row of the page's tables would be empty."""
    for subject in chosen:
        try:
            servers.check(subject, bench, max(subjects.CONNECTIONS))
        except subjects.CannotMeasure as reason:
            raise CourseError(
                f"The page needs all figures. Can't measure {subject.title}: {reason}."
            ) from None


def _compared_servers() -> list[Subject]:
    return [subjects.named("chapter6"), *subjects.SERVERS]


def _keep(
    results: Results, waits: Sequence[Waits], stops: dict[str, float | None], write: bool
) -> None:
    """Write the figures and the picture to benchmarks/out; with `write`, to the repository too."""
    at = subjects.PICTURED
    files = {"results.csv": report.figures_csv(results)}
    if waits:
        files["waiting.csv"] = report.waits_csv(waits)
    pictures = {}
    for suffix, colours in (("", picture.LIGHT), ("-dark", picture.DARK)):
        if drawn := picture.draw(results, at, colours):
            pictures[f"what_a_message_costs{suffix}.svg"] = drawn
    _write_files((OUT, files | pictures), *([(KEPT, files), (ASSETS, pictures)] * write))
    say(f"The figures: {OUT / 'results.csv'}")
    if write:
        today = datetime.date.today()
        chapters_alone = subjects.CHAPTERS
        tables = {
            "cpu": report.cpu_rows(results, chapters_alone),
            "ratios": report.ratio_rows(results),
            "rest": report.other_rows(results, at, chapters_alone),
            "waiting": report.wait_rows(waits),
        }
        machine_block = f"{machine()} Measured on {today.day} {today:%B %Y}."
        blocks = {name: markdown_table(rows) for name, rows in tables.items()}
        _refresh_page({"machine": machine_block, **blocks})
        compared = report.server_rows(results, _compared_servers(), stops)
        _refresh("choosing_a_server", {"servers": compared})
        _refresh("scaling_out", {"ladder": report.ladder_rows(results)})
        _refresh_capacity()


def _write_files(*folders: tuple[Path, dict[str, str]]) -> None:
    """Write files, {name: text}, into folders."""
    for folder, files in folders:
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            folder.joinpath(name).write_text(text, encoding="utf-8")


def _refresh(guide: str, tables: dict[str, list[list[str]]], before: str = "") -> None:
    """Write tables into a guide, if it's there, with the text `before` each."""
    page = GUIDES / f"{guide}.md"
    if page.exists():
        blocks = {name: before + markdown_table(rows) for name, rows in tables.items()}
        report.refresh(page, blocks)
        say(f"Updated: {page}")


def _refresh_capacity() -> None:
    """Write the calculator's table into its guide, if everything it needs has been measured."""
    if (KEPT / "idle.csv").exists() and (KEPT / "results.csv").exists():
        measured = calculator.Measured(KEPT)
        needs = [calculator.estimate(measured, size) for size in calculator.SIZES]
        _refresh(
            "scaling_out", {"capacity": calculator.rows(needs)}, calculator.assumptions() + "\n\n"
        )


def _refresh_page(blocks: dict[str, str]) -> None:
    report.refresh(PAGE, blocks)
    say(f"Updated: {PAGE}")


def machine() -> str:
    """Return a sentence about the machine and the versions of the main packages."""
    found = [f"Python {platform.python_version()}"]
    for name in NAMED:
        with contextlib.suppress(PackageNotFoundError):
            found.append(f"{name} {version(name)}")
    return f"{platform.system()}, {os.cpu_count()} cores, {', '.join(found)}."
