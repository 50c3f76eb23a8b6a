"""What a server logs when it starts."""

import itertools
import subprocess
import sys

from chat.channel_layer import log_channel_layer
from tests.conftest import PROJECT

SECRET = "redis://:secret@127.0.0.1:1"


def test_server_on_redis_says_so_without_its_password(environment):
    command = [sys.executable, "-m", "daphne", "-p", "0", "config.asgi:application"]
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**environment, "REDIS_URL": SECRET},
        stderr=subprocess.PIPE,
        text=True,
    ) as daphne:
        lines = itertools.takewhile(lambda line: "Listening" not in line, daphne.stderr)
        log = "".join(lines)
        daphne.kill()
    assert "INFO     Channel layer: Redis" in log
    assert "secret" not in log


def test_in_memory_layer_is_a_warning(settings, caplog):
    layer = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    settings.CHANNEL_LAYERS = {"default": layer}
    log_channel_layer()
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("Channel layer: in memory.")


def test_other_commands_do_not_warn(environment):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=PROJECT,
        env={key: environment[key] for key in environment if key != "REDIS_URL"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert "Channel layer" not in done.stderr
