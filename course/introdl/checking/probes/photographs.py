"""A dataset of pictures in a folder (chapter 09): what it says of itself, and what each index gives.

A case's pictures are slopes of color, drawn from three numbers a channel, so every way of making one smaller gives nearly the
same: what is right is known in closed form. When the dataset is made, gray pictures lie in their places.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from introdl.checking.packing import Tensor
from introdl.checking.probes.base import PROBES, Probe, Wrong

#: What lies in every file while the dataset is made, a byte.
_BEFORE = 128
#: JPEG, the resampling's filter and a picture's edge change a number by less.
_NEAR = 0.06
_SCANNED, _SCREENSHOT = "L", "RGBA"


def slope(file: dict, height: int, width: int) -> np.ndarray:
    """Return a case's picture at a size, float64 (height, width, 3) in [0, 1].

    Parameters
    ----------
    file : dict
        ``base``, ``right`` and ``down``: a channel's byte in the middle, and by how much it grows over width and height.
    height, width : int
    """
    down = (np.arange(height) + 0.5)[:, None, None] / height - 0.5
    right = (np.arange(width) + 0.5)[None, :, None] / width - 0.5
    base, over, under = (np.array(file[name], float) for name in ("base", "right", "down"))
    if file["mode"] == _SCANNED:
        base, over, under = (np.full(3, one[0]) for one in (base, over, under))
    return (base + over * right + under * down) / 255


def _write(path: Path, file: dict, pixels: np.ndarray) -> None:
    """Write a picture as its mode and its ending say."""
    from PIL import Image

    image = Image.fromarray((255 * pixels).round().astype(np.uint8)).convert(file["mode"])
    how = {"quality": 95, "subsampling": 0} if path.suffix.lower() != ".png" else {}
    image.save(path, "PNG" if path.suffix.lower() == ".png" else "JPEG", **how)


def _drive_photo_dataset(objects: tuple, inputs: list) -> Any:
    """Make the dataset of gray pictures, put the real ones in their places, and ask for all of them."""
    files, others, size = inputs
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "my_food")
        for name in (file["path"] for file in files):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        for name in others:
            (folder / name).write_text("no picture")
        for file in files:
            gray = np.full((file["height"], file["width"], 3), _BEFORE / 255)
            _write(folder / file["path"], file, gray)
        dataset = objects[0](folder, size)
        for file in files:
            new = Path(place, "new" + Path(file["path"]).suffix)
            _write(new, file, slope(file, file["height"], file["width"]))
            os.replace(new, folder / file["path"])  # a file that is open already keeps what it held
        count = len(dataset)
        asked = range(min(count, 2 * len(files)))
        return {"classes": dataset.classes, "length": count, "items": [_plain(dataset[index]) for index in asked]}


def _plain(item: Any) -> Any:
    """What an index gave; a picture that is no numbers as its type's name, and a path as a text: theirs differ at each run."""
    if not isinstance(item, (tuple, list)) or len(item) != 2:
        return item
    image, label = item
    image = (
        image if isinstance(image, np.ndarray) or hasattr(image, "untyped_storage") else {"type": type(image).__name__}
    )
    return [image, "a path" if isinstance(label, os.PathLike) else label]


def _in_order(files: list) -> list:
    """The pictures as a right dataset has them: class by class, each sorted by name."""
    return sorted(files, key=lambda file: tuple(file["path"].split("/")))


def _class(file: dict) -> str:
    return file["path"].split("/")[0]


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    return one.shape == other.shape and bool(np.abs(one - other).max() < _NEAR)


def _whole(values: np.ndarray) -> bool:
    return bool(np.abs(values - values.round()).max() < 0.01)


def _cropped(file: dict, size: int) -> np.ndarray:
    """The largest square in the picture's middle."""
    height, width = file["height"], file["width"]
    side = min(height, width)
    shares = {"right": side / width, "down": side / height}
    return slope(file | {name: [share * v for v in file[name]] for name, share in shares.items()}, size, size)


def _amiss_in_type(image: Any, size: int) -> Wrong | None:
    """Say why what stands for a picture is no float32 tensor (3, size, size); None where it is."""
    if isinstance(image, np.ndarray):
        return Wrong("The picture is a NumPy array; it should be a tensor.")
    if not isinstance(image, Tensor):
        name = str(image.get("type", ""))[:40] if isinstance(image, dict) else type(image).__name__
        return Wrong(f"The picture should be a tensor; it is of type {name}.")
    shape = image.array.shape
    if shape == (size, size, 3):
        return Wrong("The picture has its channels last.")
    if len(shape) == 3 and shape[1:] == (size, size) and shape[0] != 3:
        return Wrong(f"A picture has {shape[0]} channels instead of 3.")
    if shape != (3, size, size):
        return Wrong("A picture does not have the shape (3, S, S).")
    if image.array.dtype == np.uint8:
        return Wrong("The picture holds bytes.")
    if image.array.dtype == np.float64:
        return Wrong("The picture is float64.")
    if image.array.dtype != np.float32:
        return Wrong("The picture should be float32.")
    return None


