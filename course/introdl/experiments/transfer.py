"""What a pretrained backbone is worth: from scratch, frozen and fine-tuned, with few pictures of each class.

    python -m introdl.experiments.transfer
    python -m introdl.experiments.transfer --photographs FOLDER --name NAME

The first takes the eight specials of `introdl.data.plates`, which the backbone ``base-resnet18`` never saw. The second takes
photographs: FOLDER holds a folder of pictures for each class, or two folders, ``train`` and ``val`` (or ``test``), that do;
then the latter is the test set. ImageNet's weights take part where ``introdl data get imagenet_resnet18`` has fetched them.
Recorded on a CPU; each of the two took less than an hour of one core.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from introdl.data.dataset import Dataset
from introdl.experiments import command, photographs, records

#: How each arm starts, and what of it learns.
ARMS = {
    "scratch": "all layers learn, from random weights",
    "frozen": "the backbone stays as it is; a logistic regression learns on its 512 features",
    "fine-tuned": "all layers learn, from the backbone's weights",
    "scratch, three times the steps": "as scratch, to see whether it lacks steps",
}

#: Every number that a run depends on. The rates were set before the first run and not searched: what starts from random
#: weights learns as fast as the backbone did (see `introdl.recipes`), what was trained before at a fifth of it.
SETTINGS: dict[str, Any] = {
    "size": 64,  # height and width of the pictures in pixels
    "batch_size": 32,
    "steps": 200,
    "steps_all": 400,  # with all training pictures of each class
    "looks": 8,  # so often the validation pictures are looked at, evenly spread over the steps
    "lr": 2e-3,
    "lr_body": 4e-4,  # of what was trained before
    "inverse_strengths": [0.001, 0.01, 0.1, 1.0],  # of the logistic regression's penalty
}

PER_CLASS = (5, 10, 20, 50)
SEEDS = (0, 1, 2)


def few(labels: np.ndarray, per_class: int, rng: np.random.Generator) -> np.ndarray:
    """Return indices of `per_class` pictures of each class, drawn without replacement; all where there are not so many."""
    return np.concatenate([rng.permutation(np.flatnonzero(labels == k))[:per_class] for k in np.unique(labels)])


def start(backbone: str, classes: int, seed: int):
    """Return a network for `classes` classes, and by which mean and deviation its pictures are normalized.

    Parameters
    ----------
    backbone : "plates", "imagenet" or ""
        Whose weights its body has: our ``base-resnet18``'s, ImageNet's, or none but random ones.
    classes : int
        How many.
    seed : int
        Of what is random.

    Returns
    -------
    (introdl.models.ResNet18, tuple of float, tuple of float)
        Where there is no backbone, pictures are normalized as for ours.
    """
    from introdl import models

    names = [str(label) for label in range(classes)]
    model = models.classifier(names, {"plates": "base-resnet18"}.get(backbone, backbone), seed=seed)
    card = models.card_of(model)
    return model, card.mean, card.std


def learn(pictures: Dataset, chosen: np.ndarray, backbone: str, seed: int, settings: dict) -> dict:
    """Train all layers on the chosen training pictures, and return what was measured.

    The epoch that does best on the validation pictures is kept. The test pictures are looked at once, at the end.
    """
    from introdl import training
    from introdl.training.finetuning import head_and_body, passes

    model, mean, std = start(backbone, len(pictures.classes), seed)
    train = pictures.split("train")
    each = settings["steps"] * settings["batch_size"] // settings["looks"]
    epoch = chosen[passes(len(chosen), each, seed)]
    plan = training.Settings(
        epochs=settings["looks"],
        batch_size=settings["batch_size"],
        lr=settings["lr"],
        mean=tuple(mean),
        std=tuple(std),
        seed=seed,
    )
    lr_body = settings["lr_body"] if backbone else settings["lr"]
    history = training.train(
        model,
        (np.asarray(train.images)[epoch], train.labels[epoch]),
        pictures.split("val"),
        plan,
        device="cpu",
        groups=head_and_body(model, "fc", lr_body, settings["lr"], plan.weight_decay),
        quiet=True,
    )
    _, accuracy = training.evaluate(model, pictures.split("test"), mean, std, device="cpu")
    return {
        "test_accuracy": round(accuracy, 4),
        "val_accuracy": round(history.best["val_accuracy"], 4),
        "steps": settings["steps"],
        "best_step": history.best_epoch * settings["steps"] // settings["looks"],
        "curve": [round(value, 4) for value in history.column("val_accuracy")],
        "train_curve": [round(value, 4) for value in history.column("train_accuracy")],
        "seconds": round(sum(history.column("seconds")), 1),
    }


def features(backbone: str, pictures: Dataset) -> np.ndarray:
    """Return the backbone's 512 features of each picture, (N, 512) float32; BatchNorm as it was trained."""
    from introdl import verification

    model, mean, std = start(backbone, len(pictures.classes), 0)
    return verification.embed(model.eval().features, pictures.images, mean, std, batch_size=64)


