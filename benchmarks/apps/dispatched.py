"""Chapter 6 without its shortcuts: each event visits the database thread and all members.

To measure what that step is worth, and for nothing else.
"""

# ruff: noqa: I001  # the application first: it sets Django up
from benchmarks.apps.visiting import application  # noqa: F401

from channels.layers import InMemoryChannelLayer

from chat.channel_layer import MemoryLayer

MemoryLayer._clean_expired = InMemoryChannelLayer._clean_expired
