"""The course's layers in NumPy: forward and backward, fast enough to train with, short enough to read.

Every layer has ``forward(x)``, which remembers what ``backward`` will need; ``backward(dy)``, which takes the loss's
gradient for the layer's output, stores the gradients for its weights, and returns the gradient for its input; and
``parameters()``. Pictures are (N, C, H, W), kernels (F, C, KH, KW), a dense layer's weights (D, M), labels int64 (N,).

A convolution is one matrix product (im2col). How fast that is depends on the order of the numbers in memory. Behind
what you hold as (N, C, H, W) these layers keep (C, H, W, N), the batch last: then the pixel under one place of a kernel,
for a whole line of windows and all pictures, is one run of OW * N neighbors, and NumPy copies and adds long runs at the
speed of the memory. Every layer takes arrays in any order; `batch_last` turns them round where it must.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod, sqrt

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Parameter:
    """Numbers that are learned, and the loss's gradient for them.

    Attributes
    ----------
    value : numpy.ndarray
        The weights or biases. Change them in place, or put a new array of the same shape here: both are seen.
    grad : numpy.ndarray or None
        The gradient of the last ``backward``, of the same shape; None before the first.
    """

    def __init__(self, value: np.ndarray):
        self.value = value
        self.grad: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"Parameter{self.value.shape}"


class Layer:
    """What all layers have in common: no parameters, unless they say otherwise."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        raise NotImplementedError

    def parameters(self) -> list[Parameter]:
        return []


def _drawn(shape: tuple[int, ...], fan_in: int, rng: np.random.Generator, dtype) -> Parameter:
    """Weights after He and others (2015): normal, with a standard deviation of sqrt(2 / fan_in)."""
    return Parameter((rng.standard_normal(shape) * sqrt(2 / fan_in)).astype(dtype))


class Dense(Layer):
    """A dense layer: ``y = x @ w + b``.

    Parameters
    ----------
    inputs, outputs : int
        D and M.
    rng : numpy.random.Generator
        Draws the weights.
    dtype : dtype
        float32 (fast) or float64 (exact).

    Attributes
    ----------
    w : Parameter
        (D, M).
    b : Parameter
        (M,).
    """

    def __init__(self, inputs: int, outputs: int, rng: np.random.Generator, dtype=np.float32):
        self.w = _drawn((inputs, outputs), inputs, rng, dtype)
        self.b = Parameter(np.zeros(outputs, dtype))

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, D) to (N, M)."""
        if x.ndim != 2 or x.shape[1] != len(self.w.value):
            raise ValueError(
                f"This dense layer takes (N, {len(self.w.value)}); it was given {x.shape}."
                + (" Put a Flatten before it." if x.ndim > 2 else "")
            )
        self.x = x
        return x @ self.w.value + self.b.value

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, M) to (N, D)."""
        self.w.grad = self.x.T @ dy
        self.b.grad = dy.sum(axis=0)
        return dy @ self.w.value.T

    def parameters(self) -> list[Parameter]:
        return [self.w, self.b]


