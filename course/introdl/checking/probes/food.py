"""A first real network and what belongs to it (chapter 09): statistics, augmented batches, networks, checkpoints."""

from __future__ import annotations

import copy
import ctypes
import math
import os
import signal
import sys
import tempfile
import types
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from introdl.checking import headway
from introdl.checking.packing import Other, Tensor
from introdl.checking.probes.base import PROBES, Probe, Wrong, call, misfit
from introdl.checking.probes.parts import named_buffers, named_parameters, named_parts

# --- statistics of channels ---------------------------------------------------------------------------------------


def _read_pair(result: Any, inputs: list) -> Any:
    """Two things, as arrays where they are made of numbers."""
    if isinstance(result, np.ndarray) and result.ndim == 2 and len(result) == 2:
        result = tuple(result)
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays: mean and std.") if result is not None else None
    read = []
    for value in result:
        value = value.array if isinstance(value, Tensor) else value
        if isinstance(value, (list, tuple)) and value and all(isinstance(v, (int, float, np.number)) for v in value):
            value = np.array(value, float)
        read.append(value)
    return tuple(read)


PROBES["channel_statistics"] = Probe(call, _read_pair)


# --- augmented batches: judged by what was done to each picture -----------------------------------------------------


#: Calls whose whole result is looked at beside the first two, and further ones of a large batch, of which only the draws are kept.
_OTHERS, _MORE, _LARGE = 3, 50, 40
_UNKNOWN = (-1, -99, -99)


def _drive_augment(objects: tuple, inputs: list) -> Any:
    """Once, once more with a generator in the same state, then with others; from a large batch many draws more."""
    images, labels, shift, rng = inputs
    as_given, state = (images.copy(), labels.copy()), copy.deepcopy(rng)

    def anew(count: int) -> Any:
        generator = copy.deepcopy(state)
        generator.random(101 * count)
        return objects[0](as_given[0].copy(), as_given[1].copy(), shift, generator)

    runs = [objects[0](images, labels, shift, rng), *(anew(count) for count in range(1 + _OTHERS))]
    if len(as_given[0]) < _LARGE:
        return [runs, None]
    known = _changes(as_given[0], shift)
    draws = [_draws(anew(count), known, len(as_given[0])) for count in range(1 + _OTHERS, 1 + _OTHERS + _MORE)]
    return [runs, np.array(draws, np.int8)]


def _draws(result: Any, known: dict, count: int) -> list[tuple]:
    """What was drawn for each picture of a batch: mirrored or not, steps down and to the right."""
    try:
        new = np.ascontiguousarray(np.asarray(result[0]).astype(np.uint8))
        return [known.get(picture.tobytes(), (0, *_UNKNOWN))[1:] for picture in new[:count]] + [_UNKNOWN] * (
            count - len(new)
        )
    except Exception:
        return [_UNKNOWN] * count


def _padded(image: np.ndarray, most: int, fill: str) -> np.ndarray:
    mode: Any = {"black": "constant", "edge": "edge", "wrap": "wrap"}[fill]
    return np.pad(image, ((most, most), (most, most), (0, 0)), mode=mode)


def _window(padded: np.ndarray, shape: tuple, most: int, dy: int, dx: int) -> np.ndarray:
    return padded[most - dy : most - dy + shape[0], most - dx : most - dx + shape[1]]


def _changes(images: np.ndarray, shift: int, fill: str = "black") -> dict[bytes, tuple]:
    """All that may become of pictures, and how: number, mirrored or not, steps down and to the right."""
    return _all_changes(np.ascontiguousarray(images).tobytes(), images.shape, shift, fill)


@lru_cache(maxsize=64)
def _all_changes(pixels: bytes, shape: tuple, shift: int, fill: str) -> dict[bytes, tuple]:
    found, steps = {}, range(-shift, shift + 1)
    for number, image in enumerate(np.frombuffer(pixels, np.uint8).reshape(shape)):
        for flip in (False, True):
            padded = _padded(image[:, ::-1] if flip else image, shift, fill)
            for dy in steps:
                for dx in steps:
                    found[_window(padded, image.shape, shift, dy, dx).tobytes()] = (number, flip, dy, dx)
    return found


#: What a batch that was changed as it should be is read as.
AUGMENTED = "each picture mirrored or not, and moved, by draws of its own; its label beside it"


