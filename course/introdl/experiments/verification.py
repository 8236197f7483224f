"""Chapter 13: how well "is it the same dish?" is answered for dishes that were never trained on.

    python -m introdl.experiments.verification

trains networks on the base dishes (three, six or twelve of them, always as many pictures and steps), by three losses, and
measures them on the eight specials by the protocol of Labeled Faces in the Wild. It takes a quarter of an hour on one core.
``--grocery FOLDER`` also measures every network on photographs, FOLDER/CLASS/*.jpg, that none of them has learned from.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from introdl.experiments import command, photographs, records

NAME = "verification"
SIZE = 32
WIDTHS = (32, 64, 128, 192)
SEEDS = (0, 1, 2)
PER_FOLD, FOLDS = 300, 10
GROCERY_PER_FOLD = 200
#: Steps of 120 pictures each, and how fast to learn.
STEPS, BATCH, LR = 120, 120, 3e-3
#: How many dishes, and how many pictures of each.
DIETS = ((3, 224), (6, 112), (12, 56))
MARGINS = {"triplet": 0.2, "contrastive": 1.0}


def wanted() -> list[dict]:
    """Return what tells the runs from each other, in the order in which they are made."""
    plain = [
        {"method": method, "dishes": 0, "pictures": 0, "seed": 0}
        for method in ("pixels", "color histogram", "untrained")
    ]
    learned = [
        {"method": method, "dishes": dishes, "pictures": pictures, "seed": seed}
        for seed in SEEDS
        for dishes, pictures in DIETS
        for method in ("classifier", "triplet", "contrastive")
        if method != "contrastive" or (dishes, pictures) == DIETS[-1]
    ]
    return [*plain, *learned]


def measured(vectors: np.ndarray, labels: np.ndarray, per_fold: int, folds: int = FOLDS) -> dict:
    """Return what the protocol says of some pictures' vectors (N, D).

    Parameters
    ----------
    vectors : numpy.ndarray
        (N, D).
    labels : numpy.ndarray
        int64, (N,).
    per_fold, folds : int
        As in `introdl.verification.draw_pairs`.
    """
    from introdl import verification

    pairs = verification.draw_pairs(labels, per_fold, folds)
    similarities = verification.cosine(vectors[pairs.first], vectors[pairs.second])
    outcome = verification.ten_folds(similarities, pairs)
    false, true, _ = verification.roc(similarities, pairs.same)
    rates = {f"{limit:g}": round(verification.true_rate_at(false, true, limit), 4) for limit in (0.001, 0.01, 0.1)}
    return {
        "accuracy": round(outcome.mean, 4),
        "standard_error": round(outcome.standard_error, 4),
        "auc": round(verification.area_under(false, true), 4),
        "true_rate_at": rates,
    }


def labeled(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read FOLDER/CLASS/*.jpg: pictures uint8 (N, SIZE, SIZE, 3) and labels int64 (N,)."""
    found = photographs.by_class(folder)
    images = photographs.read([path for paths in found.values() for path in paths], SIZE)
    return images, np.repeat(np.arange(len(found)), [len(paths) for paths in found.values()])


