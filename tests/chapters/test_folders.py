"""Check that pages make the folders, and that chapters change only what they teach."""

import ast
import os
import sys

import django
import pytest

from course import chapters
from course.processes import Process
from course.replay import command, run

# startproject and startapp write these with other comments or settings in other Django versions.
DIFFERS_BY_DJANGO = {"chat/apps.py"} | {
    f"config/{name}.py" for name in ("asgi", "settings", "urls", "wsgi")
}

# The chapters that have a file. A space separates those in which it isn't the same, byte for byte.
SAME = {
    "chat/__init__.py": "123456",
    "chat/admin.py": "12345 6",
    "chat/apps.py": "12345 6",
    "chat/bot.py": "3 45",
    "chat/channel_layer.py": "34 5 6",
    "chat/consumers.py": "2 3 4 5 6",
    "chat/forms.py": "12345 6",
    "chat/frames.py": "234 5 6",
    "chat/management/commands/announce.py": "345",
    "chat/migrations/__init__.py": "123456",
    "chat/models.py": "12345 6",
    "chat/rooms.py": "2345",
    "chat/routing.py": "2 345 6",
    "chat/static/chat/chat.css": "123456",
    "chat/static/chat/chat.js": "234 5",
    "chat/storage.py": "123456",
    "chat/templates/chat/base.html": "12345 6",
    "chat/templates/chat/index.html": "12345 6",
    "chat/templates/chat/room.html": "234 5",
    "chat/urls.py": "1 2345 6",
    "chat/views.py": "1 2345 6",
    "config/__init__.py": "123456",
    "config/asgi.py": "1 2 345 6",
    "config/settings.py": "12 34 5 6",
    "config/urls.py": "12345 6",
    "config/wsgi.py": "123456",
    "manage.py": "123456",
    "pytest.ini": "123456",
    "requirements-dev.txt": "123456",
    "requirements.txt": "12 34 5 6",
    "tests/bad_frames.py": "234 5 6",
    "tests/conftest.py": "1 2 345 6",
    "tests/test_asgi.py": "1 26 345",
    "tests/test_browser.py": "1 2 34 5 6",
    "tests/test_consumers.py": "2 34 5 6",
    "tests/test_frames.py": "234 5 6",
    "tests/test_server.py": "2345 6",
    "tests/test_start_up.py": "345 6",
}
# The same for settings.
SAME_SETTINGS = {
    **dict.fromkeys(
        [
            "ASGI_APPLICATION",
            "AUTH_PASSWORD_VALIDATORS",
            "BASE_DIR",
            "DEFAULT_AUTO_FIELD",
            "LANGUAGE_CODE",
            "MIDDLEWARE",
            "ROOT_URLCONF",
            "STATIC_URL",
            "STORAGES",
            "TEMPLATES",
            "TIME_ZONE",
            "USE_I18N",
            "USE_TZ",
            "WSGI_APPLICATION",
        ],
        "123456",
    ),
    "ALLOWED_HOSTS": "12345 6",
    "CHANNEL_LAYERS['default']": "345 6",
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
        print("patient", flush=True)

django.setup()
asyncio.run(wait())
"""
WITH_REDIS = ["03_sync_group_chat", "06_conversations_auth"]  # 4 and 5 have the settings of 3


# The pages are written for Django 5.2, so only with 5.2 do they have to reproduce the folders
# exactly. Another Django's startproject writes slightly different files.
if django.VERSION[:2] == (5, 2):

    def test_pages_reproduce_the_folders():
        assert command.replay_lessons([], fast=True) == 0

else:

    def test_pages_fit_the_files_of_another_django(trees):
        made = {}
        for chapter in chapters.NAMES:
            made = run.replay(chapter, made, fast=True).files
            paths = made.keys() | trees[chapter].keys()
            other = {path for path in paths if made.get(path) != trees[chapter].get(path)}
            assert other <= DIFFERS_BY_DJANGO


def groups(contents):
    """Return the chapters as in SAME: grouped by what they have, if it isn't None."""
    found = {}
    for name, content in contents.items():
        if content is not None:
            found[content] = found.get(content, "") + name[1]
    return " ".join(found.values())


@pytest.mark.parametrize("path", SAME)
def test_file_is_the_same_in_these_chapters(trees, path):
    assert groups({name: tree.get(path) for name, tree in trees.items()}) == SAME[path]


def test_settings_that_no_chapter_teaches_stay_the_same(trees):
    values = {name: settings(tree["config/settings.py"]) for name, tree in trees.items()}
    found = {
        key: groups({name: assigned.get(key) for name, assigned in values.items()})
        for key in SAME_SETTINGS
    }
    assert found == SAME_SETTINGS


def settings(source):
    """Return the values that a settings file assigns, as source code."""
    return {
        ast.unparse(node.targets[0]): ast.unparse(node.value)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign)
    }


def test_chapter_4_changes_only_the_consumers_and_the_bot(trees):
    third, fourth = (trees[name] for name in chapters.NAMES[2:4])
    changed = {path for path in third | fourth if third.get(path) != fourth.get(path)}
    assert changed == {"chat/consumers.py", "chat/bot.py"}


def test_files_that_learners_type_are_short(trees):
    lines = {
        f"{name}/{path}": content.count(b"\n")
        for name, tree in trees.items()
        for path, content in tree.items()
        if path.startswith("chat/") and path.endswith(".py")
    }
    long = {path for path, count in lines.items() if count > 100}
    assert {path for path in long if "consumers.py" not in path or lines[path] > 120} == set()


def test_every_chapter_has_a_readme(chapter_folders):
    assert [
        name for name, path in chapter_folders.items() if not (path / "README.md").exists()
    ] == []


@pytest.fixture(scope="module", autouse=True)
def waiting(chapter_folders, tmp_path_factory):
    """Start to wait on Redis, while the other tests run."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    logs = tmp_path_factory.mktemp("waiting")
    started = {
        name: Process(
            [sys.executable, "-c", WAIT],
            folder=chapter_folders[name],
            environment=environment,
            log=logs / name,
        )
        for name in WITH_REDIS
        if "REDIS_URL" in os.environ
    }
    yield started
    for process in started.values():
        process.kill()


@pytest.mark.skipif("REDIS_URL" not in os.environ, reason="REDIS_URL is not set")
@pytest.mark.parametrize("chapter", WITH_REDIS)
def test_quiet_room_on_redis_does_not_time_out(waiting, chapter):
    process = waiting[chapter]
    process.wait_for(lambda: "patient" in process.printed(), f"{chapter} doesn't wait.")
