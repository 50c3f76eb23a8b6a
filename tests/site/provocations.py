"""Provoke each message of docs/reference/troubleshooting.md, by its entry's heading.

A provocation makes a mistake that a learner could make, and returns what was printed and where.
It doesn't wait for the message: the test reads a server's log or a browser's console later.
"""

import sqlite3
from collections.abc import Callable

from tests.site.laboratory import RUNSERVER, Change, Laboratory, Printed, Server

Provocation = Callable[[Laboratory], Printed]
PROVOCATIONS: dict[str, Provocation] = {}

DAPHNE = "daphne -p 8000 config.asgi:application"
TEA = '{"message": "Tea?"}'

SETTINGS = "config/settings.py"
ASGI = "config/asgi.py"
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


def fails(heading: str, chapter: str, *changes: Change, command: str = RUNSERVER) -> None:
    """Register a change that makes a command fail."""
    provokes(heading)(lambda lab: lab.run(lab.copy(chapter, *changes), command))


def talks(heading: str, chapter: str, *changes: Change, say: str = "", path: str = "") -> None:
    """Register a change that shows in the server log when a page connects or sends something."""

    def provoke(lab: Laboratory) -> Printed:
        return talk(lab.serve(lab.copy(chapter, *changes)), say, path)

    provokes(heading)(provoke)


def looks(heading: str, chapter: str, *changes: Change, do: Callable | None = None) -> None:
    """Register a change that shows in the browser console of somebody who opens a room."""

    def provoke(lab: Laboratory) -> Printed:
        return lab.console(lab.serve(lab.copy(chapter, *changes)), do=do)

    provokes(heading)(provoke)


def talk(server: Server, say: str = "", path: str = "") -> Printed:
    log = server.log()
    server.open(*([path] if path else []))
    if say:
        server.send(say)
    return log


def connected(page) -> None:
    page.get_by_text("Connected.", exact=True).wait_for()


def say_tea(page, field: str) -> None:
    connected(page)
    page.fill(field, "Tea?")
    page.press(field, "Enter")


# Typing mistakes

CHECK = "python manage.py check"

fails("A bracket isn't closed", "2", Change("chat/urls.py", "\n]\n", "\n"), command=CHECK)
fails(
    "A comma is missing",
    "2",
    Change("chat/urls.py", 'name="index"),', 'name="index")'),
    command=CHECK,
)
fails(
    "A comma is missing between two names",
    "1",
    Change(SETTINGS, "    'channels',\n", "    'channels'\n"),
    command=CHECK,
)
fails(
    "A line isn't indented",
    "2",
    Change("chat/views.py", '    """Show one room."""\n', '"""Show one room."""\n'),
    command=CHECK,
)
fails(
    "A line is indented too far",
    "2",
    Change(CONSUMERS, "        self.accept()", "            self.accept()\n        pass"),
    Change(CONSUMERS, "    def connect(self):\n", "    def connect(self):\n        pass\n"),
    command=DAPHNE,
)
fails(
    "An import is missing",
    "2",
    Change("chat/urls.py", "import path, re_path", "import path"),
    command=CHECK,
)
fails(
    "A route's name is misspelt",
    "2",
    Change("chat/views.py", '"chat:room"', '"chat:rooms"'),
    command="python manage.py shell -v 0 -c "
    "\"from django.urls import reverse; reverse('chat:rooms', args=['lobby'])\"",
)


@provokes("A template is in the wrong place")
def template_is_in_the_wrong_place(lab):
    folder = lab.copy("2", Change("chat/views.py", '"chat/room.html"', '"room.html"'))
    server = lab.serve(folder)
    log = server.log()
    assert server.ask("GET", "/chat/lobby/") == 500
    return log


@provokes("manage.py isn't in this folder")
def wrong_folder(lab):
    return lab.run(lab.folder(), CHECK)


# Starting the server

ASGI_APPLICATION = "ASGI_APPLICATION = 'config.asgi.application'\n"
ROUTES = "from chat.routing import websocket_urlpatterns\n"

