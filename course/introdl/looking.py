"""Instruments to look into a network with: feature maps, occlusion, saliency, Grad-CAM, activation maximisation.

Chapter 10 has you write most of them. These are the course's own, in batches. They leave a model as it was: no hooks, no
gradients, the mode that it had.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class Normalise(nn.Module):
    """The first step of a network that takes pictures in [0, 1]: subtract a mean, divide by a standard deviation.

    Parameters
    ----------
    mean, std : sequence of 3 floats
        Of red, green and blue.
    """

    def __init__(self, mean, std):
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalise pictures (N, 3, H, W)."""
        return (x - self.mean) / self.std


def as_pictures(images: np.ndarray) -> torch.Tensor:
    """Turn images as they are stored, uint8 (N, H, W, 3), into what a network takes: float32 (N, 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards each part in the mode that it had."""
    before = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def feature_maps(model: nn.Module, layer: str, x: torch.Tensor) -> torch.Tensor:
    """Return what a layer gives for some pictures.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    layer : str
        The layer's name, as in ``"stages.2"``.
    x : torch.Tensor
        Pictures, (N, C, H, W).

    Returns
    -------
    torch.Tensor
        (N, channels, h, w), without a graph.
    """
    found = []
    handle = model.get_submodule(layer).register_forward_hook(lambda _part, _given, result: found.append(result))
    try:
        with _evaluating(model), torch.no_grad():
            model(x)
    finally:
        handle.remove()
    return found[0]


def occlusion_map(
    model: nn.Module, x: torch.Tensor, target: int, size: int, stride: int, value: float, batch: int = 64
) -> torch.Tensor:
    """Return how much a class's score falls when a square of the picture is covered.

    Parameters
    ----------
    model : torch.nn.Module
        Gives scores (N, K).
    x : torch.Tensor
        One picture, (1, C, H, W).
    target : int
        The class.
    size, stride : int
        Side of the square, and how far it moves, in pixels.
    value : float
        What it is filled with.
    batch : int
        So many covered pictures at once.

    Returns
    -------
    torch.Tensor
        ((H - size) // stride + 1, (W - size) // stride + 1): the score without the square minus the score with it.

    References
    ----------
    M. Zeiler and R. Fergus, Visualizing and Understanding Convolutional Networks, 2013. https://arxiv.org/abs/1311.2901
    """
    height, width = x.shape[2:]
    rows, columns = range(0, height - size + 1, stride), range(0, width - size + 1, stride)
    covered = x.repeat(len(rows) * len(columns), 1, 1, 1)
    places = [(top, left) for top in rows for left in columns]
    for picture, (top, left) in zip(covered, places, strict=True):
        picture[:, top : top + size, left : left + size] = value
    with _evaluating(model), torch.no_grad():
        scores = torch.cat([model(some)[:, target] for some in covered.split(batch)])
        return (model(x)[0, target] - scores).view(len(rows), len(columns))


def saliency(model: nn.Module, x: torch.Tensor, target) -> torch.Tensor:
    """Return how strongly each pixel moves a class's score.

    Parameters
    ----------
    model : torch.nn.Module
        Gives scores (N, K).
    x : torch.Tensor
        Pictures, (N, C, H, W).
    target : int or sequence of int
        The class, or one for each picture.

    Returns
    -------
    torch.Tensor
        (N, H, W): the largest magnitude, over the channels, of the score's gradient.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman, Deep Inside Convolutional Networks, 2013. https://arxiv.org/abs/1312.6034
    """
    x = x.detach().clone().requires_grad_()
    with _evaluating(model), torch.enable_grad():
        (slope,) = torch.autograd.grad(_scores(model(x), target).sum(), x)
    return slope.abs().amax(dim=1)


