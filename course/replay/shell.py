"""A learner's terminal: one bash for a chapter, in which `cd` and `export` persist."""

import contextlib
import re
import select
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from course import processes
from course.pages import matching, transcript
from course.pages.matching import Mismatch
from course.replay import prompt, server_kinds, servers

COMMAND_LIMIT = 600  # seconds that a command may take, such as a suite on a busy machine

# Homebrew's programs are in the first of these.
SYSTEM = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

# All that a page's commands find set, so that they find the same on every machine.
VARIABLES = {
    "COLUMNS": "80",
    "COURSE_REPLAY": "1",  # the clone's folders may be out of date: the replay writes them
    "LANG": "C.UTF-8",
    "NO_COLOR": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INDEX": "1",
    # Hypothesis is the repository's, not the learner's: its plugin costs most of a second.
    "PYTEST_ADDOPTS": "-p no:cacheprovider -p no:hypothesispytest",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHON_BASIC_REPL": "1",
    "TERM": "dumb",
}

NO_BROWSER = "--ignore=tests/test_browser.py"

# Making an environment and filling it takes half a minute, and an index to download from.
READY_ENVIRONMENT = """
_ready() {{
    if [ "${{*:2}}" = "-m venv .venv" ]; then ln -sfn {prefix} .venv; else command "$@"; fi
}}
python() {{ _ready python "$@"; }}
python3() {{ _ready python3 "$@"; }}
"""

# Stand-ins that the servers' own shells have, too. nginx's ports are in its configuration, of which
# pages make a copy outside the project. PostgreSQL and nginx's workers don't run as root, so other
# users have to reach the folder with their data.
STAND_INS = """
_open() {{ if [ $UID = 0 ]; then chmod 711 ~/chat-data; fi; }}
nginx() {{ _open; sed -i -E '{translate}' ~/chat-data/nginx.conf; command nginx "$@"; }}
export -f _open nginx
if [ $UID = 0 ]; then
    initdb() {{ _open; mkdir -p "$2"; chown {account} "$2"; runuser -u {account} -- initdb "$@"; }}
    postgres() {{ runuser -u {account} -- postgres "$@"; }}
    export -f initdb postgres
fi
"""
ACCOUNT = "postgres"

# The commands that make files, or say where: a replay of the files alone runs these and no others.
_WRITES_FILES = re.compile(
    r"(?:cd|export|unset|mkdir|rm|cp|mv|touch)\b"
    r"|django-admin start(?:project|app)\b"
    r"|python3? manage\.py (?:startapp|makemigrations)\b"
)
# A suite has servers of its own, and the others don't talk to the web server.
_KEEPS_TO_ITSELF = re.compile(
    r"(?:\w+=\S* )*"  # variables set for this command alone
    r"(?:(?:pytest|pip|redis-cli)\b"
    r"|\(cd ~/channels-course$|python3 -m course check\b"
    r"|python3? manage\.py (?:check|createsuperuser|demo|migrate)\b)"
)


def writes_files(command: str) -> bool:
    """Return whether a command creates or removes project files, or decides where they go."""
    return any(_WRITES_FILES.match(part) for part in _parts(command))


def may_ask_a_server(command: str) -> bool:
    """Return whether a command could talk to a running server.

    Restarting the web server takes a second, and eight copied files in a row don't need it.
    """
    return not all(
        _WRITES_FILES.match(part) or _KEEPS_TO_ITSELF.match(part) for part in _parts(command)
    )


