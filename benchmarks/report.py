"""Describe figures as rows. The terminal, the page and the CSVs all show these.

A table's first row is its heading. A row may end with a remark, one cell more than the heading.
"""

import csv
import dataclasses
import io
import re
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import slow_reader, stopping, storm
from benchmarks.idle import Idle
from benchmarks.long_runs import LongRun
from benchmarks.results import Figures, Results, median
from benchmarks.slow_handlers import Waits
from benchmarks.slow_reader import SlowReader
from benchmarks.storm import Storm
from benchmarks.subjects import LADDER, LADDER_ON_REDIS, RATIOS, WANTED, Subject, named
from course import console

NOTHING = "–"
NOTES = """\
µs for each delivery: CPU time of the servers, + that of their Redis.
p50, p99: from send to receipt, one message at a time. KiB: memory for each idle connection.
≥: the client was busy, and the servers may be capable of more."""

# Each figure's column in the CSV, which includes the unit, and those columns that need none.
CSV_COLUMNS = {
    "cpu_us": "cpu_us_per_delivery",
    "redis_us": "redis_cpu_us_per_delivery",
    "deliveries_s": "deliveries_per_s",
    "p50_ms": "p50_ms",
    "p99_ms": "p99_ms",
    "connects_s": "connects_per_s",
    "kib": "kib_per_connection",
    "bytes": "bytes_per_frame",
}
CSV_COUNTS = ["delivered", "missing", "doubled", "client_bound", "note"]


def number(value: float | None) -> str:
    """Format a figure with as many digits as are meaningful."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def many(connections: int) -> str:
    """Format a number of connections, such as "10 connections"."""
    return f"{connections:,} connection" + ("s" if connections != 1 else "")


def problem(figures: Figures) -> str:
    """Return what failed in a cell, or why it wasn't measured; "" if all is well."""
    if figures.broken:
        return "failed: see above"
    counts = {"missing": figures.missing, "duplicates": figures.doubled}
    remarks = [f"{count:,} {what}" for what, count in counts.items() if count]
    return ", ".join(filter(None, [*remarks, figures.note]))


def progress_line(subject: Subject, connections: int, rounds: list[Figures]) -> str:
    """Return a line about a measured cell, with its servers' last output if it failed."""
    figures = median(rounds)
    words = [f"{subject.title}, {many(connections)}:"]
    if figures.cpu_us is not None:
        words.append(f"{number(figures.cpu_us)} µs for each delivery")
    if shown := figures.note if figures.broken else problem(figures):
        words.append(f"({shown})")
    return "\n".join([" ".join(words), *rounds[0].log])


def cpu_rows(results: Results, subjects: Sequence[Subject] = ()) -> list[list[str]]:
    """CPU times per delivery, with a column for each number of connections.

    Without `subjects`, there's a row for all that were measured.
    """
    head = ["µs for each delivery", *(f"{count:,}" for count in results.connections)]
    return [head] + [
        [
            subject.title,
            *(cpu_cell(results.figures(subject, count)) for count in results.connections),
        ]
        for subject in subjects or results.subjects
    ]


def cpu_cell(figures: Figures) -> str:
    """Return the CPU time for each delivery, with that of Redis."""
    both = [number(one) for one in (figures.cpu_us, figures.redis_us) if one is not None]
    return "\N{NO-BREAK SPACE}+\N{NO-BREAK SPACE}".join(both) or problem(figures) or NOTHING


def ladder_rows(results: Results) -> list[list[str]]:
    """The ladder of docs/guides/scaling_out.md: CPU times, times the floor, and delays."""
    few, many = results.connections[-2:]
    rows = [
        ["µs for each delivery", f"{few:,}", f"{many:,}", "times the floor", "p50, ms"],
    ]
    for name in (*LADDER, *LADDER_ON_REDIS):
        subject = named(name)
        last = results.figures(subject, many)
        # Those on Redis don't run side by side with the floor, so theirs is a ratio of medians.
        floor = results.figures(named(LADDER[-1]), many).cpu_us
        times = results.ratios(name, LADDER[-1], many) if name in LADDER else []
        if not times and last.cpu_us and floor:
            times = [last.cpu_us / floor]
        cells = [cpu_cell(results.figures(subject, few)), cpu_cell(last)]
        cells += [number(statistics.median(times)) if times else NOTHING, number(last.p50_ms)]
        rows.append([subject.title, *cells])
    return rows


