"""Check that a learner is told the step that they're at, whatever their project looks like."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from course import chapters
from course.learner import place, project
from course.learner import timeline as timelines
from course.pages import file_tree
from tests.learner import unplanned

COUNT = 60  # projects that no page describes
WITHIN_A_STEP = 57


@pytest.fixture(scope="module")
def timeline():
    return timelines.read()


def placed(files, timeline):
    found = project.Project(Path("my-chat"), files, project.package_of(files))
    return place.place(found, timeline)


def as_written(timeline):
    return lambda files: files


def with_a_package_called_mysite(timeline):
    def change(files):
        return {
            re.sub("^config/", "mysite/", path): re.sub(rb"\bconfig\b", b"mysite", content)
            for path, content in files.items()
        }

    return change


def formatted(timeline):
    """Format each Python file as black does, which is what ruff's formatter follows."""
    contents = sorted(
        {
            content
            for each in timeline.positions
            for path, content in each.files.items()
            if path.endswith(".py")
        }
    )
    after = {content: _format(content) for content in contents}
    assert sum(before != text for before, text in after.items()) > 40
    return lambda files: {path: after.get(content, content) for path, content in files.items()}


def _format(content):
    command = [Path(sys.executable).with_name("ruff"), "format", "--isolated", "-"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def formatted_and_called_mysite(timeline):
    first, then = formatted(timeline), with_a_package_called_mysite(timeline)
    return lambda files: then(first(files))


def made_with_django_6_1(timeline):
    """Change what startproject and startapp write as Django 6.1's do."""
    changes = [
        (rb"\n# Default primary key.*\n# https.*\n\nDEFAULT_AUTO_FIELD = .*\n", b"\n" + MAILERS),
        (rb"    default_auto_field = .*\n", b""),
        (rb"Django 5\.2\.\d+", b"Django 6.1"),
        (rb"/en/5\.2/", b"/en/6.1/"),
    ]

    def change(files):
        changed = dict(files)
        for path in files:
            if path.endswith(("settings.py", "apps.py", "urls.py", "asgi.py", "wsgi.py")):
                for old, new in changes:
                    changed[path] = re.sub(old, new, changed[path])
        return changed

    assert any(
        b"MAILERS" in change(each.files).get("config/settings.py", b"")
        for each in timeline.positions
    )
    return change


MAILERS = b"""
# Email
# https://docs.djangoproject.com/en/6.1/topics/email/#topic-email-configuration

MAILERS = {
    'default': {
        'BACKEND': 'django.core.mail.backends.console.EmailBackend',
    },
}
"""


@pytest.mark.parametrize(
    "way",
    [
        as_written,
        with_a_package_called_mysite,
        formatted,
        formatted_and_called_mysite,
        made_with_django_6_1,
    ],
)
def test_each_state_on_the_pages_is_named_as_what_it_is(way, timeline):
    change = way(timeline)
    wrong = []
    for position in timeline.positions:
        if not position.files:
            continue
        found = placed(change(position.files), timeline)
        lesson, step = position.lesson, position.step
        if step == 0 and not position.inside and chapters.before(lesson):
            lesson = chapters.before(lesson)
            step = len(timeline.steps[lesson])
        said = (found.lesson, found.done, found.begun, found.skipped, found.ahead)
        if said != (lesson, step, position.inside or None, [], []) or found.differences:
            wrong.append((position.lesson, position.step, position.inside, said))
        if found.finished != (step == len(timeline.steps[lesson]) and not position.inside):
            wrong.append((position.lesson, position.step, "finished"))
    assert wrong == []


def test_projects_that_no_page_describes_are_placed_within_a_step(timeline, record_property):
    order = [(each, step.number) for each in chapters.NAMES for step in timeline.steps[each]]
    near = 0
    for each in unplanned.make(COUNT, timeline):
        found = placed(each.files, timeline)
        assert not found.finished, (each.kind, each.step)
        if found.lesson in chapters.NAMES:
            at = order.index((found.lesson, 1)) + found.done - 1
            near += abs(at - order.index(each.step)) <= 1
    record_property("placed within a step", f"{near} of {COUNT}")
    assert near >= WITHIN_A_STEP


@pytest.mark.parametrize("number", range(1, 7))
def test_finished_chapter_is_said_to_be_finished(number, timeline):
    chapter = chapters.NAMES[number - 1]
    found = placed(file_tree.read(chapters.folder(chapter)), timeline)
    assert (found.lesson, found.finished, found.differences) == (chapter, True, [])
