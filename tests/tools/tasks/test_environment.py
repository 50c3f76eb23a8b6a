"""Check that setup creates one complete environment, whatever the shell or the network does."""

import importlib.util
import os
import platform
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from course import console, processes
from course.tasks import apt, environment

VERSION = platform.python_version()
MINOR = ".".join(VERSION.split(".")[:2])
MADE = ["venv", "pip", "uv"]  # the modules that make an environment, in that order


class Installer:
    """Takes the place of venv, pip and uv, and keeps what they're called with."""

    def __init__(self):
        self.calls = []
        self.fails = False
        self.go = threading.Event()
        self.go.set()

    def run(self, command, sentence, *, env, cwd):
        words = [str(word) for word in command]
        self.calls.append((words, env))
        self.go.wait(10)
        if words[2] == "venv":
            python = environment.python_of(Path(words[3]))
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)
        elif self.fails:
            raise console.CommandFailed(sentence, "error: Request failed\n  cause: dns error")

    def modules(self):
        return [words[2] for words, _ in self.calls]


@pytest.fixture
def installer(monkeypatch):
    fake = Installer()
    monkeypatch.setattr(processes, "run", fake.run)
    return fake


@pytest.fixture
def root(tmp_path):
    """A repository with pinned requirements."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "requirements.txt").write_text("tea==1.0 \\\n    --hash=sha256:00\n")
    return folder


def test_missing_environment_is_created_once(root, installer):
    python = environment.ensure(root)
    assert python == root / ".venv" / "bin" / "python"
    assert environment.ensure(root) == python
    assert installer.modules() == MADE


def test_pinned_requirements_are_installed_with_hashes_and_compiled(root, installer):
    environment.ensure(root)
    words, _ = installer.calls[-1]
    assert words[-3:] == ["--require-hashes", "-r", str(root / "requirements.txt")]
    assert "--compile-bytecode" in words


def edit(path, old, new):
    path.write_text(path.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda root, venv, stamp: (venv / "bin" / "python").unlink(), "it wasn't finished"),
        (lambda root, venv, stamp: stamp.unlink(), "it wasn't finished"),
        (lambda root, venv, stamp: edit(stamp, str(root), "/elsewhere"), "it was moved here"),
        (lambda root, venv, stamp: edit(stamp, VERSION, f"{MINOR}.99"), "made with Python"),
        (lambda root, *_: edit(root / "requirements.txt", "1.0", "1.1"), "txt has changed"),
    ],
)
def test_stale_environment_is_rebuilt_and_the_reason_printed(
    root, installer, messages, damage, reason
):
    venv = environment.ensure(root).parent.parent
    (venv / "left-over").touch()
    damage(root, venv, venv / environment.STAMP)
    messages.clear()
    environment.ensure(root)
    assert installer.modules() == MADE * 2
    assert not (venv / "left-over").exists()
    assert reason in messages[0]


def test_failed_installation_is_explained_and_repeated(root, installer):
    installer.fails = True
    with pytest.raises(console.CourseError, match=r"dns error\n.*Is there a network\?"):
        environment.ensure(root)
    installer.fails = False
    environment.ensure(root)
    assert installer.modules() == ["venv", "pip", *MADE]


def test_misleading_shell_variables_are_ignored_but_not_a_mirror(root, installer, monkeypatch):
    misleading = [
        "PIP_USER",
        "PIP_TARGET",
        "UV_PYTHON",
        "UV_CONSTRAINT",
        "PYTHONPATH",
        "VIRTUAL_ENV",
    ]
    mirror = {"UV_DEFAULT_INDEX", "PIP_INDEX_URL", "PIP_CERT", "PYTHONUTF8", "VIRTUAL_ENV_PROMPT"}
    for name in [*misleading, *mirror, "PIP_CONFIG_FILE"]:
        monkeypatch.setenv(name, "1")
    environment.ensure(root)
    for _, given in installer.calls:
        assert not set(misleading) & set(given)
        assert mirror <= set(given)
        assert given["PIP_CONFIG_FILE"] == os.devnull
        assert given["UV_NO_CONFIG"] == "1"


def test_other_django_is_installed_after_the_pins_in_its_own_environment(
    root, installer, monkeypatch
):
    monkeypatch.setattr(environment, "check_pair", lambda django: None)
    python = environment.ensure(root, "6.1")
    assert python.parent.parent == root / f".venv-py{MINOR}-django6.1"
    installed = [words[-1] for words, _ in installer.calls[-2:]]
    assert installed == [str(root / "requirements.txt"), "django~=6.1.0"]
    assert not (root / ".venv").exists()


def test_django_main_comes_with_the_main_branch_of_channels(root, installer, monkeypatch):
    monkeypatch.setattr(environment, "check_pair", lambda django: None)
    python = environment.ensure(root, "main")
    assert python.parent.parent == root / f".venv-py{MINOR}-djangomain"
    words, _ = installer.calls[-1]
    assert [word.split("/")[4] for word in words[-2:]] == ["django", "channels"]
    assert all(word.endswith("/refs/heads/main.tar.gz") for word in words[-2:])


def test_other_python_gets_its_own_environment(root, installer, monkeypatch):
    environment.ensure(root)
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.1")
    assert environment.ensure(root).parent.parent == root / ".venv-py3.99-django5.2"
    assert (root / ".venv" / environment.STAMP).exists()


@pytest.mark.parametrize(
    ("django", "version", "sentence"),
    [
        ("6.1", (3, 11), "Django 6.1 needs Python 3.12 or newer, and this is 3.11"),
        ("main", (3, 11), "Django main needs Python 3.12 or newer, and this is 3.11"),
        ("4.2", (3, 13), "DJANGO can be 5.2, 6.0, 6.1, main"),
        ("6.1.3", (3, 13), "DJANGO can be 5.2, 6.0, 6.1, main"),
    ],
)
def test_unsupported_django_or_python_is_rejected(django, version, sentence):
    with pytest.raises(console.CourseError, match=sentence):
        environment.check_pair(django, version)


def test_supported_django_and_python_are_accepted():
    environment.check_pair("6.1", (3, 12))
    environment.check_pair("5.2", (3, 11))


def test_simultaneous_commands_create_one_environment(root, installer, messages):
    installer.go.clear()
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(environment.ensure(root))) for _ in range(2)
    ]
    threads[0].start()
    assert processes.until(installer.modules, 10)
    threads[1].start()
    assert processes.until(lambda: "waiting for it" in messages[-1], 10)
    installer.go.set()
    for thread in threads:
        thread.join(timeout=10)
    assert made == [root / ".venv" / "bin" / "python"] * 2
    assert installer.modules() == MADE


@pytest.fixture
def without_ensurepip(monkeypatch):
    """Debian's python3, without python3-venv."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_missing_ensurepip_gets_an_install_command(root, without_ensurepip, monkeypatch):
    monkeypatch.setattr(apt, "allowed", lambda: False)
    with pytest.raises(console.CourseError, match=f"sudo apt install python{MINOR}-venv"):
        environment.ensure(root)


def test_ensurepip_is_installed_for_root_on_debian(root, installer, without_ensurepip, monkeypatch):
    installed = []
    monkeypatch.setattr(apt, "allowed", lambda: True)
    monkeypatch.setattr(apt, "install", installed.append)
    environment.ensure(root)
    assert installed == [f"python{MINOR}-venv"]


def write_wheel(folder: Path, name: str, code: str) -> None:
    """Write a wheel of the package `name` into `folder`."""
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{name}.py", code)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tag)
        archive.writestr(f"{info}/RECORD", f"{name}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")


def test_python_alone_creates_a_working_environment(root, monkeypatch, tmp_path):
    """Use a uv that keeps what it's called with, from an index of its own, and hostile settings."""
    keep = "import pathlib, sys\npathlib.Path(sys.prefix, 'asked').write_text(' '.join(sys.argv))\n"
    write_wheel(tmp_path, "uv", keep)
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "pip.conf").write_text("[install]\nuser = true\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    environment.ensure(root)
    asked = (root / ".venv" / "asked").read_text()
    assert asked.endswith(f"--require-hashes -r {root}/requirements.txt")
