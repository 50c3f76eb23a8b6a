"""`start`: what a chapter or a guide goes on from, laid in a learner's own folder."""

from course import chapters, lay, tree
from course.progress import Trouble, say


def command(name: str, to: str) -> int:
    """Lay in the folder `to` what the lesson called `name` goes on from; say what comes next.

    That is the committed folder of the chapter before, its README.md aside; the first chapter
    begins with nothing. Returns 0. Raises Trouble, and chapters.UnknownChapter.
    """
    lesson = chapters.find_lesson(name)
    pages = chapters.pages(lesson)
    files = start_of(lesson)
    folder = lay.place(to)
    lay.lay(files, folder)
    if before := chapters.before(lesson):
        say(f"{folder} holds what {before} ends with: {len(files)} files.")
    else:
        say(f"{lesson} begins with an empty folder: {folder} is one.")
    say(f"\nNext:\n\n{lay.advice(files, folder)}\n")
    say(f"Then follow {pages[0]}" if pages else f"{lesson} has no page yet.")
    return 0


def start_of(lesson: str) -> tree.Tree:
    """Return the committed files that a lesson goes on from; the first chapter's are none.

    Raises Trouble if there is no such folder.
    """
    before = chapters.before(lesson)
    if before is None:
        return {}
    if not chapters.folder(before).is_dir():
        raise Trouble(f"There is no folder {before}, from which {lesson} goes on.")
    return tree.read(chapters.folder(before))
