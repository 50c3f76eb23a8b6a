import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string

from chat.frames import MAX_MESSAGE_LENGTH
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
    return re.findall(
        r"<li id=.*?<p.*?>(.*?)</p>", response.content.decode(), re.DOTALL
    )


def test_bare_address_redirects_to_the_index(client):
    assert client.get("/").headers["Location"] == "/chat/"


@pytest.mark.parametrize("path", ["", "new/", "{}/"])
def test_pages_require_a_login(client, conversation, path):
    address = "/chat/" + path.format(conversation.pk)
    response = client.get(address)
    assert response.headers["Location"] == f"/accounts/login/?next={address}"


def test_index_lists_my_conversations_most_recent_first(ann, conversation, bob):
    carol = User.objects.get(username="carol")
    second = Conversation.objects.get_or_create_for(
        [carol, User.objects.get(username="ann")]
    )
    Conversation.objects.get_or_create_for([bob, carol])
    write(second, carol, "older")
    write(conversation, bob, "first", "latest <b>")
    page = ann.get("/chat/").content.decode()
    assert 'id="conversations"' in page
    assert re.findall(r"<strong.*?>(.*)</strong>", page) == ["bob", "carol"]
    assert "<bdi>bob</bdi>: latest &lt;b&gt;" in page
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
    assert "data-previous" not in page  # the cursor covers all of them


def test_name_and_text_of_a_message_keep_their_own_direction(ann, conversation, bob):
    write(conversation, bob, "theirs")
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    assert "<bdi>bob</bdi>" in page
    assert '<p dir="auto">theirs</p>' in page
    assert 'dir="auto" required' in page


def test_page_lets_htmx_run_no_scripts(ann, conversation):
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    (config,) = re.findall(r"<meta name=\"htmx-config\" content='(.*?)'>", page)
    assert json.loads(config)["allowEval"] is False
    assert json.loads(config)["allowScriptTags"] is False


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
def test_strangers_get_a_404(client, conversation, path):
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
        (" ".join(f"p{number}" for number in range(20)), "Nobody here is called p0,"),
    ],
)
def test_errors_in_names_are_explained(ann, typed, said):
    response = ann.post("/chat/new/", {"usernames": typed})
    assert said in " ".join(response.context["form"].errors["usernames"])
    assert Conversation.objects.count() == 1


def test_looking_at_the_form_creates_no_conversation(ann):
    for query in ("", "?usernames=carol"):
        assert ann.get(f"/chat/new/{query}").status_code == 200
    assert Conversation.objects.count() == 1


def begin(client, typed):
    """Begin a conversation: return the names of the people in it, or None."""
    response = client.post("/chat/new/", {"usernames": typed})
    if response.status_code == 200:
        assert "Nobody here is called" in response.content.decode()
        return None
    number = re.fullmatch(r"/chat/(\d+)/", response.headers["Location"])[1]
    people = Conversation.objects.get(pk=number).participants.all()
    return {person.username for person in people}


def test_inactive_people_cannot_be_named(ann):
    User.objects.create_user("dave", is_active=False)
    assert begin(ann, "dave") is None
    User.objects.create_user("Dave")
    assert begin(ann, "dave") == {"ann", "Dave"}


@pytest.mark.parametrize("typed", ["Bob", "BOB", "bob Bob"])
def test_capitals_that_a_phone_put_in_do_not_matter(ann, typed):
    assert begin(ann, typed) == {"ann", "bob"}


def test_of_two_names_that_differ_in_capitals_the_exact_one_is_meant(ann):
    for username in ("dora", "Dora"):
        User.objects.create_user(username)
    assert begin(ann, "Dora") == {"ann", "Dora"}
    assert begin(ann, "dora") == {"ann", "dora"}
    assert begin(ann, "Dora, dora") == {"ann", "Dora", "dora"}
    assert begin(ann, "DORA") is None


def test_name_typed_in_another_unicode_form_is_found(ann):
    User.objects.create_user("ångström")  # stored in the form NFKC
    assert begin(ann, "a\u030angstro\u0308m") == {"ann", "ångström"}


@pytest.mark.parametrize("typed", ["bo", "ob", "bobb", "%", "b_b"])
def test_part_of_a_name_is_not_enough(ann, typed):
    assert begin(ann, typed) is None


def test_underscore_in_a_name_is_not_a_wildcard(ann):
    User.objects.create_user("d_ve")
    User.objects.create_user("dave")
    assert begin(ann, "D_ve") == {"ann", "d_ve"}


