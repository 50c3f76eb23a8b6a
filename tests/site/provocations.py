"""Provoke each message of docs/reference/troubleshooting.md, by its entry's heading.

A provocation makes a mistake that a learner could make, and returns what was printed and where.
It doesn't wait for the message: the test reads a server's log or a browser's console later.

`edits` are a path in a chapter's folder, some of that file, and what a learner may have written
instead; and the same for further edits.
"""

import sqlite3
from collections.abc import Callable, Sequence

from tests.site.laboratory import RUNSERVER, Laboratory, Printed

Provocation = Callable[[Laboratory], Printed]
PROVOCATIONS: dict[str, Provocation] = {}

CHECK = "python manage.py check"
DAPHNE = "daphne -p 8000 config.asgi:application"
WORKER = "python manage.py runworker bot"
TEA = ['{"message": "Tea?"}']

SETTINGS = "config/settings.py"
ASGI = "config/asgi.py"
URLS = "chat/urls.py"
VIEWS = "chat/views.py"
CONSUMERS = "chat/consumers.py"
CHANNEL_LAYER = "chat/channel_layer.py"
SCRIPT = "chat/static/chat/chat.js"
ROOM_PAGE = "chat/templates/chat/room.html"
PARTIAL = "chat/templates/chat/partials/ws_response.html"


def provokes(heading: str) -> Callable[[Provocation], Provocation]:
    """Register a function under the heading of the page's entry."""

    def enter(provocation: Provocation) -> Provocation:
        assert heading not in PROVOCATIONS, heading
        PROVOCATIONS[heading] = provocation
        return provocation

    return enter


def fails(heading: str, command: str, chapter: str = "", *edits: str) -> None:
    """Register a command that fails in an edited chapter, or in an empty folder."""
    provokes(heading)(lambda lab: lab.run(lab.copy(chapter, *edits), command))


def talks(
    heading: str,
    chapter: str,
    *edits: str,
    command: str = RUNSERVER,
    redis: Callable[[Laboratory], str] | None = None,
    say: Sequence[str] = (),
    **opened: str,
) -> None:
    """Register what shows in the server log when a page opens a socket and sends something."""

    def provoke(lab: Laboratory) -> Printed:
        variables = {"REDIS_URL": redis(lab)} if redis else {}
        server = lab.serve(lab.copy(chapter, *edits), command, **variables)
        log = server.log()
        server.open(**opened)
        server.send(*say)
        return log

    provokes(heading)(provoke)


def asks(
    heading: str,
    status: int,
    request: str,
    chapter: str,
    *edits: str,
    command: str = RUNSERVER,
    body: str | None = None,
    **headers: str,
) -> None:
    """Register what shows in the server log when a request is answered with that status."""

    def provoke(lab: Laboratory) -> Printed:
        server = lab.serve(lab.copy(chapter, *edits), command)
        log = server.log()
        assert server.ask(*request.split(), body, **headers) == status
        return log

    provokes(heading)(provoke)


def looks(
    heading: str,
    chapter: str,
    *edits: str,
    command: str = RUNSERVER,
    path: str = "/chat/lobby/",
    do: Callable | None = None,
) -> None:
    """Register what shows in the browser console when a person opens a page and does something."""
    provokes(heading)(
        lambda lab: lab.console(lab.serve(lab.copy(chapter, *edits), command), path, do)
    )


def connected(page) -> None:
    page.get_by_text("Connected.", exact=True).wait_for()


def say_tea(field: str) -> Callable:
    def say(page) -> None:
        connected(page)
        page.fill(field, "Tea?")
        page.press(field, "Enter")

    return say


# Typing mistakes

COMMA = "    'channels',\n"
ROOM_VIEW = '    """Show one room."""\n'
REVERSE = "from django.urls import reverse; reverse('chat:rooms', args=['lobby'])"

