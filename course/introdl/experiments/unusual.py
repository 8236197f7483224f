"""Does the app notice pictures that are no plates it knows? Four scores, two pairs of them, many kinds, what they miss.

    python -m introdl.experiments.unusual
    python -m introdl.experiments.unusual --photographs grocery=FOLDER

The first makes its own pictures: noise, textures, shapes, digits, the plates' backgrounds, plates without their food, plates
in wrong colors, and pieces of scikit-learn's two sample photographs. The second measures real photographs (anywhere below a
folder) with them. Limits are chosen on validation plates. Which pair of scores the app asks was chosen by what is reported as
``noticed_on_validation``: of validation plates, of other made pictures, of other photographs. All else is of test plates and
of pictures that nothing was chosen on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from introdl.experiments import command, photographs, records
from introdl.mealomi import novelty

NAME = "unusual"
SEED = 2026
#: How many pictures of each kind.
COUNT = 200
#: Height and width of the made pictures in pixels.
SIZE = 128


def noise(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """Every pixel by chance."""
    return rng.integers(0, 256, (n, SIZE, SIZE, 3)).astype(np.uint8)


def textures(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """Clouds: noise that is smooth at many scales, in two colors each."""
    frequency = np.hypot(np.fft.fftfreq(SIZE)[:, None], np.fft.rfftfreq(SIZE)[None])
    frequency[0, 0] = np.inf
    pictures = np.empty((n, SIZE, SIZE, 3), np.uint8)
    for picture in pictures:
        spectrum = rng.normal(size=frequency.shape) + 1j * rng.normal(size=frequency.shape)
        clouds = np.fft.irfft2(spectrum / frequency ** rng.uniform(0.8, 2.2), s=(SIZE, SIZE))
        share = (clouds - clouds.min()) / np.ptp(clouds)
        two = rng.uniform(0, 255, (2, 3))
        picture[:] = two[0] + share[..., None] * (two[1] - two[0])
    return pictures


def shapes(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """One to four discs and rectangles in plain colors."""
    from PIL import Image, ImageDraw

    pictures = []
    for _ in range(n):
        picture = Image.new("RGB", (SIZE, SIZE), tuple(rng.integers(0, 256, 3).tolist()))
        pen = ImageDraw.Draw(picture)
        for _ in range(rng.integers(1, 5)):
            x, y = rng.integers(0, SIZE, 2)
            w, h = rng.integers(15, 70, 2)
            draw = pen.ellipse if rng.random() < 0.5 else pen.rectangle
            draw([int(x - w), int(y - h), int(x + w), int(y + h)], fill=tuple(rng.integers(0, 256, 3).tolist()))
        pictures.append(np.asarray(picture))
    return np.stack(pictures)


def digits(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """scikit-learn's handwritten digits, enlarged."""
    from introdl import data

    images = data.digits().images
    return _resized(images[rng.permutation(len(images))[:n]])


