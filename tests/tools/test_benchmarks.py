"""Check that the benchmark notices lost and duplicate messages, and reports correct figures."""

import contextlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import psutil
import pytest
from websockets.asyncio.server import broadcast, serve

from benchmarks import client, command, measure, page, picture, servers, subjects, table, usage
from benchmarks.measure import Figures
from benchmarks.results import Results
from benchmarks.waiting import Waiting
from course import __main__, chapters, console

QUIET = 0.5  # seconds; a message that these servers haven't sent by then won't come
THREE = 3  # readers, and messages
ROWS = chapters.ROOT / "benchmarks" / "results.csv"


def send_to_all(server, frame):
    broadcast(server.connections, frame)


def send_as_html(server, frame):
    text = json.loads(frame)["chat_message"]
    broadcast(server.connections, f'<ol hx-swap-oob="beforeend:#content"><li>{text}</li></ol>')


def skip_one_reader(server, frame):
    broadcast(list(server.connections)[1:], frame)


def send_twice(server, frame):
    broadcast(server.connections, frame)
    broadcast(server.connections, frame)


def refuse(server, frame):
    broadcast(server.connections, "Your message could not be stored.")


@contextlib.asynccontextmanager
async def crowd_at(handle):
    """Yield a crowd of three readers on a server that calls `handle` for each frame."""

    async def chat(connection):
        with contextlib.suppress(Exception):
            async for frame in connection:
                handle(server, frame)

    async with serve(chat, "127.0.0.1", 0) as server:
        crowd = client.Crowd("chat_message")
        port = server.sockets[0].getsockname()[1]
        await crowd.enter([f"ws://127.0.0.1:{port}/ws/chat/bench/"], THREE)
        yield crowd
        crowd.leave()


async def talk(crowd):
    return await crowd.talk(crowd.readers, 1, lambda sent, seconds: sent >= THREE, QUIET)


@pytest.mark.parametrize("handle", [send_to_all, send_as_html])
async def test_every_delivery_is_counted(handle):
    async with crowd_at(handle) as crowd:
        result = await talk(crowd)
    assert (result.messages, result.deliveries, result.missing) == (THREE, THREE * THREE, 0)
    assert len(result.delays) == result.deliveries and min(result.delays) > 0
    assert crowd.doubled == 0


async def test_message_that_skips_a_reader_is_counted_as_missing():
    async with crowd_at(skip_one_reader) as crowd:
        result = await talk(crowd)
    # The next message would be sent only after all readers had this one.
    assert (result.messages, result.deliveries, result.missing) == (1, THREE - 1, 1)


async def test_duplicate_message_is_reported_and_not_counted_again():
    async with crowd_at(send_twice) as crowd:
        result = await talk(crowd)
        await crowd.wait_for_duplicates()
    assert (result.deliveries, result.missing) == (THREE * THREE, 0)
    assert crowd.doubled == THREE * THREE


async def test_error_quotes_a_server_that_forwards_nothing(monkeypatch):
    monkeypatch.setattr(client, "SETTLE_QUIET", 0.1)
    async with crowd_at(refuse) as crowd:
        with pytest.raises(console.CourseError) as trouble:
            await crowd.settle()
    assert "No message reaches every reader" in str(trouble.value)
    assert "could not be stored" in str(trouble.value)


async def test_refused_connection_is_reported():
    with pytest.raises(console.CourseError, match="A connection was refused"):
        await client.Crowd("message").enter(["ws://127.0.0.1:9/ws/chat/bench/"], 1)


async def test_connection_closed_by_the_server_is_counted():
    async def leave(connection):
        await connection.close()

    async with serve(leave, "127.0.0.1", 0) as server:
        crowd = client.Crowd("message")
        port = server.sockets[0].getsockname()[1]
        await crowd.enter([f"ws://127.0.0.1:{port}/"], THREE)
        for reader in crowd.readers:
            await reader.transport.wait_disconnected()
    assert crowd.closed == THREE


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([5], 50, 5),
        ([4, 1, 3, 2], 50, 2),
        (range(1, 101), 50, 50),
        (range(1, 101), 99, 99),
        (range(1, 11), 99, 10),
        ([1, 2], 0, 1),
    ],
)
def test_percentile_uses_the_nearest_rank(values, percent, expected):
    assert measure.percentile(values, percent) == expected


def test_cpu_time_includes_child_processes():
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt', flush=True)\ninput()"
    start = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {burn!r}], check=True)"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", start], **pipes) as server:
        assert server.stdout.readline() == "burnt\n"
        alone, both = psutil.Process(server.pid).cpu_times(), usage.cpu_seconds([server.pid])
        memory = usage.memory_kib([server.pid])
        server.stdin.close()
    assert both - (alone.user + alone.system) > 0.25  # the system counts in steps of 0.01 s
    assert 2_000 < memory < 1_000_000


def test_compared_subjects_are_measured_side_by_side():
    plan = subjects.plan(subjects.SUBJECTS, [10, 100])
    names = [(*(subject.name for subject in group), count) for group, count in plan]
    for group in subjects.GROUPS:
        for count in (10, 100):
            assert [row for row in names if row[-1] == count and set(row[:-1]) == set(group)]
    assert sum(len(row) - 1 for row in names) == 2 * len(subjects.SUBJECTS)


@pytest.fixture
def results():
    """The results of a run: two subjects to compare, and one that couldn't be measured."""
    found = Results()
    ours, baseline = (subjects.named(name) for name in ("chapter6", "per_reader"))
    figures = [Figures(cpu_us=cpu, delivered=1_000) for cpu in (200, 400, 90)]
    figures[0].p50_ms = 5.04
    found.add(ours, 100, figures)
    figures = [Figures(cpu_us=cpu, deliveries_s=3_200.4) for cpu in (250, 500, 300)]
    figures[1].client_bound = True
    found.add(baseline, 100, figures)
    found.add(subjects.named("redis"), 100, [Figures(note="no Redis here")])
    found.waiting.append(Waiting(subjects.WAITING[0], 5, 5.012, 4.9))
    return found


