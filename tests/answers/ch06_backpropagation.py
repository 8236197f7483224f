"""Right answers to chapter 06's exercises, written in as many ways as learners do."""

from __future__ import annotations

import math
from collections import defaultdict, deque

import numpy as np

# --- 06.numerical_gradient --------------------------------------------------------------------------------


def numerical_gradient_copies(f, x, h=1e-5):
    grad = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += h
        down[index] -= h
        grad[index] = (f(up) - f(down)) / (2 * h)
    return grad


def numerical_gradient_restored(f, x, h=1e-5):
    """As in cs231n: x itself is moved, and put back."""
    grad = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    while not it.finished:
        ix = it.multi_index
        old = x[ix]
        x[ix] = old + h
        pos = f(x)
        x[ix] = old - h
        neg = f(x)
        x[ix] = old
        grad[ix] = (pos - neg) / (2 * h)
        it.iternext()
    return grad


def numerical_gradient_units(f, x, h=1e-5):
    """A unit array for each entry."""
    units = np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + h * e) - f(x - h * e)) / (2 * h) for e in units]).reshape(x.shape)


def numerical_gradient_flat(f, x, h=1e-5):
    moved = np.array(x)
    flat = moved.reshape(-1)
    slopes = []
    for k in range(flat.size):
        old = flat[k]
        flat[k] = old + h
        up = f(moved)
        flat[k] = old - h
        down = f(moved)
        flat[k] = old
        slopes.append((up - down) * 0.5 / h)
    return np.array(slopes, dtype=np.float32).reshape(x.shape)


def numerical_gradient_two_sides(f, x, h=1e-5):
    """The mean of the forward and the backward difference."""
    here, grad = f(x), np.empty(x.shape)
    for index, old in np.ndenumerate(x):
        moved = x.copy()
        moved[index] = old + h
        forward = (f(moved) - here) / h
        moved[index] = old - h
        grad[index] = (forward + (here - f(moved)) / h) / 2
    return grad


# --- 06.value ---------------------------------------------------------------------------------------------


class ValueReference:
    def __init__(self, data, children=(), slopes=(), op=""):
        self.data = float(data)
        self.grad = 0.0
        self.children = children
        self.slopes = slopes
        self.op = op

    def __add__(self, other):
        other = other if isinstance(other, ValueReference) else ValueReference(other)
        return ValueReference(self.data + other.data, (self, other), (1.0, 1.0), "+")

    def __mul__(self, other):
        other = other if isinstance(other, ValueReference) else ValueReference(other)
        return ValueReference(self.data * other.data, (self, other), (other.data, self.data), "*")

    def __pow__(self, n):
        return ValueReference(self.data**n, (self,), (n * self.data ** (n - 1),), f"**{n}")

    def relu(self):
        return ValueReference(max(0.0, self.data), (self,), (1.0 if self.data > 0 else 0.0,), "relu")

    def tanh(self):
        t = math.tanh(self.data)
        return ValueReference(t, (self,), (1 - t**2,), "tanh")

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -1 * other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1

    def __rtruediv__(self, other):
        return self**-1 * other


class ValueLists:
    """Lists in place of tuples, NumPy's functions, and every operation with slopes of its own."""

    def __init__(self, data, children=None, slopes=None, op=""):
        self.data, self.grad, self.op = np.float64(data), 0, op
        self.children = children or []
        self.slopes = slopes or []

    @staticmethod
    def of(x):
        return x if isinstance(x, ValueLists) else ValueLists(x)

    def __add__(self, other):
        other = self.of(other)
        return ValueLists(self.data + other.data, [self, other], [1, 1], "+")

    def __sub__(self, other):
        other = self.of(other)
        return ValueLists(self.data - other.data, [self, other], [1, -1], "-")

    def __mul__(self, other):
        other = self.of(other)
        return ValueLists(self.data * other.data, [self, other], [other.data, self.data], "*")

    def __truediv__(self, other):
        other = self.of(other)
        return ValueLists(self.data / other.data, [self, other], [1 / other.data, -self.data / other.data**2], "/")

    def __pow__(self, n):
        return ValueLists(np.power(self.data, n), [self], [n * np.power(self.data, n - 1)], "**")

    def __neg__(self):
        return ValueLists(-self.data, [self], [-1], "neg")

    def __radd__(self, other):
        return self.of(other) + self

    def __rsub__(self, other):
        return self.of(other) - self

    def __rmul__(self, other):
        return self.of(other) * self

    def __rtruediv__(self, other):
        return self.of(other) / self

    def relu(self):
        return ValueLists(np.maximum(self.data, 0), [self], [np.float64(self.data > 0)], "relu")

    def tanh(self):
        out = np.tanh(self.data)
        return ValueLists(out, [self], [1.0 / np.cosh(self.data) ** 2], "tanh")


