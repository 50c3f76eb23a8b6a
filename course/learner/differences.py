"""Turn what differs from the nearest state into findings: the first such lines of each file."""

import difflib
from dataclasses import replace

from course import chapters
from course.learner import canonical
from course.learner.findings import Finding
from course.learner.place import Difference, Place, StepName
from course.learner.project import Project
from course.learner.timeline import Timeline
from course.pages import headings

NOTHING = "(nothing)"
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
        if path and other.where.rpartition(":")[0] == path:
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
    if each.path not in place.files:
        return Finding("text", path, "there's no such file", f"{where} has it", f"Do {compare}")
    if each.path not in place.nearest.files:
        return Finding(
            "text",
            path,
            "it's there",
            "there's no such file at this step",
            f"Compare with {compare}",
        )
    line, yours, page = _first(each, place)
    return Finding("text", f"{path}:{line}", yours, page, f"Compare with {compare}")


def _last_step(path: str, place: Place, timeline: Timeline) -> StepName:
    """Return the last step, up to the nearest state, that changes the file."""
    for lesson in reversed([*timeline.steps]):
        for step in reversed(timeline.steps[lesson]):
            early = lesson != place.lesson or step.number <= place.done
            if early and path in step.paths and _leads_to(lesson, place.lesson):
                return lesson, step.number
    return place.lesson, place.done


def _leads_to(lesson: str, end: str) -> bool:
    while lesson != end:
        if (before := chapters.before(end)) is None:
            return False
        end = before
    return True


def _first(each: Difference, place: Place) -> tuple[int, str, str]:
    """Return the learner's line where the files begin to differ, and both sides' lines there."""
    mine, theirs = place.files[each.path], place.nearest.files[each.path]
    if each.path.endswith(".py") and not canonical.is_readable(each.path, mine):
        said, shown = canonical.lines(mine), canonical.lines(theirs)
    else:
        said, shown = canonical.parts(each.path, mine), canonical.parts(each.path, theirs)
    matcher = difflib.SequenceMatcher(
        None, [part.text for part in said], [part.text for part in shown], autojunk=False
    )
    found = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            continue
        counted = {part.text for part in said[a:b]} & each.extra
        counted |= {part.text for part in shown[c:d]} & each.missing
        found.append((not counted, a, b, c, d))
    if not found:
        return 1, "(the same in another order)", "(see the page)"
    _, a, b, c, d = min(found)
    yours, page = _lines(mine, said[a:b]), _lines(theirs, shown[c:d])
    # Of a statement over several lines, only what differs is shown.
    while len(yours) == len(page) > 1 and yours[0][1] == page[0][1]:
        yours, page = yours[1:], page[1:]
    while len(yours) == len(page) > 1 and yours[-1][1] == page[-1][1]:
        yours, page = yours[:-1], page[:-1]
    after = said[a].line if a < len(said) else (said[-1].line if said else 1)
    return yours[0][0] if yours else after, _quote(yours), _quote(page)


def _lines(content: bytes, parts: list[canonical.Part]) -> list[tuple[int, str]]:
    """Return the lines of a file that these parts are in, each with its number."""
    lines = content.decode(errors="replace").split("\n")
    numbers = {
        number for part in parts for number in range(part.line, max(part.line, part.end) + 1)
    }
    return [
        (number, lines[number - 1].strip()) for number in sorted(numbers) if lines[number - 1 :]
    ]


def _quote(lines: list[tuple[int, str]]) -> str:
    quoted = [text for _, text in lines[:MOST_LINES]]
    if len(lines) > MOST_LINES:
        quoted.append(f"... ({len(lines) - MOST_LINES} more lines)")
    return "\n".join(quoted) or NOTHING
