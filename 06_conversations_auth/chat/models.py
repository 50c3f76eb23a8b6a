from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, transaction
from django.db.models import Count, F, OuterRef, Subquery


class ConversationQuerySet(models.QuerySet):
    def latest_first(self):
        """Sort by the latest message, and fetch it, too."""
        username = get_user_model().USERNAME_FIELD
        latest = Message.objects.filter(conversation=OuterRef("pk")).order_by("-pk")
        return self.annotate(
            latest_pk=Subquery(latest.values("pk")[:1]),
            latest_sender=Subquery(latest.values(f"sender__{username}")[:1]),
            latest_content=Subquery(latest.values("content")[:1]),
        ).order_by(F("latest_pk").desc(nulls_last=True), "-pk")

    @transaction.atomic
    def get_or_create_for(self, people):
        """Find the conversation of exactly these people, or create it."""
        # Two of them may begin it at the same moment: the second waits here.
        users = get_user_model().objects.filter(pk__in=[person.pk for person in people])
        list(users.order_by("pk").select_for_update(no_key=True))
        found = self.annotate(size=Count("participants")).filter(size=len(people))
        for person in people:
            found = found.filter(participants=person)
        conversation = found.first()
        if conversation is None:
            conversation = self.create()
            conversation.participants.set(people)
        return conversation


class Conversation(models.Model):
    participants = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="conversations"
    )

    objects = ConversationQuerySet.as_manager()

    def __str__(self):
        return f"Conversation {self.pk}"

    def name_for(self, user):
        """Return the names of the other participants."""
        others = [person for person in self.participants.all() if person != user]
        return ", ".join(sorted(str(person) for person in others)) or "Nobody else"


class MessageQuerySet(models.QuerySet):
    def post(self, content, **sent):
        """Store a message, or find it if its page has sent it before."""
        try:
            with transaction.atomic():
                return self.create(content=content, **sent)
        except IntegrityError:
            if stored := self.filter(**sent).first():
                return stored
            raise


class Message(models.Model):
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="messages"
    )
    content = models.TextField()
    timestamp = models.DateTimeField(auto_now_add=True)
    # Made up by the page that sends the message; messages from elsewhere have none.
    client_id = models.UUIDField(null=True, editable=False)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "sender", "client_id"],
                name="chat_message_sent_once",
            )
        ]
        # The way a conversation is read: its latest messages first.
        indexes = [models.Index(fields=["conversation", "-id"])]

    def __str__(self):
        return f"Message {self.pk} in conversation {self.conversation_id}"

    def save(self, *args, **kwargs):
        """Store a conversation's messages one at a time, so numbers appear in order."""
        with transaction.atomic():
            conversations = Conversation.objects.select_for_update(no_key=True)
            conversations.filter(pk=self.conversation_id).first()
            super().save(*args, **kwargs)

    def previous_pk(self):
        """Return the number of the message before this one, or 0."""
        messages = Message.objects.filter(conversation_id=self.conversation_id)
        earlier = messages.filter(pk__lt=self.pk).order_by("-pk")
        return earlier.values_list("pk", flat=True).first() or 0