class ValueSlots:
    """With slots, a set of helper methods, and squares by products where it can."""

    __slots__ = ("data", "grad", "children", "slopes", "op")

    def __init__(self, data, children=(), slopes=(), op=""):
        self.data, self.grad, self.children, self.slopes, self.op = data * 1.0, 0.0, children, slopes, op

    def _unary(self, data, slope, op):
        return type(self)(data, (self,), (slope,), op)

    def _binary(self, other, data, slopes, op):
        other = other if isinstance(other, ValueSlots) else type(self)(other)
        a, b = self.data, other.data
        return type(self)(data(a, b), (self, other), slopes(a, b), op)

    def __add__(self, other):
        return self._binary(other, lambda a, b: a + b, lambda a, b: (1.0, 1.0), "+")

    def __mul__(self, other):
        return self._binary(other, lambda a, b: a * b, lambda a, b: (b, a), "*")

    __radd__ = __add__
    __rmul__ = __mul__

    def __pow__(self, n):
        if n == 2:
            return self._unary(self.data * self.data, 2 * self.data, "**2")
        out = self.data**n
        return self._unary(out, n * out / self.data, f"**{n}")

    def relu(self):
        return self._unary((self.data + abs(self.data)) / 2, float(self.data > 0), "relu")

    def tanh(self):
        e = math.exp(2 * self.data)
        t = (e - 1) / (e + 1)
        return self._unary(t, (1 - t) * (1 + t), "tanh")

    def __neg__(self):
        return self._unary(-self.data, -1.0, "neg")

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return (-self) + other

    def __truediv__(self, other):
        return self * (other**-1 if isinstance(other, ValueSlots) else 1 / other)

    def __rtruediv__(self, other):
        return other * self**-1


