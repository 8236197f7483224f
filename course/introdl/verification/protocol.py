"""The protocol of Labeled Faces in the Wild: pairs in ten folds, a threshold from nine, an accuracy on the tenth.

References
----------
G. B. Huang, M. Ramesh, T. Berg and E. Learned-Miller, Labeled Faces in the Wild, University of Massachusetts, Amherst,
Technical Report 07-49, 2007. https://vis-www.cs.umass.edu/lfw/lfw.pdf
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of pictures, half of them of one dish.

    Attributes
    ----------
    first, second : numpy.ndarray
        int64, (P,): which two pictures.
    same : numpy.ndarray
        bool, (P,): whether both show one dish.
    folds : numpy.ndarray
        int64, (P,): in which fold each pair is, from 0. No picture is in two folds.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    folds: np.ndarray

    def __len__(self) -> int:
        return len(self.same)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the protocol measured.

    Attributes
    ----------
    accuracies : numpy.ndarray
        (F,): of each fold, by the threshold of the others.
    thresholds : numpy.ndarray
        (F,): those thresholds.
    """

    accuracies: np.ndarray
    thresholds: np.ndarray

    @property
    def mean(self) -> float:
        """The mean of the folds' accuracies, from 0 to 1."""
        return float(self.accuracies.mean())

    @property
    def standard_error(self) -> float:
        """The standard error of that mean: the folds' sample deviation over the square root of their number."""
        return float(self.accuracies.std(ddof=1) / np.sqrt(len(self.accuracies)))


def draw_pairs(labels: np.ndarray, per_fold: int = 300, folds: int = 10, seed: int = 0) -> Pairs:
    """Draw pairs of pictures: in each fold as many of one dish as of two.

    The pictures of each class are dealt out to the folds first, so that no picture is in two folds. (In Labeled Faces in the
    Wild no *person* is in two folds. With few classes that cannot be.)

    Parameters
    ----------
    labels : numpy.ndarray
        int64, (N,).
    per_fold : int
        Pairs of one dish in a fold, and so many of two dishes.
    folds : int
        How many.
    seed : int
        The same one draws the same pairs.

    Returns
    -------
    Pairs
        ``2 * per_fold * folds`` of them, none twice.

    Raises
    ------
    ValueError
        Where there are too few pictures for so many pairs.
    """
    rng = np.random.default_rng(seed)
    labels = np.asarray(labels)
    dealt = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = rng.permutation(np.flatnonzero(labels == label))
        dealt[own] = np.arange(len(own)) % folds
    parts = []
    for fold in range(folds):
        members = np.flatnonzero(dealt == fold)
        upper, lower = np.triu_indices(len(members), 1)
        first, second = members[upper], members[lower]
        same = labels[first] == labels[second]
        for wanted, what in ((True, "of one class"), (False, "of two classes")):
            choice = np.flatnonzero(same == wanted)
            if len(choice) < per_fold:
                raise ValueError(
                    f"In a fold with {len(members)} pictures there are {len(choice)} pairs {what}, and {per_fold} are "
                    "wanted. Take fewer pairs, or fewer folds."
                )
            taken = rng.choice(choice, per_fold, replace=False)
            parts.append((first[taken], second[taken], np.full(per_fold, wanted), np.full(per_fold, fold)))
    return Pairs(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the cosine similarity of each row of `a` with the same row of `b`; 0 where one of them is all zeros.

    Parameters
    ----------
    a, b : numpy.ndarray
        (P, D) floats.

    Returns
    -------
    numpy.ndarray
        (P,), from -1 to 1.
    """
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.einsum("pd,pd->p", a, b) / np.where(lengths > 0, lengths, 1)


def threshold_of(similarities: np.ndarray, same: np.ndarray) -> float:
    """Return the similarity from which on "same" is said with the most right answers; of several the lowest.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,) floats.
    same : numpy.ndarray
        bool, (P,).
    """
    order = np.argsort(-similarities, kind="stable")
    ordered = similarities[order]
    right = np.cumsum(np.where(same[order], 1, -1))
    ends = np.append(ordered[1:] != ordered[:-1], True)  # pairs of one similarity are all taken, or none
    best = np.flatnonzero(ends & (right == right[ends].max()))
    return float(ordered[best[-1]])


def ten_folds(similarities: np.ndarray, pairs: Pairs) -> Outcome:
    """Measure: each fold is judged by the threshold that is best for the other folds.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,) floats: high where two pictures are alike.
    pairs : Pairs
        P of them.
    """
    accuracies, thresholds = [], []
    for fold in np.unique(pairs.folds):
        held_out = pairs.folds == fold
        thresholds.append(threshold_of(similarities[~held_out], pairs.same[~held_out]))
        accuracies.append(np.mean((similarities[held_out] >= thresholds[-1]) == pairs.same[held_out]))
    return Outcome(np.array(accuracies), np.array(thresholds))


def roc(similarities: np.ndarray, same: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return false and true positive rates at every threshold, from the strictest on.

    Any score will do in the place of similarities, and any truth that is yes or no.

    Parameters
    ----------
    similarities : numpy.ndarray
        (P,) floats.
    same : numpy.ndarray
        bool, (P,), with both values.

    Returns
    -------
    (numpy.ndarray, numpy.ndarray, numpy.ndarray)
        Share of the pairs of two dishes and of those of one that are called "same", and the thresholds (the first one is
        infinite: nothing is called "same"); each (T + 1,) for T different similarities.

    Raises
    ------
    ValueError
        Where all pairs are "same", or none is: a rate of nothing is no number.
    """
    if np.all(same) or not np.any(same):
        raise ValueError("A ROC curve needs pairs of both kinds; here all are of one. Take more pairs.")
    order = np.argsort(-similarities, kind="stable")
    ordered, hits = similarities[order], same[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    true = np.cumsum(hits)[ends] / hits.sum()
    false = np.cumsum(~hits)[ends] / (~hits).sum()
    return np.append(0.0, false), np.append(0.0, true), np.append(np.inf, ordered[ends])


def area_under(false: np.ndarray, true: np.ndarray) -> float:
    """Return the area under a ROC curve: the chance that a pair of one dish is more alike than a pair of two.

    Parameters
    ----------
    false, true : numpy.ndarray
        (T + 1,): false and true positive rates from 0 to 1, as from `roc`. Of pairs that are equally alike half count.

    Returns
    -------
    float
        1 where every pair of one dish is more alike than every pair of two; 0.5 is a coin.
    """
    return float(np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2))


def true_rate_at(false: np.ndarray, true: np.ndarray, limit: float) -> float:
    """Return the highest true positive rate whose false positive rate is at most `limit`.

    Parameters
    ----------
    false, true : numpy.ndarray
        (T + 1,): false and true positive rates from 0 to 1, as from `roc`.
    limit : float
        From 0 to 1.
    """
    return float(true[false <= limit].max())
