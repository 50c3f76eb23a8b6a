import asyncio
import os
import shutil
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command

from chat.channel_layer import message_event
from tests.conftest import PROJECT
from tests.frames import message


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
@pytest.mark.django_db(transaction=True)
async def test_page_hears_everything_once_it_is_connected(layer, enter, monkeypatch):
    group_add = layer.group_add

    async def slow_group_add(*args):
        await asyncio.sleep(0.1)
        await group_add(*args)

    monkeypatch.setattr(layer, "group_add", slow_group_add)
    ann = await enter()
    await layer.group_send("chat_lobby", message_event("Tea?"))
    assert await message(ann) == "Tea?"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("REDIS_URL" not in os.environ, reason="REDIS_URL is not set")
async def test_command_reaches_the_room_unless_it_runs_in_a_copy_of_the_project(
    enter, tmp_path
):
    ignore = shutil.ignore_patterns(".*", "__pycache__", "db.sqlite3")
    copy = shutil.copytree(PROJECT, tmp_path / "copy", ignore=ignore)
    ann, carol = await enter("lobby"), await enter("kitchen")
    for folder, text in ((copy, "from the copy"), (PROJECT, "from here")):
        command = [sys.executable, "manage.py", "announce", "lobby", text]
        subprocess.run(command, cwd=folder, check=True, timeout=60)
    assert await message(ann) == "from here"
    assert await ann.receive_nothing()
    assert await carol.receive_nothing()


@pytest.mark.parametrize("layer", ["memory"], indirect=True)
def test_in_memory_layer_is_recognised(layer):
    with pytest.raises(CommandError, match="set REDIS_URL"):
        call_command("announce", "lobby", "Tea is ready")


@pytest.mark.parametrize("room", ["two words", "café", "", "x" * 51])
def test_invalid_room_name_is_refused(room):
    with pytest.raises(CommandError, match="isn't a room name"):
        call_command("announce", room, "Tea is ready")


@pytest.mark.parametrize("text", ["", "  ", "x" * 2001, "\0"])
def test_invalid_message_is_refused(text):
    with pytest.raises(CommandError, match="A message must"):
        call_command("announce", "lobby", text)


def test_unreachable_redis_is_reported(settings):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1"]},
        }
    }
    with pytest.raises(CommandError, match="Redis doesn't accept the message"):
        call_command("announce", "lobby", "Tea is ready")
