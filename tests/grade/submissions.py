"""Made submissions for chapter 2, with the verdicts that they have to get.

Each is the finished project, or what it was after a step, with something done to it. A hostile one
would pass if it weren't for that, or would pass if its trick worked.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from course import chapters
from course.learner import behaviour
from course.pages import file_tree

CHAPTER = "02_echo_consumer"
SETTINGS, CONSUMER = "config/settings.py", "chat/consumers.py"

PASSES = ("passed",)
STOPS = ("stops",)
UNJUDGED = ("not judged",)
NEVER = ("stops", "not judged")  # which of them depends on what its victim was doing


@dataclass(frozen=True)
class Submission:
    """Its files, the verdicts that are right, and the step where it stops, or None if any is."""

    files: file_tree.Tree
    verdicts: tuple[str, ...]
    step: int | None = None


# What hostile settings begin with. `$NEAR` is a folder beside the submissions.
FORKS = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n"
FILLS_MEMORY = "hoard = []\nwhile True:\n    hoard.append(bytearray(50_000_000))\n"
FILLS_MEMORY_TOGETHER = """
import os, time
for _ in range(100):
    if os.fork() == 0:
        hoard = b"x" * 100_000_000
        time.sleep(600)
"""
PRINTS_A_GIGABYTE = "import sys\nfor _ in range(1_000):\n    sys.stdout.write('x' * 1_000_000)\n"
FILLS_THE_DISK = """
import os, tempfile
for folder in [os.getcwd(), tempfile.gettempdir(), "/tmp", "/dev/shm", os.path.expanduser("~")]:
    for number in range(500):
        try:
            open(os.path.join(folder, f"filler{number}"), "wb").write(b"x" * 7_000_000)
        except OSError:
            break
"""
DELETES_ALL_AROUND = """
import os, shutil
for folder in ["$NEAR", os.path.abspath(".."), os.path.abspath("."), os.path.expanduser("~")]:
    shutil.rmtree(folder, ignore_errors=True)
"""
WRITES_OUTSIDE = """
import pathlib
for folder in ["$NEAR", "$CLONE", "$CLONE/course", "/tmp", "/root", "/etc"]:
    try:
        pathlib.Path(folder, "pwned-by-a-submission").write_text("")
    except OSError:
        pass
"""
KILLS_ITS_GROUP = "import os, signal\nos.killpg(0, signal.SIGKILL)\n"
KILLS_EVERYTHING = "import os, signal\nos.kill(-1, signal.SIGKILL)\n"
KILLS_ITS_PARENTS = """
import os, signal
for pid in range(1, 400):
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
"""
LEAVES_A_DAEMON = """
import os, subprocess, sys
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(987654)"], start_new_session=True)
"""
# Where a judge's verdict could be: in the judge's own output, or in its parents'.
FAKES_THE_VERDICT = """
import glob, os
for path in glob.glob("/proc/[0-9]*/fd/*"):
    try:
        with open(path, "w") as out:
            out.write('{"verdict": "passed"}\\n0\\n')
    except OSError:
        pass
print('{"verdict": "passed"}\\n===== 99 passed in 0.01s =====', flush=True)
"""
FAKES_THE_TESTS = """
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item, call):
    call.excinfo = None
def pytest_sessionfinish(session):
    session.exitstatus = 0
"""
NEVER_ANSWERS = """
import socket, sys, time
if "runserver" in sys.argv or "daphne" in sys.argv[0]:
    port = next((int(word.split(":")[-1]) for word in sys.argv if word[-4:].isdigit()), 8000)
    with socket.create_server(("127.0.0.1", port)) as silent:
        time.sleep(600)
"""
HANGS = "import time\nwhile True:\n    time.sleep(1)\n"
LEAVES = "import os\nos._exit(0)\n"
COPIES_THE_CLONE = """
import os, pathlib
for clone in ["$CLONE", os.path.expanduser("~/channels-course")]:
    path = pathlib.Path(clone, "02_echo_consumer/chat/consumers.py")
    if path.exists():
        exec(path.read_text())
