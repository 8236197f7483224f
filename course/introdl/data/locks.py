"""A lock that processes share, so that one of them works and the others wait."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOTSUP, errno.EINVAL}


@contextlib.contextmanager
def alone(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock `path` for the length of a ``with`` block; wait while another process (or thread) holds it.

    Parameters
    ----------
    path : pathlib.Path
        The lock's file. It stays afterwards: deleting it would let two processes hold two locks of one name.
    waiting : callable
        Called once if there is something to wait for.

    Notes
    -----
    The operating system holds the lock, so it ends with its process, even one that is killed. Where the file system
    cannot lock (some network drives), nothing is locked, where filelock would raise. All that is written under the lock
    is also written to a temporary name and renamed, so what readers see is whole even then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire()
    except OSError as error:
        if error.errno not in _NO_LOCKS_HERE:
            raise
    try:
        yield
    finally:
        lock.release()