def test_rounds_become_one_row_of_medians(results):
    cells = {subject.name: figures for (subject, _), figures in results.cells().items()}
    assert cells["chapter6"].cpu_us == 200
    assert cells["chapter6"].delivered == 3_000
    shown = table.terminal(results)
    assert shown.count("Baseline: rendered for each reader") == 1
    assert "≥ 3,200" in shown
    assert "no Redis here" in shown
    assert results.as_csv().splitlines()[1].startswith("chapter6,100,200,,,5.04,")


def test_ratio_compares_rounds_and_not_medians(results):
    assert results.ratio("chapter6", "per_reader", 100).rounds == (0.8, 0.8, 0.3)
    assert "in memory, 100 connections: 0.80 (at most 0.85, 3 rounds" in table.ratios(results)
    assert "| Chapter 6 ÷ baseline, in memory | 0.80 |" in table.ratios_in_markdown(results)


def test_ratio_above_the_limit_is_reported():
    found = Results()
    for name, cpu in [("chapter6", 9), ("per_reader", 10), ("dispatched", 18)]:
        found.add(subjects.named(name), 100, [Figures(cpu_us=cpu)])
    assert "0.90 (not at most 0.85" in table.ratios(found)
    assert "the shortcuts, in memory, 100 connections: 0.50 (1 rounds" in table.ratios(found)


@pytest.mark.parametrize("fault", [{"missing": 2}, {"doubled": 2}, {"broken": True}])
def test_one_fault_fails_the_run_and_shows_in_its_row(results, fault):
    assert not results.faulty()
    results.add(subjects.named("chapter3"), 100, [Figures(cpu_us=1, **fault), Figures()])
    assert results.faulty()
    [row] = [line for line in table.terminal(results).splitlines() if "Chapter 3" in line]
    assert row.endswith(("2 missing", "2 duplicates", "failed: see above"))


def test_new_figures_replace_those_between_the_pages_comments(tmp_path, results):
    path = tmp_path / "page.md"
    path.write_text("Before.\n\n<!-- measured: cpu -->\nold\n<!-- end of cpu -->\n\nAfter.\n")
    page.refresh(path, {"cpu": table.cpu_in_markdown(results)})
    first = path.read_text()
    assert first.startswith("Before.") and first.endswith("After.\n") and "old" not in first
    assert "| Chapter 6 | 200 |" in first
    page.refresh(path, {"cpu": table.cpu_in_markdown(results)})
    assert path.read_text() == first
    with pytest.raises(console.CourseError, match="has no place for waiting"):
        page.refresh(path, {"waiting": table.waiting_in_markdown(results)})


def test_picture_shows_only_measured_subjects(results):
    drawn = picture.draw(results, 100, picture.LIGHT)
    texts = [one.text for one in ElementTree.fromstring(drawn).iter() if one.tag.endswith("text")]
    assert "Chapter 6" in texts and "200" in texts
    assert "Chapter 6 on Redis" not in texts
    assert picture.draw(results, 1_000, picture.LIGHT) is None


def test_committed_figures_cover_every_subject():
    """Catch a new subject whose figures aren't in the CSV, the page and the picture yet."""
    rows = {line.split(",")[0] for line in ROWS.read_text().splitlines()[1:]}
    assert rows == {subject.name for subject in subjects.SUBJECTS}
    shown = (
        command.PAGE.read_text() + command.ASSETS.joinpath("what_a_message_costs.svg").read_text()
    )
    for subject in subjects.SUBJECTS:
        assert shown.count(subject.title) >= 3, subject.title  # two tables and the picture


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--only", "nobody"], "There's no subject nobody. Choose from: chapter3, "),
        (["--write", "--connections", "10"], "The page needs all figures"),
        (["--soak", "--full"], "The soak test has its own subjects and connections"),
    ],
)
def test_invalid_options_get_one_sentence(words, sentence, capsys):
    assert __main__.main(["bench", *words]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(sentence) and len(printed.err.splitlines()) == 1
    assert printed.out == ""


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A stage without Redis, whose measurements are over after 0.1 s."""
    monkeypatch.setattr(measure, "ALONE", 0.1)
    monkeypatch.setattr(measure, "LOADED", 0.1)
    return servers.Stage(tmp_path)


def test_row_says_that_redis_is_missing(stage):
    assert measure.cell(subjects.named("redis"), stage, 10) == Figures(note="no Redis here")


def test_error_quotes_a_server_that_does_not_start(stage):
    subject = subjects.Subject("x", "Nothing", server="python", application="benchmarks.nothing")
    figures = measure.cell(subject, stage, 2)
    assert figures.broken and "Nothing: the server doesn't start." in figures.note
    assert "No module named benchmarks.nothing" in figures.note


def test_compared_servers_still_work_with_chapter_6(stage):
    servers.create_people(stage, [2])
    pair = [subjects.named(name) for name in subjects.GROUPS[0]]
    for rounds in measure.measure_side_by_side(pair, stage, 2, [0.1, 0.1]):
        together = measure.median(rounds)
        assert not together.faulty, (together.note, rounds[0].log)
        assert all(one.cpu_us > 0 and one.deliveries_s > 0 for one in rounds) and len(rounds) == 2
        assert together.p50_ms <= together.p99_ms
        assert together.delivered >= 2 * 3 * measure.LEAST
