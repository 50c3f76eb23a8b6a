"""Many who write at once into one SQLite file."""

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
