"""`check`: say how far a learner's folder is, what's wrong with it first, and what's next."""

import contextlib
import json as to_json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from course import chapters, console
from course.console import CourseError, say
from course.learner import (
    behaviour,
    differences,
    exercises,
    mistakes,
    own_tests,
    place,
    probe,
    project,
)
from course.learner import timeline as timelines
from course.learner.findings import Finding
from course.learner.project import Project
from course.learner.report import Report, looked_at
from course.learner.timeline import Timeline
from course.pages import file_tree
from course.pages.grammar import PageError

LOOK_AGAIN = 0.3  # seconds between two looks at a folder that's watched
AT_MOST = 3  # findings with --all
IN_A_REPLAY = "COURSE_REPLAY"  # set by the replay, which may be about to write the clone


def command(dir: str, run: bool, all: bool, watch: bool, json: bool, exercise: str | None) -> int:
    """Check the folder called `dir`, once or at every save; return the exit status.

    It's 0 if nothing is wrong, and 1 if something was found. Raises CourseError.
    """
    most = AT_MOST if all else 1

    def once() -> int:
        if exercise:
            return exercises.check(project.read(dir), exercise)
        report = examine(project.read(dir), run=run, most=most)
        return _print(report, most, json)

    return _watch(dir, once) if watch else once()


def examine(
    found: Project, *, run: bool = False, most: int = 1, prefix: Sequence[str] = ()
) -> Report:
    """Return what's to be said about a project. Nothing is written into its folder.

    With `run` it's also judged by behaviour. `most` is how many findings are looked for, and
    `prefix` is put before the programs that run the project's code. Raises CourseError.
    """
    findings = _edited_clone()
    timeline = _timeline()
    with ThreadPoolExecutor(1) as pool:
        packages = probe.site_packages(found.folder)
        probing = pool.submit(probe.look, found.files, found.package, prefix, packages)
        there = place.place(found, timeline)
        _check_is_a_project(found, there)
        mine = probing.result()
    if not findings and (failed := probe.installed(found.folder, found.files)):
        findings = [failed]
    if not findings and (failed := probe.compare(mine, probe.wanted(there.nearest.files))):
        findings = [failed]
    others = differences.findings(found, there, timeline)
    findings = [differences.with_the_page(each, there, others) for each in findings]
    if not findings or most > 1:
        findings += others
    findings = _explained(findings, found, there)[:most]
    report = Report(str(found.folder), there, timeline, findings, looked_at(findings, run))
    if run and (not findings or findings[0].rung == "text"):
        return _judged(report, found, most, prefix)
    return report


def _explained(findings: list[Finding], mine: Project, there: place.Place) -> list[Finding]:
    """Return the findings with the learner's paths, those of known mistakes with what's known."""
    known = partial(
        mistakes.explain,
        files=there.files,
        chapter=there.lesson,
        wanted=there.nearest.files,
        theirs=mine.theirs,
    )
    moved = {each.moved_from for each in there.differences} - {""}
    found: list[Finding] = []
    for each in findings:
        each = each if each.where in moved else known(each)
        if not each.mistake or each.mistake not in [other.mistake for other in found]:
            # One mistake may show in several ways.
            found.append(replace(each, where=mine.theirs(each.where)))
    return found


def _timeline() -> Timeline:
    try:
        return timelines.read(_tell)
    except PageError as error:
        raise CourseError(
            f"The clone's own pages can't be followed any more:\n{error}\nIf you've changed "
            f"something in the clone, put it back: git -C {chapters.ROOT} restore ."
        ) from None


def _tell(line: str) -> None:
    """Say why nothing happens for some seconds, to a person who's waiting."""
    if sys.stderr.isatty():
        sys.stderr.write(f"{line}\n")


