"""What to eat next: like what you liked, healthier first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

#: Two pictures with a cosine similarity above this are the same picture.
SAME = 0.9999


@dataclass(frozen=True)
class Suggestion:
    """One recommendation.

    Attributes
    ----------
    index : int
        Which of the candidates.
    dish : str
        Its dish.
    similarity : float
        Its cosine similarity to the liked meal that is most like it, from -1 to 1.
    because : int
        Which of the liked meals that is.
    letter : str
        Its Nutri-Score, per 100 g.
    points : int
        The Nutri-Score's points: the lower, the better.
    """

    index: int
    dish: str
    similarity: float
    because: int
    letter: str
    points: int


def recommend(
    liked: np.ndarray,
    embeddings: np.ndarray,
    dishes: Sequence[str],
    k: int = 3,
    *,
    just_eaten: Collection[str] = (),
    seen: Collection[int] = (),
    near: int = 8,
) -> list[Suggestion]:
    """Recommend dishes: out of those most like what was liked, the healthiest first.

    Of each dish the candidate that is most like a liked meal stands for it. The `near` dishes with the highest similarity are
    kept, and ordered by their Nutri-Score's points; of equals the more similar one comes first.

    Parameters
    ----------
    liked : numpy.ndarray
        (M, D): embeddings of meals that were liked, M at least 1.
    embeddings : numpy.ndarray
        (N, D): of the candidates.
    dishes : sequence of str
        (N,): the candidates' dishes, out of the nutrition table.
    k : int
        How many to recommend, at most.
    just_eaten : collection of str
        Dishes that are never recommended.
    seen : collection of int
        Candidates that are never recommended. A candidate whose embedding is a liked one's is left out anyway.
    near : int
        How many dishes count as like what was liked.

    Returns
    -------
    list of Suggestion
        At most `k`, each of another dish; fewer where there are not so many.

    Raises
    ------
    ValueError
        Where the shapes do not fit, or nothing was liked.
    """
    from introdl.mealomi.nutriscore import of_dish

    liked, embeddings = np.asarray(liked, float), np.asarray(embeddings, float)
    if liked.ndim != 2 or not len(liked):
        raise ValueError(f"liked has the shape {liked.shape}; it should be (M, D), with at least one meal.")
    if embeddings.ndim != 2 or embeddings.shape[1] != liked.shape[1] or len(dishes) != len(embeddings):
        raise ValueError(
            f"embeddings have the shape {embeddings.shape} for {len(dishes)} dishes, and liked has {liked.shape}; they should "
            "be (N, D), N dishes, and (M, D)."
        )
    if k < 1 or near < 1:
        raise ValueError(f"k is {k} and near is {near}; both should be at least 1.")
    cosines = unit(embeddings) @ unit(liked).T
    similarity, because = cosines.max(axis=1), cosines.argmax(axis=1)
    allowed = similarity < SAME
    allowed[list(seen)] = False
    best: dict[str, int] = {}
    for index in np.argsort(-similarity, kind="stable"):
        if allowed[index] and dishes[index] not in just_eaten:
            best.setdefault(dishes[index], int(index))
    found = []
    for dish, index in list(best.items())[:near]:
        score = of_dish(dish)
        found.append(Suggestion(index, dish, float(similarity[index]), int(because[index]), score.letter, score.score))
    return sorted(found, key=lambda one: (one.points, -one.similarity))[:k]


def most_alike(embeddings: np.ndarray, liked: Sequence[int], k: int) -> list[int]:
    """Return the `k` rows of (N, D) embeddings with the highest mean cosine to the liked rows, which are left out."""
    directions = unit(embeddings)
    fit = directions @ directions[list(liked)].mean(axis=0)
    return [int(row) for row in np.argsort(-fit, kind="stable") if row not in liked][:k]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors (N, D), each divided by its length; a vector of zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
