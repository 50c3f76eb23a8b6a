"""Is a page red where it does not do what it says, and is nothing left running afterwards."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

import pytest

from course import console
from course.pages import file_tree
from course.processes import until
from course.replay import checkout, command, run, servers
from tests.support.sample_course import MANAGE, NAMES, START, write_step

FIRST = """\
# One

Write `a.py`:

```python title="a.py"
one = 1
```
"""
ONE = FIRST.replace("Write", "## 1. A file\n\nWrite")
TWO = """\
# Two

## 1. Another value

In `a.py`:

```diff title="a.py"
-one = 1
+one = 2
```
"""


def red(course, capsys, text, **options):
    """Replay `text` as the second chapter's page, which has to fail; return the message."""
    course.page("02_two", text)
    if not (course.root / "02_two").exists():
        course.folder("02_two")
    assert command.replay_lessons(["02_two"], **options) == 1
    return capsys.readouterr().out


def edit(text="answer.txt", old="Tea", new="Coffee"):
    return f'## 1. Edit\n\nIn `{text}`:\n\n```diff title="{text}"\n-{old}\n+{new}\n```\n'


def test_pages_that_make_their_folders_are_green(course, capsys):
    course.page("01_one", ONE)
    course.page("02_two", TWO)
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", a_py="one = 2\n")
    assert command.replay_lessons([]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^page +steps +snapshots +left out +seconds +verdict$", printed, re.M)
    assert re.search(r"^01_one +1 +1 +0 +[\d.]+  as the folder$", printed, re.M)
    assert re.search(r"^02_two +1 +1 +0 +[\d.]+  as the folder$", printed, re.M)


def test_line_in_a_folder_that_no_page_tells_is_red(course, capsys):
    course.page("01_one", ONE)
    course.folder("01_one", a_py="one = 1\nextra = 2\n", db_sqlite3="x", README_md="x")
    assert command.replay_lessons([]) == 1
    printed = capsys.readouterr().out
    assert "docs/chapters/01_one.md:7: this leaves a.py unlike the folder's:\n\n" in printed
    assert "--- folder/a.py\n+++ page/a.py\n" in printed
    assert "\n-extra = 2\n" in printed
    assert "not as the folder" in printed
    assert "README" not in printed and "sqlite" not in printed


def test_file_in_a_folder_that_no_page_tells_is_red_with_the_page(course, capsys):
    course.folder("01_one", a_py="one = 1\n", kept_py="x\n")
    course.folder("02_two", a_py="one = 2\n", kept_py="y\n", more_py="z\n")
    course.page("02_two", TWO)
    assert command.replay_lessons([]) == 1
    printed = capsys.readouterr().out
    for name in ("kept.py", "more.py"):
        said = f"docs/chapters/02_two.md:1: no block below makes {name} what it is in the folder:"
        assert said in printed
    assert "more.py: only in the folder" in printed
    assert "a.py unlike" not in printed


def test_edit_of_a_line_that_is_not_there_is_red_with_page_and_line(course, capsys):
    course.folder("01_one", a_py="one = 1\n")
    printed = red(course, capsys, TWO.replace("-one = 1", "-one = 7"))
    assert "docs/chapters/02_two.md:7: a.py: not in the file: one = 7; there is one = 1" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("## 1. One\n\n```console\n$ echo tea\ncoffee\n```\n", 4, "printed something else"),
        ("## 1. One\n\n```console\n$ true\n$ false\n```\n", 5, "failed with exit status 1"),
        (edit(old="Milk"), 5, "not in the file: Milk"),
        (edit("b.txt"), 5, "there is no file b.txt to edit"),
        (edit("answers.txt"), 5, "there is answer.txt"),
        ("## 1. One\n\n```console\n$ echo x\nx\n```\n", 1, "a numbered step changes a file"),
        (edit().replace("1. ", ""), 1, "this changes answer.txt: give its heading a number"),
        (
            "`a`:\n\n" + edit()[edit().index("```") :].replace('"answer.txt"', '"a"'),
            3,
            "no file a to edit",
        ),
        ("## 1. One\n\n```console\n$ tee new.txt\n```\n", 4, "`tee new.txt` changes files"),
        ("<!-- shown in: tests/t.py -->\n```python\nx\n```\n", 2, "there is no tests/t.py"),
        ("<!-- shown in: answer.txt -->\n```python\nTea\nCake\n```\n", 2, "this line, or not here"),
        ("```console\nanything\n```\n", 1, "no server is running here"),
        (
            "`answer.txt/x`:\n\n" + '```text title="answer.txt/x"\ny\n```\n',
            3,
            "answer.txt/x cannot be written",
        ),
    ],
)
def test_what_a_page_does_wrong_is_told_with_its_line(course, capsys, text, line, message):
    course.folder("01_one", answer_txt="Tea\n")
    printed = red(course, capsys, text)
    assert f"\ndocs/chapters/02_two.md:{line}: " in printed
    assert message in printed
    assert "Traceback" not in printed


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


