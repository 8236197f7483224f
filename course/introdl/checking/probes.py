"""Probes: how a learner's object is driven, and how its result is read.

`drive` runs beside the learner's code, and returns what came of it. `read` runs where the verdict is made (in the
notebook the same process; when grading, outside the sandbox), and turns the result into what is compared.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from introdl.checking import programs
from introdl.checking.wire import Other


@dataclass(frozen=True)
class Probe:
    """A way to drive and to read.

    Parameters
    ----------
    drive : callable
        ``drive(objects, inputs)``: a tuple of the learner's objects and a list of the case's inputs.
    read : callable
        ``read(result, inputs)``: returns what is compared with the expected output. It is given a learner's result,
        so it may meet anything; where the result cannot be read it returns `Wrong` with a sentence.
    secret : bool
        True where showing what was expected would give the answer away.
    """

    drive: Callable[[tuple, list], Any]
    read: Callable[[Any, list], Any] = lambda result, inputs: result
    secret: bool = False


@dataclass(frozen=True)
class Wrong:
    """A result that cannot be read; `sentence` says why."""

    sentence: str


PROBES: dict[str, Probe] = {}


def _call(objects: tuple, inputs: list) -> Any:
    return objects[0](*inputs)


PROBES["call"] = Probe(_call)


def _answers(objects: tuple, inputs: list) -> Any:
    return objects[inputs[0] - 1]


def _read_answer(result: Any, inputs: list) -> Any:
    number, options = inputs
    if result is None or result is Ellipsis or result == "":
        return Wrong(f'answer_{number} is empty: write a letter, for example answer_{number} = "{options[0]}".')
    if not isinstance(result, str):
        name = result.type_name if isinstance(result, Other) else type(result).__name__
        return Wrong(f"answer_{number} should be one letter in quotes; it is of type {name}.")
    letter = result.strip().strip(").").lower()
    if len(letter) != 1 or letter not in options:
        choice = ", ".join(f'"{o}"' for o in options)
        return Wrong(f"answer_{number} is {result!r}; it should be one of {choice}.")
    return letter


PROBES["answers"] = Probe(_answers, _read_answer, secret=True)


def _call_without_inputs(objects: tuple, inputs: list) -> Any:
    return objects[0]()


def _misfit(name: str, value: Any, shape: tuple[int, ...], wanted: str = "") -> Wrong | None:
    """Say why a value is no array of real numbers of a shape; None where it is one."""
    if not isinstance(value, np.ndarray):
        wanted = wanted or f"a NumPy array of shape {shape}"
        return Wrong(f"{name} should be {wanted}; it is of type {type(value).__name__}.")
    if value.shape != shape:
        return Wrong(f"{name} should have shape {shape}; it has shape {value.shape}.")
    if value.dtype.kind not in "biuf":
        return Wrong(f"{name} should hold real numbers; its dtype is {value.dtype}.")
    return None


def _read_xor_network(result: Any, inputs: list) -> Any:
    names, shapes = ("W1", "b1", "W2", "b2"), ((2, 2), (2,), (2, 1), (1,))
    if not isinstance(result, (tuple, list)) or len(result) != 4:
        return Wrong("Return four arrays: W1, b1, W2, b2.")
    for name, value, shape in zip(names, result, shapes, strict=True):
        if misfit := _misfit(name, value, shape):
            return misfit
    W1, b1, W2, b2 = (np.asarray(value, dtype=float) for value in result)
    with np.errstate(all="ignore"):
        hidden = np.asarray(inputs[0], dtype=float) @ W1 + b1
        return np.where(hidden > 0, hidden, 0.0 * hidden) @ W2 + b2


PROBES["xor_network"] = Probe(_call_without_inputs, _read_xor_network)


def _read_outer_product(result: Any, inputs: list) -> Any:
    if result is None:
        return None
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays, column and row, or None where the kernel cannot be taken apart.")
    sizes = np.shape(inputs[0])
    for name, value, size in zip(("column", "row"), result, sizes, strict=True):
        if misfit := _misfit(name, value, (size,), wanted="a NumPy array"):
            return misfit
    with np.errstate(all="ignore"):
        return np.outer(result[0].astype(float), result[1].astype(float))


PROBES["outer_product"] = Probe(_call, _read_outer_product)


def _read_kernel_pair(result: Any, inputs: list) -> Any:
    """Lay both kernels on the picture: (2, H - 2, W - 2), so that the right kernels stay the learner's to find."""
    if not isinstance(result, (tuple, list)) or len(result) != 2:
        return Wrong("Return two arrays: gx, gy.")
    for name, value in zip(("gx", "gy"), result, strict=True):
        if misfit := _misfit(name, value, (3, 3)):
            return misfit
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(inputs[0], dtype=float), (3, 3))
    with np.errstate(all="ignore"):
        return np.stack([np.einsum("ijuv,uv->ij", windows, kernel.astype(float)) for kernel in result])


