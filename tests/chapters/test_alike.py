"""Check that chapters change only what they teach, so that learners see only those changes."""

import ast
from collections import Counter

import pytest

from tests.support.contract import CHAPTERS

# Each file, and the numbers of the chapters in which it's identical, byte for byte.
IDENTICAL = {
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
# Files with several versions: each group of chapters shares one.
ALSO_IDENTICAL = {
    "config/asgi.py": ["345"],
    "config/settings.py": ["12", "34"],
    "requirements.txt": ["12", "34"],
    "tests/conftest.py": ["345"],
    "tests/test_asgi.py": ["26", "345"],
}
GROUPS = [
    *((path, numbers) for path, numbers in IDENTICAL.items()),
    *((path, numbers) for path, groups in ALSO_IDENTICAL.items() for numbers in groups),
]
NAMED = {name[1]: name for name in CHAPTERS}
CASES = [
    pytest.param(path, numbers, NAMED[number], id=f"{NAMED[number]}-{path}")
    for path, numbers in GROUPS
    for number in numbers
]

# Settings that keep the value that startproject wrote.
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


def outliers(contents: dict[str, str | bytes | None]) -> list[str]:
    """Return the names whose value isn't that of the majority; all names if there's none."""
    most, count = Counter(contents.values()).most_common(1)[0]
    return [name for name, one in contents.items() if one != most or count * 2 <= len(contents)]


@pytest.mark.parametrize(("path", "numbers", "chapter"), CASES)
def test_file_is_identical_in_these_chapters(chapter_folders, path, numbers, chapter):
    files = {NAMED[number]: chapter_folders[NAMED[number]] / path for number in numbers}
    contents = {name: file.read_bytes() if file.exists() else None for name, file in files.items()}
    assert contents[chapter] is not None
    assert chapter not in outliers(contents)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_settings_that_no_chapter_teaches_stay_the_same(chapter_folders, chapter):
    contents = {name: startproject_settings(folder) for name, folder in chapter_folders.items()}
    odd = [
        key for key in SETTINGS if chapter in outliers({n: one[key] for n, one in contents.items()})
    ]
    assert odd == []


def startproject_settings(folder) -> dict[str, str]:
    """Return the values of SETTINGS in the chapter's settings, as source code."""
    given = dict.fromkeys(SETTINGS, "")
    for node in ast.parse((folder / "config/settings.py").read_bytes()).body:
        if isinstance(node, ast.Assign) and (name := ast.unparse(node.targets[0])) in given:
            given[name] = ast.unparse(node.value)
    return given
