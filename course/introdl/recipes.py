"""The recipes of the networks that come with the course: every number that their weights depend on.

    python -m introdl.recipes plates --out data/weights

trains a network and writes its weights, its card, and the table of `README.md` beside them. A run that was stopped goes
on where it was. On another machine the weights come out a little different: sums are rounded in another order.
"""

from __future__ import annotations

import argparse
import datetime
import json
import re
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from introdl import paths
from introdl.experiments import command


@dataclass(frozen=True)
class Recipe:
    """How one network is made.

    Attributes
    ----------
    name, summary : str
        As its card says.
    architecture : str
        The class in `introdl.models`; it is built with the number of classes and `arguments`.
    dishes : "all" or "base"
        The classes.
    size : int
        Height and width of the pictures in pixels.
    settings : dict
        What `introdl.training.Settings` has otherwise than by default.
    seed : int
        Of the first weights.
    start : str
        The network whose weights the trunk begins with; "" to begin with random ones.
    augment : dict
        What `introdl.training.Augment` has otherwise than by default.
    """

    name: str
    summary: str
    architecture: str
    dishes: str
    size: int
    settings: dict
    arguments: dict = field(default_factory=dict)
    seed: int = 0
    start: str = ""
    augment: dict = field(default_factory=dict)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "plates",
            "Names the dish on a plate: all twenty dishes, in small pictures. It is the opponent in chapter 00.",
            "PlainCNN",
            dishes="all",
            size=64,
            settings={"epochs": 12, "batch_size": 128, "lr": 4e-3},
            arguments={"widths": [32, 64, 128, 192, 256]},
        ),
        Recipe(
            "base-resnet18",
            "Names the dish on a plate: the twelve base dishes. It is where fine-tuning starts in chapter 11.",
            "ResNet18",
            dishes="base",
            size=96,
            settings={"epochs": 30, "batch_size": 64, "lr": 2e-3},
        ),
        Recipe(
            "plates-128",
            "Names the dish on a plate: all twenty dishes, in large pictures. Chapter 10 looks into it.",
            "PlainCNN",
            dishes="all",
            size=128,
            settings={"epochs": 16, "batch_size": 128, "lr": 4e-3},
            arguments={"widths": [32, 64, 128, 192, 256]},
        ),
        Recipe(
            "mealomi",
            "Names the dish, weighs it and draws its box: all twenty dishes. It is the network of the app in chapter 12.",
            "MealNet",
            dishes="all",
            size=96,
            settings={"epochs": 9, "batch_size": 64, "lr": 2e-3},
            arguments={"size": 96, "widths": [32, 64, 128, 192, 256]},
            start="plates-128",
            augment={"rotate": 8.0, "shift": 0.12},
        ),
    )
}

LICENSE = "CC BY 4.0"


def settings_of(recipe: Recipe):
    """Return a recipe's `introdl.training.Settings`."""
    from introdl.training import Augment, Settings

    return Settings(**recipe.settings | ({"augment": Augment(**recipe.augment)} if recipe.augment else {}))


def make(recipe: Recipe, where: Path, checkpoint: Path | None = None, device: str | None = None, quiet: bool = False):
    """Train a network by its recipe, measure it on the test pictures, and write its weights and its card.

    Parameters
    ----------
    recipe : Recipe
        What to make.
    where : pathlib.Path
        The folder to write to.
    checkpoint : pathlib.Path, optional
        Where the unfinished run is kept.
    device : str, optional
        By default the best there is.
    quiet : bool
        Show nothing.

    Returns
    -------
    introdl.models.Card or None
        The card; None where the run was interrupted (then nothing is written), and in all processes but the first.
    """
    import torch

    from introdl import data, models, training
    from introdl.mealomi import novelty

    plates = data.plates(size=recipe.size, dishes=recipe.dishes)
    torch.manual_seed(recipe.seed)
    model = getattr(models, recipe.architecture)(num_classes=len(plates.classes), **recipe.arguments)
    if recipe.start:
        begin_with(model, recipe.start, plates.classes)
    weighs = recipe.architecture == "MealNet"
    history = training.train(
        model,
        plates.split("train"),
        plates.split("val"),
        settings_of(recipe),
        task=training.Meals() if weighs else training.Classification(),
        device=device,
        checkpoint=checkpoint,
        quiet=quiet,
    )
    if history.stopped or (torch.distributed.is_initialized() and torch.distributed.get_rank() > 0):
        return None
    if weighs:
        novelty.fit(model, plates, history.about["mean"], history.about["std"])
    card = card_of(recipe, plates, history)
    # What is measured is what is published: the weights as they come back from the file, rounded.
    with tempfile.TemporaryDirectory() as folder:
        models.publish(model, card, Path(folder))
        kept = models.pretrained(recipe.name, Path(folder))
        test = measure(kept, plates.split("test")) | (measure_meals(kept, plates) if weighs else {})
    return models.publish(model, replace(card, test=test), where)