PROBES["kernel_pair"] = Probe(_call_without_inputs, _read_kernel_pair)


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
    faults = (
        (any(len(set(one)) < len(one) for one in sets), "A picture stands twice in one set."),
        (sum(map(len, members[0])) > len(set(everything)), "Some pictures are in two sets."),
        (0 < left_out <= len(fractions), "A few pictures are in no set."),
        (left_out > len(fractions), "Many pictures are in no set."),
        (not fair and sizes[0] == sizes[2], "The sets do not have the sizes that were asked for."),
        (not fair and sizes[0] != sizes[2], "The sets' sizes change from call to call."),
        (
            all(len(one) < 2 or max(one) - min(one) + 1 == len(one) for one in sets),
            "The pictures are not mixed: each set is a piece of the original order.",
        ),
        (members[0] != members[1], "A generator in the same state gives another split."),
        (members[0] == members[2], "Another generator gives the same split."),
    )
    sentences = [sentence for fault, sentence in faults if fault]
    return Wrong(" ".join(sentences)) if sentences else SPLIT


PROBES["split"] = Probe(_split_thrice, _read_split)


# --- functions, chapter 06 ----------------------------------------------------------------------------------------

#: Functions of an array that a case can name: each takes the case's weights and the array, and gives one number.
FUNCTIONS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "sum(w * x**2)": lambda w, x: np.sum(w * x**2),
    "sum(w * x**3)": lambda w, x: np.sum(w * x**3),
    "sum(w * sin(x))": lambda w, x: np.sum(w * np.sin(x)),
    "sum(w * x)**2": lambda w, x: np.sum(w * x) ** 2,
}


def _call_with_function(objects: tuple, inputs: list) -> Any:
    name, weights, x, h = inputs
    formula, w = FUNCTIONS[name], np.array(weights)

    def f(at):
        if np.shape(at) != np.shape(w):
            raise ValueError(
                f"f was given something of shape {np.shape(at)}; it takes an array of x's shape, {w.shape}"
            )
        return float(formula(w, np.asarray(at)))

    return objects[0](f, x, h)


PROBES["function_of_array"] = Probe(_call_with_function)


# --- numbers that remember where they came from, chapter 06 -------------------------------------------------------


class _NoValue(Exception):
    """A learner's numbers cannot be read; the arguments say what is amiss, as data."""


def _attribute(node: Any, name: str, whose: str) -> Any:
    if not hasattr(node, name):
        raise _NoValue("lacks", whose, name)
    return getattr(node, name)


