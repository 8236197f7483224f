"""Right answers to chapter 09, written differently."""

from __future__ import annotations

import collections
import heapq
import io
import os
import pickle

import numpy as np
import torch
from PIL import Image
from torch import nn


def stats_loop(images, splits):
    pixels = np.concatenate(
        [image.reshape(-1, 3) for image, split in zip(images, splits, strict=True) if split == "train"]
    )
    mean = sum(pixels.astype(float)) / len(pixels) / 255
    return mean, np.sqrt(sum((pixels / 255 - mean) ** 2) / len(pixels))


def stats_float32(images, splits):
    x = images[splits == "train"].astype(np.float32) / np.float32(255)
    return [x[..., c].mean() for c in range(3)], [x[..., c].std() for c in range(3)]


def stats_torch(images, splits):
    x = torch.from_numpy(images[splits == "train"]).double() / 255
    std, mean = torch.std_mean(x, dim=(0, 1, 2), unbiased=False)
    return mean, std


def stats_counts(images, splits):
    mean, std = [], []
    for c in range(3):
        counts = (
            np.bincount(images[splits == "train"][..., c].ravel(), minlength=256)
            / images[splits == "train"][..., c].size
        )
        mean.append(counts @ np.arange(256) / 255)
        std.append(np.sqrt(counts @ (np.arange(256) / 255 - mean[-1]) ** 2))
    return np.array(mean), np.array(std)


def stats_sums_of_squares(images, splits):
    """Whole numbers until the end, and both in one array."""
    sums, squares, count = np.zeros(3, np.int64), np.zeros(3, np.int64), 0
    for k in np.where(np.char.startswith(splits, "train"))[0]:
        pixels = images[k].reshape(-1, 3).astype(np.int64)
        sums, squares, count = sums + pixels.sum(0), squares + (pixels**2).sum(0), count + len(pixels)
    mean = sums / count
    return np.stack([mean, np.sqrt(squares / count - mean**2)]) / 255


def stats_lists(images, splits):
    chosen = [one / 255.0 for one, split in zip(images, splits.tolist(), strict=True) if split == "train"]
    channels = [np.concatenate([one[:, :, c].ravel() for one in chosen]) for c in (0, 1, 2)]
    return [float(np.mean(c)) for c in channels], [float(np.var(c)) ** 0.5 for c in channels]


def augment_slices(images, labels, shift, rng):
    new = np.zeros_like(images)
    height, width = images.shape[1:3]
    for k, image in enumerate(images):
        if rng.integers(2):
            image = np.fliplr(image)
        dy, dx = rng.integers(-shift, shift, 2, endpoint=True)
        rows = slice(max(dy, 0), height + min(dy, 0)), slice(max(-dy, 0), height + min(-dy, 0))
        columns = slice(max(dx, 0), width + min(dx, 0)), slice(max(-dx, 0), width + min(-dx, 0))
        new[k, rows[0], columns[0]] = image[rows[1], columns[1]]
    return new, labels


def augment_move_then_mirror(images, labels, shift, rng):
    n, height, width, _ = images.shape
    steps, flips = rng.integers(2 * shift + 1, size=(2, n)), rng.choice([True, False], n)
    big = np.zeros((n, height + 2 * shift, width + 2 * shift, 3), images.dtype)
    big[:, shift : shift + height, shift : shift + width] = images
    out = []
    for picture, y, x, flip in zip(big, *steps, flips, strict=True):
        cut = picture[y : y + height, x : x + width]
        out.append(cut[:, ::-1] if flip else cut)
    return np.array(out), labels.copy()


def augment_roll(images, labels, shift, rng):
    new = images.astype(float)
    for k in range(len(new)):
        dy, dx = int(rng.integers(-shift, shift + 1)), int(rng.integers(-shift, shift + 1))
        new[k] = np.roll(new[k], (dy, dx), (0, 1))
        if dy > 0:
            new[k, :dy] = 0
        if dy < 0:
            new[k, dy:] = 0
        if dx > 0:
            new[k, :, :dx] = 0
        if dx < 0:
            new[k, :, dx:] = 0
        if rng.uniform() > 0.5:
            new[k] = new[k, :, ::-1].copy()
    return new, list_to_array(labels)


