"""Who may be in a conversation, asked of the database whenever it matters."""

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef
from django.utils import timezone

from chat.models import Conversation

# The close codes of the WebSocket that say why.
NOT_LOGGED_IN = 4401
NO_PARTICIPANT = 4403


class Refused(Exception):
    """Somebody may not be here, or no longer."""

    def __init__(self, close_code):
        super().__init__(close_code)
        self.close_code = close_code


def check(scope, conversation_id):
    """Raise Refused unless its user is logged in and takes part. One query."""
    user, session = scope["user"], scope["session"]
    if not user.is_authenticated:
        raise Refused(NOT_LOGGED_IN)
    open_session = Session.objects.filter(
        session_key=session.session_key, expire_date__gt=timezone.now()
    )
    membership = Conversation.objects.filter(
        pk=conversation_id, participants=OuterRef("pk")
    )
    # A session ends with the password it was opened with.
    account = get_user_model().objects.filter(
        Exists(open_session), pk=user.pk, password=user.password, is_active=True
    )
    takes_part = account.values_list(Exists(membership), flat=True).first()
    if takes_part is None:
        raise Refused(NOT_LOGGED_IN)
    if not takes_part:
        raise Refused(NO_PARTICIPANT)
