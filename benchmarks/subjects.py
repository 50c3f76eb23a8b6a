"""List the subjects to measure, in the order of the table. Add a subject as one more entry."""

from collections.abc import Iterable
from dataclasses import dataclass

from course import chapters
from course.console import CourseError

CHAPTER = "config.asgi:application"


class CannotMeasure(CourseError):
    """A subject can't be measured here. The text says why, in a few words."""


@dataclass(frozen=True)
class Subject:
    """An application that forwards messages, and how to serve it.

    `name` is for the command line and the CSV, `title` for people. `server` is one of
    servers.COMMANDS. It runs `application` in the project as it is after that `step` of the
    `lesson` (at its end if None), or in the repository's folder if there's no lesson. Clients send
    JSON with the key `field`. With `logged_in`, every connection belongs to a logged-in member of
    one conversation; otherwise all are in one room. The connections are spread over `processes`
    servers; with `redis` these share a Redis, too, and with `postgres` a PostgreSQL.
    """

    name: str
    title: str
    lesson: str | None = None
    step: int | None = None
    server: str = "daphne"
    application: str = CHAPTER
    field: str = "message"
    logged_in: bool = False
    processes: int = 1
    redis: bool = False
    postgres: bool = False


SIXTH = {"lesson": chapters.NAMES[-1], "field": "chat_message", "logged_in": True}
PER_READER = SIXTH | {"application": "benchmarks.apps.per_reader:application"}
DISPATCHED = SIXTH | {"application": "benchmarks.apps.dispatched:application"}
VISITING = SIXTH | {"application": "benchmarks.apps.visiting:application"}
SLOW_HANDLER = {"application": "benchmarks.apps.slow_handler:application"}

# What docs/understand/what_a_message_costs.md shows.
CHAPTERS = [
    Subject("chapter3", "Chapter 3, synchronous", "03_sync_group_chat"),
    Subject("chapter4", "Chapter 4, asynchronous", "04_async_group_chat"),
    Subject("chapter5", "Chapter 5, HTML", "05_htmx_ws", field="chat_message"),
    Subject("chapter6", "Chapter 6", **SIXTH),
    Subject("redis", "Chapter 6 on Redis", redis=True, **SIXTH),
    Subject("two", "Chapter 6 on Redis, two processes", redis=True, processes=2, **SIXTH),
    Subject("per_reader", "Baseline: rendered for each reader", **PER_READER),
    Subject("per_reader_redis", "Baseline on Redis", redis=True, **PER_READER),
    Subject("dispatched", "Chapter 6 without the shortcuts", **DISPATCHED),
    Subject(
        "starlette",
        "Starlette on Uvicorn, storing",
        server="uvicorn",
        application="benchmarks.apps.starlette_room:application",
    ),
    Subject(
        "broadcast",
        "Floor: websockets' broadcast",
        server="python",
        application="benchmarks.apps.broadcast",
    ),
]

# What docs/guides/choosing_a_server.md shows, with chapter 6 on Daphne.
SERVERS = [
    Subject("on_uvicorn", "Chapter 6 on Uvicorn", server="uvicorn", **SIXTH),
    Subject("on_granian", "Chapter 6 on Granian", server="granian", **SIXTH),
]

# What docs/guides/scaling_out.md shows, from the slowest to the floor.
SCALED = SIXTH | {"lesson": "scaling_out"}
ON_REDIS = SCALED | {"server": "uvicorn", "redis": True}
RUNGS = [
    Subject("visiting", "The memory layer searches once a second", **VISITING),
    Subject("hub", "One subscription for each process (steps 1 to 3)", step=2, **SCALED),
    Subject("direct", "Straight to the sockets (steps 4 to 7)", step=6, **SCALED),
    Subject("bounded", "A bound for each socket (step 8)", step=8, **SCALED),
    Subject("top", "The top rung on Daphne (steps 11 and 12)", **SCALED),
    Subject("top_uvicorn", "The top rung on Uvicorn", server="uvicorn", **SCALED),
    Subject("top_granian", "The top rung on Granian", server="granian", **SCALED),
    Subject("top_redis", "The top rung on Uvicorn and Redis", **ON_REDIS),
    Subject("top_redis_two", "The same in two processes", processes=2, **ON_REDIS),
]
# All of the ladder runs without Redis, side by side, and then its top runs on Redis.
LADDER = (
    "per_reader",
    "dispatched",
    "visiting",
    "chapter6",
    "hub",
    "direct",
    "bounded",
    "top",
    "top_granian",
    "top_uvicorn",
    "broadcast",
)
LADDER_ON_REDIS = ("redis", "two", "top_redis", "top_redis_two")

