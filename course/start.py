"""`start`: what a chapter goes on from, laid in a learner's own folder."""

from course import chapters, lay, tree
from course.progress import Trouble, say


def command(name: str, to: str) -> int:
    """Lay in the folder `to` what the chapter called `name` goes on from; say what comes next.

    That is the committed folder of the chapter before, its README.md aside; the first chapter
    begins with nothing. Returns 0. Raises Trouble, and chapters.UnknownChapter.
    """
    chapter = chapters.find(name)
    pages = chapters.pages(chapter)
    files = start_of(chapter)
    folder = lay.place(to)
    lay.lay(files, folder)
    if before := chapters.before(chapter):
        say(f"{folder} holds what {before} ends with: {len(files)} files.")
    else:
        say(f"{chapter} begins with an empty folder: {folder} is one.")
    say(f"\nNext:\n\n{lay.advice(files, folder)}\n")
    say(f"Then follow {pages[0]}" if pages else f"{chapter} has no page yet.")
    return 0


def start_of(chapter: str) -> tree.Tree:
    """Return the committed files that a chapter goes on from; the first begins with none.

    Raises Trouble if there is no such folder.
    """
    before = chapters.before(chapter)
    if before is None:
        return {}
    if not chapters.folder(before).is_dir():
        raise Trouble(f"There is no folder {before}, from which {chapter} goes on.")
    return tree.read(chapters.folder(before))
