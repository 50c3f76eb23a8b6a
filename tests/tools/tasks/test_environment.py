"""Check that setup creates one complete environment, whatever the shell or the network does."""

import hashlib
import json
import os
import platform
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from course import console, processes
from course.tasks import apt, environment

# A fake uv: it records each call, and behaves as the file `behaviour` beside it says.
UV = """#!{python}
import json, os, pathlib, sys, time
here = pathlib.Path(__file__).parent
words = sys.argv[1:]
if words != ["--version"]:
    with (here / "calls").open("a") as calls:
        calls.write(json.dumps([words, dict(os.environ)]) + "\\n")
behaviour = (here / "behaviour").read_text()
if words[0] == "venv":
    deadline = time.monotonic() + 10
    while behaviour == "wait" and not (here / "go").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    python = pathlib.Path(words[-1], "bin", "python")
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
if words[0] == "pip" and behaviour == "offline":
    print("error: Request failed after 3 retries\\n  cause: dns error")
if words[0] == "pip" and behaviour != "wait":
    sys.exit(behaviour != "well")
sys.exit(behaviour == "broken")
"""


class FakeUv:
    def __init__(self, folder: Path):
        self.folder = folder
        program = folder / "uv"
        program.write_text(UV.format(python=sys.executable))
        program.chmod(0o755)
        self.behave("well")

    def behave(self, how):
        (self.folder / "behaviour").write_text(how)

    def release(self):
        (self.folder / "go").touch()

    def calls(self):
        """Return the arguments and the environment of each call."""
        calls = self.folder / "calls"
        return [json.loads(line) for line in calls.read_text().splitlines()] * calls.exists()

    def verbs(self):
        return [words[0] for words, _ in self.calls()]


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """A fake uv on PATH that records its calls."""
    folder = tmp_path / "path"
    folder.mkdir()
    fake = FakeUv(folder)
    (folder / "calls").touch()
    monkeypatch.setenv("PATH", str(folder))
    return fake


@pytest.fixture
def messages(monkeypatch):
    """The lines that the course prints."""
    lines = []
    monkeypatch.setattr(console, "say", lines.append)
    return lines