class ValueClosures(ValueReference):
    """In micrograd's manner, with closures beside what the exercise asks for."""

    def __mul__(self, other):
        other = other if isinstance(other, ValueReference) else ValueReference(other)
        out = ValueClosures(self.data * other.data, (self, other), (other.data, self.data), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._backward = _backward
        return out


# --- 06.backward ------------------------------------------------------------------------------------------


def backward_recursive(root):
    order, seen = [], set()

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for child in node.children:
            visit(child)
        order.append(node)

    visit(root)
    for node in order:
        node.grad = 0.0
    root.grad = 1.0
    for node in reversed(order):
        for child, slope in zip(node.children, node.slopes, strict=True):
            child.grad += slope * node.grad


def backward_counting(root):
    """Kahn's way: a node's turn comes when all its parents have had theirs."""
    parents, found = defaultdict(int), {id(root): root}
    queue = deque([root])
    while queue:
        node = queue.popleft()
        for child in node.children:
            parents[id(child)] += 1
            if id(child) not in found:
                found[id(child)] = child
                queue.append(child)
    for node in found.values():
        node.grad = 0.0
    root.grad = 1.0
    ready = [root]
    while ready:
        node = ready.pop()
        for child, slope in zip(node.children, node.slopes, strict=True):
            child.grad = child.grad + node.grad * slope
            parents[id(child)] -= 1
            if parents[id(child)] == 0:
                ready.append(child)


def backward_list(root):
    """With lists only: membership by looking through, and a reversed copy."""
    order = []

    def build(node):
        if node not in order:
            for child in node.children:
                build(child)
            order.append(node)

    build(root)
    order = order[::-1]
    gradients = [0.0 for _ in order]
    gradients[0] = 1.0
    for number, node in enumerate(order):
        for k in range(len(node.children)):
            gradients[order.index(node.children[k])] += gradients[number] * node.slopes[k]
    for node, gradient in zip(order, gradients, strict=True):
        node.grad = gradient


def backward_loop(root):
    """Depth first with a stack of one's own."""
    order, done, stack = [], set(), [root]
    while stack:
        node = stack[-1]
        waiting = [child for child in node.children if id(child) not in done]
        if waiting:
            stack.append(waiting[0])
            continue
        stack.pop()
        if id(node) not in done:
            done.add(id(node))
            order.append(node)
    total = {id(node): 0.0 for node in order}
    total[id(root)] = 1.0
    while order:
        node = order.pop()
        node.grad = np.float64(total[id(node)])
        for child, slope in zip(node.children, node.slopes, strict=True):
            total[id(child)] += slope * node.grad
    return root


def backward_by_depth(root):
    """Longest way from the root first, then level by level: a topological order by another name."""
    depth, nodes = {}, {}

    def sink(node):
        if id(node) in depth:
            return depth[id(node)]
        nodes[id(node)] = node
        depth[id(node)] = 1 + max((sink(child) for child in node.children), default=-1)
        return depth[id(node)]

    sink(root)
    ordered = sorted(nodes.values(), key=lambda node: -depth[id(node)])
    for node in ordered:
        node.grad = 0
    root.grad = 1
    for node in ordered:
        for child, slope in zip(node.children, node.slopes, strict=True):
            child.grad += slope * node.grad


# --- 06.dense_backward ------------------------------------------------------------------------------------


def dense_backward_products(dout, x, W):
    return dout @ W.T, x.T @ dout, dout.sum(axis=0)


def dense_backward_loops(dout, x, W):
    dx, dW, db = np.zeros(x.shape), np.zeros(W.shape), np.zeros(W.shape[1])
    for n in range(x.shape[0]):
        for d in range(x.shape[1]):
            for m in range(W.shape[1]):
                dx[n, d] += dout[n, m] * W[d, m]
                dW[d, m] += dout[n, m] * x[n, d]
    for row in dout:
        db += row
    return dx, dW, db


def dense_backward_einsum(dout, x, W):
    return [np.einsum("nm,dm->nd", dout, W), np.einsum("nd,nm->dm", x, dout), np.einsum("nm->m", dout)]


def dense_backward_plate_by_plate(dout, x, W):
    dx = np.array([W @ g for g in dout])
    dW = sum(np.outer(a, g) for a, g in zip(x, dout, strict=True))
    return dx, dW, np.ones(len(x)) @ dout


def dense_backward_float32(dout, x, W):
    dout, x, W = (a.astype(np.float32) for a in (dout, x, W))
    return dout.dot(W.T), np.dot(dout.T, x).T, np.add.reduce(dout)


# --- 06.relu_backward -------------------------------------------------------------------------------------


def relu_backward_mask(dout, z):
    return dout * (z > 0)


def relu_backward_where(dout, z):
    return np.where(z > 0, dout, 0)


def relu_backward_copy(dout, z):
    dz = dout.copy()
    dz[z <= 0] = 0
    return dz


def relu_backward_loops(dout, z):
    dz = np.zeros(z.shape, dtype=np.float32)
    for index, number in np.ndenumerate(z):
        if number > 0:
            dz[index] = dout[index]
    return dz


def relu_backward_heaviside(dout, z):
    return np.heaviside(z, 0.0) * dout


# --- 06.cross_entropy_backward ----------------------------------------------------------------------------


def entropy_backward_subtract(dout, scores, labels):
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(labels)), labels] -= 1
    return dout * p / len(labels)


def entropy_backward_one_hot(dout, scores, labels):
    log_p = scores - np.logaddexp.reduce(scores, axis=1)[:, None]
    return dout / scores.shape[0] * (np.exp(log_p) - np.eye(scores.shape[1])[labels])


def entropy_backward_loops(dout, scores, labels):
    grad = np.zeros_like(scores)
    for n, (row, label) in enumerate(zip(scores, labels, strict=True)):
        top = max(row)
        powers = [math.exp(s - top) for s in row]
        for k in range(len(row)):
            grad[n, k] = dout * (powers[k] / sum(powers) - (k == label)) / len(scores)
    return grad


def entropy_backward_float32(dout, scores, labels):
    return entropy_backward_one_hot(dout, scores, labels).astype(np.float32)


def entropy_backward_jacobian(dout, scores, labels):
    """Through the probabilities: first the logarithm, then softmax's own matrix of slopes."""
    grad = []
    for row, label in zip(scores, labels, strict=True):
        log_p = row - row.max() - np.log(np.sum(np.exp(row - row.max())))
        p = np.exp(log_p)
        # -1/p at the label times p_label (1[k = label] - p_k): the division is done on paper
        grad.append([dout / len(labels) * (p[k] - float(k == label)) for k in range(len(row))])
    return np.array(grad)


# --- 06.conv2d_backward -----------------------------------------------------------------------------------


def _pad(x, p):
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))


