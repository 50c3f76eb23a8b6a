"""Check what a learner is told about a folder, and that nothing in it is touched."""

import json
import os
import re
import subprocess
import sys

import pytest

from course import __main__, chapters, processes
from course.console import CourseError
from course.learner import check, project, report
from course.learner import timeline as timelines
from course.pages import file_tree
from course.tasks import environment

# The command line in this environment, whichever Python and Django it has.
HERE = """
import sys
from course import __main__
from course.tasks import environment
environment.ensure = lambda *_: sys.executable
environment.is_in_use = lambda _: True
sys.exit(__main__.main(sys.argv[1:]))
"""
COURSE = [sys.executable, "-c", HERE]


@pytest.fixture(scope="module")
def timeline():
    return timelines.read()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    # A clone that's being worked on has changes of its own.
    monkeypatch.setenv(check.IN_A_REPLAY, "1")
    there = tmp_path / "my-chat"
    there.mkdir()
    return there


def files_after(timeline, chapter, step):
    return next(
        each.files
        for each in reversed(timeline.positions)
        if each.lesson.startswith(chapter) and each.step == step and not each.inside
    )


def told(folder, *words):
    """Return what check says about a folder, and its exit status."""
    command = [*COURSE, "check", str(folder), *words]
    asked = subprocess.run(command, cwd=chapters.ROOT, capture_output=True, text=True)
    return asked.stdout + asked.stderr, asked.returncode


def test_learner_who_is_right_so_far_is_told_what_comes_next(folder, timeline):
    file_tree.write(files_after(timeline, "03", 4), folder)
    assert told(folder) == (
        "Chapter 3: steps 1 to 4 of 14 are done.\n"
        "Next: step 5, Roll a die in the handler, in chat/consumers.py\n"
        "  docs/chapters/03_sync_group_chat/1_one_process.md#5-roll-a-die-in-the-handler\n",
        0,
    )


def test_finding_names_the_line_and_both_sides(folder, timeline):
    file_tree.write(files_after(timeline, "03", 4), folder)
    path = folder / "chat" / "consumers.py"
    path.write_text(path.read_text().replace('event["message"]', 'event["text"]'))
    said, status = told(folder)
    assert status == 1
    assert re.search(
        r"chat/consumers\.py:\d+\n"
        r'  yours: .*event\["text"\].*\n'
        r'  page:  .*event\["message"\].*\n'
        r"  do:    .*",
        said,
    )


def test_lowest_rung_is_reported_and_the_rest_is_not_looked_at(folder, timeline):
    file_tree.write(files_after(timeline, "03", 4), folder)
    for name, old, new in [
        ("chat/consumers.py", "self.accept()", "self.accept("),
        ("config/settings.py", "'channels',", "'channels'"),
    ]:
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(old, new))
    said, _ = told(folder)
    assert "SyntaxError: '(' was never closed" in said
    assert "Not looked at yet: settings, starts, routes and text." in said
    assert "channelschat" not in said


@pytest.mark.parametrize(
    ("step", "change", "sentence"),
    [
        (
            9,
            lambda files, before: files | {"chat/frames.py": before["chat/frames.py"]},
            "half done",
        ),
        (
            12,
            lambda files, before: files | {"config/asgi.py": before["config/asgi.py"]},
            "11 of 13",
        ),
    ],
)
def test_unfinished_steps_are_said_to_be_so(step, change, sentence, folder, timeline):
    before, after = (
        files_after(timeline, "02", step),
        files_after(timeline, "02", min(step + 1, 13)),
    )
    if step == 12:
        before, after = files_after(timeline, "02", 11), before
    file_tree.write(change(after, before), folder)
    assert sentence in told(folder)[0]


def test_skipped_step_comes_next(folder, timeline):
    before, after = files_after(timeline, "02", 8), files_after(timeline, "02", 9)
    script = "chat/static/chat/chat.js"
    assert before[script] != after[script]
    file_tree.write(files_after(timeline, "02", 12) | {script: before[script]}, folder)
    said, _ = told(folder)
    assert said.startswith("Chapter 2: steps 1 to 12 of 13 are done, but step 9 is missing.\n")
    assert "Next: step 9, Show the error on the page, in chat/static/chat/chat.js" in said


