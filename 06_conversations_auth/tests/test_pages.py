import re

import pytest
from django.contrib.auth import get_user_model

from chat.models import Conversation, Message

pytestmark = pytest.mark.django_db(transaction=True)

User = get_user_model()


@pytest.fixture
def ann(client, conversation):
    """A client in which ann is logged in."""
    client.force_login(User.objects.get(username="ann"))
    return client


@pytest.fixture
def bob(conversation):
    return User.objects.get(username="bob")


def write(conversation, sender, *texts):
    return [
        Message.objects.create(conversation=conversation, sender=sender, content=text)
        for text in texts
    ]


def shown(response):
    """Return the texts of the messages on a page, in its order."""
    return re.findall(r"<li id=.*?<p>(.*?)</p>", response.content.decode(), re.DOTALL)


def test_bare_address_leads_to_the_index(client):
    assert client.get("/").headers["Location"] == "/chat/"


@pytest.mark.parametrize("path", ["", "new/", "{}/"])
def test_pages_ask_who_you_are(client, conversation, path):
    address = "/chat/" + path.format(conversation.pk)
    response = client.get(address)
    assert response.headers["Location"] == f"/accounts/login/?next={address}"


def test_index_lists_my_conversations_the_liveliest_first(ann, conversation, bob):
    carol = User.objects.get(username="carol")
    second = Conversation.objects.between([carol, User.objects.get(username="ann")])
    Conversation.objects.between([bob, carol])
    write(second, carol, "older")
    write(conversation, bob, "first", "latest <b>")
    page = ann.get("/chat/").content.decode()
    assert 'id="conversations"' in page
    assert re.findall(r"<strong>(.*)</strong>", page) == ["bob", "carol"]
    assert "bob: latest &lt;b&gt;" in page
    assert "first" not in page


def test_conversation_shows_its_elements(ann, conversation):
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    assert f'ws-connect="/ws/chat/{conversation.pk}/"' in page
    for element in ("content", "form", "chat_message", "status", "notice"):
        assert f'id="{element}"' in page


def test_own_messages_look_different(ann, conversation, bob):
    (theirs,) = write(conversation, bob, "theirs")
    (mine,) = write(conversation, User.objects.get(username="ann"), "mine")
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    assert f'<li id="message-{theirs.pk}" class="other"' in page
    assert f'<li id="message-{mine.pk}" class="own"' in page


def test_history_is_the_latest_fifty_in_order(ann, conversation, bob):
    write(conversation, bob, *map(str, range(120)))
    first = ann.get(f"/chat/{conversation.pk}/")
    assert shown(first) == [f"{number}" for number in range(70, 120)]
    assert "Load earlier" in first.content.decode()

    before = first.context["messages"][0].pk
    second = ann.get(f"/chat/{conversation.pk}/earlier/?before={before}")
    assert shown(second) == [f"{number}" for number in range(20, 70)]
    assert "Load earlier" in second.content.decode()

    before = second.context["messages"][0].pk
    third = ann.get(f"/chat/{conversation.pk}/earlier/?before={before}")
    assert shown(third) == [f"{number}" for number in range(20)]
    assert "Load earlier" not in third.content.decode()


def test_history_of_fifty_has_nothing_earlier(ann, conversation, bob):
    write(conversation, bob, *map(str, range(50)))
    page = ann.get(f"/chat/{conversation.pk}/")
    assert len(shown(page)) == 50
    assert "Load earlier" not in page.content.decode()


def test_markup_in_a_stored_message_is_escaped(ann, conversation, bob):
    write(conversation, bob, "<img src=x onerror=alert(1)>")
    page = ann.get(f"/chat/{conversation.pk}/")
    assert shown(page) == ["&lt;img src=x onerror=alert(1)&gt;"]


@pytest.mark.parametrize("path", ["{}/", "{}/earlier/?before=10"])
def test_strangers_find_nothing(client, conversation, path):
    client.force_login(User.objects.get(username="carol"))
    assert client.get("/chat/" + path.format(conversation.pk)).status_code == 404
    assert client.get("/chat/" + path.format(10**30)).status_code == 404


def test_earlier_messages_are_not_for_the_logged_out(client, conversation):
    path = f"/chat/{conversation.pk}/earlier/?before=10"
    assert client.get(path).status_code == 401


@pytest.mark.parametrize("query", ["", "?before=", "?before=x", "?before=1.5"])
def test_earlier_than_what_has_to_be_said(ann, conversation, query):
    response = ann.get(f"/chat/{conversation.pk}/earlier/{query}")
    assert response.status_code == 400


@pytest.mark.parametrize("before", [-1, 0, 10**30])
def test_earlier_than_any_number_is_answered(ann, conversation, before):
    response = ann.get(f"/chat/{conversation.pk}/earlier/?before={before}")
    assert response.status_code == 200


@pytest.mark.parametrize("typed", ["carol", "bob, carol", " carol  bob ann"])
def test_new_conversation_has_the_people_typed(ann, typed):
    response = ann.post("/chat/new/", {"usernames": typed})
    conversation = Conversation.objects.latest("pk")
    assert response.headers["Location"] == f"/chat/{conversation.pk}/"
    names = {person.username for person in conversation.participants.all()}
    assert names == {"ann", *re.findall(r"\w+", typed)}


def test_conversation_that_exists_is_found_again(ann, conversation):
    response = ann.post("/chat/new/", {"usernames": "bob"})
    assert response.headers["Location"] == f"/chat/{conversation.pk}/"
    assert Conversation.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "required"),
        (" , ", "other than yourself"),
        ("ann", "other than yourself"),
        ("bob, dave, erin", "Nobody here is called dave, erin."),
        ("\0", "Null characters"),
        (" ".join(f"p{number}" for number in range(21)), "20 people at most"),
    ],
)
def test_what_is_wrong_with_the_names_is_said(ann, typed, said):
    response = ann.post("/chat/new/", {"usernames": typed})
    assert said in " ".join(response.context["form"].errors["usernames"])
    assert Conversation.objects.count() == 1


def test_nothing_comes_from_another_host(ann, conversation):
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    assert "django_htmx/htmx-2.min.js" in page
    assert "//" not in page
