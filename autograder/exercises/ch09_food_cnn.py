"""Chapter 09, a food CNN from scratch: its exercises, their cases, oracles and known mistakes.

Pictures are uint8 (N, H, W, 3), labels int64 (N,). Augmentation is judged by what was done to each picture, a checkpoint by
the run that goes on from it, and `FoodNet` by plates that it has never seen: we train it, and the labels stay here.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from PIL import Image
from torch import nn

from autograder.authoring.draws import checksum, generator
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from introdl.checking.probes import food, photographs

LIBRARIES = ("sklearn.*", "torchvision.*", "introdl.training.*")


def _pictures(rng, *shape):
    return rng.integers(0, 256, shape).astype(np.uint8)


# --- 09.normalization_stats ---------------------------------------------------------------------------------


def _drawn_splits(rng, train, val, test):
    return rng.permutation(np.repeat(["train", "val", "test"], [train, val, test]))


def _stats_cases(rng):
    small = np.array([[[[0, 51, 102]], [[255, 51, 204]]], [[[255, 102, 153]], [[255, 0, 0]]], [[[0, 255, 255]], [[0, 51, 0]]]])  # fmt: skip
    yield Case("three pictures of two pixels", images=small[rng.permutation(3)].astype(np.uint8), splits=np.array(["train", "train", "test"]))  # fmt: skip
    yield Case("pictures that are not square", images=_pictures(rng, 12, 5, 7, 3), splits=_drawn_splits(rng, 6, 4, 2))
    bright = _pictures(rng, 16, 6, 4, 3) // np.array([1, 2, 5], np.uint8)
    yield Case("channels of different brightness", images=bright.astype(np.uint8), splits=_drawn_splits(rng, 9, 3, 4))
    level = rng.integers(10, 200, (20, 1, 1, 1))
    dim = np.clip(level + rng.integers(-9, 40, (20, 4, 9, 3)), 0, 255).astype(np.uint8)
    yield Case("some pictures dark, some bright", images=dim, splits=_drawn_splits(rng, 11, 5, 4))


def _stats_oracle(images, splits):
    chosen = torch.from_numpy(images[splits == "train"]).double().div(255).flatten(0, 2)
    std, mean = torch.std_mean(chosen, dim=0, correction=0)
    return mean.numpy().round(12), std.numpy().round(12)


def _stats(which=lambda s: s == "train", scale=255, mean=None, std=None):
    def wrong(images, splits):
        x = images[which(splits)] / scale
        m = x.mean(axis=(0, 1, 2)) if mean is None else mean(x)
        return m, x.std(axis=(0, 1, 2)) if std is None else std(x)

    return wrong


def _byte_squares(images, splits):
    x = images[splits == "train"]
    mean = x.mean(axis=(0, 1, 2)) / 255
    with np.errstate(all="ignore"):
        return mean, np.sqrt(np.abs((x**2).mean(axis=(0, 1, 2)) / 255**2 - mean**2))


NORMALIZATION_STATS = Exercise(
    id="09.normalization_stats",
    title="Normalization from the training set",
    points=8,
    cases=_stats_cases,
    oracle=_stats_oracle,
    probe="channel_statistics",
    forbidden=LIBRARIES,
    misconceptions={
        "from all splits": Mistake(
            "You count validation and test pictures too. Nothing that you know of them may enter the training, not even a mean: "
            'choose the pictures whose split is "train" first.',
            _stats(which=lambda s: s != "none"),
        ),
        "from training and validation": Mistake(
            "You leave out the test pictures only. Validation pictures judge too, when you choose between networks: take those whose "
            'split is "train".',
            _stats(which=lambda s: s != "test"),
        ),
        "from all pictures but the training set": Mistake(
            "You count the pictures that are not for training. Turn the condition around.",
            _stats(which=lambda s: s != "train"),
        ),
        "bytes are not scaled": Mistake(
            "Your numbers run from 0 to 255. Pictures are divided by 255 before they are normalized, so divide these too.",
            _stats(scale=1),
        ),
        "the deviation is not scaled": Mistake(
            "Your mean is that of numbers from 0 to 1, your deviation that of bytes. Divide the pictures by 255 once, before you take "
            "either.",
            _stats(std=lambda x: 255 * x.std(axis=(0, 1, 2))),
        ),
        "divided by 256": Mistake(
            "You divide by 256. The largest byte is 255, and it should become exactly 1.",
            _stats(scale=256),
        ),
        "the variance for the standard deviation": Mistake(
            "Your second array is the variance. Its square root is the standard deviation.",
            _stats(std=lambda x: x.var(axis=(0, 1, 2))),
        ),
        "one number for all channels": Mistake(
            "You have one mean and one deviation for all channels together. Red, green and blue need one each.",
            _stats(mean=lambda x: x.mean(), std=lambda x: x.std()),
        ),
        "one number for all channels, three times": Mistake(
            "Your three means are the same number: you took the mean over the channels too. Leave the last axis out.",
            _stats(mean=lambda x: np.full(3, x.mean()), std=lambda x: np.full(3, x.std())),
        ),
        "a mean for every picture": Mistake(
            "You have a row of numbers for each picture. The mean goes over the pictures too: axes 0, 1 and 2.",
            _stats(mean=lambda x: x.mean(axis=(1, 2)), std=lambda x: x.std(axis=(1, 2))),
        ),
        "the mean of the pictures' own deviations": Mistake(
            "You take each picture's standard deviation and then their mean. That forgets how much pictures differ from each "
            "other. Take one deviation over all pixels of all pictures.",
            _stats(std=lambda x: x.std(axis=(1, 2)).mean(axis=0)),
        ),
        "a mean for every pixel": Mistake(
            "You have a mean picture. The mean goes over rows and columns too: axes 0, 1 and 2.",
            _stats(mean=lambda x: x.mean(axis=0), std=lambda x: x.std(axis=0)),
        ),
        "the axes of another layout": Mistake(
            "You average over axes 0, 2 and 3, as if channels came second. Here they come last: (N, H, W, 3).",
            _stats(mean=lambda x: x.mean(axis=(0, 2, 3)), std=lambda x: x.std(axis=(0, 2, 3))),
        ),
        "divided by the number of pixels minus 1": Mistake(
            "Your deviation is the sample's (divided by n - 1). Here it is divided by n, as x.std() does.",
            _stats(std=lambda x: x.std(axis=(0, 1, 2), ddof=1)),
        ),
        "squared as bytes": Mistake(
            "You square the bytes. uint8 ends at 255, so 16 squared becomes 0. Turn them into floats first.",
            _byte_squares,
        ),
        "mean and deviation are swapped": Mistake(
            "You return the deviation first. The order is: mean, std.",
            lambda images, splits: _stats()(images, splits)[::-1],
        ),
    },
    hints=(
        "Which pictures may you look at? Choose those first, with a condition on splits.",
        "Divide by 255. Then one mean for each channel: over the pictures, the rows and the columns, not over the last axis.",
        'x = images[splits == "train"] / 255, then x.mean(axis=(0, 1, 2)), and the same with std.',
    ),
)


# --- 09.photo_dataset ---------------------------------------------------------------------------------------
# Pictures are slopes of color, so that no way of resizing makes a difference; they are steep along the longer side, which shows
# what was cut off.
# Folders and files are written in an order that is neither the sorted one nor its reverse, since file systems list either.


def _photo(rng, path, mode="RGB"):
    """A picture's file: its sides, and the color in its middle with the slopes to the right and down."""
    short = int(rng.integers(24, 31))
    long, wide = int(short * rng.uniform(2.0, 2.5)), bool(rng.random() < 0.5)
    height, width = (short, long) if wide else (long, short)

    def signed(low, high):
        return (rng.choice([-1, 1], 3) * rng.integers(low, high, 3)).tolist()

    return {
        "path": path,
        "height": height,
        "width": width,
        "mode": mode,
        "base": rng.integers(118, 138, 3).tolist(),
        "right": signed(*((120, 156) if wide else (40, 71))),
        "down": signed(*((40, 71) if wide else (120, 156))),
    }


