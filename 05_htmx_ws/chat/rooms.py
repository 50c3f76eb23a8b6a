"""What a room may be called, for its page, its socket and its group alike."""

ROOM_NAME = r"(?P<room_name>[A-Za-z0-9_-]{1,50})"


def group_name(room_name):
    """Return the name of the group that holds everyone in a room."""
    return f"chat_{room_name}"
