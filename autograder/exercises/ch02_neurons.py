"""Chapter 02, neurons and activations: cases, oracles, known mistakes and hints."""

from __future__ import annotations

import numpy as np
import torch

from autograder.authoring.draws import rounded, signed, whole
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import relu


def _tensor(array):
    return torch.tensor(np.asarray(array), dtype=torch.float64)


def _sigmoid(z):
    return 0.5 + 0.5 * np.tanh(np.asarray(z, float) / 2)


# --- 02.neuron ----------------------------------------------------------------------------------------------


def _neuron_cases(rng):
    yield Case(
        "three inputs, whole numbers",
        x=whole(rng, 3, 1, 6),
        w=whole(rng, 3, -4, 5, zero=4),
        b=float(rng.integers(2, 7)),
    )
    yield Case("five inputs", x=rng.normal(size=5), w=rng.normal(size=5), b=float(rng.uniform(0.5, 2)))
    yield Case("a single input", x=rng.normal(size=1), w=rng.normal(size=1), b=float(rng.uniform(-2, -0.5)))
    yield Case("a hundred inputs", x=rng.uniform(size=100), w=rng.normal(size=100), b=float(rng.uniform(1, 3)))
    yield Case("numbers in the hundreds", weight=0.5, x=signed(rng, 3, 900, 120), w=signed(rng, 3, 900, 120), b=9000.0)


NEURON = Exercise(
    id="02.neuron",
    title="The weighted sum of one neuron",
    points=6,
    cases=_neuron_cases,
    oracle=lambda x, w, b: float(torch.nn.functional.linear(_tensor(x), _tensor(w)[None], _tensor([b]))[0]),
    misconceptions={
        "the bias is forgotten": Mistake(
            "Your neuron adds up the weighted inputs and stops there. Without its bias it can only say 0 to "
            "an empty plate. Read the formula for z once more, to its end.",
            lambda x, w, b: float(x @ w),
        ),
        "the products are never added up": Mistake(
            "You multiply each input by its weight, and return them all. A neuron gives one number, "
            "whatever the number of its inputs. Look at the Σ in the figure.",
            lambda x, w, b: x * w + b,
        ),
        "the bias is added to every product": Mistake(
            "With D inputs your bias counts D times. It belongs to the neuron, not to an input, so it comes "
            "in once. Look at when you add it: before the sum or after it?",
            lambda x, w, b: float(np.sum(x * w + b)),
        ),
        "the sum is squashed already": Mistake(
            "You return a number between 0 and 1: an activation has been applied. That is the next section. "
            "Here the docstring asks for z, the bare weighted sum.",
            lambda x, w, b: float(_sigmoid(x @ w + b)),
        ),
        "mean instead of sum": Mistake(
            "You average the products. Then the same inputs count less in a neuron that has many of them, and the bias "
            "counts too much. Look at the Σ in the formula.",
            lambda x, w, b: float(np.mean(x * w) + b),
        ),
        "weights added, not multiplied": Mistake(
            "You add the weight to the input. A weight says how much an input counts, so it scales the "
            "input. Look at what stands between w and x in the formula.",
            lambda x, w, b: float(np.sum(x + w) + b),
        ),
        "the bias is subtracted": Mistake(
            "You subtract the bias. Some old books write a threshold there, which is the bias with the "
            "opposite sign. This course, like PyTorch, adds it.",
            lambda x, w, b: float(x @ w - b),
        ),
    },
    hints=(
        "Do it by hand first: multiply each input by its own weight, add up what you have, and add the bias "
        "once, at the end.",
        "A loop over range(len(x)) that adds x[i] * w[i] to a total is a good answer. NumPy can do without the loop.",
        "For two arrays of shape (D,), x @ w multiplies entry by entry and adds up. One thing is still "
        "missing after that.",
    ),
)


# --- 02.sigmoid ---------------------------------------------------------------------------------------------


def _around_zero(rng):
    a, b = rng.choice([1.0, 2.0, 3.0], size=2, replace=False)
    return np.array([0.0, a, -b])


def _sigmoid_cases(rng):
    # The textbook's formula is right where nothing overflows: those cases weigh little.
    yield Case("three numbers", weight=0.5, z=_around_zero(rng))
    yield Case("a batch, shape (2, 3)", weight=0.5, z=3 * rng.normal(size=(2, 3)))
    images = 3 * rng.normal(size=(2, 3, 4, 5))
    images[0, 0, 0], images[1, 2, 3] = rng.uniform(720, 1000, 5), rng.uniform(-1000, -720, 5)
    yield Case("images, shape (2, 3, 4, 5), some far out", z=images)
    yield Case("whole numbers (int64)", z=rng.permutation(np.array([-900, -3, -2, -1, 0, 1, 2, 4, 900])))
    far = rng.uniform(100, 700, size=3)
    yield Case(
        "far out, to 1000 and -1000",
        weight=2,
        z=np.concatenate([[-1000.0, 1000.0], far, -far, rng.uniform(7, 9, size=2), rng.uniform(-9, -7, size=2)]),
    )
    # Beside a 1 a billionth does not count; alone it does.
    yield Case("nothing but small chances", weight=0.25, z=-rng.uniform(21, 25, size=4))


def _clipped_at(limit):
    return Mistake(
        "You clip z before exp to keep it in range. That is a fair idea, but your limits are so tight that they change "
        "the result. Look at how far out exp is still safe.",
        lambda z: 1 / (1 + np.exp(-np.clip(z, -limit, limit))),
    )


def _sigmoid_whole(z):
    out = np.zeros_like(z)
    up = z >= 0
    out[up] = 1 / (1 + np.exp(-z[up]))
    e = np.exp(z[~up])
    out[~up] = e / (1 + e)
    return out


