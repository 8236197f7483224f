"""Looking into small networks, and whether one is left as it was (chapter 10)."""

from __future__ import annotations

import contextlib
import copy
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np

from introdl.checking.packing import Other
from introdl.checking.probes.base import PROBES, Probe, Wrong
from introdl.checking.probes.parts import named_buffers, named_parameters, named_parts, same


def small_cnn(net: dict):
    """A convolutional network with the weights of a case, in float32 and in evaluation mode.

    Parameters
    ----------
    net : dict
        ``"names"``: of the stages; ``"kernels"`` and ``"biases"``, one of each for a stage; ``"strides"``; ``"relu"``, whether a
        stage ends with one; ``"head"`` (K, C) and ``"head_bias"`` (K,), applied to the mean over space. Where there are ``"means"``
        and ``"variances"``, each stage normalizes by them. Where ``"training"`` is True, a probe hands it over in training mode,
        but for the parts named in ``"asleep"``.
    """
    import torch
    from torch import nn

    def tensor(values):
        return torch.tensor(np.asarray(values), dtype=torch.float32)

    stages: OrderedDict[str, nn.Module] = OrderedDict()
    for number, name in enumerate(net["names"]):
        kernel = tensor(net["kernels"][number])
        conv: Any = nn.Conv2d(kernel.shape[1], kernel.shape[0], tuple(kernel.shape[2:]), stride=net["strides"][number])
        parts: OrderedDict[str, Any] = OrderedDict(conv=conv)
        if "means" in net:
            parts["norm"] = nn.BatchNorm2d(len(kernel))
            parts["norm"].running_mean.copy_(tensor(net["means"][number]))
            parts["norm"].running_var.copy_(tensor(net["variances"][number]))
        if net["relu"]:
            parts["relu"] = nn.ReLU()
        with torch.no_grad():
            conv.weight.copy_(kernel)
            conv.bias.copy_(tensor(net["biases"][number]))
        stages[name] = nn.Sequential(parts)
    head: Any = nn.Linear(*tensor(net["head"]).T.shape)
    with torch.no_grad():
        head.weight.copy_(tensor(net["head"]))
        head.bias.copy_(tensor(net["head_bias"]))
    return nn.Sequential(OrderedDict(**stages, average=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), head=head)).eval()


def _in_its_mode(net: dict):
    """The network of a case in the mode in which a probe hands it over."""
    model = small_cnn(net).train(net.get("training", False))
    for name in net.get("asleep", ()):
        model.get_submodule(name).eval()
    return model


def _modes(net: dict) -> list[bool]:
    """Whether each of its parts is in training mode then, in the order of `named_parts`."""
    inner = [one for one, there in (("conv", True), ("norm", "means" in net), ("relu", net["relu"])) if there]
    stages = [name for stage in net["names"] for name in (stage, *(f"{stage}.{one}" for one in inner))]
    asleep = net.get("asleep", ())
    return [bool(net.get("training")) and name not in asleep for name in ("", *stages, "average", "flatten", "head")]


# --- what was left behind --------------------------------------------------------------------------------------------

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


_GLOBAL_HOOKS = (
    "_global_forward_hooks",
    "_global_forward_pre_hooks",
    "_global_backward_hooks",
    "_global_backward_pre_hooks",
)


def _hooks(model) -> int:
    """How many hooks there are on a network's parts, and on all networks of the program."""
    from torch.nn.modules import module

    everywhere = sum(len(getattr(module, kind, ())) for kind in _GLOBAL_HOOKS)
    return everywhere + sum(len(getattr(part, kind)) for part in named_parts(model).values() for kind in _HOOKS)


def _states(model, x) -> dict:
    """What can be seen of a network and a picture from outside, as plain numbers."""
    import torch

    parameters = named_parameters(model)
    found = {
        "weights": {name: p.detach().numpy().copy() for name, p in parameters.items()},
        "statistics": {name: b.detach().numpy().copy() for name, b in named_buffers(model).items()},
        "hooks": _hooks(model),
        "with gradients": [name for name, p in parameters.items() if p.grad is not None and np.any(p.grad.numpy())],
        "wanting gradients": [name for name, p in parameters.items() if p.requires_grad],
        "training": [part.training for part in named_parts(model).values()],
        "recording": torch.is_grad_enabled(),
    }
    if x is not None:
        found["picture"] = x.detach().numpy().copy()
        found["picture's gradient"] = x.is_leaf and x.grad is not None
        found["picture wants gradients"] = x.requires_grad
    return found


