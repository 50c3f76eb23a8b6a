import logging

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.db import DatabaseError
from django.template.loader import render_to_string

from chat import access, history
from chat.channel_layer import (
    LAYER_ERRORS,
    conversation_group,
    leave,
    message_event,
    send_to_group,
    user_group,
)
from chat.frames import BadFrame, decode, read_message, read_sync
from chat.models import Message

logger = logging.getLogger(__name__)


class ChatConsumer(AsyncJsonWebsocketConsumer):
    """Store each message, then send it to everyone in the conversation."""

    group_names, entered = (), False

    async def __call__(self, scope, receive, send):
        """Refuse the handshake while the layer is down; the page tries again."""
        try:
            await super().__call__(scope, receive, send)
        except LAYER_ERRORS as error:
            if self.entered:
                raise
            logger.warning("Handshake refused: %s", error)
            await send({"type": "websocket.close"})
        finally:
            await leave(getattr(self, "channel_name", None), self.group_names)

    async def dispatch(self, message):
        """Handle a frame or an event; close the socket if that raises Refused."""
        try:
            # Unlike the parent's, it doesn't visit the database thread for each event.
            await getattr(self, get_handler_name(message))(message)
        except access.Refused as refused:
            await self.close(refused.close_code)
            raise StopConsumer from None

    async def connect(self):
        self.user = self.scope["user"]
        self.conversation_id = self.scope["url_route"]["kwargs"]["conversation_id"]
        self.group_name = conversation_group(self.conversation_id)
        self.group_names = [self.group_name, user_group(self.user.pk)]
        for group_name in self.group_names:
            await self.channel_layer.group_add(group_name, self.channel_name)
        self.entered = True
        await self.accept()
        await self.check_access()  # now that a browser can learn the close code

    async def receive(self, text_data=None, bytes_data=None, **kwargs):
        """Answer a bad frame, instead of failing on it."""
        try:
            await self.receive_json(decode(text_data))
        except BadFrame as error:
            await self.send_notice(str(error))

    async def receive_json(self, content):
        if str(content.get("user", self.user.pk)) != str(self.user.pk):
            raise access.Refused(access.NOT_LOGGED_IN)  # the page is somebody else's
        if "sync" in content:
            await self.send(await self.catch_up(read_sync(content)))
        else:
            await self.post_message(*read_message(content))

    async def post_message(self, text, client_id):
        """Store a message, acknowledge it to its sender, and send it to the others."""
        try:
            event = await self.store(text, client_id)
        except DatabaseError as error:
            logger.error("Not stored in %s: %s", self.group_name, error)
            await self.send_notice("Your message could not be stored. Try again later.")
        else:
            await self.send(event["to_sender"])
            await send_to_group(self.group_name, event)

    async def chat_message(self, event):
        """Forward a message from the group, unless it was posted over this socket."""
        if event["posted_by"] != self.channel_name:
            own = event["sender_id"] == str(self.user.pk)
            await self.send(event["to_sender"] if own else event["to_others"])

    @database_sync_to_async
    def check_access(self, event=None):
        access.check(self.scope, self.conversation_id)

    access_changed = check_access  # the handler of the event

    @database_sync_to_async
    def store(self, text, client_id):
        access.check(self.scope, self.conversation_id)
        message = Message.objects.post(
            text,
            conversation_id=self.conversation_id,
            sender=self.user,
            client_id=client_id,
        )
        return message_event(message, self.channel_name)

    @database_sync_to_async
    def catch_up(self, cursor):
        """Render what's newer than the cursor of this page."""
        access.check(self.scope, self.conversation_id)
        context = history.newer_messages(self.conversation_id, cursor)
        context["user"] = self.user
        return render_to_string("chat/partials/newer.html", context)

    async def send_notice(self, text):
        await self.send(render_to_string("chat/partials/notice.html", {"notice": text}))