def augment_gather(images, labels, shift, rng):
    """One look-up for the whole batch: for each new pixel, where it comes from; outside lies a black pixel."""
    n, height, width, _ = images.shape
    flip, dy, dx = rng.random((n, 1)) >= 0.5, *(rng.integers(-shift, shift, (n, 1), endpoint=True) for _ in range(2))
    rows, columns = np.arange(height)[None] - dy, np.arange(width)[None] - dx
    inside = ((rows >= 0) & (rows < height))[:, :, None] & ((columns >= 0) & (columns < width))[:, None]
    columns = np.where(flip, width - 1 - columns, columns)
    found = images[
        np.arange(n)[:, None, None], rows.clip(0, height - 1)[:, :, None], columns.clip(0, width - 1)[:, None]
    ]
    return found * inside[..., None].astype(np.uint8), labels


def augment_torch(images, labels, shift, rng):
    """Pictures as tensors with channels first; chance is NumPy's."""
    out = torch.zeros(len(images), 3, *images.shape[1:3], dtype=torch.uint8)
    for k, image in enumerate(torch.from_numpy(images).permute(0, 3, 1, 2)):
        y, x = (int(v) for v in rng.integers(0, 2 * shift + 1, 2))
        image = nn.functional.pad(image.flip(2) if rng.choice([0, 1]) else image, (shift,) * 4)
        out[k] = image[:, y : y + out.shape[2], x : x + out.shape[3]]
    return out.permute(0, 2, 3, 1).contiguous().numpy(), np.copy(labels)


def list_to_array(labels):
    return np.array(labels.tolist())


class FoodNetPlain(nn.Module):
    """Batch normalization, four stages."""

    def __init__(self, num_classes):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1) for a, b in ((3, 16), (16, 32), (32, 64), (64, 128)))
        self.norms = nn.ModuleList(nn.BatchNorm2d(b) for b in (16, 32, 64, 128))
        self.head = nn.Linear(128, num_classes)

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = torch.max_pool2d(torch.relu(norm(conv(x))), 2)
        return self.head(x.flatten(2).mean(2))


class Separable(nn.Sequential):
    """Depthwise and pointwise convolutions."""

    def __init__(self, num_classes):
        layers = [nn.Conv2d(3, 24, 3, padding=1, bias=False), nn.BatchNorm2d(24), nn.ReLU()]
        for a, b in ((24, 48), (48, 96), (96, 192)):
            layers += [nn.Conv2d(a, a, 3, padding=1, groups=a, bias=False), nn.Conv2d(a, b, 1, bias=False)]
            layers += [nn.BatchNorm2d(b), nn.ReLU(), nn.MaxPool2d(2)]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(192, num_classes))


def residual(num_classes):
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
        Block(16, 24), Block(24, 48), Block(48, 80),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(80, num_classes), nn.LogSoftmax(dim=1),
    )  # fmt: skip


class Block(nn.Module):
    """Two convolutions beside a short cut."""

    def __init__(self, a, b):
        super().__init__()
        self.first, self.second = nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.norms, self.short = nn.ModuleList([nn.BatchNorm2d(b), nn.BatchNorm2d(b)]), nn.Conv2d(a, b, 1, 2)

    def forward(self, x):
        inside = self.second(torch.relu(self.norms[0](self.first(x))))
        return torch.relu(self.short(x) + self.norms[1](inside))


def save_tuple(path, model, optimizer, schedule, generator, epochs):
    torch.save(
        [model.state_dict(), optimizer.state_dict(), schedule.state_dict(), generator.get_state(), epochs], str(path)
    )


def load_tuple(path, model, optimizer, schedule, generator):
    *states, drawn, epochs = torch.load(str(path), weights_only=True)
    for part, state in zip((model, optimizer, schedule), states, strict=True):
        part.load_state_dict(state)
    generator.set_state(drawn)
    return epochs


def save_pickle(path, model, optimizer, schedule, generator, epochs):
    with open(path, "wb") as file:
        pickle.dump(
            (model.state_dict(), optimizer.state_dict(), schedule.last_epoch, generator.get_state(), epochs), file
        )


def load_pickle(path, model, optimizer, schedule, generator):
    with open(path, "rb") as file:
        weights, memory, last, drawn, epochs = pickle.load(file)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            value.copy_(weights[name])
    optimizer.load_state_dict(memory)
    schedule.last_epoch = last
    generator.set_state(drawn)
    return epochs


