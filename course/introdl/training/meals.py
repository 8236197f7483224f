"""Train a `MealNet`: three tasks at once, by the same engine as networks that name the dish alone."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from introdl.models.meal import MealNet, box_iou, meal_loss
from introdl.training.augmentation import augment, draw, move_boxes, normalise
from introdl.training.board import board
from introdl.training.checkpoints import load_checkpoint, save_checkpoint
from introdl.training.devices import choose_device
from introdl.training.errors import TrainingError
from introdl.training.history import History
from introdl.training.loop import average, look_at_loss
from introdl.training.optimisation import one_cycle
from introdl.training.run import Run, begin
from introdl.training.settings import Settings

#: How much dish, mass and box count in the loss, and in the choice of the best epoch.
WEIGHTS = (1.0, 0.5, 1.0)


class _DishAlone(nn.Module):
    """A `MealNet` that looks like a network for dishes, so that the engine's set-up can look it over."""

    def __init__(self, net: MealNet):
        super().__init__()
        self.net = net

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x).scores


def train_meals(
    model: MealNet,
    pictures,
    validation,
    settings: Settings | None = None,
    *,
    device: str | None = None,
    checkpoint: str | Path | None = None,
    quiet: bool = False,
) -> History:
    """Train a `MealNet` on dish, grams and box, and leave it with the weights that did best on the validation pictures.

    Parameters
    ----------
    model : MealNet
        Its ``mass_mean`` and ``mass_std`` are set from the training pictures.
    pictures, validation : introdl.data.Dataset
        With grams and boxes.
    settings : Settings, optional
        Every number that the result depends on. Pictures are mirrored, turned, shifted, scaled, and their boxes with them.
    device : str, optional
        By default the best there is. One process alone.
    checkpoint : path, optional
        Written after every epoch. Where it is there already, the run goes on from it.
    quiet : bool
        Show nothing.

    Returns
    -------
    History
        Beside the usual columns, ``val_mass`` is the mean absolute error of log-grams in standard deviations, and ``val_iou``
        the boxes' mean intersection over union. The best epoch is that of the least weighted sum of the three losses.

    Raises
    ------
    TrainingError
        Where it cannot begin or go on; the message says why and what to change.
    """
    settings = settings or Settings()
    for part in (pictures, validation):
        if part.grams is None or part.boxes is None or not (part.grams > 0).all():
            raise TrainingError(f"{part.name} needs grams (over 0) and a box for each picture.")
    logs = np.log(pictures.grams)
    model.mass_mean.fill_(float(logs.mean()))
    model.mass_std.fill_(float(logs.std()) or 1.0)
    run = begin(_DishAlone(model), pictures, settings, choose_device(device), None)
    if run.processes > 1:
        raise TrainingError("train_meals runs in one process. Start it without torchrun.")
    targets, held_out = (
        _targets(pictures, run.device),
        (_images(validation, run.device), _targets(validation, run.device)),
    )
    if checkpoint and Path(checkpoint).exists():
        load_checkpoint(checkpoint, run)
    least = min((row["val_loss"] for row in run.history.rows), default=float("inf"))
    with board(settings.epochs, settings.epochs * run.steps, quiet) as (tick, tell):
        try:
            while len(run.history.rows) < settings.epochs:
                row = _epoch(run, targets, tick) | _evaluated(run, *held_out)
                run.history.rows.append(row)
                if row["val_loss"] < least:
                    least, run.history.best_epoch = row["val_loss"], row["epoch"]
                    run.best = {name: value.detach().clone() for name, value in run.averaged.state_dict().items()}
                if checkpoint:
                    save_checkpoint(checkpoint, run)
                tell(run.history)
        except KeyboardInterrupt:
            run.history.stopped = f"interrupted in epoch {len(run.history.rows) + 1} of {settings.epochs}"
    if run.best:
        run.model.load_state_dict(run.best)
    return run.history


def _images(pictures, device: torch.device) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(pictures.images)).to(device)


def _targets(pictures, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return labels, grams, and boxes as shares of the picture."""
    height, width = pictures.images.shape[1:3]
    shares = pictures.boxes / np.array([width, height, width, height], np.float32)
    return tuple(torch.tensor(each).to(device) for each in (pictures.labels, pictures.grams, shares))


def _loss(run: Run, heads, targets) -> tuple[torch.Tensor, torch.Tensor]:
    return meal_loss(heads, *targets, run.model.net.mass_std, WEIGHTS, run.settings.label_smoothing)


def _epoch(run: Run, targets, tick) -> dict:
    """Go through the pictures once, in a new order; return the epoch's row."""
    settings, how, begun = run.settings, run.settings.augment, time.perf_counter()
    done = len(run.history.rows) * run.steps
    order = torch.randperm(len(run.images), generator=run.generator, device=run.device)
    sums = torch.zeros(5, device=run.device)
    run.model.train()
    for step in range(run.steps):
        factor = one_cycle(done + step, settings.epochs * run.steps, settings.warmup)
        for group in run.optimizer.param_groups:
            group["lr"] = group["highest_lr"] * factor
        own = order[step * run.batch : (step + 1) * run.batch]
        labels, grams, boxes = (each[own] for each in targets)
        if how is None:
            x = normalise(run.images[own], run.mean, run.std)
        else:
            drawn = draw(len(own), how, run.generator)
            x = augment(run.images[own], drawn, how, run.mean, run.std)
            boxes = move_boxes(boxes, drawn["affine"])
        with torch.autocast(run.device.type, torch.bfloat16, enabled=run.dtype == torch.bfloat16):
            maps = run.model.net.stages(x)
        heads = run.model.net.heads(maps.float())
        loss, parts = _loss(run, heads, (labels, grams, boxes))
        loss.backward()
        run.optimizer.step()
        run.optimizer.zero_grad()
        if run.ema is not None:
            average(run, done + step)
        right = (heads.scores.argmax(dim=1) == labels).float().mean()
        sums += torch.stack([loss.detach(), right, *parts])
        if step % 8 == 0 or step == run.steps - 1:
            look_at_loss(run, loss.item(), step)
            tick(done + step + 1)
    loss, accuracy, dish, mass, box = (sums / run.steps).tolist()
    seconds = time.perf_counter() - begun
    return {
        "epoch": len(run.history.rows) + 1,
        "lr": run.optimizer.param_groups[0]["lr"],
        "train_loss": loss,
        "train_accuracy": accuracy,
        "train_parts": [dish, mass, box],
        "seconds": seconds,
        "images_per_second": run.steps * run.batch / seconds,
    }


@torch.inference_mode()
def _evaluated(run: Run, images: torch.Tensor, targets) -> dict:
    """Return what the averaged network does on held-out pictures, in float32."""
    net = run.averaged.net.eval()
    sums = torch.zeros(4, device=run.device)
    for start in range(0, len(images), 256):
        labels, grams, boxes = (each[start : start + 256] for each in targets)
        heads = net(normalise(images[start : start + 256], run.mean, run.std))
        sums += torch.stack(
            [
                F.cross_entropy(heads.scores, labels, reduction="sum"),
                (heads.scores.argmax(dim=1) == labels).sum(),
                ((heads.log_grams - grams.log()) / net.mass_std).abs().sum(),
                box_iou(heads.boxes, boxes).sum(),
            ]
        )
    dish, accuracy, mass, iou = (sums / len(images)).tolist()
    loss = float(np.dot(WEIGHTS, (dish, mass, 1 - iou)))
    return {"val_loss": loss, "val_accuracy": accuracy, "val_dish": dish, "val_mass": mass, "val_iou": iou}
