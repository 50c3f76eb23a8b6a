"""The site's page: what stands between its pairs of comments comes from the last measuring."""

import re
from pathlib import Path

from course import progress


def refresh(path: Path, blocks: dict[str, str]) -> None:
    """Put each block's text between the comments `measured: NAME` and `end of NAME`.

    Raises progress.Trouble if the page lacks one of them.
    """
    text = path.read_text(encoding="utf-8")
    for name, block in blocks.items():
        between = re.compile(
            rf"(<!-- measured: {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL
        )
        if not between.search(text):
            raise progress.Trouble(f"{path.name} has no place for {name}: two comments.")
        text = between.sub(lambda found, block=block: f"{found[1]}\n{block}\n\n{found[2]}", text)
    path.write_text(text, encoding="utf-8")
