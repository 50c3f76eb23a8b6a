"""Run chapter 6 on real servers that a test may break, with people in two browsers."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from course import chapters, console
from course.tasks import services

# Without this, failed assertions in these modules wouldn't show their values.
pytest.register_assert_rewrite(
    "tests.faults.pages", "tests.faults.processes", "tests.faults.sockets"
)

from tests.faults.ledger import SQLITE, Ledger  # noqa: E402
from tests.faults.pages import Person  # noqa: E402
from tests.faults.processes import (  # noqa: E402
    LEFT_BEHIND,
    Daphne,
    Postgres,
    Redis,
    bad_log_lines,
    environment,
)
from tests.faults.proxy import Proxy  # noqa: E402
from tests.faults.sockets import Crowd, Sender  # noqa: E402

BROWSER_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

SETTINGS = """
import json
import os

from config.settings import *

# Slow password hashes protect nothing in a test.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if "LAYER" in os.environ:
    CHANNEL_LAYERS = {"default": json.loads(os.environ["LAYER"])}
"""
# The conversations are started through the form, as a visitor does.
PREPARE = """
import json
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from chat.models import Conversation

call_command("migrate", verbosity=0)
User = get_user_model()
clients = {}
for name in NAMES:
    person = User.objects.create_user(name, password="plum-cake-4")
    clients[name] = Client(SERVER_NAME="localhost")
    clients[name].force_login(person)
clients[NAMES[0]].post("/chat/new/", {"usernames": " ".join(NAMES[1:])})
clients[NAMES[2]].post("/chat/new/", {"usernames": NAMES[3]})
conversation, other = Conversation.objects.order_by("pk")
sessions = {name: client.cookies["sessionid"].value for name, client in clients.items()}
print(json.dumps({"conversation": conversation.pk, "other": other.pk, "sessions": sessions}))
"""
NAMES = ["ann", "bob", "carol", "dave"]
TEMPLATE = "prepared"  # the PostgreSQL database that each test gets a copy of


@dataclass(frozen=True)
class Project:
    """A copy of chapter 6 and a prepared database.

    The database has a conversation of four people, and another one of carol and dave.
    """

    folder: Path
    database: str  # its URL
    conversation: int
    other: int
    sessions: dict[str, str]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A copy of chapter 6 with settings for these tests."""
    name = chapters.find("06")
    folder = tmp_path_factory.mktemp("project") / name
    shutil.copytree(chapters.folder(name), folder, ignore=LEFT_BEHIND)
    (folder / "faults_settings.py").write_text(SETTINGS)
    shutil.copy(Path(__file__).with_name("inside.py"), folder / "faults_inside.py")
    return folder


def prepare(folder: Path, database: str) -> Project:
    """Fill an empty database with people and conversations; return the project."""
    prepared = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", f"NAMES = {NAMES}{PREPARE}"],
        cwd=folder,
        env=project_environment(database),
        capture_output=True,
        text=True,
    )
    assert prepared.returncode == 0, prepared.stderr
    return Project(folder, database, **json.loads(prepared.stdout.splitlines()[-1]))


def project_environment(database: str, **variables: str) -> dict[str, str]:
    """Return the environment for a process of the project that uses the database at this URL."""
    settings = {"DJANGO_SETTINGS_MODULE": "faults_settings", "SECRET_KEY": "faults" * 9}
    return environment(**settings, DATABASE_URL=database, **variables)


@pytest.fixture(scope="session")
def project(folder):
    """Chapter 6 on SQLite."""
    return prepare(folder, f"{SQLITE}{folder.parent / 'db.sqlite3'}")


