import os

import pytest

from course import chapters
from course.learner import probe
from course.pages import file_tree

SETTINGS = "config/settings.py"


@pytest.fixture(scope="module")
def echo():
    return file_tree.read(chapters.folder("02_echo_consumer"))


@pytest.fixture(scope="module")
def echo_probed(echo):
    return probe.look(echo, "config")


def edited(files, path, old, new):
    text = files[path].decode()
    assert old in text
    return {**files, path: text.replace(old, new, 1).encode()}


def first(files, **options):
    found = probe.look(files, "config", **options).findings[0]
    return found.rung, found.where, found.yours.split("\n")[-1]


def test_finished_project_has_all_its_routes(echo_probed):
    assert echo_probed.findings == ()
    assert "page /chat/<room_name>/" in echo_probed.routes
    assert "WebSocket /ws/chat/<room_name>/" in echo_probed.routes


def test_first_steps_without_a_project_are_no_mistake():
    probed = probe.look({"requirements.txt": b"django\n"}, "config")
    assert probed.findings == ()
    assert probed.routes is None


def test_every_file_that_python_cannot_read_is_named_with_its_line(echo):
    files = {**echo, "chat/urls.py": b"urlpatterns = [\n", "chat/views.py": b"x = 1\n\0"}
    found = probe.look(files, "config").findings
    assert [(each.rung, each.where) for each in found] == [
        ("parses", "chat/urls.py:1"),
        ("parses", "chat/views.py:1"),
    ]
    assert found[0].yours.endswith("urlpatterns = [\n                  ^\n"
                                   "SyntaxError: '[' was never closed")  # fmt: skip


def test_template_that_django_cannot_read_is_named_with_its_line(echo):
    page = "chat/templates/chat/room.html"
    files = edited(echo, page, "{% load static %}", "{% laod static %}")
    said = "django.template.exceptions.TemplateSyntaxError: Invalid block tag on line 2: 'laod'. "
    assert first(files) == (
        "parses", f"{page}:2", f"{said}Did you forget to register or load this tag?"
    )  # fmt: skip


def test_mistake_in_the_settings_is_not_blamed_on_what_imports_them(echo):
    files = edited(echo, SETTINGS, "from pathlib", "import nothing\nfrom pathlib")
    where = 1 + files[SETTINGS].decode().split("\n").index("import nothing")
    said = "ModuleNotFoundError: No module named 'nothing'"
    assert first(files) == ("settings", f"{SETTINGS}:{where}", said)


def test_import_that_comes_before_django_is_ready_is_named_though_runserver_forgives_it():
    files = file_tree.read(chapters.folder("06_conversations_auth"))
    early = "import os\nfrom chat.models import Message\n"
    files = edited(files, "config/asgi.py", "import os\n", early)
    where = 1 + files["config/asgi.py"].decode().split("\n").index(
        "from chat.models import Message"
    )
    rung, there, said = first(files)
    assert (rung, there) == ("starts", f"config/asgi.py:{where}")
    assert "settings are not configured" in said


def test_changed_model_without_a_migration_is_named(echo):
    model = b"from django.db import models\n\n\nclass Cup(models.Model):\n    pass\n"
    rung, _, said = first({**echo, "chat/models.py": model})
    assert rung == "starts"
    assert said.startswith("Your models in app(s): 'chat' have changes that are not yet reflected")


def test_template_that_a_view_names_and_nobody_wrote_is_found_before_a_visitor_comes(echo):
    files = edited(echo, "chat/views.py", '"chat/room.html"', '"chat/rom.html"')
    line = 1 + next(
        number
        for number, text in enumerate(files["chat/views.py"].decode().split("\n"))
        if "rom.html" in text
    )
    said = "django.template.exceptions.TemplateDoesNotExist: chat/rom.html"
    assert first(files) == ("routes", f"chat/views.py:{line}", said)


