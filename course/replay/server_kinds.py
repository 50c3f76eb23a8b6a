"""The kinds of servers that a page starts, recognised by their commands."""

import re
from dataclasses import dataclass

_BEFORE = r"(?:\w+=\S+ +)*"  # variables set for this command alone
_PYTHON = r"python3? (?:-\w+ )*"
_DAPHNE = rf"{_BEFORE}(?:{_PYTHON}-m )?daphne\b"

PROXY = 8443  # the port of a reverse proxy, which speaks TLS
BEHIND = [8001, 8002]  # and those of the servers behind it


@dataclass(frozen=True)
class Kind:
    """A kind of server. One of each kind runs at a time.

    `program` matches its command up to the options. `port` is the page's port, `port_option`
    sets another, and `options` are added in a replay. `reloads`: it restarts after an edit.
    """

    name: str
    program: re.Pattern
    port: int | None = None
    port_option: str = ""
    options: str = ""
    reloads: bool = False


KINDS = [
    # The replay restarts it. Its own reloader looks once a second, so the replay couldn't tell when
    # it has seen an edit, and under the reloader a server that can't start doesn't end.
    Kind(
        "web",
        re.compile(rf"{_BEFORE}{_PYTHON}manage\.py runserver\b"),
        8000,
        " {port}",
        " --noreload",
        reloads=True,
    ),
    # Those behind a proxy, which run beside each other.
    *(Kind(f"daphne {port}", re.compile(rf"{_DAPHNE}(?=.* -p {port}\b)"), port) for port in BEHIND),
    Kind("web", re.compile(_DAPHNE), 8000, " -p {port}"),
    Kind("web", re.compile(rf"{_BEFORE}(?:{_PYTHON}-m )?uvicorn\b"), 8000, " --port {port}"),
    Kind("web", re.compile(rf"{_BEFORE}(?:{_PYTHON}-m )?granian\b"), 8000, " --port {port}"),
    Kind("worker", re.compile(rf"{_BEFORE}{_PYTHON}manage\.py runworker\b")),
    Kind("nginx", re.compile(r"nginx\b(?!.* -[tsvV]\b)"), PROXY),
    Kind("postgres", re.compile(r"postgres\b"), 5433),
    # Data that an earlier Redis saved would be there at the next start.
    Kind("redis", re.compile(r"redis-server\b(?=.* --tls-port 6380\b)"), 6380),
    Kind("redis", re.compile(rf"{_BEFORE}redis-server\b"), 6379, " --port {port}", " --save ''"),
]
_ASKS_ONLY = re.compile(r" (?:--version|--help|-h)\b")


def kind_of(command: str) -> Kind | None:
    """Return the kind of server that a command starts, or None if it ends by itself."""
    if _ASKS_ONLY.search(command):
        return None
    return next((kind for kind in KINDS if kind.program.match(command)), None)
