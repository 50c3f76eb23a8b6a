"""Turn what differs from the nearest state into findings: the first such lines of each file."""

import difflib
import textwrap
from dataclasses import replace

from course import chapters
from course.learner import canonical
from course.learner.findings import Finding
from course.learner.place import Difference, Place, StepName, nearly_the_same
from course.learner.project import Project
from course.learner.timeline import Position, Timeline
from course.pages import headings

NOTHING = "(nothing here)"
MOST_LINES = 6  # of a side; what follows them is only counted


def findings(project: Project, place: Place, timeline: Timeline) -> list[Finding]:
    """Return a finding for each difference that no step explains, the earliest step's first."""
    return [_finding(each, project, place, timeline) for each in place.differences]


def with_the_page(found: Finding, place: Place, others: list[Finding]) -> Finding:
    """Return a finding of a lower rung with what the page has there.

    A misplaced file is what's behind everything that follows from it.
    """
    moved = {each.moved_from for each in place.differences} - {""}
    path = found.where.rpartition(":")[0]
    for other in others:
        if other.where in moved and found.rung in ("settings", "starts", "routes"):
            return replace(other, rung=found.rung, yours=found.yours)
        if path and other.where.rpartition(":")[0] == path and other.page != NOTHING:
            return replace(found, page=other.page)
    return found


def link(lesson: str, number: int, timeline: Timeline) -> str:
    """Return where a step is: its page, from the clone's folder, and its anchor."""
    step = timeline.step(lesson, number)
    page = step.page.relative_to(chapters.ROOT).as_posix()
    return f"{page}#{headings.slug(f'{number}. {step.title}', '-')}"


def _finding(each: Difference, project: Project, place: Place, timeline: Timeline) -> Finding:
    step = each.step or _last_step(each.path, place, timeline)
    where = f"step {step[1]}" if step[0] == place.lesson else f"step {step[1]} of {step[0]}"
    compare = f"{where}: {link(*step, timeline)}" if step[1] else f"the files of {step[0]}"
    path = project.theirs(each.path)
    if each.moved_from:
        return Finding(
            "text", each.moved_from, f"it's in {each.moved_from}", f"it's {path}",
            f"Move it there: mv {each.moved_from} {path}",
        )  # fmt: skip
    theirs = _wanted(each.path, place, timeline)
    if each.path not in place.files:
        do = f"Do {compare}" if theirs else f"Create it, and leave it empty. Compare with {compare}"
        return Finding("text", path, "there's no such file", f"{where} has it", do)
    if theirs is None:
        return Finding(
            "text",
            path,
            "it's there",
            "there's no such file at this step",
            f"Compare with {compare}",
        )
    line, yours, page = _first(each, place.files[each.path], theirs)
    return Finding("text", f"{path}:{line}", yours, page, f"Compare with {compare}")


def _last_step(path: str, place: Place, timeline: Timeline) -> StepName:
    """Return the last step, up to the nearest state, that changes the file."""
    for lesson in reversed([*timeline.steps]):
        for step in reversed(timeline.steps[lesson]):
            early = lesson != place.lesson or step.number <= (place.begun or place.done)
            if early and path in step.paths and lesson in chapters.way_to(place.lesson):
                return lesson, step.number
    return place.lesson, place.done


def _wanted(path: str, place: Place, timeline: Timeline) -> bytes | None:
    """Return what the file should be: as after the step that's begun, or in the nearest state."""
    state = place.nearest
    if place.begun and path in timeline.step(place.lesson, place.begun).paths:
        after = [each for each in timeline.positions if _ends(each, place)]
        state = after[0] if state.step < place.begun and path in place.files else state
    return state.files.get(path)


def _ends(position: Position, place: Place) -> bool:
    return (position.lesson, position.step, position.inside) == (place.lesson, place.begun, 0)


