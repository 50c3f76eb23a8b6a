"""Check what went wrong in real use: other servers, subpaths, shared Redis, cached files."""

import json
import os
import re
import socket
import threading
import time

import pytest
from websockets.exceptions import InvalidStatus

from course import console, processes
from course.tasks import services
from tests.support.contract import CHAPTERS, WITH_SOCKET
from tests.support.listening import is_message, until
from tests.support.visit import Visit

WITH_LAYER = WITH_SOCKET[1:]
OLD = 20 * 24 * 3600  # seconds; browsers guess from a file's age how long it stays fresh
EDITED = "\nbody { outline: 7px solid red; }\n"
OUTLINE = "getComputedStyle(document.body).outlineWidth"
RUNSERVER = "manage runserver --noreload {}"


@pytest.fixture(scope="module")
def redis():
    """The URL of a Redis."""
    try:
        with services.redis(os.environ) as url:
            yield url
    except console.CourseError as trouble:
        pytest.skip(str(trouble))


def send_and_receive(visit: Visit, text: str):
    """Send a message over a new socket, and return the frame that brings it back."""
    with visit.enter(0) as page:
        page.send(json.dumps({visit.contract.key: text}))
        return until(page, is_message)[-1]


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("command", ["", RUNSERVER], ids=["daphne", "runserver"])
@pytest.mark.parametrize("name", ["01_http_only", "05_htmx_ws", "06_conversations_auth"])
def test_edited_stylesheet_is_used_on_the_next_visit(
    chapter_folders,
    serve_copy,
    chromium,
    name,
    command,
):
    served = serve_copy(chapter_folders[name], command.format(processes.free_port()))
    stylesheet = served.folder / "chat" / "static" / "chat" / "chat.css"
    long_ago = time.time() - OLD
    os.utime(stylesheet, (long_ago, long_ago))
    page = chromium.new_page()
    assert processes.until(lambda: is_open(served.port), 20, threading.Event())
    page.goto(f"{served.origin}/chat/")
    assert page.evaluate(OUTLINE) != "7px"
    stylesheet.write_text(stylesheet.read_text() + EDITED)
    page.goto(page.url)  # as a link would; a reload asks the server in any case
    assert page.evaluate(OUTLINE) == "7px"
    page.close()


@pytest.mark.parametrize("name", WITH_SOCKET)
def test_socket_works_under_a_subpath(chapter_folders, serve_copy, name):
    command = "daphne -p 0 --root-path /app config.asgi:application"
    visit = Visit(CHAPTERS[name], serve_copy(chapter_folders[name], command))
    assert visit.server.ask("GET", "/app/static/chat/chat.css").status == 200
    if visit.contract.people:
        page = visit.server.ask("GET", "/app/accounts/login/")
        assert 'href="/app/accounts/signup/"' in page.text
        return  # the chapter's own tests check the path of its socket
    page = visit.server.ask("GET", "/app/chat/lobby/").text
    (path,) = re.findall(r'ws-connect="(.+?)"|"(/app/ws/.+?)"', page)
    with visit.server.open("".join(path)) as opened:
        opened.send(json.dumps({visit.contract.key: "Tea?"}))
        assert "Tea?" in until(opened, is_message)[-1]


@pytest.mark.parametrize("name", WITH_SOCKET)
def test_chapter_runs_under_uvicorn(chapter_folders, serve_copy, name):
    command = "uvicorn --port 0 config.asgi:application"
    visit = Visit(CHAPTERS[name], serve_copy(chapter_folders[name], command))
    assert "Tea?" in send_and_receive(visit, "Tea?")


@pytest.mark.parametrize(
    ("one", "other"),
    [*((name, name) for name in WITH_LAYER), ("04_async_group_chat", "05_htmx_ws")],
)
def test_two_projects_on_one_redis_do_not_mix(chapter_folders, serve_copy, redis, one, other):
    first, second = [
        Visit(CHAPTERS[name], serve_copy(chapter_folders[name], REDIS_URL=redis))
        for name in (one, other)
    ]
    for visit in (first, second):
        visit.log_in()
    with first.enter(1) as here, second.enter(1) as there:
        # Listener and speaker have their own sockets, so the message has to come through Redis.
        for visit, listener, text in ((first, here, "first"), (second, there, "second")):
            with visit.enter(0) as speaker:
                speaker.send(json.dumps({visit.contract.key: f"from the {text}"}))
                received = [frame for frame in until(listener, is_message) if is_message(frame)]
                assert f"from the {text}" in received[0]


@pytest.mark.parametrize("name", WITH_LAYER)
def test_server_logs_which_layer_it_uses(chapter_folders, serve_copy, redis, name):
    memory = serve_copy(chapter_folders[name])
    shared = serve_copy(chapter_folders[name], REDIS_URL=redis)
    assert memory.port and shared.port
    assert "Channel layer: in memory." in memory.log()
    assert "Channel layer: Redis" in shared.log()


@pytest.mark.parametrize("name", WITH_SOCKET)
def test_missing_route_checks_the_origin_too(chapter_folders, visits, name):
    with pytest.raises(InvalidStatus) as refused:
        visits[name].server.open("/ws/nowhere/", origin="http://evil.example")
    assert refused.value.response.status_code == 403
