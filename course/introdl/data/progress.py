"""How far a long job is: a bar in a terminal, one line that rewrites itself in a notebook, else nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from introdl.data.errors import in_units


def say(sentence: str) -> None:
    """Tell the person at the screen something, where there is one (a terminal or a notebook)."""
    if in_notebook():
        print(sentence)
    elif sys.stderr.isatty():
        print(sentence, file=sys.stderr)


@contextlib.contextmanager
def bar(title: str, total: int | None, unit: str = "bytes") -> Iterator[Callable[[int], None]]:
    """Show how far a job is.

    Parameters
    ----------
    title : str
        What is being done.
    total : int or None
        How much there is to do, where that is known.
    unit : str
        ``"bytes"``, or a word such as ``"pictures"``.

    Yields
    ------
    callable
        Call it with how much is done in all.
    """
    if in_notebook():
        with _line(title, total, unit) as show:
            yield show
    elif sys.stderr.isatty():
        with _rich(title, total, unit) as show:
            yield show
    else:
        yield lambda done: None


def in_notebook() -> bool:
    """Tell whether this runs in a notebook's kernel."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return type(get_ipython()).__name__ == "ZMQInteractiveShell"


def _amount(done: int, total: int | None, unit: str) -> str:
    if unit == "bytes":
        return in_units(done) + (f" of {in_units(total)}" if total else "")
    return f"{done:,}" + (f" of {total:,}" if total else "") + f" {unit}"


@contextlib.contextmanager
def _line(title: str, total: int | None, unit: str, every: float = 0.5) -> Iterator[Callable[[int], None]]:
    longest, state = 0, 0
    last = begun = time.monotonic()

    def write(done: int, end: str = "") -> None:
        nonlocal last, longest
        share = f"{100 * done / total:3.0f} %, " if total else ""
        text = f"{title}: {share}{_amount(done, total, unit)}"
        longest = max(longest, len(text))
        print("\r" + text.ljust(longest), end=end, flush=True)
        last = time.monotonic()

    def show(done: int) -> None:
        nonlocal state
        state = done
        if time.monotonic() - last >= every:
            write(done)

    try:
        yield show
    finally:
        if time.monotonic() - begun >= every:
            write(state, "\n")


@contextlib.contextmanager
def _rich(title: str, total: int | None, unit: str) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = [TextColumn("{task.description}"), BarColumn()]
    columns += [DownloadColumn(), TransferSpeedColumn()] if unit == "bytes" else [MofNCompleteColumn()]
    columns += [TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True, force_jupyter=False)) as shown:
        task = shown.add_task(title, total=total)
        yield lambda done: shown.update(task, completed=done)
