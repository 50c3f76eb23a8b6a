"""Check that servers are recognized, and that a page's ports are replaced and nothing else."""

import re

import pytest

from course.replay import ports, server_kinds


@pytest.mark.parametrize(
    "command, name",
    [
        ("python manage.py runserver", "web"),
        ("python3 -Wd manage.py runserver 0.0.0.0:8000", "web"),
        ("DEBUG=0 daphne config.asgi:application", "web"),
        ("python -m daphne -p 8000 config.asgi:application", "web"),
        ("uvicorn --port 8000 config.asgi:application", "web"),
        ("python manage.py runworker bot", "worker"),
        ("daphne -p 8001 --proxy-headers config.asgi:application", "daphne 8001"),
        ("daphne --proxy-headers -p 8002 config.asgi:application", "daphne 8002"),
        ("daphne -p 80011 config.asgi:application", "web"),
        ("redis-server --port 6379", "redis"),
        ("redis-server --port 0 --tls-port 6380", "redis"),
        ('nginx -p ~/chat-data -c nginx.conf -g "daemon off;"', "nginx"),
        ("nginx -p ~/chat-data -c nginx.conf -t", None),
        ("nginx -s reload", None),
        ("postgres -D ~/chat-data/postgres -p 5433", "postgres"),
        ("redis-server --version", None),
        ("daphne --help", None),
        ("pip install daphne", None),
        ("grep daphne config/settings.py", None),
        ("python manage.py migrate", None),
    ],
)
def test_servers_are_recognized_by_their_commands(command, name):
    kind = server_kinds.kind_of(command)
    assert (kind and kind.name) == name


def test_only_port_numbers_are_translated():
    has = ports.Ports()
    web, redis = has.real[8000], has.real[6379]
    there = [
        "http://127.0.0.1:8000/ and redis://localhost:6379",
        "curl: connect to 127.0.0.1 port 8000",
        "port=6379. Port: 6379, --port 8000, -p 8000",
        "runserver 8000",
        "    listen 8443 ssl;",
        "server 127.0.0.1:8001 max_fails=0;",
        "Connect call failed ('127.0.0.1', 6379)",
    ]
    for text in there:
        assert has.to_page(has.to_replay(text)) == text
        # Look for whole numbers, because the real port may be 26379.
        assert not re.search(r"\b(8000|6379)\b", has.to_replay(text))
    numbers = f"took {web} ms, id={redis}, 1:{web}5, pid {web}, {web}"
    assert has.to_page(numbers) == numbers
    assert has.to_replay("sleep 8000; head -c 6379; :80001") == "sleep 8000; head -c 6379; :80001"
