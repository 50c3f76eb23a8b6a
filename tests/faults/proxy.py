"""A network that can fail: a TCP proxy between pages and servers."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

STEP = 65_536  # bytes read at once
HANDSHAKE = b"GET /ws/"


class Way:
    """One of the two ways of a connection, until nobody carries what comes there any more."""

    def __init__(self):
        self.lost = False
        self.latency = 0.0  # seconds that each piece takes
        self.open = asyncio.Event()
        self.open.set()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand on what comes, and its end; on a way that is lost nothing, and no end either."""
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
    """Hands each connection to one of the servers that live. It runs in a thread of its own.

    Only WebSockets suffer when it fails: a browser does not load a page again while it waits for
    an answer on a connection of before.
    """

    def __init__(self):
        self.servers: list = []  # with a `port` each; the first that answers is taken
        self.latency = 0.0  # seconds that answers take on the sockets opened from now on
        self._there: set[Way] = set()  # from pages to servers
        self._back: set[Way] = set()
        self._writers: set[asyncio.StreamWriter] = set()  # to pages, on their sockets
        self._kept: list = []  # ends of lost ways: let go, they would be closed
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._listener = self._call(asyncio.start_server(self._take, "127.0.0.1", 0))
        self.port = self._listener.sockets[0].getsockname()[1]

    def hold(self) -> None:
        """Hold back all that is said on the sockets there are, until `release`."""
        self._do(lambda: [way.open.clear() for way in self._there | self._back])

    def release(self) -> None:
        """Hand on what was held back."""
        self._do(lambda: [way.open.set() for way in self._there | self._back])

    def lose(self) -> None:
        """Swallow all that is said on the sockets there are, for ever, without a word."""
        self._do(lambda: [way.lose() for way in self._there | self._back])

    def cut(self) -> None:
        """Close all the sockets there are, so that pages and servers notice."""
        self._do(lambda: [writer.close() for writer in self._writers])

    def slow_down(self, seconds: float) -> None:
        """Let answers take so long, on the sockets there are and on later ones."""
        self.latency = seconds
        for way in list(self._back):
            way.latency = seconds

    def lose_answers(self) -> None:
        """Swallow what the servers say there, and hand on what the pages say."""
        self._do(lambda: [way.lose() for way in self._back])

    def close(self) -> None:
        self._do(self._listener.close)
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = Way(), Way()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            first = await reader.read(STEP)
            far_reader, far_writer = await self._reach()
            if far_writer is None:
                writer.close()
                return
            if first.startswith(HANDSHAKE):
                self._there.add(there)
                self._back.add(back)
                back.latency = self.latency
                self._writers.add(writer)
            far_writer.write(first)
            await asyncio.gather(there.carry(reader, far_writer), back.carry(far_reader, writer))
        self._writers.discard(writer)
        self._there.discard(there)
        self._back.discard(back)
        if there.lost or back.lost:
            self._kept += [writer, far_writer]

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
