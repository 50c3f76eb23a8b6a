"""Check that each rule refuses the mistakes it's for, and accepts code that only looks alike."""

import functools
import shutil

import pytest

from tests.chapters import live_rules, markup_rules, source_rules
from tests.chapters.test_alike import outliers
from tests.support.contract import CHAPTERS
from tests.support.visit import Visit

ASGI = """
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application
{early}
http_application = get_asgi_application()
from chat.routing import websocket_urlpatterns
application = ProtocolTypeRouter({{"http": http_application{sockets}}})
"""
VALIDATED = f', "websocket": {source_rules.SOCKETS}'
SETTINGS = {
    "ALLOWED_HOSTS": [],
    "ASGI_APPLICATION": "config.asgi.application",
    "INSTALLED_APPS": ["daphne", "chat"],
    "MIDDLEWARE": ["django.middleware.csrf.CsrfViewMiddleware"],
    "TEMPLATES": [{"OPTIONS": {}}],
}


def settings(**changes):
    return "".join(f"{name} = {value!r}\n" for name, value in {**SETTINGS, **changes}.items())


with_sockets = functools.partial(source_rules.asgi, sockets=True)
VIEW, TEMPLATE, SCRIPT = "chat/views.py", "chat/templates/chat/a.html", "chat/static/chat/chat.js"

REFUSED = [
    (source_rules.prints, VIEW, 'print("here")'),
    (source_rules.prints, "tests/test_a.py", "import pprint\npprint.pprint(1)"),
    (source_rules.prints, VIEW, 'import sys\nsys.stdout.write("here")'),
    (markup_rules.prints_in_scripts, SCRIPT, "  console.log(1);"),
    (source_rules.html_in_python, VIEW, 'def a(b):\n    return f"<li>{b}</li>"'),
    (source_rules.html_in_python, VIEW, 'a = "<p class=%s>" % b'),
    (source_rules.html_in_python, VIEW, 'a = "Tea</b>" + b'),
    (source_rules.html_in_python, VIEW, 'a = f"<{b}>"'),
    (source_rules.unescaped, VIEW, "from django.utils.safestring import mark_safe"),
    (source_rules.unescaped, VIEW, "from django.utils import safestring\na = safestring.mark_safe"),
    (source_rules.unescaped, VIEW, "a = Context(b, autoescape=False)"),
    (source_rules.unescaped, VIEW, "@csrf_exempt\ndef view(request): pass"),
    (markup_rules.unescaped_in_templates, TEMPLATE, "{{ message|safe }}"),
    (markup_rules.unescaped_in_templates, TEMPLATE, "{{ message|title | safe }}"),
    (markup_rules.unescaped_in_templates, TEMPLATE, "{% autoescape off %}{% endautoescape %}"),
    (markup_rules.inline_script_in_templates, TEMPLATE, "<script>alert(1)</script>"),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<script src="a.js">alert(1)</script>'),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<script>{% include "a.js" %}</script>'),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<script type="module">a()</script>'),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<img src="a" onerror="alert(1)">'),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<form hx-on::ws-after-send="a()">'),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<a href=" JavaScript:alert(1)">a</a>'),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<p hx-vals="js:{a: 1}">'),
    (markup_rules.inline_script_in_templates, TEMPLATE, '<p style="color: red">'),
    (markup_rules.inline_script_in_templates, TEMPLATE, "<style>p {}</style>"),
    (markup_rules.html_in_scripts, SCRIPT, "log.innerHTML += data.message;"),
    (markup_rules.html_in_scripts, SCRIPT, 'log.insertAdjacentHTML("beforeend", text);'),
    (markup_rules.html_in_scripts, SCRIPT, 'setTimeout("connect()", 1000);'),
    (
        markup_rules.other_hosts_in_files,
        TEMPLATE,
        '<script src="https://cdn.example/a.js"></script>',
    ),
    (markup_rules.other_hosts_in_files, TEMPLATE, '<link rel="stylesheet" href="//cdn.example/a">'),
    (markup_rules.other_hosts_in_files, SCRIPT, 'import a from "https://cdn.example/a.js";'),
    (
        markup_rules.other_hosts_in_files,
        "chat/static/a.css",
        "a { background: url(//b.example/c) }",
    ),
    (markup_rules.posts_without_token, TEMPLATE, '<form class="a" method=POST><input></form>'),
    (source_rules.imports_from_the_repository, VIEW, "from course import tree"),
    (with_sockets, "config/asgi.py", ASGI.format(early="", sockets="")),
    (
        with_sockets,
        "config/asgi.py",
        ASGI.format(
            early="",
            sockets=', "websocket": AuthMiddlewareStack(URLRouter(websocket_urlpatterns))',
        ),
    ),
    (
        with_sockets,
        "config/asgi.py",
        ASGI.format(early="from chat import routing", sockets=VALIDATED),
    ),
    (
        functools.partial(source_rules.asgi, sockets=False),
        "config/asgi.py",
        ASGI.format(early="", sockets=VALIDATED),
    ),
    (
        source_rules.runserver_without_websockets,
        "config/settings.py",
        settings(INSTALLED_APPS=["chat", "daphne"]),
    ),
    (source_rules.insecure_settings, "config/settings.py", settings(ALLOWED_HOSTS=["*"])),
    (
        source_rules.runserver_without_websockets,
        "config/settings.py",
        settings(ASGI_APPLICATION="a.b"),
    ),
    (source_rules.insecure_settings, "config/settings.py", settings(MIDDLEWARE=[])),
    (
        source_rules.insecure_settings,
        "config/settings.py",
        settings(TEMPLATES=[{"OPTIONS": {"autoescape": False}}]),
    ),
]

