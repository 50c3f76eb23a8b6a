"""Check that lessons are compared with their folders, or written, with the right verdict."""

import contextlib
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from course import console, processes
from course.pages import file_tree
from course.replay import command
from tests.support.sample_course import CHANGES, NAMES, START, edit, write_step

ONE = '## 1. A file\n\nWrite `a.py`:\n\n```python title="a.py"\none = 1\n```\n'
TWO = edit("a.py", "one = 1", "one = 2")
LEFT_OUT = "\n<!-- left out: why -->\n```console\n$ sleep 9\n```\n"


def test_pages_that_make_their_folders_are_green(course, capsys):
    course.page("01_one", ONE)
    course.page("02_two", TWO + LEFT_OUT)
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", a_py="one = 2\n")
    assert command.replay_lessons([]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^page +steps +snapshots +left out +seconds +verdict$", printed, re.M)
    assert re.search(r"^01_one +1 +1 +0 +[\d.]+  as the folder$", printed, re.M)
    assert re.search(r"^02_two +1 +1 +1 +[\d.]+  as the folder$", printed, re.M)
    assert re.search(r"^all +2 +2 +1 +[\d.]+$", printed, re.M)
    assert "\n\nLeft out:\n  docs/chapters/02_two.md:11: why\n" in printed


def test_line_in_a_folder_that_no_page_writes_is_red(course, capsys):
    course.page("01_one", ONE + LEFT_OUT)
    course.folder("01_one", a_py="one = 1\nextra = 2\n", db_sqlite3="x", README_md="x")
    assert command.replay_lessons([]) == 1
    printed = capsys.readouterr().out
    assert "docs/chapters/01_one.md:5: this leaves a.py unlike the folder's:\n\n" in printed
    assert "Left out:" not in printed, "what's wrong should stay in view"
    assert "--- folder/a.py\n+++ page/a.py\n" in printed
    assert "\n-extra = 2\n" in printed
    assert "not as the folder" in printed
    assert "README" not in printed and "sqlite" not in printed


def test_file_in_a_folder_that_no_page_writes_is_red(course, capsys):
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


def test_diff_line_is_asked_for_after_the_replay(course, capsys):
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", a_py="one = 2\n")
    page = course.page("02_two", "")
    for text, said in [
        (TWO.replace("-one", "-uno"), "5: a.py: not in the file: uno = 1; there is one = 1"),
        (TWO, "1: a line @@diff 01_one 02_two belongs below"),
        (TWO + "\n@@diff 03_three 02_two\n", "10: this has to be: @@diff 01_one 02_two"),
    ]:
        page.write_text(text)
        assert command.replay_lessons([]) == 1
        printed = capsys.readouterr().out
        assert f"\ndocs/chapters/02_two.md:{said}\n" in printed
        assert "Traceback" not in printed
        assert re.search(r"^02_two .* failed$", printed, re.M)


HANGING = f"""\
{START}
```console
$ bash -c 'echo $$ > ~/channels-course/sleep.pid; exec sleep 600'
```
"""
COMMAND = """
import sys
from pathlib import Path
from course import chapters
from course.replay import command
chapters.ROOT, chapters.NAMES = Path(sys.argv[1]), sys.argv[2:]
command.replay_lessons([])
"""


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_control_c_ends_the_command_and_everything_it_started(course, tmp_path):
    course.served()
    course.page("02_two", HANGING)
    course.folder("02_two")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    replaying = processes.Process(
        [sys.executable, "-c", COMMAND, course.root, *NAMES],
        folder=Path(command.__file__).parents[2],
        environment={**os.environ, "TMPDIR": str(scratch)},
        log=tmp_path / "log",
    )
    files = [course.root / "sleep.pid", course.root / "server.pid"]
    try:
        replaying.wait_for(
            lambda: all(file.exists() and file.read_text() for file in files), "It hasn't begun."
        )
        replaying.popen.send_signal(signal.SIGINT)
        replaying.popen.wait(20)
        pids = [int(file.read_text()) for file in files]
        assert processes.until(lambda: not any(is_alive(pid) for pid in pids), 5)
    finally:
        replaying.kill()
        for file in filter(Path.exists, files):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(file.read_text()), signal.SIGKILL)
    assert "KeyboardInterrupt" in replaying.printed()
    assert not list(scratch.iterdir())


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
    assert "02_two.md:5: a.py: not in the file: one = 1; there is uno = 1" in printed
    assert re.search(r"^03_three .* not reached$", printed, re.M)
    assert file_tree.read(course.root / "02_two") == {"a.py": b"one = 2\n"}
    assert file_tree.read(course.root / "03_three") == {"a.py": b"one = 2\n"}


def test_missing_page_or_folder_is_named(course, capsys):
    with pytest.raises(console.CourseError, match="^02_two has no page yet: there is no docs"):
        command.replay_lessons(["02_two"])
    assert command.replay_lessons([]) == 0
    assert capsys.readouterr().out.startswith("There's no page yet")
    course.page("02_two", TWO)
    assert command.replay_lessons([]) == 1
    assert "There's no folder 01_one, with which 02_two starts." in capsys.readouterr().out
    course.page("01_one", ONE)
    assert command.replay_lessons(["01_one"]) == 1
    assert "There's no folder 01_one: make it with" in capsys.readouterr().out


def test_slow_step_gets_a_line(course, capsys, monkeypatch):
    monkeypatch.setattr(console.Progress, "SLOW", 0)
    course.page("01_one", ONE)
    course.folder("01_one", a_py="one = 1\n")
    assert command.replay_lessons([]) == 0
    assert re.search(r"^01_one  step 1 of 1  A file  [\d.]+ s$", capsys.readouterr().out, re.M)


@pytest.fixture
def steps(course):
    """A chapter of two numbered steps; between them something is broken and repaired."""
    course.folder("01_one", a_py="one = 1\n", README_md="x")
    course.folder("02_two", b_txt="tea\n")
    return course.page("02_two", CHANGES)


@pytest.mark.parametrize(
    ("number", "said", "names", "next_step"),
    [
        (0, "at the start of 02_two.", ["a.py"], "line 1 on: step 1, Made"),
        (1, "after step 1 of 02_two.", ["a.py", "new/c.txt"], "line 34 on: step 2, Written"),
        (2, "after step 2 of 02_two.", ["a.py", "b.txt", "new/c.txt"], None),
        (None, "after step 2 of 02_two.", ["a.py", "b.txt", "new/c.txt"], None),
    ],
)
def test_folder_gets_the_project_after_a_step(steps, mine, capsys, number, said, names, next_step):
    assert write_step("2", str(mine), number) == 0
    files = file_tree.read(mine)
    assert list(files) == names
    assert files["a.py"] == b"one = 1\n"
    printed = capsys.readouterr().out
    assert said in printed
    assert f"  cd {mine}\n" in printed
    last = printed.split("\n")[-2]
    assert last == (f"Then follow {steps}, from {next_step}" if next_step else "")


def test_missing_step_or_page_changes_nothing(steps, mine):
    with pytest.raises(console.CourseError, match="^02_two has no step 3. Its steps are 1 to 2"):
        write_step("2", str(mine), 3)
    with pytest.raises(console.CourseError, match="^03_three has no page yet"):
        write_step("3", str(mine), 1)
    assert not mine.exists()