SIGMOID = Exercise(
    id="02.sigmoid",
    title="A sigmoid that never overflows",
    points=10,
    cases=_sigmoid_cases,
    oracle=lambda z: torch.sigmoid(_tensor(z)).numpy(),
    forbidden=("scipy.special.*", "torch.*"),
    quiet=True,
    rtol=1e-7,
    misconceptions={
        "overflow": Mistake(
            "Your numbers are right, but on the way exp met a number in the hundreds and left the range of "
            "floats. It also does so where np.where throws the result away, since both sides are computed "
            "first. Look at the sign of what you hand to exp: which sign is harmless?",
            lambda z: 1 / (1 + np.exp(-z)),
        ),
        "infinity over infinity": Mistake(
            "For a large positive z your numerator and your denominator are both infinite, and their ratio "
            "is nan. This form is harmless on one side of zero only. Look at which side, and what the other "
            "side needs.",
            lambda z: np.exp(z) / (1 + np.exp(z)),
        ),
        "the exponent has the wrong sign": Mistake(
            "Your curve falls where it should rise: a large z gives 0. A strong “yes” from the sum must "
            "stay a “yes”. Look at the exponent in the formula.",
            lambda z: 1 / (1 + np.exp(z)),
        ),
        "brackets are missing": Mistake(
            "Python divides before it adds, so 1 / 1 + e is (1 / 1) + e. Your results are above 1, and a "
            "sigmoid's never are. Look at what the fraction line covers.",
            lambda z: 1 / 1 + np.exp(-z),
        ),
        "tanh instead of sigmoid": Mistake(
            "Your curve runs from −1 to 1 and passes through 0. That is tanh. A sigmoid runs from 0 to 1 "
            "and passes through one half.",
            lambda z: np.tanh(z),
        ),
        "cut to whole numbers": Mistake(
            "Given whole numbers, your result is whole too: everything between 0 and 1 became 0. An array "
            "made like z takes z's type as well as its shape. Look at how you make the array for the "
            "results.",
            _sigmoid_whole,
        ),
        **{f"clipped at {limit}": _clipped_at(limit) for limit in (5, 6, 10, 20)},
    },
    hints=(
        "Where does it go wrong? np.exp(1000) is too large for a float, while np.exp(-1000) is simply 0. So "
        "never give exp a large positive number.",
        "There are two ways to write the same fraction: 1 / (1 + exp(-z)), and, times exp(z) above and "
        "below, exp(z) / (1 + exp(z)). Each is safe on one side of zero.",
        "e = np.exp(-np.abs(z)) is always safe. What is the sigmoid in terms of e where z is 0 or more, and "
        "where z is negative? np.where can pick between the two.",
    ),
)


# --- 02.update_neuron ---------------------------------------------------------------------------------------


def _update_case(rng, label, x, w, y, z, lr, weight=1.0):
    """A case whose bias makes the weighted sum about z."""
    return Case(label, weight=weight, x=x, y=y, w=w, b=float(np.round(z - x @ w, 2)), lr=lr)


def _update_cases(rng):
    x, w = rng.permutation(np.array([1.0, 2.0])), rng.permutation(np.array([1.0, -1.0]))
    yield _update_case(rng, "another dish (y = 0), whole numbers", x, w, 0, float(rng.choice([1.0, -1.0])), 0.5)
    draws = [(signed(rng, 5, 1.5), signed(rng, 5, 2.0)), (signed(rng, 1, 1.5, 0.5), signed(rng, 1, 2.0, 0.5))]
    yield _update_case(rng, "a doughnut (y = 1), five features", *draws[0], 1, float(rng.uniform(0.4, 1.2)), 0.3)
    yield _update_case(rng, "a single feature", *draws[1], 1, float(rng.uniform(-1.2, -0.4)), 2.0)
    x, w = signed(rng, 4, 1.5, 0.5), signed(rng, 4, 2.0)
    yield _update_case(rng, "confident and wrong", x, w, 0, float(rng.uniform(8, 15)), 0.1)
    x, w = signed(rng, 3, 1.5, 0.5), signed(rng, 3, 900, 120)
    x[2], w[2] = rng.integers(120, 300), 0.01
    yield _update_case(rng, "numbers in the hundreds", x, w, 1, float(rng.uniform(-0.6, -0.3)), 0.7, weight=0.5)


def _by_torch(X, y, w, b, lr, epochs):
    """Train a neuron with PyTorch, one sample after the other: its weights and its bias."""
    w, b = _tensor(w).clone().requires_grad_(), _tensor(b).clone().requires_grad_()
    optimizer = torch.optim.SGD([w, b], lr=lr)
    for _ in range(epochs):
        for sample, label in zip(_tensor(X), _tensor(y), strict=True):
            optimizer.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(sample @ w + b, label).backward()
            optimizer.step()
    return rounded(w.detach().numpy()), rounded(b.item())


def _error(x, y, w, b):
    return float(_sigmoid(x @ w + b)) - y


def _moved(error, bias=1.0):
    """A mistaken update whose error is `error(x, y, w, b)`; the bias takes `bias` of it."""

    def update(x, y, w, b, lr):
        e = error(x, y, w, b)
        return rounded(w - lr * e * x), rounded(b - lr * e * bias)

    return update


def _slope_too(x, y, w, b):
    p = float(_sigmoid(x @ w + b))
    return (p - y) * p * (1 - p)


def _hard(x, y, w, b):
    return float(x @ w + b > 0) - y


def _looked_again(x, y, w, b, lr):
    new = w - lr * _error(x, y, w, b) * x
    return rounded(new), rounded(b - lr * _error(x, y, new, b))


def _weights_in_place(x, y, w, b, lr):
    e = _error(x, y, w, b)
    w -= lr * e * x
    return w, b - lr * e


def _one_array(x, y, w, b, lr):
    return rounded(np.append(*_moved(_error)(x, y, w, b, lr)))


UPDATE = Exercise(
    id="02.update_neuron",
    title="One step of learning",
    points=6,
    cases=_update_cases,
    oracle=lambda x, y, w, b, lr: _by_torch(x[None], [float(y)], w, b, lr, 1),
    forbidden=("torch.*", "sklearn.*"),
    misconceptions={
        "the step goes the wrong way": Mistake(
            "Your step makes the error larger: a neuron that said “doughnut” too loudly says it louder still. Where p is "
            "above y, p − y is positive, and the weights of positive inputs must get smaller. Look at the sign in front "
            "of the learning rate.",
            lambda x, y, w, b, lr: _moved(_error)(x, y, w, b, -lr),
        ),
        "x is left out": Mistake(
            "You change all weights by the same amount. An input that was 0 had no part in the error, and one that was "
            "large had a large part. Each weight moves by the error times its own input.",
            lambda x, y, w, b, lr: (rounded(w - lr * _error(x, y, w, b)), rounded(b - lr * _error(x, y, w, b))),
        ),
        "the bias stays": Mistake(
            "Your weights are right, and the bias is as it was. The bias learns as well, like the weight of an input that "
            "is always 1.",
            _moved(_error, bias=0.0),
        ),
        "the learning rate is left out": Mistake(
            "You go the whole way, p − y times x, whatever lr is. The learning rate says how much of it to take.",
            lambda x, y, w, b, lr: _moved(_error)(x, y, w, b, 1.0),
        ),
        "yes or no instead of p": Mistake(
            "You compare the label with the decision, 0 or 1, not with the probability p. Then a neuron that is right by a "
            "hair learns nothing. (That is the rule of the perceptron, from 1958.) Here the error is p − y.",
            _moved(_hard),
        ),
        "z instead of p": Mistake(
            "You take z − y as the error. The label is 0 or 1, and what has to agree with it is the probability: put the "
            "sigmoid on z first.",
            _moved(lambda x, y, w, b: float(x @ w + b) - y),
        ),
        "the slope of the sigmoid is multiplied in": Mistake(
            "You multiply the error by p(1 − p). That is the rule for the squared loss, and with it a neuron that is "
            "confident and wrong hardly moves. This rule has only p − y.",
            _moved(_slope_too),
        ),
        "the label is left out": Mistake(
            "You take p as the error, whatever the label is. A doughnut at p = 0.9 is nearly right; another dish at 0.9 is "
            "badly wrong. The error is p − y.",
            _moved(lambda x, y, w, b: float(_sigmoid(x @ w + b))),
        ),
        "the bias is left out of the sum": Mistake(
            "Your p comes from x · w alone. The neuron's sum has a bias: z = x · w + b.",
            _moved(lambda x, y, w, b: _error(x, y, w, 0.0)),
        ),
        "p is computed again for the bias": Mistake(
            "Your weights are right. For the bias you compute p once more, with the new weights. Both steps belong to the "
            "same look at the plate: compute p once, then change weights and bias.",
            _looked_again,
        ),
        "the weights are changed in place": Mistake(
            "Your result is right, but w -= ... writes into the array that you were given. The caller may still need it. "
            "Write w = w - ..., which makes a new array.",
            _weights_in_place,
        ),
        "weights and bias in one": Mistake(
            "Your numbers are right, but they are in one array. Return two things: the weights, shape (D,), and the bias, "
            "one number.",
            _one_array,
        ),
    },
    hints=(
        "Three lines: the probability p, then the new weights, then the new bias. The worked example above has all three "
        "with numbers.",
        "p is the sigmoid of x @ w + b. The error p - y is one number; times x it has the shape of the weights.",
        "e = p - y; the new weights are w - lr * e * x, and the new bias is b - lr * e. Return both.",
    ),
)


