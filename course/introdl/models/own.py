"""A network for your own classes: on published weights, and to a file and back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from introdl import paths
from introdl.data.errors import Damaged
from introdl.models.resnet import IMAGENET_MEAN, IMAGENET_STD
from introdl.models.weights import Card, build, card_of, predict, with_card

#: Endings of the files that `save` writes.
ENDING = ".safetensors"


def classifier(classes: Sequence[str], backbone: str = "base-resnet18", size: int = 128, seed: int = 0) -> nn.Module:
    """Return a network for classes of your own: a backbone with its weights, and a new head.

    Parameters
    ----------
    classes : sequence of str
        Their names, in the order of your labels.
    backbone : str
        ``"base-resnet18"``
            The course's own ResNet-18, trained on rendered plates.
        ``"imagenet"``
            ResNet-18 with torchvision's ImageNet weights; they are downloaded once (47 MB).
        ``"torchvision/NAME"``, ``"timm/NAME"``
            Any classifier that these packages offer, with their default weights, where the package is installed.
        ``""``
            ResNet-18 with random weights.
    size : int
        Height and width of the pictures that it will be given, in pixels, from 32.
    seed : int
        Of the head's random weights.

    Returns
    -------
    torch.nn.Module
        In eval mode, on the CPU. Its head is found by `head_of`; its attribute ``card`` knows the classes, the size, and the
        mean and standard deviation with which *this* backbone wants its pictures normalized.

    Raises
    ------
    ValueError
        Where the classes or the backbone's name cannot be.
    ModuleNotFoundError
        Where the backbone's package is not installed; the message says how to install it.
    DataError
        Where its weights cannot be had.
    """
    names = tuple(str(one) for one in classes)
    if isinstance(classes, str) or len(names) < 2 or len(set(names)) != len(names):
        raise ValueError(f"classes is {classes!r}; give at least two names, none twice, as in photos.classes.")
    if not isinstance(size, int) or not 32 <= size <= 1024:
        raise ValueError(f"size is {size!r}; give a whole number of pixels from 32 to 1024.")
    torch.manual_seed(seed)
    architecture, arguments, model, mean, std = _started(backbone, len(names))
    card = Card(
        name="own",
        summary=f"Names {len(names)} classes; begun from {backbone or 'random weights'}.",
        classes=names,
        size=size,
        mean=mean,
        std=std,
        architecture=architecture,
        arguments=arguments,
        dataset={},
        test={},
        training={"backbone": backbone},
        license="",
    )
    return with_card(model, card).eval()


def _started(backbone: str, classes: int):
    """Return an architecture's name and arguments, the network, and the mean and deviation of its pictures."""
    from introdl import models

    maker, _, name = backbone.partition("/")
    if maker == "torchvision" and name:
        mean, std, model = _of_torchvision(name, classes)
        return backbone, {"num_classes": classes}, model, mean, std
    if maker == "timm" and name:
        timm = _package("timm")
        if not timm.is_model(name):
            raise ValueError(f"timm has no network {name!r}. timm.list_models(pretrained=True) lists them.")
        model = timm.create_model(name, pretrained=True, num_classes=classes)
        wanted = timm.data.resolve_model_data_config(model)
        return backbone, {"num_classes": classes}, model, wanted["mean"], wanted["std"]
    arguments = {"num_classes": classes}
    if backbone == "imagenet":
        return "ResNet18", arguments, models.imagenet(classes), IMAGENET_MEAN, IMAGENET_STD
    if backbone in ("", "base-resnet18"):
        trained = models.pretrained("base-resnet18")
        model = models.ResNet18(classes)
        if backbone:
            models.load_pretrained(model, trained.state_dict())
        return "ResNet18", arguments, model, trained.card.mean, trained.card.std
    raise ValueError(
        f"There is no backbone {backbone!r}. There are 'base-resnet18' (of the course), 'imagenet', 'torchvision/NAME', "
        "'timm/NAME', and '' for random weights."
    )


def _of_torchvision(name: str, classes: int):
    torchvision = _package("torchvision")
    if name not in torchvision.models.list_models(module=torchvision.models):
        raise ValueError(f"torchvision has no classifier {name!r}. torchvision.models.list_models() lists them.")
    weights = torchvision.models.get_model_weights(name).DEFAULT
    wanted = weights.transforms()
    model = torchvision.models.get_model(name, weights=weights)
    replace_head(model, classes)
    return tuple(wanted.mean), tuple(wanted.std), model


def _package(name: str):
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{name} is not installed here. Install it with: pip install {name}. Without it, take backbone='imagenet' or "
            "backbone='base-resnet18'."
        ) from error


