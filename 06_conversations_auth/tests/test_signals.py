"""Which groups get an event to check their access again, and when."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from chat import signals
from chat.models import Conversation

pytestmark = pytest.mark.django_db(transaction=True)

User = get_user_model()


@pytest.fixture
def ann(conversation):
    return User.objects.get(username="ann")


@pytest.fixture
def called(ann, monkeypatch):
    """The names of the groups that have been called on, in order."""
    called = []

    async def note(group_name, event):
        assert event == {"type": "access.changed"}
        called.append(group_name)

    monkeypatch.setattr(signals, "send_to_group", note)
    return called


def test_events_are_sent_only_after_the_commit(called, conversation, ann):
    with transaction.atomic():
        conversation.participants.remove(ann)
        ann.set_password("something else")
        ann.save()
        assert called == []
    assert called == [f"chat_{conversation.pk}", f"user_{ann.pk}"]


def test_rolled_back_change_sends_no_event(called, conversation, ann):
    with transaction.atomic():
        conversation.delete()
        transaction.set_rollback(True)
    assert called == []


def test_person_removed_from_every_conversation_gets_an_event(called, ann):
    ann.conversations.clear()
    assert called == [f"user_{ann.pk}"]


def test_deleting_a_conversation_sends_its_participants_an_event(called, conversation):
    number = conversation.pk
    conversation.delete()
    assert f"chat_{number}" in called


def test_new_conversation_and_new_participants_send_no_event(called, conversation, ann):
    carol = User.objects.get(username="carol")
    conversation.participants.add(carol)
    Conversation.objects.get_or_create_for([ann, carol])
    assert called == []


def test_logging_out_sends_an_event_and_logging_in_does_not(called, client, ann):
    client.force_login(ann)
    assert called == []
    client.logout()
    assert called == [f"user_{ann.pk}"]


def test_clearing_expired_sessions_sends_no_events(called, client, ann):
    client.force_login(ann)
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    call_command("clearsessions")
    assert not Session.objects.exists()
    assert called == []


def test_anonymous_session_sends_no_event(called, client):
    client.session.save()
    Session.objects.get().delete()
    assert called == []
