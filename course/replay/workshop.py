"""Carry out a page's blocks, one after the other, in a folder."""

import difflib
import threading
from collections.abc import Sequence
from pathlib import Path

from course import chapters
from course.pages import file_tree, patches, transcript
from course.pages.grammar import Block
from course.pages.matching import Mismatch
from course.replay import shell, wire
from course.replay.servers import Server
from course.replay.shell import Shell

CLONE = "channels-course"  # the repository, as learners have it in their HOME
PROJECT = "my-chat"  # and the folder that they work in


class Workshop:
    """A folder with a project and a shell. `files` is the project as it is now.

    With `fast`, only blocks that change files are carried out. `browser` and `prefix` are
    Shell's. Use it in a `with` statement, which stops everything it started.
    """

    def __init__(
        self,
        scratch: Path,
        start: file_tree.Tree,
        fast: bool,
        halt: threading.Event,
        browser: bool = True,
        prefix: Sequence[str] = (),
    ):
        self.files = start
        self._fast = fast
        self._halt = halt
        scratch.chmod(0o711)  # for servers that run as another user than root
        home = scratch / "home"
        home.mkdir()
        (home / CLONE).symlink_to(chapters.ROOT)
        self._folder = home / PROJECT
        self._folder.mkdir()
        file_tree.write(start, self._folder)
        self._shell = Shell(self._folder, scratch, halt, browser, prefix)

    def __enter__(self) -> "Workshop":
        return self

    def __exit__(self, *_) -> None:
        self._shell.close()

    @property
    def folder(self) -> Path:
        """The project's folder. Its parent is HOME."""
        return self._folder

    @property
    def servers(self) -> dict[str, Server]:
        """The running servers by the names of their kinds, such as "web"."""
        return self._shell.servers.running

    def logs(self) -> dict[str, list[str]]:
        """Return what each running server has printed, by the name of its kind, such as "web"."""
        return self._shell.servers.logs()

    def run(self, command: str) -> tuple[int, list[str]]:
        """Run a command; return its exit status and what it printed. Raises Mismatch, Halted."""
        return self._shell.run(command)

    def do(self, block: Block) -> None:
        """Carry out a block and compare. Raises Mismatch and Halted."""
        if action := self.ACTIONS.get(block.kind):
            action(self, block)

    def _write(self, block: Block) -> None:
        self._write_file(block.path, block.text)

    def _edit(self, block: Block) -> None:
        if block.path not in self.files:
            like = difflib.get_close_matches(block.path, self.files, 1)
            hint = f"; there is {like[0]}" if like else ""
            raise Mismatch(f"there's no file {block.path} to edit{hint}")
        try:
            text = patches.apply(self.files[block.path].decode(), block.text)
        except UnicodeDecodeError:
            raise Mismatch(f"{block.path} isn't a text file") from None
        except patches.PatchError as error:
            raise Mismatch(f"{block.path}: {error}") from None
        self._write_file(block.path, text)

    def _write_file(self, path: str, text: str) -> None:
        target = self._folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text.encode())
        except OSError as error:
            raise Mismatch(f"{path} can't be written: {error.strerror}") from None
        self._reread_files()

    def _console(self, block: Block) -> None:
        for command in transcript.commands(block.text):
            writes_files = shell.writes_files(command.text)
            if self._fast and not writes_files:
                continue
            self._shell.do(command)
            if self._reread_files() and not writes_files:
                raise Mismatch(
                    f"`{command.text}` changes files, which a replay of the files alone would "
                    "not notice: shell.py has to know the command",
                    command.below,
                )

    def _check_shown(self, block: Block) -> None:
        if block.note not in self.files:
            raise Mismatch(f"there's no {block.note} that could have this")
        missing = first_missing(block.text, self.files[block.note].decode(errors="replace"))
        if missing is not None:
            raise Mismatch(f"{block.note} doesn't have this line, or not in this order: {missing}")

    def _log(self, block: Block) -> None:
        if not self._fast:
            self._shell.log(block.text)

    def _wire(self, block: Block) -> None:
        if not self._fast:
            wire.run(block.text, self._shell, self._halt)

    def _reread_files(self) -> bool:
        """Read the project's files again; return whether any has changed."""
        files = file_tree.read(self._folder)
        if files == self.files:
            return False
        # Unchanged files stay the same objects, which recordings store once.
        self.files = {
            name: old if (old := self.files.get(name)) == content else content
            for name, content in files.items()
        }
        self._shell.servers.edited()
        return True

    # What a block of each kind does, and nothing for the others. See grammar.UNTITLED.
    ACTIONS = {
        "write": _write,
        "edit": _edit,
        "console": _console,
        "log": _log,
        "wire": _wire,
        "shown": _check_shown,
    }


def first_missing(shown: str, text: str) -> str | None:
    """Return the first line of `shown` that's missing from `text`, in that order, or None.

    In `text`, lines may have another indentation, quotation marks around them, and more in between.
    """
    lines = iter(text.split("\n"))
    wanted = filter(None, map(str.strip, shown.split("\n")))
    return next((line for line in wanted if not any(line in other for other in lines)), None)
