"""Make every known mistake, and see that a test fails and that the mistake is named, and no other.

The tests and the probes of all chosen mistakes run beforehand, a few at a time.
"""

import functools
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from course import chapters, processes
from course.console import CourseError
from course.learner import check, exercises, mistakes, project, timeline
from course.learner.findings import Finding
from course.pages import file_tree, matching
from course.replay import recordings
from course.tasks import services, suites
from tests.learner.test_exercises import solve
from tests.support.sample import sample

AT_ONCE = 4  # some of the tests wait for a frame that never comes
# No test uses anyio, whose plugin takes a third of pytest's start.
OPTIONS = [*suites.OPTIONS, "-p", "no:anyio", "-x", "--tb=short"]
KNOWN = mistakes.load()
MADE = sample(KNOWN, lambda name: KNOWN[name].chapter)
TESTED = {name: KNOWN[name] for name in MADE if KNOWN[name].test}
NOTHING = Finding("text", "", "", "", "")


def folder(chapter):
    return file_tree.read(chapters.folder(chapter))


def made(name):
    return KNOWN[name].make(folder(KNOWN[name].chapter))


def chosen(request):
    """Return the mistakes that this run is about, those with long tests first."""
    specs = [item.callspec for item in request.session.items if hasattr(item, "callspec")]
    names = {spec.params.get("name") for spec in specs} & KNOWN.keys()
    return sorted(names, key=lambda name: KNOWN[name].chapter, reverse=True)


@pytest.fixture(scope="module")
def browser():
    """The variable that names a browser; nothing if there is none."""
    try:
        return {"CHROMIUM": services.browser(os.environ)}
    except CourseError:
        return {}


def run(files, tests, variables):
    """Run some tests of a project; return pytest's exit status and what it printed."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        file_tree.write(files, Path(scratch))
        ended = subprocess.run(
            [sys.executable, "-B", "-m", "pytest", *OPTIONS, *tests],
            cwd=scratch,
            env=processes.project_env(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    return ended.returncode, ended.stdout


@pytest.fixture(scope="module")
def ran(request, browser):
    """What came of each mistake's test, and of those of each chapter without any mistake."""
    names = [name for name in chosen(request) if name in TESTED]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        work = {name: pool.submit(run, made(name), [TESTED[name].test], browser) for name in names}
        for chapter in {TESTED[name].chapter for name in names}:
            tests = sorted({each.test for each in TESTED.values() if each.chapter == chapter})
            if not browser:
                tests = [test for test in tests if "test_browser" not in test]
            work[chapter] = pool.submit(run, folder(chapter), tests, browser)
        yield {name: future.result() for name, future in work.items()}


@pytest.fixture(scope="module")
def findings(request):
    """What `check` finds first in each mistake's project."""
    with ThreadPoolExecutor(2) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            timeline, "read", functools.cache(timeline.read)
        )  # the pages stay as they are
        work = {name: pool.submit(check_first, made(name)) for name in chosen(request)}
        yield {name: future.result() for name, future in work.items()}


def check_first(files, package="config"):
    found = project.Project(Path("my-chat"), files, package)
    (finding,) = check.examine(found).findings
    return finding


@pytest.mark.parametrize("name", TESTED)
def test_a_test_of_the_chapter_fails_with_the_mistake_and_passes_without_it(name, ran, browser):
    if "test_browser" in TESTED[name].test and not browser:
        pytest.skip("no Chromium or Chrome can be started")
    status, printed = ran[name]
    assert status != 0, printed
    status, printed = ran[TESTED[name].chapter]
    assert status == 0 and "skipped" not in printed, printed


@pytest.mark.parametrize("name", MADE)
def test_mistake_is_named_and_no_other(name, findings):
    finding, mistake = findings[name], KNOWN[name]
    assert finding.mistake == name
    assert (finding.do, finding.entry) == (mistake.says, mistake.entry)
    files, wanted = made(name), folder(mistake.chapter)
    if finding.rung == "text":
        path = finding.where.partition(":")[0]
        files = {path: files[path]}
    named = mistakes.candidates(finding, files, mistake.chapter, wanted)
    assert [each.id for each in named] == [name], finding


def test_learner_whose_package_is_called_mysite_is_sent_to_their_own_file():
    files = {
        path.replace("config/", "mysite/"): content.replace(b"config.", b"mysite.")
        for path, content in made("daphne-missing").items()
    }
    finding = check_first(files, "mysite")
    assert finding.mistake == "daphne-missing"
    assert finding.where.startswith("mysite/settings.py:")


@pytest.fixture(scope="module")
def states():
    """Each file that the pages have in some state, and the names of those states.

    Like {(lesson, path, content): {titles of steps}}; a chapter's end has the chapter's name.
    """
    found = {}
    for lesson in chapters.with_pages():
        for snapshot in recordings.read(lesson).snapshots:
            for path, content in snapshot.files.items():
                found.setdefault((lesson, path, content), set()).add(snapshot.title)
    for chapter in chapters.NAMES:
        for path, content in folder(chapter).items():
            found.setdefault((chapter, path, content), set()).add(chapter)
    return found


@pytest.mark.parametrize("name", KNOWN)
def test_mistake_is_named_in_none_of_the_pages_own_states(name, states):
    # Without the page's own state to compare with, which would excuse every one of these.
    named = set()
    for (lesson, path, content), titles in states.items():
        if KNOWN[name].place(NOTHING, {path: content}, lesson) is not None:
            named |= titles
    assert named == set(KNOWN[name].steps)


@pytest.mark.parametrize("exercise", exercises.names())
def test_solution_of_an_exercise_is_no_mistake(exercise):
    exercise = exercises.find(exercise)
    files = solve(exercise)
    named = [
        name
        for name, mistake in KNOWN.items()
        if mistake.place(NOTHING, files, exercise.chapter) is not None
    ]
    assert named == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, mistake in TESTED.items()
        if any(symptom.rung == "behaviour" for symptom in mistake.shows)
    ],
)
def test_mistake_is_recognised_by_what_the_server_says(name, ran):
    lines = [line.strip() for line in matching.lines(ran[name][1])]
    lines.append(mistakes.entries()[KNOWN[name].entry])  # whose message is provoked for real
    for symptom in KNOWN[name].shows:
        if symptom.rung == "behaviour":
            message = f"...{symptom.message.removeprefix('...')}"
            assert any(matching.line_matches(message, line) for line in lines), ran[name][1]
