"""How hard the plates are: simple classifiers on them, and on what is left when the food is taken away.

    python data/kitchen/baselines.py data/plates/plates.zip --out data/plates/baselines.json

Needs numpy, pillow, scikit-learn and torch (the course's own environment). About three minutes on two cores.

Classifiers learn from the training pictures, their settings are chosen on the validation pictures, and the figures are
the share of the test pictures named right (top-1), with the standard error of that share.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np


def read(archive: Path) -> dict:
    """Read the pictures and their table.

    Parameters
    ----------
    archive : pathlib.Path
        ``plates.zip``: ``plates.csv`` and JPEG files.

    Returns
    -------
    dict
        ``images`` uint8 (N, H, W, 3), ``labels`` int64 (N,), ``split`` str (N,), ``boxes`` int (N, 4), ``files`` str
        (N,), ``setting`` float (N, M): light and camera, and ``classes``.
    """
    from PIL import Image

    with zipfile.ZipFile(archive) as file:
        rows = list(csv.DictReader(io.TextIOWrapper(file.open("plates.csv"), encoding="utf-8")))
        images = [np.asarray(Image.open(io.BytesIO(file.read(row["file"]))).convert("RGB")) for row in rows]
    classes = list(dict.fromkeys(row["dish"] for row in rows))
    return {
        "images": np.stack(images),
        "labels": np.array([classes.index(row["dish"]) for row in rows]),
        "split": np.array([row["split"] for row in rows]),
        "boxes": np.array([[int(row[k]) for k in ("x0", "y0", "x1", "y1")] for row in rows]),
        "files": np.array([row["file"] for row in rows]),
        "setting": np.array([setting(row.get("light"), row.get("camera")) for row in rows]),
        "classes": classes,
    }


def setting(light: str | None, camera: str | None) -> list[float]:
    """Return the numbers by which light and camera were drawn, without those in centimeters, which tell the food's size."""
    light, camera = json.loads(light or "{}"), json.loads(camera or "{}")
    return [light[k] for k in sorted(light)] + [camera[k] for k in sorted(camera) if k.endswith("_deg")]


