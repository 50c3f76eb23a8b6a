"""When someone's access ends, make their sockets check again."""

from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone

from chat.channel_layer import (
    access_changed_event,
    conversation_group,
    send_to_group,
    user_group,
)
from chat.models import Conversation


def recheck_on_commit(group_name):
    """Send the event once the change is there for others to see."""
    send = async_to_sync(send_to_group)
    transaction.on_commit(lambda: send(group_name, access_changed_event()))


@receiver(post_delete, sender=Session)
def session_deleted(instance, **kwargs):
    user_id = instance.get_decoded().get(SESSION_KEY)
    # `clearsessions` deletes thousands of sessions that expired long ago.
    if user_id and instance.expire_date > timezone.now():
        recheck_on_commit(user_group(user_id))


@receiver(post_save, sender=get_user_model())
def account_changed(instance, update_fields, **kwargs):
    # Logging in notes the time, and changes nothing else.
    if update_fields != {"last_login"}:
        recheck_on_commit(user_group(instance.pk))


@receiver(post_delete, sender=get_user_model())
def account_deleted(instance, **kwargs):
    recheck_on_commit(user_group(instance.pk))


@receiver(m2m_changed, sender=Conversation.participants.through)
def participants_changed(instance, action, reverse, **kwargs):
    if action in ("post_remove", "post_clear"):
        # `reverse`: the change was made from the user's side.
        group_name = user_group if reverse else conversation_group
        recheck_on_commit(group_name(instance.pk))


@receiver(post_delete, sender=Conversation)
def conversation_deleted(instance, **kwargs):
    recheck_on_commit(conversation_group(instance.pk))
