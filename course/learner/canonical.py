"""Reduce a file to what it says, so that its layout doesn't count.

Blank lines, comments, docstrings, quotes, line breaks and the order of imports make no difference,
nor does what another Django's `startproject` writes into the settings.
"""

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple


class Part(NamedTuple):
    """One thing that a file says, such as a statement or an attribute.

    `line` is where it begins, from 1, and `end` its last line, or 0 if it's only one.
    """

    text: str
    line: int
    end: int = 0


# What startproject and startapp write with one version of Django and not with another (5.2 to 6.1).
_BY_VERSION = re.compile(r"(?:\w+Config: )?(?:DEFAULT_AUTO_FIELD|default_auto_field|MAILERS)\b")
_SCOPE = re.compile(r"(?:\w+: )*")
_DJANGO_KEY = re.compile(r"^SECRET_KEY = 'django-insecure-.*'$")

_MARKUP = re.compile(
    r"(?P<gone>\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->)"
    r"|(?P<template>\{%.*?%\}|\{\{.*?\}\})"
    r"""|(?P<tag></?[a-zA-Z!](?:[^>"']|"[^"]*"|'[^']*')*>)"""
    r"|(?P<text>(?:(?!\{[#%{]|<[/a-zA-Z!]).)+|.)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""")
_SCRIPT = re.compile(
    r"(?P<gone>/\*.*?\*/|//[^\n]*)"
    r"""|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
    r"|(?P<word>[\w$-]+)|(?P<space>\s+)|(?P<sign>.)",
    re.DOTALL,
)


def parts(path: str, content: bytes) -> list[Part]:
    """Return what a file says, in order. Files that aren't text say one thing: all of it."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        return [Part(content.hex(), 1)]
    suffix = PurePosixPath(path).suffix
    if suffix == ".py":
        try:
            return _python(text)
        except (SyntaxError, ValueError, RecursionError):
            return _lines(text)
    if suffix == ".html":
        return _html(text)
    if suffix in (".js", ".css"):
        return _script(text, comments="//" if suffix == ".js" else "")
    return _lines(text)


@functools.cache
def is_readable(path: str, content: bytes) -> bool:
    """Return whether a Python file can be parsed. Its lines are compared if it can't."""
    try:
        return path.endswith(".py") and bool(ast.parse(content) or True)
    except (SyntaxError, ValueError, RecursionError):
        return False


def lines(content: bytes) -> list[Part]:
    """Return a file's lines, whatever language it's in."""
    return _lines(content.decode("utf-8-sig", errors="replace"))


def counted(found: list[Part]) -> Counter:
    """Return how often a file says each thing."""
    return Counter(part.text for part in found)


def scope(text: str) -> list[str]:
    """Return the classes and functions that a part of a Python file is in, the outermost first."""
    return _SCOPE.match(text)[0].split(": ")[:-1]


def bare(text: str) -> str:
    """Return a part's text without its scope and without its depth."""
    return text[_SCOPE.match(text).end() :].strip()


def _lines(text: str) -> list[Part]:
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        plain = re.sub(r"(?:^|\s)[#;].*", "", line).replace("'", '"')
        if plain := " ".join(plain.split()):
            found.append(Part(plain, number))
    return found


def _python(text: str) -> list[Part]:
    found: list[Part] = []
    imports: list[Part] = []
    for part in _body(ast.parse(text).body, ""):
        if part.text.startswith(("import ", "from ")):
            imports.append(part)
            continue
        found += sorted(imports)
        imports = []
        if _DJANGO_KEY.match(part.text):
            part = part._replace(text="SECRET_KEY = 'django-insecure-'")
        if not _BY_VERSION.match(part.text):
            found.append(part)
    return found + sorted(imports)


def _body(nodes: list[ast.stmt], scope: str) -> Iterator[Part]:
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        if isinstance(node, ast.Pass):
            continue
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imports(node, scope)
        elif hasattr(node, "body") or hasattr(node, "cases"):
            yield from _block(node, scope)
        else:
            yield from _statement(node, scope)


def _imports(node: ast.Import | ast.ImportFrom, scope: str) -> Iterator[Part]:
    for alias in node.names:
        renamed = f" as {alias.asname}" if alias.asname else ""
        if isinstance(node, ast.Import):
            yield Part(f"{scope}import {alias.name}{renamed}", alias.lineno)
        else:
            module = "." * node.level + (node.module or "")
            yield Part(f"{scope}from {module} import {alias.name}{renamed}", alias.lineno)


def _block(node, scope: str) -> Iterator[Part]:
    """Yield the first line of a function, a class, an `if` and so on, and what's in it."""
    named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    for decorator in getattr(node, "decorator_list", []):
        yield Part(f"{scope}{node.name}: @{ast.unparse(decorator)}", decorator.lineno)
    yield Part(scope + _head(node), node.lineno)
    inside = f"{scope}{node.name}: " if named else f"{scope}  "
    yield from _body(getattr(node, "body", []), inside)
    for handler in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
        yield Part(scope + _head(handler), getattr(handler, "lineno", node.lineno))
        yield from _body(handler.body, inside)
    for name in ("orelse", "finalbody"):
        if others := getattr(node, name, []):
            yield Part(f"{scope}{'else' if name == 'orelse' else 'finally'}:", others[0].lineno)
            yield from _body(others, inside)


def _head(node) -> str:
    fields = {name: value for name, value in ast.iter_fields(node)}
    for name in ("body", "orelse", "finalbody", "handlers", "cases", "decorator_list"):
        if name in fields:
            fields[name] = []
    fields["body"] = []
    if isinstance(node, ast.Try):
        return "try:"
    if isinstance(node, ast.Match):
        return f"match {ast.unparse(node.subject)}:"
    return ast.unparse(type(node)(**fields, lineno=0, col_offset=0)).strip()


def _statement(node: ast.stmt, scope: str) -> Iterator[Part]:
    value = getattr(node, "value", None)
    if isinstance(value, ast.AST) and _is_long(value):
        yield from _value(scope + _before_value(node), value)
    else:
        yield Part(scope + ast.unparse(node), node.lineno, node.end_lineno)


def _before_value(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign):
        return " = ".join(map(ast.unparse, node.targets))
    if isinstance(node, ast.AnnAssign | ast.AugAssign):
        return ast.unparse(node.target)
    return type(node).__name__.lower()


def _is_long(value: ast.AST) -> bool:
    """Return whether a value has parts that a step may change alone: a list's or a dict's."""
    if isinstance(value, ast.Await):
        return _is_long(value.value)
    if isinstance(value, ast.Call):
        given = [*value.args, *(keyword.value for keyword in value.keywords)]
        return any(_is_long(each) for each in given)
    return isinstance(value, ast.List | ast.Tuple | ast.Set | ast.Dict)


def _value(name: str, value: ast.AST) -> Iterator[Part]:
    """Yield a value's parts, each with the name of the place that it has in the statement."""
    line = value.lineno
    if isinstance(value, ast.Await):
        yield from _value(f"{name} await", value.value)
    elif isinstance(value, ast.Dict):
        yield Part(f"{name} = {{}}", line)
        for key, each in zip(value.keys, value.values, strict=True):
            yield from _value(f"{name}[{ast.unparse(key) if key else '**'}]", each)
    elif isinstance(value, ast.List | ast.Tuple | ast.Set):
        yield Part(f"{name} = {type(value).__name__}", line)
        for each in value.elts:
            yield from _value(f"{name}[]", each)
    elif isinstance(value, ast.Call) and _is_long(value):
        called = ast.unparse(value.func)
        yield Part(f"{name} = {called}()", line)
        for number, each in enumerate(value.args):
            yield from _value(f"{name} {called} {number}", each)
        for keyword in value.keywords:
            yield from _value(f"{name} {called} {keyword.arg}", keyword.value)
    else:
        yield Part(f"{name} = {ast.unparse(value)}", line, value.end_lineno)


def _html(text: str) -> list[Part]:
    found = []
    line = 1
    for match in _MARKUP.finditer(text):
        if match["tag"]:
            name, *attributes = _ATTRIBUTE.findall(match["tag"].strip("<>"))
            found.append(Part(f"<{name}", line))
            for each in attributes:
                plain = re.sub(r"""=['"]?(.*?)['"]?$""", r"=\1", each, flags=re.DOTALL)
                found.append(Part(f"{name} {' '.join(plain.split())}", line))
        elif match["template"]:
            found.append(Part(" ".join(match["template"].replace("'", '"').split()), line))
        elif match["text"] and match["text"].strip():
            below = match["text"][: len(match["text"]) - len(match["text"].lstrip())].count("\n")
            found.append(Part(" ".join(match["text"].split()), line + below))
        line += match[0].count("\n")
    return found


def _script(text: str, comments: str) -> list[Part]:
    """Return the statements of a script or a stylesheet. `comments` begin one in a line."""
    found: list[Part] = []
    said: list[str] = []
    line = began = 1
    for match in _SCRIPT.finditer(text):
        shown = match[0]
        if match["gone"] and (comments or not shown.startswith("//")):
            shown = ""
        elif match["string"] and shown[0] == "'":
            shown = '"' + shown[1:-1] + '"'
        elif match["space"]:
            shown = ""
        if shown and not said:
            began = line
        if shown:
            said.append(shown)
        if said and shown in (";", "{", "}"):
            found.append(Part(" ".join(said), began))
            said = []
        line += match[0].count("\n")
    if said:
        found.append(Part(" ".join(said), began))
    return found
