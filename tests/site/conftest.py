"""The site, built once for all that look at it, and served."""

import fcntl
import functools
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from course.site import build
from course.tasks import suites


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder with the site: the first suite builds it, and others that run then share it."""
    shared = Path(os.environ.get(suites.SHARED) or tmp_path_factory.mktemp("docs"))
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "site" / build.WHOLE).exists():  # that's written last
            build.build(shared / "site")
    return shared / "site"


@pytest.fixture(scope="session")
def site_pages(site):
    """The addresses of its pages, as seen from its folder."""
    return sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))


@pytest.fixture(scope="session")
def served_site(site):
    """Its address."""
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(site))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def page_with(site, site_pages):
    """Return a function that gives the first page of a chapter whose HTML has all of these."""

    def page_with(*parts):
        texts = {name: (site / name).read_text() for name in site_pages if "chapters/0" in name}
        return next(name for name, text in texts.items() if all(part in text for part in parts))

    return page_with


@pytest.fixture(params=["http", "file"])
def start(request, site, served_site):
    """Where the site starts: at a server, and in a folder."""
    return served_site if request.param == "http" else site.as_uri()