def test_page_with_a_server_and_a_conversation(course, capsys, started, monkeypatch):
    course.served()
    course.page("02_two", SERVED)
    course.folder("02_two", manage_py=MANAGE, answer_txt="Coffee\n")
    monkeypatch.setenv("TMPDIR", str(course.root))  # a replay's scratch lies there
    assert command.replay_lessons([]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^02_two +1 +1 +1 ", printed, re.M)
    assert re.search(r"^all +1 +1 +1 +[\d.]+$", printed, re.M)
    assert "Left out:\n  docs/chapters/02_two.md:13: nobody waits so long\n" in printed
    started.check_ended(at_least=3)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("$ curl -s http://127.0.0.1:8000/\nCoffee", "$ curl x:\nCoffee", "md:32: `curl x:`"),
        ("bob < hello\n", "", "bob also got a frame"),
        ("asked for /ws/", "asked for /tea/", "No server printed this"),
    ],
)
def test_nothing_is_left_running_after_a_failure(
    course, capsys, started, monkeypatch, old, new, message
):
    monkeypatch.setattr(servers, "LOG_LIMIT", 0.3)
    course.served()
    assert old in SERVED
    printed = red(course, capsys, SERVED.replace(old, new))
    assert message in printed
    started.check_ended(at_least=2)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_running_after_an_interrupt(course, started, kind):
    course.served()
    course.page("02_two", SERVED)

    def tell(place, title, seconds):
        if title == "See it fail":
            raise kind

    with pytest.raises(kind):
        run.replay("02_two", checkout.start_of("02_two"), tell=tell)
    started.check_ended(at_least=2)


HANG = f"""\
{START}
```console
$ bash -c 'echo $$ > ~/channels-course/sleep.pid; exec sleep 600'
```
"""
COMMAND = """
import signal
import sys
from pathlib import Path
from course import chapters
from course.replay import command
chapters.ROOT, chapters.NAMES = Path(sys.argv[1]), sys.argv[2:]
# A shell that runs the tests in the background has it ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
command.replay_lessons([])
"""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_control_c_ends_the_command_and_all_that_it_started(course):
    course.served()
    course.page("02_two", HANG)
    course.folder("02_two")
    scratch = course.root / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(course.root), *NAMES],
        cwd=Path(run.__file__).parents[2],
        env={**os.environ, "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
    )
    try:
        files = [course.root / "sleep.pid", course.root / "server.pid"]
        deadline = time.monotonic() + 30
        while not all(file.exists() and file.read_text() for file in files):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
        pids = [int(file.read_text()) for file in files]
        gone = until(lambda: not any(is_alive(pid) for pid in pids), 5, Event())
    finally:
        process.kill()
        for file in filter(Path.exists, files):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)
    assert b"KeyboardInterrupt" in said
    assert gone
    assert not list(scratch.iterdir())


