"""Read the glossary's terms from its page, and link the first use of each in other pages."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from markdown.treeprocessors import Treeprocessor

from course import chapters
from course.pages.headings import plain, slug

PAGE = "reference/glossary.md"  # below docs/
PATH = chapters.ROOT / "docs" / PAGE
NAMES = ["Channels"]  # what looks like a term, and is something else
# What is no prose, or a link already.
SKIPPED = {"a", "code", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "summary", "th"}

_ENTRY = re.compile(r"^### (.+)\n\n(.+)$", re.MULTILINE)
_SENTENCE = re.compile(r".+?\.(?=\s)|.+", re.DOTALL)


@dataclass(frozen=True)
class Term:
    """A word, and the first sentence of what the glossary says about it."""

    word: str
    definition: str

    @property
    def anchor(self) -> str:
        return slug(self.word, "-")


def read(path: Path = PATH) -> list[Term]:
    """Return the glossary's terms: each is a heading with a paragraph below it."""
    if not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    return [Term(word.strip(), first_sentence(said)) for word, said in _ENTRY.findall(text)]


def first_sentence(paragraph: str) -> str:
    """Return the first sentence of a paragraph of Markdown, as plain text."""
    return plain(_SENTENCE.match(paragraph)[0])


class Linker(Treeprocessor):
    """Links the first use of each term in a page."""

    def __init__(self, md, terms: list[Term]):
        super().__init__(md)
        # The longest first: an event loop is no event.
        self.terms = sorted(terms, key=lambda term: -len(term.word))
        words = (f"(?P<t{number}>{_pattern(t.word)})" for number, t in enumerate(self.terms))
        names = "".join(rf"(?!{name}\b)" for name in NAMES)
        self.pattern = re.compile(rf"(?<![\w/.-]){names}(?:{'|'.join(words)})(?![\w/-]|\.\w)")

    def run(self, root: ElementTree.Element) -> None:
        if self.terms and not self._is_the_glossary(root):
            self._element(root, set())

    def _is_the_glossary(self, root: ElementTree.Element) -> bool:
        headings = {slug("".join(heading.itertext()), "-") for heading in root.iter("h3")}
        return {term.anchor for term in self.terms} <= headings

    def _element(self, element: ElementTree.Element, seen: set[str]) -> None:
        element.text, new = self._split(element.text, seen)
        children = new
        for child in list(element):
            if child.tag not in SKIPPED:
                self._element(child, seen)
            child.tail, new = self._split(child.tail, seen)
            children += [child, *new]
        for child in list(element):
            element.remove(child)
        element.extend(children)

    def _split(self, text: str | None, seen: set[str]):
        """Return the text before the first link, and the links with what follows each."""
        links: list[ElementTree.Element] = []
        done = 0
        head = text
        for match in self.pattern.finditer(text or ""):
            term = self.terms[int(match.lastgroup[1:])]
            if term.word in seen:
                continue
            seen.add(term.word)
            before = text[done : match.start()]
            if links:
                links[-1].tail = before
            else:
                head = before
            done = match.end()
            target = f"{_top(self.md)}{PAGE}#{term.anchor}"
            link = ElementTree.Element("a", href=target, title=term.definition)
            link.set("class", "term")
            link.text = match[0]
            link.tail = text[done:]
            links.append(link)
        return head, links


def _top(md) -> str:
    """Return how a link reaches the top of docs/ from the page that's being rendered.

    MkDocs doesn't say which page that is, but resolves links that begin with a slash. Zensical
    says it, and doesn't.
    """
    if "rendering_context" in md.preprocessors:
        return "../" * md.preprocessors["rendering_context"].page.path.count("/")
    return "/"


def _pattern(word: str) -> str:
    """Return a pattern for the word, also capitalised and in the plural."""
    first = word[0]
    if word == word.lower():
        first = f"[{word[0]}{word[0].upper()}]"
    return first + re.escape(word[1:]).replace(r"\ ", r"\s") + "s?"
