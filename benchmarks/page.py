"""Update the site's page: the figures between its pairs of comments are the last measured."""

import re
from pathlib import Path

from course import console


def refresh(path: Path, blocks: dict[str, str]) -> None:
    """Write each block's text between the comments `measured: NAME` and `end of NAME`.

    Raises progress.Trouble if the page lacks one of them.
    """
    text = path.read_text(encoding="utf-8")
    for name, block in blocks.items():
        between = re.compile(
            rf"(<!-- measured: {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL
        )
        if not between.search(text):
            raise console.CourseError(
                f"{path.name} has no place for {name}: it needs two comments."
            )
        text = between.sub(lambda found, block=block: f"{found[1]}\n{block}\n\n{found[2]}", text)
    path.write_text(text, encoding="utf-8")