def _why_unknown(images: np.ndarray, new: np.ndarray, shift: int) -> Wrong:
    """Say what was done to pictures that are no mirrored and moved originals."""
    odd = [picture.tobytes() for picture in new]

    def explain(candidates: dict) -> bool:
        return sum(one in candidates for one in odd) > 0.9 * len(odd)

    if shift and explain(_changes(images, shift, "wrap")):
        return Wrong("What leaves a picture on one side comes in again on the other.")
    if shift and explain(_changes(images, shift, "edge")):
        return Wrong("The strip that comes into a picture is not black: it repeats the picture's edge.")
    known = _changes(images, shift)
    if explain(known | _changes(images[:, ::-1], shift)):
        return Wrong("Some pictures stand on their heads: rows are reversed, where columns should be.")
    if explain(known | _changes(images[..., ::-1], shift)):
        return Wrong("In some pictures red and blue have changed places: the last axis is reversed.")
    if explain(_changes(images, 2 * shift + 1)):
        return Wrong("Some pictures are moved farther than shift.")
    return Wrong("Some of your pictures are not mirrored or moved pictures of the batch.")


def _read_augment(result: Any, inputs: list) -> Any:  # noqa: C901
    """Judge by what must hold. A right answer fails by chance in less than one of 10^7 (see the exercise's cases)."""
    images, labels, shift, _ = inputs
    runs = []
    results, draws = result if isinstance(result, list) and len(result) == 2 else ([], None)
    for one in results if isinstance(results, list) else []:
        if one is None:
            return None
        if not isinstance(one, (tuple, list)) or len(one) != 2:
            return Wrong("Return two arrays: the new pictures and their labels.")
        for name, value, shape in (("The pictures", one[0], images.shape), ("The labels", one[1], labels.shape)):
            if (amiss := misfit(name, value, shape)) is not None:
                return amiss
        if not np.array_equal(one[0], np.asarray(one[0]).astype(np.uint8)):
            return Wrong("The pictures should still hold whole numbers from 0 to 255.")
        runs.append((np.ascontiguousarray(one[0].astype(np.uint8)), one[1]))
    if len(runs) != 2 + _OTHERS:
        return Wrong("The result cannot be read.")
    new, own = runs[0]
    known = _changes(images, shift)
    found = [known.get(picture.tobytes()) for picture in new]
    if None in found:
        return _why_unknown(images, new, shift)
    number, flip, dy, dx = (np.array(column) for column in zip(*found, strict=True))
    if not np.array_equal(own, labels[number]):
        return Wrong("Some pictures have the label of another.")
    if not np.array_equal(number, np.arange(len(images))):
        return Wrong("The pictures are not in the order in which they came.")
    if not np.array_equal(new, runs[1][0]):
        return Wrong("The same generator, in the same state, gives different pictures.")
    if len(images) < _LARGE:
        return AUGMENTED
    moves = np.concatenate([dy, dx])
    alike = bool(shift) and len(set(dy)) == len(set(dx)) == 1
    if (flip.all() or not flip.any()) and alike and len({run[0].tobytes() for run in runs}) > 1:
        return Wrong("You draw once for the whole batch: all pictures are changed in the same way.")
    if flip.all() or not flip.any():
        others = [_mirrored(run[0], known) for run in (runs[0], *runs[2:])]
        if all(others):
            return Wrong("All pictures are mirrored, always.")
        if not any(others):
            return Wrong("No picture is mirrored.")
        return Wrong("All pictures of a batch are mirrored together, or none.")
    if not 0.12 < flip.mean() < 0.88:
        return Wrong("The share of mirrored pictures is far from a half.")
    if shift:
        if not moves.any():
            return Wrong("No picture is moved.")
        if alike:
            return Wrong("All pictures of a batch are moved by the same distance.")
        if not dy.any() or not dx.any():
            return Wrong("The pictures are moved along one axis only.")
        if np.array_equal(dy, dx):
            return Wrong("Each picture is moved as far down as to the right: one draw for two axes.")
        if moves.min() >= 0 or moves.max() <= 0:
            return Wrong("The pictures are only ever moved to one side.")
        if moves.max() < shift or moves.min() > -shift:
            return Wrong("The largest shift never occurs.")
    return _unfair(draws, len(images), shift) or AUGMENTED


