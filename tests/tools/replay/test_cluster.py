"""Check what `make cluster` finds on its page and on the machine. tests/cluster runs it."""

import pytest

from course.console import CourseError
from course.replay import cluster, server_kinds
from course.tasks import services


def test_the_page_starts_each_part_of_the_site_once():
    """A section whose heading is renamed would be left out, and so would its server."""
    kinds = []
    for _, step in cluster._sections():
        for block in step.blocks:
            commands = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
            kinds += [kind.name for each in commands if (kind := server_kinds.kind_of(each))]
    assert kinds == ["postgres", "redis", "daphne 8001", "daphne 8002", "nginx"]


def test_all_missing_programs_are_named_at_once(monkeypatch):
    for name in ("nginx_program", "redis_program", "postgres_programs"):
        monkeypatch.setattr(services, name, lambda: None)
    with pytest.raises(CourseError) as missing:
        cluster.check_programs()
    assert [line.split(":")[0] for line in str(missing.value).splitlines()] == [
        "nginx",
        "Redis",
        "PostgreSQL",
    ]
