"""Read and write a project's files as {path: content}."""

import os
import shutil
from pathlib import Path

# What a run leaves behind, in any folder.
IGNORED = {
    ".git",
    ".pytest_cache",
    ".ruff_cache",
    ".venv",
    "__pycache__",
    "db.sqlite3",
    "db.sqlite3-journal",
    "db.sqlite3-shm",
    "db.sqlite3-wal",
    "dump.rdb",
    "staticfiles",  # what collectstatic copies together
}
README = (
    "README.md"  # at the top of a chapter's folder: it describes the folder, and no page writes it
)

Tree = dict[str, bytes]


def read(folder: Path) -> Tree:
    """Return {path from `folder`, with slashes: content} of its files, except ignored ones."""
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in IGNORED]
        for name in names:
            path = Path(parent, name)
            inside = path.relative_to(folder).as_posix()
            # A link to a folder is among the folders, and one to nothing isn't a file.
            if name not in IGNORED and inside != README and path.is_file():
                found[inside] = path.read_bytes()
    return dict(sorted(found.items()))


def write(files: Tree, folder: Path) -> list[str]:
    """Make `folder` contain `files` and nothing else, except ignored files.

    Returns the paths that were written or removed.
    """
    before = read(folder)
    removed = sorted(before.keys() - files.keys())
    for name in removed:
        (folder / name).unlink()
        _remove_if_empty((folder / name).parent, folder)
    written = [name for name, content in files.items() if before.get(name) != content]
    for name in written:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[name])
    return sorted(removed + written)


def is_program(content: bytes) -> bool:
    """Return whether a file is a program that's run by its name, as manage.py is."""
    return content.startswith(b"#!")


def _remove_if_empty(parent: Path, top: Path) -> None:
    """Remove a folder that contains only caches, and then its parents, up to `top`."""
    while parent != top and all(child.name in IGNORED for child in parent.iterdir()):
        shutil.rmtree(parent)
        parent = parent.parent
