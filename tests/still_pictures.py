"""Every figure of the course, called on small inputs as the notebooks call it, and what it shows without a kernel.

``python -m tests.still_pictures --out DIR`` writes each still picture as a file, so that two versions can be compared by
eye and by bytes. `tests/test_figures.py` says what a reader relies on.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np

DISHES = ("pizza", "burger", "doughnut", "sushi", "french_fries", "salad")

#: (chapter's module, figure): the call, and words that a reader of the picture or of its alt text must find.
FIGURES: dict[tuple[str, str], tuple[Callable, tuple[str, ...]]] = {}


def figure(module: str, name: str, *words: str):
    """Register a function that takes a chapter's module and calls one of its figures."""

    def register(call):
        FIGURES[module, name] = call, words
        return call

    return register


def still(module: str, name: str) -> tuple[str, str]:
    """Call a figure; return the HTML that it shows first, which needs no kernel, and its alt text as plain text."""
    from introdl import figures

    shown = []
    figures.use_style()
    with mock.patch("IPython.display.display", lambda *given, **how: shown.append(given[0])):
        made = FIGURES[module, name][0](importlib.import_module(f"introdl.figures.{module}"))
        if made is not None:
            figures.show(made, f"{name} of {module}, shown by the notebook with an alt text of its own.")
    if not isinstance(shown[0], dict):  # an `IPython.display.HTML`, which has no words beside it
        return shown[0]._repr_html_(), ""
    bundle = shown[0]
    return bundle["text/html"], bundle["text/plain"]


# --- inputs -----------------------------------------------------------------------------------------------------------


@functools.cache
def plates(count: int = 6, size: int = 48) -> np.ndarray:
    """Made-up plates, uint8 (count, size, size, 3): a white disc with a colored one on it, on brown."""
    down, right = np.mgrid[:size, :size] / size - 0.5
    distance = np.hypot(down, right)
    found = np.empty((count, size, size, 3))
    for n, image in enumerate(found):
        image[:] = (120, 80, 50)
        image[distance < 0.45] = (240, 240, 235)
        inner = (distance < 0.3) & (distance > 0.04 * n)
        image[inner] = np.array([(230, 120, 40), (90, 160, 60), (180, 60, 90)][n % 3])
        image += 25 * np.sin(np.arange(size) * (n + 1) / 5)[None, :, None]
    return found.clip(0, 255).astype(np.uint8)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@functools.cache
def network():
    """A network with the stages of chapter 10's, on six dishes; its weights are drawn, not trained."""
    import torch
    from torch import nn

    torch.manual_seed(0)
    widths = (3, 16, 16, 16, 16, 16)
    stages = [
        nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        for a, b in zip(widths, widths[1:], strict=False)
    ]
    parts = OrderedDict(
        stages=nn.Sequential(*stages),
        average=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        head=nn.Linear(widths[-1], len(DISHES)),
    )
    return nn.Sequential(parts).eval()


STAGES = [f"stages.{n}" for n in range(5)]


def record(name: str) -> dict:
    from introdl.experiments import records

    return records.load(name)


def history():
    from introdl.training import History

    rows = [
        {
            "epoch": e,
            "train_loss": 2 / e,
            "val_loss": 2.2 / e,
            "train_accuracy": 1 - 0.6 / e,
            "val_accuracy": 1 - 0.7 / e,
        }
        for e in range(1, 7)
    ]
    return History(rows, {"epochs": 6}, best_epoch=6)


# --- the start page, and chapter 00 -----------------------------------------------------------------------------------

