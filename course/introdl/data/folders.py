"""Your own photographs: a folder that holds a folder of pictures for each class."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from introdl.data import photographs, progress
from introdl.data.dataset import SPLITS, Dataset
from introdl.wording import counted, listed

#: Endings of files that are taken for pictures; what else lies in a folder is left out, and told.
ENDINGS = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".ppm")
#: What phones write and `photo` does not read.
_PHONES = (".heic", ".heif", ".avif")
#: Names that people give to the folders of the parts.
_PARTS = {"train": "train", "training": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
#: With fewer pictures a class cannot be in each part.
_LEAST = 3
#: With fewer validation pictures of a class its accuracy says next to nothing.
_FEW = 10
#: Two pictures whose small gray copies differ by less, of 255, are one scene photographed twice, or one picture saved twice.
_ALIKE, _SMALL = 6.0, 12
_SHOWN = 3
_MOST_BYTES = 4 * 2**30


@dataclass
class _Found:
    """What lies in a folder: pictures by class, with the part where the folder says it, and what was left out, and why."""

    paths: list[Path] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    pictures: list[np.ndarray] = field(default_factory=list)
    left_out: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, why: str, name: str) -> None:
        self.left_out.setdefault(why, []).append(name)


def folder(path: str | os.PathLike, size: int = 128, *, val: float = 0.2, test: float = 0.2, seed: int = 0) -> Dataset:
    """Read your own photographs: a folder that holds a folder of pictures for each class.

    ``my_food/pizza/IMG_0001.jpg`` is a picture of the class "pizza". The pictures of a class may lie in folders of its own
    again. Where ``my_food`` holds ``train`` and ``val`` or ``test`` (or both), and these hold the classes, the parts are those; a
    part that is missing is taken from the training pictures, class by class. Pictures that are nearly the same, as one scene photographed three
    times, go to the same part: in two parts, the one would give away the other. Of files with the same bytes one is read.
    What cannot be read is left out, and a sentence tells what and why.

    Parameters
    ----------
    path : str or os.PathLike
        The folder.
    size : int
        Height and width in pixels, from 8 to 1,024: of each picture the largest square in the middle (see `photo`).
    val, test : float
        Shares of each class that become the parts "val" and "test", from 0 to under 1, where the folder has none of its own.
    seed : int
        Which pictures these are.

    Returns
    -------
    Dataset
        With classes in the order of their names; ``files`` are paths within the folder.

    Raises
    ------
    FileNotFoundError
        Where there is no such folder.
    ValueError
        Where it does not hold at least two classes with three readable pictures each, or one picture lies in two classes;
        the message says what to do.

    Examples
    --------
    >>> photos = folder("my_food")  # doctest: +SKIP
    >>> photos  # doctest: +SKIP
    my_food: 200 pictures of 128 x 128, 5 classes (bread, curry, pizza, salad, soup); train 120, val 40, test 40
    """
    photographs.look_at_size(size, 8, 1024)
    for name, share in (("val", val), ("test", test)):
        if not 0 <= share < 1:
            raise ValueError(f"{name} is {share!r}; give a share from 0 to under 1, as in {name}=0.2.")
    if val + test >= 1:
        raise ValueError(f"val and test are {val} and {test}; together they have to leave something to train on.")
    root = _looked_at(path)
    classes, files, found = _listed(root)
    if len(files) * size * size * 3 > _MOST_BYTES:
        least = int((_MOST_BYTES / len(files) / 3) ** 0.5)
        raise ValueError(
            f"{len(files):,} pictures of {size} x {size} do not fit into memory. Take size={least // 8 * 8}."
        )
    _read(root, files, size, found)
    kept = _without_small_classes(classes, found, root)
    images, labels = np.stack(found.pictures), np.array(found.labels, dtype=np.int64)
    splits = _dealt(images, labels, np.array(found.parts), val, test, seed)
    names = np.array([str(one.relative_to(root)) for one in found.paths])
    photos = Dataset(root.name, images, labels, kept, splits, files=names)
    _tell(photos, found)
    return photos


def write_folder(photos: Dataset, path: str | os.PathLike) -> Path:
    """Write pictures as `folder` reads them: a JPEG file for each, in a folder for each class.

    Parameters
    ----------
    photos : Dataset
        Which pictures; their parts are not kept.
    path : str or os.PathLike
        A new folder, or an empty one.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    FileExistsError
        Where something lies there already.
    """
    from PIL import Image

    root = Path(path).expanduser()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise FileExistsError(f"{root} is there already, and is not empty. Give another path, or delete it.")
    for number, (picture, label) in enumerate(zip(photos.images, photos.labels, strict=True)):
        place = root / photos.classes[label]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{number:05}.jpg", quality=95)
    return root


def _looked_at(path: str | os.PathLike) -> Path:
    root = Path(path).expanduser()
    example = "Give a folder that holds a folder of pictures for each class, as in my_food/pizza/IMG_0001.jpg."
    if not root.exists():
        raise FileNotFoundError(f"There is no folder {root}. In this notebook, paths start at {Path.cwd()}.")
    if root.suffix.lower() in (".zip", ".tar", ".tgz", ".gz", ".7z", ".rar"):
        raise ValueError(f"{root} is an archive. Unpack it first, and give the folder that comes out.")
    if not root.is_dir():
        raise ValueError(f"{root} is a file. {example}")
    return root.resolve()


def _listed(root: Path) -> tuple[list[str], list[tuple[Path, int, str]], _Found]:
    """Return the classes, and each picture's path, label and part ("" where the folder does not say)."""
    found = _Found()
    folders = _folders(root)
    if len(folders) == 1 and folders[0].name.lower() in _PARTS:  # all of it are training pictures: deal them out
        folders = _folders(folders[0])
    parts = {_PARTS[one.name.lower()]: one for one in folders if one.name.lower() in _PARTS}
    if "train" in parts and len(parts) > 1:
        holders = [(part, one) for part in SPLITS if part in parts for one in _folders(parts[part])]
        trained = {one.name for part, one in holders if part == "train"}
        for part, one in holders:
            if one.name not in trained:
                found.leave_out("no pictures of this class to train on", f"{part}/{one.name}")
        holders = [(part, one) for part, one in holders if one.name in trained]
    else:
        holders = [("", one) for one in folders]
        loose = [one for one in sorted(root.iterdir()) if one.suffix.lower() in ENDINGS and one.is_file()]
        for one in loose:
            found.leave_out("not in the folder of a class", one.name)
    classes = sorted({one.name for _, one in holders})
    files = [(file, classes.index(one.name), part) for part, one in holders for file in _pictures(one, root, found)]
    if not files:
        hint = "Its pictures do not lie in folders of their classes: make one for each." if found.left_out else ""
        raise ValueError(
            f"There is no picture in a folder of {root}. Each class needs a folder of its own, as in "
            f"{root.name}/pizza/IMG_0001.jpg. {hint or 'Files should end in ' + ', '.join(ENDINGS[:5]) + ' or the like.'}"
        )
    return classes, files, found


