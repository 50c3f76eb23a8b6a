import logging
import random

from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.template.loader import render_to_string

from chat.channel_layer import (
    LAYER_ERRORS,
    bot_time_event,
    group_name,
    message_event,
    reaches_other_processes,
)
from chat.frames import BadFrame, decode, read_message

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """Send each message to everyone in the room, as HTML."""

    async def connect(self):
        self.group_name = group_name(self.scope["url_route"]["kwargs"]["room_name"])
        await self.channel_layer.group_add(self.group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group_name, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """Answer a bad frame, instead of failing on it."""
        try:
            await self.receive_json(decode(text_data))
        except BadFrame as error:
            await self.send_notice(str(error))

    async def receive_json(self, content):
        message = read_message(content)
        if message == "/roll":
            message = f"Someone rolled a {random.randint(1, 6)}."

        try:
            if message == "/time":
                await self.ask_bot(bot_time_event(self.group_name))
            else:
                await self.channel_layer.group_send(
                    self.group_name, message_event(message)
                )
                await self.send_html("chat/partials/sent.html")
        except LAYER_ERRORS as error:
            reason = str(error) or "the channel is full"
            logger.warning("Not delivered to %s: %s", self.group_name, reason)
            await self.send_notice(
                "Your message could not be delivered. Try again later."
            )

    async def ask_bot(self, event):
        """Send a question to the bot, which runs in another process."""
        if reaches_other_processes(self.channel_layer):
            await self.channel_layer.send("bot", event)
            await self.send_html("chat/partials/sent.html")
        else:
            await self.send_notice("The bot cannot be reached without Redis.")

    async def chat_message(self, event):
        """Forward a message from the group."""
        await self.send(event["html"])

    async def send_notice(self, text):
        await self.send_html("chat/partials/notice.html", {"notice": text})

    async def send_html(self, template_name, context=None):
        await self.send(render_to_string(template_name, context))
