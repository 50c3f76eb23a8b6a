"""What only a real server shows: the status of a handshake."""

from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

HANDSHAKE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


def handshake(server, origin, path="/ws/chat/lobby/"):
    connection = HTTPConnection(urlsplit(server).netloc, timeout=20)
    connection.request("GET", path, headers={**HANDSHAKE, "Origin": origin})
    status = connection.getresponse().status
    connection.close()
    return status


def test_page_of_this_site_may_open_a_socket(server):
    assert handshake(server, origin=server) == 101


@pytest.mark.parametrize("path", ["/ws/chat/lobby/", "/ws/chat/kitchen/", "/ws/"])
@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null"])
def test_page_of_another_site_may_not(server, origin, path):
    assert handshake(server, origin, path) == 403
