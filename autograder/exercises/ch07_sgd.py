"""Chapter 07, stochastic gradient descent: its exercises, their cases, oracles and known mistakes.

Inputs are rounded, so that a learner can read them. Where chance has its part (mini-batches, fresh weights), it is the
properties of an answer that are judged. The chance that a right answer fails on them is below one in a million for each
exercise; the sums stand beside the cases.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch

from autograder.authoring.draws import checksum, generator, rounded, signed
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz

LIBRARIES = ("torch.*", "sklearn.*", "scipy.optimize.*")


_turn = itertools.count()


def _unasked():
    """A generator that is not the one given, as np.random is; the probes call three times, and each build the same."""
    return np.random.default_rng(1000 + next(_turn) % 3)


# --- 07.gradient_descent ------------------------------------------------------------------------------------


def _bowl(rng, d, low=0.5, high=3.0):
    """A symmetric matrix (D, D) with eigenvalues between `low` and `high`, two decimals."""
    turn = np.linalg.qr(rng.normal(size=(d, d)))[0]
    A = turn @ np.diag(np.linspace(low, high, d)) @ turn.T
    return ((A + A.T) / 2).round(2)


def _descent_cases(rng):
    A = np.diag(rng.choice([1.0, 2.0, 3.0], 2, replace=False))
    c = rng.integers(-2, 3, 2).astype(float)
    yield Case("a bowl along the axes, 3 steps", A=A, c=c, x0=c + np.array([4.0, -8.0]) * rng.choice([-1, 1], 2), lr=0.25, steps=3)  # fmt: skip
    for label, d, lr, steps in (("a tilted valley", 3, 0.3, 7), ("many small steps", 2, 0.02, 40)):
        yield Case(label, A=_bowl(rng, d), c=signed(rng, d), x0=signed(rng, d, 5.0), lr=lr, steps=steps)
    yield Case(
        "a rate too large: it diverges", A=_bowl(rng, 4), c=signed(rng, 4), x0=signed(rng, 4, 5.0), lr=0.8, steps=6
    )
    yield Case("a single step", weight=0.5, A=_bowl(rng, 2), c=signed(rng, 2), x0=signed(rng, 2, 5.0), lr=0.1, steps=1)
    bottom = signed(rng, 3)
    yield Case("it begins at the bottom", weight=0.5, A=_bowl(rng, 3), c=bottom, x0=bottom.copy(), lr=0.1, steps=5)


def _descent_oracle(A, c, x0, lr, steps):
    """In the directions of A's eigenvectors every step multiplies the distance by 1 - lr * eigenvalue."""
    values, vectors = np.linalg.eigh(A)
    start = vectors.T @ (x0 - c)
    return rounded([c + vectors @ ((1 - lr * values) ** k * start) for k in range(steps + 1)])


def _descend(move):
    def wrong(grad, x0, lr, steps):
        path = [np.array(x0)]
        for k in range(steps):
            path.append(move(path[-1], grad, lr, k, x0))
        return np.array(path)

    return wrong


def _right_path(grad, x0, lr, steps):
    return _descend(lambda x, g, lr, k, x0: x - lr * g(x))(grad, x0, lr, steps)


def _one_array(grad, x0, lr, steps):
    x = np.array(x0)
    path = [x]
    for _ in range(steps):
        x -= lr * grad(x)
        path.append(x)
    return np.array(path)


def _moves_x0(grad, x0, lr, steps):
    path = [x0.copy()]
    for _ in range(steps):
        x0 -= lr * grad(x0)
        path.append(x0.copy())
    return np.array(path)


GRADIENT_DESCENT = Exercise(
    id="07.gradient_descent",
    title="Gradient descent",
    points=8,
    cases=_descent_cases,
    oracle=_descent_oracle,
    probe="descent",
    forbidden=LIBRARIES,
    misconceptions={
        "it climbs": Mistake(
            "You add the gradient. It points to where the function grows fastest, so a step downhill goes against it.",
            _descend(lambda x, g, lr, k, x0: x + lr * g(x)),
        ),
        "always the gradient at the start": Mistake(
            "Every step takes the gradient at x0. The slope changes as you walk: take it where you stand now.",
            _descend(lambda x, g, lr, k, x0: x - lr * g(x0)),
        ),
        "the learning rate is left out": Mistake(
            "You subtract the whole gradient. The step is lr times the gradient.",
            _descend(lambda x, g, lr, k, x0: x - g(x)),
        ),
        "the point is replaced by the step": Mistake(
            "Each new point is the step alone, -lr * gradient. A step starts from where you are: add it to the point.",
            _descend(lambda x, g, lr, k, x0: -lr * g(x)),
        ),
        "every step has the same length": Mistake(
            "You divide the gradient by its length. Here a steep slope makes a long step and a flat one a short step, so "
            "that the steps get smaller near the bottom.",
            _descend(lambda x, g, lr, k, x0: x - lr * g(x) / (np.linalg.norm(g(x)) or 1.0)),
        ),
        "the learning rate shrinks": Mistake(
            "Your rate gets smaller from step to step. Here it stays as it is; schedules come later in the chapter.",
            _descend(lambda x, g, lr, k, x0: x - lr / (k + 1) * g(x)),
        ),
        "one step too few": Mistake(
            "Your path has one point too few at its end. Together with the start, there are steps + 1 points.",
            lambda g, x0, lr, steps: _right_path(g, x0, lr, steps)[:-1],
        ),
        "the start is missing": Mistake(
            "Your path begins after the first step. Its first row is x0 itself.",
            lambda g, x0, lr, steps: _right_path(g, x0, lr, steps)[1:],
        ),
        "only the last point": Mistake(
            "You return where the walk ends. The docstring asks for the whole path, a row for each point.",
            lambda g, x0, lr, steps: _right_path(g, x0, lr, steps)[-1],
        ),
        "one array in every row": Mistake(
            "All rows of your path are the last point. You change one array in place and put that same array on the list "
            "again and again. Put a copy there, or make a new array in each step.",
            _one_array,
        ),
        "the start is changed": Mistake(
            "Your path is right, but x0 itself was moved: x -= ... changes the array that you were given. Begin with a copy.",
            _moves_x0,
        ),
    },
    hints=(
        "Stand at x. Which two things do you need to know to find the next point?",
        "Keep a list of points that begins with a copy of x0. In each step take the gradient at the last point of it.",
        "x = x - lr * grad(x) makes a new array, so it can go on the list as it is. np.array(path) makes the rows.",
    ),
)


# --- 07.minibatches -----------------------------------------------------------------------------------------
# A right answer gives one of N! orders. It fails by chance where the order is that of X, or where two epochs agree: with
# the smallest N here, 11, twice 1 in 4 * 10^7. That all batches of both epochs hold neighbors: with 4 + 4 + 3 samples
# (6 * 4! 4! 3! / 11!)^2, 3 in 10^7. That N - 3 samples come after a neighbor, in both: below 1 in 10^7. All cases
# together: below 1 in 2 * 10^6.


