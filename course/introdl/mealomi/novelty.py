"""Has the network ever seen the like? Scores for pictures that are unlike all that it learned from.

Each score is a number for each picture: the higher, the more unusual. `introdl.verification.roc` compares them;
`choose_limit` sets the limit above which the app says that it does not know the picture.
"""

from __future__ import annotations

import numpy as np

#: The share of validation plates that may be called unusual: the limit is chosen so.
FALSE_ALARMS = 0.05
#: How far the training plates' correlations are shrunk towards none, so that directions that hardly occur do not decide.
_SHRINKAGE = 0.01


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


def embedding_distance(embeddings: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Return each embedding's cosine distance to the nearest dish's center: 1 minus the cosine of the angle between them.

    Parameters
    ----------
    embeddings : numpy.ndarray
        (N, D).
    centers : numpy.ndarray
        (K, D): the mean embedding of each dish.

    Returns
    -------
    numpy.ndarray
        (N,), from 0 (in the direction of a dish) to 2.
    """
    import torch
    from torch.nn import functional as F

    found, known = (F.normalize(torch.tensor(np.asarray(each, np.float32))) for each in (embeddings, centers))
    return (1 - (found @ known.T).amax(dim=1)).numpy()


def early_distance(statistics, mean, whitening):
    """Return how far statistics of the first maps lie from those of the training plates: the Mahalanobis distance.

    The distance is counted in standard deviations, along directions in which the training plates do not vary together. So
    a little more of what never changes counts for much, and much more of what changes with every plate for little.

    Parameters
    ----------
    statistics : torch.Tensor
        (N, E): as `introdl.models.MealNet.observed` returns them.
    mean : torch.Tensor
        (E,): their mean over the training plates.
    whitening : torch.Tensor
        (E, E): a matrix W so that W times its transpose is the inverse of their covariance.

    Returns
    -------
    torch.Tensor
        (N,), 0 or more.

    References
    ----------
    K. Lee, K. Lee, H. Lee and J. Shin, A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial
    Attacks, NeurIPS 2018. https://arxiv.org/abs/1807.03888 (They take such distances in several layers; we in the first two.)
    """
    return ((statistics - mean) @ whitening).norm(dim=1)


def unusualness(scores, early, limits):
    """Return the app's own score: the larger of `max_softmax_score` and `early_distance`, each divided by its limit.

    The one notices pictures that the network is unsure of. The other notices pictures that it may be sure of, though its
    first two stages have never met the like: what does not matter for a dish's name is lost on the way to the last one.
    Neither notices all. Above 1 either of them is over its limit.

    Parameters
    ----------
    scores, early : torch.Tensor
        (N, K), (N,).
    limits : torch.Tensor
        (2,): of the one and of the other.

    Returns
    -------
    torch.Tensor
        (N,).
    """
    import torch

    unsure = 1 - scores.softmax(dim=1).amax(dim=1)
    return torch.stack([unsure, early], dim=1).div(limits).amax(dim=1)


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
    """Set what a `MealNet` knows of ordinary plates: of the training plates their centers and how their first maps vary; of
    the validation plates the limits.

    Parameters
    ----------
    model : introdl.models.MealNet
        Trained. The buffers ``centers``, ``early_mean``, ``early_whitening`` and ``limits`` are set.
    plates : introdl.data.Dataset
        With the parts "train" and "val".
    mean, std : sequence of three floats
        By which pictures are normalized.
    """
    import torch

    from introdl.models.meal import ask

    model.eval().cpu()
    train, val = plates.split("train"), plates.split("val")
    _, found, statistics = ask(model, train.images, mean, std)
    embeddings = found.numpy()
    centers = np.stack([embeddings[train.labels == k].mean(axis=0) for k in range(len(train.classes))])
    stored = _whitening(statistics.numpy().astype(float))
    model.centers.copy_(torch.from_numpy(centers).half().float())  # as they are stored
    model.early_mean.copy_(statistics.mean(dim=0))
    model.early_whitening.copy_(torch.from_numpy(stored).half().float())
    heads, _, statistics = ask(model, val.images, mean, std)
    early = early_distance(statistics, model.early_mean, model.early_whitening).numpy()
    columns = [max_softmax_score(heads.scores.numpy()), early]
    model.limits.copy_(torch.from_numpy(choose_limits(np.stack(columns, axis=1))))


def _whitening(statistics: np.ndarray) -> np.ndarray:
    """Return W, (E, E), so that W times its transpose is the inverse of the covariance of (N, E) statistics, shrunk."""
    spread = statistics.std(axis=0)
    # A channel that is silent on all plates has no spread of its own.
    spread = np.maximum(spread, 0.01 * max(np.median(spread), 1e-6))
    standard = (statistics - statistics.mean(axis=0)) / spread
    correlation = (1 - _SHRINKAGE) * standard.T @ standard / len(standard) + _SHRINKAGE * np.eye(len(spread))
    return np.linalg.cholesky(np.linalg.inv(correlation)) / spread[:, None]
