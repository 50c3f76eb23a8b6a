"""Check that programs are waited for, and that nothing that they started is left behind."""

import os
import socket
import subprocess
import sys

import pytest

from course import chapters, console, processes
from course.processes import Process

STUBBORN = "trap '' INT TERM; (trap '' INT TERM; sleep 600) & echo $!; wait; sleep 600"


def started(tmp_path, command):
    return Process(command, folder=tmp_path, environment=os.environ, log=tmp_path / "log")


def test_process_that_ignores_signals_is_killed_with_its_children(tmp_path):
    process = started(tmp_path, STUBBORN)
    child = int(process.wait_for(process.printed, "It says nothing."))
    process.end(patience=0.1)
    assert process.ended()
    with pytest.raises(ProcessLookupError):
        processes.until(lambda: os.kill(child, 0), 5)


def test_program_that_ends_before_it_is_ready_is_quoted(tmp_path):
    with pytest.raises(console.CommandFailed, match="  tea\nIt isn't ready."):
        started(tmp_path, "echo tea; exit 3").wait_for(lambda: None, "It isn't ready.", 3600)


def test_program_that_is_not_ready_in_time_is_quoted(tmp_path):
    process = started(tmp_path, "echo tea; sleep 600")
    assert processes.until(process.printed, 10)
    with pytest.raises(console.CommandFailed, match="  tea\nIt isn't ready."):
        process.wait_for(lambda: None, "It isn't ready.", 0.1)
    process.kill()


def test_port_is_that_of_the_latest_run(tmp_path):
    (tmp_path / "log").write_text("Listening on TCP address 127.0.0.1:8001\n")
    process = started(tmp_path, "echo Listening on TCP address 127.0.0.1:8002; sleep 600")
    assert process.port() == 8002
    process.kill()


def test_free_port_is_given_to_one_process_even_before_anything_listens_there():
    first = processes.free_port()
    draws = f"draws = iter(range({first}, {first} + 50))"
    asks = "processes.random.randint = lambda *_: next(draws); print(processes.free_port())"
    words = [sys.executable, "-c", f"from course import processes; {draws}; {asks}"]
    other = subprocess.run(words, cwd=chapters.ROOT, capture_output=True, text=True, check=True)
    assert first < int(other.stdout) < first + 50
    with socket.socket() as server:
        server.bind(("127.0.0.1", first))
