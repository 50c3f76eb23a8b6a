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


@pytest.fixture
def placed(timeline):
    """Return how far a project is that was changed after a step; None takes a file away."""

    def find(chapter, step, changes):
        position = next(
            each
            for each in reversed(timeline.positions)
            if each.lesson.startswith(chapter) and each.step == step and not each.inside
        )
        files = position.files | {
            path: change and change(position.files.get(path)) for path, change in changes.items()
        }
        files = {path: content for path, content in files.items() if content is not None}
        return place.place(project.Project(Path("my-chat"), files, "config"), timeline)

    return find


def test_app_of_ones_own_is_no_difference(placed):
    there = placed(
        "03",
        6,
        {
            "blog/__init__.py": lambda _: b"",
            "blog/urls.py": lambda _: b"urlpatterns = []\n",
            "config/settings.py": lambda old: old.replace(
                b"    'chat',", b"    'chat',\n    'blog',"
            ),
            "config/urls.py": lambda old: old.replace(
                b"    path('admin/'", b"    path('blog/', include('blog.urls')),\n    path('admin/'"
            ),
        },
    )
    assert (there.done, there.begun, there.differences) == (6, None, [])


def test_byte_order_mark_is_no_difference(placed):
    changes = ["config/settings.py", "chat/consumers.py", "chat/templates/chat/room.html"]
    there = placed("03", 6, {path: lambda old: b"\xef\xbb\xbf" + old for path in changes})
    assert (there.done, there.begun, there.differences) == (6, None, [])


@pytest.mark.parametrize("change", [None, lambda _: b""], ids=["deleted", "emptied"])
def test_file_that_was_lost_undoes_no_step_but_is_found(change, placed):
    there = placed("03", 6, {"chat/consumers.py": change})
    # The steps after 3 change that file alone.
    assert (there.done, there.begun, there.skipped, there.ahead) == (3, None, [], [])
    assert [each.path for each in there.differences] == ["chat/consumers.py"]


def test_empty_file_that_is_missing_is_to_be_created(timeline):
    files = dict(timeline.end("06_conversations_auth").files)
    del files["chat/migrations/__init__.py"]
    found = project.Project(Path("my-chat"), files, "config")
    [finding] = differences.findings(found, place.place(found, timeline), timeline)
    assert finding.do.startswith("Create it, and leave it empty.")
