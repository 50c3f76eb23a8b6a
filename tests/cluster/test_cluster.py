"""Break one part of a cluster after another, while 40 pages and two browsers talk.

After each fault, every acknowledged message is on every page once and in order: 10 seconds after
the fault's end, or 30 on a page to which nobody returns.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import psycopg
import pytest

from course.processes import until

FREEZE = 10  # seconds
STOP_TIMEOUT = 5  # seconds from SIGTERM to SIGKILL


def test_pages_agree_without_any_fault(fault):
    with fault():
        pass


def test_killed_daphne_loses_nothing(fault, cluster):
    with fault():
        cluster.daphnes[0].kill()
        cluster.daphnes[0].start()


def test_rolling_restart_shows_no_error_page_and_loses_nothing(fault, cluster):
    with fault() as seen:
        cluster.rolling_restart()
    assert (seen.error_pages, seen.refused) == ([], [])


def test_killed_redis_loses_nothing(fault, cluster):
    with fault():
        cluster.redis.kill()
        time.sleep(3)
        cluster.redis.start()


@pytest.mark.parametrize("name", ["redis", "postgres"])
def test_frozen_service_loses_nothing(fault, cluster, name):
    service = getattr(cluster, name)
    with fault():
        service.freeze()
        time.sleep(FREEZE)
        service.thaw()


def test_restarted_postgres_loses_nothing(fault, cluster):
    with fault():
        cluster.postgres.restart()


def test_postgres_away_for_40_seconds_loses_nothing(fault, cluster):
    with fault():
        cluster.postgres.kill()
        time.sleep(40)
        cluster.postgres.start()


def test_reloaded_nginx_shows_no_error_page_and_loses_nothing(fault, cluster):
    workers = psutil.Process(cluster.nginx.process.pid).children()
    with fault() as seen:
        cluster.nginx.reload()
        assert until(lambda: not any(each.is_running() for each in workers), 30)
    assert (seen.error_pages, seen.refused) == ([], [])


def test_restarted_nginx_loses_nothing(fault, cluster):
    with fault():
        cluster.nginx.stop(STOP_TIMEOUT)
        cluster.nginx.start()


def test_black_hole_loses_nothing(fault, proxy):
    """What ten pages send and receive on their sockets vanishes, and the sockets stay open."""
    with fault():
        proxy.lose()
        # A page asks within seconds after its person is back, and waits 30 s for the answer.
        time.sleep(40)


def test_migration_that_locks_the_messages_loses_nothing(fault, cluster):
    with fault(), psycopg.connect(cluster.environment["DATABASE_URL"]) as connection:
        connection.execute("LOCK TABLE chat_message IN ACCESS EXCLUSIVE MODE")
        time.sleep(5)


def test_exhausted_pool_loses_nothing(fault, cluster, crowd):
    """Slow pages take all connections of both processes: more of them than two pools have."""
    before = [len(daphne.log()) for daphne in cluster.daphnes]
    over = threading.Event()

    def visit(member):
        while not over.is_set():
            crowd.get(member, "/admin/")

    with fault(), ThreadPoolExecutor(len(crowd.members)) as pool:
        with psycopg.connect(cluster.environment["DATABASE_URL"]) as connection:
            connection.execute("LOCK TABLE django_admin_log IN ACCESS EXCLUSIVE MODE")
            visits = [pool.submit(visit, member) for member in crowd.members]
            time.sleep(FREEZE)
            over.set()
        for each in visits:
            each.result()
    logs = [daphne.log(since) for daphne, since in zip(cluster.daphnes, before, strict=True)]
    assert all("couldn't get a connection" in log for log in logs)