def conv_backward_loops(dout, x, w, stride, padding):
    padded, height, width = _pad(x, padding), x.shape[2], x.shape[3]
    dx, dw, db = np.zeros_like(padded), np.zeros_like(w), np.zeros(len(w))
    for n in range(dout.shape[0]):
        for f in range(dout.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    top, left, g = i * stride, j * stride, dout[n, f, i, j]
                    dw[f] += g * padded[n, :, top : top + w.shape[2], left : left + w.shape[3]]
                    dx[n, :, top : top + w.shape[2], left : left + w.shape[3]] += g * w[f]
                    db[f] += g
    return dx[:, :, padding : padding + height, padding : padding + width], dw, db


def conv_backward_places(dout, x, w, stride, padding):
    padded = _pad(x, padding)
    dx, dw = np.zeros(padded.shape), np.zeros(w.shape)
    kh, kw = w.shape[2:]
    for i, j in np.ndindex(dout.shape[2:]):
        g = dout[:, :, i, j]
        window = np.s_[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw]
        dw += np.tensordot(g, padded[window], axes=(0, 0))
        dx[window] += np.tensordot(g, w, axes=1)
    if padding:
        dx = dx[:, :, padding:-padding, padding:-padding]
    return dx, dw, dout.sum((0, 2, 3))


def conv_backward_offsets(dout, x, w, stride, padding):
    """A loop over the kernel's cells, each with all places at once."""
    padded, (rows, columns) = _pad(x, padding), dout.shape[2:]
    dx, dw = np.zeros_like(padded), np.empty_like(w)
    for u in range(w.shape[2]):
        for v in range(w.shape[3]):
            cells = np.s_[:, :, u : u + rows * stride : stride, v : v + columns * stride : stride]
            dw[:, :, u, v] = np.einsum("nfij,ncij->fc", dout, padded[cells][:, :, :rows, :columns])
            dx[cells] += np.einsum("nfij,fc->ncij", dout, w[:, :, u, v])
    return dx[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]], dw, np.einsum("nfij->f", dout)


def conv_backward_im2col(dout, x, w, stride, padding):
    """Columns, two matrix products, and the columns added back into the picture."""
    padded = _pad(x, padding).astype(np.float32)
    (kh, kw), (rows, columns), channels = w.shape[2:], dout.shape[2:], x.shape[1]
    view = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    cols = view.transpose(0, 2, 3, 1, 4, 5).reshape(-1, channels * kh * kw)
    g = dout.transpose(0, 2, 3, 1).reshape(-1, len(w))
    dcols = (g @ w.reshape(len(w), -1)).reshape(len(x), rows, columns, channels, kh, kw)
    dx = np.zeros(padded.shape)
    for n, i, j in np.ndindex(len(x), rows, columns):
        dx[n, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += dcols[n, i, j]
    return dx[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]], (g.T @ cols).reshape(w.shape), g.sum(0)  # fmt: skip


def conv_backward_turned_kernel(dout, x, w, stride, padding):
    """dx gathers: zeros between dout's entries and around it, and the kernel turned by 180 degrees."""
    kh, kw = w.shape[2:]
    padded = _pad(x, padding)
    wide = np.zeros((*dout.shape[:2], padded.shape[2] + kh - 1, padded.shape[3] + kw - 1))
    rows, columns = dout.shape[2:]
    wide[:, :, kh - 1 : kh - 1 + rows * stride : stride, kw - 1 : kw - 1 + columns * stride : stride] = dout
    windows = np.lib.stride_tricks.sliding_window_view(wide, (kh, kw), axis=(2, 3))
    dx = np.einsum("nfyxuv,fcuv->ncyx", windows, w[:, :, ::-1, ::-1])
    inside = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(2, 3))[:, :, ::stride, ::stride]
    dw = np.einsum("nfij,ncijuv->fcuv", dout, inside)
    height, width = x.shape[2:]
    return dx[:, :, padding : padding + height, padding : padding + width], dw, dout.sum(axis=(0, 2, 3))


# --- 06.max_pool2d_backward -------------------------------------------------------------------------------


def pool_backward_argmax(dout, x, size, stride):
    dx = np.zeros_like(x)
    for n, c, i, j in np.ndindex(dout.shape):
        window = x[n, c, i * stride : i * stride + size, j * stride : j * stride + size]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[n, c, i * stride + u, j * stride + v] += dout[n, c, i, j]
    return dx


def pool_backward_loops(dout, x, size, stride):
    dx = np.zeros(x.shape, dtype=np.float32)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    best = None
                    for u in range(i * stride, i * stride + size):
                        for v in range(j * stride, j * stride + size):
                            if best is None or x[n, c, u, v] > x[n, c, best[0], best[1]]:
                                best = (u, v)
                    dx[n, c, best[0], best[1]] += dout[n, c, i, j]
    return dx


def pool_backward_add_at(dout, x, size, stride):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]
    n, c, i, j = np.indices(dout.shape)
    u, v = np.divmod(windows.reshape(*dout.shape, -1).argmax(axis=-1), size)
    dx = np.zeros(x.shape)
    np.add.at(dx, (n, c, i * stride + u, j * stride + v), dout)
    return dx