def test_file_in_the_wrong_folder_is_to_be_moved(folder, timeline):
    files = dict(files_after(timeline, "02", 4))
    files["chat/room.html"] = files.pop("chat/templates/chat/room.html")
    file_tree.write(files, folder)
    said, status = told(folder)
    assert "Chapter 2: steps 1 to 4 of 13" in said
    assert "mv chat/room.html chat/templates/chat/room.html" in said
    assert status == 1


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        ({}, "has no files"),
        ({"notes.txt": b"milk"}, "has no file that's on the course's pages"),
        ({"site/manage.py": b"x", "site/site/settings.py": b"x"}, "startproject config ."),
    ],
)
def test_folder_without_a_project_gets_one_sentence(made, sentence, folder):
    file_tree.write(made, folder)
    said, status = told(folder)
    assert (status, len(said.splitlines())) == (1, 1)
    assert sentence in said


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nowhere", "There's no folder"),
        (str(chapters.ROOT / "03_sync_group_chat"), "inside the course's clone"),
        (str(chapters.ROOT / "README.md"), "is a file"),
        ("~nobody-of-that-name/x", "a user who doesn't exist"),
    ],
)
def test_wrong_name_gets_one_sentence(name, sentence):
    said, status = told(name)
    assert (status, len(said.splitlines())) == (1, 1)
    assert sentence in said


def test_folder_that_may_not_be_read_gets_one_sentence(folder, monkeypatch):
    (folder / "chat").mkdir()
    scandir = os.scandir

    def refuse(path):
        if str(path) == str(folder / "chat"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    # The superuser may read everything, so a folder's mode is no test for everyone.
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CourseError, match="chat can't be read: Permission denied"):
        project.read(str(folder))


def test_edited_clone_is_said_first(folder, timeline, tmp_path, monkeypatch):
    monkeypatch.delenv(check.IN_A_REPLAY)
    clone = tmp_path / "clone"
    (clone / "03_sync_group_chat").mkdir(parents=True)
    (clone / "03_sync_group_chat" / "a.py").write_text("a = 1\n")
    git = ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(chapters, "ROOT", clone)
    assert check._edited_clone() == []
    (clone / "03_sync_group_chat" / "a.py").write_text("a = 2\n")
    [finding] = check._edited_clone()
    assert finding.rung == "folder"
    assert "restore 03_sync_group_chat/a.py" in finding.do


def test_json_is_all_that_is_printed_and_has_its_keys(folder, timeline):
    file_tree.write(files_after(timeline, "05", 7), folder)
    (folder / "chat" / "consumers.py").write_text("class Chat(:\n")
    command = [*COURSE, "check", str(folder), "--json"]
    asked = subprocess.run(command, cwd=chapters.ROOT, capture_output=True, text=True)
    found = json.loads(asked.stdout)
    assert found["version"] == report.VERSION
    assert set(found) == {
        *("version", "folder", "lesson", "steps", "first", "done", "skipped", "begun", "ahead"),
        *("ahead_files", "section", "finished", "passed", "next", "findings", "otherwise"),
        *("not_looked_at", "conversations", "tests"),
    }
    assert found["findings"][0]["rung"] == "parses"
    assert asked.returncode == 1


def test_nothing_is_written_into_the_folder(folder, timeline):
    file_tree.write(files_after(timeline, "06", 20), folder)

    def state():
        return sorted(
            (str(path), path.stat().st_mtime_ns, path.is_file() and path.read_bytes())
            for path in [folder, *folder.rglob("*")]
        )

    before = state()
    told(folder, "--all")
    assert state() == before


def test_watching_answers_again_when_a_file_is_saved(folder, timeline):
    file_tree.write(files_after(timeline, "03", 4), folder)
    log = folder.parent / "log"
    process = processes.Process(
        [*COURSE, "check", str(folder), "--watch"],
        folder=chapters.ROOT,
        environment=os.environ,
        log=log,
    )
    try:
        process.wait_for(lambda: "steps 1 to 4" in process.printed(), "no first answer")
        file_tree.write(files_after(timeline, "03", 5), folder)
        process.wait_for(lambda: "steps 1 to 5" in process.printed(), "no second answer")
    finally:
        process.end(5)
    assert "Traceback" not in process.printed()


def test_missing_folder_is_reported_before_anything_slow(monkeypatch, capsys):
    monkeypatch.setattr(environment, "ensure", lambda *_: pytest.fail("made the environment first"))
    assert __main__.main(["check", "/nowhere/at/all"]) == 1
    assert "There's no folder" in capsys.readouterr().err