class Conv2d(Layer):
    """A convolution layer (cross-correlation, as everywhere in deep learning).

    Parameters
    ----------
    channels, filters : int
        C and F.
    kernel : int or (int, int)
        KH and KW.
    rng : numpy.random.Generator
        Draws the weights.
    stride, padding : int
        The same along both axes; the padding is made of zeros.
    dtype : dtype
        float32 (fast) or float64 (exact).

    Attributes
    ----------
    w : Parameter
        (F, C, KH, KW).
    b : Parameter
        (F,).
    input_grad : bool
        False leaves out the gradient for the input, which a network's first layer does not need.
    """

    def __init__(self, channels: int, filters: int, kernel, rng, stride: int = 1, padding: int = 0, dtype=np.float32):
        kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
        self.w = _drawn((filters, channels, kh, kw), channels * kh * kw, rng, dtype)
        self.b = Parameter(np.zeros(filters, dtype))
        self.stride, self.padding, self.input_grad = stride, padding, True
        self._buffers: dict[str, np.ndarray] = {}

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, H, W) to (N, F, OH, OW), with OH = (H + 2 * padding - KH) // stride + 1."""
        filters, channels, kh, kw = self.w.value.shape
        if x.ndim != 4 or x.shape[1] != channels:
            raise ValueError(f"This convolution takes (N, {channels}, H, W); it was given {x.shape}.")
        if min(x.shape[2] + 2 * self.padding - kh, x.shape[3] + 2 * self.padding - kw) < 0:
            raise ValueError(f"A picture of {x.shape[2]} x {x.shape[3]} is too small for a kernel of {kh} x {kw}.")
        self.x_shape = x.shape
        windows = sliding_window_view(pad(batch_last(x), self.padding), (kh, kw), axis=(2, 3))
        windows = windows[:, :, :: self.stride, :: self.stride]  # (N, C, OH, OW, KH, KW), and nothing was copied yet
        windows = windows.transpose(1, 4, 5, 2, 3, 0)  # (C, KH, KW, OH, OW, N)
        columns = self._buffer("columns", windows.shape, x.dtype)
        np.copyto(columns, windows)  # im2col: the one large copy
        y = self.w.value.reshape(filters, -1) @ columns.reshape(channels * kh * kw, -1)  # (F, OH * OW * N)
        y += self.b.value[:, None]
        return y.reshape(filters, *windows.shape[3:]).transpose(3, 0, 1, 2)

    def backward(self, dy: np.ndarray) -> np.ndarray | None:
        """(N, F, OH, OW) to (N, C, H, W)."""
        filters, channels, kh, kw = self.w.value.shape
        n, _, oh, ow = dy.shape
        dy = batch_last(dy).transpose(1, 2, 3, 0).reshape(filters, -1)  # (F, OH * OW * N), as in forward
        columns = self._buffers["columns"]
        self.w.grad = (dy @ columns.reshape(channels * kh * kw, -1).T).reshape(self.w.value.shape)
        self.b.grad = dy.sum(axis=1)
        if not self.input_grad:
            return None
        dcolumns = self._buffer("dcolumns", columns.shape, np.result_type(self.w.value, dy))
        np.matmul(self.w.value.reshape(filters, -1).T, dy, out=dcolumns.reshape(channels * kh * kw, -1))
        # col2im: each pixel gets back what every window that saw it has to say. KH * KW additions, each of whole maps.
        height, width, p, s = *self.x_shape[2:], self.padding, self.stride
        dx = np.zeros((channels, height + 2 * p, width + 2 * p, n), dcolumns.dtype)
        for u in range(kh):
            for v in range(kw):
                dx[:, u : u + s * oh : s, v : v + s * ow : s] += dcolumns[:, u, v]
        return dx[:, p : p + height, p : p + width].transpose(3, 0, 1, 2)

    def _buffer(self, name: str, shape: tuple[int, ...], dtype) -> np.ndarray:
        """An array to write into; the last step's, where it fits, because new memory of this size costs time."""
        buffer = self._buffers.get(name)
        if buffer is None or buffer.shape != shape or buffer.dtype != dtype:
            buffer = self._buffers[name] = np.empty(shape, dtype)
        return buffer

    def parameters(self) -> list[Parameter]:
        return [self.w, self.b]


def batch_last(x: np.ndarray) -> np.ndarray:
    """Return (N, C, H, W) as it is, but with the batch last in memory; copied only where it is not so already."""
    return np.ascontiguousarray(x.transpose(1, 2, 3, 0)).transpose(3, 0, 1, 2)


def pad(x: np.ndarray, padding: int) -> np.ndarray:
    """Put `padding` zeros around each picture: (N, C, H, W) to (N, C, H + 2 * padding, W + 2 * padding)."""
    if not padding:
        return x
    n, c, height, width = x.shape
    padded = np.zeros((c, height + 2 * padding, width + 2 * padding, n), x.dtype).transpose(3, 0, 1, 2)
    padded[:, :, padding:-padding, padding:-padding] = x
    return padded


class MaxPool2d(Layer):
    """Max pooling; windows that would hang over the edge are left out.

    Parameters
    ----------
    size : int
        Height and width of a window.
    stride : int, optional
        By default the size: the windows touch.
    """

    def __init__(self, size: int, stride: int | None = None):
        self.size, self.stride = size, stride or size

    def _places(self, x: np.ndarray) -> Iterator[np.ndarray]:
        """For each place in a window, that place's pixel of all windows: size * size views of (N, C, OH, OW)."""
        oh, ow = ((n - self.size) // self.stride + 1 for n in x.shape[2:])
        for u in range(self.size):
            for v in range(self.size):
                yield x[:, :, u : u + self.stride * oh : self.stride, v : v + self.stride * ow : self.stride]

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, H, W) to (N, C, OH, OW)."""
        if x.ndim != 4 or min(x.shape[2:]) < self.size:
            raise ValueError(f"A max pooling of {self.size} x {self.size} cannot take {x.shape}.")
        self.x = x
        places = self._places(x)
        y = next(places).copy(order="K")
        self.winner = np.zeros_like(y, dtype=np.uint8)  # which place was largest; of equals, the first
        for number, place in enumerate(places, start=1):
            larger = place > y
            np.copyto(y, place, where=larger)
            np.copyto(self.winner, number, where=larger)
        return y

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, C, OH, OW) to (N, C, H, W): the gradient goes to each window's winner, and to nobody else."""
        dx = np.zeros_like(self.x)
        for number, place in enumerate(self._places(dx)):
            place += dy * (self.winner == number)
        return dx


