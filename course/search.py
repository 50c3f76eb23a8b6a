"""What the site's search prefers, and what it leaves out. MkDocs calls it: see `hooks` in mkdocs.yml.

An error message that's typed into the search has to find its entry in Troubleshooting first, and a
term its explanation. Both would drown in the chapters, which say the same words far more often.
"""

import re

# How much more a page's words weigh. Tried with each message of Troubleshooting, and with the terms.
WEIGHTS = {
    "reference/troubleshooting.md": 3,
    "reference/glossary.md": 4,
    "understand/": 1.5,
}
# Code that the steps above it have shown already: a whole file, and everything that changed.
REPEATED = re.compile(
    r'<h2\b(?=[^>]*\bid="everything-that-changed")|<details\b(?=[^>]*\bwhole-file\b)'
)


def on_page_content(html: str, page, **_) -> str:
    """Weigh the page, and mark what the search leaves out."""
    for start, weight in WEIGHTS.items():
        if page.file.src_uri.startswith(start):
            page.meta.setdefault("search", {"boost": weight})
    return REPEATED.sub(r"\g<0> data-search-exclude", html)