figure("course_map", "course_map", "03 Convolution", "0 of 10")(lambda f: f.course_map())
figure("why", "course_map", "Fourteen chapters", "03 Convolution")(lambda f: f.course_map())
figure("why", "imagenet_chart", "5.1")(lambda f: f.imagenet_chart(human=5.1, less_trained=12.0))
figure("why", "verification_errors")(
    lambda f: f.verification_errors({"guessing": 50.0, "humans": 2.5, "DeepFace": 2.7})
)
figure("why", "pixel_window")(lambda f: f.pixel_window(plates(1, 96)[0]))
figure("why", "channels")(lambda f: f.channels(plates(1, 96)[0]))
figure("why", "before_and_after")(lambda f: f.before_and_after(plates(20, 32)))
figure("why", "missed", "pizza")(lambda f: f.missed(plates(4), np.arange(4), _shares(4), DISHES))
figure("why", "change_bars", "mirrored", "75")(lambda f: f.change_bars({"as it is": 0.9, "mirrored": 0.75}, 200))
figure("why", "change_explorer", "as it is: the first guess", "doughnut 39 %")(
    lambda f: f.change_explorer(
        plates(6),
        np.arange(6),
        DISHES,
        {"as it is": lambda x: x, "mirrored": lambda x: x[:, :, ::-1]},
        lambda x: _shares(len(x)),
    )
)


def _shares(count: int) -> np.ndarray:
    """Probabilities (count, 6)."""
    powers = np.exp(2 * rng().normal(size=(count, len(DISHES))))
    return powers / powers.sum(axis=1, keepdims=True)


# --- chapter 01 -------------------------------------------------------------------------------------------------------


def _trio() -> dict:
    r = rng()
    labels = np.repeat([0, 1, 2], 20)
    points = r.normal(size=(60, 2)) * 20 + np.array([(20, 90), (60, 120), (100, 80)])[labels]
    wide = np.concatenate([points, r.normal(size=(60, 6))], axis=1)
    kcal = 300 + points[:, 0]
    return {
        "train": (wide, labels, kcal),
        "val": (wide + 5, labels, kcal + 20),
        "plane": (points, labels),
        "dishes": DISHES[:3],
        "axes": ("yellow", "brightness"),
        "cloud": (wide, labels),
        "line": (points[:, 0], kcal),
    }


_BOXES = np.array([[10.0, 12, 34, 40]] * 8)

figure("regression_classification", "two_questions", "pizza", "300")(
    lambda f: f.two_questions(plates(6), DISHES, np.arange(300, 900, 100))
)
figure("regression_classification", "histogram_explorer", "8 bins: 24 numbers stand for 6,912")(
    lambda f: f.histogram_explorer(plates(6), DISHES)
)
figure("regression_classification", "line_explorer", "kcal")(
    lambda f: f.line_explorer(np.array([1.0, 10, 20]), np.array([150.0, 260, 330]), ("rice", "stew", "burger"))
)
figure("regression_classification", "neighbor_explorer", "yellow", "pizza")(
    lambda f: f.neighbor_explorer(
        *_trio()["plane"], _trio()["plane"][0] + 6, _trio()["plane"][1], DISHES[:3], ("yellow", "brightness")
    )
)
figure("regression_classification", "confusion", "pizza")(lambda f: f.confusion(np.eye(6, dtype=int) * 9 + 1, DISHES))
figure(
    "regression_classification",
    "threshold_explorer",
    "Threshold 50%: named 2 times, 1 right",
    "precision 50%",
    "F1 0.50",
)(lambda f: f.threshold_explorer(np.array([0.9, 0.3, 0.6, 0.1, 0.2]), np.array([1, 1, 0, 0, 0], bool), "soup"))
figure("regression_classification", "learning_curve", "60 plates: 95% and 33%", "120")(
    lambda f: f.learning_curve([60, 120, 240], [0.95, 0.8, 0.7], [0.33, 0.5, 0.6])
)
figure("regression_classification", "residuals", "against the predicted energy", "the mean residual is 20.0 kcal")(
    lambda f: f.residuals(np.arange(300.0, 600, 10), np.arange(320.0, 620, 10), np.arange(30) % 6, DISHES, "burger")
)
figure("regression_classification", "error_by_dish", "sushi")(
    lambda f: f.error_by_dish(np.arange(30.0) + 20, np.full(30, 80.0), np.arange(30) % 6, DISHES)
)
figure("regression_classification", "boxes", "IoU")(lambda f: f.boxes(plates(8), _BOXES, _BOXES + 2, _BOXES[0] + 5))
figure("regression_classification", "iou_explorer", "IoU")(lambda f: f.iou_explorer(plates(1)[0], _BOXES[0] + 3))
figure("regression_classification", "estimator_chooser")(lambda f: f.estimator_chooser(_trio()))
figure("regression_classification", "luck_explorer", "guess")(lambda f: f.luck_explorer(500, 500, 12, 0))

