"""The groups of the channel layer."""


def conversation_group(conversation_id):
    """Return the name of the group that holds everyone in a conversation."""
    return f"chat_{conversation_id}"


def user_group(user_id):
    """Return the name of the group that holds every page of one person."""
    return f"user_{user_id}"
