"""Write down a training run so that it goes on as if it had never stopped."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from introdl import paths
from introdl.training.errors import TrainingError
from introdl.training.history import History

if TYPE_CHECKING:
    from introdl.training.run import TrainingRun

_FORM = 1
_PARTS = frozenset(["form", "settings", "model", "ema", "optimizer", "best", "history", "generator", "torch", "cuda"])
#: What tells one group of an optimizer's parameters from another, beside the parameters.
_RATES = ("highest_lr", "weight_decay", "betas", "eps")


class _Unfit(ValueError):
    """A checkpoint can be read, and is not this run's: what is wrong, after the file's name, and what to do."""

    def __init__(self, wrong: str, remedy: str = "Delete it to start again."):
        super().__init__(f"{wrong}. {remedy}")


def save_checkpoint(path: str | Path, run: TrainingRun) -> None:
    """Write everything that the next step depends on; the file is either whole or as it was.

    Parameters
    ----------
    path : path
        Where to.
    run : TrainingRun
        The run, between two epochs.
    """
    content = {
        "form": _FORM,
        "settings": run.settings.as_dict(),
        "model": run.model.state_dict(),
        "ema": run.ema.state_dict() if run.ema is not None else None,
        "optimizer": run.optimizer.state_dict(),
        "best": run.best,
        "history": run.history.as_dict(),
        # Two sources of chance: ours, for the order and the changes of pictures, and torch's own, for dropout.
        "generator": run.generator.get_state(),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state(run.device) if run.device.type == "cuda" else None,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    paths.write_atomically(Path(path), buffer.getvalue())


def load_checkpoint(path: str | Path, run: TrainingRun) -> None:
    """Bring a run to where a checkpoint was written.

    The file is checked whole before anything of the run changes: its form, settings, pictures and epochs; the names,
    shapes and types of all weights, and that they are finite; the optimizer's groups and averages; both sources of chance.

    Raises
    ------
    TrainingError
        Where the file cannot be read, is not whole, or belongs to another network, other settings or other pictures. The
        run is then as it was.
    """
    path = Path(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        _check_content(content)
        history = History(**content["history"])
        _check_history(history)
        _check_setup(content, history, run)
        _check_weights(content, run)
        _check_optimizer(content["optimizer"], run.optimizer)
        _check_chance(content, run)
    except _Unfit as error:
        raise TrainingError(f"The checkpoint {path} {error}") from error
    except Exception as error:  # torch, zipfile and pickle raise a dozen kinds; to the reader they are one
        raise TrainingError(f"The checkpoint {path} cannot be read ({error!r}). Delete it to start again.") from error
    run.model.load_state_dict(content["model"])
    if run.ema is not None:
        run.ema.load_state_dict(content["ema"])
    run.optimizer.load_state_dict(content["optimizer"])
    run.best = content["best"]
    run.history = history
    run.generator.set_state(content["generator"])
    torch.set_rng_state(content["torch"])
    if content["cuda"] is not None and run.device.type == "cuda":
        torch.cuda.set_rng_state(content["cuda"], run.device)


def _check_content(content: dict) -> None:
    """Raise an error where a file is not in the form that `save_checkpoint` writes."""
    if content["form"] != _FORM:
        raise ValueError(f"it has the form {content['form']}, and this version reads form {_FORM}")
    if missing := _PARTS - set(content):
        raise ValueError(f"it has no {sorted(missing)[0]!r}")
    if not {"param_groups", "state"} <= set(content["optimizer"]):
        raise ValueError("its optimizer is not whole")


def _check_history(history: History) -> None:
    """Raise a ValueError where the epochs of a history are not 1, 2, 3, ... with one of them the best."""
    if [row["epoch"] for row in history.rows] != list(range(1, len(history.rows) + 1)):
        raise ValueError("its epochs are not in order")
    if not history.best:
        raise ValueError("it has no best epoch")


def _check_setup(content: dict, history: History, run: TrainingRun) -> None:
    """Raise `_Unfit` where a checkpoint was written with other settings or pictures than a run's."""
    settings = run.settings.as_dict()
    for name in {**content["settings"], **settings}:
        theirs, ours = content["settings"].get(name), settings.get(name)
        if theirs != ours:
            raise _Unfit(
                f"was written with {name}={theirs!r}, and this run has {ours!r}",
                "Give the same settings to go on, or another checkpoint to start again.",
            )
    if history.about.get("crc32") != run.history.about["crc32"]:
        raise _Unfit(
            "was written with other pictures, with other facts about them, or by an earlier version of the course",
            "Give another checkpoint to start again.",
        )
    if len(history.rows) > run.settings.epochs:
        raise _Unfit(f"holds {len(history.rows)} epochs of {run.settings.epochs}")


