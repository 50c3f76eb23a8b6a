"""A channel layer that drops what is beyond its capacity, and says nothing."""

import json
import re
import threading
import time
import uuid

import pytest
from websockets.sync.client import connect

from tests.faults.pages import insist, recover, talk, verdict

SOCKETS, EACH = 8, 4  # and as many messages of each as come at once
ALL_HEARD = 0.5  # seconds; a socket that closes while events arrive leaves a traceback in the log


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
    chat.check_log_is_empty(count)


def burst(port, chat):
    """Send messages of carol's on many sockets at once, and wait until all are acknowledged."""
    done = threading.Barrier(SOCKETS)
    shares = [[chat.ledger.next_text("carol") for _ in range(EACH)] for _ in range(SOCKETS)]
    threads = [threading.Thread(target=speak, args=(port, chat, share, done)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def speak(port, chat, share, done):
    """Send the messages of `share`, and keep the socket until all threads are `done`."""
    cookie = f"sessionid={chat.project.sessions['carol']}"
    texts = {str(uuid.uuid4()): text for text in share}
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
        done.wait(30)
        time.sleep(ALL_HEARD)
