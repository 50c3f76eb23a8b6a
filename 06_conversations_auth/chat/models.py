from django.conf import settings
from django.db import models
from django.db.models import Count, F, OuterRef, Subquery


class ConversationQuerySet(models.QuerySet):
    def latest_first(self):
        """Sort by the latest message, and have it at hand."""
        latest = Message.objects.filter(conversation=OuterRef("pk")).order_by("-pk")
        return self.annotate(
            latest_pk=Subquery(latest.values("pk")[:1]),
            latest_sender=Subquery(latest.values("sender__username")[:1]),
            latest_content=Subquery(latest.values("content")[:1]),
        ).order_by(F("latest_pk").desc(nulls_last=True), "-pk")

    def between(self, people):
        """Return the conversation of exactly these people, made if there is none."""
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
        """Return the names of everybody else in it."""
        others = [person for person in self.participants.all() if person != user]
        return ", ".join(sorted(person.username for person in others)) or "Nobody else"


class Message(models.Model):
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages"
    )
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="messages"
    )
    content = models.TextField()
    timestamp = models.DateTimeField(auto_now_add=True)
    # Given by the page that sends it; messages from elsewhere have none.
    client_id = models.UUIDField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "sender", "client_id"], name="sent_once"
            )
        ]
        # The way a conversation is read: its latest messages first.
        indexes = [models.Index(fields=["conversation", "-id"])]

    def __str__(self):
        return f"Message {self.pk} in conversation {self.conversation_id}"
