"""Check that no chapter contains code that's forbidden there, except what `make lint` finds."""

import fnmatch
import re

import pytest

# By reason: the files, a regular expression, and texts in which it has to find something.
FORBIDDEN = {
    "only templates make HTML, because they escape": (
        "*.py",
        r"(?<!\?P)</?[a-z]\w*[\s/>]|</?[\"'{]|\bautoescape\b",
        [
            'return f"<li>{text}</li>"',
            '"<p class=%s>" % name',
            '"Tea</b>" + text',
            'f"<{tag}>"',
            '"<" + tag',
            "Context(values, autoescape=False)",
        ],
    ),
    "consumers need Django set up first": (
        "config/asgi.py",
        r"(?s)from chat.*get_asgi_application\(\)",
        ["from chat.routing import urlpatterns\nhttp_application = get_asgi_application()"],
    ),
    "templates escape what they insert": (
        "*.html",
        r"\|\s*safe(?:seq)?\b|{%\s*(?:autoescape\s+off|debug)\b",
        [
            "{{ message|safe }}",
            "{{ message|title | safe }}",
            "{% autoescape off %}{% endautoescape %}",
            "{% debug %}",
        ],
    ),
    "templates have no inline scripts or styles": (
        "*.html",
        r"<script(?![^>]*(?:\ssrc=|application/json))|<script[^>]*\ssrc=[^>]*>\s*[^\s<]|<style\b"
        r"|\s(?:on\w+|(?:data-)?hx-on\S*|style|hx-vars)\s*="
        r"|=\s*[\"']?\s*javascript:|\shx-(?:vals|headers)\s*=\s*[\"']?\s*js:",
        [
            "<script>alert(1)</script>",
            '<script src="a.js">alert(1)</script>',
            '<script>{% include "a.js" %}</script>',
            '<script type="module">a()</script>',
            '<img src="a" onerror="alert(1)">',
            '<form hx-on::ws-after-send="a()">',
            '<a href=" JavaScript:alert(1)">a</a>',
            '<p hx-vals="js:{a: 1}">',
            '<p style="color: red">',
            "<style>p {}</style>",
        ],
    ),
    "htmx evaluates no strings and writes no styles": (
        "*.html",
        r"(?s)\A(?!.*<meta name=\"htmx-config\" content='{\"includeIndicatorStyles\": false, "
        r"\"allowEval\": false, \"allowScriptTags\": false}'>).*{% htmx_script",
        [
            '{% htmx_script extensions="hx-ws" %}',
            '<meta name="htmx-config" content=\'{"allowEval": true}\'>{% htmx_script %}',
        ],
    ),
    "scripts insert text and never parse HTML": (
        "*.js",
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTML"
        r"|parseHTML|DOMParser|parseFromString|srcdoc|\beval\s*\(|\bnew Function\b"
        r"|set(?:Timeout|Interval)\s*\(\s*[\"'`]",
        [
            "log.innerHTML += data.message;",
            'log.insertAdjacentHTML("beforeend", text);',
            'setTimeout("connect()", 1000);',
        ],
    ),
    "scripts don't print": ("*.js", r"\bconsole\.|\balert\s*\(", ["console.log(1);", "alert(1);"]),
    "pages load nothing from another host": (
        "*",
        r"(?<!<a href=)[\"'`(](?:(?:https?|wss?):)?//\w",
        [
            '<script src="https://cdn.example/a.js"></script>',
            '<link rel="stylesheet" href="//cdn.example/a.css">',
            'import a from "https://cdn.example/a.js";',
            "a { background: url(//cdn.example/a.png) }",
        ],
    ),
}
ALLOWED = {
    "chat/urls.py": 'a = r"(?P<a>[a-z]+)"\nb = "<int:a>/earlier/"\nc = 1 < 2',
    "tests/test_a.py": 'a = "<li>Tea?</li>"',
    "config/asgi.py": "http_application = get_asgi_application()\nfrom chat import routing",
    "a.html": '{{ safe }} {{ a|default:b }} It is |safer|. <a href="https://docs.example/">Read</a>'
    "<script src=\"{% static 'a.js' %}\"></script>{{ a|json_script:'a' }}"
    '<script id="a" type="application/json">"Tea?"</script>'
    '<meta name="htmx-config" content=\'{"includeIndicatorStyles": false, "allowEval": false, '
    '"allowScriptTags": false}\'>{% htmx_script %}',
    "a.js": "const url = `${scheme}//${host}/ws/`; // as typed\nlog.value += text;",
}


def faults(path, text):
    """Return why this isn't allowed in a chapter's file, and what was found."""
    return [
        (why, found[0])
        for why, (files, pattern, _) in FORBIDDEN.items()
        if fnmatch.fnmatch(path, files) and not path.startswith("tests/")
        if (found := re.search(pattern, text, re.IGNORECASE))
    ]


def test_chapters_contain_nothing_that_is_forbidden(trees):
    found = {
        f"{name}/{path}": wrong
        for name, tree in trees.items()
        for path, content in tree.items()
        if (wrong := faults(path, content.decode()))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("why", "text"), [(why, text) for why, (*_, texts) in FORBIDDEN.items() for text in texts]
)
def test_forbidden_code_is_found(why, text):
    assert re.search(FORBIDDEN[why][1], text, re.IGNORECASE)


@pytest.mark.parametrize("path", ALLOWED)
def test_code_that_looks_similar_is_allowed(path):
    assert faults(path, ALLOWED[path]) == []
