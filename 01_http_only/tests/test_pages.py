import os

import pytest
from django.contrib.staticfiles import finders
from django.templatetags.static import static


def test_bare_address_leads_to_the_index(client):
    assert client.get("/").headers["Location"] == "/chat/"


def test_index_asks_for_a_room(client):
    page = client.get("/chat/").content.decode()
    assert 'id="room-name-input"' in page
    assert 'id="room-name-submit"' in page


@pytest.mark.parametrize(
    ("typed", "room_name"),
    [
        ("lobby", "lobby"),
        ("Café du coin", "cafe-du-coin"),
        ("under_score", "under_score"),
        ("x" * 60, "x" * 50),
    ],
)
def test_index_leads_to_the_room(client, typed, room_name):
    response = client.get("/chat/", {"room_name": typed})
    assert response.headers["Location"] == f"/chat/{room_name}/"


@pytest.mark.parametrize("typed", ["", "   ", "日本", "?!"])
def test_index_says_when_no_name_is_left(client, typed):
    response = client.get("/chat/", {"room_name": typed})
    assert response.status_code == 200
    assert response.context["form"].errors["room_name"]


def test_room_is_not_there_yet(client):
    assert client.get("/chat/lobby/").status_code == 404


def test_admin_asks_who_you_are(client):
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")


def test_edited_file_has_a_new_address():
    path, before = finders.find("chat/chat.css"), static("chat/chat.css")
    stat = os.stat(path)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns - 10**9))
    after = static("chat/chat.css")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert before != after


def test_other_sites_cannot_frame_a_page_and_browsers_do_not_guess_its_type(client):
    headers = client.get("/chat/").headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
