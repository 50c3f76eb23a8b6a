"""How the channel layer is reached, and how it fails."""

import logging

from channels.exceptions import ChannelFull
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

LayerError = (ChannelFull, RedisError)


async def send_to_group(group_name, event):
    """Send an event, which is lost if the layer is down."""
    try:
        await get_channel_layer().group_send(group_name, event)
    except LayerError as error:
        logger.warning("Not delivered to %s: %r", group_name, error)