class ReLU(Layer):
    """max(0, x), number by number; its slope at 0 is 0."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Any shape to the same shape."""
        self.positive = x > 0
        return np.maximum(x, 0)

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """Any shape to the same shape."""
        return dy * self.positive


class Flatten(Layer):
    """Pictures to rows: channel by channel, in each channel row by row."""

    def forward(self, x: np.ndarray) -> np.ndarray:
        """(N, C, H, W) to (N, C * H * W)."""
        self.shape = x.shape
        return x.reshape(len(x), prod(x.shape[1:]))

    def backward(self, dy: np.ndarray) -> np.ndarray:
        """(N, C * H * W) to (N, C, H, W)."""
        return batch_last(dy.reshape(self.shape))


class Network:
    """Layers in a row.

    Parameters
    ----------
    layers : iterable of Layer
        In the order in which a picture meets them.
    """

    def __init__(self, layers: Iterable[Layer]):
        self.layers = list(layers)
        if self.layers and isinstance(self.layers[0], Conv2d):
            self.layers[0].input_grad = False  # nobody asks how the picture should change

    def forward(self, x: np.ndarray) -> np.ndarray:
        """Pictures to scores, (N, C, H, W) to (N, K); each layer remembers what it needs."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dy: np.ndarray) -> None:
        """Take the loss's gradient for the scores, (N, K), and leave every parameter with its gradient."""
        for layer in reversed(self.layers):
            dy = layer.backward(dy)  # type: ignore[assignment]  # the first one alone may give None

    def parameters(self) -> list[Parameter]:
        """All that can be learned, in the order of the layers."""
        return [p for layer in self.layers for p in layer.parameters()]

    def predict(self, x: np.ndarray, size: int = 256) -> np.ndarray:
        """The class with the highest score for each picture, int64 (N,); `size` pictures are looked at at a time."""
        parts = [self.forward(x[i : i + size]).argmax(axis=1) for i in range(0, len(x), size)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def softmax_cross_entropy(scores: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """Mean cross-entropy of a batch, and its gradient for the scores.

    Parameters
    ----------
    scores : numpy.ndarray
        (N, K) floats, as the last dense layer gives them.
    labels : numpy.ndarray
        (N,) int64, each from 0 to K - 1.

    Returns
    -------
    loss : float
        ln K for a network that knows nothing.
    grad : numpy.ndarray
        (N, K): probabilities less one-hot, divided by N.
    """
    if len(scores) != len(labels):
        raise ValueError(f"There are {len(scores)} rows of scores and {len(labels)} labels.")
    rows = np.arange(len(labels))
    shifted = scores - scores.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=1)
    loss = float((np.log(total) - shifted[rows, labels]).mean())
    grad = powers / total[:, None]
    grad[rows, labels] -= 1
    grad /= len(labels)
    return loss, grad


def lenet(shape: tuple[int, int, int], classes: int, rng: np.random.Generator, dtype=np.float32) -> Network:
    """LeNet's pattern: twice conv, ReLU, max pool; then flatten and dense layers with ReLU between them.

    Parameters
    ----------
    shape : (int, int, int)
        C, H, W of the pictures. From 28 pixels on this is LeNet-5 as it is built today: 6 and 16 filters of 5 x 5 without
        padding, and 120, 84 and K units. Smaller pictures get 16 and 32 filters of 3 x 3 with a padding of 1, so that
        something is left to pool, and 64 and K units.
    classes : int
        K.
    rng : numpy.random.Generator
        Draws the weights.
    dtype : dtype
        float32 or float64.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-Based Learning Applied to Document Recognition, Proceedings
    of the IEEE 86 (11), 1998.
    """
    channels, *sides = shape
    if min(sides) < 4:
        raise ValueError(f"Pictures of {sides[0]} x {sides[1]} cannot be pooled twice; 4 x 4 is the least.")
    large = min(sides) >= 28
    filters, units = ((6, 16), (120, 84)) if large else ((16, 32), (64,))
    kernel, padding = (5, 0) if large else (3, 1)
    layers: list[Layer] = []
    for count in filters:
        layers += [Conv2d(channels, count, kernel, rng, padding=padding, dtype=dtype), ReLU(), MaxPool2d(2)]
        channels, sides = count, [(n + 2 * padding - kernel + 1) // 2 for n in sides]
    layers.append(Flatten())
    inputs = channels * prod(sides)
    for count in units:
        layers += [Dense(inputs, count, rng, dtype), ReLU()]
        inputs = count
    return Network([*layers, Dense(inputs, classes, rng, dtype)])
