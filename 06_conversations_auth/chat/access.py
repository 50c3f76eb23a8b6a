"""Check in the database who may be in a conversation."""

from django.contrib.auth import SESSION_KEY, get_user_model

# The close codes of the WebSocket that say why.
NOT_LOGGED_IN = 4401
NOT_A_PARTICIPANT = 4403


class Refused(Exception):
    """This user may not be here, or no longer."""

    def __init__(self, close_code):
        super().__init__(close_code)
        self.close_code = close_code


def check(scope, conversation_id):
    """Raise Refused unless the user is still logged in and takes part. Two queries."""
    user = scope["user"]
    session = scope["session"].__class__(scope["session"].session_key)  # reloaded
    users = get_user_model().objects.filter(pk=user.pk)
    participant = users.filter(conversations__pk=conversation_id).first()
    account = participant or users.first()
    if (
        session.get(SESSION_KEY) != str(user.pk)
        or not account
        or not account.is_active
        or account.password != user.password  # a new password ends all sessions
    ):
        raise Refused(NOT_LOGGED_IN)
    if not participant:
        raise Refused(NOT_A_PARTICIPANT)