def _unfair(draws: Any, count: int, shift: int) -> Wrong | None:
    """Say how many draws of a batch differ from fair ones.

    Every bound lies more than 6 standard deviations away from what is fair: of 2,400 draws and more (50 batches of 48 pictures).
    """
    if not isinstance(draws, np.ndarray) or draws.shape != (_MORE, count, 3):
        return Wrong("The result cannot be read.")
    if (draws == _UNKNOWN[1]).any():
        return Wrong("Some of your pictures are not mirrored or moved pictures of the batch.")
    columns = draws.astype(float).reshape(-1, 3).T
    bound = 6.2 / np.sqrt(len(columns[0]))
    if abs(columns[0].mean() - 0.5) > 0.5 * bound:
        return Wrong("The share of mirrored pictures is far from a half.")
    if bool((draws[:, :, 0] == draws[0, :, 0]).all(axis=0).any()):
        return Wrong("Whatever the generator, the same pictures of the batch are mirrored.")
    if not shift:
        return None
    if bool((draws[:, :, 1:] == draws[:, :1, 1:]).all(axis=(0, 1)).any()):
        return Wrong("Along one axis, all pictures of a batch are moved by the same distance.")
    if bool((draws[:, :, 1:] == draws[0, :, 1:]).all(axis=0).any()):
        return Wrong("Whatever the generator, the same pictures of the batch are moved by the same distances.")
    fair = 1 / (2 * shift + 1)
    for steps in columns[1:]:
        shares = np.array([(steps == step).mean() for step in range(-shift, shift + 1)])
        if (np.abs(shares - fair) > np.sqrt(fair * (1 - fair)) * bound).any():
            return Wrong("Some shifts occur more often than others.")
    together = np.abs(np.corrcoef(columns))
    if max(together[0, 1], together[0, 2], together[1, 2]) > bound:
        return Wrong("A picture's flip and its two shifts depend on each other: draw each of them separately.")
    return None


def _mirrored(new: np.ndarray, known: dict) -> bool:
    """Whether the first picture of a batch is mirrored."""
    return bool(known.get(new[0].tobytes(), (0, False))[1])


PROBES["augment"] = Probe(_drive_augment, _read_augment)


# --- a network under a budget ---------------------------------------------------------------------------------------

#: What a network may cost: parameters, and multiplications of one picture.
PARAMETERS, MULTIPLICATIONS = 200_000, 20_000_000
_BATCH, _RATE, _DECAY, _WARMUP = 64, 3e-3, 0.05, 0.2

#: Beside parameters a normalization keeps statistics; so many of them are free.
_STATISTICS, _FREE = ("running_mean", "running_var", "num_batches_tracked"), 10_000

_trained: list = []


def _pictures(images: Any, labels: Any, size: int = 32) -> tuple[np.ndarray, Any]:
    """A case's pictures; where they are the course's own, the case holds the name of their part alone."""
    if not isinstance(images, str):
        return images, labels
    from introdl import data

    part = data.plates(size=size, dishes="base").split(images)
    return np.asarray(part.images), part.labels


def _build(FoodNet, classes: int, seed: int):
    """A network with first weights drawn by us, so that two of a kind are alike, and none comes with what it learned before."""
    import torch

    torch.manual_seed(seed)
    model = FoodNet(classes)
    if isinstance(model, torch.nn.Module):
        if any(map(torch.nn.parameter.is_lazy, named_parameters(model).values())):
            with torch.no_grad():  # lazy layers have no weights before they have seen a picture
                model.eval()(torch.zeros(2, 3, 32, 32))
            model.train()
        _draw_anew(model, seed)
    return model


def _draw_anew(model, seed: int) -> None:
    """Draw a network's weights anew: torch's layers know how; whatever they leave as it was is shuffled."""
    import torch

    own = list(named_parameters(model).values())
    before = [parameter.detach().clone() for parameter in own]
    for part in named_parts(model).values():
        reset: Any = getattr(type(part), "reset_parameters", None)
        if str(getattr(reset, "__module__", "")).startswith("torch."):
            reset(part)
    generator = torch.Generator().manual_seed(seed % 2**31 + 1)
    with torch.no_grad():
        for parameter, old in zip(own, before, strict=True):
            if torch.equal(parameter, old):
                order = torch.randperm(parameter.numel(), generator=generator)
                parameter.copy_(old.reshape(-1)[order].reshape(old.shape))