def test_project_that_never_ends_loading_is_stopped_and_its_line_named():
    # It imports nothing, so that it gets there in time on a busy machine, too.
    files = {
        "config/settings.py": b"import time\n\nwhile True:\n    time.sleep(0.01)\n",
        "config/asgi.py": b"import config.settings\n",
    }
    rung, where, said = first(files, seconds=3)
    assert (rung, where) == ("starts", "config/settings.py:4")
    assert said == "It's still busy after 3 seconds, while config.asgi is imported."


def test_project_that_ends_python_and_one_that_prints_are_told_apart(echo):
    ends = {**echo, "chat/rooms.py": b"import os\nos._exit(0)\n"}
    assert first(ends) == ("starts", "", "Python ended while config.asgi is imported.")
    rooms = echo["chat/rooms.py"]
    prints = {**echo, "chat/rooms.py": rooms + b'print(\'{"rung": "folder"}\', flush=True)\n'}
    assert probe.look(prints, "config").findings == ()


def test_what_the_page_itself_breaks_is_no_finding(echo, echo_probed):
    broken = probe.look({**echo, "chat/urls.py": b"from mysite import nothing\n"}, "config")
    assert probe.compare(broken, echo_probed).rung == "starts"
    assert probe.compare(broken, broken) is None
    # The same in a project whose package has another name.
    pages = probe.look({**echo, "chat/urls.py": b"from config import nothing\n"}, "config")
    theirs = {path.replace("config/", "mysite/"): content for path, content in echo.items()}
    theirs = {
        path: content.replace(b"config", b"mysite") if path.endswith(".py") else content
        for path, content in theirs.items()
    }
    mine = probe.look({**theirs, "chat/urls.py": b"from mysite import nothing\n"}, "mysite")
    assert "mysite" in mine.findings[0].yours
    assert probe.compare(mine, pages) is None


def test_missing_route_leads_to_the_list_that_it_should_be_in(echo, echo_probed):
    routes = b"websocket_urlpatterns = [\n]\n"
    found = probe.compare(probe.look({**echo, "chat/routing.py": routes}, "config"), echo_probed)
    assert (found.rung, found.where) == ("routes", "chat/routing.py:1")
    assert "WebSocket /ws/chat/<room_name>/" in found.page


def test_packages_of_the_learners_own_environment_are_found(echo, tmp_path):
    (tmp_path / "their_package.py").touch()
    files = {**echo, "chat/rooms.py": echo["chat/rooms.py"] + b"import their_package\n"}
    assert probe.look(files, "config").findings
    assert probe.look(files, "config", packages=[tmp_path]).findings == ()


@pytest.fixture
def environment(tmp_path):
    """A function that makes a .venv with some packages; returns the folder that it's in."""

    def install(**packages):
        for name, needed in packages.items():
            info = tmp_path / f".venv/lib/python3.12/site-packages/{name}-1.0.dist-info"
            info.mkdir(parents=True)
            lines = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *needed]
            (info / "METADATA").write_text("\n".join(lines) + "\n")
        return tmp_path

    return install


DAPHNE = ["Requires-Dist: daphne>=4 ; extra == 'daphne'"]
REQUIRED = {"requirements.txt": b"# the server\nchannels[daphne]>=4\ndjango_htmx\n"}


@pytest.mark.parametrize(
    ("packages", "missing", "line"),
    [
        ({"channels": DAPHNE, "daphne": [], "Django_HTMX": []}, "", 0),
        ({"channels": DAPHNE, "daphne": []}, "django-htmx isn't installed in your .venv.", 3),
        ({"channels": DAPHNE, "django_htmx": []}, "daphne isn't installed in your .venv.", 2),
        ({}, "", 0),  # no .venv here: it may be anywhere
    ],
)
def test_package_that_the_own_environment_lacks_is_named(environment, packages, missing, line):
    found = probe.installed(environment(**packages), REQUIRED)
    if not missing:
        assert found is None
    else:
        assert (found.yours, found.where) == (missing, f"requirements.txt:{line}")
        assert "pip install -r requirements.txt" in found.do


def test_nothing_is_left_behind(echo, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    probe.look({**echo, "chat/rooms.py": b"import os\nos._exit(3)\n"}, "config")
    assert os.listdir(tmp_path) == []
