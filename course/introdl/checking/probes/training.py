"""Probes for training (chapter 07): steps that are taken again and again, batches, schedules, weights that were learned."""

from __future__ import annotations

import copy
from itertools import islice
from typing import Any

import numpy as np

from introdl.checking.probes.base import PROBES, Probe, Wrong, misfit

# --- going downhill -----------------------------------------------------------------------------------------------


def _drive_descent(objects: tuple, inputs: list) -> Any:
    """Hand over the gradient of f(x) = (x - c) · A (x - c) / 2 as a function; A and c come from the case."""
    A, c, *rest = inputs
    matrix, center = np.array(A), np.array(c)

    def grad(x):
        if np.shape(x) != center.shape:
            raise ValueError(
                f"grad was given something of shape {np.shape(x)}; it takes an array of shape {center.shape}"
            )
        return matrix @ (np.asarray(x) - center)

    return objects[0](grad, *rest)


PROBES["descent"] = Probe(_drive_descent)


def _drive_optimizer(objects: tuple, inputs: list) -> Any:
    """Take one step for each gradient; the weights and the state that come out of one go into the next.

    Only where the weights have been is looked at: a state belongs to the optimizer. So a velocity may be kept with either
    sign or scale, and weights may be changed in place or made anew. Gradients are the caller's: they are given as they are.
    A learning rate that changes on the way is an array, a number for each step.
    """
    w, grads, state, lr, *rest = inputs
    rates = np.broadcast_to(lr, len(grads)).tolist()
    w, state = np.array(w), copy.deepcopy(state)
    stateless = state is None
    path = []
    for number, (grad, rate) in enumerate(zip(grads, rates, strict=True), start=1):
        result = objects[0](w, grad, rate, *rest) if stateless else objects[0](w, grad, state, rate, *rest)
        if not stateless:
            if not isinstance(result, (tuple, list)) or len(result) != 2:
                return "one thing"
            result, state = result
        if not isinstance(result, (np.ndarray, np.generic)) or np.shape(result) != np.shape(w):
            if number == 1 or result is None:
                return result
            return f"step {number}"
        w = np.array(result)
        path.append(w)
        w = w.copy()
    return np.stack(path)


def _read_path(result: Any, inputs: list) -> Any:
    if isinstance(result, str):
        if result == "one thing":
            return Wrong("Return two things: the new weights and the new state.")
        return Wrong(f"The weights lose their shape or their type at {result}.")
    if result is None:
        return Wrong(
            "The weights that come back are None. Return the new weights, also where you change them in place."
        )
    if (amiss := misfit("The new weights", result, (len(inputs[1]), *inputs[0].shape))) is None:
        return result
    if isinstance(result, np.ndarray) and result.shape == (len(inputs[1]), *inputs[0].shape):
        return amiss
    return misfit("The new weights", result, inputs[0].shape) or amiss


PROBES["optimizer"] = Probe(_drive_optimizer, _read_path, called={"grads": "grad"})


def _drive_every_step(objects: tuple, inputs: list) -> Any:
    total = inputs[0]
    return [objects[0](step, *inputs) for step in range(total)]


def _read_numbers(result: Any, inputs: list) -> Any:
    if not isinstance(result, list):
        return result
    if any(value is None for value in result):
        return None
    numbers = [value[()] if isinstance(value, np.ndarray) and value.shape == () else value for value in result]
    if not all(isinstance(n, (int, float, np.number)) and not isinstance(n, (bool, complex)) for n in numbers):
        odd = next(n for n in result if not isinstance(n, (int, float, np.number)))
        return Wrong(f"Each step should give one number; one of them gives something of type {type(odd).__name__}.")
    return np.array(numbers, dtype=float)


PROBES["every_step"] = Probe(_drive_every_step, _read_numbers)


def _drive_epochs(objects: tuple, inputs: list) -> Any:
    history, *rest = inputs
    return [objects[0](list(history[: epoch + 1]), *rest) for epoch in range(len(history))]


def _read_stop(result: Any, inputs: list) -> Any:
    """After which epoch a training loop would stop: at the first True. It stays True until a new best loss comes."""
    if not isinstance(result, list) or any(value is None for value in result):
        return None if isinstance(result, list) else result
    stopped = None
    history = inputs[0]
    for epoch, value in enumerate(result, start=1):
        value = value[()] if isinstance(value, np.ndarray) and value.shape == () else value
        if not isinstance(value, (bool, np.bool_)):
            return Wrong(f"The answer should be True or False; it is of type {type(value).__name__}.")
        if stopped is None and value:
            stopped = epoch
        elif stopped is not None and min(history[:epoch]) < min(history[:stopped]):
            break
        elif stopped is not None and not value:
            return f"stop after epoch {stopped}, but not after epoch {epoch}"
    return "never stop" if stopped is None else f"stop after epoch {stopped}"