fails("A bracket isn't closed", CHECK, "2", URLS, "\n]\n", "\n")
fails("A comma is missing", CHECK, "2", URLS, 'name="index"),', 'name="index")')
fails("A comma is missing between two names", CHECK, "1", SETTINGS, COMMA, COMMA.replace(",", ""))
fails("A line isn't indented", CHECK, "2", VIEWS, ROOM_VIEW, ROOM_VIEW.lstrip())
fails(
    "A line is indented too far",
    DAPHNE,
    "2",
    *(CONSUMERS, "        self.accept()", "            self.accept()\n        pass"),
    *(CONSUMERS, "    def connect(self):\n", "    def connect(self):\n        pass\n"),
)
fails("A module isn't there", CHECK, "2", URLS, "chat.rooms", "chat.room")
fails("A name isn't in its module", CHECK, "2", URLS, "import ROOM_NAME", "import ROOMNAME")
fails("An import is missing", CHECK, "2", URLS, "import path, re_path", "import path")
fails(
    "A route's name is misspelt",
    f'python manage.py shell -v 0 -c "{REVERSE}"',
    *("2", VIEWS, '"chat:room"', '"chat:rooms"'),
)
asks(
    "A template is in the wrong place",
    *(500, "GET /chat/lobby/"),
    *("2", VIEWS, '"chat/room.html"', '"room.html"'),
)
asks(
    "A tag library isn't registered",
    *(500, "GET /chat/lobby/"),
    *("5", SETTINGS, "    'django_htmx',\n", ""),
)
fails("manage.py isn't in this folder", CHECK)


# Starting the server

ASGI_APPLICATION = "ASGI_APPLICATION = 'config.asgi.application'\n"
AGSI = ASGI_APPLICATION.replace(".asgi", ".agsi")
APP = ASGI_APPLICATION.replace(".application", ".app")
ROUTES = "from chat.routing import websocket_urlpatterns\n"
NO_DAPHNE = (SETTINGS, "    'daphne',\n", "")
VENV = "python -m venv --without-pip .venv; . .venv/bin/activate; python manage.py runserver"
GET = "http_application = get"

fails(
    "Daphne is listed too late",
    RUNSERVER,
    "1",
    *NO_DAPHNE,
    *(SETTINGS, "    'chat',\n", "    'chat',\n    'daphne',\n"),
)
fails("Models are imported before Django is ready", DAPHNE, "6", ASGI, GET, ROUTES + GET)
fails("Settings aren't configured", DAPHNE, "6", ASGI, "import os\n", f"import os\n{ROUTES}")
fails("ASGI_APPLICATION isn't set", RUNSERVER, "1", SETTINGS, ASGI_APPLICATION, "")
fails(
    "The application's module can't be imported", RUNSERVER, "1", SETTINGS, ASGI_APPLICATION, AGSI
)
fails("The application isn't in its module", RUNSERVER, "1", SETTINGS, ASGI_APPLICATION, APP)
fails("Django isn't installed here", VENV, "1")
fails("No secret key is set", "DEBUG=off python manage.py runserver", "6")
fails("Daphne doesn't find the project", DAPHNE)
fails("pip rejects a single equals sign", "pip install channels=4.0.0")


@provokes("The port is taken")
def port_is_taken(lab):
    folder = lab.copy("1")
    return lab.run(folder, RUNSERVER, ports=lab.serve(folder).ports)


# Handshake

OPEN = "void new WebSocket('ws://' + location.host + '/ws/chat/lobby/')"
VIEWS_IMPORT = "from chat import views\n"
INDEX = '    path("", views.index, name="index"),\n'
SOCKETS = "URLRouter(websocket_urlpatterns)"
CONSUMER_ROUTE = '    path("ws/", ChatConsumer.as_asgi()),\n'


def open_in_console(page):
    page.evaluate(OPEN)


looks("WebSockets get a 404", "1", *NO_DAPHNE, path="/chat/", do=open_in_console)
looks("WebSockets get a 500", "1", path="/chat/", do=open_in_console)
looks("WebSockets get a 403", "2", CONSUMERS, "self.accept()", "self.close()")
looks("The handshake gets no answer", "2", CONSUMERS, "self.accept()", "pass")
talks("The handshake is handled as a page request", "1", *NO_DAPHNE)
talks("No route matches", "2", path="/ws/chat/lobby")
talks("The router has no entry for WebSockets", "1")
talks("The server rejects a WebSocket", "2", origin="http://elsewhere.example")
talks(
    "Django's own application gets the WebSocket",
    "2",
    *(ASGI, "application = ProtocolTypeRouter({", "router = ProtocolTypeRouter({"),
    *(ASGI, "})\n", "})\napplication = http_application\n"),
)
talks("as_asgi() is missing", "2", "chat/routing.py", "ChatConsumer.as_asgi()", "ChatConsumer")
asks(
    "A consumer is routed in urls.py",
    *(500, "GET /chat/ws/"),
    "2",
    *(URLS, VIEWS_IMPORT, f"{VIEWS_IMPORT}from chat.consumers import ChatConsumer\n"),
    *(URLS, INDEX, INDEX + CONSUMER_ROUTE),
)


talks(
    "The scope has no user",
    *("6", ASGI, "AuthMiddlewareStack(URLRouter(websocket_urlpatterns))", SOCKETS),
    path="/ws/chat/1/",
)


