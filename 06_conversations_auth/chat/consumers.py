import logging

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError
from django.template.loader import render_to_string

from chat import access, events
from chat.frames import BadFrame, decode, read_message
from chat.groups import conversation_group, user_group
from chat.layers import LayerError
from chat.models import Message

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """Store each message, then send it to everyone in the conversation."""

    admitted = False

    async def connect(self):
        self.user = self.scope["user"]
        self.conversation_id = self.scope["url_route"]["kwargs"]["conversation_id"]
        self.group_name = conversation_group(self.conversation_id)
        self.group_names = [self.group_name, user_group(self.user.pk)]
        for group_name in self.group_names:
            await self.channel_layer.group_add(group_name, self.channel_name)
        try:
            await self.check_access()
        except access.Refused as refused:
            # A browser learns the code of a close only once the socket is open.
            await self.accept()
            await self.refuse(refused)
        else:
            self.admitted = True
            await self.accept()

    async def disconnect(self, code):
        for group_name in self.group_names:
            await self.channel_layer.group_discard(group_name, self.channel_name)

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """Answer a frame that is no message, instead of failing on it."""
        try:
            if not text_data:
                raise BadFrame("A frame must be JSON.")
            await super().receive(text_data)
        except BadFrame as error:
            await self.send_notice(str(error))

    @classmethod
    async def decode_json(cls, text_data):
        return decode(text_data)

    async def receive_json(self, content):
        text = read_message(content)
        try:
            message = await self.store(text)
        except access.Refused as refused:
            await self.refuse(refused)
        except DatabaseError:
            logger.exception("Not stored in conversation %s", self.conversation_id)
            await self.send_notice("Your message could not be stored. Try again later.")
        else:
            await self.pass_on(message)

    async def pass_on(self, message):
        """Send a stored message to everyone, and free its sender's form."""
        event = events.chat_message(message)
        notice = ""
        try:
            await self.channel_layer.group_send(self.group_name, event)
        except LayerError as error:
            logger.warning("Not delivered to %s: %r", self.group_name, error)
            await self.chat_message(event)
            notice = "Stored, but the others will see it only when they reload."
        await self.send_html("chat/partials/sent.html", {"notice": notice})

    async def chat_message(self, event):
        """Hand on what arrived in the group: one's own looks different."""
        if self.admitted:
            own = event["sender_id"] == self.user.pk
            await self.send(event["to_sender"] if own else event["to_others"])

    async def access_changed(self, event):
        """Look again whether this person may be here."""
        try:
            await self.check_access()
        except access.Refused as refused:
            await self.refuse(refused)

    async def refuse(self, refused):
        self.admitted = False
        await self.close(refused.close_code)

    @database_sync_to_async
    def check_access(self):
        access.check(self.user, self.scope["session"], self.conversation_id)

    @database_sync_to_async
    def store(self, text):
        access.check(self.user, self.scope["session"], self.conversation_id)
        return Message.objects.create(
            conversation_id=self.conversation_id, sender=self.user, content=text
        )

    async def send_notice(self, text):
        await self.send_html("chat/partials/notice.html", {"notice": text})

    async def send_html(self, template_name, context=None):
        await self.send(render_to_string(template_name, context))
