import pytest

from course import chapters
from course.console import CourseError
from course.learner import mistakes
from course.learner.findings import Finding

KNOWN = mistakes.load()
LINE = Finding("text", "chat/consumers.py:1", "", "", "")

CONSUMER = '''\
"""Consumers."""

from channels.generic.websocket import AsyncWebsocketConsumer


class ChatConsumer(AsyncWebsocketConsumer):
    """Talk."""

    async def connect(self):
        # Who's there?
        self.group_name = (
            "chat_lobby"
        )
        self.channel_layer.group_add(self.group_name, self.channel_name)
        await self.accept()
'''


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """A function that writes one file of mistakes in place of ours, and reads it."""
    monkeypatch.setattr(mistakes, "FOLDER", tmp_path)
    mistakes.load.cache_clear()

    def write(text):
        (tmp_path / "some.toml").write_text(text)
        return mistakes.load()

    yield write
    monkeypatch.undo()
    mistakes.load.cache_clear()


def listing(shows):
    return f"""
[it]
title = "It"
chapter = "04_async_group_chat"
says = "Mend it."
entry = "nothing-appears"
hidden = "It's seen"
[[it.shows]]
{shows}
"""


@pytest.mark.parametrize("name", KNOWN)
def test_mistake_leads_to_an_entry_and_belongs_to_a_chapter(name):
    mistake = KNOWN[name]
    assert mistake.entry in {"", *mistakes.entries()}
    assert mistake.chapter in chapters.NAMES
    assert mistake.test or mistake.hidden
    assert mistake.patch or mistake.removed


def test_learner_is_sent_to_the_line_with_the_mistake():
    files = {"chat/consumers.py": CONSUMER.encode()}
    finding = Finding("behaviour", "", "bob got nothing", "bob gets this frame", "")
    found = mistakes.explain(finding, files, "04_async_group_chat")
    assert (found.mistake, found.where) == ("await-missing", "chat/consumers.py:14")
    assert found.do == KNOWN["await-missing"].says
    assert found.yours == "bob got nothing"


def test_quotes_comments_and_line_breaks_hide_no_mistake(listed):
    listed(listing("file = 'chat/consumers.py'\nhas = '''= 'chat_lobby'$'''"))
    files = {"chat/consumers.py": CONSUMER.encode()}
    assert mistakes.recognise(LINE, files, "04_async_group_chat").id == "it"


def test_comment_is_no_mistake(listed):
    listed(listing("file = 'chat/consumers.py'\nhas = 'Who|Talk'"))
    files = {"chat/consumers.py": CONSUMER.encode()}
    assert mistakes.recognise(LINE, files, "04_async_group_chat") is None


def test_mistake_that_the_page_makes_on_purpose_is_none():
    files = {"chat/consumers.py": CONSUMER.encode()}
    assert mistakes.recognise(LINE, files, "04_async_group_chat", wanted=files) is None


def test_lines_of_one_file_are_not_explained_by_another():
    files = {"chat/consumers.py": CONSUMER.encode(), "chat/apps.py": b"x = 1\n"}
    finding = Finding("text", "chat/apps.py:1", "x = 1", "", "Compare")
    assert mistakes.explain(finding, files, "04_async_group_chat") == finding


def test_learner_of_another_package_is_sent_to_their_own_file():
    files = {"config/asgi.py": b"from chat.routing import websocket_urlpatterns\n"
             b"x = {'websockets': URLRouter(websocket_urlpatterns)}\n"}  # fmt: skip
    finding = Finding("routes", "", "There's no route of this kind", "", "")
    found = mistakes.explain(
        finding, files, "02_echo_consumer", theirs=lambda path: path.replace("config", "mysite")
    )
    assert (found.mistake, found.where) == ("websocket-key-misspelt", "mysite/asgi.py:2")


def test_what_stops_the_project_comes_before_silent_mistakes():
    files = {"chat/consumers.py": CONSUMER.encode()}
    finding = Finding("parses", "chat/urls.py:1", "SyntaxError: invalid syntax", "", "")
    assert mistakes.recognise(finding, files, "04_async_group_chat") is None


def test_message_that_troubleshooting_has_leads_there():
    said = "CommandError: You have not set ASGI_APPLICATION, which is needed to run the server."
    finding = Finding("starts", "config/settings.py:33", said, "", "Compare")
    found = mistakes.explain(finding, {}, "01_http_only")
    assert (found.entry, found.do) == ("asgi_application-isnt-set", "Compare")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[it]\ntitle = ", "some.toml can't be read"),
        (listing("file = 'x'\npatern = 'y'"), "unexpected keyword argument 'patern'"),
        (listing("file = 'x'").replace("[[it.shows]]\nfile = 'x'", ""), "it has no `shows`"),
        (listing("file = 'x'\nhas = '('"), "missing )"),
    ],
)
def test_bad_list_is_explained_in_a_sentence(listed, text, said):
    with pytest.raises(CourseError) as raised:
        listed(text)
    assert said in str(raised.value)
