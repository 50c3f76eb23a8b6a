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
from dataclasses import dataclass, field, replace
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

# What isn't asked: what makes files or environments, the suites, and what asks only the clone, such
# as `check` itself, which would ask for ever.
_LEFT_OUT = re.compile(
    r"(?:\w+=\S* )*(?:pip|pytest|source|diff|make|\(cd ~/channels-course|python3?$"
    r"|python3? (?:-m venv|manage\.py (?:createsuperuser|collectstatic))\b)"
)
# What prepares the others. It's carried out for that, and what it prints isn't compared.
_PREPARES = re.compile(r"(?:export|unset|cd|redis-cli|python3? manage\.py (?:migrate|demo))\b")
_ONCE = re.compile(r"python3? manage\.py (?:migrate|demo)\b")
_FAILS = "See it fail"
_SLEEPS = re.compile(r"^\$ sleep\b", re.MULTILINE)
_EXPORT = re.compile(r"export (\w+)=(.*)|unset (.*)")

_REDIS = "redis-server"

_FRAME = re.compile(rf'File ".*/{PROJECT}/(?P<path>[^"]+)", line (?P<line>\d+)')
_SHOWN = re.compile(
    r"; shown is: .*|\.?\n\nThe page (?:shows|rules out):\n\n.*?\n\n(?:It was|Printed was):",
    re.DOTALL,
)


@dataclass(frozen=True)
class Action:
    """A block of a page, or one command of it, and the section that it's in.

    `prepares`: it's carried out for those that follow, and what it prints isn't compared. `steps`
    are the numbered ones since the section before that asked something, which it's likely about.
    """

    page: Path
    section: grammar.Step
    steps: list[grammar.Step]
    block: grammar.Block
    prepares: bool


@dataclass
class Judged:
    """What came out: findings, and how much went as it should.

    `conversations` counts those of the pages, `hidden` the sections that no page shows, and
    `expected` how many of both there are. Only if `passed` is true has everything been seen to
    go right.
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
    ask_ours: bool = True,
) -> Judged:
    """Hold a project against the conversations of a lesson's pages, up to the end of that step.

    `files` are Project.as_on_the_pages(). It ends at the `most`-th finding. `prefix` is
    judge.workshop's. If something isn't as shown, the course's own project is asked again, unless
    `ask_ours` is false: a hostile project could disturb it. Raises PageError, CourseError and
    Halted.
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
        if not found.findings or not ask_ours:
            break
        # No one is told of a mistake that's chance, or that the course's own project makes, too.
        # When the actions were chosen, others ran in between, which may have left something behind.
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
    ask_ours: bool = True,
) -> Judged:
    """Hold a finished project against its chapter's conversations, then against the hidden ones.

    The arguments are judge_step's, and so is what's raised.
    """
    step = sum(part.count for part in grammar.read_lesson(chapter))
    found = judge_step(files, chapter, step, halt, tell, prefix, most, ask_ours)
    hidden = hidden_page(chapter)
    sections = hidden_sections(hidden)
    found.expected += len(sections)
    if len(found.findings) >= most:
        return found
    for section, finding in judge_hidden(files, hidden, halt, tell, prefix):
        if finding and (not ask_ours or _again(files, hidden, section, halt, prefix)):
            found.findings.append(finding)
        elif section.title:
            found.hidden += 1
        if len(found.findings) == most or (finding and not section.title):
            break
    return found


def _again(
    files: file_tree.Tree,
    hidden: grammar.Page,
    section: grammar.Step,
    halt: threading.Event | None,
    prefix: Sequence[str],
) -> bool:
    """Return whether a hidden section fails by itself, too, so that it wasn't chance."""
    steps = [step for step in hidden.steps if not step.title or step is section]
    alone = replace(hidden, steps=steps)
    return any(finding for _, finding in judge_hidden(files, alone, halt, prefix=prefix))


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
                action = Action(page.path, section, [], block, not section.title)
                if finding := _try(there, action):
                    break
            yield section, finding


def hidden_page(chapter: str) -> grammar.Page:
    """Return the chapter's hidden page, without what needs Redis if there's none here.

    Raises PageError.
    """
    page = grammar.read(HIDDEN / f"{chapter}.md")
    if not _redis_server():
        needs = {step.title for step in page.steps for block in step.blocks if _REDIS in block.text}
        page.steps = [step for step in page.steps if step.title not in needs]
    return page


def hidden_sections(page: grammar.Page) -> list[grammar.Step]:
    """Return the sections that are counted: those with a heading."""
    return [section for section in page.steps if section.title]


