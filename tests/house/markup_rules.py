"""Rules that pages keep, as templates and as a browser gets them, and what they load."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from answers import Markup
from files import files

# What stands in a template and is no HTML; what it puts in stands as an x.
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
QUIET_HTMX = {"includeIndicatorStyles": False, "allowEval": False, "allowScriptTags": False}


def templates(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the chapter's templates, as a path and a text."""
    for inside, path in files(folder, "templates/**/*.html"):
        yield inside, path.read_text()


def scripts(folder: Path) -> Iterator[tuple[str, int, str]]:
    """Give the lines of the chapter's scripts: a path, a number, a text. Comments are left out."""
    for inside, path in files(folder, "static/**/*.js"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.lstrip().startswith(("//", "*", "/*")):
                yield inside, number, line


def plain(template: str) -> str:
    """Return a template's HTML without what Django would put in."""
    return VARIABLE.sub("x", TAG.sub("", template))


def inline_script(html: str) -> list[str]:
    """Find script and style that stand in a page."""
    read = Markup(html)
    found = []
    for tag, attributes in read.tags:
        if tag == "style":
            found.append("<style>")
        # Data is no script: json_script writes it so.
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
            found.append("<script> with a text")
    return found


def from_elsewhere(html: str) -> list[str]:
    """Find what a page would load from another host, or send there."""
    return [
        f'<{tag} {name}="{value}">'
        for tag, attributes in Markup(html).tags
        for name, value in attributes.items()
        if (name in LOADS or (name == "href" and tag in {"base", "link"}))
        and ELSEWHERE.match(value)
    ]


def loud_htmx(html: str) -> list[str]:
    """Find a page with htmx that lets it evaluate strings, or write styles into the page."""
    tags = Markup(html).tags
    if not any("htmx" in attributes.get("src", "") for _, attributes in tags):
        return []
    configured = [given["content"] for _, given in tags if given.get("name") == "htmx-config"]
    config = json.loads(configured[0]) if configured else {}
    return [name for name, wanted in QUIET_HTMX.items() if config.get(name) is not wanted]


def unescaped_in_templates(folder: Path) -> list[str]:
    """Find templates that put something in as it is."""
    return [
        f"{path} has {found[0]}"
        for path, text in templates(folder)
        if (found := UNESCAPED.search(text))
    ]


def inline_script_in_templates(folder: Path) -> list[str]:
    """Find script and style that stand in a template."""
    return [
        f"{path} has {found}"
        for path, text in templates(folder)
        for found in inline_script(plain(text))
    ]


def html_in_scripts(folder: Path) -> list[str]:
    """Find scripts that read a text as HTML or as code."""
    return [
        f"{path}:{number} has {found[0]}"
        for path, number, line in scripts(folder)
        if (found := PARSES_HTML.search(line))
    ]


def said_in_scripts(folder: Path) -> list[str]:
    """Find scripts that print."""
    return [
        f"{path}:{number} has {found[0]}"
        for path, number, line in scripts(folder)
        if (found := SAYS.search(line))
    ]


def elsewhere_in_files(folder: Path) -> list[str]:
    """Find what templates, scripts and styles would load from another host."""
    found = [
        f"{path} has {tag}"
        for path, text in templates(folder)
        for tag in from_elsewhere(plain(text))
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
    """Find forms that are posted without the token that shows whose page they stand on."""
    found = []
    for path, text in templates(folder):
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL | re.IGNORECASE):
            posts = re.search(r"""method\s*=\s*["']?post""", form, re.IGNORECASE)
            if posts and not re.search(r"{%\s*csrf_token\s*%}", form):
                found.append(f"{path} has a form without a token")
    return found
