"""The outside of grading: a process that runs one submission, spoken to in messages."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from introdl.checking import wire
from introdl.checking.outcome import Outcome
from introdl.checking.sheets import Entry, SheetCase

_LENGTH = struct.Struct("<Q")
_MOST = 512 * 2**20


class Died(Exception):
    """The process ended, or had to be ended; the text says how."""


class Session:
    """A worker process for one submission.

    Use it as a context manager. `command` is what an issue of its own will wrap in a sandbox.

    Parameters
    ----------
    folder : pathlib.Path
        The working folder of the submission's code.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._process: subprocess.Popen | None = None
        self._home = tempfile.TemporaryDirectory(prefix="introdl-grade-", ignore_cleanup_errors=True)

    def command(self) -> list[str]:
        """Return the command that starts the worker."""
        return [sys.executable, "-m", "introdl.checking.worker"]

    def environment(self) -> dict[str, str]:
        """Return the worker's environment: nothing of the instructor's but what Python needs."""
        kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "PYTHONPATH")}
        home = self._home.name
        return kept | {
            "HOME": home,
            "TMPDIR": home,
            "IPYTHONDIR": f"{home}/ipython",
            "MPLCONFIGDIR": f"{home}/matplotlib",
            "INTRODL_HOME": f"{home}/introdl",
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
        }

    def __enter__(self) -> Session:
        self.start()
        return self

    def __exit__(self, *_error) -> None:
        self.stop()
        self._home.cleanup()

    def start(self) -> None:
        """Start the worker."""
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            env=self.environment(),
            start_new_session=True,
        )

    def stop(self) -> None:
        """End the worker and everything that it started."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        process.wait()

    def _ask(self, tree: dict, arrays: list[np.ndarray], seconds: float) -> tuple:
        """Send a request and return the answer.

        Raises
        ------
        Died
            If none came in time; the worker is gone then.
        """
        assert self._process is not None
        body = wire.to_bytes(tree, arrays)
        try:
            self._process.stdin.write(_LENGTH.pack(len(body)) + body)
            self._process.stdin.flush()
        except OSError as error:
            self.stop()
            raise Died("its process had ended") from error
        deadline = time.monotonic() + seconds
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline, seconds))
        if length > _MOST:
            self.stop()
            raise Died("its process sent damaged data")
        try:
            return wire.from_bytes(self._read(length, deadline, seconds))
        except ValueError as error:
            self.stop()
            raise Died("its process sent damaged data") from error

    def _read(self, size: int, deadline: float, seconds: float) -> bytes:
        parts, descriptor = [], self._process.stdout.fileno()
        while size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                self.stop()
                raise Died(f"it did not come back within {seconds:.0f} s")
            part = os.read(descriptor, min(size, 1 << 20))
            if not part:
                self.stop()
                raise Died("its process ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def run_cell(self, source: str, seconds: float) -> dict:
        """Run a cell; returns its outputs (see `introdl.checking.worker`)."""
        answer, _ = self._ask({"do": "cell", "source": source}, [], seconds)
        if not isinstance(answer, dict):
            self.stop()
            raise Died("its process sent damaged data")
        return answer

    def probe(self, entry: Entry, case: SheetCase, seconds: float) -> tuple[Outcome, list[np.ndarray]]:
        """Drive the learner's objects through one case; only this case's inputs go inside."""
        arrays: list[np.ndarray] = []
        inputs = [[name, wire.pack(wire.unpack(tree, entry.arrays, live=True), arrays)] for name, tree in case.inputs]
        request = {
            "do": "probe",
            "probe": entry.probe,
            "forbidden": entry.forbidden,
            "seconds": seconds,
            "names": entry.names,
            "inputs": inputs,
        }
        tree, out = self._ask(request, arrays, seconds + 5)
        return Outcome.from_tree(tree), out
