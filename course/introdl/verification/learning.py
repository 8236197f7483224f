"""Train a network so that pictures of one dish get vectors that lie close together.

References
----------
R. Hadsell, S. Chopra and Y. LeCun, Dimensionality Reduction by Learning an Invariant Mapping, CVPR 2006.
F. Schroff, D. Kalenichenko and J. Philbin, FaceNet: A Unified Embedding for Face Recognition and Clustering, CVPR 2015.
https://arxiv.org/abs/1503.03832
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from introdl.training.augmentation import Augment, augment, channel_statistics, draw, normalize
from introdl.training.devices import choose_device, quick_dtype
from introdl.training.optimization import one_cycle, parameter_groups


class Embedder(nn.Module):
    """A network's features, then a dense layer, then a division by the length: vectors on the unit sphere.

    Parameters
    ----------
    trunk : torch.nn.Module
        With a method ``features`` that turns (N, 3, H, W) into (N, width), as all networks of `introdl.models` have.
    width : int
        How many features the trunk gives.
    dimensions : int
        Of the vectors.
    """

    def __init__(self, trunk: nn.Module, width: int, dimensions: int = 64):
        super().__init__()
        self.trunk = trunk
        self.project = nn.Linear(width, dimensions)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn normalized pictures (N, 3, H, W) into vectors of length 1, (N, dimensions)."""
        return F.normalize(self.project(self.trunk.features(x)).float(), dim=1)  # type: ignore[operator]


def squared_distances(vectors: torch.Tensor) -> torch.Tensor:
    """Return the squared distances of unit vectors (N, D) from each other, (N, N): 2 - 2 cos."""
    return (2 - 2 * vectors @ vectors.T).clamp(min=0)


def triplet(vectors: torch.Tensor, labels: torch.Tensor, margin: float = 0.2) -> torch.Tensor:
    """Return FaceNet's loss over all pairs of one class in a batch, each with a semi-hard negative.

    The negative is the nearest one that is farther from the anchor than the positive; where none is, the farthest.

    Parameters
    ----------
    vectors : torch.Tensor
        (N, D), of length 1.
    labels : torch.Tensor
        int64, (N,); every class at least twice, and at least two classes.
    margin : float
        By which the negative's squared distance should exceed the positive's.

    Returns
    -------
    torch.Tensor
        One number.
    """
    squares = squared_distances(vectors)
    equal = labels[:, None] == labels[None]
    anchors, positives = (equal & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)).nonzero(
        as_tuple=True
    )
    near = squares[anchors, positives]
    with torch.no_grad():
        rows = squares.masked_fill(equal, -1)[anchors]  # (pairs, N); what is no negative is never chosen
        farther = rows > near[:, None]
        chosen = torch.where(
            farther.any(dim=1), rows.masked_fill(~farther, torch.inf).argmin(dim=1), rows.argmax(dim=1)
        )
    return F.relu(near - squares[anchors, chosen] + margin).mean()


def contrastive(vectors: torch.Tensor, labels: torch.Tensor, margin: float = 1.0) -> torch.Tensor:
    """Return the contrastive loss over all pairs of a batch; both kinds of pairs count for one half.

    Parameters
    ----------
    vectors : torch.Tensor
        (N, D), of length 1.
    labels : torch.Tensor
        int64, (N,); at least one class twice, and at least two classes.
    margin : float
        From which distance on two vectors of two classes are left alone.

    Returns
    -------
    torch.Tensor
        One number.
    """
    upper = torch.triu_indices(len(labels), len(labels), 1, device=labels.device)
    squares = squared_distances(vectors)[upper[0], upper[1]]
    same = labels[upper[0]] == labels[upper[1]]
    apart = F.relu(margin - (squares[~same] + 1e-12).sqrt()) ** 2
    return 0.5 * (squares[same].mean() + apart.mean()) / 2


@dataclass(frozen=True)
class LearningSettings:
    """How to learn.

    Attributes
    ----------
    steps : int
        How many batches.
    batch_size : int
        Pictures in a batch, as many of each class.
    lr, weight_decay, warmup : float
        As in `introdl.training.Settings`.
    augment : Augment
        How pictures are changed.
    precision : "auto" or "fp32"
        What convolutions are computed in.
    seed : int
        Of the batches and of the changes.
    """

    steps: int = 160
    batch_size: int = 120
    lr: float = 3e-3
    weight_decay: float = 0.05
    warmup: float = 0.15
    augment: Augment = Augment()
    precision: str = "auto"
    seed: int = 0


