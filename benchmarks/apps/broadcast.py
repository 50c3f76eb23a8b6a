"""The floor: hand on each frame as it came, with the websockets library's `broadcast`."""

import asyncio
import sys

from websockets.asyncio.server import broadcast, serve


async def main(port):
    async def chat(connection):
        async for frame in connection:
            broadcast(server.connections, frame)

    async with serve(chat, "127.0.0.1", port) as server:
        await server.serve_forever()


asyncio.run(main(int(sys.argv[1])))
