"""The chapters of the course: what each is called, what it builds, what comes before it, how long it takes.

The tables in README and on the start page, and the map, are made from this list; `autograder new-chapter` adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from introdl import paths


@dataclass(frozen=True)
class Chapter:
    """One chapter.

    Attributes
    ----------
    name : str
        The folder and the file, as in ``"03_convolution"``.
    title, short : str
        As its notebook says; and in at most some twenty letters.
    builds : str
        What the learner builds.
    minutes : int
        How long reading, playing and writing take, as its authors guess: more than half of it goes to the exercises.
    needs : tuple of str
        The numbers of the chapters that it leans on.
    """

    name: str
    title: str
    short: str
    builds: str
    minutes: int
    needs: tuple[str, ...] = ()

    @property
    def number(self) -> str:
        return self.name[:2]

    @property
    def notebook(self) -> Path:
        """Where its notebook lies: in a checkout, or in an installed copy."""
        return paths.course() / self.name / f"{self.name}.ipynb"


CHAPTERS = (
    Chapter(
        "00_why",
        "Why deep learning?",
        "Why deep learning?",
        "the score of a game, you against a network; pictures and labels as numbers",
        95,
    ),
    Chapter(
        "01_regression_classification",
        "Regression versus classification",
        "Which? How much?",
        "honest splits and folds, color histograms, least squares, nearest neighbors, boxes, and the numbers that judge them",
        190,
        ("00",),
    ),
    Chapter(
        "02_neurons",
        "Neurons and activations",
        "Neurons",
        "a neuron that you train, a layer, a network that solves XOR",
        160,
        ("01",),
    ),
    Chapter(
        "03_convolution",
        "Convolution",
        "Convolution",
        "kernels that find edges, one that learns to, and a whole convolution layer, with loops and as one matrix product",
        210,
        ("02",),
    ),
    Chapter(
        "04_pooling",
        "Pooling, shapes and what a layer sees",
        "Pooling and shapes",
        "pooling, receptive fields, LeNet-5 in numbers, a whole CNN forward",
        130,
        ("03",),
    ),
    Chapter(
        "05_losses",
        "Losses",
        "Losses",
        "hinge, cross-entropy and binary cross-entropy with their gradients, a penalty, and Huber's loss",
        210,
        ("02",),
    ),
    Chapter(
        "06_backpropagation",
        "Backpropagation",
        "Backpropagation",
        "a gradient check, an autograd engine, the backward pass of five layers, and a network that learns",
        240,
        ("04", "05"),
    ),
    Chapter(
        "07_sgd",
        "Stochastic gradient descent",
        "Gradient descent",
        "mini-batches, momentum, Adam, schedules, and a LeNet that you train on digits",
        180,
        ("06",),
    ),
    Chapter(
        "08_cuda",
        "From NumPy to CUDA",
        "From NumPy to CUDA",
        "an honest stopwatch, a roofline, a training step and its evaluation, mixed precision",
        110,
        ("07",),
    ),
    Chapter(
        "09_food_cnn",
        "A food CNN from scratch",
        "A food CNN",
        "a dataset of photographs, augmentation, your own network under a budget, checkpoints, and a look at its mistakes",
        115,
        ("08",),
    ),
    Chapter(
        "10_what_it_sees",
        "What the network sees",
        "What it sees",
        "feature maps, occlusion, saliency, Grad-CAM, and the picture that a channel would love",
        90,
        ("09",),
    ),
    Chapter(
        "11_finetuning",
        "Fine-tuning",
        "Fine-tuning",
        "ResNet-18, block by block; published weights by name; a new menu from few pictures",
        105,
        ("09",),
    ),
    Chapter(
        "12_mealomi",
        "MealoMi",
        "MealoMi, the app",
        "a loss for three heads, one box for each plate, calibration, the Nutri-Score, a diary's totals, and the app",
        130,
        ("11",),
    ),
    Chapter(
        "13_verification",
        "Faces and plates: verification",
        "Verification",
        "contrastive and triplet loss, honest pairs, ROC, and the protocol of Labeled Faces in the Wild",
        90,
        ("11",),
    ),
)


def find(number: str) -> Chapter:
    """Return the chapter of a number, such as ``"03"``.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = next((one for one in CHAPTERS if one.number == number), None)
    if found is None:
        raise ValueError(f"There is no chapter {number!r}. There are: {', '.join(one.number for one in CHAPTERS)}.")
    return found


def notebooks() -> dict[str, Path]:
    """Return the course's notebooks by where each belongs in a learner's folder, the pages first.

    They are found in a checkout and in an installed copy alike; copy them from there.

    Returns
    -------
    dict of str to pathlib.Path
        ``"start.ipynb"``, ``"glossary.ipynb"``, then ``"00_why/00_why.ipynb"`` and so on.

    Raises
    ------
    FileNotFoundError
        If one is missing.
    """
    found = {name: paths.course() / name for name in ("start.ipynb", "glossary.ipynb")}
    found |= {f"{one.name}/{one.notebook.name}": one.notebook for one in CHAPTERS}
    for name, path in found.items():
        if not path.is_file():
            raise FileNotFoundError(
                f"The notebook {name} is missing in {paths.course()}. Install the course again; in a checkout: make build."
            )
    return found
