"""Do a network's heat maps lie on the food? Measured with the true boxes, against baselines that know nothing.

    python -m introdl.experiments.pointing

For the trained network and for networks whose weights were drawn again, every kind of heat map is made of the same plates.
Two tests. *One plate*: how often the map's largest value lies in the food's box, and which share of its sum does. *Four
plates*: four plates of different dishes are put together into one picture of twice the size; which share of the map for
one of the four dishes lies on that dish's plate? There a map that knows nothing gets a quarter.
"""

from __future__ import annotations

import copy
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np

from introdl.experiments import command, records

NETWORK = "plates-128"
LAYERS = ("stages.1", "stages.2", "stages.3", "stages.4")
SETTINGS: dict[str, Any] = {"network": NETWORK, "part": "test", "pictures": 432, "mosaics": 108, "seed": 0, "sigma": 32}
WANTED = [{"weights": "trained"}, *({"weights": f"random {seed}"} for seed in range(3))]


def chain(model):
    """Return a course's `PlainCNN` as a chain of named steps that takes pictures in [0, 1]."""
    from torch import nn

    from introdl import inspection

    steps = {
        "normalize": inspection.Normalize(model.card.mean, model.card.std),
        "stages": model.stages,
        "average": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "head": model.head,
    }
    return nn.Sequential(OrderedDict(steps)).eval()


def drawn_anew(net, seed: int, parts=None):
    """Return a copy of a network in which the weights of some parts are drawn again; the rest is as it was trained.

    Parameters
    ----------
    net : torch.nn.Module
        The network.
    seed : int
        Of the new weights.
    parts : sequence of str, optional
        Names of the parts, as in ``["head", "stages.4"]``; by default all.

    Raises
    ------
    ValueError
        Where the network has no such part.
    """
    import torch

    known = [name for name, _ in net.named_modules()]
    if unknown := [name for name in parts or [] if name not in known]:
        raise ValueError(f"The network has no part {unknown[0]!r}. It has {', '.join(known[1:9])}.")
    other = copy.deepcopy(net)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name in parts or [""]:
            for part in other.get_submodule(name).modules():
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
    return other


def in_box(heat: np.ndarray, boxes: np.ndarray) -> dict:
    """Measure how well heat maps point at boxes.

    Parameters
    ----------
    heat : numpy.ndarray
        (N, H, W), 0 or more.
    boxes : numpy.ndarray
        (N, 4), whole pixels: x0, y0, x1, y1; x1 and y1 lie just outside.

    Returns
    -------
    dict
        ``"hits"``: the share of maps whose largest value lies in the box; ``"share"``: the mean share of a map's sum that does (0
        for a map of zeros).

    Raises
    ------
    ValueError
        Where there is no map, or not a box for each.
    """
    if heat.ndim != 3 or not len(heat) or boxes.shape != (len(heat), 4):
        raise ValueError(f"Maps (N, H, W) need a box each, (N, 4); the shapes are {heat.shape} and {boxes.shape}.")
    hits, shares = [], []
    for one, (x0, y0, x1, y1) in zip(heat, boxes.astype(int), strict=True):
        row, column = np.unravel_index(one.argmax(), one.shape)
        hits.append(bool(x0 <= column < x1 and y0 <= row < y1))
        shares.append(float(one[y0:y1, x0:x1].sum() / one.sum()) if one.sum() > 0 else 0.0)
    return {"hits": float(np.mean(hits)), "share": float(np.mean(shares))}


def hill(size: int, sigma: float) -> np.ndarray:
    """Return a map (size, size) that knows nothing but where the middle is: a bell around it, `sigma` pixels wide."""
    if size < 1 or sigma <= 0:
        raise ValueError(f"A hill needs a size of 1 or more and a sigma above 0; they are {size} and {sigma}.")
    away = np.arange(size) - (size - 1) / 2
    bell = np.exp(-0.5 * (away / sigma) ** 2)
    return np.outer(bell, bell)


