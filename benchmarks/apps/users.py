"""Make chapter 6's database with people who are logged in. Run in that chapter's folder.

Takes numbers of people, and makes a conversation of each size. Prints JSON: the people's session
keys, and the conversations' primary keys by size.
"""

import json
import sys
from datetime import timedelta

import django

django.setup()

# ruff: noqa: E402
from django.conf import settings
from django.contrib import auth
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.utils import timezone
from django.utils.crypto import get_random_string

from chat.models import Conversation


def main(sizes):
    call_command("migrate", verbosity=0)
    User = auth.get_user_model()
    User.objects.bulk_create(
        User(username=f"person{number}", password="!") for number in range(max(sizes))
    )
    people = list(User.objects.order_by("pk"))
    sessions = [session_of(person) for person in people]
    Session.objects.bulk_create(sessions)
    # In bulk, since it sends no signals: nobody is there yet to be told of a change.
    Participation = Conversation.participants.through
    conversations = {}
    for size in sizes:
        conversation = Conversation.objects.create()
        conversations[size] = conversation.pk
        Participation.objects.bulk_create(
            Participation(conversation_id=conversation.pk, user_id=person.pk)
            for person in people[:size]
        )
    keys = [session.session_key for session in sessions]
    cookie = settings.SESSION_COOKIE_NAME
    json.dump({"cookie": cookie, "keys": keys, "conversations": conversations}, sys.stdout)


def session_of(person):
    """Return the session that a login would have made."""
    content = {
        auth.SESSION_KEY: str(person.pk),
        auth.BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        auth.HASH_SESSION_KEY: person.get_session_auth_hash(),
    }
    return Session(
        session_key=get_random_string(32),
        session_data=Session.objects.encode(content),
        expire_date=timezone.now() + timedelta(days=1),
    )


main([int(word) for word in sys.argv[1:]])
