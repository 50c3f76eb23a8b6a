"""The commands, in one table: what each is called, what it does, what it takes, and who does it.

The command line, `make help` and the site's reference page are made from it, and a test compares
the Makefile with it.
"""

import argparse
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Argument:
    """What a command takes: `--port 8001` on the command line, `PORT=8001` for make.

    `help` continues the command's own. `options` are argparse's; a `type` is a function written as
    "module:function", which is imported when it's needed. argparse would complain about one that's
    `needed` without an example.
    """

    name: str
    example: str
    help: str = ""
    options: dict = field(default_factory=dict)
    needed: bool = False

    @property
    def key(self) -> str:
        return self.name.strip("-")

    @property
    def variable(self) -> str:
        return self.key.upper()

    @property
    def assignment(self) -> str:
        """What's typed for make, for example `PORT=8001`."""
        typed = f"'{self.example}'" if "*" in self.example else self.example
        return f"{self.variable}={typed}"

    @property
    def is_flag(self) -> bool:
        return self.options.get("action") == "store_true"


@dataclass(frozen=True)
class Verb:
    """A command. `function`, as "module:function", is called with its arguments by name.

    Without `packages` it runs in any Python, without an environment; `packages` may also be a
    function of its arguments. `check` is a function that's
    called first, before anything slow. With `more`, it also gets the words that follow. A `module`
    is run in place of a function, with all words.
    """

    name: str
    help: str
    function: str = ""
    arguments: tuple[Argument, ...] = ()
    packages: bool | str = True
    check: str = ""
    more: bool = False
    module: str = ""

    @property
    def call(self) -> str:
        """The command as it's typed, with what it needs: `make test CHAPTER=03`."""
        needed = [each.assignment for each in self.arguments if each.needed]
        return " ".join(["make", self.name, *needed])

    @property
    def explanation(self) -> str:
        """What it does, and what it does with each of its other arguments."""
        others = [f"`{each.assignment}` {each.help}" for each in self.arguments if each.help]
        return "; ".join([self.help, *others])


