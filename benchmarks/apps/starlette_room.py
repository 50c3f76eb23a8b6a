"""A room without Django: it stores each message in SQLite and sends it to everybody, as JSON.

Readers are known to the process that they are connected to, and to no other. The database is set
up as chapter 6 sets its own up.
"""

import json
import os
import sqlite3
import threading

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocketDisconnect

rooms = {}
database = sqlite3.connect(
    os.environ["BENCH_DATABASE"], isolation_level=None, check_same_thread=False
)
database.execute("PRAGMA journal_mode=WAL")
database.execute("PRAGMA synchronous=NORMAL")
database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, room TEXT, content TEXT)")
one_at_a_time = threading.Lock()


def store(room, content):
    with one_at_a_time:
        added = database.execute(
            "INSERT INTO message (room, content) VALUES (?, ?)", (room, content)
        )
        return added.lastrowid


async def chat(websocket):
    room = websocket.path_params["room"]
    readers = rooms.setdefault(room, set())
    await websocket.accept()
    readers.add(websocket)
    try:
        while True:
            frame = await websocket.receive_json()
            number = await run_in_threadpool(store, room, frame["message"])
            text = json.dumps({"id": number, "message": frame["message"]})
            for reader in list(readers):
                await reader.send_text(text)
    except WebSocketDisconnect:
        pass
    finally:
        readers.discard(websocket)


application = Starlette(routes=[WebSocketRoute("/ws/chat/{room}/", chat)])