fails(
    "Daphne is listed too late",
    "1",
    Change(SETTINGS, "    'daphne',\n", ""),
    Change(SETTINGS, "    'chat',\n", "    'chat',\n    'daphne',\n"),
)
fails(
    "Models are imported before Django is ready",
    "6",
    Change(ASGI, "http_application = get", f"{ROUTES}http_application = get"),
    command=DAPHNE,
)
fails(
    "Settings aren't configured",
    "6",
    Change(ASGI, "import os\n", f"import os\n{ROUTES}"),
    command=DAPHNE,
)
fails("ASGI_APPLICATION isn't set", "1", Change(SETTINGS, ASGI_APPLICATION, ""))
fails(
    "The application's module can't be imported",
    "1",
    Change(SETTINGS, ASGI_APPLICATION, ASGI_APPLICATION.replace(".asgi", ".agsi")),
)
fails(
    "The application isn't in its module",
    "1",
    Change(SETTINGS, ASGI_APPLICATION, ASGI_APPLICATION.replace(".application", ".app")),
)
fails(
    "Django isn't installed here",
    "1",
    command="python -m venv --without-pip .venv; . .venv/bin/activate; python manage.py runserver",
)
fails("No secret key is set", "6", command="DEBUG=off python manage.py runserver")


@provokes("The port is taken")
def port_is_taken(lab):
    folder = lab.copy("1")
    return lab.run(folder, RUNSERVER, ports=lab.serve(folder).ports)


@provokes("Daphne doesn't find the project")
def daphne_does_not_find_the_project(lab):
    return lab.run(lab.folder(), DAPHNE)


@provokes("pip rejects a single equals sign")
def pip_takes_no_single_equals_sign(lab):
    return lab.run(lab.folder(), "pip install channels=4.0.0")


# Handshake

WITHOUT_DAPHNE = Change(SETTINGS, "    'daphne',\n", "")
OPEN = "void new WebSocket('ws://' + location.host + '/ws/chat/lobby/')"


def open_in_console(page):
    page.evaluate(OPEN)


@provokes("WebSockets get a 404")
def websockets_get_a_404(lab):
    server = lab.serve(lab.copy("1", WITHOUT_DAPHNE))
    return lab.console(server, "/chat/", open_in_console)


@provokes("WebSockets get a 500")
def websockets_get_a_500(lab):
    return lab.console(lab.serve(lab.copy("1")), "/chat/", open_in_console)


talks("The handshake is handled as a page request", "1", WITHOUT_DAPHNE)
talks("No route matches", "2", path="/ws/chat/lobby")
talks("The router has no entry for WebSockets", "1")
talks(
    "Django's own application gets the WebSocket",
    "2",
    Change(ASGI, "application = ProtocolTypeRouter({", "router = ProtocolTypeRouter({"),
    Change(ASGI, "})\n", "})\napplication = http_application\n"),
)
looks("WebSockets get a 403", "2", Change(CONSUMERS, "self.accept()", "self.close()"))
looks("The handshake gets no answer", "2", Change(CONSUMERS, "self.accept()", "pass"))


@provokes("The server rejects a WebSocket")
def server_rejects_a_websocket(lab):
    server = lab.serve(lab.copy("2"))
    log = server.log()
    server.open(origin="http://elsewhere.example")
    return log


talks(
    "as_asgi() is missing",
    "2",
    Change("chat/routing.py", "ChatConsumer.as_asgi()", "ChatConsumer"),
)


@provokes("A consumer is routed in urls.py")
def consumer_is_routed_in_urls(lab):
    views = "from chat import views\n"
    index = '    path("", views.index, name="index"),\n'
    route = '    path("ws/", ChatConsumer.as_asgi()),\n'
    folder = lab.copy(
        "2",
        Change("chat/urls.py", views, f"{views}from chat.consumers import ChatConsumer\n"),
        Change("chat/urls.py", index, index + route),
    )
    server = lab.serve(folder)
    log = server.log()
    assert server.ask("GET", "/chat/ws/") == 500
    return log


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
NEW_KEY = "-newkey rsa:2048 -keyout key"
SERVED = "-key key -cert certificate"
ROOM_NAME = "[A-Za-z0-9_-]{1,50}"

talks("There is no channel layer", "3", Change(SETTINGS, IN_MEMORY, ""))
talks(
    "A group's name is invalid",
    "3",
    Change("chat/rooms.py", ROOM_NAME, r"\w+"),
    path="/ws/chat/caf%C3%A9/",
)
fails(
    "The layer's backend can't be imported",
    "3",
    Change(SETTINGS, IN_MEMORY, IN_MEMORY.replace("ChannelLayer", "ChanelLayer")),
)
fails("A command reaches nobody", "3", command="python manage.py announce lobby 'Tea?'")


@provokes("The channel layer is in memory")
def channel_layer_is_in_memory(lab):
    return lab.serve(lab.copy("3")).log(since=0)


@provokes("Redis can't be reached")
def redis_cannot_be_reached(lab):
    command = f"REDIS_URL=redis://127.0.0.1:6379 {RUNSERVER}"
    return talk(lab.serve(lab.copy("3"), command))