"""


def make(near: Path) -> dict[str, Submission]:
    """Return 30 submissions by their names. `near` is a folder that hostile ones attack."""
    done = behaviour.reference(CHAPTER, 13)

    def after(step: int) -> file_tree.Tree:
        return behaviour.reference(CHAPTER, step)

    def edited(path: str, old: str, new: str) -> file_tree.Tree:
        text = done[path].decode()
        assert old in text
        return done | {path: text.replace(old, new).encode()}

    def hostile(code: str, files: file_tree.Tree = done, path: str = SETTINGS) -> file_tree.Tree:
        code = code.replace("$NEAR", str(near)).replace("$CLONE", str(chapters.ROOT))
        return files | {path: code.lstrip().encode() + b"\n" + files[path]}

    silent = edited(CONSUMER, "self.accept()\n", "pass\n")
    other_way = '''
import json as j
from channels.generic.websocket import WebsocketConsumer
from chat import frames

class ChatConsumer(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        """Echo."""
        answer = {}
        try:
            answer["message"] = frames.read_message(text_data)
        except frames.BadFrame as problem:
            answer["error"] = f"{problem}"
        self.send(text_data=j.dumps(answer))
'''
    return {
        "good": Submission(done, PASSES),
        "good_package": Submission(_renamed(done), PASSES),
        "good_nested": Submission({f"my-chat/{name}": done[name] for name in done}, PASSES),
        "good_other_way": Submission(done | {CONSUMER: other_way.encode()}, PASSES),
        "good_untested": Submission(
            {name: done[name] for name in done if not name.startswith("tests/")}, PASSES
        ),
        "unfinished_chapter_1": Submission(after(0), STOPS, 1),
        "unfinished_2": Submission(after(2), STOPS, 3),
        "unfinished_6": Submission(after(6), STOPS, 7),
        "unfinished_7": Submission(after(7), STOPS, 8),
        "unfinished_7_again": Submission(after(7) | {"notes.txt": b"todo\n"}, STOPS, 8),
        "broken_syntax": Submission(edited(CONSUMER, "class ChatConsumer(", "class ("), STOPS),
        "broken_app": Submission(edited(SETTINGS, "'chat',", "'chatt',"), STOPS),
        "broken_key": Submission(edited(CONSUMER, '{"message": m', '{"text": m'), STOPS),
        "broken_accept": Submission(silent, STOPS),
        "broken_route": Submission(edited("chat/routing.py", "ws/chat", "ws/chats"), STOPS),
        "broken_origin": Submission(
            edited("config/asgi.py", "AllowedHostsOriginValidator(\n", "(\n"), STOPS
        ),
        "empty": Submission({}, UNJUDGED),
        "hostile_forks": Submission(hostile(FORKS), NEVER),
        "hostile_memory": Submission(hostile(FILLS_MEMORY), NEVER),
        "hostile_memory_together": Submission(hostile(FILLS_MEMORY_TOGETHER), NEVER),
        "hostile_prints": Submission(hostile(PRINTS_A_GIGABYTE), NEVER),
        "hostile_disk": Submission(hostile(FILLS_THE_DISK), NEVER),
        "hostile_deletes": Submission(hostile(DELETES_ALL_AROUND), NEVER),
        "hostile_kills_group": Submission(hostile(KILLS_ITS_GROUP), NEVER),
        "hostile_kills_all": Submission(hostile(KILLS_EVERYTHING + KILLS_ITS_PARENTS), NEVER),
        "hostile_fakes_verdict": Submission(hostile(FAKES_THE_VERDICT, silent), NEVER),
        "hostile_fakes_tests": Submission(
            silent | {"tests/conftest.py": FAKES_THE_TESTS.encode()}, STOPS
        ),
        "hostile_never_answers": Submission(hostile(NEVER_ANSWERS), NEVER),
        "hostile_leaves": Submission(hostile(LEAVES), NEVER),
        "hostile_copies": Submission(
            done | {CONSUMER: COPIES_THE_CLONE.replace("$CLONE", str(chapters.ROOT)).encode()},
            STOPS,
        ),
    } | {
        "harmless_daemon": Submission(hostile(LEAVES_A_DAEMON + WRITES_OUTSIDE), PASSES),
    }


def write(made: dict[str, Submission], folder: Path) -> None:
    """Write each into a folder of its own, and a linked one: its code is its neighbour's."""
    for name, submission in made.items():
        (folder / name).mkdir(parents=True)
        file_tree.write(submission.files, folder / name)
    linked = folder / "hostile_linked"
    linked.mkdir()
    unfinished = behaviour.reference(CHAPTER, 7)
    file_tree.write(unfinished, linked)
    for name in made["good"].files:
        path = linked / name
        if made["good"].files[name] != unfinished.get(name):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.symlink_to(os.path.relpath(folder / "good" / name, path.parent))


def _renamed(files: file_tree.Tree) -> file_tree.Tree:
    """Return the project as if it had been made with `django-admin startproject mysite .`"""
    return {
        name.replace("config/", "mysite/"): content.replace(b"config.", b"mysite.")
        for name, content in files.items()
    }
