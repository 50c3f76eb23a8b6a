"""The events that travel through the channel layer."""


def chat_message(message):
    """A message for everyone in a room."""
    return {"type": "chat.message", "message": message}


def bot_time(group_name):
    """A question to the bot: what time is it, for the people in this group?"""
    return {"type": "bot.time", "group_name": group_name}
