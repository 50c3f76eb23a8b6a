"""Judge one submission, in a process of its own: `python -m course.learner.marking`."""

import re
from dataclasses import asdict
from pathlib import Path

from course import chapters
from course.console import CourseError
from course.learner import behaviour, loading, mistakes, probe, project, sandbox, timeline
from course.learner import place as places
from course.learner.findings import Finding
from course.learner.place import Place
from course.learner.project import Project
from course.pages import file_tree
from course.pages.matching import Mismatch

TRIES = 2  # a submission passes if it does everything once; a busy machine may spoil one try
LONGEST = 2_000  # characters of what's quoted
NESTED = 2  # folders that may be around a project, as archives make them

_STEP = re.compile(r"step (\d+), “")


def mark(found: Project, chapter: str, prefix: list[str]) -> dict:
    """Return what marks.Mark takes, except for name and seconds, for a project.

    Raises CourseError if it can't be judged.
    """
    every = timeline.read()
    files = found.as_on_the_pages(content for _, content in every.said)
    first = None
    for _ in range(TRIES):
        judged = behaviour.at_end(files, chapter, prefix=prefix, ask_ours=False)
        if judged.passed:
            return {"verdict": "passed"}
        if not judged.findings:
            raise CourseError("It was only judged in part.")
        first = first or judged.findings[0]
    wanted = probe.Probed((), None, project.PACKAGE, {})  # the page's project has no such findings
    first = probe.compare(probe.look(files, project.PACKAGE, prefix), wanted) or first
    first = mistakes.explain(first, files, chapter, every.end(chapter).files)
    lesson, number = _stops_at(places.place(found, every), chapter, first)
    title = every.step(lesson, number).title if number else ""
    return {
        "verdict": "stops",
        "lesson": lesson,
        "step": number,
        "title": title,
        "finding": {name: _cut(value) for name, value in asdict(first).items()},
    }


def _project(job: dict) -> Project:
    """Return the project that a job names, or the course's own if it names no folder."""
    if job["folder"]:
        return _read(Path(job["folder"]))
    folder = chapters.folder(job["chapter"])
    return Project(folder, file_tree.read(folder), project.PACKAGE)


def _read(folder: Path) -> Project:
    """Return the project in the folder, or in the only folder below it that has a manage.py.

    What's only linked to isn't the submission's, so it's left out. Raises CourseError.
    """
    if not (folder / "manage.py").is_file():
        depths = ["*/" * depth + "manage.py" for depth in range(1, NESTED + 1)]
        inner = [path for depth in depths for path in folder.glob(depth) if path.is_file()]
        inner = [
            path for path in inner if path.resolve() == folder.resolve() / path.relative_to(folder)
        ]
        if len(inner) == 1:
            folder = inner[0].parent
    if not any(folder.iterdir()):
        raise CourseError("It's an empty folder.")
    found = project.read(str(folder))
    files = {
        name: content for name, content in found.files.items() if not (folder / name).is_symlink()
    }
    if not any(name.endswith(".py") for name in files):
        archives = sorted(name for name in files if name.endswith((".zip", ".gz", ".tar", ".tgz")))
        archives += sorted(path.name for path in folder.glob("*.zip"))
        if archives:
            raise CourseError(f"{archives[0]} isn't unpacked yet. Unpack it there.")
        raise CourseError("It has no Python files.")
    return Project(found.folder, files, project.package_of(files))


def _stops_at(where: Place, chapter: str, finding: Finding) -> tuple[str, int]:
    """Return the lesson and the number of the step where a submission stops, or 0 if none is known.

    That's the first that's missing by its files, or whose conversation fails.
    """
    names = [*chapters.lessons()]
    if names.index(where.lesson) < names.index(chapter):
        return where.next or (chapter, 1)
    steps = []
    if where.lesson == chapter and where.next and where.next[0] == chapter:
        steps.append(where.next[1])
    if match := _STEP.match(finding.yours):
        steps.append(int(match[1]))
    if steps:
        return chapter, min(steps)
    known = [each.step for each in where.differences if each.step]
    own = [step for step in known if step[0] == chapter]
    return next(iter([*own, *known]), (chapter, 0))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[:LONGEST] + " ..."


def _main() -> None:
    with sandbox.judge([Path(loading.__file__)]) as (job, prefix, verdict):
        try:
            found = mark(_project(job), job["chapter"], prefix)
        except CourseError as error:
            found = {"stopped": str(error)}
        except Mismatch as mismatch:
            found = {"stopped": f"Its programs can't be run: {mismatch}."}
        except OSError as error:
            found = {"stopped": f"It can't be read: {error}."}
        except Exception as error:  # one bad submission never stops the others
            found = {"stopped": f"The judge can't go on: {type(error).__name__}: {error}"[:500]}
        verdict(found)


if __name__ == "__main__":
    _main()
