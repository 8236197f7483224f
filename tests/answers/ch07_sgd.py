"""Right answers to chapter 07's exercises, written in as many ways as learners do."""

from __future__ import annotations

import math
import random
from itertools import accumulate

import numpy as np

# --- 07.gradient_descent ----------------------------------------------------------------------------------


def gradient_descent_list(grad, x0, lr, steps):
    path = [x0]
    for _ in range(steps):
        path.append(path[-1] - lr * grad(path[-1]))
    return np.array(path)


def gradient_descent_table(grad, x0, lr, steps):
    path = np.zeros((steps + 1, len(x0)))
    path[0] = x0
    for k in range(steps):
        path[k + 1] = path[k] - lr * grad(path[k])
    return path


def gradient_descent_in_place(grad, x0, lr, steps):
    x = x0.copy()
    path = [x.copy()]
    for _ in range(steps):
        x -= lr * grad(x)
        path.append(x.copy())
    return np.stack(path)


def gradient_descent_recursive(grad, x0, lr, steps):
    if steps == 0:
        return x0[None].copy()
    rest = gradient_descent_recursive(grad, x0 - lr * grad(x0), lr, steps - 1)
    return np.vstack([x0, rest])


def gradient_descent_float32(grad, x0, lr, steps):
    path = [np.asarray(x0, np.float32)]
    for _ in range(steps):
        path.append((path[-1] - lr * grad(path[-1])).astype(np.float32))
    return np.array(path)


# --- 07.minibatches ---------------------------------------------------------------------------------------


def minibatches_generator(X, y, size, rng):
    order = rng.permutation(len(X))
    for start in range(0, len(X), size):
        chosen = order[start : start + size]
        yield X[chosen], y[chosen]


def minibatches_list(X, y, size, rng):
    order = np.arange(len(X))
    rng.shuffle(order)
    X, y = X[order], y[order]
    return [(X[i : i + size], y[i : i + size]) for i in range(0, len(y), size)]


def minibatches_split(X, y, size, rng):
    order = rng.permutation(len(X))
    for chosen in np.split(order, range(size, len(X), size)):
        yield X[chosen], y[chosen]


def minibatches_choice(X, y, size, rng):
    order = rng.choice(len(X), len(X), replace=False)
    batches = []
    while len(order):
        batches.append([X[order[:size]], y[order[:size]]])
        order = order[size:]
    return tuple(batches)


def minibatches_sorted_by_chance(X, y, size, rng):
    order = np.argsort(rng.random(len(X)))
    return ((X[order[i : i + size]].astype(np.float32), y[order[i : i + size]]) for i in range(0, len(X), size))


def minibatches_python(X, y, size, rng):
    order = list(range(len(X)))
    random.Random(int(rng.integers(2**62))).shuffle(order)
    for start in range(0, len(order), size):
        yield (
            np.array([X[i] for i in order[start : start + size]]),
            np.array([y[i] for i in order[start : start + size]]),
        )


def minibatches_pool(X, y, size, rng):
    left = np.arange(len(X))
    while left.size:
        chosen = rng.choice(left, min(size, left.size), replace=False)
        left = np.setdiff1d(left, chosen)
        yield X[chosen], y[chosen]


# --- 07.sgd_step ------------------------------------------------------------------------------------------


def sgd_step_new(w, grad, lr):
    return w - lr * grad


def sgd_step_in_place(w, grad, lr):
    w -= lr * grad
    return w


def sgd_step_loop(w, grad, lr):
    out = np.zeros_like(w)
    for place in np.ndindex(w.shape):
        out[place] = w[place] - lr * grad[place]
    return out


def sgd_step_float32(w, grad, lr):
    return (w - lr * grad).astype(np.float32)


# --- 07.momentum_step -------------------------------------------------------------------------------------


def momentum_step_new(w, grad, velocity, lr, beta=0.9):
    velocity = beta * velocity + grad
    return w - lr * velocity, velocity


def momentum_step_in_place(w, grad, velocity, lr, beta=0.9):
    velocity *= beta
    velocity += grad
    w -= lr * velocity
    return w, velocity


def momentum_step_list(w, grad, velocity, lr, beta=0.9):
    """The velocity carries the sign."""
    velocity = beta * velocity - grad
    return [w + lr * velocity, velocity]


def momentum_step_history(w, grad, velocity, lr, beta=0.9):
    """The state is a list of all gradients so far."""
    past = [] if isinstance(velocity, np.ndarray) else velocity
    past = [*past, grad]
    total = sum(beta ** (len(past) - 1 - k) * g for k, g in enumerate(past))
    return w - lr * total, past


