"""Chapter 10, what the network sees: its exercises, their cases, oracles and known mistakes.

Learners look into small convolutional networks whose weights are multiples of 1/4 (`introdl.checking.probes.inspection`): their maps,
slopes and scores are worked out here in NumPy, in closed form.
"""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.draws import generator, wrong_answers
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import convolution
from introdl.checking.probes import inspection

#: The course's own instruments, and what would find the neighbors.
OURS = ("introdl.inspection.*", "introdl.figures.*")
NEIGHBORS = ("sklearn.*", "scipy.spatial.*", "introdl.figures.*")

_NAMES = (("low", "high"), ("first", "second"), ("edges", "parts"), ("one", "two"))


# --- Small networks, in closed form -------------------------------------------------------------------------


def _quarters(rng, *shape, most=6):
    """Multiples of 1/4: sums of their products are exact in float32."""
    return rng.integers(-most, most + 1, shape) / 4


def _net(rng, channels, kernels, strides, classes, relu=True, normal=False):
    """Draw a network: `channels` from the picture's on, `kernels` (height, width) and `strides` of each stage."""
    net = {
        "names": list(_NAMES[int(rng.integers(len(_NAMES)))][: len(kernels)]),
        "kernels": [_quarters(rng, after, before, *k) for before, after, k in zip(channels, channels[1:], kernels, strict=False)],
        "biases": [_quarters(rng, after) for after in channels[1:]],
        "strides": list(strides),
        "relu": relu,
        "head": _quarters(rng, classes, channels[-1], most=8),
        "head_bias": _quarters(rng, classes),
    }  # fmt: skip
    if normal:
        net["means"] = [_quarters(rng, after) for after in channels[1:]]
        net["variances"] = [rng.integers(2, 9, after) / 4 for after in channels[1:]]
    return net


def _forward(net, x):
    """Return what each part gives for pictures (N, C, H, W), by name, and the scores (N, K)."""
    found = {}
    for number, name in enumerate(net["names"]):
        kernel, stride = net["kernels"][number], net["strides"][number]
        x = convolution(x, kernel, net["biases"][number], stride)
        found[f"{name}.conv"] = x
        if "means" in net:
            mean, variance = (net[what][number][:, None, None] for what in ("means", "variances"))
            x = (x - mean) / np.sqrt(variance + 1e-5)
            found[f"{name}.norm"] = x
        if net["relu"]:
            x = np.maximum(x, 0)
            found[f"{name}.relu"] = x
        found[name] = x
    return found, x.mean(axis=(2, 3)) @ net["head"].T + net["head_bias"]


def _backward(net, x, target):
    """Return the slopes of a class's score: by the name of each stage with respect to its maps, and for the picture under "x"."""
    found, _ = _forward(net, x)
    last = found[net["names"][-1]]
    slope = np.broadcast_to(net["head"][target][:, None, None] / last[0, 0].size, last.shape)
    slopes = {}
    for number in reversed(range(len(net["names"]))):
        name = net["names"][number]
        slopes[name] = slopes[f"{name}.relu"] = slope
        if net["relu"]:
            slope = slope * (found[name] > 0)
        slopes[f"{name}.conv"] = slope
        kernel, stride = net["kernels"][number], net["strides"][number]
        below = x if number == 0 else found[net["names"][number - 1]]
        back = np.zeros(below.shape)
        for row in range(slope.shape[2]):
            for column in range(slope.shape[3]):
                top, left = row * stride, column * stride
                window = back[:, :, top : top + kernel.shape[2], left : left + kernel.shape[3]]
                window += np.einsum("nf,fcuv->ncuv", slope[:, :, row, column], kernel)
        slope = back
    slopes["x"] = slope
    return slopes


def _enlarged(coarse, height, width):
    """Bilinear interpolation between the middles of pixels, in closed form: two matrices."""

    def matrix(size, now):
        at = np.clip((np.arange(size) + 0.5) * now / size - 0.5, 0, None)
        low = np.minimum(np.floor(at).astype(int), now - 1)
        high = np.minimum(low + 1, now - 1)
        found = np.zeros((size, now))
        np.add.at(found, (np.arange(size), low), 1 - (at - low))
        np.add.at(found, (np.arange(size), high), at - low)
        return found

    return matrix(height, coarse.shape[0]) @ coarse @ matrix(width, coarse.shape[1]).T


# --- 10.feature_maps ----------------------------------------------------------------------------------------


def _maps_case(rng, label, net, layer, shape, training=False):
    net["training"] = training
    return Case(label, net=net, layer=layer.format(*net["names"]), x=_quarters(rng, *shape))


def _maps_cases(rng):
    yield _maps_case(rng, "one stage, one picture", _net(rng, (1, 2), [(2, 2)], [1], 3), "{0}", (1, 1, 4, 5))
    yield _maps_case(
        rng, "the first of two stages", _net(rng, (3, 4, 5), [(3, 2), (2, 3)], [1, 1], 2), "{0}", (2, 3, 7, 9)
    )
    yield _maps_case(
        rng, "the last of two stages", _net(rng, (3, 4, 5), [(2, 3), (3, 2)], [2, 1], 2), "{1}", (4, 3, 11, 12)
    )
    yield _maps_case(rng, "a part of a stage, by its dotted name", _net(rng, (2, 3, 4), [(3, 3), (2, 2)], [1, 1], 3), "{1}.conv", (3, 2, 7, 8))  # fmt: skip
    yield _maps_case(rng, "a network in training mode, with batch normalization", _net(rng, (3, 5, 4), [(2, 2), (2, 3)], [1, 2], 6, normal=True), "{1}", (3, 3, 8, 9), training=True)  # fmt: skip
    yield _maps_case(rng, "batch normalization, in evaluation mode", _net(rng, (3, 4, 2), [(3, 2), (2, 2)], [1, 1], 5, normal=True), "{0}.norm", (2, 3, 6, 8))  # fmt: skip

    net = _net(rng, (2, 3, 4), [(2, 3), (3, 2)], [1, 1], 4, normal=True)
    net["asleep"] = [f"{net['names'][0]}.norm"]
    yield _maps_case(rng, "in training mode, but for one part that is frozen", net, "{1}", (2, 2, 7, 6), training=True)


def _maps_oracle(net, layer, x):
    return _forward(net, x)[0][layer]


def _feature_maps(
    remove=True, mode="eval", back=True, track=False, take=lambda found, scores, given: found[-1], where=None
):
    """A `feature_maps` whose parts can be wrong."""

    def wrong(model, layer, x):
        before, found, given = [part.training for part in model.modules()], [], []

        def keep(_part, inputs, result):
            found.append(result)
            given.append(inputs[0])

        handle = model.get_submodule(where(model, layer) if where else layer).register_forward_hook(keep)
        if mode:
            model.train(mode == "train")
        with contextlib.nullcontext() if track else torch.no_grad():
            scores = model(x)
        if remove:
            handle.remove()
        if back == "whole":
            model.train(before[0])
        elif back:
            for part, training in zip(model.modules(), before, strict=True):
                part.training = training
        return take(found, scores, given)

    return wrong


_EARLIER: list = []


def _earlier(model, layer, x):
    """The hook writes into a list that outlives the call, and the first entry is read."""
    _EARLIER.append(_feature_maps()(model, layer, x))
    first = _EARLIER[0]
    if len(_EARLIER) == 2:  # what is checked is one call after another one
        _EARLIER.clear()
    return first


def _from_layer_alone(model, layer, x):
    part = model.get_submodule(layer)
    with torch.no_grad():
        return part(x)


def _off_for_good(model, layer, x):
    found = _feature_maps()(model, layer, x)
    torch.set_grad_enabled(False)
    return found


