"""The repository's own virtual environment, made from the pinned requirements."""

import contextlib
import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import sys
import time
from pathlib import Path

from course import chapters, console, processes
from course.tasks import apt

# What the course promises to run on: these Pythons, and these series of Django, each with the
# oldest Python that it needs.
PYTHONS = [(3, 11), (3, 12), (3, 13), (3, 14)]
DJANGOS = {"5.2": (3, 11), "6.0": (3, 12), "6.1": (3, 12)}
PINNED = "5.2"  # the one in requirements.txt
# What will become the next series, to learn early what breaks. An environment keeps what it was
# made with: `make clean` before a later look.
MAIN = "main"
MAIN_NEEDS = (3, 12)
MAIN_PACKAGES = [
    f"https://github.com/django/{name}/archive/refs/heads/main.tar.gz"
    for name in ("django", "channels")
]
STAMP = "course.json"  # written last: an environment without it was never finished

# What a caller's shell may hold that would send packages elsewhere, or to another Python. What
# reaches a mirror of the package index stays.
MISLEADING = re.compile(
    r"(PIP|UV)_(?!.*(CERT|HOST|INDEX|KEYRING|LINKS|PROXY|RETRIES|TIMEOUT|TLS))"
    "|(CONDA_PREFIX|PYTHONPATH|VIRTUAL_ENV|__PYVENV_LAUNCHER__)$"
)


def ensure(root: Path, django: str | None = None) -> Path:
    """Make the environment for this Python and that Django if it's missing or out of date.

    `root` is the repository's folder, `django` a series like "6.1", "main" for the development
    branches of Django and Channels, or None for the pinned series.
    Returns the environment's python. Raises CourseError.
    """
    django = django or PINNED
    check_pair(django)
    folder = choose(root, django)
    stamp = stamp_for(folder, root, django)
    with _alone(root):
        if reason := why_stale(folder, stamp):
            _make(folder, root, stamp, reason)
    return python_of(folder)


def setup(django: str | None = None, root: Path = chapters.ROOT) -> None:
    """Make the environment for that Django, and say where it is. Raises CourseError."""
    python = ensure(root, django)
    console.say(f"The environment is ready: {python.parent.parent}")


def pairs() -> list[tuple[str, str]]:
    """Return each Python and each Django that runs on it, such as ("3.13", "6.1")."""
    return [
        (f"{python[0]}.{python[1]}", django)
        for python in PYTHONS
        for django, oldest in DJANGOS.items()
        if python >= oldest
    ]


def check_pair(django: str, version: tuple = sys.version_info) -> None:
    """Raise CourseError unless the course supports that Django on this Python."""
    oldest = {**DJANGOS, MAIN: MAIN_NEEDS}
    if django not in oldest:
        raise console.CourseError(f"DJANGO can be {', '.join(oldest)}, but not {django!r}.")
    major, minor = oldest[django]
    if version[:2] < (major, minor):
        raise console.CourseError(
            f"Django {django} needs Python {major}.{minor} or newer, and this is "
            f"{version[0]}.{version[1]}. Name one: PYTHON=python3.13 DJANGO={django}"
        )


def choose(root: Path, django: str) -> Path:
    """Return the folder of the environment for this Python and that Django.

    That's `.venv` for the pinned Django, unless `.venv` already belongs to another Python.
    Otherwise it's a folder named after both.
    """
    plain = root / ".venv"
    python = _minor(platform.python_version())
    if django == PINNED:
        stamp = _stamp_of(plain)
        others = stamp and stamp["folder"] == str(plain) and _minor(stamp["python"]) != python
        if not others or not python_of(plain).exists():
            return plain
    return root / f".venv-py{python}-django{django}"


def is_in_use(python: Path) -> bool:
    """Return whether this program runs in the environment with that python."""
    return os.path.realpath(python.parent.parent) == os.path.realpath(sys.prefix)


def python_of(folder: Path) -> Path:
    """Return the path of the python of the environment in `folder`."""
    return folder / "bin" / "python"


def stamp_for(folder: Path, root: Path, django: str) -> dict:
    """Return what an environment in `folder` would be made from, if it were made now.

    The folder is part of it because an environment can't be moved or copied.
    """
    return {
        "folder": str(folder),
        "python": platform.python_version(),
        "django": django,
        "requirements": hashlib.sha256((root / "requirements.txt").read_bytes()).hexdigest(),
    }


