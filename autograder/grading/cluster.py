"""Jobs on a Dask cluster: the same jobs, on other machines."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

from autograder.classroom import ClassroomError
from autograder.grading import local
from autograder.grading.job import Job

_lock = threading.Lock()
_slot: local.Slot | None = None


def run_job(job: Job) -> tuple[str, object]:
    """Run a job in a process beside this Dask worker; one at a time, whatever the worker's number of threads."""
    global _slot
    with _lock:
        for _ in range(local.ATTEMPTS):
            _slot = _slot or local.Slot()
            _slot.give("job", job)
            try:
                if _slot.connection.poll(3 * float(job.limits.get("notebook", 900.0)) + 300.0):
                    return _slot.connection.recv()
            except (EOFError, OSError):
                pass
            words = _slot.last_words()
            _slot.end()
            _slot = None
        return "error", f"the process that examined it ended {local.ATTEMPTS} times. Its last words: {words}"


def connect(address: str):
    """Return a client of the cluster's scheduler.

    Raises
    ------
    ClassroomError
        If Dask is not installed, no scheduler answers there, or it has no workers.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise ClassroomError("--dask needs Dask: pip install 'introdl[cluster]' here and on the workers.") from error
    try:
        client = Client(address, timeout="15s", set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClassroomError(
            f"No Dask scheduler answers at {address}. Start one ('dask scheduler'), or look at the address: "
            "it is tcp://HOST:PORT."
        ) from error
    try:
        client.wait_for_workers(1, timeout="30s")
    except TimeoutError as error:
        client.close()
        raise ClassroomError(f"The scheduler at {address} has no workers. Start some: dask worker {address}") from error
    return client


def on_cluster(client, work: Iterable[tuple[str, Callable[[], Job]]]) -> Iterator[local.Answer]:
    """Run jobs on a cluster; as `autograder.grading.local.side_by_side`. The client is closed at the end."""
    from distributed import as_completed

    names, waiting = {}, iter(work)

    def submit(count: int) -> list:
        made = []
        for name, make in waiting:
            future = client.submit(run_job, make(), pure=False, retries=local.ATTEMPTS)
            names[future.key] = name
            made.append(future)
            if len(made) >= count:
                break
        return made

    try:
        ahead = 4 * max(1, sum(client.nthreads().values()))
        running = as_completed(submit(ahead), loop=client.loop)
        for future in running:
            name = names.pop(future.key)
            for one in submit(1):
                running.add(one)
            if future.status == "finished":
                yield name, *future.result()
            else:
                error = future.exception() if future.status == "error" else future.status
                yield name, "error", f"the cluster could not run it ({type(error).__name__}: {error})"[:300]
            future.release()
    finally:
        client.close()
