"""Check that a lesson's snapshots on disk are those that its page makes now."""

import pickle
import threading

import pytest

from course import chapters, console
from course.replay import recordings, run
from course.site import build

PAGE = """\
# Two

## 1. Write it

Write `a.py`:

```python title="a.py"
one = 1
```

## 2. Change it

In `a.py`:

```diff title="a.py"
-one = 1
+one = 2
```
"""


@pytest.fixture
def course(course):
    """A course with the first chapter's folder and the second's page."""
    course.folder("01_one", b_bin="kept\n")
    (chapters.folder("01_one") / "b.bin").write_bytes(bytes(range(256)))
    course.page("02_two", PAGE)
    return course


@pytest.fixture
def replays(monkeypatch):
    """The lessons that are replayed from now on."""
    done = []
    really = run.replay

    def replayed(lesson, *given, **options):
        done.append(lesson)
        return really(lesson, *given, **options)

    monkeypatch.setattr(run, "replay", replayed)
    return done


def kept(course):
    return course.root / recordings.FOLDER / "02_two.pickle"


def test_snapshots_from_disk_are_those_of_the_replay(course, replays):
    first, again = recordings.read("02_two"), recordings.read("02_two")
    assert replays == ["02_two"]
    assert again == first
    assert [snapshot.files["a.py"] for snapshot in first.snapshots] == [b"one = 1\n", b"one = 2\n"]
    assert again.snapshots[0].files["b.bin"] == bytes(range(256))


def test_project_is_known_before_each_line(course):
    recording = recordings.read("02_two")
    path = chapters.page("02_two")
    found = [recording.before(path, line).get("a.py") for line in (1, 7, 8, 15, 16)]
    assert found == [None, None, b"one = 1\n", b"one = 1\n", b"one = 2\n"]
    assert recording.after(path) == recording.snapshots[-1].files


def test_parts_follow_each_other(course):
    chapters.page("02_two").unlink()
    first = course.part("02_two", "1_a.md", PAGE.split("## 2.")[0])
    second = course.part("02_two", "2_b.md", "# B\n\n## 2." + PAGE.split("## 2.")[1])
    recording = recordings.read("02_two")
    assert "a.py" not in recording.before(first, 0)
    assert recording.after(first) == recording.before(second, 0)
    assert recording.after(second)["a.py"] == b"one = 2\n"


@pytest.mark.parametrize("changed", ["page", "folder", "another folder"])
def test_snapshots_are_made_again_when_anything_changes(course, replays, changed):
    course.folder("03_three", c_py="c\n")
    recordings.read("02_two")
    if changed == "page":
        course.page("02_two", PAGE.replace("+one = 2", "+one = 3"))
    elif changed == "folder":
        (chapters.folder("01_one") / "b.bin").write_bytes(b"else")
    else:
        (chapters.folder("03_three") / "c.py").write_text("d\n")
    recordings.read("02_two")
    assert replays == ["02_two", "02_two"]


@pytest.mark.parametrize("text", [b"", b"{", b"\0", pickle.dumps(1), pickle.dumps((1, 2))])
def test_damaged_file_is_made_again(course, replays, text):
    recordings.read("02_two")
    kept(course).write_bytes(text)
    recordings.read("02_two")
    assert replays == ["02_two", "02_two"]
    with kept(course).open("rb") as file:
        assert pickle.load(file)
        start, snapshots = pickle.load(file)
    assert "a.py" not in start and len(snapshots) == 2


def test_builds_at_the_same_time_leave_one_whole_file(course):
    found = []

    def read():
        found.append(recordings.read("02_two"))

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and all(one == found[0] for one in found)
    assert [path.name for path in kept(course).parent.iterdir()] == ["02_two.pickle"]


def test_preparing_says_what_it_does_once(course, capsys):
    recordings.read_all(["02_two"])
    assert capsys.readouterr().out == "Replaying the files of 02_two ...\n"
    recordings.read_all(["02_two"])
    assert capsys.readouterr().out == ""


def test_page_that_cannot_be_replayed_is_reported_with_its_line(course):
    course.page("02_two", PAGE.replace("-one = 1", "-one = 9"))
    with pytest.raises(
        console.CourseError, match=r"02_two\.md:15: a\.py: not in the file: one = 9"
    ):
        recordings.read_all(["02_two"])
    assert not kept(course).exists()


def test_site_is_not_begun_with_a_page_that_cannot_be_replayed(course, tmp_path):
    course.page("02_two", PAGE.replace("## 2. Change", "## 3. Change"))
    with pytest.raises(console.CourseError, match=r"02_two\.md:11: step 2 comes here, and not 3"):
        build.build(tmp_path / "site", course.root)
    assert not (tmp_path / "site").exists()
