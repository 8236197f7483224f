"""How far a check is that takes long: a bar while it runs.

A fork notes how far it is in a page of memory that it shares with the notebook's process, which looks there while it waits.
There is such a page only while a bar may be shown, so never where a class is graded: submissions share nothing.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator

#: Seconds after which a check is told of.
LONG = 3.0

_FORM = struct.Struct("2q")
_shown: _Shown | None = None


class _Shown:
    def __init__(self, title: str, cases: int, open_bar: Callable[[int, str], Callable[..., None]]):
        self.title, self.cases, self.done = title, cases, 0
        self.page, self.process, self.began = mmap.mmap(-1, _FORM.size), os.getpid(), time.monotonic()
        self._open = open_bar
        self._tick: Callable[..., None] | None = None

    def look(self) -> None:
        if time.monotonic() - self.began < LONG:
            return
        steps, of = _FORM.unpack_from(self.page)
        done, total, unit = (steps, of, "steps") if of > 0 else (self.done, self.cases, "cases")
        if self._tick is None:
            self._tick = self._open(total, unit)
        self._tick(min(done, total), total=total, unit=unit)


@contextlib.contextmanager
def shown(title: str, cases: int) -> Iterator[None]:
    """Show how far a check is, once it has turned out to take long.

    Parameters
    ----------
    title : str
        What is being done.
    cases : int
        How many there are.
    """
    global _shown
    from introdl.data import progress  # tqdm: where a class is graded nobody needs it

    began = time.time()
    with contextlib.ExitStack() as stack:
        screen = sys.stdout if progress.in_notebook() else sys.stderr  # what is printed within a case goes elsewhere
        _shown = _Shown(
            title,
            cases,
            lambda total, unit: stack.enter_context(progress.bar(title, total, unit, began=began, file=screen)),
        )
        try:
            yield
        finally:
            _shown = None


def case_done() -> None:
    """Note that a case is done."""
    if _shown is not None:
        _shown.done += 1
        _shown.look()


def note(done: int, total: int) -> None:
    """Note how many steps of a case are done, where it takes many; called in whichever process the case runs."""
    if _shown is not None:
        _FORM.pack_into(_shown.page, 0, done, total)
        look()


def look() -> None:
    """Bring what is shown up to date; in a fork nothing is."""
    if _shown is not None and _shown.process == os.getpid():
        _shown.look()
