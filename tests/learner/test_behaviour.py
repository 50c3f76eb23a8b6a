"""Check that projects are judged by what they do, with real servers."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from course import chapters
from course.learner import behaviour
from course.pages import file_tree, grammar

# How many of the pages' conversations have to hold at the end of each chapter, at least.
HOLD = {
    "01_http_only": 6,
    "02_echo_consumer": 5,
    "03_sync_group_chat": 8,
    "04_async_group_chat": 2,
    "05_htmx_ws": 2,
    "06_conversations_auth": 11,
}


@pytest.fixture(scope="module")
def held():
    """{chapter: how many of its conversations its folder holds}, counted two at a time."""

    def count(chapter: str) -> int:
        steps = sum(part.count for part in grammar.read_lesson(chapter))
        actions = behaviour.holding(chapter, steps)
        return sum(not action.prepares for action in actions)

    with ThreadPoolExecutor(2) as pool:
        names = [*reversed(chapters.NAMES)]
        return dict(zip(names, pool.map(count, names), strict=True))


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_finished_chapter_holds_its_pages_conversations(held, chapter):
    assert held[chapter] >= HOLD[chapter]


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_finished_chapter_passes_the_hidden_tests(chapter):
    page = behaviour.hidden_page(chapter)
    judged = [*behaviour.judge_hidden(file_tree.read(chapters.folder(chapter)), page)]
    assert [finding for _, finding in judged if finding] == []
    assert len(behaviour.hidden_sections(page)) > 4


def test_finished_chapter_passes_as_a_whole(held):
    chapter = "05_htmx_ws"
    judged = behaviour.at_end(file_tree.read(chapters.folder(chapter)), chapter)
    assert judged.findings == []
    assert judged.passed
    assert (judged.conversations, judged.hidden) == (held[chapter], 7)


def test_conversation_that_a_step_ends_badly_counts_only_at_that_step():
    judged = behaviour.judge_step(
        behaviour.reference("03_sync_group_chat", 3), "03_sync_group_chat", 3
    )
    assert judged.passed
    shown = [action.block.text for action in behaviour.holding("03_sync_group_chat", 3)]
    assert any("bob x 1011" in text for text in shown)  # the handler comes in step 4


def broken(chapter, step, path, old, new):
    """Return what comes out for a project in which a text was replaced."""
    files = dict(behaviour.reference(chapter, step))
    assert old in files[path].decode()
    files[path] = files[path].replace(old.encode(), new.encode())
    judged = behaviour.judge_step(files, chapter, step)
    assert not judged.passed
    [finding] = judged.findings
    assert finding.rung == "behaviour"
    return finding


def test_first_conversation_that_differs_is_reported_with_its_line_and_step():
    finding = broken("02_echo_consumer", 8, "chat/frames.py", "must be JSON", "has to be JSON")
    page = "docs/chapters/02_echo_consumer/2_bad_frames.md"
    text = (chapters.ROOT / page).read_text().split("\n")
    assert finding.where.startswith(f"{page}:")
    assert text[int(finding.where.rpartition(":")[2]) - 1] == finding.page
    assert finding.page == '< {"error": "A frame must be JSON."}'
    assert finding.yours == (
        "step 8, “Answer a frame that isn't a JSON object”: the page got another frame:\n\n"
        '    {"error": "A frame has to be JSON."}'
    )
    assert finding.do.startswith("Compare chat/consumers.py, chat/frames.py")


def test_exception_in_the_server_is_reported_with_the_learners_own_line():
    finding = broken("02_echo_consumer", 2, "chat/consumers.py", "json.loads", "json.load")
    assert "the socket ended with 1011" in finding.yours
    assert "AttributeError: 'str' object has no attribute 'read'" in finding.yours
    assert finding.do == "Look at chat/consumers.py:13, where the exception comes from."


def test_server_that_does_not_start_is_the_only_finding():
    finding = broken("02_echo_consumer", 2, "config/asgi.py", "application", "applicationX")
    assert "`python manage.py runserver`" in finding.yours
    assert "applicationX" in finding.yours
