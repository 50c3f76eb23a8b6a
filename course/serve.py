"""`make run`: serve a chapter without anything else to install or start."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from course import progress

# A person may have these set for another project, whose database must not be migrated here.
DROPPED = [
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "REDIS_PREFIX",
    "REDIS_URL",
    "SECRET_KEY",
]
STARTING = 30  # seconds that a server may take to its first answer
GRACE = 5  # seconds that it may take to end

# Chapter 6's `manage.py demo` makes these people; its source has the same names.
DEMO = "06_conversations_auth"
LOG_IN = """
  Log in as ann with the password channels-demo,
  and in a second browser (or a private window) as bob.
"""


def check_port(port: int, target: str = "run") -> None:
    """Raise progress.Trouble if that port can't be used on this machine.

    `target` is the Makefile's target that needs it.
    """
    other = port + 1 if port < 65535 else 8000
    choose = f"Choose another: make {target} PORT={other}"
    taken = f"Port {port} is taken. {choose}"
    with socket.socket() as probe:
        probe.settimeout(2)
        # A server on all addresses need not keep this one from being bound: knock first.
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise progress.Trouble(taken)
    with socket.socket() as probe:
        # A port that a server has just left may be bound again.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise progress.Trouble(f"Only root can use port {port}. {choose}") from None
        except OSError:
            raise progress.Trouble(taken) from None


def serve(folder: Path, port: int) -> int:
    """Serve the chapter in `folder` until it's interrupted; return the exit status.

    First its database is created or migrated, with chapter 6's demo accounts in it.
    Raises progress.Trouble if any of that fails.
    """
    name = folder.name
    if not (folder / "manage.py").exists():
        raise progress.Trouble(f"There is no chapter in the folder {name} yet.")
    environment = clean(os.environ)
    manage = [sys.executable, "manage.py"]
    migrate = [*manage, "migrate", "--no-input", "--verbosity", "0"]
    progress.run(migrate, f"The database of {name} could not be made.", env=environment, cwd=folder)
    if name == DEMO:
        demo = [*manage, "demo"]
        progress.run(demo, "The demo could not be made.", env=environment, cwd=folder)
    check_port(port)
    server = subprocess.Popen(
        [*manage, "runserver", f"127.0.0.1:{port}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # so that it ends by our hand, with its reloader and its child
    )
    try:
        wait_until_it_answers(server, port)
        progress.say(box(name, port))
        status = server.wait()
        raise progress.Trouble(f"The server ended by itself, with status {status}.")
    except KeyboardInterrupt:
        progress.say("\nStopped.")
        return 0
    finally:
        stop(server)


def clean(given: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment without other projects' settings."""
    return {name: value for name, value in given.items() if name not in DROPPED}


def box(name: str, port: int) -> str:
    """Return the address and accounts that a person needs, in a box."""
    log_in = LOG_IN if name == DEMO else ""
    chapter = int(name[:2])
    return f"""
  Chapter {chapter} is served at http://127.0.0.1:{port}/
{log_in}
  Ctrl-C stops it.
"""


def wait_until_it_answers(server: subprocess.Popen, port: int, seconds: float = STARTING) -> None:
    """Return as soon as an HTTP request is answered. Raises progress.Trouble after that time."""
    deadline = time.monotonic() + seconds
    while not _answers(port):
        if server.poll() is not None:
            raise progress.Trouble("The server didn't start. Its messages are above.")
        if time.monotonic() > deadline:
            raise progress.Trouble(f"The server didn't answer within {seconds:g} s.")
        time.sleep(0.05)


def stop(server: subprocess.Popen) -> None:
    """End the server and all of its processes."""
    for number in (signal.SIGINT, signal.SIGKILL):
        # On macOS a group of nothing but the dead gives PermissionError.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(server.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(timeout=GRACE)


def _answers(port: int) -> bool:
    # By hand, since urllib would ask a proxy that the environment names.
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
