"""Chapter 04, pooling and shapes: its exercises, their cases, oracles and known mistakes.

Inputs are rounded to two decimals, so that a learner can read them, and answers to ten, so that a sheet is the same
on every machine.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autograder.authoring.draws import rounded, signed
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import convolution, output_size, relu, softmax, windows_of

LIBRARIES = ("torch.*", "scipy.signal.*", "scipy.ndimage.*")


def _partial(x, size, stride, value):
    """The batch, filled up with a value at the end, so that the last pixels get a window too (ceil mode)."""
    more = [(-(n - size)) % stride for n in x.shape[2:]]
    return np.pad(x, ((0, 0), (0, 0), (0, more[0]), (0, more[1])), constant_values=value)


def _max_pool(x, size, stride):
    return rounded(windows_of(x, size, size, stride).max(axis=(4, 5)))


def _mean_pool(x, size, stride):
    return rounded(windows_of(x, size, size, stride).mean(axis=(4, 5)))


def _torch_pool(name):
    def oracle(x, size, stride):
        pool = getattr(torch.nn.functional, name)
        return rounded(pool(torch.tensor(x), size, stride).numpy())

    return oracle


def _pool_cases(rng):
    """Windows that touch, overlap, leave gaps and leave pixels over; negative numbers; nothing square but windows."""
    small = rng.permutation(np.arange(1.0, 17.0)).reshape(1, 1, 4, 4)
    yield Case("4 x 4 whole numbers, windows of 2 that touch", x=small, size=2, stride=2)
    yield Case("overlapping windows, stride 1", x=signed(rng, (2, 3, 4, 5)), size=2, stride=1)
    large = signed(rng, (2, 3, 6, 8), 900, 120)
    yield Case("windows of 3, stride 2, pixels left over, large numbers", x=large, size=3, stride=2)
    yield Case("gaps between the windows", x=signed(rng, (2, 2, 9, 16), digits=3), size=2, stride=7)
    yield Case("nothing but negative numbers", x=-np.abs(signed(rng, (3, 2, 7, 5))), size=2, stride=2)
    yield Case("a window of 1 pixel, stride 2", x=signed(rng, (1, 2, 5, 4)), size=1, stride=2)
    yield Case("one window as large as the picture", x=signed(rng, (2, 3, 7, 7)), size=7, stride=3)


def _only_first(pool):
    def wrong(x, size, stride):
        out = np.zeros_like(pool(x, size, stride))
        out[0] = pool(x[:1], size, stride)[0]
        return out

    return wrong


def _last_stays_zero(pool):
    def wrong(x, size, stride):
        out = pool(x, size, stride)
        out[:, :, -1, :] = 0
        out[:, :, :, -1] = 0
        return out

    return wrong


def _by_slices(pool, columns=None, begins=lambda i, size, stride: i * stride, ends=None, over=(2, 3)):
    """Pool slice by slice; the arguments after `pool` are what a mistaken learner does instead of the right thing."""

    def wrong(x, size, stride):
        heights, widths = (output_size(n, size, stride) for n in x.shape[2:])
        out = np.zeros((*x.shape[:2], heights, columns(x, size, stride) if columns else widths))
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for i, j in np.ndindex(out.shape[2:]):
                top, left = begins(i, size, stride), begins(j, size, stride)
                bottom, right = (ends(i, stride), ends(j, stride)) if ends else (top + size, left + size)
                window = pool(x[:, :, top:bottom, left:right], axis=over, keepdims=True)
                out[:, :, i, j] = window[:, :, 0, 0]
        return rounded(out)

    return wrong


def _shared_mistakes(pool, what):
    """Mistakes with windows that a learner can make with either kind of pooling."""
    number = np.max if pool is _max_pool else np.mean
    return {
        "the height serves for both sides": Mistake(
            "You count the windows along the height, and use that number along the width too. Pictures may be wider than "
            "high: each axis has an output size of its own.",
            _by_slices(number, columns=lambda x, size, stride: output_size(x.shape[2], size, stride)),
        ),
        "the windows begin at multiples of their size": Mistake(
            "Your output has the right size, but window number i begins at i * size. It moves by the stride: it begins at "
            "i * stride, and reaches over size.",
            _by_slices(number, begins=lambda i, size, stride: i * size),
        ),
        "the windows begin one pixel apart": Mistake(
            "Your output has the right size, but window number i begins at pixel i. It moves by the stride: it begins at "
            "i * stride.",
            _by_slices(number, begins=lambda i, size, stride: i),
        ),
        "the windows end where the next begins": Mistake(
            "Your window reaches from i * stride to (i + 1) * stride, so it is as wide as the stride. It reaches over "
            "size, whether or not the next one overlaps with it.",
            _by_slices(number, ends=lambda i, stride: (i + 1) * stride),
        ),
        "the channels share one number": Mistake(
            f"Your {what} run over the channels too, so that all channels have the same number at a place. Each channel "
            "is pooled by itself: only the last two axes of the window are reduced.",
            _by_slices(number, over=(1, 2, 3)),
        ),
        "the stride is taken to be the size": Mistake(
            "Your windows always touch: you move them by their own size. That is the usual choice, but here stride is "
            "an argument of its own. The window moves by stride, and reaches over size.",
            lambda x, size, stride: pool(x, size, size),
        ),
        "the stride is ignored": Mistake(
            "Your window moves by one pixel at a time, whatever the stride is. Window number i begins at row "
            "i * stride, and there are fewer of them.",
            lambda x, size, stride: pool(x, size, 1),
        ),
        "size and stride are swapped": Mistake(
            "Your windows are as wide as the stride, and move by the size. Read the order of the arguments once more: "
            "the size comes first.",
            lambda x, size, stride: pool(x, stride, size) if stride <= min(x.shape[2:]) else pool(x, size, stride),
        ),
        "the last row and column stay zero": Mistake(
            "The shape of your output is right, but its last row and last column are never filled in. Your loops end "
            "one step too early.",
            _last_stays_zero(pool),
        ),
        "only the first picture": Mistake(
            f"Only the first picture of the batch has its {what}; the others stay zero. The first axis counts the "
            "pictures: loop over it, or leave it alone with a colon.",
            _only_first(pool),
        ),
    }


MAX_POOL2D = Exercise(
    id="04.max_pool2d",
    title="Max pooling",
    points=15,
    cases=_pool_cases,
    oracle=_torch_pool("max_pool2d"),
    forbidden=LIBRARIES,
    misconceptions={
        "a mean instead of the maximum": Mistake(
            "You average each window. Max pooling keeps one number of the window as it is: the largest.",
            _mean_pool,
        ),
        "a minimum instead of the maximum": Mistake(
            "You keep the smallest number of each window. A large number means that a feature was found, and that is "
            "what should survive.",
            lambda x, size, stride: rounded(windows_of(x, size, size, stride).min(axis=(4, 5))),
        ),
        "pooled over the channels": Mistake(
            "Your maximum runs over the channels too, so only one map is left. Each channel has its own meaning, and "
            "is pooled by itself: the output has as many channels as the input.",
            lambda x, size, stride: _max_pool(x, size, stride).max(axis=1, keepdims=True),
        ),
        "the maximum starts from zero": Mistake(
            "Where all numbers of a window are negative, you answer 0. The search for the largest starts from a 0 that "
            "is not in the window. Start from one of its own numbers.",
            lambda x, size, stride: np.maximum(_max_pool(x, size, stride), 0.0),
        ),
        "the border is filled with zeros": Mistake(
            "You add zeros at the end so that every pixel gets a window. Here pixels that are left over are not used, "
            "and an added zero would even beat the negative numbers.",
            lambda x, size, stride: _max_pool(_partial(x, size, stride, 0.0), size, stride),
        ),
        "windows hang over the edge": Mistake(
            "Your last window reaches over the edge of the picture and pools what is left of it (ceil mode). Here a "
            "window counts only if it lies wholly on the picture: round down.",
            lambda x, size, stride: _max_pool(_partial(x, size, stride, -np.inf), size, stride),
        ),
        "the largest without its sign": Mistake(
            "You compare magnitudes, and a large negative number wins. Max pooling looks for the largest number, sign "
            "included: of -5 and 1, it is 1.",
            lambda x, size, stride: rounded(np.abs(windows_of(x, size, size, stride)).max(axis=(4, 5))),
        ),
        **_shared_mistakes(_max_pool, "maxima"),
    },
    hints=(
        "How many windows fit? It is the output size of chapter 03, with the window's size as kernel and no padding. "
        "Do it for height and width.",
        "Make the output with shape (N, C, OH, OW) and loop over i and j only. A slice that begins at i * stride and "
        "j * stride cuts the window out of all pictures and all channels at once.",
        "The slice x[:, :, top : top + size, left : left + size] has shape (N, C, size, size). Take its maximum over "
        "the last two axes, axis=(2, 3), and write it to out[:, :, i, j].",
    ),
)


def _window_sums(x, size, stride):
    return windows_of(x, size, size, stride).sum(axis=(4, 5))


AVG_POOL2D = Exercise(
    id="04.avg_pool2d",
    title="Average pooling",
    points=8,
    cases=_pool_cases,
    oracle=_torch_pool("avg_pool2d"),
    forbidden=LIBRARIES,
    misconceptions={
        "divided by the stride": Mistake(
            "You divide the sum by stride * stride. A mean is divided by the number of pixels in the window, and the "
            "size says how many these are.",
            lambda x, size, stride: rounded(_window_sums(x, size, stride) / stride**2),
        ),
        "integer division": Mistake(
            "Your means are rounded down to whole numbers. Look for // where / is meant, or for an output array of "
            "whole numbers.",
            lambda x, size, stride: _window_sums(x, size, stride) // size**2,
        ),
        "divided by size once": Mistake(
            "You divide by size, but a window has size rows and size columns. How many pixels is that?",
            lambda x, size, stride: rounded(_window_sums(x, size, stride) / size),
        ),
        "a sum instead of the mean": Mistake(
            "You add the window's numbers and stop there. A mean of equal numbers is that number again: check yours "
            "on a window of ones.",
            lambda x, size, stride: rounded(_window_sums(x, size, stride)),
        ),
        "a maximum instead of the mean": Mistake(
            "You keep the largest number, as in the exercise before. Here every pixel of the window counts the same.",
            _max_pool,
        ),
        "the median instead of the mean": Mistake(
            "You take the number in the middle of each window, its median. A mean is the sum divided by how many numbers there "
            "are, so a single large one moves it.",
            lambda x, size, stride: rounded(np.median(windows_of(x, size, size, stride), axis=(4, 5))),
        ),
        "averaged over the channels": Mistake(
            "Your mean runs over the channels too, so only one map is left. Each channel is pooled by itself.",
            lambda x, size, stride: rounded(_mean_pool(x, size, stride).mean(axis=1, keepdims=True)),
        ),
        "the border is filled with zeros": Mistake(
            "You add zeros at the end so that every pixel gets a window, and the zeros pull the mean down. Here pixels "
            "that are left over are not used.",
            lambda x, size, stride: _mean_pool(_partial(x, size, stride, 0.0), size, stride),
        ),
        **_shared_mistakes(_mean_pool, "means"),
    },
    hints=(
        "It is max pooling with another question asked of each window. How much of your max_pool2d can stay?",
        "Only one word changes. Which method of an array gives its mean over chosen axes?",
        "Take .mean(axis=(2, 3)) of the same window of shape (N, C, size, size).",
    ),
)


# --- 04.global_avg_pool -------------------------------------------------------------------------------------


def _global_oracle(x):
    return rounded(torch.nn.functional.adaptive_avg_pool2d(torch.tensor(x), 1)[:, :, 0, 0].numpy())


def _global_cases(rng):
    yield Case("one picture, two maps of 2 x 3", x=rng.integers(1, 10, (1, 2, 2, 3)).astype(float))
    yield Case("three pictures, four maps of 5 x 2", x=signed(rng, (3, 4, 5, 2)))
    yield Case("five bright pictures, two maps of 4 x 6", x=signed(rng, (5, 2, 4, 6), 900, 120) + 200)


def _over(function, axes, keepdims=False):
    return lambda x: rounded(function(x, axis=axes, keepdims=keepdims))


GLOBAL_AVG_POOL = Exercise(
    id="04.global_avg_pool",
    title="Global average pooling",
    points=7,
    cases=_global_cases,
    oracle=_global_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "averaged over the channels": Mistake(
            "You average the channels and keep the places. It should be the other way round: the place is forgotten, "
            "and each map keeps its own number.",
            _over(np.mean, 1),
        ),
        "two axes of length 1 are left": Mistake(
            "The numbers are right, but the result still has height and width, of one pixel each. A dense layer "
            "expects (N, C).",
            _over(np.mean, (2, 3), keepdims=True),
        ),
        "a sum instead of the mean": Mistake(
            "You add up each map. The sum grows with the size of the picture, the mean does not.",
            _over(np.sum, (2, 3)),
        ),
        "a maximum instead of the mean": Mistake(
            "You keep the largest number of each map. That is global max pooling, which exists too; here the mean is "
            "asked for.",
            _over(np.max, (2, 3)),
        ),
        "divided by one side only": Mistake(
            "You take a mean along one side and a sum along the other. One number for each map is the mean of all its places: "
            "divide by height times width.",
            lambda x: rounded(x.mean(axis=2).sum(axis=2)),
            also=[lambda x: rounded(x.sum(axis=2).mean(axis=2))],
        ),
        "averaged over the rows only": Mistake(
            "You average over the height, and the width remains. One number for each map means that both have to go.",
            _over(np.mean, 2),
        ),
        "averaged over the columns only": Mistake(
            "You average over the width, and the height remains. One number for each map means that both have to go.",
            _over(np.mean, 3),
        ),
        "averaged over the batch too": Mistake(
            "Your mean mixes the pictures of the batch. Each picture is answered by itself, so the result has N rows.",
            _over(np.mean, (0, 2, 3)),
        ),
        "averaged over everything": Mistake(
            "Your mean runs over all axes, and one number is left. Say which axes are to go.",
            lambda x: float(x.mean()),
        ),
        "the axes stand in the wrong order": Mistake(
            "Your result has one row for each channel. The batch comes first: (N, C).",
            lambda x: rounded(x.mean(axis=(2, 3)).T),
        ),
    },
    hints=(
        "Which of the four axes are places, and which are not?",
        "NumPy's mean takes a tuple of axes.",
        "Height and width are axes 2 and 3. Without keepdims they are gone afterwards.",
    ),
)


# --- 04.receptive_field -------------------------------------------------------------------------------------


def _receptive_field(layers):
    size, jump = 1, 1
    for kernel, stride in layers:
        size += (kernel - 1) * jump
        jump *= stride
    return int(size)


def _field_oracle(layers):
    """Ask PyTorch which pixels the gradient of one neuron reaches, and take the distance between the outermost."""
    pixels = 1
    for kernel, stride in reversed(layers):
        pixels = (pixels - 1) * stride + kernel
    row = torch.zeros(1, 1, pixels + 7, dtype=torch.float64, requires_grad=True)
    out = row
    for kernel, stride in layers:
        out = torch.nn.functional.conv1d(out, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
    out[0, 0, 0].backward()
    reached = torch.nonzero(row.grad[0, 0]).flatten()
    return int(reached.max() - reached.min()) + 1


def _field_cases(rng):
    def some(*strides, low=2, high=6):
        return [(int(rng.integers(low, high)), stride) for stride in strides]

    k = int(rng.integers(3, 6))
    yield Case("two layers, stride 1", layers=[(k, 1), (int(rng.integers(2, 5)), 1)])
    yield Case("a convolution, a pooling, a convolution", layers=[(k, 1), (2, 2), (int(rng.integers(3, 6)), 1)])
    yield Case("strides everywhere", layers=some(2, 3, 2, 1, low=3))
    yield Case("a stride in the last layer", layers=some(1, 2, 3, low=3))
    yield Case(
        "large kernel first, small kernels later", layers=[(int(rng.integers(7, 12)), 4), (3, 2), (2, 3), (5, 1)]
    )
    yield Case("no layer at all", layers=[])
    more = [(2, 1), (3, 1), (2, 2), (3, 1)]
    yield Case(
        "seven layers, a kernel of 1 between others", layers=[(3, 2), (1, 1), (int(rng.integers(3, 6)), 2), *more]
    )


def _receptive_field_with(start=1, less=1, jump_of=lambda jump, stride: jump * stride, early=False):
    def wrong(layers):
        size, jump = start, 1
        for kernel, stride in layers:
            if early:
                jump = jump_of(jump, stride)
            size += (kernel - less) * jump
            if not early:
                jump = jump_of(jump, stride)
        return int(size)

    return wrong


def _sum_of_strides(layers):
    """Each layer's kernel reaches as far as the strides before it add up to; the first one's by single pixels."""
    size, strides = 1, 0
    for kernel, stride in layers:
        size += (kernel - 1) * max(strides, 1)
        strides += stride
    return int(size)


def _field_product(layers):
    size = 1
    for kernel, _ in layers:
        size *= kernel
    return int(size)


RECEPTIVE_FIELD = Exercise(
    id="04.receptive_field",
    title="The receptive field of a stack of layers",
    points=15,
    cases=_field_cases,
    oracle=_field_oracle,
    misconceptions={
        "the strides are not multiplied in": Mistake(
            "Each layer adds kernel - 1 pixels in your answer, whatever came before. After a stride of 2, neighbors "
            "in the map lie 2 pixels apart in the picture, so a kernel there reaches twice as far.",
            _receptive_field_with(jump_of=lambda jump, stride: 1),
        ),
        "kernel instead of kernel - 1": Mistake(
            "You add the whole kernel for each layer. One of its places is the pixel you already have: only the "
            "others are new. Try a single layer with a kernel of 3.",
            _receptive_field_with(less=0),
        ),
        "the kernels are added up": Mistake(
            "You add the kernels as if they lay side by side on the picture. They overlap: two layers of 3 see 5 "
            "pixels, not 6. And the strides have to enter as well.",
            lambda layers: int(sum(kernel for kernel, _ in layers)),
        ),
        "the kernels are multiplied": Mistake(
            "You multiply the kernels, as if windows never overlapped. Two layers of 3 with stride 1 see 5 pixels: "
            "draw them.",
            _field_product,
        ),
        "a layer's own stride counts for itself": Mistake(
            "You multiply by a layer's stride before its kernel is counted. A stride moves the window, so it spreads "
            "what comes after it. The last layer's stride changes nothing.",
            _receptive_field_with(early=True),
        ),
        "the strides are added": Mistake(
            "You add up the strides where they multiply. After strides of 2 and 3, one step in the map is 6 pixels "
            "in the picture.",
            _receptive_field_with(jump_of=lambda jump, stride: jump + stride - 1),
            also=[_receptive_field_with(jump_of=lambda jump, stride: jump + stride), _sum_of_strides],
        ),
        "only the stride of the layer before": Mistake(
            "You use the stride of one layer, the one just before. All strides before a layer count, as a product.",
            _receptive_field_with(jump_of=lambda jump, stride: stride),
        ),
        "the layers are read from the end": Mistake(
            "You go through the layers in the wrong order for your formula. The list begins at the picture, and the "
            "strides of earlier layers spread the kernels of later ones.",
            lambda layers: _receptive_field(layers[::-1]),
        ),
        "the first pixel is forgotten": Mistake(
            "Your answer is one pixel short. With no layer at all a neuron is a pixel, and it sees itself: start "
            "there.",
            _receptive_field_with(start=0),
        ),
        "an area instead of a width": Mistake(
            "You return the number of pixels in the square. The width along one axis is asked for.",
            lambda layers: _receptive_field(layers) ** 2,
        ),
        "the width of the step instead of the field": Mistake(
            "You return the product of the strides. That is how far two neighbors of the last layer lie apart in the "
            "picture. How much each of them sees is another number.",
            lambda layers: int(np.prod([stride for _, stride in layers], dtype=int)),
        ),
    },
    hints=(
        "Keep two numbers while you go from the picture to the last layer: how much a neuron sees, and how many pixels "
        "apart two neighbors of the present map are. What are both for the picture itself?",
        "Both start at 1. A layer adds kernel - 1 steps to what is seen; how long is a step, in pixels? Only then does "
        "the layer's own stride make the steps longer.",
        "For each layer, in this order: size += (kernel - 1) * jump, and then jump *= stride. Return size.",
    ),
)


# --- 04.trace_shapes ----------------------------------------------------------------------------------------


def _trace(layers, shape, places=output_size, channels=lambda c, f: f, flat=None, dense=None, pool=None):
    """Follow a shape; the arguments after `shape` are what a mistaken learner does instead of the right thing."""
    shapes = []
    shape = tuple(shape)
    for kind, *rest in layers:
        if kind == "conv":
            filters, kernel, stride, padding = rest
            n, c, h, w = shape
            shape = (n, channels(c, filters), places(h, kernel, stride, padding), places(w, kernel, stride, padding))
        elif kind == "pool":
            size, stride = rest
            n, c, h, w = shape
            shape = pool(shape, size, stride) if pool else (n, c, places(h, size, stride), places(w, size, stride))
        elif kind == "flatten":
            shape = flat(shape) if flat else (shape[0], int(np.prod(shape[1:])))
        else:
            shape = dense(shape, rest[0]) if dense else (*shape[:-1], rest[0])
        shapes.append(tuple(int(n) for n in shape))
    return shapes


def _first_shape_kept(layers, shape):
    return [
        _trace([layer], (*shape[:1], int(np.prod(shape[1:]))) if layer[0] == "dense" else shape)[0] for layer in layers
    ]


def _trace_oracle(layers, shape):
    """Send nothing but a shape through PyTorch's own layers."""
    x, shapes = torch.zeros(shape), []
    for kind, *rest in layers:
        if kind == "conv":
            filters, kernel, stride, padding = rest
            x = torch.nn.functional.conv2d(
                x, torch.zeros(filters, x.shape[1], kernel, kernel), stride=stride, padding=padding
            )
        elif kind == "pool":
            x = torch.nn.functional.max_pool2d(x, *rest)
        elif kind == "flatten":
            x = torch.flatten(x, 1)
        else:
            x = torch.nn.functional.linear(x, torch.zeros(rest[0], x.shape[1]))
        shapes.append(tuple(x.shape))
    return shapes


