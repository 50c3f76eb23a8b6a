"""A channel layer that drops what is beyond its capacity, and says nothing."""

import json
import re
import threading
import uuid

import pytest
from websockets.sync.client import connect

from tests.faults.pages import insist, recover, talk, verdict

SOCKETS, EACH = 8, 4  # and as many messages of each as come at once


def layers(redis_url):
    return {
        "memory": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 1},
        },
        "core": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                "capacity": 1,
                "hosts": [{"address": redis_url, "socket_timeout": None}],
            },
        },
    }


@pytest.mark.parametrize("layer", ["memory", "core"])
def test_pages_are_complete_though_the_layer_drops_events(chat, redis, layer, count):
    server = chat.serve(layer=layers(redis.url)[layer])
    people = chat.arrive("ann", "bob")
    talk(people, 1)
    insist(people)
    burst(server.port, chat)
    dropped = sum(not chat.ledger.complete(person.messages()) for person in people)
    assert dropped, "The layer had room for all."
    for person in people:
        person.look_again()
    recover(people, count)
    verdict(people, count)
    chat.says_nothing(count)


def burst(port, chat):
    """Send messages of carol's on many sockets at once, and wait until all are acknowledged."""
    threads = [threading.Thread(target=speak, args=(port, chat)) for _ in range(SOCKETS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def speak(port, chat):
    cookie = f"sessionid={chat.project.sessions['carol']}"
    texts = {str(uuid.uuid4()): chat.ledger.next_text("carol") for _ in range(EACH)}
    with connect(
        f"ws://127.0.0.1:{port}/ws/chat/{chat.ledger.conversation}/",
        origin="http://127.0.0.1",
        additional_headers={"Cookie": cookie},
        proxy=None,
    ) as socket:
        for client_id, text in texts.items():
            socket.send(json.dumps({"chat_message": text, "client_id": client_id}))
        while texts:
            for client_id in re.findall(r'data-client-id="([^"]+)"', socket.recv(timeout=30)):
                if text := texts.pop(client_id, None):
                    chat.ledger.acknowledged.add(text)
