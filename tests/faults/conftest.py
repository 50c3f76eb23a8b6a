"""Chapter 6 on real servers that a test may mistreat, and two people in two browsers."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from course import chapters, progress, services

# What these find wrong shows as it does in a test.
pytest.register_assert_rewrite("tests.faults.pages", "tests.faults.processes")

from tests.faults.ledger import Ledger  # noqa: E402
from tests.faults.pages import Person  # noqa: E402
from tests.faults.processes import (  # noqa: E402
    LEFT_BEHIND,
    Daphne,
    Redis,
    environment,
    said_badly,
)
from tests.faults.proxy import Proxy  # noqa: E402

BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

SETTINGS = """
import json
import os

from config.settings import *

# A hash that takes its time protects nobody here.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if "LAYER" in os.environ:
    CHANNEL_LAYERS = {"default": json.loads(os.environ["LAYER"])}
"""
PREPARE = """
import json
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from chat.models import Conversation

call_command("migrate", verbosity=0)
User = get_user_model()
people = [User.objects.create_user(name, password="plum-cake-4") for name in NAMES]
conversation = Conversation.objects.between(people)
sessions = {}
for person in people:
    client = Client()
    client.force_login(person)
    sessions[person.username] = client.cookies["sessionid"].value
print(json.dumps({"conversation": conversation.pk, "sessions": sessions}))
"""
NAMES = ["ann", "bob", "carol", "dave"]


@dataclass(frozen=True)
class Project:
    """A copy of chapter 6, and a database to begin with: one conversation of four people."""

    folder: Path
    database: Path
    conversation: int
    sessions: dict[str, str]


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    scratch = tmp_path_factory.mktemp("project")
    name = chapters.find("06")
    folder = scratch / name
    shutil.copytree(chapters.folder(name), folder, ignore=LEFT_BEHIND)
    (folder / "faults_settings.py").write_text(SETTINGS)
    database = scratch / "db.sqlite3"
    prepared = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", f"NAMES = {NAMES}{PREPARE}"],
        cwd=folder,
        env=of_project(database),
        capture_output=True,
        text=True,
    )
    assert prepared.returncode == 0, prepared.stderr
    return Project(folder, database, **json.loads(prepared.stdout.splitlines()[-1]))


def of_project(database: Path, **variables: str) -> dict[str, str]:
    """Return the environment of a process of the project, with that file as its database."""
    return environment(
        DJANGO_SETTINGS_MODULE="faults_settings", DATABASE_URL=f"sqlite:///{database}", **variables
    )


@pytest.fixture
def redis(tmp_path):
    """A Redis of the test's own."""
    program = services.redis_program()
    if program is None:
        pytest.skip(services.GET_REDIS)
    redis = Redis(program, tmp_path)
    redis.start()
    yield redis
    redis.kill()


@pytest.fixture
def proxy():
    """The network between pages and servers."""
    proxy = Proxy()
    yield proxy
    proxy.close()


# Playwright keeps an event loop in this thread, so the browsers end with the file that uses them.
@pytest.fixture(scope="module")
def browsers():
    """Two Chromiums, each a process of its own."""
    try:
        program = services.browser(os.environ)
    except progress.Trouble as trouble:
        pytest.skip(str(trouble))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, contextlib.ExitStack() as ends:
        started = []
        for _ in range(2):
            browser = playwright.chromium.launch(executable_path=program, args=BROWSER_OPTIONS)
            ends.callback(browser.close)
            started.append(browser)
        yield started


class Chat:
    """A database of the test's own, servers on it, and people at their pages."""

    def __init__(self, project: Project, scratch: Path, browsers: list, ends):
        self.project = project
        self.database = scratch / "db.sqlite3"
        shutil.copy(project.database, self.database)
        self.ledger = Ledger(self.database, project.conversation)
        self.servers: list[Daphne] = []
        self._scratch = scratch
        self._browsers = browsers
        self._ends = ends
        self._variables: dict[str, str] = {}

    def serve(self, count: int = 1, redis: Redis | None = None, layer: dict | None = None):
        """Start servers with the layer of a Redis, or with the given one; return the first."""
        if redis is not None:
            self._variables["REDIS_URL"] = redis.url
        if layer is not None:
            self._variables["LAYER"] = json.dumps(layer)
        for _ in range(count):
            log = self._scratch / f"daphne-{len(self.servers)}.log"
            server = Daphne(self.project.folder, self._environment(), log)
            self._ends.callback(server.kill)
            server.begin()
            self.servers.append(server)
        for server in self.servers:
            server.wait()
        return self.servers[0]

    def arrive(self, *names: str, port: int | None = None) -> list[Person]:
        """Let people open the conversation, in the two browsers by turns."""
        people = []
        for name in names:
            browser = self._browsers[NAMES.index(name) % 2]
            address = f"http://127.0.0.1:{port or self.servers[0].port}"
            context = browser.new_context(base_url=address)
            self._ends.callback(context.close)
            cookie = {"name": "sessionid", "value": self.project.sessions[name], "url": address}
            context.add_cookies([cookie])
            people.append(Person(name, context.new_page(), self.ledger))
            people[-1].enter()
        return people

    def shell(self, code: str) -> str:
        """Run code in a process of its own, as the admin would; return what it prints."""
        done = subprocess.run(
            [sys.executable, "manage.py", "shell", "-v", "0", "-c", code],
            cwd=self.project.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def says(self, count, at_least: int, at_most: int) -> None:
        """See that the servers' logs have so many lines on faults, and say nothing twice.

        `count` is called with their number.
        """
        lines = [line for server in self.servers for line in server.complaints()]
        count("log lines", len(lines))
        for server in self.servers:
            assert said_badly(server.complaints()) == []
        assert at_least <= len(lines) <= at_most, "\n".join(lines)

    def says_nothing(self, count) -> None:
        self.says(count, 0, 0)

    def _environment(self) -> dict[str, str]:
        return of_project(self.database, **self._variables)


@pytest.fixture
def chat(project, browsers, tmp_path):
    with contextlib.ExitStack() as ends:
        yield Chat(project, tmp_path, browsers, ends)


@pytest.fixture
def count(record_property):
    """Return a function that notes a figure for the table."""
    return record_property
