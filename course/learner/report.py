"""What `check` says about a project, as text and as JSON."""

import textwrap
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from course import chapters
from course.learner import differences
from course.learner.findings import RUNGS, Finding
from course.learner.place import Place, StepName
from course.learner.timeline import Timeline

VERSION = 1  # of the JSON; a key that changes its meaning makes it 2
WIDTH = 88
TROUBLESHOOTING = "docs/reference/troubleshooting.md"


@dataclass(frozen=True)
class Report:
    """How far a project is, what was found, and which rungs weren't looked at.

    `conversations` and `tests` count what went as it should with `--run`; None means that it wasn't
    asked. `otherwise` is what's written differently from the pages and does the same.
    """

    folder: str
    place: Place
    timeline: Timeline = field(repr=False)
    findings: list[Finding]
    not_looked_at: list[str]
    conversations: int | None = None
    tests: int | None = None
    otherwise: list[Finding] = field(default_factory=list)

    @property
    def following(self) -> StepName | None:
        """The step to do next, or None at the end of the course or of a guide."""
        if step := self.place.next:
            return step
        names = chapters.NAMES
        if self.place.lesson not in names[:-1]:
            return None
        return names[names.index(self.place.lesson) + 1], 1

    @property
    def passed(self) -> bool:
        """Whether a lesson is finished, and everything in it went as it should."""
        return self.place.finished and not self.findings and self.conversations is not None

    def as_json(self) -> dict:
        place, following = self.place, self.following
        return {
            "version": VERSION,
            "folder": self.folder,
            "lesson": place.lesson,
            "steps": place.steps,
            "done": place.done,
            "first": place.first,
            "skipped": [_step_json(step) for step in place.skipped],
            "begun": place.begun,
            "ahead": [_step_json(step) for step in place.ahead],
            "ahead_files": {path: _step_json(step) for path, step in place.ahead_files.items()},
            "section": place.section,
            "finished": place.finished,
            "passed": self.passed,
            "next": following and self._step(following),
            "findings": [each.as_json() for each in self.findings],
            "otherwise": [each.as_json() for each in self.otherwise],
            "not_looked_at": self.not_looked_at,
            "conversations": self.conversations,
            "tests": self.tests,
        }

    def as_text(self, most: int) -> str:
        """Return what a person reads: where they are, findings (`most` at most), what's next."""
        lines = [self._where()]
        if self.place.section:
            lines.append(
                f"You're in the section *{self.place.section}*, which changes files for a while."
            )
        for path, step in self.place.ahead_files.items():
            lines.append(f"{path} is already as after {_name(step, self.place.lesson)}.")
        for each in self.findings[:most]:
            lines += ["", as_lines(each)]
        if self.findings and self.not_looked_at:
            lines += ["", f"Not looked at yet: {_listed(self.not_looked_at)}."]
        elif not self.findings:
            lines += [
                f"{each.where} isn't as on the page, but your project does all that the page shows."
                for each in self.otherwise
            ]
            lines += self._next()
        return "\n".join(lines)

    def _where(self) -> str:
        place = self.place
        title = lesson_title(place.lesson)
        if self.passed:
            counted = f"{place.steps} steps, {self.conversations} conversations"
            return f"Yes, {_lower(title)} is finished: {counted}, {self.tests} tests."
        if place.finished:
            return f"{title}: all {place.steps} steps are done."
        if not place.done:
            done = f"{title}: none of the {place.steps} steps is done"
        else:
            steps = {1: "step 1", 2: "steps 1 and 2"}.get(place.done, f"steps 1 to {place.done}")
            if place.first != place.done:
                steps = f"steps 1 to {place.first} or {place.done}"
            done = f"{title}: {steps} of {place.steps} {'is' if place.done == 1 else 'are'} done"
        if place.skipped:
            names = _listed([_name(step, place.lesson) for step in place.skipped])
            done += f", but {names} {'is' if len(place.skipped) == 1 else 'are'} missing"
        if place.begun:
            done += (
                f", and step {place.begun} is half done"
                if place.done
                else f", and step {place.begun} is begun"
            )
        if place.ahead:
            names = _listed([_name(step, place.lesson) for step in place.ahead])
            done += f"; you're ahead with {names}"
        return done + "."

    def _next(self) -> list[str]:
        if not self.following:
            return self._guides()
        step = self.timeline.step(*self.following)
        name = _name(self.following, self.place.lesson)
        where = _listed(self._files(self.following))
        return [
            f"Next: {name}, {step.title}{', in ' * bool(where)}{where}",
            f"  {differences.link(*self.following, self.timeline)}",
        ]

    def _guides(self) -> list[str]:
        """Return which guides go on from here."""
        here = self.place.lesson
        guides = [name for name in chapters.with_pages() if name in chapters.GUIDES]
        pages = [chapters.pages(name)[0] for name in guides if chapters.before(name) == here]
        if not pages:
            return []
        listed = [f"  {page.relative_to(chapters.ROOT)}" for page in pages]
        last = "That was the last chapter. " if here == chapters.NAMES[-1] else ""
        goes = "A guide goes" if len(pages) == 1 else "Guides go"
        return [f"{last}{goes} on from here:", *listed]

    def _files(self, step: StepName) -> list[str]:
        """Return the files that a step changes and that aren't as it leaves them yet."""
        after = [
            each.files
            for each in self.timeline.positions
            if (each.lesson, each.step) == step and not each.inside and not each.section
        ]
        paths = self.timeline.step(*step).paths
        left = [path for path in paths if self.place.files.get(path) != after[0].get(path)]
        if len(left) > 4:
            folders = sorted({str(PurePosixPath(path).parent) for path in left} - {"."})
            return [f"{len(left)} files"] if len(folders) != 1 else [f"{folders[0]}/"]
        return left

    def _step(self, step: StepName) -> dict:
        found = self.timeline.step(*step)
        return {
            **_step_json(step),
            "title": found.title,
            "files": list(found.paths),
            "page": differences.link(*step, self.timeline),
        }


def as_lines(finding: Finding) -> str:
    """Return a finding's four lines: where, yours, the page's, and what to do."""
    do = finding.do
    if finding.entry:
        do += f" More: {TROUBLESHOOTING}#{finding.entry}"
    rows = [("yours", finding.yours), ("page", finding.page), ("do", do)]
    lines = [finding.where or "the project"]
    for name, text in rows:
        first, *rest = text.split("\n") if name != "do" else _wrapped(text)
        lines.append(f"  {name + ':':<7}{first}")
        lines += [f"         {line}".rstrip() for line in rest]
    return "\n".join(lines)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]


def lesson_title(lesson: str) -> str:
    """Return what people call a lesson: `Chapter 3`, or the name of a guide or first look."""
    if lesson in chapters.NAMES:
        return f"Chapter {chapters.NAMES.index(lesson) + 1}"
    return lesson.replace("_", " ").capitalize()


def looked_at(findings: list[Finding], run: bool) -> list[str]:
    """Return the rungs above the lowest finding, which weren't looked at."""
    rungs = RUNGS if run else RUNGS[:-1]
    if not findings:
        return []
    return rungs[rungs.index(findings[0].rung) + 1 :] if findings[0].rung in rungs else []


def _name(step: StepName, lesson: str) -> str:
    if step[0] == lesson:
        return f"step {step[1]}"
    return f"{_lower(lesson_title(step[0]))}, step {step[1]}"


def _lower(title: str) -> str:
    """Return a title as it's written within a sentence."""
    return title[0].lower() + title[1:]


def _step_json(step: StepName) -> dict:
    return {"lesson": step[0], "step": step[1]}


def _listed(words: list[str]) -> str:
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
