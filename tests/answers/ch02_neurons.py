"""Right answers to chapter 02's exercises, written differently."""

import math

import numpy as np
from torch import nn

# --- 02.neuron


def neuron_loop(x, w, b):
    total = b
    for xi, wi in zip(x, w, strict=True):
        total += xi * wi
    return total


def neuron_index(x, w, b):
    z = 0
    for i in range(x.shape[0]):
        z = z + float(x[i]) * float(w[i])
    return z + float(b)


def neuron_matmul(x, w, b):
    return x @ w + b


def neuron_generator(x, w, b):
    return sum(i * j for i, j in zip(x, w, strict=True)) + b


def neuron_single(x, w, b):
    return np.dot(x.astype(np.float32), w.astype(np.float32)) + np.float32(b)


def neuron_zero_d(x, w, b):
    return np.array(np.einsum("i,i->", x, w) + b)


# --- 02.sigmoid


def sigmoid_masks(z):
    z = np.asarray(z, dtype=float)
    out = np.empty(z.shape)
    up = z >= 0
    out[up] = 1 / (1 + np.exp(-z[up]))
    e = np.exp(z[~up])
    out[~up] = e / (1 + e)
    return out


def sigmoid_abs(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))


def sigmoid_tanh(z):
    return 0.5 * (1 + np.tanh(0.5 * z))


def sigmoid_clip(z):
    return 1.0 / (1.0 + np.exp(-np.clip(z, -500, 500)))


def sigmoid_log(z):
    return np.exp(-np.logaddexp(0, -z))


def sigmoid_loop(z):
    def one(v):
        return 1 / (1 + math.exp(-v)) if v >= 0 else math.exp(v) / (1 + math.exp(v))

    return np.array([one(v) for v in z.ravel().tolist()]).reshape(z.shape)


def sigmoid_single(z):
    e = np.exp(-np.abs(z)).astype(np.float32)
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e)).astype(np.float32)


def sigmoid_minimum(z):
    return np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z)))


def sigmoid_vectorize(z):
    f = np.vectorize(lambda v: 1 / (1 + math.exp(-v)) if v > 0 else 1 - 1 / (1 + math.exp(v)), otypes=[float])
    return f(z)


# --- 02.update_neuron


def update_three_lines(x, y, w, b, lr):
    p = 1 / (1 + np.exp(-(x @ w + b)))
    return w - lr * (p - y) * x, b - lr * (p - y)


def update_loop(x, y, w, b, lr):
    z = b
    for d in range(len(x)):
        z += x[d] * w[d]
    error = sigmoid_tanh(np.array(z)) - y
    new = w.copy()
    for d in range(len(x)):
        new[d] -= lr * error * x[d]
    return new, b - lr * error


def update_towards(x, y, w, b, lr):
    z = np.sum(w * x) + b
    pull = (1 - 1 / (1 + math.exp(-z))) if y else -1 / (1 + math.exp(-z))
    return np.array([wi + lr * pull * xi for wi, xi in zip(w, x, strict=True)]), b + lr * pull


def update_bias_trick(x, y, w, b, lr):
    u, one = np.append(w, b), np.append(x, 1.0)
    u = u - lr * (sigmoid_abs(u @ one) - y) * one
    return u[:-1], u[-1]


def update_single(x, y, w, b, lr):
    x, w = x.astype(np.float32), w.astype(np.float32)
    step = np.float32(lr) * (sigmoid_tanh(x @ w + np.float32(b)) - y)
    return (w - step * x).astype(np.float32), np.float32(b - step)


# --- 02.train_neuron


def train_calls_the_step(X, y, lr, epochs):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            w, b = update_three_lines(x, label, w, b, lr)
    return w, b


def train_indices(X, y, lr, epochs):
    samples, features = X.shape
    w = np.zeros((features,))
    b = 0
    epoch = 0
    while epoch < epochs:
        for i in range(samples):
            p = float(sigmoid_tanh(np.dot(X[i], w) + b))
            w -= lr * (p - y[i]) * X[i]
            b -= lr * (p - y[i])
        epoch += 1
    return w, b


def train_one_long_loop(X, y, lr, epochs):
    w, b = np.zeros(X.shape[1]), 0.0
    for step in range(epochs * len(X)):
        x, label = X[step % len(X)], y[step % len(X)]
        error = sigmoid_abs(x @ w + b) - label
        w, b = w - lr * error * x, b - lr * error
    return w, b


def train_bias_trick(X, y, lr, epochs):
    A, u = np.column_stack([X, np.ones(len(X))]), np.zeros(X.shape[1] + 1)
    for _ in range(epochs):
        for row, label in zip(A, y, strict=True):
            u = u + lr * (label - sigmoid_abs(row @ u)) * row
    return u[:-1], float(u[-1])


def train_recursive(X, y, lr, epochs):
    if epochs == 0:
        return np.zeros(X.shape[1]), 0.0
    w, b = train_recursive(X, y, lr, epochs - 1)
    for x, label in zip(X, y, strict=True):
        w, b = update_bias_trick(x, label, w, b, lr)
    return w, b


