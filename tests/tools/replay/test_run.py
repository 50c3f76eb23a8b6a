"""Check that a page does what it says, and that nothing is left running afterwards."""

import pytest

from course.pages.grammar import PageError
from course.replay import checkout, run, servers
from tests.support.sample_course import CHANGES, SERVED, START, edit


def replay(**options):
    """Replay the second chapter."""
    return run.replay("02_two", checkout.start_of("02_two"), **options)


@pytest.mark.parametrize(
    "text, line, message",
    [
        ("## 1. One\n\n```console\n$ echo tea\ncoffee\n```\n", 4, "printed something else"),
        ("## 1. One\n\n```console\n$ true\n$ false\n```\n", 5, "failed with exit status 1"),
        (edit(old="Milk"), 5, "answer.txt: not in the file: Milk"),
        (edit("b.txt"), 5, "there's no file b.txt to edit"),
        (edit("answers.txt"), 5, "there is answer.txt"),
        ("## 1. One\n\n```console\n$ echo x\nx\n```\n", 1, "a numbered step changes a file"),
        (edit().replace("1. ", ""), 1, "this changes answer.txt: give its heading a number"),
        ("## 1. One\n\n```console\n$ tee new.txt\n```\n", 4, "`tee new.txt` changes files"),
        ("<!-- shown in: tests/t.py -->\n```python\nx\n```\n", 2, "there's no tests/t.py"),
        (
            "<!-- shown in: answer.txt -->\n```python\nTea\nCake\n```\n",
            2,
            "this line, or not in this order",
        ),
        ("```console\nanything\n```\n", 1, "no server is running here"),
        ('`answer.txt/x`:\n\n```text title="answer.txt/x"\ny\n```\n', 3, "x can't be written"),
    ],
)
def test_mistake_on_a_page_is_reported_with_its_line(course, text, line, message):
    course.folder("01_one", answer_txt="Tea\n")
    course.page("02_two", text)
    with pytest.raises(PageError) as caught:
        replay()
    assert str(caught.value).startswith(f"docs/chapters/02_two.md:{line}: ")
    assert message in str(caught.value)


def test_page_with_a_server_and_a_conversation(course, started, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(course.root))  # a replay's scratch is there
    course.served()
    course.page("02_two", SERVED)
    done = replay()
    assert done.left_out == ["docs/chapters/02_two.md:13: nobody waits so long"]
    assert (done.steps, len(done.snapshots), done.files["answer.txt"]) == (1, 1, b"Coffee\n")
    started.check_ended(at_least=3)


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("$ curl -s http://127.0.0.1:8000/\nCoffee", "$ curl x:\nCoffee", "md:33: `curl x:`"),
        ("bob < hello\n", "", "bob also got a frame"),
        ("asked for /ws/", "asked for /tea/", "No server printed this"),
    ],
)
def test_nothing_is_left_running_after_a_failure(course, started, monkeypatch, old, new, message):
    monkeypatch.setattr(servers, "LOG_LIMIT", 0.3)
    course.served()
    assert old in SERVED
    course.page("02_two", SERVED.replace(old, new))
    with pytest.raises(PageError, match=message):
        replay()
    started.check_ended(at_least=2)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, RuntimeError])
def test_nothing_is_left_running_after_an_interrupt(course, started, kind):
    course.served()
    course.page("02_two", SERVED)

    def tell(place, title, seconds):
        if title == "See it fail":
            raise kind

    with pytest.raises(kind):
        replay(tell=tell)
    started.check_ended(at_least=2)


def test_fast_replay_makes_the_same_snapshots(course):
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", b_txt="tea\n")
    path = course.page("02_two", CHANGES)
    full = replay()
    assert full == replay(fast=True)
    assert {snapshot.page for snapshot in full.snapshots} == {path}
    assert [(s.step, s.title, s.line, s.path, sorted(s.files)) for s in full.snapshots] == [
        (1, "Made", 3, "", ["a.py", "new/c.txt"]),
        (1, "See it fail", 17, "a.py", ["a.py", "new/c.txt"]),
        (1, "See it fail", 29, "a.py", ["a.py", "new/c.txt"]),
        (2, "Written", 38, "b.txt", ["a.py", "b.txt", "new/c.txt"]),
    ]
    assert full.snapshots[1].files["a.py"] == b"one = 7\n"
    assert full.files == full.snapshots[-1].files
    assert (full.steps, full.left_out) == (2, [])


def test_fast_replay_runs_neither_servers_nor_conversations(course, started):
    course.served()
    course.page("02_two", SERVED)
    replay(fast=True)
    assert len(started.all) == 1


PARTS = [
    f"{START}\n{edit()}\n```console\n$ cd ..\n$ export TEA=Coffee\n```\n",
    f"""\
```console
$ curl -s http://127.0.0.1:8000/
Coffee
$ echo $TEA in $(pwd)
Coffee in .../home
```

```console
asked for /
```

{edit(old="Coffee", new="Cocoa").replace("1. ", "2. ")}
""",
]


def test_parts_have_one_shell_and_servers_that_run_on(course):
    course.served()
    paths = [course.part("02_two", f"{n}_x.md", text) for n, text in enumerate(PARTS, start=1)]
    snapshots = replay().snapshots
    assert [snapshot.page for snapshot in snapshots] == paths
    assert snapshots == replay(fast=True).snapshots


def test_suite_has_a_browser_in_guides_alone(course):
    course.served()
    said = '```console\n$ echo "$PYTEST_ADDOPTS"\n...{}\n```\n'
    course.page("02_two", said.format("--ignore=tests/test_browser.py"))
    replay()
    course.folder("02_two")
    course.guide(said.format("hypothesispytest"))
    run.replay("aside", checkout.start_of("aside"))
