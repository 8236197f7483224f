"""Chapter 01, regression and classification: its exercises, their cases, oracles and known mistakes.

Inputs are rounded so that a learner can read them. A split is judged by what must hold of it (see the probe "split"):
any permutation will do. Labels are int64 (N,), boxes x0, y0, x1, y1 in pixels.
"""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import torch

from autograder.authoring.draws import generator, rounded, rounding, signed
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from introdl.checking.probes.splits import SPLIT as A_SPLIT

LIBRARIES = ("sklearn.*", "torch.*")


# --- 01.split -----------------------------------------------------------------------------------------------


def _split_cases(rng):
    yield Case("a whole number of pictures in every set", n=20 * int(rng.integers(2, 6)), fractions=(0.7, 0.15, 0.15), rng=generator(rng, 2**31))  # fmt: skip
    yield Case(
        "a remainder", n=20 * int(rng.integers(5, 12)) + 19, fractions=(0.7, 0.15, 0.15), rng=generator(rng, 2**31)
    )
    yield Case(
        "other fractions", n=int(rng.integers(20, 40)) * 8 + 7, fractions=(0.5, 0.375, 0.125), rng=generator(rng, 2**31)
    )
    yield Case("two sets only", n=2 * int(rng.integers(60, 90)) + 1, fractions=(0.75, 0.25), rng=generator(rng, 2**31))
    yield Case(
        "five sets", n=5 * int(rng.integers(60, 90)) + 4, fractions=(0.2, 0.2, 0.2, 0.2, 0.2), rng=generator(rng, 2**31)
    )


def _borders(n, fractions):
    ends = np.round(np.cumsum(fractions) * n).astype(int)
    ends[-1] = n
    return ends


def _cut(order, fractions):
    return tuple(np.split(order, _borders(len(order), fractions)[:-1]))


def _whole_sizes(n, fractions):
    """Sizes rounded down, safe from a product like 0.15 * 20 = 2.9999999999999996."""
    return [int(f * n + 1e-9) for f in fractions]


def _split_end_kept(n, fractions, rng):
    """All sets but the last are mixed."""
    begin = _borders(n, fractions)[-2]
    return _cut(np.concatenate([rng.permutation(begin), np.arange(begin, n)]), fractions)


def _split_remainder(n, fractions, rng):
    order, begin, out = rng.permutation(n), 0, []
    for size in _whole_sizes(n, fractions):
        out.append(order[begin : begin + size])
        begin += size
    return tuple(out)


_CALLS = itertools.count()


def _split_unused(n, fractions, rng):
    """Another split at every call; the probe calls three times a case, so that a sheet is the same at every build."""
    return _cut(np.random.default_rng([n, next(_CALLS) % 3]).permutation(n), fractions)


def _split_grow(n, fractions, rng):
    order = rng.permutation(n)
    return tuple(order[:end] for end in _borders(n, fractions))


def _split_coin(n, fractions, rng):
    throw = np.searchsorted(np.cumsum(fractions)[:-1], rng.random(n), side="right")
    return tuple(np.flatnonzero(throw == number) for number in range(len(fractions)))


def _split_first_and_rest(n, fractions, rng):
    order = rng.permutation(n)
    end = _borders(n, fractions)[0]
    if len(fractions) == 2:
        return (order[:end],)
    return order[:end], order[end:]


