"""A bound that the kernel keeps (cgroup v2): memory of every kind, and processes, of a sandbox as a whole.

Where the system lets us make a group of processes, a sandbox is started in one; where it does not, the zygote looks at what
is used ten times a second, and the kernel limits each process alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

#: Where the kernel says which group we are in, and where groups are mounted.
SELF, MOUNTS = Path("/proc/self/cgroup"), Path("/proc/self/mountinfo")
#: How systemd's commands find a user's systemd.
_BUS = ("XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS")
_CONTROLLERS = {"memory", "pids"}


@dataclass(frozen=True)
class Group:
    """A group of processes that a sandbox is started in.

    Attributes
    ----------
    words : tuple of str
        What stands before a command, so that it runs in the group.
    folder : pathlib.Path or None
        The group's, where we made it ourselves.
    environment : dict of str to str
        Variables that `words` need; the command itself does not get them.
    """

    words: tuple[str, ...] = ()
    folder: Path | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def out_of_memory(self) -> bool:
        """Whether the kernel has ended a process in it for want of memory."""
        try:
            lines = (self.folder / "memory.events").read_text().splitlines() if self.folder else []
            events = dict(line.split() for line in lines)
        except (OSError, ValueError):
            return False
        return int(events.get("oom_kill", 0)) > 0

    def close(self) -> None:
        """Remove it, when its processes have ended."""
        for _ in range(20 if self.folder and self.folder.exists() else 0):
            with contextlib.suppress(OSError):
                os.rmdir(self.folder)  # type: ignore[arg-type]
                return
            time.sleep(0.05)


def _mounted() -> Path | None:
    """Return where cgroup v2 is mounted."""
    try:
        for line in MOUNTS.read_text().splitlines():
            before, _, after = line.partition(" - ")
            if after.startswith("cgroup2 "):
                return Path(before.split()[4])
    except (OSError, IndexError):
        pass
    return None


def _own() -> Path | None:
    """Return the folder of the group that this process is in."""
    mount = _mounted()
    with contextlib.suppress(OSError):
        for line in SELF.read_text().splitlines():
            if mount and line.startswith("0::/"):
                return mount / line[4:]
    return None


def _words(path: Path) -> set[str]:
    try:
        return set(path.read_text().split())
    except OSError:
        return set()


@lru_cache(maxsize=1)
def parent() -> Path | None:
    """Return a folder in which we may make groups whose memory and processes the kernel counts; None where there is none.

    It is the one around our own group: a group that holds processes cannot count those of groups inside it.
    """
    own = _own()
    if own is None:
        return None
    for place in (own, own.parent):
        may = os.access(place, os.W_OK) and os.access(place / "cgroup.procs", os.W_OK)
        if may and _words(place / "cgroup.subtree_control") >= _CONTROLLERS:
            return place
    return None


@lru_cache(maxsize=1)
def _systemd() -> str:
    """Return the program that starts a command in a group of its own, where a user's systemd does that here; else ""."""
    program = shutil.which("systemd-run", path="/usr/bin:/bin")
    if not program or "XDG_RUNTIME_DIR" not in os.environ:
        return ""
    trial = [program, "--user", "--scope", "--quiet", "--collect", "-p", "MemoryMax=64M", "/bin/cat", str(SELF)]
    try:
        done = subprocess.run(trial, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    mount, own = _mounted(), _own()
    group = next((line[4:] for line in done.stdout.splitlines() if line.startswith("0::/")), "")
    if done.returncode or not mount or not group or mount / group == own:
        return ""
    return program if _words((mount / group).parent / "cgroup.subtree_control") >= _CONTROLLERS else ""


def describe() -> str:
    """Say who bounds memory on this machine."""
    if parent():
        return "the kernel bounds its memory (cgroup)"
    if _systemd():
        return "the kernel bounds its memory (cgroup, by systemd)"
    return "its memory is looked at ten times a second, since no cgroup can be had here"


def group(memory: int, processes: int) -> Group:
    """Make a group; where none can be had, one that bounds nothing.

    Parameters
    ----------
    memory : int
        Bytes, of every kind. Nothing of it goes to the swap.
    processes : int
        Processes and threads.
    """
    place = parent()
    if place:
        folder = place / f"introdl-{uuid.uuid4().hex}"
        try:
            folder.mkdir()
            (folder / "memory.max").write_text(str(memory))
            with contextlib.suppress(OSError):  # a kernel without swap has none to bound
                (folder / "memory.swap.max").write_text("0")
            (folder / "pids.max").write_text(str(processes))
        except OSError:
            with contextlib.suppress(OSError):
                folder.rmdir()
        else:
            return Group(("/bin/sh", "-c", 'echo 0 > "$0/cgroup.procs" && exec "$@"', str(folder)), folder)
    if program := _systemd():
        settings = (f"MemoryMax={memory}", "MemorySwapMax=0", f"TasksMax={processes}")
        words: Sequence[str] = [word for one in settings for word in ("-p", one)]
        bus = {name: os.environ[name] for name in _BUS if name in os.environ}
        without = [word for name in _BUS for word in ("-u", name)]
        start = (program, "--user", "--scope", "--quiet", "--collect", *words, "--", "/usr/bin/env", *without)
        return Group(start, environment=bus)
    return Group()
