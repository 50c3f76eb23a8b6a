"""Show what came of marking a group, as a table, CSV and a page: who stops where, and who alike."""

import csv
import html
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from course import console
from course.learner.findings import Finding
from course.learner.sandbox import Held

PASSED = "passed"
STOPS = "stops"
NOT_JUDGED = "not judged"

_WIDE = 90  # characters of a finding in the table
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # spreadsheets carry out what begins like this


@dataclass(frozen=True)
class Mark:
    """What came of one submission.

    `verdict` is PASSED, STOPS or NOT_JUDGED; `why` says why it's not judged. One that stops does so
    at `step` of `lesson`, called `title`, or at step 0 if that isn't known, with `finding`.
    `seconds` is how long judging took.
    """

    name: str
    verdict: str
    seconds: float
    lesson: str = ""
    step: int = 0
    title: str = ""
    finding: Finding | None = None
    why: str = ""

    @property
    def at(self) -> str:
        """Where it stops, such as "step 5"."""
        return f"step {self.step}" if self.step else ""

    @property
    def way(self) -> str:
        """What's the same for those that stop in the same way."""
        if not self.finding:
            return self.why
        said = self.finding.mistake or _gist(self.finding.yours)
        return re.sub(r"\d+", "N", said)

    @property
    def line(self) -> str:
        """What's to be said about it, in one line."""
        return self.why or (_gist(self.finding.yours) if self.finding else "")


@dataclass(frozen=True)
class Group:
    """Submissions that stop at the same step, with how many do so in the most common way.

    `specimen` is one of those.
    """

    marks: list[Mark]
    alike: int
    specimen: Mark


def groups(marks: Iterable[Mark]) -> list[Group]:
    """Return those that stop, by step, the largest group first."""
    stops: dict[tuple[str, int], list[Mark]] = defaultdict(list)
    for mark in marks:
        if mark.verdict == STOPS:
            stops[mark.lesson, mark.step].append(mark)
    found = []
    for same in stops.values():
        way, alike = Counter(mark.way for mark in same).most_common(1)[0]
        found.append(Group(same, alike, next(mark for mark in same if mark.way == way)))
    return sorted(found, key=lambda group: -len(group.marks))


def summary(marks: Sequence[Mark], chapter: str) -> list[str]:
    """Return the answer to a teacher's question: how many passed, and where the others stop."""
    count = len(marks)
    passed = sum(mark.verdict == PASSED for mark in marks)
    lines = [f"{passed} of {count} passed chapter {chapter}."]
    lines += [f"{heading(group, count, chapter)}" for group in groups(marks)]
    unjudged = [mark for mark in marks if mark.verdict == NOT_JUDGED]
    if unjudged:
        names = ", ".join(mark.name for mark in unjudged)
        verb = "wasn't" if len(unjudged) == 1 else "weren't"
        lines.append(f"{len(unjudged)} of {count} {verb} judged: {names}.")
    return lines


def heading(group: Group, count: int, chapter: str) -> str:
    first = group.marks[0]
    verb = "stops" if len(group.marks) == 1 else "stop"
    where = f"at {first.at}, {first.title}" if first.step else "at no particular step"
    if first.lesson and first.lesson != chapter:
        where += f" (of {first.lesson})"
    text = f"{len(group.marks)} of {count} {verb} {where}"
    if len(group.marks) == 1:
        return f"{text}: {first.name}."
    same = "all" if group.alike == len(group.marks) else str(group.alike)
    alike = f", {same} of them in the same way" if group.alike > 1 else ", each in another way"
    return f"{text}{alike}, such as {group.specimen.name}."


def as_table(marks: Sequence[Mark]) -> str:
    """Return the marks as text for a terminal."""
    rows: list[Sequence[object]] = [("submission", "verdict", "stops at", "seconds")]
    rows += [
        (mark.name, mark.verdict, mark.at, f"{mark.seconds:.0f}", _cut(mark.line)) for mark in marks
    ]
    return console.table(rows)


