"""Forty pages and two browsers that talk all the time, and visitors who load pages meanwhile."""

import asyncio
import contextlib
import json
import os
import random
import ssl
import threading
import time
from collections.abc import Coroutine
from http.client import HTTPException

from playwright.async_api import async_playwright

from course.processes import TICK
from course.site import screenshots
from course.tasks import services
from tests.cluster.members import Conversation, Member
from tests.cluster.page import Page
from tests.cluster.window import Window
from tests.support.servers import Answer, ask

CONVERSATIONS = 8
PAGES = 5  # in each conversation
BROWSERS = 2  # each in a conversation of its own, together with the pages there
# Seconds from one message of a person to the next: a little slower than the project's rate limit,
# which is ten messages in ten seconds. Together that's 40 messages a second.
PACE = 1.05
AWAY = (3, 6)  # seconds after which people come back to the tab
CALM = 8  # seconds in which nothing is broken, to see how long things take on this machine
# Seconds after which a delivery or an acknowledgement is late: at least these, and at least twice
# what the slowest took while it was calm.
LATE = 2
VISITORS = 2
VISIT = 0.4  # seconds from one visit to the next
HEALED = 10  # seconds that a page may take after the end of a fault
HEALED_ALONE = 30  # the same, for a page to which nobody comes back

PEOPLE = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from chat.models import Conversation

User = get_user_model()
sessions = import_module(settings.SESSION_ENGINE)
made = []
for names in GROUPS:
    people = [User.objects.create_user(name, is_staff=True, is_superuser=True) for name in names]
    cookies = {}
    for person in people:
        session = sessions.SessionStore()
        session[SESSION_KEY] = str(person.pk)
        session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        session[HASH_SESSION_KEY] = person.get_session_auth_hash()
        session.save()
        cookies[person.username] = session.session_key
    made.append([Conversation.objects.get_or_create_for(people).pk, cookies])