def _mixed(rng, names):
    """Names in an order that is neither the sorted one nor its reverse."""
    while len(names) > 2:
        mixed = [names[k] for k in rng.permutation(len(names))]
        if mixed not in (sorted(names), sorted(names, reverse=True)):
            return mixed
    return sorted(names, reverse=True)


_CLASSES = ("burger", "doughnut", "french_fries", "paella", "pizza", "salad", "sushi", "waffles")


def _photo_case(rng, label, counts, size, modes=("RGB",), endings=(".jpg",), others=()):
    """A folder with so many pictures in its classes; modes and endings come in turns."""
    chosen = _mixed(rng, [_CLASSES[k] for k in rng.choice(len(_CLASSES), len(counts), replace=False)])
    while True:
        files, number = [], 0
        for name, count in zip(chosen, counts, strict=True):
            for shot in _mixed(rng, rng.choice(np.arange(1000, 9999), count, replace=False).tolist()):
                mode, ending = modes[number % len(modes)], endings[number % len(endings)]
                ending = ".png" if mode == "RGBA" else ending
                files.append(_photo(rng, f"{name}/IMG_{shot}{ending}", mode))
                number += 1
        if all(_tells(file, files, size) for file in files):
            beside = [other.replace("CLASS", chosen[0]) for other in others]
            return Case(label, files=files, others=beside, size=size)


def _tells(file, files, size):
    """Whether a picture differs from what common mistakes make of it, and from all others."""
    right = photographs.slope(file, size, size)
    scanned = file["mode"] == "L"
    wrong = [right.transpose(1, 0, 2), photographs._cropped(file, size), 2 * right - 1]
    wrong += [] if scanned else [right[..., ::-1]]
    wrong += [photographs.slope(other, size, size) for other in files if other is not file]
    return all(np.abs(right - one).max() > 0.085 for one in wrong)


def _photo_cases(rng):
    yield _photo_case(rng, "four photographs of three dishes", (1, 1, 2), 8)
    yield _photo_case(rng, "wide and tall photographs", (2, 3, 1, 2), 12)
    yield _photo_case(rng, "scans in gray, and screenshots", (2, 2, 3), 10, modes=("RGB", "L", "RGBA"))
    yield _photo_case(
        rng,
        "other files, and names in capitals",
        (3, 2, 2),
        9,
        endings=(".jpg", ".JPG", ".png"),
        others=("README.txt", "CLASS/notes.txt"),
    )


class _Photos:
    """A right dataset of pictures in a folder, whose parts the mistakes replace."""

    endings = (".jpg", ".jpeg", ".png")

    def __init__(self, folder, size):
        self.folder, self.size = folder, size
        self.classes = self.listed()
        self.files = [(path, label) for label, name in enumerate(self.classes) for path in self.inside(folder / name)]
        self.begin()

    def listed(self):
        return sorted(entry.name for entry in self.folder.iterdir() if entry.is_dir())

    def inside(self, folder):
        return sorted(path for path in folder.iterdir() if self.is_picture(path))

    def is_picture(self, path):
        return path.suffix.lower() in self.endings

    def begin(self):
        pass

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        path, label = self.files[index]
        return self.finished(self.opened(path)), self.label(path, label, index)

    def opened(self, path):
        return self.squeezed(Image.open(path).convert("RGB"))

    def squeezed(self, image):
        return image.resize((self.size, self.size))

    def finished(self, image):
        return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255

    def label(self, path, label, index):
        return label


def _photos(**parts):
    """A dataset with other methods."""
    return type("PhotoDataset", (_Photos,), parts)


def _all_at_once(self):
    self.kept = [_Photos.opened(self, path) for path, _ in self.files]


def _pixels(image):
    return torch.from_numpy(np.array(image))


def _cut(self, image):
    side, (width, height) = min(image.size), image.size
    left, top = (width - side) // 2, (height - side) // 2
    return image.crop((left, top, left + side, top + side)).resize((self.size, self.size))


def _shorter_side(self, image):
    width, height = image.size
    scale = self.size / min(width, height)
    return image.resize((round(width * scale), round(height * scale)))


