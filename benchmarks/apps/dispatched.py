"""Chapter 6 without its shortcuts: each event visits the database thread and all members.

To measure what that step is worth, and for nothing else.
"""

# ruff: noqa: I001  # the application first: it sets Django up
from config.asgi import application  # noqa: F401

from channels.db import aclose_old_connections
from channels.layers import InMemoryChannelLayer

from chat.channel_layer import MemoryLayer
from chat.consumers import ChatConsumer

dispatch = ChatConsumer.dispatch


async def dispatch_after_a_visit(self, message):
    await aclose_old_connections()
    await dispatch(self, message)


ChatConsumer.dispatch = dispatch_after_a_visit
MemoryLayer._clean_expired = InMemoryChannelLayer._clean_expired
