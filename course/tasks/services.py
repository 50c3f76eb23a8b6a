"""Find, install or start what the suites need: Redis, PostgreSQL and a browser.

If something can't be had, say in one line how to get it.
"""

import contextlib
import glob
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from course import console, processes
from course.processes import Process
from course.tasks import apt

REDIS_PROGRAMS = ["redis-server", "valkey-server"]
# The shell is Chromium without its windows: a page costs it less than half.
BROWSERS = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
# Debian and Red Hat keep PostgreSQL's server programs off PATH, a folder for each version.
POSTGRES_FOLDERS = [
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
]
GET_REDIS = (
    "Redis: install one (apt install redis-server, dnf install valkey, brew install redis), "
    "or set REDIS_URL to one that runs."
)
GET_POSTGRES = (
    "PostgreSQL: install it (apt install postgresql, dnf install postgresql-server, "
    "brew install postgresql). The tests start a server of their own; yours isn't touched."
)
GET_NGINX = "nginx: install it (apt install nginx, dnf install nginx, brew install nginx)."
GET_BROWSER = (
    "Browser: install Chromium or Chrome, or run: python -m playwright install chromium "
    "(with the environment's python)."
)


@dataclass
class Services:
    """What the suites are given, and a line on how to get each thing that's missing."""

    environment: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


@contextlib.contextmanager
def services(given: Mapping[str, str] = os.environ) -> Iterator[Services]:
    """Yield what there is as REDIS_URL and CHROMIUM. Services started here end with the context.

    `given` is the caller's environment, which may have both already.
    """
    have = Services()
    with contextlib.ExitStack() as stack:
        ways = {
            "REDIS_URL": lambda: stack.enter_context(redis(given)),
            "CHROMIUM": lambda: browser(given),
        }
        for name, get in ways.items():
            try:
                have.environment[name] = get()
            except console.CourseError as trouble:
                have.missing.append(str(trouble))
        yield have


@contextlib.contextmanager
def redis(given: Mapping[str, str]) -> Iterator[str]:
    """Yield the address of a Redis that answers: REDIS_URL's, or one that's started here.

    Raises CourseError, with how to get one.
    """
    if url := given.get("REDIS_URL"):
        if not is_redis(url):
            # A password may stand in the address; the place is enough.
            place = urlsplit(url).netloc.rpartition("@")[2] or "its address"
            raise console.CourseError(
                f"Redis: nothing answers at {place}, where REDIS_URL points. "
                "Start it there, or unset REDIS_URL."
            )
        console.say("Redis: the one at REDIS_URL")
        yield url
        return
    program = redis_program()
    if program is None:
        raise console.CourseError(GET_REDIS)
    with started_redis(program) as url:
        console.say(f"Redis: {program} on port {urlsplit(url).port}")
        yield url


def redis_program() -> str | None:
    """Return a Redis server's program, installing it first if that's allowed, or None."""
    return _find_or_install(lambda: _on_path(REDIS_PROGRAMS), partial(apt.install, "redis-server"))


@contextlib.contextmanager
def started_redis(program: str) -> Iterator[str]:
    """Run a Redis without files, on a free local port; yield its address.

    Raises CourseError if it does not answer within 10 seconds.
    """
    with tempfile.TemporaryDirectory(prefix="course-redis-") as folder:
        port = processes.free_port()
        command = [program, "--port", port, "--bind", "127.0.0.1", "--dir", folder]
        process = Process(
            [*command, "--save", "", "--appendonly", "no", "--daemonize", "no"],
            folder=folder,
            environment=os.environ,
            log=Path(folder, "log"),
        )
        url = f"redis://127.0.0.1:{port}/0"
        try:
            process.wait_for(lambda: is_redis(url), f"Redis: {program} does not start.", 10)
            yield url
        finally:
            process.kill()


def nginx_program() -> str | None:
    """Return nginx's program, installing it first if that's allowed, or None.

    Distributions keep it where ordinary users don't look.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    return _find_or_install(lambda: shutil.which("nginx", path=path), partial(apt.install, "nginx"))


def postgres_programs() -> Path | None:
    """Return the folder with PostgreSQL's `initdb` and `postgres`, or None.

    Where that's allowed, PostgreSQL is installed first.
    """
    return _find_or_install(_find_postgres, partial(apt.install, "postgresql"))


def _find_postgres() -> Path | None:
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    others = [Path(found) for pattern in POSTGRES_FOLDERS for found in glob.glob(pattern)]
    folders += sorted(others, key=_version, reverse=True)
    return next((one for one in folders if (one / "initdb").exists()), None)


def _version(folder: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(folder))]


def is_redis(url: str) -> bool:
    """Return whether a Redis answers PING at `url` within 3 seconds."""
    from redis import Redis, RedisError
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    once = Retry(NoBackoff(), 0)  # by itself it would ask four times, for seconds
    try:
        limits = {"socket_connect_timeout": 3, "socket_timeout": 3}
        with Redis.from_url(url, retry=once, **limits) as client:
            return client.ping()
    except (RedisError, ValueError, OSError):
        return False


def browser(given: Mapping[str, str]) -> str:
    """Return the program of a Chromium or Chrome that starts, installing it first if allowed.

    Raises CourseError, with how to get one.
    """
    if named := given.get("CHROMIUM"):
        if not processes.answers([named, "--version"]):
            raise console.CourseError(f"Browser: CHROMIUM is {named}, which does not start.")
        found = named
    else:
        # Ubuntu has Chromium as a snap alone, and a container has no snaps.
        with_apt = partial(apt.install, "chromium-headless-shell")
        found = _find_or_install(_find_browser, with_apt, _install_with_playwright)
    if not found:
        raise console.CourseError(GET_BROWSER)
    console.say(f"Browser: {found}")
    return found


def _find_browser() -> str | None:
    # Ubuntu's chromium-browser may be a stub that only asks for a snap.
    starts = (found for name in BROWSERS if (found := shutil.which(name)) and _starts(found))
    return next(starts, None) or _playwrights_browser()


def _starts(browser: str) -> bool:
    return processes.answers([browser, "--version"])


def _playwrights_browser() -> str | None:
    """Return the browser that `playwright install chromium` installed, or None."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and _starts(path) else None


def _find_or_install(find: Callable[[], Any], *installers: Callable[[], None]) -> Any:
    """Return what `find` finds; try the installers in turn, where that's allowed, until it does.

    An installer that fails only says why.
    """
    if (found := find()) or not apt.allowed():
        return found
    for install in installers:
        try:
            install()
        except console.CourseError as trouble:
            console.say(str(trouble))
        if found := find():
            break
    return found


def _install_with_playwright() -> None:
    console.say("Installing Chromium with Playwright ...")
    install = [sys.executable, "-m", "playwright", "install", "--with-deps", "chromium"]
    processes.run(install, "playwright install failed.")


def _on_path(names: list[str]) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)
