"""Check that edits change the right lines, and that one that doesn't fit is explained."""

import pytest

from course.pages import patches

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


def test_each_hunk_changes_its_own_lines():
    diff = (
        "-KEY = '...'\n+KEY = 'mine'\n@@\n APPS = [\n+    'daphne',\n@@\n     'chat',\n+    'x',\n"
    )
    changed = SETTINGS.replace("insecure-x1", "mine").replace("APPS = [", "APPS = [\n    'daphne',")
    assert patches.apply(SETTINGS, diff) == changed.replace("'chat',", "'chat',\n    'x',")


@pytest.mark.parametrize(
    "text, diff, wanted",
    [
        ("a\nb\n", "-a\n-b\n", ""),
        ("", "+a\n", "a\n"),
        ("a\nb", " b\n+c\n", "a\nb\nc"),
        ("a\n\nb\n", " a\n\n+c\n b\n", "a\n\nc\nb\n"),  # without the space of a blank line
        ("a\nb\n", "+x\n a\n@@\n b\n+y\n", "x\na\nb\ny\n"),
        ("a\n...\nb\n", " ...\n+c\n", "a\n...\nc\nb\n"),  # in context, `...` is itself
        # Not newlines, whatever str.splitlines() says.
        ("a\x0cb\u2028c\n", "-a\x0cb\u2028c\n+d\n", "d\n"),
        # The second hunk's line is unique before the edit, which is what a page refers to.
        ("a\nb\n", " a\n+b\n@@\n b\n+c\n", "a\nb\nb\nc\n"),
    ],
)
def test_edit_applies_every_hunk(text, diff, wanted):
    assert patches.apply(text, diff) == wanted


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
        ("+x\n", "a hunk needs a line that's in the file"),
        (" import os\n", "a hunk changes nothing"),
        ("-import os\n@@\n", "a hunk changes nothing"),
        ("import os\n", "a line of a diff begins with"),
        ("@@ -1 +1 @@\n-import os\n", "a line of a diff begins with"),
        ("-import os\n@@\n import os\n+x\n", "two hunks touch the same line"),
    ],
)
def test_failed_edit_is_explained_with_the_files_lines(diff, message):
    with pytest.raises(patches.PatchError) as caught:
        patches.apply(SETTINGS, diff)
    assert message in str(caught.value)


def test_difference_is_labelled_with_folder_and_page():
    made = {"a.py": b"one\n", "empty.py": b"", "b.png": b"\xff"}
    shown = patches.difference(made, {"a.py": b"two\n", "b.png": b"\xfe"}).split("\n")
    assert shown[:5] == ["--- folder/a.py", "+++ page/a.py", "@@ -1,2 +1,2 @@", "-two", "+one"]
    assert "b.png: not text, and different" in shown
    assert "empty.py: only in the page" in shown
