import pytest
from django.contrib.auth import get_user_model

pytestmark = pytest.mark.django_db(transaction=True)

User = get_user_model()

NEW = {"username": "dave", "password1": "plum-cake-4", "password2": "plum-cake-4"}


def test_signing_up_logs_in(client):
    assert client.post("/accounts/signup/", NEW).headers["Location"] == "/chat/"
    assert client.get("/chat/").context["user"].username == "dave"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"username": "ann"}, "already exists"),
        ({"password2": "plum-cake-5"}, "match"),
        ({"password1": "12345678", "password2": "12345678"}, "too common"),
    ],
)
def test_errors_in_a_new_account_are_explained(client, conversation, change, said):
    response = client.post("/accounts/signup/", NEW | change)
    assert said in response.content.decode()
    assert User.objects.count() == 3


def test_logging_in_leads_to_the_requested_page(client, conversation):
    user = User.objects.get(username="ann")
    user.set_password("plum-cake-4")
    user.save()
    wanted = f"/chat/{conversation.pk}/"
    login = client.get(wanted).headers["Location"]
    page = client.get(login).content.decode()
    assert f'name="next" value="{wanted}"' in page
    response = client.post(
        "/accounts/login/",
        {"username": "ann", "password": "plum-cake-4", "next": wanted},
    )
    assert response.headers["Location"] == wanted


def test_person_who_is_logged_in_needs_no_login_page(client, conversation):
    client.force_login(User.objects.get(username="ann"))
    assert client.get("/accounts/login/").headers["Location"] == "/chat/"


def test_logging_out_needs_a_post_request(client, conversation):
    client.force_login(User.objects.get(username="ann"))
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").headers["Location"] == "/accounts/login/"
    assert client.get("/chat/").status_code == 302
