"""What has to hold in all the chapters, so that a learner's eye sees only what changed."""

import os
import subprocess
import sys
from pathlib import Path

import django
import pytest

from course import chapters, replay, tree

WITH_REDIS = chapters.NAMES[2:]

# Django's series differ in comments and a setting of what startproject and startapp write.
LAID_OTHERWISE = {"chat/apps.py"} | {
    f"config/{name}.py" for name in ("asgi", "settings", "urls", "wsgi")
}

# A consumer in a quiet room waits on its channel. redis-py gives up after 5 seconds of quiet
# where the settings do not keep it from that, and every idle socket is closed.
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
    return tree.read(chapters.folder(chapter))


def changed(one: str, other: str) -> set[str]:
    """Return the paths at which two chapters differ."""
    a, b = files(one), files(other)
    return {path for path in a | b if a.get(path) != b.get(path)}


# startproject of another Django writes other files: the pages are made with 5.2, and held
# against the folders on it alone.
if django.VERSION[:2] == (5, 2):

    def test_pages_make_the_folders():
        assert replay.command([], fast=True) == 0

else:

    def test_pages_fit_what_another_django_lays():
        made = {}
        for chapter in chapters.NAMES:
            made = replay.replay(chapter, made, fast=True).files
            wanted = files(chapter)
            other = {path for path in made | wanted if made.get(path) != wanted.get(path)}
            assert other <= LAID_OTHERWISE


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_layout_is_the_same(chapter):
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


def test_chapter_4_is_chapter_3_asynchronously_and_nothing_else():
    assert changed(*chapters.NAMES[2:4]) == {"chat/consumers.py", "chat/bot.py"}


@pytest.mark.parametrize("chapter", chapters.NAMES)
def test_what_a_learner_types_is_short(chapter):
    typed = [path for path in files(chapter) if path.startswith("chat/") and path.endswith(".py")]
    most = {path: 120 if path == "chat/consumers.py" else 100 for path in typed}
    lines = {path: files(chapter)[path].count(b"\n") for path in typed}
    assert {path: count for path, count in lines.items() if count > most[path]} == {}


@pytest.fixture(scope="module", autouse=True)
def waiting():
    """Begin to wait in every chapter on Redis, while the other tests are run."""
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
def test_quiet_room_on_redis_is_no_fault(waiting, chapter):
    assert waiting[chapter].stdout.read() == "patient\n"
