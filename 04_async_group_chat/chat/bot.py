from channels.consumer import AsyncConsumer
from django.utils import timezone

from chat.channel_layer import message_event


class BotConsumer(AsyncConsumer):
    """Answer what comes in on the channel "bot"."""

    async def bot_time(self, event):
        """Tell a room what time it is."""
        answer = f"It is {timezone.localtime():%H:%M %Z}."
        await self.channel_layer.group_send(event["group_name"], message_event(answer))
