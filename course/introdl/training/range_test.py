"""Which learning rate? Raise it step by step, and watch the loss."""

from __future__ import annotations

import copy
import math

import torch

from introdl.training.devices import choose_device
from introdl.training.errors import TrainingError
from introdl.training.loop import _batch
from introdl.training.run import begin, training_mode
from introdl.training.settings import Settings
from introdl.training.tasks import Classification

#: By how much the smoothed loss may be above its lowest value before the test stops.
_TOO_MUCH = 2.0
#: The share of the past in the smoothed loss.
_KEPT = 0.8


def range_test(
    model,
    pictures,
    settings: Settings | None = None,
    *,
    lowest: float = 1e-4,
    highest: float = 1.0,
    steps: int = 60,
    device: str | None = None,
) -> list[tuple[float, float]]:
    """Train a copy of a network while its learning rate grows by the same factor at every step.

    Parameters
    ----------
    model : torch.nn.Module
        It is left as it is.
    pictures : introdl.data.Dataset, or a pair of arrays
        Images uint8 (N, H, W, 3), and labels int64 (N,).
    settings : Settings, optional
        How it trains otherwise; rate and schedule are the test's own.
    lowest, highest : float
        The first and the last learning rate.
    steps : int
        How many; it stops earlier where the smoothed loss is twice its lowest value, or no number any more.
    device : str, optional
        By default the best there is.

    Returns
    -------
    list of (float, float)
        The learning rate of each step, and the loss of its batch before the step, smoothed over about the last five.

    References
    ----------
    L. N. Smith, Cyclical learning rates for training neural networks, 2017. https://arxiv.org/abs/1506.01186
    """
    if not 0 < lowest < highest or steps < 2:
        raise TrainingError(
            f"lowest is {lowest}, highest {highest} and steps {steps}; it should be 0 < lowest < highest, and 2 steps or more."
        )
    settings, task = settings or Settings(), Classification()
    run = begin(copy.deepcopy(model), pictures, settings, task, choose_device(device), None)
    task.prepare(run.model, run.targets)
    training_mode(run.model)
    found: list[tuple[float, float]] = []
    smoothed = 0.0
    for step in range(steps):
        if step % run.steps == 0:
            order = torch.randperm(len(run.images), generator=run.generator, device=run.device)
        lr = lowest * (highest / lowest) ** (step / (steps - 1))
        for group in run.optimizer.param_groups:
            group["lr"] = lr
        place = step % run.steps * run.batch
        x, targets = _batch(run, order[place : place + run.batch])
        with torch.autocast(run.device.type, torch.bfloat16, enabled=run.dtype == torch.bfloat16):
            output = run.forward(x)
        loss, _ = task.loss(run.model, output, targets, settings.label_smoothing)
        loss.backward()
        run.optimizer.step()
        run.optimizer.zero_grad()
        smoothed = _KEPT * smoothed + (1 - _KEPT) * loss.item()
        found.append((lr, smoothed / (1 - _KEPT ** (step + 1))))
        if not math.isfinite(smoothed) or found[-1][1] > _TOO_MUCH * min(value for _, value in found):
            break
    return [one for one in found if math.isfinite(one[1])]