SPLIT = Exercise(
    id="01.split",
    title="Split a set of pictures",
    points=10,
    cases=_split_cases,
    oracle=lambda n, fractions, rng: A_SPLIT,
    probe="split",
    forbidden=LIBRARIES,
    misconceptions={
        "the sets overlap": Mistake(
            "Each of your sets is drawn on its own, so a picture can be in two of them, and another in none. A model "
            "that meets a training picture again in the test only has to remember it. Shuffle once, then cut.",
            lambda n, fractions, rng: tuple(rng.permutation(n)[:size] for size in _whole_sizes(n, fractions)),
        ),
        "drawn with replacement": Mistake(
            "You draw each index on its own, and what was drawn goes back into the pot. So the same picture comes twice, "
            "and others never. Shuffle a deck of cards instead: every index once, in a new order.",
            lambda n, fractions, rng: tuple(rng.integers(0, n, size) for size in _whole_sizes(n, fractions)),
        ),
        "not shuffled": Mistake(
            "Your sets are pieces of the original order. Files often lie sorted by dish: then the model trains on pizza "
            "and is tested on soup. Shuffle the indices before you cut.",
            lambda n, fractions, rng: _cut(np.arange(n), fractions),
        ),
        "the last set is not shuffled": Mistake(
            "You cut the last set off before you shuffle, so it is always the end of the original order. Files often lie sorted "
            "by dish: then only one dish is tested. Shuffle all indices first, then cut.",
            _split_end_kept,
        ),
        "rotated, not shuffled": Mistake(
            "You begin at a place drawn by chance, but from there on the original order stays. Neighbors stay together, "
            "and files often lie sorted by dish. Shuffle all indices before you cut.",
            lambda n, fractions, rng: _cut(np.roll(np.arange(n), int(rng.integers(n // 3, n // 2))), fractions),
        ),
        "the remainder is lost": Mistake(
            "You round each size down, and the pictures left over are in no set. Every picture costs work: let one set "
            "take what is left.",
            _split_remainder,
        ),
        "a seed of its own": Mistake(
            "Your split is the same whichever generator it is given: a seed stands in your code, or no chance is used at "
            "all. The caller must be able to decide, so let rng do the shuffling.",
            lambda n, fractions, rng: _cut(np.random.default_rng(0).permutation(n), fractions),
        ),
        "the generator is not used": Mistake(
            "Your split is different at every call, even with a generator in the same state. You shuffle with a generator "
            "of your own, such as np.random's. Nobody could repeat your experiment. Let rng do the mixing.",
            _split_unused,
        ),
        "every set contains those before it": Mistake(
            "Your later sets begin at 0 again, so each holds all those before it. A set begins where the one before it "
            "ended.",
            _split_grow,
        ),
        "a coin for every picture": Mistake(
            "You decide for each picture by chance, so the sizes are right only on average. The sizes are given: shuffle all "
            "indices once, and cut at the right places.",
            _split_coin,
        ),
        "all sets of one size": Mistake(
            "Your sets are equally large. The fractions say how large each should be: fractions[i] * n.",
            lambda n, fractions, rng: (
                tuple(np.array_split(rng.permutation(n), len(fractions))[::-1])
                if len(set(fractions)) > 1
                else _cut(rng.permutation(n), (0.6, 0.1, 0.1, 0.1, 0.1))
            ),  # fmt: skip
        ),
        "one set too few": Mistake(
            "You return one set fewer than there are fractions. There is one set for each fraction.",
            _split_first_and_rest,
        ),
        "counted from 1": Mistake(
            "Your indices run from 1 to n. Python counts from 0: images[n] does not exist, and images[0] is in no set.",
            lambda n, fractions, rng: tuple(one + 1 for one in _cut(rng.permutation(n), fractions)),
        ),
    },
    hints=(
        "Think of a deck of n cards, numbered from 0. How do you deal it into piles so that no card is in two piles, and "
        "none is left?",
        "rng.permutation(n) is the shuffled deck. You need the places at which to cut it: the running sum of the "
        "fractions, times n, rounded.",
        "ends = np.round(np.cumsum(fractions) * n).astype(int), and np.split(order, ends[:-1]) cuts the order at all "
        "of them but the last.",
    ),
)


# --- 01.color_histogram ------------------------------------------------------------------------------------


def _histogram_oracle(image, bins):
    pixels = torch.from_numpy(np.array(image)).double().reshape(-1, 3)
    counts = [torch.histc(pixels[:, c], bins, 0, 256) for c in range(3)]
    return rounded((torch.stack(counts) / len(pixels)).numpy())


def _counts(image, bins, low=0.0, high=256.0):
    return np.stack([np.histogram(image[:, :, c], bins, (low, high))[0] for c in range(3)]).astype(float)


def _share(image, bins):
    return _counts(image, bins) / (image.shape[0] * image.shape[1])


def _dull(rng, height, width):
    """A picture without its darkest and brightest values: bins between its own ends are other bins."""
    image = rng.integers(np.array([50, 60, 90]), np.array([150, 200, 180]), (height, width, 3)).astype(np.uint8)
    image[0, 0], image[-1, -1] = (50, 60, 90), (149, 199, 179)
    return image


def _picture(rng, height, width):
    """Three channels that differ, each with a narrow range of its own, and both ends of the range somewhere."""
    low, high = np.array([0, 40, 100]), np.array([130, 200, 256])
    image = rng.integers(low, high, (height, width, 3)).astype(np.uint8)
    image[0, 0], image[-1, -1], image[0, -1] = (0, 60, 255), (130, 199, 255), (3, 41, 254)
    return image


def _histogram_cases(rng):
    first = np.array([[[10, 200, 255], [70, 130, 250]], [[80, 200, 0], [250, 220, 60]]])
    yield Case("four pixels, four bins", image=(first - rng.integers(0, 8) * (first > 5)).astype(np.uint8), bins=4)
    yield Case("eight bins", image=_picture(rng, 5, 7), bins=8)
    yield Case("sixteen bins, upright", image=_picture(rng, 12, 9), bins=16)
    yield Case("a dull picture", image=_dull(rng, 10, 11), bins=8)
    edges = np.array([0, 63, 64, 127, 128, 191, 192, 255], dtype=np.uint8)
    yield Case("values on the bins' borders", image=rng.choice(edges, (6, 8, 3)), bins=4)
    plain = np.empty((3, 4, 3), dtype=np.uint8)
    plain[:] = rng.permutation([20, 140, 255])
    yield Case("a picture of one color", weight=0.5, image=plain, bins=8)


def _joint(image, bins):
    codes = (image.astype(int) * bins // 256) @ np.array([bins * bins, bins, 1])
    return np.bincount(codes.ravel(), minlength=bins**3) / codes.size


def _own_range(image, bins):
    return rounded(np.stack([np.histogram(image[:, :, c], bins)[0] for c in range(3)]) / image[:, :, 0].size)


def _whole_range(image, bins):
    low, high = float(image.min()), float(image.max())
    return rounded(_counts(image, bins, low, high) / image[:, :, 0].size)


def _rows_for_channels(image, bins):
    return np.stack([np.histogram(row, bins, (0, 256))[0] / row.size for row in image])


def _last_value_lost(image, bins):
    edges = np.linspace(0, 255, bins + 1)
    shares = [[np.mean((image[:, :, c] >= a) & (image[:, :, c] < b)) for a, b in zip(edges, edges[1:], strict=False)] for c in range(3)]  # fmt: skip
    return rounded(shares)


def _overflows(image, bins):
    places = (image * bins / 256).astype(int)
    return rounded([np.bincount(places[:, :, c].ravel(), minlength=bins) / places[:, :, c].size for c in range(3)])


COLOR_HISTOGRAM = Exercise(
    id="01.color_histogram",
    title="A histogram of each color channel",
    points=12,
    cases=_histogram_cases,
    oracle=_histogram_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "not normalized": Mistake(
            "You return counts. A picture of twice the width has twice as many pixels, and yet the same colors. Divide "
            "by the number of pixels, so that each row adds up to 1.",
            lambda image, bins: _counts(image, bins),
        ),
        "values taken to run from 0 to 1": Mistake(
            "Your bins lie between 0 and 1, but a byte runs from 0 to 255. Nearly all pixels fall outside. Give the "
            "histogram the range of the bytes.",
            lambda image, bins: rounded(_counts(image, bins, 0.0, 1.0) / image[:, :, 0].size),
        ),
        "the range follows the picture": Mistake(
            "Your bins run from the darkest to the brightest value of each picture, as np.histogram does when it is told "
            "no range. Then bin 0 means something else in every picture. The range must be fixed.",
            _own_range,
        ),
        "one range for the whole picture": Mistake(
            "Your bins run from the darkest to the brightest value of this picture, whichever channel they are in. In a dull "
            "picture bin 0 then means something else than in a bright one. The range must be that of the bytes, always.",
            _whole_range,
        ),
        "joint instead of per channel": Mistake(
            "You count combinations of red, green and blue: bins ** 3 numbers. That is a joint histogram, a good feature "
            "too, but here each channel is counted on its own: 3 rows of bins numbers.",
            lambda image, bins: rounded(_joint(image, bins)),
        ),
        "all channels in one": Mistake(
            "You count red, green and blue together, so a red plate and a blue one look the same. Each channel needs its "
            "own row.",
            lambda image, bins: rounded(_share(image, bins).mean(axis=0)),
        ),
        "divided by all values": Mistake(
            "Your rows add up to 1/3: you divide by height times width times 3. Each channel has height times width "
            "values.",
            lambda image, bins: rounded(_share(image, bins) / 3),
        ),
        "a density": Mistake(
            "You divide by the width of the bins as well, as density=True does. Then the numbers are shares per gray "
            "level. Here each row adds up to 1.",
            lambda image, bins: rounded(_share(image, bins) * bins / 256),
        ),
        "rows taken for channels": Mistake(
            "You loop over the first axis. That is the height: you get a histogram for each row of the picture. The "
            "channels are the last axis: image[:, :, 0] is red.",
            lambda image, bins: rounded(_rows_for_channels(image, bins)),
        ),
        "channels in reverse": Mistake(
            "Your rows are in the order blue, green, red. Row 0 is red, row 1 green, row 2 blue, as in the picture.",
            lambda image, bins: _share(image, bins)[::-1].copy(),
        ),
        "a column for each channel": Mistake(
            "Your numbers are right, but they have the shape (bins, 3). Each channel is a row: (3, bins).",
            lambda image, bins: _share(image, bins).T.copy(),
        ),
        "the brightest value is lost": Mistake(
            "Pixels with the value 255 are in none of your bins. Your last bin ends at 255 and does not hold its own "
            "border. The bytes have 256 values: let the last bin end at 256.",
            _last_value_lost,
        ),
        "the bytes overflow": Mistake(
            "You multiply bytes by bins, and a uint8 holds at most 255: 100 * 8 becomes 32, without any warning. Turn the "
            "picture into a wider type first, as image.astype(int) does.",
            _overflows,
        ),
        "all in one row": Mistake(
            "Your numbers are right, but they lie in one long row. Here each channel is a row of its own: (3, bins). A "
            "model will want them flat, and .ravel() does that later.",
            lambda image, bins: _share(image, bins).ravel(),
        ),
    },
    hints=(
        "Take one channel, image[:, :, 0], and bins = 4. Each bin is 256 / 4 = 64 values wide. Into which bin does 130 "
        "fall?",
        "np.histogram(values, bins, range) counts for you and returns counts and borders. Which range has every byte, "
        "in every picture, in bins of the same width?",
        "For each of the three channels: np.histogram(image[:, :, c], bins, range=(0, 256))[0] / (height * width). Stack "
        "the three rows with np.array.",
    ),
)


# --- 01.fit_line --------------------------------------------------------------------------------------------


def _line_oracle(X, y):
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(X, y)
    return rounded(model.coef_), rounded(model.intercept_)


def _line(X, y):
    """Least squares by QR: an own way, beside scikit-learn's."""
    Q, R = np.linalg.qr(np.column_stack([X, np.ones(len(X))]))
    answer = np.linalg.solve(R, Q.T @ y)
    return answer[:-1], answer[-1]


def _cloud(rng, n, d, noise=1.0):
    """Features that are correlated, far from zero on average, of unlike sizes; a line with an intercept that matters."""
    while True:
        size = rng.uniform(1.0, 4.0, d)
        X = (rng.uniform(2, 6, d) + (rng.normal(size=(n, d)) + 0.8 * rng.normal(size=(n, 1))) * size).round(1)
        if np.linalg.cond(np.column_stack([X, np.ones(n)])) > 300:  # nearly on a line: nobody's digits would be safe
            continue
        w, b = signed(rng, d, 5.0, digits=1), rng.choice([-1, 1]) * rng.uniform(5, 15)
        y = (X @ w + b + noise * rng.normal(size=n)).round(1)
        fitted, intercept = _line(X, y)
        lone = [np.polyfit(X[:, k], y, 1)[0] for k in range(d)]
        unlike = d == 1 or np.abs(np.array(lone) - fitted).max() > 0.3
        if abs(intercept) > 3 and np.abs(fitted).min() > 0.3 and unlike and abs(y.mean() - intercept) > 2:
            return X, y


def _line_cases(rng):
    a, b = int(rng.integers(1, 4)), int(rng.integers(2, 6))
    x = np.array([0.0, 1.0, 2.0, 3.0])
    yield Case("four plates, whole numbers", X=x[:, None], y=a * x + b + np.array([0.0, 1.0, -1.0, 2.0]))
    for label, n, d, noise, unit, kcal in (
        ("one feature, answers in the hundreds", 9, 1, 2.0, 1, 100),
        ("two features, large numbers", 11, 2, 1.5, 40, 10),
        ("three features, small numbers", 14, 3, 1.0, 0.01, 1),
    ):
        X, y = _cloud(rng, n, d, noise)
        yield Case(label, X=(X * unit).round(3), y=y * kcal)
    X, y = _cloud(rng, 3, 2, 1.0)
    yield Case("as many plates as unknowns", weight=0.5, X=X, y=y)


def _line_through_zero(X, y):
    return rounded(np.linalg.lstsq(X, y, rcond=None)[0]), rounded(0)


def _line_ones_first(X, y):
    w, b = _line(X, y)
    return rounded([b, *w[:-1]]), rounded(w[-1])


def _line_each_alone(X, y):
    slopes = np.array([np.polyfit(X[:, k], y, 1)[0] for k in range(X.shape[1])])
    return rounded(slopes), rounded(y.mean() - X.mean(axis=0) @ slopes)


def _line_turned(X, y):
    A = np.column_stack([y, np.ones(len(y))])
    answer = np.linalg.lstsq(A, X, rcond=None)[0]
    return rounded(answer[0]), rounded(answer[1].mean())


def _line_mean(X, y):
    w, _ = _line(X, y)
    return rounded(w), rounded(y.mean())


def _line_normal_matrix(X, y):
    A = np.column_stack([X, np.ones(len(X))])
    return rounded(A.T @ A), rounded(A.T @ y)


def _line_no_intercept_moved(X, y):
    w, _ = _line_through_zero(X, y)
    return w, rounded(y.mean() - X.mean(axis=0) @ w)


def _line_from_the_mean(X, y):
    """The intercept is said to be the mean of y; the slopes fit what is left, through the origin."""
    return rounded(np.linalg.lstsq(X, y - y.mean(), rcond=None)[0]), rounded(y.mean())


def _line_all_of_lstsq(X, y):
    solution, residuals, rank, sizes = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)
    return (rounded(solution), rounded(residuals), int(rank)), rounded(sizes)


FIT_LINE = Exercise(
    id="01.fit_line",
    title="Least squares with an intercept",
    points=10,
    cases=_line_cases,
    oracle=_line_oracle,
    forbidden=(*LIBRARIES, "scipy.stats.linregress", "scipy.optimize.*"),
    misconceptions={
        "no intercept": Mistake(
            "Your line runs through the origin: b is 0. Let it have an intercept, with a column of ones beside X.",
            _line_through_zero,
        ),
        "the intercept is added afterwards": Mistake(
            "You fit the slopes through the origin first, and find b after that. But the best slopes depend on b. Both "
            "must be found together: put a column of ones beside X.",
            _line_no_intercept_moved,
        ),
        "the mean of y for the intercept": Mistake(
            "You take the mean of y as b and fit the slopes to what is left. That is right only where every feature's "
            "mean is 0. Slopes and b must be found together: put a column of ones beside X.",
            _line_from_the_mean,
        ),
        "all that lstsq returns": Mistake(
            "np.linalg.lstsq returns four things: the solution, the squared error, the rank and the singular values. "
            "You take the last of these four for b and the others for the slopes. Take the first, [0]: its "
            "last number is b.",
            _line_all_of_lstsq,
        ),
        "X is regressed on y": Mistake(
            "You explain the features by the answer. It should be the other way around: X goes in, and y is what the line "
            "must hit.",
            _line_turned,
        ),
        "the normal matrix is returned": Mistake(
            "You return both sides of the normal equations, A.T @ A and A.T @ y. They still have to be solved: "
            "np.linalg.solve does it.",
            _line_normal_matrix,
        ),
        "each feature on its own": Mistake(
            "You fit a line for each feature alone. Where features go together (fatty food is often sweet), each takes "
            "credit for the other. All weights must be found at once.",
            _line_each_alone,
        ),
        "the intercept is the mean": Mistake(
            "Your weights are right, and b is the mean of y. That would be the line's height at the mean of X. b is its "
            "height where all features are 0.",
            _line_mean,
        ),
        "the sign of the intercept": Mistake(
            "Your weights are right, and b has the wrong sign. The line must pass through the means: y.mean() is "
            "X.mean(axis=0) @ w + b.",
            lambda X, y: (rounded(_line(X, y)[0]), rounded(-_line(X, y)[1])),
        ),
        "weights and intercept in one": Mistake(
            "Your numbers are right, but they are in one array. Return two things: the weights, shape (D,), and the "
            "intercept, one number.",
            lambda X, y: rounded(np.append(*_line(X, y))),
        ),
        "intercept first": Mistake(
            "Your numbers are right, but they are in the wrong order: first the weights, shape (D,), then the "
            "intercept.",
            lambda X, y: (rounded(_line(X, y)[1]), rounded(_line(X, y)[0])),
        ),
        "the column of ones is read at the wrong end": Mistake(
            "Your numbers are right, but the intercept stands among the weights, and one weight in its place. The intercept "
            "is found where the column of ones stands: first if you put it first, last if you put it last.",
            _line_ones_first,
        ),
        "predictions instead of the line": Mistake(
            "You return what the line says for each plate of X. What is asked for is the line itself: its weights and its "
            "intercept, to be used on plates that are not in X.",
            lambda X, y: rounded(X @ _line(X, y)[0] + _line(X, y)[1]),
        ),
    },
    hints=(
        "A line with intercept is a line through the origin with one more feature that is always 1. Its weight is the "
        "intercept.",
        "Put a column of ones beside X: A = np.column_stack([X, np.ones(len(X))]). Then A @ u should be close to y, and "
        "np.linalg.lstsq(A, y, rcond=None)[0] is the best u.",
        "u holds D + 1 numbers: u[:-1] are the weights and u[-1] is the intercept. Return the two.",
    ),
)


# --- 01.mean_absolute_error and 01.r2_score -----------------------------------------------------------------


def _pairs(rng, n, sign=1):
    """Energies and predictions for them (kcal): errors of both signs, whose mean has the sign that is given."""
    while True:
        truth = rng.integers(50, 900, n).astype(float)
        bias = sign * float(rng.integers(20, 60))
        predicted = (truth + bias + rng.normal(0, 60, n)).round()
        errors = predicted - truth
        sizes = np.abs(errors)
        if errors.min() < 0 < errors.max() and sign * errors.mean() > 5 and np.median(sizes) != np.mean(sizes):
            return truth, predicted


def _worse(rng, n):
    """Predictions that are far worse than the mean of the truths would be: these plates are much alike."""
    while True:
        spread, _ = _pairs(rng, n)
        truth, predicted = (400 + spread / 20).round(1), rng.permutation(spread) + rng.integers(-60, 60, n)
        far = _squares(truth, predicted) > 120 * _squares(truth, truth.mean())
        if far and np.mean(np.abs(truth - predicted)) > 110:
            return {"truth": truth, "predicted": predicted}


def _metric_cases(rng):
    truth = np.array([100.0, 300.0, 500.0]) + 10 * int(rng.integers(0, 9))
    step = 10.0 * int(rng.integers(1, 4))
    yield Case("three plates", truth=truth, predicted=truth + step * np.array([1.0, -2.0, 6.0]))
    truth, predicted = _pairs(rng, 7)
    yield Case("seven plates", truth=truth, predicted=predicted)
    truth, predicted = _pairs(rng, 12, -1)  # around 0, and nowhere near 1
    yield Case("twelve small numbers of both signs", truth=(truth - 475.5) / 10_000, predicted=(predicted - 475.5) / 10_000)  # fmt: skip
    yield Case("worse than one constant", **_worse(rng, 5))
    truth, _ = _pairs(rng, 4)
    yield Case("all right", weight=0.5, truth=truth, predicted=truth.copy())


def _mae_oracle(truth, predicted):
    from sklearn.metrics import mean_absolute_error

    return rounded(mean_absolute_error(truth, predicted))


MEAN_ABSOLUTE_ERROR = Exercise(
    id="01.mean_absolute_error",
    title="The mean absolute error",
    points=5,
    cases=_metric_cases,
    oracle=_mae_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "signed errors cancel": Mistake(
            "You average the errors with their signs, so that 50 too many and 50 too few make 0. Take each error's size "
            "first.",
            rounding(lambda t, p: np.mean(p - t)),
        ),
        "signed errors cancel, truth first": Mistake(
            "You average truth minus prediction with their signs, so that 50 too many and 50 too few make 0. Take each "
            "error's size first.",
            rounding(lambda t, p: np.mean(t - p)),
        ),
        "the size is taken last": Mistake(
            "You average first and take the size of the mean. By then the errors have canceled. Each error's size comes "
            "first.",
            rounding(lambda t, p: abs(np.mean(p - t))),
        ),
        "squared errors": Mistake(
            "You average the squares. That is the mean squared error, in kcal squared, and the largest mistake influences it "
            "most.",
            rounding(lambda t, p: np.mean((p - t) ** 2)),
        ),
        "the root of the mean square": Mistake(
            "You return the root mean squared error. It has the right unit, but it gives large errors more weight. Here "
            "each error counts as it is.",
            rounding(lambda t, p: np.sqrt(np.mean((p - t) ** 2))),
        ),
        "a sum over the plates": Mistake(
            "You add up the sizes. Divide by the number of plates, so that test sets of different sizes can be compared.",
            rounding(lambda t, p: np.sum(np.abs(p - t))),
        ),
        "the median error": Mistake(
            "You return the median of the sizes. It does not see the large errors at all. Here the mean is asked for.",
            rounding(lambda t, p: np.median(np.abs(p - t))),
        ),
        "relative errors": Mistake(
            "You divide each error by the truth. That is a percentage error. Here the answer is in kcal.",
            rounding(lambda t, p: np.mean(np.abs(p - t) / t)),
        ),
        "one error for each plate": Mistake(
            "You return N numbers, the sizes of the errors. They are right. What is asked for is one number: their mean.",
            lambda t, p: rounded(np.abs(p - t)),
        ),
    },
    hints=(
        "First the error of each plate, then its size, then the mean. In this order.",
        "np.abs takes the size of every entry of an array.",
        "np.abs(predicted - truth) has shape (N,). Take its mean.",
    ),
)


def _r2_oracle(truth, predicted):
    from sklearn.metrics import r2_score

    return rounded(r2_score(truth, predicted))


def _squares(a, b):
    return float(np.sum((a - b) ** 2))


def _correlation_squared(truth, predicted):
    return np.corrcoef(truth, predicted)[0, 1] ** 2


R2_SCORE = Exercise(
    id="01.r2_score",
    title="The share explained, R squared",
    points=6,
    cases=_metric_cases,
    oracle=_r2_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "the ratio is inverted": Mistake(
            "You divide the baseline's squared error by the model's. A perfect model would divide by 0. It is the model's "
            "error that is measured, in units of the baseline's.",
            rounding(lambda t, p: 1 - _squares(t, t.mean()) / _squares(t, p) if _squares(t, p) else -np.inf),
        ),
        "against the mean of the predictions": Mistake(
            "Your baseline is the mean of the predictions. It should be the mean of the truths: the best single number "
            "that one could have said.",
            rounding(lambda t, p: 1 - _squares(t, p) / _squares(t, p.mean())),
        ),
        "the predictions' own spread": Mistake(
            "You divide by how much the predictions vary. Divide by how much the truths vary around their mean.",
            rounding(lambda t, p: 1 - _squares(t, p) / _squares(p, p.mean())),
        ),
        "what is left, not what is explained": Mistake(
            "You return the share of the error that is left. R squared is 1 minus that: 1 for a perfect model, and 0 for "
            "one that is no better than the mean.",
            rounding(lambda t, p: _squares(t, p) / _squares(t, t.mean())),
        ),
        "the correlation squared": Mistake(
            "You return the squared correlation. It forgives a model that is always 100 kcal too high. R squared does "
            "not.",
            rounding(_correlation_squared),
        ),
        "the predictions' distance from the mean": Mistake(
            "You add up how far the predictions lie from the mean of the truths. That does not ask whether they are right: "
            "the two agree only for a line on the very plates that it was fitted to. Take the errors, truth minus prediction.",
            rounding(lambda t, p: _squares(p, t.mean()) / _squares(t, t.mean())),
        ),
        "never below zero": Mistake(
            "You cut the result off at 0. A model can be worse than the mean, and R squared says so with a negative number.",
            rounding(lambda t, p: max(0.0, 1 - _squares(t, p) / _squares(t, t.mean()))),
        ),
        "sizes instead of squares": Mistake(
            "You add up the sizes of the errors. R squared compares squared errors.",
            rounding(lambda t, p: 1 - np.abs(t - p).sum() / np.abs(t - t.mean()).sum()),
        ),
        "the mean and the sum are mixed": Mistake(
            "One of your two errors is a sum over the plates and the other a mean. Take the same for both.",
            rounding(lambda t, p: 1 - np.mean((t - p) ** 2) / _squares(t, t.mean())),
        ),
        "variance with N - 1": Mistake(
            "You divide by the variance with N - 1 and average the model's error with N, or the other way around. Take "
            "plain sums of squares for both.",
            rounding(lambda t, p: 1 - np.mean((t - p) ** 2) / np.var(t, ddof=1)),
        ),
        "the bias is forgiven": Mistake(
            "You take the spread of the errors around their own mean. A model that is always 100 kcal too high has no "
            "such spread. Square the errors themselves.",
            rounding(lambda t, p: 1 - np.var(t - p) / np.var(t)),
        ),
    },
    hints=(
        "You need two numbers: the model's sum of squared errors, and that of a baseline that always says the mean of the "
        "truths.",
        "Divide the model's by the baseline's. What is the result for a perfect model, and what should R squared be for it?",
        "1 - np.sum((truth - predicted) ** 2) / np.sum((truth - truth.mean()) ** 2)",
    ),
)


# --- 01.knn_predict -----------------------------------------------------------------------------------------


def _distances(X_train, X_test):
    return np.sqrt(((X_test[:, None, :] - X_train[None, :, :]) ** 2).sum(axis=2))


def _vote(labels):
    return int(np.bincount(labels).argmax())


def _neighbors(X_train, X_test, k, distances=None):
    distances = _distances(X_train, X_test) if distances is None else distances
    return np.argsort(distances, axis=1, kind="stable")[:, :k]


def _knn(X_train, y_train, X_test, k, choose=None, vote=_vote):
    near = _neighbors(X_train, X_test, k) if choose is None else choose(X_train, X_test, k)
    return np.array([vote(y_train[row]) for row in near])


def _knn_oracle(X_train, y_train, X_test, k):
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(k, algorithm="brute").fit(X_train, y_train).predict(X_test).astype(np.int64)


def _farthest(X_train, X_test, k):
    return np.argsort(-_distances(X_train, X_test), axis=1, kind="stable")[:, :k]


def _by_l1(X_train, X_test, k):
    return _neighbors(X_train, X_test, k, np.abs(X_test[:, None] - X_train[None]).sum(axis=2))


def _by_product(X_train, X_test, k):
    return _neighbors(X_train, X_test, k, -(X_test @ X_train.T))


def _by_sum_of_differences(X_train, X_test, k):
    return _neighbors(X_train, X_test, k, np.abs((X_test[:, None] - X_train[None]).sum(axis=2)))


def _one_left_out(X_train, X_test, k):
    return _neighbors(X_train, X_test, k + 1)[:, 1:]


def _last_of_ties(labels):
    counts = np.bincount(labels)
    return int(np.flatnonzero(counts == counts.max())[-1])


def _first_met(labels):
    return Counter(labels.tolist()).most_common(1)[0][0]


_KNN_WRONG = (
    lambda *a: _knn(*a, choose=_farthest),
    lambda *a: _knn(*a, choose=_by_l1),
    lambda *a: _knn(*a, choose=_by_product),
    lambda *a: _knn(*a, choose=_by_sum_of_differences),
    lambda *a: _knn(*a, choose=_one_left_out),
    lambda *a: _knn(*a[:3], 1),
    lambda *a: _knn(*a[:3], a[3] + 1),
    lambda *a: _knn(*a, vote=lambda labels: int(labels.mean())),
    lambda *a: _knn(*a, vote=lambda labels: int(np.rint(labels.mean()))),
    lambda *a: _knn(*a, vote=lambda labels: int(np.median(labels))),
    lambda *a: _knn(*a, vote=lambda labels: int(labels.max())),
)


def _has_clear_neighbors(X_train, X_test, k):
    """Whether it is plain who the k nearest are, in every test row."""
    gaps = np.diff(np.sort(_distances(X_train, X_test), axis=1)[:, : k + 2], axis=1)
    return gaps.min() > 0.003


def _tells_mistakes_apart(X_train, y_train, X_test, k):
    right = _knn(X_train, y_train, X_test, k).tolist()
    answers = [wrong(X_train, y_train, X_test, k).tolist() for wrong in _KNN_WRONG]
    if k == 1:  # a vote of one: the ways to vote agree
        answers = [answer for number, answer in enumerate(answers) if number in (0, 1, 2, 3, 4)]
    apart = all(answer != right for answer in answers) and len({tuple(a) for a in answers}) == len(answers)
    return apart and len(set(right)) > 2 and right[0] != right[1]


def _has_ties(X_train, y_train, X_test, k):
    """Whether ties in the vote occur in which the smallest label is neither the nearest nor the last."""
    right = _knn(X_train, y_train, X_test, k).tolist()
    last = _knn(X_train, y_train, X_test, k, vote=_last_of_ties).tolist()
    met = _knn(X_train, y_train, X_test, k, vote=_first_met).tolist()
    return right != last and right != met and last != met


def _knn_draw(rng, n, d, m, k, classes, good, labels=None, unit=1):
    """Draw a case that is `good`; its labels are 0, 1, 2 ... unless others are given, its features in a unit."""
    while True:
        centers = rng.uniform(-3, 3, (classes, d))
        y = rng.integers(0, classes, n).astype(np.int64)
        X = (centers[y] + rng.normal(0, 2.2, (n, d)) * rng.uniform(0.5, 1.5, d)).round(2)
        T = rng.uniform(-4, 4, (m, d)).round(2)
        if len(set(y.tolist())) == classes and _has_clear_neighbors(X, T, k) and good(X, y, T, k):
            y = y if labels is None else np.array(labels)[y]
            return {"X_train": X * unit, "y_train": y, "X_test": T * unit, "k": k}


def _knn_cases(rng):
    a, b = 2 * int(rng.integers(1, 5)), int(rng.integers(3, 6))
    X = np.array([[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [8.0, 8.0], [8.0, 9.0], [9.0, 7.0]])
    yield Case("six plates, two questions", X_train=X, y_train=np.array([b, b, 0, 2, 2, 0]) % 6, X_test=np.array([[1.25, 1.5], [8.25 + a / 10, 8.1]]), k=3)  # fmt: skip
    yield Case("one neighbor", **_knn_draw(rng, 17, 2, 7, 1, 4, _tells_mistakes_apart))
    yield Case("three features, five neighbors", **_knn_draw(rng, 23, 3, 19, 5, 5, _tells_mistakes_apart))
    yield Case(
        "features in the hundreds, seven neighbors", **_knn_draw(rng, 29, 4, 21, 7, 4, _tells_mistakes_apart, unit=100)
    )
    # a set of these labels does not stand in their order
    yield Case("ties in the vote", **_knn_draw(rng, 19, 2, 15, 4, 4, _has_ties, labels=[3, 10, 17, 24]))
    yield Case("everyone votes", weight=0.5, **_knn_draw(rng, 11, 2, 3, 11, 3, lambda X, y, T, k: True))


KNN_PREDICT = Exercise(
    id="01.knn_predict",
    title="Classify by the k nearest neighbors",
    points=12,
    cases=_knn_cases,
    oracle=_knn_oracle,
    forbidden=(*LIBRARIES, "scipy.spatial.*"),
    misconceptions={
        "the farthest count": Mistake(
            "You ask the k plates that are farthest away. Sorting goes from small to large: the nearest come first.",
            _KNN_WRONG[0],
        ),
        "city-block distance": Mistake(
            "You add up the sizes of the differences (the L1 distance). Here the straight distance counts: the root of "
            "the sum of the squared differences.",
            _KNN_WRONG[1],
        ),
        "products instead of distances": Mistake(
            "You take the largest dot products for the nearest plates. A plate with large features wins everywhere that "
            "way. Take the differences first.",
            _KNN_WRONG[2],
        ),
        "differences cancel": Mistake(
            "You add up the differences with their signs, so that 3 more of one feature and 3 less of another make 0. "
            "Square them first.",
            _KNN_WRONG[3],
        ),
        "the nearest is left out": Mistake(
            "You skip the nearest plate. That would be right if the test plates were among the training plates. They "
            "are not.",
            _KNN_WRONG[4],
        ),
        "always one neighbor": Mistake(
            "You ask the single nearest plate, whatever k says.",
            _KNN_WRONG[5],
        ),
        "one neighbor too many": Mistake(
            "You ask k + 1 plates. A slice up to k holds k entries.",
            _KNN_WRONG[6],
        ),
        "the mean of the labels": Mistake(
            "You average the neighbors' labels. Labels are names written as numbers: the mean of pizza (0) and apple (6) "
            "is no dish. Let them vote.",
            lambda *a: rounded([a[1][row].mean() for row in _neighbors(a[0], a[2], a[3])]),
        ),
        "the mean of the labels, rounded": Mistake(
            "You average the neighbors' labels and round. Labels are names written as numbers: between pizza (0) and "
            "apple (6) lie dishes that nobody voted for. Count the votes.",
            _KNN_WRONG[8],
        ),
        "the largest label": Mistake(
            "You return the largest label among the neighbors. Count how often each occurs: the most frequent wins.",
            _KNN_WRONG[10],
        ),
        "ties go to the largest label": Mistake(
            "Your votes are right, but where two dishes have equally many, you take the larger label. Here the smaller "
            "one wins.",
            lambda *a: _knn(*a, vote=_last_of_ties),
        ),
        "ties go to the nearest": Mistake(
            "Your votes are right, but where two dishes have equally many, you take the one that you met first, as "
            "Counter.most_common does. Here the smaller label wins.",
            lambda *a: _knn(*a, vote=_first_met),
        ),
        "indices instead of labels": Mistake(
            "You return the positions of the nearest plates in the training set. Look up their labels: y_train[index].",
            lambda *a: _neighbors(a[0], a[2], 1)[:, 0].astype(np.int64),
        ),
        "the neighbors' labels, uncounted": Mistake(
            "You return the labels of all k neighbors. They are right. Now let them vote: one label for each test plate.",
            lambda *a: a[1][_neighbors(a[0], a[2], a[3])],
        ),
        "only the first test plate": Mistake(
            "You answer for the first test plate only. X_test holds M plates, so the result has M labels.",
            lambda *a: _knn(*a)[:1],
        ),
    },
    hints=(
        "Take one test plate. How far is it from each training plate? You need N distances, and then the places of the k "
        "smallest.",
        "np.argsort(distances)[:k] are the places of the k nearest, and y_train[...] at those places their labels. "
        "np.bincount(labels) counts the votes.",
        "For each x in X_test: distances = np.sum((X_train - x) ** 2, axis=1); near = np.argsort(distances)[:k]; the "
        "answer is np.bincount(y_train[near]).argmax(), which takes the smallest label of a tie.",
    ),
)


# --- 01.precision_recall_f1 -----------------------------------------------------------------------------------


def _scores_of(truth, predicted, label):
    hits = int(np.sum((truth == label) & (predicted == label)))
    named, there = int(np.sum(predicted == label)), int(np.sum(truth == label))
    precision = hits / named if named else 0.0
    recall = hits / there if there else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if hits else 0.0


def _named_dishes(rng, n, classes, label, right=0.55):
    """Labels and answers (n,) that leave precision and recall of `label` well apart, and from those of other labels."""
    while True:
        truth = rng.integers(0, classes, n).astype(np.int64)
        guesses = rng.choice([label, *range(classes)], n)
        predicted = np.where(rng.random(n) < right, truth, guesses).astype(np.int64)
        truth[[0, -1]] = predicted[[0, -1]] = label  # the ends count too
        precision, recall, f1 = _scores_of(truth, predicted, label)
        others = [_scores_of(truth, predicted, other) for other in range(classes) if other != label]
        apart = all(np.abs(np.subtract(one, (precision, recall, f1))).min() > 0.01 for one in others)
        share = np.mean(truth == predicted)
        if precision * recall and abs(precision - recall) > 0.12 and abs(share - precision) > 0.02 and apart:
            return truth, predicted


def _scores_cases(rng):
    truth, predicted = _named_dishes(rng, 10, 3, 1)
    yield Case("ten plates, three dishes", truth=truth, predicted=predicted, label=1)
    truth, predicted = _named_dishes(rng, 40, 5, 3)
    yield Case("forty plates, dish 3", truth=truth, predicted=predicted, label=3)
    truth, predicted = _named_dishes(rng, 60, 4, 0)
    yield Case("sixty plates, dish 0", truth=truth, predicted=predicted, label=0)
    truth = rng.permutation(np.repeat([2, 0, 1], [6, 97, 97]))
    predicted = np.where((truth == 2) & (np.cumsum(truth == 2) < 5), 2, rng.integers(0, 2, 200))
    predicted[np.flatnonzero(truth != 2)[: int(rng.integers(9, 15))]] = 2
    numbers = np.array([25, 3, 13])  # of the dishes 0, 1 and 2: there are more than ten
    yield Case("a rare dish, number 13", truth=numbers[truth], predicted=numbers[predicted], label=13)
    truth = np.concatenate([[2], rng.integers(0, 3, 11)])
    yield Case("the dish is never named", truth=truth, predicted=rng.integers(0, 2, 12), label=2)
    predicted = np.concatenate([[2], rng.integers(0, 3, 8)])
    yield Case("the dish is not among them", weight=0.5, truth=rng.integers(0, 2, 9), predicted=predicted, label=2)


def _scores_oracle(truth, predicted, label):
    from sklearn.metrics import precision_recall_fscore_support

    found = precision_recall_fscore_support(truth, predicted, labels=[label], average=None, zero_division=0.0)
    return tuple(rounded(part[0]) for part in found[:3])


def _scores(make):
    """A mistake: `make` takes hits, named, there and all, the four counts, and returns three numbers."""

    def wrong(truth, predicted, label):
        hits = np.sum((truth == label) & (predicted == label))
        counts = hits, np.sum(predicted == label), np.sum(truth == label), len(truth)
        return tuple(rounded(one) for one in make(*counts))

    return wrong


def _share_of(a, b, empty=0.0):
    return a / b if b else empty


def _with_f1(f1, empty=0.0):
    """Precision and recall as they should be, and another way to put them together."""

    def make(hits, named, there, n):
        precision, recall = _share_of(hits, named, empty), _share_of(hits, there, empty)
        return precision, recall, f1(precision, recall)

    return make


def _harmonic(p, r):
    return _share_of(2 * p * r, p + r)


PRECISION_RECALL = Exercise(
    id="01.precision_recall_f1",
    title="Precision, recall and F1",
    points=10,
    cases=_scores_cases,
    oracle=_scores_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "precision and recall are swapped": Mistake(
            "Your numbers are right, but precision and recall have changed places. Precision is a share of what "
            "was named, recall a share of what is there.",
            _scores(
                lambda h, named, there, n: (_share_of(h, there), _share_of(h, named), _share_of(2 * h, named + there))
            ),
        ),
        "F1 is the arithmetic mean": Mistake(
            "Your F1 is (P + R) / 2. A model that says “soup” to everything would get more than one half with it. F1 is "
            "the harmonic mean, 2PR / (P + R), which stays close to the smaller of the two.",
            _scores(_with_f1(lambda p, r: (p + r) / 2)),
        ),
        "F1 is the geometric mean": Mistake(
            "Your F1 is the square root of P times R. It is the harmonic mean, 2PR / (P + R).",
            _scores(_with_f1(lambda p, r: np.sqrt(p * r))),
        ),
        "F1 without the factor 2": Mistake(
            "Your F1 is half of what it should be: PR / (P + R). Where precision and recall are both 1, F1 should be 1 too.",
            _scores(_with_f1(lambda p, r: _share_of(p * r, p + r))),
        ),
        "divided by all plates": Mistake(
            "You divide the hits by the number of all plates. Precision divides them by the plates that were given "
            "this name, recall by the plates that are this dish.",
            _scores(lambda h, named, there, n: (h / n, h / n, _harmonic(h / n, h / n))),
        ),
        "nan where nothing is named": Mistake(
            "Where the dish is never named, or never there, you divide 0 by 0. The docstring says what to return then: 0.",
            _scores(_with_f1(lambda p, r: 2 * p * r / (p + r) if p + r != 0 else np.nan, empty=np.nan)),
        ),
        "1 where nothing is named": Mistake(
            "Where the dish is never named you return a precision of 1. One may argue that nothing was named wrongly; the "
            "docstring asks for 0, as scikit-learn gives.",
            _scores(
                lambda h, named, there, n: (
                    _share_of(h, named, 1.0),
                    _share_of(h, there),
                    _harmonic(_share_of(h, named, 1.0), _share_of(h, there)),
                )
            ),
        ),
        "the accuracy three times": Mistake(
            "You return the share of all plates that are named correctly. Plates of other dishes, named as other dishes, say "
            "nothing about this one: count only where the label occurs in the truth or in the predictions.",
            lambda truth, predicted, label: (rounded(np.mean(truth == predicted)),) * 3,
        ),
        "other dishes count as hits": Mistake(
            "You count as a hit what is right about *yes or no*: plates that are not this dish, and were not named it, count "
            "too. There are many of them, and they say nothing about this dish. A hit is this dish, and was named it.",
            lambda truth, predicted, label: (rounded(np.mean((truth == label) == (predicted == label))),) * 3,
        ),
        "always label 1": Mistake(
            "Your numbers are those of the label 1, whatever label was asked for. Compare with label.",
            lambda truth, predicted, label: tuple(rounded(one) for one in _scores_of(truth, predicted, 1)),
        ),
    },
    hints=(
        "Count three things first: the plates that are this dish and were named it (the hits), all that were named it, and "
        "all that are this dish.",
        "np.sum((predicted == label) & (truth == label)) counts the hits. Each of the other two counts has one of these "
        "comparisons.",
        "precision = hits / named and recall = hits / there; each is 0 where its denominator is 0. F1 is "
        "2 * P * R / (P + R), and 0 where both are 0.",
    ),
)


# --- 01.k_fold ------------------------------------------------------------------------------------------------


def _k_fold_cases(rng):
    yield Case("six plates, three folds", order=rng.permutation(6), k=3)
    yield Case("a remainder", order=rng.permutation(11), k=4)
    chosen = rng.choice(np.arange(20, 90), 13, replace=False)
    yield Case("thirteen plates of a larger set", order=chosen, k=5)
    n = int(rng.integers(5, 8))
    yield Case("as many folds as plates", order=rng.permutation(n + 3)[:n], k=n)
    yield Case("two folds", order=rng.choice(np.arange(100, 400), 2 * int(rng.integers(8, 20)) + 1, replace=False), k=2)


def _folds(order, parts):
    """For each part, a sequence of places, the pair of all others and itself."""
    return [(np.sort(np.setdiff1d(order, order[part])), np.sort(order[part])) for part in parts]


def _k_fold_oracle(order, k):
    from sklearn.model_selection import KFold

    return [(np.sort(order[train]), np.sort(order[val])) for train, val in KFold(k).split(order)]


def _pieces(n, k):
    return np.array_split(np.arange(n), k)


def _one_other_fold(order, k):
    pieces = np.array_split(order, k)
    return [(pieces[i - 1], pieces[i]) for i in range(k)]


K_FOLD = Exercise(
    id="01.k_fold",
    title="k-fold cross-validation",
    points=8,
    cases=_k_fold_cases,
    oracle=_k_fold_oracle,
    probe="k_fold",
    forbidden=LIBRARIES,
    misconceptions={
        "training and validation are swapped": Mistake(
            "Your pairs are the wrong way around: validation first, then training. The small part of each pair is the "
            "fold that is held back; it comes second.",
            lambda order, k: [pair[::-1] for pair in _folds(order, _pieces(len(order), k))],
        ),
        "the fold is in its own training set": Mistake(
            "Each of your training sets holds all plates, also those of the fold that is held back. Then the model has seen "
            "what it is tested on, and cross-validation measures its memory. Leave the fold out.",
            lambda order, k: [(order, order[part]) for part in _pieces(len(order), k)],
        ),
        "the remainder is in no fold": Mistake(
            "Some plates are never held back: you cut folds of n // k plates, and the remainder is lost. Every "
            "plate is in exactly one fold.",
            lambda order, k: _folds(
                order, [range(i * (len(order) // k), (i + 1) * (len(order) // k)) for i in range(k)]
            ),
        ),
        "the last fold takes the remainder": Mistake(
            "Your last fold is larger than the others by the whole remainder. The sizes should differ by one at "
            "most: give the first folds one plate more each, as np.array_split does.",
            lambda order, k: _folds(
                order,
                [
                    range(i * (len(order) // k), len(order) if i == k - 1 else (i + 1) * (len(order) // k))
                    for i in range(k)
                ],
            ),
        ),
        "places instead of indices": Mistake(
            "Your folds hold places in order, 0 to n − 1, not the indices that stand there. order is shuffled, and need not "
            "hold all plates. Take order[...] at those places.",
            lambda order, k: _folds(np.arange(len(order)), _pieces(len(order), k)),
        ),
        "dealt like cards": Mistake(
            "You deal the plates in turn: every k-th goes into the same fold. That makes sound folds as well, but the docstring "
            "asks for pieces: the first piece of order is the first fold.",
            lambda order, k: _folds(order, [range(i, len(order), k) for i in range(k)]),
        ),
        "trained on one other fold only": Mistake(
            "Each of your training sets is a single other fold. A model is trained on all folds but the one that is held "
            "back.",
            _one_other_fold,
        ),
        "trained on the folds before it": Mistake(
            "Your training sets hold only what stands before the fold. Those behind it belong to the training set, too.",
            lambda order, k: [(np.sort(order[: part[0]]), np.sort(order[part])) for part in _pieces(len(order), k)],
        ),
        "one fold only": Mistake(
            "You return a single pair. Each of the k folds is held back once, so there are k pairs.",
            lambda order, k: _folds(order, _pieces(len(order), k)[:1]),
        ),
    },
    hints=(
        "Cut the order into k pieces first. Then each piece is the validation set once, and what is left is the training "
        "set of that turn.",
        "np.array_split(order, k) gives the pieces, the first ones larger by one where there is a remainder.",
        "pieces = np.array_split(order, k). For each i, the training set is np.concatenate(pieces[:i] + pieces[i + 1:]), and "
        "the validation set is pieces[i].",
    ),
)


# --- 01.iou -------------------------------------------------------------------------------------------------


def _iou_oracle(box_a, box_b):
    """By cutting the plane along all borders of both: each piece then lies in a box as a whole, or outside."""
    xs, ys = (np.unique([*box_a[at::2], *box_b[at::2]]) for at in (0, 1))
    area = np.outer(np.diff(ys), np.diff(xs))
    x, y = (xs[1:] + xs[:-1]) / 2, (ys[1:] + ys[:-1]) / 2
    a, b = (np.outer((y0 < y) & (y < y1), (x0 < x) & (x < x1)) for x0, y0, x1, y1 in (box_a, box_b))
    union = area[a | b].sum()
    return rounded(area[a & b].sum() / union if union else 0.0)


def _sides(a, b):
    """Overlap's sides (below 0 where there is a gap) and both areas."""
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return w, h, (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])


def _overlap(a, b):
    w, h, *_ = _sides(a, b)
    return max(w, 0.0) * max(h, 0.0)


def _ratio(above, below):
    return rounded(above / below if below else 0.0)


def _iou(a, b, overlap=lambda w, h: max(w, 0.0) * max(h, 0.0)):
    w, h, area_a, area_b = _sides(a, b)
    both = overlap(w, h)
    return _ratio(both, area_a + area_b - both)


def _iou_reading(corners):
    """Boxes whose four numbers are taken for something else."""
    return lambda a, b: _iou(corners(a), corners(b))


def _iou_hull(a, b):
    return _ratio(_overlap(a, b), (max(a[2], b[2]) - min(a[0], b[0])) * (max(a[3], b[3]) - min(a[1], b[1])))


def _iou_nan(a, b):
    both = np.float64(_overlap(a, b))
    return both / (np.float64(sum(_sides(a, b)[2:])) - both)


def _box(x, y, w, h):
    return np.array([x, y, x + w, y + h], dtype=float)


def _iou_cases(rng):
    # Whoever always says 0 is right wherever boxes are apart: those cases weigh little.
    x, y = int(rng.integers(1, 5)), int(rng.integers(6, 10))
    yield Case("two boxes that overlap", weight=2, box_a=_box(x, y, 4, 3), box_b=_box(x + 2, y - 1, 6, 3))
    tall, wide = rng.uniform(1, 19, (2, 4))
    yield Case("a tall one and a wide one that stick out of a large picture", weight=2, box_a=_box(40 + tall[0], -tall[1], 100 + tall[2], 320 + tall[3]).round(2), box_b=_box(-wide[0], 100 + wide[1], 320 + wide[2], 80 + wide[3]).round(2))  # fmt: skip
    x, y, w, h = rng.uniform(0.05, 0.2, 4)
    yield Case("one inside the other, in shares of a picture", weight=2, box_a=_box(x, y, 0.4 + w, 0.3 + h).round(3), box_b=_box(x + w, y + h / 2, 0.3, 0.2).round(3))  # fmt: skip
    x, y = rng.integers(2, 6, 2)
    w, h = rng.integers(4, 8, 2)
    yield Case(
        "apart, one to the lower right", weight=0.4, box_a=_box(x, y, w, h), box_b=_box(x + w + 3, y + h + 2, 6, 9)
    )
    yield Case("apart, side by side", weight=0.4, box_a=_box(x + w + 4, y, 7, h + 1), box_b=_box(x, y + 1, w, h + 2))
    yield Case("apart, one above the other", weight=0.4, box_a=_box(x, y, w, h), box_b=_box(x + 1, y + h + 4, w + 2, 6))
    yield Case("an edge in common", weight=0.4, box_a=_box(x, y, w, h), box_b=_box(x + w, y + 1, 5, h))
    yield Case("the same box twice", weight=0.4, box_a=_box(x, y, w, h), box_b=_box(x, y, w, h))
    yield Case("two boxes without area", weight=0.4, box_a=_box(x, y, 0, h), box_b=_box(x, y + 1, 0, h))


IOU = Exercise(
    id="01.iou",
    title="Intersection over union",
    points=12,
    cases=_iou_cases,
    oracle=_iou_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "the overlap counts twice in the union": Mistake(
            "You divide by the sum of both areas. The overlap is in both, so it is counted twice: subtract it once. The "
            "same box twice should give 1.",
            rounding(lambda a, b: _ratio(_overlap(a, b), sum(_sides(a, b)[2:]))),
        ),
        "the overlap is subtracted twice": Mistake(
            "Your union has lost the overlap altogether. It is in both areas, and must be counted once: subtract it "
            "once, not twice.",
            rounding(
                lambda a, b: (
                    _ratio(_overlap(a, b), sum(_sides(a, b)[2:]) - 2 * _overlap(a, b))
                    if sum(_sides(a, b)[2:]) - 2 * _overlap(a, b)
                    else np.inf
                )
            ),  # fmt: skip
        ),
        "two negative sides multiplied": Mistake(
            "Boxes that are apart in x and in y have an overlap with two negative sides, and their product is positive. Cut "
            "each side off at 0 before you multiply.",
            lambda a, b: _iou(a, b, lambda w, h: max(0.0, w * h)),
        ),
        "negative sides are kept": Mistake(
            "Where the boxes are apart, a side of your overlap is negative, and so it goes into the result. No overlap is "
            "0: cut each side off there.",
            lambda a, b: _iou(a, b, lambda w, h: w * h),
        ),
        "only the width is cut off": Mistake(
            "Boxes that are apart in y have an overlap with a negative height, and it goes into your result. Cut both sides "
            "off at 0.",
            lambda a, b: _iou(a, b, lambda w, h: max(w, 0.0) * h),
        ),
        "only the height is cut off": Mistake(
            "Boxes that are apart in x have an overlap with a negative width, and it goes into your result. Cut both sides "
            "off at 0.",
            lambda a, b: _iou(a, b, lambda w, h: w * max(h, 0.0)),
        ),
        "x and y are swapped": Mistake(
            "You read a box as x0, x1, y0, y1. The order is x0, y0, x1, y1: first one corner, then the other.",
            _iou_reading(lambda box: [box[0], box[2], box[1], box[3]]),
        ),
        "width and height instead of a corner": Mistake(
            "You read the last two numbers as width and height. They are the other corner, x1 and y1: the width is "
            "x1 - x0.",
            _iou_reading(lambda box: [box[0], box[1], box[0] + box[2], box[1] + box[3]]),
        ),
        "a pixel too much": Mistake(
            "You add 1 to each side, as for boxes that hold their last pixel. Here x1 and y1 lie just outside: the width "
            "is x1 - x0.",
            _iou_reading(lambda box: [box[0], box[1], box[2] + 1, box[3] + 1]),
        ),
        "divided by the enclosing box": Mistake(
            "You divide by the area of the box around both. The union is only what the two cover: the sum of their areas "
            "minus the overlap.",
            _iou_hull,
        ),
        "divided by the first box": Mistake(
            "You divide by the area of box_a. A huge box_b would then be perfect. Divide by the union of the two.",
            rounding(lambda a, b: _ratio(_overlap(a, b), _sides(a, b)[2])),
        ),
        "divided by the second box": Mistake(
            "You divide by the area of box_b. A huge box_a would then be perfect. Divide by the union of the two.",
            rounding(lambda a, b: _ratio(_overlap(a, b), _sides(a, b)[3])),
        ),
        "divided by the smaller box": Mistake(
            "You divide by the smaller of the two areas. Then a box inside the other is perfect, however small. Divide by "
            "the union of the two.",
            rounding(lambda a, b: _ratio(_overlap(a, b), min(_sides(a, b)[2:]))),
        ),
        "twice the overlap over the sum": Mistake(
            "That is the Dice coefficient, a relative of the IoU, and larger. The IoU divides the overlap, once, by the "
            "union.",
            rounding(lambda a, b: _ratio(2 * _overlap(a, b), sum(_sides(a, b)[2:]))),
        ),
        "the overlap alone": Mistake(
            "You return the overlap's area, in square pixels. Divide it by the area of the union, so that large and small "
            "boxes can be compared.",
            rounding(_overlap),
        ),
        "zero divided by zero": Mistake(
            "Two boxes without area have a union of 0, and 0 / 0 is not a number. Here the answer is 0. Test for that "
            "before you divide.",
            _iou_nan,
        ),
    },
    hints=(
        "Draw two boxes on squared paper. The overlap is a box too. Where is its left border: at the smaller or at the "
        "larger of the two x0?",
        "Its width is min(x1 of both) - max(x0 of both), or 0 where that is negative; its height the same in y. The "
        "union is both areas minus the overlap.",
        "w = max(0, min(a[2], b[2]) - max(a[0], b[0])), h likewise with 3 and 1; overlap = w * h; union = area_a + "
        "area_b - overlap; return overlap / union if union > 0, else 0.",
    ),
)


# --- 01.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "01.quiz",
    10,
    [
        Question(
            "c",
            a="An average of labels means nothing: the label between pizza and doughnut is burger, and a burger is "
            "nothing in between.",
            b="The output is a whole number, but it is a name all the same. Is soup (11) more than salad (10)?",
            d="One of twelve names, learned from labeled examples: this chapter has a word for it.",
        ),
        Question(
            "b",
            a="Then the test set has helped to choose, and its accuracy is a little too good: it is one of 20 tries.",
            c="A model knows its training pictures. With k = 1 each is its own nearest neighbor, and all are right.",
            d="The choice must not see the test set, and this mixes it in.",
        ),
        Question(
            "d",
            a="A negative correlation would say that. R squared compares two sums of squares, and has no direction.",
            b="Perfect is 1, and this is far from it. What does 0 stand for?",
            c="That would be 0.2, above zero. What does 0 stand for?",
        ),
        Question(
            "a",
            b="Which of the answers is most frequent decides what a constant can reach. Count them first.",
            c="It is far above guessing among 2, but nobody has to guess evenly.",
            d="The size of the test set says how sure we are of the 90 %, not what they are worth.",
        ),
        Question(
            "b",
            a="Its name comes from the curve that it fits, but what comes out is a class.",
            c="It needs labels: names of classes.",
            d="It gives probabilities on the way, and they are numbers. What does predict return in the end?",
        ),
    ],
)

EXERCISES = [
    COLOR_HISTOGRAM,
    SPLIT,
    FIT_LINE,
    MEAN_ABSOLUTE_ERROR,
    R2_SCORE,
    KNN_PREDICT,
    PRECISION_RECALL,
    K_FOLD,
    IOU,
    QUIZ,
]
