"""Check that four people lose access to a conversation, each for a different reason."""

import json
import re
import time

from playwright.sync_api import expect

from tests.faults.pages import retry_until_acknowledged, wait_until_complete

LIMIT = 5  # seconds, though the layer needs only one

LOGGED_OUT, NOT_A_MEMBER = re.compile("log(in|ged)"), re.compile("take part in this conversation")
REASONS = {"ann": LOGGED_OUT, "bob": LOGGED_OUT, "carol": NOT_A_MEMBER, "dave": LOGGED_OUT}

# What the admin does: deactivate bob, remove carol, and set a new password for dave.
END = """
import json, time
from django.contrib.auth import get_user_model
from chat.models import Conversation
bob, carol, dave = get_user_model().objects.exclude(username="ann").order_by("username")
dave.set_password("apple-cake-5")
bob.is_active = False
ended = {"bob": time.time()}
bob.save()
ended["carol"] = time.time()
Conversation.objects.earliest("pk").participants.remove(carol)
ended["dave"] = time.time()
dave.save()
print(json.dumps(ended))
"""
# Records the time in milliseconds when the page said why its socket was closed.
WATCH = """() => {
  const status = document.querySelector("#status");
  new MutationObserver(() => { window.closedAt ??= Date.now(); })
    .observe(status, { childList: true });
}"""


def end_access_of(chat, people):
    """Log ann out in another tab, and end the others' access; return when, by name."""
    tab = people[0].page.context.new_page()
    tab.goto("/chat/")
    ended = {"ann": time.time()}
    tab.click("text=Log out")
    tab.wait_for_url("**/accounts/login/")  # a tab closed while it changes pages may never close
    tab.close()
    return {**ended, **json.loads(chat.shell(END).splitlines()[-1])}


def check_closed(people, ended, count, seconds):
    """Check that each page says why its socket was closed."""
    for person in people:
        status = person.page.locator("#status")
        expect(status).to_contain_text(REASONS[person.name], timeout=seconds * 1000)
    for person in people:
        took = person.page.evaluate("window.closedAt") / 1000 - ended[person.name]
        count(f"{person.name} closed after", f"{took:.1f} s")


def check_nothing_can_be_sent(chat, people):
    before = chat.ledger.stored()
    for person in people:
        text = person.send_new_text()
        person.wait_for_notice("Not sent")
        assert person.read_texts()["form"] == text
    assert chat.ledger.stored() == before


def open_pages(chat):
    people = chat.open_pages("ann", "bob", "carol", "dave")
    people[0].send_new_text()
    retry_until_acknowledged(people)
    wait_until_complete(people)
    for person in people:
        person.page.evaluate(WATCH)
    return people


def test_sockets_are_closed_immediately_while_the_layer_works(chat, redis, count):
    chat.serve(redis=redis)
    people = open_pages(chat)
    ended = end_access_of(chat, people)
    check_closed(people, ended, count, LIMIT)
    check_nothing_can_be_sent(chat, people)
    chat.check_log_is_empty(count)


def test_sockets_are_closed_within_30_seconds_if_the_event_is_lost(chat, redis, count):
    chat.serve(redis=redis)
    people = open_pages(chat)
    redis.kill()
    ended = end_access_of(chat, people)
    check_closed(people, ended, count, 32)
    check_nothing_can_be_sent(chat, people)
    chat.check_log(count, 1, 4)
