"""Have a page's conversation with the running web server, over WebSockets and HTTP."""

import re
import threading
import time

from course.pages import matching
from course.pages.matching import Mismatch
from course.replay import server_kinds
from course.replay.login import Answer, Visitor
from course.replay.shell import Shell
from course.replay.sockets import Socket, enter, same

QUIET = 0.2  # seconds in which nothing more may arrive where the page shows no more

OPEN = re.compile(r"(?:(?P<names>\w+(?:, *\w+)*): )?(?P<url>wss?://\S+)(?: from (?P<origin>\S+))?")
FRAME = re.compile(r"(?:(?P<name>\w+) )?(?P<sign>[<>x])(?: (?P<rest>.*))?")
LOGIN = re.compile(r"as (?P<user>\w+)")
REQUEST = re.compile(
    r"(?P<method>GET|POST) (?P<path>/\S*)(?: (?P<form>[^\s=]+=\S*))?(?: from (?P<origin>\S+))?"
)
ANSWER = re.compile(
    r"(?P<sign>!?=) "
    r"(?:(?P<status>\d{3})(?: (?P<location>\S+))?|(?P<header>[A-Z][\w-]*): (?P<value>.*)|.*)"
)
REPEATED = re.compile(r"(?P<what>\S) \* (?P<times>\d+)")  # `x * 70000`: a frame of so many
WITHIN = re.compile(r"\((?P<what>\S) \* (?P<times>\d+)\)")  # `(x * 2001)`: so many within one


def run(text: str, shell: Shell, halt: threading.Event) -> None:
    """Have a wire block's conversation. Raises Mismatch, Halted."""
    shell.servers.refresh()
    tls = "wss://" in text
    shell.servers.check_serving("nginx" if tls else "web")
    conversation = Conversation(shell, halt, tls)
    below = 0
    try:
        for below, line in enumerate(text.rstrip("\n").split("\n"), start=1):  # noqa: B007
            conversation.take(line.rstrip())
        conversation.finish()
    except Mismatch as mismatch:
        mismatch.below += below
        raise
    finally:
        conversation.close()


class Conversation:
    """The sockets of a block by the names that the page gives them, or "".

    With `tls`, requests go to the reverse proxy.
    """

    def __init__(self, shell: Shell, halt: threading.Event, tls: bool = False):
        self._shell = shell
        self._halt = halt
        self._site = (shell.ports.real[server_kinds.PROXY if tls else 8000], tls)
        self._sockets: dict[str, Socket] = {}
        self._visitor: Visitor | None = None
        self._answer: Answer | None = None

    def take(self, line: str) -> None:
        """Carry out one line. Raises Mismatch, Halted."""
        if line.startswith("$ "):
            self._run(line[2:])
        elif match := LOGIN.fullmatch(line):
            self._visitor = Visitor(*self._site)
            self._visitor.log_in(match["user"])
        elif match := REQUEST.fullmatch(line):
            self._visitor = self._visitor or Visitor(*self._site)
            self._answer = self._visitor.ask(**match.groupdict())
        elif match := ANSWER.fullmatch(line):
            self._compare(match)
        elif match := OPEN.fullmatch(line):
            for name in re.split(", *", match["names"] or ""):
                self._open(name, match["url"], match["origin"])
        elif match := FRAME.fullmatch(line):
            name = match["name"] or ""
            if name not in self._sockets:
                raise Mismatch(f"no socket is open yet: {line}")
            socket = self._sockets[name]
            rest = match["rest"] or ""
            if match["sign"] == ">":
                socket.send(_whole(rest))
            elif match["sign"] == "<":
                socket.receive(rest)
            else:
                socket.ends(rest)
        elif line:
            raise Mismatch(f"this isn't a line of a conversation: {line}")

    def finish(self) -> None:
        """Check that no socket gets more than is shown. Raises Mismatch, Halted."""
        until = time.monotonic() + QUIET
        for socket in self._sockets.values():
            socket.finish(max(0, until - time.monotonic()))

    def close(self) -> None:
        """Close all sockets."""
        for socket in self._sockets.values():
            socket.close()

    def _open(self, name: str, url: str, origin: str | None) -> None:
        if old := self._sockets.pop(name, None):
            try:
                old.finish(QUIET)
            finally:
                old.close()
        local = self._shell.ports.to_replay(url)
        cookies = self._visitor.cookies if self._visitor else None
        self._sockets[name] = enter(name, local, origin, cookies, self._halt)

    def _compare(self, line: re.Match) -> None:
        """Compare a line about the answer to the last request: status, header or text."""
        answer = self._answer
        if answer is None:
            raise Mismatch(f"nothing has been asked for yet: {line[0]}")
        if line["status"]:
            shown = " ".join(filter(None, [line["status"], line["location"]]))
            location = answer.headers.get("location", "") if line["location"] else ""
            came = " ".join(filter(None, [str(answer.status), location]))
        elif line["header"]:
            shown = f"{line['header']}: {line['value']}"
            value = answer.headers.get(line["header"].lower())
            came = "no such header" if value is None else f"{line['header']}: {value}"
        else:
            shown, came = line[0].partition(" ")[2], answer.text
        unwanted = line["sign"] == "!="
        if same(shown, came) == unwanted:
            says = "rules out" if unwanted else "shows"
            raise Mismatch(
                f"another answer came.\n\nThe page {says}:\n\n    {shown}\n\nIt was:\n\n"
                + matching.quote([line for line in matching.lines(came) if line])
            )

    def _run(self, command: str) -> None:
        if kind := server_kinds.kind_of(command):
            self._shell.servers.start(kind, command, None)
            return
        # A conversation can't show what a command prints.
        status, printed = self._shell.run(command)
        if status:
            said = matching.quote(printed)
            raise Mismatch(f"`{command}` failed with exit status {status}. It printed:\n\n{said}")


def _whole(shown: str) -> str:
    """Return the frame to send; pages abbreviate long ones."""
    if match := REPEATED.fullmatch(shown):
        return _repeat(match)
    return WITHIN.sub(_repeat, shown)


def _repeat(match: re.Match) -> str:
    return match["what"] * int(match["times"])