print(json.dumps(made))
"""


class Crowd:
    """The members of all conversations, on one event loop in a thread of its own.

    The last page of each conversation belongs to a person who never comes back to the tab. The
    sockets of its first page go to the port of `proxy`, and so do those of its second page in two
    conversations: ten in all.
    """

    def __init__(self, cluster, proxy):
        self.cluster = cluster
        self.tls = ssl.create_default_context(cafile=cluster.authority)
        self.refused: list[tuple[float, int]] = []  # handshakes: when, and the status
        self.visits: list[tuple[float, str]] = []  # when, and the status or an error
        self.members: list[Member] = []
        self.late: float = LATE
        self.conversations: list[Conversation] = []
        self._proxy = proxy
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._cleanup = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task] = []

    def start(self, database: str) -> None:
        """Create people and conversations, open their pages, and begin to talk."""
        self._create_members(database)
        self.call(self._open_pages(), 120)
        self.wait_until_whole()
        self.call(self._begin_to_talk())
        began = time.time()
        time.sleep(CALM)
        self.check_pages()
        delays = [took for one in self.members for took, at in one.delays if at > began]
        self.late = max(LATE, 2 * max(delays))

    def _create_members(self, database: str) -> None:
        groups = [
            [f"page{number}{letter}" for letter in "abcde"[:PAGES]]
            + ([f"browser{number}"] if number < BROWSERS else [])
            for number in range(CONVERSATIONS)
        ]
        printed = self.cluster.manage("shell", "-v", "0", "-c", f"GROUPS = {groups}{PEOPLE}")
        for number, (pk, sessions) in enumerate(json.loads(printed.splitlines()[-1])):
            conversation = Conversation(database, pk)
            self.conversations.append(conversation)
            for name, session in sessions.items():
                about = (name, session, conversation, name[-1] != "e")
                if name.startswith("browser"):
                    self.members.append(Window(*about, url=self.cluster.url))
                else:
                    through = name[-1] == "a" or (name[-1] == "b" and number < 2)
                    self.members.append(
                        Page(
                            *about,
                            url=self.cluster.url,
                            tls=self.tls,
                            port=self._proxy.port if through else None,
                            refused=lambda status: self.refused.append((time.time(), status)),
                        )
                    )

    async def _open_pages(self) -> None:
        playwright = await self._cleanup.enter_async_context(async_playwright())
        program = services.browser(os.environ)
        for one in self.members:
            if isinstance(one, Window):
                browser = await playwright.chromium.launch(
                    executable_path=program, args=screenshots.OPTIONS
                )
                self._cleanup.push_async_callback(browser.close)
                await one.open(browser)
            else:
                one.load(await asyncio.to_thread(self.get, one))
            self._tasks.append(asyncio.create_task(one.run()))

    async def _begin_to_talk(self) -> None:
        work = [self._talk(one) for one in self.members]
        work += [self._come_back(one) for one in self.members if one.returns]
        work += [self._visit() for _ in range(VISITORS)]
        self._tasks += [asyncio.create_task(each) for each in work]

    async def _talk(self, member: Member) -> None:
        beat = self._loop.time() + random.random() * PACE
        while True:
            await asyncio.sleep(beat - self._loop.time())
            await member.press_enter()
            beat = max(beat + PACE, self._loop.time())

    async def _come_back(self, member: Member) -> None:
        while True:
            await asyncio.sleep(random.uniform(*AWAY))
            await member.come_back()

    async def _visit(self) -> None:
        while True:
            member, path = random.choice(self.members), random.choice(["/chat/", ""])
            try:
                answer = await asyncio.to_thread(self.get, member, path)
                seen = str(answer.status)
            except (OSError, HTTPException) as error:
                seen = repr(error)
            self.visits.append((time.time(), seen))
            await asyncio.sleep(VISIT)

    def get(self, member: Member, path: str = "") -> Answer:
        """GET a path, or the member's conversation, with the member's session."""
        path = path or f"/chat/{member.conversation.conversation}/"
        return ask(self.cluster.url, "GET", path, f"sessionid={member.session}", tls=self.tls)

    def call(self, coroutine: Coroutine, seconds: float = 30):
        """Run a coroutine on the loop; return what it returns."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(seconds)

    def wait_until_whole(self) -> None:
        """Wait until each page has everything that was sent until now, and is connected.

        Raises AssertionError if that takes longer than HEALED seconds, or HEALED_ALONE where nobody
        returns.
        """
        began = time.time()
        while lacking := self._lacking(began):
            limit = HEALED if any(one.returns for one in lacking) else HEALED_ALONE
            if time.time() > began + limit:
                sentences = "; ".join(f"{one.name} {what}" for one, what in lacking.items())
                raise AssertionError(f"{limit} seconds later, {sentences}")
            time.sleep(TICK)

    def _lacking(self, moment: float) -> dict[Member, str]:
        return {one: what for one in self.members if (what := one.lacks(moment))}

    def healing(self, ended: float, returns: bool) -> str:
        """Return how long after the end of a fault something was last slow, in words."""
        members = [one for one in self.members if one.returns == returns]
        last = max(one.last_slow(self.late) for one in members) - ended
        return f"{last:.1f} s" if last > 0 else "before its end"

    def check_pages(self) -> None:
        """Check that each page has every stored message once, in order, and nothing else.

        People go on talking, so what's stored after this began isn't looked at.
        """
        looked = [(set(each.acknowledged), each.stored()) for each in self.conversations]
        self.wait_until_whole()
        for conversation, (acknowledged, stored) in zip(self.conversations, looked, strict=True):
            members = [one for one in self.members if one.conversation is conversation]
            last = stored[-1][0]
            shown = {
                one.name: [(number, text) for number, text in self.shown(one) if number <= last]
                for one in members
            }
            assert conversation.faults(shown, stored, acknowledged) == []
        assert [f"{one.name}: {each}" for one in self.members for each in one.trouble] == []
        assert [task.exception() for task in self._tasks if task.done()] == []

    def shown(self, member: Member) -> list[tuple[int, str]]:
        """Return the numbers and texts that a member's page shows, from top to bottom."""
        return self.call(member.read()) if isinstance(member, Window) else member.shown()

    def close(self) -> None:
        self.call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._cleanup.aclose()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