def _distinct_samples(rng, *shape):
    """Different numbers that float32 and float16 hold exactly, no two samples alike."""
    count = int(np.prod(shape))
    return (rng.permutation(2 * count)[:count] + 1.0).reshape(shape) / 8


def _batch_cases(rng):
    for label, shape, size in (
        ("11 samples of 2 numbers, batches of 4", (11, 2), 4),
        ("12 samples, batches of 3: none is left over", (12, 3), 3),
        ("pictures (N, C, H, W), batches of 5", (17, 2, 3, 4), 5),
        ("one sample at a time", (13, 2), 1),
        ("a batch larger than all", (14, 3), 50),
    ):
        n = shape[0]
        yield Case(
            label,
            X=_distinct_samples(rng, *shape),
            y=rng.permutation(n).astype(np.int64),
            size=size,
            rng=generator(rng),
        )


def _batched(order, X, y, size, drop_last=False):
    for start in range(0, len(order) - (size - 1 if drop_last else 0), size):
        chosen = order[start : start + size]
        yield X[chosen], y[chosen]


def _minibatches(X, y, size, rng):
    return _batched(rng.permutation(len(X)), X, y, size)


def _shuffled_apart(X, y, size, rng):
    first, second = rng.permutation(len(X)), rng.permutation(len(X))
    return ((X[first[i : i + size]], y[second[i : i + size]]) for i in range(0, len(X), size))


def _with_replacement(X, y, size, rng):
    chosen = rng.integers(0, len(X), len(X))
    if len(set(chosen.tolist())) == len(X):
        chosen[0] = chosen[1]
    return _batched(chosen, X, y, size)


def _batches_shuffled(X, y, size, rng):
    starts = np.arange(0, len(X), size)
    if len(starts) == 1:
        return _batched(np.arange(len(X)), X, y, size)
    while True:
        starts = rng.permutation(starts)
        if (np.diff(starts) < 0).any() and starts[-1] + size >= len(
            X
        ):  # a short batch in the middle would have its own name
            return ((X[s : s + size], y[s : s + size]) for s in starts)