def _loose_weights(scores, model) -> bool:
    """Whether weights take part that are not among the network's parameters."""
    own, seen, stack = {id(p) for p in named_parameters(model).values()}, set(), [scores.grad_fn]
    while stack:
        node = stack.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        variable = getattr(node, "variable", None)
        if variable is not None and id(variable) not in own:
            return True
        stack += [before for before, _ in node.next_functions]
    return False


@lru_cache(maxsize=1)
def _ledger() -> type:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    def tensors(*trees):
        return [one for one in tree_leaves(trees) if isinstance(one, torch.Tensor)]

    class Ledger(TorchDispatchMode):
        """Notes which tensors take part in a forward pass that are neither the network's, nor the pictures, nor made of them."""

        def __init__(self, model, x):
            super().__init__()
            lazy = torch.nn.parameter.is_lazy
            own = [x, *named_parameters(model).values(), *named_buffers(model).values()]
            self.known = {self._storage(one): one for one in own if not lazy(one)}
            self.outside: dict[int, Any] = {}

        @staticmethod
        def _storage(tensor) -> int:
            return tensor.untyped_storage()._cdata

        def __torch_dispatch__(self, function, _types, args=(), kwargs=None):
            for one in tensors(args, kwargs or {}):
                if (key := self._storage(one)) not in self.known:
                    self.outside.setdefault(key, one)
            result = function(*args, **(kwargs or {}))
            for one in tensors(result):
                if (key := self._storage(one)) not in self.outside:
                    self.known.setdefault(key, one)
            return result

        def numbers(self) -> int:
            """How many numbers came from outside."""
            return sum(one.untyped_storage().nbytes() // one.element_size() for one in self.outside.values())

        def contents(self) -> list[bytes]:
            """What came from outside."""
            return sorted(one.detach().cpu().numpy().tobytes() for one in self.outside.values())

    return Ledger


def _costs(model, x) -> tuple[Any, dict, list[bytes]]:
    """A network's scores for pictures, what these cost, and what came from outside meanwhile."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter, _ledger()(model, x) as ledger:
        scores = model(x)
    parameters = sum(p.numel() for p in named_parameters(model).values())
    statistics = sum(b.numel() for name, b in named_buffers(model).items() if name.rpartition(".")[2] in _STATISTICS)
    others = sum(b.numel() for name, b in named_buffers(model).items() if name.rpartition(".")[2] not in _STATISTICS)
    costs = {
        "parameters": parameters,
        "numbers": parameters + others + max(statistics - _FREE, 0) + ledger.numbers(),
        "multiplications": int(counter.get_total_flops()) // (2 * len(x)),
    }
    return scores, costs, ledger.contents()


def _most(*costs: dict) -> dict:
    return {name: max(one[name] for one in costs) for name in costs[0]}


def _looked_at(model, classes: int) -> dict:
    """What can be said of a network before it learns."""
    import torch

    if not isinstance(model, torch.nn.Module):
        return {"amiss": "no module", "told": type(model).__name__}
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(6, 3, 32, 32, generator=generator)
    model.eval()
    scores = model(x)
    if scores is None:
        return {"amiss": "none"}
    if not isinstance(scores, torch.Tensor):
        return {"amiss": "no tensor", "told": type(scores).__name__}
    if tuple(scores.shape) != (6, classes):
        return {"amiss": "shape", "given": list(scores.shape), "wanted": [6, classes]}
    if _loose_weights(scores, model):
        return {"amiss": "loose weights"}
    if not any(p.requires_grad for p in named_parameters(model).values()):
        return {"amiss": "no parameters"}
    _, costs, from_outside = _costs(model, x)
    _, again, then = _costs(model, x.flip(0).roll(3, 2))
    found = _most(costs, again)
    if (over := _over_budget(found)) is not None:
        return found | {"amiss": over}
    if from_outside != then:
        return {"amiss": "outside"}
    with torch.no_grad():
        one, two = 3 * x, 3 * x.flip(0).roll(5, 3)
        zero, sum_of_both = model(torch.zeros_like(x)), model(one + two)
        apart = model(one) + model(two) - zero
        alone = model(x[:1])
    scale = float(scores.detach().std()) + 1e-6
    sums = scores.detach().sum(dim=1)
    if bool((scores >= 0).all()) and bool(((sums - 1).abs() < 1e-4).all()):
        return {"amiss": "probabilities"}
    # Linear up to a constant: f(a + b) = f(a) + f(b) - f(0). (Doubling would not do: a ReLU passes it.)
    if float((sum_of_both - apart).abs().max()) <= 1e-4 * float((sum_of_both - zero).abs().max()):
        return {"amiss": "linear"}
    if float((alone - scores[:1]).detach().abs().max()) > 0.05 * scale + 1e-4:
        return {"amiss": "neighbors"}
    return found


def _over_budget(costs: dict) -> str | None:
    """In which way a network costs too much; None where it keeps to its budget."""
    if costs["parameters"] > PARAMETERS:
        return "parameters"
    if costs["numbers"] > PARAMETERS:
        return "numbers"
    return "work" if costs["multiplications"] > MULTIPLICATIONS else None


def _exchanged(before: list, after: list) -> bool:
    """Whether a network's parameters are other ones than before, or hold something else altogether."""
    if [id(one) for one, _ in before] != [id(one) for one in after]:
        return True
    for parameter, old in before:
        now, then = parameter.detach().reshape(-1), old.reshape(-1)
        if now.shape != then.shape:
            return True
        # A norm that is kept small by force turns no weight around; weights from elsewhere have nothing in common with these.
        if not bool((now == then).all()) and float(now @ then) < 0.5 * float(now.norm() * then.norm()):
            return True
    return False


def _noted(model) -> list:
    return [(parameter, parameter.detach().clone()) for parameter in named_parameters(model).values()]


def _learn(model, images: np.ndarray, labels: np.ndarray, steps: int, seed: int):
    """Train a network: AdamW, a rate that rises and falls, half of the pictures mirrored.

    Returns mean and std, the most numbers that it held or took from elsewhere, and whether anything but the training changed its
    weights.
    """
    import torch
    from torch.nn import functional as F

    mean, std = images.mean(axis=(0, 1, 2)) / 255, images.std(axis=(0, 1, 2)) / 255
    x, y = _normalized(images, mean, std), torch.from_numpy(np.ascontiguousarray(labels))
    generator = torch.Generator().manual_seed(seed)
    noted = _noted(model)
    model.train()
    exchanged, most = _exchanged(noted, list(named_parameters(model).values())), 0
    own = list(named_parameters(model).values())
    optimizer = torch.optim.AdamW([p for p in own if p.requires_grad], lr=_RATE, weight_decay=_DECAY)
    order, place = torch.randperm(len(x), generator=generator), 0
    for step in range(steps):
        headway.note(step + 1, steps)
        for group in optimizer.param_groups:
            group["lr"] = _RATE * _share(step, steps)
        if place + _BATCH > len(x):
            order, place = torch.randperm(len(x), generator=generator), 0
        chosen = order[place : place + _BATCH]
        place += _BATCH
        flip = torch.rand(len(chosen), 1, 1, 1, generator=generator) < 0.5
        batch = torch.where(flip, x[chosen].flip(3), x[chosen])
        noted = _noted(model)
        with _ledger()(model, batch) as ledger:
            scores = model(batch)
        exchanged = exchanged or _exchanged(noted, list(named_parameters(model).values()))
        most = max(most, ledger.numbers())
        loss = F.cross_entropy(scores, y[chosen])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(own, 1.0)
        optimizer.step()
    noted = _noted(model)
    model.eval()
    return mean, std, most, exchanged or _exchanged(noted, list(named_parameters(model).values()))


def _share(step: int, steps: int) -> float:
    """Return by what the learning rate is multiplied, as `introdl.training.one_cycle` does.

    It is written out because the exercises forbid `introdl.training`: where a learner's code runs, it is not there.
    """
    rise = _WARMUP * steps
    if step + 1 < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step + 1 - rise) / (steps + 1 - rise)))


