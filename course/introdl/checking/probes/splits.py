"""A split of a set, judged by what must hold of it, and the folds of a cross-validation (chapter 01)."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from introdl.checking.probes.base import PROBES, Probe, Wrong


def _split_thrice(objects: tuple, inputs: list) -> Any:
    """Split twice with a generator in one and the same state, and once with another one."""
    n, fractions, rng = inputs
    again, other = copy.deepcopy(rng), copy.deepcopy(rng)
    other.random(101)
    return [objects[0](n, fractions, one) for one in (rng, again, other)]


def _index_sets(result: Any, n: int, fractions: tuple) -> list[list[int]] | Wrong:
    count = len(fractions)
    if not isinstance(result, (tuple, list)):
        return Wrong(f"Return a tuple with one array of indices for each fraction, here {count}.")
    if len(result) != count:
        return Wrong(f"Return one array of indices for each fraction, here {count}; yours are {len(result)}.")
    found = []
    for number, one in enumerate(result, start=1):
        indices = np.asarray(one) if isinstance(one, (np.ndarray, list, tuple)) else None
        if indices is None or indices.ndim != 1:
            return Wrong(f"Set {number} should be an array of indices with one axis.")
        if indices.dtype.kind == "b":
            return Wrong(
                f"Set {number} holds True and False. Return the indices themselves: np.flatnonzero finds them."
            )
        if indices.size and indices.dtype.kind not in "iu":
            return Wrong(
                f"Set {number} should hold whole numbers, the pictures' indices; its dtype is {indices.dtype}."
            )
        if indices.size and not (indices.min() >= 0 and indices.max() < n):
            return Wrong("An index lies outside of 0 to n - 1.")
        found.append(indices.astype(int).tolist())
    return found


def _by_chance(n: int, size: int) -> bool:
    """Whether a set of so many of n may well come out in order, or the same twice, though it was drawn at random."""
    return n / math.comb(n, size) > 1e-8


def _in_order(one: list[int], n: int) -> bool:
    """Whether a set is a piece of the original order, which may run over its end and on from its beginning."""
    there = set(one)
    return len(there) == len(one) and sum((index + 1) % n not in there for index in there) == 1


SPLIT = "every picture in exactly one set, sizes as asked, mixed by the generator alone"


def _read_split(result: Any, inputs: list) -> Any:
    """Judge a split by what must hold of it; which permutation made it is the learner's affair."""
    n, fractions, _ = inputs
    runs = []
    for one in result:
        sets = _index_sets(one, n, fractions)
        if isinstance(sets, Wrong):
            return sets
        runs.append(sets)
    sets = runs[0]
    everything = [index for one in sets for index in one]
    left_out = n - len(set(everything))
    sizes = [[len(one) for one in run] for run in runs]
    fair = all(abs(s - f * n) < len(fractions) for run in sizes for s, f in zip(run, fractions, strict=True))
    members = [[set(one) for one in run] for run in runs]
    large = [number for number, one in enumerate(sets) if not _by_chance(n, len(one))]
    kept = [number for number in large if members[0][number] == members[2][number]]
    pieces = [number for number in large if _in_order(sets[number], n)]
    faults = (
        (any(len(set(one)) < len(one) for one in sets), "A picture stands twice in one set."),
        (sum(map(len, members[0])) > len(set(everything)), "Some pictures are in two sets."),
        (0 < left_out <= len(fractions), "A few pictures are in no set."),
        (left_out > len(fractions), "Many pictures are in no set."),
        (not fair and sizes[0] == sizes[2], "The sets do not have the sizes that were asked for."),
        (not fair and sizes[0] != sizes[2], "The sets' sizes change from call to call."),
        (
            large and pieces == large,
            "The pictures are not mixed: each set is a piece of the original order.",
        ),
        (
            pieces and pieces != large,
            "The pictures are not all mixed: one of the sets is a piece of the original order.",
        ),
        (members[0] != members[1], "A generator in the same state gives another split."),
        (members[0] == members[2], "Another generator gives the same split."),
        (
            kept and members[0] != members[2],
            "With another generator one of the sets is the same.",
        ),
    )
    sentences = [sentence for fault, sentence in faults if fault]
    return Wrong(" ".join(sentences)) if sentences else SPLIT


PROBES["split"] = Probe(_split_thrice, _read_split)


def _read_folds(result: Any, inputs: list) -> Any:
    """Bring pairs of index sets into one form: in which order the indices of a set stand is the learner's affair."""
    k = inputs[1]
    if not isinstance(result, (list, tuple)):
        return Wrong(f"Return a list of {k} pairs, each of a training and a validation set.")
    if len(result) != k:
        return Wrong(f"Return one pair for each of the {k} folds; yours are {len(result)}.")
    pairs = []
    for number, pair in enumerate(result, start=1):
        if not isinstance(pair, (list, tuple)) or len(pair) != 2:
            return Wrong(f"Pair {number} should be a training set and a validation set, two arrays of indices.")
        sets = []
        for name, one in zip(("training", "validation"), pair, strict=True):
            indices = np.asarray(one) if isinstance(one, (np.ndarray, list, tuple)) else None
            if indices is None or indices.ndim != 1 or indices.size and indices.dtype.kind not in "iu":
                return Wrong(f"The {name} set of pair {number} should be an array of whole numbers with one axis.")
            sets.append(np.sort(indices.astype(np.int64)))
        pairs.append(tuple(sets))
    return pairs


PROBES["k_fold"] = Probe(lambda objects, inputs: objects[0](*inputs), _read_folds)