def save_whole(path, model, optimizer, schedule, generator, epochs):
    content = {"net": model, "opt": optimizer.state_dict(), "at": schedule.state_dict(), "rng": generator.get_state()}
    torch.save({**content, "done": torch.tensor(epochs)}, path)


def load_whole(path, model, optimizer, schedule, generator):
    content = torch.load(path, weights_only=False)
    model.load_state_dict(content["net"].state_dict())
    optimizer.load_state_dict(content["opt"])
    schedule.load_state_dict(content["at"])
    generator.set_state(content["rng"])
    return int(content["done"])


def save_bytes(path, model, optimizer, schedule, generator, epochs):
    """Written beside and renamed, so that nothing half-written is ever at the path."""
    memory = io.BytesIO()
    torch.save({"a": model.state_dict(), "b": optimizer.state_dict(), "c": schedule.state_dict()}, memory)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(pickle.dumps((memory.getvalue(), generator.get_state().tolist(), epochs)))
    os.replace(beside, path)


def load_bytes(path, model, optimizer, schedule, generator):
    content, drawn, epochs = pickle.loads(path.read_bytes())
    states = torch.load(io.BytesIO(content), map_location="cpu", weights_only=False)
    schedule.load_state_dict(states["c"])
    optimizer.load_state_dict(states["b"])
    model.load_state_dict(states["a"], assign=False)
    generator.set_state(torch.tensor(drawn, dtype=torch.uint8))
    return epochs


def save_two_files(path, model, optimizer, schedule, generator, epochs):
    """Weights for everybody at the path; what only the next run needs, beside it."""
    torch.save(model.state_dict(), path)
    rest = {"optimizer": optimizer.state_dict(), "schedule": vars(schedule)["last_epoch"], "epochs": np.int64(epochs)}
    torch.save(rest | {"generator": generator.get_state()}, path.parent / f"{path.stem}.rest")


def load_two_files(path, model, optimizer, schedule, generator):
    model.load_state_dict(torch.load(path))
    rest = torch.load(path.with_suffix(".rest"), weights_only=False)
    optimizer.load_state_dict(rest["optimizer"])
    schedule.last_epoch = rest["schedule"]
    generator.set_state(rest["generator"])
    return rest["epochs"]


def confusion_counter(labels, predictions, k):
    pairs = collections.Counter(zip(labels.tolist(), predictions.tolist(), strict=True))
    return np.array([[pairs[i, j] for j in range(k)] for i in range(k)])


def confusion_torch(labels, predictions, k):
    matrix = torch.zeros(k, k, dtype=torch.long)
    matrix.index_put_((torch.from_numpy(labels), torch.from_numpy(predictions)), torch.tensor(1), accumulate=True)
    return matrix.numpy()


def confusion_bincount(labels, predictions, k):
    return np.bincount(labels * k + predictions, minlength=k * k).reshape(k, k)


def confusion_product(labels, predictions, k):
    return np.eye(k)[labels].T @ np.eye(k)[predictions]


def confusion_comprehension(labels, predictions, k):
    return np.array([[np.sum((labels == i) & (predictions == j)) for j in range(k)] for i in range(k)])


def confusion_histogram(labels, predictions, k):
    return np.histogram2d(labels, predictions, bins=k, range=[[-0.5, k - 0.5]] * 2)[0].astype(np.float32)


def worst_sorted(probabilities, labels, n):
    wrong = [k for k in range(len(labels)) if probabilities[k].argmax() != labels[k]]
    return sorted(wrong, key=lambda k: -probabilities[k].max())[:n]


def worst_masked(probabilities, labels, n):
    sure = probabilities.max(axis=1)
    sure[probabilities.argmax(axis=1) == labels] = -1
    order = np.argsort(sure)[::-1]
    return order[: min(n, (sure > 0).sum())]


def worst_lexsort(probabilities, labels, n):
    right = np.argmax(probabilities, 1) == labels
    order = np.lexsort((-np.max(probabilities, 1), right))
    return order[: np.count_nonzero(~right)][:n].astype(np.int32)


def worst_heap(probabilities, labels, n):
    """The n largest of a stream of pairs."""
    found = ((p.max(), k) for k, p in enumerate(probabilities) if int(np.argmax(p)) != labels[k])
    return tuple(k for _, k in heapq.nlargest(n, found))


