"""Whatever ends somebody's access calls on the sockets concerned to look again."""

from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY, get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from django.dispatch import receiver

from chat import events
from chat.groups import conversation_group, user_group
from chat.layers import send_to_group
from chat.models import Conversation


def look_again(group_name):
    # Not before the change is there for others to see.
    send = async_to_sync(send_to_group)
    transaction.on_commit(lambda: send(group_name, events.access_changed()))


@receiver(post_delete, sender=Session)
def logged_out(instance, **kwargs):
    if user_id := instance.get_decoded().get(SESSION_KEY):
        look_again(user_group(user_id))


@receiver(post_save, sender=get_user_model())
def account_changed(instance, update_fields, **kwargs):
    # Logging in notes the time, and changes nothing else.
    if update_fields != {"last_login"}:
        look_again(user_group(instance.pk))


@receiver(post_delete, sender=get_user_model())
def account_deleted(instance, **kwargs):
    look_again(user_group(instance.pk))


@receiver(m2m_changed, sender=Conversation.participants.through)
def participants_changed(instance, action, reverse, **kwargs):
    if action in ("post_remove", "post_clear"):
        # `reverse`: the change was made from the user's side.
        group_name = user_group if reverse else conversation_group
        look_again(group_name(instance.pk))


@receiver(post_delete, sender=Conversation)
def conversation_deleted(instance, **kwargs):
    look_again(conversation_group(instance.pk))
