"""Check how far a project gets without a server, and what's said if that isn't far enough."""

import re
import sys

import pytest

from course import chapters
from course.learner import probe
from course.learner.findings import Finding
from course.learner.probe import Probed
from course.pages import file_tree, headings

ECHO = file_tree.read(chapters.folder("02_echo_consumer"))

# Without Channels, it's loaded in a third of the time.
SMALL = {
    "mysite/settings.py": (
        b'SECRET_KEY = "x"\n'
        b'ROOT_URLCONF = "mysite.urls"\n'
        b"INSTALLED_APPS = [\n"
        b'    "tea",\n'
        b"]\n"
        b'TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates",'
        b' "APP_DIRS": True}]\n'
    ),
    "mysite/urls.py": (
        b"from django.urls import include, path\n"
        b"\n"
        b'urlpatterns = [path("tea/", include("tea.urls"))]\n'
    ),
    "tea/__init__.py": b"",
    "tea/urls.py": (
        b"from django.urls import path\n"
        b"\n"
        b"from tea import views\n"
        b"\n"
        b"urlpatterns = [\n"
        b'    path("", views.index, name="index"),\n'
        b'    path("<int:cup>/", views.index),\n'
        b"]\n"
    ),
    "tea/views.py": (
        b"from django.shortcuts import render\n"
        b"\n"
        b"\n"
        b"def index(request, cup=1):\n"
        b'    return render(request, "tea/index.html")\n'
    ),
    "tea/templates/tea/index.html": b"<h1>Tea</h1>\n<a href=\"{% url 'index' %}\">more</a>\n",
}


def changed(files: file_tree.Tree, path: str, old: str, new: str) -> file_tree.Tree:
    content = files[path].decode()
    assert old in content
    return {**files, path: content.replace(old, new, 1).encode()}


def small(path: str, old: str, new: str) -> file_tree.Tree:
    return changed(SMALL, path, old, new)


def with_asgi(last_line: str) -> file_tree.Tree:
    asgi = "import os\n\n"
    asgi += f'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")\n{last_line}\n'
    model = b"from django.db import models\n\n\nclass Cup(models.Model):\n    pass\n"
    return {**SMALL, "mysite/asgi.py": asgi.encode(), "tea/models.py": model}


def first(files: file_tree.Tree) -> Finding:
    """Return the first finding in a project."""
    package = "config" if "config/settings.py" in files else "mysite"
    return probe.look(files, package).findings[0]


def test_a_finished_chapter_has_no_findings_and_all_its_routes_are_listed():
    found = probe.look(ECHO, "config")
    assert found.findings == ()
    assert found.routes == (
        "HTTP /",
        "HTTP /chat/",
        "HTTP /chat/<room_name>/",
        "HTTP /admin/",
        "HTTP /static/<path>",
        "WebSocket /ws/chat/<room_name>/",
    )


def test_the_first_files_of_a_lesson_are_nothing_to_complain_about():
    found = probe.look({"requirements.txt": b"django\n", "try.py": b"x = 1\n"}, "config")
    assert (found.findings, found.routes) == ((), None)


def test_a_bracket_that_isnt_closed_is_shown_with_its_line():
    finding = first(small("tea/urls.py", "]\n", ""))
    assert (finding.rung, finding.where) == ("parses", "tea/urls.py:5")
    assert finding.yours == (
        '  File "tea/urls.py", line 5\n'
        "    urlpatterns = [\n"
        "                  ^\n"
        "SyntaxError: '[' was never closed"
    )


