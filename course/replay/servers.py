"""Start the servers that a page starts, on free ports, and keep them running."""

import functools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from course import processes
from course.pages import matching
from course.pages.matching import Mismatch
from course.processes import Process
from course.replay.ports import Ports
from course.replay.server_kinds import Kind

START_LIMIT = 30  # seconds that a server may take to start
LOG_LIMIT = 10  # seconds that it may take to print what a page shows


@dataclass
class Server:
    """A server: its command in the page, how it's launched here, and the process that runs.

    `seen` is how many lines of its log the page has shown. A server is `up` once it listens, on
    `port` if its kind has one.
    """

    kind: Kind
    command: str
    launch: Callable[[], Process]
    process: Process
    seen: int = 0
    up: bool = False
    port: int | None = None

    def ended(self) -> bool:
        return self.process.ended()


class Servers:
    """The servers of one replay. `surroundings` gives bash's variables and folder.

    `prefix` is processes.bash's.
    """

    def __init__(
        self,
        scratch: Path,
        surroundings: Callable[[], tuple[dict[str, str], str]],
        halt: threading.Event,
        prefix: Sequence[str] = (),
    ):
        self.ports = Ports()
        self.running: dict[str, Server] = {}
        self.stale = False
        self._scratch = scratch
        self._surroundings = surroundings
        self._halt = halt
        self._prefix = prefix

    def start(self, kind: Kind, command: str, shown: list[str] | None) -> None:
        """Start a server, replacing the one of its kind, and wait until it serves.

        Its first output has to be `shown`, unless that's None. Raises Mismatch.
        """
        self.stop(kind.name)
        self.stale &= kind.name != "web"
        environment, folder = self._surroundings()
        log = self._scratch / f"{kind.name}.log"
        log.write_bytes(b"")
        line = processes.bash(self._local(kind, command), prefix=self._prefix)
        launch = functools.partial(Process, line, folder=folder, environment=environment, log=log)
        port = self.ports.real.get(kind.port)
        server = self.running[kind.name] = Server(kind, command, launch, launch(), port=port)
        shown = [matching.ANY] if shown is None else shown

        def begins() -> bool:
            return matching.beginning(shown, self._printed(server)) is not None

        done = self._wait(server, begins)
        printed = self._printed(server)
        if server.ended():
            self._check_failure(server, shown, printed)
        elif not done:
            why = "printed something else" if self._listens(server) else "doesn't serve"
            sentence = f"`{command}` {why} after {START_LIMIT} s."
            raise Mismatch(matching.difference(sentence, shown, printed))
        server.seen = matching.beginning(shown or [matching.ANY], printed)

    def edited(self) -> None:
        """Note that files have changed: a server that reloads restarts before it's used."""
        self.stale = True

    def refresh(self) -> None:
        """Restart the web server after an edit, as its reloader would; check that all are running.

        It may fail to start, because a reloader then says so and waits for the next edit. Raises
        Mismatch if a server ended by itself.
        """
        server = self.running.get("web")
        if self.stale and server and server.kind.reloads:
            server.process.end()
            server.seen = len(self._printed(server))
            server.process = server.launch()
            self._wait(server)
        self.stale = False
        for server in self.running.values():
            if server.up and server.ended():
                printed = matching.quote(self._printed(server))
                raise Mismatch(f"`{server.command}` ended by itself. It printed:\n\n{printed}")

    def check_serving(self, kind: str) -> None:
        """Raise Mismatch, with its output, unless a server of that kind is running."""
        server = self.running.get(kind)
        if server is None:
            raise Mismatch(f"no {kind} server is running here")
        if not server.up:
            printed = matching.quote(self._printed(server)[server.seen :])
            raise Mismatch(f"`{server.command}` isn't serving. It printed:\n\n{printed}")

    def show(self, shown: list[str]) -> str:
        """Wait until a running server prints what the page shows; return the server's name.

        It has to come after what the page has already shown of that server. Raises Mismatch.
        """
        if not self.running:
            raise Mismatch("no server is running here that could print this")

        def found():
            for name, server in reversed(self.running.items()):
                printed = self._printed(server)[server.seen :]
                count = matching.beginning([matching.ANY, *shown], printed)
                if count is not None:
                    server.seen += count
                    return name
            return None

        if name := processes.until(found, LOG_LIMIT, self._halt):
            return name
        printed = []
        for server in self.running.values():
            printed += [f"({server.command})", *self._printed(server)[server.seen :]]
        sentence = f"No server printed this within {LOG_LIMIT} s."
        before = [] if matching.is_any(shown[0]) else [matching.ANY]
        raise Mismatch(matching.difference(sentence, before + shown, printed))

    def logs(self) -> dict[str, list[str]]:
        """Return what each running server has printed, by the name of its kind."""
        return {name: self._printed(server) for name, server in self.running.items()}

    def last(self) -> str | None:
        """Return the name of the running server that was started last."""
        return next(reversed(self.running), None)

    def stop(self, name: str) -> None:
        """Stop the server of that kind, if one is running."""
        if server := self.running.pop(name, None):
            server.process.end()

    def close(self) -> None:
        """Stop all servers."""
        for name in list(self.running):
            self.stop(name)

    def _local(self, kind: Kind, command: str) -> str:
        """Return a page's command with free ports and the options for a replay."""
        local = self.ports.to_replay(command)
        program = self.ports.to_replay(kind.program.match(command)[0])
        options = kind.options
        if kind.port and not self.ports.names(local, kind.port):
            options = kind.port_option.format(port=self.ports.real[kind.port]) + options
        return program + options + local[len(program) :]

    def _wait(self, server: Server, condition: Callable[[], bool] = lambda: True) -> bool:
        """Wait until a server listens and fulfils the condition; return whether it does."""

        def ready() -> bool:
            return self._listens(server) and condition()

        # In this order: what it printed before it ended is all there.
        processes.until(lambda: server.ended() or ready(), START_LIMIT, self._halt)
        server.up = not server.ended() and ready()
        return server.up

    def _check_failure(self, server: Server, shown: list[str], printed: list[str]) -> None:
        """Raise Mismatch unless the page shows that the server couldn't start."""
        if not server.kind.reloads:
            self.running.pop(server.kind.name)
        what = f"`{server.command}`"
        if not shown or matching.is_any(shown[-1]):
            raise Mismatch(f"{what} ended at once. It printed:\n\n{matching.quote(printed)}")
        matching.compare(what, shown, printed)

    def _printed(self, server: Server) -> list[str]:
        """Return the whole lines that a server has printed, with the page's ports."""
        ended = server.ended()
        text = server.process.printed()
        if not ended:
            text = text[: text.rfind("\n") + 1]
        return matching.lines(self.ports.to_page(text))

    def _listens(self, server: Server) -> bool:
        """Return whether a server takes connections or, if it has no port, has printed anything."""
        if not server.kind.port:
            return bool(self._printed(server))
        return processes.listens(self.ports.real[server.kind.port])
