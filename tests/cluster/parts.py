"""Break the parts of a running cluster, and start them again."""

import contextlib
import signal
import time

import psutil
import psycopg

from course import processes
from course.replay.cluster import Cluster
from course.replay.servers import START_LIMIT, Server
from tests.support.servers import ask

RESTART_DELAY = 1  # seconds that a service manager waits (RestartSec)
STOP_LIMIT = 5  # seconds from SIGTERM to SIGKILL (TimeoutStopSec)
BETWEEN = {"bash", "runuser"}  # programs between this one and a server


class Part:
    """One server of the cluster."""

    def __init__(self, server: Server):
        self._server = server

    @property
    def port(self) -> int:
        return self._server.port

    def freeze(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):  # a connection that has just ended
                process.suspend()

    def thaw(self) -> None:
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    def kill(self) -> None:
        """End all of its processes before any of them can clean up."""
        family = self._family()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._server.process.kill()
        psutil.wait_procs(family)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop it as a service manager does: by a signal, and by force if that's not enough."""
        self.signal(number)
        processes.until(self._server.ended, STOP_LIMIT)
        self.kill()

    def signal(self, number: int) -> None:
        next(one for one in self._family() if one.name() not in BETWEEN).send_signal(number)

    def start(self) -> None:
        """Start it as the page does, and wait until it listens."""
        self._server.process = self._server.launch()
        listening = lambda: processes.listens(self.port)  # noqa: E731
        self._server.process.wait_for(listening, "It doesn't listen.", START_LIMIT)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that its main process has started."""
        return [one for one in self._family() if one.name() not in BETWEEN][1:]

    def log(self) -> str:
        return self._server.process.printed()

    def _family(self) -> list[psutil.Process]:
        """Return its processes, parents first. PostgreSQL's are in groups of their own."""
        if self._server.ended():
            return []
        first = psutil.Process(self._server.process.pid)
        return [first, *first.children(recursive=True)]


class Parts:
    """All servers of a cluster."""

    def __init__(self, cluster: Cluster):
        parts = {name: Part(server) for name, server in cluster.servers.items()}
        self.nginx, self.redis, self.postgres = (
            parts[name] for name in ("nginx", "redis", "postgres")
        )
        self.daphnes = [part for name, part in parts.items() if name.startswith("daphne")]
        self.database = cluster.environment["DATABASE_URL"]

    def start_postgres(self) -> None:
        """Start PostgreSQL, and wait until it has recovered from how it ended."""
        self.postgres.start()
        assert processes.until(self._is_open, START_LIMIT), self.postgres.log()

    def rolling_restart(self) -> None:
        """Restart one Daphne after the other, each when the one before is well, as restart.sh."""
        for daphne in self.daphnes:
            daphne.stop()
            daphne.start()
            origin = f"http://127.0.0.1:{daphne.port}"
            well = lambda: ask(origin, "GET", "/health/").status == 200  # noqa: B023, E731
            assert processes.until(well, START_LIMIT), daphne.log()
            time.sleep(2)  # as restart.sh gives what nginx has asked again

    def _is_open(self) -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(self.database, connect_timeout=3).close()
            return True
        return False
