"""The warm start of grading: a process inside the sandbox that has imported everything and forks for each submission.

It is process 1 of a sandbox that `autograder.sandbox` made with bubblewrap. It never runs a learner's code. For each
submission it forks a worker (`introdl.checking.worker`) into namespaces of its own: the worker sees no other process, has
fresh ``/tmp``, ``/dev/shm`` and System V memory, and when it is ended everything that it started or left ends with it.
Requests come on a socket that the worker does not have; with a request to fork comes the worker's own socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence

from introdl.checking import clock

_CLONE_NEWNS, _CLONE_NEWIPC, _CLONE_NEWPID = 0x0002_0000, 0x0800_0000, 0x2000_0000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_BIND, _MS_REC, _MS_PRIVATE = 1 << 12, 1 << 14, 1 << 18
_PR_SET_DUMPABLE, _CAPABILITY_VERSION_3 = 4, 0x2008_0522
_MOST_REQUEST = 65_536
_WATCH_SECONDS = 0.1
_WORK = "/tmp/work"

_libc = ctypes.CDLL(None, use_errno=True)


class CannotIsolate(Exception):
    """The system lets us make no namespaces inside the sandbox."""


def _try(result: int, what: str) -> None:
    if result != 0:
        raise CannotIsolate(f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(kind: bytes | None, place: str, flags: int, options: str = "") -> None:
    _try(_libc.mount(kind, os.fsencode(place), kind, flags, options.encode() or None), f"mount {place}")


def _renew(place: str, options: str, kept: Sequence[str]) -> None:
    """Put an empty folder over `place`, with what is `kept` of the old one at its old places in it.

    No machine code that is written there can be run or loaded.
    """
    old = os.open(place, os.O_PATH)
    _mount(b"tmpfs", place, _MS_NOSUID | _MS_NODEV | _MS_NOEXEC, options)
    for path in kept:
        if not path.startswith(f"{place}/"):
            continue
        source = f"/proc/self/fd/{old}/{os.path.relpath(path, place)}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if os.path.islink(source):
            os.symlink(os.readlink(source), path)
            continue
        if os.path.isdir(source):
            os.mkdir(path)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        flags = _MS_BIND | _MS_REC
        _try(_libc.mount(os.fsencode(source), os.fsencode(path), None, flags, None), f"mount {path}")
    os.close(old)


def enter_namespaces(scratch: int, absent: Sequence[str] = (), kept: Sequence[str] = ()) -> None:
    """Give the caller's next child namespaces of its own, and fresh folders of at most `scratch` bytes each.

    The folders and files `absent` are empty there. What is `kept` of the folders that are renewed stays, read-only.

    Raises
    ------
    CannotIsolate
        If the system forbids it.
    """
    _try(_libc.unshare(_CLONE_NEWNS | _CLONE_NEWPID | _CLONE_NEWIPC), "unshare")
    _mount(None, "/", _MS_REC | _MS_PRIVATE)
    for place in ("/tmp", "/home", "/dev/shm"):
        _renew(place, f"size={scratch},mode=700,nr_inodes=20000", kept)
    for place in absent:
        if os.path.isdir(place):
            _mount(b"tmpfs", place, _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "size=4k")
        else:
            _try(_libc.mount(b"/dev/null", os.fsencode(place), None, _MS_BIND, None), f"mount {place}")
    _mount(b"tmpfs", "/proc/1", _MS_RDONLY | _MS_NOSUID | _MS_NODEV, "size=4k")  # the zygote is nobody's to look at


def drop_capabilities() -> None:
    """Give up every capability for good (bubblewrap has seen to it that no program gives any back)."""

    class Header(ctypes.Structure):
        _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]

    header, nothing = Header(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    if _libc.capset(ctypes.byref(header), nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def limit(limits: dict) -> None:
    """Set this process's resource limits, for good.

    That on processes is a last bar for those that start faster than `_Usage` looks. It lies above the number that `_Usage`
    allows, which must strike first: where it does not, every later answer fails for want of a process. And old kernels (before
    5.14) count in all the processes that the instructor has outside.
    """
    import resource

    wanted = {
        resource.RLIMIT_DATA: limits["memory"],
        resource.RLIMIT_FSIZE: limits["file"],
        resource.RLIMIT_NPROC: 2 * limits["processes"] + limits["others"],
        resource.RLIMIT_NOFILE: limits["files"],
        resource.RLIMIT_CPU: limits["cpu"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))


def _become_worker(descriptor: int, limits: dict, shell, names: list[str]) -> None:
    """In the fork: let go of everything of the zygote's, and serve one submission; never returns."""
    from introdl.checking import missing_libraries, seccomp, worker

    os.dup2(descriptor, 3)
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.closerange(4, os.sysconf("SC_OPEN_MAX"))
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    drop_capabilities()
    limit(limits)
    seccomp.install()
    os.mkdir(_WORK)
    os.chdir(_WORK)
    gc.unfreeze()
    if names:
        missing_libraries.put_away(names)
    worker.serve_socket(3, shell)


