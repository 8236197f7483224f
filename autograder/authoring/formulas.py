"""Right formulas in NumPy, from which several chapters make oracles and known mistakes.

Pictures are (N, C, H, W), kernels (F, C, k_h, k_w), scores (N, K) and labels int64 (N,). Results are not rounded.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def relu(z):
    """Return z where it is positive, else 0."""
    return np.maximum(z, 0.0)


def one_hot(labels, classes):
    """Return (N, classes): a row for each label, with 1 in its column."""
    return np.eye(classes)[labels]


def log_softmax(scores):
    """Return the logarithms of the probabilities (N, K); large scores do not overflow, and no logarithm of 0 is taken."""
    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(scores):
    """Return the probabilities (N, K) of each row of scores; large scores do not overflow."""
    return np.exp(log_softmax(scores))


def output_size(n, kernel, stride=1, padding=0):
    """Return how many places a kernel has along an axis of n pixels."""
    return (n + 2 * padding - kernel) // stride + 1


def windows_of(x, height, width, stride=1, padding=0, value=0.0):
    """Return all whole windows of a batch, padded with `value`: (N, C, OH, OW, height, width)."""
    edge = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(x, edge, constant_values=value)
    return sliding_window_view(padded, (height, width), axis=(2, 3))[:, :, ::stride, ::stride]


def convolution(x, w, b, stride=1, padding=0, value=0.0):
    """Return what a convolution layer makes of a batch: (N, F, OH, OW); `value` fills the padding."""
    return (
        np.einsum("ncijuv,fcuv->nfij", windows_of(x, w.shape[2], w.shape[3], stride, padding, value), w)
        + b[:, None, None]
    )