FEATURE_MAPS = Exercise(
    id="10.feature_maps",
    title="What a layer gives",
    points=14,
    cases=_maps_cases,
    oracle=_maps_oracle,
    probe="feature_maps",
    rtol=2e-4,
    forbidden=OURS,
    misconceptions={
        "the hook is left attached": Mistake(
            "Your maps are right, but the hook stays on the layer. It will run in every later forward pass, and "
            "whatever it stored stays in memory. register_forward_hook returns a handle; call the handle's remove().",
            _feature_maps(remove=False),
        ),
        "the maps keep their graph": Mistake(
            "Your maps still hold the graph of their forward pass, and with it the activations of every layer before "
            "them. Run the network in torch.no_grad(), or detach what you keep.",
            _feature_maps(track=True),
        ),
        "the network runs in training mode": Mistake(
            "If the network has batch normalization, these are not the maps that it uses when it names a dish, and "
            "every call moves its running statistics. Call model.eval() before the forward pass.",
            _feature_maps(mode=None),
        ),
        "the mode is not put back": Mistake(
            "Your maps are right, but you leave a network that came in training mode in evaluation mode. Remember "
            "which parts were training (part.training), and restore that.",
            _feature_maps(back=False),
        ),
        "one mode for all parts": Mistake(
            "Your maps are right, but model.train(...) puts every part into one mode. A part may have been in another mode than "
            "the whole, as a frozen BatchNorm is. Remember the mode of each part (part.training), and restore that.",
            _feature_maps(back="whole"),
        ),
        "the output of the network": Mistake(
            "You return the network's scores. The hook gets the layer's output as its third argument: keep that.",
            _feature_maps(take=lambda found, scores, given: scores),
        ),
        "what goes into the layer": Mistake(
            "You keep the layer's input. A forward hook gets the module, its inputs and its output, in this order.",
            _feature_maps(take=lambda found, scores, given: given[-1]),
        ),
        "the maps of an earlier call": Mistake(
            "You return the maps from an earlier call: a list outside the function collects them from call to call, "
            "and you read its first entry. Create the list inside the function.",
            _earlier,
        ),
        "the layer alone is run": Mistake(
            "You pass the picture straight to the layer. The layer should get what the layers before it make of the "
            "picture, so run the whole network.",
            _from_layer_alone,
        ),
        "only the first picture": Mistake(
            "You return the maps of the first picture only. The result needs one entry for each picture of the batch.",
            _feature_maps(take=lambda found, scores, given: found[-1][:1]),
        ),
        "a mean over the channels": Mistake(
            "You return one map for each picture, the mean of all channels. Each channel responds to something "
            "different, so keep them separate.",
            _feature_maps(take=lambda found, scores, given: found[-1].mean(dim=1)),
        ),
        "gradients are off for good": Mistake(
            "torch.set_grad_enabled(False) on a line of its own switches gradients off for the whole program. Use the "
            "context manager, with torch.no_grad():, which ends by itself.",
            _off_for_good,
        ),
    },
    hints=(
        "Four steps: put a hook on the layer, run the network, remove the hook, return what it caught.",
        "model.get_submodule(layer) finds the layer. Its method register_forward_hook(f) makes torch call f(module, "
        "inputs, output) in each forward pass, and returns a handle with a method remove().",
        "found = []; training = [part for part in model.modules() if part.training]; handle = "
        "part.register_forward_hook(keep), where keep(module, inputs, output) appends the output to found; then "
        "model.eval() and, in torch.no_grad(), model(x); handle.remove(); set part.training = True again for each "
        "part in training; return found[0].",
    ),
)


# --- 10.top_activating --------------------------------------------------------------------------------------


def _top_case(rng, label, shape, channel, k, negative=False, telling=False):
    """Maps without ties; where they are `telling`, every mistake shows, each in its own way."""
    while True:
        values = rng.permutation(int(np.prod(shape))).reshape(shape) / 4
        if negative:
            values = values - np.prod(shape) / 4 - 1
        maps = np.array(values, np.float32)
        found = [
            _top_oracle(maps, channel, k),
            *(wrong(maps, channel, k) for wrong in wrong_answers(TOP_ACTIVATING).values()),
        ]
        if not telling or len({str(one.tolist()) for one in found}) == len(found):
            return Case(label, maps=maps, channel=int(channel), k=int(k))


def _top_cases(rng):
    n, c = int(rng.integers(4, 7)), int(rng.integers(2, 4))
    yield _top_case(rng, "small maps", (3, 2, 2, 3), 1, 2)
    yield _top_case(rng, "many pictures", (n + 5, c + 2, 4, 7), c, 5)
    yield _top_case(rng, "all of them", (n, c + 1, 6, 3), 0, n)
    yield _top_case(rng, "only negative values", (n + 2, c + 3, 5, 4), c + 2, 4, negative=True, telling=True)
    yield _top_case(rng, "the best one", (n + 3, c + 1, 3, 8), 1, 1)


def _top_oracle(maps, channel, k):
    best = [
        (float(one[channel].max()), n, *divmod(int(one[channel].argmax()), maps.shape[3])) for n, one in enumerate(maps)
    ]
    return np.array([found[1:] for found in sorted(best, reverse=True)[:k]], dtype=np.int64)


def _top_activating(
    key=lambda m: m.reshape(len(m), -1).max(axis=1),
    where=None,
    order=-1,
    columns=(0, 1, 2),
    channel=lambda m, c: m[:, c],
):
    """A `top_activating` whose parts can be wrong."""

    def wrong(maps, c, k):
        own = channel(np.asarray(maps), c)
        chosen = np.argsort(order * key(own), kind="stable")[:k]
        flat = own.reshape(len(own), -1).argmax(axis=1)[chosen]
        row, column = np.divmod(flat, (where or (lambda m: m.shape[2]))(own))
        return np.stack([chosen, row, column], axis=1)[:, list(columns)]

    return wrong


def _places(maps, c, k):
    """The k largest values, wherever they are."""
    own = np.asarray(maps)[:, c]
    chosen = np.argsort(-own, axis=None, kind="stable")[:k]
    return np.stack(np.unravel_index(chosen, own.shape), axis=1)


def _places_not_in_order(maps, c, k):
    found = _top_activating()(maps, c, k)
    flat = np.asarray(maps)[:, c].reshape(len(maps), -1).argmax(axis=1)[:k]
    return np.stack([found[:, 0], *np.divmod(flat, maps.shape[3])], axis=1)


TOP_ACTIVATING = Exercise(
    id="10.top_activating",
    title="What a channel responds to most",
    points=10,
    cases=_top_cases,
    oracle=_top_oracle,
    probe="top_activating",
    forbidden=OURS,
    misconceptions={
        "the mean of the map, not its largest value": Mistake(
            "You rank the pictures by the mean of the map. A channel that finds something small in one place has a "
            "small mean, so rank by the largest value.",
            _top_activating(key=lambda m: m.reshape(len(m), -1).mean(axis=1)),
        ),
        "one picture several times": Mistake(
            "You take the k largest values wherever they are, so the same picture can appear more than once. Find "
            "each picture's largest value first, then rank the pictures.",
            _places,
        ),
        "the weakest come first": Mistake(
            "You take the pictures that the channel responds to least. Sort from the largest value down.",
            _top_activating(order=1),
        ),
        "the strongest come last": Mistake(
            "These are the right pictures, but in ascending order. The strongest should come first.",
            lambda maps, c, k: _top_activating()(maps, c, k)[::-1].copy(),
        ),
        "row and column are swapped": Mistake(
            "The second number should be the row, counted from the top, and the third the column. Yours are swapped.",
            _top_activating(columns=(0, 2, 1)),
        ),
        "the place is divided by the height": Mistake(
            "In a flattened map argmax counts along the rows. A row has as many numbers as the map is wide, so divide "
            "by the width, not by the height.",
            _top_activating(where=lambda m: m.shape[1]),
        ),
        "the magnitude is ranked": Mistake(
            "You rank by magnitude, so strongly negative values come first. A channel is active where its value is "
            "large.",
            _top_activating(key=lambda m: np.abs(m.reshape(len(m), -1)).max(axis=1)),
        ),
        "places of other pictures": Mistake(
            "The pictures are right, but their places are those of the first k pictures. Put the places into the order of the "
            "pictures, too: index both with the same numbers.",
            _places_not_in_order,
        ),
        "all channels are taken together": Mistake(
            "You look for the largest value of any channel. Select the one channel first: maps[:, channel].",
            _top_activating(channel=lambda m, c: m.max(axis=1)),
        ),
    },
    hints=(
        "Two questions, one after the other: how large is each picture's maximum, and where is it?",
        "maps[:, channel].flatten(1) has one row for each picture, and .max(dim=1) gives the values and their places. "
        "topk or argsort ranks them.",
        "values, places = maps[:, channel].flatten(1).max(dim=1); best = values.topk(k).indices; row = places[best] // width, column = "
        "places[best] % width; torch.stack((best, row, column), dim=1).",
    ),
)


