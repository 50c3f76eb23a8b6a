"""Rules for pages, as templates and as a browser gets them, and for the files they load."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.chapters.files import files
from tests.support.answers import Markup

# What a template holds besides HTML. Variables are replaced with an x.
TAG = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
VARIABLE = re.compile(r"{{.*?}}", re.DOTALL)

SCRIPT = re.compile(r"<script\b([^>]*)>(.*?)</script", re.DOTALL | re.IGNORECASE)
UNESCAPED = re.compile(r"\|\s*safe(?:seq)?\b|{%\s*autoescape\s+off|{%\s*debug\s*%}")
PARSES_HTML = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|setHTML"
    r"|parseHTML|DOMParser|parseFromString|srcdoc|\beval\s*\(|\bnew Function\b"
    r"|set(?:Timeout|Interval)\s*\(\s*[\"'`]"
)
SAYS = re.compile(r"\bconsole\.\w+|\balert\s*\(")
ELSEWHERE = re.compile(r"\s*(?:(?:https?|wss?):)?//", re.IGNORECASE)
IN_SCRIPT = re.compile(r"[\"'`](?:(?:https?|wss?):)?//\w")
IN_STYLES = re.compile(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//")

LOADS = {
    "action",
    "data",
    "formaction",
    "hx-delete",
    "hx-get",
    "hx-patch",
    "hx-post",
    "hx-put",
    "poster",
    "src",
    "srcset",
    "ws-connect",
}
SAFE_HTMX = {"includeIndicatorStyles": False, "allowEval": False, "allowScriptTags": False}


def templates(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each template in the chapter."""
    for inside, path in files(folder, "templates/**/*.html"):
        yield inside, path.read_text()


def scripts(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Yield path, number and text of each line in the chapter's scripts, except comments."""
    for inside, path in files(folder, "static/**/*.js"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.lstrip().startswith(("//", "*", "/*")):
                yield inside, number, line


def plain(template: str) -> str:
    """Return a template's HTML without Django's tags and values."""
    return VARIABLE.sub("x", TAG.sub("", template))


def inline_script(html: str) -> list[str]:
    """Find inline scripts and styles in a page."""
    read = Markup(html)
    found = []
    for tag, attributes in read.tags:
        if tag == "style":
            found.append("<style>")
        # Data isn't a script. json_script writes it this way.
        data = attributes.get("type") == "application/json"
        if tag == "script" and "src" not in attributes and not data:
            found.append("<script> without a src")
        for name, value in attributes.items():
            value = value.strip().lower()
            runs = name.startswith(("on", "hx-on", "data-hx-on")) or name in {"style", "hx-vars"}
            if runs or value.startswith("javascript:"):
                found.append(f'<{tag} {name}="{value}">')
            if name in {"hx-vals", "hx-headers"} and value.startswith("js:"):
                found.append(f'<{tag} {name}="{value}">')
    for opening, text in SCRIPT.findall(html):
        if text.strip() and "application/json" not in opening:
            found.append("<script> with text in it")
    return found


def loads_from_other_hosts(html: str) -> list[str]:
    """Find tags that would load something from another host, or send something there."""
    return [
        f'<{tag} {name}="{value}">'
        for tag, attributes in Markup(html).tags
        for name, value in attributes.items()
        if (name in LOADS or (name == "href" and tag in {"base", "link"}))
        and ELSEWHERE.match(value)
    ]


def unsafe_htmx_settings(html: str) -> list[str]:
    """Return the settings that let htmx evaluate strings, or write styles into the page."""
    tags = Markup(html).tags
    if not any("htmx" in attributes.get("src", "") for _, attributes in tags):
        return []
    configured = [given["content"] for _, given in tags if given.get("name") == "htmx-config"]
    config = json.loads(configured[0]) if configured else {}
    return [name for name, wanted in SAFE_HTMX.items() if config.get(name) is not wanted]


def unescaped_in_templates(folder: Path) -> list[str]:
    """Find templates that switch escaping off."""
    return [
        f"{path} has {found[0]}"
        for path, text in templates(folder)
        if (found := UNESCAPED.search(text))
    ]


def inline_script_in_templates(folder: Path) -> list[str]:
    """Find inline scripts and styles in templates."""
    return [
        f"{path} has {found}"
        for path, text in templates(folder)
        for found in inline_script(plain(text))
    ]


def html_in_scripts(folder: Path) -> list[str]:
    """Find scripts that parse text as HTML or run it as code."""
    return [
        f"{path}:{number} has {found[0]}"
        for path, number, line in scripts(folder)
        if (found := PARSES_HTML.search(line))
    ]


def prints_in_scripts(folder: Path) -> list[str]:
    """Find scripts that print to the console or show an alert."""
    return [
        f"{path}:{number} has {found[0]}"
        for path, number, line in scripts(folder)
        if (found := SAYS.search(line))
    ]


def other_hosts_in_files(folder: Path) -> list[str]:
    """Find templates, scripts and styles that would load something from another host."""
    found = [
        f"{path} has {tag}"
        for path, text in templates(folder)
        for tag in loads_from_other_hosts(plain(text))
    ]
    found += [
        f"{path}:{number} loads from another host"
        for path, number, line in scripts(folder)
        if IN_SCRIPT.search(line)
    ]
    return found + [
        f"{inside} loads from another host"
        for inside, path in files(folder, "static/**/*.css")
        if IN_STYLES.search(path.read_text())
    ]


def posts_without_token(folder: Path) -> list[str]:
    """Find forms that post without a CSRF token."""
    found = []
    for path, text in templates(folder):
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL | re.IGNORECASE):
            posts = re.search(r"""method\s*=\s*["']?post""", form, re.IGNORECASE)
            if posts and not re.search(r"{%\s*csrf_token\s*%}", form):
                found.append(f"{path} has a form without a token")
    return found
