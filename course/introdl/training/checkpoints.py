"""Write down a training run so that it goes on as if it had never stopped."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from introdl import places
from introdl.training.errors import TrainingError
from introdl.training.history import History

if TYPE_CHECKING:
    from introdl.training.run import Run

_FORM = 1


def save_checkpoint(path: Path, run: Run) -> None:
    """Write everything that the next step depends on; the file is either whole or as it was.

    Parameters
    ----------
    path : pathlib.Path
        Where to.
    run : Run
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
    places.write_atomically(Path(path), buffer.getvalue())


def load_checkpoint(path: Path, run: Run) -> None:
    """Bring a run to where a checkpoint was written.

    Raises
    ------
    TrainingError
        Where the file cannot be read, or belongs to another network, other settings or other pictures. The run is then as
        it was.
    """
    path = Path(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        if content["form"] != _FORM:
            raise ValueError(f"it has the form {content['form']}, and this version reads form {_FORM}")
    except Exception as error:  # torch, zipfile and pickle raise a dozen kinds; to the reader they are one
        raise TrainingError(f"The checkpoint {path} cannot be read ({error!r}). Delete it to begin anew.") from error
    settings = run.settings.as_dict()
    for name, value in content["settings"].items():
        if settings.get(name) != value:
            raise TrainingError(
                f"The checkpoint {path} was written with {name}={value!r}, and this run has {settings.get(name)!r}. Give the "
                "same settings to go on, or another checkpoint to begin anew."
            )
    if content["history"]["about"]["crc32"] != run.history.about["crc32"]:
        raise TrainingError(
            f"The checkpoint {path} was written with other pictures. Give another checkpoint to begin anew."
        )
    shapes = {name: value.shape for name, value in run.model.state_dict().items()}
    if shapes != {name: value.shape for name, value in content["model"].items()}:
        raise TrainingError(
            f"The checkpoint {path} is of another network. Give the same network, or another checkpoint."
        )
    run.model.load_state_dict(content["model"])
    if run.ema is not None:
        run.ema.load_state_dict(content["ema"])
    run.optimizer.load_state_dict(content["optimizer"])
    run.best = content["best"]
    run.history = History(**content["history"])
    run.generator.set_state(content["generator"])
    torch.set_rng_state(content["torch"])
    if content["cuda"] is not None and run.device.type == "cuda":
        torch.cuda.set_rng_state(content["cuda"], run.device)
