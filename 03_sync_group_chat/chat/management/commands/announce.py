import re

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.core.management.base import BaseCommand, CommandError

from chat.channel_layer import (
    LAYER_ERRORS,
    group_name,
    message_event,
    reaches_other_processes,
)
from chat.frames import BadFrame, clean_message
from chat.rooms import ROOM_NAME


class Command(BaseCommand):
    help = "Say something in a room, from outside the server."

    def add_arguments(self, parser):
        parser.add_argument("room")
        parser.add_argument("text")

    def handle(self, *args, room, text, **options):
        if not re.fullmatch(ROOM_NAME, room):
            raise CommandError(
                f"{room!r} isn't a room name: use letters from A to Z, digits, "
                "hyphens and underscores, 50 at most."
            )
        try:
            message = clean_message(text)
        except BadFrame as error:
            raise CommandError(str(error)) from None

        channel_layer = get_channel_layer()
        if not reaches_other_processes(channel_layer):
            raise CommandError(
                "No server can hear this: the in-memory channel layer ends with this "
                "process. Start Redis, and set REDIS_URL for this command and for "
                "the server, as in REDIS_URL=redis://127.0.0.1:6379"
            )
        try:
            async_to_sync(channel_layer.group_send)(
                group_name(room), message_event(message)
            )
        except LAYER_ERRORS as error:
            raise CommandError(f"Redis doesn't accept the message: {error}") from None
