"""The events that travel through the channel layer."""

from django.template.loader import render_to_string


def chat_message(message):
    """A message for everyone in a room, rendered once for all of them."""
    html = render_to_string("chat/partials/ws_response.html", {"message": message})
    return {"type": "chat.message", "html": html}


def bot_time(group_name):
    """A question to the bot: what time is it, for the people in this group?"""
    return {"type": "bot.time", "group_name": group_name}
