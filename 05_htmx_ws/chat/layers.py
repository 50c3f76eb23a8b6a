"""What the channel layer can do, and how it fails."""

from channels.exceptions import ChannelFull
from channels.layers import InMemoryChannelLayer
from redis.exceptions import RedisError

LayerError = (ChannelFull, RedisError)


def reaches_other_processes(channel_layer):
    """Tell whether what is sent here can arrive in another process."""
    return not isinstance(channel_layer, InMemoryChannelLayer)
