"""Check running chapters with odd requests, and under Uvicorn."""

import json
import re
from urllib.parse import quote

import pytest

from course.chapters import DEMO_PASSWORD
from course.replay import login
from tests.chapters.conftest import SERVED
from tests.support.contract import CHAPTERS
from tests.support.listening import is_message, until

# Markup, and special characters that can't become a room name.
MARKUP = ["'\"><img/src=x/onerror=alert(1)>&amp;{{7*7}}", "'\"><&"]

# URL-encoded: nothing, a space, NUL, invalid UTF-8, half of a surrogate pair, and so on.
ODD = ["", "%20", "%00", "%FF", "%ED%A0%80", "%F0%9F%98%80", "%0D%0ASet-Cookie:x", "x" * 10_000]
ODD_ROOMS = ["%20", "%00", "%FF", "%0A", "caf%C3%A9", "..%2F", "x" * 51]
ODD_NUMBERS = ["0", "-1", "x", "1.5", "%00", "9" * 30, "9" * 5000]
ODD_TEXTS = ["", " ", "\0", "\r\n", b"\xff", b"\xed\xa0\x80", "\N{GRINNING FACE}", "x" * 10_000]

INDEX = ["/chat/", *(f"/chat/?room_name={text}" for text in [*ODD, *map(quote, MARKUP)])]
ROOMS = [*INDEX, "/chat/lobby/", *(f"/chat/{name}/" for name in ODD_ROOMS)]
CONVERSATIONS = [
    "/chat/",
    "/chat/2/",
    *(f"/chat/{number}/" for number in ODD_NUMBERS),
    "/chat/2/earlier/",
    *(f"/chat/2/earlier/?before={number}" for number in ODD_NUMBERS),
    # These would do something if a GET request could.
    "/accounts/logout/",
    "/accounts/signup/?username=eve&password1=plum-cake-4&password2=plum-cake-4",
    f"/accounts/login/?username=bob&password={DEMO_PASSWORD}",
    "/chat/new/?usernames=bob",
    "/chat/2/?chat_message=Tea",
]
ADDRESSES = dict(zip(SERVED, [INDEX, ROOMS, ROOMS, CONVERSATIONS], strict=True))
ANSWERED = {200, 301, 302, 400, 401, 404, 405}

# The address of each form, and the field in which odd text is typed.
FORMS = {
    "/accounts/login/": "username",
    "/accounts/signup/": "username",
    "/chat/new/": "usernames",
}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@pytest.fixture
def unharmed(servers, request):
    """Give a chapter's server, and check that nothing has failed or been stored in the end."""
    server = servers[request.param]
    # First, because it's stored.
    ann = login.log_in(server.port, "ann") if CHAPTERS[request.param].people else ""
    before, begin = server.stored(), len(server.log())
    yield server, ann
    assert server.stored() == before
    assert server.trouble(begin) == ""


@pytest.mark.parametrize(
    ("unharmed", "paths"), ADDRESSES.items(), indirect=["unharmed"], ids=SERVED
)
def test_odd_addresses_do_no_harm(unharmed, paths):
    server, ann = unharmed
    for path in paths:
        for cookies in {ann, ""}:
            answer = server.ask("GET", path, cookies)
            assert answer.status in ANSWERED, path
            assert "sessionid" not in answer.cookies, f"{path} logs in or out"
            assert not [text for text in MARKUP if text in answer.text], path


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("unharmed", ["06_conversations_auth"], indirect=True)
def test_odd_text_in_a_form_does_no_harm(unharmed, path):
    server, ann = unharmed
    cookies = ann if path.startswith("/chat/") else ""
    page = server.ask("GET", path, cookies)
    cookies = "; ".join(filter(None, [cookies, *map("=".join, page.cookies.items())]))
    form = {"csrfmiddlewaretoken": TOKEN.search(page.text)[1], "password": "x"}
    for text in [*ODD_TEXTS, *MARKUP]:
        answer = server.ask("POST", path, cookies, {**form, FORMS[path]: text})
        assert answer.status == 200, text
        assert not [text for text in MARKUP if text in answer.text], text


# A sync consumer, an async one, and one for people who log in.
@pytest.mark.parametrize("name", list(SERVED)[1:])
def test_chapter_runs_under_uvicorn(servers, name):
    server = servers[name]
    cookies = login.log_in(server.port, "ann") if CHAPTERS[name].people else ""
    with server.open(CHAPTERS[name].socket, cookies) as page:
        page.send(json.dumps({CHAPTERS[name].key: "Tea?"}))
        assert "Tea?" in until(page, is_message)[-1]
    assert "Uvicorn running" in server.log()
