"""ResNet-18, with the names that published weights have."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from introdl.data.errors import Damaged

#: Mean and standard deviation of ImageNet's red, green and blue in [0, 1], as the published weights expect them.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class BasicBlock(nn.Module):
    """Two convolutions, and a way around them: ``relu(f(x) + x)``.

    Where `f` changes the shape, ``x`` is brought to it by a 1 x 1 convolution (``downsample``).

    Parameters
    ----------
    before, after : int
        Channels that go in and come out.
    stride : int
        Of the first convolution: 2 halves height and width.
    """

    def __init__(self, before: int, after: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample = None
        if stride != 1 or before != after:
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn (N, before, H, W) into (N, after, H / stride, W / stride)."""
        around = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + around)


class ResNet18(nn.Module):
    """ResNet-18: a stem, four layers of two `BasicBlock` each, a mean over space, a dense layer.

    Its parameters have the names and shapes of torchvision's ``resnet18``, so published weights load by name. With 1,000
    classes there are 11,689,512 of them.

    Parameters
    ----------
    num_classes : int
        How many scores come out, K.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, Deep Residual Learning for Image Recognition, CVPR 2016.
    https://arxiv.org/abs/1512.03385
    """

    def __init__(self, num_classes: int = 1000):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(BasicBlock(64, 64), BasicBlock(64, 64))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, stride=2), BasicBlock(128, 128))
        self.layer3 = nn.Sequential(BasicBlock(128, 256, stride=2), BasicBlock(256, 256))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, stride=2), BasicBlock(512, 512))
        self.fc = nn.Linear(512, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Turn normalized pictures (N, 3, H, W) into one vector each: (N, 512)."""
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean(dim=(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Turn normalized pictures (N, 3, H, W) into scores (N, K)."""
        return self.fc(self.features(x))


def imagenet(num_classes: int = 1000, patience=None) -> ResNet18:
    """Return a ResNet-18 trained on ImageNet, with the weights that torchvision publishes.

    They are downloaded at the first call (47 MB) to the folder that ``introdl data where imagenet_resnet18`` names.

    Parameters
    ----------
    num_classes : int
        1,000 keeps the published head. Any other number gives a new, untrained one.
    patience : introdl.data.download.Patience, optional
        How long to keep trying.

    Returns
    -------
    ResNet18
        In eval mode, on the CPU. It expects pictures in [0, 1], normalized by `IMAGENET_MEAN` and `IMAGENET_STD`.

    Raises
    ------
    DataError
        Where the weights cannot be had; the message says why and what to do.
    """
    from introdl.data import download, sources

    source = sources.find("imagenet_resnet18")
    path = download.fetch(source.files[0], download.folder(source), patience)
    model = ResNet18(num_classes)
    load_pretrained(model, read_state(path))
    return model.eval()


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict that torch saved (``.pth``); nothing in the file is executed.

    Raises
    ------
    Damaged
        Where it cannot be read, or is no state dict.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in state.items()):
            raise ValueError("it holds other things than tensors")
    except Exception as error:  # torch and pickle raise a dozen kinds; to the reader they are one
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise Damaged(f"{path} cannot be read as weights ({reason}). Delete it and get it again.") from error
    return state


def load_pretrained(model: nn.Module, state: dict[str, torch.Tensor], head: str = "fc") -> list[str]:
    """Load weights by name; the head only where it fits, everything else without exception.

    Parameters
    ----------
    model : torch.nn.Module
        Its parameters and buffers are overwritten.
    state : dict of str to torch.Tensor
        The weights.
    head : str
        The name of the last layer, which another number of classes changes.

    Returns
    -------
    list of str
        What kept its own values: the head's names, or nothing.

    Raises
    ------
    ValueError
        Where a name or a shape outside of the head does not fit; the message names the first.
    """
    own = model.state_dict()
    fits = all(name in state and state[name].shape == value.shape for name, value in own.items() if _in(name, head))
    taken = {name: value for name, value in state.items() if fits or not _in(name, head)}
    kept = [name for name in own if not fits and _in(name, head)]
    # Weights from before PyTorch 0.4.1 lack this counter; nothing but a running mean without momentum reads it.
    needed = [name for name in own if name not in kept and not name.endswith("num_batches_tracked")]
    for name in needed:
        if name not in taken:
            raise ValueError(f"The weights have no {name!r}. Are they of another network?")
    for name, value in taken.items():
        if name not in own:
            raise ValueError(f"The network has no {name!r}, which the weights have. Are they of another network?")
        if own[name].shape != value.shape:
            raise ValueError(
                f"{name!r} has the shape {tuple(value.shape)}; the network needs {tuple(own[name].shape)}."
            )
    model.load_state_dict(taken, strict=False)
    return kept


def _in(name: str, head: str) -> bool:
    return name == head or name.startswith(f"{head}.")
