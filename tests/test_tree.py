"""Does an edit land where a page says, and does a folder hold what a page made."""

import pytest

from course import tree

SETTINGS = """\
import os
KEY = 'insecure-x1'

APPS = [
    'admin',
    'chat',
]

MORE = [
    'admin',
]
"""


def test_hunks_change_their_own_place():
    diff = (
        "-KEY = '...'\n+KEY = 'mine'\n@@\n APPS = [\n+    'daphne',\n@@\n     'chat',\n+    'x',\n"
    )
    changed = SETTINGS.replace("insecure-x1", "mine").replace("APPS = [", "APPS = [\n    'daphne',")
    assert tree.edit(SETTINGS, diff) == changed.replace("'chat',", "'chat',\n    'x',")


@pytest.mark.parametrize(
    "text, diff, wanted",
    [
        ("a\nb\n", "-a\n-b\n", ""),
        ("", "+a\n", "a\n"),
        ("a\nb", " b\n+c\n", "a\nb\nc"),
        ("a\n\nb\n", " a\n\n+c\n b\n", "a\n\nc\nb\n"),  # an editor took the blank line's space
        ("a\nb\n", "+x\n a\n@@\n b\n+y\n", "x\na\nb\ny\n"),
        ("a\n...\nb\n", " ...\n+c\n", "a\n...\nc\nb\n"),  # in context, `...` is itself
        ("a\x0cb\u2028c\n", "-a\x0cb\u2028c\n+d\n", "d\n"),  # no newlines, whatever Python says
        # The second hunk's line stands there once before the edit; that is what a page shows.
        ("a\nb\n", " a\n+b\n@@\n b\n+c\n", "a\nb\nb\nc\n"),
    ],
)
def test_edit(text, diff, wanted):
    assert tree.edit(text, diff) == wanted


@pytest.mark.parametrize(
    "diff, message",
    [
        ("     'admin',\n+    'x',\n", "in the file 2 times (lines 5, 10), give more context"),
        (
            "-KEY = 'secure-...'\n+K\n",
            "not in the file: KEY = 'secure-...'; there is KEY = 'insecure-x1'",
        ),
        ("-import asyncio.base\n", "not in the file: import asyncio.base"),
        (" import os\n APPS = [\n+x\n", "APPS = [ after import os; there is KEY = 'insecure-x1'"),
        (" import os\n-APPS = [...\n", "APPS = [... after import os; there is KEY"),
        ("+x\n", "a hunk needs a line that stands in the file"),
        (" import os\n", "a hunk changes nothing"),
        ("-import os\n@@\n", "a hunk changes nothing"),
        ("import os\n", "a line of a diff begins with"),
        ("@@ -1 +1 @@\n-import os\n", "a line of a diff begins with"),
        ("-import os\n@@\n import os\n+x\n", "two hunks touch the same line"),
    ],
)
def test_edit_that_does_not_fit_says_what_is_there(diff, message):
    with pytest.raises(tree.EditError) as caught:
        tree.edit(SETTINGS, diff)
    assert message in str(caught.value)


def test_read_leaves_out_what_a_run_leaves_behind(tmp_path):
    for name in (
        ".venv/x.py",
        "chat/__pycache__/x.pyc",
        ".git/x",
        "chat/.ruff_cache/x",
        "staticfiles/x",
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    for name in ("db.sqlite3", "db.sqlite3-wal", "dump.rdb", "README.md", "a.py", "chat/README.md"):
        (tmp_path / name).write_text(name)
    assert tree.read(tmp_path) == {"a.py": b"a.py", "chat/README.md": b"chat/README.md"}


def test_written_folder_holds_nothing_else_and_keeps_what_is_no_pages(tmp_path):
    tree.write({"a.py": b"1", "old/x/y.py": b"2", "same.py": b"3"}, tmp_path)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "old" / "x" / "__pycache__").mkdir()
    (tmp_path / "a.py").chmod(0o755)
    changed = tree.write({"a.py": b"4", "new/z.py": b"5", "same.py": b"3"}, tmp_path)
    assert changed == ["a.py", "new/z.py", "old/x/y.py"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "README.md",
        "a.py",
        "new",
        "same.py",
    ]
    assert (tmp_path / "a.py").stat().st_mode & 0o100


def test_difference_is_headed_by_folder_and_page():
    made = {"a.py": b"one\n", "empty.py": b"", "b.png": b"\xff"}
    told = tree.difference(made, {"a.py": b"two\n", "b.png": b"\xfe"}).split("\n")
    assert told[:5] == ["--- folder/a.py", "+++ page/a.py", "@@ -1,2 +1,2 @@", "-two", "+one"]
    assert "b.png: not text, and different" in told
    assert "empty.py: only in the page" in told
