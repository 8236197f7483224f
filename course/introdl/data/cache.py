"""Pictures unpacked once into arrays on the disk, and mapped into memory at every later call.

An entry is a folder ``arrays/NAME-KEY`` of the cache: ``images.npy``, ``facts.npz`` (whatever is known of each picture)
and ``card.json``. KEY is made from the checksums of what it was made from and from the options, so an entry is never
stale. It is built under another name and renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import math
import os
import shutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from introdl import paths
from introdl.data import disk, locks, progress
from introdl.data.dataset import Dataset
from introdl.data.download import sha256_of
from introdl.data.errors import DataError, in_units
from introdl.data.sources import Source

#: The position of each picture, and its uint8 pixels.
Pictures = Iterable[tuple[int, np.ndarray]]
_FORM = 1
_COLUMNS = ("splits", "files", "grams", "kcal", "boxes")
_IN_MEMORY = 1_000_000_000


@dataclass(frozen=True)
class Plan:
    """How an entry is made.

    Attributes
    ----------
    name : str
        The dataset's name.
    shape : tuple of int
        (N, height, width, 3) of the pictures.
    facts : dict of str to numpy.ndarray
        Whatever is known of each picture; numbers, booleans or texts.
    card : dict
        What is known of the whole, such as the classes; it goes into a JSON file.
    pictures : callable
        Goes through the pictures once, in any order: gives the position of each and its uint8 pixels.
    """

    name: str
    shape: tuple[int, int, int, int]
    facts: dict[str, np.ndarray]
    card: dict
    pictures: Callable[[], Pictures]

    @property
    def size(self) -> int:
        """How many bytes the pictures have."""
        return math.prod(self.shape)

    def fill(self, images: np.ndarray) -> None:
        """Write the pictures into an array of their shape, and show how far it is."""
        with progress.bar(f"Unpacking {self.name}", len(images), "pictures") as tick:
            for done, (index, picture) in enumerate(self.pictures(), 1):
                images[index] = picture
                tick(done)


@dataclass(frozen=True)
class Entry:
    """What an entry holds: the pictures (mapped into memory), the facts and the card."""

    images: np.ndarray
    facts: dict[str, np.ndarray]
    card: dict

    def dataset(self, source: Source, labels: str = "labels", classes: str = "classes") -> Dataset:
        """Return it as a dataset: what a `Dataset` has a place for goes there, other facts into its details.

        Parameters
        ----------
        source : Source
            Whose name, license and citation it gets.
        labels : str
            Which fact is the pictures' labels.
        classes : str
            Under which name the card has the classes.
        """
        known: dict[str, Any] = {name: self.facts[name] for name in _COLUMNS if name in self.facts}
        details = {name: values for name, values in self.facts.items() if name not in known and name != "labels"}
        names = tuple(self.card[classes])
        return Dataset(
            source.name,
            self.images,
            self.facts[labels],
            names,
            details=details,
            license=source.license,
            citation=source.citation,
            **known,
        )


def folder() -> Path:
    """Return the folder of all entries; it may not exist yet."""
    return paths.cache() / "arrays"


def entries(name: str) -> list[Path]:
    """Return the folders of a dataset's entries, one for each set of options that was asked for."""
    found = folder().glob(f"{name}-*") if folder().is_dir() else ()
    return sorted(path for path in found if (path / "card.json").is_file())


def load(name: str, key: dict, plan: Callable[[], Plan]) -> Entry:
    """Return an entry, building it where it is not there yet.

    Parameters
    ----------
    name : str
        The dataset's name.
    key : dict
        Everything that the entry depends on; plain values, they are written as JSON.
    plan : callable
        Returns the `Plan`; called only where the entry must be built.

    Returns
    -------
    Entry
        Where the cache cannot be written to (as in a locked-down computer room), it is built in memory instead, with a
        warning, as long as it has under 1 GB.

    Raises
    ------
    DiskFull
        Where there is no room for it.
    """
    words = json.dumps({"form": _FORM, "name": name, **key}, sort_keys=True)
    digest = hashlib.sha256(words.encode()).hexdigest()[:16]
    where = folder() / f"{name}-{digest}"
    with contextlib.suppress(FileNotFoundError):
        return _open(where)

    def waiting() -> None:
        progress.say(f"Another process is unpacking {name}; waiting for it.")

    with contextlib.ExitStack() as stack:
        try:
            where.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.alone(where.parent / f".{where.name}.lock", waiting))
            _writable(where.parent)
        except OSError as error:
            return _in_memory(plan(), where.parent, error)
        with contextlib.suppress(FileNotFoundError):
            return _open(where)
        _build(plan(), where)
    return _open(where)