# --- chapter 02 -------------------------------------------------------------------------------------------------------


def _send(name: str, spread: float, generator):
    outputs = [generator.normal(size=(30, 20))]
    for _ in range(8):
        outputs.append(np.abs(np.tanh(outputs[-1] @ (spread * generator.normal(size=(20, 20))))))
    return outputs, np.geomspace(1e-3, 1, 9)


_DECAY = np.geomspace(1, 1e-20, 21)
_XOR = lambda: (np.ones((2, 2)), np.array([0.0, -1.0]), np.array([[1.0], [-2.0]]), np.zeros(1))  # noqa: E731

figure("neurons", "anatomy", "round", "hole")(
    lambda f: f.anatomy(np.array([1.0, 0.5, 0.2]), np.array([3.0, 4.0, 1.0]), b=-4.0, names=("round", "hole", "shine"))
)
figure("neurons", "one_neuron", "doughnut")(
    lambda f: f.one_neuron(rng().uniform(size=(24, 2)), np.repeat([1, 0], 12), names=("x₁: round", "x₂: hole"))
)
figure("neurons", "training_neuron", "epoch 10", "loss", "plates right")(
    lambda f: f.training_neuron(rng().uniform(size=(24, 2)), np.tile([1, 0], 12), names=("x₁: round", "x₂: hole"))
)
figure("neurons", "activations", "ReLU")(lambda f: f.activations())
figure("neurons", "activation_explorer", "slope")(lambda f: f.activation_explorer())
figure("neurons", "layer_explorer", "pizza")(
    lambda f: f.layer_explorer(
        np.array([[1.0, 0.9, 0.3], [0.9, 0.1, 0.2]]),
        np.array([[3.0, -1.0], [2.0, 1.0], [0.5, 0.0]]),
        np.array([-2.0, 0.5]),
        plates=["doughnut", "pizza"],
        features=["round", "hole", "shine"],
        units=["doughnut", "pizza"],
    )
)
figure("neurons", "network_explorer", "3 → 4 → 2: 16 + 10 = 26 parameters", "4·2 = 8 edges", "+ 4 biases")(
    lambda f: f.network_explorer()
)
figure("neurons", "signal_curves", "sigmoid", "Small weights")(
    lambda f: f.signal_curves(
        dict.fromkeys(("sigmoid", "tanh", "ReLU"), (_DECAY, _DECAY[::-1])), "Small weights: everything dies"
    )
)
figure("neurons", "signal_explorer", "layer")(lambda f: f.signal_explorer(_send, 0))
figure("neurons", "corners", "corner")(lambda f: f.corners(np.array([1.0, 1.0]), -0.5, "One corner wrong"))
figure("neurons", "napkin")(lambda f: f.napkin())
figure("neurons", "xor_surface", "corners")(lambda f: f.xor_surface(_XOR))

# --- chapter 03 -------------------------------------------------------------------------------------------------------

_RIM = np.array([[0, 0, 9, 9, 0], [0, 9, 9, 0, 0], [9, 9, 0, 0, 3], [9, 0, 0, 3, 3]])
_SOBEL = np.array([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]])

figure("convolution", "sliding_window", "27")(lambda f: f.sliding_window(_RIM, _SOBEL[:2], step=1))
figure("convolution", "kernel_lab", "kernel")(lambda f: f.kernel_lab(plates(1, 96)[0], preset="Sobel x"))
figure("convolution", "output_sizes", "10")(lambda f: f.output_sizes(n=10, kernel=3, stride=2, padding=0))
figure("convolution", "im2col_rows", "window")(lambda f: f.im2col_rows(np.stack([_RIM, _RIM[::-1]]), kh=2, kw=2))
figure("convolution", "echoes")(lambda f: f.echoes(np.array([400, 0, 200]), np.array([0.5, 0.3, 0.2])))
figure("convolution", "edges")(lambda f: f.edges(plates(1, 96)[0], _SOBEL, _SOBEL.T))
figure("convolution", "kernel_learns", "kernel after step 20", "loss:")(
    lambda f: f.kernel_learns(f.half(plates(1, 256)[0]) - 0.5, _SOBEL)
)
figure("convolution", "dense_matrix")(lambda f: f.dense_matrix(np.zeros((3, 3)), 5, 5))
figure("convolution", "race_chart")(lambda f: f.race_chart({"seven loops": 3.0, "PyTorch": 0.001}, "3,000 times"))

