"""The messages of a conversation, as a page shows them."""

from chat.models import Message

MESSAGES_PER_PAGE = 50

# Numbers are given out before a message can be seen, so a lower one may come later.
OVERLAP = 20


def messages_of(conversation_id):
    """Return the messages of a conversation with their senders, the latest first."""
    messages = Message.objects.filter(conversation_id=conversation_id)
    return messages.select_related("sender").order_by("-pk")


def page_of_messages(conversation_id, before=None):
    """Return the latest messages, the oldest first, and whether there are more."""
    messages = messages_of(conversation_id)
    if before is not None:
        messages = messages.filter(pk__lt=before)
    found = list(messages[: MESSAGES_PER_PAGE + 1])  # one more, to see if there is
    return {
        "conversation_id": conversation_id,
        "messages": found[:MESSAGES_PER_PAGE][::-1],
        "has_earlier": len(found) > MESSAGES_PER_PAGE,
        "synced": found[0].pk if found else 0,
    }


def missed(conversation_id, last, handed_on):
    """Return what a page lacks that was complete up to `last`, or its latest anew."""
    newer = messages_of(conversation_id).filter(pk__gt=last - OVERLAP)
    found = list(newer.exclude(pk__in=handed_on)[: MESSAGES_PER_PAGE + 1])
    if len(found) > MESSAGES_PER_PAGE:
        return page_of_messages(conversation_id) | {"anew": True}
    numbers = [message.pk for message in found]
    return {"messages": found[::-1], "synced": max([last, *handed_on, *numbers])}
