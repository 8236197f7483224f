"""A lock that processes share, so that one of them works and the others wait.

The operating system holds it, so it ends with its process, even one that is killed.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path


@contextlib.contextmanager
def alone(path: Path, waiting: Callable[[], None] = lambda: None, every: float = 0.1) -> Iterator[None]:
    """Hold the lock `path` for the length of a ``with`` block; wait while another process (or thread) holds it.

    Parameters
    ----------
    path : pathlib.Path
        The lock's file. It stays afterwards: deleting it would let two processes hold two locks of one name.
    waiting : callable
        Called once if there is something to wait for.
    every : float
        Seconds between two tries.

    Notes
    -----
    Where the file system knows no locks (some network drives), nothing is locked. All that is written under the lock is
    also written to a temporary name and renamed, so what readers see is whole even then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        told = False
        while not _take(file):
            if not told:
                waiting()
                told = True
            time.sleep(every)
        try:
            yield
        finally:
            _leave(file)


if os.name == "nt":  # pragma: no cover - the course's CI has no Windows

    def _take(file) -> bool:
        import msvcrt

        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _leave(file) -> None:
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)

else:

    def _take(file) -> bool:
        import errno
        import fcntl

        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL)
        return True

    def _leave(file) -> None:
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.flock(file.fileno(), fcntl.LOCK_UN)
