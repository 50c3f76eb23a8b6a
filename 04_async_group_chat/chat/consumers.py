import json
import logging
import random

from channels.generic.websocket import AsyncWebsocketConsumer

from chat.channel_layer import (
    LAYER_ERRORS,
    bot_time_event,
    group_name,
    message_event,
    reaches_other_processes,
)
from chat.frames import BadFrame, read_message

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncWebsocketConsumer):
    """Send each message to everyone in the room."""

    async def connect(self):
        self.group_name = group_name(self.scope["url_route"]["kwargs"]["room_name"])
        await self.channel_layer.group_add(self.group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group_name, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None):
        try:
            message = read_message(text_data)
        except BadFrame as error:
            await self.send_error(str(error))
            return

        if message == "/roll":
            message = f"Someone rolled a {random.randint(1, 6)}."

        try:
            if message == "/time":
                await self.ask_bot(bot_time_event(self.group_name))
            else:
                await self.channel_layer.group_send(
                    self.group_name, message_event(message)
                )
        except LAYER_ERRORS as error:
            reason = str(error) or "the channel is full"
            logger.warning("Not delivered to %s: %s", self.group_name, reason)
            await self.send_error(
                "Your message could not be delivered. Try again later."
            )

    async def ask_bot(self, event):
        """Send a question to the bot, which runs in another process."""
        if reaches_other_processes(self.channel_layer):
            await self.channel_layer.send("bot", event)
        else:
            await self.send_error("The bot cannot be reached without Redis.")

    async def chat_message(self, event):
        """Forward a message from the group."""
        await self.send(json.dumps({"message": event["message"]}))

    async def send_error(self, text):
        await self.send(json.dumps({"error": text}))