def _normalized(images: np.ndarray, mean, std):
    import torch

    x = (np.asarray(images) / 255 - mean) / std
    return torch.from_numpy(np.ascontiguousarray(x.transpose(0, 3, 1, 2), dtype=np.float32))


#: Of torch, what the check itself trains and measures with.
_TOOLS = (
    "nn.Module.__call__",
    "nn.Module._wrapped_call_impl",
    "nn.Module._call_impl",
    "nn.Module.train",
    "nn.Module.eval",
    "nn.functional.cross_entropy",
    "nn.utils.clip_grad_norm_",
    "optim.AdamW.__init__",
    "optim.AdamW.step",
    "optim.Optimizer.zero_grad",
    "optim.Optimizer.__init__",
    "Tensor.backward",
    "Tensor.__torch_dispatch__",
    "utils.flop_counter.FlopCounterMode.get_total_flops",
    "utils.flop_counter.FlopCounterMode.__torch_dispatch__",
    *("randperm", "rand", "where", "equal", "from_numpy", "isfinite", "cat"),
)


def _replaced() -> str | None:
    """Return the name of one of torch's own functions in whose place another one stands."""
    import torch
    import torch.utils.flop_counter

    home = os.path.dirname(torch.__file__) + os.sep
    in_c = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType)
    for name in _TOOLS:
        found: Any = torch
        for part in name.split("."):
            found = getattr(found, part, None)
        while found is not None and not isinstance(
            found, in_c
        ):  # what torch's own decorators have wrapped is looked at too
            code = getattr(found, "__code__", None)
            if code is None or not code.co_filename.startswith(home):
                return f"torch.{name}"
            found = getattr(found, "__wrapped__", None)
    return None


