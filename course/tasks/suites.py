"""Run the suites, a few at a time: a line as each ends, a table, and one last line."""

import ast
import contextlib
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from course import chapters, console, processes
from course.console import CourseError
from course.processes import Process
from course.tasks import services

AT_ONCE = (os.cpu_count() or 1) + 1  # each waits for a part of its time
LIMIT = 900  # seconds that a suite may take; some need half of it on a machine that does more
REPLAY = "tests/tools/replay"
# What takes longest begins, so that none of it runs alone at the end.
FIRST = [
    "exercises",
    "mistakes",
    "site_pages",
    "troubleshooting",
    "storage",
    "tools",
    "replay",
    "06 in a browser",
    "chapters",
    "06_conversations_auth",
]
GRACE = 10  # seconds that an interrupted suite has to put its own things away
SHARED = "COURSE_SHARED"  # the variable that names a folder for what suites share in one run
SHUFFLE = "SHUFFLE"  # the variable with a seed for the order of the tests

# Set by the make that runs this, or for another project's tests, these would change what a suite
# tests.
DROPPED = ["CHROMIUM", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTEST_ADDOPTS"]
# No cache: it would be in a folder that a page is compared with. The later kind of report has no
# place for a test's figures. Hypothesis's plugin loads all of Hypothesis at the end, used or not:
# most of a second. A test that hangs shows where before its whole suite is stopped.
OPTIONS = [
    *["-q", "--color=no", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"],
    *["-o", "junit_family=xunit1", "-o", f"faulthandler_timeout={LIMIT / 3:g}"],
]


@dataclass(frozen=True)
class Suite:
    """A folder in which pytest runs, and its arguments (none: everything it finds)."""

    name: str
    folder: Path
    arguments: tuple[str, ...] = ()


@dataclass
class Result:
    """How a suite ended. `problem` is what went wrong besides tests, `output` what it printed."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    reasons: Counter = field(default_factory=Counter)
    figures: list[tuple[str, list[str]]] = field(default_factory=list)  # a test, what it counted
    problem: str | None = None
    output: str = ""


class Running:
    """A running suite. Creating it starts it; its log and report are files in `scratch`."""

    def __init__(self, suite: Suite, environment: dict[str, str], scratch: Path):
        self.suite = suite
        self.report = scratch / f"{suite.name}.xml"
        self.began = time.monotonic()
        options = OPTIONS
        if environment.get(SHUFFLE):
            # A chapter's suite runs in its folder, and finds nothing of this one.
            options = [*OPTIONS, "-p", "shuffled"]
            environment = {**environment, "PYTHONPATH": str(chapters.ROOT / "tests" / "support")}
        self.process = Process(
            [*_pytest(*options), f"--junitxml={self.report}", *suite.arguments],
            folder=suite.folder,
            environment=environment,
            log=scratch / f"{suite.name}.log",
        )

    def seconds(self) -> float:
        return time.monotonic() - self.began

    def result(self, limit: float) -> Result:
        """End what still runs, and return how the suite ended."""
        late = not self.process.ended()
        self.process.end(GRACE)
        result = Result("")
        # A suite that was stopped reports the test it was stopped in as one that passed.
        if not late:
            with contextlib.suppress(OSError, ElementTree.ParseError):
                result = read_report(self.report)
        result.name = self.suite.name
        result.seconds = self.seconds()
        result.output = self.process.printed()
        if late:
            result.problem = f"it took longer than {limit:g} s and was stopped"
        else:
            result.problem = _problem(self.process.popen.returncode, result)
        if result.problem:
            result.failed = max(result.failed, 1)
        return result


def test_all() -> int:
    """Run the suites of the six chapters, of what holds in all of them, and of the tools."""
    root = chapters.ROOT
    tools = [
        Suite("replay", root, (REPLAY,)),
        Suite("tools", root, ("tests/tools", f"--ignore={REPLAY}")),
    ]
    return run_suites([*of_chapters(), *tools])


def test_chapters() -> int:
    """Run the suites of the six chapters, and of what holds in all of them."""
    return run_suites(of_chapters())


def of_chapters() -> list[Suite]:
    """Return the chapters' suites, and that of what holds in all of them."""
    own = [suite for name in chapters.NAMES for suite in of_chapter(name)]
    return [*own, Suite("chapters", chapters.ROOT, ("tests/chapters",))]


def of_chapter(name: str) -> list[Suite]:
    """Return a chapter's suite. The last chapter's tests in a browser are a second one."""
    folder = _folder(name)
    if name != chapters.NAMES[-1]:
        return [Suite(name, folder)]
    files = sorted(folder.glob("tests/test_*.py"))
    names = [f"tests/{file.name}" for file in files if "playwright" in file.read_text("utf-8")]
    others = Suite(name, folder, tuple(f"--ignore={name}" for name in names))
    return [others, Suite(f"{name[:2]} in a browser", folder, tuple(names))]


def test(chapter: str, more: list[str]) -> int:
    """Run a chapter's suite with pytest's own output; return pytest's exit status.

    `more` are words for pytest.
    """
    return run_suite(_folder(chapter), more)


def test_docs() -> int:
    """Run the tests of the site, its pictures and its messages, a suite for each file."""
    return run_suites(of_files("site"))


def test_faults() -> int:
    """Run the tests that break servers, networks and databases, a suite for each file."""
    services.postgres_programs()  # installed before the suites start, where that's allowed
    return run_suites(of_files("faults"))


def test_cluster() -> int:
    """Run the tests that break a cluster while a crowd talks on it."""
    services.postgres_programs()
    return run_suites(of_files("cluster"))


def test_learner() -> int:
    """Run the tests of what learners are told, a suite for each file."""
    return run_suites(of_files("learner"))


def test_grade() -> int:
    """Run the tests that mark made submissions, hostile ones among them."""
    return run_suites(of_files("grade"))


def test_zensical() -> int:
    """Build the site with Zensical, and compare its pages with those that MkDocs makes."""
    return run_suites(of_files("zensical"))


def of_files(folder: str) -> list[Suite]:
    """Return a suite for each file of tests in that folder below tests/."""
    paths = sorted(chapters.ROOT.glob(f"tests/{folder}/test_*.py"))
    return [
        Suite(path.stem.removeprefix("test_"), chapters.ROOT, (f"tests/{folder}/{path.name}",))
        for path in paths
    ]


def run_suites(suites: list[Suite]) -> int:
    """Run the suites with the services that are available, and print the table.

    With REQUIRE_ALL=1 a skipped test counts as failed. Returns the exit status: 0 or 1.
    """
    note = ""
    with services.services() as have:
        began = time.monotonic()
        results = run_all(suites, suite_env(os.environ, have))
        seconds = time.monotonic() - began
    if os.environ.get("REQUIRE_ALL", "") not in ("", "0"):
        note = ", which REQUIRE_ALL=1 counts as failed"
        for result in results:
            result.failed, result.skipped = result.failed + result.skipped, 0
    for line in figures(results):
        console.say(line)
    console.say("\n" + table(results, seconds))
    if reasons := sum((result.reasons for result in results), Counter()):
        console.say(f"\nSkipped{note}:")
        for reason, count in reasons.most_common():
            console.say(f"  {count:>4}  {reason}")
    for line in have.missing:
        console.say(line)
    console.say("\n" + counts(*results))
    return 1 if any(result.failed for result in results) else 0


def run_suite(folder: Path, arguments: list[str]) -> int:
    """Run the suite in `folder` with pytest's own output, and return pytest's exit status."""
    with services.services() as have:
        for line in have.missing:
            console.say(line)
        environment = suite_env(os.environ, have)
        process = subprocess.Popen(_pytest(*arguments), cwd=folder, env=environment)
        try:
            return process.wait()
        finally:
            # Ctrl-C reaches pytest as well, which has servers and browsers to put away.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=GRACE)
            process.kill()
            process.wait()


def suite_env(given: Mapping[str, str], have: services.Services) -> dict[str, str]:
    """Return a suite's environment: the caller's, cleaned, and the services."""
    clean = processes.project_env(given)
    kept = {name: value for name, value in clean.items() if name not in DROPPED}
    return {**kept, **have.environment}


def run_all(
    suites: list[Suite],
    environment: dict[str, str],
    *,
    at_once: int = AT_ONCE,
    limit: float = LIMIT,
) -> list[Result]:
    """Run the suites, `at_once` at a time, each for `limit` seconds at most; return their results.

    Prints a line as each ends, and everything a failed one printed. If this ends early, even by an
    interrupt, everything it started ends, too.
    """
    order = [*FIRST, *(suite.name for suite in suites)]
    waiting = sorted(suites, key=lambda suite: order.index(suite.name), reverse=True)
    running: list[Running] = []
    results = {}
    with tempfile.TemporaryDirectory(prefix="course-suites-") as scratch:
        environment = {**environment, SHARED: scratch}
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    running.append(Running(waiting.pop(), environment, Path(scratch)))
                time.sleep(0.05)
                for one in list(running):
                    if one.process.ended() or one.seconds() > limit:
                        results[one.suite] = one.result(limit)
                        running.remove(one)
                        _tell(results[one.suite])
        finally:
            for one in running:
                one.process.end(GRACE)
    return [results[suite] for suite in suites]


def read_report(report: Path) -> Result:
    """Count the tests in a JUnit report by pytest. Errors count as failed.

    A test that's expected to fail and does counts as passed.
    """
    result = Result("")
    for case in ElementTree.parse(report).iter("testcase"):
        if counted := [f"{each.get('name')} {each.get('value')}" for each in case.iter("property")]:
            result.figures.append((case.get("name", ""), counted))
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            result.failed += 1
        elif skipped is None or skipped.get("type") == "pytest.xfail":
            result.passed += 1
        else:
            result.skipped += 1
            result.reasons[_reason(skipped)] += 1
    return result


def table(results: list[Result], seconds: float) -> str:
    """Return the results, a row each. `seconds` is the time for all of them."""
    rows = [(each.name, *_sums(each), f"{each.seconds:.1f}") for each in results]
    head = ("suite", "passed", "failed", "skipped", "seconds")
    return console.table([head, *rows, ("together", *_sums(*results), f"{seconds:.1f}")])


def figures(results: list[Result]) -> list[str]:
    """Return the figures that tests counted, below the name of each test."""
    lines = []
    for result in results:
        if result.figures:
            lines += ["", result.name]
        for test, counted in result.figures:
            sentence = test.removeprefix("test_").replace("_", " ").replace("[", " [")
            lines += [f"  {sentence}", f"      {', '.join(counted)}"]
    return lines


def counts(*results: Result) -> str:
    """Return how many tests passed, failed and were skipped: the last line, for all results."""
    return "{} passed, {} failed, {} skipped".format(*_sums(*results))


def _sums(*results: Result) -> tuple[int, int, int]:
    return (
        sum(result.passed for result in results),
        sum(result.failed for result in results),
        sum(result.skipped for result in results),
    )


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


def _folder(chapter: str) -> Path:
    folder = chapters.folder(chapter)
    if not folder.is_dir():
        raise CourseError(f"There's no folder {chapter}. Get it back: git checkout {chapter}")
    return folder


def _problem(status: int, result: Result) -> str | None:
    if status < 0:
        return f"it was ended by signal {-status}"
    if not result.passed + result.failed + result.skipped:
        return f"it ran no test (pytest's exit status was {status})"
    if status == 5 and result.skipped:  # all of its files were skipped whole
        return None
    if status not in (0, 1) or (status == 1 and not result.failed):
        return f"pytest's exit status was {status}"
    return None


def _tell(result: Result) -> None:
    problem = f": {result.problem}" if result.problem else ""
    console.say(f"{result.name:<24} {counts(result)} in {result.seconds:.1f} s{problem}")
    if result.failed and result.output:
        console.say(f"\n---- {result.name}: all it said ----\n{result.output}---- end ----\n")


def _reason(skipped: ElementTree.Element) -> str:
    """Return the reason why a test was skipped."""
    message = skipped.get("message", "")
    if message == "collection skipped":  # a whole file: the reason is in the text alone
        message = ast.literal_eval(skipped.text)[2].removeprefix("Skipped: ")
    return " ".join(message.split())