PHOTO_DATASET = Exercise(
    id="09.photo_dataset",
    title="A dataset of photographs",
    points=10,
    cases=_photo_cases,
    oracle=lambda files, others, size: photographs.LAZY,
    probe="photo_dataset",
    names=("PhotoDataset",),
    forbidden=("torchvision.*", "introdl.training.*"),
    misconceptions={
        "the classes are not sorted": Mistake(
            "Your classes come in the order in which the disk lists the folders, and that differs from machine to machine. Sort the "
            "names, so that a label means the same dish everywhere.",
            _photos(listed=lambda self: sorted(_Photos.listed(self), reverse=True)),
        ),
        "the pictures are not sorted": Mistake(
            "Within a class your pictures come in the order in which the disk lists them. Sort the names, so that an index means the "
            "same picture everywhere.",
            _photos(inside=lambda self, folder: _Photos.inside(self, folder)[::-1]),
        ),
        "gray and see-through pictures stay as they are": Mistake(
            "Not every picture opens with three channels: a scan in gray has one, a screenshot has a fourth for opacity. "
            'Image.open(path).convert("RGB") makes three of any of them.',
            _photos(opened=lambda self, path: self.squeezed(Image.open(path))),
        ),
        "channels last": Mistake(
            "Your pictures are (S, S, 3), as PIL and NumPy have them. A convolution of torch takes (3, S, S): permute(2, 0, 1).",
            _photos(finished=lambda self, image: _pixels(image) / 255),
        ),
        "reshaped instead of permuted": Mistake(
            "reshape(3, S, S) keeps the numbers in their order and cuts them into three parts, so rows and colors are mixed up. "
            "permute(2, 0, 1) moves the axis of the channels to the front.",
            _photos(finished=lambda self, image: _pixels(image).reshape(3, self.size, self.size) / 255),
        ),
        "rows and columns exchanged": Mistake(
            "The channels are in front, but your pictures lie on their sides: .T and permute(2, 1, 0) turn all axes around. "
            "permute(2, 0, 1) keeps rows before columns.",
            _photos(finished=lambda self, image: _pixels(image).permute(2, 1, 0) / 255),
        ),
        "red and blue exchanged": Mistake(
            "Red and blue have changed places. PIL gives red first, so nothing has to be reversed; OpenCV is the one that begins "
            "with blue.",
            _photos(finished=lambda self, image: _pixels(image).permute(2, 0, 1).flip(0) / 255),
        ),
        "bytes": Mistake(
            "Your pictures are still bytes from 0 to 255. A network takes float32: divide by 255.",
            _photos(finished=lambda self, image: _pixels(image).permute(2, 0, 1)),
        ),
        "not scaled to 1": Mistake(
            "Your pictures are float32, but run up to 255. Divide by 255.",
            _photos(finished=lambda self, image: _pixels(image).permute(2, 0, 1).float()),
        ),
        "divided by 256": Mistake(
            "A byte runs from 0 to 255, so white divided by 256 is 0.996 and not 1. Divide by 255.",
            _photos(finished=lambda self, image: _pixels(image).permute(2, 0, 1) / 256),
        ),
        "scaled to -1 to 1": Mistake(
            "Your pictures run from -1 to 1. Here they should run from 0 to 1; normalization comes later, with numbers of the "
            "training set.",
            _photos(finished=lambda self, image: _pixels(image).permute(2, 0, 1) / 127.5 - 1),
        ),
        "float64": Mistake(
            "Your pictures are float64, NumPy's default, and a network with float32 weights refuses them. Call .float(), or "
            "divide after you have made a tensor of the bytes.",
            _photos(finished=lambda self, image: _pixels(image).permute(2, 0, 1).double() / 255),
        ),
        "a NumPy array": Mistake(
            "You return a NumPy array. Return a tensor: torch.from_numpy(...).",
            _photos(finished=lambda self, image: np.array(image).transpose(2, 0, 1).astype(np.float32) / 255),
        ),
        "the picture as PIL opens it": Mistake(
            "You return PIL's picture, which no DataLoader can stack into a batch. Turn it into an array, and that into a tensor.",
            _photos(finished=lambda self, image: image),
        ),
        "not resized": Mistake(
            "Your pictures keep their own sizes, so no batch can be made of them. image.resize((size, size)) makes all alike.",
            _photos(squeezed=lambda self, image: image),
            also=(_photos(squeezed=_shorter_side),),
        ),
        "cut to a square": Mistake(
            "You cut a square out of the picture's middle. That is a good way too, but here the whole picture is squeezed into "
            "the square.",
            _photos(squeezed=_cut),
        ),
        "everything is opened in advance": Mistake(
            "You open the pictures in __init__. With 100,000 photographs that takes an hour and more memory than you have, before "
            "the first step. Keep the paths, and open one picture in __getitem__.",
            _photos(
                begin=_all_at_once, opened=lambda self, path: self.kept[[one for one, _ in self.files].index(path)]
            ),
        ),
        "the class's name for its label": Mistake(
            "Your label is a name or a path. cross_entropy takes numbers: the place of the name in classes.",
            _photos(label=lambda self, path, label, index: path.parent.name),
            also=(_photos(label=lambda self, path, label, index: path),),
        ),
        "labels count from 1": Mistake(
            "Your first class has the label 1. Labels run from 0 to K - 1, as Python counts.",
            _photos(label=lambda self, path, label, index: label + 1),
        ),
        "the index for the label": Mistake(
            "Each picture has its own index as its label. The label is the number of its class, the same for all its pictures.",
            _photos(label=lambda self, path, label, index: index),
        ),
        "the length is the number of classes": Mistake(
            "len(dataset) is how many classes there are. A DataLoader needs to know how many pictures there are.",
            _photos(__len__=lambda self: len(self.classes)),
        ),
        "capital letters are passed over": Mistake(
            "Cameras write IMG_0001.JPG, and you leave those out. Compare the ending in small letters: path.suffix.lower().",
            _photos(is_picture=lambda self, path: path.suffix in self.endings),
        ),
        "files that are no pictures": Mistake(
            "You take every file of a class's folder for a picture. Something else always lies there too, notes or a list: look at "
            "the ending.",
            _photos(is_picture=lambda self, path: True),
        ),
        "the picture alone": Mistake(
            "dataset[0] gives the picture alone. Return two things: the picture and its label.",
            _photos(__getitem__=lambda self, index: self.finished(self.opened(self.files[index][0]))),
        ),
    },
    hints=(
        "Split the work. __init__ makes a list of pairs, a path and a label, and opens nothing. __len__ is the length of that "
        "list. __getitem__ opens one path of it.",
        "sorted(folder.iterdir()) lists what lies in a folder, entry.is_dir() says what is a folder, path.suffix.lower() is the "
        "ending. enumerate(self.classes) gives each class its number.",
        'np.array(Image.open(path).convert("RGB").resize((size, size))) is uint8, (S, S, 3). torch.from_numpy makes a tensor of '
        "it, permute(2, 0, 1) puts the channels first, and / 255 makes it float32 from 0 to 1.",
    ),
)


# --- 09.augment ---------------------------------------------------------------------------------------------
# With N = 48 pictures or more, each drawing a flip and two steps of -s to s: the flips' share lies outside 0.12 to 0.88 in
# less than 2 in 10^8 batches, all steps of both axes miss one of the farthest in 2 (4/5)^96 < 2 in 10^9 (s = 2; s = 1 is
# rarer still), and every other rule fails more rarely. How often what is drawn comes from 50 further batches (`food._unfair`).
# Rules about chance are not asked of the small first case.


def _augment_cases(rng):
    def labels(n):
        return rng.permutation(np.arange(n, dtype=np.int64) + int(rng.integers(1, 9)))

    yield Case("five small pictures", images=_pictures(rng, 5, 3, 4, 3), labels=labels(5), shift=1, rng=generator(rng))
    yield Case(
        "48 pictures, two steps", images=_pictures(rng, 48, 5, 6, 3), labels=labels(48), shift=2, rng=generator(rng)
    )
    yield Case(
        "49 pictures, one step", images=_pictures(rng, 49, 5, 4, 3), labels=labels(49), shift=1, rng=generator(rng)
    )
    yield Case("mirrored only", images=_pictures(rng, 50, 3, 4, 3), labels=labels(50), shift=0, rng=generator(rng))


def _augment(
    flips=lambda rng, n: rng.random(n) < 0.5,
    steps=lambda rng, n, s: rng.integers(-s, s + 1, (n, 2)),
    mirror=lambda image: image[:, ::-1],
    fill="black",
    finish=lambda new, labels, rng: (new, labels),
):
    """An `augment` whose parts can be replaced by wrong ones."""

    def wrong(images, labels, shift, rng):
        n = len(images)
        flip, moves = flips(rng, n), steps(rng, n, shift)
        height, width = images.shape[1:3]
        turned = np.where(flip[:, None, None, None], np.stack([mirror(image) for image in images]), images)
        mode = {"black": "constant", "edge": "edge", "wrap": "wrap"}[fill]
        padded = np.pad(turned, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode=mode)
        new = np.empty_like(images)
        for k, (dy, dx) in enumerate(moves.tolist()):
            new[k] = padded[k, shift - dy : shift - dy + height, shift - dx : shift - dx + width]
        return finish(new, labels, rng)

    return wrong


_CALLS = itertools.count()


