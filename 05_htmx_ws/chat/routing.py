from django.urls import re_path

from chat.bot import BotConsumer
from chat.consumers import ChatConsumer
from chat.rooms import ROOM_NAME

websocket_urlpatterns = [
    re_path(rf"^ws/chat/{ROOM_NAME}/$", ChatConsumer.as_asgi()),
]

channel_names = {
    "bot": BotConsumer.as_asgi(),
}