SUBJECTS = CHAPTERS + SERVERS + RUNGS

# A handler that takes a second, in both kinds of consumers. slow_handlers.py measures these.
SLOW = [
    Subject("waits_sync", "Chapter 3, `time.sleep(1)`", "03_sync_group_chat", **SLOW_HANDLER),
    Subject(
        "waits_async", "Chapter 4, `await asyncio.sleep(1)`", "04_async_group_chat", **SLOW_HANDLER
    ),
]

# Measured interleaved, in turns, so that other work on the machine affects them alike.
GROUPS = (
    (*LADDER, *(subject.name for subject in SERVERS)),
    ("per_reader_redis", *LADDER_ON_REDIS),
)

# What `--long` measures: a reader that stops reading, idle connections, and pages that all
# reconnect at the same time.
SLOW_READERS = ("chapter6", "top", "top_uvicorn")
IDLE = ("redis", "top", "top_uvicorn", "broadcast")
TWO_OF_EACH = {"redis": True, "postgres": True, "processes": 2}
STORMS = [
    Subject("storm", "Chapter 6 on Daphne", **TWO_OF_EACH, **SIXTH),
    Subject("top_storm", "The top rung on Uvicorn", server="uvicorn", **TWO_OF_EACH, **SCALED),
]
# What the calculator uses: a subject on Redis in one process and in two, and one of IDLE.
CAPACITY = ("top_redis", "top_redis_two", "top_uvicorn")

# A subject, the subject to divide it by, and a title.
RATIOS = (
    ("chapter6", "per_reader", "Chapter 6 ÷ baseline, in memory"),
    ("redis", "per_reader_redis", "Chapter 6 ÷ baseline, on Redis"),
    ("chapter6", "dispatched", "Chapter 6 ÷ chapter 6 without the shortcuts, in memory"),
)


@dataclass(frozen=True)
class Wanted:
    """A figure of `subject`, divided by that of `over`, should be `most` at that many connections.

    `figure` is the name of one of results.Figures.
    """

    subject: str
    over: str
    connections: int
    most: float
    figure: str = "cpu_us"


WANTED = [
    Wanted(name, f"per_reader{on}", connections, most)
    for name, on in (("chapter6", ""), ("redis", "_redis"))
    for connections, most in ((10, 1.0), (100, 0.85), (1_000, 0.85))
]
WANTED += [
    Wanted("top_uvicorn", "broadcast", 1_000, 2.5),
    Wanted("top_uvicorn", "per_reader", 1_000, 1 / 20),
    Wanted("top_uvicorn", "per_reader", 100, 1 / 8),
    Wanted("top", "per_reader", 1_000, 1 / 7),
    Wanted("top", "per_reader", 100, 1 / 6),
    Wanted("top_uvicorn", "per_reader", 1_000, 1 / 10, figure="p50_ms"),
]
BESIDE = 1_000  # connections of each subject in a group, at most
ROUNDS = (0.5,) * 7  # seconds of each
PICTURED = 100  # connections

CONNECTIONS = (10, 100, 1_000)
FULL = (1, 10, 100, 1_000, 10_000)


def named(name: str) -> Subject:
    """Return the subject with that name. Raises CourseError, which lists all names."""
    names = [subject.name for subject in SUBJECTS]
    if name not in names:
        raise CourseError(f"There's no subject {name}. Choose from: {', '.join(names)}.")
    return SUBJECTS[names.index(name)]


def plan(
    subjects: Iterable[Subject], connections: Iterable[int]
) -> list[tuple[list[Subject], int]]:
    """Return what to measure, in order: lists of subjects, each with a number of connections.

    A list has one subject, except for the groups that are measured interleaved. With more than
    BESIDE connections, there'd be too many sockets at a time for that.
    """
    grouped = {name: group for group in GROUPS for name in group}
    rows: dict[tuple[str, ...], list[Subject]] = {}
    alone = []
    for subject in subjects:
        rows.setdefault(grouped.get(subject.name, (subject.name,)), []).append(subject)
        alone.append([subject])
    return [
        (row, count)
        for count in connections
        for row in (rows.values() if count <= BESIDE else alone)
    ]
