"""Folders of photographs that experiments measure on: which pictures lie there, by class or all, and as one array."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

#: Files with these endings are taken for photographs.
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def below(folder: Path) -> list[Path]:
    """Return all photographs in a folder and in those below it, by name; hidden ones are left out.

    Raises
    ------
    ValueError
        Where there is no such folder, or no photograph in it.
    """
    folder = _folder(folder)
    paths = [path for path in sorted(folder.rglob("*")) if _is_photograph(path, folder)]
    if not paths:
        raise ValueError(f"There is no photograph below {folder}. Files should end in {', '.join(ENDINGS)}.")
    return paths


def by_class(folder: Path) -> dict[str, list[Path]]:
    """Return the photographs of a folder that holds a folder for each class, FOLDER/CLASS/*.jpg.

    Returns
    -------
    dict of str to list of pathlib.Path
        By the class's name, both in order; classes without a photograph are left out.

    Raises
    ------
    ValueError
        Where there is no such folder, or no photograph in it.
    """
    folder = _folder(folder)
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*/*")):
        if _is_photograph(path, folder):
            found.setdefault(path.parent.name, []).append(path)
    if not found:
        raise ValueError(
            f"There is no {folder}/CLASS/*.jpg. Give a folder that holds a folder of photographs for each class."
        )
    return found


def read(paths: Iterable[Path], size: int) -> np.ndarray:
    """Read photographs, of each the largest square in the middle: uint8, (N, size, size, 3), `size` in pixels.

    Raises
    ------
    ValueError
        Where one cannot be read; see `introdl.data.photo`.
    """
    from introdl.data import photo

    return np.stack([photo(path, size=size) for path in paths])


def _folder(folder: Path) -> Path:
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder. Give one that holds photographs.")
    return folder


def _is_photograph(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in ENDINGS and path.is_file() and not hidden
