"""The migrations, and many people who write into one SQLite file at once."""

import pytest
from django.core.management import call_command
from django.db import connection

WRITE = """
from concurrent.futures import ThreadPoolExecutor
from django.contrib.auth import get_user_model
from django.db import connection
from chat.models import Conversation, Message
conversation = Conversation.objects.create()
sender = get_user_model().objects.create_user("busy")

def write(number):
    for _ in range(25):
        Message.objects.create(conversation=conversation, sender=sender, content="busy")
    connection.close()

with ThreadPoolExecutor(4) as pool:
    list(pool.map(write, range(4)))
with connection.cursor() as cursor:
    mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
print(mode, Message.objects.filter(content="busy").count())
"""


def test_no_message_is_lost_when_many_write(manage):
    written = manage("shell", "-c", WRITE)
    assert written.stdout.strip().endswith("wal 100"), written.stderr


BEGIN = """
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from django.contrib.auth import get_user_model
from django.db import connection
from chat.models import Conversation
create = get_user_model().objects.create_user
people = [create("first"), create("second")]
ready = Barrier(8)

def begin(number):
    ready.wait()
    conversation = Conversation.objects.get_or_create_for(people)
    connection.close()
    return conversation.pk

with ThreadPoolExecutor(8) as pool:
    found = set(pool.map(begin, range(8)))
print(len(found), people[0].conversations.count())
"""


def test_eight_simultaneous_attempts_create_one_conversation(manage):
    begun = manage("shell", "-c", BEGIN)
    assert begun.stdout.strip().endswith("1 1"), begun.stderr


@pytest.mark.django_db
def test_every_change_of_a_model_has_its_migration():
    call_command("makemigrations", check_changes=True, dry_run=True)


@pytest.mark.django_db
def test_latest_messages_of_a_conversation_have_an_index():
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, "chat_message")
    indexes = [
        (each["columns"], each["orders"]) for each in found.values() if each["index"]
    ]
    assert (["conversation_id", "id"], ["ASC", "DESC"]) in indexes


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="the database isn't SQLite")
def test_writers_queue_up_before_they_read():
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone()[0] == 1
    assert connection.settings_dict["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