def grad_cam(model: nn.Module, layer: str, x: torch.Tensor, target) -> torch.Tensor:
    """Return where in the picture a layer finds evidence for a class.

    Parameters
    ----------
    model : torch.nn.Module
        Gives scores (N, K).
    layer : str
        A convolutional layer's name, as in ``"stages.4"``.
    x : torch.Tensor
        Pictures, (N, C, H, W).
    target : int or sequence of int
        The class, or one for each picture.

    Returns
    -------
    torch.Tensor
        (N, H, W): the layer's maps, added with the mean slopes of the score as weights; what is negative becomes 0;
        enlarged to the picture's size.

    References
    ----------
    R. Selvaraju et al., Grad-CAM, 2017. https://arxiv.org/abs/1610.02391
    """
    found = []
    handle = model.get_submodule(layer).register_forward_hook(lambda _part, _given, result: found.append(result))
    try:
        with _evaluating(model), torch.enable_grad():
            score = _scores(model(x), target).sum()
            (slope,) = torch.autograd.grad(score, found[0])
    finally:
        handle.remove()
    weights = slope.mean(dim=(2, 3), keepdim=True)
    coarse = (weights * found[0].detach()).sum(dim=1, keepdim=True).relu()
    return F.interpolate(coarse, size=x.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def _scores(scores: torch.Tensor, target) -> torch.Tensor:
    wanted = torch.as_tensor(target).expand(len(scores)) if np.ndim(target) == 0 else torch.as_tensor(target)
    return scores[torch.arange(len(scores)), wanted]


def maximise_activation(
    model: nn.Module,
    unit: int,
    shape: tuple[int, int, int],
    steps: int,
    rng: np.random.Generator,
    rate: float = 0.05,
    jitter: int = 0,
    blur: float = 0.0,
    pull: float = 0.0,
) -> torch.Tensor:
    """Look for a picture that makes a unit as active as possible, by gradient ascent from noise.

    Parameters
    ----------
    model : torch.nn.Module
        Gives (N, K) for pictures in [0, 1].
    unit : int
        Which of the K.
    shape : tuple of 3 ints
        Of the picture: channels, height, width.
    steps : int
        How many.
    rng : numpy.random.Generator
        Of the first picture and of the jitter.
    rate : float
        Length of a step: the root mean square of what is added to a pixel.
    jitter : int
        Before each step the picture is shifted at random, by up to so many pixels each way, and back after it.
    blur : float
        Standard deviation, in pixels, with which the slope is smoothed: coarse structure first.
    pull : float
        Which share of the way back to grey, 0.5, each pixel goes in each step.

    Returns
    -------
    torch.Tensor
        The picture, of the given shape, in [0, 1].

    References
    ----------
    D. Erhan et al., Visualizing Higher-Layer Features of a Deep Network, 2009.
    C. Olah, A. Mordvintsev and L. Schubert, Feature Visualization, 2017. https://distill.pub/2017/feature-visualization/
    """
    x = torch.from_numpy(0.5 + 0.05 * rng.standard_normal((1, *shape))).float().clamp(0, 1)
    with _evaluating(model), torch.enable_grad():
        for _ in range(steps):
            shift = tuple(int(s) for s in rng.integers(-jitter, jitter + 1, 2)) if jitter else (0, 0)
            moved = x.roll(shift, dims=(2, 3)).requires_grad_()
            (slope,) = torch.autograd.grad(model(moved)[0, unit], moved)
            if blur:
                slope = _blurred(slope, blur)
            slope = slope.roll((-shift[0], -shift[1]), dims=(2, 3))
            x = x + rate * slope / (slope.pow(2).mean().sqrt() + 1e-8)
            x = (x + pull * (0.5 - x)).clamp(0, 1)
    return x[0].detach()


def _blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    reach = max(1, round(3 * sigma))
    bell = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / sigma) ** 2)
    bell = (bell / bell.sum()).to(x.dtype)
    channels = x.shape[1]
    x = F.conv2d(x, bell.view(1, 1, -1, 1).repeat(channels, 1, 1, 1), padding=(reach, 0), groups=channels)
    return F.conv2d(x, bell.view(1, 1, 1, -1).repeat(channels, 1, 1, 1), padding=(0, reach), groups=channels)
