"""Log in over HTTP as a browser does, for the sockets of a page's conversation."""

import http.client
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from course.chapters import DEMO_PASSWORD
from course.pages.matching import Mismatch

PATH = "/accounts/login/"
LIMIT = 10  # seconds that an answer may take

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


def log_in(port: int, user: str) -> str:
    """Log `user` in at the web server on `port`; return the Cookie header of the session.

    Raises Mismatch.
    """
    cookies = SimpleCookie()
    status, text = _ask(port, "GET", cookies)
    token = _TOKEN.search(text)
    if status != 200 or not token:
        raise Mismatch(f"as {user}: expected a login form at {PATH}, got HTTP {status}")
    form = {"csrfmiddlewaretoken": token[1], "username": user, "password": DEMO_PASSWORD}
    status, _ = _ask(port, "POST", cookies, urlencode(form))
    if status != 302:
        raise Mismatch(f"as {user}: expected {DEMO_PASSWORD} to log in, got HTTP {status}")
    return _header(cookies)


def _ask(port: int, method: str, cookies: SimpleCookie, body: str | None = None) -> tuple[int, str]:
    """Return a response's status and text, and add its cookies to `cookies`."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": _header(cookies)}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT)
    try:
        connection.request(method, PATH, body, headers)
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        raise Mismatch(f"no web server answers at {PATH}: {error}") from None
    finally:
        connection.close()
    for cookie in answer.headers.get_all("Set-Cookie", []):
        cookies.load(cookie)
    return answer.status, text


def _header(cookies: SimpleCookie) -> str:
    return "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
