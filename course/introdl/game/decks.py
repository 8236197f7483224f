"""What is played with: pictures that the network has not been trained on, and what it says to each of them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from introdl import paths

if TYPE_CHECKING:
    from introdl.data import Dataset


class Deck:
    """Pictures with their dishes, and a network's probabilities for each.

    Parameters
    ----------
    pictures : introdl.data.Dataset
        N pictures of K dishes, none of which the network was trained on. They need file names.
    predict : callable
        Takes uint8 pictures (N, H, W, 3) and returns probabilities (N, K), in the order of ``pictures.classes``.
    key : str, optional
        What tells this network from every other, as its weights' checksum. With a key the probabilities are kept in the
        cache folder, and computed only once.

    Raises
    ------
    ValueError
        Where there is no picture, or the pictures have no file names.
    """

    def __init__(self, pictures: Dataset, predict: Callable[[np.ndarray], np.ndarray], key: str = ""):
        if not len(pictures):
            raise ValueError("There is no picture to play with.")
        if pictures.files is None or len(set(pictures.files.tolist())) < len(pictures):
            raise ValueError("The pictures need file names, each its own: the game remembers a picture by its name.")
        self.pictures, self._predict, self._key = pictures, predict, key
        self.files: list[str] = pictures.files.tolist()

    @property
    def classes(self) -> tuple[str, ...]:
        """The dishes' names, in the order of the labels."""
        return self.pictures.classes

    @cached_property
    def key(self) -> str:
        """A checksum of the network's key and of all pictures."""
        digest = hashlib.sha256(repr((self._key, self.classes, self.files)).encode())
        digest.update(np.ascontiguousarray(self.pictures.images).data)
        return digest.hexdigest()[:24]

    @cached_property
    def probabilities(self) -> np.ndarray:
        """What the network says: float, (N, K), each row's sum is 1.

        Raises
        ------
        ValueError
            Where `predict` returns something else.
        """
        path = paths.cache() / "game" / f"{self.key}.npy"
        shape = (len(self.pictures), len(self.classes))
        if self._key:
            try:
                kept = np.load(path, allow_pickle=False)
                if kept.shape == shape and np.isfinite(kept).all():
                    return kept
            except (OSError, ValueError, EOFError):
                pass  # not there yet, or damaged: computed again
        found = np.asarray(self._predict(np.asarray(self.pictures.images)))
        if found.shape != shape or not np.isfinite(found).all() or not np.allclose(found.sum(axis=1), 1, atol=1e-3):
            raise ValueError(
                f"predict returned an array of shape {found.shape}; it should return probabilities of shape {shape}, a "
                "row for each picture, each row with the sum 1."
            )
        if self._key:
            buffer = io.BytesIO()
            np.save(buffer, found)
            try:
                paths.write_atomically(path, buffer.getvalue())
            except OSError:
                pass  # a cache that cannot be written costs time, nothing else
        return found

    @cached_property
    def guesses(self) -> np.ndarray:
        """The network's guesses, best first: int64, (N, K)."""
        return np.argsort(-self.probabilities, axis=1, kind="stable").astype(np.int64)

    @cached_property
    def ranks(self) -> np.ndarray:
        """At which of the network's guesses the right dish stands, 1 for the first: int64, (N,)."""
        return 1 + (self.guesses == self.pictures.labels[:, None]).argmax(axis=1)

    @cached_property
    def misses(self) -> np.ndarray:
        """The pictures that the network's first guess misses, the worst first: int64 indices.

        The worse one is where the right dish stands further down the list; of two alike, where it has less probability.
        """
        own = self.probabilities[np.arange(len(self.pictures)), self.pictures.labels]
        missed = np.flatnonzero(self.ranks > 1)
        return missed[np.lexsort((missed, own[missed], -self.ranks[missed]))]

    def draw(self, course: str, number: int, rounds: int = 7, seed: int = 0) -> list[int]:
        """Choose a game's pictures.

        Parameters
        ----------
        course : "normal" or "hard"
            Normal: drawn at random from all pictures. Hard: from `misses`, in their order; game 1 has the worst, game 2
            the next ones, and after the last it begins again.
        number : int
            Which game, from 1.
        rounds : int
            How many pictures; fewer where there are not so many.
        seed : int
            Which random draw.

        Returns
        -------
        list of int
            Indices of pictures, none twice. Empty where the network misses nothing and the course is hard.

        Raises
        ------
        ValueError
            Where `course` is neither, or `number` or `rounds` is under 1.
        """
        if number < 1 or rounds < 1:
            raise ValueError(f"number is {number} and rounds is {rounds}; both begin at 1.")
        if course == "normal":
            order = np.random.default_rng([seed, number]).permutation(len(self.pictures))
            return order[:rounds].tolist()
        if course != "hard":
            raise ValueError(f"course is {course!r}; it should be 'normal' or 'hard'.")
        count = len(self.misses)
        if not count:
            return []
        places_in_order = (np.arange(min(rounds, count)) + (number - 1) * rounds) % count
        return self.misses[places_in_order].tolist()


def deck(name: str = "plates") -> Deck:
    """Return the course's own test pictures, with what one of its networks says to each.

    Parameters
    ----------
    name : str
        The network's name; see `introdl.models.available`.

    Returns
    -------
    Deck
        Of the dishes that the network knows. The first call asks the network about every picture, some seconds; the
        answers are kept.
    """
    from introdl import data, models

    network: Any = models.pretrained(name)
    pictures = data.plates(dishes=network.card.classes).split("test")
    return Deck(pictures, lambda images: models.predict(network, images), network.card.sha256)
