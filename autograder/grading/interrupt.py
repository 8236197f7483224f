"""Ctrl-C that never comes in the middle of a write."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator


class Interrupts:
    """Turns SIGINT and SIGTERM into KeyboardInterrupt, but not while `deferred`; a context manager.

    Does nothing outside the main thread.
    """

    def __enter__(self) -> Interrupts:
        self._deferring = self._waiting = False
        self._before = {}
        if threading.current_thread() is threading.main_thread():
            for one in (signal.SIGINT, signal.SIGTERM):
                self._before[one] = signal.signal(one, self._ring)
        return self

    def __exit__(self, *_error) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _ring(self, *_signal) -> None:
        if self._deferring:
            self._waiting = True
        else:
            raise KeyboardInterrupt

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        """Let the block come to its end first."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = False
        if self._waiting:
            raise KeyboardInterrupt
