"""Check what `make bench LONG=1` measures, and the calculator that uses the figures."""

import asyncio
import contextlib
import csv
import re
import socket
import sys

import pytest
from websockets.asyncio.server import serve

from benchmarks import (
    __main__,
    calculator,
    idle,
    run,
    servers,
    slow_reader,
    stopping,
    storm,
    subjects,
)
from benchmarks.idle import Idle
from benchmarks.results import Figures, Results
from benchmarks.slow_reader import SlowReader
from benchmarks.storm import Storm
from course import processes
from course.console import CourseError
from course.tasks import services

CHAPTER6 = subjects.named("chapter6")
LIMIT = 30  # seconds
BLOCKS = ("slow_reader", "idle", "storm", "ladder", "capacity")


@contextlib.asynccontextmanager
async def served(answer):
    """Run `answer(connection, number)` for each connection, from 1 on; yield the server's URL."""
    connections = 0

    async def chat(connection):
        nonlocal connections
        connections += 1
        await answer(connection, connections)

    async with serve(chat, "127.0.0.1", 0) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


async def true(condition):
    async with asyncio.timeout(LIMIT):
        while not condition():
            await asyncio.sleep(0.01)


async def test_page_reconnects_until_its_sync_is_answered():
    cut_off, synced = asyncio.Event(), []

    async def answer(connection, number):
        synced.append(await connection.recv())
        if number > 2:  # the first two are closed without an answer
            await connection.send('<input id="synced">')
            await cut_off.wait()

    async with served(answer) as url:
        page = storm.Page(url, "sessionid=x")
        life = asyncio.create_task(page.live())
        await true(lambda: page.whole)
        assert page.attempts == 3 and synced == ['{"sync": 0}'] * 3
        page.wait = lambda retries: 1_000
        cut_off.set()
        await true(lambda: page.whole is None)
        life.cancel()


def test_page_waits_as_chapter_6_does():
    random, fixed = storm.WAITS.values()
    assert {fixed(retries) for retries in range(9)} == {1.0}
    for retries, most in ((0, 1), (2, 4), (9, 10)):
        waits = [random(retries) for _ in range(1_000)]
        assert 0.9 * most < max(waits) <= most and min(waits) < 0.1 * most
    page = (servers.chapters.folder(CHAPTER6.lesson) / "chat/static/chat/socket.js").read_text()
    assert "Math.random() * Math.min(2 ** retries, 10) * 1000" in page


def test_connection_that_the_server_closed_is_noticed(tmp_path):
    listen = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "print(server.getsockname()[1], flush=True)\n"
        "client = server.accept()[0]\n"
        "client.recv(1)\n"
        "client.close()\n"
        "print('closed', flush=True)\n"
        "server.accept()\n"
    )
    process = processes.Process(
        [sys.executable, "-c", listen], folder=tmp_path, environment={}, log=tmp_path / "log"
    )
    both = servers.Servers([], [process], None, [])
    try:
        port = int(process.wait_for(process.printed, "It doesn't listen."))
        with socket.create_connection(("127.0.0.1", port)) as client:
            own = client.getsockname()[1]
            assert processes.until(lambda: both.is_connected(own), LIMIT)
            client.sendall(b"x")
            process.wait_for(lambda: "closed" in process.printed(), "It doesn't close.")
            assert not both.is_connected(own)
    finally:
        process.kill()


async def test_reader_that_is_refused_is_an_error():
    async def closes(connection, number):
        pass

    async with serve(closes, "127.0.0.1", 0, process_request=refuse) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        with pytest.raises(CourseError, match="The slow reader was refused: HTTP/1.1 403"):
            await asyncio.to_thread(slow_reader.stop_reading, url, "")


def refuse(connection, request):
    return connection.respond(403, "no")


