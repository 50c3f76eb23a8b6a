import pytest
from channels.testing import WebsocketCommunicator
from django.core.management import get_commands

from config.asgi import application


def test_runserver_is_daphnes():
    assert get_commands()["runserver"] == "daphne"


def test_application_routes_http_alone():
    assert list(application.application_mapping) == ["http"]


async def test_websocket_has_no_application():
    communicator = WebsocketCommunicator(application, "/ws/chat/lobby/")
    with pytest.raises(ValueError, match="No application configured"):
        await communicator.connect()
