"""Code for the servers under test: a channel layer that loses events, and a report over HTTP.

The tests copy this file into the project's folder as `faults_inside.py`.
"""

import json

from channels.layers import InMemoryChannelLayer, get_channel_layer
from channels_redis.pubsub import RedisPubSubChannelLayer

REPORT = "/faults/"
LOST_ONE_IN = 3


class Losing:
    """Lose every third event of a conversation on its way to a socket."""

    events = 0
    lost = 0

    async def receive(self, channel):
        while True:
            event = await self.next_event(channel)
            if event["type"] == "access.changed":
                return event
            self.events += 1
            if self.events % LOST_ONE_IN:
                return event
            self.lost += 1


class LosingMemoryLayer(Losing, InMemoryChannelLayer):
    async def next_event(self, channel):
        return await InMemoryChannelLayer.receive(self, channel)


class LosingRedisLayer(Losing, RedisPubSubChannelLayer):
    async def next_event(self, channel):
        return await self._get_layer().receive(channel)


# Not earlier: the project logs its layer when it's imported, and that may be one of these.
from config.asgi import application as project  # noqa: E402


async def application(scope, receive, send):
    """Answer a request for the report, and pass everything else to the project."""
    if scope["type"] != "http" or scope["path"] != REPORT:
        return await project(scope, receive, send)
    layer = get_channel_layer()
    report = {
        "channels": len(layer.channels),
        "memberships": sum(len(channels) for channels in layer.groups.values()),
        "lost": getattr(layer, "lost", 0),
    }
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": json.dumps(report).encode()})
