"""Chapter 6 without the first of its shortcuts: each event visits the database thread.

To measure what that step is worth, and for nothing else.
"""

# ruff: noqa: I001  # the application first: it sets Django up
from config.asgi import application  # noqa: F401

from channels.db import aclose_old_connections

from chat.consumers import ChatConsumer

dispatch = ChatConsumer.dispatch


async def dispatch_after_a_visit(self, message):
    await aclose_old_connections()
    await dispatch(self, message)


ChatConsumer.dispatch = dispatch_after_a_visit