# --- chapter 04 -------------------------------------------------------------------------------------------------------

figure("pooling", "pooling_explorer", "16 numbers go in, 4 come out", "1, 1, 5, 6 is 6")(lambda f: f.pooling_explorer())
figure("pooling", "pooled_edges")(lambda f: f.pooled_edges(plates(1, 128)[0]))
figure("pooling", "shift_test", "pixel")(lambda f: f.shift_test(plates(1, 128)[0]))
figure("pooling", "receptive_fields", "neuron")(lambda f: f.receptive_fields(plates(1, 128)[0]))
figure("pooling", "paths")(lambda f: f.paths())
figure("pooling", "lenet5", "LeNet")(lambda f: f.lenet5())


@figure("pooling", "show_maps", "maps")
def _maps(f):
    x = plates(1, 64).transpose(0, 3, 1, 2) / 255
    f.show_maps(x, f.network_maps(x, f.hand_made_network(classes=5, seed=0)))


# --- chapter 05 -------------------------------------------------------------------------------------------------------

figure("losses", "three_curves", "best rival: 4", "rival + Δ: 5", "leads by 1")(
    lambda f: f.three_curves(rivals=(4.0, -2.0), delta=1.0)
)
figure("losses", "softmax_steps", "7.39, 54.60, 0.14", "0.119, 0.879, 0.002", "divided by 62.12")(
    lambda f: f.softmax_steps((2.0, 4.0, -2.0))
)
figure("losses", "surprise", "2.13 at 0.119", "0.69 at 0.5")(lambda f: f.surprise((0.9, 0.5, 0.119, 0.01)))
figure("losses", "template_explorer", "row 0", "10 templates", "it is a 3")(
    lambda f: f.template_explorer(rng().normal(size=(10, 64)), np.zeros(10), rng().uniform(size=(4, 64)), [3, 0, 1, 2])
)
figure("losses", "reliability", "75% of 4 right at 80% to 100%", "careful")(
    lambda f: f.reliability([("careful", np.array([0.9, 0.9, 0.95, 0.85, 0.3]), np.array([1, 1, 1, 0, 0]))])
)
figure("losses", "score_explorer", "hinge 3.0", "cross-entropy 2.129", "p = 0.119", "0.879", "−0.881")(
    lambda f: f.score_explorer((2.0, 4.0, -2.0), label=0)
)
figure("losses", "same_score", "x = (2, 1), all score 5", "(2.5, 0)", "(0, 5)")(
    lambda f: f.same_score(x=(2.0, 1.0), score=5.0, others=((2.5, 0.0), (0.0, 5.0)))
)
figure("losses", "classifier_board", "x₁: share of green", "pizza")(
    lambda f: f.classifier_board(
        (_trio()["plane"][0] / 180).clip(0, 1),
        _trio()["plane"][1],
        ("x₁: share of green", "x₂: share of red"),
        DISHES[:3],
        steps=40,
    )
)
figure("losses", "huber_explorer", "Huber", "kcal")(
    lambda f: f.huber_explorer(np.arange(50.0, 400, 50), 2.5 * np.arange(50.0, 400, 50) + 10, delta=20.0)
)

# --- chapter 06 -------------------------------------------------------------------------------------------------------


@figure("backpropagation", "draw_graph", "data 9, grad 1", "from d and m: data 8, grad 6")
def _graph(f):
    d, m, t = f.Value(4), f.Value(2), f.Value(5)
    e = d * m
    r = e - t
    loss = r**2
    loss.backward()
    f.draw_graph(loss, {"d": d, "m": m, "t": t, "e": e, "r": r, "L": loss}, "Each box holds its number")


