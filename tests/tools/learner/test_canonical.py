import pytest

from course.learner import canonical

CONSUMER = b'''\
import json
from channels.generic.websocket import WebsocketConsumer

class ChatConsumer(WebsocketConsumer):
    """Echo."""

    def receive(self, text_data):
        message = json.loads(text_data)['message']
        self.send(json.dumps({'message': message}))
'''


def said(path, content):
    return [part.text for part in canonical.parts(path, content)]


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("a.py", CONSUMER, CONSUMER.replace(b"'", b'"').replace(b"\n\n", b"\n\n\n")),
        ("a.py", CONSUMER, CONSUMER.replace(b'    """Echo."""\n\n', b"    # an echo\n")),
        ("a.py", CONSUMER, CONSUMER.replace(b"(json.dumps(", b"(\n        json.dumps(\n")),
        ("a.py", b"import a\nimport b\n", b"import b\nimport a\n"),
        ("a.py", b"import a\nimport b\nf()\n", b"import b\nimport a\nf()\n"),
        ("a.js", b"f(`a\nb`);", b"f(`a\r\nb`);"),
        ("a.py", b"from a import b, c\n", b"from a import c\nfrom a import b\n"),
        ("a.py", b"A = [\n  1,\n  2,\n]\n", b"A = [1, 2]\n"),
        ("a.py", b"SECRET_KEY = 'django-insecure-a'\n", b"SECRET_KEY = 'django-insecure-b'\n"),
        ("a.html", b"<p class='a'>Hi\n  you</p>", b'<p\n  class="a">Hi you</p>\n<!-- so -->'),
        ("a.html", b"{% url 'a' %}", b'{# so #}{%  url "a" %}'),
        ("a.js", b"const a = 'b'; // so\nf(a);", b'/* so */ const a = "b";\n\nf( a );'),
        ("a.css", b"p { color: red; }", b"p {\n  color: red;\n}\n"),
        ("a.txt", b"django>=5.2\n", b"# so\n\ndjango>=5.2  # or newer\n"),
        ("a.py", b"x = 1\n", b"x = 1\r\n"),
    ],
)
def test_layout_makes_no_difference(path, one, other):
    assert said(path, one) == said(path, other)


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        (
            "a.py",
            b"INSTALLED_APPS = ['daphne', 'chat']\n",
            b"INSTALLED_APPS = ['chat', 'daphne']\n",
        ),
        ("a.py", b"f()\nimport a\n", b"import a\nf()\n"),
        ("a.py", b"async def f(): await g()\n", b"async def f(): g()\n"),
        ("a.py", b"def f():\n    return 1\n", b"def g():\n    return 1\n"),
        ("a.py", b"if a:\n    f()\n    g()\n", b"if a:\n    f()\ng()\n"),
        ("a.py", b"@b\ndef f(): return 1\n", b"def f(): return 1\n"),
        ("a.py", b"try:\n    f()\nexcept A:\n    g()\n", b"try:\n    f()\nexcept B:\n    g()\n"),
        ("a.py", b"SECRET_KEY = 'django-insecure-a'\n", b"SECRET_KEY = os.environ['KEY']\n"),
        ("a.html", b'<form id="form" ws-send>', b'<form id="form">'),
        ("a.html", b"{{ a }}", b"{{ a|safe }}"),
        ("a.js", b"const a = 'http://b';", b"const a = 'http://c';"),
        ("a.js", b"f(`a  b`);", b"f(`a b`);"),
        ("a.txt", b"django>=5.2\n", b"django>=5.3\n"),
    ],
)
def test_what_changes_a_program_makes_a_difference(path, one, other):
    assert said(path, one) != said(path, other)


def test_parts_know_their_lines():
    found = canonical.parts("a.py", CONSUMER)
    assert [(part.line, part.end) for part in found if "json.loads" in part.text] == [(8, 8)]


@pytest.mark.parametrize("content", [b"def f(:\n", b"\xff\xfe", b"x = '\x00'", b"(" * 5000])
def test_broken_files_are_read_all_the_same(content):
    assert said("a.py", content)
    assert not canonical.is_readable("a.py", content)
