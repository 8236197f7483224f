"""Ask the network about a picture: dish, grams, box, and whether it has ever seen the like."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from introdl.mealomi import novelty

#: How many guesses are shown.
GUESSES = 5


@dataclass(frozen=True, eq=False)
class Meal:
    """What the network says to a picture.

    Attributes
    ----------
    dish : str
        The most probable dish.
    guesses : tuple of (str, float)
        The five most probable dishes with their probabilities, the best first.
    probabilities : numpy.ndarray
        (K,): one for each dish of the network's card; the sum is 1.
    grams : float or None
        The portion's mass; None where the network names dishes alone.
    box : tuple of float, or None
        x0, y0, x1, y1 of the food as shares of the picture's width and height, from 0 to 1; None as for `grams`.
    unusual : float
        How unlike the plates that the network knows the picture is, as a multiple of what the app lets pass: above 1 it is
        unlike them. See `introdl.mealomi.novelty`.
    embedding : numpy.ndarray
        float32, (D,): the picture as the network sees it.
    """

    dish: str
    guesses: tuple[tuple[str, float], ...]
    probabilities: np.ndarray
    grams: float | None
    box: tuple[float, float, float, float] | None
    unusual: float
    embedding: np.ndarray

    @property
    def known(self) -> bool:
        """Whether the picture looks like a plate that the network knows."""
        return self.unusual <= 1


class Looked(NamedTuple):
    """What the network says to N pictures: see `Meal`.

    ``scores`` (N, K) are what the probabilities were made of, and ``early`` (N,) is `introdl.mealomi.novelty.early_distance`.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    grams: np.ndarray
    boxes: np.ndarray
    embeddings: np.ndarray
    early: np.ndarray
    unusual: np.ndarray


class _Named(NamedTuple):
    """What a network that names dishes alone says to N pictures: see `Meal`."""

    probabilities: np.ndarray
    embeddings: np.ndarray
    unusual: np.ndarray


@functools.lru_cache(maxsize=2)
def load(name: str = "mealomi"):
    """Return the app's network, an `introdl.models.MealNet` with its card; see `introdl.models.pretrained`."""
    from introdl import models

    return models.pretrained(name)


def look(model, images: np.ndarray, batch_size: int = 256) -> Looked:
    """Ask a network about many pictures of one size.

    Parameters
    ----------
    model : introdl.models.MealNet
        With a card.
    images : numpy.ndarray
        uint8, (N, H, W, 3). Of pictures that are not square the largest square in the middle is looked at, and boxes are
        shares of that square.
    batch_size : int
        How many pictures to compute at a time.

    Returns
    -------
    Looked
        One row for each picture.
    """
    from introdl.models.meal import ask
    from introdl.models.weights import looked_at, resized

    card = model.card
    pictures = resized(looked_at(images), card.size)
    heads, embeddings, statistics = ask(model, pictures, card.mean, card.std, batch_size)
    early = novelty.early_distance(statistics, model.early_mean, model.early_whitening)
    unusual = novelty.unusualness(heads.scores, early, model.limits)
    found = (heads.scores, heads.scores.softmax(dim=1), heads.grams, heads.boxes, embeddings, early, unusual)
    return Looked(*(each.numpy() for each in found))


def names_alone(model) -> bool:
    """Whether a network has no heads for grams and boxes: one of your own, from `introdl.models.classifier`.

    Raises
    ------
    TypeError
        Where the network has no card.
    ValueError
        Where nothing was measured of it, so that it cannot doubt.
    """
    from introdl.models import MealNet
    from introdl.models.weights import card_of

    card = card_of(model)
    if isinstance(model, MealNet):
        return False
    if "doubt" not in card.test:
        raise ValueError(
            "The app has to know when this network should doubt. Train it with training.finetune(model, photos), which "
            "measures that on your validation pictures."
        )
    return True


def _named(model, images: np.ndarray) -> _Named:
    """Ask a network that names dishes alone; its embeddings are what its head is given."""
    import torch

    from introdl.models import head_of, predict

    caught: list[torch.Tensor] = []
    _, head = head_of(model)
    hook = head.register_forward_pre_hook(lambda _, given: caught.append(given[0].detach().float().cpu()))
    try:
        probabilities = predict(model, images)
    finally:
        hook.remove()
    limit = max(model.card.test["doubt"], 1e-6)
    return _Named(probabilities, torch.cat(caught).numpy(), (1 - probabilities.max(axis=1)) / limit)


def embeddings_of(model, images: np.ndarray) -> np.ndarray:
    """Return many pictures as a network sees them: float32, (N, D)."""
    return _named(model, images).embeddings if names_alone(model) else look(model, images).embeddings


def recognize(picture: np.ndarray, model=None) -> Meal:
    """Say what is on a plate.

    Parameters
    ----------
    picture : numpy.ndarray
        uint8, (H, W, 3); `introdl.data.photo` reads one from a file. Of one that is not square the largest square in the
        middle is looked at; the box is given as shares of the whole picture.
    model : introdl.models.MealNet, or a network from `introdl.models.classifier`, optional
        By default the app's. One that names dishes alone says neither grams nor box.

    Returns
    -------
    Meal
        Dish, grams, box, and how unusual the picture is.

    Raises
    ------
    ValueError
        Where it is no such picture.

    Examples
    --------
    >>> from introdl import data  # doctest: +SKIP
    >>> recognize(data.photo("lunch.jpg")).dish  # doctest: +SKIP
    'pizza'
    """
    model = model or load()
    picture = np.asarray(picture)
    if picture.ndim != 3:
        raise ValueError(f"The picture has the shape {picture.shape}; recognize takes one picture, (H, W, 3).")
    found = _named(model, picture[None]) if names_alone(model) else look(model, picture[None])
    probabilities = found.probabilities[0]
    order = np.argsort(-probabilities, kind="stable")[:GUESSES]
    guesses = tuple((model.card.classes[k], float(probabilities[k])) for k in order)
    best = guesses[0][0], guesses, probabilities
    unusual, embedding = float(found.unusual[0]), found.embeddings[0]
    if isinstance(found, _Named):
        return Meal(*best, None, None, unusual, embedding)
    height, width = picture.shape[:2]
    side = min(height, width)
    left, top = (width - side) // 2, (height - side) // 2
    x0, y0, x1, y1 = (float(value) * side for value in found.boxes[0])
    box = ((left + x0) / width, (top + y0) / height, (left + x1) / width, (top + y1) / height)
    return Meal(*best, float(found.grams[0]), box, unusual, embedding)
