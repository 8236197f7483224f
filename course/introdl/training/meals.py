"""The task of a `MealNet`: name the dish, weigh it and draw its box, all at once."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional as F

from introdl.models.meal import MealHeads, MealNet, box_iou, meal_loss
from introdl.training.augmentation import move_boxes
from introdl.training.errors import TrainingError
from introdl.training.tasks import Classification

#: How much dish, mass and box count in the loss, and in the choice of the best epoch.
WEIGHTS = (1.0, 0.5, 1.0)


class Meals(Classification):
    """Dish, grams and box: `meal_loss`; the best epoch has the least weighted sum of the three errors.

    The history has further columns. ``train_dish``, ``train_mass`` and ``train_box`` are the loss's three parts.
    ``val_dish`` is the cross-entropy, ``val_mass`` the mean absolute error of log-grams in standard deviations, ``val_iou``
    the boxes' mean intersection over union, and ``val_loss`` the weighted sum of the first, the second and 1 - IoU.
    """

    def targets(self, pictures) -> tuple[np.ndarray, ...]:
        """Return labels (N,), grams (N,), and boxes (N, 4) as shares of the picture."""
        grams, boxes = pictures.grams, pictures.boxes
        if grams is None or boxes is None or not (grams > 0).all():
            raise TrainingError(f"{pictures.name} needs grams (over 0) and a box for each picture.")
        height, width = pictures.images.shape[1:3]
        return *super().targets(pictures), grams, boxes / np.array([width, height, width, height], np.float32)

    def prepare(self, model: MealNet, targets) -> None:
        """Set the network's ``mass_mean`` and ``mass_std`` to those of the training pictures' log-grams."""
        logs = np.log(targets[1].cpu().numpy())
        model.mass_mean.fill_(float(logs.mean()))
        model.mass_std.fill_(float(logs.std()) or 1.0)

    def moved(self, targets, drawn):
        """Return the targets, the boxes moved along with the pictures."""
        labels, grams, boxes = targets
        return labels, grams, move_boxes(boxes, drawn["affine"])

    def scores(self, output: MealHeads) -> torch.Tensor:
        """Return the dishes' scores."""
        return output.scores

    def loss(self, model: MealNet, output: MealHeads, targets, label_smoothing: float) -> tuple[torch.Tensor, dict]:
        """Return `meal_loss`, and the sums of it, of the right names, and of its three parts."""
        labels, grams, boxes = targets
        loss, parts = meal_loss(output, labels, grams, boxes, model.mass_std, WEIGHTS, label_smoothing)
        right = (output.scores.argmax(dim=1) == labels).sum()
        sums = {"loss": loss.detach(), "dish": parts[0], "mass": parts[1], "box": parts[2]}
        sums = {name: value * len(labels) for name, value in sums.items()}
        return loss, {"loss": sums.pop("loss"), "accuracy": right, **sums}

    def measure(self, model: MealNet, output: MealHeads, targets) -> dict[str, torch.Tensor]:
        """Return the sums of the weighted error, of the right names, and of the three errors alone."""
        labels, grams, boxes = targets
        dish = F.cross_entropy(output.scores.float(), labels, reduction="sum")
        mass = ((output.log_grams - grams.log()) / model.mass_std).abs().sum()
        iou = box_iou(output.boxes, boxes).sum()
        loss = WEIGHTS[0] * dish + WEIGHTS[1] * mass + WEIGHTS[2] * (len(labels) - iou)
        right = (output.scores.argmax(dim=1) == labels).sum()
        return {"loss": loss, "accuracy": right, "dish": dish, "mass": mass, "iou": iou}

    def merit(self, row: dict) -> tuple[float, ...]:
        """Return the weighted error with its sign turned; an epoch without a finite one is worse than any other."""
        return (-row["val_loss"] if math.isfinite(row["val_loss"]) else -math.inf,)