@provokes("No server is listening")
def no_server_is_listening(lab):
    # A server of its own, because it's killed.
    server = lab.serve(lab.copy("2"), f"{RUNSERVER} -v 2")

    def outlive(page):
        connected(page)
        server.kill()

    return lab.console(server, do=outlive)


# Channel layer

IN_MEMORY = "    'default': {'BACKEND': 'channels.layers.InMemoryChannelLayer'},\n"
MISSPELT = IN_MEMORY.replace("ChannelLayer", "ChanelLayer")
NO_REDIS = f"REDIS_URL=redis://127.0.0.1:6379 {RUNSERVER}"
CONVERSATION = "/ws/chat/1/"
EVENT = '"message": message}'
IMPORT_TIMEZONE = "from django.utils import timezone\n"
NEW_KEY = "-newkey rsa:2048 -keyout key"
SERVED = "-key key -cert certificate"

talks("There is no channel layer", "3", SETTINGS, IN_MEMORY, "")
talks(
    "A group's name is invalid",
    *("3", "chat/rooms.py", "[A-Za-z0-9_-]{1,50}", r"\w+"),
    path="/ws/chat/caf%C3%A9/",
)
fails("The layer's backend can't be imported", RUNSERVER, "3", SETTINGS, IN_MEMORY, MISSPELT)
fails("A command reaches nobody", "python manage.py announce lobby 'Tea?'", "3")
talks("Redis can't be reached", "3", command=NO_REDIS)
talks("Handshakes are refused because of Redis", "6", command=NO_REDIS, path=CONVERSATION)
talks("The Redis URL has no scheme", "3", command=f"REDIS_URL=127.0.0.1:6379 {RUNSERVER}")
talks("Redis wants a password", "3", redis=lambda lab: lab.guarded_redis(""))
talks("Redis rejects the password", "3", redis=lambda lab: lab.guarded_redis("chat:wrong@"))
talks(
    "A Redis user has no rights to channels",
    "6",
    redis=lambda lab: lab.guarded_redis("chat:plum@"),
    path=CONVERSATION,
)
talks(
    "An idle Redis connection times out after five seconds",
    *("3", SETTINGS, ", 'socket_timeout': None", ""),
    redis=lambda lab: lab.redis,
)
talks(
    "An event can't be serialized for Redis",
    "3",
    *(CHANNEL_LAYER, "import logging\n", f"import logging\n{IMPORT_TIMEZONE}"),
    *(CHANNEL_LAYER, EVENT, EVENT.replace("}", ', "at": timezone.now()}')),
    redis=lambda lab: lab.redis,
    say=TEA,
)
talks("A channel is full", "3", redis=lambda lab: lab.redis, say=['{"message": "/time"}'] * 101)


@provokes("The channel layer is in memory")
def channel_layer_is_in_memory(lab):
    return lab.serve(lab.copy("3")).log(since=0)


@provokes("The certificate of Redis is unknown")
def certificate_is_unknown(lab):
    folder = lab.folder()
    lab.run(folder, f"openssl req -x509 -subj /CN=127.0.0.1 -nodes {NEW_KEY} -out certificate")
    # There's no Redis behind it: the client hangs up once it has seen the certificate.
    tls = lab.serve(folder, f"openssl s_server -www -accept :8000 {SERVED}")
    server = lab.serve(lab.copy("6"), REDIS_URL=f"rediss://127.0.0.1:{tls.port}")
    log = server.log()
    server.open(CONVERSATION)
    return log


# Consumers

DELIVER = 'await self.send(json.dumps({"message": event["message"]}))'
JSON = "import json\n"
ADD = "self.channel_layer.group_add"
CONNECT = "    async def connect(self):\n"
UNKNOWN = '        if self.scope["user"].is_anonymous:\n            return await self.close()\n'
LEAVE = "await self.channel_layer.group_discard(self.group_name, self.channel_name)"

talks("An event has no handler", "3", CHANNEL_LAYER, '"chat.message"', '"chat.messages"', say=TEA)
talks(
    "async_to_sync in async code",
    "4",
    *(CONSUMERS, JSON, f"{JSON}from asgiref.sync import async_to_sync\n"),
    *(CONSUMERS, f"await {ADD}(", f"async_to_sync({ADD})("),
)
talks(
    "An ordinary function is awaited",
    *("4", CONSUMERS, "= read_message(", "= await read_message("),
    say=TEA,
)
talks(
    "A frame isn't JSON",
    *("2", CONSUMERS, "read_message(text_data)", 'json.loads(text_data)["message"]'),
    say=["Tea?"],
)
talks(
    "An answer can't be serialized as JSON",
    "4",
    *(CONSUMERS, JSON, JSON + IMPORT_TIMEZONE),
    *(CONSUMERS, DELIVER, 'await self.send(json.dumps({"at": timezone.now()}))'),
    say=TEA,
)
talks(
    "A dictionary is sent as a frame",
    *("4", CONSUMERS, DELIVER, 'await self.send({"message": event["message"]})'),
    say=TEA,
)
talks(
    "disconnect() misses what connect() sets",
    *("4", CONSUMERS, CONNECT, CONNECT + UNKNOWN),
)