# --- 02.sigmoid_grad


def sigmoid_grad_recipe(z):
    s = 1 / (1 + np.exp(-z))
    return s * (1 - s)


def sigmoid_grad_quotient(z):
    return np.exp(-z) / (1 + np.exp(-z)) ** 2


def sigmoid_grad_cosh(z):
    return 0.25 / np.cosh(z / 2) ** 2


def sigmoid_grad_loop(z):
    out = np.zeros(z.shape)
    for place in np.ndindex(z.shape):
        s = 1 / (1 + math.exp(-z[place]))
        out[place] = s - s**2
    return out


def sigmoid_grad_differences(z):
    h = 1e-5
    return (sigmoid_abs(z + h) - sigmoid_abs(z - h)) / (2 * h)


def sigmoid_grad_single(z):
    s = sigmoid_single(z)
    return s * (1 - s)


# --- 02.tanh_grad


def tanh_grad_recipe(z):
    return 1 - np.tanh(z) ** 2


def tanh_grad_cosh(z):
    return np.cosh(z) ** -2


def tanh_grad_factors(z):
    t = np.tanh(z)
    return (1 - t) * (1 + t)


def tanh_grad_sigmoid(z):
    s = 1 / (1 + np.exp(-2 * z))
    return 4 * s * (1 - s)


def tanh_grad_single(z):
    t = np.tanh(z.astype(np.float32))
    t *= t
    return 1 - t


# --- 02.relu


def relu_maximum(z):
    return np.maximum(0, z)


def relu_where(z):
    return np.where(z > 0, z, 0)


def relu_mask(z):
    return z * (z > 0)


def relu_copy(z):
    out = z.copy()
    out[out < 0] = 0
    return out


def relu_clip(z):
    return np.clip(z, 0, None)


def relu_abs(z):
    return (z + np.abs(z)) / 2


def relu_list(z):
    return np.array([max(0.0, v) for v in z.ravel()], dtype=np.float32).reshape(z.shape)


# --- 02.relu_grad


def relu_grad_mask(z):
    return (z > 0).astype(float)


def relu_grad_where(z):
    return np.where(z > 0, 1, 0)


def relu_grad_heaviside(z):
    return np.heaviside(z, 0.0)


def relu_grad_zeros(z):
    out = np.zeros_like(z)
    out[z > 0] = 1
    return out


def relu_grad_sign(z):
    return np.maximum(np.sign(z), 0).astype(np.float32)


def relu_grad_times(z):
    return 1.0 * (z > 0)


# --- 02.dense_forward


def dense_matmul(x, W, b):
    return x @ W + b


def dense_loops(x, W, b):
    N, D = x.shape
    M = W.shape[1]
    out = np.zeros((N, M))
    for n in range(N):
        for m in range(M):
            for d in range(D):
                out[n, m] += x[n, d] * W[d, m]
            out[n, m] += b[m]
    return out


def dense_einsum(x, W, b):
    return np.einsum("nd,dm->nm", x, W) + b[None, :]


def dense_list(x, W, b):
    return np.array([[neuron_matmul(row, W[:, m], b[m]) for m in range(len(b))] for row in x])


def dense_turned(x, W, b):
    return (W.T @ x.T + b[:, None]).T


def dense_column_of_ones(x, W, b):
    return np.hstack([x, np.ones((len(x), 1))]) @ np.vstack([W, b])


def dense_single(x, W, b):
    out = x.astype(np.float32) @ W.astype(np.float32)
    out += b
    return out


# --- 02.mlp_forward


def mlp_slices(x, layers):
    for W, b in layers[:-1]:
        x = np.maximum(x @ W + b, 0)
    W, b = layers[-1]
    return x @ W + b


def mlp_numbered(x, layers):
    for i, (W, b) in enumerate(layers):
        x = x.dot(W) + b
        if i != len(layers) - 1:
            x = x * (x > 0)
    return x


def mlp_recursive(x, layers):
    (W, b), *rest = layers
    z = x @ W + b
    return mlp_recursive(np.where(z > 0, z, 0.0), rest) if rest else z


def mlp_in_place(x, layers):
    a = x
    last = len(layers)
    for count, (W, b) in enumerate(layers, start=1):
        a = a @ W
        a += b
        if count < last:
            a[a < 0] = 0
    return a


def mlp_activation_first(x, layers):
    first = True
    for W, b in layers:
        if not first:
            x = np.clip(x, 0, None)
        x, first = np.matmul(x, W) + b, False
    return x


def mlp_single(x, layers):
    a = x.astype(np.float32)
    for i, (W, b) in enumerate(layers):
        a = a @ W.astype(np.float32) + b.astype(np.float32)
        a = np.maximum(a, 0) if i + 1 < len(layers) else a
    return a


# --- 02.count_parameters


def count_zip(sizes):
    return sum(d * m + m for d, m in zip(sizes, sizes[1:], strict=False))


def count_loop(sizes):
    total = 0
    for i in range(len(sizes) - 1):
        total += (sizes[i] + 1) * sizes[i + 1]
    return total