def backgrounds(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """Pieces of plates beside the food's box: table, rim, cutlery."""
    found = []
    for index in rng.permutation(len(plates)):
        height, width = plates.images.shape[1:3]
        x0, y0, x1, y1 = (int(value) for value in plates.boxes[index])
        strips = [(x0, height), (width - x1, height), (width, y0), (width, height - y1)]
        side, where = max((min(strip), place) for place, strip in enumerate(strips))
        if side < 24:
            continue
        slack = height - side
        along = int(rng.integers(0, slack + 1))
        top, left = [(along, 0), (along, width - side), (0, along), (height - side, along)][where]
        found.append(_resized(plates.images[index][None, top : top + side, left : left + side])[0])
        if len(found) == n:
            break
    return np.stack(found)


def without_food(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """Plates, the food's box painted in the mean color of what is around it."""
    chosen = rng.permutation(len(plates))[:n]
    pictures = np.array(plates.images[chosen])
    for picture, box in zip(pictures, plates.boxes[chosen], strict=True):
        x0, y0, x1, y1 = (int(value) for value in box)
        inside = np.zeros(picture.shape[:2], bool)
        inside[y0:y1, x0:x1] = True
        around = picture[~inside] if not inside.all() else picture.reshape(-1, 3)
        grain = rng.normal(0, 4, (int(inside.sum()), 3))
        picture[inside] = np.clip(around.mean(axis=0) + grain, 0, 255)
    return pictures


def wrong_colors(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """Plates as negatives: light and dark, red and cyan exchanged."""
    return 255 - np.array(plates.images[rng.permutation(len(plates))[:n]])


def sample_photographs(n: int, rng: np.random.Generator, plates) -> np.ndarray:
    """Pieces of the two photographs that come with scikit-learn: a temple, and a flower."""
    from sklearn.datasets import load_sample_images

    images = load_sample_images().images
    pieces = []
    for number in range(n):
        image = images[number % len(images)]
        side = int(rng.integers(100, min(image.shape[:2]) + 1))
        top, left = (int(rng.integers(0, extent - side + 1)) for extent in image.shape[:2])
        pieces.append(_resized(image[None, top : top + side, left : left + side])[0])
    return np.stack(pieces)


#: The kinds of pictures that are made.
KINDS: dict[str, Callable[[int, np.random.Generator, object], np.ndarray]] = {
    "noise": noise,
    "textures": textures,
    "shapes": shapes,
    "digits": digits,
    "backgrounds": backgrounds,
    "plates without food": without_food,
    "plates in wrong colors": wrong_colors,
    "sample photographs": sample_photographs,
}


def drawn(folder: Path, n: int, after: int = 0) -> np.ndarray:
    """Return at most `n` photographs out of a folder and those below it, drawn by chance: uint8, (n, SIZE, SIZE, 3).

    The first `after` of the draw are left out: what is looked at in validation is not measured again.
    """
    paths = photographs.below(folder)
    order = np.random.default_rng(SEED).permutation(len(paths))[after : after + n]
    if not len(order):
        return np.empty((0, SIZE, SIZE, 3), np.uint8)
    return photographs.read([paths[index] for index in order], SIZE)


#: The two scores that are asked together, by what they are called together. "app" is what the app does.
PAIRS = {
    "softmax or embedding": ("max softmax", "embedding distance"),
    "app": ("max softmax", "early distance"),
}


def scores_of(model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores of pictures, each (N,): the higher, the more unusual."""
    from introdl.mealomi.recognition import look

    found = look(model, images)
    return {
        "max softmax": novelty.max_softmax_score(found.scores),
        "energy": novelty.energy_score(found.scores),
        "embedding distance": novelty.embedding_distance(found.embeddings, model.centers.numpy()),
        "early distance": found.early,
    }


def auroc(usual: np.ndarray, unusual: np.ndarray) -> float:
    """Return how often, of an unusual picture's score (M,) and a usual one's (N,), the unusual one's is higher."""
    from introdl import verification

    truth = np.repeat([False, True], [len(usual), len(unusual)])
    return verification.area_under(*verification.roc(np.concatenate([usual, unusual]), truth)[:2])


def with_pairs(scores: dict[str, np.ndarray], limits: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Add the pairs' scores: the larger of the two, each divided by its limit."""
    pairs = {
        name: np.maximum(*(scores[one] / limit for one, limit in zip(pair, limits[name], strict=True)))
        for name, pair in PAIRS.items()
    }
    return scores | pairs


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m introdl.experiments.unusual``."""
    parser = command.parser(
        NAME, "Measure how well pictures that are no known plates are noticed.", "--photographs grocery=~/photos"
    )
    parser.add_argument(
        "--photographs",
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="measure the pictures below a folder, too",
    )
    given = parser.parse_args(arguments)
    folders = {}
    for each in given.photographs:
        name, found, folder = each.partition("=")
        if not found or not Path(folder).expanduser().is_dir():
            parser.error(f"--photographs {each}: write NAME=FOLDER, with a folder that there is")
        folders[name] = Path(folder).expanduser()
    return command.status(lambda: measure(folders, given.out, quiet=given.quiet))


def measure(folders: dict[str, Path], path: Path | None = None, model=None, plates=None, quiet: bool = False) -> dict:
    """Make the record; see `introdl.experiments.records.collect`.

    Parameters
    ----------
    folders : dict of str to pathlib.Path
        Real photographs: what to call them, and where they lie.
    path : pathlib.Path, optional
        Another file than the course's own.
    model, plates : optional
        By default the app's network and all plates.
    quiet : bool
        Show no bar.

    Returns
    -------
    dict
        In ``about``: the limits (of a pair, those of its two scores), and how many test plates each calls unusual. In
        ``runs``, one for each kind: how many pictures there are; for each score and pair the ``auroc`` against the test
        plates and the share that is ``noticed`` at the limit; ``confident``, the share that gets a probability over 0.9 for
        some dish all the same; and ``noticed_on_validation``, of other pictures of the kind (where there are others).
    """
    from introdl import data
    from introdl.mealomi.recognition import load

    model = model or load()
    plates = plates if plates is not None else data.plates(size=SIZE)
    val, test = plates.split("val"), plates.split("test")
    usual = {part: scores_of(model, np.asarray(pictures.images)) for part, pictures in (("val", val), ("test", test))}
    shared = {
        name: novelty.choose_limits(np.stack([usual["val"][one] for one in pair], axis=1))
        for name, pair in PAIRS.items()
    } | {"app": model.limits.numpy()}
    limits = {name: novelty.choose_limit(scores) for name, scores in usual["val"].items()} | dict.fromkeys(PAIRS, 1.0)
    usual = {part: with_pairs(scores, shared) for part, scores in usual.items()}

    def over(scores: dict[str, np.ndarray]) -> dict[str, float]:
        return {name: round(float((each > limits[name]).mean()), 4) for name, each in scores.items()}

    about = {
        "network": model.card.sha256,
        "seed": SEED,
        "count": COUNT,
        "false_alarms_wanted": novelty.FALSE_ALARMS,
        "limits": {name: round(limit, 4) for name, limit in limits.items() if name not in PAIRS}
        | {name: [round(float(limit), 4) for limit in pair] for name, pair in shared.items()},
        "test_plates": len(test),
        "false_alarms": over(usual["test"]),
    }

    def compared(images: np.ndarray, others: np.ndarray | None) -> dict:
        found = with_pairs(scores_of(model, images), shared)
        row = {
            "auroc": {name: round(auroc(usual["test"][name], each), 4) for name, each in found.items()},
            "noticed": over(found),
            "confident": round(float((found["max softmax"] < 0.1).mean()), 4),
        }
        if others is not None:
            row["noticed_on_validation"] = over(with_pairs(scores_of(model, others), shared))
        return row

    def run(key: dict) -> dict:
        kind = key["kind"]
        if kind in folders:
            images = drawn(folders[kind], 3 * COUNT)
            others = drawn(folders[kind], 2 * COUNT, after=3 * COUNT)
        else:
            images = KINDS[kind](COUNT, np.random.default_rng([SEED, 1]), test)
            others = KINDS[kind](COUNT, np.random.default_rng([SEED, 0]), val)
        return {"real": kind in folders, "pictures": len(images), **compared(images, others if len(others) else None)}

    wanted = [{"kind": kind} for kind in (*KINDS, *folders)]
    return records.collect(NAME, about, wanted, run, path, quiet)


def _resized(images: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.stack([np.asarray(Image.fromarray(np.ascontiguousarray(each)).resize((SIZE, SIZE))) for each in images])


if __name__ == "__main__":
    sys.exit(main())