def _trace_cases(rng):
    def pick(low, high):
        return int(rng.integers(low, high))

    yield Case(
        "one convolution, one pooling",
        layers=[("conv", pick(4, 8), 3, 1, 0), ("pool", 2, 2)],
        shape=(1, 3, 2 * pick(6, 9), 2 * pick(10, 14)),
    )
    yield Case(
        "a small network to the end",
        weight=2,
        layers=[
            ("conv", pick(5, 9), 5, 1, 2),
            ("pool", 3, 2),
            ("conv", pick(10, 14), 3, 2, 1),
            ("flatten",),
            ("dense", pick(20, 40)),
            ("dense", pick(3, 8)),
        ],
        shape=(pick(5, 9), 2, 4 * pick(6, 9) + 1, 4 * pick(10, 13) + 3),
    )
    yield Case(
        "sizes that do not come out even",
        weight=2,
        layers=[("conv", pick(5, 9), 4, 3, 1), ("pool", 2, 3), ("flatten",), ("dense", pick(5, 30))],
        shape=(pick(2, 5), 4, 9 * pick(4, 6) + 1, 9 * pick(7, 9) + 5),
    )
    yield Case("a flatten alone", layers=[("flatten",)], shape=(pick(2, 5), pick(5, 8), pick(8, 10), pick(11, 14)))


