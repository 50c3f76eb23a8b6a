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
    ],
)
def test_conversation_runs_as_shown(shell, monkeypatch, block):
    monkeypatch.setattr(wire, "QUIET", 0.02)  # no need to wait long for frames that aren't expected
    wire.run(block, shell, threading.Event())


# These tests wait for something that never arrives. The others need time on a slow machine.
NEVER_ARRIVES = ["within 0.3 s", "ended with not at", "should end with HTTP 403"]


@pytest.mark.parametrize(
    "block, below, message",
    [
        (f"ann, bob: {URL}\nann > Tea?\nann < Tea?\n", 3, "bob also got a frame"),
        (f"{URL}\n> twice\n< twice\n", 3, "the page also got a frame that the page doesn't show"),
        (f"{URL}\n> Tea\n< Coffee\n> x\n", 3, "the page got another frame"),
        (f"{URL}\n> 1\n< true\n", 3, "another frame"),
        (f"{URL}\n> [1, 2]\n< [2, 1]\n", 3, "another frame"),
        (f"{URL}\n< Tea\n", 2, "the page got nothing within 0.3 s; shown is: Tea"),
        (f"ann: {URL}\nann x 4403\n", 2, "ann should end with 4403, but ended with not at"),
        (f"{URL}\n> Tea\nx 4403\n", 3, "not at all, but this came: Tea"),
        ("carol: ws://127.0.0.1:8000/closed\ncarol x 4401\n", 2, "but ended with 4403"),
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


# The parts of Django that a login needs.
DJANGO = """
import os
import sys

import django
from django.conf import settings

settings.configure(
    ALLOWED_HOSTS=["*"],
    ASGI_APPLICATION="__main__.application",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "daphne", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ROOT_URLCONF="__main__",
    SECRET_KEY="x",
    TEMPLATES=[{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "OPTIONS": {"loaders": [("django.template.loaders.locmem.Loader", {
            "registration/login.html": "<form method=post>{% csrf_token %}{{ form }}</form>",
        })]},
    }],
    LOGIN_REDIRECT_URL="/",
)
from django.core.asgi import get_asgi_application

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import WebsocketConsumer
from channels.routing import ProtocolTypeRouter
from django.contrib.auth import get_user_model
from django.contrib.auth.views import LoginView
from django.core.management import call_command, execute_from_command_line
from django.urls import path

urlpatterns = [path("accounts/login/", LoginView.as_view())]


class WhoAmI(WebsocketConsumer):
    def connect(self):
        self.accept()
        self.send(self.scope["user"].username or "anonymous")


sockets = AuthMiddlewareStack(WhoAmI.as_asgi())
application = ProtocolTypeRouter({"http": http, "websocket": sockets})
if not os.path.exists("db.sqlite3"):
    call_command("migrate", verbosity=0)
    for name in ("ann", "bob"):
        get_user_model().objects.create_user(name, password="{password}")
execute_from_command_line(sys.argv)
""".replace("{password}", chapters.DEMO_PASSWORD)

WHO = """\
ws://127.0.0.1:8000/
< anonymous
as ann
ann, second: ws://127.0.0.1:8000/
as bob
bob: ws://127.0.0.1:8000/
bob < bob
ann < ann
second < ann
"""


def test_sockets_belong_to_the_user_who_is_logged_in(tmp_path):
    with open_shell(tmp_path, DJANGO) as shell:
        do(shell, "$ python manage.py runserver --skip-checks\n...\n")
        wire.run(WHO, shell, threading.Event())
        with pytest.raises(Mismatch, match="as eve: expected channels-demo to log in"):
            wire.run("as eve\n", shell, threading.Event())
