"""The data that comes with the course: `plates`, `digits` and `doughnut`. None of it needs a network."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from introdl import paths
from introdl.data import cache, sources
from introdl.data.archives import Zip
from introdl.data.dataset import SPLITS, Dataset
from introdl.data.download import sha256_of
from introdl.data.errors import Damaged
from introdl.data.photographs import look_at_size, read, square

#: Height and width of the plates in their archive, in pixels.
_RENDERED = 128
_COLUMNS = ("file", "dish", "split", "special", "grams", "kcal", "x0", "y0", "x1", "y1")


def doughnut() -> np.ndarray:
    """Return a picture of a doughnut on a plate, path-traced for this course.

    Returns
    -------
    numpy.ndarray
        uint8, (256, 256, 3): height, width, and red, green, blue from 0 to 255.
    """
    from PIL import Image

    with Image.open(paths.pictures() / "doughnut.png") as picture:
        return np.asarray(picture.convert("RGB")).copy()


def plates(size: int = 128, dishes: str | Sequence[str] = "all") -> Dataset:
    """Return the course's own food pictures: path-traced plates, with grams, kcal and boxes.

    Parameters
    ----------
    size : int
        Height and width in pixels, from 8 to 128, the size in which they were rendered. Boxes are scaled along.
    dishes : "all", "base", "special", or a sequence of str
        Which dishes: all of them, the base ones, the specials (near relatives of base ones), or those that you name.
        Labels always run from 0 in the order of the result's `classes`.

    Returns
    -------
    Dataset
        With ``grams``, ``kcal`` and ``boxes``, and in ``details`` ``special`` (bool), ``seed`` (int64), ``light`` and
        ``camera`` (str). Base dishes come before specials, and of each train before val before test. Within a part the
        order is shuffled (always in the same way), so that the first n are a fair sample.

    Raises
    ------
    ValueError
        Where `size` or `dishes` is not one of these.
    FileNotFoundError
        Where the pictures are missing from this copy of the course.
    Damaged
        Where they are not what they were published as.

    Notes
    -----
    The first call unpacks the archive into the cache, some seconds; later ones map it into memory.

    Examples
    --------
    >>> train = plates(size=64, dishes="base").split("train")  # doctest: +SKIP
    >>> train.images.shape[1:]  # doctest: +SKIP
    (64, 64, 3)
    """
    look_at_size(size, 8, _RENDERED)
    key = {"sha256": _about_plates()["sha256"], "size": int(size)}
    entry = cache.load("plates", key, lambda: _plan_plates(int(size)))
    whole = entry.dataset(sources.find("plates"))
    if isinstance(dishes, str):
        if dishes == "all":
            return whole
        if dishes not in ("base", "special"):
            raise ValueError(f"dishes is {dishes!r}; give 'all', 'base', 'special', or a list of dishes.")
        special = set(np.unique(whole.labels[whole.details["special"]]).tolist())
        dishes = [name for label, name in enumerate(whole.classes) if (label in special) == (dishes == "special")]
    return whole.only(dishes)


def digits() -> Dataset:
    """Return scikit-learn's handwritten digits: 1,797 gray pictures of 8 x 8 pixels.

    Returns
    -------
    Dataset
        Its gray levels, 0 (paper) to 16 (ink), are scaled to 0 to 255 and stand in all three channels. The parts are
        the course's own: 60 % train, 20 % val and 20 % test of each digit, in an order that is always the same.
    """
    entry = cache.load("digits", {"source": "sklearn.datasets.load_digits"}, _plan_digits)
    return entry.dataset(sources.find("digits"))


def _about_plates() -> dict:
    path = paths.data() / "plates" / "plates.json"
    if not path.is_file():
        raise FileNotFoundError(f"The plates are missing: there is no {path}. Install the course again.")
    try:
        about = json.loads(path.read_text())
        return {"sha256": str(about["sha256"]), "classes": [str(name) for name in about["classes"]]}
    except (ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{path} cannot be read ({error!r}). Install the course again.") from error


def verified_plates() -> tuple[Path, dict]:
    """Return the archive of the plates, its checksum compared, and what is said of it: ``sha256`` and ``classes``.

    Raises
    ------
    FileNotFoundError, Damaged
        As for `plates`.
    """
    about, archive = _about_plates(), paths.data() / "plates" / "plates.zip"
    if not archive.is_file():
        raise FileNotFoundError(f"The plates are missing: there is no {archive}. Install the course again.")
    if sha256_of(archive) != about["sha256"]:
        raise Damaged(
            f"{archive} is not the archive that plates.json beside it describes: it was copied in part, or changed. "
            "Install the course again; in a git checkout, 'git status' shows what differs."
        )
    return archive, about


def _plan_plates(size: int) -> cache.Plan:
    archive, about = verified_plates()
    with Zip(archive) as opened:
        rows = _rows(opened, about["classes"])
    facts = _facts(rows, about["classes"])
    facts["boxes"] = facts["boxes"] * np.float32(size / _RENDERED)

    def pictures() -> cache.Pictures:
        with Zip(archive) as opened:
            for index, row in enumerate(rows):
                picture = read(opened.read(row["file"]), row["file"])
                if picture.size != (_RENDERED, _RENDERED):
                    raise Damaged(f"{row['file']} in {archive} has {picture.size} pixels; it should have 128 x 128.")
                yield index, square(picture, size)

    return cache.Plan("plates", (len(rows), size, size, 3), facts, {"classes": about["classes"]}, pictures)


def _rows(opened: Zip, classes: list[str]) -> list[dict[str, str]]:
    """Read plates.csv: base dishes first, then by part; within a part shuffled, always in the same way."""
    rows = list(csv.DictReader(io.StringIO(opened.read("plates.csv").decode("utf-8"))))
    missing = [name for name in _COLUMNS if not rows or name not in rows[0]]
    if missing:
        raise Damaged(f"plates.csv in {opened.path} has no column {', '.join(missing)}. Pack the plates again.")
    for number, row in enumerate(rows, 2):
        if row["dish"] not in classes or row["split"] not in SPLITS or row["special"] not in ("0", "1"):
            raise Damaged(
                f"plates.csv in {opened.path}, line {number}: dish {row['dish']!r}, split {row['split']!r}, special "
                f"{row['special']!r} are not among those of plates.json. Pack the plates again."
            )
    rows.sort(key=lambda row: row["file"])
    shuffled = [rows[index] for index in np.random.default_rng(0).permutation(len(rows))]
    return sorted(shuffled, key=lambda row: (row["special"], SPLITS.index(row["split"])))


def _facts(rows: list[dict[str, str]], classes: list[str]) -> dict[str, np.ndarray]:
    def column(name: str, kind) -> np.ndarray:
        return np.array([row.get(name) or 0 for row in rows], dtype=kind)

    return {
        "labels": np.array([classes.index(row["dish"]) for row in rows], dtype=np.int64),
        "splits": np.array([row["split"] for row in rows]),
        "files": np.array([row["file"] for row in rows]),
        "grams": column("grams", np.float32),
        "kcal": column("kcal", np.float32),
        "boxes": np.stack([column(name, np.float32) for name in ("x0", "y0", "x1", "y1")], axis=1),
        "special": column("special", np.int64) == 1,
        "seed": column("seed", np.int64),
        "light": np.array([row.get("light") or "" for row in rows]),
        "camera": np.array([row.get("camera") or "" for row in rows]),
    }


def _plan_digits() -> cache.Plan:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    gray = np.round(bunch.images * (255 / 16)).astype(np.uint8)
    labels = bunch.target.astype(np.int64)
    splits = np.full(len(labels), "train")
    rng = np.random.default_rng(0)
    for digit in range(10):
        own = rng.permutation(np.flatnonzero(labels == digit))
        fifth = round(0.2 * len(own))
        splits[own[:fifth]], splits[own[fifth : 2 * fifth]] = "test", "val"

    facts = {"labels": labels, "splits": splits}
    card = {"classes": list("0123456789")}
    return cache.Plan("digits", (*gray.shape, 3), facts, card, lambda: enumerate(gray[..., None]))
