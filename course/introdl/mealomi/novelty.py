"""Has the network ever seen the like? Scores for pictures that are unlike all that it learned from.

Each score is a number for each picture: the higher, the more unusual. `auroc` compares them; `choose_limit` sets the limit
above which the app says that it does not know the picture.
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


def embedding_distance(embeddings: np.ndarray, centres: np.ndarray, whitening: np.ndarray) -> np.ndarray:
    """Return each embedding's Mahalanobis distance to the nearest dish's centre.

    Parameters
    ----------
    embeddings : numpy.ndarray
        (N, D).
    centres : numpy.ndarray
        (K, D): the mean embedding of each dish.
    whitening : numpy.ndarray
        (D, D): what embeddings are multiplied by so that, about their centres, every direction has the same spread.

    Returns
    -------
    numpy.ndarray
        (N,), at least 0.

    References
    ----------
    K. Lee, K. Lee, H. Lee and J. Shin, A Simple Unified Framework for Detecting Out-of-Distribution Samples and Adversarial
    Attacks, NeurIPS 2018. https://arxiv.org/abs/1807.03888
    """
    import torch

    return distance(*(torch.tensor(np.asarray(each, np.float32)) for each in (embeddings, centres, whitening))).numpy()


def distance(embeddings, centres, whitening):
    """`embedding_distance`, of torch tensors."""
    import torch

    return torch.cdist(embeddings @ whitening, centres @ whitening).amin(dim=1)


def whiten(embeddings: np.ndarray, labels: np.ndarray, shrink: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Return the centres of the classes, and the matrix that makes the spread about them round.

    Parameters
    ----------
    embeddings : numpy.ndarray
        (N, D), of ordinary plates.
    labels : numpy.ndarray
        int, (N,), each class from 0 to K - 1 at least once.
    shrink : float
        Which share of the covariance is replaced by its mean variance in every direction; without it, directions with
        hardly any spread would decide everything.

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        (K, D) and (D, D).
    """
    embeddings = np.asarray(embeddings, float)
    centres = np.stack([embeddings[labels == k].mean(axis=0) for k in range(int(labels.max()) + 1)])
    around = embeddings - centres[labels]
    covariance = around.T @ around / len(around)
    mean = np.trace(covariance) / len(covariance)
    values, vectors = np.linalg.eigh((1 - shrink) * covariance + shrink * mean * np.eye(len(covariance)))
    return centres, vectors @ np.diag(values**-0.5) @ vectors.T


def auroc(usual: np.ndarray, unusual: np.ndarray) -> float:
    """Return the area under the ROC curve: how often an unusual picture has the higher score of a pair.

    Parameters
    ----------
    usual, unusual : numpy.ndarray
        (N,) and (M,): the scores of ordinary and of other pictures. A tie counts as a half.

    Returns
    -------
    float
        1 where every unusual picture stands above every usual one; 0.5 is a coin.

    Examples
    --------
    >>> auroc([1, 2, 3], [2.5, 4])  # five of six pairs
    0.8333333333333334
    """
    usual, unusual = np.sort(np.asarray(usual, float)), np.asarray(unusual, float)
    if not len(usual) or not len(unusual):
        raise ValueError("auroc needs at least one score of either kind.")
    below = np.searchsorted(usual, unusual, "left") + np.searchsorted(usual, unusual, "right")
    return float(below.mean() / 2 / len(usual))


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


def fit(model, plates, mean, std) -> None:
    """Set a `MealNet`'s centres, whitening and limit: the first two from the training plates, the limit from the others'.

    Parameters
    ----------
    model : introdl.models.MealNet
        Trained. The buffers ``centres``, ``whitening`` and ``limit`` are set.
    plates : introdl.data.Dataset
        With the parts "train" and "val".
    mean, std : sequence of three floats
        By which pictures are normalised.
    """
    import torch

    from introdl.training import normalise

    def embeddings(part) -> np.ndarray:
        with torch.inference_mode():
            batches = np.array_split(np.asarray(part.images), max(1, len(part) // 256))
            made = [model.embed(normalise(torch.from_numpy(np.ascontiguousarray(each)), mean, std)) for each in batches]
            return torch.cat(made).float().numpy()

    model.eval().cpu()
    train, val = plates.split("train"), plates.split("val")
    centres, whitening = whiten(embeddings(train), train.labels)
    # As they are stored: in half precision.
    centres, whitening = (np.asarray(each, np.float16).astype(np.float32) for each in (centres, whitening))
    model.centres.copy_(torch.from_numpy(centres))
    model.whitening.copy_(torch.from_numpy(whitening))
    model.limit.fill_(choose_limit(embedding_distance(embeddings(val), centres, whitening)))
