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

# So that their failed assertions show values, as a test's do.
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
    environment,
    said_badly,
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
# The conversation is begun as a visitor does it: by the form.
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
    """A copy of chapter 6, and a database to begin with.

    It has one conversation of four people, and another one of carol and dave.
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
    """Fill an empty database with people and conversations."""
    prepared = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", f"NAMES = {NAMES}{PREPARE}"],
        cwd=folder,
        env=of_project(database),
        capture_output=True,
        text=True,
    )
    assert prepared.returncode == 0, prepared.stderr
    return Project(folder, database, **json.loads(prepared.stdout.splitlines()[-1]))


def of_project(database: str, **variables: str) -> dict[str, str]:
    """Return the environment of a process of the project that uses the database at that URL."""
    return environment(DJANGO_SETTINGS_MODULE="faults_settings", DATABASE_URL=database, **variables)


@pytest.fixture(scope="session")
def project(folder):
    """Chapter 6 on SQLite."""
    return prepare(folder, f"{SQLITE}{folder.parent / 'db.sqlite3'}")


@pytest.fixture
def database(project, tmp_path):
    """The URL of a database of the test's own."""
    return SQLITE + str(shutil.copy(project.database.removeprefix(SQLITE), tmp_path))


@pytest.fixture(scope="session")
def postgres_of_session():
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
def postgres_project(folder, postgres_of_session):
    """Chapter 6 on PostgreSQL."""
    return prepare(folder, postgres_of_session.create_database(TEMPLATE))


@pytest.fixture
def postgres(postgres_of_session):
    """A PostgreSQL that the test may mistreat."""
    yield postgres_of_session
    if not postgres_of_session.is_ready():
        postgres_of_session.kill()
        postgres_of_session.start()


@pytest.fixture
def postgres_database(postgres, postgres_project):
    """The URL of a PostgreSQL database of the test's own."""
    yield postgres.create_database("chat", TEMPLATE)
    postgres.drop_database("chat")


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
    """Servers on a database of the test's own, and people at their pages.

    `browsers` is called when the first person arrives, because many tests need no browser.
    """

    def __init__(self, project: Project, database: str, scratch: Path, browsers, ends):
        self.project = project
        self.database = database
        self.ledger = Ledger(database, project.conversation)
        self.other = Ledger(database, project.other)
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
            application = "faults_inside:application"
            server = Daphne(self.project.folder, self._environment(), log, application)
            self._ends.callback(server.kill)
            server.begin()
            self.servers.append(server)
        for server in self.servers:
            server.wait()
        return self.servers[0]

    def arrive(self, *names: str, port: int | None = None, clock: bool = False) -> list[Person]:
        """Let people open the conversation, in the two browsers by turns."""
        people = self.prepare_pages(*names, port=port, clock=clock)
        for person in people:
            person.enter()
        return people

    def prepare_pages(
        self, *names: str, port: int | None = None, clock: bool = False
    ) -> list[Person]:
        """Give people an empty page each, logged in; with `clock`, one whose time can be set."""
        people = []
        for name in names:
            browser = self._browsers()[NAMES.index(name) % 2]
            address = f"http://127.0.0.1:{port or self.servers[0].port}"
            context = browser.new_context(base_url=address)
            self._ends.callback(context.close)
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
        """Return somebody without a browser who's going to send `count` messages."""
        session = self.project.sessions[name]
        return Sender(name, session, ledger or self.ledger, count, port or self.servers[0].port)

    def crowd(self, count: int, port: int | None = None) -> Crowd:
        """Return four senders who are going to send `count` messages in the conversation."""
        share = count // len(NAMES)
        return Crowd([self.sender(name, share, port=port) for name in NAMES])

    def store(self, count: int, name: str = "dave") -> None:
        """Store messages without a server, so that no event tells of them."""
        texts = [self.ledger.next_text(name) for _ in range(count)]
        self.shell(STORE.format(conversation=self.ledger.conversation, name=name, texts=texts))

    def shell(self, code: str) -> str:
        """Run code in a process of its own, as the admin would; return what it prints."""
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
        """Start code in a process of its own, and talk to it by its input and output."""
        process = subprocess.Popen(
            [*SHELL, code],
            cwd=self.project.folder,
            env=self._environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._ends.callback(process.wait)
        self._ends.callback(process.kill)
        return process

    def check_log(self, count, at_least: int, at_most: int) -> None:
        """Check how many lines the servers logged about faults, and that none comes twice.

        `count` is called with their number.
        """
        lines = [line for server in self.servers for line in server.complaints()]
        count("log lines", len(lines))
        for server in self.servers:
            assert said_badly(server.complaints()) == []
        assert at_least <= len(lines) <= at_most, "\n".join(lines)

    def check_log_is_empty(self, count) -> None:
        self.check_log(count, 0, 0)

    def _environment(self) -> dict[str, str]:
        return of_project(self.database, **self._variables)


SHELL = [sys.executable, "manage.py", "shell", "-v", "0", "-c"]
STORE = """
from django.contrib.auth import get_user_model
from chat.models import Conversation, Message
conversation = Conversation.objects.get(pk={conversation})
sender = get_user_model().objects.get(username="{name}")
for text in {texts}:
    Message.objects.create(conversation=conversation, sender=sender, content=text)
"""


@pytest.fixture
def chat(project, database, tmp_path, request):
    with contextlib.ExitStack() as ends:
        yield Chat(project, database, tmp_path, browsers_of(request), ends)


@pytest.fixture
def postgres_chat(postgres_project, postgres_database, tmp_path, request):
    with contextlib.ExitStack() as ends:
        yield Chat(postgres_project, postgres_database, tmp_path, browsers_of(request), ends)


def browsers_of(request):
    return lambda: request.getfixturevalue("browsers")


@pytest.fixture
def count(record_property):
    """Return a function that adds a figure to the table."""
    return record_property
