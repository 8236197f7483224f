"""What a training run consists of, and how it is set up."""

from __future__ import annotations

import copy
import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from introdl.models.inputs import normalize
from introdl.training.augmentation import channel_statistics
from introdl.training.devices import join_team, quick_dtype
from introdl.training.errors import TrainingError
from introdl.training.history import History
from introdl.training.optimization import parameter_groups
from introdl.training.settings import Settings
from introdl.training.tasks import Task


@dataclass
class TrainingRun:
    """Everything that changes while a network trains, and what it depends on.

    Attributes
    ----------
    settings : Settings
        What was asked for.
    task : Task
        What is learned.
    device, dtype : torch.device, torch.dtype
        Where, and in which precision.
    images : torch.Tensor
        All training pictures, uint8 (N, H, W, 3), on the device.
    targets : tuple of torch.Tensor
        The truth about them, labels first, each with N rows, on the device.
    mean, std : torch.Tensor
        By which pictures are normalized.
    model : torch.nn.Module
        The network that learns.
    forward : callable
        The network as it is called: compiled, or wrapped to share gradients with other processes.
    ema : torch.nn.Module or None
        The running average of the network.
    optimizer : torch.optim.Optimizer
        Its groups remember their ``highest_lr``.
    generator : torch.Generator
        Of the order of the pictures and of their changes.
    rank, processes : int
        Which process this is, and of how many.
    best : dict or None
        The best weights so far.
    history : History
        One row for each finished epoch.
    """

    settings: Settings
    task: Task
    device: torch.device
    dtype: torch.dtype
    images: torch.Tensor
    targets: tuple[torch.Tensor, ...]
    mean: torch.Tensor
    std: torch.Tensor
    model: nn.Module
    forward: nn.Module | Callable
    ema: nn.Module | None
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    rank: int = 0
    processes: int = 1
    best: dict | None = None
    history: History = field(default_factory=History)

    @property
    def batch(self) -> int:
        """Pictures in a step, over all processes."""
        return min(self.settings.batch_size, len(self.images))

    @property
    def steps(self) -> int:
        """Steps in an epoch. What does not fill a batch waits for another epoch's order."""
        return len(self.images) // self.batch

    @property
    def averaged(self) -> nn.Module:
        """The network that is evaluated and kept."""
        return self.model if self.ema is None else self.ema


def begin(
    model: nn.Module, pictures, settings: Settings, task: Task, device: torch.device, groups: list[dict] | None
) -> TrainingRun:
    """Set a run up; see `introdl.training.train` for the parameters.

    Raises
    ------
    TrainingError
        Where the pictures, the network and the settings do not fit each other.
    """
    images, targets = on_device(pictures, task, device)
    rank, processes = join_team(device)
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if processes > 1 and device.type == "cuda":
        # On the CPU there is no such layer: there, each process normalizes by its own share of a batch.
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    forward = model
    if processes > 1:
        forward = nn.parallel.DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
    groups = groups or parameter_groups(model, settings.weight_decay)
    if not groups:
        raise TrainingError(
            "Every parameter of the network is frozen. Set requires_grad=True on those that should learn."
        )
    mean, std = (settings.mean, settings.std) if settings.mean else channel_statistics(images.cpu().numpy())
    run = TrainingRun(
        settings,
        task,
        device,
        dtype={"auto": quick_dtype(device), "bf16": torch.bfloat16, "fp32": torch.float32}[settings.precision],
        images=images,
        targets=targets,
        mean=torch.tensor(mean, device=device),
        std=torch.tensor(std, device=device),
        model=model,
        forward=torch.compile(forward) if settings.compile else forward,
        ema=copy.deepcopy(model).requires_grad_(False) if settings.ema else None,
        optimizer=torch.optim.AdamW(groups, lr=settings.lr, weight_decay=settings.weight_decay, fused=True),
        generator=torch.Generator(device).manual_seed(settings.seed),
        rank=rank,
        processes=processes,
    )
    for group in run.optimizer.param_groups:
        group["highest_lr"] = group["lr"]
    if run.batch % processes:
        raise TrainingError(
            f"A batch of {run.batch} cannot be shared by {processes} processes; give a batch_size that can."
        )
    _look_at_scores(run)
    run.history = History(settings=settings.as_dict(), about=_about(run))
    return run


class _Pair(NamedTuple):
    """Pictures and labels alone, with the names that a `Dataset` has for them."""

    images: np.ndarray
    labels: np.ndarray
    grams: None = None
    boxes: None = None
    name: str = "A pair of images and labels"


def on_device(pictures, task: Task, device: torch.device) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """Look over pictures and the truth about them, and bring both to the device once and for all.

    Raises
    ------
    TrainingError
        Where the pictures are not uint8 (N, H, W, 3), where there are none, or where the truth does not fit the task.
    """
    pictures = pictures if hasattr(pictures, "images") else _Pair(*pictures)
    images = np.ascontiguousarray(pictures.images)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] != 3:
        raise TrainingError(f"images are {images.dtype} {images.shape}; they should be uint8 (N, H, W, 3).")
    targets = task.targets(pictures)
    if not len(images):
        raise TrainingError("There are no pictures to train on or to evaluate.")
    return torch.from_numpy(images).to(device), tuple(torch.tensor(each, device=device) for each in targets)


def training_mode(model: nn.Module) -> None:
    """Put a network into training mode, but for its frozen BatchNorm layers: their running statistics stay as they are.

    A layer is frozen where it has parameters, and none of them needs a gradient.
    """
    model.train()
    for layer in model.modules():
        parameters = list(layer.parameters(recurse=False))
        if isinstance(layer, _NORMS) and parameters and not any(each.requires_grad for each in parameters):
            layer.eval()


_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


def _look_at_scores(run: TrainingRun) -> None:
    """Push two pictures through, so that a network that does not fit is told before the first epoch."""
    two = run.images[:2]
    with torch.inference_mode():
        scores = run.task.scores(run.model.eval()(normalize(two, run.mean, run.std)))
    least = int(run.targets[0].max()) + 1
    if scores.ndim != 2 or len(scores) != len(two) or scores.shape[1] < least:
        raise TrainingError(
            f"The network turns {len(two)} pictures into scores of shape {tuple(scores.shape)}; for labels from 0 to "
            f"{least - 1} it should be ({len(two)}, {least})."
        )


def _about(run: TrainingRun) -> dict:
    return {
        "device": torch.cuda.get_device_name(run.device) if run.device.type == "cuda" else run.device.type,
        "precision": str(run.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "processes": run.processes,
        "torch": torch.__version__,
        "pictures": len(run.images),
        "crc32": functools.reduce(
            lambda so_far, each: zlib.crc32(each.cpu().numpy().data, so_far), (run.images, *run.targets), 0
        ),
        "size": list(run.images.shape[1:3]),
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "mean": run.mean.tolist(),
        "std": run.std.tolist(),
    }
