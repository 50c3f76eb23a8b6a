"""What no chapter is about stays as it is, so that a learner's eye sees only what changed."""

import ast
from collections import Counter

import pytest
from contract import CHAPTERS

# In which chapters a file is the same to the byte.
ALIKE = {
    "chat/__init__.py": "123456",
    "chat/admin.py": "12345",
    "chat/apps.py": "2345",
    "chat/bot.py": "45",
    "chat/channel_layer.py": "34",
    "chat/forms.py": "12345",
    "chat/frames.py": "234",
    "chat/management/commands/announce.py": "345",
    "chat/migrations/__init__.py": "123456",
    "chat/models.py": "12345",
    "chat/rooms.py": "345",
    "chat/routing.py": "345",
    "chat/static/chat/chat.css": "123456",
    "chat/static/chat/chat.js": "234",
    "chat/storage.py": "123456",
    "chat/templates/chat/base.html": "12345",
    "chat/templates/chat/index.html": "12345",
    "chat/templates/chat/room.html": "234",
    "chat/urls.py": "2345",
    "chat/views.py": "2345",
    "config/__init__.py": "123456",
    "config/urls.py": "12345",
    "config/wsgi.py": "123456",
    "manage.py": "123456",
    "pytest.ini": "123456",
    "requirements-dev.txt": "123456",
    "tests/bad_frames.py": "234",
    "tests/test_frames.py": "234",
    "tests/test_server.py": "2345",
}
# Where two chapters say the same, they are written the same.
ALSO_ALIKE = {
    "config/asgi.py": ["345"],
    "config/settings.py": ["12", "34"],
    "requirements.txt": ["12", "34"],
    "tests/conftest.py": ["345"],
    "tests/live_settings.py": ["12345"],
    "tests/test_asgi.py": ["26", "345"],
}
GROUPS = [
    *((path, numbers) for path, numbers in ALIKE.items()),
    *((path, numbers) for path, groups in ALSO_ALIKE.items() for numbers in groups),
]
NAMED = {name[1]: name for name in CHAPTERS}
CASES = [
    pytest.param(path, numbers, NAMED[number], id=f"{NAMED[number]}-{path}")
    for path, numbers in GROUPS
    for number in numbers
]

# What the settings say of these is what startproject laid.
SETTINGS = [
    "ASGI_APPLICATION",
    "AUTH_PASSWORD_VALIDATORS",
    "BASE_DIR",
    "DEFAULT_AUTO_FIELD",
    "LANGUAGE_CODE",
    "MIDDLEWARE",
    "ROOT_URLCONF",
    "STATIC_URL",
    "TEMPLATES",
    "TIME_ZONE",
    "USE_I18N",
    "USE_TZ",
    "WSGI_APPLICATION",
]


def odd_ones(said: dict[str, str | bytes | None]) -> list[str]:
    """Return the names of those that do not say what most of them say; of a pair, both."""
    most, count = Counter(said.values()).most_common(1)[0]
    return [name for name, one in said.items() if one != most or count * 2 <= len(said)]


@pytest.mark.parametrize(("path", "numbers", "chapter"), CASES)
def test_file_is_the_same_to_the_byte(chapter_folders, path, numbers, chapter):
    files = {NAMED[number]: chapter_folders[NAMED[number]] / path for number in numbers}
    said = {name: file.read_bytes() if file.exists() else None for name, file in files.items()}
    assert said[chapter] is not None
    assert chapter not in odd_ones(said)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_settings_of_no_chapter_stay_as_they_are(chapter_folders, chapter):
    said = {name: laid(folder) for name, folder in chapter_folders.items()}
    odd = [key for key in SETTINGS if chapter in odd_ones({n: one[key] for n, one in said.items()})]
    assert odd == []


def laid(folder) -> dict[str, str]:
    """Return what the settings give each name that is of no chapter."""
    given = dict.fromkeys(SETTINGS, "")
    for node in ast.parse((folder / "config/settings.py").read_bytes()).body:
        if isinstance(node, ast.Assign) and (name := ast.unparse(node.targets[0])) in given:
            given[name] = ast.unparse(node.value)
    return given
