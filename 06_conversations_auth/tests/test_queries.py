"""What a page, a connection and a message cost, in queries to the database."""

import pytest
from django.contrib.auth import get_user_model

from chat.models import Conversation, Message
from tests.conftest import log_in
from tests.frames import message, say
from tests.test_sync import sync

pytestmark = pytest.mark.django_db(transaction=True)

User = get_user_model()

TRANSACTION_CONTROL = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")


@pytest.fixture
def queries(settings, caplog):
    """Return a function that lists the queries of all threads since its last call."""
    settings.DEBUG = True  # Django logs its queries only then
    caplog.set_level("DEBUG", logger="django.db.backends")

    def queries():
        asked = [record.sql for record in caplog.records if hasattr(record, "sql")]
        caplog.clear()
        return [sql for sql in asked if not sql.startswith(TRANSACTION_CONTROL)]

    return queries


async def test_connecting_costs_three(enter, queries):
    client = await log_in("ann")
    queries()
    await enter(client)
    asked = queries()
    assert len(asked) == 3, asked  # the session, the user, the right to be here


@pytest.mark.parametrize("readers", [1, 10])
async def test_message_costs_three_and_none_per_reader(enter, queries, readers):
    ann = await enter("ann")
    bobs = [await enter("bob") for _ in range(readers)]
    queries()
    await say(ann, "Tea?")
    for bob in bobs:
        assert await message(bob) == ("other", "Tea?")
    asked = queries()
    assert len(asked) == 3, asked  # the right to write, is it there, the message


async def test_asking_what_was_missed_costs_two(enter, queries):
    ann = await enter("ann")
    await say(ann, "Tea?")
    bob = await enter("bob")
    queries()
    await sync(bob)
    asked = queries()
    assert len(asked) == 2, asked  # the right to be here, the messages


@pytest.mark.parametrize("readers", [1, 10])
async def test_message_is_rendered_twice_and_not_per_reader(
    enter, monkeypatch, readers
):
    from chat import events

    rendered = []
    render_to_string = events.render_to_string

    def counted(template_name, context):
        rendered.append(template_name)
        return render_to_string(template_name, context)

    monkeypatch.setattr(events, "render_to_string", counted)
    ann = await enter("ann")
    bobs = [await enter("bob") for _ in range(readers)]
    await say(ann, "Tea?")
    for bob in bobs:
        assert await message(bob) == ("other", "Tea?")
    assert rendered == ["chat/partials/sender.html", "chat/partials/receiver.html"]


def grow(conversation):
    """Add people, conversations and messages, as a year of use would."""
    ann = User.objects.get(username="ann")
    for number in range(10):
        person = User.objects.create_user(f"person-{number}")
        conversation.participants.add(person)
        other = Conversation.objects.between([ann, person])
        for sender in (ann, person):
            for place in (conversation, other):
                Message.objects.create(conversation=place, sender=sender, content="Tea")


@pytest.mark.parametrize("path", ["", "{}/", "{}/earlier/?before=1000000"])
def test_pages_cost_the_same_when_everything_grows(client, conversation, queries, path):
    client.force_login(User.objects.get(username="ann"))
    address = "/chat/" + path.format(conversation.pk)
    queries()
    assert client.get(address).status_code == 200
    few = queries()
    grow(conversation)
    queries()
    page = client.get(address)
    many = queries()
    assert b"Tea" in page.content
    assert len(few) == len(many) <= 5, many