def wanted_rows(results: Results) -> list[list[str]]:
    """The ratios that should have been reached, and whether they were."""
    rows = [["", "connections", "ratio", "wanted", ""]]
    for wanted in WANTED:
        title = f"{named(wanted.subject).title} ÷ {named(wanted.over).title}"
        if wanted.figure != "cpu_us":
            title += f" ({wanted.figure.removesuffix('_ms')})"
        rounds = results.ratios(wanted.subject, wanted.over, wanted.connections, wanted.figure)
        if rounds:
            middle = statistics.median(rounds)
            verdict = "met" if middle <= wanted.most else "not met"
            cells = [f"{wanted.connections:,}", f"{middle:.3g}", f"≤ {wanted.most:.3g}", verdict]
            rows.append([title, *cells])
    return rows


def other_rows(
    results: Results, connections: int, subjects: Sequence[Subject] = ()
) -> list[list[str]]:
    """The other figures at this number of connections, of `subjects` or else of all."""
    rows = [["", "deliveries/s", "p50, ms", "p99, ms", "connects/s", "KiB"]]
    for subject in subjects or results.subjects:
        one = results.figures(subject, connections)
        cells = map(number, (one.deliveries_s, one.p50_ms, one.p99_ms, one.connects_s, one.kib))
        rows.append([subject.title, *cells, *filter(None, [problem(one)])])
        rows[-1][1] = "≥ " * one.client_bound + rows[-1][1]
    return rows


def server_rows(
    results: Results, compared: Sequence[Subject], stops: dict[str, float | None]
) -> list[list[str]]:
    """The same application on several servers; `stops` are the seconds they took to stop."""
    few, many = results.connections[-2:]
    head = ["", f"µs for each delivery to {few:,}", f"to {many:,}", "p50, ms", "connects/s", "KiB"]
    rows = [[*head, "stopped after"]]
    for subject in compared:
        first, last = (results.figures(subject, count) for count in (few, many))
        cells = [cpu_cell(first), cpu_cell(last)]
        cells += map(number, (last.p50_ms, last.connects_s, last.kib))
        rows.append([subject.server.capitalize(), *cells, seconds(stops.get(subject.name))])
    return rows


def seconds(value: float | None) -> str:
    """Format a time in seconds, or say that it was too long to be measured."""
    return f"{value:.1f} s" if value is not None else f"more than {stopping.STOP_LIMIT} s"


def ratio_rows(results: Results, detailed: bool = False) -> list[list[str]]:
    """The ratios of the compared subjects, with a column for each number of connections.

    `detailed` adds the lowest and highest round.
    """

    def cell(name: str, over: str, connections: int) -> str:
        rounds = results.ratios(name, over, connections)
        if not rounds:
            return NOTHING
        middle = statistics.median(rounds)
        text = f"{middle:.2f}"
        if detailed:
            text += f" ({min(rounds):.2f}–{max(rounds):.2f})"
        return text

    rows = [["connections", *(f"{count:,}" for count in results.connections)]]
    for name, over, title in RATIOS:
        cells = [cell(name, over, count) for count in results.connections]
        if set(cells) != {NOTHING}:
            rows.append([title, *cells])
    return rows


def wait_rows(waits: Sequence[Waits]) -> list[list[str]]:
    """How long people and their neighbour waited when a handler takes a second."""
    people = waits[0].people if waits else 0
    return [["", f"all {people} answered after", "the neighbour after"]] + [
        [one.subject.title, f"{one.all_s:.2f} s", f"{one.neighbour_s:.2f} s"] for one in waits
    ]


def long_run_rows(runs: Sequence[LongRun]) -> list[list[str]]:
    """What happened in the longer runs."""
    rows = [["connections", "speaking", "messages", "deliveries", "missing or doubled", "seconds"]]
    for run in runs:
        lost = run.missing + run.doubled
        counts = (run.connections, run.speakers, run.messages, run.deliveries, lost, run.seconds)
        rows.append([*(f"{count:,.0f}" for count in counts), *filter(None, [run.problem])])
    return rows


def memory_sentence(run: LongRun) -> str:
    """Return a sentence on the server's memory during the second of the longer runs."""
    (few, early), (last, late) = run.memory[0], run.memory[-1]
    most = max(kib for _, kib in run.memory)
    return (
        f"In the second, the server had {early / 1024:.1f} MiB of memory after {few:,} messages "
        f"and {late / 1024:.1f} MiB after {last:,}. It never used more than "
        f"{most / 1024:.1f} MiB."
    )


def slow_reader_rows(runs: Sequence[SlowReader], judged: bool = False) -> list[list[str]]:
    """What a reader that stops reading does; `judged` adds whether the others noticed."""
    head = ["", "messages/s", "others' p99, ms (all reading)", "times"]
    rows = [[*head, "memory grew, MiB (all reading)", "cut off after"]]
    for run in runs:
        delays = f"{number(run.p99_ms)} ({number(run.alone_p99_ms)})"
        grown = f"{number(run.grown_mib)} ({number(run.alone_grown_mib)})"
        cut = f"{run.cut_off_s:.0f} s" if run.cut_off_s else "never"
        rows.append([run.subject.title, number(run.rate), delays, number(run.times), grown, cut])
        if judged:
            rows[-1].append(_verdict(run.times <= slow_reader.TIMES, f"≤ {slow_reader.TIMES}"))
    return rows


