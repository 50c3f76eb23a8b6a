"""Check that the blocks of a draft make the folder, byte for byte."""

import random
import re

import pytest

from course import console
from course.pages import grammar, patches
from course.pages.transcript import commands
from course.replay import command, draft

CHAPTER = "02_two"
# Much alike, so that many lines occur several times and need context.
LINES = [
    "",
    "    pass",
    "a",
    "b",
    "...",
    "x = ...",
    "x = 1...2",
    "\ttab",
    " @@",
    "```",
    "é\u2028",
    "- b",
]


def apply(made, blocks, wanted, tmp_path):
    """Do what blocks say, as a page of nothing else would."""
    path = tmp_path / "draft.md"
    path.write_text("\n".join(blocks))
    files = dict(made)
    for block in grammar.read(path).steps[0].blocks:
        if block.kind == "write":
            files[block.path] = block.text.encode()
        elif block.kind == "edit":
            files[block.path] = patches.apply(files[block.path].decode(), block.text).encode()
        for typed in commands(block.text) if block.kind == "console" else []:
            verb, *words = typed.text.split()
            if verb == "rm":
                del files[words[0]]
            elif verb == "cp":
                files[words[1]] = wanted[words[1]]
    return files


def some_text(dice, lines):
    """Return `lines` with some taken away, some added, some moved."""
    lines = list(lines)
    for _ in range(dice.randrange(6)):
        place = dice.randrange(len(lines) + 1)
        if dice.random() < 0.5:
            lines[place : place + dice.randrange(3)] = []
        else:
            lines[place:place] = dice.choices(LINES, k=dice.randrange(4))
    return lines


def some_file(dice, lines):
    end = "\n" if lines and dice.random() < 0.95 else ""
    return ("\n".join(lines) + end).encode()


@pytest.mark.parametrize("seed", range(300))
def test_blocks_lead_exactly_from_one_tree_to_the_other(seed, tmp_path):
    dice = random.Random(seed)
    made, wanted = {}, {}
    for name in ("a.py", "chat/b.html", "c.txt"):
        lines = dice.choices(LINES, k=dice.randrange(25))
        if dice.random() < 0.9:
            made[name] = some_file(dice, lines)
        if dice.random() < 0.9:
            wanted[name] = some_file(dice, some_text(dice, lines))
    blocks = draft.blocks(made, wanted, CHAPTER)
    assert apply(made, blocks, wanted, tmp_path) == wanted
    assert bool(blocks) == (made != wanted)


@pytest.mark.parametrize(
    "old, new, wanted",
    [
        ("a\nb\nc\n", "a\nB\nc\n", ["-b", "+B"]),
        ("a\nb\nc\n", "a\nb\nx\nc\n", [" b", "+x"]),
        ("a\nb\n", "x\na\nb\n", ["+x", " a"]),
        ("s\nb\nt\nb\n", "s\nb\nt\nB\n", [" t", "-b", "+B"]),
        ("a\n\nb\n", "a\n\nx\nb\n", ["+x", " b"]),
        ("a\nb\nc\nd\ne\n", "A\nb\nc\nd\nE\n", ["-a", "+A", "@@", "-e", "+E"]),
        # The line that goes would fit both: `...` in it is anything.
        ("x = 12\ny\nx = ...\n", "x = 12\ny\nz\n", [" y", "-x = ...", "+z"]),
    ],
)
def test_hunk_has_no_more_context_than_it_needs(old, new, wanted):
    text = draft.blocks({"a.py": old.encode()}, {"a.py": new.encode()}, CHAPTER)[0]
    assert text.split("\n")[3:-2] == wanted


def test_each_file_gets_its_language_and_a_binary_one_is_not_printed():
    wanted = {
        "chat/x.html": b"1\n",
        "x.js": b"2\n",
        "x.css": b"3\n",
        "x.ini": b"4\n",
        "x.toml": b"5\n",
        "x.md": b"```\n",
        "chat/x.png": b"\x89PNG\n",
    }
    text = "\n".join(draft.blocks({"old.py": b"", "x x.py": b""}, wanted, CHAPTER))
    assert '`chat/x.html`:\n\n```html+django title="chat/x.html"\n1\n```\n' in text
    assert re.findall(r"^`{3,}([^`\s]+)", text, re.M) == [
        "console",
        "html+django",
        "javascript",
        "css",
        "ini",
        "toml",
        "markdown",
        "console",
    ]
    assert '````markdown title="x.md"\n```\n````\n' in text
    assert "$ rm old.py\n$ rm 'x x.py'\n" in text
    assert "$ mkdir -p chat\n$ cp ~/channels-course/02_two/chat/x.png chat/x.png\n" in text
    assert "PNG" not in text.replace(".png", "")


def test_draft_of_a_chapter_without_a_page_makes_one_that_replays(course, capsys):
    course.folder("01_one", a_py="one = 1\n", b_py="x\n")
    folder = course.folder("02_two", a_py="one = 2\n")
    (folder / "new").mkdir()
    (folder / "new" / "x.bin").write_bytes(b"\xff\x00")
    (folder / "new" / "empty.py").touch()
    assert draft.print_missing(CHAPTER) == 0
    course.page("02_two", "## 1. All\n\n" + capsys.readouterr().out)
    assert command.replay_lessons([]) == 0
    capsys.readouterr()
    assert draft.print_missing(CHAPTER) == 0
    assert "lacks nothing" in capsys.readouterr().out


def test_draft_goes_on_from_the_parts_that_are_there(course, capsys):
    course.folder("01_one", a_py="one = 1\n")
    course.folder("02_two", a_py="one = 1\ntwo = 2\nthree = 3\n", b_py="x\n")
    go = '## 1. Go\n\n`a.py`:\n\n```diff title="a.py"\n one = 1\n+two = 2\n```\n'
    course.part("02_two", "1_a.md", go)
    course.part("02_two", "2_b.md", "Only words so far.\n")
    assert draft.print_missing(CHAPTER) == 0
    missing = capsys.readouterr().out
    assert missing.startswith('`a.py`:\n\n```diff title="a.py"\n two = 2\n+three = 3\n```\n')
    course.part("02_two", "2_b.md", f"## 2. On\n\n{missing}")
    assert draft.print_missing(CHAPTER) == 0
    assert "lacks nothing" in capsys.readouterr().out


def test_missing_folder_or_broken_page_is_reported(course):
    with pytest.raises(console.CourseError, match="There's no folder 01_one"):
        draft.print_missing("01_one")
    course.folder("01_one")
    course.page("01_one", "```\n```\n")
    with pytest.raises(console.CourseError, match=r"01_one\.md:1"):
        draft.print_missing("01_one")
