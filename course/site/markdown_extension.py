"""The pages' Markdown dialect, as an extension of Python-Markdown.

Fences with their titles and colours, diagrams, directives such as `@@diff`, Markdown between
<details> tags, pictures in a light and a dark version, and links to the glossary. mkdocs.yml names
it.
"""

import html
import logging
import re
from pathlib import Path
from xml.etree import ElementTree

from markdown import Extension, Markdown
from markdown.preprocessors import Preprocessor
from markdown.treeprocessors import Treeprocessor
from pymdownx.superfences import SuperFencesCodeExtension

from course import chapters
from course.console import CourseError
from course.pages import grammar, style
from course.site import contexts, directives, glossary, listings

DOCS = chapters.ROOT / "docs"
DARK = "-dark"  # behind a picture's name: the same in dark

# MkDocs counts what is logged below its own name: `make docs` fails on a warning, and
# `make docs-serve` goes on.
_log = logging.getLogger("mkdocs.course")
_COMMENT = re.compile(r"^<!--.*?-->[ \t]*$", re.DOTALL | re.MULTILINE)
_DETAILS = re.compile(r"^<details( open)?>[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"^[ \t]*(accTitle|accDescr)[ \t]*:[ \t]*(.+?)[ \t]*$", re.MULTILINE)


class LessonExtension(Extension):
    """The whole dialect."""

    def extendMarkdown(self, md: Markdown) -> None:
        everything = {"name": "*", "class": "", "format": _listing, "validator": _options}
        drawn = {**everything, "name": "mermaid", "format": _diagram}
        fences = SuperFencesCodeExtension(custom_fences=[everything, drawn])
        md.registerExtensions([fences], {})
        # Superfences works at 25, and HTML blocks are put aside at 20.
        md.preprocessors.register(_Read(md), "lesson-read", 50)
        md.preprocessors.register(_Fences(md), "lesson-fences", 45)
        md.preprocessors.register(_Directives(md), "lesson-directives", 40)
        md.preprocessors.register(_Tags(md), "lesson-tags", 22)
        # After inline Markdown (20), and before MkDocs resolves links (0).
        md.treeprocessors.register(_Pictures(md), "lesson-pictures", 15)
        md.treeprocessors.register(glossary.Linker(md, glossary.read()), "lesson-glossary", 14)
        md.treeprocessors.register(_Cells(md), "lesson-cells", 13)
        md.treeprocessors.register(_Data(md), "lesson-data", 12)
        md.treeprocessors["toc"].slugify = glossary.slug


def makeExtension(**options) -> LessonExtension:
    """Return the extension. Python-Markdown calls this function by its name."""
    return LessonExtension(**options)


class _Read(Preprocessor):
    """Finds out which lesson's page this is, by its text, because Python-Markdown gets no path.

    A page that can't be replayed is shown without what only the replay knows.
    """

    def run(self, lines: list[str]) -> list[str]:
        self.md.found, self.md.contexts = None, {}
        try:
            self.md.found = grammar.find("\n".join(lines))
            if self.md.found:
                self.md.contexts = contexts.of_page(*self.md.found)
        except CourseError as trouble:
            _log.warning(trouble)
        return lines


class _Fences(Preprocessor):
    """Adds its line number to each fence, because the context of a block is found by it.

    Raises ValueError for a fence that says anything but LANGUAGE or LANGUAGE title="PATH", which
    superfences would silently turn into a paragraph.
    """

    def run(self, lines: list[str]) -> list[str]:
        for token in grammar.tokens("\n".join(lines)):
            if token.type != "fence":
                continue
            line = token.map[0] + 1
            match = grammar.INFO.fullmatch(token.info.strip())
            if not match:
                form = 'LANGUAGE or LANGUAGE title="PATH"'
                raise ValueError(f"line {line}: a fence says {form}, and not {token.info!r}")
            try:
                listings.check(match["language"])
            except ValueError as error:
                raise ValueError(f"line {line}: {error}") from None
            lines[line - 1] = f'{lines[line - 1].rstrip()} line="{line}"'
        return lines


class _Directives(Preprocessor):
    def run(self, lines: list[str]) -> list[str]:
        try:
            return directives.expand("\n".join(lines), self.md.found).split("\n")
        except CourseError:
            return lines  # _Read has told why


class _Tags(Preprocessor):
    """Drops comments, and lets the content of <details> be read as Markdown."""

    def run(self, lines: list[str]) -> list[str]:
        text = _COMMENT.sub("", "\n".join(lines))
        return _DETAILS.sub(r'<details\1 markdown="1">', text).split("\n")


class _Pictures(Treeprocessor):
    """Adds a picture's dark version next to the light one; a stylesheet shows one of them."""

    def run(self, root: ElementTree.Element) -> None:
        for parent in list(root.iter()):
            for place, picture in reversed(list(enumerate(parent))):
                if picture.tag == "img" and (dark := dark_kind(picture.get("src", ""))):
                    other = ElementTree.Element("img", {**picture.attrib, "src": dark})
                    picture.set("class", "light-only")
                    other.set("class", "dark-only")
                    other.tail, picture.tail = picture.tail, None
                    parent.insert(place + 1, other)


class _Cells(Treeprocessor):
    """Turns a table's empty corner heading into a cell, so screen readers don't read it out."""

    def run(self, root: ElementTree.Element) -> None:
        for heading in root.iter("th"):
            if not len(heading) and not (heading.text or "").strip():
                heading.tag = "td"


class _Data(Treeprocessor):
    """Tells the site's scripts which lesson a page belongs to, and which headings are steps."""

    def run(self, root: ElementTree.Element) -> None:
        if self.md.found is None:
            return
        lesson, part = self.md.found
        for heading in root.iter("h2"):
            if match := grammar.NUMBERED.match("".join(heading.itertext())):
                heading.set("data-step", match[1])
        data = {
            "data-lesson": lesson,
            "data-steps": str(part.count),
            "data-minutes": str(style.minutes(part) or ""),
        }
        element = ElementTree.Element("div", {"id": "lesson-data", "hidden": "hidden", **data})
        root.append(element)


def dark_kind(source: str) -> str | None:
    """Return the path of a picture's dark version, or None if there isn't one.

    `source` is as in a page, which reaches docs/ with one `../` for each level.
    """
    path = Path(source)
    dark = path.with_name(f"{path.stem}{DARK}{path.suffix}").as_posix() if path.name else ""
    below = re.sub(r"^(\.\./)*", "", dark)
    return dark if below and (DOCS / below).is_file() else None


def _options(language, inputs, options, attrs, md) -> bool:
    options.update(inputs)
    return True


def _listing(source, language, class_name, options, md, **_) -> str:
    # A block that isn't there is in no lesson, isn't replayed, or shows how two snapshots differ.
    by_itself = contexts.Context(label=contexts.label(language, source))
    about = md.contexts.get(int(options.get("line", 0)), by_itself)
    title = options.get("title") or about.title
    made = listings.block(about.text or source, language, title, about.label, about.fate)
    return made + (listings.whole_file(about.whole, title, about.when) if about.whole else "")


def _diagram(source, language, class_name, options, md, **_) -> str:
    """Return the diagram's source: docs/assets/site/site.js draws it."""
    said = dict(_TITLE.findall(source))
    label = ". ".join(said[key] for key in ("accTitle", "accDescr") if key in said) or "Diagram"
    return (
        f'<div class="diagram" role="img" aria-label="{html.escape(label)}">'
        f"<pre>{html.escape(source)}</pre></div>"
    )
