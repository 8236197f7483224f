"""Chapter 12, MealoMi: its exercises, their cases, oracles and known mistakes.

Dishes have made-up numbers, so that nothing can be looked up. Where an answer hangs on an exact comparison (a threshold, a
tie) the numbers are such that every sensible way of reckoning meets them exactly: whole ones, or halves of halves.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction

import numpy as np
import torch
from torch.nn import functional as F

from autograder.authoring.draws import rounded
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from autograder.authoring.formulas import log_softmax, one_hot

# --- 12.multi_task_loss -------------------------------------------------------------------------------------


def _heads(rng, n, k):
    """What a network might say to n pictures: (scores, log-grams, boxes); boxes as shares of the picture."""
    corner = rng.uniform(0.05, 0.4, (n, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(0.2, 0.5, (n, 2))], axis=1)
    made = (rng.normal(0, 1.5, (n, k)).round(1), rng.uniform(4, 6.5, n).round(1), boxes.round(2))
    return [torch.tensor(each, dtype=torch.float32) for each in made]


def _loss_case(rng, label, n, k, empty, weights, weight=1.0, light=False, food=None):
    """A batch; `empty` pictures show an empty plate: class 0, 0 g, a box of zeros. One is of a few grams, where asked for.

    `food` is the place of the one picture with food, where there is but one and its place matters.
    """
    scores, log_grams, boxes = _heads(rng, n, k)
    dishes = rng.integers(1, k, n)
    places = rng.permutation(n)
    if food is not None:
        places = np.concatenate([places[places != food], [food]])
    nothing, *others = np.split(places, [empty])
    dishes[nothing] = 0
    if light:
        log_grams[int(others[0][0])] = float(rng.integers(12, 19)) / 10
    # No head is exactly right: at an error of 0 the absolute value has no slope to compare.
    grams = np.exp(log_grams.numpy() + rng.choice([-1, 1], n) * rng.uniform(0.2, 1.1, n)).round()
    corners = boxes.numpy() + rng.choice([-1, 1], (n, 4)) * (rng.integers(2, 9, (n, 4)) / 100 + 0.005)
    grams[nothing], corners[nothing] = 0, 0
    return Case(
        label,
        weight=weight,
        dish_scores=scores,
        log_grams=log_grams,
        boxes=boxes,
        dishes=torch.from_numpy(dishes.astype(np.int64)),
        grams=torch.tensor(grams, dtype=torch.float32),
        true_boxes=torch.tensor(corners, dtype=torch.float32),
        weights=weights,
    )


def _loss_cases(rng):
    halves = rng.permutation(np.arange(2, 12))[:9] / 4
    first, second, third = (tuple(float(w) for w in halves[i : i + 3]) for i in (0, 3, 6))
    yield _loss_case(rng, "three plates, one of them empty", 3, 2 + 2, 1, first)
    yield _loss_case(rng, "seven plates, two of them empty", 7, 6, 2, second, light=True)
    yield _loss_case(rng, "no empty plate", 5, 7, 0, third, light=True)
    yield _loss_case(rng, "eight plates, food on the first alone", 8, 3, 7, (1.0, 0.5, 2.5), food=0)
    yield _loss_case(rng, "four plates, food on the last alone", 4, 3, 3, (0.5, 2.5, 1.0), food=3)
    yield _loss_case(rng, "nothing but empty plates", 2, 5, 2, first, weight=0.5)


def _loss_oracle(dish_scores, log_grams, boxes, dishes, grams, true_boxes, weights):
    """In NumPy and float64, with the gradients in closed form."""
    s, z, b = (np.asarray(each.detach(), dtype=np.float64) for each in (dish_scores, log_grams, boxes))
    y, g, t = (np.asarray(each.detach()) for each in (dishes, grams, true_boxes))
    n, food = len(y), np.flatnonzero(y > 0)
    log_p = log_softmax(s)
    loss = -weights[0] * log_p[np.arange(n), y].mean()
    d_s = weights[0] * (np.exp(log_p) - one_hot(y, s.shape[1])) / n
    d_z, d_b = np.zeros_like(z), np.zeros_like(b)
    if len(food):
        off_grams = z[food] - np.log(g[food].astype(np.float64))
        off_boxes = b[food] - t[food].astype(np.float64)
        loss += weights[1] * np.abs(off_grams).mean() + weights[2] * np.abs(off_boxes).mean()
        d_z[food] = weights[1] * np.sign(off_grams) / len(food)
        d_b[food] = weights[2] * np.sign(off_boxes) / (4 * len(food))
    return {
        "loss": np.float32(loss),
        "gradient for dish_scores": d_s.astype(np.float32),
        "gradient for log_grams": d_z.astype(np.float32),
        "gradient for boxes": d_b.astype(np.float32),
    }


def _mean_or_zero(values):
    return values.mean() if values.numel() else values.sum()


def _loss_with(dish=None, mass=None, box=None, total=None):
    """A loss of three heads whose parts can be replaced by wrong ones."""

    def loss(scores, log_grams, boxes, dishes, grams, true_boxes, weights):
        food = dishes > 0
        parts = (
            dish(scores, dishes) if dish else F.cross_entropy(scores, dishes),
            mass(log_grams, grams, food) if mass else _mean_or_zero((log_grams[food] - grams[food].log()).abs()),
            box(boxes, true_boxes, food) if box else _mean_or_zero((boxes[food] - true_boxes[food]).abs()),
        )
        return total(parts, weights) if total else sum(w * part for w, part in zip(weights, parts, strict=True))

    return loss


def _smooth(errors):
    return _mean_or_zero(torch.where(errors.abs() < 1, 0.5 * errors**2, errors.abs() - 0.5))


def _masked(values, food):
    """Zero where there is no food, by multiplication: 0 times infinity is nan."""
    return (values * (food if values.ndim == 1 else food[:, None])).sum() / food.sum().clamp(min=1)


MULTI_TASK_LOSS = Exercise(
    id="12.multi_task_loss",
    title="One loss for three heads",
    points=16,
    cases=_loss_cases,
    oracle=_loss_oracle,
    probe="loss_of_heads",
    misconceptions={
        "the weights are left out": Mistake(
            "You add the three losses as they are, so the one with the largest numbers decides. weights contains a "
            "factor for each of them: dish, grams, box.",
            _loss_with(total=lambda parts, weights: sum(parts)),
        ),
        "a weighted mean": Mistake(
            "You divide the sum by the sum of the weights. The formula has no such division.",
            _loss_with(total=lambda parts, w: sum(a * b for a, b in zip(w, parts, strict=True)) / sum(w)),
        ),
        "the weights stand at the wrong heads": Mistake(
            "You swapped the weights of the grams and of the box. Their order is dish, grams, box.",
            _loss_with(total=lambda parts, w: w[0] * parts[0] + w[2] * parts[1] + w[1] * parts[2]),
        ),
        "empty plates have a box": Mistake(
            "You count the box of every picture. An empty plate has nothing to draw a box around: its zeros are only "
            "filled in, and your network would learn to shrink its boxes. Leave out pictures of class 0.",
            _loss_with(box=lambda b, t, food: (b - t).abs().mean()),
        ),
        "empty plates are weighed": Mistake(
            "You count the grams of every picture. An empty plate has 0 g, and ln 0 is minus infinity. Leave out "
            "pictures of class 0 before you take the logarithm.",
            _loss_with(mass=lambda z, g, food: (z - g.log()).abs().mean()),
        ),
        "zero times infinity": Mistake(
            "You multiply by a mask of zeros and ones after the logarithm. For an empty plate that is 0 times "
            "infinity, which is nan. Select the pictures with food first, and take the logarithm of what is left.",
            _loss_with(mass=lambda z, g, food: _masked((z - g.log()).abs(), food)),
        ),
        "divided by all pictures": Mistake(
            "You leave empty plates out of the sum but still divide by the number of all pictures. In a batch of "
            "mostly empty plates, the grams and the box would hardly count. Divide by the number of plates with food.",
            _loss_with(
                mass=lambda z, g, food: (z[food] - g[food].log()).abs().sum() / len(food),
                box=lambda b, t, food: (b[food] - t[food]).abs().sum() / (4 * len(food)),
            ),
        ),
        "empty plates teach no dish": Mistake(
            "You leave empty plates out of the cross-entropy, too. Being empty is class 0, and the network should "
            "learn that. Only grams and box do not count for them.",
            _loss_with(dish=lambda s, y: F.cross_entropy(s[y > 0], y[y > 0]) if (y > 0).any() else s.sum() * 0),
        ),
        "the grams are not in logarithms": Mistake(
            "You compare grams with grams. An error of 30 g is little for a cake and everything for a cookie. The "
            "head returns ln of the grams: take the logarithm of the true ones, and compare those.",
            _loss_with(mass=lambda z, g, food: _mean_or_zero((z[food].exp() - g[food]).abs())),
        ),
        "log-grams against grams": Mistake(
            "You compare the head's logarithm with true grams, which are on a different scale: ln 200 is 5.3. Take "
            "the logarithm of the true grams.",
            _loss_with(mass=lambda z, g, food: _mean_or_zero((z[food] - g[food]).abs())),
        ),
        "the logarithm is taken twice": Mistake(
            "You take the logarithm of the head's output as well. It is a logarithm already; only the true grams need "
            "one.",
            _loss_with(mass=lambda z, g, food: _mean_or_zero((z[food].log() - g[food].log()).abs())),
        ),
        "the logarithm to base 10": Mistake(
            "Your logarithm has base 10. The head returns the natural one, whose inverse is exp.",
            _loss_with(mass=lambda z, g, food: _mean_or_zero((z[food] - g[food].log10()).abs())),
        ),
        "a gram is added before the logarithm": Mistake(
            "You add 1 to the grams, so that an empty plate does not give minus infinity. That shifts every target, "
            "and that of light food most: ln 3 is 1.10, but ln 4 is 1.39. Leave out the empty plates instead.",
            _loss_with(mass=lambda z, g, food: _mean_or_zero((z[food] - g[food].log1p()).abs())),
        ),
        "the errors are squared": Mistake(
            "You square the errors of grams and box. The formula uses absolute values.",
            _loss_with(
                mass=lambda z, g, food: _mean_or_zero((z[food] - g[food].log()) ** 2),
                box=lambda b, t, food: _mean_or_zero((b[food] - t[food]) ** 2),
            ),
        ),
        "smooth L1 instead of the absolute value": Mistake(
            "You use smooth L1 (Huber's loss with delta 1), which squares errors below 1. Nearly all errors here are below 1. The "
            "formula uses absolute values.",
            _loss_with(
                mass=lambda z, g, food: _smooth(z[food] - g[food].log()),
                box=lambda b, t, food: _smooth(b[food] - t[food]),
            ),
            also=[
                _loss_with(box=lambda b, t, food: _smooth(b[food] - t[food])),
                _loss_with(mass=lambda z, g, food: _smooth(z[food] - g[food].log())),
            ],
        ),
        "the signs are kept": Mistake(
            "You average the differences with their signs, so an error that is too low makes up for one that is too "
            "high. Take absolute values first.",
            _loss_with(
                mass=lambda z, g, food: _mean_or_zero(z[food] - g[food].log()),
                box=lambda b, t, food: _mean_or_zero(b[food] - t[food]),
            ),
        ),
        "the four sides are added up": Mistake(
            "You add up the four errors of a box. The box's loss is a mean, over the sides and over the plates.",
            _loss_with(box=lambda b, t, food: 4 * _mean_or_zero((b[food] - t[food]).abs())),
        ),
        "a mean over the plates only": Mistake(
            "Your loss has four numbers, one for each side of the box: you took the mean over the plates but not over "
            "the sides. mean() without an axis does both.",
            _loss_with(box=lambda b, t, food: (b[food] - t[food]).abs().mean(dim=0)),
        ),
        "a mean over the sides only": Mistake(
            "Your loss has one number for each plate with food: you took the mean over the sides of the box but not "
            "over the plates. mean() without an axis does both.",
            _loss_with(box=lambda b, t, food: (b[food] - t[food]).abs().mean(dim=1)),
        ),
        "sums over the batch": Mistake(
            "You add up the losses of the plates. Then a larger batch has a larger loss and takes larger steps. Use "
            "means.",
            _loss_with(
                dish=lambda s, y: F.cross_entropy(s, y, reduction="sum"),
                mass=lambda z, g, food: (z[food] - g[food].log()).abs().sum(),
                box=lambda b, t, food: (b[food] - t[food]).abs().mean(dim=1).sum(),
            ),
        ),
        "softmax before cross_entropy": Mistake(
            "You turn the scores into probabilities first. PyTorch's cross_entropy does that itself: pass it the "
            "scores.",
            _loss_with(dish=lambda s, y: F.cross_entropy(s.softmax(dim=1), y)),
        ),
        "nan where no plate has food": Mistake(
            "Every batch with food is right. But in a batch of empty plates there is nothing to average, and the mean "
            "of nothing is nan, which would spoil every weight in the next step. Let both terms be 0 there.",
            _loss_with(
                mass=lambda z, g, food: (z[food] - g[food].log()).abs().mean(),
                box=lambda b, t, food: (b[food] - t[food]).abs().mean(),
            ),
        ),
        "the loss is cut off from the heads": Mistake(
            "You return a plain number. It may be right, but backward() cannot get from it to the heads. Return the "
            "tensor itself, without item(), float() or detach().",
            _loss_with(total=lambda parts, w: float(sum(a * b for a, b in zip(w, parts, strict=True)))),
        ),
    },
    hints=(
        "Start with the three losses separately. Which pictures take part in the first, and which in the other two? "
        "dishes > 0 says where there is food.",
        "food = dishes > 0 is a mask: log_grams[food], grams[food].log(), boxes[food]. Two of the losses are means of "
        "absolute differences; the cross-entropy is available in torch.nn.functional.",
        "dish = F.cross_entropy(dish_scores, dishes); mass = (log_grams[food] - grams[food].log()).abs().mean(); the "
        "box works in the same way. If food.any() is False, return weights[0] * dish alone.",
    ),
)


# --- 12.non_maximum_suppression -----------------------------------------------------------------------------


def _iou_matrix(boxes, added=0.0, apart=False, below=None):
    """Overlaps of all pairs (N, N); with `added` to each side, with boxes that are `apart`, by another area `below`."""
    b = np.asarray(boxes, dtype=float)
    sides = np.minimum(b[:, None, 2:], b[None, :, 2:]) - np.maximum(b[:, None, :2], b[None, :, :2]) + added
    both = (sides if apart else np.maximum(sides, 0)).prod(axis=2)
    area = (b[:, 2:] - b[:, :2] + added).prod(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):  # the mistakes' unions may be 0
        return both / (below(area, both) if below else area[:, None] + area[None, :] - both)


def _kept(iou, scores, threshold, over=np.greater, order=None, against=None):
    """Greedy suppression: `against` says which of the boxes before it one is compared with, by what was kept and what was not."""
    kept, seen = [], []
    for i in np.argsort(-np.asarray(scores), kind="stable") if order is None else order:
        rivals = kept if against is None else against(kept, seen)
        if not over(iou[i, rivals], threshold).any():
            kept.append(int(i))
        seen.append(int(i))
    return np.array(kept, dtype=np.int64)


def _suppression(after=None, iou=_iou_matrix, threshold=None, **how):
    """A non-maximum suppression whose parts can be replaced by wrong ones."""

    def wrong(boxes, scores, limit):
        kept = _kept(iou(boxes), scores, limit if threshold is None else threshold, **how)
        return after(kept, boxes, scores) if after else kept

    return wrong


def _rising(boxes, scores, limit):
    return _kept(_iou_matrix(boxes), scores, limit, order=np.argsort(scores, kind="stable"))


def _as_they_come(boxes, scores, limit):
    return _kept(_iou_matrix(boxes), scores, limit, order=np.arange(len(scores)))


def _corner_and_size(boxes):
    b = np.asarray(boxes, dtype=float)
    return _iou_matrix(np.concatenate([b[:, :2], b[:, :2] + b[:, 2:]], axis=1))


def _scores_of(rng, n):
    """Scores in hundredths, all different, in no order."""
    return rng.permutation(np.arange(20, 99))[:n] / 100


def _thinning_case(rng, label, groups, threshold, size=(1.0, 1.0), digits=3, weight=1.0):
    """Groups of boxes around a common place; no overlap is near the threshold, and every suppressed box has a say in some mistake."""
    while True:
        boxes = []
        for count in groups:
            x, y, w, h = *rng.uniform(0.1, 0.6, 2), *rng.uniform(0.15, 0.3, 2)
            for _ in range(count):
                dx, dy, dw, dh = rng.uniform(-0.09, 0.09, 4)
                boxes.append([x + dx, y + dy, x + dx + w + dw / 2, y + dy + h + dh / 2])
        boxes = (np.array(boxes) * np.tile(size, 2)).round(digits)
        scores = _scores_of(rng, len(boxes))
        iou = _iou_matrix(boxes)
        kept = _kept(iou, scores, threshold)
        chained = _kept(iou, scores, threshold, against=lambda kept, seen: seen)
        if (
            np.abs(iou - threshold).min() > 0.004
            and len(groups) < len(kept) < len(boxes) - 2
            and len(chained) < len(kept)
        ):
            order = rng.permutation(len(boxes))
            return Case(label, weight=weight, boxes=boxes[order], scores=scores[order], threshold=threshold)


def _shuffled(rng, label, boxes, scores, threshold, weight=1.0):
    order = rng.permutation(len(boxes))
    boxes, scores = np.array(boxes, dtype=float)[order], np.array(scores)[order]
    return Case(label, weight=weight, boxes=boxes, scores=scores, threshold=threshold)


def _suppression_cases(rng):
    x, y = (int(v) for v in rng.integers(1, 6, 2))
    high, middle, low = sorted(_scores_of(rng, 3).tolist(), reverse=True)
    two = [[x, y, x + 6, y + 5], [x + 1, y, x + 7, y + 5], [x + 9, y + 4, x + 13, y + 9]]
    # The best box comes last, and of the two that overlap the second is better.
    yield Case("two plates, three boxes", boxes=np.array(two, dtype=float), scores=np.array([low, middle, high]), threshold=0.5)  # fmt: skip
    # A chain: the first overlaps the second and the second the third, the first does not overlap the third.
    step = int(rng.integers(3, 5))
    chain = [[x + step * i, y, x + step * i + 10, y + 6] for i in range(5)]
    yield _shuffled(rng, "a row of plates, each box over the next", chain, sorted(_scores_of(rng, 5))[::-1], 0.35)
    # Overlaps of exactly one half and one quarter: 4 of 8, and 2 of 8.
    halves = [[x, y, x + 3, y + 2], [x + 1, y, x + 4, y + 2], [x + 20, y, x + 24, y + 2], [x + 22, y, x + 24, y + 2], [x + 20, y, x + 23, y + 2]]  # fmt: skip
    yield _shuffled(rng, "overlaps that equal the threshold", halves, _scores_of(rng, 5), 0.5)
    # Small plates inside of large ones: much of the small one, little of both. Once the large one is better, once the small one.
    w, right = int(rng.integers(20, 26)), x + 40
    inside = [[x, y, x + w, y + w], [x + 3, y + 3, x + 12, y + 12]]
    inside += [[right + 2, y + 4, right + 11, y + 13], [right, y, right + w, y + w]]
    best = np.sort(_scores_of(rng, 4))[::-1][[0, 2, 1, 3]]
    yield _shuffled(rng, "small plates inside of large ones", inside, best, 0.6)
    # Diagonal neighbors: both differences are negative, and their product is not.
    gap = int(rng.integers(6, 8))
    apart = [[x + (8 + gap) * i, y + (8 + gap) * i, x + (8 + gap) * i + 8, y + (8 + gap) * i + 8] for i in range(3)]
    apart.append([x + 1, y, x + 9, y + 8])
    yield _shuffled(rng, "plates along a diagonal", apart, _scores_of(rng, 4), 0.25)
    # A network's scores as they are, and boxes over the picture's edge: six pairs, of which now the worse comes first, now the better.
    pairs = [[[20 * i - 4 - x, y, 20 * i + 4 - x, y + 6], [20 * i - 5 - x, y, 20 * i + 3 - x, y + 6]] for i in range(6)]
    raw = [[-4.0, 1.5], [0.5, -3.0], [121.0, 150.0], [149.0, 122.0], [123.0, 151.0], [152.0, 124.0]]
    given = np.array(raw) + int(rng.integers(0, 9)) / 10
    yield Case("scores that are no probabilities, boxes over the edge", boxes=np.array(pairs, dtype=float).reshape(-1, 4), scores=given.ravel(), threshold=0.4)  # fmt: skip
    # Boxes of one pixel: where they lie apart by one pixel both ways, the product of the two differences is a whole box.
    tiny = [[x + 2 * i, y + 2 * i, x + 2 * i + 1, y + 2 * i + 1] for i in range(3)]
    yield _shuffled(rng, "plates of one pixel", [*tiny, [x + 0.25, y, x + 1.25, y + 1]], _scores_of(rng, 4), 0.5)
    yield _thinning_case(rng, "many boxes, in shares of the picture", (6, 5, 4, 4), 0.45, weight=1.5)
    yield _thinning_case(rng, "many boxes, in pixels", (5, 6, 3), 0.3, (640.0, 480.0), 1, weight=1.5)
    yield Case("a single box", weight=0.4, boxes=np.array([[x, y, x + 4.0, y + 3.0]]), scores=np.array([high]), threshold=0.5)  # fmt: skip


def _suppression_oracle(boxes, scores, threshold):
    """By exact fractions: whether a box stays is asked of all better ones, again and again, until nothing changes any more."""
    exact = [[Fraction(str(v)) for v in row] for row in np.asarray(boxes).tolist()]

    def over(a, b):
        w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        both = max(w, Fraction(0)) * max(h, Fraction(0))
        areas = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
        return both > Fraction(str(threshold)) * (areas - both)

    n, better = len(exact), np.asarray(scores)[None, :] > np.asarray(scores)[:, None]
    hurts = better & np.array([[over(a, b) for b in exact] for a in exact])
    stays = np.ones(n, dtype=bool)
    for _ in range(n):
        stays = ~(hurts & stays[None, :]).any(axis=1)
    found = np.flatnonzero(stays)
    return found[np.lexsort((found, -np.asarray(scores)[found]))].astype(np.int64)


NON_MAXIMUM_SUPPRESSION = Exercise(
    id="12.non_maximum_suppression",
    title="One box for each plate",
    points=14,
    cases=_suppression_cases,
    oracle=_suppression_oracle,
    misconceptions={
        "the lowest score first": Mistake(
            "You begin with the box of the lowest score, so bad boxes suppress good ones. argsort sorts upwards: begin at "
            "the other end.",
            _rising,
        ),
        "the scores are not used": Mistake(
            "You go through the boxes in the order in which they come. Go through them by their scores, the highest first.",
            _as_they_come,
        ),
        "an equal overlap is suppressed": Mistake(
            "You suppress a box whose IoU with a kept one equals the threshold. It has to exceed it.",
            _suppression(over=np.greater_equal),
        ),
        "suppressed boxes suppress": Mistake(
            "You compare each box with all better ones. But a box that was itself suppressed is gone: only kept boxes suppress "
            "others.",
            _suppression(against=lambda kept, seen: seen),
        ),
        "only the last kept box counts": Mistake(
            "You compare each box only with the one that was kept last. It has to be compared with every kept box.",
            _suppression(against=lambda kept, seen: kept[-1:]),
        ),
        "only the best box counts": Mistake(
            "You compare each box only with the best one of all. Boxes that stay suppress those after them, too.",
            _suppression(against=lambda kept, seen: kept[:1]),
        ),
        "the overlap over the smaller area": Mistake(
            "You divide the overlap by the smaller of the two areas, so a small plate inside of a large one disappears. The "
            "IoU divides by the area that both cover together.",
            _suppression(iou=lambda boxes: _iou_matrix(boxes, below=lambda area, both: np.minimum.outer(area, area))),
        ),
        "the overlap over the kept box's area": Mistake(
            "You divide the overlap by the area of the kept box alone. The IoU divides by the area that both cover together.",
            _suppression(iou=lambda boxes: _iou_matrix(boxes, below=lambda area, both: area[None, :] + 0 * both)),
        ),
        "the overlap over its own area": Mistake(
            "You divide the overlap by the area of the box that is in question. The IoU divides by the area that both "
            "cover together.",
            _suppression(iou=lambda boxes: _iou_matrix(boxes, below=lambda area, both: area[:, None] + 0 * both)),
        ),
        "the overlap is counted twice": Mistake(
            "You divide the overlap by the sum of the two areas, which counts the overlap twice. Subtract it once.",
            _suppression(iou=lambda boxes: _iou_matrix(boxes, below=lambda area, both: np.add.outer(area, area))),
        ),
        "a pixel is added": Mistake(
            "You add 1 to widths and heights, as some old programs do whose corners are whole pixels. Here a box's width is x1 - x0. In "
            "shares of a picture, a 1 is the whole picture.",
            _suppression(iou=lambda boxes: _iou_matrix(boxes, added=1.0)),
        ),
        "boxes that are apart overlap": Mistake(
            "Where two boxes are apart in both directions, width and height of their overlap are both negative, and the product is "
            "positive. Cut each off at 0 first.",
            _suppression(iou=lambda boxes: _iou_matrix(boxes, apart=True)),
        ),
        "the last two numbers are taken for a size": Mistake(
            "You read a box as corner, width and height. It is two corners: x0, y0, x1, y1.",
            _suppression(iou=_corner_and_size),
        ),
        "the threshold is upside down": Mistake(
            "You suppress what overlaps little and keep what overlaps much. Boxes over the threshold show the same plate: keep one.",
            _suppression(over=np.less_equal),
        ),
        "always one half": Mistake(
            "You suppress from an IoU of 0.5 on, whatever the threshold is.",
            _suppression(threshold=0.5),
        ),
        "a box suppresses itself": Mistake(
            "You compare a box with itself as well. That IoU is 1, so nothing is kept. Compare it with the kept boxes only.",
            lambda boxes, scores, threshold: np.array([], dtype=np.int64),
        ),
        "boxes for indices": Mistake(
            "You return the boxes that are kept. Return their indices, with which one gets boxes, scores and names.",
            _suppression(after=lambda kept, boxes, scores: boxes[kept]),
        ),
        "scores for indices": Mistake(
            "You return the scores of the boxes that are kept. Return their indices.",
            _suppression(after=lambda kept, boxes, scores: scores[kept]),
        ),
        "a mask for indices": Mistake(
            "You return a mask of True and False. Return the indices, the highest score first.",
            _suppression(after=lambda kept, boxes, scores: np.isin(np.arange(len(scores)), kept)),
        ),
        "in the order of the rows": Mistake(
            "Your boxes are right, but in the order of their rows. The one with the highest score comes first.",
            _suppression(after=lambda kept, boxes, scores: np.sort(kept)),
        ),
        "the best comes last": Mistake(
            "Your boxes are right, but the best of them comes last. Reverse the order.",
            _suppression(after=lambda kept, boxes, scores: kept[::-1].copy()),
        ),
        "places in the sorted list": Mistake(
            "Your indices are places in the list that is sorted by score. Return rows of boxes: order[place].",
            _suppression(
                after=lambda kept, boxes, scores: np.argsort(np.argsort(-scores, kind="stable"), kind="stable")[kept]
            ),
        ),
    },
    hints=(
        "Which box stays for certain? Which others can go because of it? And which one is next?",
        "Go through order = np.argsort(-scores), and keep a list of the indices that stay. A box joins it if its IoU with every box in "
        "the list is at most the threshold. The IoU is that of chapter 01; write it as a small function of two boxes.",
        "kept = []; for i in order: if all(iou(boxes[i], boxes[j]) <= threshold for j in kept): kept.append(i). Return "
        "np.array(kept).",
    ),
)


# --- 12.nutrients -------------------------------------------------------------------------------------------

_COLUMNS = ("kcal", "protein_g", "fat_g", "carbohydrate_g", "sugars_g", "salt_g")
_FOODS = ("dumplings", "lentils", "porridge", "strudel", "curry", "risotto", "gnocchi", "plums")


def _some_row(rng, columns):
    """What 100 g hold, with two decimals that matter: the last one is a 7, so that few grams make it 0."""
    most = {"kcal": 500, "salt_g": 3, "iron_mg": 3, "zinc_mg": 3}
    return {name: float(rng.integers(1, 10 * most.get(name, 30))) / 10 + 0.07 for name in columns}


def _some_grams(rng, low, high):
    """Whole grams, no multiple of 10."""
    return float(10 * rng.integers(low // 10, high // 10) + rng.integers(1, 10))


def _tidy_row(row):
    return {name: round(value, 2) for name, value in row.items()}


def _some_table(rng, dishes, columns=_COLUMNS):
    return {dish: _tidy_row(_some_row(rng, columns)) for dish in dishes}


def _nutrient_cases(rng):
    low, high = sorted(int(v) for v in rng.permutation(np.arange(2, 12))[:2])
    first, second, *rest = (str(name) for name in rng.permutation(_FOODS))
    table = {first: {"kcal": 30.0 * low, "protein_g": 2.0}, second: {"kcal": 30.0 * high, "protein_g": 6.0}}
    yield Case("150 g of the second dish", dish=second, grams=150.0, table=table)
    yield Case("less than 100 g", dish=first, grams=_some_grams(rng, 30, 90), table=_some_table(rng, [second, first, rest[0]]))  # fmt: skip
    dishes = [*rest, first]
    yield Case("a portion with a fraction of a gram", dish=dishes[2], grams=float(100 * rng.integers(2, 5) + rng.integers(31, 70)) + 0.25, table=_some_table(rng, dishes, _COLUMNS[:5]))  # fmt: skip
    yield Case("other nutrients", dish=dishes[1], grams=_some_grams(rng, 120, 300), table=_some_table(rng, dishes[:3], ("kcal", "iron_mg", "zinc_mg")))  # fmt: skip


def _nutrients_oracle(dish, grams, table):
    return {name: float(Fraction(str(value)) * Fraction(str(grams)) / 100) for name, value in table[dish].items()}


def _each_nutrient(reckon):
    return lambda dish, grams, table: {name: reckon(value, grams) for name, value in table[dish].items()}


NUTRIENTS = Exercise(
    id="12.nutrients",
    title="What is in a portion",
    points=6,
    cases=_nutrient_cases,
    oracle=_nutrients_oracle,
    misconceptions={
        "per 100 g is forgotten": Mistake(
            "You multiply by the grams as if the table listed amounts per gram. It lists them per 100 g, so your "
            "portion is a hundred times too rich.",
            _each_nutrient(lambda value, grams: value * grams),
        ),
        "divided by 1000": Mistake(
            "You divide by 1000, as if the table were per kilogram. It is per 100 g.",
            _each_nutrient(lambda value, grams: value * grams / 1000),
        ),
        "the portion is ignored": Mistake(
            "You return the table's row as it is: what 100 g contain, whatever the portion. Scale it to the grams.",
            _each_nutrient(lambda value, grams: value),
        ),
        "the ratio is upside down": Mistake(
            "Your amounts shrink when the portion grows. 150 g contain one and a half times as much as 100 g.",
            _each_nutrient(lambda value, grams: value * 100 / grams),
        ),
        "rounded too early": Mistake(
            "You round the amount in one gram, and then multiply the rounding error by the portion. Keep all digits "
            "while you calculate; round only where the number is shown.",
            _each_nutrient(lambda value, grams: round(value / 100, 2) * grams),
        ),
        "rounded at the end": Mistake(
            "Your amounts are rounded. Somebody will add up a whole day of them, and the rounding errors with them. "
            "Return all digits; round only where the number is shown.",
            _each_nutrient(lambda value, grams: round(value * grams / 100)),
        ),
        "rounded to one decimal": Mistake(
            "Your amounts are rounded to one decimal. Somebody will add up a whole day of them, and the rounding "
            "errors with them. Return all digits; round only where the number is shown.",
            _each_nutrient(lambda value, grams: round(value * grams / 100, 1)),
        ),
        "rounded to two decimals": Mistake(
            "Your amounts are rounded to two decimals, which looks harmless. But somebody will add up a whole day of "
            "them, and the rounding errors with them. Return all digits; round only where the number is shown.",
            _each_nutrient(lambda value, grams: round(value * grams / 100, 2)),
        ),
        "only whole 100 g count": Mistake(
            "You count the portion in whole hundreds of grams, so 150 g count as 100 g. Look for // or int().",
            _each_nutrient(lambda value, grams: value * (grams // 100)),
        ),
        "always the first dish": Mistake(
            "Your amounts are those of the table's first dish. Look the dish up by its name.",
            lambda dish, grams, table: {name: v * grams / 100 for name, v in next(iter(table.values())).items()},
        ),
        "only the nutrients that are named": Mistake(
            "You look up some nutrients by their names. Another table has others: go through whatever is in the dish's row.",
            lambda dish, grams, table: {name: table[dish][name] * grams / 100 for name in ("kcal", "protein_g")},
        ),
        "only the energy": Mistake(
            "You return the energy alone. The row has other nutrients, too; scale every one of them, under its own "
            "name.",
            lambda dish, grams, table: {"kcal": table[dish]["kcal"] * grams / 100},
        ),
    },
    hints=(
        "If 100 g contain 6 g of protein, how much do 150 g contain? By what factor do all the nutrients grow?",
        "table[dish] is the dish's row, a dict. Make a new dict with the same names, and multiply each value by the "
        "factor.",
        "{name: value * grams / 100 for name, value in table[dish].items()}, without any rounding.",
    ),
)


# --- 12.energy_errors ---------------------------------------------------------------------------------------


def _energy_case(rng, label, n, k, wrong, weight=1.0):
    """n plates of which `wrong` are named wrong; grams of both signs of error; dishes of clearly different energy."""
    density = (rng.permutation(np.arange(1, 15))[:k] * 35.0 + rng.uniform(1, 30, k)).round(1)
    truth = rng.integers(0, k, n)
    truth[:1] = k - 1
    said = truth.copy()
    for i in rng.permutation(n)[:wrong]:
        said[i] = (truth[i] + rng.integers(1, k)) % k
    if k > 10:  # the last dish is named somewhere as well
        said[-1] = k - 1
        truth[-1] = int(rng.integers(0, k - 1))
    true_grams = rng.uniform(60, 500, n).round(1)
    signs = np.where(np.arange(n) % 3 == 1, -1, 1)
    grams = (true_grams * (1 + signs * rng.uniform(0.08, 0.45, n))).round(1)
    return Case(
        label,
        weight=weight,
        dishes=said.astype(np.int64),
        grams=grams,
        true_dishes=truth.astype(np.int64),
        true_grams=true_grams,
        kcal_per_100g=density,
    )


def _energy_cases(rng):
    # by hand: an apple that is taken for a tomato, and a pizza that is weighed too light
    step = float(rng.integers(1, 4))
    yield Case(
        "two plates",
        dishes=np.array([1, 2]),
        grams=np.array([200.0, 250.0]),
        true_dishes=np.array([0, 2]),
        true_grams=np.array([150.0, 300.0]),
        kcal_per_100g=np.array([50.0, 20.0, 200.0 + 20 * step]),
    )
    yield _energy_case(rng, "seven plates, three or four of them misnamed", 7, 14, 3)
    yield _energy_case(rng, "every dish is right", 6, 4, 0)
    yield _energy_case(rng, "every dish is wrong", 4, 6, 4)
    yield _energy_case(rng, "a single plate", 1, 3, 1, weight=0.5)


def _energies(d, g, td, tg, c):
    return c[d] * g / 100, c[td] * g / 100, c[d] * tg / 100, c[td] * tg / 100


def _energy_oracle(d, g, td, tg, c):
    totals = [Fraction(0)] * 3
    for dish, mass, true_dish, true_mass in zip(d.tolist(), g.tolist(), td.tolist(), tg.tolist(), strict=True):
        said, right = Fraction(str(c[dish])), Fraction(str(c[true_dish]))
        mass, true_mass = Fraction(str(mass)), Fraction(str(true_mass))
        for part, energy in enumerate((said * mass, right * mass, said * true_mass)):
            totals[part] += abs(energy - right * true_mass) / 100
    return tuple(rounded(total / len(d)) for total in totals)


def _energy_variant(measure):
    """Wrong in how a prediction's and the truth's energies are compared."""

    def wrong(d, g, td, tg, c):
        *three, truth = _energies(d, g, td, tg, c)
        return tuple(rounded(measure(each, truth)) for each in three)

    return wrong


def _named_wrong_only(d, g, td, tg, c):
    *three, truth = _energies(d, g, td, tg, c)
    off = d != td
    return tuple(rounded(np.abs(each - truth)[off].mean() if off.any() else 0.0) for each in three)


def _compared(pairs):
    """Wrong in what is compared with what; `pairs` gets the energies of both, the dish, the grams, and the truth."""
    return lambda d, g, td, tg, c: tuple(rounded(np.abs(a - b).mean()) for a, b in pairs(*_energies(d, g, td, tg, c)))


def _gains(d, g, td, tg, c):
    *three, truth = _energies(d, g, td, tg, c)
    both, dish, grams = (np.abs(each - truth).mean() for each in three)
    return rounded(both), rounded(both - dish), rounded(both - grams)


ENERGY_ERRORS = Exercise(
    id="12.energy_errors",
    title="Where an error in energy comes from",
    points=10,
    cases=_energy_cases,
    oracle=_energy_oracle,
    seconds=20.0,  # scikit-learn or SciPy, imported inside the function, is loaded again for each case
    misconceptions={
        "the two repairs have changed places": Mistake(
            "You swapped the second and the third number. The second belongs to the true dish with the predicted "
            "grams, the third to the predicted dish with the true grams.",
            _compared(lambda both, dish, grams, truth: ((both, truth), (grams, truth), (dish, truth))),
        ),
        "per 100 g is forgotten": Mistake(
            "Your errors are a hundred times too large: the table's energy is per 100 g, not per gram.",
            _energy_variant(lambda said, truth: 100 * np.abs(said - truth).mean()),
        ),
        "the signs are kept": Mistake(
            "Errors with different signs cancel each other: a plate that is too high makes up for one that is too "
            "low. Take the absolute value of each plate's error, then the mean.",
            _energy_variant(lambda said, truth: (said - truth).mean()),
        ),
        "the absolute value comes last": Mistake(
            "You take the mean first and its absolute value afterwards. By then the errors up and down have canceled. "
            "Take the absolute value of each plate's error first.",
            _energy_variant(lambda said, truth: abs((said - truth).mean())),
        ),
        "a root of mean squares": Mistake(
            "You take the root of the mean of the squares, in which large errors count more. The docstring asks for "
            "the mean of the absolute errors.",
            _energy_variant(lambda said, truth: np.sqrt(((said - truth) ** 2).mean())),
        ),
        "a mean of squares": Mistake(
            "You square the errors, so your mean is in kilocalories squared. Take absolute values.",
            _energy_variant(lambda said, truth: ((said - truth) ** 2).mean()),
        ),
        "a sum over the plates": Mistake(
            "You add up all plates. Take the mean, which says how far off a single plate is.",
            _energy_variant(lambda said, truth: np.abs(said - truth).sum()),
        ),
        "a median": Mistake(
            "You take the median. It ignores the few plates that are far off, and those are the ones we are looking "
            "for. Take the mean.",
            _energy_variant(lambda said, truth: np.median(np.abs(said - truth))),
        ),
        "relative to the truth": Mistake(
            "You divide each error by the true energy. The docstring asks for kilocalories.",
            _energy_variant(lambda said, truth: np.abs(said / truth - 1).mean()),
        ),
        "measured against the prediction": Mistake(
            "Your second and third number say how far the corrected energy is from the network's own. The question is "
            "how far it still is from the truth.",
            _compared(lambda both, dish, grams, truth: ((both, truth), (both, dish), (both, grams))),
        ),
        "what each repair gains": Mistake(
            "Your second and third number say how much a correction lowers the error. Return the error that is left "
            "after it.",
            _gains,
        ),
        "the truth has the named dish's energy": Mistake(
            "You compute the true energy with the dish that the network named. The truth needs the true dish and the "
            "true grams.",
            _compared(lambda both, dish, grams, truth: ((both, grams), (dish, grams), (grams, grams))),
        ),
        "only misnamed plates count": Mistake(
            "You average only over the plates with a wrong name. A plate with the right name can have wrong grams, so "
            "it counts too.",
            _named_wrong_only,
        ),
    },
    hints=(
        "A plate's energy needs a dish and a mass. How many pairs of a dish (predicted or true) and a mass (predicted "
        "or true) are there, and which of them is the truth?",
        "kcal_per_100g[dishes] gives the energy density of all plates at once, shape (N,). Multiplied by the grams "
        "and divided by 100, it is each plate's energy.",
        "truth = kcal_per_100g[true_dishes] * true_grams / 100. The second number is the mean of "
        "abs(kcal_per_100g[true_dishes] * grams / 100 - truth).",
    ),
)


# --- 12.nutri_score -----------------------------------------------------------------------------------------

#: Thresholds per 100 g of the algorithm of 2023 for general foods; salt as milligrams of sodium, 2.5 g of salt holding 1 g.
_TABLE = {
    "kj": [335 * n for n in range(1, 11)],
    "sugars_g": [3.4, 6.8, 10, 14, 17, 20, 24, 27, 31, 34, 37, 41, 44, 48, 51],
    "saturated_fat_g": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    "sodium_mg": [80 * n for n in range(1, 21)],
    "protein_g": [2.4, 4.8, 7.2, 9.6, 12, 14, 17],
    "fibre_g": [3.0, 4.1, 5.2, 6.3, 7.4],
    "fruit_veg_share": [0.4, 0.6, 0.8],
}
#: The same of the algorithm of 2017, which many pages still show.
_TABLE_2017 = _TABLE | {
    "sugars_g": [4.5, 9, 13.5, 18, 22.5, 27, 31, 36, 40, 45],
    "sodium_mg": [90 * n for n in range(1, 11)],
    "protein_g": [1.6, 3.2, 4.8, 6.4, 8.0],
    "fibre_g": [0.9, 1.9, 2.8, 3.7, 4.7],
}
_BAD = ("kj", "sugars_g", "saturated_fat_g", "sodium_mg")
#: Thresholds of salt that 2.5 * sodium / 1000 meets exactly in floating point, however it and they are written down.
_EXACT_SALT = (1, 2, 3, 4, 5, 6, 12, 13, 15, 18, 20)
#: How far above a threshold the next value is tried.
_STEP = {
    "kj": 0.5,
    "sugars_g": 0.03,
    "saturated_fat_g": 0.05,
    "sodium_mg": 1.0,
    "protein_g": 0.02,
    "fibre_g": 0.03,
    "fruit_veg_share": 0.005,
}


def _around(rng, nutrient):
    """Every threshold, and a value just above it; below the first and far above the last."""
    values = [0.0]
    for number, threshold in enumerate(_TABLE[nutrient], start=1):
        if nutrient != "sodium_mg" or number in _EXACT_SALT:
            values.append(float(threshold))
        else:
            values.append(threshold - float(rng.integers(1, 9)))
        steps = 1 if number == len(_TABLE[nutrient]) else rng.integers(1, 9)
        values.append(float(np.round(threshold + _STEP[nutrient] * steps, 3)))
    # a table that went on would have further thresholds here
    return values if nutrient == "fruit_veg_share" else [*values, 1.5 * _TABLE[nutrient][-1]]


def _row(rng, unfavorable, protein=None):
    """Made-up food with so many unfavorable points, no value near a threshold; kcal goes with its kJ."""
    points = dict.fromkeys(_BAD, 0)
    while sum(points.values()) < unfavorable:
        name = str(rng.choice(_BAD))
        if points[name] < 9:
            points[name] += 1
    row = {name: _within(rng, name, number) for name, number in points.items()}
    row["protein_g"] = _within(rng, "protein_g", int(rng.integers(2, 7)) if protein is None else protein)
    row["fibre_g"] = _within(rng, "fibre_g", int(rng.integers(1, 3)))
    row["fruit_veg_share"] = _within(rng, "fruit_veg_share", int(rng.integers(0, 2)))
    return {"kcal": round(row["kj"] / 4.184, 1)} | row


def _within(rng, nutrient, points):
    """An amount that earns so many points, well inside of its step."""
    thresholds = [0, *_TABLE[nutrient], 2 * _TABLE[nutrient][-1] if nutrient != "fruit_veg_share" else 1.0]
    low, high = thresholds[points], thresholds[points + 1]
    return float(np.round(low + (high - low) * rng.uniform(0.3, 0.7), 0 if nutrient in ("kj", "sodium_mg") else 2))


def _score_cases(rng):
    # A sweep starts from a food whose points leave room on both sides of the rules that it is not about.
    yield Case(
        "one food, protein up and down, red meat left at its default",
        per_100g=_row(rng, int(rng.integers(4, 7))),
        nutrient="protein_g",
        values=[1.0, float(rng.integers(8, 10)) + 0.5],
    )
    for nutrient, words in (
        ("kj", "energy: every threshold"),
        ("sugars_g", "sugars: every threshold"),
        ("saturated_fat_g", "saturated fat: every threshold"),
        ("sodium_mg", "salt: every threshold"),
    ):
        row = _row(rng, 6)
        yield Case(words, per_100g=row, red_meat=False, nutrient=nutrient, values=_around(rng, nutrient))
    for nutrient, words in (
        ("protein_g", "protein: every threshold"),
        ("fibre_g", "fibre: every threshold"),
        ("fruit_veg_share", "fruit and vegetables: every threshold"),
    ):
        row = _row(rng, 8)
        yield Case(words, per_100g=row, red_meat=False, nutrient=nutrient, values=_around(rng, nutrient))
    # Unfavorable points go from below 11 to above it, one by one.
    row = _row(rng, 0, protein=5) | dict.fromkeys(_BAD, 0.0)
    row |= {"sugars_g": _within(rng, "sugars_g", 7)}
    yield Case(
        "where protein no longer counts", per_100g=row, red_meat=False, nutrient="saturated_fat_g", values=_steps(rng)
    )
    row = _row(rng, 13) | {"fibre_g": _within(rng, "fibre_g", 5), "fruit_veg_share": _within(rng, "fruit_veg_share", 3)}
    yield Case("rich food with fibre and fruit", per_100g=row, red_meat=False, nutrient="protein_g", values=_around(rng, "protein_g")[::3])  # fmt: skip
    # No favorable points at all: the points walk over every bound of the letters.
    row = dict.fromkeys(("kcal", *_BAD, "protein_g", "fibre_g", "fruit_veg_share"), 0.0)
    row["saturated_fat_g"] = float(rng.integers(0, 3))
    values = [_within(rng, "sodium_mg", points) for points in range(20)]
    yield Case("every letter", per_100g=row, red_meat=False, nutrient="sodium_mg", values=values)
    row = _row(rng, 4)
    yield Case("red meat", per_100g=row, red_meat=True, nutrient="protein_g", values=_around(rng, "protein_g"))
    row = _row(rng, 0, protein=6) | dict.fromkeys(_BAD, 0.0) | {"sodium_mg": _within(rng, "sodium_mg", 6)}
    yield Case(
        "red meat, from lean to fat", per_100g=row, red_meat=True, nutrient="saturated_fat_g", values=_steps(rng)
    )


def _steps(rng):
    return [_within(rng, "saturated_fat_g", points) for points in range(0, 10)]


def _score_oracle(per_100g, *rest):
    from introdl.checking.probes import PROBES

    *red_meat, nutrient, values = rest
    return PROBES["along_nutrient"].read([_published(per_100g | {nutrient: v}, *red_meat) for v in values], [per_100g, *rest])  # fmt: skip


def _published(row, red_meat=False):
    """By binary search in the published table: thresholds lower than a value are as many points."""
    points = {
        name: int(np.searchsorted(thresholds, row[name], side="left"))
        for name, thresholds in _TABLE.items()
        if name != "fruit_veg_share"
    }
    fruit = (0, 1, 2, 5)[int(np.searchsorted(_TABLE["fruit_veg_share"], row["fruit_veg_share"], side="left"))]
    bad = sum(points[name] for name in _BAD)
    protein = min(points["protein_g"], 2) if red_meat else points["protein_g"]
    score = bad - points["fibre_g"] - fruit - (protein if bad < 11 else 0)
    return score, "ABCDE"[int(np.searchsorted([0, 2, 10, 18], score, side="left"))]


def _letter(score, bounds=(0, 2, 10, 18)):
    return "ABCDE"[sum(score > bound for bound in bounds)]


def _score_with(
    change=None,
    exceeds=None,
    table=_TABLE,
    fruit=(0, 1, 2, 5),
    counts=None,
    bounds=None,
    meat=None,
    combine=None,
    red=False,
):
    """A Nutri-Score whose parts can be replaced by wrong ones.

    `change` alters the row; `exceeds` compares; `counts` says whether protein counts, which with `red` that
    of red meat always does; `bounds` are the letters'.
    """
    compare = exceeds or (lambda value, threshold: value > threshold)

    def score(per_100g, red_meat=False):
        row = change(dict(per_100g)) if change else per_100g
        points = {name: sum(compare(row[name], t) for t in thresholds) for name, thresholds in table.items()}
        bad = sum(points[name] for name in _BAD)
        protein = meat(points["protein_g"], red_meat) if meat else min(points["protein_g"], 2 if red_meat else 99)
        vegetables = fruit[points["fruit_veg_share"]]
        protein = protein if (counts(bad, vegetables) if counts else bad < 11) or (red and red_meat) else 0
        if combine:
            total = combine(bad, protein, points["fibre_g"], vegetables)
        else:
            total = bad - protein - points["fibre_g"] - vegetables
        return total, _letter(total, bounds or (0, 2, 10, 18))

    return score


def _scaled(**units):
    """Wrong in a unit: the named nutrients are multiplied."""
    return lambda row: row | {name: row[name] * factor for name, factor in units.items()}


NUTRI_SCORE = Exercise(
    id="12.nutri_score",
    title="The Nutri-Score",
    points=14,
    cases=_score_cases,
    oracle=_score_oracle,
    probe="along_nutrient",
    forbidden=("introdl.mealomi.nutriscore.*",),
    misconceptions={
        "kilocalories for kilojoules": Mistake(
            "You compare kilocalories with thresholds in kilojoules. 1 kcal is 4.184 kJ, so nearly everything looks "
            "light. The row has both: use kj.",
            _score_with(change=lambda row: row | {"kj": row["kcal"]}),
        ),
        "kilojoules out of kilocalories": Mistake(
            "You compute the kilojoules from the kilocalories, which are rounded, and near a threshold that makes a "
            "difference. The row has the kilojoules themselves: use kj.",
            _score_with(change=lambda row: row | {"kj": row["kcal"] * 4.184}),
        ),
        "salt weighs less than sodium": Mistake(
            "You divide by 2.5. Salt contains chlorine besides its sodium, so it weighs more: 2.5 times as much.",
            _score_with(change=_scaled(sodium_mg=1 / 2.5**2)),
        ),
        "sodium for salt": Mistake(
            "You use grams of sodium as if they were grams of salt. Salt is sodium and chlorine: 2.5 g of salt "
            "contain 1 g of sodium. This version of the score counts salt.",
            _score_with(change=_scaled(sodium_mg=1 / 2.5)),
        ),
        "milligrams for grams": Mistake(
            "You compare milligrams with thresholds in grams, so almost every food gets all 20 points for salt. To "
            "get from milligrams of sodium to grams of salt, multiply by 2.5 and divide by 1000.",
            _score_with(change=_scaled(sodium_mg=1000)),
        ),
        "a threshold that is met counts": Mistake(
            "If a value equals a threshold, you give the next point. A point takes more than the threshold: compare "
            "with >, not >=.",
            _score_with(exceeds=lambda value, threshold: value >= threshold),
        ),
        "protein always counts": Mistake(
            "With 11 or more unfavorable points protein no longer counts, but you still subtract it. Without that "
            "rule, many sausages would look better than they are.",
            _score_with(counts=lambda bad, fruit: True),
        ),
        "protein never counts": Mistake(
            "You leave protein out altogether. With fewer than 11 unfavorable points it counts.",
            _score_with(counts=lambda bad, fruit: False),
        ),
        "protein still counts at 11": Mistake(
            "With exactly 11 unfavorable points you still subtract the protein. It counts only below 11.",
            _score_with(counts=lambda bad, fruit: bad <= 11),
        ),
        "the rule for protein is upside down": Mistake(
            "You let protein count from 11 unfavorable points on, and not below. It is the other way around.",
            _score_with(counts=lambda bad, fruit: bad >= 11),
        ),
        "much fruit brings the protein back": Mistake(
            "In the version of 2017 protein still counted with 11 or more unfavorable points if there was enough "
            "fruit. The version of 2023 has no such exception.",
            _score_with(counts=lambda bad, fruit: bad < 11 or fruit == 5),
        ),
        "nothing favorable counts from 11 on": Mistake(
            "From 11 unfavorable points on you drop fiber and fruit along with the protein. Only the protein is "
            "dropped.",
            _score_with(combine=lambda bad, p, fibre, fruit: bad - (p + fibre + fruit if bad < 11 else 0)),
        ),
        "fruit is dropped along with the protein": Mistake(
            "From 11 unfavorable points on you drop the points for fruit and vegetables too. Only the protein is dropped.",
            _score_with(combine=lambda bad, p, fibre, fruit: bad - p - fibre - (fruit if bad < 11 else 0)),
        ),
        "favorable points are added": Mistake(
            "You add the favorable points. A low score is a good one, so subtract them.",
            _score_with(combine=lambda bad, p, fibre, fruit: bad + p + fibre + fruit),
        ),
        "the score is turned around": Mistake(
            "Your score is favorable minus unfavorable points. It is the other way around: the lower, the better.",
            _score_with(combine=lambda bad, p, fibre, fruit: p + fibre + fruit - bad),
        ),
        "never below zero": Mistake(
            "You cut the score off at 0. It may be negative, as for most vegetables.",
            _score_with(combine=lambda bad, p, fibre, fruit: max(bad - p - fibre - fruit, 0)),
        ),
        "fruit earns 1, 2, 3": Mistake(
            "You give 3 points above 80 % fruit and vegetables. The table jumps there: 1, 2, and then 5.",
            _score_with(fruit=(0, 1, 2, 3)),
        ),
        "a share is taken for percent": Mistake(
            "You compare the share of fruit, which is from 0 to 1, with 40, 60 and 80, so nothing ever gets a point. "
            "Use the same unit for both.",
            _score_with(change=_scaled(fruit_veg_share=0.01)),
        ),
        "the limit for red meat is missing": Mistake(
            "Red meat gets at most 2 points for its protein in this version. You give it all the points in the table.",
            _score_with(meat=lambda protein, red_meat: protein),
        ),
        "red meat's protein always counts": Mistake(
            "With 11 or more unfavorable points you still subtract the protein of red meat. That rule is for every "
            "food. Is there an elif that should be an if?",
            _score_with(red=True),
        ),
        "red meat earns nothing for protein": Mistake(
            "You give red meat no points for its protein. It gets them as other food does, but at most 2: the points "
            "are limited, not the grams.",
            _score_with(meat=lambda protein, red_meat: 0 if red_meat else protein),
        ),
        "red meat always gets 2 points": Mistake(
            "You give red meat exactly 2 points for its protein. Two is the most that it gets: with little protein it gets one "
            "point or none.",
            _score_with(meat=lambda protein, red_meat: 2 if red_meat else protein),
        ),
        "at most 5 points for protein": Mistake(
            "You limit the points for protein to 5, as in the version of 2017. In 2023 there are up to 7.",
            _score_with(meat=lambda protein, red_meat: min(protein, 2 if red_meat else 5)),
        ),
        "every food is taken for red meat": Mistake(
            "You give every food at most 2 points for protein. That limit is for red meat only: see the second "
            "argument.",
            _score_with(meat=lambda protein, red_meat: min(protein, 2)),
        ),
        "the letters begin too early": Mistake(
            "Your letters are one point too strict: A goes up to 0, B to 2, C to 10 and D to 18, with each of these "
            "included.",
            _score_with(bounds=(-1, 1, 9, 17)),
        ),
        "the letters begin too late": Mistake(
            "Your letters are one point too generous: 1 is a B already, 3 a C, 11 a D, and 19 an E.",
            _score_with(bounds=(1, 3, 11, 19)),
        ),
        "the letters of 2017": Mistake(
            "Your points are right, but your A goes only to −1, as in the version of 2017. In 2023 it goes to 0.",
            _score_with(bounds=(-1, 2, 10, 18)),
        ),
        "the table of 2017": Mistake(
            "Your thresholds for sugars, salt, protein or fiber are those of the first version, of 2017, which many "
            "web pages still show. Use the table of this chapter.",
            _score_with(table=_TABLE_2017, counts=lambda bad, fruit: bad < 11 or fruit == 5, bounds=(-1, 2, 10, 18)),
        ),
    },
    hints=(
        "Start with a small function points(value, thresholds) that counts how many thresholds a value exceeds. Seven "
        "calls of it do most of the work.",
        "Mind the units: energy is in kJ, and salt in g is 2.5 * sodium_mg / 1000. The share of fruit is from 0 to 1, "
        "and its points are 0, 1, 2 or 5. Then bad is the sum of the first four.",
        "protein = min(protein, 2) for red meat, and 0 if bad >= 11. score = bad - protein - fiber - fruit, and the "
        "letter is 'ABCDE'[points(score, [0, 2, 10, 18])].",
    ),
)


# --- 12.expected_calibration_error --------------------------------------------------------------------------


def _named_rows(rng, tops, right, k):
    """Labels and probabilities (N, K) whose largest ones are `tops`, in thousandths; `right` says which of them are right.

    Every row's largest probability leads clearly, so that nothing hangs on a tie.
    """
    rows, labels = [], []
    for top, is_right in zip(tops, right, strict=True):
        while True:
            rest = np.round(1000 * (1 - top) * rng.dirichlet(np.full(k - 1, 2.0)))
            rest[-1] = round(1000 * (1 - top)) - rest[:-1].sum()
            if top == 1 or (rest.min() >= 0 and rest.max() < 1000 * top - 10):
                break
        place = int(rng.integers(k))
        rows.append(np.insert(rest, place, round(1000 * top)) / 1000)
        others = [other for other in range(k) if other != place]
        labels.append(place if is_right else int(rng.choice(others)))
    return {"labels": np.array(labels, dtype=np.int64), "probabilities": np.array(rows)}


def _inside_bins(rng, bins, filled, k):
    """Confidences in thousandths, `filled[b]` of them in bin b, none within three thousandths of an edge."""
    found = []
    for b, count in filled.items():
        low, high = max(b / bins, 1.25 / k) + 0.003, (b + 1) / bins - 0.003
        found += [float(round(low + (high - low) * share, 3)) for share in rng.uniform(0.02, 0.98, count)]
    return np.array(found)


def _calibration_case(rng, label, k, bins, filled, rights, weight=1.0):
    """Pictures in bins 'filled[b]' of which 'rights[b]' are right."""
    tops = _inside_bins(rng, bins, filled, k)
    right = np.concatenate([np.arange(count) < rights[b] for b, count in filled.items()])
    order = rng.permutation(len(tops))
    return Case(label, weight=weight, **_named_rows(rng, tops[order], right[order], k), bins=bins)


def _calibration_cases(rng):
    # By hand: two bins, three of five pictures in the upper one.
    tops = np.array([0.6, 0.7, 0.9, 0.4, 0.45]) + rng.integers(-2, 3, 5) / 100
    order = rng.permutation(5)
    right = np.array([1, 1, 0, 0, 1])
    yield Case("five pictures, two bins", weight=1.5, **_named_rows(rng, tops[order], right[order], 3), bins=2)
    n = [int(v) for v in rng.integers(5, 9, 5)]
    filled, rights = {3: n[0], 4: n[1], 6: n[2], 8: n[3], 9: n[4]}, {3: n[0] - 1, 4: 1, 6: n[2] - 2, 8: 3, 9: n[4] - 2}
    yield _calibration_case(rng, "ten bins, some of them empty", 5, 10, filled, rights, weight=1.5)
    n = [int(v) for v in rng.integers(3, 7, 4)]
    filled, rights = {6: n[0], 9: n[1], 12: n[2], 14: 2 * n[3]}, {6: n[0], 9: 1, 12: 1, 14: 2 * n[3] - 3}
    while True:  # a label of more than one digit has a say
        menu = _calibration_case(rng, "fifteen bins, thirteen dishes", 13, 15, filled, rights)
        labels, named = menu.inputs["labels"], menu.inputs["probabilities"].argmax(axis=1)
        if (labels[labels == named] >= 10).any():
            break
    yield menu
    # Edges are eighths, which floats hold exactly; every edge has one right and two wrong, or the other way round.
    tops = np.array([0.5, 0.5, 0.5, 0.625, 0.625, 0.75, 0.75, 0.75, 0.875])
    middle = np.array([0.44, 0.56, 0.69, 0.7, 0.81, 0.93, 0.95]) + rng.integers(-2, 3, 7) / 100
    right = np.array([1, 1, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 0])
    order = rng.permutation(len(right))
    every = np.concatenate([tops, middle])
    yield Case("confidences that equal an edge", weight=1.5, **_named_rows(rng, every[order], right[order], 4), bins=8)
    tops = np.array([1, 1, 1, 0.9, 0.7, 0.8]) - np.array([0, 0, 0, 1, 1, 1]) * rng.integers(1, 9, 6) / 1000
    order = rng.permutation(6)
    yield Case("three of six are certain", **_named_rows(rng, tops[order], np.array([1, 0, 1, 0, 1, 1])[order], 3), bins=5)  # fmt: skip
    top = np.array([int(rng.integers(61, 73)) / 100])
    yield Case("a single picture", weight=0.5, **_named_rows(rng, top, [True], 4), bins=10)


def _calibration_oracle(labels, probabilities, bins):
    """In whole thousandths and fractions, picture by picture."""
    sums = [Fraction(0)] * bins
    for label, row in zip(labels.tolist(), probabilities.tolist(), strict=True):
        confidence = max(Fraction(round(1000 * p), 1000) for p in row)
        right = row[label] == max(row)
        # Of a bin, count * |accuracy - mean confidence| is the absolute value of its sum of differences.
        sums[math.ceil(confidence * bins) - 1] += right - confidence
    return rounded(sum(abs(each) for each in sums) / len(labels))


def _confidence(labels, probabilities):
    return probabilities.max(axis=1)


def _upper_edge(confidence, bins):
    """Which bin each confidence is in: one at an edge is in the bin below."""
    return np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)


def _lower_edge(confidence, bins):
    return np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1])


def _drawn_out(confidence, bins):
    """Bins from the lowest confidence to the highest."""
    low, high = confidence.min(), confidence.max()
    edges = np.linspace(low, high, bins + 1)
    return np.digitize(confidence, edges[1:-1], right=True)


def _equally_full(confidence, bins):
    inside = np.empty(len(confidence), dtype=int)
    for b, part in enumerate(np.array_split(np.argsort(confidence, kind="stable"), bins)):
        inside[part] = b
    return inside


def _calibration_with(confidence=_confidence, inside=_upper_edge, total=None, gap=None, keep=None):
    """An expected calibration error whose parts can be replaced by wrong ones.

    `total` gets each filled bin's share and gap, and the number of bins; `gap` its accuracy, its mean confidence and
    where the bin's middle lies.
    """

    def wrong(labels, probabilities, bins):
        c, right = confidence(labels, probabilities), probabilities.argmax(axis=1) == labels
        which, chosen = inside(c, bins), keep(c) if keep else np.ones(len(c), dtype=bool)
        shares, gaps = [], []
        for b in np.unique(which[chosen]):
            own = (which == b) & chosen
            middle = (b + 0.5) / bins
            shares.append(own.mean())
            found = (right[own].mean(), c[own].mean(), middle)
            gaps.append(gap(*found) if gap else abs(found[0] - found[1]))
        shares, gaps = np.array(shares), np.array(gaps)
        return rounded(total(shares, gaps, len(c), bins) if total else (shares * gaps).sum())

    return wrong


def _nan_where_empty(labels, probabilities, bins):
    which = _upper_edge(probabilities.max(axis=1), bins)
    if len(np.unique(which)) < bins:
        return np.float64(np.nan)
    return _calibration_with()(labels, probabilities, bins)


def _every_probability(labels, probabilities, bins):
    """All K probabilities of a picture are binned, each right where its class is the true one."""
    p, truth = probabilities.ravel(), one_hot(labels, probabilities.shape[1]).ravel()
    which = _upper_edge(p, bins)
    return rounded(sum(abs((truth - p)[which == b].sum()) for b in np.unique(which)) / len(p))


EXPECTED_CALIBRATION_ERROR = Exercise(
    id="12.expected_calibration_error",
    title="Can the probabilities be believed?",
    points=12,
    cases=_calibration_cases,
    oracle=_calibration_oracle,
    seconds=20.0,  # scikit-learn, imported inside the function, is loaded again for each case
    misconceptions={
        "the bins are not weighed": Mistake(
            "You take the mean of the gaps, so a bin with two pictures counts as much as one with two hundred. Weigh "
            "each gap by the share of all pictures that are in its bin.",
            _calibration_with(total=lambda shares, gaps, n, bins: gaps.mean()),
        ),
        "empty bins count": Mistake(
            "You divide by the number of bins, the empty ones included. Weigh each gap by the share of pictures that "
            "are in its bin: an empty bin then weighs nothing by itself.",
            _calibration_with(total=lambda shares, gaps, n, bins: gaps.sum() / bins),
        ),
        "the gaps are added up": Mistake(
            "You add up the gaps as they are. With many bins the sum can exceed 1. Weigh each gap by the share of all "
            "pictures that are in its bin.",
            _calibration_with(total=lambda shares, gaps, n, bins: gaps.sum()),
        ),
        "counts for shares": Mistake(
            "You weigh each gap by the number of pictures in its bin. Divide by the number of all pictures.",
            _calibration_with(total=lambda shares, gaps, n, bins: (n * shares * gaps).sum()),
        ),
        "nan from an empty bin": Mistake(
            "A bin is empty, and you take a mean of nothing: that is nan, and it spoils the sum. Go past empty bins.",
            _nan_where_empty,
        ),
        "the largest gap": Mistake(
            "You return the largest gap of any bin. That is the maximum calibration error, a relative. The expected "
            "one is the sum of all gaps, each weighed by its bin's share.",
            _calibration_with(total=lambda shares, gaps, n, bins: gaps.max()),
        ),
        "the signs are kept": Mistake(
            "You keep the gaps' signs, so a bin that is too cautious makes up for one that is too confident. Take the "
            "absolute value of each bin's gap.",
            _calibration_with(gap=lambda right, mean, middle: right - mean),
        ),
        "the signs are kept, and turned": Mistake(
            "You subtract the accuracy from the confidence and keep the sign, so a bin that is too cautious makes up "
            "for one that is too confident. Take the absolute value of each bin's gap.",
            _calibration_with(gap=lambda right, mean, middle: mean - right),
        ),
        "the absolute value comes last": Mistake(
            "You add up the gaps first and take the absolute value of the sum. By then, bins above and below have "
            "canceled, and what is left no longer depends on the bins. Take each bin's absolute value.",
            _calibration_with(
                gap=lambda right, mean, middle: right - mean,
                total=lambda shares, gaps, n, bins: abs((shares * gaps).sum()),
            ),
        ),
        "the absolute value comes too early": Mistake(
            "You take each picture's own |right - confidence|. A single picture is right or wrong, so it is always far "
            "from 60 %. Take the means of a bin first, then their difference.",
            lambda labels, probabilities, bins: rounded(
                np.abs((probabilities.argmax(axis=1) == labels) - probabilities.max(axis=1)).mean()
            ),
        ),
        "the gaps are squared": Mistake(
            "You square the gaps. The formula uses absolute values.",
            _calibration_with(gap=lambda right, mean, middle: (right - mean) ** 2),
        ),
        "a root of mean squares": Mistake(
            "You take the root of the weighed squares, in which large gaps count more. The formula uses absolute values.",
            _calibration_with(
                gap=lambda right, mean, middle: (right - mean) ** 2,
                total=lambda shares, gaps, n, bins: np.sqrt((shares * gaps).sum()),
            ),
        ),
        "the middle of the bin": Mistake(
            "You compare a bin's accuracy with the middle of the bin. Its pictures need not lie around there: compare "
            "it with the mean of their own confidences.",
            _calibration_with(gap=lambda right, mean, middle: abs(right - middle)),
        ),
        "the mean of all probabilities": Mistake(
            "You take the mean of all K probabilities as the confidence. They add up to 1, so their mean is always "
            "1 / K. The confidence is the largest one of each row: max along axis 1.",
            _calibration_with(confidence=lambda labels, p: np.round(p.mean(axis=1), 9)),
        ),
        "the true dish's probability": Mistake(
            "You take the probability of the true dish. The confidence is that of the dish that the network names, the "
            "largest of the row, whether it is right or not.",
            _calibration_with(confidence=lambda labels, p: p[np.arange(len(p)), labels]),
        ),
        "all classes are binned": Mistake(
            "You sort all K probabilities of each picture into bins. Only the largest one of each row is the confidence.",
            _every_probability,
        ),
        "the error rate": Mistake(
            "You return the share of pictures that are wrong. How confident the network was is not in it: subtract the "
            "bin's mean confidence from its accuracy.",
            lambda labels, probabilities, bins: rounded((probabilities.argmax(axis=1) != labels).mean()),
        ),
        "the accuracy is left out": Mistake(
            "You return the mean confidence. How often the network was right is not in it: subtract the two in each bin.",
            lambda labels, probabilities, bins: rounded(probabilities.max(axis=1).mean()),
        ),
        "an edge is in the upper bin": Mistake(
            "Where a confidence equals an edge, you put it into the bin above. The docstring puts it into the bin "
            "below: bin b goes from above b / bins up to (b + 1) / bins, inclusive.",
            _calibration_with(inside=_lower_edge),
        ),
        "a confidence of 1 is in no bin": Mistake(
            "Your last bin ends just below 1, so a picture that the network is certain of is in no bin at all. Bin b "
            "goes from above b / bins up to (b + 1) / bins, inclusive.",
            _calibration_with(inside=_lower_edge, keep=lambda c: c < 1),
        ),
        "an edge is in neither bin": Mistake(
            "A confidence that equals an edge is in none of your bins, because you compare with < on both sides. Bin b "
            "goes from above b / bins up to (b + 1) / bins, inclusive.",
            lambda labels, probabilities, bins: _calibration_with(keep=lambda c: np.round(c * bins, 9) % 1 != 0)(
                labels, probabilities, bins
            ),
        ),
        "always ten bins": Mistake(
            "You use ten bins, whatever the third argument says.",
            lambda labels, probabilities, bins: _calibration_with()(labels, probabilities, 10),
        ),
        "bins from the lowest to the highest": Mistake(
            "Your bins begin at the lowest confidence and end at the highest, as np.histogram makes them without a "
            "range. They go from 0 to 1, whatever the confidences are.",
            _calibration_with(inside=_drawn_out),
        ),
        "bins of equal counts": Mistake(
            "You give each bin the same number of pictures. The bins here have the same width.",
            _calibration_with(inside=_equally_full),
        ),
    },
    hints=(
        "First make two arrays of shape (N,): how confident the network is in what it names, and whether it is right. "
        "Nothing else of the probabilities is needed.",
        "confidence = probabilities.max(axis=1); right = probabilities.argmax(axis=1) == labels. A bin is a mask: "
        "(confidence > b / bins) & (confidence <= (b + 1) / bins). Go past a bin whose mask has no True.",
        "Of a bin with the mask own: own.mean() is its share of all pictures, and its gap is abs(right[own].mean() - "
        "confidence[own].mean()). Add up share times gap.",
    ),
)


# --- 12.confidence_threshold --------------------------------------------------------------------------------


def _threshold_case(rng, label, n, share, test=None, weight=1.0, unit=1, below=0):
    """Scores in eighths of a unit, all of a set different; the test set's food scores a little lower than the validation set's.

    All lie `below` by so much, which makes them negative in part.
    """
    known = rng.permutation(np.arange(40, 40 + 2 * n))[:n] / 8
    threshold = np.sort(known)[math.floor(Fraction(str(share)) * n)]
    m = test or n + 3
    # The chosen threshold itself comes in both other sets, so that what happens to a score that equals it shows.
    food = rng.permutation(np.arange(36, 36 + 2 * m))[:m] / 8
    food[rng.integers(m)] = threshold
    others = rng.permutation(np.arange(24, 24 + 2 * m))[: m - 2] / 8
    others[rng.integers(m - 2)] = threshold
    known, food, others = (unit * (scores - below) for scores in (known, food, others))
    return Case(label, weight=weight, val_food=known, test_food=food, test_other=others, share=share)


def _threshold_cases(rng):
    # Where the allowed number is whole, shares are parts of a power of 2: 1 - 0.95 is not 0.05 in floating point, 1 - 0.75 is 0.25.
    yield _threshold_case(rng, "8 pictures, two may be turned away", 8, 0.25, test=11)
    yield _threshold_case(rng, "an eighth of 24, scores of both signs", 24, 0.125, below=8)
    yield _threshold_case(rng, "5 % of 50 are two and a half, large scores", 50, 0.05, unit=100)
    yield _threshold_case(rng, "one in ten of 38", 38, 0.1)
    yield _threshold_case(rng, "too few to turn away one", 9, 0.05)


def _threshold_oracle(val_food, test_food, test_other, share):
    """Try every validation score, and keep the highest that turns away few enough."""
    allowed = Fraction(str(share)) * len(val_food)
    chosen = max(t for t in val_food.tolist() if sum(v < t for v in val_food.tolist()) <= allowed)
    away = Fraction(sum(v < chosen for v in test_food.tolist()), len(test_food))
    let_in = Fraction(sum(v >= chosen for v in test_other.tolist()), len(test_other))
    return rounded(chosen), rounded(away), rounded(let_in)


def _threshold_variant(choose=None, rates=None):
    def wrong(val_food, test_food, test_other, share):
        ordered = np.sort(val_food)
        allowed = math.floor(share * len(ordered) + 1e-9)
        t = choose(ordered, allowed, share, test_food, test_other) if choose else ordered[allowed]
        if rates:
            return tuple(rounded(v) for v in (t, *rates(t, test_food, test_other)))
        return _rates(t, test_food, test_other)

    return wrong


def _rates(t, food, other):
    return tuple(rounded(v) for v in (t, np.mean(food < t), np.mean(other >= t)))


def _highest(ordered, share):
    return ordered[math.floor(share * len(ordered) + 1e-9)]


CONFIDENCE_THRESHOLD = Exercise(
    id="12.confidence_threshold",
    title="When to say 'I do not know'",
    points=10,
    cases=_threshold_cases,
    oracle=_threshold_oracle,
    seconds=20.0,  # scikit-learn or SciPy, imported inside the function, is loaded again for each case
    misconceptions={
        "chosen on the test pictures": Mistake(
            "You choose the threshold on the test pictures and then report how it does on them. Of course it keeps "
            "the promise there. Choose on the validation pictures; the test pictures are only for measuring.",
            _threshold_variant(lambda o, a, share, food, other: _highest(np.sort(food), share)),
        ),
        "chosen on the other pictures": Mistake(
            "You choose the threshold on pictures that are not food. The promise is about food: it limits how many "
            "known plates are turned away.",
            _threshold_variant(lambda o, a, share, food, other: _highest(np.sort(other), share)),
        ),
        "the wrong tail": Mistake(
            "You turn away nearly everything and keep only a few of the best. A low score means unknown: the few that "
            "may be turned away are the lowest.",
            _threshold_variant(lambda o, a, share, food, other: o[len(o) - 1 - a]),
        ),
        "one too few": Mistake(
            "Your threshold could be one score higher: one more picture could be turned away, and the promise would "
            "still hold. A picture whose score equals the threshold is let in.",
            _threshold_variant(lambda o, a, *_: o[a - 1] if a else o[0] - 1),
        ),
        "one too many": Mistake(
            "You turn away one picture more than the promise allows. Count again, and remember that a picture at the "
            "threshold is let in.",
            _threshold_variant(lambda o, a, *_: o[a + 1]),
        ),
        "fewer than the share": Mistake(
            "If the allowed number is whole, you stop one short. A quarter of 8 is two, so two may be turned away: "
            "compare with <=, not with <. (np.quantile with method='lower' stops short, too.)",
            _threshold_variant(lambda o, a, share, *_: o[max(math.ceil(share * len(o) - 1e-9) - 1, 0)]),
        ),
        "rounded to the nearest": Mistake(
            "If the allowed number is not whole, you round it to the nearest whole number: 10 % of 38 is 3.8, and you "
            "turn away 4. That is more than a tenth. Round down.",
            _threshold_variant(lambda o, a, share, *_: o[round(share * len(o))]),
        ),
        "the scores are not sorted": Mistake(
            "You take the score at that index of val_food as it came. Sort a copy first.",
            lambda val_food, test_food, test_other, share: _rates(
                val_food[math.floor(share * len(val_food) + 1e-9)], test_food, test_other
            ),
        ),
        "rounded up": Mistake(
            "If the allowed number is not whole, you round it up, which breaks the promise: 5 % of 50 is two and a "
            "half, so only two may be turned away.",
            _threshold_variant(lambda o, a, share, *_: o[math.ceil(share * len(o) - 1e-9)]),
        ),
        "a quantile between two scores": Mistake(
            "Your threshold lies between two scores, as np.quantile makes it. The docstring asks for one of the "
            "validation scores, the highest that keeps the promise.",
            _threshold_variant(lambda o, a, share, *_: np.quantile(o, share)),
        ),
        "always 5 %": Mistake(
            "Your threshold turns away 5 %, whatever share is.",
            _threshold_variant(lambda o, a, share, *_: _highest(o, 0.05)),
        ),
        "the lowest score": Mistake(
            "You take the lowest validation score, so no validation picture is turned away. Some may be, and a higher "
            "threshold keeps out more of what is unknown.",
            _threshold_variant(lambda o, a, *_: o[0]),
        ),
        "a score at the threshold is turned away": Mistake(
            "In your rates a picture whose score equals the threshold is turned away. It should be let in: only "
            "scores below the threshold are turned away.",
            _threshold_variant(rates=lambda t, food, other: (np.mean(food <= t), np.mean(other > t))),
        ),
        "others that are turned away": Mistake(
            "Your last number is the share of other pictures that the threshold keeps out. The error is the share "
            "that it lets in.",
            _threshold_variant(rates=lambda t, food, other: (np.mean(food < t), np.mean(other < t))),
        ),
        "food that stays": Mistake(
            "Your second number is the share of food that is let in. The error is the share that is turned away.",
            _threshold_variant(rates=lambda t, food, other: (np.mean(food >= t), np.mean(other >= t))),
        ),
        "counts for shares": Mistake(
            "Your rates are counts. Divide by the number of pictures of each kind.",
            _threshold_variant(rates=lambda t, food, other: (np.sum(food < t), np.sum(other >= t))),
        ),
        "in percent": Mistake(
            "Your rates are in percent. The docstring asks for shares, from 0 to 1.",
            _threshold_variant(rates=lambda t, food, other: (100 * np.mean(food < t), 100 * np.mean(other >= t))),
        ),
        "the two errors have changed places": Mistake(
            "You swapped the second and the third number: first the food that is turned away, then the other pictures "
            "that are let in.",
            _threshold_variant(rates=lambda t, food, other: (np.mean(other >= t), np.mean(food < t))),
        ),
    },
    hints=(
        "Sort the validation scores. If none may be turned away, which of them is the highest possible threshold? And if one may?",
        "If the scores are sorted upwards, exactly i of them are below the one at index i. So which index may you "
        "use? It must be a whole number, rounded down.",
        "threshold = np.sort(val_food)[int(share * len(val_food))]; then np.mean(test_food < threshold) and "
        "np.mean(test_other >= threshold).",
    ),
)


# --- 12.daily_totals ----------------------------------------------------------------------------------------


def _meal(rng, when, dish, eaten=None):
    """An entry of the diary; times are written in UTC."""
    grams = int(rng.integers(80, 520))
    return {
        "time": when.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "dish": dish,
        "grams": float(grams),
        "kcal": float(int(rng.integers(60, 900))),
        "eaten": eaten if eaten is not None else float(rng.integers(1, 8)) / 8,
    }


def _diary(rng, days, offset, start):
    """Meals at local clock times: ``days`` has, for each local day, a list of (hour, minute)."""
    zone = timezone(timedelta(hours=offset))
    entries, dishes = [], [str(name) for name in rng.permutation(_FOODS)[:3]]
    for number, clock in enumerate(days):
        for hour, minute in clock:
            local = datetime.combine(start + timedelta(days=number), datetime.min.time(), zone)
            local = local.replace(hour=hour, minute=minute)
            entries.append(_meal(rng, local.astimezone(UTC), dishes[len(entries) % 3]))
    return entries


def _diary_cases(rng):
    def minute():
        return int(rng.integers(2, 28))

    some = date(int(rng.integers(2024, 2031)), int(rng.integers(3, 11)), int(rng.integers(5, 20)))
    noon = [datetime(some.year, some.month, some.day, hour, tzinfo=UTC) for hour in (8, 13)]
    names = [str(name) for name in rng.permutation(_FOODS)[:2]]
    first = [_meal(rng, noon[0], names[0], 1.0), _meal(rng, noon[1], names[1], 0.5)]
    first.append(_meal(rng, noon[0] + timedelta(days=1), names[0], 0.25))
    yield Case("two days at Greenwich", diary=first, utc_offset=0.0)
    # at 00:xx local time it is still yesterday in UTC
    days = [[(12, minute()), (20, minute())], [(0, minute()), (23, minute() + 30)], [(9, minute())]]
    yield Case("a midnight snack in Vienna's summer", diary=_diary(rng, days, 2, some), utc_offset=2.0)
    # the second day is a month's last: its evening is the first of the next month in UTC
    late = (some.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=2)
    days = [[(23, minute()), (8, minute())], [(7, minute()), (21, minute())], [(22, minute())]]
    yield Case("late dinners on the west coast", diary=_diary(rng, days, -8, late), utc_offset=-8.0)
    # 00:02 to 00:28 is the evening before for a zone that lost its half hour; 23:32 to 23:58 is the next day where it is 6 hours
    days = [[(13, minute()), (23, minute() + 30)], [(0, minute()), (18, minute())], [(0, minute()), (11, minute())]]
    yield Case("half an hour in Delhi", diary=_diary(rng, days, 5.5, some), utc_offset=5.5)
    year = int(rng.choice([2024, 2028]))
    days = [[(12, minute())], [], [], [(8, minute()), (19, minute())], [], [(10, minute())]]
    entries = _diary(rng, days, 1, date(year, 2, 27))
    yield Case("days without a meal, over the 29th of February", diary=entries, utc_offset=1.0)
    # the last supper of the year is on the first of January, and in UTC it is still December; no day begins or ends the list
    # from which the second of January, without a meal, could be found
    days = [[(12, minute()), (18, minute())], [(0, minute()), (23, minute())], [(0, minute())], [], [(9, minute())]]
    entries = _diary(rng, days, 1, date(int(rng.integers(2024, 2031)), 12, 30))
    yield Case("New Year, and not in order", diary=[entries[i] for i in (3, 0, 5, 4, 2, 1)], utc_offset=1.0)
    yield Case("an empty diary", weight=0.5, diary=[], utc_offset=float(rng.integers(-4, 5)))


def _epoch_day(text, offset):
    """The local day's number: seconds since 1970, shifted, divided by a day's."""
    seconds = Fraction(int(datetime.fromisoformat(text).timestamp())) + Fraction(str(offset)) * 3600
    return math.floor(seconds / 86_400)


def _totals_oracle(diary, utc_offset):
    if not diary:
        return {}
    numbers = [_epoch_day(entry["time"], utc_offset) for entry in diary]
    totals = dict.fromkeys(range(min(numbers), max(numbers) + 1), 0.0)
    for number, entry in zip(numbers, diary, strict=True):
        totals[number] += entry["kcal"] * entry["eaten"]
    return {str(np.datetime64(number, "D")): rounded(total) for number, total in totals.items()}


def _local(entry, offset):
    return datetime.fromisoformat(entry["time"]) + timedelta(hours=offset)


def _totals_with(day=None, amount=None, gaps=True, drop_last=False, merge=sum):
    """A diary's totals whose parts can be replaced by wrong ones."""
    day = day or (lambda entry, offset: _local(entry, offset).date())
    amount = amount or (lambda entry: entry["kcal"] * entry["eaten"])

    def totals(diary, utc_offset):
        found = {}
        for entry in diary:
            found.setdefault(day(entry, utc_offset), []).append(amount(entry))
        if gaps and found:
            first, last = min(found), max(found)
            span = (last - first).days + (0 if drop_last else 1)
            found = {d: found.get(d, [0.0]) for d in (first + timedelta(days=n) for n in range(span))}
        return {str(d): rounded(merge(amounts)) for d, amounts in found.items()}

    return totals