class Experiment:
    """The pictures, and how one run is made.

    Parameters
    ----------
    grocery : pathlib.Path, optional
        A folder of photographs to measure on as well.
    """

    def __init__(self, grocery: Path | None = None):
        from introdl import data

        base = data.plates(size=SIZE, dishes="base")
        self.train, self.known = base.split("train"), base.split("val")
        self.specials = data.plates(size=SIZE, dishes="special")
        self.grocery = labeled(grocery) if grocery else None

    def diet(self, dishes: int, pictures: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Return which dishes, drawn by the seed, and the first pictures of each."""
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.permutation(len(self.train.classes))[:dishes])
        return chosen, np.concatenate([np.flatnonzero(self.train.labels == k)[:pictures] for k in chosen])

    def run(self, key: dict) -> dict:
        """Make one run: learn where there is something to learn, then measure."""
        import time

        begun = time.perf_counter()
        chosen, function, trunk = self._made(key)
        found: dict[str, Any] = {"specials": self._on(function, self.specials.images, self.specials.labels, PER_FOLD)}
        if trunk:
            found["specials_by_features"] = self._on(trunk, self.specials.images, self.specials.labels, PER_FOLD)
        if len(chosen):
            known = self.known.subset(np.isin(self.known.labels, chosen))
            found["known_dishes"] = self._on(function, known.images, known.labels, 50, 4)
            found["which"] = [self.train.classes[k] for k in chosen]
        if self.grocery:
            found["grocery"] = self._on(function, *self.grocery, GROCERY_PER_FOLD)
        return {**found, "seconds": round(time.perf_counter() - begun)}

    @staticmethod
    def _on(function, images, labels, per_fold, folds=FOLDS) -> dict:
        return measured(function(images), labels, per_fold, folds)

    def _made(self, key: dict):
        """Return the dishes learned from, and what turns pictures into vectors: in the end, and before the last layer."""
        import torch
        from torch.nn import functional as F

        from introdl import models, training, verification

        method = key["method"]
        if method == "color histogram":
            return [], verification.color_histograms, None
        if method == "pixels":
            mean = verification.pixels(self.train.images).mean(axis=0)
            return [], lambda images: verification.pixels(images) - mean, None
        torch.manual_seed(key["seed"])
        model: torch.nn.Module
        network = models.PlainCNN(max(key["dishes"], 2), WIDTHS)
        if method == "untrained":
            statistics = training.channel_statistics(self.train.images)
            network.train()
            with torch.no_grad():  # batch normalization should know what it normalizes
                for start in range(0, 1024, 128):
                    network(training.normalize(torch.from_numpy(self.train.images[start : start + 128]), *statistics))
            network.eval()
            return [], lambda images: verification.embed(network.features, images, *statistics), None
        chosen, indices = self.diet(key["dishes"], key["pictures"], key["seed"])
        settings = verification.LearningSettings(steps=STEPS, batch_size=BATCH, lr=LR, seed=key["seed"])
        if method == "classifier":
            model, loss = network, lambda scores, labels: F.cross_entropy(scores, labels, label_smoothing=0.1)
        else:
            model = verification.Embedder(network, network.head.in_features)

            def loss(vectors, labels):
                return getattr(verification, method)(vectors, labels, MARGINS[method])

        statistics = verification.learn(
            model, self.train.images[indices], self.train.labels[indices], loss, settings, device="cpu"
        )

        def by(function):
            return lambda images: verification.embed(function, images, *statistics)

        if method == "classifier":
            return chosen, by(network.features), None
        return chosen, by(model), by(network.features)


def about() -> dict:
    """Return what all runs depend on."""
    from introdl import verification

    return {
        "what": "Verification on the eight specials, which no network has seen, after learning from base dishes.",
        "network": "PlainCNN",
        "size": SIZE,
        "widths": WIDTHS,
        "pairs": {"per_fold": PER_FOLD, "folds": FOLDS, "grocery_per_fold": GROCERY_PER_FOLD},
        "margins": MARGINS,
        "settings": asdict(verification.LearningSettings(steps=STEPS, batch_size=BATCH, lr=LR)),
    }


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m introdl.experiments.verification``."""
    parser = command.parser(
        NAME, "Make the recorded runs of chapter 13 that are missing.", "--grocery photographs/train"
    )
    parser.add_argument("--grocery", type=Path, default=None, help="photographs to measure on: FOLDER/CLASS/*.jpg")
    given = parser.parse_args(arguments)

    def job():
        import torch

        torch.set_num_threads(1)
        records.collect(NAME, about(), wanted(), Experiment(given.grocery).run, given.out, given.quiet)

    return command.status(job)


if __name__ == "__main__":
    sys.exit(main())
