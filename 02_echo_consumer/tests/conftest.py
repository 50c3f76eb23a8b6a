import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from channels.testing import WebsocketCommunicator
from django.db.models.signals import post_migrate

from config.asgi import application

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


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup):
    """Let each test empty the database without restoring its permissions."""
    post_migrate.receivers = []


@pytest.fixture
async def enter():
    """Return a coroutine function that enters a room as one more page would."""
    communicators = []

    async def enter(room_name="lobby", origin="http://localhost"):
        communicator = WebsocketCommunicator(
            application,
            f"/ws/chat/{room_name}/",
            headers=[(b"origin", origin.encode())],
        )
        accepted, code = await communicator.connect()
        assert accepted, f"refused with {code}"
        communicators.append(communicator)
        return communicator

    yield enter
    for communicator in communicators:
        await communicator.disconnect()


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Return a function that starts a real Daphne and returns it, and its port."""
    started = []

    # Port 0 means any free port: Daphne's log names the one it got.
    def serve(port=0, *options, folder=PROJECT):
        log = tmp_path_factory.mktemp("daphne") / "log"
        with log.open("w") as output:
            daphne = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "daphne",
                    "-p",
                    f"{port}",
                    *options,
                    "config.asgi:application",
                ],
                cwd=folder,
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
