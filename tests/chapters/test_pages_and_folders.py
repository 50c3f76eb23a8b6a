"""Check what all chapters have in common, so that learners see only what a chapter changes."""

import os
import subprocess
import sys
from pathlib import Path

import django
import pytest

from course import chapters
from course.pages import file_tree
from course.replay import command, run

WITH_REDIS = chapters.NAMES[2:]

# startproject and startapp write these with other comments or settings in other Django versions.
DIFFERS_BY_DJANGO = {"chat/apps.py"} | {
    f"config/{name}.py" for name in ("asgi", "settings", "urls", "wsgi")
}

# A consumer in a quiet room waits on its channel. Unless the settings prevent it, redis-py gives up
# after 5 seconds of silence, and then every idle socket is closed.
WAIT = """
import asyncio
import django
from channels.layers import get_channel_layer

async def wait():
    layer = get_channel_layer()
    channel = await layer.new_channel()
    try:
        await asyncio.wait_for(layer.receive(channel), 5.5)
    except asyncio.TimeoutError:
        print("patient")

django.setup()
asyncio.run(wait())
"""


def files(chapter: str) -> dict[str, bytes]:
    return file_tree.read(chapters.folder(chapter))


def changed(one: str, other: str) -> set[str]:
    """Return the paths of the files that differ between two chapters."""
    a, b = files(one), files(other)
    return {path for path in a | b if a.get(path) != b.get(path)}


# The pages are written for Django 5.2, so only with 5.2 do they have to reproduce the folders
# exactly. Another Django's startproject writes slightly different files.
if django.VERSION[:2] == (5, 2):

    def test_pages_reproduce_the_folders():
        assert command.command([], fast=True) == 0

else:

    def test_pages_fit_the_files_of_another_django():
        made = {}
        for chapter in chapters.NAMES:
            made = run.replay(chapter, made, fast=True).files
            wanted = files(chapter)
            other = {path for path in made | wanted if made.get(path) != wanted.get(path)}
            assert other <= DIFFERS_BY_DJANGO


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_chapters_have_the_same_layout(chapter):
    wanted = {
        "chat/static/chat/chat.css",
        "chat/templates/chat/base.html",
        "chat/urls.py",
        "chat/views.py",
        "config/asgi.py",
        "config/settings.py",
        "config/urls.py",
        "config/wsgi.py",
        "manage.py",
        "pytest.ini",
        "requirements-dev.txt",
        "requirements.txt",
        "tests/conftest.py",
        "tests/test_asgi.py",
        "tests/test_browser.py",
    }
    assert wanted <= files(chapter).keys()
    assert Path(chapters.folder(chapter), "README.md").exists()


def test_chapter_4_changes_only_the_consumers_and_the_bot():
    assert changed(*chapters.NAMES[2:4]) == {"chat/consumers.py", "chat/bot.py"}


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_files_that_learners_type_are_short(chapter):
    typed = [path for path in files(chapter) if path.startswith("chat/") and path.endswith(".py")]
    most = {path: 120 if path == "chat/consumers.py" else 100 for path in typed}
    lines = {path: files(chapter)[path].count(b"\n") for path in typed}
    assert {path: count for path, count in lines.items() if count > most[path]} == {}


@pytest.fixture(scope="module", autouse=True)
def waiting():
    """Start to wait in every chapter that uses Redis, while the other tests run."""
    processes = {}
    if "REDIS_URL" in os.environ:
        for chapter in WITH_REDIS:
            processes[chapter] = subprocess.Popen(
                [sys.executable, "-c", WAIT],
                cwd=chapters.folder(chapter),
                env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"},
                stdout=subprocess.PIPE,
                text=True,
            )
    yield processes
    for process in processes.values():
        process.kill()
        process.communicate()


@pytest.mark.skipif("REDIS_URL" not in os.environ, reason="REDIS_URL is not set")
@pytest.mark.parametrize("chapter", WITH_REDIS)
def test_quiet_room_on_redis_does_not_time_out(waiting, chapter):
    assert waiting[chapter].stdout.read() == "patient\n"