def _folders(root: Path) -> list[Path]:
    return sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith((".", "__")))


def _pictures(holder: Path, root: Path, found: _Found) -> Iterator[Path]:
    """Yield the pictures of a class at any depth, by name; what is no picture is noted. Links to folders are not followed."""
    for here, below, names in os.walk(holder):
        below[:] = sorted(one for one in below if not one.startswith((".", "__")))
        for name in sorted(names):
            path = Path(here) / name
            if name.startswith(".") or name in ("Thumbs.db", "desktop.ini"):
                continue
            if path.suffix.lower() in ENDINGS:
                yield path
            elif path.suffix.lower() in _PHONES:
                found.leave_out(
                    "HEIC or AVIF, which is not read here: export them as JPEG", str(path.relative_to(root))
                )
            else:
                found.leave_out("no pictures", str(path.relative_to(root)))


def _read(root: Path, files: list[tuple[Path, int, str]], size: int, found: _Found) -> None:
    """Read the pictures into `found`, each content once."""
    seen: dict[str, tuple[Path, int, str]] = {}
    twice: list[str] = []
    with progress.bar(f"Reading {root.name}", len(files), "pictures") as tick:
        for number, (path, label, part) in enumerate(files, start=1):
            name = str(path.relative_to(root))
            try:
                content = path.read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                if digest in seen:
                    other = seen[digest]
                    if other[1] != label:
                        twice.append(f"{other[0].relative_to(root)} and {name}")
                    else:
                        found.leave_out("the same file as another", name)
                    continue
                picture = photographs.square(photographs.read(content, path.name, size), size)
            except (ValueError, OSError) as error:
                found.leave_out("cannot be read", f"{name} ({_in_short(error)})")
                continue
            finally:
                tick(number)
            seen[digest] = (path, label, part)
            found.paths.append(path)
            found.labels.append(label)
            found.parts.append(part)
            found.pictures.append(picture)
    if twice:
        raise ValueError(
            f"The same picture lies in two classes: {_some(twice)}. Which class is right? Delete it from the other one."
        )


