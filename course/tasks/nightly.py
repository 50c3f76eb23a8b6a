"""`make nightly`: what takes too long for every change, one after the other, and a table."""

import glob
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from course import chapters, console, processes
from course.tasks import environment, suites

ORDERS = 5  # how many random orders of the tests are tried


@dataclass(frozen=True)
class Job:
    """A verb with its options, the Python that runs it, and variables for it.

    `python` is None if there's no such Python here.
    """

    title: str
    words: tuple[str, ...]
    python: str | None = sys.executable
    variables: dict[str, str] = field(default_factory=dict)

    def run(self) -> str:
        """Run it, with its own output; return "passed", "failed" or "skipped"."""
        if not self.python:
            console.say("There's no such Python here.")
            return "skipped"
        done = subprocess.run(
            [self.python, "-m", "course", *self.words],
            cwd=chapters.ROOT,
            env={**os.environ, **self.variables},
        )
        return "failed" if done.returncode else "passed"


def nightly() -> int:
    """Run all jobs, whatever becomes of each, and print the table. Returns 1 if one failed."""
    rows = []
    for job in jobs():
        console.say(f"\n== {job.title} ==\n")
        began = time.monotonic()
        outcome = job.run()
        rows.append((job.title, f"{(time.monotonic() - began) / 60:.1f}", outcome))
    console.say("\n" + console.table([("job", "minutes", "outcome"), *rows]))
    count = Counter(outcome for *_, outcome in rows)
    outcomes = ("passed", "failed", "skipped")
    console.say("\n" + ", ".join(f"{count[outcome]} {outcome}" for outcome in outcomes))
    return int(count["failed"] > 0)


def jobs() -> list[Job]:
    """Return what's run, in this order. It's skipped where there's no such Python."""
    every_pair = [
        Job(f"Python {version}, Django {django}", ("test-all", "--django", django), find(version))
        for version, django in environment.pairs()
    ]
    orders = [
        Job(f"random order {seed}", ("test-all",), variables={suites.SHUFFLE: str(seed)})
        for seed in range(1, ORDERS + 1)
    ]
    scaled_out = {"FAULTS_LESSON": "scaling_out"}
    return [
        Job("the site with Zensical", ("test-zensical",)),
        Job("every known mistake and exercise", ("test-learner",)),
        *every_pair,
        *orders,
        Job("faults over Scaling out", ("test-faults",), variables=scaled_out),
        Job("slow readers, idle connections and storms", ("bench", "--long")),
        Job("the longest measurements", ("bench", "--soak")),
    ]


def find(version: str) -> str | None:
    """Return a Python of that version, such as "3.13", that runs; None if there is none."""
    # What's on PATH may be pyenv's, which may only complain.
    installed = sorted(glob.glob(f"{Path.home()}/.pyenv/versions/{version}.*/bin/python"))
    for found in filter(None, [shutil.which(f"python{version}"), *installed]):
        if processes.answers([found, "--version"]):
            return found
    return None
