"""What does each part of chapter 09's recipe buy? Train with all of them, then without one at a time.

    python -m introdl.experiments.ablation

Every arm trains the same network on the twelve base dishes with several seeds; a seed draws the first weights, the order of
the pictures and their changes. The weights that do best on the validation pictures are measured on the test pictures.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

from introdl.experiments import command, records

SEEDS = (0, 1, 2)
SIZE, EPOCHS = 64, 8
WIDTHS = (16, 32, 64, 128, 256)
SETTINGS = {"batch_size": 64, "lr": 3e-3}


@dataclass(frozen=True)
class Arm:
    """One way to train.

    Attributes
    ----------
    name : str
        What it leaves out.
    settings : dict
        What `introdl.training.Settings` has otherwise than the full recipe; ``augment`` is None or a dict.
    model : dict
        What `introdl.models.PlainCNN` has otherwise.
    he : bool
        Draw the convolutions' first weights after He and others (2015), instead of torch's default.
    """

    name: str
    settings: dict = field(default_factory=dict)
    model: dict = field(default_factory=dict)
    he: bool = False

    def differs(self) -> dict:
        """Return, as plain values, what it has otherwise than the full recipe."""
        return {**self.settings, **self.model, **({"he": True} if self.he else {})}


#: The full recipe comes first: all others are compared with it.
ARMS = (
    Arm("full recipe"),
    Arm("no augmentation", {"augment": None}),
    Arm("flips only", {"augment": {"rotate": 0.0, "shift": 0.0, "scale": 0.0, "color": 0.0, "cutout": 0.0}}),
    Arm("no normalization of the inputs", {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}),
    Arm("no batch normalization", model={"batch_norm": False}),
    Arm("no batch normalization, a quarter of the learning rate", {"lr": SETTINGS["lr"] / 4}, {"batch_norm": False}),
    Arm("no batch normalization, twice the learning rate", {"lr": SETTINGS["lr"] * 2}, {"batch_norm": False}),
    Arm("no batch normalization, He's first weights", model={"batch_norm": False}, he=True),
    Arm("no label smoothing", {"label_smoothing": 0.0}),
    Arm("no average of the weights", {"ema": 0.0}),
    Arm("a constant learning rate", {"schedule": "constant"}),
    Arm("full recipe, three times as long", {"epochs": 3 * EPOCHS}),
    Arm("no augmentation, three times as long", {"epochs": 3 * EPOCHS, "augment": None}),
)


def run_arm(arm: Arm, seed: int, plates, epochs: int = EPOCHS, widths: tuple[int, ...] = WIDTHS) -> dict:
    """Train once, and say how it went.

    Parameters
    ----------
    arm : Arm
        How.
    seed : int
        Of the first weights, the order of the pictures and their changes.
    plates : introdl.data.Dataset
        With the parts "train", "val" and "test".
    epochs : int
        How often every training picture is seen.
    widths : tuple of int
        Of the network's stages.

    Returns
    -------
    dict
        ``val_accuracy`` of the best epoch, ``best_epoch``, ``test_accuracy``, ``test_loss`` (cross-entropy without
        smoothing), ``train_accuracy`` on the unchanged training pictures, and ``seconds``.
    """
    import torch

    from introdl import models, training

    changed = dict(arm.settings)
    if changed.get("augment") is not None:
        changed["augment"] = training.Augment(**changed["augment"])
    settings = training.Settings(**{"epochs": epochs, "seed": seed, **SETTINGS, **changed})
    torch.manual_seed(seed)
    model = models.PlainCNN(len(plates.classes), widths, **arm.model)
    if arm.he:
        for layer in model.modules():
            if isinstance(layer, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    try:
        history = training.train(model, plates.split("train"), plates.split("val"), settings, quiet=True)
    except training.Diverged as error:
        return {"diverged": str(error)}
    if history.stopped:
        raise KeyboardInterrupt
    mean, std = history.about["mean"], history.about["std"]
    test_loss, test_accuracy = training.evaluate(model, plates.split("test"), mean, std)
    return {
        "val_accuracy": history.best["val_accuracy"],
        "best_epoch": history.best_epoch,
        "test_accuracy": test_accuracy,
        "test_loss": test_loss,
        "train_accuracy": training.evaluate(model, plates.split("train"), mean, std)[1],
        "seconds": round(sum(history.column("seconds")), 1),
    }


def make(
    plates, path: Path | None = None, seeds=SEEDS, epochs: int = EPOCHS, widths=WIDTHS, arms=ARMS, quiet: bool = False
) -> dict:
    """Make the runs that are missing, seed by seed; see `run_arm` and `introdl.experiments.records.collect`."""
    about = {
        "network": "PlainCNN",
        "widths": list(widths),
        "settings": {"epochs": epochs, **SETTINGS},
        "size": list(plates.images.shape[1:3]),
        "classes": list(plates.classes),
        "pictures": {part: len(plates.split(part)) for part in plates.parts},
        "arms": {arm.name: arm.differs() for arm in arms},
    }
    known = {arm.name: arm for arm in arms}
    # Seed by seed, so that a record that is cut short has a bit of everything; what takes long comes last.
    wanted = [{"arm": name, "seed": seed} for seed in seeds for name in known]
    wanted.sort(key=lambda key: known[key["arm"]].settings.get("epochs", epochs))
    return records.collect(
        "ablation",
        about,
        wanted,
        lambda key: run_arm(known[key["arm"]], key["seed"], plates, epochs, widths),
        path,
        quiet,
    )


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m introdl.experiments.ablation``."""
    parser = command.parser(
        "ablation",
        "Train chapter 09's network with all of its recipe, and without each part of it.",
        "--out ablation.json",
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, metavar="SEED", help="default: 0 1 2")
    given = parser.parse_args(arguments)

    def job():
        from introdl import data, training

        if training.choose_device().type == "cpu":
            print(f"{training.quickest_threads()} threads", file=sys.stderr)
        make(data.plates(size=SIZE, dishes="base"), given.out, given.seeds, quiet=given.quiet)

    return command.status(job)


if __name__ == "__main__":
    sys.exit(main())