@contextlib.contextmanager
def _watched(objects: tuple, model, x=None) -> Iterator[dict]:
    """Drive the learner's code on one thread of a CPU, and note what it leaves behind in the dict that is yielded.

    The grad mode of the program is put back in any case.
    """
    import torch

    from introdl.checking import simulated_machine

    left: dict = {"hooks before": _hooks(model)}
    recording = torch.is_grad_enabled()
    with (
        simulated_machine.one_thread(),
        simulated_machine.replaced(objects, simulated_machine.devices(), torch.device("cpu")),
    ):
        try:
            yield left
            left.update(_states(model, x))
        finally:
            torch.set_grad_enabled(recording)


def _numbers_of(net: dict) -> tuple[dict, dict]:
    """The weights of `small_cnn(net)` and its running statistics, by name."""
    weights: dict[str, np.ndarray] = {}
    statistics: dict[str, np.ndarray] = {}
    for number, name in enumerate(net["names"]):
        kernel = np.asarray(net["kernels"][number], np.float32)
        weights |= {f"{name}.conv.weight": kernel, f"{name}.conv.bias": np.asarray(net["biases"][number], np.float32)}
        if "means" in net:
            weights |= {f"{name}.norm.weight": np.ones(len(kernel)), f"{name}.norm.bias": np.zeros(len(kernel))}
            for which in ("mean", "var"):
                value = net["means" if which == "mean" else "variances"][number]
                statistics[f"{name}.norm.running_{which}"] = np.asarray(value, np.float32)
            statistics[f"{name}.norm.num_batches_tracked"] = np.array(0)
    weights |= {
        f"head.{end}": np.asarray(net[of], np.float32) for end, of in (("weight", "head"), ("bias", "head_bias"))
    }
    return weights, statistics


def _amiss(left: dict, net: dict, picture: Any) -> list[str]:
    """What was left behind, the worst first: found from the case's own numbers, not from what was compared beside the answer."""
    weights, statistics = _numbers_of(net)
    modes = _modes(net)
    faults = {
        "picture": picture is not None and not np.array_equal(left["picture"], np.float32(picture)),
        "weights": not same(left["weights"], weights),
        "statistics": not same(left["statistics"], statistics),
        "hooks": left["hooks"] > left["hooks before"],
        "gradient in the picture": picture is not None and left["picture's gradient"],
        "gradients in the weights": bool(left["with gradients"]),
        "picture wants gradients": picture is not None and left["picture wants gradients"],
        "frozen": set(left["wanting gradients"]) != weights.keys(),
        "off": not left["recording"],
        "training mode": all(left["training"]) and not any(modes),
        "evaluation mode": left["training"] != modes,
    }
    return [what for what, wrong in faults.items() if wrong]


_LEFT = {
    "picture": "The picture that you were given has changed. Work on a copy: x.clone().",
    "weights": "The network's weights have changed. You should only look at it.",
    "statistics": "The running statistics of batch normalization have moved: the network saw the picture in training mode.",
    "hooks": "A hook is still attached to the network: it runs in every forward pass from now on.",
    "gradient in the picture": "The picture that you were given has a gradient now, and the next one would be added to it.",
    "gradients in the weights": "The network's weights have gradients now: the next training step would add its own to them.",
    "picture wants gradients": "The picture that you were given requires gradients now. Let a copy of it require them.",
    "frozen": "Some of the network's weights no longer require gradients: it can no longer be trained.",
    "off": "Gradients are switched off for the whole program now, so nothing can be trained after it.",
    "training mode": "You left the network in training mode, but it came in evaluation mode.",
    "evaluation mode": "You left some parts of the network in another mode than before. Restore the mode of every part.",
}