def _unasked_generator(images, labels, shift, rng):
    """Other draws than at the call before; the same ones each time that a sheet is made: a case has 5 or 55 calls."""
    return _augment()(images, labels, shift, np.random.default_rng([3, next(_CALLS) % 5]))


def _one_row_step(rng, n, s):
    """Pictures have steps of their own to the right, and a common one down, which is not 0."""
    down = int(rng.choice([step for step in range(-s, s + 1) if step])) if s else 0
    return np.stack([np.full(n, down), rng.integers(-s, s + 1, n)], axis=1)


def _augment_tied(images, labels, shift, rng):
    draws = rng.random((len(images), 2))
    return _augment(
        flips=lambda rng, n: draws[:, 0] < 0.5,
        steps=lambda rng, n, s: np.floor(draws * (2 * s + 1)).astype(int) - s,
    )(images, labels, shift, rng)


def _augment_in_place(images, labels, shift, rng):
    images[:] = _augment()(images.copy(), labels, shift, rng)[0]
    return images, labels


def _augment_shuffled(new, labels, rng):
    order = np.roll(np.arange(len(new)), 1)
    return new[order], labels


AUGMENT = Exercise(
    id="09.augment",
    title="Augment a batch",
    points=13,
    cases=_augment_cases,
    oracle=lambda images, labels, shift, rng: food.AUGMENTED,
    probe="augment",
    forbidden=LIBRARIES,
    misconceptions={
        "one draw for the whole batch": Mistake(
            "You draw once, and change all pictures of the batch in the same way. Each picture needs its own random changes: N flips, and "
            "N shifts for each axis.",
            _augment(
                flips=lambda rng, n: np.full(n, rng.random() < 0.5),
                steps=lambda rng, n, s: np.tile(rng.integers(-s, s + 1, 2), (n, 1)),
            ),
        ),
        "one flip for the whole batch": Mistake(
            "Each picture has its own shift, but the flip is drawn once for all of them. Draw N flips.",
            _augment(flips=lambda rng, n: np.full(n, rng.random() < 0.5)),
        ),
        "one shift for the whole batch": Mistake(
            "Each picture has its own flip, but the shifts are drawn once for all of them. Draw N for each axis.",
            _augment(steps=lambda rng, n, s: np.tile(rng.integers(-s, s + 1, 2), (n, 1))),
        ),
        "flipped upside down": Mistake(
            "Some pictures are upside down. To swap left and right, reverse the columns: axis 2 of a batch, "
            "axis 1 of one picture.",
            _augment(mirror=lambda image: image[::-1]),
        ),
        "the colors are flipped": Mistake(
            "You reverse the last axis, the channels, so that red and blue change places. Reverse the columns.",
            _augment(mirror=lambda image: image[..., ::-1]),
        ),
        "labels out of step": Mistake(
            "Some pictures have the label of another one. If you reorder pictures, reorder their labels in the same way; here, "
            "nothing needs to be reordered.",
            _augment(finish=_augment_shuffled),
        ),
        "the batch is reordered": Mistake(
            "Pictures and labels are in step, but in a new order. Shuffling is not the job of this function.",
            _augment(finish=lambda new, labels, rng: (new[::-1].copy(), labels[::-1].copy())),
        ),
        "the labels get lost": Mistake(
            "You return the pictures alone. Return both, pictures and labels.",
            _augment(finish=lambda new, labels, rng: new),
        ),
        "always mirrored": Mistake(
            "All your pictures are mirrored. Half of them should be, by chance: mirror where a random number from 0 to 1 is below 0.5.",
            _augment(flips=lambda rng, n: np.ones(n, bool)),
        ),
        "never mirrored": Mistake(
            "No picture is mirrored. Half of them should be.",
            _augment(flips=lambda rng, n: np.zeros(n, bool)),
        ),
        "never moved": Mistake(
            "No picture is moved. Each should go -shift to shift rows down and as many columns to the right.",
            _augment(steps=lambda rng, n, s: np.zeros((n, 2), int)),
        ),
        "what leaves comes in on the other side": Mistake(
            "np.roll brings the pixels that leave on one side back in on the other. What comes in should be black, 0.",
            _augment(fill="wrap"),
        ),
        "the edge is repeated": Mistake(
            "You fill the strip that comes in with the picture's edge. That is a good way too, but here it should be black, 0.",
            _augment(fill="edge"),
        ),
        "one shift for both axes": Mistake(
            "Each picture moves as far down as to the right. Draw the two shifts separately.",
            _augment(steps=lambda rng, n, s: np.repeat(rng.integers(-s, s + 1, (n, 1)), 2, axis=1)),
        ),
        "one axis only": Mistake(
            "Pictures move along one axis, and never along the other. Draw a shift for rows and one for columns.",
            _augment(steps=lambda rng, n, s: rng.integers(-s, s + 1, (n, 2)) * [0, 1]),
        ),
        "to one side only": Mistake(
            "Your shifts run from 0 to shift, so pictures only move down and to the right. Begin at -shift.",
            _augment(steps=lambda rng, n, s: rng.integers(0, s + 1, (n, 2))),
        ),
        "the largest shift is never drawn": Mistake(
            "The value +shift is never drawn. rng.integers(a, b) leaves out its upper end: write shift + 1.",
            _augment(steps=lambda rng, n, s: rng.integers(-s, s, (n, 2)) if s else np.zeros((n, 2), int)),
        ),
        "not half of them mirrored": Mistake(
            "Many more, or many fewer, than half of your pictures are mirrored. rng.random() is below 0.5 in half of the cases. A "
            "normal random number is not, and rng.integers(3) is 0 in a third of them.",
            _augment(flips=lambda rng, n: rng.random(n) < 0.3),
        ),
        "every second picture is mirrored": Mistake(
            "Which pictures are mirrored depends only on their place in the batch. Each should be mirrored by chance: N draws from rng.",
            _augment(flips=lambda rng, n: np.arange(n) % 2 == 1),
        ),
        "some shifts are more likely": Mistake(
            "Not all shifts are equally likely. If you round a random number between -shift and shift, the largest shifts come half as "
            "often; if you cut off its digits, 0 comes twice as often. rng.integers(-shift, shift + 1) gives each with equal probability.",
            _augment(steps=lambda rng, n, s: np.round(rng.uniform(-s, s, (n, 2))).astype(int)),
        ),
        "one shift for all along one axis": Mistake(
            "Along one axis you draw a single shift for the whole batch. Draw N of them for each axis.",
            _augment(steps=_one_row_step),
        ),
        "flip and shift from one draw": Mistake(
            "One random number decides both whether a picture is mirrored and where it moves, so mirrored pictures all go to one side. Draw them separately.",
            _augment_tied,
        ),
        "the generator is not used": Mistake(
            "Your pictures differ although rng is in the same state, so nobody could repeat your training. Draw with rng, not with "
            "np.random.",
            _unasked_generator,
        ),
        "the batch is changed in place": Mistake(
            "You write into the pictures that you were given. In the next epoch they would be changed a second time, and so on. Write "
            "into a new array.",
            _augment_in_place,
        ),
    },
    hints=(
        "Draw first: N numbers for the flips, N shifts for the rows, N for the columns. Then go through the pictures.",
        "new = np.zeros_like(images). Mirrored is image[:, ::-1]. To move a picture down by 2, new[2:] gets image[:-2]; for "
        "a shift of -2, new[:-2] gets image[2:].",
        "Pad each picture with shift black pixels on every side (np.pad), and cut a window of H x W out of it whose corner "
        "is drawn: rows from 0 to 2 * shift, columns too.",
    ),
)