def histograms(images: np.ndarray, keep: np.ndarray | None = None, bins: int = 8) -> np.ndarray:
    """Return joint color histograms, (N, bins ** 3), each with sum 1; `keep` (N, H, W) says which pixels count."""
    found = np.zeros((len(images), bins**3))
    for i, image in enumerate(images):
        pixels = image[keep[i]] if keep is not None else image.reshape(-1, 3)
        codes = (pixels.astype(int) * bins // 256) @ [bins * bins, bins, 1]
        found[i] = np.bincount(codes, minlength=bins**3) / max(len(codes), 1)
    return found


def channel_histograms(images: np.ndarray, bins: int = 8) -> np.ndarray:
    """Return a histogram of each channel, one after the other, (N, 3 * bins), as shares of the pixels."""
    found = np.zeros((len(images), 3 * bins))
    for i, image in enumerate(images):
        codes = image.reshape(-1, 3).astype(int) * bins // 256 + bins * np.arange(3)
        found[i] = np.bincount(codes.ravel(), minlength=3 * bins) / len(codes)
    return found


def outside(boxes: np.ndarray, height: int, width: int, margin: int = 4) -> np.ndarray:
    """Return masks (N, H, W) of the pixels outside of the food's box, some pixels away from it."""
    rows, columns = np.arange(height)[:, None], np.arange(width)[None, :]
    x0, y0, x1, y1 = (boxes[:, k, None, None] for k in range(4))
    inside = (rows >= y0 - margin) & (rows < y1 + margin) & (columns >= x0 - margin) & (columns < x1 + margin)
    return ~inside


def logistic(features: np.ndarray, labels: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Predict the test labels by logistic regression on square roots of histograms, its penalty chosen on "val"."""
    from sklearn.linear_model import LogisticRegression

    features = np.sqrt(features)
    train, val, test = (split == name for name in ("train", "val", "test"))
    best = None
    for strength in (1.0, 10.0, 100.0):
        model = LogisticRegression(C=strength, max_iter=400).fit(features[train], labels[train])
        score = model.score(features[val], labels[val])
        if best is None or score > best[0]:
            best = (score, model)
    return best[1].predict(features[test])


def forest(features: np.ndarray, labels: np.ndarray, split: np.ndarray, seed: int) -> np.ndarray:
    """Predict the test labels from a few numbers by a random forest."""
    from sklearn.ensemble import RandomForestClassifier

    train = split == "train"
    model = RandomForestClassifier(300, min_samples_leaf=3, random_state=seed).fit(features[train], labels[train])
    return model.predict(features[split == "test"])


def shrunk(images: np.ndarray, side: int) -> np.ndarray:
    """Return pictures averaged down to side x side, float in [0, 1], (N, side, side, 3)."""
    step = images.shape[1] // side
    cut = images[:, : side * step, : side * step]
    return cut.reshape(len(images), side, step, side, step, 3).mean((2, 4)) / 255


def closest(images: np.ndarray, split: np.ndarray, files: np.ndarray, most: int = 5) -> list[dict]:
    """Return the test pictures that are most like a training picture, with the distance, nearest first.

    The distance is the root mean square difference at 16 x 16 pixels, for gray levels from 0 to 255.
    """
    from sklearn.neighbors import NearestNeighbors

    flat = shrunk(images, 16).reshape(len(images), -1)
    train, test = np.flatnonzero(split == "train"), np.flatnonzero(split == "test")
    distance, which = NearestNeighbors(n_neighbors=1).fit(flat[train]).kneighbors(flat[test])
    distance = distance[:, 0] * 255 / np.sqrt(flat.shape[1])
    return [
        {"test": str(files[test[i]]), "train": str(files[train[which[i, 0]]]), "rms": round(float(distance[i]), 2)}
        for i in np.argsort(distance)[:most]
    ]


def nearest(images: np.ndarray, labels: np.ndarray, split: np.ndarray) -> np.ndarray:
    """Predict the test labels by k nearest neighbors on pixels at 32 x 32, k chosen on "val"."""
    from sklearn.neighbors import KNeighborsClassifier

    flat = shrunk(images, 32).reshape(len(images), -1).astype(np.float32)
    train, val, test = (split == name for name in ("train", "val", "test"))
    models = [KNeighborsClassifier(k).fit(flat[train], labels[train]) for k in (1, 3, 5, 9, 15)]
    return max(models, key=lambda model: model.score(flat[val], labels[val])).predict(flat[test])


def network(
    images: np.ndarray, labels: np.ndarray, split: np.ndarray, classes: int, epochs: int, seed: int
) -> np.ndarray:
    """Predict the test labels by a small CNN at 64 x 64, trained from scratch with flips and shifts."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    x = torch.from_numpy(shrunk(images, 64).transpose(0, 3, 1, 2).astype(np.float32))
    train = np.flatnonzero(split == "train")
    x = (x - x[train].mean((0, 2, 3), keepdim=True)) / x[train].std((0, 2, 3), keepdim=True)
    y = torch.from_numpy(labels.astype(np.int64))

    def block(a, b):
        return [nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)]

    net = nn.Sequential(
        *block(3, 32), *block(32, 64), *block(64, 128), *block(128, 192),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.3), nn.Linear(192, classes),
    )  # fmt: skip
    size = 64
    steps = epochs * (len(train) // size)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
    for _ in range(epochs):
        order = rng.permutation(train)[: len(train) // size * size].reshape(-1, size)
        for chosen in order:
            batch = x[torch.from_numpy(chosen)]
            flip = torch.from_numpy(rng.random(size) < 0.5)
            batch = torch.where(flip[:, None, None, None], batch.flip(3), batch)
            batch = torch.roll(batch, tuple(int(v) for v in rng.integers(-4, 5, 2)), (2, 3))
            loss = nn.functional.cross_entropy(net(batch), y[torch.from_numpy(chosen)], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()
    with torch.no_grad():
        return net(x[torch.from_numpy(np.flatnonzero(split == "test"))]).argmax(1).numpy()


def measure(archive: Path, epochs: int = 12, seed: int = 0) -> dict:
    """Measure every baseline; returns a record for `json`."""
    plates = read(archive)
    images, labels, split = plates["images"], plates["labels"], plates["split"]
    truth = labels[split == "test"]
    away = outside(plates["boxes"], *images.shape[1:3])
    hidden = np.where(away[..., None], images, 128).astype(np.uint8)
    found = {}

    def note(name, predicted, begun):
        share = float(np.mean(predicted == truth))
        error = float(np.sqrt(share * (1 - share) / len(truth)))
        found[name] = {"accuracy": round(share, 4), "standard_error": round(error, 4)}
        print(f"{name:52} {share:6.1%} +- {error:.1%}   {time.perf_counter() - begun:5.0f} s", flush=True)
        return predicted

    print(f"{len(images)} pictures, {len(truth)} to test on, {len(plates['classes'])} dishes")
    most = np.bincount(labels[split == "train"]).argmax()
    note("always the commonest dish", np.full(len(truth), most), time.perf_counter())
    for name, features in (
        ("color histogram, 8 bins a channel, log. regression", channel_histograms(images)),
        ("color histogram, 4 x 4 x 4 bins, log. regression", histograms(images, bins=4)),
        ("color histogram, 8 x 8 x 8 bins, log. regression", histograms(images)),
    ):
        begun = time.perf_counter()
        note(name, logistic(features, labels, split), begun)
    begun = time.perf_counter()
    note("pixels at 32 x 32, k nearest neighbors", nearest(images, labels, split), begun)
    begun = time.perf_counter()
    note("background's color histogram, logistic reg.", logistic(histograms(images, away), labels, split), begun)
    begun = time.perf_counter()
    note("light and camera as recorded, random forest", forest(plates["setting"], labels, split, seed), begun)
    begun = time.perf_counter()
    predicted = note(
        f"small CNN at 64 x 64, {epochs} epochs",
        network(images, labels, split, len(plates["classes"]), epochs, seed),
        begun,
    )
    begun = time.perf_counter()
    note(
        "the same CNN, the food's box painted gray",
        network(hidden, labels, split, len(plates["classes"]), epochs, seed),
        begun,
    )
    pairs = closest(images, split, plates["files"])
    print("test pictures most like a training picture:", json.dumps(pairs, indent=1))
    each = {name: round(float(np.mean(predicted[truth == k] == k)), 3) for k, name in enumerate(plates["classes"])}
    return {
        "pictures": len(images),
        "test_pictures": len(truth),
        "seed": seed,
        "accuracy": found,
        "cnn_by_dish": each,
        "closest_across_splits": pairs,
    }


def main() -> None:
    """Read the command line, measure, and write the record (to a temporary file, then renamed)."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    record = measure(words.archive, words.epochs, words.seed)
    print(json.dumps(record["cnn_by_dish"], indent=1))
    if words.out:
        handle, name = tempfile.mkstemp(dir=words.out.parent)
        with os.fdopen(handle, "w") as file:
            json.dump(record, file, indent=1)
            file.write("\n")
        os.replace(name, words.out)


if __name__ == "__main__":
    main()
