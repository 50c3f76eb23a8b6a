"""Each of Django's session engines, in a separate process."""

import pytest

USE = """
import asyncio
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import AsyncClient
from chat.models import Conversation
from config.asgi import application

get_or_create = get_user_model().objects.get_or_create
people = [get_or_create(username=name)[0] for name in ("una", "vic")]
path = f"/ws/chat/{Conversation.objects.get_or_create_for(people).pk}/"

async def answer(socket):
    await socket.send_json_to({"sync": 0})
    event = await socket.receive_output(timeout=20)
    return event.get("code") or "synced" in event["text"] and "answered"

async def use():
    client = AsyncClient()
    await client.aforce_login(people[0])
    cookie = f"sessionid={client.cookies['sessionid'].value}"
    headers = [(b"origin", b"http://localhost"), (b"cookie", cookie.encode())]
    socket = WebsocketCommunicator(application, path, headers)
    await socket.connect()
    before = await answer(socket)
    assert (await client.post("/accounts/logout/")).status_code == 302
    print("RESULT", before, await answer(socket))

asyncio.run(use())
"""


# The cookie itself is the session: the server can't take it back.
@pytest.mark.parametrize(
    ("engine", "after"),
    [
        ("db", "4401"),
        ("cached_db", "4401"),
        ("cache", "4401"),
        ("file", "4401"),
        ("signed_cookies", "answered"),
    ],
)
def test_socket_works_and_logging_out_closes_it(manage, tmp_path, engine, after):
    engine = f"django.contrib.sessions.backends.{engine}"
    used = manage(
        *("shell", "-c", USE),
        LIVE_SESSION_ENGINE=engine,
        ALLOWED_HOSTS="localhost testserver",
        TMPDIR=str(tmp_path),  # for the files of sessions
    )
    assert f"RESULT answered {after}\n" in used.stdout, used.stderr