# --- 02.train_neuron ----------------------------------------------------------------------------------------


def _two_clouds(rng, n, d):
    """Features (n, d) around two centers, shuffled, and labels of which both sorts come first and last equally often."""
    y = rng.permutation(np.arange(n) % 2)
    center = signed(rng, d, 1.2, 0.6)
    return (0.6 + y[:, None] * center + 0.5 * rng.normal(size=(n, d))).round(2), y


def _train_cases(rng):
    X = rng.permutation(np.array([[1.0, 0.0], [1.0, 2.0]]))
    yield Case(
        "two plates, one epoch", X=X, y=(X[:, 1] > 0).astype(np.int64), lr=float(rng.choice([0.5, 1.0])), epochs=1
    )
    for label, n, d, lr, epochs in (
        ("nine plates, three epochs", 9, 2, 0.3, 3),
        ("eight plates, twenty epochs", 8, 3, 0.1, 20),
        ("one feature, fifty epochs", 7, 1, 0.2, 50),
    ):
        X, y = _two_clouds(rng, n, d)
        yield Case(label, X=X, y=y, lr=lr, epochs=epochs)
    X = rng.uniform(110, 150, (3, 2)).round()
    yield Case("features in the hundreds", weight=0.25, X=X, y=np.array([0, 1, 0]), lr=0.01, epochs=1)
    X = rng.permutation(rng.uniform(0.3, 0.9, (3, 2)).round(2))
    yield Case(
        "a huge learning rate", weight=0.25, X=X, y=np.array([1, 0, 1]), lr=float(rng.integers(250, 320)), epochs=1
    )


def _trained(X, y, lr, epochs, error=_error, bias=1.0, start=0.0):
    w, b = np.full(X.shape[1], start), start
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            e = error(x, label, w, b)
            w, b = w - lr * e * x, b - lr * e * bias
    return rounded(w), rounded(b)


def _whole_epochs(gather):
    """A mistake: one step an epoch, with the `gather`ed errors of all plates."""

    def train(X, y, lr, epochs):
        w, b = np.zeros(X.shape[1]), 0.0
        for _ in range(epochs):
            e = _sigmoid(X @ w + b) - y
            w, b = w - lr * gather(e[:, None] * X, axis=0), b - lr * gather(e)
        return rounded(w), rounded(b)

    return train


def _plate_by_plate(X, y, lr, epochs):
    w, b = np.zeros(X.shape[1]), 0.0
    for x, label in zip(X, y, strict=True):
        for _ in range(epochs):
            e = _error(x, label, w, b)
            w, b = w - lr * e * x, b - lr * e
    return rounded(w), rounded(b)


def _until_right(X, y, lr, epochs):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(epochs):
        for x, label in zip(X, y, strict=True):
            if (x @ w + b > 0) != bool(label):
                e = _error(x, label, w, b)
                w, b = w - lr * e * x, b - lr * e
    return rounded(w), rounded(b)


TRAIN = Exercise(
    id="02.train_neuron",
    title="Train a neuron",
    points=8,
    cases=_train_cases,
    oracle=lambda X, y, lr, epochs: _by_torch(X, y, np.zeros(X.shape[1]), 0.0, lr, epochs),
    forbidden=("torch.*", "sklearn.*"),
    misconceptions={
        "one epoch only": Mistake(
            "Your result is that of a single epoch, whatever epochs is. Either there is no loop around your loop over the "
            "plates, or it returns in its first round, or the weights are set back to 0 inside it: they begin at 0 once, "
            "before the first epoch.",
            lambda X, y, lr, epochs: _trained(X, y, lr, 1),
        ),
        "one step for each epoch, by the mean": Mistake(
            "You compute all errors with the same weights, and take one step by their mean. That is a sound way to train "
            "as well (chapter 07 compares them), but here each plate has its own step, and the next plate meets the new "
            "weights.",
            _whole_epochs(np.mean),
        ),
        "one step for each epoch, by the sum": Mistake(
            "You compute all errors with the same weights, and take one step by their sum. Here each plate has its own "
            "step, and the next plate meets the new weights.",
            _whole_epochs(np.sum),
        ),
        "the loops are nested the other way": Mistake(
            "You show the neuron the first plate in all epochs, then the second, and so on, so that the last plate has the "
            "last word. The outer loop should go over the epochs, the inner one over the plates.",
            _plate_by_plate,
        ),
        "the step goes the wrong way": Mistake(
            "Each of your steps makes the error larger. Look at the sign in front of the learning rate.",
            lambda X, y, lr, epochs: _trained(X, y, -lr, epochs),
        ),
        "the bias stays": Mistake(
            "Your bias is 0 at the end. It learns as well, by lr · (p − y) in each step.",
            lambda X, y, lr, epochs: _trained(X, y, lr, epochs, bias=0.0),
        ),
        "yes or no instead of p": Mistake(
            "You compare the label with the decision, 0 or 1. That is the perceptron's rule. Here the error is p − y, with "
            "the probability p.",
            lambda X, y, lr, epochs: _trained(X, y, lr, epochs, error=_hard),
        ),
        "only the wrong plates teach": Mistake(
            "You skip a plate that is on the right side of the line. Here it teaches as well: p = 0.6 for a doughnut is "
            "right, and still 0.4 away from 1.",
            _until_right,
        ),
        "the slope of the sigmoid is multiplied in": Mistake(
            "You multiply the error by p(1 − p), as for the squared loss. This rule has only p − y.",
            lambda X, y, lr, epochs: _trained(X, y, lr, epochs, error=_slope_too),
        ),
        "the weights start at 1": Mistake(
            "Your weights and your bias begin at 1. The docstring says 0; with one neuron it would hardly matter in the long run, but "
            "the first epochs would differ.",
            lambda X, y, lr, epochs: _trained(X, y, lr, epochs, start=1.0),
        ),
        "an epoch too many": Mistake(
            "Your neuron makes one epoch more than it was asked for. Look at where your loop over the epochs begins and ends.",
            lambda X, y, lr, epochs: _trained(X, y, lr, epochs + 1),
        ),
    },
    hints=(
        "Start with weights of 0, one for each feature, and a bias of 0. Then two loops, one inside the other.",
        "The outer loop runs epochs times. The inner one goes through the rows of X with their labels: zip(X, y) gives both.",
        "Inside both loops stands one line: w, b = update_neuron(x, label, w, b, lr).",
    ),
)


