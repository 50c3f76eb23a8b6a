"""Check a Redis that stops for a while or is down at the wrong moment, and a layer that's full."""

import json
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import expect
from websockets.exceptions import WebSocketException

from course.processes import until
from tests.faults.pages import (
    check_pages,
    check_recovery,
    retry_until_acknowledged,
    talk,
    wait_until_complete,
)
from tests.faults.sockets import PATIENCE, listen_until_quiet
from tests.faults.subject import HAS_HUB, SUBSCRIPTIONS

# Kinds of log lines: the layer lost Redis, an event wasn't sent, a socket was refused, a channel
# wasn't cleaned up, and a group wasn't left.
KINDS = 5
SYNC = 31_000  # milliseconds: past a page's next sync


def test_chat_continues_while_redis_is_down(chat, redis, count):
    server = chat.serve(redis=redis)
    people = ann, bob = chat.open_pages("ann", "bob")
    talk(people, 1)
    redis.kill()
    talk(people, 2)
    retry_until_acknowledged(people)
    assert server.sockets() == 2  # the same two as before
    redis.start()
    for person in people:
        person.return_to_tab()
    check_recovery(people, count)
    assert until(lambda: redis.subscriptions() == SUBSCRIPTIONS, PATIENCE), redis.subscriptions()
    talk(people, 1)
    retry_until_acknowledged(people)
    check_pages(people, count)
    assert not any("Not connected" in text for text in ann.status_texts | bob.status_texts)
    chat.check_log(count, 1, KINDS)


def test_chat_continues_while_redis_does_not_answer(chat, redis, count):
    chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    talk(people, 1)
    redis.freeze()
    talk(people, 7)  # the layer gives up after five seconds
    redis.thaw()
    retry_until_acknowledged(people)
    for person in people:
        person.return_to_tab()
    check_recovery(people, count)
    check_pages(people, count)
    chat.check_log(count, 1, KINDS)


def test_page_loaded_while_redis_is_down_connects_when_it_is_back(chat, redis, count):
    chat.serve(redis=redis)
    ann, bob = chat.open_pages("ann", "bob")
    redis.kill()
    bob.page.reload()
    bob.wait_until_disconnected()
    ann.send_new_text()
    retry_until_acknowledged([ann])
    redis.start()
    check_recovery([ann, bob], count)
    bob.send_new_text()
    retry_until_acknowledged([bob])
    check_pages([ann, bob], count)
    chat.check_log(count, 1, KINDS)


def test_message_whose_event_was_lost_arrives_with_the_next_sync(chat, redis, count):
    chat.serve(redis=redis)
    ann, bob = chat.open_pages("ann", "bob", clock=True)
    ann.send_new_text()
    retry_until_acknowledged([ann])
    wait_until_complete([ann, bob])
    redis.kill()
    text = ann.send_new_text()
    retry_until_acknowledged([ann])
    assert text in dict(map(reversed, ann.messages()))
    assert text not in dict(map(reversed, bob.messages()))
    bob.page.clock.fast_forward(SYNC)  # Redis stays down, and bob's page asks by itself
    check_recovery([ann, bob], count)
    check_pages([ann, bob], count, connected=False)
    chat.check_log(count, 1, KINDS)


HANDSHAKES = 100
AT_ONCE = 20


def test_refused_sockets_leave_no_channel_behind(chat, redis, count):
    def try_to_open(*_):
        """Open a socket and close it again; tell whether the server accepted it."""
        try:
            with chat.open_socket("ann"):
                return True
        except (WebSocketException, OSError):
            return False

    def channels(expected):
        """Return how many channels the layer has, as soon as it's the expected number."""
        until(lambda: chat.report()["channels"] == expected, PATIENCE)
        return chat.report()["channels"]

    chat.serve(redis=redis)
    with chat.open_socket("ann"):
        assert channels(1) == 1
        redis.kill()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            count("let in", sum(pool.map(try_to_open, range(HANDSHAKES))))
        assert channels(1) == 1, "while Redis is down"
        redis.start()
        assert until(try_to_open, PATIENCE)
        assert channels(1) == 1, "after its return"
    assert channels(0) == 0


def test_leaving_while_redis_is_down_ends_all_memberships(chat, redis, count):
    server = chat.serve(redis=redis)
    people = chat.open_pages("ann", "bob")
    talk(people, 0.5)
    retry_until_acknowledged(people)
    redis.kill()
    for person in people:
        person.page.goto("about:blank")
    left = {"channels": 0, "memberships": 0, "lost": 0}
    assert until(lambda: chat.report() == left, PATIENCE), chat.report()
    redis.start()
    for person in people:
        person.enter()
    assert [line for line in server.complaints() if "refused:" in line] == []
    chat.check_log(count, 1, KINDS)