# --- 10.occlusion_map ---------------------------------------------------------------------------------------


def _ranked(net, x):
    return np.argsort(-_forward(net, x)[1][0], kind="stable")


def _occlusion_case(rng, label, make, shape, rank, **how):
    """A network and a picture for which the class in place `rank` is asked; under some of the squares another class is named."""
    while True:
        net, x = make(), _quarters(rng, *shape)
        named = int(_ranked(net, x)[0])
        scores = _forward(net, _covered(x, **how))[1]
        if (scores.argmax(axis=1) != named).any():
            return Case(label, net=net, x=x, target=int(_ranked(net, x)[rank]), **how)


def _covered(x, size, stride, value):
    """All covered pictures of one, row by row."""
    covered = []
    for top in range(0, x.shape[2] - size + 1, stride):
        for left in range(0, x.shape[3] - size + 1, stride):
            there = np.zeros(x.shape[2:], bool)
            there[top : top + size, left : left + size] = True
            covered.append(np.where(there, value, x[0]))
    return np.stack(covered)


def _occlusion_cases(rng):
    def two(channels, classes, relu=True):
        return lambda: _net(rng, channels, [(2, 3), (2, 2)], [1, 1], classes, relu)

    value = float(rng.integers(1, 4)) / 2
    yield _occlusion_case(rng, "a linear network", lambda: _net(rng, (1, 2), [(2, 2)], [1], 3, False), (1, 1, 4, 5), 1, size=2, stride=1, value=value)  # fmt: skip
    yield _occlusion_case(rng, "a class that is not the first", two((3, 4, 3), 4), (1, 3, 7, 9), 1, size=3, stride=1, value=value + 0.5)  # fmt: skip
    yield _occlusion_case(rng, "stride 2", two((2, 3, 4), 5), (1, 2, 9, 12), 2, size=3, stride=2, value=-value)
    yield _occlusion_case(rng, "the square does not come out even", two((3, 3, 4), 3), (1, 3, 10, 8), 1, size=3, stride=4, value=0.75)  # fmt: skip
    yield _occlusion_case(
        rng, "a large square", two((3, 4, 5), 4, False), (1, 3, 8, 11), 3, size=6, stride=2, value=0.5
    )


