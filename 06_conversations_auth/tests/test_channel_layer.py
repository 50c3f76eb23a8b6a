import logging

import pytest
from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer
from redis.exceptions import ConnectionError

from chat import channel_layer
from chat.channel_layer import (
    MemoryLayer,
    conversation_group,
    send_to_group,
    user_group,
)


def test_every_conversation_and_every_person_has_a_group_of_its_own():
    numbers = (1, 2, 11, 12, 111)
    names = [
        group(number)
        for group in (conversation_group, user_group)
        for number in numbers
    ]
    assert len(set(names)) == 2 * len(numbers)


def test_memory_layer_looks_for_expired_events_once_a_second(monkeypatch):
    looks = []
    monkeypatch.setattr(
        InMemoryChannelLayer, "_clean_expired", lambda _: looks.append(1)
    )
    layer = MemoryLayer()
    for _ in range(10):
        layer._clean_expired()
    assert len(looks) == 1
    layer.next_look -= 1  # as if a second had passed
    layer._clean_expired()
    assert len(looks) == 2


class BrokenLayer:
    async def group_send(self, group_name, event):
        raise ConnectionError("OOM command not allowed")

    async def group_discard(self, group_name, channel_name):
        raise ConnectionError("Connection refused")


@pytest.fixture
def broken_layer(monkeypatch):
    # Its filter keeps a line back that another test has caused a moment ago.
    monkeypatch.setattr(logging.getLogger("chat.channel_layer"), "filters", [])
    monkeypatch.setattr(channel_layer, "get_channel_layer", BrokenLayer)


async def test_lost_event_is_logged_with_its_group_and_the_reason(broken_layer, caplog):
    await send_to_group("chat_1", {"type": "chat.message"})
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "Not delivered to chat_1: OOM command not allowed"


async def test_failing_to_leave_a_group_is_logged_with_the_reason(broken_layer, caplog):
    await channel_layer.leave("channel", ["chat_1"])
    (record,) = caplog.records
    assert record.getMessage() == "Not unsubscribed: Connection refused"


async def test_event_for_a_full_channel_is_logged_too(
    broken_layer, caplog, monkeypatch
):
    async def group_send(self, group_name, event):
        raise ChannelFull("no room")

    monkeypatch.setattr(BrokenLayer, "group_send", group_send)
    await send_to_group("chat_1", {"type": "chat.message"})
    (record,) = caplog.records
    assert record.getMessage() == "Not delivered to chat_1: no room"
