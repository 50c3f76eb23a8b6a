"""Run a stranger's project so that it can't harm the machine, its neighbours or the judge.

The judge is a process of its own for each submission. What the operating system offers decides
what surrounds it, and measure() finds out what really held:

- Namespaces (`unshare`, as root or with a namespace of the user's own) give it processes, mounts
  and a network that nothing else is in, and end everything in them together with it. The
  submission's programs see a tree with the system and the environment, read-only, and one small
  folder that they can write to; not the clone, no home, no other submission.
- As root, the programs run as a user who owns nothing.
- Limits hold for each of the programs, and a watch in the judge for all of them together.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from course import chapters

MEGABYTE = 1 << 20
MEMORY = 1_024  # megabytes that all of a submission's programs may use together
ADDRESSES = 4_096  # megabytes of addresses that one of them may ask for
PROCESSES = 128  # processes and threads
LARGEST_FILE = 8  # megabytes, which is also what a server may print
FILES = 64  # megabytes, in all files together
MOST_FILES = 10_000
USER = 64_100  # the first of the numbers of users who own nothing

PATIENCE = 5  # seconds that a judge gets to end what it started
_TICK = 0.1  # seconds between two looks of the watch
_SYSTEM = ["bin", "etc", "lib", "lib32", "lib64", "libx32", "nix", "sbin", "usr"]
_DEVICES = ["null", "zero", "full", "random", "urandom"]
_NAMESPACES = ["unshare", "--mount", "--net", "--pid", "--ipc", "--fork", "--kill-child"]
_NAMESPACES += ["--mount-proc"]
_NO_PRIVILEGES = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]

_FINDS_PYTHON = "import sys, django; sys.exit(sys.base_prefix != sys.argv[1])"

# What a program of a submission sees, asked from within by measure().
_LOOK = """
import json, os, pathlib, resource, sys
outside, secret = sys.argv[1:3]
def can(do):
    try:
        do()
    except OSError:
        return False
    return True
def limit(name):
    value = resource.getrlimit(getattr(resource, name))[0]
    return value if value != resource.RLIM_INFINITY else 0
net = pathlib.Path("/proc/net/dev")
found = {
    "user": os.getuid(),
    "writes_outside": any(
        can(lambda: pathlib.Path(folder, "mark-of-a-submission").write_text(""))
        for folder in (outside, "/", "/dev", "/usr")
    ),
    "reads_outside": can(lambda: pathlib.Path(secret).read_bytes()),
    "network": not net.exists() or len(net.read_text().splitlines()) > 3,
    "sees_caller": pathlib.Path("/proc", sys.argv[3]).exists() if net.exists() else True,
    "memory": limit("RLIMIT_AS"), "processes": limit("RLIMIT_NPROC"), "file": limit("RLIMIT_FSIZE"),
}
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Means:
    """What this machine offers.

    `namespaces` are the words that run a command in namespaces, or none. `user` is the number of
    the user who runs the submission's programs, or 0 if that's whoever runs the judge.
    """

    namespaces: tuple[str, ...] = ()
    user: int = 0


@dataclass(frozen=True)
class Held:
    """A protection, and whether it holds here; `note` says more about it."""

    protection: str
    holds: bool
    note: str = ""


class Stopped(Exception):
    """The submission used more than it may. The text is a sentence that says what."""


def means() -> Means:
    """Return what this machine offers, by trying it."""
    root = hasattr(os, "getuid") and os.getuid() == 0
    namespaces: tuple[str, ...] = ()
    for words in (_NAMESPACES, [*_NAMESPACES, "--user", "--map-root-user"]):
        if not namespaces and _works([*words, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]):
            namespaces = tuple(words)
    # Without a tree of its own, a user may not be let in where Python is, such as in root's home.
    tried = ["true"] if namespaces else [sys.executable, "-c", _FINDS_PYTHON, sys.base_prefix]
    user = USER if root and _works([*_drop(USER), *tried]) else 0
    return Means(namespaces, user)