LOGGED_OUT, NOT_A_MEMBER = re.compile("log(in|ged)"), re.compile("take part in this conversation")
REASONS = {"ann": LOGGED_OUT, "bob": LOGGED_OUT, "carol": NOT_A_MEMBER, "dave": LOGGED_OUT}
# What the admin does: deactivate bob, remove carol, and set a new password for dave.
END_ACCESS = """
from django.contrib.auth import get_user_model
from chat.models import Conversation
bob, carol, dave = get_user_model().objects.exclude(username="ann").order_by("username")
bob.is_active = False
bob.save()
Conversation.objects.earliest("pk").participants.remove(carol)
dave.set_password("apple-cake-5")
dave.save()
print("ended")
"""


@pytest.mark.parametrize("layer", ["works", "is down"])
def test_sockets_of_people_who_lose_access_are_closed(chat, redis, layer, count):
    """Without Redis, each page learns it when it asks for missed messages."""
    chat.serve(redis=redis)
    people = chat.open_pages(*REASONS, clock=True)
    people[0].send_new_text()
    retry_until_acknowledged(people)
    wait_until_complete(people)
    for person in people:
        person.pause_clock()
    if layer == "is down":
        redis.kill()
    tab = people[0].page.context.new_page()
    tab.goto("/chat/")
    tab.click("text=Log out")
    tab.wait_for_url("**/accounts/login/")  # a tab closed while it changes pages may never close
    tab.close()
    chat.shell(END_ACCESS)
    before = chat.ledger.stored()
    for person in people:
        if layer == "is down":
            person.page.clock.fast_forward(SYNC)
        status = person.page.locator("#status")
        expect(status).to_contain_text(REASONS[person.name], timeout=PATIENCE * 1000)
        text = person.send_new_text()
        person.wait_for_notice("Not sent")
        assert person.read_texts()["form"] == text
    assert chat.ledger.stored() == before
    chat.check_log(count, *((0, 0) if layer == "works" else (1, 4)))


FULL = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1}}
SOCKETS, EACH = 8, 4  # messages that each sends at the same moment


def test_pages_are_complete_although_a_full_layer_drops_events(chat, count):
    chat.serve(layer=FULL)
    people = chat.open_pages("ann", "bob")
    talk(people, 1)
    retry_until_acknowledged(people)
    dropped = burst(chat, people)
    count("events dropped on their way to the senders", dropped)
    # A hub takes each event out of the layer before the next one arrives.
    assert dropped or HAS_HUB, "The layer had room for everything."
    for person in people:
        person.return_to_tab()
    check_recovery(people, count)
    check_pages(people, count)
    chat.check_log(count)


def burst(chat, people):
    """Send carol's messages on many sockets at once, and wait until all are acknowledged.

    Meanwhile, the pages of `people` ask for messages, and so lose events as well. Returns how many
    deliveries to carol's sockets are missing. They never ask for missed messages.
    """
    done = threading.Barrier(SOCKETS)
    shares = [[chat.ledger.next_text("carol") for _ in range(EACH)] for _ in range(SOCKETS)]
    with ThreadPoolExecutor(SOCKETS) as pool:
        heard = [pool.submit(send_share, chat, share, done) for share in shares]
        while not all(one.done() for one in heard):
            for person in people:  # a socket that waits for the database takes no events
                person.return_to_tab()
    return sum(SOCKETS * EACH - one.result() for one in heard)


def send_share(chat, share, done):
    """Send the messages of `share`, and keep the socket open until all threads are `done`.

    Returns how many messages the socket received, including its own.
    """
    texts = {str(uuid.uuid4()): text for text in share}
    frames = []
    with chat.open_socket("carol") as socket:
        done.wait(PATIENCE)  # all sockets have to be open before the first message
        for client_id, text in texts.items():
            socket.send(json.dumps({"chat_message": text, "client_id": client_id}))
        while texts:
            frames.append(socket.recv(timeout=PATIENCE))
            for client_id in re.findall(r'data-client-id="([^"]+)"', frames[-1]):
                if text := texts.pop(client_id, None):
                    chat.ledger.acknowledged.add(text)
        done.wait(PATIENCE)
        frames += listen_until_quiet(socket)
    return len({number for frame in frames for number in re.findall(r'id="message-(\d+)"', frame)})
