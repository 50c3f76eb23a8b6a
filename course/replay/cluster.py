"""`make cluster`: run the site that the guide on deploying builds, as its page starts it."""

import contextlib
import math
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course import chapters, processes
from course.console import CourseError, say
from course.pages import grammar
from course.pages.matching import Mismatch
from course.replay import recordings
from course.replay.servers import Server
from course.replay.workshop import Workshop
from course.tasks import services

LESSON = "deploying"
PREPARE = "Prepare a folder for keys and data"
START = "Start "  # how the titles of the sections begin that start the site
DATA = "chat-data"  # the page's folder for keys and data, beside the project

LOG_IN = f"""
  https://127.0.0.1:{{port}}/

  Your browser warns you once: the certificate's authority was made a moment ago.
  Log in as ann with the password {chapters.DEMO_PASSWORD},
  and in a second browser (or a private window) as bob.

  {{parts}}
  Logs and configuration: {{folder}}

  Ctrl-C stops everything and removes it.
"""


@dataclass(frozen=True)
class Cluster:
    """A running site. `url` is nginx's, and `authority` the certificate that signed nginx's own.

    `project` is its folder, and `environment` what a process of it needs. `servers` are {"nginx",
    "daphne 8001", "daphne 8002", "redis", "postgres": the running server}.
    """

    url: str
    authority: Path
    project: Path
    environment: dict[str, str]
    servers: dict[str, Server]

    def manage(self, *words: str) -> str:
        """Run a command of manage.py; return what it printed. Raises CommandFailed."""
        command = [sys.executable, "manage.py", *words]
        failed = f"manage.py {words[0]} failed."
        return processes.run(command, failed, env=self.environment, cwd=self.project)


def command() -> int:
    """Run the site until it's interrupted; return the exit status.

    Raises CourseError if something is missing or doesn't start, or if a server ends by itself.
    """
    try:
        with running() as cluster:
            ports = {name: server.port for name, server in cluster.servers.items()}
            parts = ", ".join(f"{name.split()[0]} {port}" for name, port in ports.items())
            folder = cluster.authority.parent
            say(LOG_IN.format(port=ports["nginx"], parts=f"Ports: {parts}", folder=folder))
            ended = processes.until(lambda: _ended(cluster), math.inf)
            printed = ended.process.printed()
        raise CourseError(f"`{ended.command}` ended by itself. It printed:\n\n{printed}")
    except KeyboardInterrupt:
        say("\nStopped, and removed.")
        return 0


@contextlib.contextmanager
def running(tell: Callable[[str], None] = say) -> Iterator[Cluster]:
    """Yield the site, and stop and remove it afterwards. `tell` hears what is being started.

    Raises CourseError if something is missing or doesn't start.
    """
    check_programs()
    files = recordings.read(LESSON).snapshots[-1].files
    with contextlib.ExitStack() as stack:
        scratch = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="course-cluster-", ignore_cleanup_errors=True)
            )
        ).resolve()
        workshop = stack.enter_context(
            Workshop(scratch, files, fast=False, halt=threading.Event(), browser=False)
        )
        for part, step in _sections():
            tell(f"{step.title} ...")
            _carry_out(workshop, part, step)
        data = workshop.folder.parent / DATA
        lines = (data / "chat.env").read_text().splitlines()
        yield Cluster(
            url=f"https://127.0.0.1:{workshop.servers['nginx'].port}",
            authority=data / "ca.crt",
            project=workshop.folder,
            environment=processes.project_env(**dict(line.split("=", 1) for line in lines)),
            servers=workshop.servers,
        )


def check_programs() -> None:
    """Raise CourseError unless all programs are there. What's missing is installed if allowed."""
    wanted = [
        (services.nginx_program, services.GET_NGINX),
        (services.redis_program, services.GET_REDIS),
        (services.postgres_programs, services.GET_POSTGRES),
        (lambda: shutil.which("openssl"), "OpenSSL: install it (apt install openssl)."),
    ]
    if missing := [how for find, how in wanted if not find()]:
        raise CourseError("\n".join(missing))


def _sections() -> Iterator[tuple[grammar.Page, grammar.Step]]:
    """Yield each section of the guide's page that starts a part of the site, with its page."""
    for part, step in grammar.steps(grammar.read_lesson(LESSON)):
        if step.title == PREPARE or step.title.startswith(START):
            yield part, step


def _carry_out(workshop: Workshop, part: grammar.Page, step: grammar.Step) -> None:
    for block in step.blocks:
        try:
            workshop.do(block)
        except Mismatch as mismatch:
            raise grammar.PageError(part.path, block.line + mismatch.below, str(mismatch)) from None


def _ended(cluster: Cluster) -> Server | None:
    return next((server for server in cluster.servers.values() if server.ended()), None)
