"""Break one part of a cluster after another, while 40 pages and two browsers talk.

After each fault, every acknowledged message is on every page once and in order: 10 seconds after
the fault's end, or 30 on a page to which nobody returns.
"""

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from course.processes import until
from tests.cluster.parts import RESTART_DELAY

FREEZE = 10  # seconds


def test_pages_agree_without_any_fault(fault):
    with fault():
        pass


def test_killed_daphne_loses_nothing(fault, parts):
    with fault():
        parts.daphnes[0].kill()
        time.sleep(RESTART_DELAY)
        parts.daphnes[0].start()


def test_rolling_restart_shows_no_error_page_and_loses_nothing(fault, parts):
    with fault() as seen:
        parts.rolling_restart()
    assert (seen.error_pages, seen.refused) == ([], [])


def test_killed_redis_loses_nothing(fault, parts):
    with fault():
        parts.redis.kill()
        time.sleep(3)
        parts.redis.start()


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_frozen_service_loses_nothing(fault, parts, name):
    service = getattr(parts, name)
    with fault():
        service.freeze()
        time.sleep(FREEZE)
        service.thaw()


def test_restarted_postgres_loses_nothing(fault, parts):
    with fault():
        parts.postgres.stop(signal.SIGINT)  # PostgreSQL calls this a fast shutdown
        parts.start_postgres()


def test_crashed_postgres_that_is_away_for_40_seconds_loses_nothing(fault, parts):
    with fault():
        parts.postgres.kill()
        time.sleep(40)
        parts.start_postgres()


def test_reloaded_nginx_shows_no_error_page_and_loses_nothing(fault, parts):
    old = parts.nginx.workers()
    with fault() as seen:
        parts.nginx.signal(signal.SIGHUP)
        assert until(lambda: not any(each.is_running() for each in old), 30)
    assert (seen.error_pages, seen.refused) == ([], [])


def test_restarted_nginx_loses_nothing(fault, parts):
    with fault():
        parts.nginx.stop()
        parts.nginx.start()


def test_black_hole_loses_nothing(fault, proxy):
    """What ten pages send and receive on their sockets vanishes, and the sockets stay open."""
    with fault():
        proxy.lose()
        # A page asks within seconds after its person is back, and waits 30 s for the answer.
        time.sleep(40)


def test_migration_that_locks_the_messages_loses_nothing(fault, parts):
    with fault(), psycopg.connect(parts.database) as connection:
        connection.execute("LOCK TABLE chat_message IN ACCESS EXCLUSIVE MODE")
        time.sleep(5)


def test_exhausted_pool_loses_nothing(fault, parts, crowd):
    """Slow pages take all connections of both processes: more of them than two pools have."""
    before = [len(daphne.log()) for daphne in parts.daphnes]
    over = threading.Event()

    def visit(member):
        while not over.is_set():
            crowd.get(member, "/admin/")

    with fault(), ThreadPoolExecutor(len(crowd.members)) as pool:
        with psycopg.connect(parts.database) as connection:
            connection.execute("LOCK TABLE django_admin_log IN ACCESS EXCLUSIVE MODE")
            visits = [pool.submit(visit, member) for member in crowd.members]
            time.sleep(FREEZE)
            over.set()
        for each in visits:
            each.result()
    for daphne, since in zip(parts.daphnes, before, strict=True):
        assert "couldn't get a connection" in daphne.log()[since:]
