"""The outside of grading: a worker that runs one submission, spoken to in messages."""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autograder.sandbox import Pool, Worker
from introdl.checking import wire
from introdl.checking.outcome import Outcome
from introdl.checking.sheets import Entry, SheetCase

_LENGTH = struct.Struct("<Q")
_MOST = 3 * wire.MAX_BYTES
_MOST_FILES = 64 * 2**20
_MOST_NAMES = 500
#: Seconds that an answer may take on its way, on top of what its code may take.
_GRACE = 5.0

_WHYS = {
    "memory": "it used more memory than there is",
    "processes": "it started more processes than there may be",
    "SIGXCPU": "it used more processor time than there is",
}


class Died(Exception):
    """The process ended, or had to be ended; the text says how, and `kind` in one word.

    `kind` is one of ``ended``, ``time``, ``memory``, ``processes``, ``damaged``, ``killed``.
    """

    def __init__(self, text: str, kind: str):
        super().__init__(text)
        self.kind = kind


class Session:
    """A worker for one submission; a context manager.

    Parameters
    ----------
    folder : pathlib.Path
        The submission's folder; copies of its files are laid into the worker's own.
    pool : autograder.sandbox.Pool
        Where workers come from.
    room : str
        See `autograder.sandbox.Zygote`.
    absent : sequence of str
        Forbidden names that are put away, in the room "bare".
    without : set of str
        Files and folders of the submission's folder that it is not given.
    """

    def __init__(
        self,
        folder: Path,
        pool: Pool,
        room: str = "full",
        absent: Sequence[str] = (),
        without: set[str] | frozenset[str] = frozenset(),
    ):
        self.folder, self.pool, self.room, self.absent, self.without = folder, pool, room, absent, without
        self._worker: Worker | None = None

    def __enter__(self) -> Session:
        self.start()
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

    def start(self) -> None:
        """Start the worker and give it the submission's files."""
        self._worker = self.pool.worker(self.room, self.absent)
        names, arrays = _files_of(self.folder, self.without)
        if names:
            self._ask({"do": "files", "names": names}, arrays, 30)

    def stop(self) -> str:
        """End the worker and everything that it started; return why it had ended (see `Worker.end`)."""
        worker, self._worker = self._worker, None
        return worker.end() if worker else ""

    def _died(self, text: str, kind: str) -> Died:
        why = self.stop()
        if why in _WHYS:
            return Died(_WHYS[why], why if why in ("memory", "processes") else "time")
        if why and kind == "ended":
            return Died(f"the system stopped its process ({why})", "killed")
        return Died(text, kind)

    def _ask(self, tree: dict, arrays: list[np.ndarray], seconds: float) -> tuple:
        """Send a request and return the answer.

        Raises
        ------
        Died
            If none came in time; the worker is gone then.
        """
        if self._worker is None:
            raise Died("its process had ended", "ended")
        body = wire.to_bytes(tree, arrays)
        deadline = time.monotonic() + seconds
        self._write(_LENGTH.pack(len(body)) + body, deadline, seconds)
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size, deadline, seconds))
        if length > _MOST:
            raise self._died("its process sent damaged data", "damaged")
        try:
            return wire.from_bytes(self._read(length, deadline, seconds))
        except ValueError as error:
            raise self._died("its process sent damaged data", "damaged") from error

    def _late(self, seconds: float) -> Died:
        return self._died(f"it did not come back within {seconds:.0f} s", "time")

    def _write(self, message: bytes, deadline: float, seconds: float) -> None:
        view = memoryview(message)
        while view:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([], [self._worker.write], [], left)[1]:
                raise self._late(seconds)
            try:
                view = view[os.write(self._worker.write, view[: 1 << 20]) :]
            except BlockingIOError:
                continue
            except OSError as error:
                raise self._died("its process had ended", "ended") from error

    def _read(self, size: int, deadline: float, seconds: float) -> bytes:
        parts = []
        while size:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._worker.read], [], [], left)[0]:
                raise self._late(seconds)
            try:
                part = os.read(self._worker.read, min(size, 1 << 20))
            except BlockingIOError:
                continue
            except OSError:
                part = b""
            if not part:
                raise self._died("its process ended", "ended")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def run_cell(self, source: str, seconds: float, pictures: bool = True) -> dict:
        """Run a cell; returns its outputs (see `introdl.checking.worker`), with or without drawn figures.

        Raises
        ------
        Died
            If it did not come back, or left more behind than there may be: what comes after it would pay for that.
        """
        answer, _ = self._ask({"do": "cell", "source": source, "pictures": pictures}, [], seconds)
        if not isinstance(answer, dict):
            raise self._died("its process sent damaged data", "damaged")
        if self._worker.overrun():
            raise self._died("it used more than there is", "ended")
        return answer

    def probe(self, entry: Entry, case: SheetCase, seconds: float) -> tuple[Outcome, list[np.ndarray]]:
        """Drive the learner's objects through one case; only this case's inputs go inside."""
        inputs, arrays = _inputs(entry, case)
        request = _request("probe", entry, seconds) | {"inputs": inputs}
        tree, out = self._ask(request, arrays, seconds + _GRACE)
        return Outcome.from_tree(tree), out

    def probe_in_series(self, entry: Entry, seconds: float) -> list[tuple[Outcome, list[np.ndarray]]]:
        """Drive the learner's objects through all cases in one process; see `introdl.checking.guard.Series`.

        A case's inputs go inside when the one before is done. Returns as many outcomes as came; none is no fault.
        """
        found: list[tuple[Outcome, list[np.ndarray]]] = []
        deadline = time.monotonic() + seconds
        started, _ = self._ask(_request("series", entry, seconds), [], seconds + _GRACE)
        if not started:
            return found
        for case in entry.cases:
            left = max(deadline - time.monotonic(), 0.05)
            inputs, arrays = _inputs(entry, case)
            tree, out = self._ask({"do": "next", "inputs": inputs, "seconds": left}, arrays, left + _GRACE)
            if tree is None:
                return found
            found.append((Outcome.from_tree(tree), out))
        body = wire.to_bytes({"do": "end"}, [])
        self._write(_LENGTH.pack(len(body)) + body, time.monotonic() + _GRACE, _GRACE)
        return found


def _request(do: str, entry: Entry, seconds: float) -> dict:
    return {
        "do": do,
        "probe": entry.probe,
        "forbidden": entry.forbidden,
        "seconds": seconds,
        "names": entry.names,
    }


def _inputs(entry: Entry, case: SheetCase) -> tuple[list, list[np.ndarray]]:
    """A case's inputs as they travel."""
    arrays: list[np.ndarray] = []
    return [[name, wire.pack(wire.unpack(tree, entry.arrays, live=True), arrays)] for name, tree in case.inputs], arrays


def _files_of(folder: Path, without: set[str] | frozenset[str]) -> tuple[list[str], list[np.ndarray]]:
    """Return a submission's files beside its notebooks, up to 64 MiB."""
    names, arrays, total = [], [], 0
    for here, folders, files in os.walk(folder):
        near = Path(here).relative_to(folder)
        folders[:] = [name for name in folders if name[0] != "." and (near / name).as_posix() not in without]
        for name in sorted(files):
            path, inside = Path(here, name), (near / name).as_posix()
            if path.suffix == ".ipynb" or inside in without or path.is_symlink() or not path.is_file():
                continue
            total += path.stat().st_size
            if total > _MOST_FILES or len(names) >= _MOST_NAMES:
                return names, arrays
            names.append(inside)
            arrays.append(np.frombuffer(path.read_bytes(), dtype=np.uint8))
    return names, arrays
