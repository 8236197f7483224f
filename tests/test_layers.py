"""The NumPy layers: gradients against differences, results against PyTorch, and sentences for what does not fit."""

import numpy as np
import pytest

from introdl import layers


def slopes_by_differences(f, x, step=1e-5):
    """The gradient of a function of one array, number by number (central differences of the fourth order)."""
    grad = np.zeros_like(x)
    for place in np.ndindex(x.shape):
        kept, values = x[place], {}
        for k in (-2, -1, 1, 2):
            x[place] = kept + k * step
            values[k] = f()
        x[place] = kept
        grad[place] = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * step)
    return grad


def relative_error(a, b):
    return np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max(), 1e-12)


def spread_out(rng, shape):
    """Numbers no two of which are near each other or near zero, so that no kink is within a step's reach."""
    count = int(np.prod(shape))
    return ((rng.permutation(count) + 1) / count * rng.choice([-1.0, 1.0], count)).reshape(shape) * 3


CASES = {
    "dense": (lambda rng: layers.Dense(4, 3, rng, np.float64), (5, 4)),
    "convolution": (lambda rng: layers.Conv2d(2, 3, 3, rng, dtype=np.float64), (4, 2, 6, 5)),
    "stride and padding": (lambda rng: layers.Conv2d(3, 2, (2, 3), rng, stride=2, padding=1, dtype=np.float64), (2, 3, 6, 5)),
    "stride that leaves a rest": (lambda rng: layers.Conv2d(1, 2, 3, rng, stride=3, padding=2, dtype=np.float64), (3, 1, 7, 6)),
    "pooling": (lambda rng: layers.MaxPool2d(2), (3, 2, 6, 5)),
    "pooling that overlaps": (lambda rng: layers.MaxPool2d(3, 2), (2, 3, 7, 6)),
    "relu": (lambda rng: layers.ReLU(), (3, 2, 4, 5)),
    "flatten": (lambda rng: layers.Flatten(), (3, 2, 4, 5)),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_every_gradient_agrees_with_differences(name):
    make, shape = CASES[name]
    rng = np.random.default_rng(1)
    layer, x = make(rng), spread_out(rng, shape)
    for p in layer.parameters():
        p.value += 0.1 * rng.standard_normal(p.value.shape)
    weights = rng.standard_normal(layer.forward(x).shape)

    def loss():
        return float((layer.forward(x) * weights).sum())

    loss()
    dx = layer.backward(weights)
    grads = [p.grad.copy() for p in layer.parameters()]
    assert dx.shape == shape
    assert relative_error(dx, slopes_by_differences(loss, x)) < 1e-7
    for p, grad in zip(layer.parameters(), grads, strict=True):
        assert grad.shape == p.value.shape
        assert relative_error(grad, slopes_by_differences(loss, p.value)) < 1e-7


def test_the_loss_and_its_gradient():
    rng = np.random.default_rng(2)
    scores, labels = rng.standard_normal((5, 4)), np.array([0, 3, 1, 1, 2])
    _, grad = layers.softmax_cross_entropy(scores, labels)
    assert (
        relative_error(grad, slopes_by_differences(lambda: layers.softmax_cross_entropy(scores, labels)[0], scores))
        < 1e-7
    )
    assert layers.softmax_cross_entropy(np.zeros((3, 10)), np.array([1, 2, 3]))[0] == pytest.approx(np.log(10))
    far, _ = layers.softmax_cross_entropy(np.array([[1000.0, -1000.0]]), np.array([1]))
    assert far == 2000.0


@pytest.mark.parametrize(
    ("shape", "dtype", "tolerance"), [((3, 32, 32), np.float64, 1e-9), ((1, 8, 8), np.float32, 2e-4)]
)
def test_a_whole_lenet_agrees_with_torch(shape, dtype, tolerance):
    import torch

    rng = np.random.default_rng(3)
    net = layers.lenet(shape, 10, rng, dtype)
    x, labels = rng.standard_normal((6, *shape)).astype(dtype), rng.integers(0, 10, 6)
    loss, slope = layers.softmax_cross_entropy(net.forward(x), labels)
    net.backward(slope)

    values = [torch.from_numpy(p.value.copy()).requires_grad_() for p in net.parameters()]
    signal, left = torch.from_numpy(x), iter(values)
    for layer in net.layers:
        if isinstance(layer, layers.Conv2d):
            signal = torch.nn.functional.conv2d(signal, next(left), next(left), padding=layer.padding)
        elif isinstance(layer, layers.Dense):
            signal = signal @ next(left) + next(left)
        elif isinstance(layer, layers.MaxPool2d):
            signal = torch.nn.functional.max_pool2d(signal, layer.size)
        elif isinstance(layer, layers.ReLU):
            signal = torch.relu(signal)
        else:
            signal = signal.flatten(1)
    other = torch.nn.functional.cross_entropy(signal, torch.from_numpy(labels))
    other.backward()
    assert loss == pytest.approx(other.item(), rel=tolerance)
    for p, value in zip(net.parameters(), values, strict=True):
        assert p.grad.dtype == dtype
        assert relative_error(p.grad, value.grad.numpy()) < tolerance


def test_lenet_is_lenet_5_and_has_its_parameters():
    net = layers.lenet((1, 32, 32), 10, np.random.default_rng(0))
    assert sum(p.value.size for p in net.parameters()) == 61_706
    assert net.forward(np.zeros((2, 1, 32, 32), np.float32)).shape == (2, 10)


def test_batches_of_other_sizes_may_follow_one_another():
    rng = np.random.default_rng(4)
    net = layers.lenet((1, 8, 8), 10, rng, np.float64)
    x = rng.standard_normal((9, 1, 8, 8))
    whole = net.forward(x)
    parts = np.concatenate([net.forward(x[:5]), net.forward(x[5:]), net.forward(x[:0])])
    assert np.allclose(whole, parts)
    assert np.array_equal(net.predict(x, size=4), whole.argmax(axis=1))
    assert net.predict(x[:0]).shape == (0,)


def test_inputs_are_left_as_they_are():
    rng = np.random.default_rng(5)
    net = layers.lenet((2, 9, 8), 4, rng, np.float64)
    x, labels = rng.standard_normal((3, 2, 9, 8)), np.array([0, 1, 3])
    before = x.copy()
    scores = net.forward(x)
    kept = scores.copy()
    _, slope = layers.softmax_cross_entropy(scores, labels)
    slope_before = slope.copy()
    net.backward(slope)
    assert np.array_equal(x, before) and np.array_equal(scores, kept) and np.array_equal(slope, slope_before)


def test_he_weights_have_their_size():
    rng = np.random.default_rng(6)
    assert layers.Dense(300, 200, rng).w.value.std() == pytest.approx(np.sqrt(2 / 300), rel=0.02)
    assert layers.Conv2d(12, 64, 5, rng).w.value.std() == pytest.approx(np.sqrt(2 / 300), rel=0.03)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda r: layers.Dense(4, 2, r).forward(np.zeros((3, 5))), r"takes \(N, 4\); it was given \(3, 5\)"),
        (lambda r: layers.Dense(4, 2, r).forward(np.zeros((3, 1, 2, 2))), "Put a Flatten before it"),
        (lambda r: layers.Conv2d(3, 2, 3, r).forward(np.zeros((2, 1, 8, 8))), r"takes \(N, 3, H, W\)"),
        (lambda r: layers.Conv2d(1, 2, 5, r).forward(np.zeros((2, 1, 4, 8))), "too small for a kernel of 5 x 5"),
        (lambda r: layers.MaxPool2d(3).forward(np.zeros((2, 1, 2, 8))), "cannot take"),
        (lambda r: layers.softmax_cross_entropy(np.zeros((3, 2)), np.zeros(4, int)), "3 rows of scores and 4 labels"),
        (lambda r: layers.lenet((1, 3, 8), 10, r), "4 x 4 is the least"),
    ],
)
def test_what_does_not_fit_has_its_sentence(work, sentence):
    with pytest.raises(ValueError, match=sentence):
        work(np.random.default_rng(0))


def test_loops_and_layer_agree():
    from introdl.figures.sgd import four_loops

    rng = np.random.default_rng(7)
    layer = layers.Conv2d(2, 3, 3, rng, dtype=np.float64)
    x = rng.standard_normal((2, 2, 6, 5))
    y = layer.forward(x)
    dy = rng.standard_normal(y.shape)
    dx = layer.backward(dy)
    for one, other in zip(
        four_loops(x, layer.w.value, layer.b.value, dy), (y, dx, layer.w.grad, layer.b.grad), strict=True
    ):
        assert np.allclose(one, other)
