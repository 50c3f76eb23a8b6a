"""Run the suites, a few at a time: a line as each ends, a table, and one last line."""

import contextlib
import os
import re
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
from course.processes import Process
from course.tasks import services

AT_ONCE = (os.cpu_count() or 1) + 1  # each waits for a part of its time
LIMIT = 600  # seconds that a suite may take; the longest takes 200 where others work beside it
OURS = ["chapters", "tools"]  # the folders below tests/ that `make test-all` runs
GRACE = 5  # seconds that an interrupted suite has to put its own things away

# Set for another project, or by the make that runs this, these would change what a suite tests.
DROPPED = [
    *processes.OTHER_PROJECTS,
    "CHROMIUM",
    "MAKEFLAGS",
    "MAKELEVEL",
    "MFLAGS",
    "PYTEST_ADDOPTS",
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


@dataclass
class Running:
    """A running suite."""

    suite: Suite
    process: Process
    report: Path
    began: float
    late: bool = False


def test_all() -> int:
    """Run the suites of the six chapters, of what holds in all of them, and of the tools."""
    root = chapters.ROOT
    of_chapters = [Suite(name, root / name) for name in chapters.NAMES]
    return run_suites([*of_chapters, *(Suite(name, root, (f"tests/{name}",)) for name in OURS)])


def test(chapter: str, more: list[str]) -> int:
    """Run a chapter's suite; `more` are words for pytest."""
    return run_suite(chapters.folder(chapter), more)


def test_docs() -> int:
    """Run the tests of the site, its pictures and its messages, a suite for each file."""
    return run_suites(_of_files("site"))


def test_faults() -> int:
    """Run the tests that break servers, networks and databases, a suite for each file."""
    services.postgres_programs()  # installed before the suites start, where that's allowed
    return run_suites(_of_files("faults"))


def _of_files(folder: str) -> list[Suite]:
    root = chapters.ROOT
    paths = sorted(root.glob(f"tests/{folder}/test_*.py"))
    return [
        Suite(path.stem.removeprefix("test_"), root, (f"tests/{folder}/{path.name}",))
        for path in paths
    ]


def require_all() -> bool:
    """Return whether a skipped test counts as failed."""
    return os.environ.get("REQUIRE_ALL", "") not in ("", "0")


def run_suites(suites: list[Suite]) -> int:
    """Run the suites with the services that are available, the last first, and print the table.

    With REQUIRE_ALL=1 a skipped test counts as failed. Returns the exit status: 0 or 1.
    """
    with services.services() as have:
        began = time.monotonic()
        # The later ones take longest; begun first, none of them runs alone at the end.
        results = run_all(suites[::-1], suite_env(os.environ, have), require_all=require_all())
        seconds = time.monotonic() - began
    results.sort(key=lambda result: [suite.name for suite in suites].index(result.name))
    for line in figures(results):
        console.say(line)
    console.say("\n" + table(results, seconds))
    for line in skips(results, require_all()) + have.missing:
        console.say(line)
    console.say("\n" + last_line(results))
    return 1 if any(result.failed for result in results) else 0


def run_suite(folder: Path, arguments: list[str]) -> int:
    """Run the suite in `folder` with pytest's own output, and return pytest's exit status."""
    if not folder.is_dir():
        raise console.CourseError(f"There's no folder {folder.name} yet.")
    with services.services() as have:
        for line in have.missing:
            console.say(line)
        command = [sys.executable, "-m", "pytest", *arguments]
        process = subprocess.Popen(command, cwd=folder, env=suite_env(os.environ, have))
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl-C reaches pytest as well, which has servers and browsers to put away.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=GRACE)
            raise
        finally:
            process.kill()
            process.wait()


def suite_env(given: Mapping[str, str], have: services.Services) -> dict[str, str]:
    """Return a suite's environment: the caller's, cleaned, and the services."""
    kept = {name: value for name, value in given.items() if name not in DROPPED}
    return {**kept, **have.environment}


