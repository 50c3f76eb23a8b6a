"""What the site's search takes for a word, prefers, and leaves out. MkDocs calls it, as a hook.

An error message that's typed into the search has to find its entry in Troubleshooting first, and a
term its explanation. Both would drown in the chapters, which say the same words far more often.
"""

import re

from mkdocs.plugins import event_priority

# The search finds whatever begins with a word that was typed, so the "in" of "Address already in
# use" would find each "invalid". Words of this kind separate others, and aren't looked for.
SMALL = (
    "a an and are as at be by can could did do does for from get had has have how i if in into is "
    "it its just may me most must my no nor not of off on only or other our own so than that the "
    "their then there these they this to too was we were what when where which who why will with "
    "you your"
)
# Dots and the like end a word, too: `redis.exceptions.ConnectionError` is found by its last part.
SEPARATOR = r"""[\s\-.,:;!?=<>(){}\[\]"'`/\\_&|@#*+]+|\b(?:WORDS)\b""".replace(
    "WORDS", "|".join(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in SMALL.split())
)
# The theme lets a heading weigh 1,000 times as much as text, and messages are text.
FIELDS = {"title": {"boost": 3}, "text": {"boost": 1}, "tags": {"boost": 1}}
# How much more a page's words weigh: tried with each message of Troubleshooting and with the terms.
WEIGHTS = {
    "reference/troubleshooting.md": 3,
    "reference/glossary.md": 4,
    "understand/": 1.5,
}
# Code that the steps above it have shown already. (listings.py excludes a step's whole file.)
REPEATED = re.compile(r'<h2\b(?=[^>]*\bid="everything-that-changed")')


@event_priority(50)  # before the plugin reads its settings
def on_config(config, **_):
    """Set the theme's search plugin up."""
    config.plugins["material/search"].config.update(separator=SEPARATOR, fields=FIELDS)


def on_page_content(html: str, page, **_) -> str:
    """Weigh the page, and mark what the search leaves out."""
    for start, weight in WEIGHTS.items():
        if page.file.src_uri.startswith(start):
            page.meta.setdefault("search", {"boost": weight})
    return REPEATED.sub(r"\g<0> data-search-exclude", html)