def card_of(recipe: Recipe, plates, history):
    """Return the `introdl.models.Card` of a network that a recipe made, with nothing measured yet.

    Parameters
    ----------
    recipe : Recipe
        By which it was made.
    plates : introdl.data.Dataset
        All parts of what it learned from.
    history : introdl.training.History
        How it learned.
    """
    from introdl import models

    about = json.loads((paths.data() / "plates" / "plates.json").read_text())
    return models.Card(
        name=recipe.name,
        summary=recipe.summary,
        classes=plates.classes,
        size=recipe.size,
        mean=tuple(round(value, 4) for value in history.about["mean"]),
        std=tuple(round(value, 4) for value in history.about["std"]),
        architecture=recipe.architecture,
        arguments={"num_classes": len(plates.classes), **recipe.arguments},
        dataset={
            "name": "plates",
            "version": about["version"],
            "sha256": about["sha256"],
            "dishes": recipe.dishes,
            "pictures": {part: int(np.sum(plates.splits == part)) for part in plates.parts},
        },
        test={},
        training={
            "seed": recipe.seed,
            **({"start": recipe.start} if recipe.start else {}),
            "settings": history.settings,
            **history.about,
            "best_epoch": history.best_epoch,
            "day": datetime.date.today().isoformat(),
            "rows": history.rows,
        },
        license=LICENSE,
    )


def begin_with(model, name: str, classes: tuple[str, ...]) -> None:
    """Give a network the weights of another wherever a name is in both; the dishes must be the same, in the same order."""
    from introdl import models

    other: Any = models.pretrained(name)
    if other.card.classes != tuple(classes):
        raise ValueError(f"{name} knows other dishes, or in another order.")
    own = model.state_dict()
    model.load_state_dict({**own, **{key: value for key, value in other.state_dict().items() if key in own}})


def measure(model, test) -> dict:
    """Measure a network on pictures that it has never seen.

    Parameters
    ----------
    model : torch.nn.Module
        With a card.
    test : introdl.data.Dataset
        The pictures; its classes are the card's.

    Returns
    -------
    dict
        ``pictures``; ``accuracy``, and its ``standard_error`` sqrt(p (1 - p) / n); ``top_5``; ``by_class``, the share of each
        class that is found; ``confusion``, counts with a row for each true class; ``worst_pairs``, the five most frequent
        mistakes as [true, named, count].
    """
    from introdl import models

    probabilities = models.predict(model, test.images)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    count, classes = len(test), len(test.classes)
    accuracy = float(np.mean(order[:, 0] == test.labels))
    confusion = np.zeros((classes, classes), int)
    np.add.at(confusion, (test.labels, order[:, 0]), 1)
    mistakes = confusion - np.diag(np.diag(confusion))
    worst = [np.unravel_index(index, mistakes.shape) for index in np.argsort(-mistakes, axis=None, kind="stable")[:5]]
    return {
        "pictures": count,
        "accuracy": accuracy,
        "standard_error": float(np.sqrt(accuracy * (1 - accuracy) / count)),
        "top_5": float(np.mean((order[:, :5] == test.labels[:, None]).any(axis=1))),
        "by_class": {name: float(confusion[k, k] / max(confusion[k].sum(), 1)) for k, name in enumerate(test.classes)},
        "confusion": confusion.tolist(),
        "worst_pairs": [[test.classes[i], test.classes[j], int(mistakes[i, j])] for i, j in worst if mistakes[i, j]],
    }


def measure_meals(model, plates) -> dict:
    """Measure grams, energy and boxes of a `MealNet` on the test pictures, beside what needs no network.

    Parameters
    ----------
    model : introdl.models.MealNet
        With a card.
    plates : introdl.data.Dataset
        All parts. Means are of the training part.

    Returns
    -------
    dict
        ``grams_error`` and ``kcal_error``, mean absolute errors, each with ``network`` (energy: grams times the named dish's
        energy), ``network_given_dish`` (energy alone: times the true dish's), ``mean`` (the training plates' mean for
        everything), ``mean_of_named_dish`` and ``mean_of_true_dish`` (the training plates' mean of that dish), and the
        same of medians, ``median_of_true_dish``; ``grams_error_percent`` and ``within_20_percent``, of the network and of
        the true dish's median; ``iou``, the mean intersection over union of ``network`` and of the training plates'
        ``mean`` box, and ``iou_over_half``, the share of the network's boxes over 0.5.
    """
    from introdl import models
    from introdl.mealomi import nutrition, recognition

    train, test = plates.split("train"), plates.split("test")
    found = recognition.look(model, test.images)
    named = found.probabilities.argmax(axis=1)
    density = np.array([nutrition.per_100g(name)["kcal"] / 100 for name in test.classes])
    grams, kcal = ({"network": found.grams}, {"network": found.grams * density[named]})
    kcal["network_given_dish"] = found.grams * density[test.labels]
    for guesses, known in ((grams, train.grams), (kcal, train.kcal)):
        of_dish = [known[train.labels == k] for k in range(len(test.classes))]
        means, medians = (np.array([middle(each) for each in of_dish]) for middle in (np.mean, np.median))
        guesses["mean"] = known.mean()
        guesses["mean_of_named_dish"], guesses["mean_of_true_dish"] = means[named], means[test.labels]
        guesses["median_of_true_dish"] = medians[test.labels]
    compared = ("network", "median_of_true_dish")
    relative = {name: np.abs(grams[name] - test.grams) / test.grams for name in compared}
    size = test.images.shape[1]
    mean_box = np.broadcast_to(train.boxes.mean(axis=0) / size, (len(test), 4))
    iou, mean_iou = (
        models.box_iou(*(_tensor(boxes) for boxes in (guess, test.boxes / size))).numpy()
        for guess in (found.boxes, mean_box)
    )
    plates_of = {name: test.labels == k for k, name in enumerate(test.classes)}
    return {
        "grams_error": {name: _error(guess, test.grams) for name, guess in grams.items()},
        "kcal_error": {name: _error(guess, test.kcal) for name, guess in kcal.items()},
        "grams_error_percent": {name: float(100 * each.mean()) for name, each in relative.items()},
        "within_20_percent": {name: float((each <= 0.2).mean()) for name, each in relative.items()},
        "grams_error_by_dish": {name: _error(found.grams[own], test.grams[own]) for name, own in plates_of.items()},
        "iou": {"network": float(iou.mean()), "mean": float(mean_iou.mean())},
        "iou_over_half": float((iou > 0.5).mean()),
    }


