"""Find out how far a project gets without a web server: parses, settings, starts, routes.

It's loaded in a process of its own, from a copy of its files, by loading.py.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from course import processes
from course.learner import loading
from course.learner.findings import RUNGS, Finding
from course.pages import file_tree

LIMIT = 15.0  # seconds that a project may take to load
GRACE = 2.0  # seconds that it gets to say where it was when they were over

PAGE = "Here, the page's project gets further."
DO = {
    "parses": "Compare this line, and the one above it, with the page.",
    "settings": "Compare this line with the page. If a module is missing, look at its spelling.",
    "starts": "Compare this line, and the imports at the top of the file, with the page.",
    "routes": "Compare the names with the page, and the file's folder.",
}
_FRAME = re.compile(r'  File "(?P<path>[^"]+)", line (?P<line>\d+) in ')


@dataclass(frozen=True)
class Probed:
    """How far a project gets.

    `findings` are those of the lowest rung first, and empty if everything works. `routes` are texts
    such as "page /chat/<room_name>/", "WebSocket /ws/chat/<room_name>/" and "channel bot", or None
    if they couldn't be listed. `package` is the one with the settings, and `lists` says where the
    routes are: {"page chat": "chat/urls.py:8", "WebSocket": "chat/routing.py:6"}.
    """

    findings: tuple[Finding, ...]
    routes: tuple[str, ...] | None
    package: str
    lists: dict[str, str]


def look(
    files: file_tree.Tree,
    package: str,
    prefix: Sequence[str] = (),
    packages: Sequence[Path | str] = (),
    seconds: float = LIMIT,
) -> Probed:
    """Load a project, given its files, and return how far it gets.

    `package` is the one with the settings. `prefix` are words to put before the command, such as
    those of a sandbox, and `packages` folders to look for packages in after our own: the learner's
    site-packages. A project without settings only has to parse.
    """
    with tempfile.TemporaryDirectory(prefix="course-probe-", ignore_cleanup_errors=True) as scratch:
        root = Path(scratch).resolve()
        file_tree.write(files, root)
        if prefix:
            root.chmod(0o755)  # it may be another user who reads it
        found, routes, late = _load(root, package, "plain", prefix, packages, seconds)
        if found and found[0].rung == "starts" and routes is None and not late:
            # Is that the ASGI module's own fault? Without it, do the settings load?
            below, _, _ = _load(root, package, "settings", prefix, packages, seconds)
            stopped = any(each.rung == "settings" for each in below)
            found = below if stopped else _unique([*found, *below])
    findings = tuple(sorted(found, key=lambda finding: RUNGS.index(finding.rung)))
    return Probed(findings, routes, package, _lists(files))


def compare(mine: Probed, wanted: Probed) -> Finding | None:
    """Return what stops `mine` and doesn't stop the page's own state, or None.

    That's the lowest rung's first finding, or else routes that are missing.
    """
    theirs = {finding.yours for finding in wanted.findings}
    word = re.compile(rf"\b{re.escape(mine.package)}\b")
    for finding in mine.findings:
        if finding.yours not in theirs and word.sub(wanted.package, finding.yours) not in theirs:
            return finding
    if mine.routes is None or wanted.routes is None:
        return None
    missing = [route for route in wanted.routes if route not in mine.routes]
    if not missing:
        return None
    kind = missing[0].split()[0]
    there = [route for route in mine.routes if route.startswith(kind)]
    if kind == "page":
        app = missing[0].split("/")[1]
        kind = f"page {app}" if f"page {app}" in mine.lists else f"page {mine.package}"
    return Finding(
        rung="routes",
        where=mine.lists.get(kind, ""),
        yours="\n".join(there) or f"There's no route of this kind: {missing[0]}",
        page=f"The page's project has {' and '.join(missing)}.",
        do="Compare the routes with the page, and look if the file with them is included.",
    )


def installed(folder: Path, files: file_tree.Tree) -> Finding | None:
    """Return what's missing from the learner's own `.venv`, or None if that has everything.

    None, too, if they have no environment in their folder.
    """
    sites = [str(path) for path in site_packages(folder)]
    if not sites:
        return None
    there = {_normal(found.name): found for found in metadata.distributions(path=sites)}
    for path in ("requirements.txt", "requirements-dev.txt"):
        for number, line in enumerate(files.get(path, b"").decode(errors="replace").split("\n"), 1):
            for name in _required(line, there):
                if name not in there:
                    return Finding(
                        rung="settings",
                        where=f"{path}:{number}",
                        yours=f"{name} isn't installed in your .venv.",
                        page=f"The page installs what {path} names.",
                        do=f"Type: . .venv/bin/activate; pip install -r {path}",
                        entry="django-isnt-installed-here",
                    )
    return None


def site_packages(folder: Path) -> list[Path]:
    """Return where the packages of the learner's own `.venv` are."""
    found = folder.glob(".venv/lib/python*/site-packages")
    return [path for path in [*found, folder / ".venv/Lib/site-packages"] if path.is_dir()]


