"""Check that a mistyped line is quoted so that a learner sees what to change."""

from pathlib import Path

import pytest

from course.learner import differences, place, project
from course.learner import timeline as timelines


@pytest.fixture(scope="module")
def timeline():
    return timelines.read()


@pytest.fixture
def first_finding(timeline):
    """Return how far a project is, and its first finding, if a step's file has been changed."""

    def find(chapter, step, path, *changes):
        position = next(
            each
            for each in reversed(timeline.positions)
            if each.lesson.startswith(chapter) and each.step == step and not each.inside
        )
        text = position.files[path].decode()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        files = position.files | {path: text.encode()}
        found = project.Project(Path("my-chat"), files, "config")
        there = place.place(found, timeline)
        return there, differences.findings(found, there, timeline)[0]

    return find


def test_line_at_the_wrong_depth_is_told_from_the_page_s(first_finding):
    wrong = ("        )\n    return message", "        )\n        return message")
    _, finding = first_finding("02", 11, "chat/frames.py", wrong)
    assert finding.yours == "return message"
    assert finding.page == "the same, with 4 spaces before it, not 8"


def test_mistyped_line_isn_t_taken_for_a_later_step_s_change_of_it(first_finding):
    there, finding = first_finding(
        "03", 4, "chat/consumers.py", ('event["message"]', 'event["text"]')
    )
    assert (there.done, there.begun) == (4, None)
    assert 'event["message"]' in finding.page


def test_quoted_lines_keep_their_indentation(first_finding):
    wrong = (
        'def read_message(text_data):\n    """Return',
        'def read_message(text):\n    """Return',
    )
    then = ("decode(text_data).get", "decode(text).get")
    _, finding = first_finding("02", 11, "chat/frames.py", wrong, then)
    assert finding.yours.split("\n") == [
        "def read_message(text):",
        '    return clean_message(decode(text).get("message"))',
    ]


def test_method_outside_of_its_class_begins_its_step_and_has_its_place_named(first_finding):
    outside = [
        ("\n    def chat_message", "\n\ndef chat_message"),
        ('        """Forward', '    """Forward'),
        ('        self.send(json.dumps({"message"', '    self.send(json.dumps({"message"'),
    ]
    there, finding = first_finding("03", 4, "chat/consumers.py", *outside)
    assert (there.done, there.begun) == (3, 4)
    assert finding.yours.startswith("def chat_message(self, event):\n    self.send(")
    assert finding.page == "the same, in ChatConsumer, with 4 spaces before it, not 0"
    assert "step 4: " in finding.do


def test_lines_in_the_wrong_order_have_their_place_named(first_finding):
    new = '    path("new/", views.new, name="new"),\n'
    one = '    path("<int:conversation_id>/", views.conversation, name="conversation"),\n'
    _, finding = first_finding("06", 16, "chat/urls.py", (new + one, one + new))
    assert finding.where == "chat/urls.py:10"
    assert finding.yours == new.strip()
    assert finding.page == 'the same, after: path("", views.index, name="index"),'


def test_line_that_is_mistyped_and_in_the_wrong_place_is_shown_beside_the_page_s(first_finding):
    new = '    path("new/", views.new, name="new"),\n'
    one = '    path("<int:conversation_id>/", views.conversation, name="conversation"),\n'
    wrong = one.replace("int:", "str:") + new
    _, finding = first_finding("06", 16, "chat/urls.py", (new + one, wrong))
    assert finding.page == f"{one.strip()}\n(after: {new.strip()})"


def test_mistyped_line_of_the_last_step_is_compared_with_that_step(first_finding):
    wrong = ("beforeend:#content", "beforeend:content")
    path = "chat/templates/chat/partials/ws_response.html"
    there, finding = first_finding("05", 7, path, wrong)
    assert there.begun == 7
    assert "beforeend:#content" in finding.page
    assert "step 7: " in finding.do


def test_empty_file_that_is_missing_is_to_be_created(timeline):
    files = dict(timeline.end("06_conversations_auth").files)
    del files["chat/migrations/__init__.py"]
    found = project.Project(Path("my-chat"), files, "config")
    [finding] = differences.findings(found, place.place(found, timeline), timeline)
    assert finding.do.startswith("Create it, and leave it empty.")
