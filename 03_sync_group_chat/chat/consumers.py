import json
import logging
import random

from asgiref.sync import async_to_sync
from channels.generic.websocket import WebsocketConsumer

from chat.channel_layer import (
    LAYER_ERRORS,
    bot_time_event,
    group_name,
    message_event,
    reaches_other_processes,
)
from chat.frames import BadFrame, read_message

logger = logging.getLogger(__name__)


class ChatConsumer(WebsocketConsumer):
    """Send each message to everyone in the room."""

    def connect(self):
        self.group_name = group_name(self.scope["url_route"]["kwargs"]["room_name"])
        async_to_sync(self.channel_layer.group_add)(self.group_name, self.channel_name)
        self.accept()

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(
            self.group_name, self.channel_name
        )

    def receive(self, text_data=None, bytes_data=None):
        try:
            message = read_message(text_data)
        except BadFrame as error:
            self.send_error(str(error))
            return

        if message == "/roll":
            message = f"Someone rolled a {random.randint(1, 6)}."

        try:
            if message == "/time":
                self.ask_bot(bot_time_event(self.group_name))
            else:
                async_to_sync(self.channel_layer.group_send)(
                    self.group_name, message_event(message)
                )
        except LAYER_ERRORS as error:
            reason = str(error) or "the channel is full"
            logger.warning("Not delivered to %s: %s", self.group_name, reason)
            self.send_error("Your message could not be delivered. Try again later.")

    def ask_bot(self, event):
        """Send a question to the bot, which runs in another process."""
        if reaches_other_processes(self.channel_layer):
            async_to_sync(self.channel_layer.send)("bot", event)
        else:
            self.send_error("The bot cannot be reached without Redis.")

    def chat_message(self, event):
        """Forward a message from the group."""
        self.send(json.dumps({"message": event["message"]}))

    def send_error(self, text):
        self.send(json.dumps({"error": text}))