def test_conversation_of_more_people_is_another_one(ann, conversation):
    User.objects.create_user("dave")
    assert begin(ann, "bob carol") == {"ann", "bob", "carol"}
    assert begin(ann, "carol") == {"ann", "carol"}
    assert begin(ann, "bob") == {"ann", "bob"}
    assert begin(ann, "dave bob") == {"ann", "bob", "dave"}
    assert Conversation.objects.count() == 4


def test_conversation_is_named_after_the_other_participants(ann, conversation, bob):
    for username in ("dave", "abel"):
        conversation.participants.add(User.objects.create_user(username))
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    assert '<h1 dir="auto">abel, bob, dave</h1>' in page
    User.objects.exclude(username="ann").delete()
    assert (
        '<strong dir="auto">Nobody else</strong>' in ann.get("/chat/").content.decode()
    )


def test_list_shows_the_latest_message_and_its_sender(ann, conversation, bob):
    write(conversation, bob, "first")
    write(conversation, User.objects.get(username="ann"), "last")
    # The clock was set back in between: the numbers still tell the order.
    Message.objects.filter(content="last").update(timestamp="2001-01-01T00:00Z")
    page = ann.get("/chat/").content.decode()
    assert "<bdi>ann</bdi>: last" in page
    assert "first" not in page


def test_conversation_without_messages_comes_last(ann, conversation, bob):
    carol = User.objects.get(username="carol")
    me = User.objects.get(username="ann")
    empty = Conversation.objects.get_or_create_for([me, carol])
    write(conversation, bob, "hello")
    listed = [each.pk for each, _ in ann.get("/chat/").context["conversations"]]
    assert listed == [conversation.pk, empty.pk]


def test_long_message_is_cut_in_the_list(ann, conversation, bob):
    write(conversation, bob, "x" * 101)
    assert f"bob</bdi>: {'x' * 99}…" in ann.get("/chat/").content.decode()


def test_page_ends_with_the_cursor_of_its_latest_message(ann, conversation, bob):
    address = f"/chat/{conversation.pk}/"
    assert '<data id="synced" value="0" hidden' in ann.get(address).content.decode()
    *_, last = write(conversation, bob, *map(str, range(60)))
    page = ann.get(address).content.decode()
    assert f'<data id="synced" value="{last.pk}" hidden' in page


MARKUP = "<b>x</b>"


def test_markup_in_a_user_name_is_escaped(client, conversation):
    dave, erin = map(User.objects.create_user, [MARKUP, "<i>y</i>"])
    shared = Conversation.objects.get_or_create_for([dave, erin])
    write(shared, dave, "mine")
    write(shared, erin, "theirs")
    client.force_login(dave)
    for path in ("", "new/", f"{shared.pk}/", f"{shared.pk}/earlier/?before=1000000"):
        page = client.get(f"/chat/{path}").content.decode()
        assert MARKUP not in page and "<i>" not in page
        assert "&lt;b&gt;" in page or "&lt;i&gt;" in page
    error = client.post("/chat/new/", {"usernames": MARKUP + "!"}).content.decode()
    assert "called &lt;b&gt;x&lt;/b&gt;!." in error and MARKUP not in error


def test_page_can_be_used_without_seeing_it(ann, conversation):
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    assert '<html lang="en">' in page
    assert '<div role="log" aria-label="Messages">' in page
    assert '<p id="status" class="quiet" role="status">' in page
    assert '<p id="notice" class="notice" role="alert">' in page
    assert '<label for="chat_message">Your message</label>' in page
    names = ann.get("/chat/new/").content.decode()
    assert '<label for="id_usernames">With whom?</label>' in names
    assert 'autocapitalize="none"' in names
    assert " autofocus" in names
    assert re.search(r'<ol id="content" [^>]*tabindex="0"', page)  # keys can scroll it


def test_input_takes_no_more_than_the_server_does(ann, conversation):
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    (field,) = re.findall(r'<input id="chat_message".*?>', page, re.DOTALL)
    assert f'maxlength="{MAX_MESSAGE_LENGTH}"' in field
    assert " required" in field
    assert 'autocomplete="off"' in field


def test_address_of_the_socket_follows_that_of_the_site(ann, conversation):
    page = ann.get(f"/chat/{conversation.pk}/", SCRIPT_NAME="/app").content.decode()
    assert f'ws-connect="/app/ws/chat/{conversation.pk}/"' in page


def test_nothing_comes_from_another_host(ann, conversation):
    page = ann.get(f"/chat/{conversation.pk}/").content.decode()
    assert "django_htmx/htmx-2.min.js" in page
    assert "//" not in page


def test_markup_in_a_notice_is_escaped():
    notice = render_to_string("chat/partials/notice.html", {"notice": MARKUP})
    assert MARKUP not in notice and "&lt;b&gt;" in notice