@figure("backpropagation", "step_through", "Forward: the leaves", "c = a × b")
def _steps(f):
    a, b = f.Value(2), f.Value(-3)
    c = a * b
    f.step_through(c + a, {"a": a, "b": b, "c": c})


@figure("backpropagation", "training_board", "After 3 steps", "feature x₁", "doughnuts")
def _training(f):
    points, labels = f.moons(12, rng())
    weights = (rng().normal(size=(2, 4)), np.zeros(4), rng().normal(size=(4, 2)), np.zeros(2))
    f.training_board(points, labels, [(n, weights) for n in range(4)], [0.9, 0.7, 0.5, 0.4])


figure("backpropagation", "step_explorer", "central", "h")(lambda f: f.step_explorer(exponent=-5.0))
figure("backpropagation", "dense_shapes", "(D, N) times (N, M) is (D, M)", "D meets D", "summed over N, is (M,)")(
    lambda f: f.dense_shapes()
)
figure("backpropagation", "conv_scatter", "dx", "dw")(
    lambda f: f.conv_scatter(x=[[1, 0, 2], [3, 1, 0], [0, 2, 1]], w=[[1, 2], [0, -1]], dout=[[1, 2], [-1, 3]])
)
figure("backpropagation", "pool_routes", "2 goes to row 1, column 3", "−4 goes to row 3, column 3")(
    lambda f: f.pool_routes(x=[[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]], dout=[[1, 2], [3, -4]])
)

# --- chapter 07 -------------------------------------------------------------------------------------------------------

figure("sgd", "learning_rates", "0.02", "1.04")(
    lambda f: f.learning_rates(rates=(0.02, 0.3, 0.9, 1.04), steps=12, start=-4.0)
)
figure("sgd", "ball", "each step multiplies w by 0.5", "After 0 steps the ball is at w = 4", "starts at w = 4")(
    lambda f: f.ball(rate=0.25, start=4.0)
)
figure("sgd", "digit_row", "3 pictures of handwritten digits: 4, 0, 9")(
    lambda f: f.digit_row(plates(3, 8)[:, None, :, :, 0] / 255, np.array([4, 0, 9]))
)
figure("sgd", "noise_chart", "1 sample 2", "64 samples 0.25")(
    lambda f: f.noise_chart([1, 4, 16, 64], np.array([[2.0], [1], [0.5], [0.25]]) * np.ones(3))
)
figure("sgd", "optimizer_race", "Adam", "momentum", "Step 40")(lambda f: f.optimizer_race("valley", rate=0.05))
figure("sgd", "schedule_chart", "constant", "falling")(
    lambda f: f.schedule_chart({"constant": np.full(9, 0.005), "falling": np.linspace(0.005, 0, 9)})
)
figure("sgd", "signal_chart", "σ = 0.1 1.0e-08", "at the end: 1.0e−08")(
    lambda f: f.signal_chart({"σ = 0.1": np.geomspace(1, 1e-8, 9), "He": np.ones(9)})
)
figure("sgd", "overfitting_chart", "best: epoch 3", "stop: epoch 5", "71.0%")(
    lambda f: f.overfitting_chart([2, 1.5, 1, 0.6, 0.3], [2, 1.6, 1.4, 1.5, 1.8], 3, 5, [0.5, 0.6, 0.71, 0.7, 0.7])
)


@figure("training_board", "TrainingBoard", "10.0% of the validation pictures", "wrong now: 9 of 10")
def _board(f):
    from introdl.layers import lenet

    x, y = (plates(10, 8)[:, None, :, :, 0] / 255).astype(np.float32), np.arange(10)
    f.TrainingBoard(lambda r: lenet((1, 8, 8), 10, r), train=(x, y), validation=(x, y), epochs=1).show()


# --- chapter 08 -------------------------------------------------------------------------------------------------------

_ROOF = (1e11, 2e10)
_LAYERS = [("dense", 2e6, 1e6, 1e-4), ("ReLU", 1e6, 8e6, 5e-4)]