# --- slopes -------------------------------------------------------------------------------------------------


def _slope_cases(reach):
    def cases(rng):
        yield Case("three numbers", z=_around_zero(rng))
        yield Case("a batch, shape (3, 4)", z=rng.uniform(-reach, reach, size=(3, 4)))
        yield Case("images, shape (2, 3, 4, 5)", z=rng.uniform(-reach, reach, size=(2, 3, 4, 5)))
        yield Case(
            "on the flat parts",
            z=rng.permutation(np.concatenate([rng.uniform(reach / 2, reach, 3), -rng.uniform(reach / 2, reach, 3)])),
        )

    return cases


def _gradient(function):
    """The slope that PyTorch finds by itself."""

    def slope(z):
        t = _tensor(z).requires_grad_()
        function(t).sum().backward()
        return t.grad.numpy()

    return slope


SIGMOID_GRAD = Exercise(
    id="02.sigmoid_grad",
    title="The sigmoid's slope",
    points=8,
    cases=_slope_cases(6.0),
    oracle=_gradient(torch.sigmoid),
    forbidden=("scipy.special.*", "torch.*"),
    misconceptions={
        "z taken for s": Mistake(
            "You put z itself into s(1 − s). In that formula s is the sigmoid's output, not its input. "
            "Look at which of the two your function is given.",
            lambda z: z * (1.0 - z),
        ),
        "s instead of s(1 − s)": Mistake(
            "You return the sigmoid's height. The slope says how steeply it rises there: far to the right "
            "the curve is high and flat. Look at the right panel of the explorer.",
            lambda z: _sigmoid(z),
        ),
        "tanh's formula": Mistake(
            "You return 1 − s², which is right when s is a tanh. The sigmoid has its own formula. "
            "At z = 0 its slope is 0.25; check yours there.",
            lambda z: 1 - _sigmoid(z) ** 2,
        ),
        "the sigmoid is applied twice": Mistake(
            "Your slope belongs to the point σ(z), not to z: somewhere the sigmoid is taken of a sigmoid. "
            "Look at what you give to it.",
            lambda z: _sigmoid(_sigmoid(z)) * (1 - _sigmoid(_sigmoid(z))),
        ),
        "the square is lost": Mistake(
            "The slope of 1/u is −u′/u²; your denominator is not squared. So you get 1 − σ(z), which is 1 "
            "far to the left, where the curve is flat.",
            lambda z: 1 - _sigmoid(z),
        ),
        "a plus for a minus": Mistake(
            "You return s(1 + s), which keeps growing. A curve that goes flat on both sides has a slope "
            "near 0 on both sides.",
            lambda z: _sigmoid(z) * (1 + _sigmoid(z)),
        ),
    },
    hints=(
        "Look at the right panel of the explorer: the slope is largest at z = 0, where it is 0.25, and near "
        "0 on both sides.",
        "The text above derives it: the slope is s times (1 − s), where s is the sigmoid's output at z.",
        "Two lines will do: compute s from z (call your sigmoid if it passes, or write it out; z stays "
        "small here), then multiply s by 1 minus s.",
    ),
)

TANH_GRAD = Exercise(
    id="02.tanh_grad",
    title="The slope of tanh",
    points=6,
    cases=_slope_cases(3.0),
    oracle=_gradient(torch.tanh),
    forbidden=("torch.*",),
    misconceptions={
        "z taken for t": Mistake(
            "You put z itself into 1 − t². In that formula t is the output, tanh(z). Look at which of the "
            "two your function is given.",
            lambda z: 1.0 - z**2,
        ),
        "t instead of its slope": Mistake(
            "You return tanh itself, its height. A slope of tanh is never negative, since the curve only rises.",
            lambda z: np.tanh(z),
        ),
        "the square is lost": Mistake(
            "You return 1 − t. On the far left, where tanh is flat at −1, that gives 2 instead of about 0. "
            "Look at the exponent in the formula.",
            lambda z: 1 - np.tanh(z),
        ),
        "the sigmoid's formula": Mistake(
            "You return t(1 − t): that is the recipe for a sigmoid's output. It gives 0 at z = 0, where "
            "tanh is steepest.",
            lambda z: np.tanh(z) * (1 - np.tanh(z)),
        ),
        "the square stands inside": Mistake(
            "You take tanh of z². What is squared is the output: (tanh(z))², np.tanh(z) ** 2.",
            lambda z: 1 - np.tanh(z**2),
        ),
        "a difference over a wide step": Mistake(
            "You measure the slope by going a step to both sides. Over a step of 0.1 the curve bends, so the result is "
            "near the slope and not equal to it. The formula in the text is exact.",
            lambda z: (np.tanh(z + 0.1) - np.tanh(z - 0.1)) / 0.2,
        ),
        "a plus for a minus": Mistake(
            "You return 1 + t², which is largest where tanh is flattest. Look at the sign in the formula.",
            lambda z: 1 + np.tanh(z) ** 2,
        ),
    },
    hints=(
        "In the explorer choose tanh: the slope is 1 at z = 0 and near 0 on both sides. Which simple "
        "expression of the output t does that?",
        "With t = tanh(z), the slope is 1 − t². NumPy has np.tanh.",
        "Compute t = np.tanh(z), square it, and take it from 1. The function is given z, not t.",
    ),
)


# --- ReLU ---------------------------------------------------------------------------------------------------


def _relu_cases(rng):
    yield Case("three numbers", z=np.array([-float(rng.integers(1, 5)), 0.0, float(rng.integers(2, 6))]))
    yield Case("a batch, shape (3, 4)", z=3 * rng.normal(size=(3, 4)))
    yield Case("images, shape (2, 3, 4, 5)", z=2 * rng.normal(size=(2, 3, 4, 5)))
    yield Case("nothing above zero", z=-rng.uniform(0.5, 3, size=6))
    yield Case("hundreds and hundredths", z=np.concatenate([rng.uniform(120, 900, 2), signed(rng, 3, 0.09, 0.01, 4)]))