def port(text: str) -> int:
    """Return the number of a port. Raises argparse.ArgumentTypeError."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise argparse.ArgumentTypeError(f"a port is a number from 1 to 65535, and not {text!r}")


def step(text: str) -> int:
    """Return the number of a step. Raises argparse.ArgumentTypeError."""
    if text.isascii() and text.isdigit():
        return int(text)
    raise argparse.ArgumentTypeError(f"a step is a number from 0 on, and not {text!r}")


FLAG = {"action": "store_true"}
A_PORT = {"type": "course.verbs:port"}
A_STEP = {"type": "course.verbs:step"}
A_CHAPTER = {"type": "course.chapters:find"}
A_LESSON = {"type": "course.chapters:find_lesson"}
A_TARGET = {"type": "course.replay.checkout:check_target"}

AN_EXERCISE: dict = {}  # exercises are found by their names, course.learner.exercises

DJANGO = Argument("--django", "6.1")
A_FOLDER = Argument("dir", "~/my-chat", options={"nargs": "?"}, needed=True)
CHAPTER = Argument("--chapter", "03", options=A_CHAPTER, needed=True)

VERBS = [
    Verb(
        "run",
        "serves chapter 6, with its demo accounts, at http://127.0.0.1:8000/",
        "course.tasks.serve:run",
        (
            Argument("--chapter", "03", "serves another chapter", A_CHAPTER | {"default": "06"}),
            Argument("--port", "8001", "uses another port", A_PORT | {"default": "8000"}),
            DJANGO,
        ),
        check="course.tasks.serve:check",
    ),
    Verb(
        "cluster",
        "starts the site of the guide on deploying, with nginx, two Daphnes, Redis and PostgreSQL "
        "on free ports of this machine, and removes it at Ctrl-C",
        "course.replay.cluster:command",
    ),
    Verb(
        "test-all",
        "runs every suite, with a table at the end; `REQUIRE_ALL=1` counts a skipped test as a "
        "failed one",
        "course.tasks.suites:test_all",
        (DJANGO,),
    ),
    Verb(
        "test-chapters",
        "runs the chapters' suites and what has to hold in all of them, without those of the tools",
        "course.tasks.suites:test_chapters",
        (DJANGO,),
    ),
    Verb(
        "test",
        "runs one chapter's suite",
        "course.tasks.suites:test",
        (CHAPTER, DJANGO),
        more=True,
    ),
    Verb(
        "start",
        "writes the project as it is at the start of chapter 4 into a new folder; "
        "`CHAPTER=hardening`: at the start of that guide",
        "course.replay.checkout:write_start",
        (
            Argument("--chapter", "04", options=A_LESSON, needed=True),
            Argument("--to", "~/my-chat", options=A_TARGET, needed=True),
        ),
        packages="course.replay.checkout:needs_packages",
    ),
    Verb(
        "check",
        "says how far your folder is, and what's next; it changes nothing there",
        "course.learner.check:command",
        (
            A_FOLDER,
            Argument(
                "--run", "1", "also holds a copy of it against the pages' conversations", FLAG
            ),
            Argument("--all", "1", "shows three findings, not one", FLAG),
            Argument("--watch", "1", "answers again whenever you save a file", FLAG),
            Argument("--json", "1", "prints JSON, for programs", FLAG),
            Argument("--exercise", "03_who_joined", "checks an exercise", AN_EXERCISE),
        ),
        check="course.learner.project:check",
    ),
    Verb(
        "exercise",
        "lists the exercises",
        "course.learner.exercises:command",
        (
            Argument("--exercise", "03_who_joined", "shows its task", AN_EXERCISE),
            Argument("--to", "~/exercise", "also writes the project to start from", A_TARGET),
        ),
    ),
    Verb(
        "hint",
        "gives the next hint for an exercise, after a check that failed",
        "course.learner.exercises:hint",
        (Argument("--exercise", "03_who_joined", options=AN_EXERCISE, needed=True),),
    ),
    Verb(
        "grade",
        "for instructors: judges the folders of a group, and writes a table, CSV and HTML",
        "course.learner.grade:command",
        (
            Argument("--dirs", "submissions/*", needed=True),
            CHAPTER,
            Argument("--to", "~/marks", "writes them into that new folder", A_TARGET),
        ),
        check="course.learner.submissions:check",
    ),
    Verb(
        "replay",
        "follows the pages: runs every command, compares what it prints, and compares the result "
        "with the folders",
        "course.replay.command:command",
        (
            Argument(
                "--chapter",
                "03",
                "follows one chapter, guide or first look",
                A_LESSON | {"action": "append", "default": []},
            ),
            Argument(
                "--to", "~/mine", "writes the project into a new folder, to compare", A_TARGET
            ),
            Argument("--step", "5", "writes it as it is after that step, not at the end", A_STEP),
            Argument("--write", "1", "writes the folders from the pages", FLAG),
            Argument("--fast", "1", "runs only the commands that make files", FLAG),
        ),
        check="course.replay.checkout:check_replay",
    ),
    Verb(
        "history",
        "writes a git repository with a commit for each step of the six chapters, and tags such as "
        "`chapter-3` and `chapter-6-1`; `git log -p` and your editor's timeline show how each file "
        "grew",
        "course.replay.history:write",
        (Argument("--to", "~/channels-history", options=A_TARGET, needed=True),),
    ),
    Verb(
        "draft",
        "for authors: shows what a chapter's page still lacks to end as its folder",
        "course.replay.draft:print_missing",
        (CHAPTER,),
    ),
    Verb(
        "bench",
        "measures what a message costs, in about a quarter of an hour",
        arguments=(
            Argument("--full", "1", "measures from 1 to 10,000 connections", FLAG),
            Argument(
                "--soak", "1", "measures 1,000 people at the same time and 100,000 messages", FLAG
            ),
            Argument(
                "--long",
                "1",
                "measures a reader that stops reading, 10,000 idle connections, and 1,000 pages "
                "that reconnect at the same time",
                FLAG,
            ),
            Argument("--write", "1", "writes the figures into the pages", FLAG),
        ),
        module="benchmarks",
        more=True,
    ),
    Verb("docs", "builds the site in `site/`", "course.site.build:build"),
    Verb(
        "docs-serve",
        "serves the site, and rebuilds it when a page is saved",
        "course.site.build:serve_site",
        (Argument("--port", "8011", "uses another port", A_PORT | {"default": "8010"}),),
    ),
    Verb(
        "test-docs",
        "tests the site, its pictures and the troubleshooting page, with a browser",
        "course.tasks.suites:test_docs",
    ),
    Verb(
        "test-faults",
        "kills servers, Redis and PostgreSQL, drops the network and locks the database under two "
        "people's pages in chapter 6, and counts what was sent, acknowledged and shown",
        "course.tasks.suites:test_faults",
    ),
    Verb(
        "test-cluster",
        "breaks one part of a cluster after another while 40 pages and two browsers talk: kills, "
        "freezes and restarts nginx, Daphne, Redis and PostgreSQL, in about four minutes",
        "course.tasks.suites:test_cluster",
    ),
    Verb(
        "test-learner",
        "tests what learners are told: makes each known mistake, and tries each exercise untouched "
        "and solved",
        "course.tasks.suites:test_learner",
    ),
    Verb(
        "test-grade",
        "marks 30 made submissions, hostile ones among them, and compares the verdicts",
        "course.tasks.suites:test_grade",
    ),
    Verb(
        "test-zensical",
        "builds the site with Zensical, and compares its pages with those that MkDocs makes",
        "course.tasks.suites:test_zensical",
    ),
    Verb(
        "nightly",
        "runs what takes too long for every change, with a table at the end: every Python and "
        "Django that's here, every known mistake, random orders, Zensical, the longest "
        "measurements",
        "course.tasks.nightly:nightly",
    ),
    Verb(
        "screenshots",
        "retakes the screenshots on the pages",
        "course.site.screenshots:retake",
    ),
    Verb("lint", "checks code and spelling", "course.tasks.housekeeping:lint"),
    Verb(
        "lock",
        "pins the newest versions that `requirements.in` allows in `requirements.txt`",
        "course.tasks.environment:lock",
    ),
    Verb(
        "setup",
        "creates the environment, `.venv`, and nothing else",
        "course.tasks.environment:setup",
        (DJANGO,),
        packages=False,
    ),
    Verb(
        "clean",
        "removes environments, the site, caches and the chapters' databases",
        "course.tasks.housekeeping:clean",
        packages=False,
    ),
]