def _error(guess, truth: np.ndarray) -> float:
    """Return the mean absolute error."""
    return float(np.abs(guess - truth).mean())


def _tensor(values):
    import torch

    return torch.tensor(np.asarray(values, np.float32))


def table(cards) -> str:
    """Return what was measured of each network as a table in Markdown."""
    lines = [
        "| network | what | input | trained on | test accuracy | among the first five | most frequent mistakes (true → named) |",
        "|---|---|---|---|---|---|---|",
    ]
    for card in cards:
        test, counts = card.test, card.dataset["pictures"]
        parameters = f"{card.training['parameters'] / 1e6:.2f} M parameters"
        worst = ", ".join(f"{true} → {named} ({n})" for true, named, n in test["worst_pairs"][:3]).replace("_", " ")
        lines.append(
            f"| `{card.name}` | {card.architecture}, {parameters} | {card.size} x {card.size} | {counts['train']:,} pictures of "
            f"{len(card.classes)} dishes | {test['accuracy']:.1%} ± {test['standard_error']:.1%} of {test['pictures']:,} | "
            f"{test['top_5']:.1%} | {worst or 'none'} |"
        )
    return "\n".join(lines)


_BEGIN, _END = "<!-- measured: written by python -m introdl.recipes -->", "<!-- end of what is measured -->"


def write_readme(where: Path) -> None:
    """Write the table of all cards in a folder into its README.md, between its two marks."""
    from introdl import models

    path = where / "README.md"
    if not path.is_file():
        return
    cards = [models.pretrained(name, where).card for name in sorted(each.stem for each in where.glob("*.json"))]
    text = path.read_text(encoding="utf-8")
    found = re.sub(
        f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: f"{_BEGIN}\n{table(cards)}\n{_END}", text, flags=re.DOTALL
    )
    paths.write_atomically(path, found.encode())


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m introdl.recipes``."""
    parser = argparse.ArgumentParser(
        prog="python -m introdl.recipes",
        description="Train the networks that come with the course again.",
        epilog="Example: python -m introdl.recipes plates --out data/weights",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which; by default all: {', '.join(RECIPES)}")
    parser.add_argument("--out", type=Path, default=None, help="where to write (default: the course's data/weights)")
    parser.add_argument("--unfinished", type=Path, default=None, help="where unfinished runs are kept, to go on with")
    parser.add_argument("--device", default=None, help="as in 'cuda' or 'cpu'; by default the best there is")
    given = parser.parse_args(arguments)
    unknown = [name for name in given.names if name not in RECIPES]
    if unknown:
        parser.error(f"there is no recipe {unknown[0]!r}; there are: {', '.join(RECIPES)}")

    def job():
        from introdl import models, training

        out = given.out or models.weights_folder()
        unfinished = given.unfinished or paths.cache() / "recipes"
        for name in given.names or RECIPES:
            checkpoint = unfinished / f"{name}.pt"
            if training.choose_device(given.device).type == "cpu":
                print(f"{name}: {training.quickest_threads()} threads", file=sys.stderr)
            card = make(RECIPES[name], out, checkpoint, given.device)
            if card is None:
                raise training.TrainingError(f"{name}: not finished. The same command goes on with it.")
            checkpoint.unlink(missing_ok=True)
            write_readme(out)
            measured = f"{card.test['accuracy']:.1%} ± {card.test['standard_error']:.1%}"
            print(f"{name}: test accuracy {measured}; {out / name}.safetensors")

    return command.status(job)


if __name__ == "__main__":
    sys.exit(main())
