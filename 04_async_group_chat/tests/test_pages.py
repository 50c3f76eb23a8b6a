import pytest


def test_bare_address_redirects_to_the_index(client):
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


def test_typed_markup_stays_text(client):
    page = client.get("/chat/", {"room_name": '"><日>'}).content.decode()
    assert 'value="&quot;&gt;&lt;日&gt;"' in page


@pytest.mark.parametrize("path", ["/chat/", "/chat/lobby/"])
def test_no_other_site_may_frame_a_page(client, path):
    assert client.get(path).headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("path", ["/chat/", "/chat/lobby/"])
def test_browser_may_not_guess_the_type_of_a_file(client, path):
    assert client.get(path).headers["X-Content-Type-Options"] == "nosniff"


def test_room_has_a_log_and_a_form(client):
    page = client.get("/chat/lobby/").content.decode()
    assert 'id="chat-log"' in page
    assert 'id="chat-message-input"' in page
    assert 'id="chat-message-submit"' in page


def test_room_hands_the_socket_path_to_the_script(client):
    page = client.get("/chat/lobby/").content.decode()
    assert 'type="application/json">"/ws/chat/lobby/"</script>' in page


def test_socket_path_begins_where_the_site_does(client):
    page = client.get("/chat/lobby/", SCRIPT_NAME="/app").content.decode()
    assert '"/app/ws/chat/lobby/"' in page


def test_room_with_the_longest_name_is_found(client):
    assert client.get(f"/chat/{'x' * 50}/").status_code == 200


@pytest.mark.parametrize("room_name", ["two words", "café", "a.b", "x" * 51])
def test_room_needs_a_proper_name(client, room_name):
    assert client.get(f"/chat/{room_name}/").status_code == 404


def test_admin_requires_a_login(client):
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")