@provokes("Handshakes are refused because of Redis")
def handshakes_are_refused(lab):
    command = f"REDIS_URL=redis://127.0.0.1:6379 {RUNSERVER}"
    server = lab.serve(lab.copy("6"), command)
    log = server.log()
    server.open("/ws/chat/1/")
    return log


@provokes("The Redis URL has no scheme")
def redis_url_has_no_scheme(lab):
    return talk(lab.serve(lab.copy("3"), f"REDIS_URL=127.0.0.1:6379 {RUNSERVER}"))


@provokes("Redis wants a password")
def redis_wants_a_password(lab):
    return talk(lab.serve(lab.copy("3"), REDIS_URL=lab.guarded_redis("")))


@provokes("Redis rejects the password")
def redis_rejects_the_password(lab):
    return talk(lab.serve(lab.copy("3"), REDIS_URL=lab.guarded_redis("chat:wrong@")))


@provokes("A Redis user has no rights to channels")
def redis_user_has_no_rights_to_channels(lab):
    server = lab.serve(lab.copy("6"), REDIS_URL=lab.guarded_redis("chat:plum@"))
    return talk(server, path="/ws/chat/1/")


@provokes("The certificate of Redis is unknown")
def certificate_is_unknown(lab):
    folder = lab.folder()
    lab.run(folder, f"openssl req -x509 -subj /CN=127.0.0.1 -nodes {NEW_KEY} -out certificate")
    # There's no Redis behind it: the client hangs up once it has seen the certificate.
    tls = lab.serve(folder, f"openssl s_server -www -accept :8000 {SERVED}")
    server = lab.serve(lab.copy("6"), REDIS_URL=f"rediss://127.0.0.1:{tls.port}")
    return talk(server, path="/ws/chat/1/")


@provokes("An idle Redis connection times out after five seconds")
def idle_connection_times_out(lab):
    endless = Change(SETTINGS, ", 'socket_timeout': None", "")
    return talk(lab.serve(lab.copy("3", endless), REDIS_URL=lab.redis))


@provokes("An event can't be serialized for Redis")
def event_cannot_be_serialized(lab):
    message = '"message": message}'
    folder = lab.copy(
        "3",
        Change(
            CHANNEL_LAYER, "import logging\n", "import logging\nfrom django.utils import timezone\n"
        ),
        Change(CHANNEL_LAYER, message, '"message": message, "at": timezone.now()}'),
    )
    return talk(lab.serve(folder, REDIS_URL=lab.redis), TEA)


@provokes("A channel is full")
def channel_is_full(lab):
    server = lab.serve(lab.copy("3"), REDIS_URL=lab.redis)
    log = server.log()
    server.open()
    server.send(*['{"message": "/time"}'] * 101)
    return log


# Consumers

DELIVER = 'await self.send(json.dumps({"message": event["message"]}))'
IMPORT_JSON = "import json\n"

talks(
    "An event has no handler",
    "3",
    Change(CHANNEL_LAYER, '"chat.message"', '"chat.messages"'),
    say=TEA,
)
talks(
    "async_to_sync in async code",
    "4",
    Change(CONSUMERS, IMPORT_JSON, f"{IMPORT_JSON}from asgiref.sync import async_to_sync\n"),
    Change(
        CONSUMERS,
        "await self.channel_layer.group_add(",
        "async_to_sync(self.channel_layer.group_add)(",
    ),
)
talks(
    "An ordinary function is awaited",
    "4",
    Change(CONSUMERS, "= read_message(", "= await read_message("),
    say=TEA,
)
talks(
    "A frame isn't JSON",
    "2",
    Change(CONSUMERS, "read_message(text_data)", 'json.loads(text_data)["message"]'),
    say="Tea?",
)
talks(
    "An answer can't be serialized as JSON",
    "4",
    Change(CONSUMERS, IMPORT_JSON, f"{IMPORT_JSON}from django.utils import timezone\n"),
    Change(CONSUMERS, DELIVER, 'await self.send(json.dumps({"at": timezone.now()}))'),
    say=TEA,
)
talks(
    "A dictionary is sent as a frame",
    "4",
    Change(CONSUMERS, DELIVER, 'await self.send({"message": event["message"]})'),
    say=TEA,
)
talks(
    "disconnect() misses what connect() sets",
    "4",
    Change(
        CONSUMERS,
        "    async def connect(self):\n",
        "    async def connect(self):\n"
        '        if self.scope["user"].is_anonymous:\n'
        "            return await self.close()\n",
    ),
)