figure("cuda", "gpu", "132 SMs", "warp 4", "four rows of 32 threads")(lambda f: f.gpu())
figure("cuda", "memory_explorer", "Shape (1, 3, 2, 4), strides (24, 8, 4, 1)")(lambda f: f.memory_explorer())
figure("cuda", "queue_explorer", "says 10 µs a call; the truth is 62.5 µs")(lambda f: f.queue_explorer())
figure("cuda", "spread", "median 1 ms", "slowest 3 ms", "90 ms")(
    lambda f: f.spread([0.09, 0.004, 0.002, 0.001, 0.001, 0.003], warmup=3, what="a convolution")
)
figure("cuda", "thread_choice", "1 threads 2 ms", "Fastest: 2")(
    lambda f: f.thread_choice({1: [0.002] * 3, 2: [0.001] * 3}, 512, 0.5)
)
figure("cuda", "roofline_measured", "dense 50%", "ReLU 80%")(lambda f: f.roofline_measured(*_ROOF, "a CPU", _LAYERS))
figure("cuda", "roofline_explorer", "a CPU", "FLOP/byte")(lambda f: f.roofline_explorer(*_ROOF, "a CPU"))
figure("cuda", "batches", "1: 1e+03, 8: 4e+03")(
    lambda f: f.batches([(1, 1e-3, 9e-4, 2e-3), (8, 2e-3, 1e-3, 3e-3)], "steps")
)
figure("cuda", "side_by_side", "a CPU, now (measured)", "H100")(lambda f: f.side_by_side(("a CPU", *_ROOF), []))
figure("cuda", "learning", "ends at 90.0%", "from 2.30 to 0.20")(lambda f: f.learning([2.3, 1.0, 0.5, 0.2], [0.1, 0.9]))

# --- chapter 09 -------------------------------------------------------------------------------------------------------


def _augment():
    from introdl.training import Augment

    return Augment()


figure("food_cnn", "augmentation_explorer", "plate")(lambda f: f.augmentation_explorer(list(plates(3)), DISHES[:3]))
figure("food_cnn", "augmented_grid", "A plate of french fries, and eleven")(
    lambda f: f.augmented_grid(plates(1)[0], "french_fries", _augment(), 0)
)
figure("food_cnn", "schedule", "15%", "20 steps")(
    lambda f: f.schedule(np.concatenate([np.linspace(0, 1, 3), np.linspace(1, 0, 17)]), 0.15)
)
figure("food_cnn", "range_test", "1.70, at 0.01", "The recipe has 0.003")(
    lambda f: f.range_test([(0.001, 2.5), (0.01, 1.7), (0.1, 2.2)], 0.003)
)
figure("food_cnn", "mistakes", "named", "confident")(
    lambda f: f.mistakes(plates(6), np.arange(6), _shares(6), [0, 2, 4], DISHES)
)
figure("food_cnn", "ablation", "full recipe", "percentage points")(lambda f: f.ablation(record("ablation")))
figure("training", "curves")(lambda f: f.curves(history()))
figure("training", "show_curves", "Over 6 epochs the training loss goes from 2.00 to 0.33")(
    lambda f: f.show_curves(history())
)

# --- chapter 10 -------------------------------------------------------------------------------------------------------

figure("what_it_sees", "filters", "16 filters")(lambda f: f.filters(network().get_submodule("stages.0.0").weight))
figure("what_it_sees", "by_layer")(lambda f: f.by_layer(network(), plates(1, 128)[0], STAGES))
figure("what_it_sees", "maps_explorer", "16 maps of 32 × 32", "pizza")(
    lambda f: f.maps_explorer(network(), plates(2, 128), DISHES[:2], STAGES)
)
figure("what_it_sees", "favorites", "patches")(
    lambda f: f.favorites(
        plates(3, 128), {("stages.1", 3): np.array([[0, 2, 3], [1, 4, 5]]), ("stages.3", 1): np.array([[2, 3, 3]] * 2)}
    )
)
figure("what_it_sees", "occluder", "without the square", "french fries")(
    lambda f: f.occluder(network(), plates(2, 128), DISHES[:2], DISHES)
)
figure("what_it_sees", "sheet", "Two rows of plates")(
    lambda f: f.sheet(
        [("plate", plates(2, 96)), ("again", plates(2, 96))], "Twice", "Two rows of plates.", ["one", "two"]
    )
)
figure("what_it_sees", "cam_explorer", "Grad-CAM at stages.4 for pizza")(
    lambda f: f.cam_explorer(network(), plates(2, 128), DISHES[:2], DISHES, STAGES[1:])
)
figure("what_it_sees", "pointing", "Four plates", "86% of its sum")(lambda f: f.pointing(record("pointing")))
figure("what_it_sees", "similarity", "saliency ends at 0.10", "edges ends at 1.00")(
    lambda f: f.similarity({"saliency": [1, 0.4, 0.1], "edges": [1, 1, 1]}, ["nothing", "head", "stages.4"])
)