def as_csv(marks: Sequence[Mark]) -> str:
    """Return the marks as CSV, in which nothing is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    columns = ["rung", "where", "yours", "page", "do", "entry", "mistake"]
    writer.writerow(
        ["submission", "verdict", "lesson", "step", "title", *columns, "why", "seconds"]
    )
    for mark in marks:
        found = mark.finding.as_json() if mark.finding else dict.fromkeys(columns, "")
        cells = [mark.name, mark.verdict, mark.lesson, mark.step or "", mark.title]
        cells += [*(found[column] for column in columns), mark.why, f"{mark.seconds:.1f}"]
        writer.writerow([_no_formula(cell) for cell in cells])
    return out.getvalue()


def as_html(marks: Sequence[Mark], chapter: str, held: Sequence[Held]) -> str:
    """Return the marks as a page that needs nothing else."""
    count = len(marks)
    parts = [f"<h1>Chapter {_escape(chapter)}</h1>", "<p class=answer>"]
    parts += [f"{_escape(line)}<br>" for line in summary(marks, chapter)]
    parts.append("</p>")
    for group in groups(marks):
        found = group.specimen.finding
        parts.append(f"<h2>{_escape(heading(group, count, chapter))}</h2>")
        if found:
            parts.append(
                f"<dl><dt>In {_escape(group.specimen.name)}</dt><dd><pre>{_escape(found.yours)}"
                f"</pre></dd><dt>The page says</dt><dd><pre>{_escape(found.page)}</pre></dd>"
                f"<dt>What helps</dt><dd>{_escape(found.do)}</dd>"
                f"<dt>Where</dt><dd><code>{_escape(found.where)}</code></dd></dl>"
            )
        names = ", ".join(_escape(mark.name) for mark in group.marks)
        parts.append(f"<p>{names}</p>")
    parts.append("<h2>All submissions</h2><div class=wide><table><thead><tr><th>Submission")
    parts.append("<th>Verdict<th>Stops at<th>First finding<th>Seconds</thead><tbody>")
    for mark in marks:
        kind = mark.verdict.replace(" ", "-")
        parts.append(
            f"<tr><th scope=row>{_escape(mark.name)}<td class={kind}>{_escape(mark.verdict)}"
            f"<td>{_escape(mark.at)}<td>{_escape(_cut(mark.line, 300))}"
            f"<td class=number>{mark.seconds:.0f}"
        )
    parts.append("</table></div><h2>What protected this machine</h2><table><tbody>")
    for each in held:
        answer = "yes" if each.holds else "no"
        note = f", {each.note}" if each.note and each.holds else ""
        parts.append(f"<tr><th scope=row>{_escape(each.protection)}<td>{answer}{_escape(note)}")
    parts.append("</table>")
    return _PAGE.replace("TITLE", _escape(f"Marks for {chapter}")).replace(
        "BODY", "\n".join(parts), 1
    )


def protections(held: Sequence[Held]) -> str:
    """Return a table of what protects this machine, with a warning if something doesn't."""
    rows = [("What protects this machine", "")]
    rows += [(each.protection, "yes" if each.holds else "NO", each.note) for each in held]
    text = console.table(rows)
    if not all(each.holds for each in held):
        text += "\nUse a container or a virtual machine, unless you trust all the authors."
    return text


def clean(text: str) -> str:
    """Return a submission's text without characters that would change a terminal."""
    return "".join(
        each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text
    )


def _gist(text: str) -> str:
    """Return the first line, with the last one where that's what the first one announces."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return f"{lines[0]} {lines[-1]}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]


def _cut(text: str, width: int = _WIDE) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 4] + " ..."


def _no_formula(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _escape(text: str) -> str:
    return html.escape(text)


_PAGE = """<!doctype html>
<html lang=en>
<head>
<meta charset=utf-8>
<meta name=viewport content="width=device-width, initial-scale=1">
<meta http-equiv=Content-Security-Policy content="default-src 'none'; style-src 'unsafe-inline'">
<title>TITLE</title>
<style>
:root { color-scheme: light dark;
  --line: light-dark(#ccc, #555); --soft: light-dark(#f4f4f4, #222) }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
.answer { font-size: 1.15rem }
.wide { overflow-x: auto }
table { border-collapse: collapse }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0;
  border-bottom: 1px solid var(--line) }
.wide th, .wide td:nth-child(2), .wide td:nth-child(3) { white-space: nowrap }
.wide td:nth-child(4) { min-width: 16rem; overflow-wrap: anywhere }
td.number { text-align: right }
code { overflow-wrap: anywhere }
pre { background: var(--soft); padding: .6rem; overflow-x: auto; white-space: pre-wrap }
dd { margin: 0 0 .6rem }
dt { font-weight: 600 }
.passed { color: light-dark(#176b2c, #7bd88f) }
.stops { color: light-dark(#8a4b00, #ffb454) }
.not-judged { color: light-dark(#a0132a, #ff8b94) }
</style>
</head>
<body>
BODY
</body>
</html>
"""