@pytest.fixture
def database(project, tmp_path):
    """The URL of a fresh SQLite database for one test."""
    return SQLITE + str(shutil.copy(project.database.removeprefix(SQLITE), tmp_path))


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server for all tests of a file. Each test may break it."""
    programs = services.postgres_programs()
    if programs is None:
        pytest.skip(services.GET_POSTGRES)
    postgres = Postgres(programs)
    try:
        postgres.start()
        yield postgres
    finally:
        postgres.close()


@pytest.fixture(scope="session")
def postgres_project(folder, postgres):
    """Chapter 6 on PostgreSQL."""
    return prepare(folder, postgres.create_database(TEMPLATE))


@pytest.fixture
def postgres_database(postgres, postgres_project):
    """The URL of a fresh PostgreSQL database for one test."""
    yield postgres.create_database("chat", TEMPLATE)
    postgres.ensure_running()
    postgres.drop_database("chat")


@pytest.fixture
def redis(tmp_path):
    """A fresh Redis for one test."""
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


# Playwright keeps an event loop in this thread, so the browsers close after each test file.
@pytest.fixture(scope="module")
def browsers():
    """Two Chromium browsers, each in its own process."""
    try:
        program = services.browser(os.environ)
    except console.CourseError as trouble:
        pytest.skip(str(trouble))
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, contextlib.ExitStack() as cleanup:
        started = []
        for _ in range(2):
            browser = playwright.chromium.launch(executable_path=program, args=BROWSER_OPTIONS)
            cleanup.callback(browser.close)
            started.append(browser)
        yield started


class Chat:
    """Servers on one test's database, and people on their pages.

    `browsers` is called when the first person opens a page, because many tests need no browser.
    """

    def __init__(self, project: Project, database: str, scratch: Path, browsers, cleanup):
        self.project = project
        self.database = database
        self.ledger = Ledger(database, project.conversation)
        self.other = Ledger(database, project.other)
        self.servers: list[Daphne] = []
        self._scratch = scratch
        self._browsers = browsers
        self._cleanup = cleanup
        self._variables: dict[str, str] = {}

    def deploy(self) -> None:
        """Run servers without DEBUG, as in production. They won't serve static files."""
        self._variables |= {"DEBUG": "off", "ALLOWED_HOSTS": "127.0.0.1"}

    def serve(self, count: int = 1, redis: Redis | None = None, layer: dict | None = None):
        """Start servers with a Redis layer or with the given one; return the first server."""
        if redis is not None:
            self._variables["REDIS_URL"] = redis.url
        if layer is not None:
            self._variables["LAYER"] = json.dumps(layer)
        for _ in range(count):
            log = self._scratch / f"daphne-{len(self.servers)}.log"
            application = "faults_inside:application"
            server = Daphne(self.project.folder, self._environment(), log, application)
            self._cleanup.callback(server.kill)
            server.begin()
            self.servers.append(server)
        for server in self.servers:
            server.wait()
        return self.servers[0]

    def open_pages(self, *names: str, port: int | None = None, clock: bool = False) -> list[Person]:
        """Open the conversation for these people, alternating between the two browsers."""
        people = self.prepare_pages(*names, port=port, clock=clock)
        for person in people:
            person.enter()
        return people

    def prepare_pages(
        self, *names: str, port: int | None = None, clock: bool = False
    ) -> list[Person]:
        """Give each person an empty page, logged in; with `clock`, the test can set its time."""
        people = []
        for name in names:
            browser = self._browsers()[NAMES.index(name) % 2]
            address = f"http://127.0.0.1:{port or self.servers[0].port}"
            context = browser.new_context(base_url=address)
            self._cleanup.callback(context.close)
            cookie = {"name": "sessionid", "value": self.project.sessions[name], "url": address}
            context.add_cookies([cookie])
            page = context.new_page()
            if clock:
                page.clock.install()
            people.append(Person(name, page, self.ledger))
        return people

    def sender(
        self, name: str, count: int, *, port: int | None = None, ledger: Ledger | None = None
    ) -> Sender:
        """Return a person without a browser who'll send `count` messages."""
        session = self.project.sessions[name]
        return Sender(name, session, ledger or self.ledger, count, port or self.servers[0].port)

    def crowd(self, count: int, port: int | None = None) -> Crowd:
        """Return four senders who'll send `count` messages in the conversation."""
        share = count // len(NAMES)
        return Crowd([self.sender(name, share, port=port) for name in NAMES])

    def shell(self, code: str) -> str:
        """Run code in its own process, as the admin would; return what it prints."""
        done = subprocess.run(
            [*SHELL, code],
            cwd=self.project.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_shell(self, code: str) -> subprocess.Popen:
        """Start code in its own process, so that a test can use its input and output."""
        process = subprocess.Popen(
            [*SHELL, code],
            cwd=self.project.folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._cleanup.callback(process.wait)
        self._cleanup.callback(process.kill)
        return process

    def check_log(self, count, at_least: int, at_most: int) -> None:
        """Check how many lines the servers logged about faults, and that none is repeated.

        `count` is called with their number.
        """
        lines = [line for server in self.servers for line in server.complaints()]
        count("log lines", len(lines))
        for server in self.servers:
            assert bad_log_lines(server.complaints()) == []
        assert at_least <= len(lines) <= at_most, "\n".join(lines)

    def check_log_is_empty(self, count) -> None:
        self.check_log(count, 0, 0)

    def _environment(self) -> dict[str, str]:
        return project_environment(self.database, **self._variables)


SHELL = [sys.executable, "manage.py", "shell", "-v", "0", "-c"]


@pytest.fixture
def chat(sqlite_chat):
    """A chat on SQLite, unless a test file overrides this fixture."""
    return sqlite_chat


@pytest.fixture
def sqlite_chat(project, database, tmp_path, request):
    with contextlib.ExitStack() as cleanup:
        yield Chat(project, database, tmp_path, browsers_of(request), cleanup)


@pytest.fixture
def postgres_chat(postgres_project, postgres_database, tmp_path, request):
    with contextlib.ExitStack() as cleanup:
        yield Chat(postgres_project, postgres_database, tmp_path, browsers_of(request), cleanup)


def browsers_of(request):
    return lambda: request.getfixturevalue("browsers")


@pytest.fixture
def count(record_property):
    """Return a function that adds a figure to the printed table."""
    return record_property