def _numbers(value: Any) -> tuple[Any, bool]:
    """A tensor as an array, and whether it drags its graph along."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().cpu().numpy().copy(), value.requires_grad
    return value, False


def _tell(result: Any, name: str, net: dict, picture: Any = None) -> Any:
    """The result, or what is wrong with how it came."""
    if not isinstance(result, dict) or "result" not in result:
        return Other("result that cannot be read")
    for what in _amiss(result["left"], net, picture):
        return Wrong(_LEFT[what])
    if result["graph"]:
        return Wrong(
            f"What {name} returns still holds its graph, and with it every layer's activations. Detach it, or compute it in torch.no_grad()."
        )
    return result["result"]


# --- maps of one picture ----------------------------------------------------------------------------------------------


def _picture(x: np.ndarray):
    import torch

    return torch.tensor(x, dtype=torch.float32)


def _look(name: str, picture: int, before: bool = False):
    """A probe for a function of a network, a picture and more.

    Parameters
    ----------
    name : str
        The function's.
    picture : int
        Which input is the picture; the first is the network's description. They come in the function's own order.
    before : bool
        The function looks at another picture first, so that what it keeps from one call to the next shows.
    """

    def drive(objects: tuple, inputs: list) -> Any:
        net, *rest = inputs
        model = _in_its_mode(net)
        x = _picture(rest[picture - 1])
        arguments = [x if number == picture else value for number, value in enumerate(rest, start=1)]
        with _watched(objects, model, x) as left:
            if before:
                other = x.flip(-1) + 1
                objects[0](model, *(other if value is x else value for value in arguments))
            result, graph = _numbers(objects[0](model, *arguments))
        return {"result": result, "graph": graph, "left": left}

    return Probe(drive, lambda result, inputs: _tell(result, name, inputs[0], inputs[picture]), needs=("torch",))


PROBES["feature_maps"] = _look("feature_maps", picture=2, before=True)
PROBES["occlusion_map"] = _look("occlusion_map", picture=1)
PROBES["saliency"] = _look("saliency", picture=1)
PROBES["grad_cam"] = _look("grad_cam", picture=2, before=True)


# --- a picture that a unit likes --------------------------------------------------------------------------------------


def _maximize(objects: tuple, inputs: list) -> Any:
    """Let the learner climb three times: twice from one state of the generator, once from another."""
    net, unit, shape, steps, rng = inputs
    model = small_cnn(net)
    other = copy.deepcopy(rng)
    other.random(101)
    pictures = []
    outside = 0.0

    def shown(_model, given):
        nonlocal outside
        values = given[0].detach()
        outside = max(outside, float(values.max()) - 1, -float(values.min()))

    model.register_forward_pre_hook(shown)
    with _watched(objects, model) as left:
        for one in (copy.deepcopy(rng), copy.deepcopy(rng), other):
            pictures.append(_numbers(objects[0](model, unit, shape, steps, one)))
    return {
        "result": [picture for picture, _ in pictures],
        "graph": any(graph for _, graph in pictures),
        "outside": outside,
        "left": left,
    }


def slopes(net: dict, shape: tuple[int, int, int]) -> np.ndarray:
    """The slopes (K, C, H, W) of a linear network's scores with respect to a picture of a shape, in closed form."""
    high, wide = shape[1:]
    sizes = []
    for kernel, stride in zip(net["kernels"], net["strides"], strict=True):
        high, wide = (high - kernel.shape[2]) // stride + 1, (wide - kernel.shape[3]) // stride + 1
        sizes.append((high, wide))
    slope = np.broadcast_to(net["head"][:, :, None, None] / (high * wide), (*net["head"].shape, high, wide))
    for number in reversed(range(len(sizes))):
        kernel, stride = net["kernels"][number], net["strides"][number]
        below = shape[1:] if number == 0 else sizes[number - 1]
        back = np.zeros((len(slope), kernel.shape[1], *below))
        for row in range(slope.shape[2]):
            for column in range(slope.shape[3]):
                top, left = row * stride, column * stride
                back[:, :, top : top + kernel.shape[2], left : left + kernel.shape[3]] += np.einsum(
                    "kf,fcuv->kcuv", slope[:, :, row, column], kernel
                )
        slope = back
    return slope


#: A right answer climbs so far from gray to the best picture that there is.
ENOUGH = 0.9
REACHED = "90 % or more of the way up from plain gray to the best picture there is"
#: One step of 0.05 climbs less than that.
ONE_STEP = 0.7
BEGUN = "a part of the way up from plain gray, as far as one step leads"


def climbed(slope: np.ndarray, picture: np.ndarray) -> float:
    """How far a picture is on the way from plain gray (0) to the best one with values in [0, 1] (1), for one slope."""
    return float(np.sum(slope * (picture - 0.5)) / (0.5 * np.abs(slope).sum()))


#: Root mean square of noise that is more than a little. Evenly from 0 to 1 it has 0.29; of 90 pixels drawn so, less than 0.22 comes
#: by a chance of 1 in 10^5, and where all are 0 or 1 it has 0.5.
_MUCH = 0.22
#: So far outside of 0 to 1 the network may be shown a picture: the noise of the start may lie there, what was climbed may not.
_OUTSIDE = 0.3