def learn(
    model: nn.Module,
    images: np.ndarray,
    labels: np.ndarray,
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    settings: LearningSettings | None = None,
    *,
    device: str | None = None,
    statistics: tuple | None = None,
    on_step: Callable[[int, float], None] | None = None,
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Train a network by a loss that sees a whole batch: as many pictures of each class in every step.

    Parameters
    ----------
    model : torch.nn.Module
        Takes (N, 3, H, W). It is moved to the device and left in eval mode. Parameters that need no gradient stay.
    images, labels : numpy.ndarray
        uint8 (N, H, W, 3), and int64 (N,).
    loss : callable
        Takes what the model gives, in float32, and the labels; returns one number.
    settings : LearningSettings, optional
        Every number that the result depends on.
    device : str, optional
        By default the best there is.
    statistics : (mean, std), optional
        By which pictures are normalized; by default those of `images`.
    on_step : callable, optional
        Is given the step, from 1, and its loss.

    Returns
    -------
    (tuple of float, tuple of float)
        Mean and standard deviation of red, green and blue, by which pictures are normalized.

    Raises
    ------
    ValueError
        Where the batch does not fit the classes.
    """
    # Not by `introdl.training.train`: its epochs draw pictures, these batches equally many of each class, for a number of steps.
    settings = settings or LearningSettings()
    where = choose_device(device)
    classes = np.unique(labels)
    each, rest = divmod(settings.batch_size, len(classes))
    if rest or each < 2 or len(classes) < 2:
        raise ValueError(
            f"A batch of {settings.batch_size} cannot hold equally many pictures, at least 2, of each of {len(classes)} classes "
            f"(at least 2). Try batch_size={max(2, round(settings.batch_size / max(len(classes), 1))) * len(classes)}."
        )
    mean, std = statistics or channel_statistics(images)
    pictures = torch.from_numpy(np.ascontiguousarray(images)).to(where)
    pools = [torch.from_numpy(np.flatnonzero(labels == label)) for label in classes]
    numbered = torch.arange(len(classes)).repeat_interleave(each).to(where)
    generator = torch.Generator().manual_seed(settings.seed)
    model.to(where, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(parameter_groups(model, settings.weight_decay), lr=settings.lr)
    bf16 = settings.precision == "auto" and quick_dtype(where) == torch.bfloat16
    queues = [pool[torch.randperm(len(pool), generator=generator)] for pool in pools]
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = settings.lr * one_cycle(step, settings.steps, settings.warmup)
        chosen = []
        for number, pool in enumerate(pools):  # each class's pictures come in an order of their own, again and again
            while len(queues[number]) < each:
                queues[number] = torch.cat([queues[number], pool[torch.randperm(len(pool), generator=generator)]])
            chosen.append(queues[number][:each])
            queues[number] = queues[number][each:]
        batch = torch.cat(chosen)
        drawn = {name: value.to(where) for name, value in draw(len(batch), settings.augment, generator).items()}
        x = augment(pictures[batch.to(where)], drawn, settings.augment, mean, std)
        with torch.autocast(where.type, torch.bfloat16, enabled=bf16):
            vectors = model(x)
        value = loss(vectors.float(), numbered)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        if on_step:
            on_step(step + 1, value.item())
    model.eval()
    return mean, std


@torch.inference_mode()
def embed(function: Callable, images: np.ndarray, mean, std, batch_size: int = 256) -> np.ndarray:
    """Return what a network makes of pictures, in float32.

    Parameters
    ----------
    function : callable
        A network in eval mode, or its ``features``.
    images : numpy.ndarray
        uint8, (N, H, W, 3).
    mean, std : sequence of three floats
        Of red, green and blue in [0, 1].
    batch_size : int
        How many pictures go through at once.

    Returns
    -------
    numpy.ndarray
        float32, (N, D).
    """
    module: Any = getattr(function, "__self__", function)
    where = next(module.parameters()).device
    parts = []
    for start in range(0, len(images), batch_size):
        batch = torch.from_numpy(np.ascontiguousarray(images[start : start + batch_size])).to(where)
        parts.append(function(normalize(batch, mean, std)).float().cpu().numpy())
    return np.concatenate(parts)
