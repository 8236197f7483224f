"""Chapter 05, losses: its exercises, their cases, oracles and known mistakes.

Inputs are rounded to two decimals, so that a learner can read them, and answers to ten, so that a sheet is the same
on every machine. Scores are (N, K), labels int64 (N,).
"""

from __future__ import annotations

import numpy as np
import torch

from autograder.authoring.draws import drawn_labels, rounded, rounding, signed, whole
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import log_softmax, one_hot, softmax

SOFTMAXES = ("scipy.special.*",)
LIBRARIES = ("torch.*", "sklearn.*", *SOFTMAXES)


def _rows(labels):
    return np.arange(len(labels))


# --- 05.linear_scores ---------------------------------------------------------------------------------------


def _linear(X, W, b):
    return rounded(np.einsum("nd,kd->nk", X, W) + b)


def _linear_oracle(X, W, b):
    X, W, b = (torch.from_numpy(np.array(a)) for a in (X, W, b))
    return rounded(torch.nn.functional.linear(X, W, b).numpy())


def _asymmetric(rng, n):
    W = signed(rng, (n, n))
    W[0, 1] = -W[1, 0]
    return W


def _linear_cases(rng):
    yield Case("2 plates, 2 features, 3 dishes", X=whole(rng, (2, 2), 1, 6), W=whole(rng, (3, 2), -2, 3) + 0.5, b=np.array([1.0, 2.0, -1.0]) * rng.integers(1, 4))  # fmt: skip
    yield Case("5 plates, 4 features, 3 dishes", X=signed(rng, (5, 4)), W=signed(rng, (3, 4)), b=signed(rng, 3))
    yield Case("as many dishes as features", X=signed(rng, (5, 3)), W=_asymmetric(rng, 3), b=signed(rng, 3))
    yield Case("as many plates as dishes", X=signed(rng, (4, 2)), W=signed(rng, (4, 2)), b=np.array([-1.0, 0.5, 2.0, 1.25]) * rng.integers(1, 4))  # fmt: skip
    yield Case("a single plate", X=signed(rng, (1, 3)), W=signed(rng, (5, 3)), b=signed(rng, 5))
    hundreds = [signed(rng, shape, 900, 120) for shape in ((2, 3), (4, 3), 4)]
    yield Case("numbers in the hundreds", weight=0.5, X=hundreds[0], W=hundreds[1], b=hundreds[2])


LINEAR_SCORES = Exercise(
    id="05.linear_scores",
    title="Scores of a linear classifier",
    points=8,
    cases=_linear_cases,
    oracle=_linear_oracle,
    forbidden=("torch.*", "sklearn.*"),
    misconceptions={
        "W is not transposed": Mistake(
            "You multiply X by W as it stands, which would be right for a W of shape (D, K). Here each row of W belongs "
            "to a dish, so its shape is (K, D). Write the shapes under the product: which axes must meet?",
            lambda X, W, b: rounded(X @ W + b),
        ),
        "the bias is forgotten": Mistake(
            "The products are right, but b is not added. Every dish has its own bias, the same for all plates.",
            lambda X, W, b: _linear(X, W, 0 * b),
        ),
        "W is reshaped, not transposed": Mistake(
            "You give W the shape (D, K) with reshape. That keeps the numbers in their order and breaks the rows anew, so each dish "
            "gets weights of others. Its transpose turns rows into columns: W.T.",
            lambda X, W, b: rounded(X @ W.reshape(W.shape[::-1]) + b),
        ),
        "the bias is subtracted": Mistake(
            "The products are right, but b is subtracted instead of added. Look at the sign in the formula.",
            lambda X, W, b: _linear(X, W, -b),
        ),
        "the bias runs down the plates": Mistake(
            "b is added along the wrong axis: plate n gets b[n]. A bias belongs to a dish, so it must run along the "
            "columns of the scores.",
            lambda X, W, b: rounded(X @ W.T + b[:, None]),
        ),
        "a column for each plate": Mistake(
            "Your numbers are right, but they stand as (K, N): a row for each dish. The course keeps the plates on the "
            "first axis, one row each.",
            lambda X, W, b: _linear(X, W, b).T.copy(),
        ),
        "only the first plate": Mistake(
            "You return the scores of the first plate only. X holds N plates, so the result has N rows.",
            lambda X, W, b: _linear(X, W, b)[0].copy(),
        ),
        "an activation is applied": Mistake(
            "Your negative scores have become zero. Scores are raw: any real number is allowed, and the loss needs all "
            "of them.",
            lambda X, W, b: np.maximum(_linear(X, W, b), 0),
        ),
        "the scores are averaged over the features": Mistake(
            "You take the mean of the products. A score is their sum, so the numbers are too small by the number of "
            "features.",
            lambda X, W, b: _linear(X, W / X.shape[1], b),
        ),
    },
    hints=(
        "Take one plate and one dish first. Which row of X and which row of W do you need, and what is done with them?",
        "The dish's row of W has as many numbers as the plate's row of X. For all pairs at once that is a matrix "
        "product whose inner axis is D. Which of the two must be transposed?",
        "X is (N, D) and W.T is (D, K), so X @ W.T is (N, K). b, of shape (K,), can be added to it as it is.",
    ),
)


# --- 05.hinge_loss and 05.hinge_grad ------------------------------------------------------------------------


def _margins(scores, labels, delta=1.0):
    """s_j - s_y + delta, with the correct class's entry at minus infinity."""
    margins = scores - scores[_rows(labels), labels][:, None] + delta
    margins[_rows(labels), labels] = -np.inf
    return margins


def _hinges(scores, labels, delta=1.0):
    return np.maximum(_margins(scores, labels, delta), 0)


def _hinge(scores, labels, delta=1.0):
    return rounded(_hinges(scores, labels, delta).sum(axis=1).mean())


def _torch_hinge(scores, labels, delta=1.0):
    scores = torch.from_numpy(np.array(scores)).requires_grad_()
    # PyTorch divides the sum over the classes by K.
    loss = torch.nn.functional.multi_margin_loss(scores, torch.from_numpy(np.array(labels)), p=1, margin=delta)
    return scores, loss * scores.shape[1]


def _hinge_oracle(scores, labels, delta=1.0):
    return rounded(_torch_hinge(scores, labels, delta)[1].item())


def _hinge_grad_oracle(scores, labels, delta=1.0):
    scores, loss = _torch_hinge(scores, labels, delta)
    loss.backward()
    return rounded(scores.grad.numpy())


def _contested(rng, n, k, delta):
    """Scores where margins of every kind occur, none of them near the kink, and delta matters."""
    while True:
        scores, labels = (
            (rng.normal(size=(n, k)) * 1.5 * max(delta, 0.5)).round(2),
            drawn_labels(rng, n, k, repeated=True),
        )
        masks = [_margins(scores, labels, d) > 0 for d in (delta, 1.0, 0.0, -delta)]
        near = np.abs(np.where(np.isinf(_margins(scores, labels, delta)), 9, _margins(scores, labels, delta))).min()
        differ = [(mask != masks[0]).any() for mask in masks[1:]]
        counts = masks[0].sum(axis=1)
        untied = all(len(set(row)) == k for row in scores.tolist())
        matters = all(differ[1:]) and (differ[0] or delta == 1)
        if near > 0.02 and matters and untied and counts.max() > 1 and counts.min() < k - 1:
            return scores, labels


def _hundreds(rng, n, k, delta):
    """Scores of some hundreds, with margins on both sides of the kink and none near it."""
    while True:
        scores, labels = signed(rng, (n, k), 300, 120), drawn_labels(rng, n, k, repeated=True)
        margins = np.delete(_margins(scores, labels, delta).ravel(), np.arange(n) * k + labels)
        clipped = _margins(np.clip(scores, -100, 100), labels, delta)
        if np.abs(margins).min() > 1 and ((clipped > 0) != (_margins(scores, labels, delta) > 0)).any():
            return scores, labels


def _hinge_cases(rng):
    # by construction: a margin of 3 and one of at most 0; then a plate with exactly delta to spare
    low, step = float(rng.integers(-3, 4)), float(rng.integers(1, 4))
    first = np.array([[low + 2, low + 2 + step, low - 2], [low, low + 1, low + 5.0]])
    yield Case("whole numbers, two plates", scores=first, labels=np.array([0, 2]), delta=1.0)
    for label, n, k, delta in (
        ("five plates, delta 1", 5, 4, 1.0),
        ("delta 0.5", 4, 3, 0.5),
        ("delta 2.5", 6, 5, 2.5),
    ):
        scores, labels = _contested(rng, n, k, delta)
        yield Case(label, scores=scores, labels=labels, delta=delta)
    gap = float(rng.integers(2, 4))
    base = whole(rng, (3, 1))
    scores = base + np.array([[gap, 0, gap + 1, -3], [0, gap, gap - 1, -2], [-4, -gap, 0, -5]])
    yield Case("margins of exactly zero", scores=scores, labels=np.array([0, 1, 2]), delta=gap)
    scores, labels = _contested(rng, 5, 12, 1.0)
    scores, labels = np.roll(scores, 11 - labels[-1], axis=1), (labels + 11 - labels[-1]) % 12  # one label is 11
    scores[0, labels[0] - 1] = scores[0, labels[0]] - 1.05  # would count if delta were 1.1
    yield Case("twelve dishes, delta left at its default", scores=scores.round(2), labels=labels)
    scores, labels = _hundreds(rng, 4, 3, 40.0)
    yield Case("scores in the hundreds, delta 40", weight=0.5, scores=scores, labels=labels, delta=40.0)
    scores = signed(rng, (4, 3))
    labels = drawn_labels(rng, 4, 3, repeated=True)
    scores[_rows(labels), labels] += 9
    yield Case("every plate right by far", weight=0.5, scores=scores, labels=labels, delta=1.5)


def _hinge_variant(reduce):
    return lambda scores, labels, delta=1.0: rounded(reduce(_hinges(scores, labels, delta)))


HINGE_LOSS = Exercise(
    id="05.hinge_loss",
    title="The multiclass hinge loss",
    points=12,
    cases=_hinge_cases,
    oracle=_hinge_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "the correct class counts too": Mistake(
            "Your sum runs over all classes. For the correct one s_j - s_y is 0, so it always adds delta, even to a "
            "perfect plate. The formula says j other than y.",
            lambda s, y, d=1.0: rounded(_hinge(s, y, d) + d),
        ),
        "a sum over the plates": Mistake(
            "You add up the losses of all plates. The loss is their mean, so that a batch of 64 and one of 8 can be "
            "compared.",
            _hinge_variant(np.sum),
        ),
        "the margin's sign is turned": Mistake(
            "You punish the plates that are right: the larger the correct score, the larger your loss. What must be "
            "added to delta is the wrong class's score minus the correct one's.",
            lambda s, y, d=1.0: rounded(
                np.where(np.isinf(_margins(s, y, d)), 0, np.maximum(2 * d - _margins(s, y, d), 0)).sum(axis=1).mean()
            ),
        ),
        "delta is always 1": Mistake(
            "The margin you ask for is 1, whatever delta says. Look for a 1 in your code.",
            lambda s, y, d=1.0: _hinge(s, y, 1.0),
        ),
        "delta is left out": Mistake(
            "You punish only classes that score higher than the correct one. The correct class must win by at least "
            "delta, or it still pays.",
            lambda s, y, d=1.0: _hinge(s, y, 0.0),
        ),
        "delta is subtracted": Mistake(
            "With your sign a wrong class costs nothing until it is delta ahead. It is the other way around: the "
            "correct class must be delta ahead.",
            lambda s, y, d=1.0: _hinge(s, y, -d),
        ),
        "the sum is cut off, not its terms": Mistake(
            "You add up a plate's margins first, and take the larger of the sum and 0. Each wrong class has its own max: "
            "cut off the terms, then add them up.",
            lambda s, y, d=1.0: rounded(
                np.maximum(np.where(np.isinf(_margins(s, y, d)), 0, _margins(s, y, d)).sum(axis=1), 0).mean()
            ),
        ),
        "negative margins are kept": Mistake(
            "A class that is beaten by more than delta should cost 0. In your sum it pays money back, and hides another "
            "class's mistake.",
            lambda s, y, d=1.0: rounded(np.where(np.isinf(_margins(s, y, d)), 0, _margins(s, y, d)).sum(axis=1).mean()),
        ),
        "a mean over the classes": Mistake(
            "Your loss is divided by the number of classes, as PyTorch's multi_margin_loss does. Here the terms of a "
            "plate are added up, and only the plates are averaged.",
            _hinge_variant(np.mean),
        ),
        "a mean over the wrong classes": Mistake(
            "Your loss is divided by the number of wrong classes. Here the terms of a plate are added up, and only the "
            "plates are averaged.",
            lambda s, y, d=1.0: rounded(_hinge(s, y, d) / (s.shape[1] - 1)),
        ),
        "only the strongest wrong dish counts": Mistake(
            "You take the largest term of each plate. That is another loss, by Crammer and Singer. The one in this "
            "chapter adds up the terms of all wrong classes.",
            _hinge_variant(lambda h: h.max(axis=1).mean()),
        ),
        "the terms are squared": Mistake(
            "You square each term. That is the squared hinge loss, a different one; here the terms count as they are.",
            _hinge_variant(lambda h: (h**2).sum(axis=1).mean()),
        ),
        "one loss for each plate": Mistake(
            "You return N numbers, one for each plate. They are right, but the loss of the batch is one number: their "
            "mean.",
            lambda s, y, d=1.0: rounded(_hinges(s, y, d).sum(axis=1)),
        ),
        "only the first plate": Mistake(
            "Your loss is that of the first plate alone. All N plates of the batch count. Look for an index 0, or a "
            "return inside the loop.",
            lambda s, y, d=1.0: _hinge(s[:1], y[:1], d),
        ),
    },
    hints=(
        "Take one plate. Write down its scores, find the correct one, and work out one term for each wrong class. When "
        "is a term 0?",
        "scores[np.arange(N), labels] picks the correct score of each plate, shape (N,). Give it a second axis, and "
        "all margins come from one subtraction.",
        "margins = np.maximum(0, scores - correct[:, None] + delta); then set margins[np.arange(N), labels] to 0, add "
        "up along axis 1, and take the mean.",
    ),
)


def _hinge_slopes(scores, labels, delta=1.0, mask=None):
    """(N, K), before the division by N."""
    active = (_margins(scores, labels, delta) > 0 if mask is None else mask).astype(float)
    active[_rows(labels), labels] = -active.sum(axis=1)
    return active


def _slopes(make, divide=True):
    """Slopes of the plates' losses, `make(scores, labels, ...)`, as those of their mean or, not divided, of their sum."""
    return rounding(lambda scores, labels, *more: make(scores, labels, *more) / (len(labels) if divide else 1))


def _without_correct(s, y, d=1.0):
    return (_margins(s, y, d) > 0).astype(float)


def _correct_once(s, y, d=1.0):
    slopes = _without_correct(s, y, d)
    slopes[_rows(y), y] = -1.0 * (slopes.sum(axis=1) > 0)
    return slopes


def _in_booleans(s, y, d=1.0):
    slopes = _without_correct(s, y, d)
    slopes[_rows(y), y] = slopes.any(axis=1)
    return slopes


def _below_zero(s, y, d=1.0):
    """The correct class's slope is minus the sum of the others, some of which are -1."""
    slopes = np.where(_margins(s, y, d) > 0, 1.0, -1.0)
    slopes[_rows(y), y] = 0
    slopes[_rows(y), y] = -slopes.sum(axis=1)
    return slopes


def _below_zero_counted(s, y, d=1.0):
    """The correct class's slope is right."""
    slopes = np.where(_margins(s, y, d) > 0, 1.0, -1.0)
    slopes[_rows(y), y] = _hinge_slopes(s, y, d)[_rows(y), y]
    return slopes


def _correct_gets(number):
    def slopes(s, y, d=1.0):
        slopes = _without_correct(s, y, d)
        slopes[_rows(y), y] = number(s)
        return slopes

    return slopes


def _correct_counted(s, y, d=1.0):
    slopes = _hinge_slopes(s, y, d)
    slopes[_rows(y), y] -= 1
    return slopes


def _correct_pushed_down(s, y, d=1.0):
    return np.abs(_hinge_slopes(s, y, d))


def _margins_as_slopes(s, y, d=1.0):
    slopes = _hinges(s, y, d)
    slopes[_rows(y), y] = -slopes.sum(axis=1)
    return slopes


def _strongest_only(s, y, d=1.0):
    margins = _margins(s, y, d)
    return _hinge_slopes(s, y, d, (margins > 0) & (margins == margins.max(axis=1, keepdims=True)))


HINGE_GRAD = Exercise(
    id="05.hinge_grad",
    title="The hinge loss's gradient",
    points=12,
    cases=_hinge_cases,
    oracle=_hinge_grad_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "the correct class's entry is missing": Mistake(
            "The wrong classes are right, but the correct one has slope 0. Its score stands in every term of the plate, "
            "with a minus sign. How many of those terms are above 0?",
            _slopes(_without_correct),
        ),
        "not divided by N": Mistake(
            "The slopes are right for the sum of all plates. The loss is their mean, and that divides every slope as "
            "well.",
            _slopes(_hinge_slopes, divide=False),
        ),
        "the correct class is counted once": Mistake(
            "You give the correct class the slope of a single term. Its score stands in every term of the plate that is "
            "above 0, and their slopes add up.",
            _slopes(_correct_once),
        ),
        "True where a count belongs": Mistake(
            "Your array holds True and False, so whatever you write into it becomes one of the two: a count of -2 turns "
            "into True, which is 1. Make numbers of it first, with astype(float).",
            _slopes(_in_booleans),
        ),
        "-1 where a term is 0": Mistake(
            "A class that is beaten by more than delta has the slope -1 in your answer. Its term is 0 and stays 0 when its "
            "score moves a little, so its slope is 0.",
            _slopes(_below_zero),
            also=[_slopes(_below_zero_counted)],
        ),
        "the correct class always gets -1": Mistake(
            "You give the correct class the slope -1, whatever the margins. Its score stands in every term of the plate "
            "that is above 0: count those, and take the count with a minus sign.",
            _slopes(_correct_gets(lambda s: -1.0)),
        ),
        "all wrong classes are counted for the correct one": Mistake(
            "The correct class's slope counts all K - 1 wrong classes. Only the terms above 0 have a slope: count those.",
            _slopes(_correct_gets(lambda s: 1.0 - s.shape[1])),
        ),
        "the correct class counts itself": Mistake(
            "The correct class's slope is one too low, since its own margin (which is delta) was counted as a term. Take "
            "it out before you count.",
            _slopes(_correct_counted),
        ),
        "the correct class has the wrong sign": Mistake(
            "The correct class's slope is positive, as if a higher correct score made the loss grow. Its score enters the "
            "terms with a minus sign.",
            _slopes(_correct_pushed_down),
        ),
        "all signs are turned": Mistake(
            "All your signs are reversed. The gradient points to where the loss grows; going the other way is the "
            "optimizer's business.",
            _slopes(lambda s, y, d=1.0: -_hinge_slopes(s, y, d)),
        ),
        "the margins instead of their slopes": Mistake(
            "You return the terms themselves. max(0, m) has slope 1 where m is above 0, however large m is.",
            _slopes(_margins_as_slopes),
        ),
        "a margin of zero is counted": Mistake(
            "Where a margin is exactly 0 you give the slope 1. The docstring asks for 0 there, as PyTorch does. Compare "
            "with >, not >=.",
            _slopes(lambda s, y, d=1.0: _hinge_slopes(s, y, d, _margins(s, y, d) >= 0)),
        ),
        "delta is always 1": Mistake(
            "The margin you ask for is 1, whatever delta says. Look for a 1 in your code.",
            _slopes(lambda s, y, d=1.0: _hinge_slopes(s, y, 1.0)),
        ),
        "delta is left out": Mistake(
            "You count only classes that score higher than the correct one. A class less than delta behind costs something as well, "
            "so it has a slope.",
            _slopes(lambda s, y, d=1.0: _hinge_slopes(s, y, 0.0)),
        ),
        "all classes are pushed": Mistake(
            "Every wrong class has a slope in your answer, even those that are beaten by more than delta. Their terms are "
            "0, and stay 0 when a score moves a little.",
            _slopes(lambda s, y, d=1.0: _hinge_slopes(s, y, d, ~np.isinf(_margins(s, y, d)))),
        ),
        "only the strongest wrong dish counts": Mistake(
            "Only the highest wrong class has a slope in your answer. In this chapter's hinge loss each wrong class within "
            "the margin has a term of its own.",
            _slopes(_strongest_only),
        ),
        "divided by the classes too": Mistake(
            "Your slopes are divided by the number of classes. Only the plates are averaged; the terms of a plate are "
            "added up.",
            _slopes(lambda s, y, d=1.0: _hinge_slopes(s, y, d) / s.shape[1]),
        ),
    },
    hints=(
        "Take one plate and one term above 0. It grows by 1 when its wrong score grows by 1. What happens to it when the "
        "correct score grows by 1?",
        "Make an array of 1 where the margin is above 0 and 0 elsewhere. The correct class's own entry must not be among "
        "the ones. How many terms does the correct score stand in?",
        "active = (margins > 0) as floats, with the correct class's entries 0. Then the correct class's entry is "
        "-active.sum(axis=1). Divide everything by N.",
    ),
)


# --- 05.softmax ---------------------------------------------------------------------------------------------


def _softmax_oracle(scores):
    return rounded(torch.softmax(torch.from_numpy(np.array(scores)), dim=1).numpy())


def _distinct(rng, n, k, size=2.0):
    """Scores with no two of a row alike."""
    while True:
        scores = signed(rng, (n, k), size)
        if all(len(set(row)) == k for row in scores.tolist()):
            return scores


def _huge(rng, n, k):
    """Rows around +1000 and -1000 by turns, a few units apart."""
    offsets = np.stack([rng.permutation(k) for _ in range(n)]).astype(float)
    return (
        offsets + 1000.0 * np.where(np.arange(n) % 2, -1, 1)[:, None] - 2.0 * np.where(np.arange(n) % 2, 0, 1)[:, None]
    )


def _softmax_cases(rng):
    first = np.stack([rng.permutation([0.0, 1.0, 3.0]), rng.permutation([-1.0, 2.0, 4.0])])
    # The formula as it stands in the text is right where nothing overflows: those cases weigh little.
    yield Case("whole numbers, two plates", weight=0.5, scores=first)
    yield Case("five plates, four dishes", weight=0.5, scores=_distinct(rng, 5, 4))
    yield Case("as many plates as dishes", weight=0.5, scores=_distinct(rng, 4, 4))
    yield Case("a single plate", weight=0.5, scores=_distinct(rng, 1, 5))
    yield Case("scores of a thousand and minus a thousand", weight=4, scores=_huge(rng, 4, 3))
    yield Case("a thousand and minus a thousand in one row", weight=3, scores=_spread(rng, 3, 4))


def _spread(rng, n, k):
    """Rows with one score near a thousand and one near minus a thousand, the others small."""
    scores = signed(rng, (n, k))
    columns = np.stack([rng.permutation(k)[:2] for _ in range(n)])
    scores[np.arange(n), columns[:, 0]] += 1000
    scores[np.arange(n), columns[:, 1]] -= 1000
    return scores.round(2)


def _naive(scores):
    powers = np.exp(scores)
    return rounded(powers / powers.sum(axis=1, keepdims=True))


def _one_maximum(scores):
    return _normalized(np.exp(scores - scores.max()), 1)


def _normalized(powers, axis):
    return powers / powers.sum(axis=axis, keepdims=axis is not None)


def _shifted_powers(scores):
    return np.exp(scores - scores.max(axis=1, keepdims=True))


def _sigmoid(scores):
    return np.where(scores >= 0, 1 / (1 + np.exp(-np.abs(scores))), 1 - 1 / (1 + np.exp(-np.abs(scores))))


def _over_the_maximum(scores):
    with np.errstate(all="ignore"):
        return _normalized(np.exp(scores / scores.max(axis=1, keepdims=True)), 1)


def _lined_up(scores):
    powers = _shifted_powers(scores)
    return powers / powers.sum(axis=1)


def _shifted_by_the_mean(scores):
    powers = np.exp(scores - scores.mean(axis=1, keepdims=True))
    return rounded(powers / powers.sum(axis=1, keepdims=True))


SOFTMAX = Exercise(
    id="05.softmax",
    title="Softmax, stable",
    points=12,
    cases=_softmax_cases,
    oracle=_softmax_oracle,
    forbidden=LIBRARIES,
    quiet=True,
    misconceptions={
        "the exponential overflows": Mistake(
            "exp(1000) is too large for a float, and exp(-1000) is 0, so a row turns into inf/inf or 0/0. The "
            "probabilities stay the same when every score of a row is shifted by one number: which shift is safe?",
            _naive,
        ),
        "one maximum for the whole batch": Mistake(
            "You subtract the largest score of the whole batch. A row far below it then has nothing but zeros, and 0/0 "
            "is no probability. Each plate needs a maximum of its own.",
            _one_maximum,
        ),
        "divided by the maximum": Mistake(
            "You divide the scores by the largest one. That changes the probabilities. Subtract it: e to the s - m is e to "
            "the s over e to the m, and that factor cancels.",
            _over_the_maximum,
        ),
        "the maximum of each column": Mistake(
            "You subtract the maximum over the plates, which is another number for each dish. Only a shift that is the "
            "same for all scores of a plate leaves its probabilities alone.",
            lambda scores: softmax(scores - scores.max(axis=0)),
        ),
        "normalized down the columns": Mistake(
            "Your columns add up to 1: each dish is shared out among the plates. It is each plate that must be shared out "
            "among the dishes. Which axis is that?",
            lambda s: _normalized(np.exp(s - s.max(axis=0)), 0),
        ),
        "normalized over the whole batch": Mistake(
            "All of your numbers together add up to 1. Every row should, on its own.",
            lambda s: _normalized(_shifted_powers(s), None),
        ),
        "the sums line up with the columns": Mistake(
            "The N sums have shape (N,), and NumPy lines up the last axes: dish k is divided by the sum of plate k. The "
            "sums need a second axis, of length 1.",
            _lined_up,
        ),
        "shifted by the mean": Mistake(
            "You subtract each row's mean. The probabilities stay the same, but a score may still lie a thousand above the mean, "
            "and its exponential overflows. Which shift leaves no score above 0?",
            _shifted_by_the_mean,
        ),
        "divided by the mean": Mistake(
            "Your rows add up to the number of dishes: you divide by the mean of the exponentials. Divide by their sum.",
            lambda s: rounded(_shifted_powers(s) / _shifted_powers(s).mean(axis=1, keepdims=True)),
        ),
        "the mean is taken away at the end": Mistake(
            "Your rows add up to 0, and some of your numbers are negative: you subtract a mean after the exponential. "
            "Probabilities are positive and add up to 1.",
            lambda s: rounded(_shifted_powers(s) - _shifted_powers(s).mean(axis=1, keepdims=True)),
            also=[lambda s: rounded(softmax(s) - softmax(s).mean(axis=1, keepdims=True))],
        ),
        "no division by the sum": Mistake(
            "Your numbers are the exponentials, shifted, and they do not add up to 1. Something is left to divide by.",
            _shifted_powers,
        ),
        "the logarithm is returned": Mistake(
            "Your numbers are negative: they are the logarithms of the probabilities. Useful soon, but here the "
            "probabilities are asked for.",
            log_softmax,
        ),
        "a sigmoid for each score": Mistake(
            "You squash each score on its own. Softmax lets the dishes compete: when one probability grows, the others "
            "shrink, and the row adds up to 1.",
            _sigmoid,
        ),
        "a power of 2 instead of e": Mistake(
            "Your probabilities add up to 1, but the base is 2. Softmax uses the exponential function, with base e.",
            lambda s: softmax(s * np.log(2)),
        ),
        "the scores are clipped": Mistake(
            "You cut off large scores before the exponential. Then 1001 and 1000 become the same number, and their "
            "difference was all that mattered. Shift, do not cut.",
            lambda s: softmax(np.clip(s, -500, 500)),
        ),
        "all or nothing": Mistake(
            "You give 1 to the largest score and 0 to the rest. Softmax is soft: a close second gets nearly as much as "
            "the first.",
            lambda s: one_hot(s.argmax(axis=1), s.shape[1]),
        ),
    },
    hints=(
        "Each row is a plate, and each row must add up to 1. Along which axis do you add, and how does the sum keep its "
        "place next to the rows?",
        "sum(axis=1, keepdims=True) has shape (N, 1) and divides the rows as it should. For the size: which score of a "
        "row can you subtract so that no exponent is above 0?",
        "shifted = scores - scores.max(axis=1, keepdims=True); then the exponentials of shifted, divided by their sum "
        "along axis 1 with keepdims=True. Do not use -= on scores: it is the caller's array.",
    ),
)


# --- 05.cross_entropy and 05.cross_entropy_grad -------------------------------------------------------------


def _cross_entropies(scores, labels):
    return -log_softmax(scores)[_rows(labels), labels]


def _torch_cross_entropy(scores, labels):
    scores = torch.from_numpy(np.array(scores)).requires_grad_()
    return scores, torch.nn.functional.cross_entropy(scores, torch.from_numpy(np.array(labels)))


def _cross_entropy_oracle(scores, labels):
    return rounded(_torch_cross_entropy(scores, labels)[1].item())


def _cross_entropy_grad_oracle(scores, labels):
    scores, loss = _torch_cross_entropy(scores, labels)
    loss.backward()
    return rounded(scores.grad.numpy())


def _never_the_best(rng, scores):
    """For each plate a label that is not the highest score's."""
    while True:
        labels = drawn_labels(rng, *scores.shape, repeated=True)
        if (labels != scores.argmax(axis=1)).all():
            return labels


def _entropy_cases(rng):
    first = np.stack([rng.permutation([0.0, 1.0, 3.0]), rng.permutation([-1.0, 2.0, 4.0])])
    # As with the softmax: what overflows weighs most.
    yield Case("whole numbers, two plates", weight=0.4, scores=first, labels=drawn_labels(rng, 2, 3, repeated=True))
    scores = _distinct(rng, 5, 4)
    yield Case("five plates, four dishes", weight=0.4, scores=scores, labels=drawn_labels(rng, 5, 4, repeated=True))
    scores = _distinct(rng, 4, 4, 4.0)
    yield Case("always the wrong dish", weight=0.4, scores=scores, labels=_never_the_best(rng, scores))
    yield Case("a single plate", weight=0.4, scores=_distinct(rng, 1, 5), labels=rng.integers(1, 5, 1).astype(np.int64))
    yield Case(
        "scores of a thousand and minus a thousand",
        weight=4,
        scores=_huge(rng, 4, 3),
        labels=drawn_labels(rng, 4, 3, repeated=True),
    )
    scores = _spread(rng, 3, 4)
    yield Case("confident and wrong, by a thousand", weight=3, scores=scores, labels=_never_the_best(rng, scores))
    labels = np.array([11, *rng.integers(1, 12, 2), 9])
    yield Case("twelve dishes", weight=0.4, scores=_distinct(rng, 4, 12), labels=rng.permutation(labels))


def _batch_maximum(scores, labels):
    shifted = scores - scores.max()
    return rounded((np.log(np.exp(shifted).sum(axis=1)) - shifted[_rows(labels), labels]).mean())


def _not_added_back(scores, labels):
    shifted = scores - scores.max(axis=1, keepdims=True)
    return rounded((np.log(np.exp(shifted).sum(axis=1)) - scores[_rows(labels), labels]).mean())


def _entropy_variant(reduce):
    return lambda scores, labels: rounded(reduce(_cross_entropies(scores, labels)))


def _shift_label(labels, k):
    return (labels - 1) % k


#: What people add inside a logarithm besides 1e-12: powers of ten, and the rounding of float32 and float64.
_LITTLE = [*(10.0**-n for n in range(5, 17) if n != 12), *(float(np.finfo(kind).eps) for kind in ("f4", "f8"))]


def _with_little(little):
    return lambda s, y: rounded(-np.log(softmax(s)[_rows(y), y] + little).mean())


CROSS_ENTROPY = Exercise(
    id="05.cross_entropy",
    title="Cross-entropy from scores",
    points=12,
    cases=_entropy_cases,
    oracle=_cross_entropy_oracle,
    forbidden=LIBRARIES,
    quiet=True,
    misconceptions={
        "the logarithm of zero": Mistake(
            "Your softmax is stable, but where the correct dish's probability is too small for a float it becomes 0, and "
            "its logarithm is minus infinity. Simplify the logarithm of the fraction on paper before you compute it.",
            lambda scores, labels: rounded(-np.log(softmax(scores)[_rows(labels), labels]).mean()),
        ),
        "the exponential overflows": Mistake(
            "exp(1000) is too large for a float. Shift the scores of each plate first; the loss stays the same.",
            lambda scores, labels: rounded(-np.log(_naive(scores)[_rows(labels), labels]).mean()),
        ),
        "a small number added inside the logarithm": Mistake(
            "The small number inside your logarithm keeps infinity away, but it also caps the loss: a plate that is wrong "
            "by a thousand costs hardly more than one that is wrong by twenty or thirty. No such crutch is needed.",
            _with_little(1e-12),
            also=[_with_little(little) for little in _LITTLE],
        ),
        "one maximum for the whole batch": Mistake(
            "You subtract the largest score of the whole batch. A plate far below it has only zeros left, whose sum has no "
            "logarithm. Each plate needs a maximum of its own.",
            _batch_maximum,
        ),
        "a sum over the plates": Mistake(
            "You add up the losses of all plates. The loss is their mean, so that batches of any size can be compared.",
            _entropy_variant(np.sum),
        ),
        "the maximum is subtracted once only": Mistake(
            "You subtract the largest score inside the logarithm, and not from the correct score, so your loss is too small "
            "by it. Subtract it in both places, or add it once outside of the logarithm.",
            _not_added_back,
        ),
        "the sign is missing": Mistake(
            "Your loss is negative, and it falls the more wrong the network is. The logarithm of a probability is at most "
            "0: what is missing in front of it?",
            _entropy_variant(lambda losses: -losses.mean()),
        ),
        "squares instead of the logarithm": Mistake(
            "You add up squared differences between the probabilities and the label. It is a loss too, but it can never "
            "be above 2, so it hardly tells wrong from very wrong. Cross-entropy takes a logarithm.",
            lambda s, y: rounded(((softmax(s) - one_hot(y, s.shape[1])) ** 2).sum(axis=1).mean()),
        ),
        "the probability is squared": Mistake(
            "You square the correct dish's probability before the logarithm, which doubles the loss.",
            _entropy_variant(lambda losses: 2 * losses.mean()),
        ),
        "every label's column for every plate": Mistake(
            "scores[:, labels] picks for each plate the columns of all labels, N times N numbers. Plate n wants only its "
            "own label: index the rows as well, with np.arange(N).",
            lambda s, y: rounded(-log_softmax(s)[:, y].mean()),
        ),
        "the winning dish instead of the correct one": Mistake(
            "You look up the dish with the highest score. The label says which one is correct, and they differ where the "
            "network errs.",
            lambda s, y: rounded(_cross_entropies(s, s.argmax(axis=1)).mean()),
        ),
        "labels counted from 1": Mistake(
            "You look one column too far to the left. Labels count from 0, as columns do.",
            lambda s, y: rounded(_cross_entropies(s, _shift_label(y, s.shape[1])).mean()),
        ),
        "all dishes' logarithms are added": Mistake(
            "You add up the logarithms of all probabilities. The label is 1 for the correct dish and 0 for all others, so "
            "only one of them counts.",
            lambda s, y: rounded(-log_softmax(s).sum(axis=1).mean()),
        ),
        "softmax is taken twice": Mistake(
            "The probabilities went through softmax a second time. They lie between 0 and 1, so the second round flattens "
            "them, and even a perfect plate has a loss.",
            lambda s, y: rounded(_cross_entropies(softmax(s), y).mean()),
        ),
        "the mean before the logarithm": Mistake(
            "You average the probabilities and then take the logarithm. The loss is the mean of the logarithms: each plate "
            "first gets its own loss.",
            lambda s, y: rounded(-np.log(softmax(s)[_rows(y), y].mean())),
        ),
        "logarithm to base 2": Mistake(
            "Your loss is in bits: the logarithm has base 2. Deep learning uses the natural logarithm, np.log.",
            _entropy_variant(lambda losses: losses.mean() / np.log(2)),
        ),
        "a mean over the classes": Mistake(
            "Your loss is divided by the number of classes as well. Average over the plates only.",
            lambda s, y: rounded(_cross_entropies(s, y).mean() / s.shape[1]),
        ),
        "one loss for each plate": Mistake(
            "You return N numbers, one for each plate. They are right, but the loss of the batch is one number: their "
            "mean.",
            lambda s, y: rounded(_cross_entropies(s, y)),
        ),
    },
    hints=(
        "The loss of one plate is -log(p of the correct dish), and p is a fraction. The logarithm of a fraction is a "
        "difference of two logarithms: write it down, and one exponential disappears.",
        "What is left is log(sum of exp(s_j)) minus the correct score. Subtract each plate's maximum from its scores "
        "first: the difference does not change, and the sum is never below 1.",
        "shifted = scores minus its row maximum; total = np.log(np.exp(shifted).sum(axis=1)); the plates' losses are "
        "total - shifted[np.arange(N), labels]. Return their mean.",
    ),
)


def _p_less_one_hot(scores, labels):
    return softmax(scores) - one_hot(labels, scores.shape[1])


def _every_column(scores, labels):
    slopes = softmax(scores)
    slopes[:, labels] -= 1
    return slopes


def _only_correct(scores, labels):
    return _p_less_one_hot(scores, labels) * one_hot(labels, scores.shape[1])


def _naive_slope(probabilities):
    return lambda scores, labels: (probabilities(scores) - one_hot(labels, scores.shape[1])) / len(labels)


def _sigmoid_slope(scores, labels):
    p = softmax(scores)
    return _p_less_one_hot(scores, labels) * p * (1 - p)


CROSS_ENTROPY_GRAD = Exercise(
    id="05.cross_entropy_grad",
    title="Cross-entropy's gradient",
    points=10,
    cases=_entropy_cases,
    oracle=_cross_entropy_grad_oracle,
    forbidden=LIBRARIES,
    quiet=True,
    misconceptions={
        "not divided by N": Mistake(
            "The slopes are right for the sum of all plates. The loss is their mean, and that divides every slope as "
            "well.",
            _slopes(_p_less_one_hot, divide=False),
        ),
        "the sign is turned": Mistake(
            "All your signs are reversed. Raising the correct score must lower the loss, so its slope is negative.",
            _slopes(lambda s, y: -_p_less_one_hot(s, y)),
        ),
        "the one-hot vector is added": Mistake(
            "You add the label's 1 instead of subtracting it. The slopes of a plate should add up to 0: what one dish "
            "gains, the others lose.",
            _slopes(lambda s, y: softmax(s) + one_hot(y, s.shape[1])),
        ),
        "the label is forgotten": Mistake(
            "You return the probabilities, divided by N. The label has not been used yet, and it is what tells the correct "
            "dish from the others.",
            _slopes(lambda s, y: softmax(s)),
        ),
        "only the correct dish has a slope": Mistake(
            "The wrong dishes have slope 0 in your answer. Raising a wrong score takes probability away from the correct "
            "one, so it has a slope too.",
            _slopes(_only_correct),
        ),
        "every label's column for every plate": Mistake(
            "p[:, labels] -= 1 subtracts 1 in all columns that occur as labels, in every row. Each row wants it in one "
            "column only: index the rows as well.",
            _slopes(_every_column),
        ),
        "the label's number is subtracted": Mistake(
            "You subtract the label itself, 0 or 1 or 2. It is only the name of a column: what is subtracted is a 1, in "
            "that column.",
            _slopes(lambda s, y: softmax(s) - y[:, None]),
        ),
        "labels counted from 1": Mistake(
            "The 1 is subtracted one column too far to the left. Labels count from 0, as columns do.",
            _slopes(lambda s, y: _p_less_one_hot(s, _shift_label(y, s.shape[1]))),
        ),
        "the scores instead of the probabilities": Mistake(
            "You subtract the 1 from the scores. It must be subtracted from the probabilities: softmax comes first.",
            _slopes(lambda s, y: s - one_hot(y, s.shape[1])),
        ),
        "a sigmoid's slope is multiplied in": Mistake(
            "You multiply by p(1 - p) as well. The logarithm has already canceled it: that is why cross-entropy and "
            "softmax go together.",
            _slopes(_sigmoid_slope),
        ),
        "divided by the classes too": Mistake(
            "Your slopes are divided by the number of classes as well. Average over the plates only.",
            _slopes(lambda s, y: _p_less_one_hot(s, y) / s.shape[1]),
        ),
        "the exponential overflows": Mistake(
            "exp(1000) is too large for a float. Use a softmax that shifts the scores of each plate first.",
            _naive_slope(_naive),
        ),
        "one maximum for the whole batch": Mistake(
            "You subtract the largest score of the whole batch. A plate far below it has only zeros left, and 0/0 is no "
            "probability. Each plate needs a maximum of its own.",
            _naive_slope(_one_maximum),
        ),
    },
    hints=(
        "For one plate, write its probabilities down, and below them the label as a one-hot vector. The gradient "
        "says by how much each probability is too large.",
        "Start from softmax(scores), which is a new array of your own. In each row one number changes: the one in the "
        "label's column.",
        "p = softmax(scores); p[np.arange(N), labels] -= 1; then divide by N.",
    ),
)


# --- 05.binary_cross_entropy ----------------------------------------------------------------------------------


def _binary_labels(rng, n):
    """Labels (n,) of 0 and 1, both of them there where there is room."""
    return rng.permutation((np.arange(n) + int(rng.integers(2))) % 2).astype(np.int64)


def _binary_cases(rng):
    z = rng.permutation([2.0, -1.0]) * rng.choice([-1.0, 1.0])
    yield Case("two plates, whole numbers", weight=0.4, z=z, y=_binary_labels(rng, 2))
    yield Case("seven plates", weight=0.4, z=signed(rng, 7, 4.0), y=_binary_labels(rng, 7))
    y = _binary_labels(rng, 5)
    yield Case("always wrong", weight=0.4, z=np.where(y == 1, -1, 1) * rng.uniform(1, 5, 5).round(2), y=y)
    yield Case("a single plate", weight=0.4, z=signed(rng, 1, 3.0), y=_binary_labels(rng, 1))
    far = rng.uniform(720, 1000, 5).round()
    far[1], far[4] = -far[1], -far[4]
    yield Case("as far out as a thousand", weight=4, z=far[[0, 1, 2, 4]], y=np.array([1, 0, 0, 1]))
    y = _binary_labels(rng, 5)
    z = np.where(y == 1, -1, 1) * rng.uniform(40, 900, 5).round()
    yield Case("confident and wrong", weight=3, z=z, y=y)


def _binary_oracle(z, y):
    scores = torch.tensor(np.asarray(z), dtype=torch.float64, requires_grad=True)
    labels = torch.tensor(np.asarray(y), dtype=torch.float64)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(scores, labels)
    loss.backward()
    return rounded(loss.item()), rounded(scores.grad.numpy())


def _binary_losses(z, y):
    return np.logaddexp(0, z) - y * z


def _binary_excess(z, y):
    return 0.5 + 0.5 * np.tanh(z / 2) - y


def _binary(losses=_binary_losses, slopes=lambda z, y: _binary_excess(z, y) / len(y), reduce=np.mean):
    """A mistake: another loss for each plate, other slopes, or the losses put together in another way."""
    return lambda z, y: (rounded(reduce(losses(z, y))), rounded(slopes(z, y)))


def _from_probabilities(clip=0.0):
    def losses(z, y):
        p = np.clip(0.5 + 0.5 * np.tanh(z / 2), clip, 1 - clip)
        return -(y * np.log(p) + (1 - y) * np.log(1 - p))

    return losses


def _exp_overflows(z, y):
    return np.log(1 + np.exp(z)) - y * z


def _slope_for_p(z, y):
    p = 0.5 + 0.5 * np.tanh(z / 2)
    return (p - y) / (p * (1 - p)) / len(y)


BINARY = Exercise(
    id="05.binary_cross_entropy",
    title="Binary cross-entropy and its gradient",
    points=12,
    cases=_binary_cases,
    oracle=_binary_oracle,
    forbidden=LIBRARIES,
    quiet=True,
    misconceptions={
        "the logarithm of 0": Mistake(
            "You compute p first, and then its logarithm. Far out p is exactly 0 or 1 in floating point, and the logarithm "
            "of 0 is minus infinity. Start from z, with the formula that has no p in it.",
            _binary(_from_probabilities()),
        ),
        "p is clipped": Mistake(
            "You keep p away from 0 and 1, so that its logarithm stays finite. That changes the answer: a plate that is "
            "wrong by z = 900 costs 900, and yours costs about 16. Start from z, with the formula that has no p in it.",
            _binary(_from_probabilities(1e-7)),
        ),
        "the exponential overflows": Mistake(
            "ln(1 + exp(z)) is right, but exp of a large z is too large for a float. Take the largest exponent out first, so "
            "that exp only ever gets −|z|.",
            _binary(_exp_overflows),
        ),
        "the sum instead of the mean": Mistake(
            "Your loss and your slopes are those of the sum of all plates. The loss of a batch is the mean, and that divides "
            "both by N.",
            _binary(slopes=_binary_excess, reduce=np.sum),
        ),
        "the slopes are not divided by N": Mistake(
            "Your loss is right. The slopes are those of the sum: the loss is a mean, and that divides every slope as well.",
            _binary(slopes=_binary_excess),
        ),
        "the slopes have the wrong sign": Mistake(
            "Your loss is right, and all slopes have the wrong sign. Where y is 1, raising z makes the loss smaller, so the "
            "slope is negative: it is p − y.",
            _binary(slopes=lambda z, y: -_binary_excess(z, y) / len(y)),
        ),
        "the loss has the wrong sign": Mistake(
            "Your loss is negative. The logarithm of a probability is below 0, and the loss is minus that.",
            _binary(lambda z, y: -_binary_losses(z, y)),
        ),
        "only the plates with label 1 count": Mistake(
            "A plate with label 0 costs nothing in your answer, whatever its z. Its right answer is “no”, whose probability "
            "is 1 − p, so it costs −ln(1 − p).",
            _binary(lambda z, y: y * np.logaddexp(0, -z)),
        ),
        "the labels are swapped": Mistake(
            "Your loss is small where it should be large. p is the probability of label 1: where y is 1 the plate costs "
            "−ln p, and where y is 0 it costs −ln(1 − p).",
            _binary(lambda z, y: _binary_losses(z, 1 - y), lambda z, y: _binary_excess(z, 1 - y) / len(y)),
        ),
        "the labels are swapped in the loss": Mistake(
            "Your slopes are right, but your loss is small where it should be large. p is the probability of label 1: where y is 1 "
            "the plate costs −ln p, and where y is 0 it costs −ln(1 − p).",
            _binary(lambda z, y: _binary_losses(z, 1 - y)),
        ),
        "the labels are swapped in the slopes": Mistake(
            "Your loss is right. In the slopes label 0 stands where label 1 belongs: they are p − y, with the y that you were "
            "given.",
            _binary(slopes=lambda z, y: _binary_excess(z, 1 - y) / len(y)),
        ),
        "z instead of p in the slopes": Mistake(
            "Your loss is right. The slopes are (z − y) / N: what has to agree with the label is the probability, so "
            "apply the sigmoid to z first.",
            _binary(slopes=lambda z, y: (z - y) / len(y)),
        ),
        "a sigmoid's slope is multiplied in": Mistake(
            "You multiply the slopes by p(1 − p) as well. The logarithm has already canceled that factor; what is left is "
            "p − y.",
            _binary(slopes=lambda z, y: _binary_excess(z, y) * (0.25 - 0.25 * np.tanh(z / 2) ** 2) / len(y)),
        ),
        "the slope with respect to p": Mistake(
            "Your slopes say how the loss changes with p. What is asked for is how it changes with z: one more factor, the "
            "slope of the sigmoid, and then most of it cancels.",
            _binary(slopes=_slope_for_p),
        ),
        "a slope that is the mean": Mistake(
            "You return one slope for all plates. Each plate's z has a slope of its own, so the gradient has the shape of z.",
            _binary(slopes=lambda z, y: np.mean(_binary_excess(z, y))),
        ),
        "the gradient comes first": Mistake(
            "Your numbers are right, and they are in the wrong order: first the loss, then the gradient.",
            lambda z, y: _binary()(z, y)[::-1],
        ),
    },
    hints=(
        "Two results. For the loss, work through the example for one plate of label 1 and one of label 0, then write "
        "the same "
        "for arrays.",
        "np.maximum(z, 0) - y * z + np.log(1 + np.exp(-np.abs(z))) is the loss of each plate: exp never gets a positive "
        "number. Take the mean.",
        "The gradient is (p - y) / N. For p you need a sigmoid that does not overflow: with e = np.exp(-np.abs(z)) it is "
        "1 / (1 + e) where z >= 0, and e / (1 + e) elsewhere.",
    ),
)


# --- 05.l2_penalty ------------------------------------------------------------------------------------------


def _l2_cases(rng):
    yield Case("whole numbers", W=np.concatenate([whole(rng, (2, 2), 1, 4) * [1, -1], whole(rng, (2, 1), 4, 9)], axis=1), strength=0.5)  # fmt: skip
    yield Case("3 dishes, 4 features", W=signed(rng, (3, 5)), strength=0.1)
    yield Case("a square W", W=signed(rng, (4, 4)), strength=0.25)
    yield Case("large biases", W=np.concatenate([signed(rng, (5, 2)), 10 * signed(rng, (5, 1))], axis=1), strength=2.0)
    yield Case("a single dish", weight=0.5, W=signed(rng, (1, 4)), strength=0.03)
    yield Case("weights in the hundreds", weight=0.5, W=signed(rng, (2, 4), 300, 120), strength=0.02)


def _l2_oracle(W, strength):
    from scipy.linalg import norm

    return rounded(strength * norm(W[:, :-1], "fro") ** 2)


def _l2(make):
    return rounding(lambda W, strength: make(W[:, :-1], W, strength))


L2_PENALTY = Exercise(
    id="05.l2_penalty",
    title="L2 penalty",
    points=6,
    cases=_l2_cases,
    oracle=_l2_oracle,
    forbidden=("torch.*", "sklearn.*"),
    misconceptions={
        "the biases are penalized": Mistake(
            "Your sum includes the last column, the biases. They only shift the scores, so they stay free. Leave that "
            "column out.",
            _l2(lambda w, W, s: s * (W**2).sum()),
        ),
        "a square root is taken": Mistake(
            "You take the root of the sum, which gives the norm. The penalty is the squared norm, whose slope is simple: "
            "2 times the weight.",
            _l2(lambda w, W, s: s * np.sqrt((w**2).sum())),
        ),
        "absolute values instead of squares": Mistake(
            "You add up absolute values: that is the L1 penalty. L2 squares each weight, so that large ones cost most.",
            _l2(lambda w, W, s: s * np.abs(w).sum()),
        ),
        "a factor of one half": Mistake(
            "Your penalty is half of what the docstring asks for. Some books put a half in front to make the slope "
            "tidier; this course does not.",
            _l2(lambda w, W, s: s * (w**2).sum() / 2),
        ),
        "a mean instead of a sum": Mistake(
            "You take the mean of the squares. The penalty is their sum: a weight costs the same in a small layer and in a "
            "large one.",
            _l2(lambda w, W, s: s * (w**2).mean()),
        ),
        "a mean over the dishes": Mistake(
            "You divide by the number of rows. Plates are averaged in the loss; weights are not.",
            _l2(lambda w, W, s: s * (w**2).sum() / (len(w) if len(w) > 1 else 2)),
        ),
        "the strength is forgotten": Mistake(
            "The sum of squares is right, but the strength is not multiplied in. It says how much the penalty counts next "
            "to the loss.",
            _l2(lambda w, W, s: (w**2).sum()),
        ),
        "the strength is squared": Mistake(
            "The strength enters twice: the weights were multiplied by it before the squares were taken. Multiply once, at "
            "the end.",
            _l2(lambda w, W, s: s * s * (w**2).sum()),
        ),
        "the last row is left out": Mistake(
            "You leave out the last row, which is a dish with all its weights. The biases stand in the last column.",
            _l2(lambda w, W, s: s * (W[:-1] ** 2).sum()),
        ),
        "the first column is left out": Mistake(
            "You leave out the first column, which holds weights. The biases stand in the last one.",
            _l2(lambda w, W, s: s * (W[:, 1:] ** 2).sum()),
        ),
        "the square of the sum": Mistake(
            "You add first and square afterward, so weights of opposite sign cancel. Square each weight, then add.",
            _l2(lambda w, W, s: s * w.sum() ** 2),
        ),
    },
    hints=(
        "Which entries of W are weights, and which are biases? The docstring says where the biases stand.",
        "W[:, :-1] is everything but the last column. Square every entry of it and add them all up.",
        "The answer is strength times np.sum(W[:, :-1] ** 2). No root, no mean.",
    ),
)


# --- 05.huber -----------------------------------------------------------------------------------------------


def _huber_parts(y, y_hat, delta):
    r = np.abs(y_hat - y)
    return r, r <= delta


def _huber(y, y_hat, delta, inner=None, outer=None):
    r, small = _huber_parts(y, y_hat, delta)
    inner = inner or (lambda r, d: 0.5 * r**2)
    outer = outer or (lambda r, d: d * (r - 0.5 * d))
    return np.where(small, inner(r, delta), outer(r, delta))


def _huber_oracle(y, y_hat, delta):
    y, y_hat = torch.from_numpy(np.array(y)), torch.from_numpy(np.array(y_hat))
    return rounded(torch.nn.functional.huber_loss(y_hat, y, delta=delta).item())


def _residuals(rng, n, delta, far=4.0):
    """Errors of both signs on both sides of delta, none of them near it."""
    signs = np.resize([1.0, -1.0], n)
    share = np.where(np.arange(n) < n // 2, rng.uniform(0.2, 0.9, n), rng.uniform(1.3, far, n))
    return rng.permutation((signs * share * delta).round(2))


def _huber_cases(rng):
    t = rng.integers(10, 30, 4).astype(float)
    yield Case("whole numbers, delta 2", y=t, y_hat=t + rng.permutation([1.0, -1.0, 4.0, -6.0]), delta=2.0)
    for label, n, delta, size in (("grams, delta 10", 6, 10.0, 200), ("delta 0.5", 7, 0.5, 3), ("delta 3", 5, 3.0, 50)):
        t = (rng.uniform(0.2, 1, n) * size).round(2)
        yield Case(label, y=t, y_hat=(t + _residuals(rng, n, delta)).round(2), delta=delta)
    t = (rng.uniform(40, 70, 5)).round(1)
    y = t + rng.choice([-1, 1], 5) * rng.uniform(0.5, 4, 5).round(1)
    t[rng.integers(5)] *= 10
    yield Case("one label with a zero too many", y=t.round(1), y_hat=y.round(1), delta=5.0)
    t = rng.permutation([1, 1, 1, -1, -1, -1]) * rng.uniform(4, 20, 6).round(2)
    yield Case("numbers below zero", weight=0.5, y=t, y_hat=(t + _residuals(rng, 6, 2.0)).round(2), delta=2.0)
    t = rng.uniform(5, 9, 4).round(2)
    yield Case("all errors small", weight=0.5, y=t, y_hat=(t + rng.choice([-1, 1], 4) * rng.uniform(0.1, 1.2, 4)).round(2), delta=1.5)  # fmt: skip
    far = rng.choice([-1, 1], 4) * rng.uniform(2.0, 6.0, 4)
    yield Case("all errors large", weight=0.5, y=t, y_hat=(t + far).round(2), delta=1.5)


def _huber_variant(**branches):
    return lambda y, y_hat, delta: rounded(_huber(y, y_hat, delta, **branches).mean())


def _signed_errors(y, y_hat, delta):
    r = y_hat - y
    return rounded(np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).mean())


def _signed_straight(sign):
    def wrong(y, y_hat, delta):
        r = sign * (y_hat - y)
        return rounded(np.where(np.abs(r) <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).mean())

    return wrong


def _huber_by_one_answer(small):
    """The square for all plates, or the straight part for all: `small` decides from where the errors are small."""

    def wrong(y, y_hat, delta):
        r = np.abs(y_hat - y)
        return rounded((0.5 * r**2 if small(r <= delta) else delta * (r - 0.5 * delta)).mean())

    return wrong


def _huber_by_the_mean(y, y_hat, delta):
    r = np.abs(y_hat - y)
    return rounded((0.5 * r**2 if r.mean() <= delta else delta * (r - 0.5 * delta)).mean())


_SIGN_KEPT = (
    "Your straight part uses the error with its sign, so that outliers on one side lower the loss. There, too, only "
    "the size of the error counts: "
    "delta * (|r| - delta / 2)."
)

HUBER = Exercise(
    id="05.huber",
    title="Huber's loss",
    points=10,
    cases=_huber_cases,
    oracle=_huber_oracle,
    forbidden=("torch.*", "sklearn.*", "scipy.special.*"),
    misconceptions={
        "the offset is missing": Mistake(
            "Your straight part is delta times the error, so the loss jumps where the two parts meet. Work out both parts "
            "at an error of exactly delta: they should agree.",
            _huber_variant(outer=lambda r, d: d * r),
        ),
        "the branches are swapped": Mistake(
            "Small errors get the straight part and large ones the square. It is the outliers that must not be squared.",
            _huber_variant(inner=lambda r, d: d * (r - 0.5 * d), outer=lambda r, d: 0.5 * r**2),
        ),
        "a negative error counts as small": Mistake(
            "You compare the error with delta before taking its absolute value. An error of -100 is below delta, and it is "
            "squared. Compare its size.",
            _signed_errors,
        ),
        "the straight part keeps the sign": Mistake(_SIGN_KEPT, _signed_straight(1)),
        "the straight part keeps the sign, y minus the prediction": Mistake(_SIGN_KEPT, _signed_straight(-1)),
        "no half in front of the square": Mistake(
            "Your square has no factor of one half. Then the two parts meet neither in value nor in slope.",
            _huber_variant(inner=lambda r, d: r**2),
        ),
        "the offset is not scaled by delta": Mistake(
            "Your offset is half of delta. Delta multiplies the whole bracket, so the offset carries it twice.",
            _huber_variant(outer=lambda r, d: d * r - 0.5 * d),
        ),
        "the slope is always 1": Mistake(
            "Your straight part has slope 1. It must go on as steeply as the square ends, and at an error of delta that is "
            "delta.",
            _huber_variant(outer=lambda r, d: r - 0.5 * d),
        ),
        "divided by delta": Mistake(
            "Your loss is smaller by the factor delta: that is the relative of Huber's loss that PyTorch calls smooth L1. "
            "The docstring's formula does not divide.",
            lambda y, y_hat, delta: rounded(_huber(y, y_hat, delta).mean() / delta),
        ),
        "delta is always 1": Mistake(
            "The parts meet at an error of 1, whatever delta says. Look for a 1 in your code.",
            lambda y, y_hat, delta: rounded(_huber(y, y_hat, 1.0).mean()),
        ),
        "all errors are squared": Mistake(
            "You take half the square of every error. Above delta the loss should grow in a straight line.",
            lambda y, y_hat, delta: rounded((0.5 * (y_hat - y) ** 2).mean()),
        ),
        "no error is squared": Mistake(
            "You take the straight part for every error. At or below delta it is half the square.",
            lambda y, y_hat, delta: rounded((delta * (np.abs(y_hat - y) - 0.5 * delta)).mean()),
        ),
        "one part for the whole batch": Mistake(
            "You ask once, and take the same part for all plates. A batch may hold small errors and large ones: choose for each "
            "plate by its own error.",
            _huber_by_one_answer(np.all),
            also=[_huber_by_one_answer(np.any), _huber_by_the_mean],
        ),
        "a sum over the plates": Mistake(
            "You add up the losses of all plates. The loss is their mean.",
            lambda y, y_hat, delta: rounded(_huber(y, y_hat, delta).sum()),
        ),
        "one loss for each plate": Mistake(
            "You return N numbers, one for each plate. They are right, but the loss is one number: their mean.",
            lambda y, y_hat, delta: rounded(_huber(y, y_hat, delta)),
        ),
        "the mean error is taken first": Mistake(
            "You average the errors, and then apply the formula once. Errors of opposite sign cancel that way. Each plate "
            "gets its own loss first.",
            lambda y, y_hat, delta: rounded(_huber(np.mean(y_hat - y), 0.0, delta)),
        ),
    },
    hints=(
        "Work out the size of each error first, |y_hat - y|. Which of the two parts does an error of 1 take when delta is 2, "
        "and which one an error of 5?",
        "np.where(condition, a, b) chooses for each entry. Both parts can be computed for all entries; where picks the "
        "right one.",
        "With r = np.abs(y_hat - y): np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)), and then the mean.",
    ),
)


# --- 05.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "05.quiz",
    10,
    [
        Question(
            "b",
            a="The exponentials are multiplied by one and the same factor, and so is their sum. What remains of the "
            "factor in the fraction?",
            c="Softmax looks only at differences between scores, and none of them has changed.",
            d="Adding to all scores is not multiplying them. Only the differences count.",
        ),
        Question(
            "c",
            a="A loss of 0 needs a network that gives the correct dish a probability of 1. This one has learned nothing yet.",
            b="That is the loss where the correct dish has probability 1/e. What is its probability here?",
            d="That is the probability. The loss is minus its logarithm.",
        ),
        Question(
            "a",
            b="Cross-entropy is still above 0, since the probability is below 1. It keeps a small slope.",
            c="Look at the correct score, 9, against the other two. Does it win by at least delta?",
            d="One of the two has no slope at all here. Work out the two terms of the hinge loss.",
        ),
        Question(
            "d",
            a="The slope would be 0 only if the network gave the correct dish a probability of 1.",
            b="That is the probability itself. The label subtracts 1 from it.",
            c="The size is right. What happens to the loss when the correct score rises?",
        ),
        Question(
            "b",
            a="With a squared error the largest errors count most: the square of the wrong label outweighs everything else.",
            c="Cross-entropy needs classes and probabilities; grams are neither.",
            d="The penalty keeps the weights small. It does not know which label is wrong.",
        ),
    ],
)

EXERCISES = [
    LINEAR_SCORES,
    HINGE_LOSS,
    HINGE_GRAD,
    SOFTMAX,
    CROSS_ENTROPY,
    CROSS_ENTROPY_GRAD,
    BINARY,
    L2_PENALTY,
    HUBER,
    QUIZ,
]
