"""The weights that come with the course: `data/weights/NAME.safetensors`, and beside it `NAME.json`, its card."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import nn

from introdl import paths
from introdl.data.errors import Damaged
from introdl.models.inputs import normalize

_FORM = 1


@dataclass(frozen=True)
class Card:
    """What is known of a trained network (a model card, as in Mitchell et al., 2019).

    Attributes
    ----------
    name : str
        Its name, as in ``"plates"``.
    summary : str
        What it does, in a sentence.
    classes : tuple of str
        What its K scores stand for, in order.
    size : int
        Height and width of the pictures that it takes, in pixels.
    mean, std : tuple of float
        Of red, green and blue in [0, 1]; a picture is normalized as (picture / 255 - mean) / std.
    architecture : str
        The class in `introdl.models`.
    arguments : dict
        What the class is built with.
    dataset : dict
        What it was trained on: name, version, sha256, parts and how many pictures of each.
    test : dict
        ``accuracy`` and its ``standard_error`` on ``pictures`` test pictures, and what else was measured.
    training : dict
        How it was trained: every setting, the seed, and what it took.
    license : str
        Of the weights.
    sha256 : str
        Of the weights' file.

    References
    ----------
    M. Mitchell et al., Model Cards for Model Reporting, FAT* 2019. https://arxiv.org/abs/1810.03993
    """

    name: str
    summary: str
    classes: tuple[str, ...]
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    architecture: str
    arguments: dict
    dataset: dict
    test: dict
    training: dict
    license: str
    sha256: str = ""
    form: int = field(default=_FORM, repr=False)

    def __post_init__(self) -> None:
        for name in ("classes", "mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.form != _FORM:
            raise ValueError(f"it has the form {self.form}, and this version of the course reads form {_FORM}")
        if len(self.mean) != 3 or len(self.std) != 3 or not self.classes:
            raise ValueError("mean and std need three numbers each, and classes at least one name")


def weights_folder() -> Path:
    """Return the folder of the weights; it may not exist."""
    return paths.data() / "weights"


def card_of(model: nn.Module) -> Card:
    """Return a network's card.

    Raises
    ------
    TypeError
        Where it has none.
    """
    card = getattr(model, "card", None)
    if not isinstance(card, Card):
        raise TypeError(
            "The model has no card, so its classes, its input's size and normalization are not known. Use "
            "models.pretrained(name), or models.classifier(classes) for classes of your own."
        )
    return card


def with_card(model: nn.Module, card: Card) -> nn.Module:
    """Give a network its card, and return it."""
    model.card = card  # type: ignore[assignment]
    return model


def available() -> list[str]:
    """Return the names of the networks that come with the course."""
    return sorted(path.stem for path in weights_folder().glob("*.json"))


def pretrained(name: str, where: Path | None = None) -> nn.Module:
    """Return a trained network that comes with the course.

    Parameters
    ----------
    name : str
        Which; `available` lists them.
    where : pathlib.Path, optional
        Another folder to look into.

    Returns
    -------
    torch.nn.Module
        In eval mode, on the CPU, in float32; its `Card` is its attribute ``card``.

    Raises
    ------
    FileNotFoundError
        Where there is no network of that name, or its weights are missing.
    Damaged
        Where the weights or their card are not what they were published as.

    Examples
    --------
    >>> model = pretrained("plates")  # doctest: +SKIP
    >>> model.card.classes[:3]  # doctest: +SKIP
    ('pizza', 'burger', 'doughnut')
    """
    where = where or weights_folder()
    card_path, path = where / f"{name}.json", where / f"{name}.safetensors"
    if not card_path.is_file():
        known = ", ".join(sorted(each.stem for each in where.glob("*.json"))) or "none"
        raise FileNotFoundError(f"There is no network {name!r}. In {where} there are: {known}.")
    if not path.is_file():
        raise FileNotFoundError(f"The weights of {name!r} are missing: there is no {path}. Install the course again.")
    card = _read_card(card_path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.sha256:
        raise Damaged(
            f"{path} is not the file that {card_path.name} beside it describes: it was copied in part, or changed. "
            "Install the course again; in a git checkout, 'git status' shows what differs."
        )
    return _built(card, path).eval()


def predict(model: nn.Module, images: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Return a network's probabilities for pictures.

    Pictures are brought to the size and normalized as the model's card says: of a picture that is not square the largest
    square in the middle is taken.

    Parameters
    ----------
    model : torch.nn.Module
        A network with a ``card``, as `pretrained` returns it. It is asked in eval mode, and left as it was.
    images : numpy.ndarray
        uint8, (N, H, W, 3): N pictures, red, green and blue from 0 to 255.
    batch_size : int
        How many pictures go through at once.

    Returns
    -------
    numpy.ndarray
        float32, (N, K): for each picture one probability for each of ``model.card.classes``; each row's sum is 1.

    Raises
    ------
    ValueError
        Where `images` is not such an array.
    TypeError
        Where the model has no card.
    """
    card = card_of(model)
    pictures = looked_at(images)
    device = next(model.parameters()).device
    found = np.empty((len(pictures), len(card.classes)), np.float32)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            for start in range(0, len(pictures), batch_size):
                batch = torch.from_numpy(resized(pictures[start : start + batch_size], card.size)).to(device)
                scores = model(normalize(batch, card.mean, card.std))
                scores = getattr(scores, "scores", scores).float()  # of several heads, the dish's
                found[start : start + batch_size] = scores.softmax(dim=1).cpu().numpy()
    finally:
        model.train(was_training)
    return found


