"""A process that examines one submission after the other; `autograder.grading.local` starts it and speaks to it."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
from multiprocessing.connection import Connection


def _leave_with(descriptor: int) -> None:
    """End this process when the other end of a connection is gone."""
    poll = select.poll()
    poll.register(descriptor, getattr(select, "POLLRDHUP", 0) | select.POLLHUP)
    poll.poll()
    os.kill(os.getpid(), signal.SIGTERM)


def _stop(*_signal) -> None:
    raise SystemExit(0)  # so that the session's own process is ended, and temporary folders go


def serve(descriptor: int) -> None:
    """Answer jobs until the connection ends: each with ("verdict", dict) or ("error", str)."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection = Connection(descriptor)
    threading.Thread(target=_leave_with, args=(descriptor,), daemon=True).start()
    from autograder.grading import job as jobs

    while True:
        try:
            job = connection.recv()
        except EOFError:
            return
        try:
            answer = ("verdict", jobs.run(job))
        except Exception as error:
            answer = (
                "error",
                f"{type(error).__name__}: {error}" if not isinstance(error, jobs.JobError) else str(error),
            )
        connection.send(answer)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
