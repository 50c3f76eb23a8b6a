from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from chat.models import Conversation, Message

PASSWORD = "channels-demo"

CONVERSATIONS = [
    [
        ("ann", "Are you coming to the garden on Saturday?"),
        ("bob", "Yes, at ten. Shall I bring the ladder?"),
        ("ann", "Please do. The plums are ripe."),
    ],
    [
        ("carol", "The kettle is mended."),
        ("bob", "Tea at four, then?"),
        ("ann", "I will bring a plum cake."),
    ],
]


class Command(BaseCommand):
    help = "Make three people and two conversations, to try the chat with."

    @transaction.atomic
    def handle(self, *args, **options):
        if not settings.DEBUG:
            raise CommandError(
                "The demo's password is public, so it's only for DEBUG = True."
            )
        people = {name: self.person(name) for name in ("ann", "bob", "carol")}
        for lines in CONVERSATIONS:
            names = sorted({name for name, _ in lines})
            participants = [people[name] for name in names]
            conversation = Conversation.objects.get_or_create_for(participants)
            if not conversation.messages.exists():
                for name, content in lines:
                    Message.objects.create(
                        conversation=conversation, sender=people[name], content=content
                    )
        self.stdout.write(
            f"Log in as {', '.join(people)}, each with the password {PASSWORD}"
        )

    def person(self, name):
        User = get_user_model()
        person, created = User.objects.get_or_create(**{User.USERNAME_FIELD: name})
        if created:
            person.set_password(PASSWORD)
            person.save()
        return person
