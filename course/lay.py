"""Write a project into a learner's folder, which has to be new or empty."""

import shlex
from pathlib import Path

from course import chapters, tree
from course.progress import Trouble

ELSE = "Choose a new or an empty folder, such as ~/mysite."


def place(text: str) -> Path:
    """Return the folder that a person named, as an absolute path. Nothing is created yet.

    `~` is their home. Raises Trouble unless the folder is new or empty, and outside the repository.
    """
    try:
        folder = Path(text).expanduser().resolve()
        if any(parent.exists() and parent.samefile(chapters.ROOT) for parent in _line_of(folder)):
            raise Trouble(f"{folder} is inside the course's repository. {ELSE}")
        if folder.exists() and not folder.is_dir():
            raise Trouble(f"{folder} is a file. {ELSE}")
        if folder.exists() and any(folder.iterdir()):
            raise Trouble(f"{folder} isn't empty, so nothing was changed there. {ELSE}")
    except RuntimeError:
        raise Trouble(f"{text} is in the home of a user who doesn't exist. {ELSE}") from None
    except OSError as error:
        raise Trouble(f"{text} can't be used: {error.strerror}. {ELSE}") from None
    return folder


def lay(files: tree.Tree, folder: Path) -> None:
    """Write a project's files into `folder`, which place() has checked. Raises Trouble."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tree.write(files, folder)
        for name, content in files.items():
            if is_program(content):
                (folder / name).chmod((folder / name).stat().st_mode | 0o111)
    except OSError as error:
        raise Trouble(f"{folder} can't be written: {error.strerror}. {ELSE}") from None


def is_program(content: bytes) -> bool:
    """Tell whether a file is to be run by its name, as manage.py is, which startproject makes."""
    return content.startswith(b"#!")


def advice(files: tree.Tree, folder: Path) -> str:
    """Return the commands with which a person starts to work on those files in `folder`."""
    lines = [f"cd {shlex.quote(str(folder))}"]
    if "requirements-dev.txt" in files:
        lines += [
            "python3 -m venv .venv",
            "source .venv/bin/activate",
            "pip install -r requirements-dev.txt",
        ]
    if "manage.py" in files:
        lines.append("python manage.py migrate")
    return "\n".join(f"  {line}" for line in lines)


def _line_of(folder: Path) -> list[Path]:
    return [folder, *folder.parents]