def _from_gray(every: np.ndarray, pictures: list[np.ndarray]) -> bool:
    """Whether pictures began as gray with a little noise: pixels that no unit sees have stayed as they were."""
    still = np.concatenate([one[(every == 0).all(axis=0)] for one in pictures])
    return float(np.sqrt(np.mean((still - 0.5) ** 2))) < _MUCH


def _read_maximize(result: Any, inputs: list) -> Any:  # noqa: C901
    net, unit, shape, steps, _ = inputs
    given = _tell(result, "maximize_activation", net)
    if not isinstance(given, list):
        return given
    pictures = []
    for one in given:
        if one is None:
            return None
        if not isinstance(one, np.ndarray) or one.dtype.kind != "f":
            name = one.type_name if isinstance(one, Other) else type(one).__name__
            return Wrong(f"maximize_activation should return a picture, a tensor of floats; yours is of type {name}.")
        if one.shape != tuple(shape):
            return Wrong(f"The picture should have the shape {tuple(shape)}; yours has {one.shape}.")
        pictures.append(one.astype(np.float64))
    if not all(np.isfinite(one).all() for one in pictures):
        return Wrong("Some of the picture's numbers are nan or infinite. Did you divide a slope of 0 by its size?")
    lowest, highest = min(one.min() for one in pictures), max(one.max() for one in pictures)
    if lowest < -1e-6 or highest > 1 + 1e-6:
        return Wrong("The picture leaves the range from 0 to 1, so it cannot exist as a picture.")
    every = slopes(net, shape)
    way = [climbed(every[unit], one) for one in pictures]
    if steps == 1 and max(way) > ONE_STEP:
        return Wrong(
            "After a single step the unit is nearly as active as can be. Take as many steps as steps says, of 0.05 each."
        )
    if max(way) < -0.2:
        return Wrong("The unit is less active than for plain gray: you go downhill.")
    others = [k for k in range(len(every)) if k != unit]
    enough = ENOUGH if steps > 1 else -1.0
    if min(way) < enough and any(min(climbed(every[k], one) for one in pictures) > ENOUGH for k in others):
        return Wrong("Your picture is the best one for another unit.")
    if min(way) < enough and min(climbed(every.sum(axis=0), one) for one in pictures) > ENOUGH:
        return Wrong("Your picture is the best one for the sum of all units.")
    if steps > 1 and max(way) < 0.2:
        return Wrong("The unit is hardly more active than for plain gray.")
    if min(way) < enough:
        return Wrong("The unit is more active than for plain gray, but there are far better pictures.")
    if result["outside"] > _OUTSIDE:
        return Wrong(
            "On the way the network is shown pictures with values below 0 or above 1: clamp after each step, not at the end."
        )
    if not np.array_equal(pictures[0], pictures[1]):
        return Wrong(
            "The same generator, in the same state, gives a different picture: make all random draws with rng."
        )
    if np.array_equal(pictures[0], pictures[2]):
        return Wrong("Every generator gives the same picture: start from noise that is drawn with rng.")
    if not _from_gray(every, pictures):
        return Wrong(
            "Pixels that make no difference to the unit show how you begin: not with gray, 0.5, and a little noise."
        )
    return REACHED if steps > 1 else BEGUN


PROBES["maximize_activation"] = Probe(_maximize, _read_maximize, needs=("torch",))


# --- maps that are there already --------------------------------------------------------------------------------------


def _top_activating(objects: tuple, inputs: list) -> Any:
    import torch

    maps, channel, k = inputs
    given = torch.tensor(maps)
    result, _ = _numbers(objects[0](given, channel, k))
    if isinstance(result, (tuple, list)):
        result = [[int(n) if isinstance(n, torch.Tensor) else n for n in row] if isinstance(row, (tuple, list)) else _numbers(row)[0] for row in result]  # fmt: skip
    return {"result": result, "maps": _numbers(given)[0]}


def _read_top(result: Any, inputs: list) -> Any:
    if not isinstance(result, dict) or "result" not in result:
        return Other("result that cannot be read")
    if not np.array_equal(result["maps"], inputs[0]):
        return Wrong("The maps that you were given have changed. Work on a copy.")
    given = result["result"]
    if isinstance(given, list):
        with contextlib.suppress(Exception):
            given = np.array([np.asarray(row).tolist() for row in given])
    if isinstance(given, np.ndarray) and given.dtype.kind == "f" and np.array_equal(given, np.round(given)):
        given = given.astype(np.int64)
    return given


PROBES["top_activating"] = Probe(_top_activating, _read_top, needs=("torch",))
