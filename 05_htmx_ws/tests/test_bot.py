import subprocess
import sys

import pytest
from channels.exceptions import ChannelFull
from channels.testing import ApplicationCommunicator

from chat.channel_layer import bot_time_event
from config.asgi import application
from tests.conftest import PROJECT
from tests.frames import message, notice, say

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("layer"),
]

memory = pytest.mark.parametrize("layer", ["memory"], indirect=True)
redis = pytest.mark.parametrize("layer", ["redis"], indirect=True)


async def test_answer_reaches_the_room(enter):
    ann, carol = await enter("lobby"), await enter("kitchen")
    bot = ApplicationCommunicator(application, {"type": "channel", "channel": "bot"})
    await bot.send_input(bot_time_event("chat_lobby"))
    assert (await message(ann)).startswith("It is ")
    assert await carol.receive_nothing()
    await bot.wait(timeout=0.1)


@memory
async def test_sender_is_told_that_the_bot_needs_redis(enter):
    ann, bob = await enter(), await enter()
    await ann.send_json_to({"chat_message": "/time"})
    assert "without Redis" in await notice(ann)
    assert await bob.receive_nothing()


@redis
async def test_worker_answers_the_room(enter, environment):
    ann, bob = await enter(), await enter()
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "runworker", "bot"], cwd=PROJECT, env=environment
    )
    try:
        await say(ann, "/time")
        for person in (ann, bob):
            assert (await message(person)).startswith("It is ")
    finally:
        worker.terminate()
        worker.wait(timeout=10)


@redis
async def test_sender_is_told_that_the_bot_is_busy(enter, layer):
    ann, bob = await enter(), await enter()
    with pytest.raises(ChannelFull):
        for _ in range(layer.capacity + 1):
            await layer.send("bot", bot_time_event("chat_lobby"))
    await ann.send_json_to({"chat_message": "/time"})
    assert "could not be delivered" in await notice(ann)
    assert await bob.receive_nothing()

    await say(ann, "still here")
    assert await message(ann) == "still here"
