"""Check that the benchmark notices lost and duplicate messages, and reports correct figures."""

import contextlib
import json
import os
import re
import shutil
import sys
import xml.etree.ElementTree as ElementTree

import psutil
import pytest
from websockets.asyncio.server import broadcast, serve

from benchmarks import __main__, client, long_runs, measure, run, servers, stopping, subjects
from benchmarks.long_runs import LongRun
from benchmarks.results import Figures
from benchmarks.slow_handlers import Waits
from course import __main__ as course
from course import chapters
from course.console import CourseError
from course.processes import Process
from course.tasks import environment, services

THREE = 3  # readers, and messages
PICTURE = "what_a_message_costs.svg"


def as_html(frame):
    text = json.loads(frame)["chat_message"]
    return [f'<ol hx-swap-oob="beforeend:#content"><li>{text}</li></ol>']


@contextlib.asynccontextmanager
async def crowd_at(answer, skip=0):
    """Yield a crowd of three readers on a server that sends `answer(frame)` to all but `skip`.

    Without `answer`, the server closes each connection.
    """

    async def chat(connection):
        with contextlib.suppress(Exception):
            while answer:
                for frame in answer(await connection.recv()):
                    broadcast(list(server.connections)[skip:], frame)

    async with serve(chat, "127.0.0.1", 0) as server:
        crowd = client.Crowd("chat_message")
        port = server.sockets[0].getsockname()[1]
        await crowd.enter([f"ws://127.0.0.1:{port}/ws/chat/bench/"], THREE)
        yield crowd
        await crowd.leave()


@pytest.mark.parametrize(
    ("answer", "skip", "expected"),
    [
        pytest.param(lambda frame: [frame], 0, (THREE, 9, 0, 0), id="as it came"),
        pytest.param(as_html, 0, (THREE, 9, 0, 0), id="as HTML"),
        pytest.param(lambda frame: [frame] * 2, 0, (THREE, 9, 0, 9), id="twice"),
        # The next message would be sent only after all readers had this one.
        pytest.param(lambda frame: [frame], 1, (1, 2, 1, 0), id="not to one reader"),
    ],
)
async def test_messages_deliveries_missing_and_doubled_are_counted(answer, skip, expected):
    async with crowd_at(answer, skip) as crowd:
        quiet = 0.5 if skip else client.QUIET  # what hasn't arrived by then won't
        talk = await crowd.talk(speakers=THREE, messages=THREE, quiet=quiet)
    assert (talk.messages, talk.deliveries, talk.missing, crowd.doubled) == expected
    assert len(talk.delays) == talk.deliveries and min(talk.delays) > 0


async def test_error_quotes_a_server_that_forwards_nothing(monkeypatch):
    monkeypatch.setattr(client, "SETTLE_QUIET", 0.1)
    async with crowd_at(lambda frame: ["It could not be stored."]) as crowd:
        with pytest.raises(CourseError, match="No message reaches .* could not be stored"):
            await crowd.settle()


async def test_refused_connection_is_reported():
    with pytest.raises(CourseError, match="A connection was refused"):
        await client.Crowd("message").enter(["ws://127.0.0.1:9/ws/chat/bench/"], 1)


async def test_connection_closed_by_the_server_is_counted():
    async with crowd_at(None) as crowd:
        for reader in crowd.readers:
            await reader.transport.wait_disconnected()
    assert crowd.closed == THREE


def test_cpu_time_and_memory_include_child_processes(tmp_path):
    burn = "import time\nwhile time.process_time() < 0.2: pass\nprint('burnt')\ntime.sleep(60)"
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-u', '-c', {burn!r}])"
    server = Process(
        [sys.executable, "-c", start], folder=tmp_path, environment=os.environ, log=tmp_path / "log"
    )
    try:
        server.wait_for(lambda: "burnt" in server.printed(), "It prints nothing.")
        alone, both = psutil.Process(server.pid), servers.Servers([], [server], None, [])
        cpu = both.cpu_seconds() - sum(alone.cpu_times()[:2])
        kib = both.memory_kib() - alone.memory_info().rss / 1024
    finally:
        server.kill()
    assert cpu > 0.15  # the system counts in steps of 0.01 s
    assert 2_000 < kib < 1_000_000


def test_compared_subjects_are_measured_interleaved():
    assert all(len(group) == 1 for group, _ in subjects.plan(subjects.SUBJECTS, [10_000]))
    plan = subjects.plan(subjects.SUBJECTS, [10, 100])
    for count in (10, 100):
        names = [tuple(one.name for one in group) for group, counted in plan if counted == count]
        assert {frozenset(group) for group in subjects.GROUPS} < set(map(frozenset, names))
        assert sorted(sum(names, ())) == sorted(subject.name for subject in subjects.SUBJECTS)