def _judged(report: Report, mine: Project, most: int, prefix: Sequence[str]) -> Report:
    """Return the report with what came out of running the project.

    If it does all that the pages show, it may be written in another way.
    """
    progress = console.Progress()
    halt = threading.Event()

    def tell(title: str) -> None:
        progress.step("running", [title], None)

    there = report.place
    at_end = there.lesson in chapters.NAMES and there.done == there.steps and not there.skipped
    try:
        if at_end:
            judged = behaviour.at_end(there.files, there.lesson, halt, tell, prefix, most)
        else:
            judged = behaviour.judge_step(
                there.files, there.lesson, there.done, halt, tell, prefix, most
            )
        tests = None
        if at_end and not judged.findings:
            tell("the chapter's own tests")
            tested = own_tests.of_chapter(there.files, there.lesson)
            tests = tested.passed
            judged.findings += _failed_test(tested)
    finally:
        halt.set()
        progress.over("running")
    findings = [*report.findings, *judged.findings] if judged.findings else []
    return replace(
        report,
        findings=_explained(findings, mine, there)[:most],
        not_looked_at=[],
        conversations=judged.conversations + judged.hidden,
        tests=tests,
        otherwise=[] if findings else report.findings,
    )


def _failed_test(tested: own_tests.Tested) -> list[Finding]:
    if not tested.said:
        return []
    where, _, rest = tested.said.partition(": in ")
    return [
        Finding(
            "behaviour",
            where,
            rest or tested.said,
            "this test of the chapter passes",
            f"Read the test at {where}, and what it expects of your code",
        )
    ]


def _edited_clone() -> list[Finding]:
    """Return a finding if the clone's own projects were edited, which learners do by mistake."""
    if os.environ.get(IN_A_REPLAY):
        return []
    command = ["git", "-C", str(chapters.ROOT), "status", "--porcelain", "--", *chapters.NAMES]
    try:
        asked = subprocess.run(command, capture_output=True, text=True, timeout=5)
    except (OSError, subprocess.TimeoutExpired):
        return []
    edited = [line[3:] for line in asked.stdout.splitlines()]
    if asked.returncode or not edited:
        return []
    others = f" and {len(edited) - 1} more" if len(edited) > 1 else ""
    return [
        Finding(
            "folder",
            f"{chapters.ROOT}/{edited[0]}",
            f"{edited[0]}{others} in the clone isn't as the course has it",
            "only your own folder changes",
            "Copy your change into your own folder, then put the clone's file back: "
            f"git -C {chapters.ROOT} restore {edited[0]}",
        )
    ]


def _check_is_a_project(found: Project, there: place.Place) -> None:
    """Raise CourseError if nothing in the folder is on the pages."""
    if any(path in there.nearest.files for path in there.files):
        return
    inside = sorted(path for path in found.files if path.endswith("/manage.py"))
    if inside:
        folder = inside[0].removesuffix("/manage.py")
        raise CourseError(
            f"{found.folder} has no manage.py, but {folder}/ has one. If `django-admin "
            "startproject config .` was typed without its dot, move everything up: "
            f"mv {folder}/* . Otherwise name that folder."
        )
    raise CourseError(
        f"{found.folder} has no file that's on the course's pages. Name the folder with your "
        "manage.py: type `pwd` in your server's terminal to find out."
    )


def _print(report: Report, most: int, json: bool) -> int:
    say(to_json.dumps(report.as_json(), indent=2) if json else report.as_text(most))
    return int(bool(report.findings))


def _watch(dir: str, answer: Callable[[], int]) -> int:
    """Answer now, and whenever a file in the folder has changed, until Ctrl-C. Returns 0."""
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            before = _state(dir)
            try:
                answer()
            except CourseError as error:
                say(str(error))
            now = time.strftime("%H:%M:%S")
            say(f"\n{now}  Save a file to check again, or stop with Ctrl-C.\n")
            while _state(dir) == before:
                time.sleep(LOOK_AGAIN)
    say("")
    return 0


def _state(dir: str) -> file_tree.Tree:
    """Return the folder's files, or nothing if they can't be read just now."""
    try:
        return project.read(dir).files
    except CourseError:
        return {}