LAID = """\
## 1. Laid

```console
$ mkdir new
$ cp ~/channels-course/02_two/b.txt new
$ cd new
$ cp b.txt c.txt && rm b.txt
$ cd ..
$ echo here
here
```

## See it fail

In `a.py`:

```diff title="a.py"
-one = 1
+one = 7
```

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


def test_files_alone_come_out_the_same_and_every_state_is_told(course):
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", b_txt="tea\n")
    course.page("02_two", LAID)
    files = checkout.start_of("02_two")
    full = run.replay("02_two", files)
    assert full == run.replay("02_two", files, fast=True)
    assert {s.page for s in full.snapshots} == {course.root / "docs" / "chapters" / "02_two.md"}
    assert [(s.step, s.title, s.line, s.path, sorted(s.files)) for s in full.snapshots] == [
        (1, "Laid", 3, "", ["a.py", "new/c.txt"]),
        (1, "See it fail", 17, "a.py", ["a.py", "new/c.txt"]),
        (1, "See it fail", 29, "a.py", ["a.py", "new/c.txt"]),
        (2, "Written", 38, "b.txt", ["a.py", "b.txt", "new/c.txt"]),
    ]
    assert full.snapshots[1].files["a.py"] == b"one = 7\n"
    assert full.files == full.snapshots[-1].files
    assert (full.steps, full.left_out) == (2, [])


PARTS = [
    f"{START}\n{edit()}\n```console\n$ cd ..\n$ export TEA=Coffee\n```\n",
    f"""\
```console
$ curl -s http://127.0.0.1:8000/
Coffee
$ echo $TEA in $(pwd)
Coffee in .../home
```

```console
asked for /
```