def _filled_up(X, y, size, rng):
    order = rng.permutation(len(X))
    return _batched(np.resize(order, -(-len(X) // size) * size), X, y, size)


def _changes_inputs(X, y, size, rng):
    order = rng.permutation(len(X))
    X[:], y[:] = X[order], y[order]
    return _batched(np.arange(len(X)), X, y, size)


def _number_of_batches(X, y, size, rng):
    order = rng.permutation(len(X))
    return [(X[part], y[part]) for part in np.array_split(order, min(size, len(X)))]


def _shuffled_within(X, y, size, rng):
    return [(X[part], y[part]) for part in (start + rng.permutation(len(X[start : start + size])) for start in range(0, len(X), size))]  # fmt: skip


def _evened_out(X, y, size, rng):
    order = rng.permutation(len(X))
    return [(X[part], y[part]) for part in np.array_split(order, -(-len(X) // size))]


def _one_batch_more(X, y, size, rng):
    order = rng.permutation(len(X))
    return [(X[part], y[part]) for part in (order[k * size : (k + 1) * size] for k in range(len(X) // size + 1))]


MINIBATCHES = Exercise(
    id="07.minibatches",
    title="Mini-batches of one epoch",
    points=12,
    cases=_batch_cases,
    oracle=lambda X, y, size, rng: "every sample once, in step with its label, in a new order each epoch",
    probe="minibatches",
    forbidden=("torch.*", "sklearn.*"),
    misconceptions={
        "the last batch is lost": Mistake(
            "When the size does not divide the number of samples, a shorter batch is left at the end. You drop it, so some "
            "samples are not used in this epoch. Look at where your loop stops.",
            lambda X, y, size, rng: list(_batched(rng.permutation(len(X)), X, y, size, drop_last=True)),
        ),
        "X and y are shuffled apart": Mistake(
            "Pictures and labels are drawn in two different orders, so a picture gets the label of another, and there is "
            "nothing to be learned. Draw one order, and index both with it.",
            _shuffled_apart,
        ),
        "samples are drawn with replacement": Mistake(
            "In one epoch some samples come twice, and others never. Shuffle all numbers once, and cut the row into "
            "batches.",
            _with_replacement,
        ),
        "the same order every epoch": Mistake(
            "You make a generator of your own with a fixed seed, so every epoch has the same order. Use the one that you "
            "are given: it goes on where it stopped.",
            lambda X, y, size, rng: _batched(np.random.default_rng(0).permutation(len(X)), X, y, size),
        ),
        "nothing is shuffled": Mistake(
            "The batches come in the order of X. If it is sorted by class, a whole batch holds one class, and every step "
            "forgets the others.",
            lambda X, y, size, rng: _batched(np.arange(len(X)), X, y, size),
        ),
        "only the batches change places": Mistake(
            "The same samples always stay together in a batch; only the order of the batches is drawn. Shuffle the "
            "samples, then cut.",
            _batches_shuffled,
        ),
        "only within a batch is shuffled": Mistake(
            "The batches are cut first, in the order of X, and each is shuffled by itself: the same samples meet in every epoch. "
            "Shuffle all samples, then cut.",
            _shuffled_within,
        ),
        "the generator is not used": Mistake(
            "Your order does not come from rng: with the generator in the same state it differs. Then nobody can repeat your "
            "training. Call rng.permutation, not np.random.",
            lambda X, y, size, rng: _batched(_unasked().permutation(len(X)), X, y, size),
        ),
        "the last batch is filled up": Mistake(
            "You fill the last batch with samples that were used already, so they count twice in this epoch. Let it be "
            "shorter.",
            _filled_up,
        ),
        "a return inside the loop": Mistake(
            "There is one batch only, though more samples are left. return ends the function; yield hands out a batch and "
            "goes on. Or put the batches on a list.",
            lambda X, y, size, rng: list(_minibatches(X, y, size, rng))[:1],
        ),
        "size is taken for the number of batches": Mistake(
            "You cut the samples into size batches. size is how many samples are in one batch.",
            _number_of_batches,
        ),
        "the batches are evened out": Mistake(
            "You cut the samples into parts of nearly equal size, as np.array_split does. Each batch holds size samples, and only "
            "the last one is shorter.",
            _evened_out,
        ),
        "an empty batch where the size divides N": Mistake(
            "You make one batch more than there are full ones. Where the size divides the number of samples nothing is left "
            "for it, and it is empty; its mean loss would be 0 divided by 0. Take a last batch only where samples are left.",
            _one_batch_more,
        ),
        "X and y are changed": Mistake(
            "You shuffle the arrays that you were given. The caller still needs them, and every epoch would shuffle "
            "them further. Shuffle a row of numbers, and index with it.",
            _changes_inputs,
        ),
        "pictures without their labels": Mistake(
            "Your batches hold pictures only. Each batch is a pair, (pictures, labels).",
            lambda X, y, size, rng: [pair[0] for pair in _minibatches(X, y, size, rng)],
        ),
    },
    hints=(
        "Do not shuffle X and y. Shuffle the numbers 0 to N - 1, once, and let them say who comes next.",
        "order = rng.permutation(len(X)). The batches begin at 0, size, 2 * size, ...: range(0, len(X), size). A slice that "
        "goes over the end is simply shorter.",
        "In the loop over the starts: chosen = order[start : start + size], and yield X[chosen], y[chosen].",
    ),
)


# --- 07.sgd_step, 07.momentum_step and 07.adam_step: a few steps each; the weights after each are compared --


def _torch_path(make, w, grads, rates):
    weights = torch.nn.Parameter(torch.from_numpy(np.array(w)))
    optimizer, path = make([weights]), []
    for grad, rate in zip(grads, np.broadcast_to(rates, len(grads)), strict=True):
        optimizer.param_groups[0]["lr"] = float(rate)
        weights.grad = torch.from_numpy(np.array(grad))
        optimizer.step()
        path.append(weights.detach().numpy().copy())
    return rounded(path)


def _sgd_oracle(w, grads, state, lr):
    return _torch_path(torch.optim.SGD, w, grads, lr)


def _sgd_cases(rng):
    yield Case("whole numbers, two steps", w=np.array([5.0, -3.0]) + rng.integers(0, 3), grads=rng.integers(1, 5, (2, 2)) * np.array([2.0, -4.0]), state=None, lr=0.5)  # fmt: skip
    yield Case("a layer's weights (3, 4), five steps", w=signed(rng, (3, 4)), grads=signed(rng, (5, 3, 4), 4.0), state=None, lr=0.1)  # fmt: skip
    yield Case("a convolution's kernels (2, 3, 2, 4)", w=signed(rng, (2, 3, 2, 4)), grads=signed(rng, (3, 2, 3, 2, 4), 4.0), state=None, lr=0.03)  # fmt: skip


def _in_place_nothing(w, grad, lr):
    w -= lr * grad


def _changes_grad(w, grad, lr):
    grad *= lr
    return w - grad


SGD_STEP = Exercise(
    id="07.sgd_step",
    title="A step of SGD",
    points=5,
    cases=_sgd_cases,
    oracle=_sgd_oracle,
    probe="optimizer",
    forbidden=LIBRARIES,
    misconceptions={
        "it climbs": Mistake("The gradient points uphill. Take the step against it.", lambda w, g, lr: w + lr * g),
        "the learning rate is left out": Mistake(
            "You subtract the whole gradient. The step is lr times the gradient.",
            lambda w, g, lr: w - g,
        ),
        "only the step comes back": Mistake(
            "You return the step, not the weights after it. Add it to w.",
            lambda w, g, lr: -lr * g,
        ),
        "only the signs count": Mistake(
            "Every weight moves by lr, whatever its slope. The step is lr times the gradient, steep or flat.",
            lambda w, g, lr: w - lr * np.sign(g),
        ),
        "divided by the learning rate": Mistake(
            "You divide by lr. A small rate should make a small step.",
            lambda w, g, lr: w - g / lr,
        ),
        "nothing is returned": Mistake(
            "You change w in place, which is allowed, and return nothing. End with: return w.",
            _in_place_nothing,
        ),
        "the gradient is changed": Mistake(
            "The weights are right, but the gradient was changed in place. Its owner may still need it. Multiply it into a "
            "new array.",
            _changes_grad,
        ),
    },
    hints=(
        "It is one line of gradient descent, with the gradient handed to you.",
        "The new weights are the old ones minus lr times the gradient, number by number, whatever the shape.",
        "return w - lr * grad",
    ),
)


def _momentum_oracle(w, grads, velocity, lr, beta=0.9):
    return _torch_path(lambda p: torch.optim.SGD(p, momentum=beta), w, grads, lr)


def _momentum_cases(rng):
    yield Case("whole numbers, three steps, beta 0.5", w=np.array([10.0, -4.0]), grads=np.tile(4.0 * rng.integers(1, 4, 2) * rng.choice([-1, 1], 2), (3, 1)), velocity=np.zeros(2), lr=0.5, beta=0.5)  # fmt: skip
    yield Case("a layer's weights (3, 4), six steps", w=signed(rng, (3, 4)), grads=signed(rng, (6, 3, 4), 4.0), velocity=np.zeros((3, 4)), lr=0.1, beta=0.9)  # fmt: skip
    yield Case(
        "biases, many steps", w=signed(rng, 5), grads=signed(rng, (15, 5)), velocity=np.zeros(5), lr=0.03, beta=0.8
    )
    rates = np.array([0.4, 0.4, 0.1, 0.1, 0.02])
    yield Case("the rate falls on the way, beta left at its default", w=signed(rng, 4), grads=signed(rng, (5, 4)), velocity=np.zeros(4), lr=rates)  # fmt: skip


def _momentum(velocity, move=lambda w, g, v, old, lr, b: w - lr * v, keep=True):
    def wrong(w, grad, v, lr, beta=0.9):
        new = velocity(v, grad, lr, beta)
        return move(w, grad, new, v, lr, beta), new if keep else v

    return wrong


def _velocity(v, g, lr, b):
    return b * v + g


MOMENTUM_STEP = Exercise(
    id="07.momentum_step",
    title="A step with momentum",
    points=9,
    cases=_momentum_cases,
    oracle=_momentum_oracle,
    probe="optimizer",
    forbidden=LIBRARIES,
    misconceptions={
        "the velocity is not kept": Mistake(
            "Every step begins with the velocity you were given at first, so nothing is remembered. Return the new velocity, "
            "not the old one.",
            _momentum(_velocity, keep=False),
        ),
        "it climbs": Mistake(
            "The sign is turned: the weights move uphill. Subtract lr times the velocity.",
            _momentum(_velocity, lambda w, g, v, old, lr, b: w + lr * v),
        ),  # fmt: skip
        "the gradient is damped": Mistake(
            "You take (1 - beta) of the gradient, so your velocity is a mean, as Adam's first moment is. Here the whole "
            "gradient is added: with beta = 0.9 your steps are ten times too small.",
            _momentum(lambda v, g, lr, b: b * v + (1 - b) * g),
        ),
        "beta and 1 - beta are swapped": Mistake(
            "Your velocity keeps 1 - beta of the old and takes beta of the new. It is beta that says how much of the old "
            "velocity stays.",
            _momentum(lambda v, g, lr, b: (1 - b) * v + b * g),
        ),
        "the learning rate counts twice": Mistake(
            "lr is in the velocity, and again in the step. It belongs in one of the two places.",
            _momentum(lambda v, g, lr, b: b * v + lr * g),
        ),
        "the velocity keeps old learning rates": Mistake(
            "Your velocity adds up lr times the gradients, as CS231n's does. As long as lr stays the same, that gives the same "
            "steps; once lr falls, the old gradients still count with the old rate. The docstring's velocity adds up plain "
            "gradients, and lr comes in when you move.",
            _momentum(lambda v, g, lr, b: b * v + lr * g, lambda w, g, v, old, lr, b: w - v),
        ),
        "the learning rate is left out": Mistake(
            "You subtract the whole velocity. The step is lr times the velocity.",
            _momentum(_velocity, lambda w, g, v, old, lr, b: w - v),
        ),
        "the velocity never fades": Mistake(
            "The old velocity is kept whole, so that nothing slows it down. Multiply it by beta first.",
            _momentum(lambda v, g, lr, b: v + g),
        ),
        "the old velocity moves the weights": Mistake(
            "You move by the velocity from before this step, so the first step goes nowhere. Bring the velocity up to date, "
            "then move.",
            _momentum(_velocity, lambda w, g, v, old, lr, b: w - lr * old),
        ),
        "the gradient counts twice": Mistake(
            "You add the gradient in the step as well as in the velocity. (With beta times the velocity added to the "
            "gradient, it would be Nesterov's momentum; this exercise asks for the plain one.)",
            _momentum(_velocity, lambda w, g, v, old, lr, b: w - lr * (g + v)),
        ),
        "Nesterov's momentum": Mistake(
            "You look ahead: gradient plus beta times the new velocity. That is Nesterov's momentum, a good method, "
            "but a different one. Here the step is lr times the velocity.",
            _momentum(_velocity, lambda w, g, v, old, lr, b: w - lr * (g + b * v)),
        ),
        "beta brakes the new gradient too": Mistake(
            "You multiply velocity and gradient together by beta. Only the old velocity fades.",
            _momentum(lambda v, g, lr, b: b * (v + g)),
        ),
        "velocity and weights are swapped": Mistake(
            "You return the velocity first. The order is: weights, velocity.",
            lambda w, g, v, lr, b=0.9: (b * v + g, w - lr * (b * v + g)),
        ),
        "the velocity is not returned": Mistake(
            "You return the weights alone. The next step needs the velocity: return both.",
            lambda w, g, v, lr, b=0.9: w - lr * (b * v + g),
        ),
    },
    hints=(
        "There are two lines: one brings the velocity up to date, one moves the weights. Which comes first?",
        "The velocity keeps beta of what it was and gains the gradient. The weights then lose lr times the velocity.",
        "velocity = beta * velocity + grad; w = w - lr * velocity; return w, velocity",
    ),
)


def _adam_oracle(w, grads, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    return _torch_path(lambda p: torch.optim.Adam(p, betas=(beta1, beta2), eps=eps), w, grads, lr)


def _fresh(shape):
    return (np.zeros(shape), np.zeros(shape), 0)


def _adam_cases(rng):
    signs = rng.choice([-1.0, 1.0], 2)
    yield Case("two weights, two steps", w=np.array([1.0, 2.0]), grads=np.array([[3.0, 0.5], [1.0, -0.25]]) * signs * rng.integers(1, 4), state=_fresh(2), lr=0.1, beta1=0.5, beta2=0.75, eps=1e-8)  # fmt: skip
    yield Case("a layer's weights (3, 4), six steps", w=signed(rng, (3, 4)), grads=signed(rng, (6, 3, 4), 4.0), state=_fresh((3, 4)), lr=0.1, beta1=0.9, beta2=0.999, eps=1e-8)  # fmt: skip
    yield Case("small gradients, a large eps", w=signed(rng, 5), grads=signed(rng, (8, 5)) / 10, state=_fresh(5), lr=0.5, beta1=0.8, beta2=0.95, eps=0.02)  # fmt: skip
    yield Case("gradients of very different size", w=signed(rng, 3), grads=signed(rng, (12, 3)) * np.array([100.0, 1.0, 0.01]), state=_fresh(3), lr=0.05, beta1=0.9, beta2=0.99, eps=1e-8)  # fmt: skip
    tiny = signed(rng, (6, 4)) * np.array([1.0, 1e-6, 1e-7, 1e-8])
    yield Case("gradients close to zero, betas and eps left at their defaults", w=signed(rng, 4), grads=tiny, state=_fresh(4), lr=0.1)  # fmt: skip


def _adam(
    m_of=lambda m, g, b: b * m + (1 - b) * g,
    v_of=lambda v, g, b: b * v + (1 - b) * g**2,
    correct=lambda x, b, t: x / (1 - b**t),
    step=lambda m, v, eps: m / (np.sqrt(v) + eps),
    sign=-1,
    keep=lambda old, new: new,
    swap=False,
    time=lambda t: t + 1,
):
    def wrong(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
        m, v, t = state
        if swap:
            beta1, beta2 = beta2, beta1
        m, v = m_of(m, grad, beta1), v_of(v, grad, beta2)
        now = time(t)
        with np.errstate(all="ignore"):
            moved = w + sign * lr * step(correct(m, beta1, np.float64(now)), correct(v, beta2, np.float64(now)), eps)
        return moved, keep(state, (m, v, t + 1))

    return wrong


def _moments(grad, state, beta1, beta2):
    m, v, t = state
    return beta1 * m + (1 - beta1) * grad, beta2 * v + (1 - beta2) * grad**2, t + 1


def _corrected_kept(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = _moments(grad, state, beta1, beta2)
    m, v = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - lr * m / (np.sqrt(v) + eps), (m, v, t)


def _rmsprop(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = _moments(grad, state, beta1, beta2)
    return w - lr * grad / (np.sqrt(v / (1 - beta2**t)) + eps), (m, v, t)


def _short_form(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = _moments(grad, state, beta1, beta2)
    return w - lr * np.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (np.sqrt(v) + eps), (m, v, t)


def _m_corrected(w, grad, state, lr, beta1=0.9, beta2=0.999, eps=1e-8):
    m, v, t = _moments(grad, state, beta1, beta2)
    return w - lr * m / (1 - beta1**t) / (np.sqrt(v) + eps), (m, v, t)


ADAM_STEP = Exercise(
    id="07.adam_step",
    title="A step of Adam",
    points=14,
    cases=_adam_cases,
    oracle=_adam_oracle,
    probe="optimizer",
    forbidden=LIBRARIES,
    rtol=1e-6,
    misconceptions={
        "it climbs": Mistake("The sign is turned: the weights move uphill.", _adam(sign=+1)),
        "the state is not kept": Mistake(
            "Every step begins with the state you were given at first. Return the new m, v and t.",
            _adam(keep=lambda old, new: old),
        ),
        "t is not counted on": Mistake(
            "You return m and v as they are now, but t as it was. Then every step is corrected like the first.",
            _adam(keep=lambda old, new: (*new[:2], old[2])),
        ),
        "no bias correction": Mistake(
            "m and v begin at zero and need many steps to warm up. Divide them by 1 - beta1**t and 1 - beta2**t before the "
            "step.",
            _adam(correct=lambda x, b, t: x),
        ),
        "t begins at 0": Mistake(
            "In the first step you correct with t = 0, and 1 - beta**0 is 0. Count the step first: t = t + 1, then correct.",
            _adam(time=lambda t: t),
        ),
        "t is one too far": Mistake(
            "You correct with t one larger than the number of the step. In the first step t is 1.",
            _adam(time=lambda t: t + 2),
        ),
        "the corrected moments are kept": Mistake(
            "You keep the corrected m and v as the new state, so the correction is applied again and again. Keep the plain "
            "ones; the corrected ones are for this step only.",
            _corrected_kept,
        ),
        "eps inside the root": Mistake(
            "You add eps under the root. The docstring's formula takes the root first, and adds eps to it.",
            _adam(step=lambda m, v, eps: m / np.sqrt(v + eps)),
        ),
        "eps is not inside the correction": Mistake(
            "You correct the rate by sqrt(1 - beta2**t) and divide by sqrt(v) + eps, as the paper's short form does. Then eps "
            "counts for more in the first steps. The docstring adds it to the corrected root: sqrt(v_hat) + eps.",
            _short_form,
        ),
        "eps is left out": Mistake(
            "You divide by the root alone. Where the gradients are small, eps keeps the step from growing.",
            _adam(step=lambda m, v, eps: m / np.sqrt(v)),
        ),
        "no root": Mistake(
            "You divide by v itself. v is a mean of squares, so it is the root of v that has the size of a gradient.",
            _adam(step=lambda m, v, eps: m / (v + eps)),
        ),
        "the gradient is not squared": Mistake(
            "Your v is a mean of the gradients themselves. It should be a mean of their squares.",
            _adam(v_of=lambda v, g, b: b * v + (1 - b) * np.abs(g)),
        ),
        "beta1 and beta2 are swapped": Mistake(
            "m fades with beta2 and v with beta1. It is the other way round.",
            _adam(swap=True),
        ),
        "the gradients are not damped": Mistake(
            "You add the whole gradient to m, as momentum does. In Adam m and v are means: take (1 - beta) of the new.",
            _adam(m_of=lambda m, g, b: b * m + g, v_of=lambda v, g, b: b * v + g**2),
        ),
        "the gradient instead of m": Mistake(
            "Your step divides the gradient by the root of v and leaves m out. That is RMSProp. Adam moves along m.",
            _rmsprop,
        ),
        "only m is corrected": Mistake(
            "v is not corrected. In the first steps it is far too small, and the steps far too long.",
            _m_corrected,
        ),
        "the state is not returned": Mistake(
            "You return the weights alone. The next step needs m, v and t: return w and the state.",
            lambda *a: _adam()(*a)[0],
        ),
    },
    hints=(
        "Go through the docstring's lines from top to bottom. Count the step first. What are m and v after one gradient?",
        "m and v are running means, of the gradient and of its square. Give the corrected ones names of their own, "
        "so that the state keeps the plain ones.",
        "m_hat = m / (1 - beta1**t) and v_hat = v / (1 - beta2**t); then w = w - lr * m_hat / (np.sqrt(v_hat) + eps). Return "
        "w, (m, v, t).",
    ),
)


# --- 07.cosine_lr -------------------------------------------------------------------------------------------


def _cosine_cases(rng):
    yield Case("10 steps, no warm-up", total=10, base=float(rng.integers(1, 5)), warmup=0)
    yield Case("12 steps, 4 of warm-up", total=12, base=0.8 * float(rng.integers(1, 4)), warmup=4)
    yield Case(
        "a short warm-up", total=int(rng.integers(20, 30)), base=round(float(rng.uniform(0.01, 0.5)), 3), warmup=1
    )
    yield Case(
        "a long warm-up", total=25, base=round(float(rng.uniform(0.001, 0.01)), 4), warmup=int(rng.integers(14, 20))
    )
    yield Case("warm-up left at its default", total=int(rng.integers(5, 9)), base=round(float(rng.uniform(0.1, 2)), 2))


def _cosine_oracle(total, base, warmup=0):
    """Half of 1 + cos(a) is the square of cos(a / 2)."""
    step = np.arange(total)
    rising = np.interp(step + 1, [0, max(warmup, 1)], [0, base])
    falling = base * np.cos(np.pi / 2 * (step - warmup) / (total - warmup)) ** 2
    return rounded(np.where(step < warmup, rising, falling))


def _cosine(rise=lambda s, w: (s + 1) / w, fall=lambda p: (1 + np.cos(np.pi * p)) / 2, share=None):
    share = share or (lambda s, t, w: (s - w) / (t - w))

    def wrong(step, total, base, warmup=0):
        return base * (rise(step, warmup) if step < warmup else fall(share(step, total, warmup)))

    return wrong


COSINE_LR = Exercise(
    id="07.cosine_lr",
    title="A cosine schedule with warm-up",
    points=9,
    cases=_cosine_cases,
    oracle=_cosine_oracle,
    probe="every_step",
    forbidden=("torch.*",),
    misconceptions={
        "no warm-up": Mistake(
            "Your rate starts at its highest. In the first warmup steps it should grow in equal parts.",
            lambda s, t, b, w=0: b * (1 + np.cos(np.pi * s / t)) / 2,
        ),
        "the cosine runs over all steps": Mistake(
            "After the warm-up your rate is not at base: the cosine has been running since step 0. It starts when the "
            "warm-up is over, and has total - warmup steps.",
            _cosine(share=lambda s, t, w: s / t),
        ),
        "the cosine does not wait for the warm-up": Mistake(
            "You count the cosine's steps from the end of the warm-up, but divide by total, so it never gets to the bottom. "
            "It has total - warmup steps.",
            _cosine(share=lambda s, t, w: (s - w) / t),
        ),
        "the warm-up starts at 0": Mistake(
            "The rate of your first step is 0: a step that goes nowhere. Step 0 is already the first of the "
            "warm-up's equal parts.",
            _cosine(rise=lambda s, w: s / w),
        ),
        "the warm-up is one step too long": Mistake(
            "Step `warmup` still counts as warm-up for you, and gets more than base. Steps 0 to warmup - 1 are the warm-up: "
            "ask for step < warmup.",
            lambda s, t, b, w=0: b * (s + 1) / w if s <= w else _cosine()(s, t, b, w),
        ),
        "pi is left out": Mistake(
            "Your cosine gets angles from 0 to 1. It should run from 0 to pi: multiply by np.pi. (Angles are in "
            "radians.)",
            _cosine(fall=lambda p: (1 + np.cos(p)) / 2),
        ),
        "the half is missing": Mistake(
            "1 + cos runs from 2 to 0. Halve it, so that the rate begins at base.",
            _cosine(fall=lambda p: 1 + np.cos(np.pi * p)),
        ),
        "degrees instead of radians": Mistake(
            "You give np.cos an angle in degrees. It takes radians: half a turn is np.pi, not 180.",
            _cosine(fall=lambda p: (1 + np.cos(180 * p)) / 2),
        ),
        "a quarter of the wave": Mistake(
            "You use cos from 0 to a right angle. It falls steeply at the end. The schedule takes half a wave, from 0 to pi, "
            "lifted and halved: flat at both ends.",
            _cosine(fall=lambda p: np.cos(np.pi * p / 2)),
        ),
        "a straight line": Mistake(
            "Your rate falls in a straight line. The cosine stays high for a while, falls, and lands softly.",
            _cosine(fall=lambda p: 1 - p),
        ),
        "the last step has rate 0": Mistake(
            "You divide by one step too few, so that the last step has rate 0 and is wasted. It would be 0 at step total, "
            "which never comes.",
            _cosine(share=lambda s, t, w: (s - w) / (t - w - 1)),
        ),
        "a whole wave": Mistake(
            "Your cosine runs through 2 pi: down and up again. It should run to pi.",
            _cosine(fall=lambda p: (1 + np.cos(2 * np.pi * p)) / 2),
        ),
        "it rises": Mistake(
            "Your rate grows after the warm-up. Look at the sign before the cosine.",
            _cosine(fall=lambda p: (1 - np.cos(np.pi * p)) / 2),
        ),
        "base is left out": Mistake(
            "Your rates run from 0 to 1. Multiply by base.",
            lambda s, t, b, w=0: _cosine()(s, t, 1.0, w),
        ),
    },
    hints=(
        "Two cases: step < warmup, and the rest. Write a table of the first for warmup = 4: which part of base has each step?",
        "After the warm-up, how far is this step along the rest, from 0 to 1? Call it p. What is (1 + cos(pi p)) / 2 at "
        "p = 0, at 0.5, and at 1?",
        "Warm-up: base * (step + 1) / warmup. Then p = (step - warmup) / (total - warmup), and base * (1 + np.cos(np.pi * p)) "
        "/ 2.",
    ),
)


# --- 07.he_init ---------------------------------------------------------------------------------------------
# With n normal numbers the standard deviation that one measures is off by 1 / sqrt(2 n) of itself, as a standard error:
# 0.5 % with the 19,712 numbers or more that are drawn here. 4 % are allowed, 7.8 standard errors or more: a right answer
# fails by chance in less than 1 in 10^14. The mean may be off by 6 standard errors: 2 in 10^9. Numbers that are spread
# evenly have a fourth moment of 1.8 squared variances, normal ones 3, here with a standard error of 0.035 or less: between
# them, at 2.1, stand 25 standard errors.


def _init_cases(rng):
    for label, low, high in (
        ("a dense layer, (D, M)", (100, 230), (151, 301)),
        ("a dense layer that narrows, (D, M)", (450, 45), (551, 61)),
        ("kernels of 5 x 5, (F, C, k_h, k_w)", (40, 20, 5, 5), (49, 26, 6, 6)),
        ("kernels that are not square, (F, C, k_h, k_w)", (44, 16, 7, 4), (53, 21, 8, 5)),
    ):
        shape = tuple(map(int, rng.integers(low, high)))
        label = f"{label} = {shape}"
        yield Case(label, shape=shape, rng=generator(rng))


def _fan_in(shape):
    return shape[0] if len(shape) == 2 else int(np.prod(shape[1:]))


def _fan_out(shape):
    return shape[1] if len(shape) == 2 else int(shape[0] * np.prod(shape[2:]))


def _init(spread):
    return lambda shape, rng: rng.standard_normal(shape) * spread(shape)


def _he(shape):
    return np.sqrt(2 / _fan_in(shape))


HE_INIT = Exercise(
    id="07.he_init",
    title="He's initialization",
    points=9,
    cases=_init_cases,
    oracle=lambda shape, rng: {
        "mean": 0.0,
        "standard deviation": float(round(_he(shape), 10)),
        "distribution": "normal",
    },
    probe="random_weights",
    forbidden=("torch.*",),
    rtol=0.04,
    misconceptions={
        "fan-out instead of fan-in": Mistake(
            "You count how many numbers leave the layer. What decides the size of a sum is how many numbers come in.",
            _init(lambda s: np.sqrt(2 / _fan_out(s))),
        ),
        "the variance for the standard deviation": Mistake(
            "2 / fan_in is the variance. rng.normal and standard_normal want the standard deviation, its root.",
            _init(lambda s: 2 / _fan_in(s)),
        ),
        "the 2 is missing": Mistake(
            "Your variance is 1 / fan_in. That keeps the signal without ReLU; ReLU throws half of it away, and the 2 makes up "
            "for it.",
            _init(lambda s: np.sqrt(1 / _fan_in(s))),
        ),
        "Glorot's initialization": Mistake(
            "Your variance is 2 / (fan_in + fan_out), Glorot and Bengio's. He and others count fan_in alone.",
            _init(lambda s: np.sqrt(2 / (_fan_in(s) + _fan_out(s)))),
        ),
        "the kernel's size is forgotten": Mistake(
            "For kernels you count the channels only. Each output number sums C * k_h * k_w products.",
            _init(lambda s: np.sqrt(2 / (s[0] if len(s) == 2 else s[1]))),
        ),
        "the channels are forgotten": Mistake(
            "For kernels you count the pixels of one slice only. Each output number sums the products of all channels: C * k_h * "
            "k_w.",
            _init(lambda s: np.sqrt(2 / (s[0] if len(s) == 2 else np.prod(s[2:])))),
        ),
        "the first axis for kernels too": Mistake(
            "A dense layer's fan-in is its first axis. In a kernel (F, C, k_h, k_w) the first axis counts the filters; fan-in is "
            "all the others.",
            _init(lambda s: np.sqrt(2 / s[0])),
        ),
        "all weights count as fan-in": Mistake(
            "You divide by the number of all weights. Fan-in is how many of them meet in one output number.",
            _init(lambda s: np.sqrt(2 / np.prod(s))),
        ),
        "uniform between plus and minus s": Mistake(
            "You draw evenly between -s and s. Such numbers have a standard deviation of s / sqrt(3). Draw from a normal "
            "distribution.",
            lambda s, rng: rng.uniform(-1, 1, s) * _he(s),
        ),
        "evenly spread, with the right spread": Mistake(
            "Mean and standard deviation are right, but your numbers are drawn evenly, as PyTorch's kaiming_uniform_ does. The "
            "docstring asks for normal ones.",
            lambda s, rng: rng.uniform(-1, 1, s) * np.sqrt(3) * _he(s),
        ),
        "all weights are positive": Mistake(
            "rng.random draws from 0 to 1, so all your weights are positive, and their mean is not 0. Use a normal "
            "distribution around 0.",
            lambda s, rng: rng.random(s) * _he(s),
        ),
        "not scaled at all": Mistake(
            "Your weights have a standard deviation of 1, whatever the layer. After a few layers the numbers explode.",
            _init(lambda s: 1.0),
        ),
        "always one hundredth": Mistake(
            "Your weights have a standard deviation of 0.01, whatever the layer. In a deep network the signal dies.",
            _init(lambda s: 0.01),
        ),
        "all weights alike": Mistake(
            "All weights have the same value. Then all units of a layer compute the same, get the same gradient, and stay the "
            "same forever.",
            lambda s, rng: np.full(s, _he(s)),
        ),
        "the generator is not used": Mistake(
            "Your numbers do not come from rng: with the generator in the same state they differ. Call rng.standard_normal, not "
            "np.random.",
            lambda s, rng: _unasked().standard_normal(s) * _he(s),
        ),
        "a fixed seed": Mistake(
            "You make a generator of your own with a fixed seed, so every layer gets the same numbers. Use the one that you "
            "are given.",
            lambda s, rng: np.random.default_rng(0).standard_normal(s) * _he(s),
        ),
    },
    hints=(
        "How many products are added up to make one number of the output? That is fan_in. Find it for each kind of shape.",
        "A dense layer (D, M): fan_in = D. Kernels (F, C, k_h, k_w): fan_in = C * k_h * k_w. The standard deviation is "
        "sqrt(2 / fan_in).",
        "fan_in = shape[0] if len(shape) == 2 else np.prod(shape[1:]); then rng.standard_normal(shape) * np.sqrt(2 / fan_in).",
    ),
)


# --- 07.early_stop ------------------------------------------------------------------------------------------


def _stop_cases(rng):
    top = float(rng.integers(6, 10))
    yield Case("three steps down, then up, patience 2", history=[top, top - 2, top - 3, top - 2, top - 1, top, top + 1], patience=2)  # fmt: skip
    low, wave = round(float(rng.uniform(0.4, 0.6)), 2), round(float(rng.uniform(0.05, 0.09)), 2)
    zigzag = [low + 0.5, low + 0.2, low, *[round(low + wave * (2 if k % 2 else 1), 2) for k in range(9)]]
    yield Case("a zigzag above the best, patience 8", history=[round(h, 2) for h in zigzag], patience=8)
    start = round(float(rng.uniform(1.0, 1.2)), 2)
    bumps = [0, -0.3, -0.1, -0.05, -0.32, -0.25, -0.2, -0.4, -0.35, -0.3, -0.32, -0.31, -0.33, -0.2]
    yield Case("two bumps that it gets over, patience 4", history=[round(start + b, 2) for b in bumps], patience=4)
    flat = round(float(rng.uniform(150, 400)), 2)
    yield Case("a plateau of equal, large losses, patience 3", history=[flat + 50, flat + 25, *[flat] * 7], patience=3)
    fall = np.cumsum(rng.uniform(0.02, 0.1, 8))[::-1].round(2)
    yield Case("always better, patience 1", weight=0.5, history=fall.tolist(), patience=1)
    yield Case("patience 1", weight=0.5, history=[*fall.tolist(), round(float(fall[-1]) + 0.01, 2), 0.0], patience=1)


def _stop_oracle(history, patience):
    # PyTorch's schedule lowers the rate after `patience` + 1 epochs without a lower loss: one more than this exercise's.
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=patience - 1, threshold=0.0)
    for epoch, loss in enumerate(history, start=1):
        plateau.step(loss)
        if optimizer.param_groups[0]["lr"] < 1:
            return f"stop after epoch {epoch}"
    return "never stop"


def _since_best(history):
    return len(history) - 1 - int(np.argmin(history))


def _rises(history):
    """How many times in a row, up to now, the loss has risen."""
    count = 0
    while count + 1 < len(history) and history[-1 - count] > history[-2 - count]:
        count += 1
    return count


def _never_reset(history):
    best, bad = float("inf"), 0
    for loss in history:
        if loss < best:
            best = loss
        else:
            bad += 1
    return bad


EARLY_STOP = Exercise(
    id="07.early_stop",
    title="Early stopping",
    points=10,
    cases=_stop_cases,
    oracle=_stop_oracle,
    probe="until_stop",
    forbidden=("torch.*", "sklearn.*"),
    misconceptions={
        "only rises in a row count": Mistake(
            "You count how often the loss has risen in a row. A loss that jumps up and down above the best never stops you. "
            "Count the epochs since the best one.",
            lambda h, p: _rises(h) >= p,
        ),
        "an equal loss counts as better": Mistake(
            "A loss that equals the best starts your count again. On a plateau you would train forever. Only a lower "
            "loss is "
            "better.",
            lambda h, p: len(h) - 1 - (len(h) - 1 - int(np.argmin(h[::-1]))) >= p,
        ),
        "only after exactly patience epochs": Mistake(
            "You ask whether exactly patience epochs have passed. When more have passed your answer is False again. Ask for "
            ">=, not ==.",
            lambda h, p: _since_best(h) == p,
        ),
        "one epoch too late": Mistake(
            "You wait for one epoch more than patience says.",
            lambda h, p: _since_best(h) > p,
        ),
        "one epoch too early": Mistake(
            "You lose patience one epoch too early. After the best epoch, patience epochs may pass without a better one.",
            lambda h, p: _since_best(h) >= max(p - 1, 1) if p > 1 else _since_best(h) >= 0,
        ),
        "higher is better": Mistake(
            "You look for the highest value. history holds losses: lower is better.",
            lambda h, p: len(h) - 1 - int(np.argmax(h)) >= p,
        ),
        "patience is ignored": Mistake(
            "You stop as soon as one epoch is worse than the one before. Losses wobble: that is what patience is for.",
            lambda h, p: len(h) > 1 and bool(h[-1] > h[-2]),
        ),
        "compared with one earlier epoch": Mistake(
            "You compare the last loss with the one patience epochs ago. That one need not be the best. Look for the best of "
            "all.",
            lambda h, p: len(h) > p and bool(h[-1] > h[-1 - p]),
        ),
        "the count is never reset": Mistake(
            "You count all epochs without a new best since the beginning. When a new best comes, the count starts again at 0.",
            lambda h, p: _never_reset(h) >= p,
        ),
        "it never stops": Mistake(
            "Your answer is False, whatever the history.",
            lambda h, p: False,
        ),
        "it stops while it gets better": Mistake(
            "You stop when there was a better epoch lately, and go on when there was none. Turn the condition around.",
            lambda h, p: _since_best(h) < p,
        ),
    },
    hints=(
        "Where in history stands the lowest loss? How many epochs came after it?",
        "np.argmin(history) is the number of the best epoch, the first one where several are equal. The last epoch's number "
        "is len(history) - 1.",
        "return bool(len(history) - 1 - np.argmin(history) >= patience)",
    ),
)


# --- 07.train_digits ----------------------------------------------------------------------------------------
# Only training pictures and a generator go to where the learner's code runs, and only weights come back. The pictures that
# judge them are held out here: `cases` puts them aside, under the checksum of the training pictures, and `oracle` finds
# them again. Mirrored and renumbered, the digits of a data set that lies on the machine are no short cut.

_HELD_OUT: dict[str, dict] = {}
_TEST = 450


def _digit_cases(rng):
    from sklearn.datasets import load_digits

    known = load_digits()
    images = (known.images / 16).astype(np.float32)[:, None]
    for label, count, accuracy, weight in (
        ("70 % of new pictures right", 500, 0.70, 2),
        ("90 % of new pictures right", 900, 0.90, 2),
        ("95 % of new pictures right", 1347, 0.95, 2),
        ("97 % of new pictures right", 1347, 0.97, 2),
    ):
        order = rng.permutation(len(images))
        seen = images
        if rng.random() < 0.5:
            seen = seen[:, :, :, ::-1]
        if rng.random() < 0.5:
            seen = seen[:, :, ::-1]
        if rng.random() < 0.5:
            seen = seen.transpose(0, 1, 3, 2)
        numbers = rng.permutation(10)[known.target].astype(np.int64)
        test, train = order[:_TEST], order[_TEST : _TEST + count]
        X = np.ascontiguousarray(seen[train])
        _HELD_OUT[checksum(X)] = {
            "pictures": np.ascontiguousarray(seen[test]),
            "labels": numbers[test],
            "accuracy": accuracy,
        }
        yield Case(label, weight=weight, X=X, y=numbers[train], rng=generator(rng))


def _digit_oracle(X, y, rng):
    return _HELD_OUT[checksum(X)]


#: The shapes of the arrays of `introdl.layers.lenet((1, 8, 8), 10, rng)`.
_SHAPES = ((16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (128, 64), (64,), (64, 10), (10,))


def _weights(seed, biases, last=None):
    """Weights of few different values, so that the sheet stays small."""
    rng = np.random.default_rng(seed)
    values = [
        rng.integers(-1, 2, shape).astype(np.float16) / 4 if len(shape) > 1 else np.full(shape, biases, np.float16)
        for shape in _SHAPES
    ]
    if last is not None:
        values[-2], values[-1] = np.zeros(_SHAPES[-2], np.float16), np.array(last, np.float16)
    return values


def _guesses(X, y, rng):
    """A network at the level of chance that gives several classes, whatever these are called."""
    return _weights(3, 0.03125)


TRAIN_DIGITS = Exercise(
    id="07.train_digits",
    lends=("introdl.layers.*",),
    title="Train a LeNet",
    points=16,
    cases=_digit_cases,
    oracle=_digit_oracle,
    probe="trained_lenet",
    forbidden=(
        "torch.*",
        "sklearn.*",
        "introdl.data.*",
        "numpy.load",
        "numpy.loadtxt",
        "numpy.genfromtxt",
        "gzip.open",
        "builtins.open",
    ),
    seconds=300.0,
    misconceptions={
        "an untrained network comes back": Mistake(
            "What comes back are the weights of a network that was just made: all its biases are still 0. Do the new weights get "
            "into the parameters? p.value = step(p.value, p.grad, ...) puts them there; w = p.value; w = w - ... does not. And "
            "are they the weights of the network that you train, or of another one that you make after it?",
            lambda X, y, rng: _weights(1, 0.0),
        ),
        "the labels are out of step": Mistake(
            "It was trained, and yet it only guesses. Most often the pictures were shuffled without their labels. A rate a "
            "little too large does it too. Look at the loss: does it fall below ln 10 = 2.3?",
            _guesses,
        ),
        "the learning rate diverges": Mistake(
            "There are nan or infinite numbers among the weights. The steps were too long, each one throws the weights farther "
            "away. Divide the rate by ten and look at the loss again.",
            lambda X, y, rng: [np.full(shape, np.nan, np.float16) for shape in _SHAPES],
        ),
        "one answer for everything": Mistake(
            "The network gives every picture the same class. Its ReLUs may be dead, after a step that was too long; or the "
            "step goes uphill.",
            lambda X, y, rng: _weights(2, 0.03125, last=[1, *[0] * 9]),
        ),
        "weights of another network": Mistake(
            "The list does not have the arrays of lenet((1, 8, 8), 10, rng). Train that network, and return the value of each "
            "of net.parameters(), in their order.",
            lambda X, y, rng: _weights(1, 0.0)[:4],
        ),
    },
    hints=(
        "Write the loop first and forget the accuracy: epochs, mini-batches, forward, loss, backward, a step for every "
        "parameter. Print the loss after each epoch. It starts at 2.3 or a little above, and should fall.",
        "You have all parts: minibatches, a step with its state (one for each parameter: a list beside net.parameters()), and "
        "a schedule that knows the number of all steps. Adam with a rate of 0.005, batches of 32 and 20 epochs is a good "
        "beginning.",
        "For each batch: loss, slope = softmax_cross_entropy(net.forward(pictures), labels); net.backward(slope); then for "
        "each i, p in enumerate(net.parameters()): p.value, states[i] = adam_step(p.value, p.grad, states[i], lr). At the end "
        "return [p.value for p in net.parameters()].",
    ),
)


# --- 07.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "07.quiz",
    8,
    [
        Question(
            "c",
            a="A rate that is too small makes the loss fall, only slowly. It does not make it grow.",
            b="A larger rate makes longer steps. They are too long already.",
            d="A larger batch calms the noise. It does not shorten a step that jumps across the valley.",
        ),
        Question(
            "b",
            a="Sixteen times as many samples give a better estimate than that. What happens to a mean's error?",
            c="The error does not fall in proportion to the size, but with its root.",
            d="A larger sample does tell more about the whole.",
        ),
        Question(
            "a",
            b="In its first step m and v are both corrected. Work out m_hat / sqrt(v_hat) for one gradient g.",
            c="That would be plain SGD. What does the root of v_hat do to the gradient's size?",
            d="m and v begin at 0, but the correction undoes that.",
        ),
        Question(
            "d",
            a="At the last epoch the network knows the training pictures by heart, and the validation loss has risen.",
            b="The first epoch's network has learned little yet.",
            c="The lowest training loss is the one that overfits most.",
        ),
        Question(
            "b",
            a="Weights of 0 give every unit the same gradient, so all units of a layer stay alike.",
            c="With a standard deviation of 1, a layer of 500 inputs makes its numbers some 16 times as large.",
            d="A bias may begin at 0. It is the weights that must differ.",
        ),
    ],
)

EXERCISES = [
    GRADIENT_DESCENT,
    MINIBATCHES,
    SGD_STEP,
    MOMENTUM_STEP,
    ADAM_STEP,
    COSINE_LR,
    HE_INIT,
    EARLY_STOP,
    TRAIN_DIGITS,
    QUIZ,
]
