"""What's found in a learner's project, and in which order it's looked for."""

from dataclasses import asdict, dataclass

# From the lowest rung of the ladder up. What fails on one rung isn't looked for on those above.
RUNGS = ["folder", "parses", "settings", "starts", "routes", "text", "behaviour"]


@dataclass(frozen=True)
class Finding:
    """One thing that isn't as on the pages.

    `rung` is one of RUNGS and `where` is FILE:LINE, or "" if it's in no file. `yours` is what the
    learner's project does, whole and in the words of the tool that says it; `page` is what the page
    has there, and `do` the one thing to do. `entry` is the anchor of an entry in Troubleshooting,
    and `mistake` the id of a known mistake, or "".
    """

    rung: str
    where: str
    yours: str
    page: str
    do: str
    entry: str = ""
    mistake: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)
