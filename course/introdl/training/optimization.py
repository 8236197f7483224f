"""How fast to learn at each step, and which parameters shrink."""

from __future__ import annotations

import math

from torch import nn


def one_cycle(step: int, total: int, warmup: float) -> float:
    """Return by what the highest learning rate is multiplied at a step.

    It rises evenly from nearly 0 to 1 over the first ``warmup * total`` steps, then falls to nearly 0 as a cosine does.

    Parameters
    ----------
    step : int
        From 0 to ``total - 1``.
    total : int
        Steps in all.
    warmup : float
        The share of them in which it rises.

    References
    ----------
    L. N. Smith and N. Topin, Super-Convergence, 2017. https://arxiv.org/abs/1708.07120
    """
    rise = warmup * total
    if step + 1 < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step + 1 - rise) / (total + 1 - rise)))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Return a model's parameters in two groups: weights, which decay, and what has one number a channel, which does not.

    Parameters
    ----------
    model : torch.nn.Module
        Parameters that need no gradient are left out.
    weight_decay : float
        Of the weights.
    """
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]
