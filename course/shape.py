"""The shape that all lessons' pages have in common: their sections, their size, their versions."""

import re
from dataclasses import dataclass
from pathlib import Path

import django_htmx

from course import chapters, page
from course.page import Page, Step

WORDS = 3500  # of prose that a page may have
LINES = 25  # that a step may ask for without a reason

TOP = ["**You need**", "**It takes**", "**Verified with**"]
PICTURE = re.compile(r"^!\[(?P<says>[^\]]*)\]\((?P<path>[^)]+)\)$", re.MULTILINE)
TIME = re.compile(r"\*\*It takes\*\* about (?=\d)(?:(\d+) h\b)? ?(?:(\d+) min\b)?")
SEQUENCE = re.compile(r"\s*sequenceDiagram\b")
DIFF = "Everything that changed"

# Held against nothing: no file here says which server a machine has. The suites ran on this one.
REDIS = "Redis 7.0"


@dataclass(frozen=True)
class Shape:
    """What a kind of lesson has: whether pictures and a diagram, and the sections at its end."""

    pictured: bool
    end: list[str]


CHAPTER = Shape(True, ["Check yourself", "Exercises", DIFF, "What is still missing"])
GUIDE = Shape(False, ["Check yourself", "What is still missing"])


def faults(parts: list[Page], lesson: str, verified: str) -> list[str]:
    """Return where the lesson's pages leave the shape, each as PAGE:LINE and a sentence.

    `parts` are page.read_lesson()'s and `verified` is versions()'s line.
    """
    shape = CHAPTER if chapters.is_committed(lesson) else GUIDE
    found: list[str] = []
    for part in parts:
        compares = part is parts[-1] and chapters.before(lesson)
        end = [title for title in shape.end if compares or title != DIFF]
        found += _of_part(part, verified, end)
    first = parts[0]
    lacking = []
    if shape.pictured and not _has_picture(first):
        lacking.append("a picture above all steps, with a text in place of it")
    if shape.pictured and not _has_diagram(parts):
        lacking.append("a sequenceDiagram of a message's way")
    lacking += [
        f"a section {wanted!r}"
        for wanted in ("See it fail", "Test it")
        if not any(step.title.startswith(wanted) for step in _steps(parts))
    ]
    return [f"{page.place(first.path, 1)}: the page lacks {each}" for each in lacking] + found


def versions(lesson: str) -> str:
    """Return the sentence that names what the lesson was verified with.

    A guide's is that of the chapter it goes on from. Django's first series and the packages' are
    requirements.txt's, its second the one that .ci/run names, htmx's that of the file which
    django-htmx serves.
    """
    chapter = lesson if chapters.is_committed(lesson) else chapters.before(lesson)
    number = chapters.NAMES.index(chapter) + 1
    second = re.search(r"\bDJANGO=(\d+\.\d+)", (chapters.ROOT / ".ci" / "run").read_text())[1]
    said = [f"Django {_pinned('django')} and {second}"]
    said += [f"Channels {_pinned('channels')}", f"Daphne {_pinned('daphne')}"]
    if number >= 3:
        said += [f"channels-redis {_pinned('channels-redis')}", REDIS]
    if number >= 5:
        said += [f"django-htmx {_pinned('django-htmx')}", f"htmx {_htmx()}"]
    return f"**Verified with** {', '.join(said)}."


def minutes(part: Page) -> int | None:
    """Return how many minutes a page says that it takes, or None if it doesn't say.

    It says so above its first step: `**It takes** about 1 h 30 min`, `about 2 h`, `about 45 min`.
    """
    match = TIME.search("\n".join(part.steps[0].prose))
    if not match or not any(match.groups()):
        return None
    return 60 * int(match[1] or 0) + int(match[2] or 0)


def words(part: Page) -> int:
    """Return how many words of prose a page has: no code, comments, or tables of differences."""
    texts = [text for step in part.steps for text in step.prose if not text.startswith("@@diff")]
    return sum(bool(re.search(r"\w", word)) for text in texts for word in text.split())


def typed(step: Step) -> int:
    """Return how many lines that are not blank a learner types in a step."""
    lines = [
        line
        for block in step.blocks
        if block.kind in ("write", "edit")
        for line in block.text.split("\n")
        if block.kind == "write" or line.startswith("+")
    ]
    return sum(bool(line.removeprefix("+").strip()) for line in lines)


def _of_part(part: Page, verified: str, end: list[str]) -> list[str]:
    """Return the faults of one page; `end` are the titles of its last sections."""
    found = []

    def fault(line: int, text: str) -> None:
        found.append(f"{page.place(part.path, line)}: {text}")

    if (count := words(part)) > WORDS:
        fault(1, f"{count} words of prose; {WORDS} are the most")
    top = "\n".join(part.steps[0].prose)
    for wanted in TOP:
        if wanted not in top:
            fault(1, f"no {wanted} above the first step")
    if TOP[-1] in top and verified not in top:
        fault(1, f"the versions have to be: {verified}")
    for step in part.steps:
        count = typed(step)
        if step.number and count > LINES and not step.long:
            fault(step.line, f"{count} lines to be typed, and no <!-- long: why --> below this")
        if step.long and count <= LINES:
            fault(step.line, f"{count} lines to be typed are not long: take the comment away")
    titles = [step.title for step in part.steps]
    if titles[-len(end) :] != end:
        fault(part.steps[-1].line, f"a page ends with the sections {', '.join(end)}")
    for number, step in enumerate(part.steps):
        if step.title == end[0] and "<details>" not in _text(part, number):
            fault(step.line, "the answers stand in a <details> below the questions")
    return found


def _has_picture(part: Page) -> bool:
    for match in PICTURE.finditer("\n".join(part.steps[0].prose)):
        if match["says"].strip() and (part.path.parent / match["path"]).is_file():
            return True
    return False


def _has_diagram(parts: list[Page]) -> bool:
    return any(SEQUENCE.match(block.text) for step in _steps(parts) for block in step.blocks)


def _text(part: Page, number: int) -> str:
    """Return a step as its page has it."""
    lines = part.path.read_text(encoding="utf-8").split("\n")
    starts = [step.line - 1 for step in part.steps] + [len(lines)]
    return "\n".join(lines[starts[number] : starts[number + 1]])


def _steps(parts: list[Page]) -> list[Step]:
    return [step for _, step in page.steps(parts)]


def _pinned(name: str) -> str:
    """Return the series, such as 5.2, of a package in requirements.txt."""
    text = (chapters.ROOT / "requirements.txt").read_text()
    return re.search(rf"^{name}==(\d+\.\d+)", text, re.MULTILINE)[1]


def _htmx() -> str:
    """Return the series of the htmx that django-htmx serves."""
    folder = Path(django_htmx.__file__).parent / "static" / "django_htmx"
    return re.search(r'\bversion:"(\d+\.\d+)', (folder / "htmx-2.min.js").read_text())[1]