# --- chapter 11 -------------------------------------------------------------------------------------------------------

figure("finetuning", "residual_blocks", "downsample", "64 channels")(lambda f: f.residual_blocks())
figure("finetuning", "feature_map", "waffles", "60 pictures")(
    lambda f: f.feature_map(*_trio()["plane"], ["waffles", "taco", "soup"], "Features of new dishes")
)
figure("finetuning", "freeze_explorer", "4,104 of 11,180,616 parameters learn", "layer4")(lambda f: f.freeze_explorer())
figure("finetuning", "learning_curves", "from 20% to 80%", "frozen 70%")(
    lambda f: f.learning_curves(
        {"fine-tuned": ([0, 5, 10], [0.2, 0.6, 0.8]), "scratch": ([0, 5, 10], [0.1, 0.2, 0.3])}, 0.7
    )
)
figure("finetuning", "recorded", "fine-tuned", "seeds")(lambda f: f.recorded(record("transfer")))
figure("finetuning", "recorded_photographs", "23.3%", "grocery: 30 classes")(
    lambda f: f.recorded_photographs(record("transfer_photographs"))
)

figure("finetuning", "patches", "32 x 48 pixels become 6 tokens", "2 rows of 3")(
    lambda f: f.patches(plates(1, 48)[0][:32], 16)
)
figure("finetuning", "named", "soup 70 %", "taco 25 %")(
    lambda f: f.named(
        rng().integers(0, 256, (2, 8, 8, 3)).astype(np.uint8),
        np.array([[0.05, 0.25, 0.7], [0.6, 0.3, 0.1]]),
        ["waffles", "taco", "soup"],
        "What your network takes them for",
    )
)

# --- chapter 12 -------------------------------------------------------------------------------------------------------


def _panel(name: str) -> dict:
    scores = rng().normal(size=100)
    return {name: {"food": scores + 1, "others": {"noise": scores - 2, "textures": scores}, "threshold": -0.5}}


figure("mealomi", "three_heads", "pizza, 90%", "64²×24", "310 g")(
    lambda f: f.three_heads(
        plates(1, 128)[0],
        128,
        [24, 48, 96, 128, 192],
        12,
        64,
        {"dish": "pizza, 90%", "grams": "310 g", "box": "IoU 0.8"},
    )
)
figure("mealomi", "shares", "grams: 120, 98.5 %", "dish: 1.8, 1.5 %")(
    lambda f: f.shares({"added as they are": {"dish": 1.8, "grams": 120.0, "box": 0.02}}, "The unit decides")
)
figure("mealomi", "grams_scatter", "60 test plates", "burger")(
    lambda f: f.grams_scatter(
        np.geomspace(30, 900, 60), np.geomspace(40, 800, 60), np.arange(60) % 6, list(DISHES), ("pizza", "burger")
    )
)
figure("mealomi", "boxes_on_plates", "french fries 0.80", "sushi 0.70")(
    lambda f: f.boxes_on_plates(
        plates(8, 128),
        np.tile([0.2, 0.25, 0.8, 0.75], (8, 1)),
        np.tile([0.25, 0.2, 0.85, 0.8], (8, 1)),
        np.linspace(0.4, 1.1, 8),
        [*DISHES, "soup", "taco"],
    )
)


