import re

import pytest

from course import chapters
from course.console import CourseError
from course.learner import exercises, judge, own_tests
from course.learner.project import Project
from course.pages import file_tree, grammar
from course.replay import recordings

WHO_JOINED = "03_who_joined"


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """Count failed checks somewhere else, not in this clone."""
    monkeypatch.setattr(recordings, "FOLDER", str(tmp_path / "cache"))


@pytest.fixture
def results(monkeypatch):
    """A list with which the next check ends; it starts with one that failed."""
    results = [exercises.Result("the visible test", "Nothing arrived.")]
    monkeypatch.setattr(exercises, "check_exercise", lambda *_: results)
    return results


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path, {"manage.py": b""}, "config")


@pytest.mark.parametrize("name", exercises.names())
def test_exercise_has_all_its_parts(name):
    exercise = exercises.find(name)
    titles = [title for title in exercise.sections if not title.startswith(exercises.HIDDEN)]
    assert titles == ["", "Task", "Hints", "Visible test", "Solution"]
    assert exercise.text.startswith(f"# {exercise.title}\n")
    assert len(exercise.hints) == 3 and all(exercise.hints)
    assert "?" in exercise.hints[0], "the first hint is a question"
    assert exercise.hidden_tests and exercise.visible_test.startswith((b"import", b"async", b"def"))
    assert {block.kind for block in exercise.sections["Solution"].blocks} <= {"edit", "write"}


def test_each_chapter_has_two_exercises_or_more_on_its_pages():
    named = {}
    for chapter in chapters.NAMES:
        for path in chapters.pages(chapter):
            text = path.read_text(encoding="utf-8")
            named.setdefault(chapter, set()).update(re.findall(r"EXERCISE=(\w+)", text))
    for chapter in chapters.NAMES:
        there = {name for name in exercises.names() if exercises.find(name).chapter == chapter}
        assert len(there) >= 2
        assert named[chapter] == there


def test_unknown_exercise_is_told_those_of_its_chapter():
    with pytest.raises(CourseError, match="There are: 03_slow_mode, 03_who_joined.$"):
        exercises.find("03_nothing")
    with pytest.raises(CourseError, match="01_suggested_rooms, 02_repeat"):
        exercises.find("../README")


def test_without_a_name_all_exercises_are_listed(capsys):
    exercises.command(None, None)
    shown = capsys.readouterr().out
    for name in exercises.names():
        assert re.search(rf"^  {name} +\w", shown, re.MULTILINE)


def test_folder_without_an_exercise_is_refused(mine):
    with pytest.raises(CourseError, match="Name an exercise as well"):
        exercises.command(None, mine)
    assert not mine.exists()


def test_new_folder_has_the_chapter_the_test_and_the_task_but_no_solution(mine, capsys):
    exercises.command(WHO_JOINED, mine)
    files = file_tree.read(mine)
    chapter = file_tree.read(chapters.folder("03_sync_group_chat"))
    assert files.keys() - chapter.keys() == {"tests/test_exercise.py", "TASK.md"}
    assert {name: files[name] for name in chapter} == chapter
    assert b"Ann came in." in files["TASK.md"]
    assert b"QueryDict" not in files["TASK.md"]
    assert f"make check DIR={mine} EXERCISE={WHO_JOINED}" in capsys.readouterr().out


def test_hints_come_one_for_each_failed_check(results, project, capsys):
    hints = exercises.find(WHO_JOINED).hints
    with pytest.raises(CourseError, match="Hints come after a check that failed"):
        exercises.hint(WHO_JOINED)
    for count in (1, 2, 3):
        assert exercises.check(project, WHO_JOINED) == 1
        capsys.readouterr()
        exercises.hint(WHO_JOINED)
        shown = capsys.readouterr().out
        assert [hint in shown for hint in hints] == [number < count for number in range(3)]
        assert ("exercises/03_who_joined.md" in shown) == (count == 3)


def test_passed_check_unlocks_no_hint(results, project, capsys):
    results[:] = [exercises.Result("the visible test", "")]
    assert exercises.check(project, WHO_JOINED) == 0
    assert "Well done" in capsys.readouterr().out
    with pytest.raises(CourseError):
        exercises.hint(WHO_JOINED)


def test_hints_of_one_exercise_do_not_depend_on_another(results, project):
    exercises.check(project, WHO_JOINED)
    with pytest.raises(CourseError):
        exercises.hint("03_slow_mode")


def test_learners_own_tests_cannot_replace_the_checks():
    exercise = exercises.find("01_last_room")
    files = {"manage.py": b"", "pytest.ini": b"", "tests/test_exercise.py": b"", "tests/x.py": b""}
    tested = exercises.with_tests(files, exercise)
    assert tested["tests/test_exercise.py"] == exercise.visible_test
    assert b"config.settings" in tested["pytest.ini"]
    assert "tests/x.py" not in tested and "tests/test_pages.py" in tested


@pytest.fixture(scope="module")
def first_chapter():
    """A workshop with the end of chapter 1, in which tests can be run."""
    with judge.workshop(file_tree.read(chapters.folder("01_http_only"))) as there:
        yield there


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (
            "def test_tea(client):\n    client.get('/chat/')\n    assert 1 == 2",
            "tests/test_tea.py:3: in test_tea\n    assert 1 == 2\nE   assert 1 == 2",
        ),
        (
            "import asyncio\n\nasync def test_tea():\n"
            "    async with asyncio.timeout(0):\n        await asyncio.sleep(9)",
            "E   TimeoutError\n    (Nothing arrived in time.)",
        ),
        (
            "import pytest\n\n@pytest.fixture\ndef cup():\n    yield 1\n    raise OSError\n\n"
            "def test_tea(cup):\n    assert cup == 2",
            "tests/test_tea.py:9: in test_tea\n    assert cup == 2\nE   assert 1 == 2",
        ),
        ("tea(", 'E     File "tests/test_tea.py", line 1\nE       tea(\n'),
    ],
)
def test_failure_is_told_without_the_frames_of_libraries(first_chapter, test, said):
    first_chapter.do(grammar.Block("write", 1, test, "tests/test_tea.py"))
    found = own_tests.run(first_chapter, "tests/test_tea.py").said
    assert said in found
    assert "site-packages" not in found and "/my-chat/" not in found


def test_failed_conversation_is_shown_up_to_the_line_that_failed(first_chapter):
    exercise = exercises.find("01_suggested_rooms")
    outcome = next(judge.judge(first_chapter, exercise.hidden_tests))
    said = exercises.explain(outcome)
    assert said.startswith("$ python manage.py runserver\n$ python links.py")
    assert "The exercise expects:\n\n    Lobby at /chat/lobby/" in said
    assert "Garden at" not in said.partition("The exercise expects")[0]
