"""A code block of a page as HTML: its colours, its label, and what its copy buttons give."""

import html
import re

from pygments import format as formatted
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.token import Token
from pygments.util import ClassNotFound

from course.pages import grammar, transcript

_LINES = {"+": "gi", "-": "gd"}
_PLAIN_TOKENS = {Token.Name, Token.Text.Whitespace}
_FORMATTER = HtmlFormatter(nowrap=True)
_SPEAKS = re.compile(r"(?P<who>(?:\w+ )?)(?P<sign>[<>x])(?P<rest>(?: .*)?)")
_OPENS = re.compile(r"(?P<who>(?:\w+(?:, *\w+)*: )?)(?P<url>wss?://\S+)(?P<rest>.*)")
_SAID_BY = {">": "sent", "<": "got", "x": "ended"}


def check(language: str) -> None:
    """Raise ValueError unless blocks of that language can be shown."""
    if language in ("console", "diff", "wire"):
        return
    try:
        get_lexer_by_name(language)
    except ClassNotFound:
        raise ValueError(f"there are no colours for the language {language!r}") from None


def block(source: str, language: str, title: str = "", label: str = "", fate: str = "") -> str:
    """Return the HTML of a block. Raises ValueError as check() does.

    The bar above the code shows the file's `title` or, if there is none, the `label`, which names a
    terminal. The `fate` at its end is a word for what happens to the file.
    """
    check(language)
    copied = None
    if language == "console":
        body, copied = _console(source)
    elif language == "diff":
        body, copied = _diff(source, grammar.language_of(title))
    elif language == "wire":
        body = _wire(source) + "\n"
    else:
        body = "\n".join(_coloured(source, language)) + "\n"
    classes = f"highlight {language.replace('+', '-')}"
    data = ""
    if copied:
        data = f' data-copy="{_escape(copied)}"'
    elif copied is not None or language == "wire":
        classes += " no-copy"  # nothing in it is for typing, or each of its hunks has a button
    if language == "console" and not copied:
        classes += " printed"
        fate = fate or "output"
    bar = _bar(title, label, fate)
    return f'<div class="{classes}"{data}>{bar}<pre><code>{body}</code></pre></div>'


def whole_file(text: str, title: str, when: str) -> str:
    """Return a file, folded. The search leaves it out because its lines are on the page already."""
    made = block(text.removesuffix("\n"), grammar.language_of(title), title)
    summary = f"<summary>The whole file {when}</summary>"
    return f'<details class="whole-file" data-search-exclude>{summary}{made}</details>'


def _bar(title: str, label: str, fate: str) -> str:
    """Return the bar above the code. The search index gets the file's name and nothing else."""
    if not title and not label:
        return ""
    name = _escape(title) or f"<span data-search-exclude>{_escape(label)}</span>"
    said = f'<span class="fate" data-search-exclude> {_escape(fate)}</span>' if fate else ""
    kind = "filename" if title else "filename terminal"
    return f'<span class="{kind}">{name}{said}</span>'


def _console(source: str) -> tuple[str, str]:
    lines, copied = [], []
    for kind, prompt, rest in transcript.typed(source):
        if kind == "output":
            lines.append(f'<span class="go">{_escape(rest)}</span>' if rest else "")
            continue
        copied.append(rest)
        [code] = _coloured(rest, kind)
        sign = f'<span class="gp">{_escape(prompt)}</span>' if prompt else ""
        lines.append(f"{sign}{code}")
    return "\n".join(lines) + "\n", "\n".join(copied)


def _diff(source: str, language: str) -> tuple[str, str]:
    """Return a diff in the colours of its language, and the added lines, which are to be copied.

    If there are several hunks, each has a button for its own lines, and the second value is "".
    """
    shown = source.split("\n")
    heads = [line.startswith("@@") for line in shown]
    signs = ["" if head else line[:1] or " " for head, line in zip(heads, shown, strict=True)]
    texts = [line[1:] if sign else "" for line, sign in zip(shown, signs, strict=True)]
    # Of each hunk, what it adds. The first begins with or without a line for it.
    added: list[list[str]] = [] if heads[0] else [[]]
    for head, sign, text in zip(heads, signs, texts, strict=True):
        if head:
            added.append([])
        elif sign == "+":
            added[-1].append(text)
    several = len(added) > 1
    buttons = iter([_button("\n".join(lines)) if several and lines else "" for lines in added])
    body = ""
    if several and not heads[0] and (button := next(buttons)):
        body += _head("", button)
    for line, sign, code in zip(shown, signs, _coloured("\n".join(texts), language), strict=True):
        if sign:
            code = f'<span class="sign">{sign}</span>{code}'
            body += f'<span class="{_LINES.get(sign, "line")}">{code}\n</span>'
        else:
            body += _head(line, next(buttons) if several else "")
    return body, "" if several else "\n".join(added[0])


def _head(line: str, button: str) -> str:
    said = f"<span>{_escape(line)}</span>" if line else ""
    return f'<span class="gu" data-search-exclude>{said}{button}\n</span>'


def _button(copied: str) -> str:
    """Return a button that copies a text. The theme's script looks for this attribute."""
    return (
        f'<button type="button" class="copy-hunk" data-clipboard-text="{_escape(copied)}" '
        'aria-label="Copy this hunk" title="Copy this hunk"></button>'
    )


def _wire(source: str) -> str:
    lines = []
    for line in source.split("\n"):
        if line.startswith("$ "):
            [code] = _coloured(line[2:], "bash")
            lines.append(f'<span class="gp">$ </span>{code}')
        elif match := _OPENS.fullmatch(line):
            who, url, rest = (_escape(match[name]) for name in ("who", "url", "rest"))
            lines.append(f'<span class="who">{who}</span><span class="url">{url}</span>{rest}')
        elif match := _SPEAKS.fullmatch(line):
            who, sign = _escape(match["who"]), _escape(match["sign"])
            lines.append(
                f'<span class="{_SAID_BY[match["sign"]]}"><span class="who">{who}</span>'
                f'<span class="sign">{sign}</span>{_escape(match["rest"])}</span>'
            )
        else:
            lines.append(_escape(line))
    return "\n".join(lines)


def _coloured(source: str, language: str) -> list[str]:
    """Return the lines of `source` as HTML."""
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    # Names and white space look like the text around them. Without a tag each, pages are lighter.
    tokens = (
        (Token.Text if kind in _PLAIN_TOKENS else kind, text)
        for kind, text in lexer.get_tokens(source)
    )
    lines = formatted(tokens, _FORMATTER).split("\n")
    # Blank lines at the end may be missing, and one newline more may be there.
    count = source.count("\n") + 1
    return [*lines, *[""] * count][:count]


def _escape(text: str) -> str:
    return html.escape(text)
