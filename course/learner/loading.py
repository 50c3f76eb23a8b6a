"""Load a Django project and report how far that goes. probe.py runs this as a program of its own.

It's told the project's package, whether Django is set up first or by the ASGI module, as under
Daphne, how many seconds it may take, and where else packages are. The current folder is a copy of
the project. It prints one JSON object a line:

- {"at": "importing config.asgi"}: what it does next
- {"rung": RUNG, "yours": TEXT, "where": "FILE:LINE" or ""}: something that fails
- {"routes": [TEXT, ...]}: what it serves, if nothing fails before they can be listed
- {"end": true}: it's done

If it takes too long, Python adds where each thread is, and ends.
"""

import ast
import faulthandler
import importlib
import json
import os
import re
import sys
import traceback
import warnings
from pathlib import Path


def main(package: str, plain: bool, seconds: float, others: list[str]) -> None:
    """Print the reports, and end the process: something may have started threads."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # the project's own output isn't a report
        os.dup2(nothing, descriptor)
    faulthandler.dump_traceback_later(seconds, exit=True, file=out)
    warnings.simplefilter("ignore")
    loading = Loading(Path.cwd(), package, out)
    sys.path[:] = [str(loading.root), *sys.path, *others]
    loading.load(plain)
    loading.say(end=True)
    os._exit(0)


class Loading:
    """A project that's being loaded, from the lowest rung up, until something fails."""

    def __init__(self, root: Path, package: str, out):
        self.root = root
        self.package = package
        self.settings = f"{package}/settings.py"
        self.out = out

    def load(self, plain: bool) -> None:
        self.at("reading the files")
        if not self.parse() or not Path(self.settings).exists():
            return
        if plain and not self.import_asgi():
            return
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"{self.package}.settings")
        self.at("loading the settings and the apps")
        try:
            import django

            django.setup()
        except BaseException as error:
            self.failed("settings", error)
            return
        self.parse_templates()
        self.at("checking the project")
        application, starts = self.start()
        if starts:
            self.follow_names()
            self.at("listing the routes")
            try:
                self.say(routes=[*pages(), *others(application)])
            except BaseException as error:
                self.failed("routes", error)

    def parse(self) -> bool:
        """Return whether Python can read all of the project's modules; report those it can't."""
        fine = True
        for path in sorted(Path().rglob("*.py")):
            try:
                compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
            except SyntaxError as error:
                fine = False
                self.fails("parses", text(error), f"{path}:{error.lineno or 1}")
            except Exception as error:  # such as a NUL, or brackets nested too deep
                fine = False
                self.fails("parses", text(error), f"{path}:1")
        return fine

    def import_asgi(self) -> bool:
        """Import the ASGI module as Daphne does, before anything else. Return whether it works."""
        if not Path(f"{self.package}/asgi.py").exists():
            return True
        self.at(f"importing {self.package}.asgi")
        try:
            importlib.import_module(f"{self.package}.asgi")
        except BaseException as error:
            self.failed("starts", error)
            return False
        return True

    def parse_templates(self) -> None:
        """Report templates in which Django finds a mistake."""
        from django.template import engines
        from django.template.exceptions import TemplateSyntaxError

        for path in self.templates():
            try:
                engines["django"].from_string(path.read_text())
            except TemplateSyntaxError as error:
                token = getattr(error, "token", None)
                self.fails("parses", text(error), f"{path}:{token.lineno if token else 1}")
            except Exception:
                return  # there's no such engine, or its settings are wrong

    def find_changes(self) -> None:
        """Report models that have changed since the last migration, as `migrate` says it."""
        from django.apps import apps
        from django.db.migrations.autodetector import MigrationAutodetector
        from django.db.migrations.loader import MigrationLoader
        from django.db.migrations.state import ProjectState

        migrations = MigrationLoader(None, ignore_no_migrations=True)
        now = ProjectState.from_apps(apps)
        found = MigrationAutodetector(migrations.project_state(), now).changes(migrations.graph)
        # An app that was never migrated has no tables, which `migrate` says nothing about.
        apps_changed = ", ".join(repr(label) for label in sorted(found))
        if found:
            self.fails(
                "starts",
                f"Your models in app(s): {apps_changed} have changes that are not yet reflected "
                "in a migration, and so won't be applied.",
                "",
            )

    def start(self):
        """Return the ASGI application, or None, and whether all that a server does first works."""
        from django.conf import settings
        from django.core import checks

        application = None
        try:
            assert settings.SECRET_KEY  # raises ImproperlyConfigured if it's empty
            found = checks.run_checks()
            if errors := [each for each in found if each.level >= checks.ERROR]:
                said = "\n".join(str(error) for error in errors)
                self.fails("starts", said, self.setting(said))
                return None, False
            for each in found:
                if (each.id or "").startswith("urls."):  # a warning about a route
                    self.fails("starts", str(each), self.written(str(each)))
            if hasattr(settings, "ASGI_APPLICATION") or "daphne" in settings.INSTALLED_APPS:
                application = self.application(settings)
            self.find_changes()
            if getattr(settings, "CHANNEL_LAYERS", None):
                from channels.layers import get_channel_layer

                get_channel_layer()
        except BaseException as error:
            self.failed("starts", error)
            return None, False
        return application, True

    def application(self, settings):
        """Return the application that a server would get from the settings."""
        from channels.routing import get_default_application
        from django.core.management.base import CommandError

        if not hasattr(settings, "ASGI_APPLICATION"):
            # As Daphne's runserver says it.
            raise CommandError(
                "You have not set ASGI_APPLICATION, which is needed to run the server."
            )
        return get_default_application()

    def follow_names(self) -> None:
        """Report names of templates and routes that are used and that Django can't find."""
        from django.template.exceptions import TemplateDoesNotExist
        from django.template.loader import get_template
        from django.urls import NoReverseMatch, reverse

        for where, name in [*self.names_in_modules(), *self.names_in_templates()]:
            try:
                get_template(name) if name.endswith(".html") else reverse(name)
            except TemplateDoesNotExist as error:
                self.fails("routes", text(error), where)
            except NoReverseMatch as error:
                if "is not a" in str(error):  # and not: it needs arguments
                    self.fails("routes", text(error), where)
            except Exception:
                continue  # it's there, with a mistake in it

    def names_in_modules(self):
        """Yield FILE:LINE and the name of each template or route that a module seems to use."""
        for path in sorted(Path().rglob("*.py")):
            if path.parts[0] == "tests":
                continue
            for node in ast.walk(ast.parse(path.read_bytes())):
                given = [node] if _is_template(node) else _routes_named(node)
                yield from ((f"{path}:{each.lineno}", each.value) for each in given)

    def names_in_templates(self):
        for path in self.templates():
            for number, line in enumerate(path.read_text().split("\n"), start=1):
                for name in re.findall(r"""{%\s*(?:extends|include|url)\s+["']([^"']+)""", line):
                    yield f"{path}:{number}", name

    def templates(self) -> list[Path]:
        found = [path for path in sorted(Path().rglob("*.html")) if "templates" in path.parts]
        return [path for path in found if _is_text(path)]

    def failed(self, rung: str, error: BaseException) -> None:
        """Report an exception, and the line of the project that's nearest to it."""
        said = text(error)
        if isinstance(error, SyntaxError) and error.filename and self.inside(error.filename):
            self.fails(rung, said, f"{self.inside(error.filename)}:{error.lineno}")
            return
        where = ""
        frames = traceback.extract_tb(error.__traceback__)
        if re.search(r"Apps aren't loaded yet|settings are not configured", said):
            frames.reverse()  # it's the import that comes too early, not what it finds
        frames = [frame for frame in frames if not frame.filename.startswith("<")]
        for frame in frames:
            if self.inside(frame.filename):
                where = f"{self.inside(frame.filename)}:{frame.lineno}"
        if not frames or not self.inside(frames[-1].filename):  # Django raised it
            where = self.setting(said) or self.named_in_settings(said) or where
        self.fails(rung, said, where or f"{self.settings}:1")

    def written(self, said: str) -> str:
        """Return where a urls.py has the route that a warning quotes, or ""."""
        for quoted in re.findall(r"'([^']*)'", said):  # its pattern, and then its name
            for path in sorted(Path().rglob("urls.py")):
                for number, line in enumerate(path.read_text().split("\n"), start=1):
                    if re.search(rf"""["']{re.escape(quoted)}["']""", line):
                        return f"{path}:{number}"
        return ""

    def named_in_settings(self, said: str) -> str:
        """Return where the settings have the module, or the class in it, that a text quotes."""
        quoted = re.findall(r"""["']([\w.-]+)["']""", said)
        constants = ast.walk(ast.parse(Path(self.settings).read_bytes())) if quoted else []
        for node in constants:
            value = f".{getattr(node, 'value', '')}."
            if isinstance(node, ast.Constant) and all(f".{name}." in value for name in quoted):
                return f"{self.settings}:{node.lineno}"
        return ""

    def setting(self, said: str) -> str:
        """Return where the first of the settings is that a text names."""
        try:
            lines = Path(self.settings).read_text().split("\n")
        except (OSError, UnicodeDecodeError):
            return ""
        for name in re.findall(r"\b[A-Z][A-Z_]{4,}\b", said):
            for number, line in enumerate(lines, start=1):
                if re.match(rf"{name}\b", line):
                    return f"{self.settings}:{number}"
        return ""

    def inside(self, filename: str) -> str:
        """Return a file's path in the project, or "" if it isn't the project's."""
        if filename.startswith("<"):
            return ""
        path = Path(os.path.realpath(filename))
        return path.relative_to(self.root).as_posix() if self.root in path.parents else ""

    def fails(self, rung: str, yours: str, where: str) -> None:
        self.say(rung=rung, yours=yours.replace(f"{self.root}/", ""), where=where)

    def at(self, what: str) -> None:
        self.say(at=what)

    def say(self, **what) -> None:
        self.out.write(json.dumps(what) + "\n")