def _drive_food_net(objects: tuple, inputs: list) -> Any:
    """Look at a network, and where the case asks for accuracy, train it and let it answer. A network trains once for all cases."""
    import torch

    from introdl.checking import simulated_machine

    FoodNet = objects[0]
    images, labels, new, classes, steps, seed, _least = inputs
    with simulated_machine.one_thread():
        if (name := _replaced()) is not None:
            return {"amiss": "replaced", "told": name}
        model = _build(FoodNet, classes, seed)
        found = _looked_at(model, classes)
        if "amiss" in found or not steps:
            return found
        headway.note(0, steps)
        own, known = _pictures(images, labels)
        asked, _ = _pictures(new, None)
        key = (
            classes,
            steps,
            seed,
            len(own),
            len(asked),
            int(np.asarray(own[::17]).sum()),
            int(np.asarray(known)[::5].sum()),
        )
        if not _trained or _trained[0] is not FoodNet or _trained[1] != key:
            model = _build(FoodNet, classes, seed)
            mean, std, most, exchanged = _learn(model, np.asarray(own), np.asarray(known), steps, seed)
            # What counts is what the network has become, with the very pictures that are asked.
            noted, parts = _noted(model), []
            for k in range(0, len(asked), _BATCH):
                parts.append(_costs(model, _normalized(asked[k : k + _BATCH], mean, std)))
            exchanged = exchanged or _exchanged(noted, list(named_parameters(model).values()))
            costs = _most(*(part[1] for part in parts))
            costs["numbers"] = max(costs["numbers"], costs["parameters"] + most)
            if exchanged or len(parts) > 2 and parts[1][2] != parts[2][2] or (over := _over_budget(costs)):
                amiss = "exchanged" if exchanged else over or "outside"
                return costs | {"amiss": amiss}
            scores = torch.cat([part[0] for part in parts])
            finite = bool(torch.isfinite(scores).all())
            _trained[:] = [FoodNet, key, scores.argmax(dim=1).numpy(), finite, costs]
        return _most(found, _trained[4]) | {"answers": _trained[2], "finite": _trained[3]}


_AMISS = {
    "no module": "FoodNet({classes}) should be a torch.nn.Module; it is of type {told}.",
    "none": "FoodNet's forward returns None. Return the scores.",
    "no tensor": "FoodNet's forward should return a tensor of scores; it returns something of type {told}.",
    "shape": "FoodNet turns pictures (6, 3, 32, 32) into scores of shape {given}; for {classes} dishes it should be {wanted}.",
    "loose weights": "Some layers are unknown to the network: their weights are not among its parameters(), so they never learn.",
    "no parameters": "FoodNet has no parameters that can learn.",
    "parameters": "FoodNet has more parameters than the budget of 200,000.",
    "numbers": "With its buffers, and with what it takes from outside, FoodNet has more than 200,000 numbers.",
    "outside": "FoodNet does some of its work outside of torch, in NumPy or in lists, where it is not counted.",
    "exchanged": "FoodNet replaces its own weights during training or evaluation. They should come from the training alone.",
    "replaced": "{told} is not torch's own any more: something in your notebook has put another one in its place.",
    "work": "FoodNet needs more than 20 million multiplications for a picture of 32 x 32.",
    "probabilities": "FoodNet returns probabilities, not scores.",
    "linear": "FoodNet is a linear function of its picture, however many layers it has.",
    "neighbors": "In evaluation mode a picture's scores depend on the other pictures of the batch.",
}