TRACE_SHAPES = Exercise(
    id="04.trace_shapes",
    title="Shapes through a network",
    points=15,
    cases=_trace_cases,
    oracle=_trace_oracle,
    misconceptions={
        "padding is added once": Mistake(
            "You add the padding at one end only. It stands on both sides, so it counts twice in the output size.",
            lambda layers, shape: _trace(layers, shape, lambda n, k, s, p=0: (n + p - k) // s + 1),
        ),
        "rounded up": Mistake(
            "You round the number of places up. A window that hangs over the edge is left out, so round down.",
            lambda layers, shape: _trace(layers, shape, lambda n, k, s, p=0: -(-(n + 2 * p - k) // s) + 1),
        ),
        "the first place is not counted": Mistake(
            "Your heights and widths are one too small: the steps are counted, and the place where the window starts "
            "is not.",
            lambda layers, shape: _trace(layers, shape, lambda n, k, s, p=0: (n + 2 * p - k) // s),
        ),
        "the strides are ignored": Mistake(
            "Your sizes shrink as if every stride were 1. How far the window moves decides how many places there are.",
            lambda layers, shape: _trace(layers, shape, lambda n, k, s, p=0: n + 2 * p - k + 1),
        ),
        "a convolution without its settings": Mistake(
            "Your convolutions subtract the kernel and add 1, whatever their stride and padding are. Both stand in the "
            "layer's tuple, and both change the output size.",
            lambda layers, shape: _trace(
                layers,
                shape,
                lambda n, k, s, p=0: n - k + 1,
                pool=lambda x, size, stride: (
                    x[0],
                    x[1],
                    output_size(x[2], size, stride),
                    output_size(x[3], size, stride),
                ),
            ),
        ),
        "channels are multiplied": Mistake(
            "After a convolution you have channels times filters maps. A filter spans all channels and makes one map, "
            "so the number of filters alone decides.",
            lambda layers, shape: _trace(layers, shape, channels=lambda c, f: c * f),
        ),
        "a convolution keeps its channels": Mistake(
            "The channels of the input are still there after your convolution. A convolution has as many output "
            "channels as filters.",
            lambda layers, shape: _trace(layers, shape, channels=lambda c, f: c),
        ),
        "pooling always halves": Mistake(
            "You halve height and width at every pooling. That holds for a size and a stride of 2; use the pooling's "
            "own numbers.",
            lambda layers, shape: _trace(
                layers, shape, pool=lambda x, size, stride: (x[0], x[1], x[2] // 2, x[3] // 2)
            ),
        ),
        "pooling divides by the stride": Mistake(
            "You divide height and width by the stride and leave the window's size out. The window has to fit, so the "
            "size is subtracted first.",
            lambda layers, shape: _trace(
                layers, shape, pool=lambda x, size, stride: (x[0], x[1], x[2] // stride, x[3] // stride)
            ),
        ),
        "pooling moves by its size": Mistake(
            "Your pooling windows move by their size. The stride stands beside it as a number of its own.",
            lambda layers, shape: _trace(
                layers,
                shape,
                pool=lambda x, size, stride: (x[0], x[1], output_size(x[2], size, size), output_size(x[3], size, size)),
            ),
        ),
        "flattened with the batch": Mistake(
            "Your flatten puts all pictures into one long row. The pictures of a batch stay apart: only the axes after "
            "the first become one.",
            lambda layers, shape: _trace(
                layers, shape, flat=lambda x: (int(np.prod(x)),), dense=lambda x, units: (units,)
            ),
        ),
        "flattened into a single row": Mistake(
            "Your flatten puts all pictures into one row, (1, ...). The pictures of a batch stay apart: N comes first, and "
            "only the axes after it become one.",
            lambda layers, shape: _trace(layers, shape, flat=lambda x: (1, int(np.prod(x)))),
        ),
        "stride and padding are swapped": Mistake(
            "You take a convolution's last two settings in the other order. A layer is (kind, filters, kernel, stride, "
            "padding).",
            lambda layers, shape: _trace(
                [(*one[:3], one[4], one[3]) if one[0] == "conv" else one for one in layers], shape
            ),
        ),
        "flattened without the channels": Mistake(
            "Your flatten multiplies height and width only. The maps of all channels go into the row.",
            lambda layers, shape: _trace(layers, shape, flat=lambda x: (x[0], x[2] * x[3])),
        ),
        "a dense layer forgets the batch": Mistake(
            "After your dense layer the batch is gone. Each of the N pictures has its own row of units.",
            lambda layers, shape: _trace(layers, shape, dense=lambda x, units: (units,)),
        ),
        "every layer gets the first shape": Mistake(
            "You work out each layer's shape from the one that goes into the network. A layer gets what the layer before it "
            "has made: bring the shape up to date in every round.",
            _first_shape_kept,
        ),
        "only the last shape": Mistake(
            "You return the shape at the end. A list is asked for, with the shape after every layer.",
            lambda layers, shape: _trace(layers, shape)[-1],
        ),
        "the list begins with the input": Mistake(
            "Your list holds the input's shape as well. It should have one shape for each layer.",
            lambda layers, shape: [tuple(shape), *_trace(layers, shape)],
        ),
        "the width is taken from the height": Mistake(
            "Your maps are always square: width is computed from the height. Pictures may be wider than high.",
            lambda layers, shape: _trace(layers, (shape[0], shape[1], shape[2], shape[2])),
        ),
    },
    hints=(
        "Go through the layers one by one and keep the present shape. What does each kind of layer change: the batch, "
        "the channels, the height and width?",
        "The first thing in a tuple is the kind: write one if for each. Convolution and pooling both need the output "
        "size for height and width; one replaces the channels, the other keeps them.",
        "n, c, h, w = shape takes the shape apart. conv gives (n, filters, places(h), places(w)), pool gives "
        "(n, c, places(h), places(w)), flatten gives (n, c * h * w), dense gives (n, units). Append each to a list.",
    ),
)


# --- 04.lenet5_parameters -----------------------------------------------------------------------------------


def _lenet(channels, classes, **other):
    right = {
        "C1": 6 * (25 * channels + 1),
        "C3": 16 * (25 * 6 + 1),
        "C5": 120 * (16 * 25 + 1),
        "F6": 84 * (120 + 1),
        "output": classes * (84 + 1),
    }
    return {**right, **other}


def _lenet_oracle(channels=1, classes=10):
    layers = {
        "C1": nn.Conv2d(channels, 6, 5),
        "C3": nn.Conv2d(6, 16, 5),
        "C5": nn.Linear(16 * 5 * 5, 120),
        "F6": nn.Linear(120, 84),
        "output": nn.Linear(84, classes),
    }
    return {name: sum(p.numel() for p in layer.parameters()) for name, layer in layers.items()}


def _lenet_cases(rng):
    yield Case("gray digits, ten classes: nothing is said")
    yield Case("color plates, another menu", channels=3, classes=int(rng.integers(15, 60)))
    yield Case("more channels", channels=int(rng.integers(6, 13)), classes=int(rng.integers(3, 9)))


LENET5_PARAMETERS = Exercise(
    id="04.lenet5_parameters",
    title="The parameters of LeNet-5",
    points=10,
    cases=_lenet_cases,
    oracle=_lenet_oracle,
    misconceptions={
        "no biases": Mistake(
            "Your numbers are the weights alone. Each filter and each unit has one bias on top.",
            lambda channels=1, classes=10: {
                "C1": 150 * channels,
                "C3": 2400,
                "C5": 48000,
                "F6": 10080,
                "output": 84 * classes,
            },
        ),
        "no biases in the convolutions": Mistake(
            "C1 and C3 are counted without their biases. A filter has one bias on top of its weights, as a unit of a dense "
            "layer has.",
            lambda channels=1, classes=10: _lenet(channels, classes, C1=150 * channels, C3=2400),
        ),
        "no biases in the dense layers": Mistake(
            "C5, F6 and the output are counted without their biases. A unit has one bias on top of its weights, as a filter "
            "has.",
            lambda channels=1, classes=10: _lenet(channels, classes, C5=48000, F6=10080, output=84 * classes),
        ),
        "a bias for every slice": Mistake(
            "You count a bias for each slice of a filter. All slices go into one sum, and the bias is added to that "
            "sum once: one for each filter.",
            lambda channels=1, classes=10: _lenet(channels, classes, C1=6 * channels * 26, C3=16 * 6 * 26),
        ),
        "a bias for every place": Mistake(
            "In your convolutions every place has its own bias. Places share everything: weights and bias.",
            lambda channels=1, classes=10: _lenet(
                channels, classes, C1=6 * 25 * channels + 6 * 28 * 28, C3=16 * 150 + 16 * 10 * 10
            ),
        ),
        "C3's filters have one slice": Mistake(
            "Your C3 takes 5 by 5 weights for each filter. It looks at the maps of S2, and a filter has a slice for "
            "each of them. How many are there?",
            lambda channels=1, classes=10: _lenet(channels, classes, C3=16 * 26),
        ),
        "C1 takes one channel only": Mistake(
            "Your C1 has the same number of parameters for gray and for color. A filter has a slice for each channel "
            "of the picture.",
            lambda channels=1, classes=10: _lenet(1, classes),
        ),
        "always ten classes": Mistake(
            "Your output layer always has ten units. It has one for each class.",
            lambda channels=1, classes=10: _lenet(channels, 10),
        ),
        "the paper's table for C3": Mistake(
            "1,516 is C3 as the paper of 1998 has it, where most maps look at three or four maps of S2. Here every "
            "filter looks at all of them, as in today's libraries.",
            lambda channels=1, classes=10: _lenet(channels, classes, C3=1516),
        ),
        "C5 forgets the places": Mistake(
            "Your C5 has one weight for each map of S4. Flattened, each of these maps brings 5 by 5 numbers.",
            lambda channels=1, classes=10: _lenet(channels, classes, C5=120 * 17),
        ),
        "C5 before the pooling": Mistake(
            "Your C5 is attached to the maps of C3, 10 by 10. S4 stands between them and makes them smaller.",
            lambda channels=1, classes=10: _lenet(channels, classes, C5=120 * (1600 + 1)),
        ),
        "a picture of 28 by 28": Mistake(
            "You started from 28 by 28 pixels without padding, so 4 by 4 are left at S4. LeNet-5 gets 32 by 32.",
            lambda channels=1, classes=10: _lenet(channels, classes, C5=120 * (256 + 1)),
        ),
        "pooling layers with parameters": Mistake(
            "You list S2 and S4 with a weight and a bias for each map. The paper of 1998 has them; pooling as it is "
            "written today has none, and is left out of the dict.",
            lambda channels=1, classes=10: _lenet(channels, classes, S2=12, S4=32),
        ),
        "one total": Mistake(
            "You return the sum over all layers. A dict is asked for, with one number for each layer, so that you can "
            "see where the parameters sit.",
            lambda channels=1, classes=10: sum(_lenet(channels, classes).values()),
        ),
    },
    hints=(
        "Write down the shape that comes into each layer first: the table above has them. A pooling changes shapes "
        "and has no parameters.",
        "A convolution has filters * (input channels * 5 * 5 + 1) parameters, a dense layer units * (inputs + 1). "
        "What comes into C5?",
        "C5 gets 16 maps of 5 by 5, flattened to 400. F6 gets the 120 of C5, and the output gets the 84 of F6. C1 "
        "gets channels, and C3 gets the 6 maps of S2.",
    ),
)


# --- 04.cnn_forward -----------------------------------------------------------------------------------------


def _identity(z):
    return z


def _flatten(maps):
    return maps.reshape(len(maps), -1)


def _forward(
    x,
    params,
    first=relu,
    second=relu,
    pool=_max_pool,
    flat=_flatten,
    last=_identity,
    conv=convolution,
    conv_bias=1.0,
    dense_bias=1.0,
):
    """The network; the arguments after `params` are what a mistaken learner does instead of the right thing."""
    maps = pool(first(conv(x, params["w1"], conv_bias * params["b1"])), 2, 2)
    maps = pool(second(conv(maps, params["w2"], conv_bias * params["b2"])), 2, 2)
    return rounded(last(flat(maps) @ params["w3"] + dense_bias * params["b3"]))


def _network_with(**changes):
    return lambda x, params: _forward(x, params, **changes)


def _forward_oracle(x, params):
    p = {name: torch.tensor(value) for name, value in params.items()}
    maps = F.max_pool2d(F.relu(F.conv2d(torch.tensor(x), p["w1"], p["b1"])), 2)
    maps = F.max_pool2d(F.relu(F.conv2d(maps, p["w2"], p["b2"])), 2)
    return rounded(F.linear(torch.flatten(maps, 1), p["w3"].T, p["b3"]).numpy())


def _network(rng, n, c, h, w, f1, k1, f2, k2, classes, pixels, weights=0.2):
    """A batch and parameters of both signs, sizes such that the maps stay alive through both ReLUs.

    `pixels` draws the pictures; `weights` is the size of the last layer's weights.
    """
    for _ in range(200):
        params = {
            "w1": signed(rng, (f1, c, k1, k1)),
            "b1": signed(rng, f1),
            "w2": signed(rng, (f2, f1, k2, k2)),
            "b2": signed(rng, f2),
        }
        x = pixels((n, c, h, w)).round(2)
        one = convolution(x, params["w1"], params["b1"])
        two = convolution(_max_pool(relu(one), 2, 2), params["w2"], params["b2"])
        kept = _max_pool(two, 2, 2)
        alive = [np.mean(z > 0) for z in (_max_pool(one, 2, 2), kept)]
        if all(0.2 < share < 0.9 for share in alive) and (kept > 0).any(axis=(1, 2, 3)).all():
            break
    numbers = int(np.prod(kept.shape[1:]))
    params["w3"] = (signed(rng, (numbers, classes)) * weights).round(3)
    params["b3"] = signed(rng, classes)
    return {"x": x, "params": params}


def _forward_cases(rng):
    def standardized(shape):
        return signed(rng, shape)

    def bytes_(shape):
        return rng.integers(0, 256, shape).astype(float)

    yield Case("one gray picture", **_network(rng, 1, 1, 12, 10, 2, 3, 3, 2, 2, rng.random, 200.0))
    yield Case("two standardized color pictures", **_network(rng, 2, 3, 15, 19, 3, 4, 4, 3, 5, standardized))
    yield Case("three pictures of bytes, more filters", **_network(rng, 3, 2, 18, 14, 4, 3, 5, 3, 4, bytes_))
    # What does not flatten comes back here, and raises elsewhere.
    low = _network(rng, 2, 1, 10, 18, 3, 3, 1, 3, 4, standardized)
    yield Case("a single map of a single row", weight=0.5, **low)


CNN_FORWARD = Exercise(
    id="04.cnn_forward",
    title="The forward pass of a whole network",
    points=20,
    cases=_forward_cases,
    oracle=_forward_oracle,
    rtol=1e-6,
    forbidden=("torch.*",),
    misconceptions={
        "flattened with the channels last": Mistake(
            "Your flatten runs through the maps place by place, with the channels last. The weights w3 expect map "
            "after map: all of channel 0, row by row, then channel 1.",
            _network_with(flat=lambda maps: _flatten(maps.transpose(0, 2, 3, 1))),
        ),
        "flattened column by column": Mistake(
            "Your flatten reads each map down its columns. NumPy's order, which w3 expects, goes along the rows.",
            _network_with(flat=lambda maps: _flatten(maps.transpose(0, 1, 3, 2))),
        ),
        "a softmax at the end": Mistake(
            "You return probabilities. The network returns scores; a softmax comes once, later, together with the "
            "loss.",
            _network_with(last=softmax),
        ),
        "a softmax applied twice": Mistake(
            "You apply a softmax to what already went through one, and the classes all look alike. Here none is "
            "asked for: the network returns scores.",
            _network_with(last=lambda z: softmax(softmax(z))),
        ),
        "a ReLU after the last layer": Mistake(
            "Your negative scores have become zero. Scores may have any sign: nothing comes after the last layer.",
            _network_with(last=relu),
        ),
        "no ReLU at all": Mistake(
            "There is no ReLU in your network. The pooling is a nonlinear step too, but what is negative should be cut off "
            "after each convolution.",
            _network_with(first=_identity, second=_identity),
        ),
        "the first ReLU is missing": Mistake(
            "Negative numbers of the first convolution reach the second one. A ReLU follows each convolution.",
            _network_with(first=_identity),
        ),
        "the second ReLU is missing": Mistake(
            "Negative numbers of the second convolution reach the dense layer. A ReLU follows each convolution.",
            _network_with(second=_identity),
        ),
        "average pooling": Mistake(
            "You average the windows. This network takes the largest number of each.",
            _network_with(pool=_mean_pool),
        ),
        "the kernels are flipped": Mistake(
            "Your convolution turns the filters by 180 degrees. Layers lay them on the maps as they stand.",
            _network_with(conv=lambda x, w, b: convolution(x, w[:, :, ::-1, ::-1], b)),
        ),
        "the convolutions' biases are missing": Mistake(
            "b1 and b2 are not used. Each filter adds its bias at every place, before the ReLU.",
            _network_with(conv_bias=0.0),
        ),
        "the dense layer's bias is missing": Mistake(
            "b3 is not used. Each class adds its bias to its score.",
            _network_with(dense_bias=0.0),
        ),
        "nothing is flattened": Mistake(
            "Your maps go into the dense layer as they are, with four axes. It wants one row of numbers for each picture: "
            "flatten them first, to (N, D).",
            _network_with(flat=_identity),
        ),
        "the batch is flattened too": Mistake(
            "You flatten all pictures of the batch into one long row. Each picture has a row of its own: keep the first "
            "axis, reshape(len(x), -1).",
            _network_with(flat=np.ravel),
        ),
        "the maps are returned": Mistake(
            "You return the maps before the dense layer, flattened. One more weighted sum makes scores of them.",
            lambda x, params: _flatten(_last_maps(x, params)),
        ),
    },
    hints=(
        "Write one line for each layer, and print the shape after each while you work. What does conv2d give for the "
        "batch and w1?",
        "Convolution, np.maximum with 0, max_pool2d with size 2 and stride 2; then the same with w2 and b2. Each line "
        "takes the result of the line before.",
        "reshape(len(x), -1) flattens in the right order: (N, D). Then the dense layer is @ params['w3'] and "
        "+ params['b3'], and nothing after it.",
    ),
)


def _last_maps(x, params):
    maps = _max_pool(relu(convolution(x, params["w1"], params["b1"])), 2, 2)
    return _max_pool(relu(convolution(maps, params["w2"], params["b2"])), 2, 2)


# --- 04.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "04.quiz",
    10,
    [
        Question(
            "b",
            a="That would be one number to learn for each channel. What would it be multiplied with, where a "
            "maximum is taken?",
            c="A weight and a bias for each channel: that is the trainable subsampling of 1998. Compare it with "
            "the pooling that you wrote.",
            d="The size of the window says how many numbers are compared. None of them is a weight.",
        ),
        Question(
            "c",
            a="That is the field of one layer of 3. The second and third look at what it saw.",
            b="That is the field after two layers. There are three.",
            d="Nine would need windows that do not overlap. With stride 1 they do: each layer adds only the new "
            "pixels.",
        ),
        Question(
            "a",
            b="For that every maximum would have to stay inside its window. Run the shift test at a shift of 1.",
            c="Often it does, as on the plate. But [0, 9, 9, 9, 0, 0, 0, 0] changes by a third, and its pooled row by a "
            "half.",
            d="A 9 that moves from one pixel of a window to the other pixel of the same window changes nothing.",
        ),
        Question(
            "d",
            a="The channels were halved as well. Pooling shrinks height and width, and no other axis.",
            b="Compute the places: (28 - 2) / 2 + 1 along each axis.",
            c="The channels became one. Each channel is pooled by itself.",
        ),
        Question(
            "b",
            a="C1 has 6 filters of 5 by 5, and they are shared by all places. Look at its row in the table.",
            c=("S4 is a pooling layer. It decides how many numbers come into the next layer, but has no parameters."),
            d="The output layer has 85 parameters for each class. Compare it with the other rows of the table.",
        ),
    ],
)

EXERCISES = [
    MAX_POOL2D,
    AVG_POOL2D,
    GLOBAL_AVG_POOL,
    RECEPTIVE_FIELD,
    TRACE_SHAPES,
    LENET5_PARAMETERS,
    CNN_FORWARD,
    QUIZ,
]
