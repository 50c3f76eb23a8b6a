"""Format the figures as tables: aligned for a terminal, in Markdown for the page."""

from collections.abc import Iterable

from benchmarks.measure import Figures, median
from benchmarks.results import Ratio, Results
from benchmarks.soak import Soaked
from benchmarks.subjects import RATIOS, SUBJECTS, WANTED, Subject

NOTHING = "–"
HEAD = (
    "CPU µs",
    "Redis µs",
    "deliveries/s",
    "p50 ms",
    "p99 ms",
    "connects/s",
    "KiB",
)
NOTES = """\
CPU µs, Redis µs: CPU time of the servers, and of their Redis, for each delivered message.
p50, p99: from send to receipt, one message at a time. KiB: memory for each idle connection.
≥: the client was busy, and the servers may be capable of more."""


def number(value: float | None) -> str:
    """Format a figure with as many digits as are meaningful."""
    if value is None:
        return NOTHING
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def many(connections: int) -> str:
    """Format a number of connections, such as "10 connections"."""
    return f"{connections:,} connection" + ("s" if connections != 1 else "")


def row(figures: Figures) -> list[str]:
    """Return the cells of a row, in the order of HEAD."""
    rate = ("≥ " if figures.client_bound else "") + number(figures.deliveries_s)
    return [
        number(figures.cpu_us),
        number(figures.redis_us),
        rate,
        number(figures.p50_ms),
        number(figures.p99_ms),
        number(figures.connects_s),
        number(figures.kib),
    ]


def line(subject: Subject, connections: int, rounds: list[Figures]) -> str:
    """Return a line about a measured cell, with its servers' last output if it failed."""
    figures = median(rounds)
    words = [f"{subject.title}, {many(connections)}:"]
    if figures.cpu_us is not None:
        words.append(f"{number(figures.cpu_us)} µs for each delivery")
    if shown := figures.note if figures.broken else problem(figures):
        words.append(f"({shown})")
    return "\n".join([" ".join(words), *rounds[0].log])


def problem(figures: Figures) -> str:
    """Return what failed in a cell, or why it wasn't measured; "" if all is well."""
    if figures.broken:
        return "failed: see above"
    remarks = []
    if figures.missing:
        remarks.append(f"{figures.missing:,} missing")
    if figures.doubled:
        remarks.append(f"{figures.doubled:,} duplicates")
    return ", ".join([*remarks, *([figures.note] if figures.note else [])])


def terminal(results: Results) -> str:
    """Return all figures as text, with a block for each number of connections."""
    cells = results.cells()
    width = max((len(subject.title) for subject, _ in cells), default=0)
    lines = []
    for connections in _connections(results):
        title = many(connections).ljust(width)
        lines += ["", title + "".join(f"{name:>14}" for name in HEAD)]
        for subject in _subjects(results):
            if figures := cells.get((subject, connections)):
                shown = "".join(f"{value:>14}" for value in row(figures))
                remarks = problem(figures)
                lines.append(
                    f"{subject.title:<{width}}{shown}" + (f"  {remarks}" if remarks else "")
                )
    return "\n".join([*lines, "", NOTES])


def ratios(results: Results) -> str:
    """Return the ratios of the compared subjects, and whether they're below their limits."""
    lines = []
    for name, over, title in RATIOS:
        for connections in _connections(results):
            if found := results.ratio(name, over, connections):
                wanted = WANTED.get(connections) if over.startswith("per_reader") else None
                judged = wanted and f"{'at' if found.median <= wanted else 'not at'} most {wanted}"
                remarks = ", ".join(filter(None, [judged, _spread(found)]))
                lines.append(f"{title}, {many(connections)}: {found.median:.2f} ({remarks})")
    return "\n".join(lines)


def ratios_in_markdown(results: Results) -> str:
    """Return the ratios as a table, with a column for each number of connections."""
    counts = _connections(results)
    rows = []
    for name, over, title in RATIOS:
        found = [results.ratio(name, over, count) for count in counts]
        rows.append([title, *(f"{one.median:.2f}" if one else NOTHING for one in found)])
    return _markdown([["connections", *(f"{count:,}" for count in counts)], *rows])