def head_of(model: nn.Module) -> tuple[str, nn.Linear]:
    """Return the name of a network's last dense layer, and the layer: what makes scores of features.

    Raises
    ------
    ValueError
        Where it has no dense layer.
    """
    found = [(name, one) for name, one in model.named_modules() if isinstance(one, nn.Linear)]
    if not found:
        raise ValueError(f"{type(model).__name__} has no dense layer (nn.Linear) that could be its head.")
    return found[-1]


def replace_head(model: nn.Module, classes: int) -> None:
    """Put a new, untrained head for so many classes in the place of a network's last dense layer."""
    name, old = head_of(model)
    parent, _, last = name.rpartition(".")
    setattr(model.get_submodule(parent), last, nn.Linear(old.in_features, classes, bias=old.bias is not None))


def measured(model: nn.Module, photos, part: str = "val") -> Card:
    """Measure a network on a part of photographs: its accuracy, and where its doubt begins.

    Parameters
    ----------
    model : torch.nn.Module
        With a card, as `classifier` returns it.
    photos : introdl.data.Dataset
        With the classes of the card.
    part : str
        Which part. The limit of doubt is to be set on validation pictures, never on test ones.

    Returns
    -------
    Card
        The model's card, with ``test`` filled in: ``part``, ``accuracy``, its ``standard_error``, ``pictures``; and
        ``doubt``: 1 minus the largest probability is above it for one validation picture in twenty.
    """
    from introdl.mealomi.novelty import choose_limit

    card = card_of(model)
    if tuple(photos.classes) != card.classes:
        raise ValueError("The photographs have other classes than the network's card.")
    looked = photos.split(part)
    probabilities = predict(model, looked.images)
    right = float(np.mean(probabilities.argmax(axis=1) == looked.labels))
    doubt = choose_limit(1 - probabilities.max(axis=1))
    error = (right * (1 - right) / len(looked)) ** 0.5
    found = {
        "part": part,
        "accuracy": round(right, 4),
        "standard_error": round(error, 4),
        "pictures": len(looked),
        "doubt": doubt,
    }
    dataset = {"name": photos.name, "pictures": {one: int(np.sum(photos.splits == one)) for one in photos.parts}}
    return dataclasses.replace(card, test=found, dataset=dataset)


def save(model: nn.Module, path: str | Path) -> Path:
    """Write a network to one file: its weights, and its card, from which `load` builds it again.

    Parameters
    ----------
    model : torch.nn.Module
        With a card, as `classifier` returns it.
    path : str or pathlib.Path
        Ends in ``.safetensors``, or gets that ending. A file that is there is replaced, whole or not at all.

    Returns
    -------
    pathlib.Path
        Where it lies.

    Raises
    ------
    TypeError
        Where the model has no card.
    ValueError
        Where there is no such folder.
    """
    from safetensors.torch import save as packed

    card = card_of(model)
    path = Path(path).expanduser()
    if path.suffix != ENDING:
        path = path.with_name(path.name + ENDING)
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent}. Make it first, or give another path.")
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    about = json.dumps(dataclasses.asdict(card), ensure_ascii=False)
    paths.write_atomically(path, packed(state, {"card": about}))
    return path


def load(path: str | Path, map_location: str | torch.device = "cpu") -> nn.Module:
    """Read a network that `save` wrote; nothing in the file is executed.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    map_location : str or torch.device
        Where the network is to lie, as for `torch.load`: ``"cpu"``, ``"cuda"``, ``"mps"``. It may be another device than the
        one that it was trained on.

    Returns
    -------
    torch.nn.Module
        In eval mode; its ``card`` knows classes, size and normalization.

    Raises
    ------
    FileNotFoundError
        Where there is no such file.
    Damaged
        Where it is not what `save` writes, or is cut off.
    """
    from safetensors import safe_open

    path = Path(path).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. In this notebook, paths start at {Path.cwd()}.")
    try:
        with safe_open(path, framework="pt") as file:
            told = json.loads((file.metadata() or {})["card"])
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        card = Card(**told)
        model = build(card) if "/" not in card.architecture else _empty(card)
        model.load_state_dict(state)
    except ModuleNotFoundError:
        raise
    except Exception as error:  # safetensors, torch and json raise a dozen kinds; to the reader they are one
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Damaged(
            f"{path} is not a network that models.save wrote, or is cut off ({reason}). Save it again."
        ) from error
    return with_card(model, card).to(map_location).eval()


def _empty(card: Card) -> nn.Module:
    """Build another package's network, without its published weights."""
    maker, _, name = card.architecture.partition("/")
    if maker == "timm":
        return _package("timm").create_model(name, pretrained=False, **card.arguments)
    model = _package("torchvision").models.get_model(name, weights=None)
    replace_head(model, card.arguments["num_classes"])
    return model
