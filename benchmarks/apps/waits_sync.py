"""Chapter 3, whose handler takes a second for a message that begins with "slow"."""

import time

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application
from django.urls import re_path

http_application = get_asgi_application()

from chat.consumers import ChatConsumer  # noqa: E402
from chat.frames import read_message  # noqa: E402
from chat.rooms import ROOM_NAME  # noqa: E402


class SlowConsumer(ChatConsumer):
    def receive(self, text_data=None, bytes_data=None):
        if read_message(text_data).startswith("slow"):
            time.sleep(1)
        super().receive(text_data, bytes_data)


routes = [re_path(rf"^ws/chat/{ROOM_NAME}/$", SlowConsumer.as_asgi())]
application = ProtocolTypeRouter(
    {"http": http_application, "websocket": AuthMiddlewareStack(URLRouter(routes))}
)
