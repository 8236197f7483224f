"""Networks of torch that a learner builds, loads, freezes and hands to an optimizer (chapter 11)."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from introdl.checking.probes.base import PROBES, Probe, Wrong
from introdl.checking.probes.parts import named_buffers, named_parameters, named_parts, same

_COUNTER = "num_batches_tracked"


# --- what is built here, to be driven ----------------------------------------------------------------------------------


def stand_in_block(before: int, after: int, stride: int = 1):
    """A block that `ResNet18` can be built from, so that it is judged by itself: a convolution and ReLU."""
    import torch

    class StandIn(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = torch.nn.Conv2d(before, after, 3, stride, padding=1, bias=False)

        def forward(self, x):
            return torch.relu(self.conv(x))

    return StandIn()


def small_backbone(widths: Iterable[int], classes: int):
    """Two convolutions with BatchNorm and a head ``fc``; in the body there is a dense layer named ``fc`` too.

    ``layer1.0.fc`` weighs channels, as a squeeze-and-excitation block does.
    """
    import torch
    from torch import nn

    first, second = widths

    class Gate(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(first, second, 3, padding=1, bias=False)
            self.bn = nn.BatchNorm2d(second)
            self.fc = nn.Linear(second, second)

        def forward(self, x):
            x = torch.relu(self.bn(self.conv(x)))
            return x * torch.sigmoid(self.fc(x.mean(dim=(2, 3))))[:, :, None, None]

    class Backbone(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, first, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(first)
            self.layer1 = nn.Sequential(Gate())
            self.fc = nn.Linear(second, classes)

        def forward(self, x):
            x = self.layer1(torch.relu(self.bn1(self.conv1(x))))
            return self.fc(x.mean(dim=(2, 3)))

    return Backbone()


def _tensors(state: dict[str, np.ndarray]):
    import torch

    return {name: torch.from_numpy(np.array(value)) for name, value in state.items()}


def _fill(model, state: dict[str, np.ndarray]) -> None:
    """Give a module the values of a case, in float64."""
    model.double().load_state_dict(_tensors(state), strict=False)


def _plain(model) -> dict[str, np.ndarray]:
    found = named_parameters(model) | named_buffers(model)
    return {name: v.detach().double().numpy().copy() for name, v in found.items() if _COUNTER not in name}


# --- a module of the learner's, judged by its weights' names and by what it does with them --------------------------------


def _drive_module(model: Any, state: dict, x: np.ndarray) -> Any:
    """Compare the names and the shapes of a module's weights with a case's; where they fit, push pictures through."""
    import torch

    from introdl.checking import simulated_machine

    if not isinstance(model, torch.nn.Module):
        return {"not a module": type(model).__name__}
    own = {name: tuple(value.shape) for name, value in model.state_dict().items() if _COUNTER not in name}
    wanted = {name: np.shape(value) for name, value in state.items()}
    if own != wanted:
        return {
            "lacks": [name for name in wanted if name not in own],
            "too many": [name for name in own if name not in wanted],
            "shapes": [[n, list(own[n]), list(s)] for n, s in wanted.items() if n in own and own[n] != s],
        }
    _fill(model, state)
    pictures = torch.from_numpy(np.array(x))
    with simulated_machine.one_thread(), torch.no_grad():
        found = {"output in evaluation mode": model.eval()(pictures)}
        found["output in training mode"] = model.train()(pictures.clone())
    return {name: v.numpy() if isinstance(v, torch.Tensor) else v for name, v in found.items()}


def _drive_block(objects: tuple, inputs: list) -> Any:
    *size, state, x = inputs  # a case without a stride asks for the default
    return _drive_module(objects[0](*size), state, x)


def _drive_resnet(objects: tuple, inputs: list) -> Any:
    if len(inputs) == 1:
        return _default_shapes(objects[0], inputs[0])
    num_classes, widths, state, x = inputs
    return _drive_module(objects[0](num_classes, tuple(widths), stand_in_block), state, x)


def _default_shapes(ResNet18: Any, names: list[str]) -> Any:
    """The shapes of some weights of a network as it is built where nothing is said; they need no memory for that."""
    import torch

    try:
        with torch.device("meta"):
            model = ResNet18(block=stand_in_block)
    except TypeError:  # it takes no block by that name: what is wrong shows with nothing given, too
        model = ResNet18()
    except Exception:  # weights without numbers do not suit everybody
        model = ResNet18(block=stand_in_block)
    if not isinstance(model, torch.nn.Module):
        return {"not a module": type(model).__name__}
    own = named_parameters(model)
    return {name: list(own[name].shape) if name in own else None for name in names}


def _some(names: list[str]) -> str:
    shown = ", ".join(map(str, names[:3]))
    return shown + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _read_module(result: Any, inputs: list) -> Any:
    if "not a module" in result:
        return Wrong(f"Calling the class should return a torch.nn.Module; it returns something of type {result['not a module']}.")  # fmt: skip
    if "lacks" in result:
        told = []
        if result["lacks"]:
            told.append(f"Your module lacks {_some(result['lacks'])}, a name that published weights have.")
        if result["too many"]:
            told.append(f"Your module has {_some(result['too many'])}, a name that published weights do not have.")
        if result["shapes"]:
            name, have, want = result["shapes"][0]
            told.append(
                f"Your {name} has the shape {tuple(have)}; for the widths of this case it should be {tuple(want)}."
            )
        return Wrong(" ".join(told))
    return result


PROBES["residual_block"] = Probe(_drive_block, _read_module, needs=("torch",))
PROBES["resnet"] = Probe(_drive_resnet, _read_module, needs=("torch",))


# --- weights into a model ------------------------------------------------------------------------------------------------


def _misfits(own: dict, state: dict) -> list[str]:
    """Names outside of the head that are in one of two state dicts alone, or have another shape."""
    body = {name for name in {*own, *state} if not name.startswith("fc.")}
    return sorted(n for n in body if n not in own or n not in state or np.shape(own[n]) != np.shape(state[n]))


def _drive_load(objects: tuple, inputs: list) -> Any:
    """Load; note what was said, what the model holds then, and what is left of what was given."""
    widths, classes, own, state = inputs
    model = small_backbone(widths, classes)
    _fill(model, own)
    counters = {n: v.clone() for n, v in model.state_dict().items() if _COUNTER in n}
    given = {**_tensors(state), **counters}
    said = None
    try:
        objects[0](model, given)
    except NotImplementedError:
        raise
    except (ValueError, RuntimeError, LookupError, AssertionError) as error:
        said = _names_in(str(error), {*own, *state})
    left = {str(n): v.detach().double().numpy().copy() for n, v in given.items() if _COUNTER not in str(n)}
    return {"said": said, "weights": _plain(model), "given": left, "counters": len(given) - len(left)}


def _names_in(text: str, names: Iterable[str]) -> list[str]:
    """Which names a text holds, the longest first, so that a part of another name is none."""
    found = []
    for name in sorted(names, key=lambda one: (-len(one), one)):
        if name in text:
            found.append(name)
            text = text.replace(name, "")
    return found


def _read_load(result: Any, inputs: list) -> Any:
    own, state = inputs[2:]
    said, misfits = result["said"], _misfits(own, state)
    if misfits:
        if said is None:
            return Wrong(
                f"These weights do not fit ({_some(misfits)}), but no error was raised. Raise a ValueError that names one."
            )
        if not set(said) & set(misfits):
            return Wrong("An error is raised, but it does not name a weight that does not fit.")
        fit = {name for name in own if not name.startswith("fc.")} - set(misfits)
        if len(fit & set(said)) > len(fit) / 2:
            return Wrong("An error is raised, but it also names weights that fit. Say which one does not.")
        return "an error that names a weight that does not fit"
    if said is not None:
        return Wrong(
            f"These weights fit, apart from the head, and an error was raised{': ' + _some(said) if said else ''}."
        )
    norms = sum(name.endswith("running_mean") for name in own)
    left = same(result["given"], state) and result["counters"] == norms
    told = "left as they were" if left else "changed"
    return {"weights": result["weights"], "the weights that were given": told}


PROBES["load_pretrained"] = Probe(_drive_load, _read_load, needs=("torch",))


# --- another head --------------------------------------------------------------------------------------------------------


def _drive_head(objects: tuple, inputs: list) -> Any:
    """Let the head be replaced; note what the model is made of then, and what it gives."""
    import torch

    from introdl.checking import simulated_machine

    widths, before, after, state, x = inputs
    model = small_backbone(widths, before)
    _fill(model, state)
    model.float()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(after)  # so that a mistake gives the same numbers each time that a sheet is made
        objects[0](model, after)
    head = model.fc
    if type(head) is not torch.nn.Linear:
        return {"not a Linear": type(head).__name__}
    found = {
        "noted": getattr(head, "out_features", None),
        "weights": _plain(model),
        "learn": [name for name, p in named_parameters(model).items() if p.requires_grad],
        "training": [name for name, part in named_parts(model).items() if part.training],
    }
    with simulated_machine.one_thread(), torch.no_grad():
        try:
            found["scores"] = model.eval()(torch.from_numpy(np.array(x)).float()).double().numpy()
        except RuntimeError:
            found["scores"] = None
    return found


def _read_head(result: Any, inputs: list) -> Any:  # noqa: C901
    """Decide from the weights alone: those of the body are known, and with the head's they must give the scores."""
    widths, classes, after, state, x = inputs
    if "not a Linear" in result:
        return Wrong(f"model.fc should be one torch.nn.Linear; it is a {result['not a Linear']}.")
    now, old = result["weights"], {name: np.float32(value).astype(float) for name, value in state.items()}
    weight, bias = now["fc.weight"], now.get("fc.bias")
    rows = (weight[:, None] == old["fc.weight"]).all(-1) if weight.shape[1:] == old["fc.weight"].shape[1:] else None
    # Any row of the old weight, wherever it stands, or the start of the old bias.
    both = min(len(old["fc.bias"]), len(weight))
    kept = rows is not None and rows.any()
    kept = kept or (bias is not None and np.array_equal(bias[:both], old["fc.bias"][:both]))
    if kept and result["noted"] != len(weight):
        return Wrong("model.fc is the old layer: its number of outputs was changed, its weight was not.")
    if np.array_equal(weight, old["fc.weight"]):
        return Wrong("model.fc is still the old head. Give the attribute a new layer.")
    if kept:
        return Wrong("model.fc still holds weights of the old head. They speak of other classes: make a new layer.")
    if weight.shape[::-1] != (widths[-1], after):
        have = weight.shape[::-1]
        return Wrong(f"The new head takes {have[0]} features and gives {have[1]} scores; it should take {widths[-1]} and give {after}.")  # fmt: skip
    if bias is None:
        return Wrong("The new head has no bias; the old one had.")
    names = {"fc.weight", "fc.bias"}
    if not names <= set(result["learn"]):
        return Wrong("The new head's weights need no gradient, so it cannot learn.")
    body = {name for name in old if name not in names}
    changed = [name for name in body if name not in now or not np.array_equal(now[name], old[name])]
    if now.keys() - names != body or any("running" not in name for name in changed):
        return Wrong("Something other than the head has changed.")
    if changed:
        return Wrong("BatchNorm's running statistics have changed. They belong to the body.")
    parts = small_backbone(widths, after)
    if set(result["learn"]) != named_parameters(parts).keys():
        return Wrong("Some of the body's parameters no longer need a gradient. Only the head should change.")
    if not set(result["training"]) >= named_parts(parts).keys() - {"fc"}:
        return Wrong("The model was put into evaluation mode. Only the head should change.")
    if not _gives(parts, now, x, result["scores"]):
        return Wrong("With the new head the network does not return scores.")
    return "a new head, nothing else changed"


