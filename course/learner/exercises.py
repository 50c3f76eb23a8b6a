"""The exercises: list them, start one, check a project against one, and give hints.

Each is a Markdown file in `exercises/`, in the dialect of the pages. Its sections are `Task`,
`Hints` (a list of three), `Visible test` (the file tests/test_exercise.py), `Hidden test: WHAT` (as
many as it takes: commands and conversations with a running server, which any right solution
passes), and `Solution` (blocks that change the end of the chapter).
"""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course import chapters, console
from course.console import CourseError
from course.learner import judge, own_tests
from course.learner.own_tests import IN_THE_COPY
from course.learner.project import Project
from course.pages import file_tree, grammar
from course.replay import checkout, recordings
from course.replay.shell import NO_BROWSER

FOLDER = chapters.ROOT / "exercises"
VISIBLE = "tests/test_exercise.py"
TASK = "TASK.md"
HIDDEN = "Hidden test: "

# The replay speaks to authors of pages; an exercise's file isn't what a learner is to read.
WORDS = {
    "The page shows": "The exercise expects",
    "the page doesn't show": "the exercise doesn't expect",
    "than the page shows": "than the exercise expects",
    "shown is": "expected",
}


@dataclass(frozen=True)
class Exercise:
    """An exercise: its Markdown, and by their titles the sections that it consists of."""

    name: str
    path: Path
    text: str
    sections: dict[str, grammar.Step]

    @property
    def title(self) -> str:
        return self.text.partition("\n")[0].removeprefix("# ")

    @property
    def chapter(self) -> str:
        return chapters.find(self.name[:2])

    @property
    def task(self) -> str:
        return self._below("Task")

    @property
    def hints(self) -> list[str]:
        items = re.split(r"^\d\. ", self._below("Hints"), flags=re.MULTILINE)
        return [item.strip() for item in items[1:]]

    @property
    def visible_test(self) -> bytes:
        """The file that learners get as tests/test_exercise.py."""
        [block] = self.sections["Visible test"].blocks
        return block.text.encode()

    @property
    def hidden_tests(self) -> list[grammar.Step]:
        return [step for title, step in self.sections.items() if title.startswith(HIDDEN)]

    def _below(self, title: str) -> str:
        lines = self.text.split("\n")[self.sections[title].line :]
        end = next((n for n, line in enumerate(lines) if line.startswith("## ")), len(lines))
        return "\n".join(lines[:end]).strip()


@dataclass(frozen=True)
class Result:
    """How one part of a check went; `said` is what failed, in lines, or "" if it passed."""

    what: str
    said: str


def names() -> list[str]:
    """Return the names of all exercises, such as "03_who_joined", in the chapters' order."""
    return sorted(path.stem for path in FOLDER.glob("*.md"))


def find(name: str) -> Exercise:
    """Return the exercise of that name. Raises CourseError, which lists those of its chapter."""
    if name not in names():
        near = [each for each in names() if each[:2] == name[:2]] or names()
        raise CourseError(f"There is no exercise {name!r}. There are: {', '.join(near)}.")
    path = FOLDER / f"{name}.md"
    page = grammar.read(path)
    sections = {step.title: step for step in page.steps}
    return Exercise(name, path, path.read_text(encoding="utf-8"), sections)


def command(exercise: str | None, to: Path | None) -> None:
    """List the exercises, show the task of one, or write the project to start from into `to`.

    Raises CourseError.
    """
    if exercise is None:
        if to:
            raise CourseError("Name an exercise as well: make exercise lists them.")
        width = max(map(len, names()))
        for name in names():
            console.say(f"  {name:<{width}}  {find(name).title}")
        console.say("\nThe task of one: make exercise EXERCISE=01_suggested_rooms")
        return
    found = find(exercise)
    if to is None:
        console.say(f"{found.title}\n\n{found.task}\n\n{_how_to_start(found)}")
        return
    files = start_of(found)
    checkout.write_project(files, to)
    console.say(f"{to} now contains the end of {found.chapter}, {VISIBLE} and {TASK}.")
    console.say(f"\nNext:\n\n{checkout.advice(files, to)}\n\n{found.title}\n\n{found.task}\n")
    console.say(
        f"When you think it works: make check DIR={shlex.quote(str(to))} EXERCISE={found.name}"
    )