def count_arrays(sizes):
    n = np.array(sizes)
    return (n[:-1] * n[1:]).sum() + n[1:].sum()


def count_made(sizes):
    made = [(np.empty((d, m)), np.empty(m)) for d, m in zip(sizes[:-1], sizes[1:], strict=True)]
    return sum(W.size + b.size for W, b in made)


def count_recursive(sizes):
    return 0 if len(sizes) < 2 else sizes[0] * sizes[1] + sizes[1] + count_recursive(sizes[1:])


def count_by_torch(sizes):
    layers = [nn.Linear(d, m, device="meta") for d, m in zip(sizes, sizes[1:], strict=False)]
    return sum(p.numel() for layer in layers for p in layer.parameters())


# --- 02.dead_fraction


def dead_all(activations):
    return (activations == 0).all(axis=0).mean()


def dead_max(activations):
    return np.mean(activations.max(axis=0) == 0)


def dead_loop(activations):
    N, M = activations.shape
    dead = 0
    for m in range(M):
        if not any(activations[n, m] > 0 for n in range(N)):
            dead += 1
    return dead / M


def dead_sum(activations):
    return float(np.count_nonzero(activations.sum(axis=0) == 0)) / activations.shape[1]


def dead_any(activations):
    return 1 - activations.any(axis=0).mean()


def dead_columns(activations):
    return np.float32(sum(1 for column in activations.T if not column.any()) / len(activations.T))


# --- 02.xor_weights


def xor_sum():
    return np.ones((2, 2)), np.array([0.0, -1.0]), np.array([[1.0], [-2.0]]), np.zeros(1)


def xor_difference():
    return np.array([[1.0, -1.0], [-1.0, 1.0]]), np.zeros(2), np.ones((2, 1)), np.zeros(1)


def xor_whole_numbers():
    return [np.array([[1, 1], [1, 1]]), np.array([-1, 0]), np.array([[-2], [1]]), np.array([0])]


def xor_from_above():
    # 1 minus (both) minus (nothing)
    W1 = np.array([[1.0, -1.0], [1.0, -1.0]], dtype=np.float32)
    return W1, np.array([-1.0, 1.0]), np.array([[-1.0], [-1.0]]), np.array([1.0])


def xor_scaled():
    return np.full((2, 2), 4.0), np.array([0.0, -4.0]), np.array([[0.25], [-0.5]]), np.zeros(1)


def xor_one_fold():
    # one unit carries x1 + x2, the other the fold of x1 + x2 - 1
    return (
        np.array([[3.0, 2.0], [3.0, 2.0]]),
        np.array([0.0, -2.0]),
        np.array([[1 / 3], [-1.0]]),
        np.array([0.0]),
    )


ANSWERS = {
    "02.neuron": [neuron_loop, neuron_index, neuron_matmul, neuron_generator, neuron_single, neuron_zero_d],
    "02.sigmoid": [
        sigmoid_masks,
        sigmoid_abs,
        sigmoid_tanh,
        sigmoid_clip,
        sigmoid_log,
        sigmoid_loop,
        sigmoid_single,
        sigmoid_minimum,
        sigmoid_vectorize,
    ],
    "02.update_neuron": [update_three_lines, update_loop, update_towards, update_bias_trick, update_single],
    "02.train_neuron": [train_calls_the_step, train_indices, train_one_long_loop, train_bias_trick, train_recursive],
    "02.sigmoid_grad": [
        sigmoid_grad_recipe,
        sigmoid_grad_quotient,
        sigmoid_grad_cosh,
        sigmoid_grad_loop,
        sigmoid_grad_differences,
        sigmoid_grad_single,
    ],
    "02.tanh_grad": [
        tanh_grad_recipe,
        tanh_grad_cosh,
        tanh_grad_factors,
        tanh_grad_sigmoid,
        tanh_grad_single,
    ],
    "02.relu": [relu_maximum, relu_where, relu_mask, relu_copy, relu_clip, relu_abs, relu_list],
    "02.relu_grad": [
        relu_grad_mask,
        relu_grad_where,
        relu_grad_heaviside,
        relu_grad_zeros,
        relu_grad_sign,
        relu_grad_times,
    ],
    "02.dense_forward": [
        dense_matmul,
        dense_loops,
        dense_einsum,
        dense_list,
        dense_turned,
        dense_column_of_ones,
        dense_single,
    ],
    "02.mlp_forward": [
        mlp_slices,
        mlp_numbered,
        mlp_recursive,
        mlp_in_place,
        mlp_activation_first,
        mlp_single,
    ],
    "02.count_parameters": [count_zip, count_loop, count_arrays, count_made, count_recursive, count_by_torch],
    "02.dead_fraction": [dead_all, dead_max, dead_loop, dead_sum, dead_any, dead_columns],
    "02.xor_weights": [xor_sum, xor_difference, xor_whole_numbers, xor_from_above, xor_scaled, xor_one_fold],
    "02.quiz": [("c", "a", "d", "b", "a"), ("C", "A", "D", "B", "A"), (" c", "a)", "d.", "b", "A")],
}
