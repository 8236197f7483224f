"""More than one plate: a window slides over a table, overlapping boxes are thinned out, and average precision judges what is left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from introdl.models import box_iou


class Detections(NamedTuple):
    """What a network finds in one picture: N boxes (N, 4) in pixels, their scores (N,), and their labels (N,)."""

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def only(self, rows) -> Detections:
        """Return those in `rows`, indices or a mask."""
        return Detections(self.boxes[rows], self.scores[rows], self.labels[rows])


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the intersection over union of each box (N, 4) with each other box (M, 4): (N, M)."""
    rows, columns = np.asarray(boxes, float).reshape(-1, 1, 4), np.asarray(others, float).reshape(1, -1, 4)
    return box_iou(torch.from_numpy(rows), torch.from_numpy(columns)).numpy()


def thinned(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Return which boxes non-maximum suppression keeps, the one of the highest score first.

    Parameters
    ----------
    boxes : numpy.ndarray
        (N, 4): x0, y0, x1, y1.
    scores : numpy.ndarray
        (N,).
    threshold : float
        A box whose IoU with a kept one exceeds it is suppressed.

    Returns
    -------
    numpy.ndarray
        int64: indices.
    """
    over = overlaps(boxes, boxes) > threshold
    kept: list[int] = []
    for i in np.argsort(-np.asarray(scores), kind="stable"):
        if not over[i, kept].any():
            kept.append(int(i))
    return np.array(kept, dtype=np.int64)


def table(images: np.ndarray, boxes: np.ndarray, columns: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Lay pictures of plates side by side, as one picture of a table.

    Parameters
    ----------
    images : numpy.ndarray
        uint8, (N, H, W, 3), N a multiple of `columns`.
    boxes : numpy.ndarray
        (N, 4) in pixels of each picture.
    columns : int
        How many stand in a row.

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        uint8, (rows * H, columns * W, 3); and the boxes in its pixels.
    """
    n, height, width, _ = images.shape
    whole = images.reshape(n // columns, columns, height, width, 3).swapaxes(1, 2)
    corners = np.array([(i % columns * width, i // columns * height) for i in range(n)], float)
    return whole.reshape(n // columns * height, columns * width, 3), boxes + np.tile(corners, 2)


def slide(model, pictures: np.ndarray, stride: int) -> list[Detections]:
    """Ask a network about every window of each picture: a detection for each window.

    Parameters
    ----------
    model : introdl.models.MealNet
        With a card, which says how large a window is.
    pictures : numpy.ndarray
        uint8, (N, H, W, 3).
    stride : int
        How many pixels a window is from the next.

    Returns
    -------
    list of Detections
        One for each picture; a detection's score is its largest probability.
    """
    from introdl.mealomi.recognition import look

    side = model.card.size
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (side, side), axis=(1, 2))[:, ::stride, ::stride]
    n, rows, columns = windows.shape[:3]
    found = look(model, windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, side, side, 3))
    corner = stride * np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)
    boxes = found.boxes.reshape(n, -1, 4) * side + np.tile(corner, 2)
    scores, labels = found.probabilities.max(axis=1), found.probabilities.argmax(axis=1)
    return [Detections(*each) for each in zip(boxes, scores.reshape(n, -1), labels.reshape(n, -1), strict=True)]


def hits(found: list[Detections], true_boxes, true_labels, label: int, iou: float = 0.5) -> tuple[np.ndarray, int]:
    """Match the detections of one class, the highest score of all pictures first, with true boxes of that class.

    Parameters
    ----------
    found : list of Detections
        For each picture.
    true_boxes, true_labels : list of numpy.ndarray
        For each picture (M, 4) and (M,).
    label : int
        The class.
    iou : float
        From which overlap on a detection is a hit. A true box can be hit once.

    Returns
    -------
    numpy.ndarray, int
        bool: whether each detection is a hit, in the order of falling scores; and how many true boxes there are.
    """
    every = [(-d.scores[i], picture, i) for picture, d in enumerate(found) for i in np.flatnonzero(d.labels == label)]
    free = [boxes[labels == label] for boxes, labels in zip(true_boxes, true_labels, strict=True)]
    there, hit = sum(map(len, free)), []
    for _, picture, i in sorted(every):
        overlap = overlaps(found[picture].boxes[i], free[picture])[0]
        hit.append(bool(len(overlap)) and overlap.max() >= iou)
        if hit[-1]:
            free[picture] = np.delete(free[picture], overlap.argmax(), axis=0)
    return np.array(hit, dtype=bool), there


def average_precision(hit: np.ndarray, there: int) -> float:
    """Return the mean of the precisions at each hit, from 0 to 1; a thing that is not found counts as 0.

    Parameters
    ----------
    hit : numpy.ndarray
        bool, (N,): whether each detection is a hit, by falling score.
    there : int
        How many things there are to be found.
    """
    precision = np.cumsum(hit) / np.arange(1, len(hit) + 1)
    return float(precision[hit].sum() / there)
