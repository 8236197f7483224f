"""Processes in the sandbox.

A `Zygote` is a process in a sandbox (`autograder.sandbox.base`) that has imported everything; it forks a worker for each
submission (see `introdl.checking.zygote`). A `Pool` keeps a process's zygotes between submissions.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO

from autograder.errors import SandboxError
from autograder.sandbox import cgroups
from autograder.sandbox.base import Sandbox
from autograder.sandbox.bubblewrap import Bubblewrap
from introdl.checking import clock
from introdl.checking.clock import Look

#: Set to "1" to run submissions with your own rights, where there is no sandbox (``autograder grade --unsafe``).
UNSAFE = "AUTOGRADER_UNSAFE"

#: Bytes that a warm zygote and its libraries may take.
_WARM = 2 * 2**30

#: A room with nothing warm in it, to see whether a sandbox can be made.
TRIAL = "trial"


@dataclass(frozen=True)
class Bounds:
    """What a submission may use.

    Attributes
    ----------
    memory : int
        Bytes, all its processes together, on top of what Python and its libraries take.
    scratch : int
        Bytes in each of ``/tmp``, ``/home`` and ``/dev/shm``.
    file : int
        Bytes of one file.
    processes : int
        Processes and threads together.
    files : int
        Open files of one process.
    cpu : int
        Seconds of processor time of one process.
    """

    memory: int = 4 * 2**30
    scratch: int = 512 * 2**20
    file: int = 256 * 2**20
    processes: int = 96
    files: int = 256
    cpu: int = 1800


def unsafe() -> bool:
    """Whether the instructor asked to grade without a sandbox."""
    return os.environ.get(UNSAFE) == "1"


_WHY = "Submissions are strangers' code, and"
_OTHERWISE = "Or, if you trust every submission as your own code: --unsafe."


#: The kinds of sandbox that are tried, in this order.
KINDS: tuple[type[Sandbox], ...] = (Bubblewrap,)


@lru_cache(maxsize=1)
def _found() -> tuple[Sandbox | None, str]:
    """Return the first sandbox that works whole with Python in it, and else a sentence: why none does."""
    if sys.platform != "linux":
        system = {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)
        return None, (
            f"{_WHY} {system} has no sandbox that we can use. Grade on Linux: a machine, a virtual machine, or on Windows "
            f"WSL 2. {_OTHERWISE}"
        )
    failures = []
    for one in (one for kind in KINDS for one in kind.candidates()):
        try:
            with contextlib.closing(Zygote(TRIAL, Bounds(), one)) as trial:
                trial.start()
            return one, ""
        except SandboxError as error:
            failures.append(f"{one.name}: {error}")
    if not failures:
        how = " ".join(kind.install for kind in KINDS)
        return None, f"{_WHY} there is no sandbox here: {how} {_OTHERWISE}"
    return None, (
        f"{_WHY} no sandbox can be made here. What was tried: {' | '.join(failures)} See the README, 'When there is no "
        f"sandbox'. {_OTHERWISE}"
    )


def trouble() -> str:
    """Return "" where submissions can be sandboxed on this machine, else a sentence: why not, and what to do.

    It has started what will be started: the sandbox, Python, namespaces inside, and the filter.
    """
    return _found()[1]


def found() -> Sandbox:
    """Return the sandbox that is used.

    Raises
    ------
    SandboxError
        If there is none here.
    """
    one, reason = _found()
    if one is None:
        raise SandboxError(reason)
    return one


_KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "TZ")


def environment(home: str) -> dict[str, str]:
    """Return a worker's environment: nothing of the instructor's but what Python needs.

    Parameters
    ----------
    home : str
        A folder that it may write to.
    """
    kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
    return kept | {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
        "HOME": home,
        "USER": "learner",
        "LOGNAME": "learner",
        "TMPDIR": home,
        "IPYTHONDIR": f"{home}/ipython",
        "MPLCONFIGDIR": f"{home}/matplotlib",
        "INTRODL_HOME": f"{home}/introdl",
        "INTRODL_GRADING": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _tasks() -> int:
    """Return how many processes and threads this user has on this machine."""
    count = 0
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == os.geteuid():
                count += len(os.listdir(f"/proc/{entry.name}/task"))
    return count


class Worker:
    """A process for one submission: where to write to it and read from it, and how to end it.

    Parameters
    ----------
    read, write : int
    end : callable
        Ends it, and says why it had ended by itself.
    look : callable, optional
        Looks at what it uses, and ends it where that is too much: returns ``why`` (see `overrun`), ``cpu`` and ``waited``.
    """

    def __init__(self, read: int, write: int, end: Callable[[], str], look: Callable[[], dict] = dict):
        self.read, self.write, self._ask = read, write, look
        self._end: Callable[[], str] | None = end
        self._last = Look(time.monotonic(), 0.0, 0.0)
        self._why = ""
        os.set_blocking(read, False)
        os.set_blocking(write, False)

    def look(self) -> Look:
        """Return the time that it and all its children have used until now."""
        said = self._ask()
        self._why = str(said.get("why", ""))
        if "cpu" in said:
            self._last = Look(time.monotonic(), said["cpu"], said["waited"])
            return self._last
        # Nobody knows: it ended, or there is no zygote. Then the clock on the wall counts.
        return Look(time.monotonic(), self._last.cpu + time.monotonic() - self._last.wall, self._last.waited)

    def overrun(self) -> str:
        """Return what it used too much of when `look` looked, for which it was ended: "memory", "processes" or ""."""
        return self._why

    def end(self) -> str:
        """End it and all that it started; return why it had ended by itself: "memory", "processes", a signal or ""."""
        if self._end is None:
            return ""
        end, self._end = self._end, None
        for descriptor in {self.read, self.write}:
            with contextlib.suppress(OSError):
                os.close(descriptor)
        return end()


class Zygote:
    """A warm process in a sandbox that forks workers, one at a time.

    Parameters
    ----------
    room : str
        ``"full"`` has imported torch and SciPy too; ``"bare"`` has not, so that they can be put away.
    bounds : Bounds
    sandbox : Sandbox, optional
        By default the one that `found` returns.
    """

    def __init__(self, room: str, bounds: Bounds, sandbox: Sandbox | None = None):
        self.room, self.bounds = room, bounds
        self._sandbox = sandbox
        self._absent: tuple[str, ...] = ()
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._errors: IO[bytes] | None = None
        self._group, self._grouped = cgroups.Group(), False
        #: False where the system forbids namespaces inside the sandbox; then each submission has a new sandbox.
        self.isolates = True

    def command(self, descriptor: int) -> list[str]:
        """Return the command that starts it."""
        sandbox = self._sandbox or found()
        limits = asdict(self.bounds) | {"others": _tasks(), "hidden": __file__}
        inside = [sys.executable, "-s", "-m", "introdl.checking.zygote", str(descriptor), self.room]
        inside += [json.dumps(limits), json.dumps(sandbox.in_scratch())]
        return sandbox.command(inside, self._absent, self.bounds.scratch)

    def start(self) -> None:
        """Start it and wait until it is warm.

        Raises
        ------
        SandboxError
            If there is no sandbox, Python does not start in it, or system calls cannot be refused there.
        """
        try:
            self._start(cgroups.group(*self._most()))
        except SandboxError:
            if not self._grouped:
                raise
            self._start(cgroups.Group())  # a group that nothing starts in is worse than none

    def _most(self) -> tuple[int, int]:
        """Return what the kernel bounds: bytes of every kind, and processes, the zygote itself among them."""
        memory = self.bounds.memory + 3 * self.bounds.scratch + _WARM
        return memory, 2 * self.bounds.processes + 16

    def _start(self, group: cgroups.Group) -> None:
        self._group, self._grouped = group, bool(group.words)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the zygote
        surroundings = environment("/home") | {"TMPDIR": "/tmp"} | (self._sandbox or found()).environment()
        surroundings |= group.environment
        with theirs:
            command = [*self._group.words, *self.command(theirs.fileno())]
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._errors,
                    env=surroundings,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except OSError as error:
                ours.close()
                self._group.close()
                raise SandboxError(f"{command[0]} cannot be started: {error.strerror}.") from error
        self._control = ours
        hello = self._hear(120)
        if not hello.get("ready"):
            self._errors.seek(0)
            lines = self._errors.read()[-2000:].decode(errors="replace").strip().splitlines()
            self.close()
            raise SandboxError(f"Python does not start in the sandbox: {lines[-1] if lines else 'no reason given'}.")
        if hello.get("open"):
            self.close()
            raise SandboxError("It makes no sandbox: our own files are seen inside.")
        if hello.get("unfiltered"):
            self.close()
            raise SandboxError(f"The kernel refuses no system calls here: {hello['unfiltered']}.")
        self.isolates = bool(hello["isolates"])

    def _hear(self, seconds: float) -> dict:
        """Return its next word, or {} where none comes."""
        if self._control is None or not select.select([self._control], [], [], seconds)[0]:
            return {}
        try:
            return json.loads(self._control.recv(65_536) or b"{}")
        except (OSError, ValueError):
            return {}

    def worker(self, absent: Sequence[str] = ()) -> Worker:
        """Fork a worker; the one before must have been ended.

        Parameters
        ----------
        absent : sequence of str
            Forbidden names (``"torch.*"``, ``"numpy.convolve"``) that are put away for it; the room must be "bare".

        Raises
        ------
        SandboxError
            If it cannot be started, even after a fresh start of the zygote.
        """
        reason = "it does not answer"
        for _ in range(3):
            if not self.isolates and self._absent != tuple(absent):
                self.close()
                self._absent = tuple(absent)
            if self._control is None:
                self.start()
                if not self.isolates and self._absent != tuple(absent):
                    continue
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    request = {"do": "fork", "absent": list(absent)}
                    assert self._control is not None  # it was started above
                    socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
                    answer = self._hear(30)
                except OSError:
                    answer = {}
            if answer.get("forked"):
                descriptor = ours.detach()
                return Worker(descriptor, descriptor, self._end, lambda: self._ask("look"))
            ours.close()
            reason = answer.get("reason", reason)
            self.close()
        raise SandboxError(f"The sandbox starts no process for a submission: {reason}.")

    def _ask(self, what: str) -> dict:
        if self._control is None:
            return {}
        try:
            self._control.send(json.dumps({"do": what}).encode())
            return self._hear(30)
        except OSError:
            return {}

    def _end(self) -> str:
        answer = self._ask("end")
        if self._group.out_of_memory():
            self.close()  # the next one has a group that has not been out of memory
            return "memory"
        if not answer.get("ended") or not self.isolates:
            self.close()
        return str(answer.get("why", ""))

    def close(self) -> None:
        """End it, and its sandbox with it."""
        control, self._control = self._control, None
        process, self._process = self._process, None
        errors, self._errors = self._errors, None
        if control is not None:
            control.close()
        if process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if errors is not None:
            errors.close()
        group, self._group = self._group, cgroups.Group()
        group.close()


class Pool:
    """A process's zygotes, kept warm between submissions; a context manager.

    Parameters
    ----------
    bounds : Bounds, optional

    Notes
    -----
    Each zygote is started when it is first asked for. A pool belongs to the process that made it (see `pool`).
    """

    def __init__(self, bounds: Bounds | None = None):
        self.bounds = bounds or Bounds()
        self._zygotes: dict[str, Zygote] = {}

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_error) -> None:
        self.close()

    def zygote(self, room: str = "full") -> Zygote:
        """Return a room's zygote."""
        if room not in self._zygotes:
            self._zygotes[room] = Zygote(room, self.bounds)
        return self._zygotes[room]

    def worker(self, room: str = "full", absent: Sequence[str] = ()) -> Worker:
        """Return a fresh worker in a room, with forbidden names put away.

        Raises
        ------
        SandboxError
            If there is no sandbox here.
        """
        if unsafe():
            return _unsafe_worker()
        return self.zygote(room).worker(absent)

    def close(self) -> None:
        """End all."""
        while self._zygotes:
            self._zygotes.popitem()[1].close()


