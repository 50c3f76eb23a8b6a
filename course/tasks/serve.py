"""`make run`: serve a chapter without anything else to install or start."""

import sys

from course import chapters, processes
from course.console import CourseError, say
from course.processes import Process

GRACE = 5  # seconds that it may take to end

LOG_IN = f"""
  Log in as ann with the password {chapters.DEMO_PASSWORD},
  and in a second browser (or a private window) as bob.
"""


def check_port(port: int, target: str = "run") -> None:
    """Raise CourseError if a server listens on that port already.

    `target` is the Makefile's target that needs it.
    """
    if processes.listens(port):
        other = port + 1 if port < 65535 else 8000
        raise CourseError(f"Port {port} is taken. Choose another: make {target} PORT={other}")


def check(chapter: str, port: int) -> None:
    """Raise CourseError if no chapter can be served on that port."""
    check_port(port)


def run(chapter: str, port: int) -> int:
    """Serve a chapter until it's interrupted; return the exit status.

    First its database is created or migrated, with chapter 6's demo accounts in it.
    Raises CourseError if any of that fails.
    """
    folder = chapters.folder(chapter)
    environment = processes.project_env()
    manage = [sys.executable, "manage.py"]
    migrate = [*manage, "migrate", "--no-input", "--verbosity", "0"]
    failed = f"The database of {chapter} couldn't be made."
    processes.run(migrate, failed, env=environment, cwd=folder)
    banner = f"\n  Chapter {int(chapter[:2])} is served at http://127.0.0.1:{port}/\n"
    if chapter == chapters.DEMO:
        demo = [*manage, "demo"]
        processes.run(demo, "The demo couldn't be made.", env=environment, cwd=folder)
        banner += LOG_IN
    check_port(port)
    runserver = [*manage, "runserver", f"127.0.0.1:{port}"]
    server = Process(runserver, folder=folder, environment=environment)
    return run_until_interrupted(server, port, f"{banner}\n  Ctrl-C stops it.\n")


def run_until_interrupted(server: Process, port: int, said: str) -> int:
    """Say `said` once the server listens on `port`; end it when we're interrupted.

    Returns the exit status. Raises CourseError if it doesn't start or ends by itself.
    """
    try:
        failed = "The server didn't start. Its messages are above."
        server.wait_for(lambda: processes.listens(port), failed)
        say(said)
        status = server.popen.wait()
        raise CourseError(f"The server ended by itself, with status {status}.")
    except KeyboardInterrupt:
        say("\nStopped.")
        return 0
    finally:
        server.end(GRACE)