def _load(root, package, mode, prefix, packages, seconds):
    """Return the findings of one run of loading.py, the routes or None, and if it took too long."""
    command = [*prefix, sys.executable, "-B", loading.__file__, package, mode, str(seconds)]
    with subprocess.Popen(
        [*command, *map(str, packages)],
        cwd=root,
        env=processes.project_env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        late = False
        try:
            printed, _ = process.communicate(timeout=seconds + GRACE)
        except subprocess.TimeoutExpired as expired:
            printed, late = expired.stdout or b"", True
        finally:
            processes.end(process)
    return _read(printed.decode(errors="replace"), root, seconds, late)


def _read(printed: str, root: Path, seconds: float, late: bool):
    """Return what loading.py printed, as _load() does."""
    findings: list[Finding] = []
    routes, done = None, False
    doing, stack = "it starts", []
    for line in printed.split("\n"):
        if not line.startswith("{"):
            stack.append(line)
            continue
        said = json.loads(line)
        doing = said.get("at", doing)
        done = said.get("done", done)
        if "rung" in said:
            findings.append(_finding(**said))
        if "routes" in said:
            routes = tuple(dict.fromkeys(said["routes"]))
    late = late or any(line.startswith("Timeout (") for line in stack)
    if not done:
        ended = f"It's still busy after {seconds:g} seconds," if late else "Python ended"
        findings.append(_finding("starts", f"{ended} while {doing}.", _innermost(stack, root)))
    return findings, routes, late


def _finding(rung: str, yours: str, where: str) -> Finding:
    return Finding(rung, where, yours, PAGE, DO[rung])


def _unique(findings: list[Finding]) -> list[Finding]:
    return list({finding.yours: finding for finding in reversed(findings)}.values())[::-1]


def _innermost(stack: list[str], root: Path) -> str:
    """Return the project's line that's nearest to where Python was, as FILE:LINE, or ""."""
    for line in stack:  # the innermost frame comes first
        match = _FRAME.match(line)
        if match and match["path"].startswith(f"{root}/"):
            return f"{match['path'].removeprefix(f'{root}/')}:{match['line']}"
    return ""


def _lists(files: file_tree.Tree) -> dict[str, str]:
    """Return where the lists of routes are: {the first word of a route: FILE:LINE}."""
    names = {"WebSocket": "websocket_urlpatterns", "channel": "channel_names", "": "urlpatterns"}
    found = {}
    for path, content in files.items():
        for number, line in enumerate(content.decode(errors="replace").split("\n"), start=1):
            for kind, name in names.items():
                if path.endswith(".py") and line.startswith(f"{name} ="):
                    found[kind or f"page {path.split('/')[0]}"] = f"{path}:{number}"
    return found


def _required(line: str, there: dict[str, metadata.Distribution]) -> list[str]:
    """Return the names of the packages that a line of requirements asks for, extras included."""
    match = re.match(r"([A-Za-z0-9][\w.-]*)(?:\[([\w, -]+)\])?", line.strip())
    if not match:
        return []
    name = _normal(match[1])
    extras = [extra.strip() for extra in (match[2] or "").split(",") if extra.strip()]
    needed = (there[name].requires or []) if name in there else []
    return [
        name,
        *(
            _normal(re.match(r"[\w.-]+", each)[0])
            for each in needed
            for extra in extras
            if re.search(rf"""extra == ["']{extra}["']""", each)
        ),
    ]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
