"""Check chapter 6 on PostgreSQL: slow transactions, long gaps, killed servers, restarts."""

import contextlib
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.pages import (
    check_pages,
    check_recovery,
    retry_until_acknowledged,
    talk,
    wait_until_complete,
)
from tests.faults.processes import until
from tests.faults.sockets import Crowd, open_socket

HOLD = 1.5  # seconds that a transaction stays open; the lock timeout is 2
# An open transaction that has stored a message. It's committed when its input is closed.
HOLD_OPEN = """
import sys
from django.contrib.auth import get_user_model
from django.db import transaction
from chat.models import Conversation, Message
conversation = Conversation.objects.get(pk={conversation})
sender = get_user_model().objects.get(username="dave")
with transaction.atomic():
    Message.objects.create(conversation=conversation, sender=sender, content="{text}")
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def chat(postgres_chat):
    """Every chat in this file uses PostgreSQL, unless a test asks for both databases."""
    return postgres_chat


def losing_layer(redis):
    return {"BACKEND": "faults_inside.LosingRedisLayer", "CONFIG": {"hosts": [redis.url]}}


def stored_count(*ledgers):
    return sum(len(ledger.stored()) for ledger in ledgers)


@pytest.mark.parametrize("count_during_hold", [8, 100])
def test_message_of_a_slow_transaction_reaches_every_page(chat, redis, count, count_during_hold):
    server = chat.serve(layer=losing_layer(redis))
    ann, bob, carol = people = chat.prepare_pages("ann", "bob", "carol")
    ann.enter()
    bob.enter()
    talk([ann, bob], 0.5)
    retry_until_acknowledged([ann, bob])
    share = count_during_hold // 4
    senders = [
        chat.sender("carol", share),
        chat.sender("dave", share),
        chat.sender("carol", share, ledger=chat.other),
        chat.sender("dave", share, ledger=chat.other),
    ]
    before = stored_count(chat.ledger, chat.other)
    text = chat.ledger.next_text("dave")
    held = chat.start_shell(HOLD_OPEN.format(conversation=chat.ledger.conversation, text=text))
    assert held.stdout.readline() == "held\n"
    release = threading.Timer(HOLD, held.stdin.close)
    release.start()
    with Crowd(senders) as crowd:
        # With a lock on the conversation, senders wait for the transaction, so this may time out.
        until(lambda: stored_count(chat.ledger, chat.other) == before + count_during_hold, 0.8)
        count("stored during the hold", stored_count(chat.ledger, chat.other) - before)
        ann.return_to_tab()
        bob.return_to_tab()
        carol.load()
        release.join()
    assert held.wait(30) == 0
    count("sent again", crowd.refused)
    assert text in dict(map(reversed, chat.ledger.stored()))
    assert server.report()["lost"] > 0
    for person in people:
        person.wait_until_connected()
        person.return_to_tab()
    check_recovery(people, count)
    check_pages(people, count)
    chat.check_log(count, 0, 1)  # a refused message is logged once a minute


def test_page_that_missed_500_messages_gets_them_all(chat, redis, proxy, count):
    first, second = chat.serve(2, redis=redis), chat.servers[1]
    proxy.servers = [first]
    people = [bob] = chat.open_pages("bob", port=proxy.port)
    talk(people, 1)
    retry_until_acknowledged(people)
    wait_until_complete(people)
    bob.mark_first_message()
    first.kill()
    bob.wait_until_disconnected()
    with chat.crowd(500, second.port):
        pass
    proxy.servers = [second]
    check_recovery(people, count)
    assert bob.still_has_marked_message()
    check_pages(people, count)
    chat.check_log_is_empty(count)


def test_pages_move_to_the_other_server_when_one_is_killed(chat, redis, proxy, count):
    first, second = chat.serve(2, redis=redis), chat.servers[1]
    proxy.servers = [first, second]
    people = chat.open_pages("ann", port=proxy.port)
    proxy.servers = [second, first]
    people += chat.open_pages("bob", port=proxy.port)
    assert (first.sockets(), second.sockets()) == (1, 1)
    with chat.crowd(100, second.port):
        talk(people, 0.5)
        first.freeze()
        talk(people, 0.3)
        first.kill()
        people[0].wait_until_disconnected()
        talk(people, 1)
    check_recovery(people, count)
    retry_until_acknowledged(people)
    assert until(lambda: second.sockets() == 2)
    check_pages(people, count)
    chat.check_log_is_empty(count)


PAIRS = 30
# Two people for each pair, and their sessions.
CREATE_PAIRS = """
import json
from django.contrib.auth import get_user_model
from django.test import Client

def log_in(name):
    client = Client()
    client.force_login(get_user_model().objects.create_user(name))
    return client.cookies["sessionid"].value