def _as_if_in_order(diary, utc_offset):
    """The days from that of the first entry to that of the last one, and what falls beside them."""
    if not diary:
        return {}
    day, last = (_local(diary[k], utc_offset).date() for k in (0, -1))
    found = {}
    while day <= last:
        found[str(day)] = 0.0
        day += timedelta(days=1)
    for entry in diary:
        day = str(_local(entry, utc_offset).date())
        found[day] = found.get(day, 0.0) + entry["kcal"] * entry["eaten"]
    return found


DAILY_TOTALS = Exercise(
    id="12.daily_totals",
    title="The diary, day by day",
    points=10,
    cases=_diary_cases,
    oracle=_totals_oracle,
    misconceptions={
        "by dish, not by day": Mistake(
            "You add up by dish. The question is how much was eaten on each day, whatever it was.",
            _totals_with(day=lambda entry, offset: entry["dish"], gaps=False),
        ),
        "the days of Greenwich": Mistake(
            "You use the date as it is written, which is the date in UTC. In Vienna in summer, a snack at half past "
            "midnight still has yesterday's date there. Shift the time by utc_offset before you take its date.",
            _totals_with(day=lambda entry, offset: datetime.fromisoformat(entry["time"]).date()),
        ),
        "shifted the wrong way": Mistake(
            "You subtract utc_offset. Where clocks are ahead of UTC the offset is positive, so add it.",
            _totals_with(day=lambda entry, offset: _local(entry, -offset).date()),
        ),
        "the half hour is lost": Mistake(
            "You shift by whole hours. Clocks in Delhi are five and a half hours ahead: look for an int() or a //.",
            _totals_with(day=lambda entry, offset: _local(entry, int(offset)).date()),
        ),
        "the half hour is rounded": Mistake(
            "You round the shift to whole hours. Clocks in Delhi are five and a half hours ahead, neither five nor "
            "six. timedelta(hours=5.5) takes fractions, too.",
            _totals_with(day=lambda entry, offset: _local(entry, round(offset)).date()),
        ),
        "days without a meal are missing": Mistake(
            "Days on which nothing was noted are missing. In a chart of the week such a day would have no bar, and "
            "its neighbors would stand side by side. Give every day from the first to the last a total, and these a "
            "0.",
            _totals_with(gaps=False),
        ),
        "the diary is taken to be in order": Mistake(
            "You take the first entry's day for the first and the last one's for the last. A diary may come in any order: "
            "look for the smallest and the largest day.",
            _as_if_in_order,
        ),
        "the last day is missing": Mistake(
            "Your days end before the last one. range(n) stops at n - 1.",
            _totals_with(drop_last=True),
        ),
        "what was left on the plate counts": Mistake(
            "You count the whole portion. eaten says what share of it was eaten.",
            _totals_with(amount=lambda entry: entry["kcal"]),
        ),
        "what was left is all that counts": Mistake(
            "You count the share that was left on the plate, 1 - eaten. Count what was eaten.",
            _totals_with(amount=lambda entry: entry["kcal"] * (1 - entry["eaten"])),
        ),
        "grams for kilocalories": Mistake(
            "You add up grams. The totals are in kilocalories.",
            _totals_with(amount=lambda entry: entry["grams"] * entry["eaten"]),
        ),
        "the energy is scaled by the grams again": Mistake(
            "You multiply the energy by the grams. kcal already belongs to the whole portion.",
            _totals_with(amount=lambda entry: entry["kcal"] * entry["grams"] / 100 * entry["eaten"]),
        ),
        "only the last meal of a day": Mistake(
            "Each meal replaces the one before it: you assign to totals[day] instead of adding to it.",
            _totals_with(merge=lambda amounts: amounts[-1]),
        ),
        "a mean over the day's meals": Mistake(
            "You average the day's meals. A day's total is their sum.",
            _totals_with(merge=lambda amounts: sum(amounts) / len(amounts)),
        ),
        "meals are counted": Mistake(
            "You count the meals. Add up their energy.",
            _totals_with(amount=lambda entry: 1.0),
        ),
    },
    hints=(
        "Take one entry. At what local time was it eaten, and which date is that? Think of the sum after that.",
        "datetime.fromisoformat(entry['time']) + timedelta(hours=utc_offset) is the local time; .date() is its day, "
        "and .isoformat() turns that into a string.",
        "Fill a dict with 0.0 for every day from min(days) to max(days), in steps of timedelta(days=1), then add kcal "
        "* eaten of each entry to its day.",
    ),
)