#: What a network is read as that is looked at and not trained.
WITHIN = "scores for each picture, within the budget"


def _read_food_net(result: Any, inputs: list) -> Any:
    if not isinstance(result, dict):
        return result if result is None or isinstance(result, Other) else Wrong("The result cannot be read.")
    if "amiss" in result:
        text = _AMISS.get(result["amiss"], "FoodNet cannot be read.")
        given, wanted = (tuple(result.get(name) or ()) for name in ("given", "wanted"))
        sentence = text.format(classes=inputs[3], told=result.get("told", ""), given=given, wanted=wanted)
        return Wrong(sentence)
    over = _over_budget({name: result.get(name, 0) for name in ("parameters", "numbers", "multiplications")})
    if over:
        return Wrong(_AMISS[over])
    return result if inputs[4] else WITHIN


def _weigh_food_net(result: Any, expected: Any) -> tuple[Any, Any]:
    """Compare the answers with labels that never went to where they were given."""
    if not isinstance(expected, dict) or "labels" not in expected:
        return result, expected
    labels, least = expected["labels"], expected["accuracy"]
    wanted = f"{least:.0%} or more right"
    if result is None or isinstance(result, (Wrong, Other)):
        return result, wanted
    answers = result.get("answers")
    if (amiss := misfit("FoodNet's answers", answers, labels.shape)) is not None:
        return amiss, wanted
    accuracy = float((answers == labels).mean())
    if accuracy >= least:
        return wanted, wanted
    if result.get("finite") is not True:
        return Wrong("After training, FoodNet's scores are not finite (nan or inf)."), wanted
    if len(np.unique(answers)) == 1:
        return Wrong("After training, FoodNet gives every plate the same dish."), wanted
    return Wrong(f"FoodNet names {accuracy:.1%} of new plates right; this case asks for {least:.0%}."), wanted


def _told_of_food_net(inputs: dict[str, Any]) -> dict[str, Any]:
    classes, steps = inputs["classes"], inputs["steps"]
    if not steps:
        return {"num_classes": classes, "pictures": "a batch of (6, 3, 32, 32)"}
    return {
        "num_classes": classes,
        "trained": f"{steps} steps of {_BATCH} plates",
        "asked": "plates that it was not trained on",
    }


PROBES["food_net"] = Probe(
    _drive_food_net, _read_food_net, weigh=_weigh_food_net, needs=("torch",), together=True, told=_told_of_food_net
)


# --- checkpoints ----------------------------------------------------------------------------------------------------


def training_parts(settings: dict) -> tuple[Any, Any, Any, Any]:
    """A small network, its optimizer, its schedule and a generator, as a case's settings say."""
    import torch

    torch.manual_seed(settings["seed"])
    model = torch.nn.Sequential(
        # No bias: batch normalization takes it out again, so its gradient is rounding alone, which Adam makes steps of.
        torch.nn.Linear(settings["width"], 5, bias=False, dtype=torch.float64),
        torch.nn.BatchNorm1d(5, dtype=torch.float64),
        torch.nn.ReLU(),
        torch.nn.Linear(5, 3, dtype=torch.float64),
    )
    optimizer: torch.optim.Optimizer
    if settings["optimizer"] == "SGD":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    else:
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.03)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch))
    return model, optimizer, schedule, torch.Generator().manual_seed(settings["seed"] + 1)


def train_epochs(model, optimizer, schedule, generator, X, y, epochs) -> None:
    """Train for some epochs, with batches of four in an order that the generator draws."""
    import torch

    model.train()
    for _epoch in epochs:
        for chosen in torch.randperm(len(X), generator=generator).split(4):
            if len(chosen) < 2:
                continue
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(X[chosen]), y[chosen]).backward()
            optimizer.step()
        schedule.step()


def state_numbers(model) -> np.ndarray:
    """Everything that a network has learned or counted, one number after the other."""
    return np.concatenate([value.detach().double().numpy().ravel() for value in model.state_dict().values()])


def _apart(stage: Callable[[], None], seconds: float = 60.0) -> None:
    """Run a stage in a process of its own, so that nothing but its files is left of it; where it fails, it fails here too."""
    import torch

    if sys.platform != "linux" or torch.cuda.is_initialized():  # no fork there, or none that could take a gradient
        stage()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork beside threads
        child = os.fork()
    if child == 0:
        code = 1
        try:
            ctypes.CDLL(None).prctl(
                1, signal.SIGKILL
            )  # PR_SET_PDEATHSIG: where this process is stopped, the stage is too
            signal.signal(signal.SIGPROF, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_PROF, seconds)  # of processor time, however busy the machine is
            stage()
            code = 0
        finally:
            os._exit(code)
    if os.waitpid(child, 0)[1]:
        stage()
        raise RuntimeError("save_checkpoint failed, and when it was run again in another process it did not")