PROBES["until_stop"] = Probe(_drive_epochs, _read_stop)


# --- what is drawn at random: judged by its properties ----------------------------------------------------------------


def _drive_minibatches(objects: tuple, inputs: list) -> Any:
    """Two epochs with one generator, and the first once more with a generator in the same state as before."""
    X, y, size, rng = inputs
    again = copy.deepcopy(rng)
    epochs = []
    for generator in (rng, rng, again):
        batches = objects[0](X, y, size, generator)
        if batches is None or not hasattr(batches, "__iter__"):
            return batches
        kept = []
        for batch in islice(batches, len(X) + 1):
            if not isinstance(batch, (tuple, list)) or len(batch) != 2:
                return "no pair"
            kept.append([np.array(part) if isinstance(part, np.ndarray) else part for part in batch])
        epochs.append(kept)
    return epochs


def _samples(batches: list, X: np.ndarray, y: np.ndarray) -> tuple[list[np.ndarray], list[bool]] | Wrong:
    """For each batch the numbers of its samples in X, and whether its labels are theirs."""
    found, own = [], []
    rows = {row.tobytes(): number for number, row in enumerate(X)}
    for pictures, labels in batches:
        if not isinstance(pictures, np.ndarray) or not isinstance(labels, np.ndarray):
            return Wrong("Each batch should be two NumPy arrays, pictures and labels.")
        if pictures.shape[1:] != X.shape[1:] or labels.shape[1:] != y.shape[1:] or pictures.ndim != X.ndim:
            return Wrong(
                f"A batch's pictures should have shape (size, {', '.join(map(str, X.shape[1:]))}) and its labels (size,)."
            )
        if len(pictures) != len(labels):
            return Wrong("A batch has more pictures than labels, or fewer.")
        if not len(pictures):
            return Wrong("There is an empty batch. Where does the last one begin?")
        pictures = np.ascontiguousarray(pictures.astype(X.dtype))
        numbers = [rows.get(picture.tobytes(), -1) for picture in pictures]
        if -1 in numbers:
            return Wrong("A batch holds a picture that is not in X.")
        found.append(np.array(numbers))
        own.append(bool(np.array_equal(labels, y[numbers])))
    return found, own


def _cut_first(found: list[np.ndarray]) -> bool:
    """Whether samples were cut into batches in the order of X: several batches, most of them of several samples, all neighbors."""
    pairs = sum(len(numbers) - 1 for numbers in found)
    alike = all((np.diff(np.sort(numbers)) == 1).all() for numbers in found)
    return alike and len(found) > 1 and 2 * pairs >= sum(map(len, found))


def _neighbors(order: list[int]) -> int:
    """How many samples come right after one that stood beside them, in a ring."""
    steps = np.abs(np.diff(order))
    return int(((steps == 1) | (steps == len(order) - 1)).sum())


def _read_minibatches(result: Any, inputs: list) -> Any:  # noqa: C901
    if not isinstance(result, list):
        if result == "no pair":
            return Wrong("Each batch should be a pair: (pictures, labels).")
        return result
    X, y, size, _ = inputs
    orders = []
    for batches in result:
        if len(batches) > len(X):
            return Wrong("There are more batches than samples. An epoch ends when every sample was used once.")
        read = _samples(batches, X, y)
        if isinstance(read, Wrong):
            return read
        found, own = read
        used = np.concatenate(found) if found else np.array([], int)
        counts = np.bincount(used, minlength=len(X))
        if counts.max(initial=0) > 1:
            return Wrong("Within one epoch some samples come twice.")
        if not all(own):
            return Wrong("Some pictures come with the label of another.")
        if not counts.all():
            return Wrong("Some samples are left out of the epoch.")
        orders.append(found)
    flat = [np.concatenate(found).tolist() for found in orders]
    # Before the sizes: batches that change places leave the short one in the middle.
    if size > 1 and any(order != sorted(order) for order in flat) and all(map(_cut_first, orders)):
        return Wrong("Each batch holds neighbors of X: the same samples always meet in a batch.")
    for found in orders:
        if [len(numbers) for numbers in found[:-1]] != [size] * (len(found) - 1) or len(found[-1]) > size:
            return Wrong(f"The batches should hold {size} samples each, and the last one what is left.")
    if flat[0] == list(range(len(X))):
        return Wrong("The samples come in the order of X: nothing is shuffled.")
    if flat[0] == flat[1]:
        return Wrong("Two epochs have the same order.")
    if all(_neighbors(order) >= len(X) - 3 for order in flat):
        return Wrong("Nearly every sample comes after its old neighbor: the order is turned, not shuffled.")
    if flat[0] != flat[2]:
        return Wrong("The same generator, in the same state, gives another order.")
    return "every sample once, in step with its label, in a new order each epoch"