{edit(old="Coffee", new="Cocoa").replace("1. ", "2. ")}
""",
]


def test_parts_are_one_run_with_one_shell_and_servers_that_run_on(course, capsys):
    course.served()
    course.folder("02_two", manage_py=MANAGE, answer_txt="Cocoa\n")
    first = course.part("02_two", "1_a.md", PARTS[0])
    second = course.part("02_two", "2_b.md", f"{PARTS[1]}\n@@diff 01_one 02_two\n")
    assert command.replay_lessons(["02_two"]) == 0
    assert re.search(r"^02_two +2 +2 +0 +[\d.]+  as the folder$", capsys.readouterr().out, re.M)
    states = run.replay("02_two", checkout.start_of("02_two"), fast=True).snapshots
    assert [(state.page, state.step) for state in states] == [(first, 1), (second, 2)]


def test_what_a_part_does_wrong_is_told_with_its_file(course, capsys):
    course.served()
    course.folder("02_two")
    course.part("02_two", "1_a.md", edit())
    course.part("02_two", "2_b.md", edit(old="Milk").replace("1. ", "2. "))
    assert command.replay_lessons(["02_two"]) == 1
    assert "\ndocs/chapters/02_two/2_b.md:5: answer.txt: not in the" in capsys.readouterr().out


def test_fast_runs_neither_servers_nor_conversations(course, capsys, started):
    course.served()
    course.page("02_two", SERVED)
    course.folder("02_two", manage_py=MANAGE, answer_txt="Coffee\n")
    assert command.replay_lessons([], fast=True) == 0
    assert len(started.all) == 1


def test_write_carries_a_change_through_the_later_chapters(course, capsys):
    course.page("01_one", ONE.replace("one = 1", "one = 1\nadded = 5"))
    course.page("02_two", TWO)
    course.folder("01_one", a_py="one = 1\n", README_md="kept")
    course.folder("02_two", a_py="one = 2\n", old_py="x")
    assert command.replay_lessons([], write=True) == 0
    assert file_tree.read(course.root / "01_one") == {"a.py": b"one = 1\nadded = 5\n"}
    assert file_tree.read(course.root / "02_two") == {"a.py": b"one = 2\nadded = 5\n"}
    assert (course.root / "01_one" / "README.md").read_text() == "kept"
    printed = capsys.readouterr().out
    assert "written, files changed: 2" in printed
    assert "Left as they are: 03_three (no page)" in printed
    assert command.replay_lessons([]) == 0


def test_write_stops_at_a_clash_and_writes_nothing_from_there_on(course, capsys):
    course.page("01_one", ONE.replace("one = 1", "uno = 1"))
    course.page("02_two", TWO)
    course.page("03_three", "Nothing new.\n")
    for name in NAMES:
        course.folder(name, a_py="one = 2\n")
    assert command.replay_lessons([], write=True) == 1
    printed = capsys.readouterr().out
    assert "02_two.md:7: a.py: not in the file: one = 1; there is uno = 1" in printed
    assert re.search(r"^03_three .* not reached$", printed, re.M)
    assert file_tree.read(course.root / "02_two") == {"a.py": b"one = 2\n"}
    assert file_tree.read(course.root / "03_three") == {"a.py": b"one = 2\n"}


def test_chapter_without_a_page_is_named(course, capsys):
    with pytest.raises(console.CourseError, match="^02_two has no page yet: there is no docs"):
        command.replay_lessons(["02_two"])
    assert command.replay_lessons([]) == 0
    assert capsys.readouterr().out.startswith("There's no page yet")


def test_folder_that_is_missing_is_named(course, capsys):
    course.page("02_two", TWO)
    assert command.replay_lessons([]) == 1
    assert "There's no folder 01_one, with which 02_two starts." in capsys.readouterr().out
    course.page("01_one", ONE)
    assert command.replay_lessons(["01_one"]) == 1
    assert "There is no folder 01_one: make it with" in capsys.readouterr().out


def test_diff_line_of_another_chapter_is_red(course, capsys):
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", a_py="one = 2\n")
    path = course.page("02_two", TWO)
    path.write_text(path.read_text().replace("@@diff 01_one", "@@diff 03_three"))
    assert command.replay_lessons([]) == 1
    assert "02_two.md:14: this has to be: @@diff 01_one 02_two" in capsys.readouterr().out


def test_chapter_without_its_diff_line_yet_is_replayed_before_that_is_told(course, capsys):
    course.folder("01_one", answer_txt="Tea\n")
    course.folder("02_two", answer_txt="Coffee\n")
    course.page("02_two", "").write_text(edit(old="Milk"))
    assert command.replay_lessons(["02_two"]) == 1
    assert "not in the file: Milk" in capsys.readouterr().out
    course.page("02_two", "").write_text(edit())
    assert command.replay_lessons(["02_two"]) == 1
    assert "02_two.md:1: one line @@diff 01_one 02_two belongs below" in capsys.readouterr().out


def test_slow_step_gets_a_line(course, capsys, monkeypatch):
    monkeypatch.setattr(console.Progress, "SLOW", 0)
    course.page("01_one", ONE)
    course.folder("01_one", a_py="one = 1\n")
    assert command.replay_lessons([]) == 0
    assert re.search(r"^01_one  step 1 of 1  A file  [\d.]+ s$", capsys.readouterr().out, re.M)


@pytest.fixture
def steps(course):
    """A chapter of two numbered steps; what stands between them breaks something and mends it."""
    course.folder("01_one", a_py="one = 1\n", README_md="x")
    course.folder("02_two", b_txt="tea\n")
    return course.page("02_two", LAID)


@pytest.mark.parametrize(
    ("number", "said", "names"),
    [
        (0, "at the start of 02_two.", ["a.py"]),
        (1, "after step 1 of 02_two.", ["a.py", "new/c.txt"]),
        (2, "after step 2 of 02_two.", ["a.py", "b.txt", "new/c.txt"]),
        (None, "after step 2 of 02_two.", ["a.py", "b.txt", "new/c.txt"]),
    ],
)
def test_folder_is_left_as_it_stands_after_a_step(steps, mine, capsys, number, said, names):
    assert write_step("2", str(mine), number) == 0
    files = file_tree.read(mine)
    assert list(files) == names
    assert files["a.py"] == b"one = 1\n"
    printed = capsys.readouterr().out
    assert said in printed
    assert f"  cd {mine}\n" in printed
    following = {0: "line 1 on: step 1, Laid", 1: "line 34 on: step 2, Written"}
    if number in following:
        assert f"Then follow {steps}, from {following[number]}\n" in printed
    else:
        assert "Then follow" not in printed


def test_step_that_is_not_there_is_told_with_those_that_are(steps, mine):
    with pytest.raises(console.CourseError, match="^02_two has no step 3. Its steps are 1 to 2"):
        write_step("2", str(mine), 3)
    with pytest.raises(console.CourseError, match="^03_three has no page yet"):
        write_step("3", str(mine), 1)
    assert not mine.exists()


def test_folder_that_is_not_empty_loses_nothing_to_a_step(steps, mine):
    mine.mkdir()
    (mine / "a.py").write_text("my own\n")
    with pytest.raises(console.CourseError, match="mine isn't empty, so nothing was changed there"):
        write_step("2", str(mine), 1)
    assert file_tree.read(mine) == {"a.py": b"my own\n"}
