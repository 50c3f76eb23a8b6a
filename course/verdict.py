"""Compare the result of a chapter's page with the committed folder."""

from course import chapters, page, tree
from course.state import State


def differences(
    chapter: str, start: tree.Tree, states: list[State], wanted: tree.Tree
) -> list[str]:
    """Return, for each file that differs from the folder, the block to blame and the difference.

    `states` are the page's, beginning with `start`, and `wanted` is the folder. Each text begins
    with PAGE:LINE, the place of the last block that changed the file, or the page's first line.
    """
    made = states[-1].files if states else start
    said = []
    for name in sorted(made.keys() | wanted.keys()):
        if made.get(name) == wanted.get(name):
            continue
        blocks = _blocks_that_changed(name, start, states)
        if blocks:
            place = page.place(blocks[-1].page, blocks[-1].line)
            sentence = f"this leaves {name} unlike the folder's"
        else:
            place = page.place(chapters.pages(chapter)[0], 1)
            sentence = f"no block below makes {name} what it is in the folder"
        sides = [{name: side[name]} if name in side else {} for side in (made, wanted)]
        said.append(f"{place}: {sentence}:\n\n{tree.difference(*sides)}\n")
    return said


def _blocks_that_changed(name: str, start: tree.Tree, states: list[State]) -> list[State]:
    """Return the states whose block changed the file of that name."""
    before = [start, *(state.files for state in states)]
    return [
        state
        for old, state in zip(before, states, strict=False)
        if old.get(name) != state.files.get(name)
    ]
