from asgiref.sync import async_to_sync
from channels.consumer import SyncConsumer
from django.utils import timezone

from chat.channel_layer import message_event


class BotConsumer(SyncConsumer):
    """Answer what comes in on the channel "bot"."""

    def bot_time(self, event):
        """Tell a room what time it is."""
        answer = f"It is {timezone.localtime():%H:%M %Z}."
        async_to_sync(self.channel_layer.group_send)(
            event["group_name"], message_event(answer)
        )
