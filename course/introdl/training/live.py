"""What a person sees while a network trains: a bar and curves in a notebook, a bar and a line per epoch in a terminal."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from introdl.data import progress
from introdl.training.history import History


def line(row: dict, epochs: int) -> str:
    """Return an epoch in a line."""
    text = f"epoch {row['epoch']:3} of {epochs}: training loss {row['train_loss']:.3f}, accuracy {row['train_accuracy']:6.1%}"
    if "val_accuracy" in row:
        text += f"; validation loss {row['val_loss']:.3f}, accuracy {row['val_accuracy']:6.1%}"
    return text + f"; {row['images_per_second']:,.0f} pictures/s"


@contextlib.contextmanager
def live_progress(
    epochs: int, steps: int, quiet: bool = False
) -> Iterator[tuple[Callable[[int], None], Callable[[History], None]]]:
    """Show how far a run is.

    Parameters
    ----------
    epochs : int
        How many there will be.
    steps : int
        How many steps there will be in all.
    quiet : bool
        Show nothing.

    Yields
    ------
    (callable, callable)
        One to be told how many steps are done; one to be told the history after each epoch.
    """
    if quiet:
        yield (lambda done: None), (lambda history: None)
        return
    with progress.bar("Training", steps, "steps") as tick:
        if progress.in_notebook():
            live = LiveCurves()
            try:
                yield tick, live.update
            finally:
                live.close()
        else:
            yield tick, lambda history: progress.write(line(history.rows[-1], epochs))


class LiveCurves:
    """Curves that are drawn again as they grow; the last picture stays in the notebook.

    They are drawn after an epoch, but never take over a tenth of the time.
    """

    def __init__(self):
        self.handle = None
        self.shown = 0
        self.history: History | None = None
        self.next = 0.0

    def update(self, history: History) -> None:
        """Draw the history, or keep it for the next time."""
        self.history = history
        if time.monotonic() >= self.next:
            begun = time.monotonic()
            self._draw(history)
            self.next = time.monotonic() + 9 * (time.monotonic() - begun)

    def close(self) -> None:
        """Draw what has not been drawn."""
        if self.history is not None and len(self.history.rows) != self.shown:
            self._draw(self.history)

    def _draw(self, history: History) -> None:
        from IPython.display import display

        from introdl.figures.style import picture
        from introdl.figures.training import curves, told

        alt = told(history)
        content = {"text/html": picture(curves(history), alt), "text/plain": f"[figure: {alt}]"}
        if self.handle is None:
            self.handle = display(content, raw=True, display_id=True)
        else:
            self.handle.update(content, raw=True)
        self.shown = len(history.rows)