@pytest.mark.parametrize(
    ("files", "rung", "where", "last_line"),
    [
        pytest.param(
            small("tea/templates/tea/index.html", "</h1>\n", "</h1>\n{% if x %}"),
            "parses",
            "tea/templates/tea/index.html:2",
            "...TemplateSyntaxError: Unclosed tag on line 2: 'if'...",
            id="template tag",
        ),
        pytest.param(
            small("mysite/settings.py", '"tea",', '"coffee",'),
            "settings",
            "mysite/settings.py:4",
            "ModuleNotFoundError: No module named 'coffee'",
            id="misspelt app",
        ),
        pytest.param(
            small("mysite/settings.py", '"mysite.urls"', '"mysite.url"'),
            "starts",
            "mysite/settings.py:2",
            "ModuleNotFoundError: No module named 'mysite.url'",
            id="misspelt root of the routes",
        ),
        pytest.param(
            small("mysite/settings.py", 'SECRET_KEY = "x"', '\nSECRET_KEY = ""'),
            "starts",
            "mysite/settings.py:2",
            "...ImproperlyConfigured: The SECRET_KEY setting must not be empty.",
            id="empty secret key",
        ),
        pytest.param(
            small("tea/urls.py", "views.index,", "views.idx_,"),
            "starts",
            "tea/urls.py:6",
            "AttributeError: module 'tea.views' has no attribute 'idx_'",
            id="misspelt view",
        ),
        pytest.param(
            small("tea/urls.py", '"<int:cup>/"', '"/<int:cup>/"'),
            "starts",
            "tea/urls.py:7",
            "...(urls.W002) Your URL pattern '/<int:cup>/' has a route beginning with a '/'...",
            id="route with a leading slash",
        ),
        pytest.param(
            small("tea/views.py", "tea/index.html", "index.html"),
            "routes",
            "tea/views.py:5",
            "...TemplateDoesNotExist: index.html",
            id="template in another folder",
        ),
        pytest.param(
            small("tea/templates/tea/index.html", "'index'", "'idx_'"),
            "routes",
            "tea/templates/tea/index.html:2",
            "...NoReverseMatch: Reverse for 'idx_' not found...",
            id="misspelt name of a route",
        ),
        pytest.param(
            with_asgi("from tea.views import idx_"),
            "starts",
            "mysite/asgi.py:4",
            "ImportError: cannot import name 'idx_' from 'tea.views' (tea/views.py)",
            id="misspelt import",
        ),
        pytest.param(
            with_asgi("import tea.models"),
            "starts",
            "mysite/asgi.py:4",
            "...AppRegistryNotReady: Apps aren't loaded yet.",
            id="models imported too early",
        ),
    ],
)
def test_a_mistake_is_found_on_its_rung_and_in_the_learners_own_file(files, rung, where, last_line):
    finding = first(files)
    assert (finding.rung, finding.where) == (rung, where)
    assert re.fullmatch(
        ".*".join(map(re.escape, last_line.split("..."))), finding.yours.split("\n")[-1]
    )


def test_a_route_with_a_leading_slash_isnt_taken_for_the_pages():
    found = probe.look(small("tea/urls.py", '"<int:cup>/"', '"/<int:cup>/"'), "mysite")
    assert found.routes == ("HTTP /tea/", "HTTP /tea//<cup>/")


def test_names_in_tests_arent_looked_for():
    files = {**SMALL, "tests/test_tea.py": b'assert "missing.html"\n'}
    assert probe.look(files, "mysite").findings == ()


def test_only_the_lowest_rung_that_fails_is_reported_first():
    files = small("mysite/settings.py", '"tea",', '"coffee",')
    files["tea/views.py"] = b"def index(:\n"
    assert first(files).rung == "parses"


def test_settings_that_fail_are_found_below_an_asgi_module_that_fails_by_itself():
    files = small("mysite/settings.py", '"tea",', '"coffee",')
    files["mysite/asgi.py"] = b"import nothing_of_this_name\n"
    assert [finding.rung for finding in probe.look(files, "mysite").findings] == ["settings"]


def test_a_project_that_never_gets_ready_is_told_where_it_waits():
    files = small(
        "mysite/settings.py",
        "ROOT_",
        "import os, subprocess\nsubprocess.run(['sleep', '60'])\nROOT_",
    )
    finding = probe.look(files, "mysite", seconds=2).findings[0]
    assert finding.yours == "Loading the settings and the apps takes more than 2 seconds."
    assert finding.where == "mysite/settings.py:3"


def test_a_project_that_ends_python_isnt_taken_for_one_that_works():
    files = small("tea/views.py", "from", "import os; os._exit(0)\nfrom")
    assert "Python ended while" in first(files).yours


def test_what_a_project_starts_doesnt_outlive_the_look(tmp_path, started):
    note = tmp_path / "pid"
    files = small(
        "mysite/settings.py",
        "ROOT_",
        "import pathlib, subprocess\n"
        "pid = subprocess.Popen(['sleep', '60']).pid\n"
        f"pathlib.Path({str(note)!r}).write_text(str(pid))\n"
        "ROOT_",
    )
    assert probe.look(files, "mysite").findings == ()
    assert note.exists()
    started.check_ended(at_least=1)


def test_variables_of_another_project_change_nothing(tmp_path, monkeypatch):
    (tmp_path / "django.py").touch()
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "other.settings")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert probe.look(SMALL, "mysite").findings == ()


