"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from introdl.data import progress
from introdl.training.augmentation import augment, draw, normalize
from introdl.training.checkpoints import load_checkpoint, save_checkpoint
from introdl.training.devices import choose_device
from introdl.training.errors import Diverged, TrainingError
from introdl.training.history import History
from introdl.training.live import live_progress
from introdl.training.optimization import one_cycle
from introdl.training.run import TrainingRun, begin, on_device, training_mode
from introdl.training.settings import Settings
from introdl.training.tasks import Classification, Task


def train(
    model: nn.Module,
    pictures,
    validation=None,
    settings: Settings | None = None,
    *,
    task: Task | None = None,
    device: str | None = None,
    checkpoint: str | Path | None = None,
    groups: list[dict] | None = None,
    on_epoch: Callable[[History], None] | None = None,
    quiet: bool = False,
) -> History:
    """Train a network, and leave it in evaluation mode, with the weights that did best on the validation pictures.

    With ``settings.ema`` these are averaged weights: what was evaluated is what is kept.

    Stop it when you like (Ctrl-C, or the notebook's stop button): the best weights so far are kept. Start it with
    ``torchrun --nproc-per-node N`` and N processes share each batch.

    Parameters
    ----------
    model : torch.nn.Module
        Takes (N, 3, H, W), gives scores (N, K), or what the task asks for. It is moved to the device. Parameters that need
        no gradient stay, and so do the running statistics of BatchNorm layers that have no others.
    pictures, validation : introdl.data.Dataset, or a pair of arrays
        Images uint8 (N, H, W, 3), and labels int64 (N,). Without `validation` the last weights are kept.
    settings : Settings, optional
        Every number that the result depends on.
    task : Task, optional
        What is learned; by default `Classification`.
    device : str, optional
        By default the best there is.
    checkpoint : path, optional
        Written after every epoch. Where it is there already, the run goes on from it.
    groups : list of dict, optional
        Parameters with a learning rate of their own, as for a torch optimizer; by default `parameter_groups`.
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

    Notes
    -----
    On the CPU a run that was resumed ends with the same bits as one that was not, as long as the number of threads is the
    same. In several processes on CPUs, BatchNorm knows its own share of a batch alone; on GPUs it is synchronised.
    """
    settings, task = settings or Settings(), task or Classification()
    run = begin(model, pictures, settings, task, choose_device(device), groups)
    held_out = None if validation is None else on_device(validation, task, run.device)
    if checkpoint and Path(checkpoint).exists():
        load_checkpoint(checkpoint, run)
    else:
        for each in {run.model, run.averaged}:
            task.prepare(each, run.targets)
    quiet = quiet or run.rank > 0
    try:
        with live_progress(settings.epochs, settings.epochs * run.steps, quiet) as (tick, tell):
            while len(run.history.rows) < settings.epochs:
                row = _epoch(run, tick)
                if held_out:
                    shared = run.mean, run.std, run.dtype, run.rank, run.processes
                    found = _evaluated(run.averaged, task, *held_out, *shared)
                    row |= {f"val_{name}": mean for name, mean in found.items()}
                _keep(run, row)
                if checkpoint and run.rank == 0:
                    save_checkpoint(checkpoint, run)
                tell(run.history)
                if on_epoch:
                    on_epoch(run.history)
    except KeyboardInterrupt:
        run.history.stopped = f"interrupted in epoch {len(run.history.rows) + 1} of {settings.epochs}"
    except torch.OutOfMemoryError as error:
        height, width = run.images.shape[1:3]
        raise TrainingError(
            f"The GPU ran out of memory with batch_size={run.batch} and pictures of {height} x {width}. Try "
            f"batch_size={max(1, run.batch // 2)}, or smaller pictures; restart the kernel if other notebooks hold memory."
        ) from error
    if run.best:
        model.load_state_dict(run.best)
    model.eval()
    if not quiet:
        progress.say(_told(run))
    return run.history


def _told(run: TrainingRun) -> str:
    """Say in a sentence which weights the network has now."""
    averaged = "averaged " if run.ema is not None else ""
    kept = f"the {averaged}weights of epoch {run.history.best_epoch}" if run.best else "the weights as they are"
    begun = f"Training was {run.history.stopped}; the" if run.history.stopped else "The"
    return f"{begun} network keeps {kept}. It is in evaluation mode."


