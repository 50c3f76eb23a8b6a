"""A running chapter, visited: its people logged in, its forms sent, its sockets opened."""

import functools
import re
from urllib.parse import urlencode

from contract import Contract, Field
from served import Answer, Served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from course import login

# What somebody may write who means harm, and signs of which no room's name can be made.
MARKUP = "'\"><img/src=x/onerror=alert(1)>&amp;{{7*7}}"
SIGNS = "'\"><&"

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Visit:
    """A chapter that runs, and what it has to be asked for.

    Where people log in, carol goes by a name that is markup: an admin may write anything.
    """

    def __init__(self, contract: Contract, server: Served):
        self.contract = contract
        self.server = server

    @functools.cached_property
    def people(self) -> list[str]:
        """The Cookie headers of two people who may be everywhere; empty where nobody logs in."""
        if not self.contract.people:
            return ["", ""]
        port = self.server.port
        self.server.change("UPDATE auth_user SET username = ? WHERE username = 'carol'", MARKUP)
        return [login.log_in(port, "ann"), login.log_in(port, MARKUP)]

    def log_in(self) -> None:
        """Have the two people logged in, before what is stored is looked at."""
        assert len(self.people) == 2

    def ask(self, method: str, path: str, person: int | None = 0) -> Answer:
        """Ask for an address as one of the two people, or as nobody."""
        return self.server.ask(method, path, "" if person is None else self.people[person])

    def token(self, path: str) -> tuple[str, str]:
        """Return the token of a page's form, and the Cookie header that goes with it."""
        # Somebody who is logged in is led away from where one logs in.
        mine = "" if path.startswith("/accounts/") else self.people[0]
        page = self.server.ask("GET", path, mine)
        token = TOKEN.search(page.text)
        assert token, f"there is no form to send at {path}, but HTTP {page.status}"
        cookies = [mine, *(f"{name}={value}" for name, value in page.cookies.items())]
        return token[1], "; ".join(filter(None, cookies))

    def submit(self, field: Field, text: str | bytes) -> Answer:
        """Send a form with a text in one of its fields, as a person would."""
        values = {field.name: text, **dict(field.others)}
        if field.method == "GET":
            return self.server.ask("GET", f"{field.path}?{urlencode(values)}")
        token, cookies = self.token(field.path)
        form = {"csrfmiddlewaretoken": token, **values}
        return self.server.ask("POST", field.path, cookies, form)

    def enter(self, person: int, origin: str | None = "own") -> ClientConnection:
        """Open the socket of one of the two people. Raises InvalidStatus if it is refused."""
        return self.server.open(self.contract.socket, self.people[person], origin)

    def handshake(self, origin: str | None) -> int:
        """Return the status with which a page of `origin` is answered that opens a socket."""
        try:
            with self.enter(0, origin):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code
