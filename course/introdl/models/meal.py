"""MealoMi's network: one trunk, three heads."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from introdl.models.inputs import normalize
from introdl.models.plain import PlainCNN

#: How many first stages' maps `MealNet.observed` sums up.
EARLY = 2


class MealHeads(NamedTuple):
    """What `MealNet` says to N pictures.

    Attributes
    ----------
    scores : torch.Tensor
        (N, K): one score for each dish; a softmax makes probabilities of them.
    log_grams : torch.Tensor
        (N,): the natural logarithm of the food's mass in grams.
    boxes : torch.Tensor
        (N, 4): x0, y0, x1, y1 of the food as shares of the picture's width and height, from 0 to 1, x0 < x1 and y0 < y1.
    """

    scores: torch.Tensor
    log_grams: torch.Tensor
    boxes: torch.Tensor

    @property
    def grams(self) -> torch.Tensor:
        """(N,): the food's mass in grams."""
        return self.log_grams.exp()


class MealNet(PlainCNN):
    """A plain convolutional network that names the dish, weighs it, and says where it is.

    The trunk is `PlainCNN`'s. The dish is read off the mean over space (`features`): where the food lies does not matter for
    its name. Grams and box are read off the last map as it is, for they need to know where.

    Parameters
    ----------
    num_classes : int
        How many dishes, K.
    size : int
        Height and width of the pictures in pixels; the last map's size depends on it.
    widths : sequence of int
        Output channels of each stage.
    hidden : int
        Units of the layer before grams and box.

    Examples
    --------
    >>> heads = MealNet(20, size=64)(torch.zeros(7, 3, 64, 64))
    >>> heads.scores.shape, heads.grams.shape, heads.boxes.shape
    (torch.Size([7, 20]), torch.Size([7]), torch.Size([7, 4]))
    """

    mass_mean: torch.Tensor
    mass_std: torch.Tensor

    def __init__(
        self,
        num_classes: int,
        size: int = 96,
        widths: tuple[int, ...] = (32, 64, 128, 192, 256),
        hidden: int = 128,
    ):
        super().__init__(num_classes, widths)
        channels = widths[-1]
        side = size // 2 ** len(widths)
        if side < 1:
            raise ValueError(
                f"size is {size}, and {len(widths)} stages halve it to nothing; give {2 ** len(widths)} or more."
            )
        self.where = nn.Sequential(nn.Flatten(), nn.Linear(channels * side * side, hidden), nn.ReLU())
        self.mass = nn.Linear(hidden + channels, 1)
        self.box = nn.Linear(hidden, 4)
        # Masses are learned on a scale on which the training plates have mean 0 and standard deviation 1.
        self.register_buffer("mass_mean", torch.tensor(5.0))
        self.register_buffer("mass_std", torch.tensor(1.0))
        # What is known of ordinary plates: see `introdl.mealomi.novelty`.
        early = 2 * sum(widths[:EARLY])
        self.register_buffer("centers", torch.zeros(num_classes, channels))
        self.register_buffer("early_mean", torch.zeros(early))
        self.register_buffer("early_whitening", torch.zeros(early, early))
        self.register_buffer("limits", torch.ones(2))

    def forward(self, x: torch.Tensor) -> MealHeads:  # type: ignore[override]
        """Turn normalized pictures (N, 3, H, W) into `MealHeads`; under autocast the trunk alone is in low precision."""
        maps = self.stages(x)
        if maps.dtype == x.dtype:
            return self.heads(maps)
        with torch.autocast(x.device.type, enabled=False):
            return self.heads(maps.to(x.dtype))

    def observed(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Turn normalized pictures into the trunk's last maps and, (N, E), `map_statistics` of its first `EARLY` stages."""
        seen = []
        for number, stage in enumerate(self.stages):
            x = stage(x)
            if number < EARLY:
                seen.append(map_statistics(x))
        return x, torch.cat(seen, dim=1)

    def heads(self, maps: torch.Tensor) -> MealHeads:
        """Turn the trunk's last maps (N, D, H', W') into `MealHeads`."""
        features = maps.mean(dim=(2, 3))
        where = self.where(maps)
        mass = self.mass(torch.cat([where, features], dim=1))[:, 0]
        return MealHeads(
            self.head(features), mass.float() * self.mass_std + self.mass_mean, box_of(self.box(where).float())
        )


@torch.inference_mode()
def ask(
    model: MealNet, images: np.ndarray, mean, std, batch_size: int = 256
) -> tuple[MealHeads, torch.Tensor, torch.Tensor]:
    """Return what a network says to pictures, and what it says it by.

    Parameters
    ----------
    model : MealNet
        On the CPU. It is asked in eval mode, and left as it was.
    images : numpy.ndarray
        uint8, (N, H, W, 3), of the network's size.
    mean, std : sequence of three floats
        Of red, green and blue in [0, 1]: by which pictures are normalized.
    batch_size : int
        How many pictures go through at once.

    Returns
    -------
    (MealHeads, torch.Tensor, torch.Tensor)
        Float32 on the CPU. The embeddings are the means of the last maps over space, (N, D); the statistics, (N, E), are
        those of the first maps (see `MealNet.observed`).
    """
    heads, embeddings, statistics = [], [], []
    was_training = model.training
    model.eval()
    try:
        for start in range(0, max(len(images), 1), batch_size):
            batch = torch.from_numpy(np.ascontiguousarray(images[start : start + batch_size]))
            maps, early = model.observed(normalize(batch, mean, std))
            heads.append(model.heads(maps))
            embeddings.append(maps.mean(dim=(2, 3)))
            statistics.append(early)
    finally:
        model.train(was_training)
    said = MealHeads(*(torch.cat(each).float() for each in zip(*heads, strict=True)))
    return said, torch.cat(embeddings).float(), torch.cat(statistics).float()


def map_statistics(maps: torch.Tensor) -> torch.Tensor:
    """Return what a stage's maps hold, wherever it is: each channel's mean over space, then each one's standard deviation.

    Parameters
    ----------
    maps : torch.Tensor
        (N, C, H, W).

    Returns
    -------
    torch.Tensor
        (N, 2 C).
    """
    return torch.cat([maps.mean(dim=(2, 3)), maps.std(dim=(2, 3), correction=0)], dim=1)


def box_of(raw: torch.Tensor) -> torch.Tensor:
    """Turn four free numbers (N, 4) into boxes (N, 4): ordered, and inside of the picture.

    The first two say where the upper left corner is; the last two, which share of what is right of it and below it the box
    takes.
    """
    corner, extent = torch.sigmoid(raw).split(2, dim=1)
    return torch.cat([corner, corner + (1 - corner) * extent], dim=1)


def box_iou(boxes: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Return the intersection over union of pairs of boxes, from 0 (apart) to 1 (the same).

    Parameters
    ----------
    boxes, others : torch.Tensor
        (..., 4): x0, y0, x1, y1; of one shape, or of shapes that broadcast.

    Returns
    -------
    torch.Tensor
        (...).
    """
    corner = torch.maximum(boxes[..., :2], others[..., :2])
    far = torch.minimum(boxes[..., 2:], others[..., 2:])
    both = (far - corner).clamp(min=0).prod(dim=-1)
    areas = [(each[..., 2:] - each[..., :2]).clamp(min=0).prod(dim=-1) for each in (boxes, others)]
    return both / (areas[0] + areas[1] - both).clamp(min=1e-9)


def meal_loss(
    heads: MealHeads,
    labels: torch.Tensor,
    grams: torch.Tensor,
    boxes: torch.Tensor,
    mass_std: float | torch.Tensor = 1.0,
    weights: tuple[float, float, float] = (1.0, 0.5, 1.0),
    label_smoothing: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the loss of three tasks together, and each alone.

    Parameters
    ----------
    heads : MealHeads
        What the network said to N pictures.
    labels, grams, boxes : torch.Tensor
        The truth: int64 (N,); grams over 0 (N,); shares of the picture (N, 4).
    mass_std : float
        The standard deviation of the training plates' log-grams: the error is counted in its multiples, so that it is
        about 1 before anything is learned, whatever the unit.
    weights : three floats
        Of dish, mass and box in the sum.
    label_smoothing : float
        Of the cross-entropy.

    Returns
    -------
    torch.Tensor, torch.Tensor
        The weighted sum, (); and (3,): cross-entropy; smooth L1 of the standardised log-grams; 1 - IoU plus the mean
        distance of the four sides.
    """
    dish = F.cross_entropy(heads.scores.float(), labels, label_smoothing=label_smoothing)
    mass = F.smooth_l1_loss((heads.log_grams - grams.log()) / mass_std, torch.zeros_like(grams))
    box = (1 - box_iou(heads.boxes, boxes)).mean() + (heads.boxes - boxes).abs().mean()
    parts = torch.stack([dish, mass, box])
    return (parts * parts.new_tensor(weights)).sum(), parts.detach()