def probe(pictures: Dataset, vectors: np.ndarray, chosen: np.ndarray, settings: dict) -> dict:
    """Fit a logistic regression to features of the chosen training pictures; the validation pictures choose its penalty."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x = {part: vectors[pictures.splits == part] for part in pictures.parts}
    y = {part: pictures.labels[pictures.splits == part] for part in pictures.parts}
    found = []
    for strength in settings["inverse_strengths"]:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=3000))
        model.fit(x["train"][chosen], y["train"][chosen])
        found.append((model.score(x["val"], y["val"]), -strength, model))
    right, strength, model = max(found, key=lambda each: each[:2])
    accuracy = float(model.score(x["test"], y["test"]))
    return {
        "test_accuracy": round(accuracy, 4),
        "val_accuracy": round(float(right), 4),
        "inverse_strength": -strength,
    }


class Trial:
    """Makes the runs on one set of pictures; features of a frozen backbone are computed once.

    Parameters
    ----------
    pictures : Dataset
        With the parts train, val and test.
    settings : dict
        As `SETTINGS`.
    """

    def __init__(self, pictures: Dataset, settings: dict):
        self.pictures, self.settings = pictures, settings
        self.features: dict[str, np.ndarray] = {}

    def run(self, key: dict) -> dict:
        """Make one run: ``arm``, ``per_class`` (a number or "all"), ``seed``; ``backbone`` is "plates" where it is not given."""
        labels, settings = self.pictures.split("train").labels, self.settings
        most = len(labels) if key["per_class"] == "all" else key["per_class"]
        # The same seed draws the same pictures for each arm.
        chosen = few(labels, most, np.random.default_rng(key["seed"]))
        backbone = key.get("backbone", "plates")
        if key["arm"] == "frozen":
            if backbone not in self.features:
                self.features[backbone] = features(backbone, self.pictures)
            return {"train_pictures": len(chosen), **probe(self.pictures, self.features[backbone], chosen, settings)}
        steps = settings["steps_all" if key["per_class"] == "all" else "steps"]
        if key["arm"].endswith("three times the steps"):
            steps *= 3
        backbone = backbone if key["arm"] == "fine-tuned" else ""
        return {
            "train_pictures": len(chosen),
            **learn(self.pictures, chosen, backbone, key["seed"], {**settings, "steps": steps}),
        }


def wanted(seeds=SEEDS) -> Iterator[dict]:
    """Tell the runs on the specials."""
    for seed in seeds:
        for per_class in PER_CLASS:
            for arm in ("frozen", "fine-tuned", "scratch"):
                yield {"arm": arm, "per_class": per_class, "seed": seed}
        if seed == seeds[0]:
            yield {"arm": "scratch, three times the steps", "per_class": 20, "seed": seed}


def wanted_photographs(name: str, seeds: tuple[int, ...], imagenet: bool) -> Iterator[dict]:
    """Tell the runs on a set of photographs."""
    backbones = ("plates", "imagenet") if imagenet else ("plates",)
    for seed in seeds:
        for per_class in (20, "all"):
            for backbone in backbones:
                for arm in ("frozen", "fine-tuned"):
                    yield {"set": name, "arm": arm, "backbone": backbone, "per_class": per_class, "seed": seed}
            yield {"set": name, "arm": "scratch", "backbone": "", "per_class": per_class, "seed": seed}


def imagenet_is_here() -> bool:
    """Return whether ImageNet's weights have been downloaded to this machine."""
    from introdl.data import download, sources

    source = sources.find("imagenet_resnet18")
    return (download.folder(source) / source.files[0].name).is_file()


