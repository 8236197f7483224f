"""The sandbox: where a submission's code runs, and what it can see and use there.

A `Zygote` is a process in a bubblewrap sandbox that has imported everything; it forks a worker for each submission (see
`introdl.checking.zygote`). A `Pool` keeps a process's zygotes between submissions.
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
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from introdl import places
from introdl.checking.absent import missing_folders

#: Set to "1" to run submissions with your own rights, where there is no sandbox (``autograder grade --unsafe``).
UNSAFE = "AUTOGRADER_UNSAFE"

_ROOM = "/course"


class SandboxError(Exception):
    """There is no sandbox to be had; the text says why and what to do."""


@dataclass(frozen=True)
class Bounds:
    """What a submission may use.

    Attributes
    ----------
    memory : int
        Bytes, all its processes together, on top of what Python and its libraries take.
    scratch : int
        Bytes in ``/tmp``, and the same in ``/dev/shm``.
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


_INSTALL = (
    "Install bubblewrap (Debian, Ubuntu: sudo apt install bubblewrap; Fedora: sudo dnf install bubblewrap; Arch: sudo "
    "pacman -S bubblewrap)"
)
_OTHERWISE = "Or, if you trust every submission as your own code: --unsafe."


@lru_cache(maxsize=1)
def trouble() -> str:
    """Return "" where submissions can be sandboxed on this machine, else a sentence: why not, and what to do."""
    if sys.platform != "linux":
        system = {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)
        return (
            f"Submissions are strangers' code, and {system} has no sandbox that we can use. Grade on Linux: a machine, a "
            f"virtual machine, or on Windows WSL 2. {_OTHERWISE}"
        )
    if shutil.which("bwrap") is None:
        return f"Submissions are strangers' code, and there is no sandbox here. {_INSTALL}. {_OTHERWISE}"
    done = subprocess.run(
        ["bwrap", *_namespaces(), "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"],
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        return ""
    said = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return (
        f"Submissions are strangers' code, and bubblewrap cannot make a sandbox here ({said}). It needs version 0.8 or "
        "newer and user namespaces: see the README, 'When there is no sandbox'. "
        f"{_OTHERWISE}"
    )


#: The folders of the course's data that submissions may read.
_DATA = ("plates", "weights", "experiments")


def exposes(folder: Path) -> str:
    """Return "" where submissions cannot see a folder, else a sentence: a classroom's secrets may not lie there."""
    place = folder.resolve()
    if _is_under(place, [one.resolve() for one in _shown()]) or _is_under(
        place, [places.data().resolve() / one for one in _DATA]
    ):
        return (
            f"{folder} lies in a folder of the system or of Python, which submissions may read. Move the classroom, for "
            "example to your home folder."
        )
    return ""


def _namespaces() -> list[str]:
    return [
        *("--unshare-user", "--unshare-all", "--disable-userns", "--new-session", "--as-pid-1"),
        *("--uid", "1000", "--gid", "1000", "--hostname", "grader"),
    ]


def _is_under(path: Path, folders: list[Path]) -> bool:
    return any(path == folder or folder in path.parents for folder in folders)


def _shown() -> list[Path]:
    """Return the folders of the system and of Python that a submission sees, each at its own place, read-only."""
    found = [Path("/usr"), Path("/nix/store"), Path(sys.base_prefix), Path(sys.prefix)]
    found += [Path(p) for p in sys.path if Path(p).name in ("site-packages", "dist-packages")]
    found.append(Path(sys.executable).resolve().parent.parent)
    kept: list[Path] = []
    for path in (one.absolute() for one in found):
        if path.is_dir() and path != Path("/") and not _is_under(path, kept):
            kept.append(path)
    return kept


def _checkout() -> Path | None:
    """Return the folder of solutions, exercises and tests, where the course is installed from a checkout."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").exists() else None


def _places(absent: Sequence[str]) -> list[str]:
    """Return bubblewrap's words for the file system, without the packages of the forbidden names `absent`."""
    shown, words = _shown(), []
    for folder in shown:
        words += ["--ro-bind", str(folder), str(folder)]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", os.readlink(path), str(path)]
        elif path.is_dir():
            words += ["--ro-bind", str(path), str(path)]
    for name in ("ld.so.cache", "alternatives", "localtime", "fonts"):
        words += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    root = _checkout()
    if root is not None and _is_under(root, shown):
        words += ["--tmpfs", str(root)]
        inside = [folder for folder in (Path(sys.prefix), Path(sys.base_prefix)) if root in folder.parents]
        for folder in inside:
            words += ["--ro-bind", str(folder), str(folder)]
    for folder in (Path(p) for p in sys.path if Path(p).name in ("site-packages", "dist-packages")):
        for name in ("autograder", "introdl"):
            if (folder / name).is_dir():
                words += ["--tmpfs", str(folder / name)]
    for folder in missing_folders(list(absent)):
        words += ["--tmpfs", folder]
    library = places.course() / "introdl"
    words += ["--ro-bind", str(library), f"{_ROOM}/introdl"]
    for name in ("sheets", "embedded"):
        if (library / name).is_dir():
            words += ["--tmpfs", f"{_ROOM}/introdl/{name}"]
    data = places.data()
    for name in ("sources.toml", "nutrition.csv", *_DATA):
        words += ["--ro-bind-try", str(data / name), f"/data/{name}"]
    words += ["--ro-bind-try", str(places.pictures()), "/data/pictures"]
    if (places.cache() / "arrays").is_dir():
        words += ["--ro-bind", str(places.cache() / "arrays"), "/cache/arrays"]
    words += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp"]
    for place, size in (("/tmp", 64 * 2**20), ("/dev/shm", 2**20), ("/home", 16 * 2**20)):
        words += ["--size", str(size), "--tmpfs", place]
    return [*words, "--remount-ro", "/dev", "--remount-ro", "/"]


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


class Worker:
    """A process for one submission: where to write to it and read from it, and how to end it."""

    def __init__(self, read: int, write: int, end):
        self.read, self.write, self._end = read, write, end
        os.set_blocking(read, False)
        os.set_blocking(write, False)

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
    """

    def __init__(self, room: str, bounds: Bounds):
        self.room, self.bounds = room, bounds
        self._absent: tuple[str, ...] = ()
        self._process: subprocess.Popen | None = None
        self._control: socket.socket | None = None
        self._errors = None
        #: False where the system forbids namespaces inside the sandbox; then each submission has a new sandbox.
        self.isolates = True

    def command(self, descriptor: int) -> list[str]:
        """Return the command that starts it."""
        words = ["bwrap", *_namespaces(), *_places(self._absent)]
        words += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN", "--chdir", "/"]
        words += [sys.executable, "-s", "-m", "introdl.checking.zygote", str(descriptor), self.room]
        return [*words, json.dumps(asdict(self.bounds))]

    def start(self) -> None:
        """Start it and wait until it is warm.

        Raises
        ------
        SandboxError
            If there is no sandbox, or Python does not start in it.
        """
        if reason := trouble():
            raise SandboxError(reason)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, it lives as long as the zygote
        surroundings = environment("/home") | {"PYTHONPATH": _ROOM, "TMPDIR": "/tmp", "INTRODL_DATA": "/data"}
        surroundings["INTRODL_CACHE"] = "/cache"
        with theirs:
            self._process = subprocess.Popen(
                self.command(theirs.fileno()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._errors,
                env=surroundings,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._control = ours
        hello = self._hear(120)
        if not hello.get("ready"):
            self._errors.seek(0)
            said = self._errors.read()[-2000:].decode(errors="replace").strip() or "no reason given"
            self.close()
            raise SandboxError(f"Python does not start in the sandbox: {said}")
        self.isolates = bool(hello["isolates"])

    def _hear(self, seconds: float) -> dict:
        """Return its next word, or {} where none comes."""
        if not select.select([self._control], [], [], seconds)[0]:
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
                    socket.send_fds(self._control, [json.dumps(request).encode()], [theirs.fileno()])
                    answer = self._hear(30)
                except OSError:
                    answer = {}
            if answer.get("forked"):
                descriptor = ours.detach()
                return Worker(descriptor, descriptor, self._end)
            ours.close()
            reason = answer.get("reason", reason)
            self.close()
        raise SandboxError(f"The sandbox starts no process for a submission: {reason}.")

    def _end(self) -> str:
        if self._control is None:
            return ""
        try:
            self._control.send(b'{"do": "end"}')
            answer = self._hear(30)
        except OSError:
            answer = {}
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

    read, write = os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno())
    process.stdout.close()
    process.stdin.close()
    return Worker(read, write, end)
