"""What is measured: a list, in the order of the table. A further subject is one more entry."""

from collections.abc import Iterable
from dataclasses import dataclass

from course import progress

CHAPTER = "config.asgi:application"


@dataclass(frozen=True)
class Subject:
    """Something that passes messages on, and how it is served.

    `name` is for the command line and the CSV, `title` for people. `server` is one of
    servers.COMMANDS, run in `folder` (a chapter's; the repository's if None) with `application`.
    A message goes in as JSON with the key `field`. With `people` every connection is somebody
    who is logged in and takes part in one conversation; otherwise all are in one room.
    `processes` servers share the connections; with `redis` they share a Redis, too. `packages`
    are what it needs beyond the chapters' own. With more than `most` connections it is not
    measured: that would tell nothing.
    """

    name: str
    title: str
    folder: str | None = None
    server: str = "daphne"
    application: str = CHAPTER
    field: str = "message"
    people: bool = False
    processes: int = 1
    redis: bool = False
    packages: tuple[str, ...] = ()
    most: int | None = None


SIXTH = {"folder": "06_conversations_auth", "field": "chat_message", "people": True}

SUBJECTS = [
    Subject("chapter3", "Chapter 3, synchronous", "03_sync_group_chat"),
    Subject("chapter4", "Chapter 4, asynchronous", "04_async_group_chat"),
    Subject("chapter5", "Chapter 5, HTML", "05_htmx_ws", field="chat_message"),
    Subject("chapter6", "Chapter 6", **SIXTH),
    Subject("redis", "Chapter 6 on Redis", redis=True, **SIXTH),
    Subject("two", "Chapter 6 on Redis, two processes", redis=True, processes=2, **SIXTH),
    Subject(
        "per_reader",
        "Baseline: rendered for each reader",
        application="benchmarks.apps.per_reader:application",
        **SIXTH,
    ),
    Subject(
        "no_hop",
        "Chapter 6 without the thread hop",
        application="benchmarks.apps.no_hop:application",
        most=100,
        **SIXTH,
    ),
    Subject(
        "starlette",
        "Starlette on Uvicorn, storing",
        server="uvicorn",
        application="benchmarks.apps.starlette_room:application",
        packages=("starlette", "uvicorn"),
    ),
    Subject(
        "broadcast",
        "Floor: websockets' broadcast",
        server="python",
        application="benchmarks.apps.broadcast",
        packages=("websockets",),
    ),
]

# A handler that takes a second, in both kinds of consumers: measured apart, see waiting.py.
WAITING = [
    Subject(
        "waits_sync",
        "Chapter 3, `time.sleep(1)`",
        "03_sync_group_chat",
        application="benchmarks.apps.waits_sync:application",
    ),
    Subject(
        "waits_async",
        "Chapter 4, `await asyncio.sleep(1)`",
        "04_async_group_chat",
        application="benchmarks.apps.waits_async:application",
    ),
]

# What is compared closely is measured side by side, in turns, with this many connections.
CHAPTER_6, BASELINE, NO_HOP = "chapter6", "per_reader", "no_hop"
COMPARED = (CHAPTER_6, BASELINE, NO_HOP)
COMPARED_AT = 100
ROUNDS = (0.6,) * 15  # seconds of each
WANTED = 0.85  # of the baseline's CPU time, at most

CONNECTIONS = (10, 100, 1_000)
FULL = (1, 10, 100, 1_000, 10_000)


def named(name: str) -> Subject:
    """Return the subject of that name. Raises progress.Trouble, which names all there are."""
    for subject in SUBJECTS:
        if subject.name == name:
            return subject
    names = ", ".join(subject.name for subject in SUBJECTS)
    raise progress.Trouble(f"There is no subject {name}. There are: {names}.")


def plan(
    subjects: Iterable[Subject], connections: Iterable[int]
) -> list[tuple[list[Subject], int]]:
    """Return what to measure, in order: subjects, with a number of connections.

    They come one by one, but for those that are compared.
    """
    subjects = list(subjects)
    cells = []
    for count in connections:
        chosen = [subject for subject in subjects if not subject.most or count <= subject.most]
        compared = [one for one in chosen if one.name in COMPARED and count == COMPARED_AT]
        cells += [([one], count) for one in chosen if one not in compared]
        cells += [(compared, count)] * bool(compared)
    return cells
