"""The training board: a network that learns while you watch, and that you can pause.

Buttons answer only while no cell runs, because a kernel does one thing at a time. So the board trains in slices of some
milliseconds on the kernel's own event loop, and between two slices the kernel reads what you clicked. A cell that you run
meanwhile takes its turn the same way. No thread is needed, and no lock: nothing ever happens in the middle of a step.
"""

from __future__ import annotations

import asyncio
import html
import math
import time
import uuid
from collections.abc import Callable, Iterator

import numpy as np

from introdl.figures import interactive, svg, tile
from introdl.figures.interactive import hiding
from introdl.figures.panel import Panel, shades
from introdl.figures.style import BLACK, BLUE, GREEN
from introdl.layers import Network, softmax_cross_entropy

_SLICE = 0.06  # seconds of training between two looks at the buttons
_DRAW = 0.35  # seconds between two pictures, more where drawing one takes long


def tiles(pictures: np.ndarray, x: float, y: float, size: float, columns: int, gap: float, signed: bool = False) -> str:
    """Draw small pictures in rows, each scaled by itself.

    Parameters
    ----------
    pictures : numpy.ndarray
        (K, H, W).
    x, y : float
        The upper left corner in an SVG, in pixels.
    size, gap : float
        Width and height of one picture, and the space between two.
    columns : int
        How many stand in a row.
    signed : bool
        True draws negative numbers in orange and positive ones in blue; False draws from white to black.

    Returns
    -------
    str
        SVG.
    """
    parts = []
    for number, picture in enumerate(np.nan_to_num(np.asarray(pictures, float), posinf=0, neginf=0)):
        share = picture / (float(np.abs(picture).max()) or 1.0)
        pixels = shades(share, (213, 94, 0), (0, 114, 178)) if signed else tile.ink(share, 1)
        left, top = x + (number % columns) * (size + gap), y + (number // columns) * (size + gap)
        parts.append(tile.image(left, top, size, size, pixels) + svg.box(left, top, size, size, "none", "#BDBDBD"))
    return "".join(parts)


def _adam(w, grad, state, lr):
    m, v, t = state
    t += 1
    m, v = 0.9 * m + 0.1 * grad, 0.999 * v + 0.001 * grad**2
    return w - lr * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8), (m, v, t)


def _momentum(w, grad, state, lr):
    velocity = 0.9 * state + grad
    return w - lr * velocity, velocity


def _sgd(w, grad, state, lr):
    return w - lr * grad, state


_OPTIMIZERS: dict[str, tuple[Callable, Callable, float]] = {
    "Adam": (_adam, lambda w: (0 * w, 0 * w, 0), 0.005),
    "momentum": (_momentum, lambda w: 0 * w, 0.03),
    "SGD": (_sgd, lambda w: None, 0.2),
}


