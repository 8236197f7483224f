"""How far a long job is: one display for the whole course, drawn by tqdm.

In a terminal and in a notebook that a person works in: a bar. Where nothing can be redrawn (a pipe, a log, a notebook
that is executed as a whole): a line once the job has taken some seconds, and a line at its end.

The bar in a notebook is text. The widget that `tqdm.auto` would choose is gone when the notebook is saved and opened again.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import Any

from tqdm import tqdm

from introdl.data.errors import in_units

#: Seconds after which a job that cannot have a bar is told of.
LONG = 5.0


def say(sentence: str) -> None:
    """Tell the person at the screen something, where there is one (a terminal or a notebook)."""
    with contextlib.suppress(Exception):
        if in_notebook():
            print(sentence)
        elif sys.stderr.isatty():
            print(sentence, file=sys.stderr)


def tell(sentence: str) -> None:
    """Tell something that should not be missed, in a log, too."""
    print(sentence, file=sys.stdout if in_notebook() else sys.stderr)


@contextlib.contextmanager
def bar(
    title: str, total: int | None, unit: str = "bytes", began: float | None = None, file: Any = None
) -> Iterator[Callable[..., None]]:
    """Show how far a job is: what it is, how much of how much is done, the rate, and the time left.

    Parameters
    ----------
    title : str
        What is being done.
    total : int or None
        How much there is to do, where that is known.
    unit : str
        ``"bytes"``, or a word such as ``"pictures"``.
    began : float, optional
        When the job began (`time.time`), where that is some while ago: a bar is drawn at once.
    file : file, optional
        Where it is shown; by default where a person looks.

    Yields
    ------
    callable
        Call it with how much is done in all and, if there is something to remark, a few words: ``tick(3, "1 failed")``;
        with ``total`` and ``unit`` where these have turned out to be others.
        What goes wrong with the display is never raised; an interrupt is.
    """
    shown: Any = None  # stays None where there can be no display; what is asked of it then is suppressed
    with contextlib.suppress(Exception):
        shown = _display(title, total, unit, file)
        shown.start_t = began or shown.start_t
        shown.delay = 0.0 if began else shown.delay

    def tick(done: int, remark: str = "", **other: Any) -> None:
        with contextlib.suppress(Exception):
            vars(shown).update(other, remark=remark)
            shown.update(done - shown.n)

    try:
        yield tick
    finally:
        with contextlib.suppress(Exception):
            shown.close()


def write(line: str) -> None:
    """Print a line to stderr, above a bar where one is shown."""
    with contextlib.suppress(Exception):
        tqdm.write(line, file=sys.stderr)


def in_notebook() -> bool:
    """Tell whether this runs in a notebook's kernel."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    return type(get_ipython()).__name__ == "ZMQInteractiveShell"


def _in_person() -> bool:
    """Tell whether a person works in this notebook: only then its front end lets a cell ask for input."""
    from IPython import get_ipython

    return bool(getattr(get_ipython().kernel, "_allow_stdin", True))


def _display(title: str, total: int | None, unit: str, file: Any = None) -> _Bar:
    file = file or (sys.stdout if in_notebook() else sys.stderr)
    drawn = _in_person() if in_notebook() else file.isatty()
    return (_Bar if drawn else _Lines)(title, total, unit, file)


class _Bar(tqdm):
    """A bar that is redrawn, with bytes told as everywhere in the course."""

    monitor_interval = 0  # no thread: a process with threads cannot be forked safely
    form = "{l_bar}{bar}| {amount} [{elapsed}<{remaining}, {speed}]{remark}"
    remark = ""

    def __init__(self, title: str, total: int | None, unit: str, file, **timing):
        known = {"desc": title, "total": total, "unit": unit, "file": file, "miniters": 0}
        width, height = shutil.get_terminal_size((100, 24))  # tqdm shows nothing in a terminal that gives no size
        super().__init__(ncols=width, nrows=height, **known, **(timing or {"mininterval": 0.2, "delay": 0.5}))

    @property
    def format_dict(self) -> dict:
        known = super().format_dict
        rate = known["rate"] or self.n / max(known["elapsed"], 1e-3)
        if self.unit == "bytes":
            amount, speed = (in_units(self.n), self.total and in_units(self.total)), f"{in_units(rate)}/s"
        else:
            amount, speed = (f"{self.n:,}", self.total and f"{self.total:,}"), f"{rate:.3g} {self.unit}/s"
        told = {
            "amount": " of ".join(filter(None, amount)),
            "speed": speed,
            "remark": self.remark and f", {self.remark}",
        }
        return (
            known | told | {"bar_format": self.form if self.total else "{desc}: {amount} [{elapsed}, {speed}]{remark}"}
        )


class _Lines(_Bar):
    """At most two lines: one when the job has turned out to be long, and one at its end."""

    form = "{desc}: {amount} [{elapsed}, {remaining} left, {speed}]{remark}"
    lines = 0

    def __init__(self, title: str, total: int | None, unit: str, file):
        super().__init__(title, total, unit, file, mininterval=LONG, delay=LONG)

    def display(self, *_, **__) -> None:
        if self.lines == 0 and self.format_dict["elapsed"] >= LONG:
            self._print()

    def clear(self, *_, **__) -> None:
        """Nothing: what is printed stays."""

    def close(self) -> None:
        if self.lines == 1:  # it is called again when the object goes
            self._print()
        self.disable = True
        self._instances.discard(self)

    def _print(self) -> None:
        self.lines += 1
        print(str(self), file=self.fp, flush=True)
