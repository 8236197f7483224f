"""Published datasets, downloaded at the first call: `grocery`, `food101` and `mnist`.

Pictures are read out of the archives in memory and put into one array; an archive is never unpacked onto the disk.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from introdl.data import cache, download, progress, sources
from introdl.data.archives import Zip, tar_members
from introdl.data.dataset import SPLITS, Dataset, chosen_classes
from introdl.data.errors import Damaged
from introdl.data.photographs import look_at_size, read, square


def grocery(size: int = 128, level: str = "coarse", classes: Sequence[str] | None = None) -> Dataset:
    """Return the Grocery Store Dataset: photographs of fruit, vegetables and cartons, taken in shops with a phone.

    Parameters
    ----------
    size : int
        Height and width in pixels, from 8 to 348. The largest square in the middle of each photograph is reduced to it.
    level : "coarse" or "fine"
        Kinds, such as ``"Apple"``, or sorts, such as ``"Granny-Smith"``.
    classes : sequence of str, optional
        Only these, in this order.

    Returns
    -------
    Dataset
        With the publishers' parts train, val and test; ``details["fine"]`` and ``details["coarse"]`` hold the
        publishers' numbers of each picture's sort and kind. Within a part the order is shuffled (always in the same
        way).

    Raises
    ------
    ValueError
        Where an argument is not one of these.
    DataError
        Where the archive cannot be had; the message says why and what to do.

    References
    ----------
    M. Klasson, C. Zhang and H. Kjellstrom, A Hierarchical Grocery Store Image Dataset with Visual and Semantic Labels,
    WACV 2019. https://github.com/marcusklasson/GroceryStoreDataset, MIT license.
    """
    look_at_size(size, 8, 348)
    if level not in ("coarse", "fine"):
        raise ValueError(f"level is {level!r}; give 'coarse' or 'fine'.")
    source = sources.find("grocery")
    key = {"files": download.checksums(source), "size": int(size)}
    entry = cache.load("grocery", key, lambda: _plan_grocery(_fetched(source)[0], int(size)))
    whole = entry.dataset(source, labels=level, classes=level)
    return whole if classes is None else whole.only(classes)


def food101(size: int = 128, classes: Sequence[str] | None = None) -> Dataset:
    """Return Food-101: 101,000 photographs of 101 dishes, 750 for training and 250 for testing of each.

    The archive has 5 GB and is downloaded once. Unpacking all classes at 128 pixels takes 5 GB more and a good
    while; a few classes take much less.

    Parameters
    ----------
    size : int
        Height and width in pixels, from 8 to 512. The largest square in the middle of each photograph is reduced to it.
    classes : sequence of str, optional
        Only these, in this order, as in ``["pizza", "donuts"]``. By default all 101, in the alphabet's order.

    Returns
    -------
    Dataset
        With the publishers' parts train and test (`Dataset.hold_out` makes a val). Training labels hold some mistakes,
        on purpose. Within a part the order is shuffled (always in the same way).

    Raises
    ------
    ValueError
        Where an argument is not one of these.
    DataError
        Where the archive cannot be had; the message says why and what to do.

    References
    ----------
    L. Bossard, M. Guillaumin and L. Van Gool, Food-101: Mining Discriminative Components with Random Forests, ECCV 2014.
    For scientific fair use: the photographs belong to those who took them.
    """
    look_at_size(size, 8, 512)
    if classes is not None:
        classes = chosen_classes(classes, FOOD101_CLASSES, "food101")
    chosen = classes or FOOD101_CLASSES
    source = sources.find("food101")
    key = {"files": download.checksums(source), "size": int(size), "classes": sorted(chosen)}
    entry = cache.load("food101", key, lambda: _plan_food101(_fetched(source)[0], int(size), sorted(chosen)))
    whole = entry.dataset(source)
    return whole if whole.classes == tuple(chosen) else whole.only(chosen)


def mnist() -> Dataset:
    """Return MNIST: 70,000 gray pictures of handwritten digits, 28 x 28 pixels, 0 (paper) to 255 (ink).

    Returns
    -------
    Dataset
        Gray in all three channels; ``images[..., 0]`` is the gray picture. With the publishers' parts: 60,000 train,
        10,000 test, in their order (`Dataset.hold_out` makes a val).

    Raises
    ------
    DataError
        Where the files cannot be had; the message says why and what to do.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-Based Learning Applied to Document Recognition, Proceedings
    of the IEEE 86 (11), 1998. CC BY-SA 3.0.
    """
    source = sources.find("mnist")
    entry = cache.load("mnist", {"files": download.checksums(source)}, lambda: _plan_mnist(_fetched(source)))
    return entry.dataset(source)


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read an IDX file of bytes, packed with gzip: the format of MNIST.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    dimensions : int
        How many dimensions it should have: 3 for pictures, 1 for labels.

    Returns
    -------
    numpy.ndarray
        uint8, of the shape that the file names.

    Raises
    ------
    Damaged
        Where it is not such a file, or is cut off, or larger than 200 MB.
    """
    head = 4 + 4 * dimensions
    try:
        with gzip.open(path) as file:
            first = file.read(head)
            if len(first) < head or first[:4] != bytes((0, 0, 8, dimensions)):
                raise Damaged(
                    f"{path} is no IDX file of bytes with {dimensions} dimensions. Delete it and get it again."
                )
            shape = struct.unpack(f">{dimensions}I", first[4:])
            count = math.prod(shape)
            if count > 200_000_000:
                raise Damaged(f"{path} says it holds {count:,} bytes; that is more than the course takes.")
            content = file.read(count + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise Damaged(f"{path} cannot be unpacked ({error}). Delete it and get it again.") from error
    if len(content) != count:
        raise Damaged(f"{path} does not hold the {count:,} bytes that it names. Delete it and get it again.")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _fetched(source: sources.Source) -> list[Path]:
    return [download.fetch(file, download.folder(source)) for file in source.files]


def _in_order(listed: list[tuple]) -> list[tuple]:
    """Sort by part, and shuffle within each, always in the same way. The part is each entry's last."""
    listed = sorted(listed)
    shuffled = [listed[index] for index in np.random.default_rng(0).permutation(len(listed))]
    return sorted(shuffled, key=lambda entry: SPLITS.index(entry[-1]))


def _columns(listed: list[tuple], archive: Path, *names: str) -> dict[str, np.ndarray]:
    """Turn a list of pictures into one array for each thing that is known of them."""
    if not listed:
        raise Damaged(f"{archive} lists no pictures of these classes.")
    return {name: np.array(column) for name, column in zip(names, zip(*listed, strict=True), strict=True)}


def _decoded(content: bytes, name: str, size: int) -> np.ndarray:
    try:
        return square(read(content, name, size), size)
    except ValueError as error:
        raise Damaged(str(error)) from error


# --- The Grocery Store Dataset ------------------------------------------------------------------------------


def _plan_grocery(archive: Path, size: int) -> cache.Plan:
    with Zip(archive) as opened:
        tops = {name.split("/")[0] for name in opened.names}
        top = f"{tops.pop()}/dataset/" if len(tops) == 1 else "dataset/"
        names = _grocery_names(opened.read(f"{top}classes.csv").decode("utf-8-sig"), archive)
        listed = []
        for part in SPLITS:
            listed += _grocery_list(opened.read(f"{top}{part}.txt").decode("utf-8-sig"), part, names, archive)
    listed = _in_order(listed)

    def pictures() -> cache.Pictures:
        with Zip(archive) as opened:
            for index, (file, *_) in enumerate(listed):
                yield index, _decoded(opened.read(top + file), file, size)

    facts = _columns(listed, archive, "files", "fine", "coarse", "splits")
    return cache.Plan("grocery", (len(listed), size, size, 3), facts, names, pictures)


def _grocery_names(text: str, archive: Path) -> dict[str, list[str]]:
    """Read classes.csv: name and number of each sort, then name and number of its kind."""
    fine, coarse = {}, {}
    try:
        for row in list(csv.reader(io.StringIO(text)))[1:]:
            if row:
                fine[int(row[1])] = row[0].strip()
                coarse[int(row[3])] = row[2].strip()
    except (ValueError, IndexError) as error:
        raise Damaged(f"classes.csv in {archive} is not of the form that it was published in ({error}).") from error
    for numbers in (fine, coarse):
        if not numbers or sorted(numbers) != list(range(len(numbers))):
            raise Damaged(f"classes.csv in {archive} does not number its classes from 0 without gaps.")
    return {"fine": [fine[n] for n in sorted(fine)], "coarse": [coarse[n] for n in sorted(coarse)]}


def _grocery_list(text: str, part: str, names: dict, archive: Path) -> list[tuple[str, int, int, str]]:
    """Read train.txt, val.txt or test.txt: in each line a path, the number of the sort, the number of the kind."""
    listed = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        words = [word.strip() for word in line.rsplit(",", 2)]
        good = len(words) == 3 and words[1].isdigit() and words[2].isdigit()
        if not good or int(words[1]) >= len(names["fine"]) or int(words[2]) >= len(names["coarse"]):
            raise Damaged(f"{part}.txt in {archive}, line {number}, is not 'path, sort, kind': {line!r}.")
        listed.append((words[0].lstrip("/"), int(words[1]), int(words[2]), part))
    return listed


# --- Food-101 -----------------------------------------------------------------------------------------------


def _plan_food101(archive: Path, size: int, classes: list[str]) -> cache.Plan:
    lists = _food101_lists(archive)
    listed = []
    for part, names in lists.items():
        for name in names:
            dish = name.split("/")[0]
            if dish in classes:
                listed.append((f"food-101/images/{name}.jpg", classes.index(dish), part))
    listed = _in_order(listed)
    at = {file: index for index, (file, *_) in enumerate(listed)}
    if len(at) < len(listed):
        raise Damaged(f"{archive} lists a picture twice, in meta/train.txt or meta/test.txt.")

    def pictures() -> cache.Pictures:
        missing = dict(at)
        for name, content in tar_members(archive, at.__contains__):
            yield missing.pop(name), _decoded(content, name, size)
        if missing:
            held = len(at) - len(missing)
            raise Damaged(f"{archive} lists {len(at):,} pictures of these classes and holds {held:,}.")

    facts = _columns(listed, archive, "files", "labels", "splits")
    return cache.Plan("food101", (len(listed), size, size, 3), facts, {"classes": classes}, pictures)


def _food101_lists(archive: Path) -> dict[str, list[str]]:
    """Read meta/train.txt and meta/test.txt; they stand behind the pictures, so this goes through the archive once."""
    progress.say("Reading which pictures there are; that takes a minute.")
    wanted = {"food-101/meta/train.txt": "train", "food-101/meta/test.txt": "test"}
    found = {}
    for name, content in tar_members(archive, wanted.__contains__):
        found[wanted[name]] = content.decode("utf-8").split()
        if len(found) == len(wanted):
            break
    if len(found) < len(wanted):
        raise Damaged(f"{archive} has no meta/train.txt or meta/test.txt. Delete it and get it again.")
    return found


_FOOD101 = """
apple_pie baby_back_ribs baklava beef_carpaccio beef_tartare beet_salad beignets bibimbap bread_pudding
breakfast_burrito bruschetta caesar_salad cannoli caprese_salad carrot_cake ceviche cheese_plate cheesecake
chicken_curry chicken_quesadilla chicken_wings chocolate_cake chocolate_mousse churros clam_chowder club_sandwich
crab_cakes creme_brulee croque_madame cup_cakes deviled_eggs donuts dumplings edamame eggs_benedict escargots
falafel filet_mignon fish_and_chips foie_gras french_fries french_onion_soup french_toast fried_calamari fried_rice
frozen_yogurt garlic_bread gnocchi greek_salad grilled_cheese_sandwich grilled_salmon guacamole gyoza hamburger
hot_and_sour_soup hot_dog huevos_rancheros hummus ice_cream lasagna lobster_bisque lobster_roll_sandwich
macaroni_and_cheese macarons miso_soup mussels nachos omelette onion_rings oysters pad_thai paella pancakes
panna_cotta peking_duck pho pizza pork_chop poutine prime_rib pulled_pork_sandwich ramen ravioli red_velvet_cake
risotto samosa sashimi scallops seaweed_salad shrimp_and_grits spaghetti_bolognese spaghetti_carbonara spring_rolls
steak strawberry_shortcake sushi tacos takoyaki tiramisu tuna_tartare waffles
"""

#: The 101 dishes of Food-101, as meta/classes.txt of its archive names them.
FOOD101_CLASSES = tuple(_FOOD101.split())


# --- MNIST --------------------------------------------------------------------------------------------------


def _plan_mnist(paths: list[Path]) -> cache.Plan:
    by_name = {path.name.split(".")[0]: path for path in paths}
    gray, labels = [], []
    for start in ("train", "t10k"):
        gray.append(read_idx(by_name[f"{start}-images-idx3-ubyte"], 3))
        labels.append(read_idx(by_name[f"{start}-labels-idx1-ubyte"], 1))
        if len(gray[-1]) != len(labels[-1]) or gray[-1].shape[1:] != gray[0].shape[1:] or labels[-1].max() > 9:
            raise Damaged(
                f"MNIST's files {start}-... do not fit each other. Run 'introdl data remove mnist' and get it again."
            )
    splits = np.repeat(["train", "test"], [len(part) for part in labels])

    shape = (len(splits), *gray[0].shape[1:], 3)
    facts = {"labels": np.concatenate(labels).astype(np.int64), "splits": splits}
    colored = (picture[..., None] for picture in itertools.chain(*gray))
    return cache.Plan("mnist", shape, facts, {"classes": list("0123456789")}, lambda: enumerate(colored))
