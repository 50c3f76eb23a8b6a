"""Check a channel layer that silently drops events beyond its capacity."""

import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.pages import check_pages, check_recovery, retry_until_acknowledged, talk
from tests.faults.sockets import listen_until_quiet, open_socket

SOCKETS, EACH = 8, 4  # messages that each sends at the same moment


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
def test_pages_are_complete_although_the_layer_drops_events(chat, redis, layer, count):
    server = chat.serve(layer=layers(redis.url)[layer])
    people = chat.open_pages("ann", "bob")
    talk(people, 1)
    retry_until_acknowledged(people)
    dropped = burst(server.port, chat)
    count("events dropped on their way to the senders", dropped)
    assert dropped, "The layer had room for everything."
    for person in people:
        person.return_to_tab()
    check_recovery(people, count)
    check_pages(people, count)
    chat.check_log_is_empty(count)


def burst(port, chat):
    """Send carol's messages on many sockets at once, and wait until all are acknowledged.

    Returns how many deliveries to these sockets are missing. They never ask for missed messages.
    """
    done = threading.Barrier(SOCKETS)
    shares = [[chat.ledger.next_text("carol") for _ in range(EACH)] for _ in range(SOCKETS)]
    with ThreadPoolExecutor(SOCKETS) as pool:
        heard = pool.map(lambda share: send_share(port, chat, share, done), shares)
    return sum(SOCKETS * EACH - count for count in heard)


def send_share(port, chat, share, done):
    """Send the messages of `share`, and keep the socket open until all threads are `done`.

    Returns how many messages the socket received, including its own.
    """
    texts = {str(uuid.uuid4()): text for text in share}
    frames = []
    with open_socket(port, chat.project.sessions["carol"], chat.ledger.conversation) as socket:
        done.wait(30)  # all sockets have to be open before the first message
        for client_id, text in texts.items():
            socket.send(json.dumps({"chat_message": text, "client_id": client_id}))
        while texts:
            frames.append(socket.recv(timeout=30))
            for client_id in re.findall(r'data-client-id="([^"]+)"', frames[-1]):
                if text := texts.pop(client_id, None):
                    chat.ledger.acknowledged.add(text)
        done.wait(30)
        frames += listen_until_quiet(socket)
    return len({number for frame in frames for number in re.findall(r'id="message-(\d+)"', frame)})