def _gives(model, weights: dict, x: np.ndarray, scores: Any) -> bool:
    """Whether these are the scores of a model with these weights."""
    import torch

    _fill(model, weights)
    with torch.no_grad():
        own = model.eval()(torch.from_numpy(np.array(x))).numpy()
    return isinstance(scores, np.ndarray) and scores.shape == own.shape and np.allclose(scores, own, 1e-3, 1e-4)


PROBES["replace_head"] = Probe(_drive_head, _read_head, needs=("torch",))


# --- freezing ------------------------------------------------------------------------------------------------------------


def _drive_freeze(objects: tuple, inputs: list) -> Any:
    """Freeze, then take steps as a training loop does; note what learns, what moves, and what comes out."""
    import torch

    from introdl.checking import simulated_machine

    widths, classes, state, how, batches, lr = inputs
    model = small_backbone(widths, classes)
    _fill(model, state)
    freeze, train_mode = objects
    if how == "freeze":
        freeze(model)
    elif how == "the first layer by hand":
        for layer in (model.conv1, model.bn1):
            layer.requires_grad_(False)
    learns = [name for name, p in named_parameters(model).items() if p.requires_grad]
    trainable = [p for p in named_parameters(model).values() if p.requires_grad]
    losses = []
    model.eval()
    with simulated_machine.one_thread():
        for x, y in batches:
            train_mode(model)
            loss = torch.nn.functional.cross_entropy(
                model(torch.from_numpy(np.array(x))), torch.from_numpy(np.array(y))
            )
            losses.append(float(loss.detach()))
            if not trainable:
                continue
            # A step of SGD by hand: torch.optim imports for seconds when it is first used.
            gradients = torch.autograd.grad(loss, trainable, allow_unused=True)
            with torch.no_grad():
                for parameter, gradient in zip(trainable, gradients, strict=True):
                    if gradient is not None:
                        parameter -= lr * gradient
    after = _plain(model)
    return {
        "learns": learns,
        "mode": "training mode" if model.training else "evaluation mode",
        "losses": np.array(losses),
        "statistics": {name: v for name, v in after.items() if "running" in name},
        "head": np.concatenate([after["fc.weight"].ravel(), after["fc.bias"]]),
        "body": {name: v for name, v in after.items() if "running" not in name and not name.startswith("fc.")},
    }


