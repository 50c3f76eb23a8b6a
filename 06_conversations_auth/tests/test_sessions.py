"""Each of Django's session engines."""

import pytest
from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from chat.routing import websocket_urlpatterns
from tests.conftest import log_in

pytestmark = pytest.mark.django_db(transaction=True)


async def answer(socket):
    """Ask for missed messages: return the close code, or that they came."""
    await socket.send_json_to({"sync": 0})
    event = await socket.receive_output(timeout=30)
    return event.get("code") or ("synced" in event["text"] and "answered")


# The cookie itself is the session: the server can't take it back.
@pytest.mark.parametrize(
    ("engine", "after"),
    [
        ("db", 4401),
        ("cached_db", 4401),
        ("cache", 4401),
        ("file", 4401),
        ("signed_cookies", "answered"),
    ],
)
@pytest.mark.parametrize("layer", ["memory"], indirect=True)
async def test_socket_works_and_logging_out_closes_it(
    layer, conversation, settings, tmp_path, engine, after
):
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)
    client = await log_in("ann")
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    # Its middleware looks up the engine when it's created.
    application = AuthMiddlewareStack(URLRouter(websocket_urlpatterns))
    path = f"/ws/chat/{conversation.pk}/"
    socket = WebsocketCommunicator(application, path, [(b"cookie", cookie)])
    await socket.connect()
    assert await answer(socket) == "answered"
    assert (await client.post("/accounts/logout/")).status_code == 302
    assert await answer(socket) == after
    await socket.disconnect()