_pools: dict[int, Pool] = {}


def pool() -> Pool:
    """Return this process's own pool; it ends with the process."""
    mine = os.getpid()
    if mine not in _pools:
        _pools.clear()  # a fork's copies of its parent's: not ours to end
        _pools[mine] = Pool()
        atexit.register(lambda: _pools[mine].close() if os.getpid() == mine and mine in _pools else None)
    return _pools[mine]


def _unsafe_worker() -> Worker:
    """Start a worker with the instructor's own rights, cold."""
    home = tempfile.mkdtemp(prefix="introdl-grade-")
    work = Path(home) / "work"
    work.mkdir()
    kept = {k: v for k, v in os.environ.items() if k in ("PYTHONPATH", "SYSTEMROOT")}
    process = subprocess.Popen(
        [sys.executable, "-m", "introdl.checking.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=work,
        env=environment(home) | kept,
        start_new_session=True,
    )

    def end() -> str:
        ended = process.poll()
        if sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)
        return signal.Signals(-ended).name if ended is not None and ended < 0 else ""

    assert process.stdin is not None and process.stdout is not None  # both are pipes
    read, write = os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno())
    process.stdout.close()
    process.stdin.close()

    def look() -> dict:
        if not sys.platform.startswith("linux"):
            return {}
        sums.add(clock.family(f"/proc/{process.pid}"))
        return {"cpu": sums.cpu, "waited": sums.waited}

    sums = clock.Sums()
    return Worker(read, write, end, look)