#: The beginnings of what is frozen, in each way of freezing.
ASLEEP = {"freeze": ("conv1.", "bn1.", "layer1."), "nothing": (), "the first layer by hand": ("conv1.", "bn1.")}


def _read_freeze(result: Any, inputs: list) -> Any:
    asleep = ASLEEP[inputs[3]]
    return {
        "parameters that learn": ", ".join(result["learns"]) or "none",
        "BatchNorm's running statistics": result["statistics"],
        "the model itself is in": result["mode"],
        "losses": result["losses"],
        "the head afterwards": result["head"],
        "what is frozen, afterwards": {name: v for name, v in result["body"].items() if name.startswith(asleep)},
    }


PROBES["freeze"] = Probe(_drive_freeze, _read_freeze, needs=("torch",))


# --- groups for an optimizer ---------------------------------------------------------------------------------------------


def _drive_groups(objects: tuple, inputs: list) -> Any:
    import torch

    widths, classes, frozen, lr_head, lr_body = inputs
    model = small_backbone(widths, classes)
    own = named_parameters(model)
    for name, parameter in own.items():
        parameter.requires_grad_(not any(name.startswith(each) for each in frozen))
    names = {id(p): name for name, p in own.items()}
    groups = objects[0](model, lr_head, lr_body)
    if not isinstance(groups, (list, tuple)) or not all(isinstance(group, dict) for group in groups):
        return {"amiss": type(groups).__name__}
    found: list[list] = []
    for group in groups:
        if "params" not in group:
            return {"amiss": "no params"}
        params = group["params"]
        if isinstance(params, torch.Tensor):
            params = [params]
        if isinstance(params, (set, frozenset)):
            return {"amiss": "a set"}
        params = [one[1] if isinstance(one, tuple) else one for one in params]
        rate = group.get("lr")
        rate = float(rate) if isinstance(rate, (int, float, np.number, torch.Tensor)) else None
        found += [[names.get(id(p), "something else"), rate] for p in params]
    return {"found": found}


