"""Run chapter 6 on real servers that a test may break, with people on its pages."""

import contextlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from course import chapters, processes
from course.pages import file_tree
from course.replay.command import files_after
from course.tasks import services

# Without this, failed assertions in these modules wouldn't show their values.
pytest.register_assert_rewrite("tests.faults.pages", "tests.faults.sockets")

from tests.faults.pages import Person  # noqa: E402
from tests.faults.sockets import Crowd, Sender  # noqa: E402
from tests.faults.subject import GUIDE  # noqa: E402
from tests.support.ledger import SQLITE, Ledger  # noqa: E402
from tests.support.proxy import Proxy  # noqa: E402
from tests.support.servers import Daphne, Postgres, Redis, copy_of, daphne  # noqa: E402

SETTINGS = """
import json
import os

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
LAST_STEP = 1_000  # more than any guide has
NAMES = ["ann", "bob", "carol", "dave"]
TEMPLATE = "prepared"  # the PostgreSQL database that each test gets a copy of
SHELL = [sys.executable, "manage.py", "shell", "-v", "0", "-c"]


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
    """A copy of chapter 6, or of a guide's end, with settings for these tests."""
    source, scratch = chapters.folder(chapters.find("06")), tmp_path_factory.mktemp("project")
    if GUIDE:
        source = scratch / GUIDE
        file_tree.write(files_after(GUIDE, LAST_STEP), source)
    folder = copy_of(source, scratch / "copy", SETTINGS)
    shutil.copy(Path(__file__).with_name("inside.py"), folder / "faults_inside.py")
    return folder


def prepare(folder: Path, database: str) -> Project:
    """Fill an empty database with people and conversations; return the project."""
    environment = processes.project_env(**variables_for(database))
    command = [*SHELL, f"NAMES = {NAMES}{PREPARE}"]
    printed = processes.run(command, "It can't be prepared.", env=environment, cwd=folder)
    return Project(folder, database, **json.loads(printed.splitlines()[-1]))


def variables_for(database: str) -> dict[str, str]:
    """Return what a process of the project needs to use the database at this URL."""
    settings = {"DJANGO_SETTINGS_MODULE": "copy_settings", "SECRET_KEY": "faults" * 9}
    return {**settings, "DATABASE_URL": database}


