"""Check the shape that all lessons' pages share: their sections, size and versions."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import django_htmx

from course import chapters
from course.pages import grammar
from course.pages.grammar import Page, Step

# Lines of Markdown that a page may have outside its folds. In a browser, 17 pages had 22 to 26 of
# them on a screen of 1280x800 ("Everything that changed" aside), so this makes 27 to 32 screens.
LONGEST = 700
LINES = 25  # that a step may ask for without a reason

TOP = ["**You need**", "**It takes**", "**Verified with**"]
LEARN = "**In this {} you'll learn how to**"
LEARNED = range(3, 6)  # how many things that is
RECALLED = range(3, 7)
PICTURE = re.compile(r"^!\[(?P<says>[^\]]*)\]\((?P<path>[^)]+)\)$", re.MULTILINE)
TIME = re.compile(r"(?=\d)(?:(?P<hours>\d+) h\b)? ?(?:(?P<minutes>\d+) min\b)?")
SEQUENCE = re.compile(r"\s*sequenceDiagram\b")
LINK = re.compile(r"\[[^\]]+\]\([^)]+\)")
DIFF = "Everything that changed"
RECAP = "Recap"
QUESTIONS = "Check yourself"
EXERCISES = "Exercises"
NEXT = "What's next"
FAIL = "See it fail"
FOLDS = ["Hint", "Solution"]  # what follows each exercise ...
CHECKED = "EXERCISE="  # ... except those that name one which `make check` checks

# Not checked: no file here says which server a machine has. The suites ran on this one.
REDIS = "Redis 7.0"

TIME_FORM = "about 45 min, about 2 h or about 1 h 30 min"

_FOLD = re.compile(r"^<details.*?^</details>", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^(`{3,}).*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_BULLET = re.compile(r"^[-*] ", re.MULTILINE)
_SUMMARY = re.compile(r"<summary>(.*?)</summary>")


@dataclass(frozen=True)
class Shape:
    """What a kind of lesson has: pictures and a diagram or not, and the sections at its end."""

    name: str
    pictured: bool
    end: list[str]


CHAPTER = Shape("chapter", True, [RECAP, QUESTIONS, EXERCISES, DIFF, NEXT])
PART = Shape("part", True, CHAPTER.end)
GUIDE = Shape("guide", False, [RECAP, QUESTIONS, NEXT])


def faults(parts: list[Page], lesson: str, verified: str) -> list[str]:
    """Return where the lesson's pages differ from the shape, each as PAGE:LINE and a sentence.

    `parts` are grammar.read_lesson()'s, and `verified` is versions()'s line. A first look only
    needs a title, and says how long it takes.
    """
    if lesson in chapters.FIRST_LOOKS:
        return [fault for part in parts for fault in _of_first_look(part)]
    shape = GUIDE
    if chapters.is_committed(lesson):
        shape = PART if len(parts) > 1 else CHAPTER
    found: list[str] = []
    for part in parts:
        found += _of_part(part, verified, shape, bool(chapters.before(lesson)))
    steps = [step for _, step in grammar.steps(parts)]
    missing = []
    if shape.pictured and not _has_picture(parts[0]):
        missing.append("a picture above all steps, with a text instead of it")
    blocks = [block for step in steps for block in step.blocks]
    if shape.pictured and not any(SEQUENCE.match(block.text) for block in blocks):
        missing.append("a sequenceDiagram of a message's way")
    for wanted in (FAIL, "Test"):
        if not any(step.title.startswith(wanted) for step in steps):
            missing.append(f"a section that begins with {wanted!r}")
    where = grammar.location(parts[0].path, 1)
    return [f"{where}: the page lacks {each}" for each in missing] + found


def versions(lesson: str) -> str:
    """Return the sentence that names the versions a lesson was verified with.

    A guide's is that of the chapter that led to it, a first look's that of the first chapter.
    Django's first series and the packages' are requirements.txt's, its second the one that .ci/run
    names, htmx's that of the file which django-htmx serves.
    """
    chapter = chapters.chapter_of(lesson) or chapters.NAMES[0]
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
    top = "\n".join(part.steps[0].prose)
    _, _, said = top.partition("**It takes** about ")
    return duration(said)


def duration(text: str) -> int | None:
    """Return how many minutes a text begins with, such as 90 for `1 h 30 min`; or None."""
    match = TIME.match(text)
    if not match or not match[0]:
        return None
    return 60 * int(match["hours"] or 0) + int(match["minutes"] or 0)


def typed(step: Step) -> int:
    """Return how many non-blank lines a learner types in a step."""
    lines = [
        line
        for block in step.blocks
        if block.kind in ("write", "edit")
        for line in block.text.split("\n")
        if block.kind == "write" or line.startswith("+")
    ]
    return sum(bool(line.removeprefix("+").strip()) for line in lines)


def _of_first_look(part: Page) -> list[str]:
    found = []
    if not part.path.read_text(encoding="utf-8").startswith("# "):
        found.append("the page begins with its title")
    if minutes(part) is None:
        found.append(f"the page says **It takes** {TIME_FORM}")
    return [f"{grammar.location(part.path, 1)}: {text}" for text in found]


def _of_part(part: Page, verified: str, shape: Shape, compares: bool) -> list[str]:
    """Return the faults of one page; `compares`: there is a chapter before this one."""
    found = []

    def fault(line: int, text: str) -> None:
        found.append(f"{grammar.location(part.path, line)}: {text}")

    if (count := unfolded(part)) > LONGEST:
        fault(1, f"{count} lines outside of folds; {LONGEST} are the most")
    top = "\n".join(part.steps[0].prose)
    for wanted in TOP:
        if wanted not in top:
            fault(1, f"no {wanted} above the first step")
    if TOP[1] in top and minutes(part) is None:
        fault(1, f"{TOP[1]} goes on: {TIME_FORM}")
    if TOP[-1] in top and verified not in top:
        fault(1, f"the versions have to be: {verified}")
    learn = LEARN.format(shape.name)
    if learn not in top:
        fault(1, f"no {learn} above the first step")
    elif (count := _bullets(_text(part, 0).partition(learn)[2])) not in LEARNED:
        fault(1, f"{count} bullets below {learn}; 3 to 5 are right")
    for step in part.steps:
        count = typed(step)
        if step.number and count > LINES and not step.long:
            fault(step.line, f"{count} lines to be typed, and no <!-- long: why --> below this")
        if step.long and count <= LINES:
            fault(step.line, f"{count} lines to be typed are not long: take the comment away")
        if step.title.rstrip(": ") == FAIL:
            fault(step.line, f"say what fails: ## {FAIL}: a script that isn't yours")
    end = [title for title in shape.end if compares or shape is PART or title != DIFF]
    if [step.title for step in part.steps][-len(end) :] != end:
        fault(part.steps[-1].line, f"a page ends with the sections {', '.join(end)}")
    for number, step in enumerate(part.steps):
        text = _text(part, number)
        if step.title == RECAP and (count := _bullets(text)) not in RECALLED:
            fault(step.line, f"{count} bullets; 3 to 6 are right")
        if step.title == QUESTIONS and "Answers" not in _SUMMARY.findall(text):
            fault(step.line, "the answers are folded, below the questions")
        if step.title == EXERCISES:
            for line, missing in _exercises(text):
                fault(step.line + line, missing)
        compared = [words for _, words in part.diffs]
        if step.title == DIFF and shape is PART and grammar.THIS_PART not in compared:
            fault(step.line, "each part says @@diff this part")
        if step.title == NEXT and not LINK.search(text.rstrip().split("\n\n")[-1]):
            fault(step.line, "the last paragraph leads to the next page: it needs a link")
    return found


def _exercises(text: str) -> list[tuple[int, str]]:
    """Return what's missing from the section of exercises, and how far below its heading.

    An exercise begins with a third-level heading or, where there are none, with bold words. The
    hints and the solution of one that the course checks are in its own file.
    """
    # What begins in a fold or in code isn't an exercise's beginning; lines stay where they are.
    blank = re.sub(_FENCE, _blanked, text)
    outside = re.sub(_FOLD, _blanked, blank)
    sign = r"^### " if re.search(r"^### ", outside, re.MULTILINE) else r"(?<=\n\n)\*\*"
    starts = [match.start() for match in re.finditer(sign, outside, re.MULTILINE)]
    if not starts:
        return [(0, "no exercise: one begins with ### or with **bold** words")]
    found = []
    for start, end in pairwise([*starts, len(blank)]):
        if CHECKED in blank[start:end]:
            continue
        if (folds := _SUMMARY.findall(blank[start:end])) != FOLDS:
            said = f"there is {', '.join(folds)}" if folds else "there is neither"
            missing = f"an exercise is followed by a folded {' and a folded '.join(FOLDS)}; {said}"
            found.append((blank[:start].count("\n"), missing))
    return found


def _blanked(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def unfolded(part: Page) -> int:
    """Return how many lines of a page are seen before any of its folds is opened."""
    return _FOLD.sub("", part.path.read_text(encoding="utf-8")).count("\n")


def _bullets(text: str) -> int:
    """Return how many bullets the first list of a text has."""
    first = _BULLET.search(text)
    # A list ends at the first line at the margin that isn't a bullet.
    rest = re.split(r"\n(?=[^\s*-])", text[first.start() :])[0] if first else ""
    return len(_BULLET.findall(rest))


def _has_picture(part: Page) -> bool:
    return any(
        match["says"].strip() and (part.path.parent / match["path"]).is_file()
        for match in PICTURE.finditer("\n".join(part.steps[0].prose))
    )


def _text(part: Page, number: int) -> str:
    """Return a step's Markdown."""
    lines = part.path.read_text(encoding="utf-8").split("\n")
    starts = [step.line - 1 for step in part.steps] + [len(lines)]
    return "\n".join(lines[starts[number] : starts[number + 1]])


def _pinned(name: str) -> str:
    """Return the series, such as 5.2, of a package in requirements.txt."""
    text = (chapters.ROOT / "requirements.txt").read_text()
    return re.search(rf"^{name}==(\d+\.\d+)", text, re.MULTILINE)[1]


def _htmx() -> str:
    """Return the series of the htmx that django-htmx serves."""
    folder = Path(django_htmx.__file__).parent / "static" / "django_htmx"
    return re.search(r'\bversion:"(\d+\.\d+)', (folder / "htmx-2.min.js").read_text())[1]
