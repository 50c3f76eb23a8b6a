"""Check that commands, statements and their output are told apart."""

from course.pages import transcript
from course.pages.transcript import Command, Exchange

BLOCK = """\
$ echo one \\
    two
one two

$ python
Welcome
>>> for cup in range(2):
...     cup
...
0
...
>>> tea
>>>
$ sleep 9
...
^C
"""


def test_commands_have_their_output_and_their_place():
    assert transcript.commands(BLOCK) == [
        Command("echo one \\\n    two", 1, ["one two"]),
        Command(
            "python",
            5,
            ["Welcome"],
            [
                Exchange(["for cup in range(2):", "    cup", ""], 2, ["0", "..."]),
                Exchange(["tea"], 7),
                Exchange([""], 8),
            ],
        ),
        Command("sleep 9", 14, ["..."], stop=True),
    ]


def test_each_line_is_typed_or_printed():
    lines = transcript.typed(BLOCK.rstrip("\n"))
    assert ["".join(line[1:]) for line in lines] == BLOCK.rstrip("\n").split("\n")
    kinds = "bash bash output output bash output python python python output output python python"
    assert [kind for kind, _, _ in lines] == [*kinds.split(), "bash", "output", "output"]


def test_control_c_ends_what_is_shown():
    assert transcript.until_stop("Listening\n^C\n\n") == (["Listening"], True)
    assert transcript.until_stop("^C\nListening\n") == (["^C", "Listening"], False)