def waiting(results: Results) -> str:
    """Return how long people and their neighbour waited when a handler takes a second."""
    width = max((len(one.subject.title) for one in results.waiting), default=0)
    lines = [f"{'A handler that takes a second':<{width}}{'all answered':>16}{'neighbour':>14}"]
    for one in results.waiting:
        lines.append(f"{one.subject.title:<{width}}{one.all_s:>14.2f} s{one.neighbour_s:>12.2f} s")
    return "\n".join(lines)


def soaked(found: list[Soaked]) -> str:
    """Return the results of the longer runs as text."""
    lines = []
    for one in found:
        lines.append(
            f"{one.connections:,} connections, {one.speakers} speaking: {one.messages:,} messages "
            f"in {one.seconds:,.0f} s, {one.deliveries:,} deliveries, {one.missing:,} missing, "
            f"{one.doubled:,} duplicates, {one.closed:,} connections closed."
        )
        if len(one.memory) > 1:
            (few, early), (many, late) = one.memory[0], one.memory[-1]
            lines.append(
                f"  Memory after {few:,} messages: {early / 1024:.1f} MiB, "
                f"after {many:,}: {late / 1024:.1f} MiB: {'growing' if one.grows else 'flat'}."
            )
    return "\n".join(lines)


def cpu_in_markdown(results: Results) -> str:
    """Return CPU times per delivery as a table, with a column for each number of connections."""
    cells = results.cells()
    counts = _connections(results)
    head = ["µs for each delivery", *(f"{count:,}" for count in counts)]
    rows = []
    for subject in _subjects(results):
        shown = [cells.get((subject, count), Figures()) for count in counts]
        rows.append([subject.title, *(_with_redis(figures) for figures in shown)])
    return _markdown([head, *rows])


def all_in_markdown(results: Results, connections: int) -> str:
    """Return the other figures at this number of connections as a table."""
    cells = results.cells()
    head = ["", "deliveries/s", "p50, ms", "p99, ms", "connects/s", "KiB"]
    rows = []
    for subject in _subjects(results):
        figures = cells.get((subject, connections), Figures())
        rows.append([subject.title, *row(figures)[2:]])
    return _markdown([head, *rows])


def waiting_in_markdown(results: Results) -> str:
    """Return how long people and their neighbour waited, as a table."""
    people = results.waiting[0].people if results.waiting else 0
    head = ["", f"all {people} answered after", "the neighbour after"]
    rows = [
        [one.subject.title, f"{one.all_s:.2f} s", f"{one.neighbour_s:.2f} s"]
        for one in results.waiting
    ]
    return _markdown([head, *rows])


def soaked_in_markdown(found: list[Soaked]) -> str:
    """Return the results of the longer runs as a table, and a sentence on the server's memory."""
    head = ["connections", "speaking", "messages", "deliveries", "missing or doubled", "seconds"]
    rows = [
        [
            f"{one.connections:,}",
            f"{one.speakers:,}",
            f"{one.messages:,}",
            f"{one.deliveries:,}",
            f"{one.missing + one.doubled:,}",
            f"{one.seconds:,.0f}",
        ]
        for one in found
    ]
    memory = found[-1].memory
    most = max(kib for _, kib in memory)
    (few, early), (last, late) = memory[0], memory[-1]
    sentence = (
        f"In the second, the server had {early / 1024:.1f} MiB of memory after {few:,} messages "
        f"and {late / 1024:.1f} MiB after {last:,}. It never used more than "
        f"{most / 1024:.1f} MiB."
    )
    return f"{_markdown([head, *rows])}\n\n{sentence}"


def _spread(found: Ratio) -> str:
    return f"{len(found.rounds)} rounds: {min(found.rounds):.2f} to {max(found.rounds):.2f}"


def _with_redis(figures: Figures) -> str:
    if figures.note and figures.cpu_us is None:
        return figures.note
    parts = [number(value) for value in (figures.cpu_us, figures.redis_us) if value is not None]
    return "\N{NO-BREAK SPACE}+\N{NO-BREAK SPACE}".join(parts) or NOTHING


def _connections(results: Results) -> list[int]:
    return sorted({connections for _, connections in results.cells()})


def _subjects(results: Results) -> list:
    measured = {subject for subject, _ in results.cells()}
    return [subject for subject in SUBJECTS if subject in measured]


def _markdown(rows: Iterable[list[str]]) -> str:
    head, *rows = rows
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *rows])