@provokes("A coroutine was never awaited")
def coroutine_was_never_awaited(lab):
    async_to_sync = "async_to_sync(self.channel_layer.group_add)("
    folder = lab.copy("3", Change(CONSUMERS, async_to_sync, "self.channel_layer.group_add("))
    return lab.pytest(folder, "tests/test_consumers.py -k 'leaving_removes_the_channel'")


@provokes("A consumer outlives its socket")
def consumer_outlives_its_socket(lab):
    leave = "await self.channel_layer.group_discard(self.group_name, self.channel_name)"
    folder = lab.copy(
        "4",
        Change(CONSUMERS, IMPORT_JSON, f"import asyncio\n{IMPORT_JSON}"),
        Change(CONSUMERS, leave, "await asyncio.sleep(60)"),
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

talks(
    "A query in async code",
    "4",
    Change(
        CONSUMERS,
        IMPORT_JSON,
        f"{IMPORT_JSON}from django.contrib.auth.models import User\n",
    ),
    Change(
        CONSUMERS, "await self.accept()", "self.people = User.objects.count(); await self.accept()"
    ),
)
fails(
    "A column is missing",
    "6",
    Change("chat/models.py", CONTENT, CONTENT + EDITED),
    command="python manage.py migrate; python manage.py demo",
)


@provokes("A table is missing")
def table_is_missing(lab):
    server = lab.serve(lab.copy("6"))
    log = server.log()
    server.open("/ws/chat/1/", cookies="sessionid=of-another-day")
    return log


@provokes("The database is locked")
def database_is_locked(lab):
    # Instead of the default of 5 seconds.
    immediate = "'transaction_mode': 'IMMEDIATE',"
    folder = lab.copy("6", Change(SETTINGS, immediate, f"{immediate} 'timeout': 0.1,"))
    other = sqlite3.connect(folder / "db.sqlite3", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        return lab.run(folder, "python manage.py migrate")
    finally:
        other.close()


@provokes("PostgreSQL can't be reached")
def postgres_cannot_be_reached(lab):
    command = "DATABASE_URL=postgres://chat@127.0.0.1:6379/chat python manage.py migrate"
    return lab.run(lab.copy("6"), command)


@provokes("PostgreSQL was restarted")
def postgres_was_restarted(lab):
    folder = lab.copy("6", Change(SETTINGS, ", conn_health_checks=True", ""))
    server = lab.serve(folder, DATABASE_URL=lab.postgres.url())
    cookies = "sessionid=of-another-day"
    server.open("/ws/chat/1/", cookies=cookies)
    lab.postgres.restart()
    log = server.log()
    server.open("/ws/chat/1/", cookies=cookies)
    return log


# Browser and htmx

HTMX = '{% htmx_script extensions="hx-ws" %}'
HX_EXT = 'hx-ext="ws" '
FORM = '<form id="form" ws-send>'

looks(
    "A message is sent before the socket opens",
    "2",
    Change(SCRIPT, "socket = new WebSocket(url);", "socket = new WebSocket(url); socket.send('');"),
)
looks("A script doesn't find its element", "2", Change(ROOM_PAGE, ' type="module"', ""))
looks(
    "The page receives something other than JSON",
    "2",
    Change(CONSUMERS, 'self.send(json.dumps({"message": message}))', "self.send(message)"),
    do=lambda page: say_tea(page, "#chat-message-input"),
)
looks(
    "A frame's target isn't in the page",
    "5",
    Change(PARTIAL, "beforeend:#content", "beforeend:#contents"),
    do=lambda page: say_tea(page, "#chat_message"),
)
looks(
    "htmx may not run code from an attribute",
    "5",
    Change(ROOM_PAGE, FORM, FORM.replace(">", ' hx-on::ws-after-send="this.reset()">')),
    do=lambda page: say_tea(page, "#chat_message"),
)


@provokes("A message is sent after the socket closed")
def message_is_sent_after_the_socket_closed(lab):
    unasked = Change(SCRIPT, "if (socket.readyState !== WebSocket.OPEN)", "if (false)")
    server = lab.serve(lab.copy("2", unasked))

    def send_late(page):
        connected(page)
        server.kill()
        page.get_by_text("Not connected.").wait_for()
        page.fill("#chat-message-input", "Tea?")
        page.press("#chat-message-input", "Enter")

    return lab.console(server, do=send_late)


@provokes("A secure page opens an insecure socket")
def secure_page_opens_an_insecure_socket(lab):
    scheme = 'window.location.protocol === "https:" ? "wss:" : "ws:"'
    server = lab.serve(lab.copy("2", Change(SCRIPT, scheme, '"ws:"')))
    return lab.console(server, "https://chat.example/chat/lobby/")


@provokes("htmx never opens the socket")
def htmx_never_opens_the_socket(lab):
    def status(*changes: Change) -> str:
        sockets = []

        def look(page):
            page.on("websocket", lambda socket: sockets.append(socket))
            page.reload()
            page.wait_for_function("window.htmx")
            shown.append(page.text_content("#status"))

        shown = []
        lab.console(lab.serve(lab.copy("5", *changes)), do=look)
        return "Connected." if sockets else shown[0]

    both = {
        status(Change(ROOM_PAGE, HX_EXT, "")),
        status(Change(ROOM_PAGE, HTMX, "{% htmx_script %}")),
    }
    return Printed("page", lambda: list(both))


@provokes("A form has no CSRF token")
def form_has_no_token(lab):
    server = lab.serve(lab.copy("6"))
    log = server.log()
    assert server.ask("POST", "/accounts/logout/", Cookie=f"csrftoken={'x' * 32}") == 403
    return log


@provokes("A form's CSRF token is out of date")
def token_is_out_of_date(lab):
    server = lab.serve(lab.copy("6"))
    log = server.log()
    form = f"csrfmiddlewaretoken={'x' * 32}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    cookie = f"csrftoken={'y' * 32}"
    assert server.ask("POST", "/accounts/login/", form, Cookie=cookie, **headers) == 403
    return log


@provokes("Logging out by a link")
def logging_out_by_a_link(lab):
    server = lab.serve(lab.copy("6"))
    log = server.log()
    assert server.ask("GET", "/accounts/logout/") == 405
    return log


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


def tested(lab: Laboratory) -> Printed:
    folder = lab.copy("4", Change("tests/test_trouble.py", "", TESTS))
    return lab.pytest(folder, "tests/test_trouble.py")


provokes("A test may not use the database")(tested)
provokes("The event_loop fixture is missing")(tested)
provokes("No frame arrives within a second")(tested)
provokes("A consumer is tested without its route")(tested)


@provokes("An async test isn't run")
def async_test_is_not_run(lab):
    folder = lab.copy("1", Change("pytest.ini", "asyncio_mode = auto\n", ""))
    return lab.pytest(folder, "tests/test_asgi.py")


@provokes("The browser keeps the event loop running")
def browser_keeps_the_event_loop(lab):
    folder = lab.copy("1", Change("tests/test_trouble.py", "", TESTS_WITH_A_BROWSER))
    return lab.pytest(folder, "tests/test_trouble.py")


# Deployment

STATIC_URLS = "    path('static/<path:path>', serve),\n"
CHANNEL = "    'channel': ChannelNameRouter(channel_names),\n"
ASK_BOT = """
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

async_to_sync(get_channel_layer().send)("bot", {"type": "bot.time"})
"""


@provokes("Static files get a 404")
def static_files_get_a_404(lab):
    folder = lab.copy("2", Change("config/urls.py", STATIC_URLS, ""))
    return lab.console(lab.serve(folder, DAPHNE))


@provokes("A host isn't allowed")
def host_that_is_not_allowed(lab):
    server = lab.serve(lab.copy("2"))
    log = server.log()
    assert server.ask("GET", "/chat/", Host="chat.example:8000") == 400
    return log


@provokes("Forms fail behind HTTPS")
def forms_fail_behind_https(lab):
    server = lab.serve(lab.copy("6"), ALLOWED_HOSTS="chat.example")
    log = server.log()
    status = server.ask(
        "POST", "/accounts/login/", Host="chat.example", Origin="https://chat.example"
    )
    assert status == 403
    return log


@provokes("A worker has no channel layer")
def worker_has_no_layer(lab):
    return lab.run(lab.copy("3", Change(SETTINGS, IN_MEMORY, "")), "python manage.py runworker bot")


fails(
    "The runworker command is unknown",
    "3",
    Change(SETTINGS, "    'channels',\n", ""),
    command="python manage.py runworker bot",
)


@provokes("A worker has no consumers")
def worker_has_no_consumers(lab):
    folder = lab.copy("3", Change(ASGI, CHANNEL, ""))
    worker = lab.start(folder, "python manage.py runworker bot", REDIS_URL=lab.redis)
    lab.run(folder, f"python manage.py shell -c '{ASK_BOT}'", REDIS_URL=lab.redis)
    return worker.log(since=0)
