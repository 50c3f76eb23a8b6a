"""The events that travel through the channel layer."""

from django.template.loader import render_to_string


def chat_message(message):
    """A message, rendered once for its sender and once for all the others."""
    context = {"message": message}
    return {
        "type": "chat.message",
        "message_id": message.pk,
        "sender_id": message.sender_id,
        "to_sender": render_to_string("chat/partials/sender.html", context),
        "to_others": render_to_string("chat/partials/receiver.html", context),
    }


def access_changed():
    """A call to look again whether one may be here."""
    return {"type": "access.changed"}