def idle_rows(runs: Sequence[Idle]) -> list[list[str]]:
    """What connections that do nothing cost, and a message to all of them."""
    head = ["", "KiB each", "connects/s", "ms to connect", "ms to sync"]
    return [[*head, "a message reached half after", "all after"]] + [
        [
            run.subject.title,
            *map(number, (run.kib, run.connects_s, run.connect_ms, run.sync_ms)),
            f"{run.half_s:.2f} s",
            f"{run.last_s:.2f} s",
        ]
        for run in runs
    ]


def storm_rows(runs: Sequence[Storm], judged: bool = False) -> list[list[str]]:
    """How long pages take to come back all at once; `judged` adds whether that's soon enough."""
    head = ["", "a page waits", "servers back after", "half of the pages back after", "all after"]
    rows = [[*head, "attempts", "connections to PostgreSQL, active ones", "queries/s"]]
    for run in runs:
        rows.append(
            [
                run.subject.title,
                run.waits,
                f"{run.listening_s:.1f} s",
                f"{run.half_s:.1f} s",
                f"{run.all_s:.1f} s" if run.all_s else f"more than {storm.STORM_LIMIT} s",
                f"{run.attempts:,}",
                f"{run.connected}, {run.active}",
                number(run.queries_s),
            ]
        )
        if judged:
            soon = run.all_s is not None and run.all_s <= storm.WITHIN
            rows[-1].append(_verdict(soon, f"≤ {storm.WITHIN} s"))
    return rows


def _verdict(met: bool, wanted: str) -> str:
    return f"{wanted}: {'met' if met else 'not met'}"


def rows_csv(results: Sequence[Any]) -> str:
    """Return CSV with a line for each result, a dataclass that begins with its subject."""
    names = [each.name for each in dataclasses.fields(results[0])]
    lines = [[getattr(result, name) for name in names[1:]] for result in results]
    rounded = [
        [f"{value:.5g}" if isinstance(value, float) else value for value in line] for line in lines
    ]
    subjects = [result.subject.name for result in results]
    return _csv([names, *([name, *line] for name, line in zip(subjects, rounded, strict=True))])


def as_text(results: Results, waits: Sequence[Waits]) -> str:
    """Return all figures for a terminal."""
    tables = [("CPU time by number of connections", cpu_rows(results))]
    for connections in results.connections:
        tables.append((many(connections).capitalize(), other_rows(results, connections)))
    if len(ratios := ratio_rows(results, detailed=True)) > 1:
        tables.append(("Ratios of CPU times: the median round (lowest–highest)", ratios))
    if len(wanted := wanted_rows(results)) > 1:
        tables.append(("Ratios that are wanted", wanted))
    if waits:
        tables.append(("A handler that takes a second", wait_rows(waits)))
    return "\n\n".join([*(f"{title}\n{console.table(rows)}" for title, rows in tables), NOTES])


def figures_csv(results: Results) -> str:
    """Return CSV with a line for each cell."""
    rows = [["subject", "connections", *CSV_COLUMNS.values(), *CSV_COUNTS]]
    for subject, connections, figures in results.cells():
        values = [getattr(figures, name) for name in CSV_COLUMNS]
        rounded = ["" if value is None else f"{value:.5g}" for value in values]
        counts = [getattr(figures, name) for name in CSV_COUNTS]
        rows.append([subject.name, connections, *rounded, *counts])
    return _csv(rows)


def waits_csv(waits: Sequence[Waits]) -> str:
    """Return CSV with a line for each handler that takes a second."""
    return _csv(
        [["subject", "people", "all_answered_s", "neighbour_s"]]
        + [[w.subject.name, w.people, f"{w.all_s:.3f}", f"{w.neighbour_s:.3f}"] for w in waits]
    )


def _csv(rows: Iterable[Sequence[object]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue()


def refresh(page: Path, blocks: dict[str, str]) -> None:
    """Write each block's text between the page's comments `measured: NAME` and `end of NAME`.

    Raises CourseError if the page lacks one of them.
    """
    text = page.read_text(encoding="utf-8")
    for name, block in blocks.items():
        between = rf"(<!-- measured: {name} -->\n).*?(<!-- end of {name} -->)"
        text, found = re.subn(
            between,
            lambda found, block=block: f"{found[1]}\n{block}\n\n{found[2]}",
            text,
            flags=re.S,
        )
        if not found:
            raise console.CourseError(
                f"{page.name} has no place for {name}: it needs two comments."
            )
    page.write_text(text, encoding="utf-8")
