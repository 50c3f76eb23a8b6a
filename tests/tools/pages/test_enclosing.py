"""What a hunk's `@@` line says about its surroundings."""

import pytest

from course.pages import enclosing

PYTHON = """\
import a

MIDDLEWARE = [
    "one",
]


class A(
    B,
):
    x = 1

    @wrapped
    async def b(self):
        if x:
            return 1

        def c():
            pass


d = 1
"""
SCRIPT = """\
const a = 1;

function connect() {
  const socket = new WebSocket(url);
  socket.onmessage = (event) => {
    if (event) {
      show(event);
    }
  };
}
"""
PAGE = """\
{% extends "a" %}
{% block title %}A{% endblock %}
{% block content %}
<p>
  {% block inner %}
  <b>
  {% endblock %}
</p>
{% endblock %}
<i>
"""


@pytest.mark.parametrize(
    ("path", "text", "hunk", "around"),
    [
        ("a.py", PYTHON, '     "one",\n+    "two",', "MIDDLEWARE"),
        ("a.py", PYTHON, " import a\n+import b", ""),
        ("a.py", PYTHON, "+    y = 1\n     x = 1", "class A"),
        ("a.py", PYTHON, " ):\n     x = 1\n+    y = 1", "class A"),
        ("a.py", PYTHON, "             return 1\n+            x", "class A, async def b"),
        ("a.py", PYTHON, "             return 1\n+\n+    def d(self):\n+        pass", "class A"),
        ("a.py", PYTHON, "-            return 1", "class A, async def b"),
        # What the hunk itself shows needs no naming.
        ("a.py", PYTHON, "     async def b(self):\n-        if x:", "class A"),
        ("a.py", PYTHON, "-            pass", "class A, async def b, def c"),
        ("a.py", PYTHON, "             pass\n+\n+\n+e = 1", ""),
        ("a.py", PYTHON, "-d = 1", ""),
        ("a.py", "def f(:\n    x\n", "-    x", ""),
        ("a.py", "", "+x", ""),
        (
            "a.js",
            SCRIPT,
            "-      show(event);",
            "function connect(), socket.onmessage = (event) =>",
        ),
        ("a.js", SCRIPT, "   const socket = new WebSocket(url);\n+  x();", "function connect()"),
        ("a.js", SCRIPT, "-const a = 1;", ""),
        ("a.html", PAGE, "-  <b>", "{% block content %}, {% block inner %}"),
        ("a.html", PAGE, " </p>\n+<u>", "{% block content %}"),
        ("a.html", PAGE, "-<i>", ""),
        ("a.css", "a {\n  b: c;\n}\n", "-  b: c;", ""),
    ],
)
def test_what_is_around_a_hunk(path, text, hunk, around):
    marked = enclosing.mark(hunk, path, text)
    assert marked == (f"@@ {around}\n{hunk}" if around else hunk)
