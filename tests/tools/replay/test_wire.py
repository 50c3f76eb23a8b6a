"""Check that a conversation runs as the page shows it, and that extra frames are noticed."""

import threading

import pytest

from course import chapters
from course.pages.matching import Mismatch
from course.replay import sockets, wire
from tests.support.sample_course import do, open_shell

URL = "ws://127.0.0.1:8000/ws/"


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A shell in which the small web server runs."""
    with open_shell(tmp_path_factory.mktemp("wire")) as shell:
        do(shell, "$ python manage.py runserver\n...\n")
        yield shell


@pytest.mark.parametrize(
    "block",
    [
        f'{URL}\n> {{"message": "Tea?"}}\n< {{ "message":"Tea?" }}\n',
        f"ann, bob: {URL}\ncarol: {URL}\nann > Tea?\nann < Tea?\nbob < Tea?\ncarol < Tea?\n",
        f'{URL}\n> {{"a": 1, "b": 2}}\n< {{"b": 2, "a": 1}}\n',
        f"ann: {URL} from http://evil.example\nann x HTTP 403\n",
        f"{URL} from http://evil.example\nx HTTP 403\n",
        "carol: ws://127.0.0.1:8000/closed\ncarol x 4403\n",
        f"{URL}\n> bye\n< bye\nx 4001\n",
        f"{URL}\n> <p>\n< <p>\n",
        f"{URL}\n> <p id=1>\tTea  and  cake</p>\n< <p ...> Tea and ...</p>\n".replace("\t", " "),
        f'{URL}\n> {{"error": "too long"}}\n< {{"error": "..."}}\n',
        f"{URL}\n>\n<\n",
        f"ann: {URL}\n$ curl -s http://127.0.0.1:8000/say/Tea -o /dev/null\nann < Tea\n",
        f"ann: {URL}\nann > bye\nann < bye\nann x 4001\nann: {URL}\nann > x\nann < x\n",
        f"{URL}\n> x * 300\n< {'x' * 300}\n",
        f"{URL}\n> a(x * 3)b(y * 2)\n< axxxbyy\n",
        "GET /\n= 200\n!= 404\n!= ...Coffee...\n",
    ],
)
def test_conversation_runs_as_shown(shell, monkeypatch, block):
    monkeypatch.setattr(wire, "QUIET", 0.02)  # no need to wait long for frames that aren't expected
    wire.run(block, shell, threading.Event())


# These tests wait for something that never arrives. The others need time on a slow machine.
NEVER_ARRIVES = ["within 0.3 s", "still open", "should end with HTTP 403"]


@pytest.mark.parametrize(
    "block, below, message",
    [
        (f"ann, bob: {URL}\nann > Tea?\nann < Tea?\n", 3, "bob also got a frame"),
        (f"{URL}\n> twice\n< twice\n", 3, "the page also got a frame that the page doesn't show"),
        (f"{URL}\n> Tea\n< Coffee\n> x\n", 3, "the page got another frame"),
        (f"{URL}\n> 1\n< true\n", 3, "another frame"),
        (f"{URL}\n> [1, 2]\n< [2, 1]\n", 3, "another frame"),
        (f"{URL}\n< Tea\n", 2, "the page got nothing within 0.3 s; shown is: Tea"),
        (f"ann: {URL}\nann x 4403\n", 2, "ann's socket should end with 4403, but it's still open"),
        (f"{URL}\n> Tea\nx 4403\n", 3, "it's still open, and this came: Tea"),
        ("carol: ws://127.0.0.1:8000/closed\ncarol x 4401\n", 2, "but it ended with 4403"),
        ("carol: ws://127.0.0.1:8000/closed\ncarol < x\n", 2, "carol gets nothing more"),
        ("carol: ws://127.0.0.1:8000/closed\n", 1, "socket ended with 4403, but the page doesn't"),
        (f"{URL} from http://evil.example\n", 1, "ended with HTTP 403, but the page does"),
        (f"{URL} from http://evil.example\n> x\n", 2, "can't send: the socket ended with HTTP 403"),
        (f"{URL}\nx HTTP 403\n", 2, "should end with HTTP 403"),
        (f"ann: {URL}\nbob > x\n", 2, "no socket is open yet: bob > x"),
        (f"ann: {URL}\nann says x\n", 2, "this isn't a line of a conversation: ann says x"),
        (
            f"ann: {URL}\n$ echo why; false\n",
            2,
            "failed with exit status 1. It printed:\n\n    why",
        ),
        (f"ann: {URL}\nann > x\nann: {URL}\n", 3, "ann also got a frame"),
        ("ws://127.0.0.1:6379/\n", 1, "no server accepts a WebSocket at that address"),
        ("= 200\n", 1, "nothing has been asked for yet: = 200"),
        ("GET /\n= 404\n", 2, "another answer came.\n\nThe page shows:\n\n    404\n\nIt was"),
        ("GET /\n= Vary: Cookie\n", 2, "It was:\n\n    no such header"),
        ("GET /\n!= 200\n", 2, "another answer came."),
        ("as ann\n", 1, "as ann: expected a login form at /accounts/login/, got HTTP 200"),
    ],
)
def test_unexpected_conversation_is_reported(shell, monkeypatch, block, below, message):
    never_arrives = any(words in message for words in NEVER_ARRIVES)
    monkeypatch.setattr(sockets, "ANSWER_LIMIT", 0.3 if never_arrives else 10)
    with pytest.raises(Mismatch) as caught:
        wire.run(block, shell, threading.Event())
    assert message in str(caught.value)
    assert caught.value.below == below


SET_UP = f"""\
$ cp -r {chapters.folder(chapters.DEMO)}/. .
$ python manage.py migrate
...
$ python manage.py demo
...
$ python manage.py runserver
...
"""
LOGINS = """\
ws://127.0.0.1:8000/ws/chat/1/
x 4401
as ann
ann, second: ws://127.0.0.1:8000/ws/chat/1/
as carol
carol: ws://127.0.0.1:8000/ws/chat/1/
carol x 4403
"""
REQUESTS = """\
as carol
POST /chat/new/ usernames=ann+bob
= 302 /chat/2/
= Cache-Control: ...no-store...
GET /chat/2/
= 200
= ...<h1 dir="auto">ann, bob</h1>...
POST /accounts/logout/ from http://evil.example
= 403
GET /chat/
= 200
POST /accounts/logout/
= 302 /accounts/login/
GET /chat/
= 302 /accounts/login/?next=/chat/
"""


def test_sockets_and_requests_belong_to_the_user_who_is_logged_in(tmp_path):
    with open_shell(tmp_path) as shell:
        do(shell, SET_UP)
        wire.run(LOGINS, shell, threading.Event())
        wire.run(REQUESTS, shell, threading.Event())
        with pytest.raises(Mismatch, match="as eve: expected channels-demo to log in"):
            wire.run("as eve\n", shell, threading.Event())
