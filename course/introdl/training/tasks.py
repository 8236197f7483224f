"""What a network learns from pictures: which truth belongs to them, what the loss is, and which epoch was the best."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch
from torch.nn import functional as F

from introdl.training.errors import TrainingError


class Task(Protocol):
    """What `introdl.training.train` asks about a task; `Classification` and `Meals` are the two that there are.

    A batch's truth is a tuple of tensors, *targets*, each with one row per picture; the labels come first. What is
    measured comes as a dict of sums over a batch, with ``loss`` and ``accuracy`` first; the loop divides them by the number
    of pictures and writes them to the history as ``train_loss``, ``val_loss`` and so on.
    """

    def targets(self, pictures) -> tuple[np.ndarray, ...]:
        """Return the truth about pictures; raise a `TrainingError` where it is missing or does not fit."""

    def prepare(self, model: Any, targets: tuple[torch.Tensor, ...]) -> None:
        """Tell a network what it has to know of the training pictures before its first step."""

    def moved(self, targets: tuple[torch.Tensor, ...], drawn: dict[str, torch.Tensor]) -> tuple[torch.Tensor, ...]:
        """Return the truth about pictures that `augment` changed by what `draw` drew."""

    def scores(self, output) -> torch.Tensor:
        """Return the scores (N, K) in what a network gives for N pictures."""

    def loss(self, model: Any, output, targets, label_smoothing: float) -> tuple[torch.Tensor, dict]:
        """Return a batch's mean loss, and the sums over it that a training epoch records."""

    def measure(self, model: Any, output, targets) -> dict[str, torch.Tensor]:
        """Return the sums over a batch that the evaluation of an epoch records."""

    def merit(self, row: dict) -> tuple[float, ...]:
        """Return how good an epoch with validation was: the larger, the better."""


class Classification:
    """Name what is on a picture: cross-entropy; the best epoch has the most right, and of equals the least loss."""

    def targets(self, pictures) -> tuple[np.ndarray, ...]:
        """Return the labels, int64 (N,)."""
        labels, count = np.asarray(pictures.labels), len(pictures.images)
        if labels.shape != (count,) or not np.issubdtype(labels.dtype, np.integer):
            raise TrainingError(f"labels are {labels.dtype} {labels.shape}; they should be whole numbers, ({count},).")
        return (labels.astype(np.int64),)

    def prepare(self, model, targets) -> None:
        """A network for labels has nothing to be told."""

    def moved(self, targets, drawn):
        """Return the targets: labels stay, however a picture is changed."""
        return targets

    def scores(self, output) -> torch.Tensor:
        """Return the output: it is the scores."""
        return output

    def loss(self, model, output, targets, label_smoothing: float) -> tuple[torch.Tensor, dict]:
        """Return the cross-entropy, its sum, and how many pictures were named right."""
        (labels,) = targets
        loss = F.cross_entropy(output.float(), labels, label_smoothing=label_smoothing)
        return loss, {"loss": loss.detach() * len(labels), "accuracy": (output.argmax(dim=1) == labels).sum()}

    def measure(self, model, output, targets) -> dict[str, torch.Tensor]:
        """Return the sum of the cross-entropy, without smoothing, and how many pictures were named right."""
        (labels,) = targets
        scores = output.float()
        loss = F.cross_entropy(scores, labels, reduction="sum")
        return {"loss": loss, "accuracy": (scores.argmax(dim=1) == labels).sum()}

    def merit(self, row: dict) -> tuple[float, ...]:
        """Return accuracy, then the loss with its sign turned."""
        return row["val_accuracy"], -row["val_loss"]
