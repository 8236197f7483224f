"""What a training run consists of, and how it is set up."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from introdl.training.augmentation import channel_statistics, normalise
from introdl.training.devices import join_team, quick_dtype
from introdl.training.errors import TrainingError
from introdl.training.history import History
from introdl.training.optimisation import parameter_groups
from introdl.training.settings import Settings


@dataclass
class Run:
    """Everything that changes while a network trains, and what it depends on.

    Attributes
    ----------
    settings : Settings
        What was asked for.
    device, dtype : torch.device, torch.dtype
        Where, and in which precision.
    images, labels : torch.Tensor
        All training pictures, uint8 (N, H, W, 3), and their labels, on the device.
    mean, std : torch.Tensor
        By which pictures are normalised.
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
    device: torch.device
    dtype: torch.dtype
    images: torch.Tensor
    labels: torch.Tensor
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


def begin(model: nn.Module, pictures, settings: Settings, device: torch.device, groups: list[dict] | None) -> Run:
    """Set a run up; see `introdl.training.train` for the parameters.

    Raises
    ------
    TrainingError
        Where the pictures, the network and the settings do not fit each other.
    """
    images, labels = on_device(pictures, device)
    rank, processes = join_team(device)
    model.to(device, memory_format=torch.channels_last)
    if processes > 1 and device.type == "cuda":
        # On the CPU there is no such layer: there, each process normalises by its own share of a batch.
        nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
    forward = model
    if processes > 1:
        forward = nn.parallel.DistributedDataParallel(model, device_ids=[device] if device.type == "cuda" else None)
    groups = groups or parameter_groups(model, settings.weight_decay)
    mean, std = (settings.mean, settings.std) if settings.mean else channel_statistics(images.cpu().numpy())
    run = Run(
        settings,
        device,
        dtype={"auto": quick_dtype(device), "bf16": torch.bfloat16, "fp32": torch.float32}[settings.precision],
        images=images,
        labels=labels,
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


def on_device(pictures, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Look over pictures and labels, and bring them to the device once and for all.

    Raises
    ------
    TrainingError
        Where they are not uint8 (N, H, W, 3) and N whole numbers.
    """
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


def _look_at_scores(run: Run) -> None:
    """Push two pictures through, so that a network that does not fit is told before the first epoch."""
    two = run.images[:2]
    with torch.inference_mode():
        scores = run.model.eval()(normalise(two, run.mean, run.std))
    least = int(run.labels.max()) + 1
    if scores.ndim != 2 or len(scores) != len(two) or scores.shape[1] < least:
        raise TrainingError(
            f"The network turns {len(two)} pictures into scores of shape {tuple(scores.shape)}; for labels from 0 to "
            f"{least - 1} it should be ({len(two)}, {least})."
        )


def _about(run: Run) -> dict:
    return {
        "device": torch.cuda.get_device_name(run.device) if run.device.type == "cuda" else run.device.type,
        "precision": str(run.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "processes": run.processes,
        "torch": torch.__version__,
        "pictures": len(run.images),
        "crc32": zlib.crc32(run.labels.cpu().numpy(), zlib.crc32(run.images.cpu().numpy())),
        "size": list(run.images.shape[1:3]),
        "parameters": sum(p.numel() for p in run.model.parameters()),
        "mean": run.mean.tolist(),
        "std": run.std.tolist(),
    }
