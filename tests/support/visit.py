"""Visit a running chapter: log people in, send its forms and open its sockets."""

import functools
import re
from urllib.parse import urlencode

from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection

from course.replay import login
from tests.support.contract import Contract, Field
from tests.support.servers import Answer, Served

# An attacker's input, and special characters that can't become a room name.
MARKUP = "'\"><img/src=x/onerror=alert(1)>&amp;{{7*7}}"
SIGNS = "'\"><&"

TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


class Visit:
    """A running chapter and its contract.

    If people log in there, carol is renamed to markup, because an admin may enter any name.
    """

    def __init__(self, contract: Contract, server: Served):
        self.contract = contract
        self.server = server

    @functools.cached_property
    def people(self) -> list[str]:
        """The Cookie headers of two people with access to every page; empty without a login."""
        if not self.contract.people:
            return ["", ""]
        port = self.server.port
        self.server.change("UPDATE auth_user SET username = ? WHERE username = 'carol'", MARKUP)
        return [login.log_in(port, "ann"), login.log_in(port, MARKUP)]

    def log_in(self) -> None:
        """Log the two people in, so that this doesn't change the database during a check."""
        assert len(self.people) == 2

    def ask(self, method: str, path: str, person: int | None = 0) -> Answer:
        """Send a request as one of the two people, or logged out if `person` is None."""
        return self.server.ask(method, path, "" if person is None else self.people[person])

    def token(self, path: str) -> tuple[str, str]:
        """Return the token of a page's form, and the Cookie header that goes with it."""
        # Login pages redirect people who are already logged in.
        mine = "" if path.startswith("/accounts/") else self.people[0]
        page = self.server.ask("GET", path, mine)
        token = TOKEN.search(page.text)
        assert token, f"there's no form at {path}, but HTTP {page.status}"
        cookies = [mine, *(f"{name}={value}" for name, value in page.cookies.items())]
        return token[1], "; ".join(filter(None, cookies))

    def submit(self, field: Field, text: str | bytes) -> Answer:
        """Send a form with this text in one of its fields, as a person would."""
        values = {field.name: text, **dict(field.others)}
        if field.method == "GET":
            return self.server.ask("GET", f"{field.path}?{urlencode(values)}")
        token, cookies = self.token(field.path)
        form = {"csrfmiddlewaretoken": token, **values}
        return self.server.ask("POST", field.path, cookies, form)

    def enter(self, person: int, origin: str | None = "own") -> ClientConnection:
        """Open a socket as one of the two people. Raises InvalidStatus if it's refused."""
        return self.server.open(self.contract.socket, self.people[person], origin)

    def handshake(self, origin: str | None) -> int:
        """Return the HTTP status of the handshake when a page from `origin` opens a socket."""
        try:
            with self.enter(0, origin):
                return 101
        except InvalidStatus as refused:
            return refused.response.status_code
