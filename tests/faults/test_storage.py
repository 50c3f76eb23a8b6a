"""Check databases that are locked, slow, stopped or restarted, and forms sent twice at once."""

import json
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from course.processes import until
from tests.faults.pages import check_pages, check_recovery, retry_until_acknowledged, talk
from tests.faults.sockets import PATIENCE, Crowd
from tests.faults.subject import SUBSCRIPTIONS
from tests.support.ledger import SQLITE, connect


def test_sender_gets_an_error_when_the_database_is_locked(chat, count):
    chat.serve()
    people = chat.open_pages("ann", "bob")
    for person in people:
        person.send_new_text()
    retry_until_acknowledged(people)
    before = chat.ledger.stored()
    path = chat.ledger.database.removeprefix(SQLITE)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        texts = [person.send_new_text() for person in people]
        for person, text in zip(people, texts, strict=True):
            person.wait_for_notice("could not be stored", 30)
            assert person.read_texts()["form"] == text
        assert chat.ledger.stored() == before
        other.execute("ROLLBACK")
    check_recovery(people, count)
    retry_until_acknowledged(people)
    check_pages(people, count)
    chat.check_log(count, 1, 1)


DURING = 60  # messages, more than a page shows at first
# A transaction that has stored a message and stays open for a while; the lock timeout is 2 s.
SLOW = """
import time
from django.contrib.auth import get_user_model
from django.db import transaction
from chat.models import Conversation, Message
conversation = Conversation.objects.get(pk={conversation})
sender = get_user_model().objects.get(username="dave")
with transaction.atomic():
    Message.objects.create(conversation=conversation, sender=sender, content="{text}")
    print("held")
    time.sleep(1.5)
"""


def test_message_of_a_slow_transaction_reaches_every_page(postgres_chat, redis, count):
    chat = postgres_chat
    layer = {"BACKEND": "faults_inside.LosingRedisLayer", "CONFIG": {"hosts": [redis.url]}}
    chat.serve(layer=layer)
    ann, bob, carol = people = chat.prepare_pages("ann", "bob", "carol")
    ann.enter()
    bob.enter()
    talk([ann, bob], 0.5)
    retry_until_acknowledged([ann, bob])
    share = DURING // 4
    ledgers = [chat.ledger, chat.other]
    senders = [chat.sender(name, share, ledger) for ledger in ledgers for name in ("carol", "dave")]

    def stored_count():
        return sum(len(ledger.stored()) for ledger in ledgers)

    before = stored_count()
    text = chat.ledger.next_text("dave")
    slow = chat.start_shell(SLOW.format(conversation=chat.ledger.conversation, text=text))
    with Crowd(senders) as crowd:
        # With a lock on the conversation, senders wait for the transaction, so this may time out.
        until(lambda: stored_count() == before + DURING, 0.8)
        count("stored during the transaction", stored_count() - before)
        ann.return_to_tab()
        bob.return_to_tab()
        carol.load()
        assert until(slow.ended, PATIENCE)
    assert slow.popen.returncode == 0, slow.printed()
    count("sent again", crowd.refused)
    assert text in dict(map(reversed, chat.ledger.stored()))
    assert chat.report()["lost"] > 0
    for person in people:
        person.wait_until_connected()
        person.return_to_tab()
    check_recovery(people, count)
    check_pages(people, count)
    chat.check_log(count, 0, 1)  # a refused message is logged once a minute


def test_pages_move_to_the_other_server_when_one_is_killed(postgres_chat, redis, proxy, count):
    chat = postgres_chat
    first, second = chat.serve(redis=redis), chat.serve()
    proxy.servers = [first, second]
    people = chat.open_pages("ann", port=proxy.port)
    proxy.servers = [second, first]
    people += chat.open_pages("bob", port=proxy.port)
    assert (first.sockets(), second.sockets()) == (1, 1)
    with chat.crowd(100, second):
        talk(people, 0.5)
        first.freeze()
        talk(people, 0.3)
        first.kill()
        people[0].wait_until_disconnected()
        talk(people, 1)
    check_recovery(people, count)
    retry_until_acknowledged(people)
    assert until(lambda: second.sockets() == 2, PATIENCE)
    check_pages(people, count)
    chat.check_log(count)
    assert until(lambda: redis.subscriptions() == SUBSCRIPTIONS, PATIENCE), redis.subscriptions()