@pytest.fixture
def extremes(tmp_path, monkeypatch):
    """Run without servers: these results are what's measured. All files go to `tmp_path`."""
    given = {
        "slow": SlowReader(CHAPTER6, 25.0, 30.0, 24.0, 9.5, 0.1, 0, 51.2, 1_280),
        "idle": Idle(CHAPTER6, 10_000, 80.0, 40.0, 61.0, 8.5, 2.5, 6.3, 0, 3.1),
        "storms": [
            Storm(CHAPTER6, "random", 2.0, 9.0, 20.5, 1_800, 9, 16, 412.0),
            Storm(CHAPTER6, "always", 2.0, 9.0, None, 9_000, 16, 16, 500.0),
        ],
    }
    guide = "".join(f"<!-- measured: {name} -->\n<!-- end of {name} -->\n" for name in BLOCKS)
    (tmp_path / "scaling_out.md").write_text(guide)
    for name in ("GUIDES", "KEPT", "OUT"):
        monkeypatch.setattr(run, name, tmp_path)
    monkeypatch.setattr(subjects, "SLOW_READERS", ["chapter6"])
    monkeypatch.setattr(subjects, "IDLE", ["chapter6"])
    monkeypatch.setattr(subjects, "STORMS", [CHAPTER6])
    monkeypatch.setattr(servers, "create_users", lambda bench, sizes: None)
    monkeypatch.setattr(slow_reader, "measure", lambda subject, bench: given["slow"])
    monkeypatch.setattr(idle, "measure", lambda subject, bench: given["idle"])
    monkeypatch.setattr(storm, "measure", lambda subject, bench: given["storms"])
    monkeypatch.setattr(
        storm, "open_postgres", lambda bench: contextlib.nullcontext(lambda name: bench)
    )
    return given


def test_guide_gets_the_figures_and_the_terminal_the_verdicts(
    extremes, tmp_path, monkeypatch, capsys
):
    (tmp_path / "results.csv").write_text(FIGURES)
    monkeypatch.setattr(calculator, "CAPACITY", ("redis", "two", "chapter6"))
    assert __main__.main(["--long", "--write"]) == 0
    printed = capsys.readouterr().out
    for verdict in ("≤ 1.5: met", "≤ 30 s: met", "≤ 30 s: not met"):
        assert printed.count(verdict) == 1
    guide = (tmp_path / "scaling_out.md").read_text()
    for line in (
        "| Chapter 6 | 25.0 | 30.0 (24.0) | 1.2 | 9.5 (0.1) | 51 s |",
        "| Chapter 6 | 40.0 | 61.0 | 8.5 | 3.1 | 2.50 s | 6.30 s |",
        "| Chapter 6 | random | 2.0 s | 9.0 s | 20.5 s | 1,800 | 16, 9 | 412 |",
        "conversations of 100 open pages, each of which sends 1 message a minute",
        "| 1,000,000 | 1,666,667 | ≈ 203 | ≈ 407 |",  # the calculator's, fed by this run
        "| Chapter 6 | always | 2.0 s | 9.0 s | more than 120 s | 9,000 | 16, 16 | 500 |",
    ):
        assert line in guide
    [row] = csv.DictReader((tmp_path / "idle.csv").read_text().splitlines())
    assert (row["subject"], row["kib"], row["sync_ms"]) == ("chapter6", "40", "3.1")
    assert "wanted" not in guide and "met" not in guide


def test_missing_messages_fail_the_run(extremes, capsys):
    extremes["slow"].missing = 3
    assert __main__.main(["--long"]) == 1
    assert "3 messages didn't arrive." in capsys.readouterr().out


def test_slow_reader_that_is_never_cut_off_and_delays_others_is_told(extremes, capsys):
    extremes["slow"].cut_off_s = None
    extremes["slow"].p99_ms = 37.0
    assert __main__.main(["--long"]) == 0
    assert re.search(" never +≤ 1.5: not met", capsys.readouterr().out)


