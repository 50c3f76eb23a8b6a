"""Check that each hidden test notices at least one mistake."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from course import chapters
from course.learner import behaviour, mistakes
from course.pages import file_tree
from course.pages.patches import PatchError
from course.replay import sockets


def for_section(title: str, files: file_tree.Tree) -> mistakes.Mistake:
    """Return the first known mistake that a hidden section should find in such a project."""
    for mistake in mistakes.load().values():
        if mistake.hidden == title:
            try:
                mistake.make(files)
            except (KeyError, PatchError):
                continue
            return mistake
    raise AssertionError(f"no mistake that can be made here is found by: {title}")


def projects(chapter: str) -> list[tuple[set[str], file_tree.Tree]]:
    """Return projects with as many mistakes in each as fit beside each other, and their sections.

    A server takes seconds to start, and this way there are few.
    """
    right = file_tree.read(chapters.folder(chapter))
    made: list[tuple[set[str], file_tree.Tree]] = []
    for section in behaviour.hidden_sections(behaviour.hidden_page(chapter)):
        mistake = for_section(section.title, right)
        for titles, files in made:
            try:
                changed = mistake.make(files)
            except PatchError:
                continue
            titles.add(section.title)
            files.update(changed)
            break
        else:
            made.append(({section.title}, mistake.make(right)))
    return made


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_each_hidden_test_notices_a_mistake(chapter, monkeypatch):
    monkeypatch.setattr(sockets, "ANSWER_LIMIT", 1)  # most of what's waited for never comes
    page = behaviour.hidden_page(chapter)

    def failing(files: file_tree.Tree) -> set[str]:
        return {section.title for section, found in behaviour.judge_hidden(files, page) if found}

    made = projects(chapter)
    with ThreadPoolExecutor(2) as pool:
        found = [*pool.map(failing, [files for _, files in made])]
    unnoticed = [titles - failed for (titles, _), failed in zip(made, found, strict=True)]
    assert set().union(*unnoticed) == set()
    assert all("" not in failed for failed in found)  # the servers start