ACCEPTED = [
    (source_rules.prints, "chat/management/commands/a.py", 'self.stdout.write("Done.")'),
    (source_rules.prints, VIEW, '"""Never print() here."""'),
    (source_rules.html_in_python, VIEW, '"""Show <b>this</b>."""'),
    (
        source_rules.html_in_python,
        VIEW,
        'a = r"(?P<a>[a-z]+)"\nb = "<int:a>/earlier/"\nc = "1 < 2"',
    ),
    (source_rules.html_in_python, "tests/test_a.py", 'a = "<li>Tea?</li>"'),
    (source_rules.unescaped, VIEW, "from django.utils.html import escape"),
    (markup_rules.unescaped_in_templates, TEMPLATE, "{{ safe }} {{ a|default:b }} It is |safer|."),
    (
        markup_rules.inline_script_in_templates,
        TEMPLATE,
        "<script src=\"{% static 'a.js' %}\"></script>{{ a|json_script:'a' }}",
    ),
    (
        markup_rules.inline_script_in_templates,
        TEMPLATE,
        '<script id="a" type="application/json">"Tea?"</script>',
    ),
    (markup_rules.html_in_scripts, SCRIPT, "// Never innerHTML.\nlog.value += text;"),
    (
        markup_rules.other_hosts_in_files,
        SCRIPT,
        "const url = `${scheme}//${host}/ws/`; // as typed",
    ),
    (markup_rules.other_hosts_in_files, TEMPLATE, '<a href="https://docs.example/">Read more</a>'),
    (
        markup_rules.posts_without_token,
        TEMPLATE,
        "<form><input></form><form method=post>{% csrf_token %}</form>",
    ),
    (with_sockets, "config/asgi.py", ASGI.format(early="", sockets=VALIDATED)),
    (source_rules.runserver_without_websockets, "config/settings.py", settings()),
    (source_rules.insecure_settings, "config/settings.py", settings()),
]


def write_file(folder, path, text):
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)
    return folder


@pytest.mark.parametrize(("rule", "path", "text"), REFUSED)
def test_rule_refuses_bad_source(tmp_path, rule, path, text):
    faults = rule(write_file(tmp_path, path, text))
    # Settings are read as a whole, whatever file they come from.
    assert faults and all(path in fault or "settings" in path for fault in faults)


