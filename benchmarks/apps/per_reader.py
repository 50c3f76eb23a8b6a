"""The baseline: what many Channels chats do, with the models and templates of chapter 6.

It checks membership at connect by loading all participants, stores each message without asking
again, and has each reader's consumer render it again. It joins the group before it accepts, so
that nothing that is counted can fall between the two.
"""

# ruff: noqa: I001  # the application first: it sets Django up
from config.asgi import application  # noqa: F401

from datetime import datetime

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.template.loader import render_to_string

from chat.models import Conversation, Message
from chat.routing import websocket_urlpatterns


class PerReaderConsumer(AsyncJsonWebsocketConsumer):
    """Store each message, and render it for each reader."""

    async def connect(self):
        self.user = self.scope["user"]
        self.conversation_id = self.scope["url_route"]["kwargs"]["conversation_id"]
        self.group_name = f"chat_{self.conversation_id}"
        if not await self.takes_part():
            await self.close()
            return
        await self.channel_layer.group_add(self.group_name, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group_name, self.channel_name)

    async def receive_json(self, content):
        text = content.get("chat_message")
        if not text:
            return
        message = await self.store(text)
        await self.channel_layer.group_send(
            self.group_name,
            {
                "type": "chat.message",
                "pk": message.pk,
                "content": message.content,
                "sender": self.user.username,
                "timestamp": message.timestamp.isoformat(),
            },
        )

    async def chat_message(self, event):
        own = event["sender"] == self.user.username
        message = {
            "pk": event["pk"],
            "content": event["content"],
            "sender": {"username": event["sender"]},
            "timestamp": datetime.fromisoformat(event["timestamp"]),
        }
        template = "chat/partials/sender.html" if own else "chat/partials/receiver.html"
        await self.send(render_to_string(template, {"message": message}))

    @database_sync_to_async
    def takes_part(self):
        conversation = Conversation.objects.filter(pk=self.conversation_id).first()
        return conversation is not None and self.user in conversation.participants.all()

    @database_sync_to_async
    def store(self, text):
        return Message.objects.create(
            conversation_id=self.conversation_id, sender=self.user, content=text
        )


# Replaces chapter 6's consumer, behind the same middleware.
[route] = websocket_urlpatterns
route.callback = PerReaderConsumer.as_asgi()
