"""Judge a project by what it does: by the pages' conversations, and by some that no page shows.

A page shows its conversations for the project as it is there, and a later step may change what's
right. So the course's own project, at the step where the learner is, is asked first: what still
goes as the page shows it has to go that way in theirs, too.
"""

import contextlib
import hashlib
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import django

from course import chapters
from course.learner import judge
from course.learner.findings import Finding
from course.pages import file_tree, grammar, transcript
from course.pages.matching import Mismatch
from course.replay import login, recordings, server_kinds, shell, sockets, wire
from course.replay.workshop import PROJECT, Workshop

HIDDEN = Path(__file__).parent / "hidden"  # a page for each chapter, in the pages' dialect

TRIES = 3  # how often a project's conversations begin again if they don't go the same way twice

Tell = Callable[[str], None]  # is told the heading of each section when it begins

# What isn't asked: what makes files or environments, the suites, and what asks only the clone.
_LEFT_OUT = re.compile(
    r"(?:\w+=\S* )*(?:pip|pytest|source|diff|python3?$"
    r"|python3? (?:-m venv|manage\.py (?:createsuperuser|collectstatic))\b)"
)
# What prepares the others. It's carried out for that, and what it prints isn't compared.
_PREPARES = re.compile(r"(?:export|unset|cd|redis-cli|python3? manage\.py (?:migrate|demo))\b")
_ONCE = re.compile(r"python3? manage\.py (?:migrate|demo)\b")
_EXPORT = re.compile(r"export (\w+)=(.*)|unset (.*)")

_FRAME = re.compile(rf'File ".*/{PROJECT}/(?P<path>[^"]+)", line (?P<line>\d+)')
_SHOWN = re.compile(
    r"; shown is: .*|\.?\n\nThe page (?:shows|rules out):\n\n.*?\n\n(?:It was|Printed was):",
    re.DOTALL,
)


@dataclass(frozen=True)
class Action:
    """A block of a page, or one command of it, and the section that it's in.

    `prepares`: it's carried out for those that follow, and what it prints isn't compared. `step` is
    the numbered step above, or None before the first.
    """

    page: Path
    section: grammar.Step
    step: grammar.Step | None
    block: grammar.Block
    prepares: bool


@dataclass
class Judged:
    """What came out: findings, and how much went as it should.

    `conversations` counts those of the pages, `hidden` the sections that no page shows, and
    `expected` how many of both there are. Only if `passed` is true has everything been seen to go
    right.
    """

    findings: list[Finding] = field(default_factory=list)
    conversations: int = 0
    hidden: int = 0
    expected: int = 0

    @property
    def passed(self) -> bool:
        done = self.conversations + self.hidden
        return not self.findings and done == self.expected > 0


def judge_step(
    files: file_tree.Tree,
    lesson: str,
    step: int,
    halt: threading.Event | None = None,
    tell: Tell = lambda title: None,
    prefix: Sequence[str] = (),
    most: int = 1,
) -> Judged:
    """Hold a project against the conversations of a lesson's pages, up to the end of that step.

    `files` are Project.as_on_the_pages(). It ends at the `most`-th finding. `prefix` is
    judge.workshop's. Raises PageError, CourseError and Halted.
    """
    actions = holding(lesson, step, halt, tell)

    def run(these: Sequence[Action]) -> tuple[Judged, int]:
        """Return what comes of these actions, and how many were carried out."""
        found = Judged(expected=sum(not action.prepares for action in actions))
        done = 0
        with judge.workshop(files, halt, prefix) as there:
            for action, finding in _carry_out(there, these, tell):
                done += 1
                if finding:
                    found.findings.append(finding)
                elif not action.prepares:
                    found.conversations += 1
                if len(found.findings) == most or (finding and action.prepares):
                    break
        return found, done

    for _ in range(TRIES):
        found, done = run(actions)
        if not found.findings:
            break
        # No one is told of a mistake that's chance, or that the course's own project makes too.
        with ThreadPoolExecutor(2) as pool:
            again = pool.submit(run, actions[:done])
            ours = pool.submit(_failing, lesson, step, actions[:done], halt)
        if failing := ours.result():
            actions = [action for action in actions if action not in failing]
            recordings.save(*_kept(lesson, step), actions)
        elif again.result()[0].findings:
            break
    return found