def _occlusion_oracle(net, x, target, size, stride, value):
    drops = _forward(net, x)[1][0, target] - _forward(net, _covered(x, size, stride, value))[1][:, target]
    return drops.reshape((x.shape[2] - size) // stride + 1, (x.shape[3] - size) // stride + 1)


def _occlusion_map(
    score=lambda s, t, top: s[t],
    give=lambda base, found: base - found,
    fill=lambda v, x: v,
    last=0,
    step=lambda size, stride: stride,
    channels=slice(None),
    clone=True,
    track=False,
    change=lambda s: s,
    swap=False,
):
    """An `occlusion_map` whose parts can be wrong."""

    def wrong(model, x, target, size, stride, value):
        height, width = x.shape[2:]
        shift = step(size, stride)
        with contextlib.nullcontext() if track else torch.no_grad():
            scores = change(model(x))[0]
            first = int(scores.argmax())
            base = score(scores, target, first)
            tops, lefts = range(0, height - size + 1 - last, shift), range(0, width - size + 1 - last, shift)
            rows, kept = [], x.clone() if clone == "once" else x
            for top in tops:
                row = []
                for left in lefts:
                    covered = x.clone() if clone is True else kept
                    covered[:, channels, top : top + size, left : left + size] = fill(value, x)
                    row.append(score(change(model(covered))[0], target, first))
                rows.append(torch.stack(row) if row else torch.zeros(0))
            found = torch.stack(rows) if rows else torch.zeros(0, 0)
            return (give(base, found)).T if swap else give(base, found)

    return wrong


def _stride_in_the_size_alone(model, x, target, size, stride, value):
    dense = _occlusion_map(step=lambda size, stride: 1)(model, x, target, size, stride, value)
    return dense[: (x.shape[2] - size) // stride + 1, : (x.shape[3] - size) // stride + 1]


OCCLUSION_MAP = Exercise(
    id="10.occlusion_map",
    title="Cover a part and see what happens",
    points=14,
    cases=_occlusion_cases,
    oracle=_occlusion_oracle,
    probe="occlusion_map",
    rtol=2e-4,
    forbidden=OURS,
    misconceptions={
        "the score of the class that is named after covering": Mistake(
            "You take the largest score of the covered picture, whichever class it belongs to. When the square hides "
            "the pizza, that may be the score of soup. Follow the class that was asked for.",
            _occlusion_map(score=lambda s, t, top: s.max()),
        ),
        "the class that is named, not the one that is asked for": Mistake(
            "You follow the class that the network names for the whole picture. The question is about the class "
            "target.",
            _occlusion_map(score=lambda s, t, top: s[top]),
        ),
        "scores instead of drops": Mistake(
            "You return the covered pictures' scores. What counts is the loss: the score of the whole picture minus "
            "the score of the covered one.",
            _occlusion_map(give=lambda base, found: found),
        ),
        "the sign of the drop": Mistake(
            "Your numbers have the wrong sign. Where the score falls, the map should be positive: whole minus covered.",
            _occlusion_map(give=lambda base, found: found - base),
        ),
        "the square is always 0": Mistake(
            "You fill the square with 0, whatever value is. In a picture with values from 0 to 1 that is a black "
            "square, and the network may take it for something.",
            _occlusion_map(fill=lambda v, x: 0.0),
        ),
        "the square is filled with the mean": Mistake(
            "You fill the square with the picture's mean. Use the argument value.",
            _occlusion_map(fill=lambda v, x: float(x.mean())),
        ),
        "the last row and column are left out": Mistake(
            "Your map lacks the last positions of the square. It can start anywhere from 0 up to and including H - "
            "size: range(0, H - size + 1, stride).",
            _occlusion_map(last=1),
        ),
        "the square moves by its own size": Mistake(
            "You move the square by its own size. Move it by stride.",
            _occlusion_map(step=lambda size, stride: size),
        ),
        "the stride is ignored": Mistake(
            "You move the square by one pixel. Move it by stride, in both directions.",
            _occlusion_map(step=lambda size, stride: 1),
        ),
        "the stride is in the map's size alone": Mistake(
            "Your map has the right size, but entry (i, j) belongs to a square that starts at row i and column j. It starts at "
            "i * stride and j * stride.",
            _stride_in_the_size_alone,
        ),
        "the picture itself is covered": Mistake(
            "You write the square into the picture that you were given. That picture belongs to the caller, and from "
            "the second position on it contains all earlier squares too. Make a new copy for each position.",
            _occlusion_map(clone=False),
        ),
        "the squares pile up": Mistake(
            "You make one copy and cover more and more of it. Each position needs a fresh copy with a single square.",
            _occlusion_map(clone="once"),
        ),
        "only the first channel is covered": Mistake(
            "You cover the first channel only, so the square is just a change of color, and the network still sees "
            "through it in the others. Cover all channels.",
            _occlusion_map(channels=slice(0, 1)),
        ),
        "probabilities instead of scores": Mistake(
            "You apply softmax. A probability also falls when another class's score rises, so use the scores as they "
            "are.",
            _occlusion_map(change=lambda s: s.softmax(1)),
        ),
        "rows and columns are swapped": Mistake(
            "Your map is transposed. Its first axis is the square's distance from the top, its second the distance "
            "from the left.",
            _occlusion_map(swap=True),
        ),
        "gradients are tracked": Mistake(
            "The map may be right, but for every forward pass torch builds a graph for a backward pass that never "
            "comes. Wrap the loop in torch.no_grad().",
            _occlusion_map(track=True),
        ),
    },
    hints=(
        "Two loops, over the rows and the columns where the square starts. Inside: copy, cover, ask the network, "
        "subtract.",
        "The square starts at range(0, H - size + 1, stride), and in the same way along W. In a copy x.clone(), "
        "covered[:, :, top:top+size, left:left+size] = value covers it.",
        "base = model(x)[0, target]; in the loops, heat[i, j] = base - model(covered)[0, target], all in torch.no_grad(). heat has "
        "the shape ((H - size) // stride + 1, (W - size) // stride + 1).",
    ),
)


# --- 10.saliency --------------------------------------------------------------------------------------------


def _slope_case(rng, label, make, shape, rank):
    net, x = make(), _quarters(rng, *shape)
    return Case(label, net=net, x=x, target=int(_ranked(net, x)[rank]))


def _saliency_cases(rng):
    def two(channels, classes, strides=(1, 1), relu=True):
        return lambda: _open_net(rng, channels, [(2, 3), (2, 2)], strides, classes, relu)

    yield _slope_case(rng, "a linear network", lambda: _net(rng, (2, 2), [(2, 2)], [1], 3, False), (1, 2, 3, 4), 1)
    yield _slope_case(rng, "with ReLU", two((3, 4, 5), 4), (1, 3, 7, 9), 1)
    yield _slope_case(rng, "a stride of 2", two((3, 5, 4), 5, (2, 1)), (1, 3, 9, 12), 2)
    yield _slope_case(rng, "two linear stages", two((4, 3, 5), 3, relu=False), (1, 4, 6, 8), 1)


def _open_net(rng, *how):
    """A network with biases that keep most of its ReLUs open."""
    net = _net(rng, *how)
    net["biases"] = [np.abs(bias) + 1 for bias in net["biases"]]
    return net


def _saliency_oracle(net, x, target):
    return np.abs(_backward(net, x, target)["x"][0]).max(axis=0)


def _saliency(of=lambda s, t: s[0, t], give=lambda g, x: g.abs().amax(1)[0], way="grad"):
    """A `saliency` whose parts can be wrong; `way`: how the slope is taken, "grad", "x" (of the picture itself), "copy"."""

    def wrong(model, x, target):
        at = x if way in ("x", "wants") else x.detach().clone()
        at.requires_grad_()
        score = of(model(at), target)
        if way in ("grad", "wants"):
            (slope,) = torch.autograd.grad(score, at)
        elif way == "x":
            score.backward()
            model.zero_grad()
            slope = at.grad
        else:
            score.backward()
            slope = at.grad
        return give(slope, x).detach()

    return wrong


def _entropy(scores, target):
    return F.cross_entropy(scores, torch.tensor([target]))


SALIENCY = Exercise(
    id="10.saliency",
    title="How each pixel changes the score",
    points=10,
    cases=_saliency_cases,
    oracle=_saliency_oracle,
    probe="saliency",
    rtol=2e-4,
    forbidden=OURS,
    misconceptions={
        "the sign is kept": Mistake(
            "You keep the sign, so pixels that would raise the score by becoming darker count as negative. Saliency "
            "asks how much a pixel matters: take the magnitude, before the maximum over the channels.",
            _saliency(give=lambda g, x: g.amax(1)[0]),
        ),
        "magnitude after the maximum": Mistake(
            "You take the maximum over the channels first and the magnitude afterwards, so a channel with a strongly "
            "negative slope is lost. Swap the two.",
            _saliency(give=lambda g, x: g.amax(1)[0].abs()),
        ),
        "a map for each channel": Mistake(
            "Your result still has channels. Take the largest magnitude over the channels, so that each pixel has one "
            "number.",
            _saliency(give=lambda g, x: g.abs()[0]),
        ),
        "the mean over the channels": Mistake(
            "You average over the channels. Simonyan and others take the largest magnitude.",
            _saliency(give=lambda g, x: g.abs().mean(1)[0]),
        ),
        "the sum over the channels": Mistake(
            "You add up the channels. Simonyan and others take the largest magnitude.",
            _saliency(give=lambda g, x: g.abs().sum(1)[0]),
        ),
        "the slope of the loss": Mistake(
            "You differentiate the loss. It depends on all scores, and where the network is confident its slope is "
            "nearly 0. Differentiate the score of the class itself.",
            _saliency(of=_entropy),
        ),
        "the slope of the probability": Mistake(
            "You differentiate the probability after softmax. It also rises when another score falls, and near 1 it "
            "is flat. Differentiate the score.",
            _saliency(of=lambda s, t: s.softmax(1)[0, t]),
        ),
        "the class that the network names": Mistake(
            "You differentiate the largest score. The question is about the class target.",
            _saliency(of=lambda s, t: s.max()),
        ),
        "all scores at once": Mistake(
            "You differentiate the sum of all scores. Pick the score of the class target: scores[0, target].",
            _saliency(of=lambda s, t: s.sum()),
        ),
        "slope times picture": Mistake(
            "You multiply the slope by the picture. That is a different instrument (gradient times input), in which "
            "black pixels never count.",
            _saliency(give=lambda g, x: (g * x).abs().amax(1)[0]),
        ),
        "scaled to 1": Mistake(
            "You divide by the largest value. That is handy for a figure, but then two plates can no longer be "
            "compared. Return the slopes as they are.",
            _saliency(give=lambda g, x: (g.abs().amax(1) / g.abs().max())[0]),
        ),
        "the gradient stays in the picture": Mistake(
            "backward() adds to x.grad, and x belongs to the caller: a second call would return the sum of two "
            "gradients. Use a copy, x.detach().clone().requires_grad_(), or torch.autograd.grad.",
            _saliency(way="x"),
        ),
        "the picture is left requiring gradients": Mistake(
            "After your call the caller's picture requires gradients, so everything computed from it from now on "
            "keeps a graph. Let a copy require them.",
            _saliency(way="wants"),
        ),
        "gradients stay in the weights": Mistake(
            "backward() also fills the .grad of every weight, and the next training step would add its own gradients "
            "to those. torch.autograd.grad(score, x) touches nothing else; or call model.zero_grad() at the end.",
            _saliency(way="copy"),
        ),
    },
    hints=(
        "Run a forward pass on a copy of the picture that requires gradients, pick one score, and take its gradient "
        "with respect to the copy.",
        "x = x.detach().clone().requires_grad_(); (slope,) = torch.autograd.grad(model(x)[0, target], x). The slope has x's shape, "
        "(1, C, H, W).",
        "slope.abs().amax(dim=1)[0]: the magnitude first, then the largest over the channels, then the only picture "
        "of the batch.",
    ),
)


# --- 10.grad_cam --------------------------------------------------------------------------------------------


def _coarse(net, layer, x, target):
    maps, slope = _forward(net, x)[0][layer][0], _backward(net, x, target)[layer][0]
    return np.einsum("c,chw->hw", slope.mean(axis=(1, 2)), maps)


def _cam_case(rng, label, make, layer, shape, rank):
    """A network, a picture and a class for which the map is partly positive and partly negative."""
    while True:
        net, x = make(), _quarters(rng, *shape)
        target, named = int(_ranked(net, x)[rank]), layer.format(*net["names"])
        coarse = _coarse(net, named, x, target)
        share = (coarse > 0.05 * np.abs(coarse).max()).mean()
        if 0.25 <= share <= 0.75 and (coarse < -0.1 * np.abs(coarse).max()).mean() >= 0.2:
            return Case(label, net=net, layer=named, x=x, target=target)


def _cam_cases(rng):
    def two(channels, kernels, classes, strides=(1, 1), relu=True):
        return lambda: _open_net(rng, channels, kernels, strides, classes, relu)

    yield _cam_case(rng, "a linear network", two((1, 2), [(2, 2)], 3, [1], False), "{0}", (1, 1, 4, 5), 1)
    yield _cam_case(rng, "the last layer", two((3, 4, 5), [(2, 3), (3, 2)], 4), "{1}", (1, 3, 8, 10), 1)
    yield _cam_case(rng, "a layer in the middle", two((2, 5, 3), [(3, 2), (2, 3)], 5), "{0}", (1, 2, 9, 7), 2)
    yield _cam_case(rng, "a stride of 2", two((3, 4, 6), [(3, 3), (2, 2)], 3, (2, 1)), "{1}", (1, 3, 11, 14), 1)
    yield _cam_case(rng, "before the last ReLU", two((3, 3, 4), [(2, 2), (2, 3)], 4), "{1}.conv", (1, 3, 9, 8), 1)


def _cam_oracle(net, layer, x, target):
    return _enlarged(np.maximum(_coarse(net, layer, x, target), 0), *x.shape[2:])


def _weighted(maps, slope):
    return (slope.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True)


def _bilinear(coarse, x, **how):
    return F.interpolate(coarse, size=x.shape[2:], **(how or {"mode": "bilinear", "align_corners": False}))


def _grad_cam(
    of=lambda s, t: s[0, t],
    cam=lambda maps, slope: _weighted(maps, slope).relu(),
    grow=_bilinear,
    last=lambda m: m[0, 0].detach(),
    way="grad",
):
    """A `grad_cam` whose parts can be wrong."""

    def wrong(model, layer, x, target):
        found = []
        handle = model.get_submodule(layer).register_forward_hook(lambda _part, _given, result: found.append(result))
        score = of(model(x), target)
        if way == "backward":
            found[0].retain_grad()
            score.backward()
            slope = found[0].grad
        else:
            (slope,) = torch.autograd.grad(score, found[0])
        if way != "hook":
            handle.remove()
        return last(grow(cam(found[0], slope), x))

    return wrong


GRAD_CAM = Exercise(
    id="10.grad_cam",
    title="Where the evidence for a class is",
    points=16,
    cases=_cam_cases,
    oracle=_cam_oracle,
    probe="grad_cam",
    rtol=3e-4,
    forbidden=OURS,
    misconceptions={
        "no ReLU": Mistake(
            "Your map has negative places, which speak against the class. Grad-CAM shows only what speaks for it: "
            "apply ReLU to the sum.",
            _grad_cam(cam=_weighted),
        ),
        "ReLU before the sum": Mistake(
            "You apply ReLU to each channel's contribution and add up afterwards, so nothing can speak against the "
            "class any more. First the sum over the channels, then ReLU.",
            _grad_cam(cam=lambda m, g: (g.mean(dim=(2, 3), keepdim=True) * m).relu().sum(1, keepdim=True)),
        ),
        "ReLU after enlarging": Mistake(
            "You enlarge first and apply ReLU afterwards. Between a positive and a negative cell that gives different "
            "values. First ReLU, then enlarge.",
            _grad_cam(cam=_weighted, grow=lambda c, x: _bilinear(c, x).relu()),
        ),
        "the weights are not averaged over space": Mistake(
            "You multiply slopes and maps position by position. In Grad-CAM a channel has a single weight: the mean "
            "of its slopes over all positions.",
            _grad_cam(cam=lambda m, g: (g * m).sum(1, keepdim=True).relu()),
        ),
        "the slopes are added, not averaged": Mistake(
            "You add up the slopes over space. The picture looks the same, but its numbers grow with the size of the "
            "map. Take the mean.",
            _grad_cam(cam=lambda m, g: (g.sum(dim=(2, 3), keepdim=True) * m).sum(1, keepdim=True).relu()),
        ),
        "the mean over channels": Mistake(
            "You average over the channels instead of adding them up.",
            _grad_cam(cam=lambda m, g: (g.mean(dim=(2, 3), keepdim=True) * m).mean(1, keepdim=True).relu()),
        ),
        "the maps have no weights": Mistake(
            "You add up the maps without weights. Then the result is the same for every class: it shows where the "
            "layer is active, not what speaks for the class.",
            _grad_cam(cam=lambda m, g: m.sum(1, keepdim=True).relu()),
        ),
        "the slopes alone": Mistake(
            "You show the slopes without the maps. A channel that matters but finds nothing is no evidence: multiply "
            "by the map.",
            _grad_cam(cam=lambda m, g: g.sum(1, keepdim=True).relu()),
        ),
        "not enlarged": Mistake(
            "Your map has the layer's size. Enlarge it to the picture's size, so that it can be laid over the picture.",
            _grad_cam(grow=lambda c, x: c),
        ),
        "enlarged in steps": Mistake(
            "You repeat the nearest value. Enlarge with mode='bilinear'.",
            _grad_cam(grow=lambda c, x: _bilinear(c, x, mode="nearest")),
        ),
        "corners are aligned": Mistake(
            "You enlarge with align_corners=True, which pulls the centers of the corner cells to the picture's "
            "corners, so everything shifts. Use align_corners=False.",
            _grad_cam(grow=lambda c, x: _bilinear(c, x, mode="bilinear", align_corners=True)),
        ),
        "the slope of the loss": Mistake(
            "You differentiate the loss. Its slope has the opposite sign and depends on all scores. Differentiate the "
            "class's score.",
            _grad_cam(of=_entropy),
        ),
        "the slope of the probability": Mistake(
            "You differentiate the probability after softmax, which depends on all scores. Differentiate the class's "
            "score.",
            _grad_cam(of=lambda s, t: s.softmax(1)[0, t]),
        ),
        "the class that the network names": Mistake(
            "You differentiate the largest score. The question is about the class target: you may well want to know "
            "where the network sees soup in a pizza.",
            _grad_cam(of=lambda s, t: s.max()),
        ),
        "scaled to 1": Mistake(
            "You divide by the largest value. Then weak evidence looks like strong evidence. Return the map as it is.",
            _grad_cam(last=lambda m: (m[0, 0] / m.max()).detach()),
        ),
        "the hook is left attached": Mistake(
            "Your map is right, but the hook stays on the layer. Call its handle's remove().",
            _grad_cam(way="hook"),
        ),
        "gradients stay in the weights": Mistake(
            "backward() also fills the .grad of every weight, and the next training step would add its own gradients "
            "to those. torch.autograd.grad(score, maps) touches nothing else; or call model.zero_grad() at the end.",
            _grad_cam(way="backward"),
        ),
        "the map keeps its graph": Mistake(
            "Your map still holds the graph of its forward pass, with the activations of every layer. Detach it.",
            _grad_cam(last=lambda m: m[0, 0]),
        ),
    },
    hints=(
        "You need two things from the layer: its maps, which a forward hook catches, and the slope of the score with "
        "respect to these maps.",
        "This time keep the maps with their graph. torch.autograd.grad(model(x)[0, target], maps) gives the slopes; "
        "their mean over the last two axes is each channel's weight.",
        "coarse = (slope.mean(dim=(2, 3), keepdim=True) * maps).sum(dim=1, keepdim=True).relu(); F.interpolate(coarse, size=x.shape[2:], "
        'mode="bilinear", align_corners=False)[0, 0].detach(). And handle.remove().',
    ),
)


# --- 10.maximize_activation ---------------------------------------------------------------------------------

# A linear network's best picture is known: 1 where the slope is positive, 0 where it is negative. How far a picture is on the way to it
# is what counts. The strides leave gaps: some pixels have no slope and keep the noise of the start, so that equal pictures show a start
# that does not come from the generator.


def _climb_case(rng, label, channels, kernels, strides, classes, shape, scale, steps=None, weight=1.0):
    while True:
        net = _net(rng, channels, kernels, strides, classes, relu=False)
        net["head"] = net["head"] * scale
        slope = inspection.slopes(net, shape)
        size = np.abs(slope).reshape(classes, -1)
        seen = size[0] > 0
        unit = int(rng.integers(classes))
        best = [np.where(one > 0, 1.0, np.where(one < 0, 0.0, 0.5)) for one in slope]
        others = [k for k in range(classes) if k != unit]
        if not size.sum(axis=1).all() or not 0.05 < 1 - seen.mean() < 0.9:
            continue
        # Another unit's best picture, or that of all units, must not be a good one for this unit.
        total = slope.sum(axis=0)
        if inspection.climbed(slope[unit], np.where(total > 0, 1.0, np.where(total < 0, 0.0, 0.5))) > 0.7:
            continue
        if min(inspection.climbed(slope[k], best[k]) for k in range(classes)) < 0.999 or max(abs(inspection.climbed(slope[unit], best[k])) for k in others) > 0.6:  # fmt: skip
            continue
        if steps and not _one_step_tells(slope[unit]):
            continue
        return Case(label, weight=weight, net=net, unit=unit, shape=shape, steps=steps or int(rng.integers(40, 50)), rng=generator(rng, 2**31))  # fmt: skip


def _one_step_tells(slope):
    """Whether a step of 0.05 or 0.1 leads by far not so high as one of 1 does."""
    small, large = (np.clip(0.5 + size * slope / np.sqrt((slope**2).mean()), 0, 1) for size in (0.1, 1.0))
    small, large = inspection.climbed(slope, small), inspection.climbed(slope, large)
    return small < inspection.ONE_STEP - 0.2 and large > inspection.ONE_STEP + 0.1


def _climb_cases(rng):
    yield _climb_case(rng, "a linear network", (1, 2), [(2, 2)], [3], 3, (1, 12, 15), 1.0)
    yield _climb_case(rng, "tiny slopes", (3, 4), [(2, 3)], [4], 4, (3, 18, 23), 1e-4)
    yield _climb_case(rng, "huge slopes", (2, 4), [(3, 3)], [4], 3, (2, 16, 20), 1e4)
    # Judged by how little is done: little to earn for whoever does nothing.
    yield _climb_case(rng, "a single step", (1, 3), [(2, 2)], [3], 3, (1, 15, 12), 1.0, steps=1, weight=0.4)


def _climb_oracle(net, unit, shape, steps, rng):
    return inspection.REACHED if steps > 1 else inspection.BEGUN


def _maximize(
    of=lambda s, unit: s[0, unit],
    sign=1.0,
    step=lambda g: g / (g.pow(2).mean().sqrt() + 1e-12),
    keep=lambda x: x.clamp(0, 1),
    start=lambda shape, rng: 0.5 + 0.05 * rng.standard_normal((1, *shape)),
    way="grad",
    last=lambda x: x,
):
    """A `maximize_activation` whose parts can be wrong."""

    def wrong(model, unit, shape, steps, rng):
        x = torch.as_tensor(start(shape, rng)).float()
        for _ in range(steps):
            x = x.detach().requires_grad_()
            score = of(model(x), unit)
            if way == "backward":
                score.backward()
                slope = x.grad
            else:
                (slope,) = torch.autograd.grad(score, x)
            x = keep(x.detach() + sign * 0.05 * step(slope))
        return last(x[0].detach())

    return wrong


def _trains(model, unit, shape, steps, rng):
    """The optimizer is given the weights."""
    x = torch.from_numpy(rng.random((1, *shape))).float()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        (-model(x)[0, unit]).backward()
        optimizer.step()
    optimizer.zero_grad()
    return x[0]


_CALLS = itertools.count()


def _global_noise(shape, rng):
    """Other noise at each of the probe's three calls; the same each time that a sheet is made."""
    noise = np.random.default_rng([7, next(_CALLS) % 3]).standard_normal((1, *shape))
    return torch.from_numpy(0.5 + 0.05 * noise).float()


def _keeps_graph(model, unit, shape, steps, rng):
    x = _maximize()(model, unit, shape, steps, rng)
    return x.requires_grad_()


MAXIMIZE = Exercise(
    id="10.maximize_activation",
    title="A picture that activates a unit",
    points=14,
    cases=_climb_cases,
    oracle=_climb_oracle,
    probe="maximize_activation",
    forbidden=OURS,
    misconceptions={
        "downhill": Mistake(
            "You subtract the slope, as in training. Here the unit should become more active, so add it.",
            _maximize(sign=-1.0),
        ),
        "the slope is not normalized": Mistake(
            "You add the slope as it is. Its size depends on the unit: where it is tiny, the picture hardly changes "
            "in all your steps. Divide the slope by its root mean square, so that every step has the same length.",
            _maximize(step=lambda g: g),
        ),
        "the picture leaves its range": Mistake(
            "Your picture has values below 0 or above 1. That way the unit can be driven as far as you like, by "
            "pictures that cannot exist. Clamp after each step.",
            _maximize(keep=lambda x: x),
        ),
        "clamped at the end alone": Mistake(
            "You clamp once, after the last step. On the way there the network is shown pictures that cannot exist, and the slope "
            "that you follow is a slope there. Clamp after each step.",
            _maximize(keep=lambda x: x, last=lambda x: x.clamp(0, 1)),
        ),
        "the start is not gray": Mistake(
            "Pixels that make no difference to the unit keep what they began with, and yours do not begin near 0.5. Start from "
            "gray, 0.5, with a little noise around it.",
            _maximize(start=lambda shape, rng: rng.random((1, *shape))),
            also=[_maximize(start=lambda shape, rng: (0.05 * rng.standard_normal((1, *shape))).clip(0, 1))],
        ),
        "divided by the slope's length": Mistake(
            "You divide the slope by its length. A picture has many pixels, so each of them hardly moves. Divide by the root of the "
            "mean of the squares, not of their sum.",
            _maximize(step=lambda g: g / g.norm()),
        ),
        "the slope of the probability": Mistake(
            "You climb the probability after softmax, which also rises when another score falls. Climb the score itself.",
            _maximize(of=lambda s, unit: s.softmax(1)[0, unit]),
            also=[_maximize(of=lambda s, unit: s.softmax(1)[0, unit], step=lambda g: g / g.pow(2).mean().sqrt())],
        ),
        "all units at once": Mistake(
            "You climb the sum of all scores. Pick the one unit: model(x)[0, unit].",
            _maximize(of=lambda s, unit: s.sum()),
        ),
        "another unit": Mistake(
            "You climb another unit's score. Pick model(x)[0, unit].",
            _maximize(of=lambda s, unit: s[0, (unit + 1) % s.shape[1]]),
        ),
        "every start is the same": Mistake(
            "The same picture comes out whichever generator you are given. Draw the noise that you start from with "
            "rng; then several starts show whether the unit responds to one thing or to many.",
            _maximize(start=lambda shape, rng: np.full((1, *shape), 0.5)),
        ),
        "noise from another generator": Mistake(
            "With the same generator in the same state, you return a different picture each time: your noise comes "
            "from torch's or NumPy's global generator. Draw it with rng.",
            _maximize(start=_global_noise),
        ),
        "the weights are trained": Mistake(
            "You change the network's weights. Here the network stays as it is and the picture changes: take the "
            "slope with respect to the picture.",
            _trains,
        ),
        "gradients stay in the weights": Mistake(
            "backward() also fills the .grad of every weight. torch.autograd.grad(score, x) touches nothing else; or "
            "call model.zero_grad() at the end.",
            _maximize(way="backward"),
        ),
        "the picture keeps its graph": Mistake(
            "The picture that you return still requires gradients. Detach it.",
            _keeps_graph,
        ),
    },
    hints=(
        "It is the gradient descent of chapter 07 with two changes: the picture moves instead of the weights, and it "
        "goes uphill.",
        "In each step, take the slope of model(x)[0, unit] with respect to x, divide it by "
        "slope.pow(2).mean().sqrt(), add 0.05 times that, and clamp to the range from 0 to 1.",
        "Start from 0.5 + 0.05 * rng.standard_normal((1, *shape)), as float32. Before each step x = x.detach().requires_grad_(). Return "
        "x[0].detach().",
    ),
)


# --- 10.nearest_neighbors ----------------------------------------------------------------------------------


def _cosines(features, query):
    length = np.sqrt((features**2).sum(axis=1))
    return features @ features[query] / (length * length[query])


def _unit_cosines(features, query):
    """The cosine by sums of products, which are the same to the last bit for rows that are."""
    unit = features / np.sqrt((features**2).sum(axis=1, keepdims=True))
    return (unit * unit[query]).sum(axis=1)


def _neighbors_case(rng, label, n, d, k, unit=1.0, twin=0):
    """Vectors of very different lengths: length must not count. The query is neither the first nor the last.

    The row `twin` places behind the query, where it is not 0, is the same as the query.
    """
    while True:
        features = unit * (rng.standard_normal((n, d)) * rng.uniform(0.2, 4.0, (n, 1)) + rng.standard_normal(d))
        query = int(rng.integers(1, n - 2))
        features[query + twin] = features[query]
        right = _near(features, query, k)
        # Every mistake must give something else, and no two neighbors may be nearly alike.
        wrong = [_near_euclid, _near_dot, _near_farthest, _near_columns, _near_shifted]
        found = np.sort(np.delete(_cosines(features, query), query))
        clipped = np.clip(features, -100, 100)
        padded = features / (np.linalg.norm(features, axis=1, keepdims=True) + 1e-4)
        others = [_near(clipped, query, k)] if unit > 1 else [_near_dot(padded, query, k)] if unit < 1 else []
        if any(list(other) == list(right) for other in others):
            continue
        if np.diff(found).min() > 1e-5 and all(list(w(features, query, k)) != list(right) for w in wrong):
            lists = [tuple(w(features, query, k)) for w in wrong]
            if len(set(lists)) == len(lists):
                return Case(label, features=features, query=query, k=k)


def _small_neighbors(rng):
    a, b = (int(v) for v in rng.integers(2, 5, 2))
    features = np.array([[1, 1], [0, b], [a, 0], [4 * a, 1], [-2, 1], [5, 6]], dtype=float)
    return Case("two numbers each", features=features, query=2, k=2)


def _neighbors_cases(rng):
    yield _small_neighbors(rng)
    yield _neighbors_case(rng, "one neighbor", 9, 4, 1)
    yield _neighbors_case(rng, "many short vectors", 40, 6, 8, 1e-4)
    yield _neighbors_case(rng, "long vectors, all the others", 25, 30, 24, 100.0)
    yield _neighbors_case(rng, "the same picture twice, the query after it", 8, 5, 3, twin=-1)
    yield _neighbors_case(rng, "the same picture twice, the query before it", 8, 5, 3, twin=1)


def _neighbors_oracle(features, query, k):
    from scipy.spatial.distance import cdist

    distance = cdist(features[query : query + 1], features, "cosine")[0]
    distance[query] = np.inf
    return np.argsort(distance, kind="stable")[:k]


def _first(values, query, k):
    values = np.array(values, dtype=float)
    values[query] = -np.inf
    return np.argsort(-values, kind="stable")[:k]


def _near(features, query, k):
    return _first(_cosines(features, query), query, k)


def _near_euclid(features, query, k):
    return _first(-((features - features[query]) ** 2).sum(axis=1), query, k)


def _near_dot(features, query, k):
    return _first(features @ features[query], query, k)


def _near_farthest(features, query, k):
    return _first(-_cosines(features, query), query, k)


def _near_columns(features, query, k):
    unit = features / np.sqrt((features**2).sum(axis=0))
    return _first(unit @ unit[query], query, k)


def _near_shifted(features, query, k):
    """The query's own entry is taken out, and the numbers of those behind it move up by one."""
    return np.argsort(-np.delete(_cosines(features, query), query), kind="stable")[:k]


def _near_zeroed(features, query, k):
    values = _cosines(features, query)
    values[query] = 0.0
    return np.argsort(-values, kind="stable")[:k]


NEAREST = Exercise(
    id="10.nearest_neighbors",
    title="What looks alike to the network",
    points=8,
    cases=_neighbors_cases,
    oracle=_neighbors_oracle,
    forbidden=NEIGHBORS,
    misconceptions={
        "the picture finds itself": Mistake(
            "The nearest picture of all is the query itself, with a cosine of 1. Leave it out.",
            lambda f, q, k: np.argsort(-_cosines(f, q), kind="stable")[:k],
        ),
        "Euclidean distance": Mistake(
            "You use the distance between the vectors. Then a weak and a strong response to the same thing are far "
            "apart. The cosine compares directions only: divide each vector by its length first.",
            _near_euclid,
        ),
        "not divided by the lengths": Mistake(
            "You use the dot product without dividing by the lengths, so long vectors come first, wherever they point.",
            _near_dot,
        ),
        "the farthest": Mistake(
            "You return the least similar ones. The cosine is 1 for the same direction and -1 for the opposite one: "
            "sort from the largest down.",
            _near_farthest,
        ),
        "columns are divided, not rows": Mistake(
            "You divide each feature by its length over all pictures. A picture is a row: take the lengths with "
            "axis=1.",
            _near_columns,
        ),
        "the indices are shifted": Mistake(
            "You delete the query before you sort, so every index behind it is too small by one. Give the query a "
            "value that comes last instead of deleting it.",
            _near_shifted,
        ),
        "the query's cosine is set to 0": Mistake(
            "You set the query's own cosine to 0. Cosines may be negative, and then 0 wins. Give it a value that comes last.",
            _near_zeroed,
        ),
        "the sign is lost": Mistake(
            "You sort by the size of the cosine, so that a picture of the opposite direction counts as near. Its cosine is -1, the "
            "lowest there is: leave out the absolute value.",
            lambda f, q, k: _first(np.abs(_cosines(f, q)), q, k),
        ),
        "the first one is dropped": Mistake(
            "You sort, and drop the first one as if it had to be the query. A picture that is just like it may come first. Leave "
            "out the query by its own index.",
            lambda f, q, k: np.argsort(-_unit_cosines(f, q), kind="stable")[1 : k + 1],
            also=[lambda f, q, k: np.argsort(_unit_cosines(f, q), kind="stable")[::-1][1 : k + 1]],
        ),
        "cosines instead of indices": Mistake(
            "You return how similar the neighbors are. Return which ones they are: their rows.",
            lambda f, q, k: _cosines(f, q)[_near(f, q, k)],
        ),
    },
    hints=(
        "The cosine of two vectors is the dot product of the two after each is divided by its own length.",
        "unit = features / np.linalg.norm(features, axis=1, keepdims=True); unit @ unit[query] gives all cosines at "
        "once.",
        "Set the query's own cosine to -np.inf, then take np.argsort(-cosines)[:k].",
    ),
)


# --- 10.pointing_game ---------------------------------------------------------------------------------------


def _box(row, column, high, wide, kind):
    """A box around a pixel, or one that it only just misses."""
    x0, y0, x1, y1 = column, row, column + wide, row + high
    return {
        "corner": (x0, y0, x1, y1),
        "right": (x0 - wide, y0, x0, y1),
        "below": (x0, y0 - high, x1, y0),
        "last": (x0 - wide + 1, y0 - high + 1, x0 + 1, y0 + 1),
        "beyond": (x0 - wide - 1, y0, x0 - 1, y1),
        "left": (x0 + 1, y0, x1 + 1, y1),
        "above": (x0, y0 + 1, x1, y1 + 1),
    }[kind]


_HITS = {"corner", "last"}


def _pointing_case(rng, label, n, height, width, kinds, negative=False):
    while True:
        maps = rng.permutation(n * height * width).reshape(n, height, width) / 8 - (
            n * height * width if negative else 0
        )
        boxes = []
        for one, kind in zip(maps, kinds, strict=True):
            row, column = np.unravel_index(one.argmax(), one.shape)
            boxes.append(_box(int(row), int(column), *(int(v) for v in rng.integers(1, 3, 2)), kind))
        boxes = np.array(boxes, dtype=np.float32)
        inside = (boxes >= 0).all() and (boxes[:, [0, 2]] <= width).all() and (boxes[:, [1, 3]] <= height).all()
        outcomes = [wrong(maps, boxes) for wrong in (_pointing_game, *_POINT_MISTAKES)]
        if inside and all(abs(outcomes[0] - other) > 0.01 for other in outcomes[1:]) and len(set(np.round(outcomes, 6))) == len(outcomes):  # fmt: skip
            return Case(label, maps=maps, boxes=boxes)


def _pointing_game(maps, boxes, flip=False, edge=False, order=(0, 1, 2, 3), pick=np.argmax, low=True):
    hits = []
    for one, box in zip(maps, boxes, strict=True):
        row, column = np.unravel_index(pick(one), one.shape)
        x, y = (row, column) if flip else (column, row)
        x0, y0, x1, y1 = box[list(order)]
        if edge:
            hits.append(x0 <= x <= x1 and y0 <= y <= y1)
        else:
            hits.append((x0 <= x if low else x0 < x) and x < x1 and (y0 <= y if low else y0 < y) and y < y1)
    return float(np.mean(hits))


def _share(maps, boxes):
    return float(np.mean([m[int(b[1]) : int(b[3]), int(b[0]) : int(b[2])].sum() / m.sum() for m, b in zip(maps, boxes, strict=True)]))  # fmt: skip


def _one_direction(maps, boxes):
    """The row or the column lies inside."""
    whole = np.array(boxes, float)
    rows, columns = whole.copy(), whole.copy()
    rows[:, [0, 2]], columns[:, [1, 3]] = (0, maps.shape[2]), (0, maps.shape[1])
    return float(np.mean([_pointing_game([m], [a]) or _pointing_game([m], [b]) for m, a, b in zip(maps, rows, columns, strict=True)]))  # fmt: skip


_POINT_MISTAKES = [
    lambda m, b: _pointing_game(m, b, flip=True),
    lambda m, b: _pointing_game(m, b, edge=True),
    lambda m, b: _pointing_game(m, b, low=False),
    lambda m, b: _pointing_game(m, b, pick=np.argmin),
    _share,
    lambda m, b: _pointing_game(m, np.concatenate([b[:, :2], b[:, :2] + b[:, 2:]], axis=1)),
]


def _pointing_cases(rng):
    yield _pointing_case(rng, "six maps", 6, 4, 6, ["corner", "last", "last", "right", "beyond", "left"])
    kinds = ["corner"] * 4 + ["last"] * 7 + ["right", "below", "left", "beyond"]
    yield _pointing_case(rng, "many maps", len(kinds), 8, 11, [kinds[i] for i in rng.permutation(len(kinds))])
    kinds = ["corner"] * 3 + ["last"] * 5 + ["right", "above", "beyond"]
    yield _pointing_case(
        rng, "maps of negative numbers", len(kinds), 7, 9, [kinds[i] for i in rng.permutation(len(kinds))], True
    )
    yield _wide_case(rng)


def _wide_case(rng):
    """Maps wider than 100. The largest values lie in the last corner, in the first one, and far to the right beside its box."""
    maps = rng.permutation(3 * 3 * 140).reshape(3, 3, 140) / 8
    places = [(2, 139), (0, 0), (1, int(rng.integers(110, 130)))]
    for one, place in zip(maps, places, strict=True):
        one[place] = one.max() + 1
    high, wide = (int(v) for v in rng.integers(1, 3, 2))
    boxes = [_box(*place, high, wide, kind) for place, kind in zip(places, ("last", "corner", "right"), strict=True)]
    order = rng.permutation(3)
    return Case("wide maps", maps=maps[order], boxes=np.array(boxes, dtype=np.float32)[order])


def _pointing_oracle(maps, boxes):
    n, _, width = maps.shape
    place = maps.reshape(n, -1).argmax(axis=1)
    center = np.stack([place % width, place // width], axis=1) + 0.5
    return float(np.all((center > boxes[:, :2]) & (center < boxes[:, 2:]), axis=1).mean())


POINTING = Exercise(
    id="10.pointing_game",
    title="Is the largest value on the food?",
    points=6,
    cases=_pointing_cases,
    oracle=_pointing_oracle,
    forbidden=OURS,
    misconceptions={
        "row and column are swapped": Mistake(
            "You compare rows with x. x runs to the right, so it is the column; y runs down, so it is the row.",
            _POINT_MISTAKES[0],
        ),
        "the far edge counts as inside": Mistake(
            "A box ends just before x1 and y1: a box from 2 to 4 contains the columns 2 and 3. Use < there.",
            _POINT_MISTAKES[1],
        ),
        "the near edge counts as outside": Mistake(
            "A box includes x0 and y0: a box from 2 to 4 contains the columns 2 and 3. Use <= there.",
            _POINT_MISTAKES[2],
        ),
        "the box is read as x, y, width, height": Mistake(
            "You add the last two numbers of a box to the first two, as if they were its width and height. They are x1 and y1: "
            "where the box ends.",
            _POINT_MISTAKES[5],
        ),
        "one direction is enough": Mistake(
            "You count a hit where the column or the row lies inside. A point is in the box only if both do: and, not or.",
            _one_direction,
        ),
        "the smallest value": Mistake("You look where the map is smallest. Use argmax.", _POINT_MISTAKES[3]),
        "the share of the sum": Mistake(
            "You return how much of the map's sum lies in the box. That is worth measuring too, but the pointing game "
            "asks only where the largest value is.",
            _share,
        ),
        "a count instead of a share": Mistake(
            "You return how many maps hit. Divide by the number of maps.",
            lambda m, b: _pointing_game(m, b) * len(m),
        ),
    },
    hints=(
        "For each map: where is its largest value, and does that place lie in the map's box?",
        "np.unravel_index(one.argmax(), one.shape) gives row and column. The column is compared with x0 and x1, the row with y0 and y1.",
        "x0 <= column < x1 and y0 <= row < y1 is a hit; return the mean over all maps.",
    ),
)


# --- 10.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "10.quiz",
    8,
    [
        Question(
            "b",
            a="Its filters are 3 x 3 and respond to colors and edges. How much of a yolk does one of them see?",
            c="Depth does not lose everything: the network names the dish from the last layer's maps.",
            d="Only the first layer sees pixels; each later one sees the maps of the one before.",
        ),
        Question(
            "d",
            a="The drop is whole minus covered, so a positive number means that the score fell. Here it rose.",
            b="A drop of 0 would mean that the network does not care about the corner.",
            c="There is no bug: a score may rise when something is covered.",
        ),
        Question(
            "a",
            b="If the weights mattered a lot, new weights would give another map.",
            c="A good map depends on what was learned. This one does not.",
            d="A network with random weights has not learned any dish.",
        ),
        Question(
            "c",
            a="98 % is a lot, until you know what a map gets that knows nothing. Is there something simpler that does "
            "at least as well?",
            b="It may well look at the food. The number just does not show it.",
            d="The boxes are computed from the rendered scene, so they are right.",
        ),
        Question(
            "b",
            a="Clamping keeps values in range. Jitter shifts the picture.",
            c="The score does fall, but jitter does not ask for that.",
            d="If anything, it takes more steps to the same score.",
        ),
    ],
)

EXERCISES = [FEATURE_MAPS, TOP_ACTIVATING, OCCLUSION_MAP, SALIENCY, GRAD_CAM, MAXIMIZE, NEAREST, POINTING, QUIZ]