@provokes("A coroutine was never awaited")
def coroutine_was_never_awaited(lab):
    folder = lab.copy("3", CONSUMERS, f"async_to_sync({ADD})(", f"{ADD}(")
    return lab.pytest(folder, "tests/test_consumers.py -k 'leaving_removes_the_channel'")


@provokes("A consumer outlives its socket")
def consumer_outlives_its_socket(lab):
    folder = lab.copy(
        "4",
        *(CONSUMERS, JSON, f"import asyncio\n{JSON}"),
        *(CONSUMERS, LEAVE, "await asyncio.sleep(60)"),
    )
    # Instead of the default of 10 seconds.
    server = lab.serve(folder, DAPHNE.replace("daphne", "daphne --application-close-timeout 1"))
    log = server.log()
    server.open()
    server.hang_up()
    return log


# Database

CONTENT = "    content = models.TextField()\n"
EDITED = "    edited = models.BooleanField(default=False)\n"
ACCEPT = "await self.accept()"
MIGRATE = "python manage.py migrate"
OLD_SESSION = "sessionid=of-another-day"
IMMEDIATE = "'transaction_mode': 'IMMEDIATE',"

talks(
    "A query in async code",
    "4",
    *(CONSUMERS, JSON, f"{JSON}from django.contrib.auth.models import User\n"),
    *(CONSUMERS, ACCEPT, f"self.people = User.objects.count(); {ACCEPT}"),
)
fails(
    "A column is missing",
    f"{MIGRATE}; python manage.py demo",
    *("6", "chat/models.py", CONTENT, CONTENT + EDITED),
)
talks("A table is missing", "6", path=CONVERSATION, cookies=OLD_SESSION)
fails(
    "PostgreSQL can't be reached",
    f"DATABASE_URL=postgres://chat@127.0.0.1:6379/chat {MIGRATE}",
    "6",
)