def _drive_checkpoint(objects: tuple, inputs: list) -> Any:
    """Train, save, train on; then, in another process, begin anew, load the earlier file, and train to the end."""
    import torch

    from introdl.checking import simulated_machine

    save, load = objects
    X, y, done, epochs, settings = inputs
    X, y = torch.from_numpy(X), torch.from_numpy(y)
    with tempfile.TemporaryDirectory() as folder, simulated_machine.one_thread():
        place, moved, seen = Path(folder) / "runs", Path(folder) / "moved", Path(folder) / "seen.npy"
        place.mkdir()
        path, later = place / "run.pt", place / "later.pt"

        def first_run():
            parts = training_parts(settings)
            train_epochs(*parts, X, y, range(done))
            save(path, *parts, done)
            np.save(seen, state_numbers(parts[0]))
            train_epochs(*parts, X, y, range(done, epochs))
            save(later, *parts, epochs)

        training_parts(
            settings
        )  # torch's optimizers import for seconds when they are first used: once for both processes
        _apart(first_run)
        if not path.is_file():
            return {"amiss": "no file"}
        # A new process would draw other first weights.
        fresh = training_parts(settings | {"seed": settings["seed"] + 77})
        # And it might find the files in another place: what counts is what they hold.
        begin = load(place.rename(moved) / path.name, *fresh)
        begin = begin.item() if isinstance(begin, (torch.Tensor, np.generic)) and np.ndim(begin) == 0 else begin
        if isinstance(begin, bool) or not isinstance(begin, int):
            return {"amiss": "no epoch", "told": type(begin).__name__}
        loaded = state_numbers(fresh[0])
        train_epochs(*fresh, X, y, range(max(begin, 0), epochs))
        return {"begin": begin, "loaded": loaded, "end": state_numbers(fresh[0]), "saved": np.load(seen)}


def _read_checkpoint(result: Any, inputs: list) -> Any:
    if not isinstance(result, dict):
        return result
    if result.get("amiss") == "no file":
        return Wrong("save_checkpoint wrote no file at the path that it was given.")
    if result.get("amiss") == "no epoch":
        told = str(result.get("told", ""))[:40]
        given = "None" if told == "NoneType" else f"something of type {told}"
        return Wrong(f"load_checkpoint should return the number of finished epochs; it returned {given}.")
    return {
        "finished epochs": result["begin"],
        "the network as loaded": result["loaded"],
        "the network at the end": result["end"],
        "as saved": result["saved"],
    }


def _weigh_checkpoint(result: Any, expected: Any) -> tuple[Any, Any]:
    """What was saved, a network has after it too; apart from that, the two as they come."""
    if not isinstance(result, dict) or not isinstance(expected, dict):
        return result, expected
    saved, wanted = result["as saved"], expected["the network as loaded"]
    if np.shape(saved) != wanted.shape or not np.allclose(saved, wanted, 1e-9, 1e-12):
        return Wrong("save_checkpoint changes the network that it writes down."), expected
    return {name: value for name, value in result.items() if name != "as saved"}, expected


PROBES["checkpoint"] = Probe(_drive_checkpoint, _read_checkpoint, weigh=_weigh_checkpoint, needs=("torch",))


# --- which pictures: whole numbers in an order ------------------------------------------------------------------------


def _read_indices(result: Any, inputs: list) -> Any:
    """Whole numbers, from an array or a list."""
    result = result.array if isinstance(result, Tensor) else result
    if isinstance(result, (list, tuple)) and all(
        isinstance(v, (int, np.integer)) and not isinstance(v, bool) for v in result
    ):
        return np.array(result, dtype=np.int64)
    if isinstance(result, np.ndarray) and result.ndim == 1 and not result.size:
        return result.astype(np.int64)
    if isinstance(result, np.ndarray) and result.dtype.kind == "b":
        return Wrong("The result holds True and False. Return the pictures' numbers, the worst mistake first.")
    return result


PROBES["indices"] = Probe(call, _read_indices)