# --- 09.food_net --------------------------------------------------------------------------------------------
# The pictures that decide the marks go in without labels; these stay here. All plates of `data/plates` lie where answers run,
# with their labels, so other pictures judge (`autograder.held_out`). Colors, sides and the dishes' numbers are dealt again for
# each classroom, so that a network which learned elsewhere brings nothing along.

STEPS = 300
LADDER = ((0.60, 2), (0.68, 2), (0.76, 2))
_HELD_OUT: dict[str, np.ndarray] = {}


def _budget_case(rng):
    return Case("shapes and budget", images=None, labels=None, new=None, classes=int(rng.integers(3, 10)), steps=0, seed=int(rng.integers(2**31)), least=0.0)  # fmt: skip


def _visible_plates(rng):
    yield _budget_case(rng)
    for least, weight in LADDER:
        yield Case(f"{least:.0%} of the validation plates right", weight=weight, images="train", labels=None, new="val", classes=12, steps=STEPS, seed=9, least=least)  # fmt: skip


def _hidden_plates(rng):
    from autograder.held_out import held_out
    from introdl import data

    yield _budget_case(rng)
    train = data.plates(size=32, dishes="base").split("train")
    new, dishes = held_out(32)
    labels = np.array([train.classes.index(dish) for dish in dishes])
    numbers, colors = rng.permutation(len(train.classes)), rng.permutation(3)
    rows, columns = (slice(None, None, int(step)) for step in rng.choice([-1, 1], 2))
    turn = (0, 2, 1, 3) if rng.random() < 0.5 else (0, 1, 2, 3)

    def dealt(images):
        return np.ascontiguousarray(np.asarray(images)[:, rows, columns][..., colors].transpose(turn))

    order, seed = rng.permutation(len(new)), int(rng.integers(2**31))
    own, asked = dealt(train.images), dealt(new[order])
    _HELD_OUT[checksum(asked)] = numbers[labels[order]].astype(np.int64)
    for least, weight in LADDER:
        yield Case(
            f"{least:.0%} of new plates right",
            weight=weight,
            images=own,
            labels=numbers[train.labels].astype(np.int64),
            new=asked,
            classes=len(train.classes),
            steps=STEPS,
            seed=seed,
            least=least,
        )


def _food_net_oracle(images, labels, new, classes, steps, seed, least):
    if not steps:
        return food.WITHIN
    if isinstance(new, str):
        from introdl import data

        return {"labels": data.plates(size=32, dishes="base").split(new).labels, "accuracy": least}
    return {"labels": _HELD_OUT[checksum(new)], "accuracy": least}


# Wrong `FoodNet`s are functions of k, the number of dishes.


def _stages(*channels, act=True):
    """The layers of stages with so many channels, each of which halves height and width."""
    layers = []
    for before, after in zip(channels[:-1], channels[1:], strict=True):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            *([nn.ReLU(), nn.MaxPool2d(2)] if act else [nn.AvgPool2d(2)]),
        ]
    return layers


def _headless(k):
    return nn.Sequential(*_stages(3, 8, 16), nn.Conv2d(16, k, 1))


def _list_of_layers(k):
    class Loose(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Conv2d(3, 8, 3), nn.ReLU()]
            self.head = nn.Linear(8, k)

        def forward(self, x):
            for layer in self.layers:
                x = layer(x)
            return self.head(x.mean(dim=(2, 3)))

    return Loose()


def _forwarding(forward):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(*_stages(3, 8, 16))

        def forward(self, x):
            return forward(self, x)

    return Net()


def _every_place(k):
    net = _forwarding(lambda self, x: self.head(self.body(x).permute(0, 2, 3, 1).reshape(-1, 16)))
    net.head = nn.Linear(16, k)
    return net


def _nothing_returned(k):
    return _forwarding(lambda self, x: None)


def _batch_normalized_by_hand(k):
    net = _forwarding(lambda self, x: self.head(_standard(self.body(x).mean(dim=(2, 3)))))
    net.head = nn.Linear(16, k)
    return net


def _standard(x):
    return (x - x.mean(dim=0)) / (x.std(dim=0, unbiased=False) + 1e-5)


FOOD_NET = Exercise(
    id="09.food_net",
    title="FoodNet",
    points=22,
    cases=_visible_plates,
    hidden=_hidden_plates,
    oracle=_food_net_oracle,
    probe="food_net",
    names=("FoodNet",),
    forbidden=("introdl.models.*", "torchvision.*", "torch.hub.load", "safetensors.*"),
    seconds=420.0,
    misconceptions={
        "no nonlinearity": Mistake(
            "A linear function of a linear function is linear: your convolutions, averages and dense layers together are one single "
            "matrix. Put a ReLU after each convolution.",
            lambda k: nn.Sequential(*_stages(3, 8, 16, act=False), nn.Flatten(), nn.Linear(16 * 64, k)),
        ),
        "over the budget of parameters": Mistake(
            "Count the weights of your dense layers first. A map of 16 x 16 with 32 channels, flattened, has 8,192 numbers; a dense "
            "layer of 128 units after it has a million weights. Pool further first, or take the mean over height and width.",
            lambda k: nn.Sequential(
                nn.Conv2d(3, 32, 3, padding=1),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
                nn.Linear(32 * 256, 128),
                nn.ReLU(),
                nn.Linear(128, k),
            ),
        ),
        "too much work": Mistake(
            "Many channels on large maps are expensive: each filter runs over every position. Pool earlier, and let the channels "
            "grow as the maps shrink.",
            lambda k: nn.Sequential(
                nn.Conv2d(3, 48, 3, padding=1),
                nn.ReLU(),
                nn.Conv2d(48, 64, 3, padding=1),
                nn.ReLU(),
                nn.AdaptiveAvgPool2d(1),
                nn.Flatten(),
                nn.Linear(64, k),
            ),
        ),
        "softmax at the end": Mistake(
            "Your outputs are probabilities. cross_entropy applies softmax itself; twice it flattens the gradients, and the "
            "network learns slowly. Return the scores.",
            lambda k: nn.Sequential(*_stages(3, 8, 16), nn.Flatten(), nn.Linear(16 * 64, k), nn.Softmax(dim=1)),
        ),
        "a head of fixed size": Mistake(
            "The last layer has twenty outputs, whatever num_classes says. Give it num_classes.",
            lambda k: nn.Sequential(*_stages(3, 8, 16), nn.Flatten(), nn.Linear(16 * 64, 20)),
        ),
        "scores for every position": Mistake(
            "A map of scores comes out for each dish. Take the mean over height and width, or flatten, before the last layer.",
            _headless,
        ),
        "positions become pictures": Mistake(
            "There are more rows of scores than pictures: the positions of a map have been mixed into the batch. Keep the first axis "
            "when you flatten.",
            _every_place,
        ),
        "layers in a plain list": Mistake(
            "Layers in a plain Python list, or created in forward, are unknown to the network: they are not trained, and no "
            "checkpoint holds them. Use nn.Sequential or nn.ModuleList, in __init__.",
            _list_of_layers,
        ),
        "forward returns nothing": Mistake(
            "forward ends without a return. Return the scores.",
            _nothing_returned,
        ),
        "normalized by the other plates of its batch": Mistake(
            "You normalize by the batch's own mean, in evaluation too. Then the answer for a plate depends on the other plates. "
            "nn.BatchNorm2d keeps a running mean for evaluation.",
            _batch_normalized_by_hand,
        ),
    },
    hints=(
        "Start with what you know from chapter 04: convolution, ReLU, pooling, three or four times over. Double the channels "
        "whenever the map's sides are halved: 16, 32, 64.",
        "After the last pooling take the mean over height and width, x.mean(dim=(2, 3)), and one nn.Linear to num_classes. "
        "nn.BatchNorm2d between each convolution and its ReLU makes the network learn much faster.",
        "Four stages of nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(), nn.MaxPool2d(2), with "
        "3, 16, 32, 64, 128 channels, then nn.AdaptiveAvgPool2d(1), nn.Flatten() and nn.Linear(128, num_classes).",
    ),
)


