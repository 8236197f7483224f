"""Change pictures a little, a whole batch at once, on the device that they are on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from introdl.models.inputs import normalize as normalize


@dataclass(frozen=True)
class Augment:
    """How much pictures are changed; each picture draws its own numbers, evenly between the bounds.

    Attributes
    ----------
    flip : bool
        Whether half of the pictures are mirrored, left to right.
    rotate : float
        Degrees, to either side.
    shift : float
        Share of the width and of the height, to either side.
    scale : float
        By which share a picture is made larger or smaller.
    color : float
        By which share brightness, saturation, and each of red, green and blue change.
    cutout : float
        Side of a square that is blanked out, as a share of the picture's; 0 for none.
    """

    flip: bool = True
    rotate: float = 15.0
    shift: float = 0.1
    scale: float = 0.2
    color: float = 0.2
    cutout: float = 0.3


def draw(n: int, how: Augment, generator: torch.Generator) -> dict[str, torch.Tensor]:
    """Draw the numbers by which `augment` changes `n` pictures.

    Parameters
    ----------
    n : int
        How many pictures.
    how : Augment
        The bounds.
    generator : torch.Generator
        Where the numbers come from; they lie on its device.

    Returns
    -------
    dict of str to torch.Tensor
        ``affine`` (n, 2, 3): for each place of the new picture the place in the old one, both from -1 to 1;
        ``color`` (n, 3, 3): what red, green and blue are multiplied by; ``center`` (n, 2): row and column of the
        blanked square, from 0 to 1.
    """

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(n, *shape, generator=generator, device=generator.device) * 2 - 1

    angle, size = uniform() * (how.rotate * torch.pi / 180), 1 + how.scale * uniform()
    mirror = torch.where(uniform() < 0, -1.0, 1.0) if how.flip else torch.ones_like(angle)
    cos, sin, shift = angle.cos() / size, angle.sin() / size, 2 * how.shift * uniform(2)
    affine = torch.stack([cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]], dim=1).view(n, 2, 3)

    # Saturation moves each color away from the picture's gray, or towards it.
    saturation = 1 + how.color * uniform(1, 1)
    gray, own = torch.full((3, 3), 1 / 3, device=angle.device), torch.eye(3, device=angle.device)
    gains = (1 + how.color * uniform(1, 1)) * (1 + how.color / 2 * uniform(1, 3))
    color = (saturation * own + (1 - saturation) * gray) * gains
    return {"affine": affine, "color": color, "center": (uniform(2) + 1) / 2}


def augment(images: torch.Tensor, drawn: dict[str, torch.Tensor], how: Augment, mean, std) -> torch.Tensor:
    """Change pictures by numbers that `draw` drew, and normalize them.

    Parameters
    ----------
    images : torch.Tensor
        uint8, (N, H, W, 3).
    drawn : dict of str to torch.Tensor
        One row for each picture.
    how : Augment
        The size of the blanked square.
    mean, std : sequence of three floats
        Of red, green and blue in [0, 1].

    Returns
    -------
    torch.Tensor
        float32, (N, 3, H, W), channels-last in memory.
    """
    n, height, width, _ = images.shape
    mean, std = (torch.as_tensor(each, dtype=torch.float32, device=images.device) for each in (mean, std))
    x = images.permute(0, 3, 1, 2).float()
    grid = F.affine_grid(drawn["affine"], list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False).permute(0, 2, 3, 1)
    # (x / 255 @ color - mean) / std, in one product for each picture.
    x = torch.baddbmm((-mean / std).expand(n, 1, 3), x.reshape(n, -1, 3), drawn["color"] / (255 * std))
    x = x.view(n, height, width, 3).permute(0, 3, 1, 2)
    if how.cutout:
        x = x * outside_of_square(drawn["center"], how.cutout, height, width)
    return x


def move_boxes(boxes: torch.Tensor, affine: torch.Tensor, edge: float = 0.5 / 128) -> torch.Tensor:
    """Move boxes along with the pictures that `augment` changes.

    Mirrored, shifted and scaled, a box stays a box, and comes out exact. Where a picture is turned, the new box is the one
    around the turned ellipse that fills the old box: food is rounder than its box, and the box around the turned box would
    be too large. Where food runs out of the picture, it goes on in what is mirrored in at the edge; so does its box.

    Parameters
    ----------
    boxes : torch.Tensor
        (N, 4): x0, y0, x1, y1 as shares of the picture, from 0 to 1.
    affine : torch.Tensor
        (N, 2, 3), as `draw` gives it.
    edge : float
        A side this near to the picture's edge runs out of it.

    Returns
    -------
    torch.Tensor
        (N, 4), cut off at the new picture's edges.
    """
    boxes = boxes * 2 - 1  # from -1 to 1, as `affine` has it
    inverse = torch.linalg.inv(affine[:, :, :2])
    center, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2
    center = torch.einsum("nij,nj->ni", inverse, center - affine[:, :, 2])
    half = (inverse.square() * half[:, None].square()).sum(dim=2).sqrt()
    beyond = half.new_tensor(9.0)
    low = torch.where(boxes[:, :2] <= 2 * edge - 1, beyond, half)
    high = torch.where(boxes[:, 2:] >= 1 - 2 * edge, beyond, half)
    mirrored = inverse.diagonal(dim1=1, dim2=2) < 0
    low, high = torch.where(mirrored, high, low), torch.where(mirrored, low, high)
    return (torch.cat([center - low, center + high], dim=1).clamp(-1, 1) + 1) / 2


def outside_of_square(center: torch.Tensor, side: float, height: int, width: int) -> torch.Tensor:
    """Return masks (N, 1, H, W): 0 inside of a square around `center` (N, 2; from 0 to 1), 1 outside."""
    rows = (torch.arange(height, device=center.device) + 0.5) / height - center[:, :1]
    columns = (torch.arange(width, device=center.device) + 0.5) / width - center[:, 1:]
    inside = (rows.abs() < side / 2)[:, :, None] & (columns.abs() < side / 2)[:, None, :]
    return (~inside).float()[:, None]


def channel_statistics(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of red, green and blue over all pictures, in [0, 1].

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3); of the training set alone.

    Returns
    -------
    (tuple of float, tuple of float)
        Mean and standard deviation, three each. A channel without any spread has the deviation 1.
    """
    # By counting how often each of the 256 values is there: exact, and no copy in floating point.
    counts = np.stack([np.bincount(images[..., channel].reshape(-1), minlength=256) for channel in range(3)])
    values = np.arange(256) / 255
    mean = counts @ values / counts.sum(axis=1)
    variance = counts @ values**2 / counts.sum(axis=1) - mean**2
    std = np.sqrt(np.maximum(variance, 0))
    return tuple(mean.tolist()), tuple(np.where(std > 1e-6, std, 1).tolist())
