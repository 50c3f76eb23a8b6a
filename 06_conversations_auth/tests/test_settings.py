"""Settings from the environment, in separate processes."""

import json
import logging
import os
import subprocess
import sys

import pytest

from chat.logs import OncePerMinute
from tests.conftest import PROJECT

ASK = """
from django.conf import settings
print(settings.DEBUG, settings.ALLOWED_HOSTS, settings.DATABASES["default"]["ENGINE"])
"""


def ask(question=ASK, **environment):
    return subprocess.run(
        [sys.executable, "-c", question],
        cwd=PROJECT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", **environment},
        capture_output=True,
        text=True,
    )


def test_production_needs_a_secret_of_its_own():
    refused = ask(DEBUG="off")
    assert "set SECRET_KEY" in refused.stderr
    assert ask(DEBUG="off", SECRET_KEY="a secret").stdout.startswith("False []")


@pytest.mark.parametrize("listed", ["a.example,b.example", "a.example b.example"])
def test_hosts_come_from_the_environment(listed):
    assert "True ['a.example', 'b.example']" in ask(ALLOWED_HOSTS=listed).stdout


def test_database_comes_from_the_environment():
    url = "postgres://ann:secret@127.0.0.1/chat"
    assert "django.db.backends.postgresql" in ask(DATABASE_URL=url).stdout


ASK_FOR_JSON = """
import json
from django.conf import settings
print(json.dumps([settings.DATABASES["default"], settings.CHANNEL_LAYERS["default"]]))
"""


def ask_for_json(**environment):
    """Return the settings of the database and of the channel layer."""
    return json.loads(ask(ASK_FOR_JSON, **environment).stdout)


def test_unreachable_or_busy_postgresql_fails_within_seconds():
    database, _ = ask_for_json(DATABASE_URL="postgres://127.0.0.1/chat?sslmode=require")
    options = database["OPTIONS"]
    assert database["CONN_HEALTH_CHECKS"]
    assert options["pool"]["timeout"] <= 5
    assert options["pool"]["reconnect_timeout"] <= 10
    assert options["connect_timeout"] <= 3
    assert "lock_timeout=2s" in options["options"]
    assert "statement_timeout=5s" in options["options"]
    assert options["sslmode"] == "require"  # the address may add to them


def test_two_projects_on_one_redis_do_not_hear_each_other():
    url = "redis://127.0.0.1:6379"
    _, layer = ask_for_json(REDIS_URL=url)
    assert layer["CONFIG"] == {"hosts": [url], "prefix": str(PROJECT)}
    _, layer = ask_for_json(REDIS_URL=url, REDIS_PREFIX="staging")
    assert layer["CONFIG"]["prefix"] == "staging"
    _, layer = ask_for_json(REDIS_URL="")
    assert layer == {"BACKEND": "chat.channel_layer.MemoryLayer"}


@pytest.mark.parametrize(
    "name", ["channels_redis.pubsub", "chat.channel_layer", "chat.consumers"]
)
def test_log_is_not_flooded(name):
    filters = logging.getLogger(name).filters
    assert any(isinstance(each, OncePerMinute) for each in filters)
