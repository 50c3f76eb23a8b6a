import csv
import io

from course.learner import marks
from course.learner.findings import Finding
from course.learner.marks import Mark
from course.learner.sandbox import Held

CHAPTER = "03_sync_group_chat"


def stops(name, step, yours="bob got nothing within 5 s"):
    finding = Finding(
        "behaviour", "chat/consumers.py:3", yours, 'bob < {"message": "Tea?"}', "Look."
    )
    return Mark(name, marks.STOPS, 2.0, CHAPTER, step, "Send to the group", finding)


def test_a_teacher_reads_where_most_stop_and_how_many_in_the_same_way():
    every = [Mark("zoe", marks.PASSED, 1.0), Mark("yan", marks.NOT_JUDGED, 1.0, why="It's empty.")]
    every += [stops(f"s{n}", 5, f"line {n}: bob got nothing") for n in range(3)]
    every += [stops("other", 5, "NameError"), stops("late", 9)]
    assert marks.summary(every, CHAPTER) == [
        "1 of 7 passed chapter 03_sync_group_chat.",
        "4 of 7 stop at step 5, Send to the group, 3 of them in the same way, such as s0.",
        "1 of 7 stops at step 9, Send to the group: late.",
        "1 of 7 wasn't judged: yan.",
    ]


def test_a_submission_cannot_run_anything_in_the_page():
    mark = stops("<img src=x onerror=alert(1)>", 5, "<script>alert(1)</script>")
    page = marks.as_html([mark], CHAPTER, [Held("a limit", True)])
    assert "<script" not in page and "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_submission_cannot_replace_the_page_by_text_of_its_own():
    page = marks.as_html([stops("BODY", 5, "TITLE")], CHAPTER, [])
    assert page.count("<h1>") == 1 and page.count("</html>") == 1


def test_a_submission_cannot_run_a_formula_in_a_spreadsheet():
    mark = stops("=HYPERLINK(1)", 5, "@SUM(1)")
    row = list(csv.DictReader(io.StringIO(marks.as_csv([mark]))))[0]
    assert row["submission"] == "'=HYPERLINK(1)" and row["yours"] == "'@SUM(1)"


def test_a_submission_cannot_clear_the_terminal():
    assert "\x1b" not in marks.clean("\x1b[2J fine\n") and "fine\n" in marks.clean("\x1b[2J fine\n")


def test_what_does_not_protect_a_machine_is_said():
    text = marks.protections([Held("a limit on time", True), Held("has no network", False)])
    assert "has no network" in text and "NO" in text and "container" in text


def test_servers_that_end_for_different_reasons_are_not_the_same_way():
    ended = "the beginning: `python manage.py runserver` ended at once. It printed:\n\n    "
    every = [stops("ann", 5, ended + "NameError: a"), stops("bob", 5, ended + "KeyError: b")]
    assert "each in another way" in marks.summary(every, CHAPTER)[1]
