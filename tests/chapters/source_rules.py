"""Rules for a chapter's Python code. Each returns the violations it finds, as one line each."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from course.processes import project_env
from tests.chapters.files import files

ELEMENTS = (
    "a|article|aside|b|body|br|button|code|data|dd|div|dl|dt|em|fieldset|figure|footer|form|h[1-6]"
    "|head|header|hr|html|i|iframe|img|input|label|legend|li|link|main|meta|nav|object|ol|option|p"
    "|pre|script|section|select|small|span|strong|style|svg|table|tbody|td|template|textarea|th"
    "|thead|time|title|tr|u|ul|video"
)
# An f-string's text may end where a tag's name is filled in: f"<{tag}>".
HTML = re.compile(rf"(?<!\?P)</?(?:(?:{ELEMENTS})(?=[\s/>]|$)|$)", re.IGNORECASE)

PRINTING = {"print", "pprint", "pp"}
UNESCAPING = {"mark_safe", "SafeString", "SafeText", "SafeData", "html_safe", "__html__"}

SETTINGS = """
import json
from config import settings
names = ["ALLOWED_HOSTS", "ASGI_APPLICATION", "INSTALLED_APPS", "MIDDLEWARE", "TEMPLATES"]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""
SOCKETS = "AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))"


def python(folder: Path, tests: bool = False) -> Iterator[tuple[str, ast.Module]]:
    """Yield path and syntax tree of the chapter's Python files; with `tests`, also its tests."""
    for inside, path in files(folder, "*.py"):
        if tests or not inside.startswith("tests/"):
            yield inside, ast.parse(path.read_bytes())


def prints(folder: Path) -> list[str]:
    """Find calls that print instead of logging."""
    found = []
    for path, module in python(folder, tests=True):
        for node in ast.walk(module):
            called = _name(node.func) if isinstance(node, ast.Call) else ""
            if called in PRINTING or called in {"stdout.write", "stderr.write"}:
                found.append(f"{path}:{node.lineno} prints")
    return found


def html_in_python(folder: Path) -> list[str]:
    """Find HTML in strings other than docstrings. Only templates may make it: they escape."""
    found = []
    for path, module in python(folder):
        docstrings = set(map(id, _docstrings(module)))
        for node in ast.walk(module):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and HTML.search(text) and id(node) not in docstrings:
                found.append(f"{path}:{node.lineno} has HTML in a string")
    return found


def unescaped(folder: Path) -> list[str]:
    """Find code that switches off Django's escaping or CSRF protection."""
    found = []
    for path, module in python(folder):
        for node in ast.walk(module):
            if _last_name(node) in UNESCAPING:
                found.append(f"{path}:{node.lineno} has {_last_name(node)}")
            if _last_name(node) == "csrf_exempt":
                found.append(f"{path}:{node.lineno} switches CSRF protection off")
            if isinstance(node, ast.keyword) and node.arg == "autoescape":
                found.append(f"{path}:{node.lineno} changes autoescape")
    return found


def imports_from_the_repository(folder: Path) -> list[str]:
    """Find imports that would fail in a chapter that's copied out of the repository."""
    found = []
    for path, module in python(folder, tests=True):
        for node in ast.walk(module):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [
                f"{path}:{node.lineno} imports {name}"
                for name in names
                if name.split(".")[0] in {"course", "benchmarks"}
            ]
    return found


@functools.cache
def settings(folder: Path) -> dict:
    """Return some of the chapter's settings, as Django would read them."""
    asked = subprocess.run(
        [sys.executable, "-c", SETTINGS],
        cwd=folder,
        env={**project_env(os.environ), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert asked.returncode == 0, f"config/settings.py can't be read: {asked.stderr}"
    return json.loads(asked.stdout)


def runserver_without_websockets(folder: Path) -> list[str]:
    """Find settings that keep `runserver` from serving WebSockets."""
    values = settings(folder)
    found = []
    if values["INSTALLED_APPS"][:1] != ["daphne"]:
        found.append("daphne isn't first in INSTALLED_APPS")
    if values["ASGI_APPLICATION"] != "config.asgi.application":
        found.append("ASGI_APPLICATION isn't config.asgi.application")
    return found


def insecure_settings(folder: Path) -> list[str]:
    """Find protections that the settings switch off."""
    values = settings(folder)
    found = []
    if "*" in values["ALLOWED_HOSTS"]:
        found.append("ALLOWED_HOSTS lets pages of every host open a socket")
    if "django.middleware.csrf.CsrfViewMiddleware" not in values["MIDDLEWARE"]:
        found.append("MIDDLEWARE has no CSRF protection")
    if any("autoescape" in engine.get("OPTIONS", {}) for engine in values["TEMPLATES"]):
        found.append("TEMPLATES changes autoescape")
    return found


def asgi(folder: Path, sockets: bool) -> list[str]:
    """Find mistakes in config/asgi.py; `sockets` tells whether the chapter has WebSockets."""
    path = "config/asgi.py"
    module = ast.parse((folder / path).read_bytes())
    ready = routed = None
    early = []
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and _name(node.func) == "get_asgi_application":
            ready = node.lineno
        if isinstance(node, ast.Call) and _name(node.func) == "ProtocolTypeRouter":
            routed = node.args[0]
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chat"):
            early.append(node)
    if ready is None or not isinstance(routed, ast.Dict):
        return [f"{path} doesn't pass get_asgi_application() to a ProtocolTypeRouter"]
    found = [
        f"{path}:{node.lineno} imports {node.module} before get_asgi_application()"
        for node in early
        if node.lineno < ready
    ]
    routes = {
        ast.literal_eval(key): ast.unparse(value)
        for key, value in zip(routed.keys, routed.values, strict=True)
    }
    if routes.get("websocket") != (SOCKETS if sockets else None):
        found.append(f"{path} routes WebSockets to {routes.get('websocket')}")
    return found


def routes(folder: Path) -> set[str]:
    """Return the patterns in the chapter's urls.py files, as they're written."""
    found = set()
    for path, module in python(folder):
        if path.endswith("urls.py"):
            for node in ast.walk(module):
                if isinstance(node, ast.Call) and _name(node.func) in {"path", "re_path"}:
                    # Remove the quotes, and the prefix of a raw string or an f-string.
                    found.add(re.sub(r"^[rf]*|['\"]", "", ast.unparse(node.args[0])))
    return found


def _name(node: ast.AST) -> str:
    """Return a called function's name; for stdout and stderr, also the method: "stdout.write"."""
    if isinstance(node, ast.Attribute):
        before = _last_name(node.value)
        # A management command may write to its own output, self.stdout.
        own = isinstance(node.value, ast.Attribute) and _last_name(node.value.value) == "self"
        return f"{before}.{node.attr}" if before in {"stdout", "stderr"} and not own else node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.alias):
        return node.name
    return node.id if isinstance(node, ast.Name) else ""


def _docstrings(module: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(module):
        # A statement that's only a string.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value