PROBES["minibatches"] = Probe(_drive_minibatches, _read_minibatches)


def _drive_random_weights(objects: tuple, inputs: list) -> Any:
    """Twice with one generator, and the first once more with a generator in the same state as before.

    What comes out is what describes the numbers, not the numbers: there are too many of them to be kept in a sheet.
    """
    shape, rng = tuple(inputs[0]), inputs[1]
    again = copy.deepcopy(rng)
    first, second, repeated = (objects[0](shape, generator) for generator in (rng, rng, again))
    for value in (first, second, repeated):
        if misfit("The result", value, shape):
            return value
    numbers = np.asarray(first, float)
    with np.errstate(all="ignore"):
        return {
            "mean": float(numbers.mean()),
            "standard deviation": float(numbers.std()),
            "fourth": float((numbers**4).mean() / (numbers**2).mean() ** 2),
            "different": len(np.unique(numbers)),
            "repeated": bool(np.array_equal(first, repeated)),
            "new": not np.array_equal(first, second),
        }


def _read_random_weights(result: Any, inputs: list) -> Any:
    """Mean, spread, and whether the numbers are spread evenly. A mean within 6 standard errors of 0 counts as 0: by chance one in 10^8 is farther off."""
    shape = tuple(inputs[0])
    if result is None:
        return None
    if not isinstance(result, dict):
        return misfit("The result", result, shape) or Wrong("The result cannot be read.")
    mean, spread = float(result["mean"]), float(result["standard deviation"])
    if not np.isfinite([mean, spread]).all():
        return Wrong("Some weights are not finite.")
    if result["different"] < 100:
        return Wrong("Many of the weights are alike. Draw each of them by itself.")
    if result["repeated"] is not True:
        return Wrong("The same generator, in the same state, gives other weights.")
    if result["new"] is not True:
        return Wrong("Two layers drawn one after the other get the same weights.")
    if abs(mean) < 6 * spread / np.sqrt(np.prod(shape)):
        mean = 0.0
    return {"mean": mean, "standard deviation": spread, "distribution": "even" if result["fourth"] < 2.1 else "normal"}


PROBES["random_weights"] = Probe(_drive_random_weights, _read_random_weights)


# --- a network that was trained ---------------------------------------------------------------------------------------

#: Up to this share of right answers ten classes count as guessed: a network with random weights may be lucky.
_GUESSING = 0.3


def _weigh_network(result: Any, expected: dict) -> tuple[Any, Any]:
    """Put the weights into a LeNet, show it pictures that its maker has not seen, and say how it did.

    `expected` holds what never goes to where the learner's code runs: pictures, their labels, and the accuracy asked for.
    """
    from introdl import layers

    pictures, labels, least = expected["pictures"], expected["labels"], expected["accuracy"]
    wanted = f"{least:.0%} or more right"
    if isinstance(result, Wrong):
        return result, wanted
    network = layers.lenet(pictures.shape[1:], 10, np.random.default_rng(0))
    parameters = network.parameters()
    if not isinstance(result, (tuple, list)) or len(result) != len(parameters):
        return Wrong(
            f"Return a list of the network's {len(parameters)} arrays: [p.value for p in net.parameters()]."
        ), wanted
    for number, (value, parameter) in enumerate(zip(result, parameters, strict=True)):
        if wrong := misfit(f"Array {number} of the list", value, parameter.value.shape):
            return wrong, wanted
        if not np.isfinite(value).all():
            return Wrong("Some of the weights are not finite (nan or inf): the training blew up."), wanted
        parameter.value = value.astype(np.float64)
    with np.errstate(all="ignore"):
        answers = network.predict(pictures.astype(np.float64))
    accuracy = float((answers == labels).mean())
    if accuracy >= least:
        return wanted, wanted
    if all(not value.any() for value in result if value.ndim == 1):
        return Wrong("All biases are exactly 0, as in a network that was just made: this one was not trained."), wanted
    if len(np.unique(answers)) == 1:
        return Wrong("The network gives every picture the same class."), wanted
    if max(float((answers == (labels + shift) % 10).mean()) for shift in (1, 9)) > 0.6:
        return Wrong("The network answers with the class next to the right one."), wanted
    if accuracy <= _GUESSING:
        return Wrong("The network does no better than guessing."), wanted
    return Wrong(
        f"The network gets {accuracy:.1%} of pictures right that it has not seen; this case asks for {least:.0%}."
    ), wanted


PROBES["trained_lenet"] = Probe(lambda objects, inputs: objects[0](*inputs), weigh=_weigh_network)
