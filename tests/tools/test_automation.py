"""What other programs run of the course: GitHub's workflow, the dev container, pre-commit, CI.

Most of it can't run here. So these tests read the files, and hold them against what there is.
"""

import json
import re
from itertools import product

import pytest
import yaml

from course import __main__, chapters
from course.tasks import environment
from course.verbs import VERBS

TAKES = {verb.name: {each.variable for each in verb.arguments} for verb in VERBS}
EVERYWHERE = {"PYTHON", "REQUIRE_ALL", "SAMPLE", "WRITE"}  # the Makefile's, and what suites read
MAKE = re.compile(r"\b(?:make|suites|begin) ([a-z][a-z-]*)((?: [A-Z_]+=\S+)*)")


def read(path):
    return (chapters.ROOT / path).read_text(encoding="utf-8")


WORKFLOW = yaml.safe_load(read(".github/workflows/course.yml"))
JOBS = WORKFLOW["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
CONTAINER = json.loads(re.sub(r"^\s*//.*", "", read(".devcontainer/devcontainer.json"), flags=re.M))
[HOOKS] = [repo["hooks"] for repo in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]]
COMMANDS = {
    "the workflow": [step["run"] for step in STEPS if "run" in step],
    "the dev container": [CONTAINER["postCreateCommand"], CONTAINER["postAttachCommand"]],
    "pre-commit": [hook["entry"] for hook in HOOKS],
    "CI": re.findall(r"^ *(?:make|suites|begin) .*", read(".ci/run"), re.M),
}


@pytest.mark.parametrize("program", COMMANDS)
def test_no_target_is_asked_for_that_make_does_not_have(program):
    asked = MAKE.findall("\n".join(COMMANDS[program]))
    assert asked
    for target, variables in asked:
        assert target in TAKES
        assert set(re.findall(r"[A-Z_]+(?==)", variables)) <= TAKES[target] | EVERYWHERE


def test_workflow_tries_every_promised_pair_and_no_impossible_one():
    matrix = JOBS["test"]["strategy"]["matrix"]
    left_out = [(each["python"], each["django"]) for each in matrix["exclude"]]
    tried = [each for each in product(matrix["python"], matrix["django"]) if each not in left_out]
    assert tried == environment.pairs()


def test_oldest_python_is_the_same_wherever_it_is_promised():
    oldest = environment.PYTHONS[0]
    assert oldest == __main__.OLDEST
    assert f"Python {oldest[0]}.{oldest[1]} or newer" in read("README.md")
    assert f'target-version = "py{oldest[0]}{oldest[1]}"' in read("pyproject.toml")


def test_main_branches_are_tried_every_week_and_on_a_python_that_they_run_on():
    [cron] = [each["cron"] for each in WORKFLOW[True]["schedule"]]  # YAML's word for `on` is True
    assert re.fullmatch(r"\d+ \d+ \* \* [0-6]", cron)
    [version] = [step["with"]["python-version"] for step in JOBS["newest"]["steps"][1:2]]
    environment.check_pair("main", tuple(map(int, version.split("."))))


def test_pull_request_can_neither_write_nor_publish():
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert [name for name, job in JOBS.items() if "permissions" in job] == ["publish"]
    assert JOBS["publish"]["if"] == "github.event_name == 'push'"
    assert WORKFLOW[True]["push"] == {"branches": ["main"]}
    assert JOBS["publish"]["needs"] == ["test", "site"]


def test_no_action_changes_by_itself_or_keeps_the_token():
    actions = [step["uses"] for step in STEPS if "uses" in step]
    assert [each for each in actions if not re.search(r"@v\d+\.\d+\.\d+$", each)] == []
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_no_job_hangs_for_hours():
    assert all(job["timeout-minutes"] <= 30 for job in JOBS.values())


def test_dev_container_ends_in_a_chat_that_the_browser_reaches():
    assert CONTAINER["postAttachCommand"] == "make run"
    [run] = [verb for verb in VERBS if verb.name == "run"]
    [port] = [each.options["default"] for each in run.arguments if each.name == "--port"]
    assert CONTAINER["forwardPorts"] == [int(port)]
    python = CONTAINER["image"].rpartition(":")[2]
    assert (python, environment.PINNED) in environment.pairs()


@pytest.mark.parametrize(
    ("path", "replayed"),
    [
        ("docs/chapters/01_http_only.md", True),
        ("docs/guides/hardening.md", True),
        ("docs/start/ten_minutes.md", True),
        ("06_conversations_auth/chat/views.py", True),
        ("docs/reference/glossary.md", False),
        ("course/verbs.py", False),
    ],
)
def test_commit_of_a_page_or_a_project_is_compared_and_no_other_waits(path, replayed):
    [hook] = [hook for hook in HOOKS if hook["id"] == "replay"]
    assert bool(re.search(hook["files"], path)) is replayed
