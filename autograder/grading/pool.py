"""Where jobs run: in processes on this machine, or on a Dask cluster, behind one interface (`concurrent.futures`).

There a job runs in a process that examines one submission after the other and may die over one. It is then started again,
and the job given up after `ATTEMPTS`. A single job, or one after the other, runs in this very process (`InProcess`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from queue import SimpleQueue
from typing import IO, Protocol

from autograder.errors import ClassroomError, NotJudged
from autograder.grading import job as jobs
from autograder.grading.job import Job

#: A process may die this often over a job before the job is given up.
ATTEMPTS = 3
#: A notebook's limit is in processor time; on a busy machine it may take so many times as long.
_PATIENCE = 20


@dataclass(frozen=True)
class Answer:
    """What came of a job: a verdict (see `autograder.grading.job.run`), or a sentence where there is none."""

    verdict: dict | None = None
    error: str = ""


# --- in the process that examines -----------------------------------------------------------------------------------


def _begin(errors: str) -> None:
    """Cut a fresh process off from the terminal, and let it end with the process that started it."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    null, said = os.open(os.devnull, os.O_RDWR), os.open(errors, os.O_WRONLY | os.O_APPEND)
    for descriptor, target in ((0, null), (1, null), (2, said)):
        os.dup2(target, descriptor)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
    os.killpg(0, signal.SIGKILL)


def _examined(job: Job) -> Answer:
    """Examine a submission; where what examines it fails, once more."""
    answer = Answer()
    for _ in range(2):
        try:
            return Answer(jobs.run(job))
        except NotJudged as error:
            answer = Answer(error=str(error))
        except jobs.JobError as error:
            return Answer(error=str(error))
        except Exception as error:
            answer = Answer(error=f"{type(error).__name__}: {error}")
    return answer


# --- beside it ------------------------------------------------------------------------------------------------------


class ExaminingProcess:
    """A process that examines submissions one after the other, started when it is first needed, and again when it died."""

    def __init__(self):
        self._executor: ProcessPoolExecutor | None = None
        self._pid = 0
        self._ended = False
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()

    def run(self, job: Job) -> Answer:
        """Run a job."""
        seconds = _PATIENCE * float(job.limits.get("notebook", 900.0)) + 300.0
        for _ in range(ATTEMPTS):
            if self._ended:
                break
            try:
                return self._started().submit(_examined, job).result(seconds)
            except (BrokenProcessPool, TimeoutError):
                self._kill()
        words = self._last_words()
        said = f" Its last words: {words}" if words else ""
        return Answer(error=f"the process that examined it ended {ATTEMPTS} times.{said}")

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            handle, name = tempfile.mkstemp(prefix="introdl-examiner-")
            self._errors.close()
            self._errors = os.fdopen(handle, "rb")
            try:
                self._executor = ProcessPoolExecutor(1, get_context("spawn"), _begin, (name,))
                self._pid = self._executor.submit(os.getpid).result(300)
            finally:  # both ends have it open: one that is killed leaves no file behind
                os.unlink(name)
        return self._executor

    def _kill(self) -> None:
        executor, self._executor = self._executor, None
        if executor is not None:
            if self._pid:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._pid, signal.SIGKILL)
            executor.shutdown(cancel_futures=True)
        self._pid = 0

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read()[-4000:].decode(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else ""

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._ended = True
        self._kill()
        self._errors.close()


class Place(Protocol):
    """Where jobs run."""

    ahead: int
    """How many jobs to have given to it at a time."""

    def submit(self, job: Job) -> Future:
        """Run a job; the future's result is that of `ExaminingProcess.run`."""

    def close(self) -> None:
        """End what runs."""


class InProcess:
    """This very process, one job after the other."""

    ahead = 1

    def submit(self, job: Job) -> Future:
        """Run a job, now."""
        done: Future = Future()
        done.set_result(_examined(job))
        return done

    def close(self) -> None:
        """Nothing runs."""


class Processes:
    """Processes on this machine.

    Parameters
    ----------
    count : int
        How many.
    """

    def __init__(self, count: int):
        self.ahead = 2 * count  # none waits while a grade is written
        self._all = [ExaminingProcess() for _ in range(count)]
        self._free: SimpleQueue[ExaminingProcess] = SimpleQueue()
        for one in self._all:
            self._free.put(one)
        self._threads = ThreadPoolExecutor(count)

    def submit(self, job: Job) -> Future:
        """Run a job in the next process that is free."""
        return self._threads.submit(self._run, job)

    def _run(self, job: Job) -> Answer:
        one = self._free.get()
        try:
            return one.run(job)
        finally:
            self._free.put(one)

    def close(self) -> None:
        """End all processes."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for one in self._all:
            one.end()


class Cluster:
    """A Dask cluster: its workers have processes of their own beside them.

    Parameters
    ----------
    address : str
        The scheduler's, ``tcp://HOST:PORT``.

    Raises
    ------
    ClassroomError
        If Dask is not installed, no scheduler answers there, or it has no workers.
    """

    def __init__(self, address: str):
        try:
            from distributed import Client
        except ImportError as error:
            raise ClassroomError("--dask needs Dask: pip install dask distributed, here and on the workers.") from error
        try:
            self._client = Client(address, timeout="15s", set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise ClassroomError(
                f"No Dask scheduler answers at {address}. Start one ('dask scheduler'), or look at the address: "
                "it is tcp://HOST:PORT."
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=30)
        except TimeoutError as error:
            self._client.close()
            raise ClassroomError(
                f"The scheduler at {address} has no workers. Start some: dask worker {address}"
            ) from error
        self.ahead = 4 * max(1, sum(self._client.nthreads().values()))
        self._executor = self._client.get_executor(pure=False, retries=ATTEMPTS)

    def submit(self, job: Job) -> Future:
        """Run a job on one of the workers."""
        return self._executor.submit(_on_worker, job)

    def close(self) -> None:
        """Leave the cluster."""
        self._client.close()


_beside_worker = ExaminingProcess()
_one_at_a_time = threading.Lock()


def _on_worker(job: Job) -> Answer:
    """Run a job beside this Dask worker; one at a time, whatever the worker's number of threads."""
    with _one_at_a_time:
        return _beside_worker.run(job)


def answers(make_place: Callable[[], Place], work: Iterable[tuple[str, Job]]) -> Generator[tuple[str, Answer]]:
    """Run jobs and yield the name and answer of each, as they are done; the place is closed at the end.

    Parameters
    ----------
    make_place : callable
        Returns a place; called where there is any work.
    work : iterable of (str, Job)
        Names and jobs, in the order in which they are begun. It is asked for the next job when that can be given away.
    """
    waiting = iter(work)
    first = next(waiting, None)
    if first is None:
        return
    waiting = chain([first], waiting)
    place = make_place()
    running: dict[Future, str] = {}

    def begin(count: int) -> None:
        for name, job in islice(waiting, count):
            running[place.submit(job)] = name

    try:
        begin(place.ahead)
        while running:
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                name = running.pop(future)
                begin(1)
                error = future.exception()
                said = f"the cluster could not run it ({type(error).__name__}: {error})"[:300] if error else ""
                yield name, Answer(error=said) if error else future.result()
    finally:
        place.close()