def split_by_class(folder: Path, size: int, name: str, val: float = 0.15, test: float = 0.25) -> Dataset:
    """Read a folder with a folder of pictures for each class.

    Parameters
    ----------
    folder : pathlib.Path
        Holds a folder for each class; or ``train``, and ``val`` or ``test``, that do. Then the latter is the test part, and
        classes that are not in both are left out.
    size : int
        Height and width in pixels: of each picture the largest square in the middle.
    name : str
        What to call the set.
    val, test : float
        Shares of each class that become validation and test part (`test` only where there is no folder of its own), drawn by
        a fixed seed.

    Raises
    ------
    ValueError
        Where there are not at least two classes with ten pictures each, or a picture cannot be read.
    """
    folder = Path(folder).expanduser()
    held_out = next((folder / part for part in ("test", "val") if (folder / part).is_dir()), None)
    apart = held_out is not None and (folder / "train").is_dir()
    pool = photographs.by_class(folder / "train" if apart else folder)
    tests = photographs.by_class(held_out) if apart and held_out else {}
    classes = [each for each in pool if not apart or each in tests]
    scarce = next((each for each in classes if len(pool[each]) < 10), None)
    if len(classes) < 2 or scarce:
        raise ValueError(
            f"The class {scarce!r} in {folder} has only {len(pool[scarce])} pictures; each needs 10 or more."
            if scarce
            else f"{folder} should hold at least two folders with pictures, one for each class; it holds {len(classes)}."
        )
    listed = []
    for label, each in enumerate(classes):
        paths = [pool[each][i] for i in np.random.default_rng(0).permutation(len(pool[each]))]
        n_val, n_test = round(val * len(paths)), 0 if apart else round(test * len(paths))
        parts = ["val"] * n_val + ["test"] * n_test + ["train"] * (len(paths) - n_val - n_test)
        listed += [(path, label, part) for path, part in zip(paths, parts, strict=True)]
        listed += [(path, label, "test") for path in tests.get(each, [])]
    return Dataset(
        name,
        photographs.read([path for path, _, _ in listed], size),
        np.array([label for _, label, _ in listed], dtype=np.int64),
        tuple(classes),
        np.array([part for _, _, part in listed]),
    )


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m introdl.experiments.transfer``."""
    parser = command.parser(
        "transfer",
        "Compare training from scratch, a frozen backbone and fine-tuning, with few pictures of each class.",
        "--photographs ~/food --name food",
    )
    parser.add_argument("--photographs", type=Path, metavar="FOLDER", help="a folder of pictures for each class")
    parser.add_argument("--name", help="what to call the photographs (default: their folder's name)")
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="how many (default: %(default)s)")
    given = parser.parse_args(arguments)
    if given.seeds < 1:
        parser.error(f"--seeds is {given.seeds}; it should be at least 1.")
    seeds = tuple(range(given.seeds))

    def job():
        import torch

        torch.set_num_threads(1)  # the same sums on every machine, and the quickest where others work too
        if given.photographs is None:
            on_specials(seeds, given.out, given.quiet)
        else:
            name = given.name or given.photographs.resolve().name
            on_photographs(given.photographs, name, seeds, given.out, given.quiet)

    return command.status(job)


def on_specials(seeds: tuple[int, ...], path: Path | None = None, quiet: bool = False) -> dict:
    """Make the runs on the eight specials that are missing; see `introdl.experiments.records.collect`."""
    from introdl import data

    trial = Trial(data.plates(size=SETTINGS["size"], dishes="special"), SETTINGS)
    return records.collect("transfer", {**SETTINGS, "arms": ARMS}, wanted(seeds), trial.run, path, quiet)


def on_photographs(
    folder: Path, name: str, seeds: tuple[int, ...], path: Path | None = None, quiet: bool = False
) -> dict:
    """Make the runs on a folder of photographs that are missing; see `split_by_class`, `introdl.experiments.records.collect`."""
    pictures = split_by_class(folder, SETTINGS["size"], name)
    trial = Trial(pictures, SETTINGS)
    facts = {"classes": len(pictures.classes)}
    facts |= {f"{part}_pictures": int(np.sum(pictures.splits == part)) for part in ("val", "test")}
    plan = wanted_photographs(name, seeds, imagenet_is_here())
    path = path or records.path_of("transfer_photographs")
    return records.collect(
        "transfer", {**SETTINGS, "arms": ARMS}, plan, lambda key: {**facts, **trial.run(key)}, path, quiet
    )


if __name__ == "__main__":
    sys.exit(main())
