"""What other sites, other people and the Back button must not be able to do."""

import re

import pytest
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model
from django.test import Client

from chat.models import Conversation
from config.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)

User = get_user_model()


@pytest.fixture
def ann(client, conversation):
    """A client in which ann is logged in."""
    client.force_login(User.objects.get(username="ann"))
    return client


@pytest.fixture
def strict(conversation):
    """A client like ann's browser: the server asks it for CSRF tokens."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get(username="ann"))
    return client


@pytest.mark.parametrize(
    "path",
    [
        "/chat/",
        "/chat/new/",
        "/chat/{}/",
        "/chat/{}/earlier/?before=10",
        "/accounts/signup/",
        "/admin/",
    ],
)
def test_browser_keeps_no_copy_of_a_page_for_the_back_button(ann, conversation, path):
    User.objects.update(is_staff=True)
    response = ann.get(path.format(conversation.pk))
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/chat/", "/chat/new/", "/chat/{}/"])
def test_page_of_someone_logged_out_is_not_kept_either(client, conversation, path):
    response = client.get(path.format(conversation.pk))
    assert "no-store" in response.headers["Cache-Control"]


def test_pages_may_not_be_framed_nor_their_type_guessed(ann):
    headers = ann.get("/chat/").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_other_sites_do_not_get_the_session_cookie_sent(client):
    new = {"username": "dave", "password1": "plum-cake-4", "password2": "plum-cake-4"}
    cookies = client.post("/accounts/signup/", new).cookies
    assert cookies["sessionid"]["samesite"] == "Lax"
    assert cookies["sessionid"]["httponly"]
    assert cookies["csrftoken"]["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/accounts/login/", {"username": "bob", "password": "plum-cake-4"}),
        ("/accounts/logout/", {}),
        ("/accounts/signup/", {"username": "dave"}),
        ("/chat/new/", {"usernames": "carol"}),
    ],
)
@pytest.mark.parametrize("debug", [True, False])
def test_form_without_a_token_is_refused_in_plain_words(
    strict, settings, path, fields, debug
):
    settings.DEBUG = debug
    response = strict.post(path, fields)
    page = response.content.decode()
    assert response.status_code == 403
    assert "Please try again" in page
    assert '<a href="/chat/">Your conversations</a>' in page
    assert strict.get("/chat/").status_code == 200  # still logged in
    assert Conversation.objects.count() == 1
    assert not User.objects.filter(username="dave").exists()


def token_in(page):
    return re.search(
        r'name="csrfmiddlewaretoken" value="(\w+)"', page.content.decode()
    )[1]


def test_page_from_before_the_login_cannot_log_out_but_leads_home(strict):
    user = User.objects.get(username="ann")
    user.set_password("plum-cake-4")
    user.save()
    page = strict.get("/accounts/login/")
    stale = token_in(page)
    credentials = {"username": "ann", "password": "plum-cake-4"}
    form = {**credentials, "csrfmiddlewaretoken": stale}
    assert strict.post("/accounts/login/", form).headers["Location"] == "/chat/"
    refused = strict.post("/accounts/logout/", {"csrfmiddlewaretoken": stale})
    assert refused.status_code == 403
    fresh = {"csrfmiddlewaretoken": token_in(refused)}  # the page has a button itself
    assert strict.post("/accounts/logout/", fresh).status_code == 302


def test_signing_up_never_makes_staff(client, conversation):
    form = {
        "username": "dave",
        "password1": "plum-cake-4",
        "password2": "plum-cake-4",
        "is_staff": "on",
        "is_superuser": "on",
        "conversations": f"{conversation.pk}",
    }
    client.post("/accounts/signup/", form)
    dave = User.objects.get(username="dave")
    assert not (dave.is_staff or dave.is_superuser)
    assert not dave.conversations.exists()


def test_login_never_redirects_to_another_site(client, conversation):
    user = User.objects.get(username="ann")
    user.set_password("plum-cake-4")
    user.save()
    form = {"username": "ann", "password": "plum-cake-4", "next": "//elsewhere.example"}
    assert client.post("/accounts/login/", form).headers["Location"] == "/chat/"


@pytest.mark.parametrize("path", ["/ws/chat/1/", "/ws/unknown/", "/"])
async def test_page_of_another_site_is_refused_on_every_path(path):
    headers = [(b"origin", b"https://elsewhere.example")]
    communicator = WebsocketCommunicator(application, path, headers)
    accepted, _ = await communicator.connect()
    assert not accepted


async def test_client_without_an_origin_is_refused():
    communicator = WebsocketCommunicator(application, "/ws/chat/1/")
    accepted, _ = await communicator.connect()
    assert not accepted