def _read_groups(result: Any, inputs: list) -> Any:
    if "amiss" in result:
        if result["amiss"] == "no params":
            return Wrong('Each group is a dict with the keys "params" and "lr".')
        if result["amiss"] == "a set":
            return Wrong(
                "A set has no order, and optimizers do not accept one. Use a list for the parameters of a group."
            )
        return Wrong(f'Return a list of dicts, {{"params": [...], "lr": ...}}; yours is of type {result["amiss"]}.')
    frozen = inputs[2]
    listed = [name for name, _ in result["found"]]
    if "something else" in listed:
        return Wrong("A group contains something that is not a parameter of the model.")
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice:
        return Wrong(f"{_some(twice)} stands in the groups more than once; an optimizer refuses that.")
    asleep = [name for name in listed if any(name.startswith(each) for each in frozen)]
    if asleep:
        return Wrong(f"{_some(asleep)} needs no gradient: it is frozen, and belongs in no group.")
    if any(rate is None for _, rate in result["found"]):
        return Wrong('A group has no learning rate of its own: give it the key "lr".')
    return dict(sorted((name, rate) for name, rate in result["found"]))


PROBES["parameter_groups"] = Probe(_drive_groups, _read_groups, needs=("torch",))


# --- a few pictures of each class ----------------------------------------------------------------------------------------

