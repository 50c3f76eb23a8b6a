"""Install Debian's and Ubuntu's packages where that needs no question: as root."""

import contextlib
import functools
import os
import shutil

from course import console, processes


def allowed() -> bool:
    """Tell whether this is root on a machine with apt-get: a container, or CI."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> None:
    """Install `package` and say so. Raises CommandFailed."""
    console.say(f"Installing {package} with apt-get ...")
    _update()
    _apt_get("install", "--yes", "--no-install-recommends", package)


@functools.cache
def _update() -> None:
    """Update the package lists, once a run. A failure shows when the package is installed."""
    with contextlib.suppress(console.CommandFailed):
        _apt_get("update")


def _apt_get(*words: str) -> None:
    # A server's package would start it as a service; outside systemd, RUNLEVEL=1 prevents that.
    # If it starts anyway, it does no harm: the course's own server takes a free port.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    waiting = ["-o", "DPkg::Lock::Timeout=120"]
    sentence = f"apt-get {words[0]} failed."
    processes.run(["apt-get", "--quiet", *waiting, *words], sentence, env=environment)
