"""Ask a web server over HTTP as a browser does, and log in."""

import http.client
import re
import ssl
from dataclasses import dataclass
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from course.chapters import DEMO_PASSWORD
from course.pages.matching import Mismatch

PATH = "/accounts/login/"
LIMIT = 10  # seconds that an answer may take
LONGEST = 2_000_000  # bytes of an answer that are read

# A page's certificate is signed by an authority that the page makes.
OWN_AUTHORITY = ssl._create_unverified_context()

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


@dataclass(frozen=True)
class Answer:
    """A response: its status, its headers by their names in small letters, its text."""

    status: int
    headers: dict[str, str]
    text: str


class Visitor:
    """Someone's browser at the web server on `port`, with its cookies."""

    def __init__(self, port: int, tls: bool = False):
        self._port = port
        self._tls = tls
        self._cookies = SimpleCookie()

    @property
    def cookies(self) -> str:
        """The Cookie header of a request."""
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())

    def ask(
        self, method: str, path: str, form: str | None = None, origin: str | None = None
    ) -> Answer:
        """Make a request, without following a redirect. Raises Mismatch if nothing answers.

        `form` is the body of a POST as browsers encode it. It's sent with the site's CSRF token, as
        a page of the site would; with an `origin`, that of another site, without.
        """
        headers = {"Cookie": self.cookies}
        if origin:
            headers["Origin"] = origin
        elif method == "POST" and (token := self._token(path)):
            form = "&".join(filter(None, [urlencode({"csrfmiddlewaretoken": token}), form]))
            headers["Cookie"] = self.cookies
        if method == "POST":
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        return self._request(method, path, form, headers)

    def log_in(self, user: str) -> None:
        """Log in with the demo's password. Raises Mismatch."""
        answer = self.ask("GET", PATH)
        if answer.status != 200 or not _TOKEN.search(answer.text):
            raise Mismatch(f"as {user}: expected a login form at {PATH}, got HTTP {answer.status}")
        form = urlencode({"username": user, "password": DEMO_PASSWORD})
        answer = self.ask("POST", PATH, form)
        if answer.status != 302:
            raise Mismatch(
                f"as {user}: expected {DEMO_PASSWORD} to log in, got HTTP {answer.status}"
            )

    def _token(self, path: str) -> str | None:
        """Return the CSRF token that a page of the site would send: the cookie's, or its form's."""
        if "csrftoken" not in self._cookies:
            found = _TOKEN.search(self.ask("GET", path).text)
            return found[1] if found else None
        return self._cookies["csrftoken"].value

    def _request(self, method: str, path: str, body: str | None, headers: dict) -> Answer:
        site, kind = {"timeout": LIMIT}, http.client.HTTPConnection
        if self._tls:
            site, kind = site | {"context": OWN_AUTHORITY}, http.client.HTTPSConnection
            headers = {"Referer": f"https://127.0.0.1:{self._port}/", **headers}  # for CSRF
        connection = kind("127.0.0.1", self._port, **site)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read(LONGEST).decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            raise Mismatch(f"no web server answers at {path}: {error}") from None
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie", []):
            self._cookies.load(cookie)
        sent = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, sent, text)


def log_in(port: int, user: str) -> str:
    """Log `user` in at the web server on `port`; return the Cookie header of the session.

    Raises Mismatch.
    """
    visitor = Visitor(port)
    visitor.log_in(user)
    return visitor.cookies