def worker(
    module: str, job: dict, means: Means, seconds: float, halt: threading.Event
) -> tuple[dict | None, str]:
    """Run `python -m MODULE` as a judge; return its verdict, or None, and what went wrong.

    It gets the job, with `scratch`, a folder of its own, and `means`, as JSON. It ends after so
    many seconds, and with `halt`.
    """
    scratch = Path(job["scratch"])
    scratch.mkdir(mode=0o755, parents=True)
    theirs, ours = os.pipe()  # a judge whose end of it is closed has no one to tell, and ends
    process = subprocess.Popen(
        [*means.namespaces, sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=chapters.ROOT,
        start_new_session=True,
        pass_fds=[theirs],
    )
    os.close(theirs)
    more = {"means": asdict(means), "seconds": seconds, "alive": theirs}
    text = json.dumps(job | more).encode()
    answer: list[bytes] = []
    talk = threading.Thread(target=lambda: answer.extend(process.communicate(text)), daemon=True)
    talk.start()
    deadline = time.monotonic() + seconds + 10  # it ends by itself before
    while talk.is_alive() and time.monotonic() < deadline and not halt.is_set():
        talk.join(_TICK)
    late = talk.is_alive()
    os.close(ours)
    talk.join(PATIENCE)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)  # what's in its namespaces ends with it
    talk.join(PATIENCE)
    shutil.rmtree(scratch, ignore_errors=True)
    if late:
        return None, f"The judge had no verdict after {seconds:.0f} s."
    with contextlib.suppress(ValueError, IndexError):
        verdict = json.loads(answer[0])
        if isinstance(verdict, dict):
            return verdict, ""
    said = answer[1].decode(errors="replace").strip() if len(answer) > 1 else ""
    last = said.splitlines()[-1][:300] if said else f"exit status {process.returncode}"
    return None, f"The judge ended without a verdict: {last}"


@contextlib.contextmanager
def judge(
    shown: Sequence[Path] = (),
) -> Iterator[tuple[dict, list[str], Callable[[dict], None]]]:
    """Begin to be a judge: yield the job, the prefix for the submission's programs, and a function.

    The function gives the verdict, and ends this process. The submission's programs may read the
    files `shown`. Temporary files are in the scratch folder from now on. If the submission uses
    more than it may, the verdict is {"stopped": why}.
    """
    job = json.loads(sys.stdin.buffer.read())
    out = os.dup(1)
    os.dup2(2, 1)  # nothing that's printed is taken for a verdict
    lock = threading.Lock()

    def verdict(found: dict) -> None:
        with lock:  # the first verdict counts, because with it this process ends
            kill_all()
            text = json.dumps(found).encode()
            while text:
                text = text[os.write(out, text) :]
            os._exit(0)

    _protect_this_process()
    means = Means(tuple(job["means"]["namespaces"]), job["means"]["user"])
    scratch = Path(job["scratch"])
    tree = _enter(scratch, shown) if means.namespaces else None
    work = scratch / "work"
    work.mkdir(exist_ok=True)
    work.chmod(0o755)
    # What a submission's program inherits is nothing that only concerns its instructor.
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    os.environ.clear()
    os.environ.update(kept, HOME=str(work), TMPDIR=str(work), PYTHONDONTWRITEBYTECODE="1")

    def watch() -> None:
        deadline = time.monotonic() + job["seconds"]
        while True:
            why = _too_much()
            if time.monotonic() > deadline:
                why = f"It wasn't done after {job['seconds']:.0f} s."
            if why:
                verdict({"stopped": why})
            if select.select([job["alive"]], [], [], _TICK)[0]:
                kill_all()
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    yield job, prefix(means, tree, int(job["seconds"])), verdict


