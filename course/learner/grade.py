"""`grade`: judge the folders of a group, two at a time, and write what came of it."""

import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from course import chapters, console
from course.console import CourseError, say
from course.learner import behaviour, marks, sandbox, submissions, timeline
from course.learner.findings import Finding
from course.learner.marks import Mark
from course.learner.sandbox import Means
from course.pages import file_tree

AT_ONCE = 2
OWN_LIMIT = 600  # seconds that the course's own project may take
JUDGE = "course.learner.marking"


def command(dirs: str, chapter: str, to: Path | None) -> int:
    """Judge the folders that `dirs` names, say what came of it, and write it into a folder.

    Returns 0. Raises CourseError if there's nothing to judge, or if judging doesn't work here.
    """
    found = submissions.find(dirs)
    target = to or submissions.new_folder(chapter)
    halt = threading.Event()
    # What's kept on disk from now on is there for all judges.
    last = len(timeline.read().steps[chapter])
    say(f"Looking up what the pages show at the end of {chapter} ...")
    behaviour.holding(chapter, last, halt)
    means = sandbox.means()
    with tempfile.TemporaryDirectory(prefix="course-grade-", ignore_cleanup_errors=True) as text:
        scratch = Path(text).resolve()
        scratch.chmod(0o755)
        try:
            held = sandbox.measure(means, scratch / "measure", halt)
        except sandbox.Stopped as stopped:
            raise CourseError(f"No submission can be run on this machine: {stopped}") from None
        say(marks.protections(held))
        try:
            every = judge_all(found, chapter, means, scratch, halt)
        finally:
            halt.set()
    say("")
    say(marks.as_table(every))
    say("")
    for line in marks.summary(every, chapter):
        say(line)
    _write(target, every, chapter, held)
    say(f"{target} has marks.html and marks.csv.")
    return 0


def judge_all(
    found: dict[str, Path], chapter: str, means: Means, scratch: Path, halt: threading.Event
) -> list[Mark]:
    """Return the submissions' marks, in order. Raises CourseError if judging doesn't work here."""
    limit = _limit(chapter, means, scratch / "own", halt)
    progress = console.Progress()
    done = 0
    lock = threading.Lock()

    def one(number: int, name: str, path: Path) -> Mark:
        nonlocal done
        progress.step(name, [], None)
        try:
            mark = judge(name, path, chapter, means, scratch / str(number), limit, halt)
        except Exception as error:  # one bad submission never stops the others
            mark = Mark(name, marks.NOT_JUDGED, 0, why=marks.clean(f"{error}"))
        progress.over(name)
        with lock:
            done += 1
            if not halt.is_set():
                words = "  ".join(filter(None, [name, mark.verdict, mark.at]))
                progress.say(f"{done}/{len(found)}  {words}  {mark.seconds:.0f} s")
        return mark

    with ThreadPoolExecutor(AT_ONCE) as pool:
        doing = [pool.submit(one, n, *item) for n, item in enumerate(found.items())]
        try:
            return [each.result() for each in doing]
        finally:
            halt.set()
            pool.shutdown(cancel_futures=True)


def judge(
    name: str,
    path: Path,
    chapter: str,
    means: Means,
    scratch: Path,
    limit: float,
    halt: threading.Event,
) -> Mark:
    """Return one submission's mark. Without a verdict from the judge, it's not judged."""
    if not path.is_dir():
        return Mark(name, marks.NOT_JUDGED, 0, why="It's a file. Unpack it into a folder.")
    began = time.monotonic()
    job = {"folder": str(path.resolve()), "chapter": chapter, "scratch": str(scratch)}
    verdict, why = sandbox.worker(JUDGE, job, means, limit, halt)
    return _mark(name, verdict or {"stopped": why}, time.monotonic() - began)


def _mark(name: str, verdict: dict, seconds: float) -> Mark:
    if verdict.get("verdict") == marks.PASSED:
        return Mark(name, marks.PASSED, seconds)
    if verdict.get("verdict") == marks.STOPS:
        finding = {key: marks.clean(value) for key, value in verdict["finding"].items()}
        return Mark(
            name,
            marks.STOPS,
            seconds,
            verdict["lesson"],
            verdict["step"],
            verdict["title"],
            Finding(**finding),
        )
    return Mark(name, marks.NOT_JUDGED, seconds, why=marks.clean(str(verdict.get("stopped"))))


def _limit(chapter: str, means: Means, scratch: Path, halt: threading.Event) -> float:
    """Return how many seconds a submission gets, by how long the course's own project takes.

    Raises CourseError if that doesn't pass, because then no submission could.
    """
    say("First the course's own project is judged, to see that judging works here ...")
    job = {"folder": "", "chapter": chapter, "scratch": str(scratch)}
    verdict, why = _judge_own(job, means, halt)
    if verdict.get("verdict") == marks.STOPS:
        # What the pages show for it may depend on what was asked before, and that's found out here.
        own = file_tree.read(chapters.folder(chapter))
        behaviour.at_end(own, chapter, halt)
        verdict, why = _judge_own(job, means, halt)
    if verdict.get("verdict") != marks.PASSED:
        found = verdict.get("finding", {}).get("yours")
        raise CourseError(
            "The course's own project doesn't pass on this machine, so nothing was judged: "
            f"{found or why or verdict.get('stopped')}"
        )
    return 60 + 2 * verdict["seconds"]


def _judge_own(job: dict, means: Means, halt: threading.Event) -> tuple[dict, str]:
    began = time.monotonic()
    verdict, why = sandbox.worker(JUDGE, job, means, OWN_LIMIT, halt)
    return (verdict or {}) | {"seconds": time.monotonic() - began}, why


def _write(target: Path, every: list[Mark], chapter: str, held: list[sandbox.Held]) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
        page = marks.as_html(every, chapter, held)
        (target / "marks.html").write_text(page, encoding="utf-8")
        # Spreadsheets take a file for UTF-8 if it begins like this.
        (target / "marks.csv").write_text(marks.as_csv(every), encoding="utf-8-sig", newline="")
    except OSError as error:
        raise CourseError(f"{target} can't be written: {error.strerror}.") from None