@pytest.fixture
def invented(tmp_path, monkeypatch):
    """Run without servers: this dictionary holds each subject's rounds, or else it's one of 50 µs.

    Its "soak" holds the longer runs. The page is a copy, and all files go to `tmp_path`.
    """
    given = {}

    def measure_nothing(group, bench, connections, seconds):
        return [given.get(subject.name, [Figures(cpu_us=50)]) for subject in group]

    shutil.copy(run.PAGE, tmp_path / "page.md")
    monkeypatch.setattr(run, "PAGE", tmp_path / "page.md")
    monkeypatch.setattr(run, "GUIDES", tmp_path)
    monkeypatch.setattr(run, "OUT", tmp_path / "out")
    monkeypatch.setattr(run, "KEPT", tmp_path)
    monkeypatch.setattr(run, "ASSETS", tmp_path)
    monkeypatch.setattr(run, "measure_interleaved", measure_nothing)
    monkeypatch.setattr(run, "measure_waits", lambda subject, bench: Waits(subject, 5, 5.012, 4.9))
    monkeypatch.setattr(stopping, "measure", lambda subject, bench: 0.4)
    monkeypatch.setattr(services, "redis_program", lambda: "redis-server")
    monkeypatch.setattr(servers, "create_users", lambda bench, sizes: None)
    monkeypatch.setattr(long_runs, "run_both", lambda bench: given["soak"])
    return given


def test_terminal_page_and_files_get_the_medians_of_the_rounds(invented, tmp_path, capsys):
    invented["chapter6"] = [Figures(cpu_us=cpu, delivered=1_000) for cpu in (200, 400, 90)]
    invented["chapter6"][0].p50_ms = 5.04
    invented["per_reader"] = [Figures(cpu_us=cpu) for cpu in (250, 500, 300)]
    invented["redis"] = [Figures(cpu_us=45, redis_us=1.44, client_bound=True, deliveries_s=3_200)]
    assert __main__.main(["--write"]) == 0
    printed = capsys.readouterr().out
    assert "Chapter 6 ÷ baseline, in memory  " in printed and "  0.80 (0.30–0.80)\n" in printed
    assert re.search(r"Chapter 6 ÷ Baseline: .* +100 +0.8 +≤ 0.85 +met\n", printed)
    assert re.search(r"Chapter 6 on Redis ÷ Baseline .* +100 +0.9 +≤ 0.85 +not met\n", printed)
    page = (tmp_path / "page.md").read_text()
    for line in (
        "| Chapter 6 | 200 | 200 | 200 |",
        "| Chapter 6 on Redis | 45.0\xa0+\xa01.4 |",
        "| Chapter 6 | – | 5.0 | – |",
        "| Chapter 6 on Redis | ≥ 3,200 | – |",
        "| Chapter 6 ÷ baseline, in memory | 0.80 |",  # a ratio of rounds, and not of medians
        "| Chapter 3, `time.sleep(1)` | 5.01 s | 4.90 s |",
    ):
        assert line in page
    assert page.startswith("# What a message costs\n") and "## Measure it yourself" in page
    for folder in (tmp_path, tmp_path / "out"):
        rows = (folder / "results.csv").read_text().splitlines()
        assert len(rows) == 1 + len(subjects.SUBJECTS) * len(subjects.CONNECTIONS)
        assert "chapter6,100,200,,,5.04,,,,,3000,0,0,False," in rows
        assert "waits_sync,5,5.012,4.900" in (folder / "waiting.csv").read_text()
        assert ">45.0 + 1.4<" in (folder / PICTURE).read_text()
    assert __main__.main(["--write"]) == 0
    assert (tmp_path / "page.md").read_text() == page


@pytest.mark.parametrize(
    ("fault", "remark"),
    [
        ({"missing": 2}, "2 missing"),
        ({"doubled": 1_000}, "1,000 duplicates"),
        ({"broken": True, "note": "It ended.", "log": ["  MemoryError"]}, "failed: see above"),
    ],
)
def test_one_fault_fails_the_run_and_keeps_the_page(invented, tmp_path, capsys, fault, remark):
    invented["chapter3"] = [Figures(**fault), Figures()]
    before = run.PAGE.read_bytes()
    assert __main__.main(["--write"]) == 1
    printed = capsys.readouterr().out
    assert sum(line.endswith(remark) for line in printed.splitlines()) >= 3
    assert all(f"{word.strip()}" in printed for word in [*fault.get("log", []), "see the table"])
    assert run.PAGE.read_bytes() == before and not (tmp_path / PICTURE).exists()


def test_picture_shows_only_measured_subjects(invented, tmp_path):
    invented["redis"] = [Figures(note="no Redis here")]
    assert __main__.main(["--only", "chapter3", "redis"]) == 0
    drawn = ElementTree.parse(tmp_path / "out" / PICTURE)
    texts = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[1:] == ["Chapter 3, synchronous", "50.0"]