class TrainingBoard:
    """Trains a network in slices and shows what it learns.

    Parameters
    ----------
    make : callable
        Takes a ``numpy.random.Generator`` and returns a fresh `introdl.layers.Network`, whose first layer is a `Conv2d`.
    train, validation : (numpy.ndarray, numpy.ndarray)
        Pictures (N, C, H, W) and labels (N,).
    epochs, size : int
        How often all training pictures are used, and how many are in a batch.
    seed : int
        Of the weights and of the shuffling.
    yours : callable, optional
        Your own ``adam_step(w, grad, state, lr)``; it can be chosen beside the board's own optimizers.
    shown : int
        Which validation picture the activations are drawn for.

    Attributes
    ----------
    network : Network
        As it is now.
    losses : list of float
        The loss of every step so far.
    scores : list of (int, float)
        Step and share of validation pictures right, at the start and after every epoch.
    playing, finished : bool
    message : str
        What stopped the training, where something did.
    """

    _current: TrainingBoard | None = None

    def __init__(self, make, train, validation, epochs=12, size=32, seed=0, yours=None, shown=0):
        if len(train[0]) != len(train[1]) or len(validation[0]) != len(validation[1]):
            raise ValueError("There should be one label for each picture, in train and in validation.")
        if epochs < 1 or size < 1:
            raise ValueError(f"epochs is {epochs} and size is {size}; both should be 1 or more.")
        self.make, self.train, self.validation = make, train, validation
        self.epochs, self.size, self.seed, self.shown = epochs, size, seed, shown
        self.optimizers = dict(_OPTIMIZERS)
        if yours is not None:
            self.optimizers["your adam_step"] = (yours, _OPTIMIZERS["Adam"][1], _OPTIMIZERS["Adam"][2])
        self.optimizer, self.rate, self.cosine = "Adam", _OPTIMIZERS["Adam"][2], True
        self.total = epochs * math.ceil(len(train[0]) / size)
        self._view = self._task = None
        self._mark = f"introdl-still-{uuid.uuid4().hex[:12]}"
        self.restart()

    # --- training -------------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Forget everything and begin with fresh weights (the same as the first time)."""
        self.rng = np.random.default_rng(self.seed)
        self.network: Network = self.make(self.rng)
        self.losses: list[float] = []
        self.scores: list[tuple[int, float]] = []
        self.playing, self.finished, self.message = False, False, ""
        self._steps = self._training()
        self._look()

    def _look(self) -> None:
        pictures, labels = self.validation
        self.answers = self.network.predict(pictures)
        self.scores.append((len(self.losses), float((self.answers == labels).mean())))

    def _training(self) -> Iterator[None]:
        """One step of training at each `next`."""
        pictures, labels = self.train
        step, fresh, _ = self.optimizers[self.optimizer]
        parameters = self.network.parameters()
        states = [fresh(p.value) for p in parameters]
        for _ in range(self.epochs):
            order = self.rng.permutation(len(pictures))
            for start in range(0, len(order), self.size):
                chosen = order[start : start + self.size]
                loss, slope = softmax_cross_entropy(self.network.forward(pictures[chosen]), labels[chosen])
                self.network.backward(slope)
                rate = self.rate * ((1 + math.cos(math.pi * len(self.losses) / self.total)) / 2 if self.cosine else 1)
                for i, p in enumerate(parameters):
                    value, states[i] = step(p.value, p.grad, states[i], rate)
                    p.value = np.asarray(value, p.value.dtype)
                self.losses.append(loss)
                if not math.isfinite(loss):
                    self.message = (
                        "The loss is no longer a number: the steps were too long. Lower the rate and start again."
                    )
                    return
                yield
            self._look()

    def work(self, seconds: float) -> None:
        """Train for some time, or to the end if that comes first."""
        until = time.perf_counter() + seconds
        try:
            with np.errstate(all="ignore"):
                while not self.finished and time.perf_counter() < until:
                    if next(self._steps, self) is self:
                        self.finished, self.playing = True, False
        except NotImplementedError:
            self.message = f"{self.optimizer} is not written yet. Choose another optimizer."
            self.finished, self.playing = True, False
        except Exception as error:
            self.message = f"{self.optimizer} stopped with {type(error).__name__}: {error}"
            self.finished, self.playing = True, False

    async def _in_the_background(self) -> None:
        due = 0.0
        while self.playing and not self.finished:
            self.work(_SLICE)
            if time.perf_counter() > due:
                due = self._draw()
            await asyncio.sleep(0.01)  # here the kernel reads clicks and runs cells
        self._draw()

    def resume(self) -> None:
        """Go on training between whatever else the kernel does; does nothing where there is no event loop."""
        if self.finished or self.playing:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if TrainingBoard._current not in (None, self):
            TrainingBoard._current.pause()
        TrainingBoard._current = self
        self.playing, self.message = True, ""
        self._task = loop.create_task(self._in_the_background())
        self._draw()

    def pause(self) -> None:
        """Stop after the step that is being taken; `resume` goes on from there."""
        self.playing = False
        self._draw()

    def finish(self) -> None:
        """Train to the end now, and put the last picture where a page without a kernel shows it.

        While this runs the buttons wait. Interrupt the kernel to stop: what was learned so far stays.
        """
        self.playing = False
        if not self.finished:
            self.message = ""
        due = time.perf_counter() + _DRAW
        try:
            while not self.finished:
                self.work(_SLICE)
                if time.perf_counter() > due:
                    due = self._draw()
        except KeyboardInterrupt:
            self.message = "Interrupted. What was learned so far is kept; Resume goes on."
            self._look()
        self._draw()
        from IPython.display import update_display

        update_display(self._still(), display_id=self._mark, raw=True)

    # --- showing --------------------------------------------------------------------------------------------------

    def words(self) -> str:
        """Where the training stands, in a sentence."""
        step, right = self.scores[-1]
        epoch = min(len(self.losses) // max(self.total // self.epochs, 1), self.epochs)
        if not self.losses:
            return f"Not trained yet: {right:.1%} of the validation pictures are right"
        return (
            f"Epoch {epoch} of {self.epochs}: loss {np.mean(self.losses[-30:]):.3f}, {right:.1%} of the validation pictures "
            "are right"
        )

    def picture(self) -> str:
        """The board as SVG."""
        pictures, labels = self.validation
        parts = [svg.title(self.words())]
        if self.message:
            parts.append(svg.text(14, 46, self.message, 13, "#A84300", bold=True))
        upper = Panel(52, 76, 270, 120, (0, self.total), (-3, 1))
        lower = Panel(52, 238, 270, 110, (0, self.total), (0, 1.04))
        ticks = [0, self.total // 2, self.total]
        parts += [
            svg.text(52, 66, "loss: batches gray, their mean blue", 12.5, "#333", bold=True),
            upper.axes(ticks, [(-3, "0.001"), (-2, "0.01"), (-1, "0.1"), (0, "1"), (1, "10")]),
            svg.text(52, 230, "validation pictures right", 12.5, "#333", bold=True),
            lower.axes(ticks, [(0, "0 %"), (0.5, "50 %"), (1, "100 %")], "steps taken"),
        ]
        if self.losses:
            losses = np.array(self.losses, float)
            losses = np.log10(np.clip(np.where(np.isfinite(losses), losses, 1e9), 1e-4, 1e9))
            every = max(len(losses) // 300, 1)
            kernel = min(20, len(losses))
            smooth = np.convolve(losses, np.ones(kernel) / kernel, mode="valid")
            steps = np.arange(1, len(losses) + 1)
            parts += [
                upper.clip(upper.curve(steps[::every], losses[::every], "#C4C4C4", 1)),
                upper.clip(upper.curve(steps[kernel - 1 :: every], smooth[::every], BLUE, 2.5)),
            ]
        at, right = np.array(self.scores).T
        parts.append(lower.curve(at, right, GREEN, 2.5))
        parts += [svg.circle(lower.x(a), lower.y(r), 3.5, GREEN) for a, r in self.scores]
        # what the first layer has learned, and what it makes of one picture
        first = self.network.layers[0]
        shown = pictures[self.shown : self.shown + 1]
        maps = np.maximum(first.forward(shown)[0], 0)
        parts += [
            svg.text(356, 66, "filters of the first layer", 12.5, "#333", bold=True),
            tiles(first.w.value[:16, 0], 356, 74, 38, 8, 5, signed=True),
            svg.text(356, 180, f"their activations for this {self.labels_of(self.shown)}", 12.5, "#333", bold=True),
            tiles(shown[:1, 0], 520, 163, 24, 1, 0),
            tiles(maps[:16], 356, 192, 38, 8, 5),
        ]
        wrong = np.flatnonzero(self.answers != labels)
        head = f"wrong now: {len(wrong)} of {len(labels)}" + (
            " (the first 8: truth, answer)" if len(wrong) > 8 else " (truth, answer)" if len(wrong) else ""
        )
        parts.append(svg.text(356, 300, head, 12.5, "#333", bold=True))
        if len(wrong):
            parts.append(tiles(pictures[wrong[:8], 0], 356, 310, 38, 8, 5))
        for place, number in enumerate(wrong[:8]):
            x = 356 + 43 * place + 19
            parts.append(
                svg.text(x - 4, 364, str(int(labels[number])), 13, BLACK, "end", bold=True)
                + svg.text(x + 4, 364, str(int(self.answers[number])), 13, "#A84300", "start", bold=True)
            )
        parts.append(svg.text(356, 386, "Filters: blue positive, orange negative.", 12, "#555"))
        return svg.canvas(720, 396, *parts)

    def labels_of(self, number: int) -> str:
        """The validation picture's label, as a word for a sentence."""
        return str(int(self.validation[1][number]))

    def _alt(self) -> str:
        return (
            f"A training board. {self.words()}. Curves of the loss and of the share of validation pictures that are right; the "
            "filters of the first layer, their activations for one picture, and the pictures that are answered wrongly now."
        )

    def _drawn(self) -> str:
        return svg.described(self.picture(), self._alt())

    def _still(self) -> dict:
        note = "<p><em>This board is live when you run its cell.</em></p>"
        return {
            "text/html": f'<div class="{self._mark}">{self._drawn()}{note}</div>',
            "text/plain": f"[training board: {self.words()}]",
        }

    def _draw(self) -> float:
        """Bring the live board up to date; returns when to do so next, so that a tenth of the time goes into it."""
        begun = time.perf_counter()
        if self._view is None:
            return math.inf
        self._view.value = self._drawn()
        self._button.description = (
            "Pause" if self.playing else "Done" if self.finished else "Resume" if self.losses else "Train"
        )
        self._button.icon = "pause" if self.playing else "check" if self.finished else "play"
        self._button.disabled = self.finished
        said = f"{self.words()}." if self.finished or not self.playing else ""
        self._said.value = f'<div aria-live="polite" style="font-size:13px">{html.escape(said)}</div>'
        done = time.perf_counter()
        return done + max(_DRAW, 9 * (done - begun))

    def _pressed(self, _button) -> None:
        (self.pause if self.playing else self.resume)()

    def _restarted(self, _button) -> None:
        self.restart()
        self.resume()

    def _chosen(self, change) -> None:
        self.optimizer = change["new"]
        self._rate.value = self.optimizers[self.optimizer][2]
        self.restart()
        self._draw()

    def show(self) -> None:
        """Show the board with its buttons. It begins to train at once, and the next cells can be run meanwhile."""
        import ipywidgets as widgets
        from IPython.display import display

        display(self._still(), raw=True, display_id=self._mark)
        self._view = widgets.HTML()
        self._said = widgets.HTML()
        self._button = widgets.Button(description="Train", tooltip="Pause or resume; the space bar works too")
        again = widgets.Button(description="Start again", icon="refresh", tooltip="Fresh weights")
        choice = interactive.choice("optimizer", list(self.optimizers), self.optimizer)
        rates = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.03, 0.1, 0.2, 0.5, 1.0)
        self._rate = interactive.stops("learning rate", [(f"{r:g}", r) for r in rates], self.rate, 320)
        cosine = interactive.tick("cosine schedule", self.cosine)
        self._button.on_click(self._pressed)
        again.on_click(self._restarted)
        choice.observe(self._chosen, names="value")
        self._rate.observe(lambda change: setattr(self, "rate", change["new"]), names="value")
        cosine.observe(lambda change: setattr(self, "cosine", change["new"]), names="value")
        row = {"display": "flex", "flex_flow": "row wrap", "align_items": "center", "grid_gap": "2px 14px"}
        controls = widgets.Box([self._button, again, choice, self._rate, cosine], layout=row)
        self._draw()
        display(widgets.VBox([hiding(self._mark), controls, self._said, self._view]))
        self.resume()