def _relu_in_place(z):
    z[z < 0] = 0
    return z


RELU = Exercise(
    id="02.relu",
    title="ReLU",
    points=6,
    cases=_relu_cases,
    oracle=lambda z: torch.relu(_tensor(z)).numpy(),
    forbidden=("torch.*",),
    misconceptions={
        "the input is changed in place": Mistake(
            "Your result is right, but you wrote the zeros into z itself. The caller still needs z: "
            "its slope depends on it. Work on a copy, or build a new array.",
            _relu_in_place,
        ),
        "np.max instead of np.maximum": Mistake(
            "np.max(z, 0) finds the largest entry along axis 0, so the shape shrinks. You want to compare "
            "each entry with 0. NumPy has another function for that, with a longer name.",
            lambda z: np.max(z, 0),
        ),
        "absolute value": Mistake(
            "You turn a negative sum into a positive one, so a strong “no” becomes a strong “yes”. ReLU silences it.",
            lambda z: np.abs(z),
        ),
        "the negatives are thrown out": Mistake(
            "You keep only the positive entries, so the result is shorter and its shape is lost. Every "
            "entry keeps its place; the negative ones become 0.",
            lambda z: z[z > 0],
        ),
        "a step instead of a ramp": Mistake(
            "You return 1 for every positive entry. That says only that z is positive, not by how much; it "
            "is the slope of ReLU, which comes next.",
            lambda z: np.where(z > 0, 1.0, 0.0),
        ),
        "the wrong half is kept": Mistake(
            "You keep the negative entries and silence the positive ones. Look at the direction of your comparison.",
            lambda z: np.minimum(z, 0.0),
        ),
        "a leaky ReLU": Mistake(
            "You let a little of the negative side through. That is a useful relative of ReLU, but ReLU "
            "itself gives exactly 0 there.",
            lambda z: np.where(z > 0, z, 0.01 * z),
        ),
        "capped at 1": Mistake(
            "You also cut the top off. ReLU has no ceiling: that is what keeps it from going flat on the right.",
            lambda z: np.clip(z, 0.0, 1.0),
        ),
    },
    hints=(
        "For each entry: if it is positive keep it, else put 0. The result is a new array of the same shape.",
        "np.where(condition, a, b) picks from a or b entry by entry. So does multiplying by a mask of 0 and 1.",
        "np.maximum compares two things entry by entry and keeps the larger. What is the other thing here?",
    ),
)


def _relu_grad_cases(rng):
    yield Case("three numbers", z=np.array([-float(rng.integers(2, 5)), 0.0, float(rng.integers(1, 4)) / 4]))
    z = 3 * rng.normal(size=(3, 4))
    z.flat[rng.permutation(12)[:2]] = 0.0, 0.5
    yield Case("a batch with a zero in it", z=z)
    z = 2 * rng.normal(size=(2, 3, 4, 5))
    z[rng.uniform(size=z.shape) < 0.2] = 0
    yield Case("images with many zeros", z=z)
    yield Case("all zeros", weight=0.5, z=np.zeros((int(rng.integers(2, 4)), 4)))


def _relu_grad_in_place(z):
    z[z <= 0] = 0
    z[z > 0] = 1
    return z


RELU_GRAD = Exercise(
    id="02.relu_grad",
    title="The slope of ReLU",
    points=6,
    cases=_relu_grad_cases,
    oracle=_gradient(torch.relu),
    forbidden=("torch.*",),
    misconceptions={
        "1 at zero": Mistake(
            "You give slope 1 at z = 0 exactly. The curve has a corner there and no single slope; this "
            "course, like PyTorch, takes 0. Look at > against >=.",
            lambda z: np.where(z >= 0, 1.0, 0.0),
        ),
        "z instead of 1": Mistake(
            "You return ReLU itself. On the right side ReLU is the line z, and the slope of that line is "
            "the same everywhere.",
            lambda z: np.maximum(z, 0.0),
        ),
        "the input is changed in place": Mistake(
            "Your result is right, but you wrote it over z. The caller still needs z. Work on a "
            "copy, or build a new array.",
            _relu_grad_in_place,
        ),
        "−1 on the left": Mistake(
            "You return the sign of z. On the left ReLU lies flat at 0, and a flat line does not fall.",
            lambda z: np.sign(z).astype(float),
        ),
        "one half at zero": Mistake(
            "You give slope one half at z = 0 exactly. That is a fair choice in mathematics, but the "
            "docstring, like PyTorch, fixes 0.",
            lambda z: np.heaviside(z, 0.5),
        ),
        "slope 1 everywhere": Mistake(
            "You return 1 on both sides. That is the slope of the line z, without the corner that makes ReLU useful.",
            lambda z: np.ones_like(z),
        ),
    },
    hints=(
        "The slope does not depend on how large z is, only on which side of 0 it lies. There are two possible values.",
        "A comparison such as z > 0 makes an array of True and False. What do these become as numbers?",
        "Take the mask (z > 0) and turn it into floats with .astype(float). Check z = 0: the mask must be False there.",
    ),
)


# --- 02.dense_forward ---------------------------------------------------------------------------------------


def _dense_cases(rng):
    yield Case(
        "two samples, three features, two units",
        x=whole(rng, (2, 3), -3, 4, zero=3),
        W=whole(rng, (3, 2), -3, 4, zero=3),
        b=rng.permutation(np.array([10.0, -20.0])),
    )
    yield Case(
        "as many units as features",
        x=rng.normal(size=(5, 3)),
        W=rng.normal(size=(3, 3)),
        b=rng.normal(size=3),
    )
    yield Case("all sizes different", x=rng.normal(size=(6, 4)), W=rng.normal(size=(4, 3)), b=rng.normal(size=3))
    yield Case("a single sample", x=rng.normal(size=(1, 5)), W=rng.normal(size=(5, 4)), b=rng.normal(size=4))
    yield Case("a single unit", x=rng.normal(size=(4, 3)), W=rng.normal(size=(3, 1)), b=rng.normal(size=1))
    x, W, b = (signed(rng, shape, 900, 120) for shape in ((2, 3), (3, 4), 4))
    yield Case("numbers in the hundreds", weight=0.5, x=x, W=W, b=b)


