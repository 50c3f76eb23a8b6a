"""Chapter 3 or 4, whose handler takes a second for a message that begins with "slow"."""

# ruff: noqa: I001  # the application first: it sets Django up
from config.asgi import application  # noqa: F401

import asyncio
import inspect
import time

from chat.consumers import ChatConsumer
from chat.frames import read_message

receive = ChatConsumer.receive


def receive_slowly(self, text_data=None, bytes_data=None):
    if read_message(text_data).startswith("slow"):
        time.sleep(1)
    receive(self, text_data, bytes_data)


async def receive_slowly_async(self, text_data=None, bytes_data=None):
    if read_message(text_data).startswith("slow"):
        await asyncio.sleep(1)
    await receive(self, text_data, bytes_data)


is_async = inspect.iscoroutinefunction(receive)
ChatConsumer.receive = receive_slowly_async if is_async else receive_slowly