def hint(exercise: str) -> None:
    """Show the hints for an exercise: one for each check of it that failed. Raises CourseError."""
    found = find(exercise)
    count = failed_checks(found)
    if not count:
        raise CourseError(
            f"Hints come after a check that failed: make check DIR=~/exercise EXERCISE={found.name}"
        )
    for number, text in enumerate(found.hints[:count], start=1):
        console.say(f"Hint {number} of {len(found.hints)}: {text}\n")
    if count >= len(found.hints):
        console.say(f"There are no more hints. The solution is in {_shown(found.path)}.")


def check(project: Project, name: str) -> int:
    """Check a learner's project against the exercise of that name, and say what passed.

    Returns the exit status: 0 if all of it passed. Raises CourseError.
    """
    found = find(name)
    console.say(f"{found.title} ({found.name})\n")
    results = check_exercise(project, found, console.say)
    if not results[-1].said:
        console.say("\nWell done: that's the exercise. The course's own solution, to compare:")
        console.say(_shown(found.path))
        return 0
    _count_failed_check(found)
    console.say(f"\nA hint: make hint EXERCISE={found.name}")
    return 1


def check_exercise(
    project: Project, exercise: Exercise, say: Callable[[str], None] = lambda line: None
) -> list[Result]:
    """Return how a project did: its visible test, its hidden tests, and the chapter's own tests.

    All of it happens in a copy, up to the first that fails; each is reported to `say` as it ends.
    """
    results = []
    for result in _parts(project.as_on_the_pages(), exercise):
        results.append(result)
        say(f"  {'failed' if result.said else 'passed'}  {result.what}")
        if result.said:
            say("\n" + "\n".join(f"    {line}".rstrip() for line in result.said.split("\n")))
            break
    return results


def _parts(files: file_tree.Tree, exercise: Exercise):
    """Yield the results of the parts of a check."""
    with judge.workshop(with_tests(files, exercise)) as there:
        yield Result("the visible test", own_tests.run(there, VISIBLE).said)
        for outcome in judge.judge(there, exercise.hidden_tests):
            what = outcome.section.title.removeprefix(HIDDEN)
            yield Result(f"hidden test: {what}", explain(outcome))
        own = own_tests.run(there, all_but_visible()).said
        yield Result(f"the own tests of {exercise.chapter}", own)


def with_tests(files: file_tree.Tree, exercise: Exercise) -> file_tree.Tree:
    """Return a project with the chapter's own tests and the visible test in place of its own."""
    return own_tests.with_tests(files, exercise.chapter) | {VISIBLE: exercise.visible_test}


def all_but_visible() -> str:
    """Return what pytest is told to run a chapter's own tests."""
    return f"{NO_BROWSER} --ignore={VISIBLE}"


def start_of(exercise: Exercise) -> file_tree.Tree:
    """Return the files to start from: the end of the chapter, the visible test, and the task."""
    task = f"# {exercise.title}\n\n{exercise.task}\n\n{_how_to_check(exercise)}\n"
    end = file_tree.read(chapters.folder(exercise.chapter))
    return end | {VISIBLE: exercise.visible_test, TASK: task.encode()}


def explain(outcome: judge.Outcome) -> str:
    """Return "", or the conversation up to the line that failed and what was different there."""
    if not outcome.said:
        return ""
    block = [each for each in outcome.section.blocks if each.line <= outcome.line][-1]
    shown = block.text.rstrip("\n").split("\n")[: max(1, outcome.line - block.line)]
    said = outcome.said
    for ours, theirs in WORDS.items():
        said = said.replace(ours, theirs)
    return IN_THE_COPY.sub("", "\n".join([*shown, "", said]))


def failed_checks(exercise: Exercise) -> int:
    """Return how many checks of the exercise have failed in this clone."""
    path = _count(exercise)
    return path.stat().st_size if path.exists() else 0


def _count_failed_check(exercise: Exercise) -> None:
    path = _count(exercise)
    path.parent.mkdir(parents=True, exist_ok=True)
    # A byte for each: two checks at the same time can't lose one, as they could with a number.
    with path.open("ab", buffering=0) as file:
        file.write(b".")


def _count(exercise: Exercise) -> Path:
    return chapters.ROOT / recordings.FOLDER / "failed_checks" / exercise.name


def _how_to_start(exercise: Exercise) -> str:
    return f"To start: make exercise EXERCISE={exercise.name} TO=~/exercise"


def _how_to_check(exercise: Exercise) -> str:
    return (
        f"Check it in the course's clone with `make check DIR=~/exercise EXERCISE={exercise.name}`."
        f" After a check that failed, `make hint EXERCISE={exercise.name}` helps."
    )


def _shown(path: Path) -> str:
    return str(path.relative_to(chapters.ROOT))