def worst_partition(probabilities, labels, n):
    sure = np.where(probabilities.argmax(-1) == labels, -np.inf, np.float32(probabilities.max(-1)))
    count = min(n, int(np.isfinite(sure).sum()))
    best = np.argpartition(-sure, max(count - 1, 0))[:count]
    return best[np.argsort(sure[best])[::-1]]


def worst_torch(probabilities, labels, n):
    sure, named = torch.from_numpy(probabilities).max(dim=1)
    wrong = named != torch.from_numpy(labels)
    return torch.where(wrong, sure, -1.0).argsort(descending=True)[: min(n, int(wrong.sum()))].numpy()


class PhotosListed(torch.utils.data.Dataset):
    """With os, and lists side by side."""

    def __init__(self, folder, size):
        super().__init__()
        self.classes = [name for name in sorted(os.listdir(folder)) if os.path.isdir(os.path.join(folder, name))]
        self.paths, self.labels, self.shape = [], [], (size, size)
        for name in self.classes:
            for file in sorted(os.listdir(os.path.join(folder, name))):
                if file.lower().endswith((".jpg", ".jpeg", ".png")):
                    self.paths.append(os.path.join(folder, name, file))
                    self.labels.append(self.classes.index(name))

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        image = Image.open(self.paths[index]).resize(self.shape, Image.Resampling.BILINEAR).convert("RGB")
        return torch.tensor(np.asarray(image).astype(np.float32).transpose(2, 0, 1) / 255), self.labels[index]


class PhotosGlobbed:
    """No Dataset of torch's, one pattern for all files, the smallest class first found by its name."""

    def __init__(self, folder, size):
        found = [path for path in folder.glob("*/*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"}]
        self.paths = sorted(found, key=lambda path: (path.parent.name, path.name))
        self.classes = sorted({path.parent.name for path in self.paths})
        self.numbers = {name: number for number, name in enumerate(self.classes)}
        self.size = size

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with self.paths[index].open("rb") as file:
            image = Image.open(io.BytesIO(file.read())).convert("RGB")
        image = image.resize((self.size, self.size), Image.Resampling.LANCZOS)
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(self.size, self.size, 3)
        return pixels.movedim(-1, 0).contiguous().float().div(255), torch.tensor(
            self.numbers[self.paths[index].parent.name]
        )


class PhotosInterpolated(torch.utils.data.Dataset):
    """Resized by torch, with NumPy's numbers as labels; a path's class is counted from where the classes begin."""

    def __init__(self, folder, size):
        self.folder, self.size = folder, size
        self.classes = sorted(p.name for p in folder.iterdir() if not p.is_file())
        names = [sorted(p.name for p in (folder / c).iterdir() if p.name.rpartition(".")[2].lower() in ["jpg", "jpeg", "png"]) for c in self.classes]  # fmt: skip
        self.starts = np.cumsum([0, *map(len, names)])
        self.names = [name for group in names for name in group]

    def __len__(self):
        return int(self.starts[-1])

    def __getitem__(self, index):
        label = np.searchsorted(self.starts, index, side="right") - 1
        with Image.open(self.folder / self.classes[label] / self.names[index]) as image:
            x = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)[None].float() / 255
        x = torch.nn.functional.interpolate(x, (self.size, self.size), mode="bilinear", antialias=True)
        return x[0].clamp(0, 1), label


ANSWERS = {
    "09.photo_dataset": [PhotosListed, PhotosGlobbed, PhotosInterpolated],
    "09.normalization_stats": [
        stats_loop,
        stats_float32,
        stats_torch,
        stats_counts,
        stats_sums_of_squares,
        stats_lists,
    ],
    "09.augment": [augment_slices, augment_move_then_mirror, augment_roll, augment_gather, augment_torch],
    "09.food_net": [FoodNetPlain, Separable, residual],
    "09.checkpoint": [
        (save_tuple, load_tuple),
        (save_pickle, load_pickle),
        (save_whole, load_whole),
        (save_bytes, load_bytes),
        (save_two_files, load_two_files),
    ],
    "09.confusion_matrix": [
        confusion_bincount,
        confusion_product,
        confusion_comprehension,
        confusion_histogram,
        confusion_counter,
        confusion_torch,
    ],
    "09.worst_mistakes": [worst_sorted, worst_masked, worst_lexsort, worst_heap, worst_partition, worst_torch],
}