def _epoch(run: TrainingRun, tick: Callable[[int], None]) -> dict:
    """Go through the pictures once, in a new order; return the epoch's row."""
    settings, begun, shown = run.settings, time.perf_counter(), 0.0
    done = len(run.history.rows) * run.steps
    order = torch.randperm(len(run.images), generator=run.generator, device=run.device)
    sums: Any = 0.0
    training_mode(run.model)
    for step in range(run.steps):
        factor = 1.0
        if settings.schedule == "one_cycle":
            factor = one_cycle(done + step, settings.epochs * run.steps, settings.warmup)
        for group in run.optimizer.param_groups:
            group["lr"] = group["highest_lr"] * factor
        x, targets = _batch(run, order[step * run.batch : (step + 1) * run.batch])
        with torch.autocast(run.device.type, torch.bfloat16, enabled=run.dtype == torch.bfloat16):
            output = run.forward(x)
        loss, measured = run.task.loss(run.model, output, targets, settings.label_smoothing)
        loss.backward()
        run.optimizer.step()
        run.optimizer.zero_grad()
        if run.ema is not None:
            average(run, done + step)
        sums = sums + torch.stack(list(measured.values()))
        # To look at a number is to wait for the GPU: so a few times a second, not at each step.
        if time.perf_counter() - shown > 0.25 or step == run.steps - 1:
            _look_at_loss(run, loss.item(), step)
            tick(done + step + 1)
            shown = time.perf_counter()
    means = _means(measured, sums, run.steps * run.batch, run.processes)
    seconds = time.perf_counter() - begun
    return {
        "epoch": len(run.history.rows) + 1,
        "lr": run.optimizer.param_groups[0]["lr"],
        **{f"train_{name}": mean for name, mean in means.items()},
        "seconds": seconds,
        "images_per_second": run.steps * run.batch / seconds,
    }


def _batch(run: TrainingRun, chosen: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """Cut out this process's share of a batch, and augment it.

    All processes draw for the whole batch, so that however many there are, each picture is changed in the same way.
    """
    how, share = run.settings.augment, slice(run.rank, None, run.processes)
    own = chosen[share]
    targets = tuple(each[own] for each in run.targets)
    if how is None:
        return normalize(run.images[own], run.mean, run.std), targets
    drawn = {name: each[share] for name, each in draw(len(chosen), how, run.generator).items()}
    return augment(run.images[own], drawn, how, run.mean, run.std), run.task.moved(targets, drawn)


@torch.no_grad()
def average(run: TrainingRun, step: int) -> None:
    """Move the averaged weights towards the present ones; by more while there is little to average."""
    kept = min(run.settings.ema, (1 + step) / (10 + step))
    each = zip(run.averaged.state_dict().values(), run.model.state_dict().values(), strict=True)
    pairs = [(mean, now) for mean, now in each if mean.is_floating_point()]
    torch._foreach_lerp_([mean for mean, _ in pairs], [now for _, now in pairs], 1 - kept)


def _keep(run: TrainingRun, row: dict) -> None:
    """Add a row, and keep the weights if they are the best so far."""
    merit = run.task.merit
    best = run.history.best
    run.history.rows.append(row)
    if not best or "val_loss" not in row or merit(row) > merit(best):
        run.history.best_epoch = row["epoch"]
        run.best = {name: value.detach().clone() for name, value in run.averaged.state_dict().items()}


def evaluate(model: nn.Module, pictures, mean, std, *, device: str | None = None) -> tuple[float, float]:
    """Return a network's mean cross-entropy and its accuracy, in float32.

    Parameters
    ----------
    model : torch.nn.Module
        It is moved to the device, and left in eval mode.
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
    task, chosen = Classification(), choose_device(device)
    found = _evaluated(model.to(chosen), task, *on_device(pictures, task, chosen), mean, std)
    return found["loss"], found["accuracy"]


@torch.inference_mode()
def _evaluated(model, task, images, targets, mean, std, dtype=torch.float32, rank=0, processes=1) -> dict[str, float]:
    """Return the means over all pictures of what the task measures; each process goes through its share of them."""
    model.eval()
    sums: Any = 0.0
    for start in range(0, len(images), 512):
        own = slice(start + rank, min(start + 512, len(images)), processes)
        with torch.autocast(images.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
            output = model(normalize(images[own], mean, std))
        measured = task.measure(model, output, tuple(each[own] for each in targets))
        sums = sums + torch.stack(list(measured.values()))
    return _means(measured, sums, len(images), processes)


def _means(names: Iterable[str], sums: torch.Tensor, count: int, processes: int) -> dict[str, float]:
    """Turn sums over all processes into means over `count` pictures."""
    if processes > 1:
        distributed.all_reduce(sums)
    return {name: total / count for name, total in zip(names, sums.tolist(), strict=True)}


def _look_at_loss(run: TrainingRun, loss: float, step: int) -> None:
    """Raise `Diverged` where the loss is no longer a number; the message says where, and what to try."""
    if not math.isfinite(loss):
        lr = run.optimizer.param_groups[0]["lr"]
        raise Diverged(
            f"The loss became {loss} in epoch {len(run.history.rows) + 1}, by step {step + 1} of {run.steps}, at a learning rate "
            f"of {lr:.2g}. Try a lower one, such as lr={run.settings.lr / 10:.2g}; where that does not help, precision='fp32', "
            "and look whether the network divides or takes a logarithm."
        )
