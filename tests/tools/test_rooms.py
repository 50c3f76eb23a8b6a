"""Check that the tools' imports run one way: each room uses those below it, never one above."""

import ast

from course import chapters

# From the bottom up. Rooms on one floor don't know each other, but for the ground floor's modules.
FLOORS = [
    {"console", "chapters", "processes", "verbs"},
    {"tasks", "pages"},
    {"replay"},
    {"site", "learner"},
    {"__main__"},
]
# What may be imported in each room, and in the benchmarks, which measure pages' steps on the
# servers of tests/support. Tests may import everything.
ALLOWED = {"__init__": set(), "benchmarks": {"benchmarks", "tests"}.union(*FLOORS[:3])}
for number, floor in enumerate(FLOORS):
    ALLOWED |= {room: FLOORS[0].union({room}, *FLOORS[:number]) for room in floor}


def imported_rooms(text):
    """Return what a module imports of ours: a room of course/, or another package."""
    names = []
    for node in ast.walk(ast.parse(text)):  # functions included
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    ours = [
        name.split(".") for name in names if name.startswith(("course.", "benchmarks", "tests"))
    ]
    return {each[1] if each[0] == "course" else each[0] for each in ours}


def test_each_room_imports_only_those_below():
    wrong = {}
    for path in [*chapters.ROOT.glob("course/**/*.py"), *chapters.ROOT.glob("benchmarks/**/*.py")]:
        top, inside = path.relative_to(chapters.ROOT).parts[:2]
        room = top if top == "benchmarks" else inside.removesuffix(".py")
        if above := imported_rooms(path.read_text(encoding="utf-8")) - ALLOWED[room]:
            wrong[str(path)] = above
    assert wrong == {}