def holding(
    lesson: str, step: int, halt: threading.Event | None = None, tell: Tell = lambda title: None
) -> list[Action]:
    """Return what the pages ask up to that step, and the course's project answers as they show.

    It takes up to a minute or two, so it's kept on disk. Raises PageError, CourseError and Halted.
    """
    kept = _kept(lesson, step)
    actions = recordings.load(*kept)
    if actions is None:
        every = script(lesson, step)
        with ThreadPoolExecutor(2) as pool:  # twice, because some of it may be chance
            once = pool.submit(_failing, lesson, step, every, halt, tell)
            again = pool.submit(_failing, lesson, step, every, halt)
        failing = once.result() + again.result()
        actions = [action for action in every if action not in failing]
        recordings.save(*kept, actions)
    return actions


def _failing(
    lesson: str,
    step: int,
    actions: Sequence[Action],
    halt: threading.Event | None,
    tell: Tell = lambda title: None,
) -> list[Action]:
    """Return which of the actions the course's own project doesn't answer as shown."""
    with judge.workshop(reference(lesson, step), halt) as there:
        return [action for action, finding in _carry_out(there, actions, tell) if finding]


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

    Commands come one by one. Those that would repeat what's there already are left out, and so are
    failures and experiments with `sleep` above the last step, because their point is gone.
    """
    found: list[Action] = []
    steps: list[grammar.Step] = []
    asked = None  # the section that asked last
    running: dict[str, tuple[str, dict]] = {}
    exported: dict[str, str] = {}
    done: set[str] = set()
    there = 0  # the last numbered step
    for part, section in grammar.steps(grammar.read_lesson(lesson)):
        there = section.number or there
        if there > step:
            break
        if section.number:
            steps = [section] if asked else [*steps, section]
            asked = None
        talks = section.number or any(block.kind == "wire" for block in section.blocks)
        for block in section.blocks:
            for each, prepares in _asked(block):
                command = each.text.partition("\n")[0].removeprefix("$ ")
                if not talks and "\n>>> " in each.text:
                    continue  # it teaches something about Python or Django, and not the project
                fails = section.title.startswith(_FAILS) or _SLEEPS.search(each.text)
                if fails and not prepares and there < step:
                    continue
                if each.kind == "console":
                    if match := _EXPORT.match(command):
                        exported.pop(match[3] or match[1], None)
                        exported |= {match[1]: match[2]} if match[1] else {}
                    if kind := server_kinds.kind_of(command):
                        stop = each.text.endswith("^C\n")
                        if stop and (kind.name == "web" or there < step):
                            continue  # it's about what a server prints, or how its end is felt
                        # What's exported is for Django. Redis doesn't read it.
                        started = command, {} if kind.name == "redis" else dict(exported)
                        if running.get(kind.name) == started:
                            continue
                        running[kind.name] = started
                        if stop:
                            del running[kind.name]
                    if _ONCE.match(command):
                        if command in done:
                            continue
                        done.add(command)
                elif each.kind == "wire":
                    for line in each.text.split("\n"):  # it may start servers itself
                        if kind := server_kinds.kind_of(line.removeprefix("$ ")):
                            running.pop(kind.name, None)
                if not prepares:
                    asked = section
                found.append(Action(part.path, section, steps, each, prepares))
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
    number = f"step {action.section.number}, " if action.section.number else ""
    return f"{number}“{action.section.title}”" if action.section.title else "the beginning"


def _advice(action: Action) -> str:
    if action.page.parent == HIDDEN:
        return action.section.prose[-1].replace("\n", " ")
    steps = action.steps
    if not steps:
        return "Compare your settings and config/asgi.py with the chapter before."
    files = _listed(sorted({block.path for step in steps for block in step.blocks if block.path}))
    numbers = _listed([str(step.number) for step in steps])
    which = f"steps {numbers}" if len(steps) > 1 else f"step {numbers}, {steps[0].title}"
    return f"Compare {files or 'what you typed'} with {which}."


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


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


def _redis_server() -> str | None:
    return shutil.which(_REDIS, path=shell.SYSTEM)


def _kept(lesson: str, step: int) -> tuple[str, str]:
    """Return under which name, and with which key, it's kept what a lesson's step holds."""
    digest = hashlib.sha256(f"{django.VERSION} {sys.version} {step}".encode())
    digest.update(str(_redis_server()).encode())
    ours = [__file__, login.__file__, shell.__file__, sockets.__file__, wire.__file__]
    for path in [*map(Path, ours), *chapters.pages(lesson)]:
        digest.update(path.read_bytes())
    for path, content in reference(lesson, step).items():
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return f"{lesson}_{step}_holds", digest.hexdigest()