def text(error: BaseException) -> str:
    """Return what Python prints last of an exception: often a line, of a SyntaxError four."""
    said = "".join(traceback.format_exception_only(error)).strip("\n")
    return said.removeprefix("django.core.management.base.")  # as manage.py does


def pages(patterns=None, before: str = ""):
    """Yield the addresses of the pages, such as "HTTP /chat/", without the admin's own."""
    from django.urls import get_resolver

    for entry in get_resolver().url_patterns if patterns is None else patterns:
        address = before + plain(entry)
        if getattr(entry, "app_name", None) == "admin" or not hasattr(entry, "url_patterns"):
            yield f"HTTP /{address}"
        else:
            yield from pages(entry.url_patterns, address)


def others(application):
    """Yield the addresses of the sockets, and the names of a worker's channels."""
    there = getattr(application, "application_mapping", {})
    yield from sockets(there.get("websocket"))
    for name in getattr(there.get("channel"), "application_mapping", {}):
        yield f"channel {name}"


def sockets(application, before: str = ""):
    while application and not hasattr(application, "routes"):  # what's around the router
        application = getattr(application, "application", getattr(application, "inner", None))
    for route in application.routes if application else []:
        callback = getattr(route, "callback", None)
        if hasattr(callback, "routes"):
            yield from sockets(callback, before + plain(route))
        else:
            yield f"WebSocket /{before}{plain(route)}"