DENSE = Exercise(
    id="02.dense_forward",
    title="A layer of neurons, for a whole batch",
    points=8,
    cases=_dense_cases,
    oracle=lambda x, W, b: torch.nn.functional.linear(_tensor(x), _tensor(W).T, _tensor(b)).numpy(),
    misconceptions={
        "W is transposed": Mistake(
            "Here a column of W is a unit, so W has shape (D, M) and needs no turning. In PyTorch's own "
            "layers a row is a unit, which is where a transpose comes from. Write the shapes side by side: "
            "the inner two must agree.",
            lambda x, W, b: x @ W.T + b,
        ),
        "the bias is added per sample": Mistake(
            "You add b[0] to the first sample and b[1] to the second. A bias belongs to a unit, and units "
            "are columns of the result. Look at which axis of the result has length M.",
            lambda x, W, b: x @ W + b[:, None],
        ),
        "the bias is forgotten": Mistake(
            "You return x @ W. Each unit still waits for its bias.",
            lambda x, W, b: x @ W,
        ),
        "the bias is added once for each feature": Mistake(
            "You add the bias inside the loop over the features, so it counts D times. Each unit has one bias, added "
            "once to its finished sum.",
            lambda x, W, b: x @ W + len(W) * b,
        ),
        "only the first sample": Mistake(
            "You return the first sample's outputs only; the rest of the batch is dropped. Look for a "
            "return inside a loop.",
            lambda x, W, b: x[0] @ W + b,
        ),
        "each sample overwrites the one before": Mistake(
            "You return the last sample's outputs only. Your loop visits them all, but keeps one. Look at "
            "where the results are stored.",
            lambda x, W, b: x[-1] @ W + b,
        ),
        "an activation is applied": Mistake(
            "All your outputs are 0 or more: a ReLU has been applied. This layer returns the bare sums z; "
            "the activation comes in the next exercise.",
            lambda x, W, b: np.maximum(x @ W + b, 0.0),
        ),
        "the result is transposed": Mistake(
            "Your numbers are right, but a row of your result is a unit. A row should stay a sample, as it "
            "is in x. Look at the order in which you nest your loops or multiply.",
            lambda x, W, b: (x @ W + b).T,
        ),
    },
    hints=(
        "Write down the shapes: x is (N, D), W is (D, M), the result is (N, M). Entry [n, m] is one neuron: "
        "row n of x, column m of W, bias b[m].",
        "Two loops, over samples and units, and your neuron(x[n], W[:, m], b[m]) inside is a right answer. "
        "Start with an array of zeros of shape (N, M).",
        "x @ W does all the products and sums at once. NumPy then adds an array of shape (M,) to each row by itself.",
    ),
)


# --- 02.mlp_forward -----------------------------------------------------------------------------------------


def _mlp_cases(rng):
    def layers(sizes):
        return [
            (rng.normal(size=(d, m)) * np.sqrt(2 / d), rng.normal(size=m))
            for d, m in zip(sizes, sizes[1:], strict=False)
        ]

    yield Case(
        "two layers, whole numbers",
        x=np.array([[1.0, -2.0], [-1.0, 3.0]]) * float(rng.integers(1, 4)),
        layers=[
            (rng.permutation(np.array([[1.0, -1.0, 2.0], [-1.0, 2.0, 1.0]])), whole(rng, 3, -2, 3, zero=2)),
            (whole(rng, (3, 1), -2, 3, zero=2), whole(rng, 1, -3, 4, zero=3)),
        ],
    )
    yield Case("three layers", x=rng.normal(size=(6, 4)), layers=layers([4, 7, 5, 3]))
    yield Case("one layer alone", x=rng.normal(size=(7, 4)), layers=layers([4, 6]))
    yield Case("seven layers, one sample", x=rng.normal(size=(1, 8)), layers=layers([8, 9, 10, 9, 8, 10, 9, 12]))
    hundreds = [signed(rng, shape, 900, 120) for shape in ((3, 2), (2, 6), 6, (6, 4), 4)]
    yield Case("numbers in the hundreds", weight=0.5, x=hundreds[0], layers=[tuple(hundreds[1:3]), tuple(hundreds[3:])])
    # What mixes up layers or axes comes back here, and raises elsewhere.
    yield Case("three layers, all of one width", weight=0.5, x=rng.normal(size=(3, 5)), layers=layers([5, 5, 5, 5]))


def _mlp(x, layers, hidden=relu, last=lambda z: z, bias=True):
    for number, (W, b) in enumerate(layers):
        z = x @ W + (b if bias else 0.0)
        x = hidden(z) if number < len(layers) - 1 else last(z)
    return x


def _mlp_bias_after(x, layers):
    for W, b in layers[:-1]:
        x = relu(x @ W) + b
    W, b = layers[-1]
    return x @ W + b


def _mlp_once(x, layers):
    for number, (W, b) in enumerate(layers):
        x = x @ W + b
        if number == 0 and len(layers) > 1:
            x = relu(x)
    return x


def _mlp_from_x(x, layers):
    for W, b in layers:
        out = x @ W + b
    return out


def _mlp_two(x, layers):
    (W1, b1), (W2, b2) = layers[0], layers[1]
    return relu(x @ W1 + b1) @ W2 + b2


def _mlp_pop(x, layers):
    W, b = layers.pop()
    for V, c in layers:
        x = relu(x @ V + c)
    return x @ W + b


def _mlp_oracle(x, layers):
    modules = []
    for W, b in layers:
        linear = torch.nn.Linear(*W.shape, dtype=torch.float64)
        linear.weight.data, linear.bias.data = _tensor(W.T), _tensor(b)
        modules += [linear, torch.nn.ReLU()]
    with torch.no_grad():
        return torch.nn.Sequential(*modules[:-1])(_tensor(x)).numpy()


MLP = Exercise(
    id="02.mlp_forward",
    title="Layers in a row",
    points=10,
    cases=_mlp_cases,
    oracle=_mlp_oracle,
    forbidden=("torch.*",),
    misconceptions={
        "an activation after the last layer": Mistake(
            "You apply ReLU after the last layer too, so the network can never answer with a negative "
            "number. The last layer's sums are the answer as they are. Look at what your loop does in its "
            "last pass.",
            lambda x, layers: _mlp(x, layers, last=relu),
        ),
        "no activation on the hidden layers": Mistake(
            "You pass each layer's sums on as they are. Without an activation between them, all your layers "
            "together are worth one. Look at what should happen between two layers.",
            lambda x, layers: _mlp(x, layers, hidden=lambda z: z),
        ),
        "ReLU before the bias": Mistake(
            "You apply ReLU to x @ W and add the bias afterwards. The bias is part of the sum z, and ReLU "
            "takes the whole of z.",
            _mlp_bias_after,
        ),
        "the biases are forgotten": Mistake(
            "You multiply by each W and never add b. Each layer is a pair (W, b); both are needed.",
            lambda x, layers: _mlp(x, layers, bias=False),
        ),
        "sigmoid instead of ReLU": Mistake(
            "Your hidden layers squash with a sigmoid. The docstring asks for ReLU.",
            lambda x, layers: _mlp(x, layers, hidden=_sigmoid),
        ),
        "the input goes through ReLU": Mistake(
            "You apply ReLU to x before the first layer, and the negative features are lost. ReLU stands "
            "between layers only. Look at the order inside your loop.",
            lambda x, layers: _mlp(relu(x), layers),
        ),
        "ReLU on the first hidden layer only": Mistake(
            "You apply ReLU once, after the first layer, and nothing between the later ones. Each hidden "
            "layer has its own.",
            _mlp_once,
        ),
        "every layer is given x": Mistake(
            "Each of your layers gets the network's input x. It should get what the layer before has made of it: keep "
            "that under one name, and give that name to the next layer.",
            _mlp_from_x,
        ),
        "always two layers": Mistake(
            "You use layers[0] and layers[1], as if there were always two. The list may hold one layer or seven: loop "
            "over it.",
            _mlp_two,
        ),
        "the list of layers is changed": Mistake(
            "Your result is right, but pop() took a layer out of the caller's list, so the next call meets "
            "a shorter network. Indexing and slicing leave the list alone.",
            _mlp_pop,
        ),
    },
    hints=(
        "Go through the layers with a loop. What leaves one layer is what enters the next, so one variable is enough.",
        "All layers do x @ W + b. All but one of them also apply ReLU. Which one is it, and how does the loop know?",
        "for W, b in layers[:-1]: does the hidden ones (sum, then ReLU). After the loop, layers[-1] is the "
        "last: just the sum.",
    ),
)