def _walk(root: Any, whose: dict[int, str]) -> list:
    """All of a learner's nodes that lead to one, each after those it was made from."""
    order, state, stack = [], {}, [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
            state[id(node)] = "finished"
            continue
        if id(node) in state:
            if state[id(node)] == "open":
                raise _NoValue("circle", whose.get(id(node), ""))
            continue
        state[id(node)] = "open"
        name = whose.get(id(node), "")
        children, slopes = _attribute(node, "children", name), _attribute(node, "slopes", name)
        if not isinstance(children, (tuple, list)) or not isinstance(slopes, (tuple, list)):
            raise _NoValue("no tuples", name)
        if len(children) != len(slopes):
            raise _NoValue("lengths", name, len(children), len(slopes))
        stack.append((node, True))
        for child in children:
            if isinstance(child, (bool, int, float, np.generic)):
                raise _NoValue("number among children", name)
            if state.get(id(child)) != "finished":
                stack.append((child, False))
    return order


def _drive_values(objects: tuple, inputs: list) -> Any:
    program, leaves = inputs
    Value = objects[0]
    try:
        own = {name: Value(number) for name, number in leaves.items()}

        def met(step, result):
            if not hasattr(result, "data") or isinstance(result, (np.ndarray, np.generic)):
                raise _NoValue("no value", step.op, type(result).__name__)

        nodes = programs.run(program, own, met)
        whose = {id(node): name for name, node in nodes.items()}
        root = list(nodes.values())[-1]
        order = _walk(root, whose)
    except _NoValue as error:
        return {"amiss": list(error.args)}
    slopes = {id(root): 1.0}
    for node in reversed(order):
        for child, slope in zip(node.children, node.slopes, strict=True):
            slopes[id(child)] = slopes.get(id(child), 0.0) + slope * slopes[id(node)]
    return {
        "data": {name: node.data for name, node in nodes.items()},
        "slopes": {name: slopes.get(id(node), 0.0) for name, node in own.items()},
    }


_AMISS = {
    "no value": "The operation {0} should give a Value; it gave something of type {1}.",
    "lacks": "{whose} has no attribute {1}: keep the names of the docstring.",
    "no tuples": "{whose} should keep its children and its slopes as two tuples.",
    "lengths": "{whose} has {1} children and {2} slopes: keep one slope for each child.",
    "number among children": "Among the children of {whose} is a plain number: wrap it into a Value first, as __add__ does.",
    "circle": "{whose} is among its own children, or theirs: an operation should make a new Value, and leave its own alone.",
}


def _read_values(result: Any, inputs: list) -> Any:
    amiss = result.get("amiss") if isinstance(result, dict) else None
    if not (isinstance(amiss, list) and amiss and amiss[0] in _AMISS):
        return result
    kind, *rest = amiss
    whose = f"The Value {rest[0]}" if kind != "no value" and rest and rest[0] else "One of your Values"
    return Wrong(_AMISS[kind].format(*rest, whose=whose))


PROBES["values"] = Probe(_drive_values, _read_values)


def _drive_backward(objects: tuple, inputs: list) -> Any:
    program, leaves, roots = inputs
    nodes = programs.graph(program, leaves)
    for root in roots:
        objects[0](nodes[root])
    return {name: node.grad for name, node in nodes.items()}


PROBES["backward"] = Probe(_drive_backward)
# --- chapter 08: devices, clocks and training steps ---------------------------------------------------------------


def _best_device(objects: tuple, inputs: list) -> Any:
    import torch

    from introdl.checking import pretend

    with pretend.replaced(objects, pretend.devices(*inputs)):
        result = objects[0]()
    return {"type": "device", "name": result.type} if isinstance(result, torch.device) else result


def _read_best_device(result: Any, inputs: list) -> Any:
    if isinstance(result, dict) and set(result) == {"type", "name"}:
        return result["name"]
    if isinstance(result, str):
        return Wrong(f"best_device returned the text {result!r}; it should be a torch.device.")
    name = result.type_name if isinstance(result, Other) else type(result).__name__
    return Wrong(f"best_device should return a torch.device; yours is of type {name}.")


PROBES["best_device"] = Probe(_best_device, _read_best_device)


def layout(value: Any, name: str = "batch") -> dict[str, str]:
    """Say of every part of a nested batch what it is and where it is."""
    import torch

    found: dict[str, str] = {}
    if isinstance(value, torch.Tensor):
        words = f"{str(value.dtype).removeprefix('torch.')} tensor of shape {tuple(value.shape)} on {value.device.type}"
        found[name] = words + (f": {value.tolist()}" if value.device.type == "cpu" and value.numel() <= 24 else "")
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        found[name] = f"namedtuple with the fields {', '.join(value._fields)}"
        for field, item in zip(value._fields, value, strict=True):
            found |= layout(item, f"{name}.{field}")
    elif isinstance(value, (tuple, list)):
        found[name] = f"{type(value).__name__} of {len(value)}"
        for number, item in enumerate(value):
            found |= layout(item, f"{name}[{number}]")
    elif isinstance(value, dict):
        found[name] = f"dict with the keys {', '.join(map(repr, value))}"
        for key, item in value.items():
            found |= layout(item, f"{name}[{key!r}]")
    elif isinstance(value, np.ndarray):
        found[name] = f"NumPy array {value.tolist()}"
    else:
        found[name] = repr(value)[:200]
    return found


def nested_batch(batch: Any, fields: list[str] | None) -> Any:
    """A case's batch; where `fields` are given it becomes a namedtuple (which cannot travel as data)."""
    from collections import namedtuple

    return batch if fields is None else namedtuple("Plate", fields)(*batch)


def _to_device(objects: tuple, inputs: list) -> Any:
    import torch

    batch, fields, device = inputs
    given = nested_batch(batch, fields)
    before = layout(given)
    found = layout(objects[0](given, torch.device(device)))
    found["the batch that was given"] = "left as it was" if layout(given) == before else "changed in place"
    return found


PROBES["to_device"] = Probe(_to_device)


def _measure(objects: tuple, inputs: list) -> Any:
    from introdl.checking import pretend

    processor, device, warmup, repeats = inputs
    clock, calls = pretend.Clock(), 0

    def work():
        nonlocal calls
        which = min(calls, len(processor) - 1)
        calls += 1
        clock.work(float(processor[which]), float(device[which]))

    substitutes = pretend.devices(gpus=int(device.any()), built=bool(device.any())) + clock.substitutes()
    with pretend.replaced(objects, substitutes):
        result = objects[0](work, clock.wait, warmup, repeats)
    return {"result": result, "calls": calls, "reads": clock.reads}


def _read_measure(result: Any, inputs: list) -> Any:
    warmup, repeats = inputs[2:]
    given, calls = result["result"], result["calls"]
    if not result["reads"]:
        return Wrong("measure never looked at a clock. Call time.perf_counter() before and after fn().")
    if calls != warmup + repeats:
        return Wrong(
            f"measure called fn {calls} times; with warmup={warmup} and repeats={repeats} it should be {warmup + repeats}."
        )
    if isinstance(given, np.ndarray) and given.shape == (3,):
        given = tuple(given.tolist())
    return given


PROBES["measure"] = Probe(_measure, _read_measure)


def small_network(weights: dict, dtype: str = "float64"):
    """Two layers with the weights of a case, batch normalisation between them where there are statistics."""
    import torch

    kind = getattr(torch, dtype)
    W1, b1, W2, b2 = (torch.tensor(weights[name], dtype=kind) for name in ("W1", "b1", "W2", "b2"))
    layers = [torch.nn.Linear(*W1.T.shape, dtype=kind), torch.nn.ReLU(), torch.nn.Linear(*W2.T.shape, dtype=kind)]
    if "mean" in weights:
        layers.insert(1, torch.nn.BatchNorm1d(len(b1), dtype=kind))
        layers[1].running_mean.copy_(torch.tensor(weights["mean"]))
        layers[1].running_var.copy_(torch.tensor(weights["variance"]))
    with torch.no_grad():
        for layer, W, b in ((layers[0], W1, b1), (layers[-1], W2, b2)):
            layer.weight.copy_(W)
            layer.bias.copy_(b)
    return torch.nn.Sequential(*layers)


def small_optimizer(model, settings: dict):
    """The optimizer of a case; where it says so, gradients of an earlier step are still there."""
    import torch

    rest = {name: value for name, value in settings.items() if name not in ("optimizer", "mode", "stale")}
    for parameter in model.parameters():
        if settings["stale"]:
            parameter.grad = torch.full_like(parameter, settings["stale"])
    model.train(settings["mode"] == "train")
    return getattr(torch.optim, settings["optimizer"])(model.parameters(), **rest)


def _as_number(value: Any) -> tuple[Any, str]:
    """A number as data, and whether it drags its graph along."""
    import torch

    if isinstance(value, torch.Tensor) and value.numel() == 1:
        return float(value.detach()), "a graph" if value.requires_grad else ""
    if isinstance(value, np.ndarray) and value.shape == ():
        return float(value), ""
    return value, ""


def all_numbers(tensors) -> np.ndarray:
    """Everything in some tensors, one after the other, in float64."""
    return np.concatenate([tensor.detach().double().numpy().ravel() for tensor in tensors])


def _train(objects: tuple, inputs: list, dtype: str = "float64") -> Any:
    """Take one step with each batch and note the losses, what became of the weights, and in which order it went."""
    import torch

    from introdl.checking import pretend

    batches, weights, settings = inputs
    model = small_network(weights, dtype)
    optimizer = small_optimizer(model, settings)
    before = all_numbers(model.parameters())
    order: list[str] = []
    inside: list[str] = []

    def noting(what, call):
        def noted(*args, **kwargs):
            order.append(what)
            return call(*args, **kwargs)

        return noted

    def forward(_layer, _given, scores):
        inside.append(str(scores.dtype).removeprefix("torch."))
        if scores.requires_grad:
            scores.register_hook(lambda gradient: order.append("backward"))

    optimizer.zero_grad = noting("zero", optimizer.zero_grad)
    model.zero_grad = noting("zero", model.zero_grad)
    optimizer.register_step_post_hook(lambda *args: order.append("step"))
    model[-1].register_forward_hook(forward)
    losses, graphs = [], []
    with pretend.one_thread(), pretend.replaced(objects, pretend.devices(), torch.device("cpu")):
        for x, y in batches:
            order.append("call")
            batch = torch.from_numpy(x).to(getattr(torch, dtype)), torch.from_numpy(y)
            loss, graph = _as_number(objects[0](model, batch, optimizer))
            losses.append(loss)
            graphs.append(graph)
    return {
        "losses": losses,
        "weights": all_numbers(model.parameters()),
        "moved": all_numbers(model.parameters()) - before,
        "statistics": all_numbers(b.double() for b in model.buffers()) if "mean" in weights else None,
        "graph": any(graphs),
        "order": " ".join(order),
        "inside": inside[0] if inside else "",
        "kept in": str(model[-1].weight.dtype).removeprefix("torch."),
    }


def _out_of_order(name: str, result: Any) -> Wrong | None:
    """Say what no training step may be: a loss with its graph, or steps in an order that cannot work."""
    if any(loss is None for loss in result["losses"]):
        return Wrong(f"{name} returned None. Return the loss, a number.")
    if result["graph"]:
        return Wrong(
            f"{name} returned a loss that still holds its graph. Who keeps it keeps every layer's activations in memory."
        )
    for call in result["order"].split("call")[1:]:
        steps = call.split()
        if "step" in steps:
            until = steps[: steps.index("step")]
            if "backward" in steps and "backward" not in until:
                return Wrong("The step is taken before the backward pass: this batch's gradients are not there yet.")
            if "backward" in until and "zero" in until[until.index("backward") :]:
                return Wrong("Between the backward pass and the step the gradients are set to zero.")
    if any(isinstance(loss, bool) or not isinstance(loss, (int, float, np.generic)) for loss in result["losses"]):
        return Wrong(f"{name} should return the loss as one number.")
    return None


def _read_train_step(result: Any, inputs: list) -> Any:
    wrong = _out_of_order("train_step", result)
    if wrong is not None:
        return wrong
    read = {"losses": np.array(result["losses"], float), "weights": result["weights"]}
    if result["statistics"] is not None:
        read["running statistics"] = result["statistics"]
    return read


PROBES["train_step"] = Probe(_train, _read_train_step)


def _read_train_step_amp(result: Any, inputs: list) -> Any:
    wrong = _out_of_order("train_step_amp", result)
    if wrong is not None:
        return wrong
    losses = np.array(result["losses"], np.float32)
    short = (losses.view(np.uint32) & 0xFFFF == 0).all()  # bfloat16 is the upper half of a float32
    return {
        "layers compute in": result["inside"],
        "weights are kept in": result["kept in"],
        "the loss is computed in": "16 bits" if short else "float32",
        "losses": losses.astype(float),
        "change of the weights": result["moved"],
    }


PROBES["train_step_amp"] = Probe(lambda objects, inputs: _train(objects, inputs, "float32"), _read_train_step_amp)


def _evaluate(objects: tuple, inputs: list) -> Any:
    import torch

    from introdl.checking import pretend

    batches, weights = inputs
    model = small_network(weights).train()
    tracked: list[bool] = []
    model[-1].register_forward_hook(lambda layer, given, scores: tracked.append(scores.requires_grad))
    given = [(torch.from_numpy(x), torch.from_numpy(y)) for x, y in batches]
    with pretend.one_thread(), pretend.replaced(objects, pretend.devices(), torch.device("cpu")):
        result = objects[0](model, given)
    if isinstance(result, (tuple, list)):
        result = [_as_number(value)[0] for value in result]
    return {
        "result": result,
        "tracked": any(tracked),
        "frozen": not all(p.requires_grad for p in model.parameters()),
    }


def _read_evaluate(result: Any, inputs: list) -> Any:
    given = result["result"]
    if given is None:
        return Wrong("evaluate returned None. Return two numbers: the mean loss and the accuracy.")
    if isinstance(given, np.ndarray) and given.shape == (2,):
        given = given.tolist()
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        return Wrong("evaluate should return two numbers: the mean loss and the accuracy.")
    if result["tracked"]:
        return Wrong(
            "evaluate records every step for a backward pass that never comes. Switch gradients off around it."
        )
    if result["frozen"]:
        return Wrong("After evaluate the model's weights no longer require gradients, so it cannot be trained on.")
    return {"mean loss": given[0], "accuracy": given[1]}


PROBES["evaluate"] = Probe(_evaluate, _read_evaluate)
