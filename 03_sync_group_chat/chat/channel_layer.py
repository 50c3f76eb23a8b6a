"""The groups and events of the channel layer."""

import logging

from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer, get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LAYER_ERRORS = (ChannelFull, RedisError)


def log_channel_layer():
    """Say which layer this server or worker uses."""
    layer = get_channel_layer()
    if reaches_other_processes(layer):
        logger.info("Channel layer: %s.", type(layer).__name__)
    else:
        logger.warning("Channel layer: in memory. Other processes can't be reached.")


def reaches_other_processes(channel_layer):
    """Return whether events can reach other processes."""
    return not isinstance(channel_layer, InMemoryChannelLayer)


def group_name(room_name):
    """Return the name of the group that holds everyone in a room."""
    return f"chat_{room_name}"


def message_event(message):
    """Return the event that brings a message to everyone in a room."""
    return {"type": "chat.message", "message": message}


def bot_time_event(group_name):
    """Return the event that asks the bot to tell a group the time."""
    return {"type": "bot.time", "group_name": group_name}
