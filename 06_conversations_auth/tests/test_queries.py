"""How many queries a page, a connection and a message cost."""

import re

import pytest
from django.contrib.auth import get_user_model

from chat.models import Conversation, Message
from tests.conftest import log_in
from tests.frames import message, notice, say
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


async def settled(person):
    """Wait until the server has done with everything that came before."""
    await person.send_json_to({})
    await notice(person)
    return person


async def test_connecting_costs_four_queries(enter, queries):
    client = await log_in("ann")
    queries()
    await settled(await enter(client))
    asked = queries()
    # The session and the user for the scope, and again for the right to be here.
    assert len(asked) == 4, asked


@pytest.mark.parametrize("readers", [1, 10])
async def test_message_costs_five_queries_and_none_per_reader(
    enter, conversation, queries, readers
):
    ann = await settled(await enter("ann"))
    bobs = [await settled(await enter("bob")) for _ in range(readers)]
    queries()
    await say(ann, "Tea?")
    for bob in bobs:
        assert await message(bob) == ("other", "Tea?")
    asked = queries()
    # Session, account, the conversation's lock, the message, the one before it.
    assert len(asked) == 5, asked
    # Without that lock, numbers could become visible out of order in PostgreSQL.
    assert re.search(rf'"chat_conversation"."id" = {conversation.pk}\b', asked[2])


async def test_sync_costs_three_queries(enter, queries):
    ann = await enter("ann")
    await say(ann, "Tea?")
    bob = await settled(await enter("bob"))
    queries()
    await sync(bob)
    asked = queries()
    assert len(asked) == 3, asked  # session, account, the messages


@pytest.mark.parametrize("readers", [1, 10])
async def test_message_is_rendered_twice_and_not_per_reader(
    enter, monkeypatch, readers
):
    from chat import channel_layer

    rendered = []
    render_to_string = channel_layer.render_to_string

    def counted(template_name, context):
        rendered.append(template_name)
        return render_to_string(template_name, context)

    monkeypatch.setattr(channel_layer, "render_to_string", counted)
    ann = await enter("ann")
    bobs = [await enter("bob") for _ in range(readers)]
    await say(ann, "Tea?")
    for bob in bobs:
        assert await message(bob) == ("other", "Tea?")
    assert rendered == ["chat/partials/sender.html", "chat/partials/receiver.html"]


@pytest.mark.parametrize("model", ["message", "conversation"])
def test_admin_list_costs_the_same_with_more_in_it(
    admin_client, conversation, queries, model
):
    ann = conversation.participants.get(username="ann")
    counts = []
    for number in range(2):
        person = User.objects.create_user(f"person-{number}")
        other = Conversation.objects.get_or_create_for([ann, person])
        Message.objects.create(conversation=other, sender=person, content="Tea")
        queries()
        page = admin_client.get(f"/admin/chat/{model}/")
        counts.append(len(queries()))
        assert b"Conversation" in page.content
    assert counts[0] == counts[1]


def grow(conversation):
    """Add people, conversations and messages, as a year of use would."""
    ann = User.objects.get(username="ann")
    for number in range(10):
        person = User.objects.create_user(f"person-{number}")
        conversation.participants.add(person)
        other = Conversation.objects.get_or_create_for([ann, person])
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
