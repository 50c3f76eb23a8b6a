"""Each exercise has two sides: the untouched chapter fails its check, and the solution passes.

Both are checked as a learner's folder would be, two exercises at a time.
"""

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from course import chapters
from course.learner import exercises, judge, own_tests
from course.learner.project import Project
from course.pages import file_tree
from course.tasks.housekeeping import LEARNERS
from tests.support.sample import sample

AT_ONCE = 2

# The chapters' own tests that take long, and look at what no exercise changes.
LONG = ["database", "outages", "redis_full", "redis_gone", "server", "settings", "start_up"]

# What a learner could easily write instead of the solution: (exercise, file, what's there in the
# solution, what they write, the hidden test that says so).
NEARLY_RIGHT = [
    (
        "01_suggested_rooms",
        "chat/views.py",
        'context = {"form": form, "rooms": SUGGESTED_ROOMS}',
        'context = {"form": form, "rooms": [] if form.errors else SUGGESTED_ROOMS}',
        "the list is there when the form complains",
    ),
    (
        "01_last_room",
        "chat/views.py",
        ", max_age=timedelta(days=365)",
        "",
        "the cookie lasts for a year",
    ),
    (
        "02_upper",
        "chat/consumers.py",
        'command == "/upper"',
        'command == "/upper" and text',
        "/upper without a text is an empty message",
    ),
    ("02_repeat", "chat/consumers.py", "([1-5])", "(\\\\d)", "what isn't a number from 1 to 5"),
    (
        "03_who_joined",
        "chat/consumers.py",
        "self.name",
        "ChatConsumer.name",
        "two people keep their names",
    ),
    (
        "03_slow_mode",
        "chat/consumers.py",
        "self.next_allowed",
        "ChatConsumer.next_allowed",
        "each page waits for itself",
    ),
    (
        "04_typing",
        "chat/consumers.py",
        'frame.get("typing") is True',
        '"typing" in frame',
        "other frames are treated as before",
    ),
    (
        "04_reminder",
        "chat/consumers.py",
        "task.cancel()",
        "pass",
        "a page that has left doesn't remind anyone",
    ),
    (
        "04_count_users",
        "chat/consumers.py",
        'if message == "/users"',
        'if message.startswith("/users")',
        "only the page that asks gets the number",
    ),
    (
        "05_names",
        "chat/templates/chat/partials/ws_response.html",
        "{{ name }}",
        "{{ name|safe }}",
        "markup in a name shows as text",
    ),
    (
        "05_clear",
        "chat/consumers.py",
        'message == "/clear"',
        '"/clear" in message',
        "other messages stay messages",
    ),
    (
        "06_leave",
        "chat/views.py",
        "conversation.participants.remove(request.user)",
        "conversation.participants.through.objects.filter(user=request.user).delete()",
        "a page that's open elsewhere is closed",
    ),
    (
        "06_search",
        "chat/history.py",
        "content__icontains=text)",
        'content__iregex=text.replace("%", ".*").replace("_", "."))',
        "% and _ mean themselves",
    ),
    (
        "06_delete",
        "chat/consumers.py",
        "        access.check(self.scope, self.conversation_id)\n        mine",
        "        mine",
        "someone who has been taken out can't delete anything",
    ),
]


@pytest.fixture(scope="module")
def checked(request):
    """Return a function that waits for both sides of an exercise, or for one nearly right.

    All that was selected is checked from the start, several at a time.
    """
    items = [item for item in request.session.items if item.module is request.module]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {}
        for params in (item.callspec.params for item in items):
            if name := params.get("name"):
                futures[name] = pool.submit(both_sides, exercises.find(name))
            else:
                futures[params["nearly"]] = pool.submit(find_failure, *params["nearly"][:4])
        yield lambda which: futures[which].result()


@pytest.fixture(scope="module", autouse=True)
def fewer_tests():
    """Leave out the chapters' own tests that take long."""
    all_but_visible = exercises.all_but_visible
    with pytest.MonkeyPatch.context() as patch:
        ignored = [all_but_visible(), *(f"--ignore=tests/test_{name}.py" for name in LONG)]
        patch.setattr(exercises, "all_but_visible", lambda: " ".join(ignored))
        yield


def both_sides(exercise):
    """Return whether the untouched chapter fails each kind of test, and how the solution does."""
    untouched = file_tree.read(chapters.folder(exercise.chapter))
    with judge.workshop(exercises.with_tests(untouched, exercise)) as there:
        visible = own_tests.run(there, exercises.VISIBLE).said
        hidden = any(outcome.said for outcome in judge.judge(there, exercise.hidden_tests))
    files = solve(exercise)
    return visible, hidden, check(exercise, files), said_by_ruff(files, untouched)


def find_failure(name, path, old, new):
    """Return the title of the first hidden test that fails for the solution with one change."""
    exercise = exercises.find(name)
    files = solve(exercise)
    text = files[path].decode()
    assert old in text, f"{path} doesn't have {old}"
    changed = files | {path: text.replace(old, new).encode()}
    with judge.workshop(exercises.with_tests(changed, exercise)) as there:
        failed = (each for each in judge.judge(there, exercise.hidden_tests) if each.said)
        return next((outcome.section.title for outcome in failed), None)


def check(exercise, files):
    return exercises.check_exercise(Project(Path("/nowhere"), files, "config"), exercise)


def solve(exercise):
    """Return the chapter's files with the exercise's solution."""
    with judge.workshop(file_tree.read(chapters.folder(exercise.chapter))) as there:
        [outcome] = judge.judge(there, [exercise.sections["Solution"]])
        assert not outcome.said, f"{exercise.path}:{outcome.line}: {outcome.said}"
        return there.files


def said_by_ruff(files, before):
    """Return what ruff has to say about the Python files that a solution changes."""
    said = ""
    for name in sorted(files):
        if name.endswith(".py") and files[name] != before.get(name):
            for verb in (["check", "-q"], ["format", "--diff", "-q"]):
                command = [sys.executable, "-m", "ruff", *verb, *LEARNERS]
                command += [f"--stdin-filename={chapters.NAMES[0]}/{name}", "-"]
                done = subprocess.run(command, input=files[name], capture_output=True)
                said += (done.stdout + done.stderr).decode() if done.returncode else ""
    return said


@pytest.mark.parametrize("name", sample(exercises.names(), lambda name: name[:2]))
def test_untouched_chapter_fails_and_the_solution_passes(checked, name):
    visible, hidden, solved, style = checked(name)
    assert visible, "the untouched chapter passes the visible test"
    assert hidden, "the untouched chapter passes the hidden tests"
    assert [result for result in solved if result.said] == []
    count = len(exercises.find(name).hidden_tests)
    assert len(solved) == count + 2, "the visible test, the hidden ones, and the chapter's own"
    assert style == ""


@pytest.mark.parametrize(
    "nearly", NEARLY_RIGHT, ids=lambda nearly: re.sub(r"\W+", "-", f"{nearly[0]} {nearly[4]}")
)
def test_nearly_right_solution_is_told_what_is_missing(checked, nearly):
    assert checked(nearly).startswith(exercises.HIDDEN + nearly[4])