FEW = "so many of each class, drawn by the generator alone"


def _drive_few(objects: tuple, inputs: list) -> Any:
    """Draw twice with a generator in one and the same state, and once with another one."""
    labels, per_class, rng = inputs
    again, other = copy.deepcopy(rng), copy.deepcopy(rng)
    other.random(101)
    runs = []
    for one in (rng, again, other):
        try:
            runs.append(objects[0](np.array(labels), per_class, one))
        except ValueError as error:
            runs.append(f"ValueError: {error}"[:200])
    return runs


def _read_few(result: Any, inputs: list) -> Any:
    labels, per_class, _ = inputs
    counts = np.bincount(labels)
    scarce = bool((counts < per_class).any())
    runs = []
    for one in result:
        if isinstance(one, str):
            return (
                "a ValueError"
                if scarce
                else Wrong(f"There are enough pictures of each class, but your function said: {one}.")
            )
        if one is None:
            return Wrong("few_shot_subset returned None. Return the indices.")
        indices = np.asarray(one) if isinstance(one, (np.ndarray, list, tuple)) else None
        if indices is None or indices.ndim != 1 or not indices.size:
            return Wrong("Return the pictures' indices, an array with one axis.")
        if indices.dtype.kind == "b":
            return Wrong("You return True or False for each picture. Return indices: np.flatnonzero finds them.")
        if indices.dtype.kind not in "iu" or indices.min() < 0 or indices.max() >= len(labels):
            return Wrong("Each index should be a whole number from 0 to N - 1.")
        runs.append(indices.astype(int))
    if scarce:
        return Wrong("A class has fewer pictures than requested. Raise a ValueError that says so.")
    sets = [set(run.tolist()) for run in runs]
    drawn = [np.bincount(labels[run], minlength=len(counts)) for run in runs]
    first = {int(i) for k in range(len(counts)) for i in np.flatnonzero(labels == k)[:per_class]}
    last = {int(i) for k in range(len(counts)) for i in np.flatnonzero(labels == k)[-per_class:]}
    faults = (
        (any(len(one) < len(run) for one, run in zip(sets, runs, strict=True)), "A picture is drawn more than once."),
        (
            any(len(run) == per_class for run in runs) and len(counts) > 1,
            f"You draw {per_class} pictures in all; it should be {per_class} of each class.",
        ),  # fmt: skip
        (
            any(len(run) != per_class and not (d == per_class).all() for run, d in zip(runs, drawn, strict=True)),
            "Not every class has the requested number of pictures.",
        ),  # fmt: skip
        (sets[0] == first, "You take the first pictures of each class. Draw them at random."),
        (sets[0] == last, "You take the last pictures of each class. Draw them at random."),
        (sets[0] not in (first, last) and sets[0] == sets[2], "Another generator gives the same pictures."),
        (sets[0] != sets[1], "A generator in the same state gives different pictures."),
    )
    sentences = [sentence for fault, sentence in faults if fault]
    return Wrong(" ".join(sentences)) if sentences else FEW


PROBES["few_shot"] = Probe(_drive_few, _read_few)