def _first(each: Difference, mine: bytes, theirs: bytes) -> tuple[int, str, str]:
    """Return the learner's line where the files begin to differ, and both sides' lines there."""
    readable = canonical.is_readable(each.path, mine)
    if each.path.endswith(".py") and not readable:
        said, shown = canonical.lines(mine), canonical.lines(theirs)
    else:
        said, shown = canonical.parts(each.path, mine), canonical.parts(each.path, theirs)
    matcher = difflib.SequenceMatcher(
        None, [part.text for part in said], [part.text for part in shown], autojunk=False
    )
    gaps = [gap for tag, *gap in matcher.get_opcodes() if tag != "equal"]
    if not gaps:
        return 1, "(the same in another order)", "(see the page)"

    def is_explained(gap: list[int]) -> bool:
        a, b, c, d = gap
        counted = {part.text for part in said[a:b]} & each.extra
        return not counted | ({part.text for part in shown[c:d]} & each.missing)

    first = min(gaps, key=lambda gap: (is_explained(gap), gap))
    a, b, c, d = _with_what_moved(first, gaps, said, shown)
    yours, page = _lines(mine, said[a:b]), _lines(theirs, shown[c:d])
    same = _stripped(yours) == _stripped(page)
    # Of a statement over several lines, only what differs is shown.
    while not same and len(yours) == len(page) > 1 and _stripped(yours)[0] == _stripped(page)[0]:
        yours, page = yours[1:], page[1:]
    while not same and len(yours) == len(page) > 1 and _stripped(yours)[-1] == _stripped(page)[-1]:
        yours, page = yours[:-1], page[:-1]
    line = yours[0][0] if yours else _line_after(a, said)
    if not (yours and page):
        return line, _quote(yours), _quote(page)
    where = _where(said[a], shown[c], yours[0][1], page[0][1]) if readable else ""
    if not where and [a, b, c, d] != first:
        before = _lines(theirs, shown[c - 1 : c]) if c else []
        where = f"after: {before[0][1].strip()}" if before else "at the beginning of the file"
    if same and where:
        return line, _quote(yours), f"the same, {where}"
    moved = f"\n({where})" if [a, b, c, d] != first else ""
    return line, _quote(yours), _quote(page) + moved


def _stripped(lines: list[tuple[int, str]]) -> list[str]:
    return [text.strip() for _, text in lines]


def _with_what_moved(
    gap: list[int], gaps: list[list[int]], said: list[canonical.Part], shown: list[canonical.Part]
) -> list[int]:
    """Return a gap that has only one side with its other side, if that's elsewhere in the file.

    A gap is [a, b, c, d]: it has said[a:b] in place of shown[c:d].
    """
    a, b, c, d = gap
    if a < b and c == d:
        for _, _, e, f in (each for each in gaps if each[0] == each[1]):
            for k in range(e, f):
                if nearly_the_same(said[a].text, shown[k].text):
                    return [a, b, k, min(f, k + b - a)]
    elif a == b:
        for e, f, _, _ in (each for each in gaps if each[2] == each[3]):
            for k in range(e, f):
                if nearly_the_same(said[k].text, shown[c].text):
                    return [k, min(f, k + d - c), c, d]
    return gap


def _where(mine: canonical.Part, theirs: canonical.Part, yours: str, page: str) -> str:
    """Return how the page's line is in another class or function, or at another depth, or ""."""
    found = []
    names = canonical.scope(theirs.text)
    if canonical.scope(mine.text) != names:
        preposition = "above" if canonical.bare(theirs.text).startswith("@") else "in"
        name = f"{preposition} {'.'.join(names)}"
        found.append(name if names else "outside of any class or function")
    indents = [len(line) - len(line.lstrip()) for line in (yours, page)]
    if indents[0] != indents[1]:
        spaces = f"{indents[1] or 'no'} space{'s' * (indents[1] != 1)}"
        found.append(f"with {spaces} before it, not {indents[0]}")
    return ", ".join(found)


def _line_after(number: int, said: list[canonical.Part]) -> int:
    if number < len(said):
        return said[number].line
    return said[-1].line if said else 1


def _lines(content: bytes, parts: list[canonical.Part]) -> list[tuple[int, str]]:
    """Return the lines of a file that these parts are in, each with its number."""
    lines = content.decode(errors="replace").split("\n")
    numbers = {
        number for part in parts for number in range(part.line, max(part.line, part.end) + 1)
    }
    return [
        (number, lines[number - 1].rstrip()) for number in sorted(numbers) if lines[number - 1 :]
    ]


def _quote(lines: list[tuple[int, str]]) -> str:
    quoted = textwrap.dedent("\n".join(text for _, text in lines[:MOST_LINES])).split("\n")
    if len(lines) > MOST_LINES:
        quoted.append(f"... ({len(lines) - MOST_LINES} more lines)")
    return "\n".join(quoted) if lines else NOTHING