@pytest.fixture(scope="session")
def project(folder):
    """Chapter 6 on SQLite."""
    return prepare(folder, f"{SQLITE}{folder.parent / 'db.sqlite3'}")


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server for all tests of a file. Each test may break it."""
    programs = services.postgres_programs()
    if programs is None:
        pytest.skip(services.GET_POSTGRES)
    with contextlib.closing(Postgres(programs)) as postgres:
        postgres.start()
        yield postgres


@pytest.fixture(scope="session")
def postgres_project(folder, postgres):
    """Chapter 6 on PostgreSQL."""
    return prepare(folder, postgres.create_database(TEMPLATE))


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
    with contextlib.closing(Proxy()) as proxy:
        yield proxy


class Chat:
    """Servers on one test's database, and people on their pages.

    `window` is called when the first person opens a page, because some tests need no browser.
    """

    def __init__(self, project: Project, database: str, scratch: Path, window: Callable):
        self.project = project
        self.ledger = Ledger(database, project.conversation)
        self.other = Ledger(database, project.other)
        self.servers: list[Daphne] = []
        self._scratch = scratch
        self._window = window
        self._variables = variables_for(database)

    def deploy(self) -> None:
        """Run servers without DEBUG, as in production. They won't serve static files."""
        self._variables |= {"DEBUG": "off", "ALLOWED_HOSTS": "127.0.0.1"}

    def serve(self, *options, redis: Redis | None = None, layer: dict | None = None) -> Daphne:
        """Begin to start a server with a Redis layer or with the given one; return it.

        `options` are further words for Daphne.
        """
        if redis is not None:
            self._variables["REDIS_URL"] = redis.url
        if layer is not None:
            self._variables["LAYER"] = json.dumps(layer)
        log = self._scratch / f"daphne-{len(self.servers)}.log"
        command = daphne(*options, "faults_inside:application")
        server = Daphne(self.project.folder, log, command, **self._variables)
        self.servers.append(server)
        server.begin()
        return server

    def open_pages(self, *names: str, port: int | None = None, clock: bool = False) -> list[Person]:
        """Open the conversation for these people."""
        people = self.prepare_pages(*names, port=port, clock=clock)
        for person in people:
            person.load()
        for person in people:
            person.wait_until_connected()
        return people

    def prepare_pages(
        self, *names: str, port: int | None = None, clock: bool = False
    ) -> list[Person]:
        """Give each person an empty page, logged in; with `clock`, the test can set its time."""
        ports = [server.port for server in self.servers]  # which waits until all of them listen
        address = f"http://127.0.0.1:{port or ports[0]}"
        people = []
        for name in names:
            page = self._window()(base_url=address)
            cookie = {"name": "sessionid", "value": self.project.sessions[name], "url": address}
            page.context.add_cookies([cookie])
            if clock:
                page.clock.install()
            people.append(Person(name, page, self.ledger))
        return people

    def cookie(self, name: str) -> str:
        return f"sessionid={self.project.sessions[name]}"

    def open_socket(self, name: str, conversation: int | None = None, server: Daphne | None = None):
        """Open a person's socket in a conversation, as a page would."""
        path = f"/ws/chat/{conversation or self.project.conversation}/"
        return (server or self.servers[0]).open(path, self.cookie(name))

    def sender(
        self, name: str, count: int, ledger: Ledger | None = None, server: Daphne | None = None
    ) -> Sender:
        """Return a person without a browser who'll send `count` messages."""
        ledger = ledger or self.ledger
        return Sender(
            name, ledger, count, lambda: self.open_socket(name, ledger.conversation, server)
        )

    def crowd(self, count: int, server: Daphne | None = None) -> Crowd:
        """Return four senders who'll send `count` messages in the conversation."""
        share = count // len(NAMES)
        return Crowd([self.sender(name, share, server=server) for name in NAMES])

    def shell(self, code: str) -> str:
        """Run code in its own process, as the admin would; return the last line it prints."""
        environment = processes.project_env(**self._variables)
        run = processes.run([*SHELL, code], "It failed.", env=environment, cwd=self.project.folder)
        return run.splitlines()[-1]

    def start_shell(self, code: str) -> processes.Process:
        """Start code in its own process, and go on as soon as it prints a line."""
        process = processes.Process(
            [*SHELL, code],
            folder=self.project.folder,
            environment=processes.project_env(PYTHONUNBUFFERED="1", **self._variables),
            log=self._scratch / "shell.log",
        )
        process.wait_for(lambda: "\n" in process.printed(), "It printed nothing.")
        return process

    def report(self) -> dict[str, int]:
        """Return the counts of `inside.py`: the layer's channels, memberships and lost events."""
        return json.loads(self.servers[0].ask("GET", "/faults/").text)

    def check_log(self, count, at_least: int = 0, at_most: int = 0) -> None:
        """Check how many lines the servers logged about faults, and that none is repeated.

        `count` is called with their number.
        """
        lines = [line for server in self.servers for line in server.complaints()]
        count("log lines", len(lines))
        for server in self.servers:
            assert server.bad_lines() == []
        assert at_least <= len(lines) <= at_most, "\n".join(lines)

    def close(self) -> None:
        for server in self.servers:
            server.kill()


@pytest.fixture
def chat(sqlite_chat):
    """A chat on SQLite, unless a test file overrides this fixture."""
    return sqlite_chat


@pytest.fixture
def sqlite_chat(project, tmp_path, window_later):
    database = SQLITE + str(shutil.copy(project.database.removeprefix(SQLITE), tmp_path))
    with contextlib.closing(Chat(project, database, tmp_path, window_later)) as chat:
        yield chat


@pytest.fixture
def postgres_chat(postgres, postgres_project, tmp_path, window_later):
    database = postgres.create_database("chat", TEMPLATE)
    with contextlib.closing(Chat(postgres_project, database, tmp_path, window_later)) as chat:
        yield chat
    postgres.ensure_running()
    postgres.drop_database("chat")


@pytest.fixture
def window_later(request):
    return lambda: request.getfixturevalue("window")


@pytest.fixture
def count(record_property):
    """Return a function that adds a figure to the printed table."""
    return record_property
