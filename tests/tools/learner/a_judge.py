"""A judge for test_sandbox.py: it runs one program of a submission, and tells what came of it."""

import os
import subprocess
import sys
from pathlib import Path

from course.learner import sandbox


def main():
    with sandbox.judge() as (job, prefix, verdict):
        folder = Path(os.environ["TMPDIR"], "one", "home", "my-chat")
        for each in (folder, folder.parent.parent / "bin", folder.parent.parent / "tmp"):
            each.mkdir(parents=True)
        ended = subprocess.run(
            [*prefix, sys.executable, "-c", job["code"]],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        verdict({"status": ended.returncode, "said": ended.stdout})


if __name__ == "__main__":
    main()
