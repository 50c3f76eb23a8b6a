"""Check that the suites get a Redis and a browser, and that nothing is left running."""

import shutil
import subprocess
import sys
import types
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from course import console, processes
from course.tasks import apt, services

SERVER = shutil.which("redis-server") or shutil.which("valkey-server")
needs_redis = pytest.mark.skipif(SERVER is None, reason="needs a redis-server on PATH")


def write_program(folder: Path, name: str, text: str) -> Path:
    """Write a shell script into `folder`; return its path."""
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty PATH, on a machine where nothing may be installed."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(apt, "allowed", lambda: False)
    monkeypatch.setattr(processes, "run", lambda *_, **__: pytest.fail("installed something"))
    names = [name for name in services.BROWSERS if "/" not in name]
    monkeypatch.setattr(services, "BROWSERS", names)
    monkeypatch.setattr(services, "POSTGRES_FOLDERS", [f"{tmp_path}/postgresql/*/bin"])
    monkeypatch.setattr(services, "_playwrights_browser", lambda: None)
    apt._update.cache_clear()
    return folder


@needs_redis
def test_started_redis_is_stopped_even_after_an_interrupt():
    with pytest.raises(KeyboardInterrupt), services.redis({}) as url:
        assert services.is_redis(url)
        assert urlsplit(url).hostname == "127.0.0.1"
        raise KeyboardInterrupt
    assert not services.is_redis(url)


@needs_redis
def test_redis_at_redis_url_is_used_and_left_running():
    with services.started_redis(SERVER) as url:
        with services.redis({"REDIS_URL": url}) as used:
            assert used == url
        assert services.is_redis(url)


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:1/0", "localhost"])
def test_error_about_an_unreachable_redis_hides_its_password(url):
    with pytest.raises(
        console.CourseError, match="nothing answers at .* unset REDIS_URL"
    ) as trouble:
        services.redis({"REDIS_URL": url}).__enter__()
    assert "secret" not in str(trouble.value)


def test_error_quotes_a_redis_that_does_not_start(path):
    write_program(path, "redis-server", "echo no memory left; exit 1")
    with pytest.raises(console.CourseError, match="no memory left"):
        services.redis({}).__enter__()


def test_valkey_is_accepted_instead_of_redis(path):
    program = write_program(path, "valkey-server", "")
    assert services.redis_program() == str(program)


def write_postgres(folder: Path) -> Path:
    """Write placeholders for PostgreSQL's programs; return their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("initdb", "postgres"):
        write_program(folder, name, "")
    return folder


def test_newest_postgresql_in_debians_folders_is_used(path, tmp_path):
    for version in (9, 15, 14):
        write_postgres(tmp_path / "postgresql" / str(version) / "bin")
    assert services.postgres_programs() == tmp_path / "postgresql" / "15" / "bin"


def test_postgresql_on_path_is_found_through_its_link(path, tmp_path):
    folder = write_postgres(tmp_path / "elsewhere")
    (path / "postgres").symlink_to(folder / "postgres")
    assert services.postgres_programs() == folder


def test_postgresql_client_alone_is_not_enough(path, tmp_path):
    folder = tmp_path / "postgresql" / "15" / "bin"
    folder.mkdir(parents=True)
    write_program(folder, "psql", "")
    assert services.postgres_programs() is None


def test_missing_services_get_install_instructions(path):
    with services.services({}) as have:
        assert have.environment == {}
    assert have.missing == [services.GET_REDIS, services.GET_BROWSER]


def test_browser_is_found_without_redis(path):
    chrome = write_program(path, "google-chrome", "exit 0")
    with services.services({}) as have:
        assert have.environment == {"CHROMIUM": str(chrome)}
    assert have.missing == [services.GET_REDIS]


def test_stub_of_a_browser_is_skipped(path):
    write_program(path, "chromium-browser", "echo 'install the snap' >&2; exit 1")
    chrome = write_program(path, "google-chrome", "exit 0")
    assert services.browser({}) == str(chrome)


def test_browser_named_in_chromium_comes_first(path):
    write_program(path, "chromium", "exit 0")
    mine = write_program(path, "mine", "exit 0")
    assert services.browser({"CHROMIUM": str(mine)}) == str(mine)


def test_browser_named_in_chromium_that_does_not_start_is_reported(path):
    write_program(path, "chromium", "exit 0")
    with pytest.raises(console.CourseError, match="CHROMIUM is /no/where"):
        services.browser({"CHROMIUM": "/no/where"})


@pytest.fixture
def debian(path, tmp_path, monkeypatch):
    """Be root on Debian, where a package brings a program; return what apt-get is called with."""
    calls = []
    brings = {
        "chromium-headless-shell": path / "chromium-headless-shell",
        "redis-server": path / "redis-server",
        "postgresql": tmp_path / "postgresql" / "15" / "bin" / "initdb",
    }

    def run(command, sentence, env=None):
        calls.append((command, env))
        if command[-1] not in brings:
            raise console.CommandFailed(sentence, f"E: Unable to locate package {command[-1]}")
        brings[command[-1]].parent.mkdir(parents=True, exist_ok=True)
        write_program(brings[command[-1]].parent, brings[command[-1]].name, "")

    monkeypatch.setattr(apt, "allowed", lambda: True)
    monkeypatch.setattr(processes, "run", run)
    return types.SimpleNamespace(calls=calls, brings=brings)


def test_everything_is_installed_with_apt_for_root_on_debian(path, tmp_path, debian):
    for _ in range(2):  # the second time, it's there
        assert services.redis_program() == str(path / "redis-server")
    assert services.browser({}) == str(path / "chromium-headless-shell")
    assert services.postgres_programs() == tmp_path / "postgresql" / "15" / "bin"
    update, *installed = [command for command, _ in debian.calls]
    assert update[-1] == "update"
    yes = ["install", "--yes", "--no-install-recommends"]
    packages = ["redis-server", "chromium-headless-shell", "postgresql"]
    assert [command[-4:] for command in installed] == [[*yes, package] for package in packages]
    for _, environment in debian.calls:
        assert environment["DEBIAN_FRONTEND"] == "noninteractive"
        assert environment["RUNLEVEL"] == "1", "the package starts a server of its own"


def test_ubuntu_gets_its_chromium_from_playwright(path, debian, monkeypatch):
    del debian.brings["chromium-headless-shell"]
    debian.brings["chromium"] = path / "playwrights"
    monkeypatch.setattr(services, "_playwrights_browser", lambda: shutil.which("playwrights"))
    assert services.browser({}) == str(path / "playwrights")
    install = ["-m", "playwright", "install", "--with-deps", "chromium"]
    assert debian.calls[-1][0] == [sys.executable, *install]


def test_failed_installation_is_shown_with_a_command_to_try(debian, messages):
    debian.brings.clear()
    with pytest.raises(console.CourseError, match="apt install redis-server"):
        services.redis({}).__enter__()
    assert "E: Unable to locate package" in "\n".join(messages)


def test_playwrights_browser_is_used_only_if_it_is_installed():
    found = services._playwrights_browser()
    assert found is None or subprocess.run([found, "--version"]).returncode == 0
