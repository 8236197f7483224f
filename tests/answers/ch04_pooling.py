"""Right answers to chapter 04's exercises, written in as many ways as learners do."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from torch import nn


def _places(n, size, stride, padding=0):
    return (n + 2 * padding - size) // stride + 1


# --- 04.max_pool2d, 04.avg_pool2d -------------------------------------------------------------------------


def max_pool_loops(x, size, stride):
    n, c, h, w = x.shape
    out = np.zeros((n, c, _places(h, size, stride), _places(w, size, stride)))
    for a in range(n):
        for b in range(c):
            for i in range(out.shape[2]):
                for j in range(out.shape[3]):
                    top, left = i * stride, j * stride
                    out[a, b, i, j] = max(x[a, b, top + u, left + v] for u in range(size) for v in range(size))
    return out


def max_pool_slices(x, size, stride):
    height, width = _places(x.shape[2], size, stride), _places(x.shape[3], size, stride)
    out = np.full((*x.shape[:2], height, width), -np.inf)
    for u in range(size):
        for v in range(size):
            there = x[:, :, u : u + stride * height : stride, v : v + stride * width : stride][:, :, :height, :width]
            out = np.maximum(out, there)
    return out


def max_pool_view(x, size, stride):
    return sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride].max(axis=(-1, -2))


def max_pool_strided(x, size, stride):
    n, c, h, w = x.shape
    a, b, r, s = x.strides
    shape = (n, c, _places(h, size, stride), _places(w, size, stride), size, size)
    return as_strided(x, shape, (a, b, r * stride, s * stride, r, s)).reshape(*shape[:4], -1).max(axis=4)


def max_pool_float32(x, size, stride):
    return max_pool_view(x.astype(np.float32), size, stride)


def max_pool_two_passes(x, size, stride):
    rows = [x[:, :, i : i + size].max(axis=2) for i in range(0, x.shape[2] - size + 1, stride)]
    x = np.stack(rows, axis=2)
    columns = [x[:, :, :, j : j + size].max(axis=3) for j in range(0, x.shape[3] - size + 1, stride)]
    return np.stack(columns, axis=3)


def avg_pool_loops(x, size, stride):
    n, c, h, w = x.shape
    out = np.zeros((n, c, _places(h, size, stride), _places(w, size, stride)))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = x[:, :, i * stride : i * stride + size, j * stride : j * stride + size].mean(axis=(2, 3))
    return out


def avg_pool_view(x, size, stride):
    return np.average(sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride], axis=(4, 5))


def avg_pool_running_sums(x, size, stride):
    total = np.pad(x.cumsum(axis=2).cumsum(axis=3), ((0, 0), (0, 0), (1, 0), (1, 0)))
    box = total[:, :, size:, size:] - total[:, :, :-size, size:] - total[:, :, size:, :-size]
    box = box + total[:, :, :-size, :-size]
    return box[:, :, ::stride, ::stride] / size**2


def avg_pool_float32(x, size, stride):
    return avg_pool_view(x, size, stride).astype(np.float32)


def avg_pool_as_a_filter(x, size, stride):
    windows = sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    return np.einsum("ncijuv,uv->ncij", windows, np.full((size, size), 1 / (size * size)))


# --- 04.global_avg_pool -----------------------------------------------------------------------------------


def global_loops(x):
    out = np.zeros(x.shape[:2])
    for n in range(len(x)):
        for c in range(x.shape[1]):
            total = 0.0
            for row in x[n, c]:
                total += sum(row)
            out[n, c] = total / x[n, c].size
    return out


# --- 04.receptive_field -----------------------------------------------------------------------------------


def field_forwards(layers):
    size = jump = 1
    for kernel, stride in layers:
        size, jump = size + (kernel - 1) * jump, jump * stride
    return size


def field_backwards(layers):
    size = 1
    for kernel, stride in reversed(layers):
        size = (size - 1) * stride + kernel
    return size


def field_formula(layers):
    strides = [stride for _, stride in layers]
    return 1 + sum((kernel - 1) * math.prod(strides[:i]) for i, (kernel, _) in enumerate(layers))


def field_recursive(layers):
    if not layers:
        return 1
    (kernel, stride), rest = layers[0], layers[1:]
    return kernel + stride * (field_recursive(rest) - 1)


def field_as_array(layers):
    return np.asarray(float(field_forwards(layers)))


# --- 04.trace_shapes --------------------------------------------------------------------------------------


def trace_ifs(layers, shape):
    shapes = []
    for layer in layers:
        if layer[0] == "conv":
            _, filters, kernel, stride, padding = layer
            n, _, h, w = shape
            shape = (n, filters, _places(h, kernel, stride, padding), _places(w, kernel, stride, padding))
        elif layer[0] == "pool":
            _, size, stride = layer
            n, c, h, w = shape
            shape = (n, c, _places(h, size, stride), _places(w, size, stride))
        elif layer[0] == "flatten":
            shape = (shape[0], math.prod(shape[1:]))
        elif layer[0] == "dense":
            shape = (shape[0], layer[1])
        shapes.append(shape)
    return shapes


def trace_dispatch(layers, shape):
    steps = {
        "conv": lambda x, f, k, s, p: [x[0], f, *(int((m + 2 * p - k) / s) + 1 for m in x[2:])],
        "pool": lambda x, k, s: [x[0], x[1], *(int((m - k) / s + 1) for m in x[2:])],
        "flatten": lambda x: [x[0], int(np.prod(x[1:]))],
        "dense": lambda x, units: [x[0], units],
    }
    found = [shape]
    for kind, *rest in layers:
        found.append(steps[kind](found[-1], *rest))
    return found[1:]


def trace_recursive(layers, shape):
    if not layers:
        return []
    first = trace_ifs(layers[:1], shape)[0]
    return [first, *trace_recursive(layers[1:], first)]


def trace_by_doing(layers, shape):
    x, shapes = np.zeros(shape), []
    for kind, *rest in layers:
        if kind == "conv":
            f, k, s, p = rest
            x = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
            one = x[:, :1, : x.shape[2] - k + 1 : s, : x.shape[3] - k + 1 : s]
            x = np.repeat(one, f, axis=1)
        elif kind == "pool":
            x = max_pool_view(x, *rest)
        elif kind == "flatten":
            x = x.reshape(len(x), -1)
        else:
            x = np.zeros((len(x), rest[0]))
        shapes.append(x.shape)
    return tuple(shapes)


def trace_by_torch(layers, shape):
    x, shapes = torch.zeros(shape, device="meta"), []
    for kind, *rest in layers:
        if kind == "conv":
            x = nn.Conv2d(x.shape[1], rest[0], *rest[1:], device="meta")(x)
        elif kind == "pool":
            x = nn.MaxPool2d(*rest)(x)
        else:
            x = x.flatten(1) if kind == "flatten" else nn.Linear(x.shape[1], rest[0], device="meta")(x)
        shapes.append(tuple(x.shape))
    return shapes


# --- 04.lenet5_parameters ---------------------------------------------------------------------------------


def lenet_formula(channels=1, classes=10):
    return {
        "C1": 6 * (channels * 5 * 5 + 1),
        "C3": 16 * (6 * 5 * 5 + 1),
        "C5": 120 * (16 * 5 * 5 + 1),
        "F6": 84 * (120 + 1),
        "output": classes * (84 + 1),
    }


def lenet_arrays(channels=1, classes=10):
    shapes = {
        "C1": (6, channels, 5, 5),
        "C3": (16, 6, 5, 5),
        "C5": (120, 16, 5, 5),
        "F6": (84, 120),
        "output": (classes, 84),
    }
    return {name: np.zeros(shape).size + shape[0] for name, shape in shapes.items()}


def lenet_loop(channels=1, classes=10):
    found = {}
    rows = [("output", 84, classes), ("F6", 120, 84), ("C5", 400, 120), ("C3", 150, 16), ("C1", 25 * channels, 6)]
    for name, inputs, units in rows:
        found[name] = float(inputs * units + units)
    return found


def lenet_by_torch(channels=1, classes=10):
    net = {"C1": nn.Conv2d(channels, 6, 5), "C3": nn.Conv2d(6, 16, 5), "C5": nn.Conv2d(16, 120, 5)}
    net |= {"F6": nn.Linear(120, 84), "output": nn.Linear(84, classes)}
    return {name: sum(p.numel() for p in layer.parameters()) for name, layer in net.items()}


# --- 04.cnn_forward ---------------------------------------------------------------------------------------


def _conv(x, w, b):
    windows = sliding_window_view(x, w.shape[2:], axis=(2, 3))
    return np.tensordot(windows, w, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b.reshape(1, -1, 1, 1)


def forward_straight(x, params):
    maps = max_pool_view(np.maximum(_conv(x, params["w1"], params["b1"]), 0), 2, 2)
    maps = max_pool_view(np.maximum(_conv(maps, params["w2"], params["b2"]), 0), 2, 2)
    return maps.reshape(len(x), -1) @ params["w3"] + params["b3"]


def forward_pool_before_relu(x, params):
    for n in "12":
        x = np.maximum(max_pool_slices(_conv(x, params["w" + n], params["b" + n]), 2, 2), 0)
    return x.reshape(x.shape[0], -1).dot(params["w3"]) + params["b3"]


def forward_one_picture_at_a_time(x, params):
    scores = []
    for picture in x:
        maps = picture[None]
        for w, b in ((params["w1"], params["b1"]), (params["w2"], params["b2"])):
            z = _conv(maps, w, b)
            z[z < 0] = 0
            maps = max_pool_loops(z, 2, 2)
        scores.append(maps.ravel() @ params["w3"] + params["b3"])
    return np.array(scores)


def forward_relu_from_zero(x, params):
    """The pooling starts from zero, and so does the ReLU's work."""

    def pool(z):
        h, w = z.shape[2] // 2 * 2, z.shape[3] // 2 * 2
        return z[:, :, :h, :w].reshape(*z.shape[:2], h // 2, 2, w // 2, 2).max(axis=(3, 5), initial=0.0)

    maps = pool(_conv(pool(_conv(x, params["w1"], params["b1"])), params["w2"], params["b2"]))
    return np.einsum("nd,dk->nk", maps.reshape(len(x), -1), params["w3"]) + params["b3"]


ANSWERS = {
    "04.max_pool2d": [
        max_pool_loops,
        max_pool_slices,
        max_pool_view,
        max_pool_strided,
        max_pool_float32,
        max_pool_two_passes,
    ],
    "04.avg_pool2d": [avg_pool_loops, avg_pool_view, avg_pool_running_sums, avg_pool_float32, avg_pool_as_a_filter],
    "04.global_avg_pool": [
        global_loops,
        lambda x: x.mean(axis=(2, 3)),
        lambda x: x.reshape(*x.shape[:2], -1).mean(axis=-1),
        lambda x: np.einsum("nchw->nc", x) / (x.shape[2] * x.shape[3]),
        lambda x: x.mean(-1).mean(-1).astype(np.float32),
    ],
    "04.receptive_field": [field_forwards, field_backwards, field_formula, field_recursive, field_as_array],
    "04.trace_shapes": [trace_ifs, trace_dispatch, trace_recursive, trace_by_doing, trace_by_torch],
    "04.lenet5_parameters": [lenet_formula, lenet_arrays, lenet_loop, lenet_by_torch],
    "04.cnn_forward": [
        forward_straight,
        forward_pool_before_relu,
        forward_one_picture_at_a_time,
        forward_relu_from_zero,
    ],
}