def at_end(
    files: file_tree.Tree,
    chapter: str,
    halt: threading.Event | None = None,
    tell: Tell = lambda title: None,
    prefix: Sequence[str] = (),
    most: int = 1,
) -> Judged:
    """Hold a finished project against its chapter's conversations, then against the hidden ones.

    The arguments are judge_step's, and so is what's raised.
    """
    step = sum(part.count for part in grammar.read_lesson(chapter))
    found = judge_step(files, chapter, step, halt, tell, prefix, most)
    hidden = hidden_page(chapter)
    sections = hidden_sections(hidden)
    found.expected += len(sections)
    if len(found.findings) >= most:
        return found
    for section, finding in judge_hidden(files, hidden, halt, tell, prefix):
        if finding:
            found.findings.append(finding)
        elif section.title:
            found.hidden += 1
        if len(found.findings) == most or (finding and not section.title):
            break
    return found


def judge_hidden(
    files: file_tree.Tree,
    page: grammar.Page,
    halt: threading.Event | None = None,
    tell: Tell = lambda title: None,
    prefix: Sequence[str] = (),
) -> Iterator[tuple[grammar.Step, Finding | None]]:
    """Carry out a hidden page; yield each section with blocks, and what it finds, or None.

    The part above the headings starts the servers. Raises Halted.
    """
    with judge.workshop(files, halt, prefix) as there:
        for section in page.steps:
            tell(section.title)
            finding = None
            for block in section.blocks:
                action = Action(page.path, section, None, block, not section.title)
                if finding := _try(there, action):
                    break
            if section.blocks:
                yield section, finding


def hidden_page(chapter: str) -> grammar.Page:
    """Return the chapter's hidden page. Raises PageError."""
    return grammar.read(HIDDEN / f"{chapter}.md")


def hidden_sections(page: grammar.Page) -> list[grammar.Step]:
    """Return the sections that are counted: those with a heading and blocks."""
    return [section for section in page.steps if section.title and section.blocks]


def holding(
    lesson: str, step: int, halt: threading.Event | None = None, tell: Tell = lambda title: None
) -> list[Action]:
    """Return what the pages ask up to that step, and the course's project answers as they show.

    It takes up to a minute or two, so it's kept on disk. Raises PageError, CourseError and Halted.
    """
    kept = _kept(lesson, step)
    actions = recordings.load(*kept)
    if actions is None:
        actions = []
        with judge.workshop(reference(lesson, step), halt) as there:
            for action, finding in _carry_out(there, script(lesson, step), tell):
                if not finding:
                    actions.append(action)
        recordings.save(*kept, actions)
    return actions


def _failing(
    lesson: str, step: int, actions: Sequence[Action], halt: threading.Event | None
) -> list[Action]:
    """Return which of the actions the course's own project doesn't answer as shown.

    When they were chosen, others ran in between, which may have left something behind.
    """
    with judge.workshop(reference(lesson, step), halt) as there:
        every = _carry_out(there, actions, lambda title: None)
        return [action for action, finding in every if finding]


def reference(lesson: str, step: int) -> file_tree.Tree:
    """Return the course's own project as it is at the end of that step."""
    recording = recordings.read(lesson)
    files = recording.start
    for snapshot in recording.snapshots:
        if snapshot.step > step:
            break
        files = snapshot.files
    return files


def script(lesson: str, step: int) -> list[Action]:
    """Return what a lesson's pages ask of the project, up to the end of that step, in order.

    Commands come one by one. Those that would repeat what's there already are left out.
    """
    found: list[Action] = []
    above = None
    running: dict[str, tuple[str, dict]] = {}
    exported: dict[str, str] = {}
    done: set[str] = set()
    for part, section in grammar.steps(grammar.read_lesson(lesson)):
        if section.number and section.number > step:
            break
        above = section if section.number else above
        talks = section.number or any(block.kind == "wire" for block in section.blocks)
        for block in section.blocks:
            for each, prepares in _asked(block):
                command = each.text.partition("\n")[0].removeprefix("$ ")
                if not talks and "\n>>> " in each.text:
                    continue  # it teaches something about Python or Django, and not the project
                if each.kind == "console":
                    if match := _EXPORT.match(command):
                        exported.pop(match[3] or match[1], None)
                        exported |= {match[1]: match[2]} if match[1] else {}
                    if kind := server_kinds.kind_of(command):
                        stop = each.text.endswith("^C\n")
                        if stop and kind.name == "web":
                            continue  # it's only started to see what it prints
                        if running.get(kind.name) == (command, exported):
                            continue
                        running[kind.name] = (command, dict(exported))
                        if stop:
                            del running[kind.name]
                    if _ONCE.match(command):
                        if command in done:
                            continue
                        done.add(command)
                elif each.kind == "wire":
                    # It may start servers itself.
                    running = {"web": running["web"]} if "web" in running else {}
                found.append(Action(part.path, section, above, each, prepares))
    return found


