"""What the environment decides, seen in processes of their own."""

import os
import subprocess
import sys

import pytest

from tests.conftest import PROJECT

ASK = """
from django.conf import settings
print(settings.DEBUG, settings.ALLOWED_HOSTS, settings.DATABASES["default"]["ENGINE"])
"""


def ask(**environment):
    return subprocess.run(
        [sys.executable, "-c", ASK],
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