# --- 07.adam_step -----------------------------------------------------------------------------------------


def adam_step_new(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = state
    t = t + 1
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    return w - lr * m_hat / (np.sqrt(v_hat) + eps), (m, v, t)


def adam_step_in_place(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = state
    t += 1
    m *= beta1
    m += (1 - beta1) * grad
    v *= beta2
    v += (1 - beta2) * grad * grad
    w -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w, (m, v, t)


def adam_step_rate_corrected(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    """Kingma and Ba's faster form, with eps scaled so that it is the same."""
    m, v, t = state[0], state[1], state[2] + 1
    m = m + (1 - beta1) * (grad - m)
    v = v + (1 - beta2) * (grad**2 - v)
    root = math.sqrt(1 - beta2**t)
    rate = lr * root / (1 - beta1**t)
    return w - rate * m / (np.sqrt(v) + eps * root), [m, v, t]


def adam_step_dict(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    if not isinstance(state, dict):
        state = {"m": state[0], "v": state[1], "t": state[2]}
    state["t"] += 1
    state["m"] = beta1 * state["m"] + (1 - beta1) * grad
    state["v"] = beta2 * state["v"] + (1 - beta2) * np.square(grad)
    m, v = state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta2 ** state["t"])
    return w - lr * m / (v**0.5 + eps), state


# --- 07.cosine_lr -----------------------------------------------------------------------------------------


def cosine_lr_numpy(step, total, base, warmup=0):
    if step < warmup:
        return base * (step + 1) / warmup
    return base * (1 + np.cos(np.pi * (step - warmup) / (total - warmup))) / 2


def cosine_lr_math(step, total, base, warmup=0):
    if step >= warmup:
        share = (step - warmup) / (total - warmup)
        return 0.5 * base * (1 + math.cos(math.pi * share))
    return (step + 1) * (base / warmup)


def cosine_lr_array(step, total, base, warmup=0):
    rates = np.concatenate(
        [
            np.arange(1, warmup + 1) / max(warmup, 1),
            (1 + np.cos(np.linspace(0, np.pi, total - warmup, endpoint=False))) / 2,
        ]
    )
    return np.array(base * rates[step])


def cosine_lr_float32(step, total, base, warmup=0):
    return np.float32(cosine_lr_math(step, total, base, warmup))


# --- 07.he_init -------------------------------------------------------------------------------------------


def he_init_standard_normal(shape, rng):
    fan_in = shape[0] if len(shape) == 2 else np.prod(shape[1:])
    return rng.standard_normal(shape) * np.sqrt(2 / fan_in)


def he_init_normal(shape, rng):
    if len(shape) == 2:
        fan_in = shape[0]
    else:
        _, channels, height, width = shape
        fan_in = channels * height * width
    return rng.normal(0, math.sqrt(2 / fan_in), size=shape)


def he_init_loop(shape, rng):
    count = math.prod(shape)
    fan_in = shape[0] if len(shape) == 2 else count // shape[0]
    return np.array([rng.normal() for _ in range(count)]).reshape(shape) * (2 / fan_in) ** 0.5


def he_init_float32(shape, rng):
    fan_in = shape[0] if len(shape) == 2 else math.prod(shape[1:])
    return rng.standard_normal(shape, dtype=np.float32) * np.float32(np.sqrt(2 / fan_in))


def he_init_half(shape, rng):
    return he_init_normal(shape, rng).astype(np.float16)


# --- 07.early_stop ----------------------------------------------------------------------------------------


def early_stop_argmin(history, patience):
    return bool(len(history) - 1 - np.argmin(history) >= patience)


def early_stop_loop(history, patience):
    best, waited = float("inf"), 0
    for loss in history:
        if loss < best:
            best, waited = loss, 0
        else:
            waited += 1
    return waited >= patience


def early_stop_last(history, patience):
    if len(history) <= patience:
        return False
    return min(history[-patience:]) >= min(history[:-patience])


def early_stop_numpy_bool(history, patience):
    history = np.asarray(history)
    later = history[history.argmin() + 1 :]
    return np.bool_(later.size >= patience)


# --- 07.train_digits --------------------------------------------------------------------------------------


def train_digits_adam(X, y, rng):
    from introdl.layers import lenet, softmax_cross_entropy

    net = lenet((1, 8, 8), 10, rng)
    parameters = net.parameters()
    states = [(0 * p.value, 0 * p.value, 0) for p in parameters]
    epochs, size, step = 20, 32, 0
    total = epochs * math.ceil(len(X) / size)
    for _ in range(epochs):
        for pictures, labels in minibatches_generator(X, y, size, rng):
            moved = np.roll(pictures, rng.integers(-1, 2), axis=rng.integers(2, 4))
            _, slope = softmax_cross_entropy(net.forward(moved), labels)
            net.backward(slope)
            rate = cosine_lr_numpy(step, total, 0.006, 20)
            step += 1
            for i, p in enumerate(parameters):
                p.value, states[i] = adam_step_new(p.value, p.grad, states[i], rate)
    return [p.value for p in parameters]


def train_digits_momentum(X, y, rng):
    """In place, with a plain loop over the layers and a loss of its own."""
    from introdl import layers

    net = layers.lenet(X.shape[1:], 10, rng)
    speeds = [np.zeros_like(p.value) for p in net.parameters()]
    epochs = 18
    for epoch in range(epochs):
        order = rng.permutation(len(X))
        for start in range(0, len(X), 24):
            chosen = order[start : start + 24]
            pictures = X[chosen]
            if start % 48:
                pictures = np.roll(pictures, (1, -1)[epoch % 2], axis=2 + epoch // 2 % 2)
            scores = net.forward(pictures)
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            slope = powers / powers.sum(axis=1, keepdims=True) - np.eye(10, dtype=np.float32)[y[chosen]]
            net.backward(slope / len(chosen))
            rate = 0.04 * (1 - epoch / epochs)
            for p, speed in zip(net.parameters(), speeds, strict=True):
                speed *= 0.9
                speed += p.grad
                p.value -= rate * speed
    return tuple(p.value for p in net.parameters())


def train_digits_own_layers(X, y, rng):
    """Nothing of `introdl`: windows, products and slopes written out, weights in a dict."""

    def windows(x):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))  # (N, H, W, C)
        cut = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        return cut.reshape(*x.shape[:3], -1)  # (N, H, W, C * 9)

    def pool(x):
        n, h, w, c = x.shape
        cells = x.reshape(n, h // 2, 2, w // 2, 2, c).transpose(0, 1, 3, 5, 2, 4).reshape(n, h // 2, w // 2, c, 4)
        return cells.max(axis=-1), cells.argmax(axis=-1)

    def unpool(dy, where):
        n, h, w, c = dy.shape
        cells = (where[..., None] == np.arange(4)) * dy[..., None]
        return cells.reshape(n, h, w, c, 2, 2).transpose(0, 1, 4, 2, 5, 3).reshape(n, 2 * h, 2 * w, c)

    shapes = {"k1": (16, 1, 3, 3), "k2": (32, 16, 3, 3), "d1": (128, 64), "d2": (64, 10)}
    w = {name: he_init_normal(shape, rng).astype(np.float32) for name, shape in shapes.items()}
    w |= {"b" + name: np.zeros(shape[0 if name[0] == "k" else 1], np.float32) for name, shape in shapes.items()}
    state = {name: (np.zeros_like(v), np.zeros_like(v), 0) for name, v in w.items()}
    images = np.asarray(X, np.float32)[:, 0, :, :, None]
    for epoch in range(24):
        order = rng.permutation(len(images))
        for chosen in np.split(order, range(32, len(order), 32)):
            x = np.roll(images[chosen], rng.integers(-1, 2), axis=rng.integers(1, 3))
            c1 = windows(x)
            a1 = c1 @ w["k1"].reshape(16, -1).T + w["bk1"]
            p1, i1 = pool(np.maximum(a1, 0))
            c2 = windows(p1)
            a2 = c2 @ w["k2"].reshape(32, -1).T + w["bk2"]
            p2, i2 = pool(np.maximum(a2, 0))
            flat = p2.transpose(0, 3, 1, 2).reshape(len(x), -1)
            h = flat @ w["d1"] + w["bd1"]
            s = np.maximum(h, 0) @ w["d2"] + w["bd2"]
            ds = np.exp(s - s.max(1, keepdims=True))
            ds /= ds.sum(1, keepdims=True)
            ds[np.arange(len(x)), y[chosen]] -= 1
            ds /= len(x)
            dh = ds @ w["d2"].T * (h > 0)
            d2 = unpool((dh @ w["d1"].T).reshape(len(x), 32, 2, 2).transpose(0, 2, 3, 1), i2) * (a2 > 0)
            back = (d2 @ w["k2"].reshape(32, -1)).reshape(*p1.shape[:3], 16, 3, 3)
            wide = np.zeros((len(x), 6, 6, 16), np.float32)
            for u in range(3):
                for v in range(3):
                    wide[:, u : u + 4, v : v + 4] += back[..., u, v]
            d1 = unpool(wide[:, 1:5, 1:5], i1) * (a1 > 0)
            g = {
                "d2": np.maximum(h, 0).T @ ds,
                "bd2": ds.sum(0),
                "d1": flat.T @ dh,
                "bd1": dh.sum(0),
                "k2": np.einsum("nijf,nijc->fc", d2, c2, optimize=True).reshape(w["k2"].shape),
                "bk2": d2.sum((0, 1, 2)),
                "k1": np.einsum("nijf,nijc->fc", d1, c1, optimize=True).reshape(w["k1"].shape),
                "bk1": d1.sum((0, 1, 2)),
            }
            for name in w:
                w[name], state[name] = adam_step_new(w[name], g[name], state[name], 0.005 * 0.88**epoch)
    return [w[name] for name in ("k1", "bk1", "k2", "bk2", "d1", "bd1", "d2", "bd2")]


# --- more of them, as learners wrote them -----------------------------------------------------------------


def gradient_descent_accumulated(grad, x0, lr, steps):
    return np.array(list(accumulate(range(steps), lambda x, _: x - lr * grad(x), initial=x0)))


def minibatches_seeded_twice(X, y, size, rng):
    seed = rng.integers(2**32)
    pictures, labels = (np.random.default_rng(seed).permutation(part) for part in (X, y))
    return zip(*([part[k : k + size] for k in range(0, len(X), size)] for part in (pictures, labels)), strict=True)


def minibatches_draws_from_what_is_left(X, y, size, rng):
    left = set(range(len(X)))
    while left:
        chosen = rng.choice(sorted(left), min(size, len(left)), replace=False)
        left -= set(chosen.tolist())
        yield X[chosen], y[chosen]


def adam_step_as_pytorch(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = state
    t += 1
    m = m + (1 - beta1) * (grad - m)
    v = beta2 * v + (1 - beta2) * grad * grad
    denominator = np.sqrt(v) / math.sqrt(1 - beta2**t) + eps
    return w - lr / (1 - beta1**t) * (m / denominator), [m, v, t]


def cosine_lr_table(step, total, base, warmup=0):
    table = list(np.linspace(base / warmup, base, warmup)) if warmup else []
    rest = total - warmup
    return (table + [base * (1 - math.sin(math.pi * k / (2 * rest)) ** 2) for k in range(rest)])[step]


def he_init_box_muller(shape, rng):
    fan_in = shape[0] if len(shape) == 2 else math.prod(shape[1:])
    radius, angle = np.sqrt(-2 * np.log(1 - rng.random(shape))), 2 * np.pi * rng.random(shape)
    return radius * np.cos(angle) * math.sqrt(2 / fan_in)


def early_stop_windows(history, patience):
    return len(history) > patience and min(history[-patience:]) >= min(history[:-patience])


ANSWERS = {
    "07.gradient_descent": [
        gradient_descent_list,
        gradient_descent_table,
        gradient_descent_in_place,
        gradient_descent_recursive,
        gradient_descent_float32,
        gradient_descent_accumulated,
    ],
    "07.minibatches": [
        minibatches_generator,
        minibatches_list,
        minibatches_split,
        minibatches_choice,
        minibatches_sorted_by_chance,
        minibatches_python,
        minibatches_pool,
        minibatches_seeded_twice,
        minibatches_draws_from_what_is_left,
    ],
    "07.sgd_step": [sgd_step_new, sgd_step_in_place, sgd_step_loop, sgd_step_float32],
    "07.momentum_step": [
        momentum_step_new,
        momentum_step_in_place,
        momentum_step_list,
        momentum_step_history,
    ],
    "07.adam_step": [adam_step_new, adam_step_in_place, adam_step_rate_corrected, adam_step_dict, adam_step_as_pytorch],
    "07.cosine_lr": [cosine_lr_numpy, cosine_lr_math, cosine_lr_array, cosine_lr_float32, cosine_lr_table],
    "07.he_init": [
        he_init_standard_normal,
        he_init_normal,
        he_init_loop,
        he_init_float32,
        he_init_half,
        he_init_box_muller,
    ],
    "07.early_stop": [early_stop_argmin, early_stop_loop, early_stop_last, early_stop_numpy_bool, early_stop_windows],
    "07.train_digits": [train_digits_adam, train_digits_momentum, train_digits_own_layers],
}