def _fork_worker(descriptor: int, limits: dict, isolate: bool, shell, names: list[str], kept: list[str]) -> int:
    """Fork a worker and return its process id, as the zygote sees it.

    Where namespaces are to be had, a middle process makes them and forks the worker into them, as their process 1.
    """
    from introdl.checking import missing_libraries

    if not isolate:
        pid = os.fork()
        if pid == 0:
            _run_or_exit(lambda: _become_worker(descriptor, limits, shell, names))
        return pid
    read, write = os.pipe()
    middle = os.fork()
    if middle == 0:

        def between():
            enter_namespaces(limits["scratch"], missing_libraries.missing_places(names), kept)
            pid = os.fork()
            if pid == 0:
                _run_or_exit(lambda: _become_worker(descriptor, limits, shell, names))
            os.write(write, str(pid).encode())

        _run_or_exit(between)
    os.close(write)
    answer = os.read(read, 64)
    os.close(read)
    os.waitpid(middle, 0)
    if not answer:
        raise CannotIsolate("no namespaces")
    return int(answer)


def _run_or_exit(function) -> None:
    try:
        function()
    except BaseException:
        os._exit(70)
    os._exit(0)


def _try_in_a_fork(function) -> str:
    """Return "" where a function can be run in a process of its own, else why not."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            function()
        except Exception as error:
            os.write(write, (str(error) or type(error).__name__).encode()[:200])
        os._exit(0)
    os.close(write)
    reason = os.read(read, 200).decode(errors="replace")
    os.close(read)
    os.waitpid(pid, 0)
    return reason


class _Usage:
    """Looks from outside a worker's namespaces at what it and its children use."""

    def __init__(self, limits: dict):
        self.limits = limits
        self.base = _memory("self")[0]
        self.begin()

    def begin(self) -> None:
        """Begin to add up what a fresh worker uses."""
        self.time = clock.Sums()
        self._knows = clock.waited("/proc/self") is not None

    def said(self) -> dict:
        """Return the time used until now, as `introdl.checking.clock.Look` has it."""
        return {"cpu": self.time.cpu, "waited": self.time.waited if self._knows else None}

    def overrun(self) -> str:
        """Look at all processes; return which limit is passed, or ""."""
        memory = tasks = 0
        names = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
        self.time.add([f"/proc/{name}" for name in names])
        for name in names:
            own, shared, threads = _memory(name)
            memory += max(own - self.base, 0) + shared
            tasks += threads
        if memory > self.limits["memory"]:
            return "memory"
        return "processes" if tasks > self.limits["processes"] else ""


def _memory(process: str) -> tuple[int, int, int]:
    """Return a process's own bytes, shared bytes and number of threads; zeros where it is gone."""
    found = {}
    try:
        with open(f"/proc/{process}/status") as file:
            for line in file:
                key, _, value = line.partition(":")
                if key in ("RssAnon", "RssShmem", "Threads"):
                    found[key] = int(value.split()[0])
    except (OSError, ValueError):
        pass
    return found.get("RssAnon", 0) * 1024, found.get("RssShmem", 0) * 1024, found.get("Threads", 0)


