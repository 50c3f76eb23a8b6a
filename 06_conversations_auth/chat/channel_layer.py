"""The groups and events of the channel layer."""

import logging
import time
import uuid

from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.template.loader import render_to_string
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LAYER_ERRORS = (ChannelFull, RedisError)


class MemoryLayer(InMemoryChannelLayer):
    """A layer that looks for expired members once a second, not at every event."""

    next_look = 0

    def _clean_expired(self):
        if time.monotonic() >= self.next_look:
            self.next_look = time.monotonic() + 1
            super()._clean_expired()


class RedisLayer(RedisPubSubChannelLayer):
    """A layer that keeps no channel without a socket."""

    async def new_channel(self, prefix="specific."):
        channel = f"{self.prefix}{prefix}{uuid.uuid4().hex}"
        try:
            await self._subscribe_to_channel(channel)
        except RedisError:
            self.channels.pop(channel)
            raise
        return channel

    async def forget_channel(self, channel):
        if self.channels.pop(channel, None):
            await self._get_shard(channel).unsubscribe(channel)


def log_channel_layer():
    """Say which layer this server or worker uses."""
    layer = get_channel_layer()
    if isinstance(layer, InMemoryChannelLayer):
        logger.warning("Channel layer: in memory. Other processes can't be reached.")
    else:
        logger.info("Channel layer: %s.", type(layer).__name__)


def conversation_group(conversation_id):
    """Return the name of the group that holds everyone in a conversation."""
    return f"chat_{conversation_id}"


def user_group(user_id):
    """Return the name of the group of all pages of one person."""
    return f"user_{user_id}"


def message_event(message, channel_name):
    """Return a message's event, rendered once for its sender and once for others."""
    context = {"message": message, "previous": message.previous_pk()}
    return {
        "type": "chat.message",
        "posted_by": channel_name,
        "sender_id": str(message.sender_id),
        "to_sender": render_to_string("chat/partials/sender.html", context),
        "to_others": render_to_string("chat/partials/receiver.html", context),
    }


def access_changed_event():
    """Return the event that makes sockets check whether they may still be here."""
    return {"type": "access.changed"}


async def send_to_group(group_name, event):
    """Send an event; if the layer is down, log that it's lost."""
    try:
        await get_channel_layer().group_send(group_name, event)
    except LAYER_ERRORS as error:
        logger.warning("Not delivered to %s: %s", group_name, error)


async def leave(channel_name, group_names):
    """Leave the groups and the channel of a socket, even if the layer is down."""
    layer = get_channel_layer()
    steps = [layer.group_discard(name, channel_name) for name in group_names]
    if isinstance(layer, RedisLayer):
        steps.append(layer.forget_channel(channel_name))
    for step in steps:
        try:
            await step
        except LAYER_ERRORS as error:
            logger.warning("Not unsubscribed: %s", error)
