"""What the site's search leaves out: MkDocs calls this, because mkdocs.yml names it under `hooks`.

A chapter shows its code step by step. Where a page shows the same code again, as a whole file or
as everything that changed, a search would find those places first and a reader wouldn't learn
anything there.
"""

import re

AGAIN = re.compile(r'<h2\b(?=[^>]*\bid="everything-that-changed")|<details\b(?=[^>]*\bwhole-file\b)')


def on_page_content(html: str, **_) -> str:
    """Mark what the search leaves out; the theme's plugin looks for this attribute."""
    return AGAIN.sub(r"\g<0> data-search-exclude", html)