def _in_short(error: Exception) -> str:
    text = str(error.strerror if isinstance(error, OSError) and error.strerror else error)
    return text.split(". ")[0].rstrip(".")


def _without_small_classes(classes: list[str], found: _Found, root: Path) -> tuple[str, ...]:
    """Leave out classes with too few pictures; return the classes that are left, and number the labels so."""
    counts = np.bincount(found.labels, minlength=len(classes)) if found.labels else np.zeros(len(classes), int)
    kept = [number for number, count in enumerate(counts) if count >= _LEAST]
    small = [f"{classes[n]} ({counts[n]})" for n in range(len(classes)) if n not in kept]
    if len(kept) < 2:
        inner = _folders(root / classes[0]) if len(classes) == 1 and (root / classes[0]).is_dir() else []
        if len(inner) > 1:
            raise ValueError(f"{root} holds the one folder {classes[0]!r}. Give that one: {root / classes[0]}.")
        told = f" Too few are in: {', '.join(small[:20])}." if small else ""
        unread = found.left_out.get("cannot be read", [])
        more = f" Not read: {_some(unread)}." if unread else ""
        raise ValueError(
            f"{root.name} needs at least two classes with {_LEAST} readable pictures each, and has {len(kept)}.{told}{more}"
        )
    for one in small:
        found.leave_out(f"fewer than {_LEAST} pictures", one)
    rows = [row for row, label in enumerate(found.labels) if label in kept]
    found.paths = [found.paths[row] for row in rows]
    found.parts = [found.parts[row] for row in rows]
    found.pictures = [found.pictures[row] for row in rows]
    found.labels = [kept.index(found.labels[row]) for row in rows]
    return tuple(classes[number] for number in kept)


def _dealt(images, labels, parts, val: float, test: float, seed: int) -> np.ndarray:
    """Return each picture's part: the folder's own, and of what it does not say shares of each class."""
    splits = np.where(parts == "", "train", parts).astype("<U5")
    missing = [(name, share) for name, share in (("val", val), ("test", test)) if share and name not in parts]
    scenes = _scenes(images)
    rng = np.random.default_rng(seed)
    for label in np.unique(labels):
        mine = np.flatnonzero((labels == label) & (splits == "train"))
        groups = [mine[scenes[mine] == scene] for scene in rng.permutation(np.unique(scenes[mine]))]
        rest = len(mine)
        for name, share in missing:
            wanted = max(1, round(share * len(mine)))
            while groups and wanted > 0 and rest > len(groups[-1]):
                group = groups.pop()
                splits[group] = name
                wanted -= len(group)
                rest -= len(group)
    return splits


def _scenes(images: np.ndarray) -> np.ndarray:
    """Return a number for each picture: the same for pictures that are nearly the same, directly or through others."""
    from PIL import Image

    small = (
        np.stack(
            [
                np.asarray(Image.fromarray(one).convert("L").resize((_SMALL, _SMALL), Image.Resampling.BOX))
                for one in images
            ]
        )
        .reshape(len(images), -1)
        .astype(np.int16)
    )
    scenes = np.arange(len(images))
    for row in range(1, len(images)):
        near = np.flatnonzero(np.abs(small[:row] - small[row]).mean(axis=1) < _ALIKE)
        for other in np.unique(scenes[near]):
            scenes[scenes == other] = scenes[row]
    return scenes


def _tell(photos: Dataset, found: _Found) -> None:
    """Say what was left out, and which classes have few pictures."""
    for why, names in found.left_out.items():
        progress.tell(f"Left out, {counted(len(names), 'entry').replace('entrys', 'entries')}: {why}: {_some(names)}.")
    few = [name for name, count in photos.counts().items() if count < _FEW]
    if few:
        progress.tell(f"Fewer than {_FEW} pictures: {listed(few[:8])}. Take more of them before you trust an accuracy.")


def _some(names: list[str]) -> str:
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{', '.join(names[:_SHOWN])}{more}"