# --- 09.checkpoint ------------------------------------------------------------------------------------------


def _checkpoint_cases(rng):
    for label, optimizer, n, width, done, epochs in (
        ("SGD with momentum, 2 of 5 epochs", "SGD", 14, 4, 2, 5),
        ("AdamW, 1 of 4 epochs", "AdamW", 18, 6, 1, 4),
        ("AdamW, 3 of 7 epochs", "AdamW", 22, 3, 3, 7),
    ):
        yield Case(
            label,
            X=rng.normal(size=(n, width)).round(3),
            y=rng.integers(0, 3, n).astype(np.int64),
            done=done,
            epochs=epochs,
            settings={"optimizer": optimizer, "width": width, "seed": int(rng.integers(2**30))},
        )


def _checkpoint_oracle(X, y, done, epochs, settings):
    """A run that was never interrupted."""
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    parts = food.training_parts(settings)
    food.train_epochs(*parts, X, y, range(done))
    loaded = food.state_numbers(parts[0])
    food.train_epochs(*parts, X, y, range(done, epochs))
    return {
        "finished epochs": done,
        "the network as loaded": loaded,
        "the network at the end": food.state_numbers(parts[0]),
    }


def _checkpointer(leave=(), epoch=lambda e: e, model_state=lambda m: m.state_dict(), strict=True):
    """A pair of functions that leave some parts out."""

    def save(path, model, optimizer, schedule, generator, epochs):
        torch.save(
            {
                "model": model_state(model),
                "optimizer": optimizer.state_dict(),
                "schedule": schedule.state_dict(),
                "generator": generator.get_state(),
                "epochs": epochs,
            },
            path,
        )

    def load(path, model, optimizer, schedule, generator):
        saved = torch.load(path)
        if "model" not in leave:
            model.load_state_dict(saved["model"], strict=strict)
        if "optimizer" not in leave:
            optimizer.load_state_dict(saved["optimizer"])
        if "schedule" not in leave:
            schedule.load_state_dict(saved["schedule"])
        if "generator" not in leave:
            generator.set_state(saved["generator"])
        return epoch(saved["epochs"])

    return save, load


def _latest():
    """A pair whose load reads the newest file that lies beside the path."""

    def save(path, *parts):
        _checkpointer()[0](path, *parts)

    def load(path, *parts):
        newest = max(path.parent.iterdir(), key=lambda one: (one.stat().st_mtime_ns, one.name == "later.pt"))
        return _checkpointer()[1](newest, *parts)

    return save, load


def _seeds_again():
    """A pair that keeps the generator's seed instead of its state."""

    def save(path, model, optimizer, schedule, generator, epochs):
        states = [one.state_dict() for one in (model, optimizer, schedule)]
        torch.save([*states, generator.initial_seed(), epochs], path)

    def load(path, model, optimizer, schedule, generator):
        *states, seed, epochs = torch.load(path)
        for one, state in zip((model, optimizer, schedule), states, strict=True):
            one.load_state_dict(state)
        generator.manual_seed(seed)
        return epochs

    return save, load


def _no_file(path, model, optimizer, schedule, generator, epochs):
    return None


CHECKPOINT = Exercise(
    id="09.checkpoint",
    title="Save and resume",
    points=12,
    cases=_checkpoint_cases,
    oracle=_checkpoint_oracle,
    probe="checkpoint",
    names=("save_checkpoint", "load_checkpoint"),
    forbidden=("introdl.training.*",),
    rtol=1e-6,
    seconds=20.0,
    misconceptions={
        "the network is not loaded": Mistake(
            "The new network keeps its first weights. model.load_state_dict(...) puts the saved ones in; reading the file alone "
            "changes nothing.",
            _checkpointer(leave=("model",)),
        ),
        "parameters without statistics": Mistake(
            "Batch normalization's running mean and variance are lost. They are not parameters, but they are in state_dict().",
            _checkpointer(model_state=lambda m: dict(m.named_parameters()), strict=False),
        ),
        "the optimizer's state is lost": Mistake(
            "The optimizer starts without its memory: momentum, or Adam's running means. Save optimizer.state_dict() and load it.",
            _checkpointer(leave=("optimizer",)),
        ),
        "the schedule's state is lost": Mistake(
            "The schedule starts from the beginning, so the learning rates are wrong. Save schedule.state_dict() and load it.",
            _checkpointer(leave=("schedule",)),
        ),
        "the generator's state is lost": Mistake(
            "After loading, the order of the pictures is drawn again from the beginning. Save generator.get_state() and "
            "restore it with set_state.",
            _checkpointer(leave=("generator",)),
        ),
        "schedule and generator are lost": Mistake(
            "You restore the weights and the optimizer. The schedule counts its steps, and the generator decides the order of the "
            "pictures: they have a state too.",
            _checkpointer(leave=("schedule", "generator")),
        ),
        "the network alone": Mistake(
            "You restore the weights and nothing else. Optimizer, schedule and generator have a state too.",
            _checkpointer(leave=("optimizer", "schedule", "generator")),
        ),
        "resumes from epoch 0": Mistake(
            "Your load_checkpoint says that no epoch is finished, so all of them are run again. Save the number, and return it.",
            _checkpointer(epoch=lambda e: 0),
        ),
        "the generator begins again": Mistake(
            "You save the generator's seed. A seed is where it began; by now it has drawn the orders of several epochs. Save "
            "generator.get_state() and restore it with set_state.",
            _seeds_again(),
        ),
        "one epoch is run twice": Mistake(
            "You return one epoch too few, and the last finished one is run again.",
            _checkpointer(epoch=lambda e: e - 1),
        ),
        "one epoch is left out": Mistake(
            "You return one epoch too many. Return how many are finished: the next one has that number, since epochs count from 0.",
            _checkpointer(epoch=lambda e: e + 1),
        ),
        "nothing is returned": Mistake(
            "load_checkpoint returns None. Return the number of finished epochs.",
            _checkpointer(epoch=lambda e: None),
        ),
        "no file is written": Mistake(
            "There is no file after save_checkpoint. torch.save(something, path) writes one.",
            (_no_file, lambda *given: 0),
        ),
        "always the latest file": Mistake(
            "You load the file that was written last, whatever path says. Load the one at path.",
            _latest(),
        ),
    },
    hints=(
        "What does the next step depend on? On the weights and on four more things. All but the number of epochs have a state.",
        "A dict of states: model.state_dict(), optimizer.state_dict(), schedule.state_dict(), generator.get_state(), and epochs. "
        "torch.save(dict, path) and torch.load(path) do the rest.",
        'To load: saved = torch.load(path); model.load_state_dict(saved["model"]), the same for optimizer and schedule; '
        'generator.set_state(saved["generator"]); return saved["epochs"].',
    ),
)


