"""Carry out a page's blocks, one after the other, in a folder."""

import difflib
import threading
from pathlib import Path

from course import chapters
from course.pages import file_tree, patches, transcript
from course.pages.grammar import Block
from course.pages.matching import Mismatch
from course.replay import shell, wire
from course.replay.shell import Shell

CLONE = "channels-course"  # the repository, as learners have it in their HOME
PROJECT = "my-chat"  # and the folder that they work in


class Workshop:
    """A folder with a project and a terminal. `files` is the project as it stands.

    With `fast`, only blocks that change files are carried out. `browser` is Shell's. Use it in a
    `with` statement, which stops everything it started.
    """

    def __init__(
        self,
        scratch: Path,
        start: file_tree.Tree,
        fast: bool,
        python: str,
        halt: threading.Event,
        browser: bool = True,
    ):
        self.files = start
        self._fast = fast
        self._halt = halt
        home = scratch / "home"
        home.mkdir()
        (home / CLONE).symlink_to(chapters.ROOT)
        self._folder = home / PROJECT
        self._folder.mkdir()
        file_tree.write(start, self._folder)
        self._terminal = Shell(self._folder, scratch, python, halt, browser)

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_) -> None:
        self._terminal.close()

    def do(self, block: Block) -> None:
        """Carry out a block and compare. Raises Mismatch and Halted."""
        if block.kind == "write":
            self._write(block.path, block.text)
        elif block.kind == "edit":
            self._edit(block)
        elif block.kind == "console":
            self._console(block.text)
        elif block.kind == "shown":
            self._check_shown(block)
        elif block.kind == "log" and not self._fast:
            self._terminal.log(block.text)
        elif block.kind == "wire" and not self._fast:
            wire.run(block.text, self._terminal, self._halt)

    def _write(self, path: str, text: str) -> None:
        target = self._folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        except OSError as error:
            raise Mismatch(f"{path} cannot be written: {error.strerror}") from None
        self._look()

    def _edit(self, block: Block) -> None:
        if block.path not in self.files:
            like = difflib.get_close_matches(block.path, self.files, 1)
            hint = f"; there is {like[0]}" if like else ""
            raise Mismatch(f"there is no file {block.path} to edit{hint}")
        try:
            text = patches.apply(self.files[block.path].decode(), block.text)
        except UnicodeDecodeError:
            raise Mismatch(f"{block.path} is no text") from None
        except patches.PatchError as error:
            raise Mismatch(f"{block.path}: {error}") from None
        self._write(block.path, text)

    def _console(self, text: str) -> None:
        for command in transcript.commands(text):
            lays = shell.writes_files(command.text)
            if self._fast and not lays:
                continue
            self._terminal.do(command)
            if self._look() and not lays:
                raise Mismatch(
                    f"`{command.text}` changes files, which a replay of the files alone would "
                    "not notice: shell.py has to know the command",
                    command.below,
                )

    def _check_shown(self, block: Block) -> None:
        if block.note not in self.files:
            raise Mismatch(f"there is no {block.note} that could hold this")
        lacking = first_lacking(block.text, self.files[block.note].decode(errors="replace"))
        if lacking is not None:
            raise Mismatch(f"{block.note} does not hold this line, or not here: {lacking}")

    def _look(self) -> bool:
        """Read the project's files again; return whether any has changed."""
        files = file_tree.read(self._folder)
        if files == self.files:
            return False
        self.files = files
        self._terminal.servers.edited()
        return True


def first_lacking(shown: str, text: str) -> str | None:
    """Return the first line of `shown` that's missing from `text`, in that order, or None.

    In `text`, lines may have another indentation, quotation marks around them, and more in between.
    """
    lines = iter(text.split("\n"))
    for wanted in shown.split("\n"):
        if wanted.strip() and not any(wanted.strip() in line for line in lines):
            return wanted.strip()
    return None
