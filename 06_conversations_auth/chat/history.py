"""The messages of a conversation, as a page shows them."""

from chat.models import Message

MESSAGES_PER_PAGE = 50


def messages_of(conversation_id):
    """Return the messages of a conversation with their senders, the latest first."""
    messages = Message.objects.filter(conversation_id=conversation_id)
    return messages.select_related("sender").order_by("-pk")


def latest_messages(conversation_id, before=None):
    """Return the latest messages, in order, and whether there are earlier ones."""
    messages = messages_of(conversation_id)
    if before is not None:
        messages = messages.filter(pk__lt=before)
    found = list(messages[: MESSAGES_PER_PAGE + 1])  # one extra: are there more?
    return {
        "conversation_id": conversation_id,
        "messages": found[:MESSAGES_PER_PAGE][::-1],
        "has_earlier": len(found) > MESSAGES_PER_PAGE,
        "cursor": found[0].pk if found else 0,
    }


def newer_messages(conversation_id, cursor):
    """Return the messages after the cursor, in order, and where they leave it."""
    newer = messages_of(conversation_id).filter(pk__gt=cursor).reverse()
    found = list(newer[: MESSAGES_PER_PAGE + 1])
    messages = found[:MESSAGES_PER_PAGE]
    return {
        "messages": messages,
        "has_newer": len(found) > MESSAGES_PER_PAGE,
        "cursor": messages[-1].pk if messages else cursor,
    }
