import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.db.models.signals import post_migrate
from django.test import AsyncClient, override_settings

from chat.models import Conversation
from config.asgi import application

User = get_user_model()

PREFIX = f"test-{uuid.uuid4().hex}"  # keeps two runs on one Redis apart
PROJECT = Path(__file__).resolve().parent.parent
BROWSERS = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
]
BROWSER_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--in-process-gpu",
    "--disable-background-networking",
]


@pytest.fixture(scope="session", autouse=True)
def fast_hash():
    """Hash passwords quickly: a slow hash protects no one here."""
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PASSWORD_HASHERS=hashers):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """Let each test empty the database without restoring its permissions."""
    post_migrate.receivers = []


@pytest.fixture(params=["memory", "redis"])
async def layer(request, settings):
    """Run a test on each of the two channel layers, and empty it afterwards."""
    if request.param == "memory":
        settings.CHANNEL_LAYERS = {
            "default": {"BACKEND": "chat.channel_layer.MemoryLayer"}
        }
    elif "REDIS_URL" not in os.environ:
        pytest.skip("REDIS_URL is not set")
    else:
        redis = settings.CHANNEL_LAYERS["default"]
        config = {**redis["CONFIG"], "prefix": PREFIX}
        settings.CHANNEL_LAYERS = {"default": {**redis, "CONFIG": config}}
    yield get_channel_layer()
    await get_channel_layer().flush()


@pytest.fixture
def conversation(transactional_db):
    """A conversation of ann and bob, in which carol does not take part."""
    ann, bob, carol = map(User.objects.create_user, ["ann", "bob", "carol"])
    return Conversation.objects.get_or_create_for([ann, bob])


async def log_in(username):
    """Return a client with a new session; with None, nobody is logged in."""
    client = AsyncClient()
    if username:
        await client.aforce_login(await User.objects.aget(username=username))
    return client


@pytest.fixture
async def enter(conversation):
    """Return a coroutine function that opens a conversation as one more page would."""
    communicators = []

    async def enter(person, conversation_id=conversation.pk, origin="http://localhost"):
        client = person if isinstance(person, AsyncClient) else await log_in(person)
        headers = [(b"origin", origin.encode())]
        if session := client.cookies.get("sessionid"):
            headers.append((b"cookie", f"sessionid={session.value}".encode()))
        communicator = WebsocketCommunicator(
            application, f"/ws/chat/{conversation_id}/", headers
        )
        communicator.client = client
        accepted, code = await communicator.connect(timeout=30)
        assert accepted, f"refused with {code}"
        communicators.append(communicator)
        return communicator

    yield enter
    for communicator in communicators:
        if not communicator.future.done():
            await communicator.disconnect()


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """The environment of processes that use a separate database file."""
    database = tmp_path_factory.mktemp("live") / "db.sqlite3"
    settings = {
        "DJANGO_SETTINGS_MODULE": "tests.live_settings",
        "DATABASE_URL": f"sqlite:///{database}",
        "LIVE_PREFIX": PREFIX,
    }
    return {**os.environ, **settings}


@pytest.fixture(scope="session")
def manage(environment):
    """Return a function that runs a command of manage.py as a process of its own."""

    def manage(*words):
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    manage("migrate").check_returncode()
    return manage


@pytest.fixture(scope="session")
def demo(manage):
    """The people and the conversations of the demo, in the server's database."""
    manage("demo").check_returncode()


@pytest.fixture(scope="session")
def execute(manage, environment):
    """Return a function that changes the server's database without any signal."""
    path = environment["DATABASE_URL"].removeprefix("sqlite:///")

    def execute(sql, *rows):
        with contextlib.closing(sqlite3.connect(path)) as database, database:
            database.executemany(sql, rows or [()])

    return execute


STORE = """
INSERT INTO chat_message (conversation_id, sender_id, content, timestamp)
SELECT ?, id, ?, CURRENT_TIMESTAMP FROM auth_user WHERE username = ?
"""


@pytest.fixture(scope="session")
def store(execute):
    """Return a function that stores messages in the conversation that a page shows."""

    def store(page, username, *texts):
        number = page.url.rstrip("/").rpartition("/")[2]
        execute(STORE, *[(number, text, username) for text in texts])

    return store


@pytest.fixture(scope="session")
def serve(manage, environment, tmp_path_factory):
    """Return a function that starts a real Daphne and returns it, and its port."""
    started = []

    def serve(port=0):  # 0 is any free port: Daphne's log names the one it was given
        log = tmp_path_factory.mktemp("daphne") / "log"
        with log.open("w") as output:
            daphne = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "daphne",
                    "-p",
                    f"{port}",
                    "config.asgi:application",
                ],
                cwd=PROJECT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started.append(daphne)
        return daphne, wait_for_port(daphne, log)

    yield serve
    for daphne in started:
        daphne.kill()
        daphne.wait()


def wait_for_port(daphne, log, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and daphne.poll() is None:
        if found := re.search(r"Listening on TCP address \S+:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    pytest.fail(f"Daphne does not listen:\n{log.read_text()}")


@pytest.fixture(scope="session")
def server(serve):
    """The address of a Daphne that serves the project."""
    _, port = serve()
    return f"http://127.0.0.1:{port}"


# Playwright keeps an event loop in this thread, and asynchronous tests need one of
# their own: so the browser ends with the file that uses it.
@pytest.fixture(scope="module")
def browser():
    """A Chromium or Chrome, if there is one and Playwright to drive it."""
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is missing")
    found = os.environ.get("CHROMIUM") or next(
        filter(None, map(shutil.which, BROWSERS)), None
    )
    with api.sync_playwright() as playwright:
        try:
            chromium = playwright.chromium.launch(
                executable_path=found, args=BROWSER_OPTIONS
            )
        except api.Error as error:
            pytest.skip(f"no Chromium or Chrome can be started: {error.message}")
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def window(browser, server):
    """A window whose tabs the tests share, because opening one takes long."""
    with browser.new_context(base_url=server) as window:
        yield window


@pytest.fixture
def visit(window):
    """Return a function that opens a page in a tab that the test hasn't used yet."""
    taken = []

    def visit(path):
        page = free_tab(window, taken)
        page.goto(path)
        return page

    yield visit
    window.clear_cookies()
    for page in taken:
        page.unroute_all(behavior="ignoreErrors")


def free_tab(window, taken):
    free = [page for page in window.pages if page not in taken]
    page = free[0] if free else window.new_page()
    taken.append(page)
    return page
