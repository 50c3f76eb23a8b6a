"""Chapter 6, whose consumers do not visit the shared thread before each handler.

To measure what that visit costs, and for nothing else: it closes old database connections.
"""

import channels.consumer


async def close_nothing():
    pass


# An error here, rather than a figure that is none, should Channels call it something else.
assert callable(channels.consumer.aclose_old_connections)
channels.consumer.aclose_old_connections = close_nothing

from config.asgi import application  # noqa: E402, F401