@pytest.fixture
def root(tmp_path):
    """A repository with pinned requirements."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "requirements.txt").write_text("tea==1.0 \\\n    --hash=sha256:00\n")
    return folder


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_missing_environment_is_created_once(root, uv, messages):
    python = environment.ensure(root)
    assert python == root / ".venv" / "bin" / "python"
    assert uv.verbs() == ["venv", "pip"]
    assert environment.ensure(root) == python
    assert uv.verbs() == ["venv", "pip"]


def test_pinned_requirements_are_installed_with_hashes(root, uv):
    environment.ensure(root)
    words, _ = uv.calls()[1]
    assert words[-3:] == ["--require-hashes", "-r", str(root / "requirements.txt")]


def test_packages_are_compiled_when_they_are_installed(root, uv):
    environment.ensure(root)
    words, _ = uv.calls()[1]
    assert "--compile-bytecode" in words


def change_requirements(root):
    (root / "requirements.txt").write_text("tea==1.1 --hash=sha256:00\n")


def remove_stamp(root):
    (root / ".venv" / environment.STAMP).unlink()


def remove_python(root):
    (root / ".venv" / "bin" / "python").unlink()


def pretend_other_patch_release(root):
    stamp = root / ".venv" / environment.STAMP
    major, minor, _ = platform.python_version_tuple()
    found = {**json.loads(stamp.read_text()), "python": f"{major}.{minor}.99"}
    stamp.write_text(json.dumps(found))


def pretend_it_was_moved(root):
    stamp = root / ".venv" / environment.STAMP
    stamp.write_text(json.dumps({**json.loads(stamp.read_text()), "folder": "/elsewhere/.venv"}))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (change_requirements, "requirements.txt has changed"),
        (remove_stamp, "it was not finished"),
        (remove_python, "it was not finished"),
        (pretend_other_patch_release, "it was made with Python"),
        (pretend_it_was_moved, "it was moved here"),
    ],
)
def test_stale_environment_is_rebuilt_and_the_reason_printed(root, uv, messages, damage, reason):
    environment.ensure(root)
    (root / ".venv" / "left-over").touch()
    damage(root)
    messages.clear()
    environment.ensure(root)
    assert uv.verbs() == ["venv", "pip"] * 2
    assert not (root / ".venv" / "left-over").exists()
    assert reason in messages[0]


def test_failed_installation_is_repeated(root, uv):
    uv.behave("failing")
    with pytest.raises(console.CourseError, match="could not be installed"):
        environment.ensure(root)
    uv.behave("well")
    environment.ensure(root)
    assert uv.verbs() == ["venv", "pip"] * 2


def test_missing_network_is_named_as_a_possible_cause(root, uv):
    uv.behave("offline")
    with pytest.raises(console.CourseError) as trouble:
        environment.ensure(root)
    assert "dns error" in str(trouble.value)
    assert str(trouble.value).endswith("Is there a network?")


def test_misleading_shell_variables_are_ignored(root, uv, monkeypatch):
    for name in environment.MISLEADING:
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "a mirror")
    environment.ensure(root)
    for _, given in uv.calls():
        assert not set(environment.MISLEADING) & set(given)
        assert given["PIP_CONFIG_FILE"] == os.devnull
        assert given["UV_NO_CONFIG"] == "1"
        assert given["UV_DEFAULT_INDEX"] == "a mirror"


def test_other_django_is_installed_after_the_pins_in_its_own_environment(root, uv, monkeypatch):
    monkeypatch.setattr(environment, "check_pair", lambda django: None)
    python = environment.ensure(root, "6.1")
    major, minor, _ = platform.python_version_tuple()
    assert python.parent.parent == root / f".venv-py{major}.{minor}-django6.1"
    assert [words[-1] for words, _ in uv.calls()[1:]] == [
        str(root / "requirements.txt"),
        "django~=6.1.0",
    ]
    assert not (root / ".venv").exists()


def test_other_python_gets_its_own_environment(root, uv, monkeypatch):
    environment.ensure(root)
    monkeypatch.setattr(platform, "python_version", lambda: "3.99.1")
    assert environment.ensure(root).parent.parent == root / ".venv-py3.99-django5.2"
    assert (root / ".venv" / environment.STAMP).exists()


@pytest.mark.parametrize(
    ("django", "version", "sentence"),
    [
        ("6.1", (3, 11), "Django 6.1 needs Python 3.12 or newer, and this is 3.11"),
        ("4.2", (3, 13), "DJANGO can be 5.2, 6.0, 6.1"),
        ("6.1.3", (3, 13), "DJANGO can be 5.2, 6.0, 6.1"),
    ],
)
def test_unsupported_django_or_python_is_rejected(django, version, sentence):
    with pytest.raises(console.CourseError, match=sentence):
        environment.check_pair(django, version)


def test_supported_django_and_python_are_accepted():
    environment.check_pair("6.1", (3, 12))
    environment.check_pair("5.2", (3, 11))


def test_simultaneous_commands_create_one_environment(root, uv, messages):
    uv.behave("wait")
    made = []

    def make():
        made.append(environment.ensure(root))

    threads = [threading.Thread(target=make) for _ in range(2)]
    threads[0].start()
    wait_for(uv.verbs)
    threads[1].start()
    wait_for(lambda: any("waiting for it" in line for line in messages))
    uv.release()
    for thread in threads:
        thread.join(timeout=10)
    assert made == [root / ".venv" / "bin" / "python"] * 2
    assert uv.verbs() == ["venv", "pip"]


def test_missing_venv_and_uv_get_an_install_command(root, uv, monkeypatch):
    uv.behave("broken")
    monkeypatch.setattr(environment, "_has_venv", lambda: False)
    monkeypatch.setattr(apt, "allowed", lambda: False)
    with pytest.raises(console.CourseError, match="sudo apt install python3.*-venv"):
        environment.ensure(root)


def test_venv_is_installed_with_apt_for_root_on_debian(root, uv, monkeypatch):
    uv.behave("broken")
    installed = []
    monkeypatch.setattr(environment, "_has_venv", lambda: bool(installed))
    monkeypatch.setattr(apt, "allowed", lambda: True)
    monkeypatch.setattr(apt, "install", installed.append)
    monkeypatch.setattr(environment, "_run", lambda *_: None)
    environment._make_with_venv(root / ".venv", root)
    major, minor, _ = platform.python_version_tuple()
    assert installed == [f"python{major}.{minor}-venv"]


def write_wheel(folder: Path) -> str:
    """Write a wheel of the package `tea` 1.0 into `folder`; return its hash."""
    wheel = folder / "tea-1.0-py3-none-any.whl"
    info = "tea-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tea.py", "CUPS = 2\n")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tea\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr(f"{info}/WHEEL", tag)
        archive.writestr(f"{info}/RECORD", f"tea.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_pip_creates_a_working_environment_without_uv(root, uv, messages, monkeypatch, tmp_path):
    """Use a uv that doesn't run (pyenv may have one), none in the index, and hostile settings."""
    uv.behave("broken")
    pin = f"tea==1.0 --hash=sha256:{write_wheel(tmp_path)}\n"
    (root / "requirements.txt").write_text(pin)
    config = tmp_path / "pip.conf"
    config.write_text("[install]\nuser = true\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    python = environment.ensure(root)
    assert "so pip does it" in "\n".join(messages)
    shown = processes.run([python, "-c", "import tea; print(tea.CUPS)"], "tea cannot be imported")
    assert shown == "2\n"