def publish(model: nn.Module, card: Card, where: Path | None = None) -> Card:
    """Write one of the course's networks, its weights and its card; each file is either whole or as it was.

    Weights of convolutions and dense layers are written in float16, which halves the file; what has one number for each
    channel stays float32.

    Parameters
    ----------
    model : torch.nn.Module
        Built by the class and the arguments that the card names.
    card : Card
        Its `sha256` is filled in.
    where : pathlib.Path, optional
        The folder, by default the course's own.

    Returns
    -------
    Card
        As it was written.
    """
    from safetensors.torch import save as packed

    where = where or weights_folder()
    content = packed(
        {name: _rounded(value) for name, value in model.state_dict().items()}, {"card": f"{card.name}.json"}
    )
    card = dataclasses.replace(card, sha256=hashlib.sha256(content).hexdigest())
    # The card last: until it is there, the old card and the new weights are told apart by the checksum.
    paths.write_atomically(where / f"{card.name}.safetensors", content)
    text = json.dumps(dataclasses.asdict(card), indent=1, ensure_ascii=False)
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: " ".join(found[0].split()), text)  # a list of numbers in one line
    paths.write_atomically(where / f"{card.name}.json", (text + "\n").encode())
    return card


def _rounded(value: torch.Tensor) -> torch.Tensor:
    value = value.detach().cpu().contiguous()
    return value.half() if value.is_floating_point() and value.ndim > 1 else value


def _read_card(path: Path) -> Card:
    try:
        return Card(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise Damaged(f"{path} cannot be read ({error}). Install the course again.") from error


def _built(card: Card, path: Path) -> nn.Module:
    from safetensors.torch import load_file

    try:
        model = build(card)
        state = load_file(path)
        model.load_state_dict(
            {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
        )
    except Exception as error:  # safetensors, torch and json raise a dozen kinds; to the reader they are one
        raise Damaged(
            f"{path} does not fit its card ({str(error).splitlines()[0]}). Install the course again."
        ) from error
    return with_card(model, card)


def build(card: Card) -> nn.Module:
    """Build the course's network that a card names, with random weights."""
    from introdl import models

    return getattr(models, card.architecture)(**card.arguments)


def looked_at(images: np.ndarray) -> np.ndarray:
    """Return pictures as an array, or raise a ValueError where they are not uint8 (N, H, W, 3)."""
    pictures = np.asarray(images)
    if pictures.ndim == 3 and pictures.shape[2] == 3:
        raise ValueError(
            "images is one picture; predict takes several, (N, H, W, 3). Write predict(model, picture[None])."
        )
    if pictures.ndim != 4 or pictures.shape[3] != 3 or 0 in pictures.shape[1:3]:
        hint = " Channels come last." if pictures.ndim == 4 and pictures.shape[1] == 3 else ""
        raise ValueError(f"images has the shape {pictures.shape}; it should be (N, H, W, 3).{hint}")
    if pictures.dtype != np.uint8:
        raise ValueError(f"images are {pictures.dtype}; they should be uint8 from 0 to 255.")
    return pictures


def resized(pictures: np.ndarray, size: int) -> np.ndarray:
    """Bring pictures (N, H, W, 3) to (N, size, size, 3): of each the largest square in the middle."""
    if pictures.shape[1:3] == (size, size):
        return np.ascontiguousarray(pictures)
    from PIL import Image

    from introdl.data.photographs import square

    return np.stack([square(Image.fromarray(picture), size) for picture in pictures])
