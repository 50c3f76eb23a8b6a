"""Run a cluster with a crowd on it, once for all tests, which break one part after another."""

import contextlib
import time
from types import SimpleNamespace

import pytest

from course.console import CourseError
from course.replay import cluster as clusters

# Without this, failed assertions in this module wouldn't show their values.
pytest.register_assert_rewrite("tests.cluster.crowd")

from tests.cluster.crowd import Crowd  # noqa: E402
from tests.cluster.parts import Parts  # noqa: E402
from tests.support.proxy import Proxy  # noqa: E402


@pytest.fixture(scope="module")
def cluster():
    """What `make cluster` starts."""
    try:
        clusters.check_programs()
    except CourseError as trouble:
        pytest.skip(str(trouble))
    with clusters.running() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def parts(cluster):
    """The servers of the cluster. Each test may break them, and leaves them as they were."""
    return Parts(cluster)


@pytest.fixture(scope="module")
def proxy(cluster):
    """The network between ten of the pages and the cluster."""
    with contextlib.closing(Proxy(everything=True)) as proxy:
        proxy.servers = [cluster.servers["nginx"]]
        yield proxy


@pytest.fixture(scope="module")
def crowd(cluster, proxy):
    """People on 40 pages and in two browsers, who talk from the first test to the last."""
    with contextlib.closing(Crowd(cluster, proxy)) as crowd:
        crowd.start(cluster.environment["DATABASE_URL"])
        yield crowd


@pytest.fixture
def fault(crowd, record_property):
    """Return a context that a fault lasts as long as, and after which all pages have to heal.

    What's said about it is yielded: when it `began`, and the statuses of `error_pages` and
    `refused` handshakes from then until everything was well again.
    """

    @contextlib.contextmanager
    def fault():
        seen = SimpleNamespace(began=time.time())
        yield seen
        ended = time.time()
        crowd.wait_until_whole()
        crowd.check_pages()
        healed = time.time()
        seen.error_pages = [what for at, what in crowd.visits if at > seen.began and what != "200"]
        seen.refused = [status for at, status in crowd.refused if at > seen.began]
        notices = [at for one in crowd.members for at, _ in one.notices if at > seen.began]
        talk = [at for one in crowd.conversations for at in one.acknowledged_at.values()]
        during = sum(seen.began < at < healed for at in talk)
        record_property("healed", crowd.healing(ended, returns=True))
        record_property("where nobody returns", crowd.healing(ended, returns=False))
        record_property("late is more than", f"{crowd.late:.1f} s")
        record_property("lasted", f"{ended - seen.began:.1f} s")
        record_property("messages", f"{during} ({during / (healed - seen.began):.0f}/s)")
        record_property("error pages", len(seen.error_pages))
        record_property("refused handshakes", len(seen.refused))
        record_property("refused messages", len(notices))

    return fault