names = [(f"left-{{number}}", f"right-{{number}}") for number in range({pairs})]
print(json.dumps([[(name, log_in(name)) for name in pair] for pair in names]))
"""
COUNT_CONVERSATIONS = """
from chat.models import Conversation
print(Conversation.objects.count())
"""
TOKEN = "t" * 32  # Django accepts a form whose CSRF token equals the one in the cookie


def start_conversation(port, session, with_whom, both_ready):
    """Send the form that starts a conversation; return the status and the conversation's path."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.connect()
        headers = {
            "Cookie": f"sessionid={session}; csrftoken={TOKEN}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        body = f"csrfmiddlewaretoken={TOKEN}&usernames={with_whom}"
        both_ready.wait(30)
        connection.request("POST", "/chat/new/", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location")


@pytest.mark.parametrize("sent_by", ["both people", "one person twice"])
@pytest.mark.parametrize("engine", ["postgres", "sqlite"])
def test_forms_sent_at_the_same_moment_start_one_conversation(request, count, engine, sent_by):
    chat = request.getfixturevalue(f"{engine}_chat")
    port = chat.serve().port
    pairs = json.loads(chat.shell(CREATE_PAIRS.format(pairs=PAIRS)).splitlines()[-1])
    before = int(chat.shell(COUNT_CONVERSATIONS))
    double = failed = 0
    with ThreadPoolExecutor(2) as pool:
        for (left, left_session), (right, right_session) in pairs:
            forms = [(left_session, right), (right_session, left)]
            if sent_by == "one person twice":
                forms = [(left_session, right)] * 2
            both_ready = threading.Barrier(2)
            sent = [pool.submit(start_conversation, port, *form, both_ready) for form in forms]
            (first, first_path), (second, second_path) = [answer.result() for answer in sent]
            failed += (first, second) != (302, 302)
            double += first_path != second_path
    begun = int(chat.shell(COUNT_CONVERSATIONS)) - before
    count("begun by 30 pairs", begun)
    count("pairs with two conversations", double)
    assert (begun, double, failed) == (PAIRS, 0, 0)


def get(chat, path, seconds=30):
    """Request a page as ann; return its status, or None if there's no answer in time."""
    server = chat.servers[0]
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=seconds)
    try:
        cookie = {"Cookie": f"sessionid={chat.project.sessions['ann']}"}
        connection.request("GET", path, headers=cookie)
        return connection.getresponse().status
    except TimeoutError:
        return None
    finally:
        connection.close()


def load_conversation(chat, seconds=30):
    return get(chat, f"/chat/{chat.project.conversation}/", seconds)


def warm_up(chat):
    """Let the server open the connections of its pool."""
    assert [load_conversation(chat) for _ in range(5)] == [200] * 5
    with chat.crowd(8):
        pass


def test_postgresql_restart_breaks_no_page_and_no_message(chat, postgres, redis, count):
    chat.deploy()
    server = chat.serve(redis=redis)
    warm_up(chat)
    sender = chat.sender("ann", 4)
    with open_socket(server.port, sender.session, chat.project.conversation) as socket:
        sender.send(socket)
        postgres.restart()
        statuses = [load_conversation(chat) for _ in range(3)]
        for _ in range(3):
            sender.send(socket)
    count("statuses", statuses)
    count("messages refused", sender.refused)
    assert (statuses, sender.refused) == ([200] * 3, 0)
    assert chat.ledger.acknowledged <= {text for _, text in chat.ledger.stored()}


AWAY = 20  # seconds
ERROR_LIMIT = 12  # seconds that a page may take to fail while the database is down
RETURN_LIMIT = 5  # seconds until pages load again after the database is back


# Without DEBUG, because Django's debug page asks for the user ten times, 5 seconds each.
def test_site_fails_fast_without_postgresql_and_recovers_soon(chat, postgres, redis, count):
    chat.deploy()
    server = chat.serve(redis=redis)
    warm_up(chat)
    postgres.kill()
    began = time.monotonic()
    waited = []
    while time.monotonic() - began < AWAY:
        asked = time.monotonic()
        status = load_conversation(chat, ERROR_LIMIT)
        waited.append(round(time.monotonic() - asked, 1))
        count("page failed after", f"{waited[-1]} s with {status}")
        assert status is not None and status >= 500, f"no answer within {ERROR_LIMIT} s"
        time.sleep(max(0, asked + 1 - time.monotonic()))  # one request a second
    postgres.start()
    returned = time.monotonic()
    assert until(lambda: load_conversation(chat, RETURN_LIMIT) == 200, RETURN_LIMIT)
    sender = chat.sender("ann", 1)
    with open_socket(server.port, sender.session, chat.project.conversation) as socket:
        sender.send(socket)
    took = time.monotonic() - returned
    count("back after", f"{took:.1f} s")
    assert took < RETURN_LIMIT