def why_stale(folder: Path, stamp: dict) -> str | None:
    """Return why the environment in `folder` has to be made, or None if it doesn't."""
    if not folder.exists():
        return "it isn't there yet"
    found = _stamp_of(folder)
    if not found or not python_of(folder).exists():
        return "it wasn't finished"
    if found["folder"] != stamp["folder"]:
        return "it was moved here"
    if found["python"] != stamp["python"]:
        return f"it was made with Python {found['python']}"
    if found != stamp:
        return "requirements.txt has changed"
    return None


def lock(root: Path = chapters.ROOT) -> None:
    """Pin requirements.in, with hashes, in requirements.txt. Raises CourseError."""
    console.say("Pinning requirements.in in requirements.txt ...")
    options = "--upgrade --universal --python-version 3.11 --generate-hashes --no-header"
    files = "--no-emit-index-url --no-config -q requirements.in -o requirements.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", *options.split(), *files.split()]
    failed = "The requirements couldn't be pinned."
    processes.run(command, failed, env=_clean_environment(), cwd=root)


def _make(folder: Path, root: Path, stamp: dict, reason: str) -> None:
    """Make the environment in `folder` from scratch, and say so."""
    began = time.monotonic()
    console.say(f"Making {folder.name} with Python {stamp['python']}, because {reason} ...")
    _remove(folder)
    _check_ensurepip(_minor(stamp["python"]))
    python = python_of(folder)
    # Compiled now, as pip does too, or else by every server and suite at every start.
    install = [python, "-m", "uv", "pip", "install", "--compile-bytecode", "--python", python]
    commands = [
        # Run from within an environment, sys.executable may be the one that was just removed.
        [sys._base_executable, "-m", "venv", folder],
        # uv installs in seconds what takes pip half a minute. It's built for every system that
        # playwright is built for.
        [python, "-m", "pip", "install", "--only-binary", ":all:", "uv"],
        [*install, "--require-hashes", "-r", root / "requirements.txt"],
    ]
    if stamp["django"] == MAIN:
        commands.append([*install, *MAIN_PACKAGES])
    elif stamp["django"] != PINNED:
        commands.append([*install, f"django~={stamp['django']}.0"])
    failed = f"{folder.name} couldn't be made. Is there a network?"
    for command in commands:
        processes.run(command, failed, env=_clean_environment(), cwd=root)
    (folder / STAMP).write_text(json.dumps(stamp), encoding="utf-8")
    console.say(f"{folder.name} is ready after {time.monotonic() - began:.1f} s.")


def _check_ensurepip(version: str) -> None:
    """Install what venv needs if it's missing, as in Debian's python3. Raises CourseError."""
    if importlib.util.find_spec("ensurepip"):
        return
    if not apt.allowed():
        raise console.CourseError(
            f"Python {version} can't make environments here, because its module ensurepip is "
            f"missing. Install it: sudo apt install python{version}-venv"
        )
    apt.install(f"python{version}-venv")


def _clean_environment() -> dict:
    """Return the caller's environment without variables that mislead pip or uv.

    Their configuration files aren't read either, because a line like `user = true` breaks pip in an
    environment.
    """
    kept = {name: value for name, value in os.environ.items() if not MISLEADING.match(name)}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}


def _stamp_of(folder: Path) -> dict | None:
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return {name: stamp[name] for name in ("folder", "python", "django", "requirements")}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        # The stamp first: what is left if this is interrupted must not look finished.
        (folder / STAMP).unlink(missing_ok=True)
        shutil.rmtree(folder)


@contextlib.contextmanager
def _alone(root: Path):
    """Wait for other commands that make environments here, and keep them out meanwhile."""
    # A lock on the file that environments are made from leaves nothing behind to clean up.
    with open(root / "requirements.txt", "rb") as requirements:
        try:
            fcntl.flock(requirements, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.say("Another command is making an environment here; waiting for it ...")
            fcntl.flock(requirements, fcntl.LOCK_EX)
        except OSError:
            pass  # a file system without locks
        yield
