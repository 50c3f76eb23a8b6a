"""`start`: write the project with which a chapter or a guide begins into a learner's folder."""

from course import chapters, lay, tree
from course.progress import Trouble, say


def command(name: str, to: str) -> int:
    """Write the start of the lesson called `name` into the folder `to`; say what's next.

    That's the committed folder of the chapter before, without its README.md. The first chapter
    starts with nothing. Returns 0. Raises Trouble, and chapters.UnknownChapter.
    """
    lesson = chapters.find_lesson(name)
    pages = chapters.pages(lesson)
    files = start_of(lesson)
    folder = lay.place(to)
    lay.lay(files, folder)
    if before := chapters.before(lesson):
        say(f"{folder} now contains the end of {before}: {len(files)} files.")
    else:
        say(f"{lesson} starts with an empty folder, and {folder} is ready.")
    say(f"\nNext:\n\n{lay.advice(files, folder)}\n")
    say(f"Then follow {pages[0]}" if pages else f"{lesson} has no page yet.")
    return 0


def start_of(lesson: str) -> tree.Tree:
    """Return the committed files with which a lesson starts. The first chapter starts with none.

    Raises Trouble if there's no such folder.
    """
    before = chapters.before(lesson)
    if before is None:
        return {}
    if not chapters.folder(before).is_dir():
        raise Trouble(f"There's no folder {before}, with which {lesson} starts.")
    return tree.read(chapters.folder(before))