class Shell:
    """A bash in `folder`, whose parent is its HOME, and the servers that were started in it.

    The programs of this process's environment are found first. Without a `browser`, the project's
    suite leaves out the tests that need one, as it does for learners who have none. `prefix` is
    processes.bash's. Always close it.
    """

    def __init__(
        self,
        folder: Path,
        scratch: Path,
        halt: threading.Event,
        browser: bool = True,
        prefix: Sequence[str] = (),
    ):
        self._halt = halt
        self._prefix = prefix
        self._out = scratch / "out"
        programs = Path(sys.executable).parent
        for name in ("bin", "tmp"):
            (scratch / name).mkdir()
        # Where there is a black, startproject has it rewrite what it makes. Here it does nothing.
        (scratch / "bin" / "black").symlink_to(shutil.which("true", path=SYSTEM))
        environment = {
            **VARIABLES,
            "HOME": str(folder.parent),
            "PATH": f"{scratch}/bin:{programs}:{SYSTEM}",
            "TMPDIR": f"{scratch}/tmp",
        }
        if not browser:
            environment["PYTEST_ADDOPTS"] += f" {NO_BROWSER}"
        self._bash = subprocess.Popen(
            processes.bash(prefix=prefix),
            cwd=folder,
            env=environment,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.servers = servers.Servers(scratch, self._surroundings, halt, prefix)
        self.ports = self.servers.ports
        try:
            self._ask(READY_ENVIRONMENT.format(prefix=shlex.quote(str(programs.parent))))
            pairs = self.ports.real.items()
            translate = "; ".join(rf"s/(listen |:){page}\b/\1{real}/" for page, real in pairs)
            self._ask(STAND_INS.format(translate=translate, account=ACCOUNT))
        except BaseException:
            self.close()
            raise

    def do(self, command: transcript.Command) -> None:
        """Carry out a line of a console block and compare. Raises Mismatch, Halted."""
        try:
            self._do(command)
        except Mismatch as mismatch:
            mismatch.below += command.below
            raise

    def run(self, command: str) -> tuple[int, list[str]]:
        """Run a command; return its exit status and what it printed. Raises Mismatch, Halted."""
        status, printed = self._ask(self.ports.to_replay(command))
        return status, matching.lines(self.ports.to_page(printed))

    def log(self, text: str) -> None:
        """Wait until a server prints what a console block without `$ ` shows. Raises Mismatch."""
        shown, stop = transcript.until_stop(text)
        self.servers.refresh()
        name = self.servers.show(shown) if shown else self.servers.last()
        if stop and name:
            self.servers.stop(name)
        elif stop:
            raise Mismatch("no server is running here that `^C` could stop")

    def close(self) -> None:
        """End the servers, the bash, and everything started in it."""
        self.servers.close()
        processes.end(self._bash)
        for pipe in (self._bash.stdin, self._bash.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _do(self, command: transcript.Command) -> None:
        if kind := server_kinds.kind_of(command.text):
            self.servers.start(kind, command.text, command.shown)
            if command.stop:
                self.servers.stop(kind.name)
            return
        if command.stop:
            raise Mismatch(f"`^C` ends a server, but `{command.text}` doesn't start one")
        if may_ask_a_server(command.text):
            self.servers.refresh()
        if command.exchanges:
            there = (*self._surroundings(), self.ports, self._halt, self._prefix)
            prompt.converse(command, *there)
            return
        status, printed = self.run(command.text)
        ended = f" and failed with exit status {status}" if status else ""
        if not matching.matches(command.shown, printed):
            sentence = f"`{command.text}` printed something else{ended}."
            raise Mismatch(matching.difference(sentence, command.shown, printed))
        # `... passed...` fits "1 failed, 3 passed": a failure's last line begins as it is shown.
        if status and (not command.shown or command.shown[-1].startswith(matching.ANY)):
            raise Mismatch(
                f"`{command.text}` failed with exit status {status}, and the page doesn't show "
                f"its last line. Printed was:\n\n{matching.quote(printed)}"
            )

    def _surroundings(self) -> tuple[dict[str, str], str]:
        """Return bash's variables and its current folder."""
        _, text = self._ask("env -0; pwd")
        *pairs, folder = text.split("\0")
        return dict(pair.split("=", 1) for pair in pairs), folder.removesuffix("\n")

    def _ask(self, command: str) -> tuple[int, str]:
        # eval, so that a command that bash can't read only fails, and doesn't end the shell.
        line = f"{{ eval {shlex.quote(command)}; }} >{shlex.quote(str(self._out))} 2>&1 </dev/null"
        try:
            self._bash.stdin.write(f"{line}; echo $?\n")
            self._bash.stdin.flush()
        except BrokenPipeError:
            raise Mismatch("the shell has ended") from None
        if not processes.until(self._has_answered, COMMAND_LIMIT, self._halt):
            raise Mismatch(
                f"`{command}` is still running after {COMMAND_LIMIT} s. If it's a server, put its "
                "command at the beginning of the line."
            )
        status = self._bash.stdout.readline()
        if not status:
            raise Mismatch(f"`{command}` ended the shell")
        return int(status), self._out.read_text(errors="replace")

    def _has_answered(self) -> bool:
        return bool(select.select([self._bash.stdout], [], [], 0.1)[0])


def _parts(command: str) -> list[str]:
    """Return a line's commands."""
    return [part.strip() for part in re.split(r"&&|;|\|", command)]
