"""Show what's missing from a chapter's page, as blocks that an author can cut into steps."""

import re
import shlex
from pathlib import PurePosixPath

from course import chapters
from course.console import CourseError, say
from course.pages import file_tree, grammar, patches
from course.replay import run
from course.replay.checkout import start_of
from course.replay.workshop import CLONE


def print_missing(chapter: str) -> int:
    """Print what a chapter's page lacks to end as its committed folder.

    Without a page, that's everything that changed since the chapter before. For a page or parts
    in progress, it's whatever they don't reach yet. Returns 0. Raises CourseError if there's no
    folder, and PageError if a page is wrong.
    """
    folder = chapters.folder(chapter)
    if not folder.is_dir():
        raise CourseError(f"There's no folder {chapter} to compare the page with.")
    made = start_of(chapter)
    if chapters.pages(chapter):
        made = run.replay(chapter, made, fast=True).files
    found = blocks(made, file_tree.read(folder), chapter)
    say("\n".join(found) or f"The page of {chapter} lacks nothing: it makes the folder.")
    return 0


def blocks(made: file_tree.Tree, wanted: file_tree.Tree, chapter: str) -> list[str]:
    """Return Markdown blocks that turn `made` into `wanted`, the folder of `chapter`.

    Files that can't be typed are copied from that folder by a command.
    """
    found = []
    if removed := sorted(made.keys() - wanted.keys()):
        found.append(_console([f"rm {shlex.quote(name)}" for name in removed]))
    for name, content in wanted.items():
        old = made.get(name)
        if old == content:
            continue
        if not _can_be_typed(name, content):
            found.append(_copy(name, chapter))
        elif old and _can_be_typed(name, old) and old.strip():
            parts = patches.make(old.decode(), content.decode())
            text = "@@\n".join("".join(f"{sign}{line}\n" for sign, line in part) for part in parts)
            found.append(_titled("diff", name, text))
        else:
            language = grammar.language_of(name)
            found.append(_titled(language, name, content.decode()))
    return found


def _can_be_typed(name: str, content: bytes) -> bool:
    """Return whether a page can contain a file: text, in whole lines, with a name it can spell."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    whole = not text or text.endswith("\n")
    return whole and not re.search(r"[\r\0]", text) and not re.search(r'["`]', name)


def _titled(language: str, name: str, text: str) -> str:
    info = f'{language} title="{name}"'
    return f"`{name}`:\n\n{grammar.fenced(text, info)}\n"


def _copy(name: str, chapter: str) -> str:
    commands = [f"cp ~/{CLONE}/{chapter}/{shlex.quote(name)} {shlex.quote(name)}"]
    if "/" in name:
        commands.insert(0, f"mkdir -p {shlex.quote(str(PurePosixPath(name).parent))}")
    return _console(commands)


def _console(commands: list[str]) -> str:
    return "```console\n" + "".join(f"$ {command}\n" for command in commands) + "```\n"
