"""What every loader returns: pictures, labels, and whatever else is known of each picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np

#: The parts that a dataset may have, in the order in which they are told.
SPLITS = ("train", "val", "test")


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Pictures with their labels; N of them, all of one size.

    Attributes
    ----------
    name : str
        Which dataset this is, as in ``"plates"``.
    images : numpy.ndarray
        uint8, (N, height, width, 3): red, green and blue from 0 to 255. Gray pictures (`digits`, `mnist`) have three
        equal channels; ``images[..., 0]`` is their gray. Large ones are memory-mapped: a picture is read from the disk
        when you look at it. You may write into it; the file on the disk stays as it is.
    labels : numpy.ndarray
        int64, (N,): the position of each picture's class in `classes`.
    classes : tuple of str
        The classes' names.
    splits : numpy.ndarray
        str, (N,): ``"train"``, ``"val"`` or ``"test"`` for each picture.
    files : numpy.ndarray or None
        str, (N,): each picture's name in its archive.
    grams : numpy.ndarray or None
        float32, (N,): the food's mass in grams.
    kcal : numpy.ndarray or None
        float32, (N,): the food's energy in kilocalories.
    boxes : numpy.ndarray or None
        float32, (N, 4): x0, y0, x1, y1 of the food in pixels of `images`; x to the right, y down, x1 and y1 just
        outside.
    details : dict of str to numpy.ndarray
        Whatever else is known of each picture, (N,) each.
    license : str
        Under which license the pictures are.
    citation : str
        What to cite.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    splits: np.ndarray
    files: np.ndarray | None = None
    grams: np.ndarray | None = None
    kcal: np.ndarray | None = None
    boxes: np.ndarray | None = None
    details: dict[str, np.ndarray] = field(default_factory=dict)
    license: str = ""
    citation: str = ""

    def __post_init__(self) -> None:
        count = len(self.images)
        if self.images.dtype != np.uint8 or self.images.ndim != 4 or self.images.shape[3] != 3:
            raise ValueError(
                f"images are {self.images.dtype} {self.images.shape}; they should be uint8 (N, height, width, 3)."
            )
        if self.labels.dtype != np.int64 or self.labels.shape != (count,):
            raise ValueError(f"labels are {self.labels.dtype} {self.labels.shape}; they should be int64 ({count},).")
        if count and not (self.labels.min() >= 0 and self.labels.max() < len(self.classes)):
            raise ValueError(f"labels should run from 0 to {len(self.classes) - 1}, one for each class.")
        for name, values in self._columns().items():
            shape = (count, 4) if name == "boxes" else (count,)
            if values.shape != shape:
                raise ValueError(f"{name} has the shape {values.shape}; it should be {shape}.")

    def _columns(self) -> dict[str, np.ndarray]:
        """What has one entry for each picture, by its name; images and labels left out."""
        known = {
            "splits": self.splits,
            "files": self.files,
            "grams": self.grams,
            "kcal": self.kcal,
            "boxes": self.boxes,
        }
        return {name: values for name, values in known.items() if values is not None} | self.details

    def __len__(self) -> int:
        return len(self.images)

    def subset(self, indices) -> Dataset:
        """Return the pictures at `indices`, in that order, as a dataset of their own.

        Parameters
        ----------
        indices : sequence of int, boolean mask of shape (N,), or slice
            Which. Neighbors in their order are not copied.

        Returns
        -------
        Dataset
            With the same classes.

        Examples
        --------
        >>> import numpy as np
        >>> from introdl import data
        >>> digits = data.digits()
        >>> len(digits.subset(digits.labels == 7)) == int(np.sum(digits.labels == 7))
        True
        """
        chosen = self._where(indices)
        columns: dict[str, Any] = {name: values[chosen] for name, values in self._columns().items()}
        details = {name: columns.pop(name) for name in self.details}
        return replace(self, images=self.images[chosen], labels=self.labels[chosen], details=details, **columns)

    def split(self, name: str) -> Dataset:
        """Return one part: ``"train"``, ``"val"`` or ``"test"``.

        Raises
        ------
        ValueError
            Where the dataset has no such part; the message names those that it has (see also `hold_out`).
        """
        if name not in self.parts:
            has = ", ".join(repr(part) for part in self.parts)
            more = " hold_out() makes a 'val' of some of the training pictures." if name == "val" else ""
            raise ValueError(f"{self.name} has no part {name!r}; it has {has}.{more}")
        return self.subset(self.splits == name)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that there are, as in ``("train", "val", "test")``."""
        found = set(np.unique(self.splits).tolist())
        return tuple(part for part in SPLITS if part in found)

    def only(self, classes: Sequence[str]) -> Dataset:
        """Return the pictures of some classes; labels are renumbered in the order of `classes`.

        Parameters
        ----------
        classes : sequence of str
            At least one name out of `classes`, none twice.

        Raises
        ------
        ValueError
            Where a name is not a class.
        """
        chosen = chosen_classes(classes, self.classes, self.name)
        renumbered = np.full(len(self.classes), -1, dtype=np.int64)
        renumbered[[self.classes.index(name) for name in chosen]] = np.arange(len(chosen))
        kept = np.flatnonzero(renumbered[self.labels] >= 0)
        part = self.subset(kept)
        # The class number changes with the names: both at once, so that they never disagree.
        return replace(part, labels=renumbered[part.labels], classes=chosen)

    def hold_out(self, fraction: float = 0.2, seed: int = 0) -> Dataset:
        """Make a part ``"val"`` of some of the training pictures, the same share of each class.

        Parameters
        ----------
        fraction : float
            Which share of the training pictures, over 0 and under 1.
        seed : int
            Which of them.

        Returns
        -------
        Dataset
            The same pictures in the same order, with other `splits`.
        """
        if not 0 < fraction < 1:
            raise ValueError(f"fraction is {fraction!r}; it should be over 0 and under 1.")
        if "val" in self.parts:
            raise ValueError(f"{self.name} has a part 'val' already.")
        rng = np.random.default_rng(seed)
        splits = self.splits.copy()
        for label in range(len(self.classes)):
            own = np.flatnonzero((self.splits == "train") & (self.labels == label))
            splits[rng.permutation(own)[: round(fraction * len(own))]] = "val"
        return replace(self, splits=splits)

    def counts(self) -> dict[str, int]:
        """Return how many pictures each class has, by its name."""
        return dict(zip(self.classes, np.bincount(self.labels, minlength=len(self.classes)).tolist(), strict=True))

    def _where(self, indices) -> slice | np.ndarray:
        if isinstance(indices, slice):
            return indices
        chosen = np.asarray(indices)
        if chosen.dtype == bool:
            if chosen.shape != (len(self),):
                raise ValueError(f"The mask has the shape {chosen.shape}; it should be ({len(self)},).")
            chosen = np.flatnonzero(chosen)
        if chosen.size == 0:
            return slice(0, 0)
        if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer):
            raise ValueError("Give indices as a list of whole numbers, a mask of True and False, or a slice.")
        if chosen.min() < -len(self) or chosen.max() >= len(self):
            raise IndexError(f"An index is out of range: {self.name} has {len(self):,} pictures.")
        if chosen[0] >= 0 and np.array_equal(chosen, np.arange(chosen[0], chosen[0] + len(chosen))):
            return slice(int(chosen[0]), int(chosen[0]) + len(chosen))
        return chosen

    def __repr__(self) -> str:
        height, width = self.images.shape[1:3]
        shown = ", ".join(self.classes[:6]) + (", ..." if len(self.classes) > 6 else "")
        parts = ", ".join(f"{part} {int(np.sum(self.splits == part)):,}" for part in self.parts)
        text = f"{self.name}: {len(self):,} pictures of {height} x {width}, {len(self.classes)} classes ({shown})"
        known = [
            f.name for f in fields(self) if f.name in ("grams", "kcal", "boxes") and getattr(self, f.name) is not None
        ]
        return text + (f"; {parts}" if parts else "") + (f"; with {', '.join(known)}" if known else "")

    def _repr_html_(self) -> str:
        from introdl.data.showing import strip

        return strip(self)


def chosen_classes(classes: Sequence[str], known: Sequence[str], name: str) -> tuple[str, ...]:
    """Look over a choice of classes.

    Parameters
    ----------
    classes : sequence of str
        What was asked for.
    known : sequence of str
        What there is.
    name : str
        The dataset's name, for the message.

    Raises
    ------
    ValueError
        Where one is not known (the message names the nearest that is), or stands there twice, or none does.
    """
    if isinstance(classes, str):
        raise ValueError(f"classes is the text {classes!r}; give a list, as in [{classes!r}].")
    chosen = tuple(classes)
    if not chosen or len(set(chosen)) != len(chosen):
        raise ValueError("classes should name at least one class, and none twice.")
    for word in chosen:
        if word not in known:
            from difflib import get_close_matches

            near = get_close_matches(str(word), known, n=3, cutoff=0.5)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(known)}."
            raise ValueError(f"{name} has no class {word!r}. {hint}")
    return chosen