# --- 02.count_parameters ------------------------------------------------------------------------------------


def _count_cases(rng):
    yield Case("three small sizes", sizes=[int(n) for n in rng.choice([2, 3, 4, 5, 6, 7], size=3, replace=False)])
    yield Case("one neuron", sizes=[int(rng.integers(8, 20)), 1])
    yield Case("a reader of 28 by 28 digits", sizes=[784, int(rng.integers(50, 150)), int(rng.integers(20, 40)), 10])
    yield Case("six layers", sizes=[int(n) for n in rng.integers(5, 300, size=7)])


def _count_weights(sizes):
    return sum(d * m for d, m in zip(sizes, sizes[1:], strict=False))


def _count_oracle(sizes):
    modules = [torch.nn.Linear(d, m, device="meta") for d, m in zip(sizes, sizes[1:], strict=False)]
    return sum(p.numel() for module in modules for p in module.parameters())


COUNT = Exercise(
    id="02.count_parameters",
    title="How many numbers a network learns",
    points=6,
    cases=_count_cases,
    oracle=_count_oracle,
    rtol=1e-12,
    misconceptions={
        "no biases": Mistake(
            "You count the weights only. Each unit of a layer has a bias too, and it is learned like a weight.",
            _count_weights,
        ),
        "one bias a layer": Mistake(
            "You count one bias for each layer. A bias belongs to a unit, so a layer of M units has M of them.",
            lambda sizes: _count_weights(sizes) + len(sizes) - 1,
        ),
        "biases for the inputs": Mistake(
            "You give the inputs biases as well. Inputs are handed in, not computed: the first size has no "
            "neurons of its own.",
            lambda sizes: _count_weights(sizes) + sum(sizes),
        ),
        "no biases on the output": Mistake(
            "You count biases for the hidden layers only. The last layer has no activation, but it does have biases.",
            lambda sizes: _count_weights(sizes) + sum(sizes[1:-1]),
        ),
        "units counted, not weights": Mistake(
            "You add up the sizes, which counts the units. Between two sizes there is a weight for every pair.",
            lambda sizes: sum(sizes),
        ),
        "first to last only": Mistake(
            "You multiply the first size by the last, as if one layer joined them. Go through the sizes in "
            "neighboring pairs.",
            lambda sizes: sizes[0] * sizes[-1] + sizes[-1],
        ),
    },
    hints=(
        "Take one layer first: from D values to M units. How many entries has its W, and how many its b?",
        "A list of L sizes makes L − 1 layers: sizes[0] to sizes[1], sizes[1] to sizes[2], and so on. Add "
        "up what each needs.",
        "zip(sizes, sizes[1:]) gives the neighboring pairs (D, M). Each adds D * M weights, and one bias "
        "for each unit.",
    ),
)


# --- 02.dead_fraction ---------------------------------------------------------------------------------------


def _activations(rng, n, m, dead):
    """ReLU outputs (n, m): `dead` units never fire, every other fires and is silent at least once."""
    a = relu(rng.normal(size=(n, m)))
    a[rng.integers(n), :] = 0
    fires = rng.integers(n, size=m)
    a[fires, np.arange(m)] = rng.uniform(0.5, 2, size=m)
    a[:, rng.choice(m, size=dead, replace=False)] = 0
    return a


def _dead_cases(rng):
    small = whole(rng, (3, 4), 1, 6)
    order = rng.permutation(4)
    small[:, order[0]] = 0
    small[rng.integers(3), order[1]] = 0
    yield Case("three samples, four units", activations=small)
    yield Case("a batch", activations=_activations(rng, 20, 8, int(rng.integers(2, 4))))
    yield Case("every unit alive", activations=_activations(rng, 6, 5, 0))
    once = np.zeros((9, 11))
    fires = rng.choice(11, size=3, replace=False)
    softly = rng.permutation([1e-2, 1e-5, 1e-12]) * rng.uniform(0.2, 0.9, size=3)
    once[[0, 8, rng.integers(1, 8)], fires] = softly
    yield Case("some units fire just once, and softly", activations=once)
    yield Case("the whole layer is dead", activations=np.zeros((4, int(rng.integers(3, 7)))))


def _dead_oracle(activations):
    return float((_tensor(activations).amax(dim=0) == 0).double().mean())


def _quiet_below(limit):
    return lambda a: float((a.max(axis=0) < limit).mean())


DEAD = Exercise(
    id="02.dead_fraction",
    title="The share of dead units",
    points=6,
    cases=_dead_cases,
    oracle=_dead_oracle,
    misconceptions={
        "zeros counted, not units": Mistake(
            "You return the share of outputs that are 0. A unit is dead only where its whole column is 0; a "
            "live ReLU is silent for many samples too. First decide for each column, then take the share.",
            lambda a: float((a == 0).mean()),
        ),
        "samples instead of units": Mistake(
            "You look for rows that are all 0: samples for which no unit fires. Units are columns. Look at the axis.",
            lambda a: float((a == 0).all(axis=1).mean()),
        ),
        "silent once counts as dead": Mistake(
            "You call a unit dead when it is 0 for at least one sample. Being silent at times is a ReLU's "
            "work; dead means silent for every sample. Look at any against all.",
            lambda a: float((a == 0).any(axis=0).mean()),
        ),
        "a count, not a share": Mistake(
            "You return how many units are dead. The share is that number over the number of units, from 0 to 1.",
            lambda a: float((a == 0).all(axis=0).sum()),
        ),
        "the share of the living": Mistake(
            "You return the share of units that do fire. The dead are the others.",
            lambda a: float((a > 0).any(axis=0).mean()),
        ),
        "divided by the samples": Mistake(
            "You divide the number of dead units by the number of samples. It is a share of the units: look "
            "at which axis counts them.",
            lambda a: float((a == 0).all(axis=0).sum() / len(a)),
        ),
        "quiet taken for dead": Mistake(
            "You call a unit dead when its outputs are small. A unit that fires once, however softly, still "
            "has a slope there and can learn. Compare with exactly 0.",
            lambda a: float((a.max(axis=0) < 0.05).mean()),
            also=[_quiet_below(limit) for limit in (1e-3, 1e-8)],
        ),
    },
    hints=(
        "Two steps: first one yes or no for each unit (each column), then the share of yes.",
        "(activations == 0) is a table of True and False. Which of any and all asks “in every sample”, and "
        "along which axis?",
        "The .all(axis=0) of that table has one entry for each unit. The mean of True and False is a share.",
    ),
)


