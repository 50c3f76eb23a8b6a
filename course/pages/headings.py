"""Turn Markdown, such as a heading, into plain text, and a heading's text into its anchor."""

import re

from pymdownx.slugs import slugify

slug = slugify(case="lower")  # as a repository's web page makes them of headings


def plain(text: str) -> str:
    """Return Markdown without its markup, on one line."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"<(https?:[^>]+)>", r"\1", text)
    text = re.sub(r"(?<!\w)[*_]{1,2}(?=\S)(.+?)(?<=\S)[*_]{1,2}(?!\w)", r"\1", text)
    return " ".join(text.replace("`", "").split())
