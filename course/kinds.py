"""The kinds of servers that a page starts, known by their commands."""

import re
from dataclasses import dataclass

_BEFORE = r"(?:\w+=\S+ +)*"  # variables set for this command alone
_PYTHON = r"python3? (?:-\w+ )*"


@dataclass(frozen=True)
class Kind:
    """A kind of server, of which one runs at a time.

    `program` matches its command up to where options go. `port` is a page's, `port_option`
    gives another, and `options` are added in a replay. `reloads`: an edit makes it start anew.
    """

    name: str
    program: re.Pattern
    port: int | None = None
    port_option: str = ""
    options: str = ""
    reloads: bool = False


KINDS = [
    # The replay starts it anew itself. Its own reloader looks once a second, so that nobody could
    # tell when it has seen an edit; and under it a server that cannot start does not end.
    Kind(
        "web",
        re.compile(rf"{_BEFORE}{_PYTHON}manage\.py runserver\b"),
        8000,
        " {port}",
        " --noreload",
        reloads=True,
    ),
    Kind("web", re.compile(rf"{_BEFORE}(?:{_PYTHON}-m )?daphne\b"), 8000, " -p {port}"),
    Kind("web", re.compile(rf"{_BEFORE}(?:{_PYTHON}-m )?uvicorn\b"), 8000, " --port {port}"),
    Kind("worker", re.compile(rf"{_BEFORE}{_PYTHON}manage\.py runworker\b")),
    # What an earlier Redis kept would be there at the next start.
    Kind("redis", re.compile(rf"{_BEFORE}redis-server\b"), 6379, " --port {port}", " --save ''"),
]
_ASKS_ONLY = re.compile(r" (?:--version|--help|-h)\b")


def kind_of(command: str) -> Kind | None:
    """Return which kind of server a command starts, or None if it ends by itself."""
    if _ASKS_ONLY.search(command):
        return None
    return next((kind for kind in KINDS if kind.program.match(command)), None)
