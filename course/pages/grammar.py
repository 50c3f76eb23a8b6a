"""Read a lesson's page, or the parts it consists of, as steps."""

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.token import Token

from course import chapters
from course.console import CourseError

NUMBERED = re.compile(r"(\d+)\. (.+)")
INFO = re.compile(r'(?P<language>[\w+-]+)(?: title="(?P<title>[^"]*)")?')
COMMENT = re.compile(r"<!--\s*(left out|shown in|long):\s*(.*?)\s*-->", re.DOTALL)
DIFF = re.compile(r"@@diff\b(.*)")
THIS_PART = ["this", "part"]  # what a `@@diff` names that compares a part's start with its end

# The languages of blocks that aren't files, and what such a block does. Other blocks "write" or
# "edit" a file, are "shown" only, or are "left out" of the replay. A "log" is a console block
# without commands. Workshop.ACTIONS says how each is replayed.
UNTITLED = {"console": "console", "wire": "wire", "mermaid": "drawn"}

# The languages of files, by how their names end.
LANGUAGES = {
    ".css": "css",
    ".html": "html+django",
    ".ini": "ini",
    ".js": "javascript",
    ".md": "markdown",
    ".py": "python",
    ".toml": "toml",
}
PLAIN = "text"


class PageError(CourseError):
    """A page breaks a rule, or doesn't do what it says. The text begins with page:line."""

    def __init__(self, page: Path, line: int, text: str):
        super().__init__(f"{location(page, line)}: {text}")
        self.page = page
        self.line = line


def location(page: Path, line: int) -> str:
    """Return PAGE:LINE, as an editor can open it from the repository's folder."""
    inside = page.is_relative_to(chapters.ROOT)
    return f"{page.relative_to(chapters.ROOT) if inside else page}:{line}"


@dataclass(frozen=True)
class Block:
    """A fenced block. `line` is the fence's line, from 1; `path` the file that it writes or edits.

    `note` is the test that contains a "shown" block, or why a block is "left out".
    """

    kind: str
    line: int
    text: str
    path: str = ""
    note: str = ""


@dataclass
class Step:
    """The part below a second-level heading. `number` is None if the heading has none.

    `long` says why a step is long. `prose` are its headings and paragraphs as Markdown.
    """

    number: int | None
    title: str
    line: int
    long: str = ""
    blocks: list[Block] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)


@dataclass
class Page:
    """A lesson's page or one of its parts.

    The first of its `steps` is the part above all headings. `diffs` holds its `@@diff` lines as
    (line, the words after `@@diff`).
    """

    path: Path
    steps: list[Step]
    diffs: list[tuple[int, list[str]]]

    @property
    def count(self) -> int:
        """The number of numbered steps."""
        return sum(step.number is not None for step in self.steps)


def read(path: Path, steps_before: int = 0) -> Page:
    """Return the page at `path` as steps. Their numbers go on from the parts before it.

    Raises PageError if the page breaks the dialect's grammar.
    """
    reader = _Reader(path, steps_before)
    for token in tokens(path.read_text(encoding="utf-8")):
        reader.take(token)
    reader.end()
    return reader.page


@functools.lru_cache(maxsize=16)  # a build of the site asks several times for each page
def tokens(text: str) -> list[Token]:
    """Return what CommonMark makes of a text."""
    return MarkdownIt("commonmark").parse(text)


def read_lesson(lesson: str) -> list[Page]:
    """Return the lesson's page or its parts. Step numbers go on from part to part.

    Raises PageError, and CourseError as chapters.pages() does.
    """
    found: list[Page] = []
    for path in chapters.pages(lesson):
        found.append(read(path, sum(part.count for part in found)))
    return found


def steps(parts: list[Page]) -> list[tuple[Page, Step]]:
    """Return the steps of all parts in order, each with its part."""
    return [(part, step) for part in parts for step in part.steps]


def language_of(path: str) -> str:
    """Return the language of a file, as a fence names it."""
    return LANGUAGES.get(PurePosixPath(path).suffix, PLAIN)


def fenced(text: str, info: str) -> str:
    """Return `text` between fences that are longer than any in it."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    body = text and text.removesuffix("\n") + "\n"
    return f"{fence}{info}\n{body}{fence}"


def find(text: str) -> tuple[str, Page] | None:
    """Return the lesson and the page whose text that is, or None if it's no lesson's.

    Raises PageError, and CourseError as chapters.pages() does.
    """
    for lesson in chapters.lessons():
        for number, path in enumerate(chapters.pages(lesson)):
            if path.read_text(encoding="utf-8").strip() == text.strip():
                return lesson, read_lesson(lesson)[number]
    return None


def check_diff(parts: list[Page], lesson: str) -> None:
    """Raise PageError unless the page says `@@diff BEFORE CHAPTER` once, after its last step.

    It compares two folders, which the first chapter and guides don't have. A chapter in parts has
    it in its last part, or says `@@diff this part` in each of them, or both.
    """
    before = chapters.before(lesson) if chapters.is_committed(lesson) else None
    end, whole = parts[-1], [before, lesson]
    wanted = f"@@diff {before} {lesson}"
    for part in parts:
        for count, (line, words) in enumerate(part.diffs):
            above = [other for _, other in part.diffs[:count]]
            this_part = words == THIS_PART
            for wrong, text in [
                (not before, f"{lesson} has no @@diff: there are no two folders to compare"),
                (this_part and len(parts) == 1, f"this page isn't in parts: write {wanted}"),
                (not this_part and words != whole, f"this has to be: {wanted}"),
                (words == whole and part is not end, f"{wanted} belongs in the last part"),
                (line < _last_step(part), "@@diff belongs at the end, after the last step"),
                (words in above, f"@@diff {' '.join(words)} is here twice"),
            ]:
                if wrong:
                    raise PageError(part.path, line, text)
    if before and not end.diffs:
        either = "@@diff this part, or " if len(parts) > 1 else ""
        raise PageError(end.path, _last_step(end), f"a line {either}{wanted} belongs below")


def _last_step(part: Page) -> int:
    """Return the line of a page's last numbered step."""
    return max((step.line for step in part.steps if step.number is not None), default=1)


