import logging
from collections import deque

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError
from django.template.loader import render_to_string

from chat import access, events, history
from chat.frames import BadFrame, decode, read_message, read_sync
from chat.groups import conversation_group, user_group
from chat.layers import LayerError, send_to_group
from chat.models import Message

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """Store each message, then send it to everyone in the conversation."""

    async def __call__(self, scope, receive, send):
        """Refuse the socket if there is no channel layer: its page will try again."""
        try:
            await super().__call__(scope, receive, send)
        except LayerError as error:
            logger.warning("Socket refused: %r", error)
            await send({"type": "websocket.close"})

    async def dispatch(self, message):
        """Handle a frame or an event, and close the socket of whom it is not for."""
        try:
            await super().dispatch(message)
        except access.Refused as refused:
            await self.close(refused.close_code)
            await self.websocket_disconnect({"code": refused.close_code})

    async def connect(self):
        self.user = self.scope["user"]
        self.conversation_id = self.scope["url_route"]["kwargs"]["conversation_id"]
        self.group_name = conversation_group(self.conversation_id)
        self.groups = [self.group_name, user_group(self.user.pk)]
        self.handed_on = deque(maxlen=200)  # numbers of messages
        for group_name in self.groups:
            await self.channel_layer.group_add(group_name, self.channel_name)
        try:
            await self.check_access()
        finally:
            # A browser learns the code of a close only once the socket is open.
            await self.accept()

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
        if content.get("user", self.user.pk) != self.user.pk:
            raise access.Refused(access.NOT_LOGGED_IN)  # the page is somebody else's
        if "sync" in content:
            await self.send(await self.missed(read_sync(content)))
        else:
            await self.take(*read_message(content))

    async def take(self, text, client_id):
        """Store a message, give it back to its sender, and send it to the others."""
        try:
            event = await self.store(text, client_id)
        except DatabaseError as error:
            logger.error("Not stored in %s: %s", self.group_name, error)
            await self.send_notice("Your message could not be stored. Try again later.")
        else:
            self.handed_on.append(event["message_id"])
            await self.send(event["to_sender"])
            await send_to_group(self.group_name, event)

    async def chat_message(self, event):
        """Hand on what arrived in the group, once: one's own looks different."""
        if event["message_id"] not in self.handed_on:
            self.handed_on.append(event["message_id"])
            own = event["sender_id"] == self.user.pk
            await self.send(event["to_sender"] if own else event["to_others"])

    async def access_changed(self, event):
        """Look again whether this person may be here."""
        await self.check_access()

    @database_sync_to_async
    def check_access(self):
        access.check(self.scope, self.conversation_id)

    @database_sync_to_async
    def store(self, text, client_id):
        access.check(self.scope, self.conversation_id)
        message, _ = Message.objects.get_or_create(
            conversation_id=self.conversation_id,
            sender=self.user,
            client_id=client_id,
            defaults={"content": text},
        )
        return events.chat_message(message)

    @database_sync_to_async
    def missed(self, last):
        """Return what this page lacks, which was complete up to the message `last`."""
        access.check(self.scope, self.conversation_id)
        context = history.missed(self.conversation_id, last, self.handed_on)
        self.handed_on.extend(message.pk for message in context["messages"])
        context["user"] = self.user
        return render_to_string("chat/partials/missed.html", context)

    async def send_notice(self, text):
        await self.send(render_to_string("chat/partials/notice.html", {"notice": text}))