def plain(entry) -> str:
    """Return a route's pattern without converters and signs of regexes: `chat/<room_name>/`."""
    from django.contrib.admindocs.views import simplify_regex

    written = str(entry.pattern).removeprefix("^")
    simple = re.sub(r"<\w+:", "<", simplify_regex(written)).removeprefix("/")
    return f"/{simple}" if written.startswith("/") else simple  # such a route never matches


def _is_template(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and bool(re.fullmatch(r"[\w/-]+\.html", str(node.value)))


def _routes_named(node: ast.AST) -> list[ast.Constant]:
    """Return what a call such as `redirect("chat:index")` names a route with."""
    if not isinstance(node, ast.Call):
        return []
    called = getattr(node.func, "id", getattr(node.func, "attr", ""))
    given = [each.value for each in node.keywords if each.arg == "pattern_name"]
    if called in ("redirect", "reverse", "reverse_lazy"):
        given += node.args[:1]
    return [
        each
        for each in given
        if isinstance(each, ast.Constant) and re.fullmatch(r"[\w:-]+", str(each.value))
    ]


def _is_text(path: Path) -> bool:
    try:
        path.read_text()
    except (OSError, UnicodeDecodeError):
        return False
    return True


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] == "plain", float(sys.argv[3]), sys.argv[4:])