def _asked(block: grammar.Block) -> Iterator[tuple[grammar.Block, bool]]:
    """Yield what a block asks of the project, and whether that only prepares something."""
    if block.kind == "wire":
        yield block, False
    if block.kind != "console":
        return
    commands = transcript.commands(block.text)
    lines = block.text.rstrip("\n").split("\n")
    for command, following in zip(commands, [*commands[1:], None], strict=True):
        own = lines[command.below - 1 : following.below - 1 if following else None]
        makes_files = shell.writes_files(command.text) and not _PREPARES.match(command.text)
        if makes_files or _LEFT_OUT.match(command.text):
            continue
        prepares = bool(_PREPARES.match(command.text) or server_kinds.kind_of(command.text))
        if prepares:
            own = [f"$ {command.text}", "...", *(["^C"] if command.stop else [])]
        text = "\n".join(own) + "\n"
        line = block.line + command.below - 1
        yield grammar.Block("console", line, text), prepares


def _carry_out(
    there: Workshop, actions: Iterable[Action], tell: Tell
) -> Iterator[tuple[Action, Finding | None]]:
    """Carry out one action after the other; yield what each of them finds, or None."""
    title = None
    for action in actions:
        if action.section.title != title:
            title = action.section.title
            tell(title)
        yield action, _try(there, action)


def _try(there: Workshop, action: Action) -> Finding | None:
    """Carry out an action; return what's found if it doesn't go as the page shows it."""
    before = {name: len(log) for name, log in there.logs().items()}
    try:
        there.do(action.block)
    except Mismatch as mismatch:
        new = {name: log[before.get(name, 0) :] for name, log in there.logs().items()}
        _tidy_up(there, action.block, mismatch.below)
        return _finding(action, mismatch, new)
    return None


def _tidy_up(there: Workshop, block: grammar.Block, below: int) -> None:
    """Run the commands that come later in a conversation, which may undo what earlier ones did."""
    if block.kind == "wire":
        for line in block.text.split("\n")[below:]:
            if line.startswith("$ "):
                with contextlib.suppress(Mismatch):
                    there.do(grammar.Block("console", block.line, f"{line}\n...\n"))


def _finding(action: Action, mismatch: Mismatch, logs: dict[str, list[str]]) -> Finding:
    line = action.block.line + mismatch.below
    lines = action.block.text.split("\n")
    shown = lines[mismatch.below - 1] if 0 < mismatch.below <= len(lines) else lines[0]
    if action.block.kind == "console":
        shown = action.block.text.rstrip("\n")
    yours = _SHOWN.sub(":", str(mismatch)).removesuffix(":")
    exception, theirs = _exception(logs)
    if exception and exception not in yours:
        yours += f"\n\nYour server logged:\n\n    {exception}"
    return Finding(
        rung="behaviour",
        where=grammar.location(action.page, line),
        yours=f"{_name(action)}: {yours}",
        page=shown,
        do=f"Look at {theirs}, where the exception comes from." if theirs else _advice(action),
    )


def _name(action: Action) -> str:
    step = action.step
    number = f"step {step.number}, " if step and step is action.section else ""
    return f"{number}“{action.section.title}”" if action.section.title else "the beginning"


def _advice(action: Action) -> str:
    step = action.step
    if action.page.parent == HIDDEN:
        return action.section.prose[-1].replace("\n", " ")
    if not step:
        return "Compare your settings and config/asgi.py with the chapter before."
    paths = sorted({block.path for block in step.blocks if block.path})
    files = " and ".join(filter(None, [", ".join(paths[:-1]), *paths[-1:]])) or "what you typed"
    return f"Compare {files} with step {step.number}, {step.title}."


def _exception(logs: dict[str, list[str]]) -> tuple[str, str]:
    """Return the last exception in servers' logs, and the project's FILE:LINE in its traceback."""
    for log in reversed(logs.values()):
        starts = [n for n, line in enumerate(log) if line.startswith("Traceback (most recent")]
        if not starts:
            continue
        traceback = log[starts[-1] + 1 :]
        ends = [line for line in traceback if line and not line[0].isspace()]
        frames = [match for line in traceback if (match := _FRAME.search(line))]
        theirs = f"{frames[-1]['path']}:{frames[-1]['line']}" if frames else ""
        return (ends[0] if ends else ""), theirs
    return "", ""


def _kept(lesson: str, step: int) -> tuple[str, str]:
    """Return under which name, and with which key, it's kept what a lesson's step holds."""
    digest = hashlib.sha256(f"{django.VERSION} {sys.version} {step}".encode())
    digest.update(str(shutil.which("redis-server", path=shell.SYSTEM)).encode())
    ours = [__file__, login.__file__, shell.__file__, sockets.__file__, wire.__file__]
    for path in [*map(Path, ours), *chapters.pages(lesson)]:
        digest.update(path.read_bytes())
    for path, content in reference(lesson, step).items():
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return f"{lesson}_{step}_holds", digest.hexdigest()
