"""Check that servers run on, restart after edits, and print what the page shows."""

import shutil

import pytest

from course.pages.matching import Mismatch
from course.replay import servers
from tests.support.sample_course import do, failure

RUN = "$ python manage.py runserver\nStarting at http://127.0.0.1:8000/, process ...\n"
ASK = "$ curl -s http://127.0.0.1:8000/\n"


def test_server_runs_until_its_block_ends_in_control_c(shell, started):
    do(shell, RUN)
    do(shell, ASK + "Tea\n")
    shell.log("asked for /\n")
    shell.log("^C\n")
    assert started.all[1].poll() is not None
    assert "failed with exit status 7" in failure(shell, ASK)[1]


def test_second_server_of_a_kind_replaces_the_first(shell, folder, started):
    do(shell, RUN)
    (folder / "answer.txt").write_text("Coffee\n")
    shell.servers.edited()
    do(shell, RUN + "Quit the server with CONTROL-C.\n")
    count = len(started.all)
    do(shell, ASK + "Coffee\n")
    assert started.all[1].poll() is not None
    assert len(started.all) == count, "it was new, so it didn't have to restart"


def test_server_restarts_once_before_the_first_request_after_edits(shell, folder, started):
    do(shell, RUN)
    (folder / "answer.txt").write_text("Coffee\n")
    do(shell, ASK + "Tea\n")  # nothing has told it of an edit
    count = len(started.all)
    for name in ("a", "b", "c"):
        do(shell, f"$ touch {name}\n")
        shell.servers.edited()
    assert len(started.all) == count
    do(shell, ASK + "Coffee\n")
    assert len(started.all) == count + 1


def test_edit_does_not_start_a_server(shell, started):
    shell.servers.edited()
    do(shell, "$ echo x\nx\n")
    assert len(started.all) == 1


def test_server_broken_by_an_edit_restarts_after_the_next_edit(shell, folder):
    do(shell, RUN)
    (folder / "answer.txt").write_text("broken\n")
    shell.servers.edited()
    shell.log("I cannot start.\n")
    with pytest.raises(Mismatch, match="isn't serving.*"):
        shell.servers.check_serving("web")
    (folder / "answer.txt").write_text("Fixed\n")
    shell.servers.edited()
    do(shell, ASK + "Fixed\n")


def test_server_may_fail_to_start_if_the_page_shows_it(shell, folder):
    (folder / "answer.txt").write_text("broken\n")
    do(shell, "$ python manage.py runserver\nI cannot start.\n")
    (folder / "answer.txt").write_text("Fixed\n")
    shell.servers.edited()
    do(shell, ASK + "Fixed\n")  # its reloader was waiting for this edit
    (folder / "answer.txt").write_text("broken\n")
    assert "ended at once" in failure(shell, "$ python manage.py runserver\n")[1]
    assert "ended at once" in failure(shell, "$ python manage.py runserver\n...\n")[1]


def test_different_server_output_is_reported(shell, monkeypatch):
    monkeypatch.setattr(servers, "START_LIMIT", 4)
    below, text = failure(shell, "$ python manage.py runserver\nStarting at ftp://...\n")
    assert below == 1
    assert "The first line that doesn't fit: Starting at ftp://..." in text
    assert "Starting at http://127.0.0.1:8000/" in text


def test_server_that_ended_by_itself_is_reported(shell):
    do(shell, RUN)
    shell.run("curl -s http://127.0.0.1:8000/stop")
    shell.servers.running["web"].process.popen.wait(5)
    assert "`python manage.py runserver` ended by itself" in failure(shell, "$ echo x\nx\n")[1]


@pytest.mark.parametrize("between", ["the log shows it", "an edit"])
def test_log_block_shows_only_what_is_new(shell, monkeypatch, between):
    do(shell, RUN)
    shell.run("curl -s http://127.0.0.1:8000/once")
    if between == "an edit":
        shell.servers.edited()
    else:
        shell.log("asked for /once\n")
    monkeypatch.setattr(servers, "LOG_LIMIT", 0.2)
    with pytest.raises(Mismatch, match="No server printed this within 0.2 s"):
        shell.log("asked for /once\n")


@pytest.mark.parametrize("text", ["anything\n", "^C\n"])
def test_log_block_needs_a_server(shell, text):
    with pytest.raises(Mismatch, match="no server is running here"):
        shell.log(text)


@pytest.mark.skipif(not shutil.which("redis-server"), reason="needs redis-server")
def test_redis_uses_another_port_but_shows_the_pages_port(shell, folder):
    do(shell, "$ redis-server\n...\n... Ready to accept connections...\n")
    do(shell, "$ export REDIS_URL=redis://127.0.0.1:6379\n")
    ask = "import os, redis; print(redis.Redis.from_url(os.environ['REDIS_URL']).ping())"
    do(shell, f'$ python -c "{ask}"\nTrue\n$ echo $REDIS_URL\nredis://127.0.0.1:6379\n')
    shell.log("^C\n")
    assert not (folder / "dump.rdb").exists()
