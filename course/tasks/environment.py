"""The repository's own virtual environment, made from the pinned requirements."""

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import sys
import time
from pathlib import Path

from course import chapters, console, processes
from course.tasks import apt

# The series of Django that the course promises, and the oldest Python that each runs on.
DJANGOS = {"5.2": (3, 11), "6.0": (3, 12), "6.1": (3, 12)}
PINNED = "5.2"  # the one in requirements.txt
STAMP = "course.json"  # written last: an environment without it was never finished

# What a caller's shell may hold that would send packages elsewhere, or to another Python.
MISLEADING = [
    "CONDA_PREFIX",
    "PIP_CONSTRAINT",
    "PIP_PREFIX",
    "PIP_REQUIREMENT",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONPATH",
    "UV_CONSTRAINT",
    "UV_OVERRIDE",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
]
NO_NETWORK = [
    "dns error",
    "error sending request",
    "name resolution",
    "name or service not known",
    "nodename nor servname",
    "network is unreachable",
    "connection refused",
    "max retries exceeded",
    "failed to establish a new connection",
    "connection broken",
    "timed out",
]


def ensure(root: Path, django: str | None = None) -> Path:
    """Make the environment for this Python and that Django if it's missing or out of date.

    `root` is the repository's folder, `django` a series like "6.1" or None for the pinned one.
    Returns the environment's python. Raises CourseError.
    """
    django = django or PINNED
    check_pair(django)
    folder = choose(root, django)
    stamp = stamp_for(folder, root, django)
    if why_stale(folder, stamp):
        with _alone(root):
            # Another command may have made it while this one waited.
            if reason := why_stale(folder, stamp):
                _make(folder, root, django, stamp, reason)
    return python_of(folder)


def setup(django: str | None = None, root: Path = chapters.ROOT) -> None:
    """Make the environment for that Django, and say where it is. Raises CourseError."""
    python = ensure(root, django)
    console.say(f"The environment is ready: {python.parent.parent}")


def check_pair(django: str, version: tuple = sys.version_info) -> None:
    """Raise CourseError unless the course supports that Django on this Python."""
    if django not in DJANGOS:
        raise console.CourseError(f"DJANGO can be {', '.join(DJANGOS)}, but not {django!r}.")
    major, minor = DJANGOS[django]
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
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


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
        return "it is not there yet"
    found = _stamp_of(folder)
    if not found or not python_of(folder).exists():
        return "it was not finished"
    if found["folder"] != stamp["folder"]:
        return "it was moved here"
    if found["python"] != stamp["python"]:
        return f"it was made with Python {found['python']}"
    if found != stamp:
        return "requirements.txt has changed"
    return None


def lock(root: Path = chapters.ROOT) -> None:
    """Pin requirements.in, with hashes, in requirements.txt. Raises CourseError."""
    uv = _uv_on_path()
    if not uv:
        raise console.CourseError("make lock needs uv. Get it with: pip install uv")
    options = "--universal --python-version 3.11 --generate-hashes --no-header"
    files = "--no-emit-index-url --no-config -q requirements.in -o requirements.txt"
    console.say("Pinning requirements.in in requirements.txt ...")
    processes.run(
        [uv, "pip", "compile", *options.split(), *files.split()],
        "The requirements could not be pinned.",
        env=_clean_environment(),
        cwd=root,
    )
    console.say(f"requirements.txt pins {_count_pins(root)} packages.")


def _make(folder: Path, root: Path, django: str, stamp: dict, reason: str) -> None:
    """Make the environment in `folder` from scratch, and say so."""
    began = time.monotonic()
    console.say(f"Making {folder.name} with Python {stamp['python']}, because {reason} ...")
    _remove(folder)
    uv = _uv_on_path()
    if uv:
        create = [uv, "venv", "--no-project", "--python", _base_python(), folder]
        _run(create, f"{folder.name} could not be made.", root)
    else:
        _make_with_venv(folder, root)
        uv = _uv_from_pip(python_of(folder), root)
    _install(folder, root, django, uv)
    half = folder / f"{STAMP}.half"
    half.write_text(json.dumps(stamp), encoding="utf-8")
    half.replace(folder / STAMP)
    console.say(f"{folder.name} is ready after {time.monotonic() - began:.1f} s.")


def _make_with_venv(folder: Path, root: Path) -> None:
    version = _minor(platform.python_version())
    cannot = f"Python {version} cannot make environments here: its venv module is missing."
    if not _has_venv():
        if not apt.allowed():
            mend = f"Install it (sudo apt install python{version}-venv), or uv (pip install uv)."
            raise console.CourseError(f"{cannot} {mend}")
        apt.install(f"python{version}-venv")
    _run([_base_python(), "-m", "venv", folder], f"{folder.name} could not be made.", root)


def _has_venv() -> bool:
    # Debian's python3 has venv without ensurepip, until python3-venv brings the latter.
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def _uv_on_path() -> str | None:
    uv = shutil.which("uv")
    # pyenv puts a uv on PATH that works for some of its Pythons and not for others.
    return uv if uv and processes.answers([uv, "--version"]) else None


def _uv_from_pip(python: Path, root: Path) -> str | None:
    """Install uv next to `python` and return it, or None if there's no uv for this machine."""
    console.say("Getting uv, which installs in seconds what takes pip half a minute ...")
    pip = [python, "-m", "pip", "install", "--only-binary", ":all:", "--retries", "1", "uv"]
    try:
        _run(pip, "uv could not be had.", root)
    except console.CommandFailed as failure:
        if _is_no_network(failure.output):
            raise
        console.say("There's no uv for this machine, so pip does it.")
        return None
    return str(python.parent / "uv")


def _install(folder: Path, root: Path, django: str, uv: str | None) -> None:
    python = python_of(folder)
    start = [python, "-m", "pip", "install"]
    if uv:
        # Compiled now, as pip does too, or else by every server and suite at every start.
        start = [uv, "pip", "install", "--compile-bytecode", "--python", python]
    who = "uv" if uv else "pip, which takes about half a minute"
    console.say(f"Installing what requirements.txt pins with {who} ...")
    failed = "The packages could not be installed."
    _run([*start, "--require-hashes", "-r", root / "requirements.txt"], failed, root)
    if django != PINNED:
        console.say(f"Installing Django {django} instead of {PINNED} ...")
        _run([*start, f"django~={django}.0"], failed, root)


def _run(command: list, sentence: str, root: Path) -> None:
    try:
        processes.run(command, sentence, env=_clean_environment(), cwd=root)
    except console.CommandFailed as failure:
        if _is_no_network(failure.output):
            mend = "The package index could not be reached. Is there a network?"
            raise console.CommandFailed(f"{sentence} {mend}", failure.output) from None
        raise


def _is_no_network(output: str) -> bool:
    output = output.lower()
    return any(sign in output for sign in NO_NETWORK)


def _clean_environment() -> dict:
    """Return the caller's environment without variables that mislead pip or uv.

    Their configuration files aren't read either, because a line like `user = true` breaks pip in an
    environment. Variables such as PIP_INDEX_URL or UV_DEFAULT_INDEX, for a mirror, still count.
    """
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "UV_NO_CONFIG": "1"}


def _base_python() -> str:
    # Run from within an environment, sys.executable may be the one about to be removed.
    return getattr(sys, "_base_executable", None) or sys.executable


def _count_pins(root: Path) -> int:
    """Return how many packages requirements.txt names, for any machine."""
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return len({line.split("==")[0] for line in lines if "==" in line and line[0].isalpha()})


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
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
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