def run_all(
    suites: list[Suite],
    environment: dict[str, str],
    *,
    at_once: int = AT_ONCE,
    limit: float = LIMIT,
    require_all: bool = False,
) -> list[Result]:
    """Run the suites in that order, `at_once` at a time, each for `limit` seconds at most.

    Prints a line as each ends, and everything a failed one printed. Returns the results in the
    order they ended. If this ends early, even by an interrupt, everything it started ends, too.
    """
    waiting = list(suites)
    running: list[Running] = []
    results = []
    with tempfile.TemporaryDirectory(prefix="course-suites-") as scratch:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    suite = waiting.pop(0)
                    if suite.folder.is_dir():
                        running.append(_start(suite, environment, Path(scratch)))
                    else:
                        missing = f"there is no folder {suite.folder.name}"
                        results.append(Result(suite.name, failed=1, problem=missing))
                        _tell(results[-1])
                time.sleep(0.05)
                for one in list(running):
                    one.late = time.monotonic() - one.began > limit
                    if one.process.ended() or one.late:
                        one.process.end(GRACE)
                        running.remove(one)
                        results.append(_result(one, limit, require_all))
                        _tell(results[-1])
        finally:
            for one in running:
                one.process.end(GRACE)
    return results


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
    rows = [(r.name, r.passed, r.failed, r.skipped, f"{r.seconds:.1f}") for r in results]
    head = ("suite", "passed", "failed", "skipped", "seconds")
    return console.table([head, *rows, ("together", *_sums(results), f"{seconds:.1f}")])


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


def skips(results: list[Result], require_all: bool) -> list[str]:
    """Return a line for each reason why tests were skipped."""
    reasons: Counter = Counter()
    for result in results:
        reasons += result.reasons
    if not reasons:
        return []
    note = ", which REQUIRE_ALL=1 counts as failed" if require_all else ""
    lines = [f"  {count:>4}  {reason}" for reason, count in reasons.most_common()]
    return ["", f"Skipped{note}:", *lines]


def last_line(results: list[Result]) -> str:
    """Return the last line: how many passed, failed and were skipped."""
    return "{} passed, {} failed, {} skipped".format(*_sums(results))


def _sums(results: list[Result]) -> tuple[int, int, int]:
    return (
        sum(result.passed for result in results),
        sum(result.failed for result in results),
        sum(result.skipped for result in results),
    )


def _start(suite: Suite, environment: dict[str, str], scratch: Path) -> Running:
    report = scratch / f"{suite.name}.xml"
    # No cache: it would lie in a folder that a page is compared with.
    options = ["-p", "no:cacheprovider", "--color=no", "-q", f"--junitxml={report}"]
    options += ["-o", "junit_family=xunit1"]  # the later one has no place for a test's figures
    # Hypothesis's plugin loads all of Hypothesis at the end, used or not: most of a second.
    options += ["-p", "no:hypothesispytest"]
    # A test that hangs shows where it stands before the whole suite is stopped.
    hanging = ["-o", f"faulthandler_timeout={LIMIT / 3:g}"]
    process = Process(
        [sys.executable, "-m", "pytest", *options, *hanging, *suite.arguments],
        folder=suite.folder,
        environment=environment,
        log=scratch / f"{suite.name}.log",
    )
    return Running(suite, process, report, time.monotonic())


def _result(one: Running, limit: float, require_all: bool) -> Result:
    result = Result(one.suite.name)
    # A suite that was stopped reports the test it was stopped in as one that passed.
    if not one.late:
        with contextlib.suppress(OSError, ElementTree.ParseError):
            result = read_report(one.report)
            result.name = one.suite.name
    result.seconds = time.monotonic() - one.began
    result.problem = _problem(one, result, limit)
    if result.problem:
        result.failed = max(result.failed, 1)
    if require_all:
        result.failed, result.skipped = result.failed + result.skipped, 0
    result.output = one.process.printed()
    return result


def _problem(one: Running, result: Result, limit: float) -> str | None:
    status = one.process.popen.returncode
    if one.late:
        return f"it took longer than {limit:g} s and was stopped"
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
    counts = f"{result.passed} passed, {result.failed} failed, {result.skipped} skipped"
    problem = f": {result.problem}" if result.problem else ""
    console.say(f"{result.name:<24} {counts} in {result.seconds:.1f} s{problem}")
    if result.failed and result.output:
        console.say(f"\n---- {result.name}: all it said ----\n{result.output}---- end ----\n")


def _reason(skipped: ElementTree.Element) -> str:
    """Return the reason why a test was skipped."""
    message = skipped.get("message", "")
    if message == "collection skipped":  # a whole file: the reason stands in the text alone
        found = re.search(r"""Skipped: (.*)['"]\)""", skipped.text or "")
        message = found[1] if found else message
    return " ".join(message.split())