@pytest.mark.parametrize(("rule", "path", "text"), ACCEPTED)
def test_rule_accepts_good_source(tmp_path, rule, path, text):
    assert rule(write_file(tmp_path, path, text)) == []


def test_file_that_differs_is_named():
    assert outliers({"01": b"a", "02": b"b", "03": b"a"}) == ["02"]
    assert outliers({"01": b"a", "02": b"a", "03": None}) == ["03"]
    assert outliers({"02": b"a", "06": b"b"}) == ["02", "06"]
    assert outliers({"02": b"a", "06": b"a"}) == []


def test_htmx_that_evaluates_strings_is_refused():
    htmx = '<script src="/static/django_htmx/htmx.min.js"></script>'
    config = '<meta name="htmx-config" content=\'{"includeIndicatorStyles": false%s}\'>'
    assert markup_rules.unsafe_htmx_settings(htmx) == list(markup_rules.SAFE_HTMX)
    assert markup_rules.unsafe_htmx_settings(htmx + config % ', "allowEval": false') == [
        "allowScriptTags"
    ]


# Mistakes that a chapter might make, each in its shortest form.
BAD_VIEWS = """
import sqlite3
from django.http import HttpResponse
from django.views.decorators.csrf import csrf_exempt

@csrf_exempt
def index(request):
    typed = request.GET.get("room_name", "")
    typed.encode("ascii")
    return HttpResponse(typed)

@csrf_exempt
def room(request, room_name):
    with sqlite3.connect("db.sqlite3") as database:
        database.execute("CREATE TABLE IF NOT EXISTS visit (room)")
        database.execute("INSERT INTO visit VALUES (?)", [room_name])
    return HttpResponse("<script>connect()</script>")
"""
BAD_CONSUMERS = """
import json
from channels.generic.websocket import WebsocketConsumer

class ChatConsumer(WebsocketConsumer):
    def receive(self, text_data):
        message = json.loads(text_data)["message"]
        self.send(f'<ol hx-swap-oob="beforeend:#content"><li>{message}</li></ol>')
"""
BAD_ASGI = """
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

http_application = get_asgi_application()

from chat.routing import websocket_urlpatterns

application = ProtocolTypeRouter(
    {"http": http_application, "websocket": URLRouter(websocket_urlpatterns)}
)
"""


@pytest.fixture(scope="module")
def found_by(chapter_folders, serve_copy, tmp_path_factory):
    """Return a function that applies a rule to a running chapter that breaks all of them."""
    name = "02_echo_consumer"
    folder = tmp_path_factory.mktemp("bad") / name
    shutil.copytree(chapter_folders[name], folder)
    write_file(folder, "chat/views.py", BAD_VIEWS)
    write_file(folder, "chat/consumers.py", BAD_CONSUMERS)
    write_file(folder, "config/asgi.py", BAD_ASGI)
    visit = Visit(CHAPTERS[name], serve_copy(folder))
    return functools.cache(lambda rule: rule(visit))


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (live_rules.pages_escape_input, "/chat/ doesn't escape room_name"),
        (live_rules.messages_arrive_as_text, "the sender doesn't get"),
        (live_rules.pages_run_only_own_scripts, "/chat/lobby/ has <script> without a src"),
        (live_rules.only_own_pages_open_sockets, "another site is answered with 101"),
        (live_rules.only_own_pages_open_sockets, "a client without an Origin is answered with 101"),
        (live_rules.bad_frames_are_refused, "an empty frame: the socket closed"),
        (live_rules.bad_frames_are_refused, "Traceback"),
        (live_rules.odd_requests_do_not_fail, "/chat/?room_name=%FF is answered with 500"),
        (live_rules.odd_requests_do_not_fail, "Traceback"),
        (live_rules.get_requests_change_nothing, "GET /chat/lobby/ stores something"),
        (live_rules.posts_need_a_token, "a POST to /chat/ without a token is answered with 200"),
    ],
)
def test_rule_refuses_bad_running_chapter(found_by, rule, fault):
    assert any(fault in found for found in found_by(rule))
