"""`make run`: serve a chapter without anything else to install or start."""

import contextlib
import http.client
import socket
import sys
from pathlib import Path

from course import chapters, processes
from course.console import CourseError, say
from course.processes import Process

START_LIMIT = 30  # seconds that a server may take to its first answer
GRACE = 5  # seconds that it may take to end

LOG_IN = f"""
  Log in as ann with the password {chapters.DEMO_PASSWORD},
  and in a second browser (or a private window) as bob.
"""


def check_port(port: int, target: str = "run") -> None:
    """Raise CourseError if that port can't be used on this machine.

    `target` is the Makefile's target that needs it.
    """
    other = port + 1 if port < 65535 else 8000
    choose = f"Choose another: make {target} PORT={other}"
    taken = f"Port {port} is taken. {choose}"
    # A server on all addresses need not keep this one from being bound: knock first.
    if processes.listens(port):
        raise CourseError(taken)
    with socket.socket() as probe:
        # A port that a server has just left may be bound again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CourseError(f"Only root can use port {port}. {choose}") from None
        except OSError:
            raise CourseError(taken) from None


def check(chapter: str, port: int) -> None:
    """Raise CourseError if the chapter can't be served on that port."""
    check_port(port)


def run(chapter: str, port: int) -> int:
    """Serve a chapter; return the exit status. Raises CourseError."""
    return serve(chapters.folder(chapter), port)


def serve(folder: Path, port: int) -> int:
    """Serve the chapter in `folder` until it's interrupted; return the exit status.

    First its database is created or migrated, with chapter 6's demo accounts in it.
    Raises CourseError if any of that fails.
    """
    name = folder.name
    if not (folder / "manage.py").exists():
        raise CourseError(f"There is no chapter in the folder {name} yet.")
    environment = processes.project_env()
    manage = [sys.executable, "manage.py"]
    migrate = [*manage, "migrate", "--no-input", "--verbosity", "0"]
    failed = f"The database of {name} could not be made."
    processes.run(migrate, failed, env=environment, cwd=folder)
    if name == chapters.DEMO:
        demo = [*manage, "demo"]
        processes.run(demo, "The demo could not be made.", env=environment, cwd=folder)
    check_port(port)
    server = Process(
        [*manage, "runserver", f"127.0.0.1:{port}"], folder=folder, environment=environment
    )
    return run_until_interrupted(server, port, banner(name, port))


def run_until_interrupted(server: Process, port: int, said: str) -> int:
    """Say `said` once the server answers on `port`; end it when we're interrupted.

    Returns the exit status. Raises CourseError if it doesn't start or ends by itself.
    """
    try:
        failed = "The server didn't start. Its messages are above."
        server.wait_for(lambda: _answers(port), failed, START_LIMIT)
        say(said)
        status = server.popen.wait()
        raise CourseError(f"The server ended by itself, with status {status}.")
    except KeyboardInterrupt:
        say("\nStopped.")
        return 0
    finally:
        server.end(GRACE)


def banner(name: str, port: int) -> str:
    """Return the address and accounts that a person needs."""
    log_in = LOG_IN if name == chapters.DEMO else ""
    return f"""
  Chapter {int(name[:2])} is served at http://127.0.0.1:{port}/
{log_in}
  Ctrl-C stops it.
"""


def _answers(port: int) -> bool:
    # By hand, because urllib would ask a proxy that the environment names.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
    return True
