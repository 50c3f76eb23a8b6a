from django.core.management import get_commands

from config.asgi import application


def test_runserver_is_daphnes():
    assert get_commands()["runserver"] == "daphne"


def test_application_routes_http_and_websocket():
    assert list(application.application_mapping) == ["http", "websocket"]
