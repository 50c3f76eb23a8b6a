"""Check chapter 6 with a custom user model, which many real projects have."""

import os
import shutil
import sys

import pytest

from course import processes

CHAPTER = "06_conversations_auth"

# Users with more fields than Django's own.
ABSTRACT_USER = """
from django.contrib.auth.models import AbstractUser
from django.db import models

class Person(AbstractUser):
    town = models.CharField(max_length=50, blank=True)
"""

# Users whose primary key isn't a number.
WITH_UUID = """
import uuid
from django.contrib.auth.models import AbstractUser
from django.db import models

class Person(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
"""

# Users who log in with an email address, and who can't be deactivated.
ABSTRACT_BASE_USER = """
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

class PersonManager(BaseUserManager):
    def create_user(self, email, password=None):
        person = self.model(email=email)
        person.set_password(password)
        person.save()
        return person

class Person(AbstractBaseUser):
    email = models.EmailField(unique=True)
    objects = PersonManager()
    USERNAME_FIELD = "email"
"""

SETTINGS = """
INSTALLED_APPS += ["people"]
AUTH_USER_MODEL = "people.Person"
ALLOWED_HOSTS = ["localhost", "testserver"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
"""

# Users without permissions can't use the admin.
NO_ADMIN = 'INSTALLED_APPS.remove("django.contrib.admin")\n'

USE = """
import asyncio
import django
from django.core.management import call_command

django.setup()
call_command("makemigrations", "people")
call_command("migrate")
call_command("check")

from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import Client
from chat.models import Conversation, Message
from config.asgi import application

User = get_user_model()
ann, bob = Client(), Client()
for client, name in ((ann, "ann@a.example"), (bob, "bob@a.example")):
    form = {User.USERNAME_FIELD: name, "password1": "plum-cake-4", "password2": "plum-cake-4"}
    signed_up = client.post("/accounts/signup/", form)
    assert signed_up.status_code == 302, signed_up.content.decode()

client = Client()
login = {"username": "ann@a.example", "password": "plum-cake-4"}
assert client.post("/accounts/login/", login).status_code == 302
begun = ann.post("/chat/new/", {"usernames": "Bob@a.example"})
assert begun.status_code == 302, begun.content.decode()
path = begun.headers["Location"]

def open_socket(client):
    cookie = f"sessionid={client.cookies['sessionid'].value}".encode()
    headers = [(b"origin", b"http://localhost"), (b"cookie", cookie)]
    return WebsocketCommunicator(application, f"/ws{path}", headers)

async def talk():
    here, there = open_socket(ann), open_socket(bob)
    for socket in (here, there):
        assert (await socket.connect())[0]
    await here.send_json_to({"chat_message": "Tea?"})
    assert "Tea?" in await there.receive_from(timeout=20)
    reader = await User.objects.aget(**{User.USERNAME_FIELD: "bob@a.example"})
    await there.send_json_to({"sync": 0, "user": f"{reader.pk}"})
    assert "ann@a.example" in await there.receive_from(timeout=20)
    person = await User.objects.aget(**{User.USERNAME_FIELD: "ann@a.example"})
    person.set_password("something else")
    await person.asave()
    event = await here.receive_output(timeout=20)
    while event["type"] != "websocket.close":
        event = await here.receive_output(timeout=20)
    assert event["code"] == 4401, event
    await there.disconnect()

asyncio.run(talk())
page = bob.get("/chat/").content.decode()
assert "<bdi>ann@a.example</bdi>: Tea?" in page, page
assert bob.get(path).status_code == 200
assert bob.post("/accounts/logout/").status_code == 302
"""


@pytest.mark.parametrize(
    ("model", "settings"),
    [(ABSTRACT_USER, ""), (WITH_UUID, ""), (ABSTRACT_BASE_USER, NO_ADMIN)],
    ids=["AbstractUser", "UUID", "AbstractBaseUser"],
)
def test_chat_works_with_a_custom_user_model(chapter_folders, tmp_path, model, settings):
    ignored = shutil.ignore_patterns(".*", "db.sqlite3*", "__pycache__")
    project = shutil.copytree(chapter_folders[CHAPTER], tmp_path / "project", ignore=ignored)
    (project / "people").mkdir()
    (project / "people/__init__.py").touch()
    (project / "people/models.py").write_text(model)
    with (project / "config/settings.py").open("a") as file:
        file.write(SETTINGS + settings)
    if settings:
        urls = project / "config/urls.py"
        urls.write_text(urls.read_text().replace("path('admin/', admin.site.urls),", ""))
    processes.run(
        [sys.executable, "-c", USE],
        "The chat doesn't work.",
        # On Redis if there's one, because Redis doesn't take a UUID in an event.
        env=processes.project_env(
            DJANGO_SETTINGS_MODULE="config.settings", REDIS_URL=os.environ.get("REDIS_URL", "")
        ),
        cwd=project,
    )