def verify(where: Path) -> str:
    """Look whether an entry's pictures are as they were when it was built.

    Returns
    -------
    str
        What is wrong with it, in words, or ``""``.
    """
    try:
        card = json.loads((where / "card.json").read_text())
        if sha256_of(where / "images.npy") != card["sha256"]:
            return "images.npy is not as it was written"
        _open(where)
    except (OSError, ValueError, KeyError) as error:
        return f"it cannot be read ({error})"
    return ""


def remove(where: Path) -> None:
    """Remove an entry. Who has it open keeps it until the end of that process."""
    gone = where.with_name(f".gone-{where.name}-{os.getpid()}")
    where.rename(gone)
    shutil.rmtree(gone)


def clean(name: str) -> None:
    """Remove what processes that were killed while they unpacked a dataset left; waits for those that are at work."""
    for stale in folder().glob(f".*-{name}-*-*") if folder().is_dir() else ():
        if stale.is_dir():
            entry = stale.name.split("-", 1)[1].rsplit("-", 1)[0]
            with locks.alone(folder() / f".{entry}.lock"):
                shutil.rmtree(stale, ignore_errors=True)


def _open(where: Path) -> Entry:
    """Open an entry; FileNotFoundError where there is none, or one that is not whole."""
    try:
        kept = json.loads((where / "card.json").read_text())
        images = _mapped(where / "images.npy")
        with np.load(where / "facts.npz", allow_pickle=False) as opened:
            facts = {name: opened[name] for name in opened.files}
        return Entry(images, facts, kept["card"])
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise FileNotFoundError(f"{where} is damaged ({error})") from error


def _mapped(path: Path) -> np.ndarray:
    # Copy-on-write: a learner may scribble on a picture, and torch takes it without a warning; the file stays.
    # It counts against the memory of systems that promise none twice; there it is opened for reading only.
    try:
        return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
    except OSError:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _writable(where: Path) -> None:
    probe = where / f".probe-{os.getpid()}"
    probe.write_bytes(b"")
    probe.unlink()


def _build(plan: Plan, where: Path) -> None:
    for stale in (*where.parent.glob(f".building-{where.name}-*"), *where.parent.glob(f".gone-{where.name}-*")):
        shutil.rmtree(stale, ignore_errors=True)
    if where.exists():
        remove(where)
    need = plan.size + sum(values.nbytes for values in plan.facts.values())
    disk.need(where.parent, need, f"unpacking {plan.name}")
    building = where.with_name(f".building-{where.name}-{os.getpid()}")
    building.mkdir()
    try:
        images = np.lib.format.open_memmap(building / "images.npy", mode="w+", dtype=np.uint8, shape=plan.shape)
        _reserve(building / "images.npy")
        plan.fill(images)
        images.flush()
        del images
        np.savez(building / "facts.npz", **cast(dict[str, Any], plan.facts))
        card = {"name": plan.name, "sha256": sha256_of(building / "images.npy"), "card": plan.card}
        paths.write_atomically(building / "card.json", json.dumps(card, indent=1).encode())
        building.rename(where)
    except OSError as error:
        raise disk.trouble(where.parent, error, f"unpacking {plan.name}", need) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _reserve(path: Path) -> None:
    """Take a file's room on the disk now: writing to a mapped file that finds none later kills the process."""
    if not hasattr(os, "posix_fallocate"):
        return
    with path.open("r+b") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise


def _in_memory(plan: Plan, where: Path, error: OSError) -> Entry:
    if plan.size > _IN_MEMORY:
        raise DataError(
            f"{where} cannot be written to ({error.strerror or error}), and {plan.name} with its {in_units(plan.size)} is "
            "too large to keep in memory. Set INTRODL_CACHE to a folder that can be written to."
        ) from error
    warnings.warn(
        f"{where} cannot be written to, so {plan.name} is unpacked again at each call. Set INTRODL_CACHE to a folder "
        "that can.",
        stacklevel=4,
    )
    images = np.empty(plan.shape, np.uint8)
    plan.fill(images)
    return Entry(images, plan.facts, plan.card)
