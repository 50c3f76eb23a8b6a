"""What a server logs when it starts."""

import itertools
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

SECRET = "redis://:secret@127.0.0.1:1"


@pytest.fixture
def in_memory(environment):
    """The environment of a process that doesn't know a Redis."""
    return {key: environment[key] for key in environment if key != "REDIS_URL"}


def start_up(environment):
    """Return what a real Daphne logs before it listens."""
    command = [sys.executable, "-m", "daphne", "-p", "0", "config.asgi:application"]
    with subprocess.Popen(
        command, cwd=PROJECT, env=environment, stderr=subprocess.PIPE, text=True
    ) as daphne:
        log = itertools.takewhile(lambda line: "Listening" not in line, daphne.stderr)
        text = "".join(log)
        daphne.kill()
    return text


def test_server_on_the_in_memory_layer_warns(in_memory):
    assert "WARNING  Channel layer: in memory." in start_up(in_memory)


def test_server_on_redis_says_so_without_its_password(environment):
    log = start_up({**environment, "REDIS_URL": SECRET})
    assert "INFO     Channel layer: Redis" in log
    assert "secret" not in log


def test_other_commands_do_not_warn(in_memory):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env=in_memory,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert "Channel layer" not in done.stderr
