"""The outside of grading: a worker that runs one submission, spoken to in messages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autograder.examining import cell_answer
from autograder.examining import folder as folders
from autograder.sandbox import Pool, Worker
from introdl.checking.channel import Channel, Closed, Damaged, Late
from introdl.checking.clock import Budget
from introdl.checking.outcome import Outcome
from introdl.checking.packing import MAX_BYTES, MAX_HEAD, Packed
from introdl.checking.sheets import Entry, SheetCase

#: Bytes of an answer: one value, and the words around it.
_MOST = MAX_BYTES + MAX_HEAD + 2**20
#: Seconds that an answer may take on its way, on top of what its code may take.
_GRACE = 5.0

_WHYS = {
    "memory": "it used more memory than there is",
    "processes": "it started more processes than there may be",
    "SIGXCPU": "it used more processor time than there is",
}


_DAMAGED = "its process sent damaged data"


class Died(Exception):
    """The process ended, or had to be ended; the text says how, and `kind` in one word.

    `kind` is one of ``ended``, ``time``, ``memory``, ``processes``, ``damaged``, ``killed``.
    """

    def __init__(self, text: str, kind: str):
        super().__init__(text)
        self.kind = kind


class WorkerClient:
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
        #: Seconds that all its answers took (see `introdl.checking.clock`).
        self.used = 0.0

    def __enter__(self) -> WorkerClient:
        self.start()
        return self

    def __exit__(self, *_error) -> None:
        self.stop()

    def start(self) -> None:
        """Start the worker and give it the submission's files."""
        self._worker = self.pool.worker(self.room, self.absent)
        self._channel = Channel(self._worker.read, self._worker.write, _MOST)
        files = _files_of(self.folder, self.without)
        if files:
            self._ask({"do": "files", "files": list(files)}, list(files.values()), 30)

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

    def _ask(self, request: dict, values: Sequence, seconds: float) -> tuple[dict, list[Packed]]:
        """Send a request and return the answer.

        Raises
        ------
        Died
            If none came in time; the worker is gone then.
        """
        if self._worker is None:
            raise Died("its process had ended", "ended")
        budget = Budget(seconds, self._worker.look)
        try:
            self._channel.send(request, values, budget.left)
            answer = self._channel.receive(budget.left)
            self.used += budget.used()
            return answer
        except Late as error:
            self.used += seconds
            raise self._died(f"it did not come back within {seconds:.0f} s of processor time", "time") from error
        except Closed as error:
            raise self._died("its process ended", "ended") from error
        except Damaged as error:
            raise self._died(_DAMAGED, "damaged") from error

    def run_cell(
        self, source: str, seconds: float, pictures: bool = True, test: bool = False
    ) -> cell_answer.CellAnswer:
        """Run a cell, or an instructor's test, with or without drawing its figures.

        Raises
        ------
        Died
            If it did not come back, what came back was damaged, or it left more behind than there may be: what comes
            after it would pay for that.
        """
        head, _ = self._ask({"do": "cell", "source": source, "pictures": pictures, "test": test}, [], seconds)
        try:
            answer = cell_answer.read(head)
        except ValueError as error:
            raise self._died(_DAMAGED, "damaged") from error
        if self._worker is not None and self._worker.overrun():
            raise self._died("it used more than there is", "ended")
        return answer

    def probe(self, entry: Entry, case: SheetCase, seconds: float) -> Outcome:
        """Drive the learner's objects through one case; only this case's inputs go inside."""
        request = _request("probe", entry, seconds)
        return Outcome.read(*self._ask(request | _names(case), _values(case), seconds + _GRACE))

    def probe_in_series(self, entry: Entry, seconds: float) -> list[Outcome]:
        """Drive the learner's objects through all cases in one process; see `introdl.checking.isolation.Series`.

        A case's inputs go inside when the one before is done. Returns as many outcomes as came; none is no fault.
        """
        found: list[Outcome] = []
        until = self.used + seconds
        answer, _ = self._ask(_request("series", entry, seconds), [], seconds + _GRACE)
        if not answer.get("started"):
            return found
        for case in entry.cases:
            left = max(until - self.used, 0.05)
            head, values = self._ask({"do": "next", "seconds": left} | _names(case), _values(case), left + _GRACE)
            if head.get("kind") == "none":
                return found
            found.append(Outcome.read(head, values))
        try:
            self._channel.send({"do": "end"}, deadline=time.monotonic() + _GRACE)
        except (Closed, Late) as error:
            raise self._died("its process ended", "ended") from error
        return found


def _request(do: str, entry: Entry, seconds: float) -> dict:
    return {
        "do": do,
        "probe": entry.probe,
        "forbidden": list(entry.out_of_reach()),
        "seconds": seconds,
        "names": entry.names,
    }


def _names(case: SheetCase) -> dict:
    return {"inputs": [name for name, _ in case.inputs]}


def _values(case: SheetCase) -> list:
    return [value for _, value in case.inputs]


def _files_of(folder: Path, without: set[str] | frozenset[str]) -> dict[str, np.ndarray]:
    """Return a submission's files beside its notebooks (see `autograder.examining.folder`): their bytes by name."""
    try:
        files = folders.beside(folder, frozenset(without)).files
    except FileNotFoundError:
        return {}
    return {name: np.frombuffer(content, dtype=np.uint8) for name, content in files.items()}