def mosaics(images: np.ndarray, labels: np.ndarray, count: int, rng: np.random.Generator):
    """Put four plates of different dishes together, `count` times.

    Returns
    -------
    numpy.ndarray, numpy.ndarray
        Pictures uint8 (count, 2H, 2W, 3), and the four labels (count, 4): upper left, upper right, lower left, lower right.

    Raises
    ------
    ValueError
        Where there are fewer than four dishes, or none is asked for.
    """
    if len(np.unique(labels)) < 4 or count < 1:
        raise ValueError(
            f"Mosaics need four dishes and a count of 1 or more; there are {len(np.unique(labels))} and {count}."
        )
    pictures, inside = [], []
    for _ in range(count):
        dishes = rng.choice(np.unique(labels), 4, replace=False)
        chosen = [int(rng.choice(np.flatnonzero(labels == dish))) for dish in dishes]
        four = images[chosen]
        pictures.append(np.concatenate([np.concatenate(four[:2], axis=1), np.concatenate(four[2:], axis=1)], axis=0))
        inside.append(dishes)
    return np.stack(pictures), np.array(inside)


def share_on_plate(heat: np.ndarray, places: np.ndarray) -> float:
    """Return the mean share of maps (N, 2H, 2W) that lies in the quarter `places` (N,): 0 to 3, row by row.

    A map of zeros knows nothing, and counts as a quarter.

    Raises
    ------
    ValueError
        Where the maps cannot be halved, or there is not one place from 0 to 3 for each.
    """
    if heat.ndim != 3 or heat.shape[1] % 2 or heat.shape[2] % 2:
        raise ValueError(f"Maps should be (N, 2H, 2W), even both ways; these are {heat.shape}.")
    if places.shape != heat.shape[:1] or not len(places) or not set(np.unique(places)) <= {0, 1, 2, 3}:
        raise ValueError(f"Each of {len(heat)} maps needs one place from 0 to 3; places are {places.tolist()[:8]}.")
    high, wide = heat.shape[1] // 2, heat.shape[2] // 2
    quarters = heat.reshape(len(heat), 2, high, 2, wide).sum(axis=(2, 4)).reshape(len(heat), 4)
    total = quarters.sum(axis=1)
    share = quarters[np.arange(len(heat)), places] / np.where(total > 0, total, 1)
    return float(np.mean(np.where(total > 0, share, 0.25)))


def maps(net, x, target, batch: int = 32) -> dict[str, np.ndarray]:
    """Return every kind of heat map of some pictures (N, 3, H, W) for one class each, (N, H, W) by name."""
    import torch

    from introdl import inspection

    wanted = torch.as_tensor(target)
    ways: dict[str, Callable] = {"saliency": inspection.saliency}
    for layer in LAYERS:
        ways[f"Grad-CAM {layer}"] = lambda n, some, k, layer=layer: inspection.grad_cam(n, layer, some, k)
    return {
        name: torch.cat(
            [way(net, some, k) for some, k in zip(x.split(batch), wanted.split(batch), strict=True)]
        ).numpy()
        for name, way in ways.items()
    }


def _run(key: dict) -> dict:
    from introdl import data, inspection, models

    test = data.plates().split(SETTINGS["part"])
    some = test.subset(slice(SETTINGS["pictures"]))
    boxes = np.asarray(some.boxes)
    net = chain(models.pretrained(NETWORK))
    if key["weights"] != "trained":
        net = drawn_anew(net, int(key["weights"].split()[1]))
    found = {}
    for name, heat in maps(net, inspection.as_pictures(some.images), some.labels).items():
        found[name] = in_box(heat, boxes)
    rng = np.random.default_rng(SETTINGS["seed"])
    pictures, inside = mosaics(test.images, test.labels, SETTINGS["mosaics"], rng)
    places = rng.integers(0, 4, len(pictures))
    asked = inside[np.arange(len(pictures)), places]
    for name, heat in maps(net, inspection.as_pictures(pictures), asked, batch=8).items():
        found[name]["on the plate"] = share_on_plate(heat, places)
    if key["weights"] == "trained":
        middle = np.repeat(hill(test.images.shape[1], SETTINGS["sigma"])[None], len(some), axis=0)
        wide = hill(2 * test.images.shape[1], 2 * SETTINGS["sigma"])
        found["the middle"] = {
            **in_box(middle, boxes),
            "on the plate": share_on_plate(np.repeat(wide[None], len(pictures), axis=0), places),
        }
        even = np.ones_like(middle)
        found["everywhere alike"] = {
            "share": in_box(even, boxes)["share"],
            "on the plate": 0.25,
        }
    return {"maps": found}


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m introdl.experiments.pointing``."""
    description = "Measure whether heat maps lie on the food, beside maps that know nothing."
    given = command.parser("pointing", description).parse_args(arguments)
    return command.status(lambda: records.collect("pointing", SETTINGS, WANTED, _run, given.out, given.quiet))


if __name__ == "__main__":
    sys.exit(main())