def _amiss_in_pixels(image: np.ndarray, file: dict, files: list) -> Wrong | None:
    """Say what was done to a picture, (3, size, size), that it should not be; None where it is right."""
    size = image.shape[1]
    right = slope(file, size, size)
    wanted = right.transpose(2, 0, 1)
    if _near(image, wanted):
        for by in (254, 256):  # whole numbers of these, and not of 255
            if _whole(image * float(by)) and not _whole(image * 255.0):
                return Wrong(f"A byte is divided by {by}, not by 255.")
        return None
    if image.max() > 2:
        return Wrong("The picture's numbers run up to 255.")
    if np.abs(image - _BEFORE / 255).max() < 0.02:
        return Wrong("The pictures are read when the dataset is made.")
    for amiss, told in (
        (wanted[::-1], "Red and blue have changed places."),
        (right.transpose(2, 1, 0), "Rows and columns have changed places."),
        (right.reshape(3, size, size), "The picture's numbers are cut into three parts, not sorted into channels."),
        (_cropped(file, size).transpose(2, 0, 1), "The picture's sides are cut off."),
        (2 * wanted - 1, "The picture's numbers run from -1 to 1."),
    ):
        if _near(image, amiss):
            return Wrong(told)
    if any(_near(image, slope(other, size, size).transpose(2, 0, 1)) for other in files):
        return Wrong("The pictures are not in the order of their names.")
    return Wrong("A picture is not what its file holds.")


#: What a right dataset is read as.
LAZY = "classes by name; each picture when it is asked for, as it should be, with its label"


def _read_photo_dataset(result: Any, inputs: list) -> Any:  # noqa: C901
    files, others, size = inputs
    if not isinstance(result, dict) or not {"classes", "length", "items"} <= set(result):
        return result
    right = _in_order(files)
    names = sorted({_class(file) for file in files})
    classes = result["classes"]
    if not isinstance(classes, (list, tuple)) or not all(isinstance(name, str) for name in classes):
        return Wrong("classes should be a list of the folders' names.")
    if list(classes) != names:
        if sorted(classes) == names:
            return Wrong("classes is not sorted.")
        return Wrong("classes should hold each folder's name once, and nothing else.")
    count, items = result["length"], result["items"]
    if count != len(right):
        if count == len(names):
            return Wrong("len(dataset) is the number of classes.")
        if count == len(right) + sum("/" in name for name in others):
            return Wrong("len(dataset) counts files that are no pictures.")
        if count == sum(not file["path"].split(".")[-1].isupper() for file in files):
            return Wrong("len(dataset) leaves out the pictures whose names end in capital letters.")
        return Wrong(f"len(dataset) is {count}; there are {len(right)} pictures.")
    if not isinstance(items, list) or len(items) != count:
        return Wrong("The result cannot be read.")
    given = []
    for item, file in zip(items, right, strict=True):
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            return Wrong("dataset[0] should be a pair: a picture and its label.") if item is not None else None
        image, label = item
        if (amiss := _amiss_in_type(image, size)) is not None:
            return amiss
        if (amiss := _amiss_in_pixels(image.array, file, files)) is not None:
            return amiss
        label = label.array if isinstance(label, Tensor) else label
        label = label.item() if isinstance(label, (np.ndarray, np.generic)) and np.ndim(label) == 0 else label
        given.append(label)
    if any(isinstance(label, bool) or not isinstance(label, int) for label in given):
        return Wrong("A label should be a whole number.")
    wanted = [names.index(_class(file)) for file in right]
    if given == [label + 1 for label in wanted]:
        return Wrong("The labels count from 1.")
    if given == list(range(count)):
        return Wrong("Each picture has its own index as its label.")
    return LAZY if given == wanted else Wrong("A picture has the label of another class.")


def _told(inputs: dict[str, Any]) -> dict[str, Any]:
    """What a report says of a folder: its files, in the order in which they were written."""
    kinds = {_SCANNED: "gray", _SCREENSHOT: "with opacity"}
    told = [
        f"{file['path']} ({file['height']} x {file['width']}{', ' + kinds[file['mode']] if file['mode'] in kinds else ''})"
        for file in inputs["files"]
    ]
    return {"my_food": [*told, *inputs["others"]], "size": inputs["size"]}


PROBES["photo_dataset"] = Probe(_drive_photo_dataset, _read_photo_dataset, needs=("torch",), told=_told)