# --- 09.confusion_matrix ------------------------------------------------------------------------------------


def _confusion_cases(rng):
    yield Case(
        "six plates, three dishes", labels=np.array([0, 0, 0, 1, 2, 2]), predictions=np.array([0, 1, 1, 1, 0, 0]), k=3
    )
    for label, n, k, missing in (
        ("many plates, five dishes", 60, 5, None),
        ("the last dish never comes", 40, 6, 5),
        ("a dish in the middle never comes", 35, 4, 1),
        ("a thousand plates, twelve dishes", 1000, 12, None),
    ):
        known = np.array([c for c in range(k) if c != missing])
        labels = rng.choice(known, n)
        wrong = rng.choice(known, n, p=_uneven_shares(len(known)))
        predictions = np.where(rng.random(n) < 0.5, labels, wrong)
        labels[:2], predictions[:2] = known[0], known[1]  # one mistake at least comes twice
        yield Case(label, labels=labels.astype(np.int64), predictions=predictions.astype(np.int64), k=k)


def _uneven_shares(count):
    share = np.arange(1, count + 1, dtype=float)
    return share / share.sum()


def _confusion_oracle(labels, predictions, k):
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, predictions, labels=np.arange(k)).astype(np.int64)


def _confusion(labels, predictions, k):
    found = np.zeros((k, k), np.int64)
    np.add.at(found, (labels, predictions), 1)
    return found


def _once(labels, predictions, k):
    found = np.zeros((k, k), np.int64)
    found[labels, predictions] += 1
    return found


def _shares(axis):
    def wrong(labels, predictions, k):
        found = _confusion(labels, predictions, k)
        return found / np.maximum(found.sum(axis=axis, keepdims=axis is not None), 1)

    return wrong


def _from_data(labels, predictions, k):
    known = np.unique(np.concatenate([labels, predictions]))
    return _confusion(np.searchsorted(known, labels), np.searchsorted(known, predictions), len(known))


CONFUSION_MATRIX = Exercise(
    id="09.confusion_matrix",
    title="Confusion matrix",
    points=8,
    cases=_confusion_cases,
    oracle=_confusion_oracle,
    forbidden=("sklearn.*", "introdl.recipes.*"),
    misconceptions={
        "transposed": Mistake(
            "Your rows are the predictions and your columns the true dishes. Here a row is a true dish: [label, prediction].",
            lambda labels, predictions, k: _confusion(predictions, labels, k),
        ),
        "each pair counts once": Mistake(
            "matrix[labels, predictions] += 1 adds 1 to each entry once, however often the pair occurs: NumPy reads, adds and "
            "writes all at once. Use a loop, or np.add.at.",
            _once,
        ),
        "shares of each row": Mistake(
            "You divide by the row's sum. The matrix should hold counts; you can compute shares from them later.",
            _shares(1),
        ),
        "shares of each column": Mistake("You divide by the column's sum. The matrix should hold counts.", _shares(0)),
        "shares of all plates": Mistake(
            "You divide by the number of plates. The matrix should hold counts.", _shares(None)
        ),
        "classes are counted from the data": Mistake(
            "Your matrix leaves out dishes that do not occur. It should always be (k, k), or matrices of two batches could not be added.",
            _from_data,
        ),
        "only the right answers": Mistake(
            "Only your diagonal is filled. The mistakes are what the matrix is for.",
            lambda labels, predictions, k: np.diag(np.diag(_confusion(labels, predictions, k))),
        ),
        "only the mistakes": Mistake(
            "Your diagonal is empty. Right answers count too.",
            lambda labels, predictions, k: (
                _confusion(labels, predictions, k) - np.diag(np.diag(_confusion(labels, predictions, k)))
            ),
        ),
        "bins between the numbers that occur": Mistake(
            "np.histogram2d cuts the span from the smallest to the largest number that occurs into k bins, so where a dish at "
            "either end is missing its bins are not the dishes. Give it their edges, range=[[0, k], [0, k]], or count by hand.",
            lambda labels, predictions, k: np.histogram2d(labels, predictions, bins=k)[0].astype(int),
        ),
        "dishes are counted from 1": Mistake(
            "The first row and column stay empty: you shift the numbers by one. Labels run from 0 to k - 1.",
            lambda labels, predictions, k: np.pad(_confusion(labels, predictions, k), ((1, 0), (1, 0)))[:k, :k],
        ),
    },
    hints=(
        "Start with zeros of shape (k, k). What does one plate with label 2 and prediction 0 change?",
        "It adds 1 to matrix[2, 0]: the row is the truth, the column the prediction. Go through all plates.",
        "for label, prediction in zip(labels, predictions): matrix[label, prediction] += 1.",
    ),
)


# --- 09.worst_mistakes --------------------------------------------------------------------------------------


def _worst_case(rng, label, count, k, wrong, n):
    """Probabilities of plates, for which other kinds of confidence give other plates or another order."""
    while True:
        drawn = _worst_drawn(rng, count, k, wrong)
        right = _ranked_by(_sure)(*drawn, n).tolist()
        if wrong < 2 or all(_ranked_by(key)(*drawn, n).tolist() != right for key in (_margin, _gap, _unsure)):
            return Case(label, probabilities=drawn[0], labels=drawn[1], n=n)


def _worst_drawn(rng, count, k, wrong):
    """Probabilities without ties, of which `wrong` plates are called by another dish, and labels."""
    scores = rng.normal(size=(count, k)) * 2
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    probabilities = probabilities.round(4) + np.arange(count)[:, None] * 1e-7
    named = probabilities.argmax(axis=1)
    labels = named.copy()
    # Not the surest ones alone are wrong: some of these are right, and some wrong ones are unsure.
    sure = np.argsort(-probabilities.max(axis=1))
    among = np.concatenate([sure[1::2], sure[0::2]])[:wrong]
    labels[among] = (named[among] + rng.integers(1, k, len(among))) % k
    return probabilities, labels.astype(np.int64)


def _worst_cases(rng):
    small = np.array([[0.7, 0.2, 0.1], [0.15, 0.8, 0.05], [0.3, 0.36, 0.34], [0.05, 0.05, 0.9], [0.1, 0.52, 0.38], [0.6, 0.25, 0.15]])  # fmt: skip
    yield Case("six plates, two of the mistakes", probabilities=small, labels=np.array([0, 2, 0, 2, 2, 1]), n=2)
    yield _worst_case(rng, "many plates", 40, 5, int(rng.integers(13, 17)), 6)
    yield _worst_case(rng, "many dishes", 30, 12, int(rng.integers(11, 14)), 4)
    yield _worst_case(rng, "fewer mistakes than asked for", 24, 4, int(rng.integers(3, 6)), 8)
    yield _worst_case(rng, "no mistake at all", 9, 3, 0, 3)


