"""What a room may be called, for its page and its socket alike."""

ROOM_NAME = r"(?P<room_name>[A-Za-z0-9_-]{1,50})"