@provokes("The database is locked")
def database_is_locked(lab):
    # Instead of the default of 5 seconds.
    folder = lab.copy("6", SETTINGS, IMMEDIATE, f"{IMMEDIATE} 'timeout': 0.1,")
    other = sqlite3.connect(folder / "db.sqlite3", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        return lab.run(folder, MIGRATE)
    finally:
        other.close()


@provokes("PostgreSQL was restarted")
def postgres_was_restarted(lab):
    folder = lab.copy("6", SETTINGS, ", conn_health_checks=True", "")
    server = lab.serve(folder, DATABASE_URL=lab.postgres.url())
    server.open(CONVERSATION, cookies=OLD_SESSION)
    lab.postgres.restart()
    log = server.log()
    server.open(CONVERSATION, cookies=OLD_SESSION)
    return log


# Browser and htmx

HTMX = '{% htmx_script extensions="hx-ws" %}'
FORM = '<form id="form" ws-send>'
NEW_SOCKET = "socket = new WebSocket(url);"
SEND = 'self.send(json.dumps({"message": message}))'
SCHEME = 'window.location.protocol === "https:" ? "wss:" : "ws:"'

looks(
    "A message is sent before the socket opens",
    *("2", SCRIPT, NEW_SOCKET, f"{NEW_SOCKET} socket.send('');"),
)
looks("A script doesn't find its element", "2", ROOM_PAGE, ' type="module"', "")
looks(
    "The page receives something other than JSON",
    *("2", CONSUMERS, SEND, "self.send(message)"),
    do=say_tea("#chat-message-input"),
)
looks(
    "A frame's target isn't in the page",
    *("5", PARTIAL, "beforeend:#content", "beforeend:#contents"),
    do=say_tea("#chat_message"),
)
looks(
    "htmx may not run code from an attribute",
    *("5", ROOM_PAGE, FORM, FORM.replace(">", ' hx-on::ws-after-send="this.reset()">')),
    do=say_tea("#chat_message"),
)
looks(
    "A secure page opens an insecure socket",
    *("2", SCRIPT, SCHEME, '"ws:"'),
    path="https://chat.example/chat/lobby/",
)
asks(
    "A form has no CSRF token",
    *(403, "POST /accounts/logout/", "6"),
    Cookie=f"csrftoken={'x' * 32}",
)
asks(
    "A form's CSRF token is out of date",
    *(403, "POST /accounts/login/", "6"),
    body=f"csrfmiddlewaretoken={'x' * 32}",
    Cookie=f"csrftoken={'y' * 32}",
    **{"Content-Type": "application/x-www-form-urlencoded"},
)
asks("Logging out by a link", 405, "GET /accounts/logout/", "6")


@provokes("A message is sent after the socket closed")
def message_is_sent_after_the_socket_closed(lab):
    unasked = (SCRIPT, "if (socket.readyState !== WebSocket.OPEN)", "if (false)")
    server = lab.serve(lab.copy("2", *unasked))

    def send_late(page):
        connected(page)
        server.kill()
        page.get_by_text("Not connected.").wait_for()
        page.fill("#chat-message-input", "Tea?")
        page.press("#chat-message-input", "Enter")

    return lab.console(server, do=send_late)


@provokes("htmx never opens the socket")
def htmx_never_opens_the_socket(lab):
    def status(*edits: str) -> str:
        sockets = []

        def look(page):
            page.on("websocket", lambda socket: sockets.append(socket))
            page.reload()
            page.wait_for_function("window.htmx")
            shown.append(page.text_content("#status"))

        shown = []
        lab.console(lab.serve(lab.copy("5", *edits)), do=look)
        return "Connected." if sockets else shown[0]

    both = {
        status(ROOM_PAGE, 'hx-ext="ws" ', ""),
        status(ROOM_PAGE, HTMX, "{% htmx_script %}"),
    }
    return Printed("page", lambda: list(both))


# Tests: one run of pytest is enough for those that don't disturb each other

TESTS = """
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User

from chat.consumers import ChatConsumer


def test_people():
    assert not User.objects.exists()


async def test_loop(event_loop):
    assert event_loop


async def test_answer(enter):
    ann = await enter()
    await ann.receive_json_from()


async def test_consumer():
    communicator = WebsocketCommunicator(ChatConsumer.as_asgi(), "/ws/chat/lobby/")
    await communicator.connect()
"""

TESTS_WITH_A_BROWSER = """
import pytest
from playwright.sync_api import sync_playwright


@pytest.fixture(scope="session")
def playwright():
    with sync_playwright() as playwright:
        yield playwright


def test_page(playwright):
    pass


async def test_consumer():
    pass
"""


def tested(chapter: str, *edits: str, file: str = "tests/test_trouble.py") -> Provocation:
    return lambda lab: lab.pytest(lab.copy(chapter, *edits), file)


in_one_run = tested("4", "tests/test_trouble.py", "", TESTS)
provokes("A test may not use the database")(in_one_run)
provokes("The event_loop fixture is missing")(in_one_run)
provokes("No frame arrives within a second")(in_one_run)
provokes("A consumer is tested without its route")(in_one_run)
provokes("An async test isn't run")(
    tested("1", "pytest.ini", "asyncio_mode = auto\n", "", file="tests/test_asgi.py")
)
provokes("The browser keeps the event loop running")(
    tested("1", "tests/test_trouble.py", "", TESTS_WITH_A_BROWSER)
)


# Deployment

STATIC_URLS = "    path('static/<path:path>', serve),\n"
CHANNEL = "    'channel': ChannelNameRouter(channel_names),\n"
ASK_BOT = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

async_to_sync(get_channel_layer().send)("bot", {"type": "bot.time"})
"""

looks("Static files get a 404", "2", "config/urls.py", STATIC_URLS, "", command=DAPHNE)
asks("A host isn't allowed", 400, "GET /chat/", "2", Host="chat.example:8000")
asks(
    "Forms fail behind HTTPS",
    *(403, "POST /accounts/login/", "6"),
    command=f"ALLOWED_HOSTS=chat.example {RUNSERVER}",
    Host="chat.example",
    Origin="https://chat.example",
)
fails("A worker has no channel layer", WORKER, "3", SETTINGS, IN_MEMORY, "")
fails("The runworker command is unknown", WORKER, "3", SETTINGS, COMMA, "")


@provokes("A worker has no consumers")
def worker_has_no_consumers(lab):
    folder = lab.copy("3", ASGI, CHANNEL, "")
    worker = lab.start(folder, WORKER, REDIS_URL=lab.redis)
    lab.run(folder, f"python manage.py shell -c '{ASK_BOT}'", REDIS_URL=lab.redis)
    return worker.log(since=0)
