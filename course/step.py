"""`replay --to`: write a project as it is after a step of a lesson."""

from course import lay, page, replay, tree
from course.progress import Trouble, say
from course.start import start_of


def command(name: str, to: str, number: int | None) -> int:
    """Write the project as it is after that step of the lesson `name` into the folder `to`.

    0 is its start, and None its end. Only commands that change files are run. Returns 0.
    Raises Trouble, PageError if a page does something wrong, and chapters.UnknownChapter.
    """
    [lesson] = replay.chosen([name])
    folder = lay.place(to)
    steps = [found for found in page.steps(page.read_lesson(lesson)) if found[1].number]
    if number is None:
        number = len(steps)
    if number > len(steps):
        raise Trouble(
            f"{lesson} has no step {number}. Its steps are 1 to {len(steps)}, and 0 is its start."
        )
    files = files_after(lesson, number)
    lay.lay(files, folder)
    when = f"after step {number} of {lesson}" if number else f"at the start of {lesson}"
    say(f"{folder} now contains the project as it is {when}.")
    say(f"\nNext:\n\n{lay.advice(files, folder)}\n")
    if number < len(steps):
        part, step = steps[number]
        say(f"Then follow {part.path}, from line {step.line} on: step {step.number}, {step.title}")
    return 0


def files_after(lesson: str, number: int) -> tree.Tree:
    """Return the project as it is after a numbered step of the lesson; 0 is its start.

    Raises as replay.replay() and start.start_of() do.
    """
    files = start_of(lesson)
    for state in replay.replay(lesson, files, fast=True).states:
        if state.step <= number:
            files = state.files
    return files