def pool_backward_first_found(dout, x, size, stride):
    """A mask of equals, of which only the first counts."""
    dx = np.zeros_like(x)
    for i, j in np.ndindex(dout.shape[2:]):
        cells = np.s_[:, :, i * stride : i * stride + size, j * stride : j * stride + size]
        flat = x[cells].reshape(*x.shape[:2], -1)
        equal = flat == flat.max(axis=-1, keepdims=True)
        first = equal & (equal.cumsum(axis=-1) == 1)
        dx[cells] += (first * dout[:, :, i, j, None]).reshape(*x.shape[:2], size, size)
    return dx


# --- 06.network_gradients ---------------------------------------------------------------------------------


def _entropy(scores, labels):
    shifted = scores - scores.max(axis=1, keepdims=True)
    return (np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(labels)), labels]).mean()


def network_layers(X, labels, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = np.maximum(z1, 0)
    scores = a1 @ W2 + b2
    dscores = entropy_backward_subtract(1.0, scores, labels)
    da1, dW2, db2 = dense_backward_products(dscores, a1, W2)
    _, dW1, db1 = dense_backward_products(relu_backward_mask(da1, z1), X, W1)
    return _entropy(scores, labels), dW1, db1, dW2, db2


def network_in_one_go(X, labels, W1, b1, W2, b2):
    a1 = (X @ W1 + b1).clip(0)
    scores = a1 @ W2 + b2
    scores -= scores.max(axis=1)[:, None]
    p = np.exp(scores)
    loss = (np.log(p.sum(axis=1)) - scores[range(len(X)), labels]).mean()
    p /= p.sum(axis=1)[:, None]
    p -= np.eye(p.shape[1])[labels]
    p /= len(X)
    dz1 = p @ W2.T
    dz1[a1 <= 0] = 0
    return [loss, X.T @ dz1, dz1.sum(0), a1.T @ p, p.sum(0)]


def network_plate_by_plate(X, labels, W1, b1, W2, b2):
    loss, grads = 0.0, [np.zeros_like(a) for a in (W1, b1, W2, b2)]
    for x, y in zip(X, labels, strict=True):
        z = W1.T @ x + b1
        a = np.where(z > 0, z, 0)
        s = W2.T @ a + b2
        total = np.logaddexp.reduce(s)
        loss += total - s[y]
        ds = np.exp(s - total)
        ds[y] -= 1
        dz = (W2 @ ds) * (z > 0)
        for grad, part in zip(grads, (np.outer(x, dz), dz, np.outer(a, ds), ds), strict=True):
            grad += part
    return (loss / len(X), *(grad / len(X) for grad in grads))


def network_float32(X, labels, W1, b1, W2, b2):
    arrays = [a.astype(np.float32) for a in (W1, b1, W2, b2)]
    return tuple(np.float32(a) for a in network_layers(X.astype(np.float32), labels, *arrays))


ANSWERS = {
    "06.numerical_gradient": [
        numerical_gradient_copies,
        numerical_gradient_restored,
        numerical_gradient_units,
        numerical_gradient_flat,
        numerical_gradient_two_sides,
    ],
    "06.value": [ValueReference, ValueLists, ValueSlots, ValueClosures],
    "06.backward": [backward_recursive, backward_counting, backward_list, backward_loop, backward_by_depth],
    "06.dense_backward": [
        dense_backward_products,
        dense_backward_loops,
        dense_backward_einsum,
        dense_backward_plate_by_plate,
        dense_backward_float32,
    ],
    "06.relu_backward": [
        relu_backward_mask,
        relu_backward_where,
        relu_backward_copy,
        relu_backward_loops,
        relu_backward_heaviside,
    ],
    "06.cross_entropy_backward": [
        entropy_backward_subtract,
        entropy_backward_one_hot,
        entropy_backward_loops,
        entropy_backward_float32,
        entropy_backward_jacobian,
    ],
    "06.conv2d_backward": [
        conv_backward_loops,
        conv_backward_places,
        conv_backward_offsets,
        conv_backward_im2col,
        conv_backward_turned_kernel,
    ],
    "06.max_pool2d_backward": [
        pool_backward_argmax,
        pool_backward_loops,
        pool_backward_add_at,
        pool_backward_first_found,
    ],
    "06.network_gradients": [network_layers, network_in_one_go, network_plate_by_plate, network_float32],
    "06.quiz": [("c", "a", "d", "b", "c"), ("C", "A", "D", "B", "C"), ("c)", "a)", "d)", "b)", "c)")],
}
