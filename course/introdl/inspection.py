"""Instruments to look into a network with: feature maps, occlusion, saliency, Grad-CAM, activation maximization.

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


class Normalize(nn.Module):
    """The first step of a network that takes pictures in [0, 1]: subtract a mean, divide by a standard deviation.

    Parameters
    ----------
    mean, std : sequence of 3 floats
        Of red, green and blue.

    Raises
    ------
    ValueError
        Where there are not three of each, or a deviation is not positive.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean, std):
        super().__init__()
        if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
            raise ValueError(f"mean and std should be three numbers each, std above 0; they are {mean} and {std}.")
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Normalize pictures (N, 3, H, W)."""
        return (x - self.mean) / self.std


def as_pictures(images: np.ndarray) -> torch.Tensor:
    """Turn images as they are stored, uint8 (N, H, W, 3), into what a network takes: float32 (N, 3, H, W) in [0, 1].

    Raises
    ------
    ValueError
        Where they are something else.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise ValueError(
            f"Images should be uint8 (N, H, W, 3); these are {images.dtype} {images.shape}. One image alone is images[:1]."
        )
    return torch.from_numpy(np.ascontiguousarray(images)).permute(0, 3, 1, 2).float() / 255


def _layer(model: nn.Module, name: str) -> nn.Module:
    """Return a network's layer by its name, or say which names there are."""
    known = dict(model.named_modules())
    if name not in known:
        names = ", ".join(repr(one) for one in list(known)[1:9])
        raise ValueError(f"The network has no layer {name!r}. It has {names}{' and more' if len(known) > 9 else ''}.")
    return known[name]


def _check_pictures(x: torch.Tensor, one: bool = False) -> None:
    if x.ndim != 4 or (one and len(x) != 1):
        wanted = "One picture, (1, C, H, W), is" if one else "Pictures of shape (N, C, H, W) are"
        raise ValueError(f"{wanted} looked at; this has the shape {tuple(x.shape)}. x[n : n + 1] is one of a batch.")


def _caught(found: list, layer: str):
    """Return what a hook has caught."""
    if not found:
        raise ValueError(f"The layer {layer!r} takes no part in the network's forward pass.")
    return found[0]


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

    Raises
    ------
    ValueError
        Where there is no such layer, or it takes no part, or the pictures have another shape.
    """
    _check_pictures(x)
    found = []
    handle = _layer(model, layer).register_forward_hook(lambda _part, _given, result: found.append(result))
    try:
        with _evaluating(model), torch.no_grad():
            model(x)
    finally:
        handle.remove()
    return _caught(found, layer)


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

    Raises
    ------
    ValueError
        Where there is not one picture, or the square does not fit into it, or there is no such class.

    References
    ----------
    M. Zeiler and R. Fergus, Visualizing and Understanding Convolutional Networks, 2013. https://arxiv.org/abs/1311.2901
    """
    _check_pictures(x, one=True)
    height, width = x.shape[2:]
    if not 1 <= size <= min(height, width) or stride < 1:
        raise ValueError(
            f"A square of 1 to {min(height, width)} pixels fits into {height} x {width}, and moves by 1 or more; "
            f"size is {size}, stride {stride}."
        )
    rows, columns = range(0, height - size + 1, stride), range(0, width - size + 1, stride)
    covered = x.repeat(len(rows) * len(columns), 1, 1, 1)
    places = [(top, left) for top in rows for left in columns]
    for picture, (top, left) in zip(covered, places, strict=True):
        picture[:, top : top + size, left : left + size] = value
    with _evaluating(model), torch.no_grad():
        whole = _scores(model(x), target)
        scores = torch.cat([model(some)[:, target] for some in covered.split(batch)])
        return (whole - scores).view(len(rows), len(columns))


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

    Raises
    ------
    ValueError
        Where the pictures have another shape, or there is no such class.

    References
    ----------
    K. Simonyan, A. Vedaldi and A. Zisserman, Deep Inside Convolutional Networks, 2013. https://arxiv.org/abs/1312.6034
    """
    _check_pictures(x)
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

    Raises
    ------
    ValueError
        Where there is no such layer, or it takes no part, or gives no maps; where the pictures have another shape, or there is no
        such class.

    References
    ----------
    R. Selvaraju et al., Grad-CAM, 2017. https://arxiv.org/abs/1610.02391
    """
    _check_pictures(x)
    x = x.detach().clone().requires_grad_()  # so that there are slopes where the weights are frozen
    found = []
    handle = _layer(model, layer).register_forward_hook(lambda _part, _given, result: found.append(result))
    try:
        with _evaluating(model), torch.enable_grad():
            score = _scores(model(x), target).sum()
            maps = _caught(found, layer)
            if maps.ndim != 4:
                raise ValueError(
                    f"Grad-CAM needs a layer's maps, (N, C, h, w); {layer!r} gives {tuple(maps.shape)}. Take one before it."
                )
            (slope,) = torch.autograd.grad(score, maps)
    finally:
        handle.remove()
    weights = slope.mean(dim=(2, 3), keepdim=True)
    coarse = (weights * maps.detach()).sum(dim=1, keepdim=True).relu()
    return F.interpolate(coarse, size=x.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def _scores(scores: torch.Tensor, target) -> torch.Tensor:
    """Return each picture's score for its class; `target` is one class for all, or one for each."""
    wanted = torch.as_tensor(target).expand(len(scores)) if np.ndim(target) == 0 else torch.as_tensor(target)
    if wanted.shape != scores.shape[:1]:
        raise ValueError(
            f"target should be one class, or one for each of {len(scores)} pictures; its shape is {tuple(wanted.shape)}."
        )
    if len(wanted) and not (int(wanted.min()) >= 0 and int(wanted.max()) < scores.shape[1]):
        raise ValueError(f"Classes are 0 to {scores.shape[1] - 1}; asked for is {target}.")
    return scores[torch.arange(len(scores)), wanted]


def maximize_activation(
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
        Which share of the way back to gray, 0.5, each pixel goes in each step.

    Returns
    -------
    torch.Tensor
        The picture, of the given shape, in [0, 1].

    Raises
    ------
    ValueError
        Where the network has no such unit, or the shape is not three numbers, or steps, jitter, blur or pull are negative.

    References
    ----------
    D. Erhan et al., Visualizing Higher-Layer Features of a Deep Network, 2009.
    C. Olah, A. Mordvintsev and L. Schubert, Feature Visualization, 2017. https://distill.pub/2017/feature-visualization/
    """
    if len(shape) != 3:
        raise ValueError(f"shape should be (C, H, W), three whole numbers; it is {shape}.")
    if min(steps, jitter, blur, pull) < 0:
        raise ValueError(
            f"steps, jitter, blur and pull should be 0 or more; they are {steps}, {jitter}, {blur}, {pull}."
        )
    x = torch.from_numpy(0.5 + 0.05 * rng.standard_normal((1, *shape))).float().clamp(0, 1)
    with _evaluating(model), torch.enable_grad():
        for _ in range(steps):
            shift = tuple(int(s) for s in rng.integers(-jitter, jitter + 1, 2)) if jitter else (0, 0)
            moved = x.roll(shift, dims=(2, 3)).requires_grad_()
            (slope,) = torch.autograd.grad(_scores(model(moved), unit).sum(), moved)
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
