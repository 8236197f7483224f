"""Chapter 00, why deep learning: its exercises, their cases, oracles and known mistakes.

Scores are (N, K), labels int64 (N,), pictures uint8 (N, H, W, C) as the datasets give them. No two scores of a picture
are equal, so that "the k best" has one meaning.
"""

from __future__ import annotations

import numpy as np
import torch

from autograder.authoring.draws import rounded
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import one_hot, softmax

LIBRARIES = ("sklearn.*", "torch.*")


# --- 00.accuracy --------------------------------------------------------------------------------------------


def _guessed(rng, n, hits, classes, last):
    """Labels and predictions of n pictures of which `hits` agree, the first among them, and the last if `last` says so."""
    labels = rng.integers(0, classes, n).astype(np.int64)
    predictions = (labels + rng.integers(1, classes, n)) % classes
    sure = [0, n - 1] if last else [0]
    right = np.concatenate([sure, rng.permutation(np.arange(1, n - 1))[: hits - len(sure)]])
    predictions[right] = labels[right]
    return labels, predictions


def _accuracy_cases(rng):
    for label, n, hits, classes, last in (
        ("four pictures, three right", 4, 3, 5, True),
        ("ten pictures, three right", 10, 3, 4, False),
        ("a hundred pictures", 100, int(rng.integers(60, 90)), 20, True),
        ("seven pictures, two right", 7, 2, 12, False),
    ):
        labels, predictions = _guessed(rng, n, hits, classes, last)
        yield Case(label, labels=labels, predictions=predictions)
    labels = rng.integers(0, 6, 9).astype(np.int64)
    yield Case("everything wrong", weight=0.5, labels=labels, predictions=(labels + 1) % 6)


def _accuracy_oracle(labels, predictions):
    from sklearn.metrics import accuracy_score

    return rounded(accuracy_score(labels, predictions))


ACCURACY = Exercise(
    id="00.accuracy",
    title="The share that is right",
    points=5,
    cases=_accuracy_cases,
    oracle=_accuracy_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "a count, not a share": Mistake(
            "You count the right answers. A share is that count divided by the number of pictures: 3 right of 4 is 0.75.",
            lambda y, p: rounded(np.sum(p == y)),
        ),
        "the error, not the accuracy": Mistake(
            "You return the share of wrong answers. That is the error. Subtract it from 1.",
            lambda y, p: rounded(np.mean(p != y)),
        ),
        "a percentage": Mistake(
            "Your number is a hundred times too large: it is in percent. The docstring asks for a share from 0 to 1.",
            lambda y, p: rounded(100 * np.mean(p == y)),
        ),
        "only the first picture": Mistake(
            "Your answer depends on the first picture alone. All of them count. Look for an index 0, or for a return "
            "inside the loop.",
            lambda y, p: rounded(p[0] == y[0]),
        ),
        "all or nothing": Mistake(
            "You give 1 where every picture is right, and 0 otherwise. The accuracy is the share that is right, and it "
            "may be anything between.",
            lambda y, p: rounded(np.all(p == y)),
        ),
        "one answer for each picture": Mistake(
            "You return N answers, one for each picture. They are right, but the accuracy is one number: how many of "
            "them are true, divided by N.",
            lambda y, p: (p == y).astype(float),
        ),
    },
    hints=(
        "Take the four pictures of the example. Which of them are right? How many is that, as a share of all four?",
        "predictions == labels compares all pictures at once, and gives True or False for each. True counts as 1.",
        "The mean of ones and zeros is the share of ones: np.mean(predictions == labels).",
    ),
)


# --- 00.top_k_accuracy and 00.correct_rank ------------------------------------------------------------------


def _ranks(scores, labels):
    own = scores[np.arange(len(labels)), labels][:, None]
    return 1 + (scores > own).sum(axis=1)


def _within(scores, labels, k):
    return _ranks(scores, labels) <= k


def _only_kth(scores, labels, k):
    return rounded(np.mean(_ranks(scores, labels) == k))


def _worst(scores, labels, k):
    return rounded(np.mean(_within(-scores, labels, k)))


def _best(shift):
    return lambda scores, labels, k: rounded(np.mean(_within(scores, labels, k + shift)))


def _top_one(scores, labels, k):
    return rounded(np.mean(_within(scores, labels, 1)))


def _best_lost(scores, labels, k):
    """The slice [-k:-1] of an argsort."""
    ranks = _ranks(scores, labels)
    return rounded(np.mean((ranks > 1) & (ranks <= k)))


def _in_any_row(scores, labels, k):
    return rounded(np.mean(np.isin(labels, np.argsort(scores, axis=1)[:, -k:])))


def _labels_as_a_row(scores, labels, k):
    best = np.argsort(scores, axis=1)[:, -k:]
    return rounded(np.mean(np.any(best == labels, axis=1)))


def _labels_among_scores(scores, labels, k):
    best = np.sort(scores, axis=1)[:, -k:]
    return rounded(np.mean([label in row for label, row in zip(labels, best, strict=True)]))


def _table(rng, n, classes, whole):
    """Scores of both signs, no two of a row alike, and labels."""
    while True:
        rows = [rng.permutation(np.arange(-classes, classes))[:classes] for _ in range(n)]
        scores = np.array(rows, dtype=float)
        if not whole:
            scores = (scores + rng.uniform(0.05, 0.9, scores.shape)).round(2) * rng.uniform(0.5, 2.0, (n, 1)).round(1)
            scores = scores.round(2)
        labels = rng.integers(0, classes, n).astype(np.int64)
        if all(len(set(row)) == classes for row in scores.tolist()) and len(set(labels.tolist())) > 1:
            return scores, labels


def _shares(scores):
    """Scores as a softmax makes them: all between 0 and 1."""
    return softmax(scores / 3).round(4)


def _large(scores):
    return (1000 * scores).round()


def _limited(scores, labels, k):
    best = np.argsort(np.clip(scores, -100, 100), axis=1, kind="stable")[:, -k:]
    return np.mean((best == labels[:, None]).any(axis=1))


def _few_labels(scores, labels, k):
    return np.mean(_within(scores, labels % 10, k))


def _few_guesses(scores, labels, k):
    return np.mean(_within(scores, labels, 5))


def _always_last(scores, labels, k):
    return np.mean(labels == scores.shape[1] - 1)


def _scored(rng, n, classes, k, whole=False, made=lambda scores: scores):
    """Scores and labels where the right answer is neither 0 nor 1 and tells itself from every known mistake."""
    while True:
        scores, labels = _table(rng, n, classes, whole)
        scores = made(scores)
        right = float(np.mean(_within(scores, labels, k)))
        if not 0 < right < 1 or right == 0.5 or any(len(set(row)) < classes for row in scores.tolist()):
            continue
        others = [_worst, _best(1), _always_last]
        others += [_limited] if scores.max() > 100 else []
        others += [_few_labels, _few_guesses] if classes > 10 else []
        if k > 1:
            others += [_top_one, _only_kth, _best(-1), _best_lost, _in_any_row, _labels_among_scores]
        if not all(abs(float(other(scores, labels, k)) - right) > 1e-6 for other in others):
            continue

        def unlike(*mistakes):
            return len({float(mistake(scores, labels, k)) for mistake in mistakes}) == len(mistakes)  # noqa: B023

        # In larger batches these differ from each other too.
        if n >= 5 and k > 1 and not unlike(_worst, _only_kth, _top_one):
            continue
        if k > 2 and not (
            unlike(_best_lost, _only_kth) and unlike(_best_lost, _best(-1)) and unlike(_best_lost, _worst)
        ):
            continue
        return scores, labels


def _top_k_cases(rng):
    for label, n, classes, k, made in (
        ("3 pictures, 4 dishes, k = 2", 3, 4, 2, np.array),
        ("6 pictures, 5 dishes, k = 1, probabilities", 6, 5, 1, _shares),
        ("5 pictures, 7 dishes, k = 3, large scores", 5, 7, 3, _large),
        ("8 pictures, 20 dishes, k = 7, large scores", 8, 20, 7, _large),
        ("as many pictures as dishes", 6, 6, 2, _large),
    ):
        scores, labels = _scored(rng, n, classes, k, k == 2 and n == 3, made)
        yield Case(label, scores=scores, labels=labels, k=k)
    scores, labels = _table(rng, 7, 4, whole=False)
    yield Case("k is the number of dishes", weight=0.5, scores=scores, labels=labels, k=4)


def _top_k_oracle(scores, labels, k):
    from sklearn.metrics import top_k_accuracy_score

    if k >= scores.shape[1]:
        return rounded(1.0)
    return rounded(top_k_accuracy_score(labels, scores, k=k, labels=np.arange(scores.shape[1])))


TOP_K_ACCURACY = Exercise(
    id="00.top_k_accuracy",
    title="Top-k accuracy",
    points=20,
    cases=_top_k_cases,
    oracle=_top_k_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "the worst k instead of the best": Mistake(
            "You look among the k lowest scores. np.argsort goes from low to high, so the best stand at the end of a row.",
            _worst,
        ),
        "only the first guess counts": Mistake(
            "You take each picture's single best guess, whatever k says. A picture counts where its dish is among the k "
            "best guesses.",
            _top_one,
        ),
        "divided by k": Mistake(
            "Your number is too small by the factor k. A picture is right once, or not at all, however many guesses it "
            "had. Divide by the number of pictures only.",
            lambda s, y, k: rounded(np.mean(_within(s, y, k)) / k),
        ),
        "labels are compared with scores": Mistake(
            "You look for the label, which is a dish's number, among the scores themselves. Look for it among the "
            "numbers of the best dishes: np.argsort gives those, np.sort does not.",
            _labels_among_scores,
        ),
        "only the k-th guess counts": Mistake(
            "You take the guess at place k alone. The ones before it count as well.",
            _only_kth,
        ),
        "one guess too many": Mistake(
            "You look among k + 1 guesses. Count the columns that your slice keeps.",
            _best(1),
        ),
        "one guess too few": Mistake(
            "You look among k - 1 guesses. Count the columns that your slice keeps.",
            _best(-1),
        ),
        "the best guess is cut off": Mistake(
            "Your slice ends before the last column, and that column is the best guess of all: [-k:-1] holds k - 1 columns, "
            "[-k:] holds k.",
            _best_lost,
        ),
        "found in another picture's guesses": Mistake(
            "You look for each label among the guesses of all pictures together. A picture counts only where its label "
            "is among the guesses in its own row. np.isin does not know about rows.",
            _in_any_row,
        ),
        "the labels lie along the wrong axis": Mistake(
            "The best guesses have shape (N, k), and the labels (N,). NumPy lays (N,) along the last axis, where the k "
            "guesses are. Give each row its own label: labels[:, None] has shape (N, 1).",
            _labels_as_a_row,
        ),
        "a count, not a share": Mistake(
            "You count the pictures that are right. Divide by the number of pictures, N.",
            lambda s, y, k: rounded(np.sum(_within(s, y, k))),
        ),
        "the error, not the accuracy": Mistake(
            "You return the share of pictures whose dish is *not* among the k best: the top-k error. The accuracy is 1 "
            "minus that.",
            lambda s, y, k: rounded(np.mean(~_within(s, y, k))),
        ),
        "divided by the number of dishes": Mistake(
            "You divide by the number of columns, K. It is the pictures that are counted: divide by N, the number of rows.",
            lambda s, y, k: rounded(np.sum(_within(s, y, k)) / s.shape[1]),
        ),
        "one answer for each picture": Mistake(
            "You return N answers, one for each picture. They are right, but the accuracy is one number: their mean.",
            lambda s, y, k: _within(s, y, k).astype(float),
        ),
        "only the first picture": Mistake(
            "Your answer depends on the first picture alone. Look for an index 0, or for a return inside the loop.",
            lambda s, y, k: rounded(_within(s, y, k)[0]),
        ),
    },
    hints=(
        "Take the first picture of the example, and k = 2. Which two dishes (column numbers) have its two highest scores? "
        "Is its label one of those two numbers?",
        "np.argsort(scores, axis=1) gives, for each row, the column numbers from the lowest score to the highest. The last "
        "k columns are the k best guesses. Compare each of them with the row's label.",
        "best = np.argsort(scores, axis=1)[:, -k:]; then (best == labels[:, None]).any(axis=1) is True for each picture "
        "whose dish is among its k best; the answer is the mean.",
    ),
)


def _rank_cases(rng):
    for label, n, classes, whole, unit in (
        ("3 pictures, 4 dishes", 3, 4, True, 1),
        ("6 pictures, 5 dishes, large scores", 6, 5, False, 1000),
        ("4 pictures, 20 dishes", 4, 20, False, 1),
        ("as many pictures as dishes", 7, 7, False, 1),
    ):
        while True:
            scores, labels = _table(rng, n, classes, whole)
            scores = (unit * scores).round(2)
            answers = [f(scores, labels) for f in (_ranks, _order_at_label, _rank_from_worst, _rank_down)]
            answers += [_ranks(np.clip(scores, -100, 100), labels)] if unit > 1 else []
            answers += [_ranks(scores, labels % 10)] if classes > 10 else []
            if len({tuple(answer.tolist()) for answer in answers}) == len(answers) and answers[0].max() > 1:
                break
        yield Case(label, scores=scores, labels=labels)
    scores = rng.permutation(np.arange(1, 1000))[None, :6] / 1000
    yield Case("a single picture", weight=0.5, scores=scores, labels=np.array([int(np.argsort(scores[0])[1])]))


def _rank_oracle(scores, labels):
    from scipy.stats import rankdata

    ranks = rankdata(-scores, method="ordinal", axis=1)
    return np.take_along_axis(ranks, labels[:, None], axis=1)[:, 0].astype(np.int64)


def _order_at_label(scores, labels):
    return np.argsort(-scores, axis=1)[np.arange(len(labels)), labels] + 1


def _rank_from_worst(scores, labels):
    return _ranks(-scores, labels)


def _rank_down(scores, labels):
    """The rank among the pictures, not among the dishes."""
    return np.array([1 + int((scores[:, y] > scores[i, y]).sum()) for i, y in enumerate(labels)])


CORRECT_RANK = Exercise(
    id="00.correct_rank",
    title="On which guess it is right",
    points=10,
    cases=_rank_cases,
    oracle=_rank_oracle,
    forbidden=(*LIBRARIES, "scipy.stats.rankdata"),
    misconceptions={
        "counted from 0": Mistake(
            "All your ranks are one too low. The first guess has rank 1, as people count guesses.",
            lambda s, y: _ranks(s, y) - 1,
        ),
        "the dish is counted before itself": Mistake(
            "All your ranks are one too high. You add 1 and also count the dish itself, whose score is as high as its own. "
            "Compare with >, or leave out the 1.",
            lambda s, y: _ranks(s, y) + 1,
        ),
        "counted from the worst": Mistake(
            "You count from the lowest score upwards. The dish with the highest score is the first guess.",
            _rank_from_worst,
        ),
        "argsort is read the wrong way round": Mistake(
            "np.argsort tells you which dish stands at each place. You read it as the place of each dish. Those are two "
            "different lists (apply argsort to argsort, and you have the other). Or count: how many dishes score higher?",
            _order_at_label,
        ),
        "ranked among the pictures": Mistake(
            "You compare a score with those of other pictures. A rank compares the dishes of one picture: stay in its row.",
            _rank_down,
        ),
        "one number for all pictures": Mistake(
            "You return the mean rank. The docstring asks for one rank for each picture.",
            lambda s, y: rounded(np.mean(_ranks(s, y))),
        ),
        "the rank of the best guess": Mistake(
            "You return 1 everywhere: the best guess is always at rank 1. Where does the *correct* dish stand?",
            lambda s, y: np.ones(len(y), dtype=np.int64),
        ),
    },
    hints=(
        "Take one picture. Find the score of its correct dish. How many dishes have a higher score? What is the rank if none "
        "has?",
        "scores[np.arange(N), labels] gives the correct dish's score for each picture, shape (N,). With a second axis, "
        "[:, None], it can be compared with the whole table.",
        "own = scores[np.arange(len(labels)), labels][:, None]; then 1 + (scores > own).sum(axis=1).",
    ),
)


# --- 00.error_reduction -------------------------------------------------------------------------------------


def _reduction(old, new):
    return rounded((new - old) / (1 - old))


def _reduction_oracle(old_accuracy, new_accuracy):
    """With whole numbers and fractions, by counting mistakes among a million pictures."""
    from fractions import Fraction

    before, after = (round(1_000_000 * (1 - a)) for a in (old_accuracy, new_accuracy))
    return rounded(1 - Fraction(after, before))


def _reduction_cases(rng):
    old = float(rng.choice([0.8, 0.6]))
    yield Case("half of the errors gone", old_accuracy=old, new_accuracy=round((1 + old) / 2, 2))
    yield Case("DeepFace on Labeled Faces in the Wild", old_accuracy=0.9633, new_accuracy=0.9735)
    old = round(float(rng.uniform(0.3, 0.5)), 3)
    yield Case("a poor classifier", old_accuracy=old, new_accuracy=round(old + float(rng.uniform(0.05, 0.1)), 3))
    old = round(float(rng.uniform(0.985, 0.99)), 4)
    yield Case("nearly perfect", old_accuracy=old, new_accuracy=round(old + float(rng.uniform(0.003, 0.009)), 4))
    new = round(float(rng.uniform(0.7, 0.75)), 3)
    yield Case("it got far worse", old_accuracy=0.9985, new_accuracy=new)


ERROR_REDUCTION = Exercise(
    id="00.error_reduction",
    title="How much of the error is gone",
    points=15,
    cases=_reduction_cases,
    oracle=_reduction_oracle,
    misconceptions={
        "the difference of the accuracies": Mistake(
            "You return by how much the accuracy rose. From 0.8 to 0.9 that is 0.1. But half of all mistakes are gone: "
            "divide by the error that there was before.",
            lambda old, new: rounded(new - old),
        ),
        "relative to the accuracy": Mistake(
            "You compare the gain with the old accuracy. The question is about mistakes: divide by the old error, which is "
            "1 minus the old accuracy.",
            lambda old, new: rounded((new - old) / old),
        ),
        "the sign is turned": Mistake(
            "The size is right, but your number is negative where the error fell. A reduction is positive when the error "
            "got smaller.",
            lambda old, new: rounded(-_reduction(old, new)),
        ),
        "the sign is lost": Mistake(
            "You take the size of the difference. Where there are more mistakes than before, the reduction is negative: "
            "keep its sign.",
            lambda old, new: rounded(abs(_reduction(old, new))),
        ),
        "never below zero": Mistake(
            "You cut the result off at 0. There can be more mistakes than before, and a negative number says so.",
            lambda old, new: rounded(max(0.0, _reduction(old, new))),
        ),
        "the accuracies are taken for errors": Mistake(
            "You treat the two numbers as errors. They are accuracies: the error is 1 minus the accuracy.",
            lambda old, new: rounded((old - new) / old),
        ),
        "what is left, not what is gone": Mistake(
            "You return the share of the mistakes that is still there. What is gone is 1 minus that.",
            lambda old, new: rounded((1 - new) / (1 - old)),
        ),
        "relative to the new error": Mistake(
            "You divide by the error that is left. A reduction is measured against what there was before.",
            lambda old, new: rounded((new - old) / (1 - new)),
        ),
        "a percentage": Mistake(
            "Your number is a hundred times too large: it is in percent. The docstring asks for a share, 0.25 for 25 %.",
            lambda old, new: rounded(100 * _reduction(old, new)),
        ),
    },
    hints=(
        "Think of 100 pictures. How many are wrong with the old accuracy, and how many with the new? What share of the old "
        "mistakes is gone?",
        "The error is 1 minus the accuracy. Write down both errors first, then by how much the error fell.",
        "(old_error - new_error) / old_error, with old_error = 1 - old_accuracy and new_error = 1 - new_accuracy.",
    ),
)


# --- 00.standardize -----------------------------------------------------------------------------------------


def _statistics(images, axes, ddof=0):
    images = images.astype(float)
    return images.mean(axis=axes, keepdims=True), images.std(axis=axes, keepdims=True, ddof=ddof)


def _standard(axes, ddof=0):
    def make(images):
        mean, std = _statistics(images, axes, ddof)
        return rounded((images - mean) / np.where(std == 0, 1.0, std))

    return make


def _standardize_oracle(images):
    """scikit-learn's scaler, with a pixel for a sample and a channel for a feature."""
    from sklearn.preprocessing import StandardScaler

    return rounded(
        StandardScaler().fit_transform(images.reshape(-1, images.shape[-1]).astype(float)).reshape(images.shape)
    )


def _photographs(rng, shape):
    """Pictures as bytes: each channel with a mean and a spread of its own, one picture brighter than another."""
    n, channels = shape[0], shape[-1]
    middle = rng.permutation(np.linspace(60, 190, channels)) if channels > 1 else np.array([120.0])
    spread = rng.permutation(np.linspace(12, 40, channels)) if channels > 1 else np.array([30.0])
    light = np.linspace(-18, 18, n).reshape(-1, 1, 1, 1)
    rows = np.linspace(-12, 12, shape[1]).reshape(1, -1, 1, 1)
    values = middle + light + rows + spread * rng.normal(size=shape)
    return np.clip(values, 0, 255).round().astype(np.uint8)


def _nearly_plain(rng, shape):
    """Pictures as bytes whose channels have two values each, next to one another."""
    while True:
        above = rng.random(shape) < 0.2
        if all(2 < count < 10 for count in above.sum(axis=(0, 1, 2))):
            return (rng.permutation([40, 130, 210])[: shape[-1]] + above).astype(np.uint8)


def _standardize_cases(rng):
    first = np.array([[[[0, 8], [2, 4]]], [[[4, 6], [6, 2]]]]) * rng.integers(2, 8) + rng.integers(0, 9)
    yield Case("2 pictures of 1 x 2, two channels", images=first.astype(np.uint8))
    yield Case("4 pictures of 5 x 6, red, green, blue", images=_photographs(rng, (4, 5, 6, 3)))
    yield Case("a single picture, nearly of one color", images=_nearly_plain(rng, (1, 4, 7, 3)))
    yield Case("gray pictures, one channel", images=_photographs(rng, (5, 4, 6, 1)))
    yield Case("as many pictures as channels", images=_photographs(rng, (3, 6, 4, 3)))


def _wraps(images):
    mean, std = _statistics(images, (0, 1, 2))
    return rounded((images - mean.astype(np.uint8)) / std)


def _without(part):
    def make(images):
        mean, std = _statistics(images, (0, 1, 2))
        return rounded(images - mean) if part == "std" else rounded(images / std)

    return make


def _into_bytes(images):
    """What is left of the right numbers in an array of bytes, as np.zeros_like(images) makes one."""
    mean, std = _statistics(images, (0, 1, 2))
    return np.trunc((images - mean) / std).astype(np.int64).astype(np.uint8)


def _variance(images):
    mean, std = _statistics(images, (0, 1, 2))
    return rounded((images - mean) / std**2)


def _smallest_to_largest(images):
    low, high = images.min(axis=(0, 1, 2)).astype(float), images.max(axis=(0, 1, 2)).astype(float)
    return rounded((images - low) / (high - low))


STANDARDIZE = Exercise(
    id="00.standardize",
    title="Every channel to mean 0 and standard deviation 1",
    points=20,
    cases=_standardize_cases,
    oracle=_standardize_oracle,
    forbidden=LIBRARIES,
    image=False,
    misconceptions={
        "one mean for all channels": Mistake(
            "You take one mean and one standard deviation over everything. Each channel has its own: red may be bright "
            "where blue is dark. Leave the last axis out of the axes that you average over.",
            _standard((0, 1, 2, 3)),
        ),
        "the axes of another layout": Mistake(
            "You average over axes 0, 2 and 3. That would be right for pictures whose channels stand on axis 1. Here they "
            "stand last, so what you keep apart is the rows.",
            _standard((0, 2, 3)),
        ),
        "arithmetic in uint8": Mistake(
            "Somewhere you subtract bytes from bytes. A byte cannot go below 0: 3 - 5 becomes 254. Turn the pictures into "
            "floats first.",
            _wraps,
        ),
        "the result is kept in bytes": Mistake(
            "You write your numbers into an array of bytes, which holds no fractions and nothing below 0. "
            "np.zeros_like(images) has the dtype of the pictures: ask for floats, with np.zeros(images.shape).",
            _into_bytes,
        ),
        "divided by the variance": Mistake(
            "You divide by the variance. The standard deviation is its square root, and that is what makes the spread 1.",
            _variance,
        ),
        "each picture by itself": Mistake(
            "You take the mean and the standard deviation of each picture. Then a dark photo and a bright one look alike. "
            "Average over the pictures too: axis 0.",
            _standard((1, 2)),
        ),
        "each place by itself": Mistake(
            "You average over axis 0 alone, so that every pixel's place has a mean of its own. Average over height and "
            "width as well.",
            _standard((0,)),
        ),
        "not divided": Mistake(
            "The mean is 0, but the spread is as it was. Divide by the standard deviation.",
            _without("std"),
        ),
        "not centered": Mistake(
            "The spread is 1, but the mean is not 0. Subtract the mean first.",
            _without("mean"),
        ),
        "scaled to 0 to 1": Mistake(
            "You stretch each channel from its smallest to its largest value. That is another way to scale. Here: subtract "
            "the mean, divide by the standard deviation.",
            _smallest_to_largest,
        ),
        "bytes divided by 255": Mistake(
            "You divide by 255, the largest byte. Then the numbers lie between 0 and 1, but their mean is not 0 and their "
            "spread not 1.",
            lambda images: rounded(images / 255),
        ),
        "the standard deviation with n - 1": Mistake(
            "Your numbers are a little too small: you divide by n - 1 in the standard deviation (ddof=1). The docstring "
            "asks for NumPy's default, which divides by n.",
            _standard((0, 1, 2), ddof=1),
        ),
    },
    hints=(
        "Take all numbers of one channel, whichever picture and pixel they come from. What is their mean, and what their "
        "standard deviation?",
        "mean and std take several axes at once: axis=(0, 1, 2) averages over pictures, rows and columns, and leaves one "
        "number for each channel, shape (C,).",
        "images = images.astype(float); then (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2)). The shape "
        "(C,) fits the last axis by itself.",
    ),
)


# --- 00.one_hot ---------------------------------------------------------------------------------------------


def _one_hot_oracle(labels, num_classes):
    return torch.nn.functional.one_hot(torch.from_numpy(np.array(labels)), num_classes).numpy().astype(float)


def _drawn_labels(rng, n, low, high):
    """n labels from low to high - 1, one of which occurs twice, not in order, so that nothing looks right by luck."""
    while True:
        labels = rng.integers(low, high, n).astype(np.int64)
        if 1 < len(set(labels.tolist())) < n and (labels != np.arange(n)).all():
            return labels


def _one_hot_cases(rng):
    yield Case("3 labels, 4 dishes", labels=np.array([2, 0, 2]) if rng.random() < 0.5 else np.array([1, 2, 1]), num_classes=4)  # fmt: skip
    yield Case("7 labels, 5 dishes", labels=_drawn_labels(rng, 7, 0, 5), num_classes=5)
    yield Case("the last dishes do not occur", labels=_drawn_labels(rng, 4, 0, 6), num_classes=9)
    while True:
        square = _drawn_labels(rng, 5, 0, 5)
        if (one_hot(square, 5) != one_hot(square, 5).T).any():
            break
    yield Case("as many labels as dishes", labels=square, num_classes=5)
    yield Case("a single label", weight=0.5, labels=np.array([int(rng.integers(10, 12))]), num_classes=12)


ONE_HOT = Exercise(
    id="00.one_hot",
    title="Labels as rows of zeros and a one",
    points=15,
    cases=_one_hot_cases,
    oracle=_one_hot_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "the classes are counted from the batch": Mistake(
            "You make as many columns as the largest label needs. If this batch has no picture of the last dish, its column "
            "is missing, and two batches no longer fit together. num_classes says how many there are.",
            lambda y, k: one_hot(y, int(y.max()) + 1),
        ),
        "off by one": Mistake(
            "Your ones stand one column too far left. Labels begin at 0, and so do columns: label 2 belongs in column 2.",
            lambda labels, num_classes: one_hot((labels - 1) % num_classes, num_classes),
        ),
        "transposed": Mistake(
            "You have a row for each dish. It should be a row for each picture: shape (N, num_classes).",
            lambda y, k: one_hot(y, k).T.copy(),
        ),
        "the label instead of 1": Mistake(
            "You write the label itself into its column. It should be a 1, whichever dish it is.",
            lambda y, k: one_hot(y, k) * y[:, None],
        ),
        "zeros and ones swapped": Mistake(
            "You have ones everywhere but at the label. It is the other way around: a single 1, and zeros elsewhere.",
            lambda y, k: 1 - one_hot(y, k),
        ),
        "one row for the whole batch": Mistake(
            "You count how often each dish occurs. Each picture has a row of its own.",
            lambda y, k: one_hot(y, k).sum(axis=0),
        ),
        "the labels are not looked at": Mistake(
            "Your first one stands in column 0, the next in column 1, and so on. The label says which column it is. With "
            "np.eye, choose rows by label.",
            lambda y, k: np.eye(len(y), k),
        ),
        "every row has all the ones": Mistake(
            "Each of your rows has a one for every label of the batch. Picture i gets its own label's one only: index the "
            "row together with the column, and make a new row for each picture. [row] * N, and a row made once above the loop, "
            "are one and the same row N times.",
            lambda y, k: np.tile((one_hot(y, k).sum(axis=0) > 0).astype(float), (len(y), 1)),
        ),
    },
    hints=(
        "Start with an array of zeros of the right shape. Which single entry of row 0 must become 1?",
        "table[i, labels[i]] = 1 for every picture i, in a loop or all at once with np.arange(N).",
        "table = np.zeros((len(labels), num_classes)); table[np.arange(len(labels)), labels] = 1; return table.",
    ),
)


# --- 00.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "00.quiz",
    15,
    [
        Question(
            "d",
            a="20 % would be the share that a blind first guess hits. Here it has five guesses, and there are five "
            "dishes.",
            b="It would depend on the training if there were more dishes than guesses. How many are left unguessed?",
            c="Count again: five guesses, five dishes. Which dish could be missing?",
        ),
        Question(
            "b",
            a="1 % is the difference of the accuracies. Compare it with the error that there was.",
            c="75 % is what is left of the error, not what is gone.",
            d="33 % compares with the new error. A reduction is measured against the old one.",
        ),
        Question(
            "c",
            a="That is the number of pixels. Each pixel has a number for red, one for green and one for blue.",
            b="Height plus width counts an edge, not an area.",
            d="256 is how many values one byte can have. It does not change how many numbers there are.",
        ),
        Question(
            "a",
            b="Nobody has measured the average person on this task. One trained person reached 5.1 %, another, less "
            "trained, 12.0 %.",
            c="It was a person's error. The network that he played against had 6.8 % on the same pictures.",
            d="Nobody knows the lower limit. He himself thought that with more training he could do better.",
        ),
        Question(
            "b",
            a="The test pictures are drawn like the training pictures. They are neither easier nor harder.",
            c="A network reads pictures of one size, whichever part of the data they come from.",
            d="The pictures' shares of dishes are the same in all parts. It is about what the network has seen.",
        ),
    ],
)

EXERCISES = [ACCURACY, TOP_K_ACCURACY, ERROR_REDUCTION, STANDARDIZE, ONE_HOT, CORRECT_RANK, QUIZ]