class _Zygote:
    """The loop: fork, watch, end."""

    def __init__(self, control: socket.socket, limits: dict, shell, kept: list[str]):
        self.control, self.limits, self.shell, self.kept = control, limits, shell, kept
        self.reason = _try_in_a_fork(lambda: enter_namespaces(limits["scratch"], (), kept))
        self.worker: int | None = None
        self.why = ""
        self.watch = _Usage(limits)

    def say(self, **words) -> None:
        self.control.send(json.dumps(words).encode())

    def serve(self) -> None:
        from introdl.checking import seccomp

        unfiltered = _try_in_a_fork(seccomp.install)
        seen = os.getpid() != 1 or os.path.exists(self.limits["hidden"])  # whatever started us was no bubblewrap
        self.say(ready=True, isolates=not self.reason, reason=self.reason, unfiltered=unfiltered, open=seen)
        while True:
            waiting, _, _ = select.select([self.control], [], [], _WATCH_SECONDS if self.worker else None)
            if self.worker:
                self._look()
            if not waiting:
                continue
            message, descriptors, _, _ = socket.recv_fds(self.control, _MOST_REQUEST, 1)
            if not message:
                return
            request = json.loads(message)
            if request["do"] == "fork":
                self.why = ""
                self.watch.begin()
                try:
                    self.worker = _fork_worker(
                        descriptors[0], self.limits, not self.reason, self.shell, request["absent"], self.kept
                    )
                    self.say(forked=True)
                except (CannotIsolate, OSError) as error:
                    self.say(forked=False, reason=str(error))
            elif request["do"] == "look":
                self.say(looked=True, why=self.why, **self.watch.said())
            elif request["do"] == "end":
                self.say(ended=True, why=self._end())
            for descriptor in descriptors:
                os.close(descriptor)

    def _look(self) -> None:
        self.why = self.why or self.watch.overrun()
        if self.why and self.worker is not None:
            os.kill(self.worker, signal.SIGKILL)
        self._reap()

    def _reap(self) -> None:
        """Take leave of ended children other than the worker."""
        if self.reason:
            while True:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if found is None or found.si_pid == self.worker:
                    return
                os.waitpid(found.si_pid, 0)

    def _end(self) -> str:
        """End the worker and all that it left, and say why it had ended, if it had."""
        if self.worker is None:
            return ""
        status = None
        if not self.why:
            with contextlib.suppress(ChildProcessError):
                pid, status = os.waitpid(self.worker, os.WNOHANG)
                if pid == 0:
                    status = None
        if status is None:
            os.kill(self.worker, signal.SIGKILL)
            os.waitpid(self.worker, 0)
        elif os.WIFSIGNALED(status):
            with contextlib.suppress(ValueError):
                self.why = signal.Signals(os.WTERMSIG(status)).name
        self.worker = None
        if self.reason:  # not isolated: this sandbox is given up after it anyhow
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
        return self.why


_WARM = (
    "IPython.core.interactiveshell",
    "ipywidgets",
    "matplotlib.font_manager",
    "matplotlib.pyplot",
    "matplotlib_inline.backend_inline",
    "numpy.random",
    "PIL.Image",
    "introdl.checking.missing_libraries",
    "introdl.checking.seccomp",
    "introdl.data",
    "introdl.figures.style",
)
_WARM_FULL = ("scipy.signal", "scipy.special", "torch.nn.functional", "torch._dynamo")


def warm(kind: str):
    """Import what notebooks use and make the shell, so that forks find them there. Nothing here may start a thread."""
    for name in _WARM + (_WARM_FULL if kind == "full" else ()):
        importlib.import_module(name)
    from introdl.checking import worker

    if kind == "full":
        sys.modules["torch"].set_num_threads(1)
    shell = worker.Shell()
    shell.run("pass")
    if len(os.listdir("/proc/self/task")) > 1:
        raise RuntimeError("A library started a thread; a process with threads cannot be forked safely.")
    return shell


def main() -> None:
    """Start: ``python -m introdl.checking.zygote DESCRIPTOR KIND LIMITS KEPT``."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    limits, kept = json.loads(sys.argv[3]), json.loads(sys.argv[4])
    shell = None if sys.argv[2] == "trial" else warm(sys.argv[2])
    gc.collect()
    gc.freeze()  # a collection in a fork shall not copy the pages of what was here before
    _Zygote(control, limits, shell, kept).serve()


if __name__ == "__main__":
    main()
