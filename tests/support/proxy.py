"""Simulate a network that can fail: a TCP proxy between pages and servers."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

STEP = 65_536  # bytes read at once
HANDSHAKE = b"GET /ws/"


class Direction:
    """One of the two directions of a connection, until it closes or loses everything."""

    def __init__(self):
        self.lost = False
        self.latency = 0.0  # seconds that each piece is delayed
        self.open = asyncio.Event()
        self.open.set()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Forward data and the end of the stream, or neither if this direction is lost."""
        with contextlib.suppress(OSError):
            while data := await reader.read(STEP):
                await asyncio.sleep(self.latency)
                await self.open.wait()
                if not self.lost:
                    writer.write(data)
                    await writer.drain()
        await self.open.wait()
        if not self.lost:
            writer.close()

    def lose(self) -> None:
        self.lost = True
        self.open.set()


class Proxy:
    """Forward each connection to one of the servers that still run. It runs in its own thread.

    Its faults only affect WebSockets: a browser doesn't load a page again while it waits for an
    answer on an earlier connection. With `everything` they affect all connections, as they have to
    with TLS, which doesn't show what's in a connection.
    """

    def __init__(self, everything: bool = False):
        self._affected = b"" if everything else HANDSHAKE  # what the first bytes have to be
        self.servers: list = []  # each has a `port`; the first that answers gets the connection
        self.latency = 0.0  # seconds that answers take on sockets opened from now on
        self._to_servers: set[Direction] = set()  # from pages to servers
        self._to_pages: set[Direction] = set()
        self._writers: set[asyncio.StreamWriter] = set()  # to the pages of open sockets
        self._kept_open: list = []  # writers that garbage collection would close
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._call(asyncio.start_server(self._take, "127.0.0.1", 0))
        self.port = self._listener.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Hold back everything on the open sockets, until `release`."""
        self._do(
            lambda: [direction.open.clear() for direction in self._to_servers | self._to_pages]
        )

    def release(self) -> None:
        """Forward what was held back."""
        self._do(lambda: [direction.open.set() for direction in self._to_servers | self._to_pages])

    def lose(self) -> None:
        """Silently lose everything on the open sockets, forever."""
        self._do(lambda: [direction.lose() for direction in self._to_servers | self._to_pages])

    def cut(self) -> None:
        """Close all open sockets, so that pages and servers notice."""
        self._do(lambda: [writer.close() for writer in self._writers])

    def slow_down(self, seconds: float) -> None:
        """Delay answers by `seconds`, on open sockets and on later ones."""
        self.latency = seconds
        for direction in list(self._to_pages):
            direction.latency = seconds

    def lose_answers(self) -> None:
        """Lose what the servers send on the open sockets, and forward what the pages send."""
        self._do(lambda: [direction.lose() for direction in self._to_pages])

    def close(self) -> None:
        self._do(self._listener.close)
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_server, to_page = Direction(), Direction()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            first = await reader.read(STEP)
            far_reader, far_writer = await self._reach()
            if far_writer is None:
                writer.close()
                return
            if first.startswith(self._affected):
                self._to_servers.add(to_server)
                self._to_pages.add(to_page)
                to_page.latency = self.latency
                self._writers.add(writer)
            far_writer.write(first)
            await asyncio.gather(
                to_server.forward(reader, far_writer), to_page.forward(far_reader, writer)
            )
        self._writers.discard(writer)
        self._to_servers.discard(to_server)
        self._to_pages.discard(to_page)
        if to_server.lost or to_page.lost:
            self._kept_open += [writer, far_writer]

    async def _reach(self) -> tuple:
        """Return a reader and a writer of the first server that answers."""
        for server in self.servers:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", server.port)
        return None, None

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _do(self, action: Callable) -> None:
        async def act() -> None:
            action()

        self._call(act())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)