FIGURES = """\
subject,connections,cpu_us_per_delivery,redis_cpu_us_per_delivery,bytes_per_frame
redis,10,100,10,500
redis,1000,20,0.1,500
two,10,100,12,500
two,1000,20,0.15,500
"""
WAITING = "subject,connections,empty_mib,kib,connect_ms,sync_ms\nredis,10000,64,32,5,3\n"


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A calculator with made-up figures."""
    (tmp_path / "results.csv").write_text(FIGURES)
    (tmp_path / "idle.csv").write_text(WAITING)
    monkeypatch.setattr(calculator, "CAPACITY", ("redis", "two", "redis"))
    return calculator.Measured(tmp_path)


def test_estimate_adds_deliveries_and_syncs(measured):
    need = calculator.estimate(measured, 6_000, room=1_000, per_minute=0.6)
    assert need.messages_s == pytest.approx(60) and need.deliveries_s == pytest.approx(60_000)
    assert need.cores == pytest.approx(60_000 * 20e-6 + 200 * 3e-3)
    assert need.processes == 4  # which are half busy
    assert need.gib == pytest.approx(6_000 * 32 / 1024**2 + 4 * 64 / 1024)
    # A message costs 100 µs with one process and 150 with two: 50 and 50 for each.
    assert need.redis_cores == pytest.approx(60 * (50 + 4 * 50) / 1e6)
    assert need.mbit_s == pytest.approx(60_000 * 500 * 8 / 1e6)
    assert need.reconnect_s == pytest.approx(6_000 * 8e-3 / 4)


def test_costs_between_and_outside_the_measured_rooms(measured):
    def cost(room):
        return measured.at(measured.one, "cpu_us_per_delivery", room)

    assert cost(10) == 100 and cost(1_000) == 20 and cost(100) == pytest.approx(60)
    assert cost(5) == pytest.approx(200), "a message costs the same, and has fewer readers"
    assert cost(5_000) == 20


@pytest.mark.parametrize(
    ("connections", "room", "extrapolated"),
    [(1_000, 100, False), (1_000, 2_000, True), (1_000, 5, True), (20_000, 100, True)],
)
def test_what_was_not_measured_is_marked(measured, connections, room, extrapolated):
    need = calculator.estimate(measured, connections, room, per_minute=0.1)
    assert need.extrapolated == extrapolated
    assert ("≈" in "".join(calculator.rows([need])[1])) == extrapolated


def test_calculator_names_the_command_that_measures(tmp_path):
    with pytest.raises(CourseError, match="results.csv is missing. Measure first: make bench"):
        calculator.Measured(tmp_path)


def test_ladder_compares_with_the_floor():
    results = Results()
    for subject, cpu in (("chapter6", 200), ("broadcast", 10)):
        for connections in (100, 1_000):
            rounds = [Figures(cpu_us=cpu, p50_ms=7.0)]
            results.add(subjects.named(subject), connections, rounds)
    rows = {row[0]: row[1:] for row in run.report.ladder_rows(results)}
    assert rows["Chapter 6"] == ["200", "200", "20.0", "7.0"]
    assert rows["Floor: websockets' broadcast"] == ["10.0", "10.0", "1.0", "7.0"]


def test_small_runs_of_everything_on_real_servers(tmp_path, monkeypatch):
    """Catch a chapter or a server that these measurements no longer fit."""
    if not services.redis_program() or not services.postgres_programs():
        pytest.skip("Redis or PostgreSQL is missing")
    for module, name, value in (
        (slow_reader, "READERS", 3),
        (slow_reader, "MESSAGES", 80),
        (slow_reader, "TRY_OUT", 0.2),
        (idle, "CONNECTIONS", 3),
        (stopping, "CONNECTIONS", 3),
        (storm, "PAGES", 3),
    ):
        monkeypatch.setattr(module, name, value)
    bench = servers.Bench(tmp_path, services.redis_program())
    servers.create_users(bench, [3])
    slow = slow_reader.measure(subjects.named("on_uvicorn"), bench)
    assert slow.missing == 0 and slow.cut_off_s is None and slow.times > 0
    waiting = idle.measure(subjects.named("redis"), bench)
    assert waiting.missing == 0 and 0 < waiting.half_s <= waiting.last_s and waiting.sync_ms > 0
    assert stopping.measure(subjects.named("on_granian"), bench) < stopping.STOP_LIMIT
    subject = subjects.STORMS[0]
    with storm.open_postgres(bench) as copied:
        storms = storm.measure(subject, copied(subject.name))
    assert [one.waits for one in storms] == [*storm.WAITS]
    for one in storms:
        assert one.listening_s > 0 and 0 < one.half_s <= one.all_s
        assert one.attempts >= 3 and one.connected > 0 and one.queries_s > 0
