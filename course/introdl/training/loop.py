"""The training loop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import distributed, nn
from torch.nn import functional as F

from introdl.data import progress
from introdl.training.augmentation import augment, channel_statistics, draw, normalise
from introdl.training.board import board
from introdl.training.checkpoints import load_checkpoint, save_checkpoint
from introdl.training.devices import choose_device, join_team, quick_dtype
from introdl.training.errors import Diverged, TrainingError
from introdl.training.history import History
from introdl.training.settings import Settings


@dataclass
class Run:
    """Everything that changes while a network trains, and what it depends on."""

    settings: Settings
    device: torch.device
    model: nn.Module
    ema: nn.Module | None
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    pictures: int
    mean: torch.Tensor
    std: torch.Tensor
    dtype: torch.dtype
    rank: int = 0
    processes: int = 1
    forward: nn.Module | Callable | None = None
    best: dict | None = None
    history: History = field(default_factory=History)

    @property
    def batch(self) -> int:
        """Pictures in a step, over all processes."""
        return min(self.settings.batch_size, self.pictures)

    @property
    def steps(self) -> int:
        """Steps in an epoch. What does not fill a batch waits for another epoch's order."""
        return self.pictures // self.batch

    @property
    def averaged(self) -> nn.Module:
        """The network that is evaluated and kept."""
        return self.ema or self.model

    def autocast(self) -> torch.autocast:
        """Return the context in which convolutions are computed in the run's precision."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.dtype == torch.bfloat16)


def train(
    model: nn.Module,
    pictures,
    validation=None,
    settings: Settings | None = None,
    *,
    device: str | None = None,
    checkpoint: str | Path | None = None,
    groups: list[dict] | None = None,
    on_epoch: Callable[[History], None] | None = None,
    quiet: bool = False,
) -> History:
    """Train a network, and leave it with the weights that did best on the validation pictures.

    Stop it when you like (Ctrl-C, or the notebook's stop button): the best weights so far are kept. Start it with
    ``torchrun --nproc-per-node N`` and N processes share each batch.

    Parameters
    ----------
    model : torch.nn.Module
        Takes (N, 3, H, W), gives scores (N, K). It is moved to the device.
    pictures, validation : introdl.data.Dataset, or a pair of arrays
        Images uint8 (N, H, W, 3), and labels int64 (N,). Without `validation` the last weights are kept.
    settings : Settings, optional
        Every number that the result depends on.
    device : str, optional
        By default the best there is.
    checkpoint : path, optional
        Written after every epoch. Where it is there already, the run goes on from it.
    groups : list of dict, optional
        Parameters with a learning rate of their own, as for a torch optimiser; by default `parameter_groups`.
    on_epoch : callable, optional
        Is given the history after each epoch.
    quiet : bool
        Show nothing.

    Returns
    -------
    History
        What happened, as plain data.

    Raises
    ------
    TrainingError
        Where it cannot begin or go on; the message says why and what to change.
    """
    settings = settings or Settings()
    device = choose_device(device)
    images, labels = _on_device(pictures, device)
    held_out = _on_device(validation, device) if validation is not None else None
    run = _begin(model, images, labels, settings, device, groups)
    if checkpoint and Path(checkpoint).exists():
        load_checkpoint(checkpoint, run)
    quiet = quiet or run.rank > 0
    try:
        with board(settings.epochs, settings.epochs * run.steps, quiet) as (tick, tell):
            while len(run.history.rows) < settings.epochs:
                row = _epoch(run, images, labels, tick)
                if held_out:
                    row["val_loss"], row["val_accuracy"] = _evaluated(run, *held_out)
                _keep(run, row)
                if checkpoint and run.rank == 0:
                    save_checkpoint(checkpoint, run)
                tell(run.history)
                if on_epoch:
                    on_epoch(run.history)
    except KeyboardInterrupt:
        run.history.stopped = f"interrupted in epoch {len(run.history.rows) + 1} of {settings.epochs}"
        if not quiet:
            kept = f"the weights of epoch {run.history.best_epoch}" if run.best else "the weights as they are"
            progress.say(f"Training was {run.history.stopped}; the network keeps {kept}.")
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"The GPU ran out of memory with batch_size={run.batch} and pictures of {images.shape[1]} x {images.shape[2]}. Try "
            f"batch_size={max(1, run.batch // 2)}, or smaller pictures; restart the kernel if other notebooks hold memory."
        ) from error
    if run.best:
        model.load_state_dict(run.best)
    return run.history


def _begin(model, images, labels, settings: Settings, device: torch.device, groups) -> Run:
    rank, processes = join_team(device)
    model.to(device, memory_format=torch.channels_last)
    if processes > 1 and device.type == "cuda":
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    mean, std = (settings.mean, settings.std) if settings.mean else channel_statistics(images.cpu().numpy())
    dtype = {"auto": quick_dtype(device), "bf16": torch.bfloat16, "fp32": torch.float32}[settings.precision]
    groups = groups or parameter_groups(model, settings.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=settings.lr, weight_decay=settings.weight_decay, fused=True)
    for group in optimizer.param_groups:
        group["highest_lr"] = group["lr"]
    run = Run(
        settings, device, model,
        ema=copy.deepcopy(model).requires_grad_(False) if settings.ema else None,
        optimizer=optimizer,
        generator=torch.Generator(device).manual_seed(settings.seed),
        pictures=len(images), mean=torch.tensor(mean, device=device), std=torch.tensor(std, device=device), dtype=dtype, rank=rank, processes=processes,
    )  # fmt: skip
    if run.batch % processes:
        raise TrainingError(
            f"A batch of {run.batch} cannot be shared by {processes} processes; give a batch_size that can."
        )
    run.forward = model
    if processes > 1:
        run.forward = nn.parallel.DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
    if settings.compile:
        run.forward = torch.compile(run.forward)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    _look_at_scores(run, images, labels)
    run.history.settings = settings.as_dict()
    run.history.about = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": str(dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "processes": processes,
        "torch": torch.__version__,
        "pictures": run.pictures,
        "parameters": sum(p.numel() for p in model.parameters()),
        "mean": list(mean),
        "std": list(std),
    }
    return run


def _epoch(run: Run, images: torch.Tensor, labels: torch.Tensor, tick: Callable[[int], None]) -> dict:
    """Go through the pictures once, in a new order; return the epoch's row."""
    settings, begun, shown = run.settings, time.perf_counter(), 0.0
    done = len(run.history.rows) * run.steps
    order = torch.randperm(run.pictures, generator=run.generator, device=run.device)
    sums = torch.zeros(2, device=run.device)
    run.model.train()
    for step in range(run.steps):
        factor = one_cycle(done + step, settings.epochs * run.steps, settings.warmup)
        for group in run.optimizer.param_groups:
            group["lr"] = group["highest_lr"] * factor
        chosen = order[step * run.batch : (step + 1) * run.batch]
        x, y = _batch(run, images, labels, chosen)
        with run.autocast():
            scores = run.forward(x)
        loss = F.cross_entropy(scores.float(), y, label_smoothing=settings.label_smoothing)
        loss.backward()
        run.optimizer.step()
        run.optimizer.zero_grad()
        if run.ema:
            _average(run, done + step)
        sums += torch.stack([loss.detach() * len(y), (scores.argmax(dim=1) == y).sum()])
        # To look at a number is to wait for the GPU: so a few times a second, not at each step.
        if time.perf_counter() - shown > 0.25 or step == run.steps - 1:
            _look_at_loss(run, loss.item(), step)
            tick(done + step + 1)
            shown = time.perf_counter()
    loss, accuracy = _shares(run, sums, run.steps * run.batch)
    seconds = time.perf_counter() - begun
    return {
        "epoch": len(run.history.rows) + 1,
        "lr": run.optimizer.param_groups[0]["lr"],
        "train_loss": loss,
        "train_accuracy": accuracy,
        "seconds": seconds,
        "images_per_second": run.steps * run.batch / seconds,
    }


def _batch(run: Run, images, labels, chosen) -> tuple[torch.Tensor, torch.Tensor]:
    """Cut out this process's share of a batch, and augment it.

    All processes draw for the whole batch, so that however many there are, each picture is changed in the same way.
    """
    how, share = run.settings.augment, slice(run.rank, None, run.processes)
    drawn = draw(len(chosen), how, run.generator) if how else None
    chosen = chosen[share]
    if how is None:
        x = normalise(images[chosen], run.mean, run.std)
    else:
        x = augment(images[chosen], {name: each[share] for name, each in drawn.items()}, how, run.mean, run.std)
    return x, labels[chosen]


@torch.no_grad()
def _average(run: Run, step: int) -> None:
    """Move the averaged weights towards the present ones; by more while there is little to average."""
    kept = min(run.settings.ema, (1 + step) / (10 + step))
    pairs = zip(run.ema.state_dict().values(), run.model.state_dict().values(), strict=True)
    pairs = [(mean, now) for mean, now in pairs if mean.is_floating_point()]
    torch._foreach_lerp_([mean for mean, _ in pairs], [now for _, now in pairs], 1 - kept)


@torch.inference_mode()
def _evaluated(run: Run, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Return mean loss and accuracy of the averaged network."""
    model, sums = run.averaged.eval(), torch.zeros(2, device=run.device)
    for start in range(0, len(images), 512):
        own = slice(start + run.rank, min(start + 512, len(images)), run.processes)
        x, y = normalise(images[own], run.mean, run.std), labels[own]
        with run.autocast():
            scores = model(x).float()
        loss = F.cross_entropy(scores, y, reduction="sum")
        sums += torch.stack([loss, (scores.argmax(dim=1) == y).sum()])
    return _shares(run, sums, len(images))


def _shares(run: Run, sums: torch.Tensor, count: int) -> tuple[float, float]:
    """Turn sums of loss and of right answers, over all processes, into means over `count` pictures."""
    if run.processes > 1:
        distributed.all_reduce(sums)
    loss, right = (sums / count).tolist()
    return loss, right


def _keep(run: Run, row: dict) -> None:
    """Add a row, and keep the weights if they are the best so far: most right, and of equals the least loss."""
    best = run.history.best
    run.history.rows.append(row)
    if (
        "val_accuracy" in row
        and best
        and not ((row["val_accuracy"], -row["val_loss"]) > (best["val_accuracy"], -best["val_loss"]))
    ):
        return
    run.history.best_epoch = row["epoch"]
    run.best = {name: value.detach().clone() for name, value in run.averaged.state_dict().items()}


def evaluate(model: nn.Module, pictures, mean, std, *, device: str | None = None) -> tuple[float, float]:
    """Return a network's mean cross-entropy and its accuracy, in float32.

    Parameters
    ----------
    model : torch.nn.Module
        It is left in eval mode.
    pictures : introdl.data.Dataset, or a pair of arrays
        Images uint8 (N, H, W, 3), and labels int64 (N,).
    mean, std : sequence of three floats
        Of red, green and blue in [0, 1].
    device : str, optional
        By default the best there is.

    Returns
    -------
    (float, float)
        Loss and accuracy, the latter from 0 to 1.
    """
    chosen = choose_device(device)
    model.to(chosen)
    run = Run(
        Settings(),
        chosen,
        model,
        None,
        None,
        None,
        0,
        torch.as_tensor(mean, device=chosen),
        torch.as_tensor(std, device=chosen),
        torch.float32,
    )
    return _evaluated(run, *_on_device(pictures, chosen))


def one_cycle(step: int, total: int, warmup: float) -> float:
    """Return by what the highest learning rate is multiplied at a step.

    It rises evenly from nearly 0 to 1 over the first ``warmup * total`` steps, then falls to nearly 0 as a cosine does.

    Parameters
    ----------
    step : int
        From 0 to ``total - 1``.
    total : int
        Steps in all.
    warmup : float
        The share of them in which it rises.

    References
    ----------
    L. N. Smith and N. Topin, Super-Convergence, 2017. https://arxiv.org/abs/1708.07120
    """
    rise = warmup * total
    if step + 1 < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step + 1 - rise) / (total + 1 - rise)))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Return a model's parameters in two groups: weights, which decay, and what has one number a channel, which does not."""
    learned = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learned if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in learned if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _on_device(pictures, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Look over pictures and labels, and bring them to the device once and for all."""
    images, labels = (pictures.images, pictures.labels) if hasattr(pictures, "images") else pictures
    images, labels = np.ascontiguousarray(images), np.asarray(labels)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise TrainingError(f"images are {images.dtype} {images.shape}; they should be uint8 (N, H, W, 3).")
    if labels.shape != (len(images),) or not np.issubdtype(labels.dtype, np.integer):
        raise TrainingError(
            f"labels are {labels.dtype} {labels.shape}; they should be whole numbers, ({len(images)},)."
        )
    if not len(images):
        raise TrainingError("There are no pictures to train on or to evaluate.")
    return torch.from_numpy(images).to(device), torch.from_numpy(labels.astype(np.int64)).to(device)


def _look_at_scores(run: Run, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Push two pictures through, so that a network that does not fit is told before the first epoch."""
    with torch.inference_mode():
        scores = run.model.eval()(normalise(images[:2], run.mean, run.std))
    least = int(labels.max()) + 1
    if scores.ndim != 2 or len(scores) != len(images[:2]) or scores.shape[1] < least:
        raise TrainingError(
            f"The network turns {len(images[:2])} pictures into scores of shape {tuple(scores.shape)}; for labels from 0 to "
            f"{least - 1} it should be ({len(images[:2])}, {least})."
        )


def _look_at_loss(run: Run, loss: float, step: int) -> None:
    if not math.isfinite(loss):
        lr = run.optimizer.param_groups[0]["lr"]
        raise Diverged(
            f"The loss became {loss} in epoch {len(run.history.rows) + 1}, by step {step + 1} of {run.steps}, at a learning rate "
            f"of {lr:.2g}. Try a lower one, such as lr={run.settings.lr / 10:.2g}; where that does not help, precision='fp32', "
            "and look whether the network divides or takes a logarithm."
        )