def _found(boxes, scores, labels):
    from introdl.mealomi.detection import Detections

    return Detections(boxes, np.array(scores), np.array(labels))


figure("mealomi", "before_and_after", "all 3 boxes", "the 2 that", "pizza 90%", "soup 70%")(
    lambda f: f.before_and_after(
        plates(1, 128)[0],
        _found(_BOXES[:3], [0.9, 0.8, 0.7], [0, 0, 1]),
        _found(_BOXES[:2] + np.array([[0], [40]]), [0.9, 0.7], [0, 1]),
        ["pizza", "soup"],
    )
)
figure("mealomi", "energy_decomposed", "as it is 92 kcal", "true grams 40 kcal")(
    lambda f: f.energy_decomposed({"as it is": 92.0, "true grams": 40.0}, "Energy: most of it comes from grams")
)
figure("mealomi", "nutri_explorer", "Nutri-Score D", "salt", "1134 kJ", "17 %")(lambda f: f.nutri_explorer("pizza"))
figure("mealomi", "known_and_unknown", "noise", "let in", "by the distance")(
    lambda f: f.known_and_unknown(_panel("largest probability") | _panel("the distance"), "Some strangers get in")
)
figure("mealomi", "unusual_recorded", "noise", "by the app, which asks both")(
    lambda f: f.unusual_recorded(record("unusual")["runs"])
)
figure("mealomi", "days", "Mon 08 Jun 1900", "Tue 09 Jun 0")(
    lambda f: f.days({"2026-06-08": 1900.0, "2026-06-09": 0.0, "2026-06-10": 2200.0})
)
figure("mealomi", "recommended", "she liked: waffles", "the app: burger, B")(
    lambda f: f.recommended(
        [(plates()[0], "waffles")],
        {"by cosine": [(p, "sushi") for p in plates(3)], "the app": [(plates()[1], "burger, B")]},
    )
)

# --- chapter 13 -------------------------------------------------------------------------------------------------------

_ALIKE, _SAME = np.linspace(-0.8, 0.95, 40), np.arange(40) % 3 > 0

figure("verification", "contrastive_curves", "margin")(lambda f: f.contrastive_curves(margin=1.0))
figure("verification", "triplet_board", "anchor", "0.2")(lambda f: f.triplet_board())
figure("verification", "learning_curve", "40 steps: 0.48 at first, 0.12 in the end")(
    lambda f: f.learning_curve(np.linspace(0.5, 0.1, 40))
)
figure("verification", "pairs_of_pictures", "Pairs and how alike they are")(
    lambda f: f.pairs_of_pictures(
        plates(4, 128),
        [(0, 1), (2, 3)],
        ["one dish\n0.9", "two dishes\n0.1"],
        "Extremes",
        "Pairs and how alike they are.",
    )
)
figure("verification", "threshold_explorer", "Threshold 0.40: 42.5%", "false rejects", "36% are let in")(
    lambda f: f.threshold_explorer(_ALIKE, _SAME, threshold=0.4)
)
figure("verification", "roc_curves", "known dishes 30%")(
    lambda f: f.roc_curves({"known dishes": (np.array([0, 0.01, 0.1, 1]), np.array([0, 0.3, 0.8, 1]))}, "ROC")
)
figure("verification", "recorded_methods", "triplet loss", "classifier's features")(
    lambda f: f.recorded_methods(record("verification"))
)
figure("verification", "recorded_classes", "from 12 dishes")(lambda f: f.recorded_classes(record("verification")))


def main() -> None:
    parser = argparse.ArgumentParser(description="Write every figure's still picture.", epilog="Example: --out before")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures, one HTML file each")
    parser.add_argument("--only", default="", help="a chapter's module, for example losses")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    for module, name in FIGURES:
        if wanted.only in ("", module):
            page, _ = still(module, name)
            steady = re.sub(r"introdl-still-[0-9a-f]+", "introdl-still", page)
            (wanted.out / f"{module}.{name}.html").write_text(f'<meta charset="utf-8">{steady}', encoding="utf-8")
            print(f"{len(page) / 1000:8.1f} kB  {module}.{name}")


if __name__ == "__main__":
    main()