PAIRS = 20  # for each of the two ways
# Two people for each pair, and their cookies.
CREATE_PAIRS = """
import json
from django.contrib.auth import get_user_model
from django.test import Client

def log_in(name):
    client = Client()
    client.force_login(get_user_model().objects.create_user(name))
    return client.cookies["sessionid"].value

names = [(f"left-{{number}}", f"right-{{number}}") for number in range({count})]
print(json.dumps([[(name, log_in(name)) for name in pair] for pair in names]))
"""
TOKEN = "t" * 32  # Django accepts a form whose CSRF token equals the one in the cookie


@pytest.mark.parametrize("engine", ["postgres", "sqlite"])
def test_forms_sent_at_the_same_moment_start_one_conversation(request, count, engine):
    chat = request.getfixturevalue(f"{engine}_chat")
    server = chat.serve()
    pairs = json.loads(chat.shell(CREATE_PAIRS.format(count=2 * PAIRS)))

    def start(session, with_whom, both_ready):
        """Send the form that starts a conversation; return the status and its path."""
        form = {"csrfmiddlewaretoken": TOKEN, "usernames": with_whom}
        both_ready.wait(PATIENCE)
        cookies = f"sessionid={session}; csrftoken={TOKEN}"
        answer = server.ask("POST", "/chat/new/", cookies, form)
        return answer.status, answer.location

    def conversations():
        with closing(connect(chat.ledger.database)) as connection:
            return connection.execute("SELECT count(*) FROM chat_conversation").fetchone()[0]

    before = conversations()
    double = failed = 0
    with ThreadPoolExecutor(2) as pool:
        for number, ((left, left_session), (right, right_session)) in enumerate(pairs):
            forms = [(left_session, right), (right_session, left)]  # both people, or
            if number % 2:
                forms = [(left_session, right)] * 2  # one person twice
            both_ready = threading.Barrier(2)
            sent = [pool.submit(start, *form, both_ready) for form in forms]
            (first, first_path), (second, second_path) = [answer.result() for answer in sent]
            failed += (first, second) != (302, 302)
            double += first_path != second_path
    count("pairs with two conversations", double)
    assert (conversations() - before, double, failed) == (len(pairs), 0, 0)


# Seconds without PostgreSQL. A pool that kept trying by itself would wait 16 s between two tries.
AWAY = 16
ERROR_LIMIT = 12  # seconds that a page may take to fail while the database is down
RETURN_LIMIT = 5  # seconds until pages load again after the database is back


# Without DEBUG, because Django's debug page asks for the user ten times, 5 seconds each.
def test_site_survives_a_restart_of_postgresql_and_fails_fast_without_it(
    postgres_chat, postgres, redis, count
):
    chat = postgres_chat
    chat.deploy()
    server = chat.serve(redis=redis)
    path = f"/chat/{chat.project.conversation}/"

    def load(seconds=PATIENCE):
        return server.ask("GET", path, chat.cookie("ann"), seconds=seconds).status

    # Let the server open the connections of its pool.
    assert [load() for _ in range(5)] == [200] * 5
    with chat.crowd(8):
        pass
    sender = chat.sender("ann", 5)
    with chat.open_socket("ann") as socket:
        sender.send(socket)
        postgres.restart()
        assert [load() for _ in range(3)] == [200] * 3
        for _ in range(3):
            sender.send(socket)
    assert sender.refused == 0
    assert chat.ledger.faults({}) == []

    postgres.kill()
    began = time.monotonic()
    while time.monotonic() - began < AWAY:
        asked = time.monotonic()
        assert load(ERROR_LIMIT) >= 500
        count("page failed after", f"{time.monotonic() - asked:.1f} s")
    postgres.start()
    assert until(lambda: load(RETURN_LIMIT) == 200, RETURN_LIMIT)
    with chat.open_socket("ann") as socket:
        sender.send(socket)