# --- 02.xor_weights -----------------------------------------------------------------------------------------


def _xor_cases(rng):
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    yield Case("the four corners", X=corners)
    yield Case(
        "the corners shuffled, some twice",
        X=corners[rng.permutation(np.concatenate([np.arange(4), rng.integers(4, size=3)]))],
    )


def _xor(W1, b1, W2, b2):
    parts = np.array(W1, float), np.array(b1, float), np.array(W2, float), np.array(b2, float)
    return lambda: tuple(part.copy() for part in parts)


XOR = Exercise(
    id="02.xor_weights",
    title="Nine numbers that solve XOR (stretch)",
    points=8,
    cases=_xor_cases,
    oracle=lambda X: np.logical_xor(X[:, :1] > 0.5, X[:, 1:] > 0.5).astype(float),
    probe="xor_network",
    misconceptions={
        "OR, not XOR": Mistake(
            "Your network also serves the plate with both sauces. One unit that adds the sauces is not "
            "enough: something must pull the last corner down again. Give the second unit a job that only "
            "that corner triggers.",
            _xor([[1, 1], [1, 1]], [0, -1], [[1], [-1]], [0]),
        ),
        "the number of sauces": Mistake(
            "Your network counts the sauces: 0, 1, 2. The second unit is always 0, or has no weight, so nothing pulls "
            "the last corner down. Give it a job that only that corner triggers.",
            _xor([[1, 0], [1, 0]], [0, 0], [[1], [0]], [0]),
        ),
        "AND, not XOR": Mistake(
            "Your network serves only the plate with both sauces. That is one of the two parts you need: "
            "now use it to take something away.",
            _xor([[1, 1], [1, 1]], [0, -1], [[0], [1]], [0]),
        ),
        "upside down": Mistake(
            "Your network separates the corners correctly, but it answers 1 where 0 belongs. Look at the "
            "signs of W2, and at b2.",
            _xor([[1, 1], [1, 1]], [0, -1], [[-1], [2]], [1]),
        ),
        "both units pull the same way": Mistake(
            "Your output adds what it should take away, so the corner with both sauces comes out largest of "
            "all. Look at the signs in W2.",
            _xor([[1, 1], [1, 1]], [0, -1], [[1], [1]], [0]),
        ),
        "the two units cancel": Mistake(
            "Your two units measure the two directions of a difference, and the output subtracts one from the "
            "other. That undoes the fold: the corners land at −1, 0 and 1 on a straight line. Look at the "
            "signs in W2.",
            _xor([[1, -1], [-1, 1]], [0, 0], [[1], [-1]], [0]),
        ),
        "right order, wrong height": Mistake(
            "The nice corners come out above the others, but not at 1. The answer must be exactly 0 and 1. "
            "How much should the output weigh its units?",
            _xor([[1, -1], [-1, 1]], [0, 0], [[0.5], [0.5]], [0]),
        ),
        "one half everywhere": Mistake(
            "Your network answers one half for every plate. That is the best that can be done without an "
            "activation, and it decides nothing. Let each hidden unit be on for some corners and off for others.",
            _xor([[0, 0], [0, 0]], [0, 0], [[0], [0]], [0.5]),
        ),
        "the second unit starts at the wrong place": Mistake(
            "Both hidden units start to rise at the same point, so together they are worth only one. One of "
            "them needs a bias, so that it stays at 0 until both sauces are there.",
            _xor([[1, 1], [1, 1]], [0, 0], [[1], [-2]], [0]),
        ),
    },
    hints=(
        "Let s be the number of sauces on the plate: 0, 1 or 2. You need an answer that goes 0, 1, 0 as s "
        "goes 0, 1, 2: up, then down. One ReLU gives you one change of slope.",
        "Let the first hidden unit be s itself, so 0, 1, 2. Let the second stay at 0 until s passes 1, so "
        "0, 0, 1: which bias does that? Then find how much of each gives 0, 1, 0.",
        "W1 is all ones and b1 is [0, −1]. Now h1 is 0, 1, 2 and h2 is 0, 0, 1. Solve for W2: one of h1, "
        "and how many of h2 must be subtracted to bring 2 down to 0?",
    ),
)


# --- 02.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "02.quiz",
    10,
    [
        Question(
            "c",
            a="More units help only if there is an activation between the layers. Here there is none: run the "
            "cell that multiplies the two matrices together once more.",
            b="The number of layers does not matter here: a linear map of a linear map is still "
            "linear, and no straight line separates the XOR corners.",
            d="Signals can shrink through layers, but that depends on the weights. This question is "
            "about what the stack can express with the best weights there are.",
        ),
        Question(
            "a",
            b="The output is near 1, but the slope is not. Move the point to the far right in the "
            "explorer and look at the right panel.",
            c="0.25 is the sigmoid's steepest slope, and it is found at z = 0.",
            d="A sigmoid only rises, so its slope is never negative.",
        ),
        Question(
            "d",
            a="Look at the line where z = 0. Doubling both sides of that equation leaves its solutions where they are.",
            b="The direction of the weights decides how the line is turned, and doubling both leaves "
            "the direction as it is.",
            c="z does double, and with it the confidence of the answer. But its sign, and so the "
            "decision, stays the same for each plate.",
        ),
        Question(
            "b",
            a="Its outputs are 0 for every plate, so nothing of it reaches the next layer. It cannot "
            "be the one that decides.",
            c="A large gradient needs a steep slope. Look at the slope of ReLU on the left side.",
            d="That happens to a sigmoid that is stuck near 1. A ReLU's output on the left side is 0.",
        ),
        Question(
            "a",
            b="A row of W belongs to one feature: it holds what that feature counts for in each of the units.",
            c="The samples are rows of x and of the result. W is the same for all of them.",
            d="The biases are in b, one for each unit. W holds only weights.",
        ),
    ],
)

EXERCISES = [
    NEURON,
    SIGMOID,
    UPDATE,
    TRAIN,
    SIGMOID_GRAD,
    TANH_GRAD,
    RELU,
    RELU_GRAD,
    DENSE,
    MLP,
    COUNT,
    DEAD,
    XOR,
    QUIZ,
]
