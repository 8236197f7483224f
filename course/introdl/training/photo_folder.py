"""Pictures that stay on the disk until they are asked for: a folder with one folder for each class."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

#: Endings of the files that are taken for pictures, in small letters.
ENDINGS = (".jpg", ".jpeg", ".png")


class PhotoFolder(Dataset):
    """The pictures of a folder, opened one at a time; chapter 09 has you write one as `PhotoDataset`.

    It can be given to the worker processes of a ``DataLoader`` on every system, since it stands in a module: where workers do
    not begin as copies of the notebook (macOS, Windows), they could not find a class that a cell defines.

    Parameters
    ----------
    folder : path
        Holds one folder for each class, and these hold the pictures.
    size : int
        Height and width of each picture as it is returned.

    Attributes
    ----------
    classes : list of str
        The names of the folders, sorted.
    files : list of (pathlib.Path, int)
        Each picture's path and label.
    """

    def __init__(self, folder: str | os.PathLike, size: int):
        self.size = size
        self.classes = sorted(entry.name for entry in Path(folder).iterdir() if entry.is_dir())
        self.files = [
            (path, label)
            for label, name in enumerate(self.classes)
            for path in sorted(Path(folder, name).iterdir())
            if path.suffix.lower() in ENDINGS
        ]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        """Return a picture, float32 (3, size, size) in [0, 1], and its label."""
        path, label = self.files[index]
        with Image.open(path) as opened:
            pixels = np.array(opened.convert("RGB").resize((self.size, self.size)))
        return torch.from_numpy(pixels).permute(2, 0, 1) / 255, label