@pytest.mark.parametrize(("memory", "status"), [(9_010, 0), (9_999, 1)])
def test_growing_memory_fails_the_longer_runs(invented, capsys, memory, status):
    long = LongRun(10, 10, 7_070, memory=[(10, 9_000), (20, memory)])
    invented["soak"] = [LongRun(1_000, 20), long]
    assert __main__.main(["--soak", "--write"]) == status
    assert ("memory grew" in capsys.readouterr().out) == bool(status)
    assert ("| 10 | 10 | 7,070 | 0 |" in run.PAGE.read_text()) == (not status)


def test_committed_figures_cover_every_subject():
    """Catch a new subject whose figures aren't in the CSV, the page and the picture yet."""
    rows = {line.split(",")[0] for line in (run.KEPT / "results.csv").read_text().splitlines()[1:]}
    assert rows == {subject.name for subject in subjects.SUBJECTS}
    shown = run.PAGE.read_text() + (run.ASSETS / PICTURE).read_text()
    for subject in subjects.CHAPTERS:
        assert shown.count(subject.title) >= 3, subject.title  # two tables and the picture


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "nobody"], "There's no subject nobody. Choose from: chapter3, "),
        (["--connections", "0"], "Argument --connections: connections are a number from 1 on"),
        (["--write", "--connections", "10"], "The page needs all figures"),
        (["--soak", "--full"], "--soak and --long have their own subjects and connections."),
    ],
)
def test_invalid_options_get_one_sentence(invented, words, sentence, capsys):
    assert __main__.main(words) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(sentence) and len(printed.err.splitlines()) == 1
    assert printed.out == ""


def test_make_bench_passes_all_words_on(monkeypatch):
    monkeypatch.setattr(environment, "ensure", lambda root, django: sys.executable)
    monkeypatch.setattr(environment, "is_in_use", lambda python: True)
    executed = []
    monkeypatch.setattr(os, "execv", lambda program, words: executed.append(words))
    course.main(["bench", "--full", "--only", "chapter3", "chapter4"])
    words = ["--full", "--only", "chapter3", "chapter4"]
    assert executed == [[sys.executable, "-m", "benchmarks", *words]]


async def test_stream_keeps_its_rate_and_counts_delays_from_when_messages_were_due():
    async with crowd_at(lambda frame: [frame]) as crowd:
        talk = await crowd.stream(speakers=2, messages=10, rate=50)
    assert (talk.messages, talk.deliveries, talk.missing) == (10, 30, 0)
    assert talk.seconds >= 9 / 50 and min(talk.delays) > 0
    assert talk.size > 30 * len(client.WORDS)


async def test_frames_that_are_not_answered_are_an_error():
    answers = ["Nothing new."] * 3
    async with crowd_at(lambda frame: [answers.pop()] if answers else [], skip=2) as crowd:
        await crowd.ask("{}", 1)
        with pytest.raises(CourseError, match="1 of 3 frames weren't answered in 0 s."):
            await crowd.ask("{}", 3, limit=0.2)


def test_subject_of_a_step_is_served_from_the_project_at_that_step(bench):
    def files(step):
        subject = subjects.Subject("x", "x", lesson="hardening", step=step)
        return {path.name for path in servers.project(subject, bench).rglob("*.py")}

    assert "csp.py" not in files(0) and "csp.py" in files(1) and "test_guessing.py" in files(None)
    chapter = servers.project(subjects.named("chapter6"), bench)
    assert chapter == chapters.folder(chapters.NAMES[-1]), "nothing has to be written for that"


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """A bench without Redis, whose measurements are over after 0.1 s."""
    monkeypatch.setattr(measure, "ALONE", 0.1)
    return servers.Bench(tmp_path)


def test_row_says_that_redis_is_missing(bench):
    [[figures]] = measure.measure_interleaved([subjects.named("redis")], bench, 10, [0.1])
    assert figures == Figures(note="no Redis here")


def test_error_quotes_a_server_that_does_not_start(bench):
    subject = subjects.Subject("x", "Nothing", server="python", application="benchmarks.nothing")
    [[figures]] = measure.measure_interleaved([subject], bench, 2, [0.1])
    assert figures.broken and "Nothing: the server doesn't start." in figures.note
    assert "No module named benchmarks.nothing" in figures.note


def test_compared_servers_still_work_with_chapter_6(bench):
    servers.create_users(bench, [2])
    pair = [subjects.named(name) for name in ("per_reader", "dispatched")]
    for rounds in measure.measure_interleaved(pair, bench, 2, [0.1, 0.1]):
        assert len(rounds) == 2
        for figures in rounds:
            assert not figures.faulty, (figures.note, rounds[0].log)
            assert figures.cpu_us > 0 and figures.deliveries_s > 0
        assert rounds[0].p50_ms <= rounds[0].p99_ms
        assert sum(figures.delivered for figures in rounds) >= 2 * 3 * measure.LEAST
