"""A shell for the tests of what's typed in one."""

import pytest

from tests.support.sample_course import open_shell


@pytest.fixture
def shell(tmp_path, started):
    """A shell in a folder with the small web server; what it starts has to end with it."""
    with open_shell(tmp_path) as shell:
        yield shell
    started.check_ended(at_least=1)


@pytest.fixture
def folder(shell, tmp_path):
    """The folder that the shell is in."""
    return tmp_path / "home" / "project"
