"""Find out how far a project gets without a web server: parses, settings, starts, routes.

It's loaded in a process of its own, from a copy of its files, by loading.py.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import django

from course import processes
from course.learner import loading, project
from course.learner.findings import RUNGS, Finding
from course.pages import file_tree
from course.replay import recordings

LIMIT = 10.0  # seconds that a project may take to load
GRACE = 2.0  # seconds that it gets to say where it was when they were over

PAGE = {
    "parses": "On the page, this file has no such mistake.",
    "settings": "On the page, the settings load.",
    "starts": "On the page, the project starts.",
    "routes": "On the page, every route and template is found.",
}
DO = {
    "parses": "Compare this line, and the one above it, with the page.",
    "settings": "Compare this line, and the names in it, with the page.",
    "starts": "Compare this line, and the imports at the top of the file, with the page.",
    "routes": "Compare this name with the page, and check that the file is in the right folder.",
}
_FRAME = re.compile(r'  File "(?P<path>[^"]+)", line (?P<line>\d+) in ')


@dataclass(frozen=True)
class Probed:
    """How far a project gets.

    `findings` are those of the lowest rung first, and empty if everything works. `routes` are texts
    such as "HTTP /chat/<room_name>/", "WebSocket /ws/chat/<room_name>/" and "channel bot", or None
    if they couldn't be listed. `package` is the one with the settings. `lists` says where the
    routes are, {"HTTP chat": "chat/urls.py:8", "WebSocket": "chat/routing.py:6", "channel": ...},
    and where they're included, {"config": "config/urls.py:22", "asgi": "config/asgi.py:26"}.
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
    return Probed(findings, routes, package, _lists(files, package))


def compare(mine: Probed, wanted: Probed) -> Finding | None:
    """Return what stops `mine` and doesn't stop the page's own state, or None.

    That's the lowest rung's first finding, or routes that are missing, because other files may name
    those.
    """
    theirs = {finding.yours for finding in wanted.findings}
    word = re.compile(rf"\b{re.escape(mine.package)}\b")
    own = [
        finding
        for finding in mine.findings
        if not {finding.yours, word.sub(wanted.package, finding.yours)} & theirs
    ]
    missing = [route for route in wanted.routes or () if route not in (mine.routes or ())]
    if own and (own[0].rung != "routes" or not missing):
        return own[0]
    if mine.routes is None or not missing:
        return None
    kind, address = missing[0].split(" ", 1)
    app = address.split("/")[1] if kind == "HTTP" else ""
    there = [route for route in mine.routes if route.startswith(kind)]
    included = there if kind != "HTTP" else [each for each in there if f" /{app}/" in each]
    included_by = mine.package if kind == "HTTP" else "asgi"
    return Finding(
        rung="routes",
        where=mine.lists.get(f"{kind} {app}".strip() if included else included_by, ""),
        yours="\n".join(there) or f"There are no {kind} routes.",
        page="\n".join(missing),
        do="Compare the routes with the page, and check that the file with them is included.",
    )


def wanted(files: file_tree.Tree) -> Probed:
    """Return how far one of the pages' own states gets. It's kept on disk, as recordings are."""
    digest = hashlib.sha256(f"{django.VERSION} {sys.version}".encode())
    ours = [(path, Path(path).read_bytes()) for path in (__file__, loading.__file__)]
    for path, content in [*ours, *sorted(files.items())]:
        digest.update(f"{path} {len(content)}\n".encode() + content)
    key = digest.hexdigest()
    name = f"probed_{key[:16]}"
    found = recordings.load(name, key)
    if found is None:
        found = look(files, project.PACKAGE)
        recordings.save(name, key, found)
    return found


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
                        page=f"The page installs every package in {path}.",
                        do=f"Type: .venv/bin/pip install -r {path}",
                        entry="django-isnt-installed-here",
                    )
    return None


def site_packages(folder: Path) -> list[Path]:
    """Return where the packages of the learner's own `.venv` are."""
    found = folder.glob(".venv/lib/python*/site-packages")
    return [path for path in [*found, folder / ".venv/Lib/site-packages"] if path.is_dir()]


def _load(
    root: Path,
    package: str,
    mode: str,
    prefix: Sequence[str],
    packages: Sequence[Path | str],
    seconds: float,
) -> tuple[list[Finding], tuple[str, ...] | None, bool]:
    """Return the findings of one run of loading.py, the routes or None, and if it took too long."""
    command = [*prefix, sys.executable, "-IB", loading.__file__, package, mode, str(seconds)]
    with subprocess.Popen(
        [*command, *map(str, packages)],
        cwd=root,
        env=processes.project_env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=seconds + GRACE)
        except subprocess.TimeoutExpired as late:
            printed = late.stdout or b""
        finally:
            processes.end(process)
    return _read(printed.decode(errors="replace"), root, seconds)


def _read(
    printed: str, root: Path, seconds: float
) -> tuple[list[Finding], tuple[str, ...] | None, bool]:
    findings: list[Finding] = []
    routes = None
    ended = False
    doing, stack = "starting", []
    for line in printed.split("\n"):
        try:
            said = json.loads(line)
        except ValueError:
            stack.append(line)
            continue
        doing = said.get("at", doing)
        ended = ended or "end" in said
        if "rung" in said:
            findings.append(_finding(**said))
        if "routes" in said:
            routes = tuple(dict.fromkeys(said["routes"]))
    if not ended:
        late = any(line.startswith("Timeout (") for line in stack)
        said = f"Python ended while {doing}."
        if late:
            said = f"{doing.capitalize()} takes more than {seconds:g} seconds."
        findings.append(_finding("starts", said, _innermost(stack, root)))
    return findings, routes, not ended


def _finding(rung: str, yours: str, where: str) -> Finding:
    return Finding(rung, where, yours, PAGE[rung], DO[rung])


def _unique(findings: list[Finding]) -> list[Finding]:
    return list({finding.yours: finding for finding in reversed(findings)}.values())[::-1]


def _innermost(stack: list[str], root: Path) -> str:
    """Return the project's line that's nearest to where Python was, as FILE:LINE, or ""."""
    for line in stack:  # the innermost frame comes first
        match = _FRAME.match(line)
        if match and match["path"].startswith(f"{root}/"):
            return f"{match['path'].removeprefix(f'{root}/')}:{match['line']}"
    return ""


def _lists(files: file_tree.Tree, package: str) -> dict[str, str]:
    """Return where the lists of routes are, and where they're included, as Probed has them."""
    found = {}
    for path, content in files.items():
        folder = path.split("/")[0]
        kinds = {
            "websocket_urlpatterns": "WebSocket",
            "channel_names": "channel",
            "urlpatterns": package if folder == package else f"HTTP {folder}",
            "application": "asgi" if path == f"{package}/asgi.py" else "",
        }
        for number, line in enumerate(content.decode(errors="replace").split("\n"), start=1):
            name = line.split(" =")[0]
            if path.endswith(".py") and " =" in line and kinds.get(name):
                found[kinds[name]] = f"{path}:{number}"
    return found


def _required(line: str, there: dict[str, metadata.Distribution]) -> list[str]:
    """Return the names of the packages that a line of requirements asks for, extras included."""
    match = re.match(r"([A-Za-z0-9][\w.-]*)(?:\[([\w, -]+)\])?", line.strip())
    if not match or ";" in line:  # such as `; python_version < "3.12"`
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