class _Reader:
    """Reads the tokens of a page, one after the other."""

    def __init__(self, path: Path, steps_before: int):
        self.page = Page(path, [Step(None, "", 1)], [])
        self.number = steps_before
        self.heading = False  # whether the text to come is a second-level heading's
        self.below = False  # whether nothing has come since such a heading
        self.above = ""  # the paragraph above
        self.comment: tuple[int, str, str] | None = None  # line, what to do, why

    def take(self, token) -> None:
        line = token.map[0] + 1 if token.map else 0
        if token.type == "fence":
            self.fence(token, line)
        elif token.type == "code_block":
            self.fail(line, "an indented block isn't replayed: fence it, at the page's margin")
        elif token.type == "html_block":
            self.html(token.content, line)
        elif token.type.endswith("_open"):
            self.end()
            self.below = False
            self.heading = token.type == "heading_open" and token.tag == "h2"
            if token.type == "heading_open":
                self.above = ""
        elif token.type == "inline":
            self.text(token.content, line)

    def text(self, content: str, line: int) -> None:
        if not self.heading:
            self.above = content
            self.page.steps[-1].prose.append(content)
            for number, each in enumerate(content.split("\n")):
                if match := DIFF.match(each):
                    self.page.diffs.append((line + number, match[1].split()))
            return
        self.heading, self.below = False, True
        match = NUMBERED.fullmatch(content)
        if match:
            self.number += 1
            if int(match[1]) != self.number:
                self.fail(line, f"step {self.number} comes here, and not {match[1]}")
        step = Step(self.number, match[2], line) if match else Step(None, content, line)
        step.prose.append(content)
        self.page.steps.append(step)

    def html(self, content: str, line: int) -> None:
        if "```" in content:
            self.fail(line, "leave a blank line below the tag: Markdown takes a fence for HTML")
        if match := COMMENT.search(content):
            self.end()
            if not match[2]:
                self.fail(line, f"say what follows {match[1]!r}")
            note = " ".join(match[2].split())
            if match[1] != "long":
                self.comment = (line, match[1], note)
            elif self.below and self.page.steps[-1].number:
                self.page.steps[-1].long = note
            else:
                self.fail(line, "'long' belongs directly under a numbered step's heading")
        self.below = False

    def fence(self, token, line: int) -> None:
        comment, self.comment = self.comment, None
        self.below = False
        match = INFO.fullmatch(token.info.strip())
        if not match:
            self.fail(
                line, f'a fence says LANGUAGE or LANGUAGE title="PATH", and not {token.info!r}'
            )
        language, title = match["language"], match["title"]
        if title is not None and not _stays_inside(title):
            self.fail(line, f"{title!r} isn't a path below the project's folder")
        if title is not None and language in UNTITLED:
            self.fail(line, f"a {language} block has no title")
        kind, note = _kind(language, title, token.content), ""
        if comment and comment[1] == "left out":
            kind, note = "left out", comment[2]
        elif title is not None and f"`{title}`" not in self.above:
            self.fail(line, f"the paragraph above does not name `{title}`")
        elif kind == "shown" and not comment:
            self.fail(line, "what's only shown needs <!-- shown in: tests/... --> above it")
        elif comment and kind != "shown":
            self.fail(comment[0], "this is replayed, so it needs no test")
        elif comment:
            note = comment[2]
        if kind == "log" and re.search(r"^\$ ", token.content, re.MULTILINE):
            self.fail(line, "a console block begins with a `$ ` line, or has none")
        block = Block(kind, line, token.content, title or "", note)
        self.page.steps[-1].blocks.append(block)

    def end(self) -> None:
        """Raise PageError for a comment about a block that never came."""
        if self.comment:
            self.fail(self.comment[0], f"no block follows this {self.comment[1]!r}")

    def fail(self, line: int, text: str):
        raise PageError(self.page.path, line, text)


def _kind(language: str, title: str | None, text: str) -> str:
    if language == "console" and not text.startswith("$ "):
        return "log"
    if language in UNTITLED:
        return UNTITLED[language]
    if title is None:
        return "shown"
    return "edit" if language == "diff" else "write"


def _stays_inside(title: str) -> bool:
    path = PurePosixPath(title)
    plain = str(path) == title and "\\" not in title and not title.startswith("~")
    return plain and title != "." and not path.is_absolute() and ".." not in path.parts