def _worst_oracle(probabilities, labels, n):
    from scipy.stats import rankdata

    named = probabilities.argmax(axis=1)
    sure = np.where(named == labels, -1.0, probabilities.max(axis=1))
    ranks = rankdata(-sure, method="ordinal")
    count = min(n, int((named != labels).sum()))
    return np.array([int(np.flatnonzero(ranks == r)[0]) for r in range(1, count + 1)], dtype=np.int64)


def _mistakes(probabilities, labels):
    return np.flatnonzero(probabilities.argmax(axis=1) != labels)


def _ranked_by(key, among=_mistakes, cut=lambda order, n: order[:n]):
    def wrong(probabilities, labels, n):
        chosen = among(probabilities, labels)
        return cut(chosen[np.argsort(key(probabilities[chosen], labels[chosen]), kind="stable")], n)

    return wrong


def _everyone(probabilities, labels):
    return np.arange(len(labels))


def _sure(p, labels):
    return -p.max(axis=1)


def _own(p, labels):
    return p[np.arange(len(labels)), labels]


def _margin(p, labels):
    ranked = np.sort(p, axis=1)
    return ranked[:, -2] - ranked[:, -1]


def _gap(p, labels):
    return _own(p, labels) - p.max(axis=1)


def _unsure(p, labels):
    return -(p * np.log(p + 1e-12)).sum(axis=1)


def _filled_up(probabilities, labels, n):
    chosen = _ranked_by(_sure)(probabilities, labels, n)
    rest = [
        k for k in _ranked_by(_sure, _everyone)(probabilities, labels, len(labels)) if k not in set(chosen.tolist())
    ]
    return np.array([*chosen.tolist(), *rest][:n], dtype=np.int64)


def _place_among_mistakes(probabilities, labels, n):
    chosen = _mistakes(probabilities, labels)
    return np.argsort(-probabilities[chosen].max(axis=1))[:n]


WORST_MISTAKES = Exercise(
    id="09.worst_mistakes",
    title="The worst mistakes",
    points=8,
    cases=_worst_cases,
    oracle=_worst_oracle,
    probe="indices",
    forbidden=("sklearn.*",),
    misconceptions={
        "right ones too": Mistake(
            "Among your plates are some that were named right. Choose the mistakes first, then look at the network's confidence.",
            _ranked_by(_sure, _everyone),
        ),
        "the least confident of all plates": Mistake(
            "You return the plates in which the network is least confident, right or wrong. You want mistakes, and those with the "
            "most confidence.",
            _ranked_by(lambda p, labels: p.max(axis=1), _everyone),
        ),
        "the least confident mistakes": Mistake(
            "These are mistakes, but those in which the network was least confident. The worst mistakes are those in which it is most confident: "
            "sort the other way.",
            _ranked_by(lambda p, labels: p.max(axis=1)),
        ),
        "by the true dish's probability": Mistake(
            "You sort by how little the network gave the true dish. Sort by the probability of the dish that it named.",
            _ranked_by(_own),
        ),
        "by the lead over the second dish": Mistake(
            "You sort by how far the named dish is ahead of the second one. Sort by its probability alone.",
            _ranked_by(_margin),
        ),
        "by the lead over the true dish": Mistake(
            "You sort by how far the named dish is ahead of the true one. Sort by its probability alone.",
            _ranked_by(_gap),
        ),
        "the last one first": Mistake(
            "These are the right plates in the wrong order: the worst mistake should come first.",
            lambda p, labels, n: _ranked_by(_sure)(p, labels, n)[::-1],
        ),
        "filled up with right ones": Mistake(
            "Where there are fewer mistakes than n, you fill up with plates that were named right. Return fewer.",
            _filled_up,
        ),
        "places among the mistakes": Mistake(
            "Your indices count within the mistakes, not within all plates. np.flatnonzero gives the mistakes' own indices; "
            "index those with your order.",
            _place_among_mistakes,
        ),
        "the n are taken too early": Mistake(
            "You take the n plates with the most confidence first, and leave out the right ones among them afterwards, so "
            "fewer than n are left. Choose the mistakes first, then take n.",
            lambda p, labels, n: (lambda order: order[p[order].argmax(axis=1) != labels[order]])(
                _ranked_by(_sure, _everyone)(p, labels, n)
            ),
        ),
        "all mistakes": Mistake(
            "You return every mistake. Return the n worst.",
            _ranked_by(_sure, cut=lambda order, n: order),
        ),
        "in the order of the plates": Mistake(
            "You return the first n mistakes, in the order in which the plates came. Sort by the network's confidence.",
            lambda p, labels, n: _mistakes(p, labels)[:n],
        ),
        "probabilities instead of indices": Mistake(
            "You return the network's confidence. Return the plates' indices, so that you can look at the pictures.",
            lambda p, labels, n: p.max(axis=1)[_ranked_by(_sure)(p, labels, n)],
        ),
    },
    hints=(
        "Two questions: which plates are mistakes? And how confident was the network in each of them?",
        "named = probabilities.argmax(axis=1); np.flatnonzero(named != labels) are the mistakes' indices. Their confidence is "
        "probabilities.max(axis=1) at these indices.",
        "wrong = np.flatnonzero(...); order = np.argsort(-probabilities[wrong].max(axis=1)); return wrong[order][:n].",
    ),
)


# --- 09.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "09.quiz",
    10,
    [
        Question(
            "b",
            a="It is true that the numbers would hardly differ. But a rule that you break where it is harmless is soon broken where it is not.",
            c="A normalized picture takes the same memory as any other float32 picture.",
            d="They have about the same mean here. What if they had not, because the app's cameras are darker?",
        ),
        Question(
            "d",
            a="A knows the training pictures better, as the numbers say. Is that what you want?",
            b="Its validation accuracy is the lower one.",
            c="They differ by eight points on the plates that count.",
        ),
        Question(
            "a",
            b="The weights are loaded, and the network answers as well as before.",
            c="load_state_dict of the network alone raises nothing.",
            d="The next step also depends on AdamW's running means and on the place in the schedule.",
        ),
        Question(
            "c",
            a="Probabilities of 0.9 and 0.51 give the same answer, but the loss is not the same.",
            b="It takes some of the true dish's share away. Nothing is added to the pictures.",
            d="The labels stay what they are; it is the target of the loss that is softened.",
        ),
        Question(
            "b",
            a="With one seed each, the difference may come from the seeds. How much does one arm differ from itself?",
            c="Two accuracies of the same network and recipe differ by a point from seed to seed. Is 0.6 more than that?",
            d="The test set is for one look at the end. Choosing by it makes it a second validation set.",
        ),
    ],
)

EXERCISES = [NORMALIZATION_STATS, PHOTO_DATASET, AUGMENT, FOOD_NET, CHECKPOINT, CONFUSION_MATRIX, WORST_MISTAKES, QUIZ]
