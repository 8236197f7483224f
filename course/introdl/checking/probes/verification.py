"""Same or not (chapter 13): losses with their gradients, pairs drawn at random, thresholds judged by what they get right."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np

from introdl.checking.probes.base import PROBES, Probe, Wrong, call

# --- a loss of tensors, and its gradient ------------------------------------------------------------------------


def _drive_loss(objects: tuple, inputs: list) -> Any:
    """Hand over float arrays as tensors that require gradients, take the loss, and go back through it."""
    import torch

    from introdl.checking import simulated_machine

    def as_tensor(value):
        if not isinstance(value, np.ndarray):
            return value
        if value.dtype.kind == "f":
            return torch.tensor(value, dtype=torch.float32, requires_grad=True)
        return torch.tensor(value)

    given = [as_tensor(value) for value in inputs]
    leaves = [value for value in given if isinstance(value, torch.Tensor) and value.requires_grad]
    with simulated_machine.one_thread():
        loss = objects[0](*given)
        if not isinstance(loss, torch.Tensor):
            return {"loss": loss, "kind": "no tensor"}
        if loss.numel() == 1:  # begun as torch.zeros(1), it has an axis of length 1: that is one number too
            loss = loss.reshape(())
        if loss.ndim:
            return {"loss": loss.detach().numpy(), "kind": "not one number"}
        if not loss.requires_grad:
            return {"loss": float(loss), "kind": "no graph"}
        loss.backward()
    slopes = [torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves]
    return {"loss": float(loss.detach()), "kind": "", "gradients": [slope.double().numpy() for slope in slopes]}


def _read_loss(result: Any, inputs: list) -> Any:
    kind, loss = result.get("kind"), result.get("loss")
    if kind == "no tensor":
        if loss is None:
            return None
        return Wrong(
            f"The loss should be a torch tensor with one number; it is of type {_type(loss)}. Without a tensor there is no "
            "gradient to learn from."
        )
    if kind == "not one number":
        return Wrong(f"The loss should be one number; it has the shape {np.shape(loss)}.")
    if kind == "no graph":
        return Wrong(
            "The loss is cut off from its inputs: it has no gradient. Use only torch's operations, without detach, item or numpy. "
            "A loss of 0 needs its gradient too: compute every term, and let relu or clamp make it 0."
        )
    gradients = result["gradients"]
    return {"loss": loss, "gradient" if len(gradients) == 1 else "gradients": gradients}


def _type(value: Any) -> str:
    return getattr(value, "type_name", type(value).__name__)


PROBES["loss_with_gradient"] = Probe(_drive_loss, _read_loss, needs=("torch",))


# --- a threshold ------------------------------------------------------------------------------------------------


def _read_threshold(result: Any, inputs: list) -> Any:
    """How many pairs are judged correctly from this similarity on: every threshold that gets the most is as good."""
    value = result[()] if isinstance(result, np.ndarray) and result.shape == () else result
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        return Wrong(f"The threshold should be one number; it is of type {_type(value)}.")
    if math.isnan(value):
        return Wrong("The threshold is nan, which no similarity can be compared with.")
    similarities, same = inputs
    # An answer that went through float32, or through 1 - s, is rounded: it may come out a little above the very similarity that
    # it stands for. One that lies a little above on purpose (np.nextafter) is taken at its word: the better of the two counts.
    scores, truth = np.asarray(similarities, float), np.asarray(same, bool)
    if value > scores.max() + 1e-6:
        return Wrong(
            "The threshold lies above every similarity, so no pair is called the same. Is it an index or a count instead of a "
            "similarity?"
        )
    right = [int(np.sum((scores >= float(value) - slack) == truth)) for slack in (0.0, 1e-6)]
    if max(right) < _most_right(scores, truth) and _is_round(float(value), scores):
        return Wrong(
            "Another threshold gets more pairs right. Yours is a round number, and no pair has that similarity: a grid of "
            "fixed steps may pass over the best place."
        )
    return {"pairs judged correctly": max(right)}


def _most_right(scores: np.ndarray, truth: np.ndarray) -> int:
    """How many pairs the best threshold judges correctly."""
    return max(int(np.sum((scores >= one) == truth)) for one in np.unique(scores))


def _is_round(value: float, scores: np.ndarray) -> bool:
    """Whether a threshold is a multiple of 0.01, and no similarity."""
    return abs(100 * value - round(100 * value)) < 1e-6 and float(np.abs(scores - value).min()) > 1e-6


PROBES["threshold"] = Probe(call, _read_threshold)


# --- pairs ------------------------------------------------------------------------------------------------------

PAIRS = "n pairs of one dish and n of two, none twice, none of a picture with itself, drawn by the generator alone"


def _drive_pairs(objects: tuple, inputs: list) -> Any:
    """Draw twice with a generator in one and the same state, and once with another one."""
    labels, n, rng = inputs
    again, other = copy.deepcopy(rng), copy.deepcopy(rng)
    other.random(101)
    return [objects[0](labels, n, one) for one in (rng, again, other)]


def _pairs(result: Any, count: int) -> tuple[np.ndarray, np.ndarray] | Wrong | None:
    if result is None:
        return None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays: pairs, same.")
    pairs, same = (np.asarray(one) if isinstance(one, (np.ndarray, list, tuple)) else None for one in result)
    if pairs is None or pairs.ndim != 2 or pairs.shape[1] != 2:
        found = "" if pairs is None else f"; they have the shape {pairs.shape}"
        return Wrong(f"pairs should have two columns, the numbers of two pictures{found}.")
    if pairs.dtype.kind not in "iu":
        return Wrong(f"pairs should hold whole numbers, the pictures' places; their dtype is {pairs.dtype}.")
    if same is None or same.shape != (len(pairs),):
        found = "" if same is None else f"; it has the shape {same.shape}"
        return Wrong(f"same should have one entry for each pair, ({len(pairs)},){found}.")
    if same.dtype.kind not in "biuf" or not np.isin(same, (0, 1)).all():
        return Wrong("same should hold True or False.")
    if len(pairs) and not (pairs.min() >= 0 and pairs.max() < count):
        return Wrong(f"Some pairs contain indices outside the range from 0 to {count - 1}.")
    return pairs.astype(int), same.astype(bool)


def _fault(labels: np.ndarray, n: int, pairs: np.ndarray, same: np.ndarray) -> str:
    """The first thing that is amiss with some pairs, in a sentence; empty where nothing is."""
    true = labels[pairs[:, 0]] == labels[pairs[:, 1]]
    unordered = {tuple(sorted(pair)) for pair in pairs.tolist()}
    ordered = {tuple(pair) for pair in pairs.tolist()}
    if (pairs[:, 0] == pairs[:, 1]).any():
        return "A picture is paired with itself."
    if len(pairs) and (same == ~true).all():
        return "same is turned: it is True where the two dishes differ."
    if (same != true).any():
        return "same does not always say what the labels say."
    if 2 * n != len(pairs) and len(pairs) in (n, n + 1, n - 1):
        return "There are n pairs in all; there should be n of one dish and n of two."
    if len(pairs) != 2 * n:
        return "There are not 2 n pairs."
    if true.sum() != n:
        return "The numbers of pairs of one dish and of two dishes differ."
    if len(ordered) < len(pairs):
        return "A pair comes twice."
    if len(unordered) < len(pairs):
        return "A pair occurs twice, in both orders: (3, 8) and (8, 3) are one pair."
    return ""


def _read_pairs(result: Any, inputs: list) -> Any:
    labels, n, _ = inputs
    runs = []
    for one in result:
        found = _pairs(one, len(labels))
        if not isinstance(found, tuple):
            return found
        if fault := _fault(np.asarray(labels), n, *found):
            return Wrong(fault)
        runs.append(found[0])
    drawn = [[frozenset(pair) for pair in run.tolist()] for run in runs]
    members = [set(one) for one in drawn]
    if members[0] != members[1]:
        return Wrong("A generator in the same state gives different pairs.")
    labels = np.asarray(labels)
    counts = np.unique(labels, return_counts=True)[1]
    alike = int(sum(c * (c - 1) // 2 for c in counts))
    differ = len(labels) * (len(labels) - 1) // 2 - alike
    for kind, total, words in ((True, alike, "of one dish"), (False, differ, "of two dishes")):
        # Where there are few ways to choose, the same pairs may come again by chance.
        if 1 / math.comb(total, n) > 1e-9:
            continue
        own = [{pair for pair in one if (len({int(labels[i]) for i in pair}) == 1) == kind} for one in members]
        if own[0] == own[2]:
            return Wrong(f"Another generator gives the same pairs {words}.")
    return PAIRS


PROBES["pairs"] = Probe(_drive_pairs, _read_pairs)


# --- a curve ----------------------------------------------------------------------------------------------------------


def _read_roc(result: Any, inputs: list) -> Any:
    """Two arrays; as many points as pairs and one more are too many where similarities are equal, in whichever order they come."""
    similarities = inputs[0]
    points = len(similarities) + 1
    if (
        isinstance(result, (tuple, list))
        and len(result) == 2
        and len(np.unique(similarities)) < len(similarities)
        and all(np.shape(one) == (points,) for one in result)
    ):
        return Wrong(
            "There is a point for each pair, also where similarities are equal: the curve has points too many."
        )
    return result


PROBES["roc_curve"] = Probe(call, _read_roc)
