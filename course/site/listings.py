"""A code block of a page as HTML: its colours, its label, and what its copy buttons give."""

import re
from html import escape

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
    if language in ("console", "diff", "mermaid", "wire"):
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
        data = f' data-copy="{escape(copied)}"'
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
    name = escape(title) or f"<span data-search-exclude>{escape(label)}</span>"
    said = f'<span class="fate" data-search-exclude> {escape(fate)}</span>' if fate else ""
    kind = "filename" if title else "filename terminal"
    return f'<span class="{kind}">{name}{said}</span>'


def _console(source: str) -> tuple[str, str]:
    lines, copied = [], []
    for kind, prompt, rest in transcript.typed(source):
        if kind == "output":
            lines.append(f'<span class="go">{escape(rest)}</span>' if rest else "")
            continue
        copied.append(rest)
        [code] = _coloured(rest, kind)
        sign = f'<span class="gp">{escape(prompt)}</span>' if prompt else ""
        lines.append(f"{sign}{code}")
    return "\n".join(lines) + "\n", "\n".join(copied)


def _diff(source: str, language: str) -> tuple[str, str]:
    """Return a diff in the colours of its language, and the added lines, which are to be copied.

    If there are several hunks, each has a button for its own lines, and the second value is "".
    """
    lines = source.split("\n")
    if not lines[0].startswith("@@"):
        lines.insert(0, "")  # the first hunk has a head too, which shows only its button
    hunks: dict[int, list[str]] = {0: []}  # by the place of a hunk's head, what it adds
    for place, line in enumerate(lines):
        if line.startswith("@@"):
            hunks[place] = []
        elif line.startswith("+"):
            hunks[max(hunks)].append(line[1:])
    several = len(hunks) > 1
    code = "\n".join("" if place in hunks else line[1:] for place, line in enumerate(lines))
    body = ""
    for place, (line, coloured) in enumerate(zip(lines, _coloured(code, language), strict=True)):
        if place in hunks:
            button = _button("\n".join(hunks[place])) if several and hunks[place] else ""
            said = f"<span>{escape(line)}</span>" if line else ""
            if said or button:
                body += f'<span class="gu" data-search-exclude>{said}{button}\n</span>'
        else:
            sign = line[:1] or " "
            kind = _LINES.get(sign, "line")
            body += f'<span class="{kind}"><span class="sign">{sign}</span>{coloured}\n</span>'
    return body, "" if several else "\n".join(hunks[0])


def _button(copied: str) -> str:
    """Return a button that copies a text. The theme's script looks for this attribute."""
    return (
        f'<button type="button" class="copy-hunk" data-clipboard-text="{escape(copied)}" '
        'aria-label="Copy this hunk" title="Copy this hunk"></button>'
    )


def _wire(source: str) -> str:
    lines = []
    for line in source.split("\n"):
        if line.startswith("$ "):
            [code] = _coloured(line[2:], "bash")
            lines.append(f'<span class="gp">$ </span>{code}')
        elif match := _OPENS.fullmatch(line):
            who, url, rest = (escape(match[name]) for name in ("who", "url", "rest"))
            lines.append(f'<span class="who">{who}</span><span class="url">{url}</span>{rest}')
        elif match := _SPEAKS.fullmatch(line):
            who, sign = escape(match["who"]), escape(match["sign"])
            lines.append(
                f'<span class="{_SAID_BY[match["sign"]]}"><span class="who">{who}</span>'
                f'<span class="sign">{sign}</span>{escape(match["rest"])}</span>'
            )
        else:
            lines.append(escape(line))
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
