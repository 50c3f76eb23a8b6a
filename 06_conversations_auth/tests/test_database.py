"""The migrations, and many people who write into one SQLite file at once."""

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


def test_every_change_of_a_model_has_its_migration(manage):
    found = manage("makemigrations", "--check", "--dry-run")
    assert found.returncode == 0, found.stdout
    assert "No changes detected" in found.stdout


INDEXES = """
from django.db import connection
with connection.cursor() as cursor:
    found = connection.introspection.get_constraints(cursor, "chat_message").values()
for each in found:
    print(each["columns"], each["orders"] if each["index"] else "", each["unique"])
"""


def test_latest_messages_of_a_conversation_have_an_index(manage):
    asked = manage("shell", "-c", INDEXES)
    assert "['conversation_id', 'id'] ['ASC', 'DESC'] False" in asked.stdout


ASK = """
from django.db import connection
with connection.cursor() as cursor:
    print(cursor.execute("PRAGMA synchronous").fetchone()[0])
print(connection.settings_dict["OPTIONS"]["transaction_mode"])
"""


def test_writers_queue_up_before_they_read(manage):
    asked = manage("shell", "-c", ASK)
    assert asked.stdout.split()[-2:] == ["1", "IMMEDIATE"], asked.stderr
