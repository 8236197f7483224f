"""One at a time: a lock on a classroom that ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator

from filelock import FileLock, Timeout

from autograder.classroom import Classroom
from autograder.errors import ClassroomError
from introdl import paths


@contextlib.contextmanager
def hold(room: Classroom, what: str) -> Iterator[None]:
    """Hold a classroom's lock.

    Raises
    ------
    ClassroomError
        If another process holds it, or it cannot be made.
    """
    folder = room.root / ".graded"
    holder = folder / "lock.json"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(folder / "lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise ClassroomError(
            f"{_who(holder)} works in this classroom. Wait until it is done, or stop it; nothing was changed."
        ) from None
    except OSError as error:
        raise ClassroomError(f"{folder} cannot be written to ({error.strerror}).") from error
    try:
        facts = {"what": what, "pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %H:%M")}
        paths.write_atomically(holder, json.dumps(facts).encode())
        yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink(missing_ok=True)
        lock.release()


def _who(holder) -> str:
    try:
        facts = json.loads(holder.read_text())
        return "'autograder {what}' (process {pid} on {host}, since {since})".format(**facts)
    except (OSError, ValueError, KeyError):
        return "Another 'autograder' command"
