"""Build the site with MkDocs, and two files for programs that read it.

`llms.txt` lists the pages with a line about each, and `course.md` is all of them in one file.
"""

import os
import posixpath
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from course import chapters, console
from course.processes import Process
from course.replay import recordings
from course.site import directives, glossary
from course.tasks import serve

# Material announces a successor of MkDocs at each build.
QUIET = {"NO_MKDOCS_2_WARNING": "1"}
WHOLE = "course.md"
LIST = "llms.txt"

_FENCED = re.compile(r"^(`{3,})[^`\n]*\n.*?^\1[ \t]*$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?P<before>!?\[[^\]]*\]\()(?P<target>[^)\s]+)(?P<after>\))")
_COMMENT = re.compile(r"^<!--.*?-->[ \t]*\n", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Entry:
    """A page in the site's order. `path` is below docs/, `section` its tab."""

    path: str
    section: str
    text: str

    @property
    def title(self) -> str:
        match = re.search(r"^# (.+)$", self.text, re.MULTILINE)
        return glossary.plain(match[1]) if match else self.path

    @property
    def description(self) -> str:
        """The first sentence of its first paragraph."""
        for paragraph in re.split(r"\n{2,}", self.text):
            if re.match(r"[\w*`\"']", paragraph):
                return glossary.first_sentence(paragraph)
        return ""

    @property
    def address(self) -> str:
        """Its address in the site."""
        return _address(self.path)


def build(site: Path | None = None, root: Path = chapters.ROOT) -> int:
    """Build the site in the folder `site`, or `root`/site; return the exit status.

    Raises CourseError after MkDocs has said what's wrong, and PageError for a page that
    can't be replayed.
    """
    began = time.monotonic()
    recordings.read_all(chapters.with_pages())
    # Not --quiet: that keeps warnings from being counted too, and so from being strict about.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    site = site or root / "site"
    done = subprocess.run(
        [*command, "--site-dir", str(site)],
        cwd=root,
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        console.say(re.sub(r"^INFO .*\n", "", done.stdout, flags=re.MULTILINE).rstrip())
        raise console.CourseError("The site couldn't be built. The reasons are above.")
    pages = entries(root)
    (site / LIST).write_text(summary(root, pages), encoding="utf-8")
    (site / WHOLE).write_text(whole(pages), encoding="utf-8")
    seconds = time.monotonic() - began
    console.say(f"{len(pages)} pages in {seconds:.1f} s: {site / 'index.html'}")
    return 0


def serve_site(port: int, root: Path = chapters.ROOT) -> int:
    """Serve the site until it's interrupted, and rebuild it when a page is saved.

    Returns the exit status. Raises CourseError if nothing can be served on that port.
    """
    serve.check_port(port, "docs-serve")
    command = [sys.executable, "-m", "mkdocs", "serve", "--dev-addr", f"127.0.0.1:{port}"]
    server = Process(command, folder=root, environment={**os.environ, **QUIET})
    return serve.run_until_interrupted(server, port, f"\n  http://127.0.0.1:{port}/\n")


def entries(root: Path) -> list[Entry]:
    """Return the pages that mkdocs.yml names, in its order."""
    settings = yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))
    found = []
    for tab in settings["nav"]:
        for section, inside in tab.items():
            for path in _paths(inside):
                text = (root / "docs" / path).read_text(encoding="utf-8")
                found.append(Entry(path, section, text))
    return found


def summary(root: Path, pages: list[Entry]) -> str:
    """Return llms.txt."""
    settings = yaml.safe_load((root / "mkdocs.yml").read_text(encoding="utf-8"))
    lines = [f"# {settings['site_name']}", "", f"> {settings['site_description'].strip()}", ""]
    lines += [f"The whole course as one Markdown file: [{WHOLE}]({WHOLE})"]
    section = None
    for page in pages:
        if page.section != section:
            section = page.section
            lines += ["", f"## {section}", ""]
        lines.append(f"- [{page.title}]({page.address}): {page.description}")
    return "\n".join(lines) + "\n"


def whole(pages: list[Entry]) -> str:
    """Return all pages as one, their links and pictures as seen from the site's folder."""
    return "\n\n".join(_whole_page(page).strip() for page in pages) + "\n"


def _whole_page(page: Entry) -> str:
    text = directives.expand(page.text)
    said, done = [], 0
    for fence in _FENCED.finditer(text):
        said += [_prose(text[done : fence.start()], page), fence[0]]
        done = fence.end()
    return "".join([*said, _prose(text[done:], page)])


def _prose(text: str, page: Entry) -> str:
    def moved(match: re.Match) -> str:
        target, mark, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            return match[0]
        folder = posixpath.dirname(page.path)
        below = posixpath.normpath(posixpath.join(folder, target)) if target else page.path
        return f"{match['before']}{_address(below)}{mark}{anchor}{match['after']}"

    return _LINK.sub(moved, _COMMENT.sub("", text))


def _address(path: str) -> str:
    return re.sub(r"\.md$", ".html", path)


def _paths(inside) -> Iterator[str]:
    if isinstance(inside, str):
        yield inside
    elif isinstance(inside, dict):
        for value in inside.values():
            yield from _paths(value)
    else:
        for value in inside:
            yield from _paths(value)