def _check_weights(content: dict, run: TrainingRun) -> None:
    """Raise `_Unfit` where the weights, their average or the best ones do not fit a run's network."""
    own = run.model.state_dict()
    for part in ("model", "best", *(["ema"] if run.ema is not None else [])):
        if not isinstance(content[part], dict):
            raise _Unfit(f"is not whole: it has no weights {part!r}")
        misfit = _misfit(content[part], own)
        if misfit:
            raise _Unfit(f"is of another network: {misfit}", "Give the same network, or another checkpoint.")
        _check_finite(content[part])


def _check_optimizer(theirs: dict, optimizer: torch.optim.Optimizer) -> None:
    """Raise `_Unfit` where an optimizer's groups, or its averages for each parameter, are not those of a run's."""
    ours = optimizer.state_dict()
    told = [[{name: group.get(name) for name in _RATES} for group in each["param_groups"]] for each in (theirs, ours)]
    sizes = [[list(group["params"]) for group in each["param_groups"]] for each in (theirs, ours)]
    if told[0] != told[1] or sizes[0] != sizes[1]:
        raise _Unfit(
            "was written with other groups of parameters, or with other learning rates for them",
            "Give the same groups, or another checkpoint.",
        )
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for number, state in theirs["state"].items():  # a parameter that never had a gradient has none
        if number not in range(len(parameters)):
            raise _Unfit(f"is not whole: its optimizer knows a parameter {number!r}")
        value = parameters[number]
        misfit = _misfit(state, {"step": torch.tensor(0.0), "exp_avg": value, "exp_avg_sq": value})
        if misfit:
            raise _Unfit(f"is not whole: of its optimizer, {misfit}")
        _check_finite(state)


def _check_chance(content: dict, run: TrainingRun) -> None:
    """Raise `_Unfit` where the state of a source of chance is none that this device's generators can take."""
    states: dict[str, torch.device | str] = {"generator": run.device, "torch": "cpu"}
    if run.device.type == "cuda":
        states["cuda"] = run.device
    for name, device in states.items():
        try:
            torch.Generator(device).set_state(content[name])
        except (RuntimeError, TypeError) as error:
            raise _Unfit(f"cannot go on here: its random numbers {name!r} are of another device or damaged") from error


def _misfit(found: dict, expected: dict) -> str:
    """Say in which tensor one dict of tensors differs from another by name, shape or type; "" where in none."""
    for name in {**expected, **found}:
        theirs, ours = (
            f"{value.dtype} {tuple(value.shape)}" if isinstance(value, torch.Tensor) else "missing"
            for value in (found.get(name), expected.get(name))
        )
        if theirs != ours:
            return f"its {name!r} is {theirs}, here it is {ours}".replace("torch.", "")
    return ""


def _check_finite(tensors: dict[str, torch.Tensor]) -> None:
    """Raise `_Unfit` where a number is infinite or none."""
    for name, value in tensors.items():
        if not value.isfinite().all():
            raise _Unfit(f"is damaged: its {name!r} holds numbers that are not finite")
