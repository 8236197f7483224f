"""Has the network ever seen the like? Scores for pictures that are unlike all that it learned from.

Each score is a number for each picture: the higher, the more unusual. `introdl.verification.roc` compares them;
`choose_limit` sets the limit above which the app says that it does not know the picture.
"""

from __future__ import annotations

import numpy as np

#: The share of validation plates that may be called unusual: the limit is chosen so.
FALSE_ALARMS = 0.05


def max_softmax_score(scores: np.ndarray) -> np.ndarray:
    """Return 1 minus the largest probability: the plainest score there is.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K), before the softmax.

    Returns
    -------
    numpy.ndarray
        (N,), from 0 to 1 - 1 / K.

    References
    ----------
    D. Hendrycks and K. Gimpel, A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks,
    ICLR 2017. https://arxiv.org/abs/1610.02136
    """
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return 1 - shifted.max(axis=1) / shifted.sum(axis=1)


def energy_score(scores: np.ndarray) -> np.ndarray:
    """Return the energy, minus the logarithm of the sum of the exponentials of the scores, (N,).

    A softmax forgets how large all scores are together; the energy keeps it.

    References
    ----------
    W. Liu, X. Wang, J. Owens and Y. Li, Energy-based Out-of-distribution Detection, NeurIPS 2020.
    https://arxiv.org/abs/2010.03759
    """
    most = scores.max(axis=1)
    return -(most + np.log(np.exp(scores - most[:, None]).sum(axis=1)))


def embedding_distance(embeddings: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return each embedding's cosine distance to the nearest dish's centre: 1 minus the cosine of the angle between them.

    Parameters
    ----------
    embeddings : numpy.ndarray
        (N, D).
    centres : numpy.ndarray
        (K, D): the mean embedding of each dish.

    Returns
    -------
    numpy.ndarray
        (N,), from 0 (in the direction of a dish) to 2.
    """
    import torch

    return _distance(*(torch.tensor(np.asarray(each, np.float32)) for each in (embeddings, centres))).numpy()


def _distance(embeddings, centres):
    from torch.nn import functional as F

    return 1 - (F.normalize(embeddings) @ F.normalize(centres).T).amax(dim=1)


def unusualness(scores, embeddings, centres, limits):
    """Return the app's own score: the larger of `max_softmax_score` and `embedding_distance`, each divided by its limit.

    The one notices pictures that the network is unsure of, the other pictures that it is sure of though they point in no
    dish's direction; neither notices all. Above 1 either of them is over its limit.

    Parameters
    ----------
    scores, embeddings, centres : torch.Tensor
        (N, K), (N, D), (K, D).
    limits : torch.Tensor
        (2,): of the one and of the other.

    Returns
    -------
    torch.Tensor
        (N,).
    """
    import torch

    unsure = 1 - scores.softmax(dim=1).amax(dim=1)
    return torch.stack([unsure, _distance(embeddings, centres)], dim=1).div(limits).amax(dim=1)


def choose_limit(usual: np.ndarray, false_alarms: float = FALSE_ALARMS) -> float:
    """Return the limit that the given share of ordinary pictures exceeds; of validation pictures, never of test ones.

    Parameters
    ----------
    usual : numpy.ndarray
        (N,): scores of ordinary pictures.
    false_alarms : float
        From 0 to under 1.
    """
    if not 0 <= false_alarms < 1:
        raise ValueError(f"false_alarms is {false_alarms!r}; it should be from 0 to under 1.")
    return float(np.quantile(np.asarray(usual, float), 1 - false_alarms, method="higher"))


def choose_limits(usual: np.ndarray, false_alarms: float = FALSE_ALARMS) -> np.ndarray:
    """Return a limit for each of several scores, so that the given share of ordinary pictures exceeds at least one of them.

    Each score gets the same share of false alarms of its own; it is found by halving.

    Parameters
    ----------
    usual : numpy.ndarray
        (N, S): S scores of ordinary pictures.
    false_alarms : float
        Of all scores together, from 0 to under 1.

    Returns
    -------
    numpy.ndarray
        (S,).
    """
    usual = np.asarray(usual, float)

    def limits(share: float) -> np.ndarray:
        return np.array([choose_limit(column, share) for column in usual.T])

    low, high = 0.0, false_alarms
    for _ in range(40):
        middle = (low + high) / 2
        too_many = np.mean((usual > limits(middle)).any(axis=1)) > false_alarms
        low, high = (low, middle) if too_many else (middle, high)
    return limits(low)


def fit(model, plates, mean, std) -> None:
    """Set a `MealNet`'s centres, from the training plates, and its limits, from the validation plates.

    Parameters
    ----------
    model : introdl.models.MealNet
        Trained. The buffers ``centres`` and ``limits`` are set.
    plates : introdl.data.Dataset
        With the parts "train" and "val".
    mean, std : sequence of three floats
        By which pictures are normalised.
    """
    import torch

    from introdl.models.meal import ask

    model.eval().cpu()
    train, val = plates.split("train"), plates.split("val")
    embeddings = ask(model, train.images, mean, std)[1].numpy()
    centres = np.stack([embeddings[train.labels == k].mean(axis=0) for k in range(len(train.classes))])
    model.centres.copy_(torch.from_numpy(centres).half().float())  # as they are stored
    heads, embeddings = ask(model, val.images, mean, std)
    columns = [max_softmax_score(heads.scores.numpy()), embedding_distance(embeddings.numpy(), model.centres.numpy())]
    model.limits.copy_(torch.from_numpy(choose_limits(np.stack(columns, axis=1))))