def test_a_module_named_after_a_package_is_what_python_finds():
    finding = first({**ECHO, "channels.py": b""})
    assert finding.yours.endswith("'channels' is not a package")


def test_packages_of_the_learners_own_environment_are_found(tmp_path):
    (tmp_path / "coffee.py").touch()
    files = small("mysite/settings.py", '"tea",', '"tea", "coffee",')
    assert probe.look(files, "mysite", packages=[tmp_path]).findings == ()


def made(routes, *findings: Finding, package: str = "config") -> Probed:
    lists = {"HTTP chat": "chat/urls.py:8", "config": "config/urls.py:22"}
    return Probed(findings, routes, package, lists | {"asgi": "config/asgi.py:26"})


def fails(rung: str, yours: str) -> Finding:
    return Finding(rung, "", yours, "", "")


def test_what_the_page_breaks_on_purpose_isnt_a_finding():
    mine = made(None, fails("starts", "No module named 'mysite.tea'"), package="mysite")
    page = made(None, fails("starts", "No module named 'config.tea'"))
    assert probe.compare(mine, page) is None
    other = made(None, fails("starts", "No module named 'config.coffee'"))
    assert probe.compare(mine, other) == mine.findings[0]


@pytest.mark.parametrize(
    ("mine", "page", "where", "yours"),
    [
        (["HTTP /", "HTTP /chat/"], "HTTP /chat/new/", "chat/urls.py:8", "HTTP /\nHTTP /chat/"),
        (["HTTP /"], "HTTP /chat/", "config/urls.py:22", "HTTP /"),
        (["HTTP /"], "WebSocket /ws/", "config/asgi.py:26", "There are no WebSocket routes."),
    ],
)
def test_a_missing_route_is_found_where_it_belongs(mine, page, where, yours):
    consequence = fails("routes", "NoReverseMatch: 'chat' is not a registered namespace")
    finding = probe.compare(made((*mine,), consequence), made((*mine, page)))
    assert (finding.rung, finding.where, finding.page) == ("routes", where, page)
    assert finding.yours.startswith(yours)


def test_routes_of_ones_own_are_no_mistake():
    assert probe.compare(made(("HTTP /", "HTTP /mine/")), made(("HTTP /",))) is None


def test_the_pages_states_are_only_looked_at_once(course, started):
    files = {"config/urls.py": b"x = (\n"}
    found = probe.wanted(files)
    assert found.findings[0].rung == "parses"
    assert probe.wanted(files) == found
    assert len(started.all) == 1


@pytest.fixture
def environment(tmp_path):
    """A learner's `.venv` with Channels, without Daphne."""
    site = tmp_path / ".venv/lib/python3.12/site-packages"
    about = site / "channels-4.3.2.dist-info/METADATA"
    about.parent.mkdir(parents=True)
    about.write_text(
        'Name: channels\nVersion: 4.3.2\nRequires-Dist: daphne>=4; extra == "daphne"\n'
        'Requires-Dist: selenium; extra == "tests"\n'
    )
    return tmp_path


def test_a_package_thats_missing_in_the_learners_environment_is_named(environment):
    files = {"requirements.txt": b"# those\nchannels[daphne]>=4.3.2,<5\n"}
    finding = probe.installed(environment, files)
    assert (finding.where, finding.yours) == (
        "requirements.txt:2",
        "daphne isn't installed in your .venv.",
    )
    page = (chapters.ROOT / "docs/reference/troubleshooting.md").read_text(encoding="utf-8")
    titles = re.findall(r"^### (.*)", page, re.MULTILINE)
    assert finding.entry in [headings.slug(title, "-") for title in titles]


@pytest.mark.parametrize(
    "requirements", ["Channels>=4", "channels", "nothing; python_version < '3'\n-r x.txt", ""]
)
def test_an_environment_that_has_everything_is_fine(environment, requirements):
    assert probe.installed(environment, {"requirements.txt": requirements.encode()}) is None


def test_without_an_environment_in_the_folder_nothing_is_missing(tmp_path):
    assert probe.installed(tmp_path, {"requirements-dev.txt": b"nothing-of-this-name\n"}) is None


def test_a_real_environment_is_read_as_pip_made_it(tmp_path):
    (tmp_path / ".venv").symlink_to(sys.prefix)
    files = {path: ECHO[path] for path in ("requirements.txt", "requirements-dev.txt")}
    assert probe.installed(tmp_path, files) is None
    files["requirements.txt"] += b"nothing-of-this-name\n"
    assert probe.installed(tmp_path, files).where == "requirements.txt:3"
