"""Jobs on this machine: a few processes side by side, each with one job at a time."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection, wait

from autograder.grading import job as jobs
from autograder.grading.job import Job

#: So often may a process die over a job before the job is given up.
ATTEMPTS = 3

Answer = tuple[str, str, object]


class Slot:
    """A process that runs jobs (see `autograder.grading.slot`)."""

    def __init__(self):
        ours, theirs = socket.socketpair()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autograder.grading.slot", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env=os.environ | quiet,
            start_new_session=True,
        )
        theirs.close()
        self.connection = Connection(ours.detach())
        self.job: Job | None = None
        self.name = ""
        self.deadline = 0.0

    def give(self, name: str, job: Job) -> None:
        """Give it a job; if it is dead, that shows when its answer is awaited."""
        self.name, self.job = name, job
        self.deadline = time.monotonic() + 3 * float(job.limits.get("notebook", 900.0)) + 300.0
        with contextlib.suppress(OSError):
            self.connection.send(job)

    def end(self) -> None:
        """End the process and what it started."""
        self.connection.close()
        with contextlib.suppress(subprocess.TimeoutExpired, ProcessLookupError):
            self.process.terminate()
            self.process.wait(5)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._errors.close()

    def last_words(self) -> str:
        """Return the last line that it wrote to its standard error."""
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""


def here(work: Iterable[tuple[str, Callable[[], Job]]]) -> Iterator[Answer]:
    """Run jobs in this process, one after the other; as `side_by_side`."""
    for name, make in work:
        try:
            yield name, "verdict", jobs.run(make())
        except Exception as error:
            yield name, "error", str(error) if isinstance(error, jobs.JobError) else f"{type(error).__name__}: {error}"


def side_by_side(work: Iterable[tuple[str, Callable[[], Job]]], slots: int) -> Iterator[Answer]:
    """Run jobs in processes of their own.

    A process that dies is replaced and its job done again; after `ATTEMPTS` the job is given up.

    Parameters
    ----------
    work : iterable of (str, callable)
        Names, and what makes each job; called when the job's turn comes.
    slots : int
        How many processes.

    Yields
    ------
    (str, str, object)
        A job's name, and ("verdict", dict) or ("error", str), as they are done.
    """
    waiting = iter(work)
    again: list[tuple[str, Job]] = []
    attempts: dict[str, int] = {}
    busy: dict[Connection, Slot] = {}

    def next_job() -> tuple[str, Job] | None:
        if again:
            return again.pop()
        for name, make in waiting:
            return name, make()
        return None

    def refill(slot: Slot | None) -> None:
        todo = next_job()
        if todo is None:
            if slot is not None:
                slot.end()
            return
        slot = slot or Slot()
        busy[slot.connection] = slot
        slot.give(*todo)

    try:
        for _ in range(slots):
            refill(None)
        while busy:
            for connection in wait(list(busy), timeout=1.0):
                slot = busy.pop(connection)
                name = slot.name
                try:
                    kind, answer = connection.recv()
                except (EOFError, OSError):
                    yield from _died(slot, again, attempts)
                    refill(None)
                    continue
                refill(slot)
                yield name, kind, answer
            for slot in [one for one in busy.values() if time.monotonic() > one.deadline]:
                del busy[slot.connection]
                yield from _died(slot, again, attempts)
                refill(None)
    finally:
        for slot in busy.values():
            slot.process.terminate()
        for slot in busy.values():
            slot.end()


def _died(slot: Slot, again: list, attempts: dict[str, int]) -> Iterator[Answer]:
    words = slot.last_words()
    slot.end()
    attempts[slot.name] = attempts.get(slot.name, 0) + 1
    if attempts[slot.name] < ATTEMPTS:
        again.append((slot.name, slot.job))
        return
    said = f" Its last words: {words}" if words else ""
    yield slot.name, "error", f"the process that examined it ended {ATTEMPTS} times.{said}"
