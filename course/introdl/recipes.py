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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from introdl import places


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
    """

    name: str
    summary: str
    architecture: str
    dishes: str
    size: int
    settings: dict
    arguments: dict = field(default_factory=dict)
    seed: int = 0


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
    )
}

LICENCE = "CC BY 4.0"


def settings_of(recipe: Recipe):
    """Return a recipe's `introdl.training.Settings`."""
    from introdl.training import Settings

    return Settings(**recipe.settings)


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

    about = json.loads((places.data() / "plates" / "plates.json").read_text())
    plates = data.plates(size=recipe.size, dishes=recipe.dishes)
    torch.manual_seed(recipe.seed)
    model = getattr(models, recipe.architecture)(num_classes=len(plates.classes), **recipe.arguments)
    history = training.train(
        model,
        plates.split("train"),
        plates.split("val"),
        settings_of(recipe),
        device=device,
        checkpoint=checkpoint,
        quiet=quiet,
    )
    if history.stopped or (torch.distributed.is_initialized() and torch.distributed.get_rank() > 0):
        return None
    card = models.Card(
        name=recipe.name,
        summary=recipe.summary,
        classes=plates.classes,
        size=recipe.size,
        mean=[round(value, 4) for value in history.about["mean"]],
        std=[round(value, 4) for value in history.about["std"]],
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
            "settings": history.settings,
            **history.about,
            "best_epoch": history.best_epoch,
            "day": datetime.date.today().isoformat(),
            "rows": history.rows,
        },
        licence=LICENCE,
    )
    # What is measured is what is published: the weights as they come back from the file, rounded.
    with tempfile.TemporaryDirectory() as folder:
        models.save(model, card, Path(folder))
        test = measure(models.pretrained(recipe.name, Path(folder)), plates.split("test"))
    from dataclasses import replace

    return models.save(model, replace(card, test=test), where)


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
    places.write_atomically(path, found.encode())


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

    from introdl import models, training
    from introdl.data.errors import DataError

    out = given.out or models.weights_folder()
    unfinished = given.unfinished or places.cache() / "recipes"
    for name in given.names or RECIPES:
        checkpoint = unfinished / f"{name}.pt"
        try:
            if training.choose_device(given.device).type == "cpu":
                print(f"{name}: {training.quickest_threads()} threads", file=sys.stderr)
            card = make(RECIPES[name], out, checkpoint, given.device)
        except (DataError, training.TrainingError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
        if card is None:
            print(f"{name}: not finished. The same command goes on with it.", file=sys.stderr)
            return 1
        checkpoint.unlink(missing_ok=True)
        write_readme(out)
        print(
            f"{name}: test accuracy {card.test['accuracy']:.1%} ± {card.test['standard_error']:.1%}; {out / name}.safetensors"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