# --- 12.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "12.quiz",
    8,
    [
        Question(
            "c",
            a="All three are trained at once, by one sum. What counts is how large their gradients are.",
            b="The box has the smallest number of the three. A loss of 0.02 hardly changes the sum.",
            d="The sum does not know which task you care about. It only sees numbers.",
        ),
        Question(
            "b",
            a="A threshold can only say that the network has doubts. It cannot say how large the tomato is.",
            c="More pictures make the average portion more precise. They do not show what is missing from this one.",
            d="A deeper network sees the same pixels. It cannot find what is not in them.",
        ),
        Question(
            "a",
            b="Protein does not always count: read the rule for 11 points again.",
            c="Fiber and fruit count in any case. Read the rule for 11 points again.",
            d="12 minus 6 is 6, but with 12 unfavorable points the protein does not count, while fiber and fruit do.",
        ),
        Question(
            "d",
            a="The promise holds where the threshold was chosen. On other pictures it holds approximately, not exactly.",
            b="How much of the unknown gets in depends on how much it looks like food. The 5 % say nothing about it.",
            c="Whether the dish is right is a different question: a plate that looks familiar can still be misnamed.",
        ),
        Question(
            "b",
            a="A probability says how confident the network is among its twenty dishes. It knows nothing about what is "
            "inside them.",
            c="A score per 100 g says nothing about allergens.",
            d="Even if the dish is right, oil, sauce and fillings are averages from a table. What makes him ill may not "
            "be visible at all.",
        ),
    ],
)

EXERCISES = [
    MULTI_TASK_LOSS,
    NON_MAXIMUM_SUPPRESSION,
    NUTRIENTS,
    ENERGY_ERRORS,
    NUTRI_SCORE,
    EXPECTED_CALIBRATION_ERROR,
    CONFIDENCE_THRESHOLD,
    DAILY_TOTALS,
    QUIZ,
]
