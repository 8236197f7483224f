"""A plain convolutional network: the same four steps, five times over."""

from __future__ import annotations

import torch
from torch import nn


class PlainCNN(nn.Module):
    """Stages of convolution, pooling, batch normalization and ReLU; then a mean over space and a dense layer.

    Each stage halves height and width. With the widths as they stand, a picture of 64 x 64 becomes maps of 32, 16, 8, 4
    and 2 pixels, and the network has 0.76 million parameters.

    Parameters
    ----------
    num_classes : int
        How many scores come out, K.
    widths : sequence of int
        Output channels of each stage.
    batch_norm : bool
        False leaves batch normalization out; the convolutions get a bias in its place.

    Examples
    --------
    >>> PlainCNN(20)(torch.zeros(7, 3, 64, 64)).shape
    torch.Size([7, 20])
    """

    def __init__(self, num_classes: int, widths: tuple[int, ...] = (32, 64, 128, 192, 256), batch_norm: bool = True):
        super().__init__()
        channels = (3, *widths)
        self.stages = nn.Sequential(
            *(stage(before, after, batch_norm) for before, after in zip(channels[:-1], channels[1:], strict=True))
        )
        self.head = nn.Linear(channels[-1], num_classes)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Turn pictures (N, 3, H, W) into one vector each: (N, the last width)."""
        return self.stages(x).mean(dim=(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn normalized pictures (N, 3, H, W) into scores (N, K)."""
        return self.head(self.features(x))


def stage(before: int, after: int, batch_norm: bool = True) -> nn.Sequential:
    """Return one stage: (N, before, H, W) becomes (N, after, H / 2, W / 2)."""
    if not batch_norm:
        return nn.Sequential(nn.Conv2d(before, after, kernel_size=3, padding=1), nn.MaxPool2d(2), nn.ReLU())
    return nn.Sequential(
        # No bias: batch normalization has its own.
        nn.Conv2d(before, after, kernel_size=3, padding=1, bias=False),
        # Pooling comes before what is done to each number alone: there are four times fewer of them then. (ReLU may change
        # places with a maximum; batch normalization may where its factor is not negative.)
        nn.MaxPool2d(2),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )
