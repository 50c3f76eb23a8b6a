"""`history`: a git repository with a commit for each numbered step of the six chapters.

In it, an editor's timeline, `git log -p` and `git diff` show how each file grew. The commits are
made from the replay's snapshots, so they agree with the pages. Author and dates are fixed (one
commit a minute, from EPOCH on) and git's own settings aren't read. As a result, the same pages give
the same hashes on every machine, so a hash in a mail means the same step for everyone.

The replay checks that each numbered step changes a file, so there are no empty commits. Sections
without a number change nothing and have no commit.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from course import chapters
from course.console import CourseError, say
from course.pages import file_tree, grammar, headings
from course.replay import checkout, recordings

AUTHOR = "Django Channels, step by step <course@channels.example>"
EPOCH = 1767258000  # 1 January 2026, 9:00 UTC
BETWEEN = 60  # seconds from one commit to the next

# Git ignores what people make when they work in the folder: environments, caches, databases.
EXCLUDED = "\n".join(sorted(file_tree.IGNORED - {".git"})) + "\n"


@dataclass(frozen=True)
class Commit:
    """A step: the message of its commit, the project after it, and the tags that it gets."""

    message: str
    files: file_tree.Tree
    tags: list[str]


def write(to: Path) -> int:
    """Write the history into the folder `to`, which check_target() has checked; say what's next.

    Returns 0. Raises CourseError, and PageError for a page that can't be replayed.
    """
    recordings.read_all(chapters.NAMES)
    made = []
    for chapter in chapters.NAMES:
        steps = list(commits(chapter))
        say(f"Chapter {_number(chapter)}: {len(steps)} steps")
        made += steps
    _git(to.parent, "init", "--quiet", "--template=", "--object-format=sha1", str(to))
    _git(to, "symbolic-ref", "HEAD", "refs/heads/main")
    _git(to, "fast-import", "--quiet", given=b"".join(_stream(made)))
    _git(to, "reset", "--quiet", "--hard")
    exclude = to / ".git" / "info" / "exclude"
    exclude.parent.mkdir(exist_ok=True)
    exclude.write_text(EXCLUDED, encoding="utf-8")
    say(f"{to} has {len(made)} commits. Its files are those at the end of the last chapter.")
    say(
        f"""
Next:

{checkout.advice({}, to)}
  git log --oneline --reverse
  git log -p --reverse chapter-2..chapter-3
  git switch --detach chapter-3
"""
    )
    return 0


def commits(chapter: str) -> Iterator[Commit]:
    """Yield the commits of a chapter. Raises as recorded.read() does."""
    recording = recordings.read(chapter)
    parts = grammar.read_lesson(chapter)
    number = _number(chapter)
    for part in parts:
        steps = [step for step in part.steps if step.number]
        for step in steps:
            title = f"{step.number}. {step.title}"
            after = [other.line for other in steps if other.line > step.line]
            files = recording.before(part.path, after[0]) if after else recording.after(part.path)
            where = part.path.relative_to(chapters.ROOT).as_posix()
            tags = []
            if not after and len(parts) > 1:
                tags.append(f"chapter-{number}-{parts.index(part) + 1}")
            if not after and part is parts[-1]:
                tags.append(f"chapter-{number}")
            yield Commit(
                f"Chapter {number}, step {step.number}: {headings.plain(step.title)}\n\n"
                f"{where}#{headings.slug(title, '-')}\n",
                files,
                tags,
            )


def _stream(made: list[Commit]) -> Iterator[bytes]:
    """Yield what `git fast-import` makes the commits from."""
    for number, commit in enumerate(made):
        yield b"commit refs/heads/main\n"
        yield f"committer {AUTHOR} {EPOCH + number * BETWEEN} +0000\n".encode()
        yield _data(commit.message.encode())
        yield b"deleteall\n"
        for name, content in commit.files.items():
            mode = "100755" if file_tree.is_program(content) else "100644"
            yield f"M {mode} inline {_quoted(name)}\n".encode() + _data(content)
        for tag in commit.tags:
            yield f"reset refs/tags/{tag}\nfrom refs/heads/main\n\n".encode()


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content + b"\n"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _number(chapter: str) -> int:
    return chapters.NAMES.index(chapter) + 1


def _git(folder: Path, *words: str, given: bytes = b"") -> None:
    """Run git in `folder`, away from the caller's settings. Raises CourseError."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    ours |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    folder.mkdir(parents=True, exist_ok=True)
    try:
        ended = subprocess.run(
            ["git", *words], cwd=folder, env=ours, input=given, capture_output=True
        )
    except OSError:
        raise CourseError("git couldn't be started. Is it installed?") from None
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip()
        raise CourseError(f"git {words[0]} failed: {said}")
