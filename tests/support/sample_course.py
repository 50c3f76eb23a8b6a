"""A fake course of three chapters, a guide and a first look, with a small web server.

The server takes the place of Django's.
"""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from course import chapters
from course.pages import transcript
from course.pages.matching import Mismatch
from course.processes import until
from course.replay import checkout, command
from course.replay.shell import Shell

NAMES = ["01_one", "02_two", "03_three"]
GUIDES = {"aside": "02_two"}
FIRST_LOOKS = ["look"]

# The server reads answer.txt only when it starts, so its answer shows whether it was restarted.
MANAGE = """
import asyncio
import os
import sys
from pathlib import Path

if sys.argv[1] == "shell":
    import code

    code.interact("Welcome", exitmsg="")
    sys.exit()

from websockets.asyncio.server import broadcast, serve

Path(os.environ["HOME"], "channels-course", "server.pid").write_text(str(os.getpid()))
ANSWER = Path("answer.txt").read_text().strip()
everyone = set()


def handshake(connection, request):
    print("asked for", request.path, flush=True)
    if request.path == "/stop":
        os._exit(3)
    if request.path.startswith("/say/"):
        broadcast(everyone, request.path[5:])
    if request.headers.get("Origin") == "http://evil.example":
        return connection.respond(403, "no")
    if "Upgrade" not in request.headers:
        return connection.respond(200, ANSWER + "\\n")


async def talk(connection):
    if connection.request.path == "/closed":
        await connection.close(4403)
    everyone.add(connection)
    async for frame in connection:
        broadcast(everyone, frame)
        if "twice" in frame:
            broadcast(everyone, frame)
        if "bye" in frame:
            await connection.close(4001)
    everyone.remove(connection)


async def main():
    port = int(sys.argv[2])
    if ANSWER == "broken":
        sys.exit("I cannot start.")
    print(f"Starting at http://127.0.0.1:{port}/, process {os.getpid()}", flush=True)
    async with serve(talk, "127.0.0.1", port, process_request=handshake):
        print("Quit the server with CONTROL-C.", flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
"""


def edit(path: str = "answer.txt", old: str = "Tea", new: str = "Coffee") -> str:
    """Return a numbered step that changes a line of a file."""
    return f'## 1. Edit\n\nIn `{path}`:\n\n```diff title="{path}"\n-{old}\n+{new}\n```\n'


START = """\
```console
$ python manage.py runserver
...
Quit the server with CONTROL-C.
```
"""

SERVED = f"""\
{START}
```console
$ curl -s http://127.0.0.1:8000/
Tea
```

<!-- left out: nobody waits so long -->
```console
$ sleep 3600
```

<!-- shown in: answer.txt -->
```text

  Tea
```

{edit()}
```console
$ curl -s http://127.0.0.1:8000/
Coffee
```

## See it fail

```wire
ann, bob: ws://127.0.0.1:8000/ws/
ann > hello
ann < hello
bob < hello
```

```console
asked for /ws/
^C
```
"""

CHANGES = f"""\
## 1. Made

```console
$ mkdir new
$ cp ~/channels-course/02_two/b.txt new
$ cd new
$ cp b.txt c.txt && rm b.txt
$ cd ..
$ echo here
here
```

{edit("a.py", "one = 1", "one = 7").replace("1. Edit", "See it fail")}
```console
$ cat a.py
one = 7
```

In `a.py`:

```diff title="a.py"
-one = 7
+one = 1
```

## 2. Written

Write `b.txt`:

```text title="b.txt"
tea
```
"""


class Course:
    """The fake course in a folder. `course.chapters` is patched to look there."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(chapters, "ROOT", root)
        monkeypatch.setattr(chapters, "NAMES", NAMES)
        monkeypatch.setattr(chapters, "GUIDES", GUIDES)
        monkeypatch.setattr(chapters, "FIRST_LOOKS", FIRST_LOOKS)
        self.root = root
        for name in ("chapters", "guides", "start"):
            (root / "docs" / name).mkdir(parents=True)

    def page(self, chapter: str, text: str) -> Path:
        """Write a chapter's page, and append the @@diff line unless it's the first chapter."""
        before = chapters.before(chapter)
        path = chapters.page(chapter)
        path.write_text(text + (f"\n## All\n\n@@diff {before} {chapter}\n" if before else ""))
        return path

    def guide(self, text: str) -> Path:
        """Write the page of the only guide, "aside", which continues from the second chapter."""
        path = chapters.page("aside")
        path.write_text(text)
        return path

    def part(self, chapter: str, name: str, text: str) -> Path:
        """Write `text` unchanged as one part of a chapter's page; `name` is "1_accounts.md"."""
        path = chapters.page(chapter).with_suffix("") / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def folder(self, chapter: str, **files: str) -> Path:
        """Write a chapter's folder; `answer_txt="Tea"` becomes its answer.txt."""
        folder = chapters.folder(chapter)
        folder.mkdir()
        for name, text in files.items():
            (folder / name.replace("_", ".")).write_text(text)
        return folder

    def served(self) -> None:
        """Write a first chapter whose folder holds the small web server."""
        self.folder("01_one", manage_py=MANAGE, answer_txt="Tea\n")


@contextlib.contextmanager
def open_shell(scratch: Path, halt: Event | None = None) -> Iterator[Shell]:
    """Open a shell below `scratch`, in a folder with the small web server, and close it again."""
    folder = scratch / "home" / "project"
    folder.mkdir(parents=True)
    (folder / "manage.py").write_text(MANAGE)
    (folder / "answer.txt").write_text("Tea\n")
    (scratch / "home" / "channels-course").mkdir()
    with contextlib.closing(Shell(folder, scratch, halt or Event())) as shell:
        yield shell


def do(shell: Shell, block: str) -> None:
    """Carry out a console block."""
    for typed in transcript.commands(block):
        shell.do(typed)


def failure(shell: Shell, block: str) -> tuple[int, str]:
    """Carry out a console block that has to fail; return the failing line's number and the text."""
    with pytest.raises(Mismatch) as caught:
        do(shell, block)
    return caught.value.below, str(caught.value)


def start(name: str, to: str | Path) -> int:
    """Do what `start` does with these words on the command line."""
    return checkout.write_start(chapters.find_lesson(name), checkout.check_target(str(to)))


def write_step(name: str, to: str | Path, number: int | None) -> int:
    """Do what `replay --to` does with these words on the command line."""
    target = checkout.check_target(str(to))
    return command.write_step(chapters.find_lesson(name), target, number)


class Started:
    """Record the processes that are started from now on; `check_ended` fails if one still runs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.all = started = []

        class Recorded(subprocess.Popen):
            def __init__(self, *args, **options):
                super().__init__(*args, **options)
                started.append(self)

        monkeypatch.setattr(subprocess, "Popen", Recorded)

    def check_ended(self, at_least: int) -> None:
        assert len(self.all) >= at_least
        for process in self.all:
            assert process.poll() is not None, process.args
            # Child processes that were killed with it disappear once the system has noticed.
            assert until(lambda pid=process.pid: not group_lives(pid), 5, Event()), process.args


def group_lives(number: int) -> bool:
    try:
        os.killpg(number, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