def prefix(means: Means, tree: Path | None, seconds: int) -> list[str]:
    """Return the words that run a program of a submission within its limits, in a tree."""
    limits = f"ulimit -c 0; ulimit -f {LARGEST_FILE * 1024}; ulimit -n 1024; ulimit -t {seconds}; "
    limits += f"ulimit -v {ADDRESSES * 1024} 2>/dev/null; "
    if means.user or tree:
        limits += f"ulimit -u {PROCESSES}; "
    # A submission's files become its user's, the first time that one of its programs starts there.
    own = ""
    if means.user:
        own = (
            's="$PWD/../.."; if [ -d "$s/bin" ] && [ ! -e "$s/out" ]; then chmod 755 "$s"; '
            f': >"$s/out"; chown -Rh {means.user}:{means.user} "$s/out" "$s/home" "$s/tmp"; fi; '
        )
    within = f"chroot {shlex.quote(str(tree))} " if tree else ""
    drop = shlex.join(_drop(means.user)) if means.user or tree else ""
    line = f"""{own}exec {within}bash -c '{limits}cd "$0" && exec nice {drop} "$@"' "$PWD" "$@" """
    return ["bash", "--noprofile", "--norc", "-c", line.strip(), "sandbox"]


def kill_all() -> None:
    """End all that this process has started, and what that has started."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and (found := descendants()):
        for each in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(each, signal.SIGKILL)


def descendants() -> dict[int, tuple[int, int]]:
    """Return {pid: (resident bytes, threads)} of what this process has started, and what that has.

    It's empty where there's no /proc.
    """
    parents: dict[int, int] = {}
    sizes: dict[int, tuple[int, int]] = {}
    page = os.sysconf("SC_PAGE_SIZE")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_bytes().rpartition(b") ")[2].split()
            if fields[0] not in (b"Z", b"X"):
                parents[int(stat.parent.name)] = int(fields[1])
                sizes[int(stat.parent.name)] = (int(fields[21]) * page, int(fields[17]))
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: sizes[pid] for pid in found - {os.getpid()}}


def measure(means: Means, scratch: Path, halt: threading.Event) -> list[Held]:
    """Return which protections hold on this machine, as a submission's own program sees it.

    Raises Stopped if no program can be run that way.
    """
    outside = scratch / "outside"
    outside.mkdir(parents=True)
    outside.chmod(0o700)
    job = {"scratch": str(scratch / "look"), "outside": str(outside), "caller": os.getpid()}
    seen, why = worker("course.learner.sandbox", job, means, 60, halt)
    shutil.rmtree(outside)
    if not seen or "user" not in seen:
        raise Stopped(why or str(seen))
    return [
        Held("can't change your files", not seen["writes_outside"]),
        Held("can't read the clone, your home or other submissions", not seen["reads_outside"]),
        Held("has no network", not seen["network"], "it reaches servers that it starts itself"),
        Held("doesn't see other processes", not seen["sees_caller"]),
        Held("runs as a user who owns nothing", seen["user"] == means.user != 0),
        Held("leaves nothing running", bool(means.namespaces) or _linux()),
        Held("a limit on time", True),
        Held("a limit on memory", bool(seen["memory"]) and _linux(), f"{MEMORY:,} MB"),
        Held(
            "a limit on processes",
            seen["processes"] == PROCESSES,
            str(PROCESSES) if seen["processes"] == PROCESSES else "only watched",
        ),
        Held("a limit on what it prints", bool(seen["file"]), f"{LARGEST_FILE} MB"),
        Held("a limit on its files", bool(means.namespaces), f"{FILES} MB"),
    ]


def _drop(user: int) -> list[str]:
    """Return the words that run a command without privileges."""
    who = [f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    return ["setpriv", *who, *_NO_PRIVILEGES]


def _works(command: list[str]) -> bool:
    try:
        quiet = subprocess.DEVNULL
        ended = subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return ended.returncode == 0


def _linux() -> bool:
    return sys.platform == "linux"


def _protect_this_process() -> None:
    """Keep others of the same user out of this process, and take in orphans of what it starts."""
    if _linux():
        libc = ctypes.CDLL(None)
        libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: no one else reads its memory or pipes
        libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _enter(scratch: Path, shown: Sequence[Path]) -> Path:
    """Set up the namespaces that this process is in; return the tree for a submission's programs.

    Raises CalledProcessError if something can't be mounted.
    """
    _loopback_up()
    _mount("-t", "tmpfs", "-o", f"size={FILES}m,nr_inodes={MOST_FILES},mode=755", "tmpfs", scratch)
    tree, work = scratch / "tree", scratch / "work"
    for folder in (tree, work):
        folder.mkdir()
    _mount("--bind", tree, tree)
    for name in ("tmp", "proc", "dev"):
        (tree / name).mkdir()
    _mount("-t", "tmpfs", "-o", "size=16m,nr_inodes=1000,mode=1777", "tmpfs", tree / "tmp")
    _mount("-t", "proc", "proc", tree / "proc")
    _mount("-o", "remount,bind,ro", tree / "proc")
    for name in _SYSTEM:
        source = Path("/", name)
        if source.is_symlink():
            (tree / name).symlink_to(os.readlink(source))
        elif source.is_dir():
            _show(source, tree)
    programs = {Path(sys.prefix), Path(sys.base_prefix)}
    programs |= {path.resolve() for path in programs}
    for path in sorted(programs):
        if not (tree / path.relative_to("/")).exists():
            _show(path, tree)
    _show(work, tree, writable=True)
    for path in shown:
        _show(path, tree)
    for name in _DEVICES:
        target = tree / "dev" / name
        target.touch()
        _mount("--bind", Path("/dev", name), target)
    (tree / "dev" / "fd").symlink_to("/proc/self/fd")
    for number, name in enumerate(["stdin", "stdout", "stderr"]):
        (tree / "dev" / name).symlink_to(f"/proc/self/fd/{number}")
    (tree / "dev" / "shm").mkdir()
    _mount("-t", "tmpfs", "-o", "size=16m,nr_inodes=1000,mode=1777", "tmpfs", tree / "dev" / "shm")
    # The prefix starts programs of the tree before it gives up privileges.
    _mount("-o", "remount,bind,ro", tree)
    # The judge itself has no need to write elsewhere, whatever it may be tricked into.
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        place = Path(line.split()[4].replace("\\040", " "))
        if not place.is_relative_to(scratch) and not place.is_relative_to("/proc"):
            subprocess.run(
                ["mount", "-o", "remount,bind,ro", place], stderr=subprocess.DEVNULL, check=False
            )
    return tree


def _show(path: Path, tree: Path, writable: bool = False) -> None:
    """Let the tree have a folder or file of the machine, at the same place."""
    target = tree / path.relative_to("/")
    (target if path.is_dir() else target.parent).mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        target.touch()
    _mount("--bind" if writable else "--rbind", path, target)
    if not writable:
        _mount("-o", "remount,bind,ro", target)


def _mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], check=True, capture_output=True)


def _loopback_up() -> None:
    with socket.socket() as any_socket:
        request = struct.pack("16sh14x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def _too_much() -> str:
    """Return a sentence if the submission's programs use more than they may."""
    found = descendants()
    memory = sum(size for size, _ in found.values()) // MEGABYTE
    if memory > MEMORY:
        return f"It used more than {MEMORY:,} MB of memory."
    # Its limit is the kernel's where there's one; this is for machines without.
    if sum(threads for _, threads in found.values()) > 2 * PROCESSES:
        return f"It started more than {2 * PROCESSES} processes."
    return ""


def _look() -> None:
    """Be a judge who only asks what a submission's program would see."""
    with judge() as (job, words, verdict):
        folder = Path(os.environ["TMPDIR"], "look", "home", "my-chat")
        for each in (folder, folder.parent.parent / "bin", folder.parent.parent / "tmp"):
            each.mkdir(parents=True)
        secret = chapters.ROOT / "README.md"
        ended = subprocess.run(
            [*words, sys.executable, "-c", _LOOK, job["outside"], secret, str(job["caller"])],
            cwd=folder,
            capture_output=True,
            text=True,
        )
        try:
            verdict(json.loads(ended.stdout))
        except ValueError:
            verdict({"stopped": (ended.stderr or ended.stdout)[-300:]})


if __name__ == "__main__":
    _look()
