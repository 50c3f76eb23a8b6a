"""Many who write at once into one SQLite file."""

WRITE = """
from concurrent.futures import ThreadPoolExecutor
from chat.models import Conversation, Message
from django.db import connection
conversation = Conversation.objects.first()
sender = conversation.participants.first()

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
    manage("demo").check_returncode()
    written = manage("shell", "-c", WRITE)
    assert written.stdout.strip().endswith("wal 100"), written.stderr
