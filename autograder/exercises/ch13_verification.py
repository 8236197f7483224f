"""Chapter 13, verification: its exercises, their cases, oracles and known mistakes.

Both losses are judged with their gradients (the probe "loss_with_gradient"), pairs by what must hold of them ("pairs"), and
a threshold by how many pairs it judges rightly ("threshold"): of several that are equally good any will do. The cases of
`verification_accuracy` are drawn so that it makes no difference there either.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch

from autograder.authoring.draws import generator, rounded, signed, wrong_answers
from autograder.authoring.exercise import Case, Exercise, Mistake, Question, quiz
from introdl.checking.probes.verification import PAIRS

OURS = ("introdl.verification.*", "introdl.figures.*", "introdl.experiments.*")
COSINES = (
    "torch.nn.functional.cosine_similarity",
    "torch.cosine_similarity",
    "torch.nn.CosineSimilarity",
    "torch.nn.functional.cosine_embedding_loss",
    "torch.cosine_embedding_loss",
    "torch.nn.CosineEmbeddingLoss",
)
TRIPLETS = (
    "torch.nn.functional.triplet_margin_loss",
    "torch.nn.functional.triplet_margin_with_distance_loss",
    "torch.triplet_margin_loss",
    "torch.nn.TripletMarginLoss",
    "torch.nn.TripletMarginWithDistanceLoss",
)
LIBRARIES = (*OURS, "sklearn.*")


def _balanced(rng, pairs):
    """Whether each of an even number of pairs shows one dish: half of them do."""
    return rng.permutation(np.arange(pairs) % 2 == 0)


def _differ(values) -> bool:
    """Whether no two of some results (numbers or arrays) are the same."""
    keys = [np.asarray(value, float).round(7).tobytes() for value in values]
    return len(set(keys)) == len(keys)


# --- 13.cosine_similarity -----------------------------------------------------------------------------------


def _lengths(a):
    return np.sqrt((a**2).sum(axis=1))


def _cosine(a, b):
    lengths = _lengths(a) * _lengths(b)
    return rounded(np.divide((a * b).sum(axis=1), lengths, out=np.zeros(len(a)), where=lengths > 0))


def _cosine_oracle(a, b):
    a, b = (torch.from_numpy(np.array(each)) for each in (a, b))
    return rounded(torch.nn.functional.cosine_similarity(a, b, dim=1, eps=1e-30).numpy())


def _cosine_cases(rng):
    first = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]]) * rng.integers(1, 3, (3, 1))
    second = np.array([[4.0, 3.0], [0.0, 2.0], [0.0, -5.0]]) * rng.integers(1, 3, (3, 1))
    yield Case("3 pairs, 2 numbers each", a=first, b=second)
    yield Case("5 pairs, 4 numbers each", a=signed(rng, (5, 4)), b=signed(rng, (5, 4), 900, 120))
    yield Case("as many pairs as numbers, all short", a=signed(rng, (4, 4)) / 50, b=signed(rng, (4, 4)) / 50)
    yield Case("long and short vectors", a=100 * signed(rng, (6, 3)), b=0.1 * signed(rng, (6, 3)) + 0.05)
    yield Case("a single pair", a=signed(rng, (1, 7)), b=signed(rng, (1, 7)))
    a, b = signed(rng, (5, 3)), signed(rng, (5, 3))
    a[1], b[3], a[4], b[4] = 0, 0, 0, 0
    yield Case("vectors of zeros", a=a, b=b)


def _by(lengths):
    """A cosine that is divided by something else."""

    def wrong(a, b):
        below = lengths(a, b)
        return rounded(np.divide((a * b).sum(axis=1), below, out=np.zeros(len(a)), where=np.asarray(below) > 0))

    return wrong


def _unguarded(a, b):
    with np.errstate(all="ignore"):
        return (a * b).sum(axis=1) / (_lengths(a) * _lengths(b))


def _padded(small):
    """A cosine with a small number in its denominator."""
    return lambda a, b: (a * b).sum(axis=1) / (_lengths(a) * _lengths(b) + small)


def _every_product(a, b):
    """All dot products, divided by the lengths of one pair in each column."""
    with np.errstate(all="ignore"):
        return a @ b.T / (_lengths(a) * _lengths(b))


def _every_pair_unguarded(a, b):
    with np.errstate(all="ignore"):
        return a @ b.T / (_lengths(a)[:, None] * _lengths(b))


def _tables_multiplied(a, b):
    with np.errstate(all="ignore"):
        return a @ b / (_lengths(a) * _lengths(b))


def _every_pair(a, b):
    unit = [each / np.where(_lengths(each) > 0, _lengths(each), 1)[:, None] for each in (a, b)]
    return rounded(unit[0] @ unit[1].T)


COSINE_SIMILARITY = Exercise(
    id="13.cosine_similarity",
    title="Cosine similarity",
    points=10,
    cases=_cosine_cases,
    oracle=_cosine_oracle,
    forbidden=(*LIBRARIES, *COSINES, "scipy.spatial.*"),
    misconceptions={
        "the lengths are left out": Mistake(
            "You return the dot products. They grow with the vectors' lengths, so a long vector looks similar to "
            "everything. Divide by both lengths.",
            lambda a, b: rounded((a * b).sum(axis=1)),
        ),
        "divided by the squared lengths": Mistake(
            "You divide by the sums of squares. A length is the square root of that sum. A quick test: the similarity "
            "of a vector with itself should be 1.",
            _by(lambda a, b: _lengths(a) ** 2 * _lengths(b) ** 2),
        ),
        "divided by one length only": Mistake(
            "You divide only by the length of a. The similarity should not change when b becomes twice as long.",
            _by(lambda a, b: _lengths(a)),
        ),
        "divided by the other length only": Mistake(
            "You divide only by the length of b. The similarity should not change when a becomes twice as long.",
            _by(lambda a, b: _lengths(b)),
        ),
        "a matrix instead of pairs": Mistake(
            "You compare every row of a with every row of b and return (N, N). Here row i of a belongs to row i of b, "
            "which makes N numbers: the diagonal of yours.",
            _every_pair,
            also=[_every_pair_unguarded, _every_product],
        ),
        "a matrix product of the two tables": Mistake(
            "You multiply a and b as matrices, which sums over rows of the one and columns of the other. Here row i of a meets "
            "row i of b, number by number: multiply with *, and add up along each row.",
            _tables_multiplied,
        ),
        "a small number is added to the lengths": Mistake(
            "You add a small number to what you divide by, so that it is never 0. Where vectors are short that number is not "
            "small, and the cosine is too near 0. Guard only where a length is 0.",
            _padded(1e-2),
            also=[_padded(small) for small in (1.0, 1e-1, 1e-3, 1e-4, 1e-5, 1e-6)],
        ),
        "a vector of zeros gives nan": Mistake(
            "If a vector is all zeros, you divide 0 by 0, and the result is nan. The docstring says what it should "
            "be. A single nan in a batch spoils every mean that is taken later.",
            _unguarded,
        ),
        "a distance instead of a similarity": Mistake(
            "You return 1 minus the cosine. That is the cosine distance, which is 0 for vectors in the same "
            "direction. Return the cosine itself, which is 1 there.",
            lambda a, b: 1 - _cosine(a, b),
        ),
        "the mean is taken out first": Mistake(
            "You subtract each vector's mean before you compare. That is Pearson's correlation; the cosine uses the "
            "vectors as they are.",
            lambda a, b: _cosine(a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)),
        ),
        "one length for the whole batch": Mistake(
            "You compute a single length from all rows together. Every row has its own: along which axis do you add "
            "up?",
            _by(lambda a, b: np.full(len(a), np.sqrt((a**2).sum()) * np.sqrt((b**2).sum()))),
        ),
        "the sign is lost": Mistake(
            "Your similarities are never negative. Two vectors in opposite directions have the cosine -1, the lowest "
            "similarity there is.",
            lambda a, b: np.abs(_cosine(a, b)),
        ),
        "the angle is returned": Mistake(
            "You return the angle itself, in radians. Return its cosine, which is what you had before arccos.",
            lambda a, b: rounded(np.arccos(np.clip(_cosine(a, b), -1, 1))),
        ),
        "a mean instead of a sum": Mistake(
            "You take the mean of the products instead of their sum, so your numbers are too small by a factor: the "
            "number of columns.",
            lambda a, b: rounded(_cosine(a, b) / a.shape[1]),
        ),
        "only the first pair": Mistake(
            "You return the similarity of the first pair only. There are N of them. Is there a return inside the loop?",
            lambda a, b: _cosine(a, b)[0],
        ),
    },
    hints=(
        "Start with one pair: multiply the two vectors number by number and add up. What is left to do with the two "
        "lengths?",
        "Along which axis of (N, D) do you add up, so that N numbers remain? A length is the square root of a sum of "
        "squares. Where it is 0, divide by some other number instead.",
        "dots = (a * b).sum(axis=1); lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1); divide dots by "
        "np.where(lengths > 0, lengths, 1).",
    ),
)


# --- 13.contrastive_loss ------------------------------------------------------------------------------------


def _contrastive_oracle(distance, same, margin):
    """In closed form, by hand: the loss and its slope for each distance."""
    n = len(distance)
    short = np.maximum(margin - distance, 0)
    terms = np.where(same, distance**2, short**2) / 2
    slopes = np.where(same, distance, -short) / n
    return {"loss": float(np.round(terms.mean(), 10)), "gradient": [rounded(slopes)]}


def _distances(rng, same, margin, far=2.5):
    """Distances, two decimals: of each kind one within and one outside of the margin, none near it."""
    same = np.asarray(same)
    while True:
        d = rng.uniform(0.05, far * margin, len(same)).round(2)
        kinds = [(same == kind) & ((d < margin) == near) for kind in (True, False) for near in (True, False)]
        there = [any(k) for k, kind in zip(kinds, (True, True, False, False), strict=True) if (same == kind).any()]
        # Squares are compared with margins by some mistakes: those should lie elsewhere as well.
        if all(there) and (np.abs(d - margin) > 0.04 * margin).all() and (np.abs(d**2 - margin) > 0.02).all():
            return d


def _contrastive_cases(rng):
    d = np.array([1.0, 3.0, 1.0, 5.0]) + np.array([0, rng.integers(0, 3), 0, rng.integers(0, 3)])
    yield Case("four pairs, margin 2", distance=d, same=np.array([True, True, False, False]), margin=2.0)
    same = np.array([True, False, False, True, False, True, False])
    yield Case("seven pairs, margin 1", distance=_distances(rng, same, 1.0), same=same, margin=1.0)
    same = rng.permutation([True] * 3 + [False] * 7)
    yield Case("ten pairs, margin 0.5", distance=_distances(rng, same, 0.5), same=same, margin=0.5)
    yield Case("pairs of one dish only, large distances", distance=_distances(rng, [True] * 5, 150.0), same=np.array([True] * 5), margin=150.0)  # fmt: skip
    yield Case("pairs of two dishes only", distance=_distances(rng, [False] * 6, 1.25), same=np.array([False] * 6), margin=1.25)  # fmt: skip
    yield Case("two dishes, all far apart", weight=0.5, distance=rng.uniform(2, 4, 3).round(2), same=np.array([False] * 3), margin=1.0)  # fmt: skip


def _contrastive_loss(near, apart, reduce=None):
    """A contrastive loss whose two terms can be wrong: each takes (distance, margin)."""

    def wrong(distance, same, margin):
        terms = torch.where(same, near(distance, margin), apart(distance, margin))
        return reduce(terms, same) if reduce else terms.mean()

    return wrong


def _pull(d, m):
    return d**2 / 2


def _push(d, m):
    return (m - d).clamp(min=0) ** 2 / 2


CONTRASTIVE_LOSS = Exercise(
    id="13.contrastive_loss",
    title="The contrastive loss",
    points=12,
    cases=_contrastive_cases,
    oracle=_contrastive_oracle,
    probe="loss_with_gradient",
    forbidden=OURS,
    rtol=1e-4,
    misconceptions={
        "the margin is on the same pairs": Mistake(
            "You leave pairs of one dish alone as soon as they are within the margin. They should be pulled together "
            "all the way, to distance 0. The margin is for the pairs of two dishes.",
            _contrastive_loss(lambda d, m: (d - m).clamp(min=0) ** 2 / 2, _push),
        ),
        "the roles are swapped": Mistake(
            "You pull two dishes together and push one dish apart. Which term belongs to same = True? (In Hadsell's "
            "paper Y = 0 stands for a similar pair.)",
            _contrastive_loss(_push, _pull),
        ),
        "the squares are missing": Mistake(
            "You use the distance, and the gap to the margin, as they are. The formula squares both.",
            _contrastive_loss(lambda d, m: d / 2, lambda d, m: (m - d).clamp(min=0) / 2),
        ),
        "the hinge is missing": Mistake(
            "Your loss pulls two dishes that are farther apart than the margin back to it. They should cost nothing: "
            "that is what the max is for.",
            _contrastive_loss(_pull, lambda d, m: (m - d) ** 2 / 2),
        ),
        "the hinge is turned around": Mistake(
            "In your loss two dishes cost something if they are farther apart than the margin, and nothing if they "
            "are near. The gap to the margin is margin - distance.",
            _contrastive_loss(_pull, lambda d, m: (d - m).clamp(min=0) ** 2 / 2),
        ),
        "the half is missing": Mistake(
            "Your loss is twice as large as it should be. The formula has a factor of one half before each square.",
            _contrastive_loss(lambda d, m: d**2, lambda d, m: (m - d).clamp(min=0) ** 2),
        ),
        "the half is missing for two dishes": Mistake(
            "Pairs of two dishes count twice as much as they should: both squares have a factor of one half.",
            _contrastive_loss(_pull, lambda d, m: (m - d).clamp(min=0) ** 2),
        ),
        "the half is missing for one dish": Mistake(
            "Pairs of one dish count twice as much as they should: both squares have a factor of one half.",
            _contrastive_loss(lambda d, m: d**2, _push),
        ),
        "a sum over the pairs": Mistake(
            "You add up the losses of the pairs. The loss is their mean, so that batches of all sizes can be compared.",
            _contrastive_loss(_pull, _push, lambda terms, same: terms.sum()),
        ),
        "a mean of each kind": Mistake(
            "You average the pairs of one dish and the pairs of two dishes separately. The docstring asks for the "
            "mean over all N pairs; besides, if one kind is missing, its mean is nan.",
            _contrastive_loss(_pull, _push, lambda terms, same: terms[same].mean() + terms[~same].mean()),
        ),
        "the margin meets the squared distance": Mistake(
            "You subtract the squared distance from the margin. Subtract the distance first, then square the result.",
            _contrastive_loss(_pull, lambda d, m: (m - d**2).clamp(min=0) / 2),
        ),
        "the squares before the difference": Mistake(
            "You square first and subtract afterwards. Subtract the distance from the margin first, then square the "
            "result.",
            _contrastive_loss(_pull, lambda d, m: (m**2 - d**2).clamp(min=0) / 2),
        ),
        "pairs of two dishes are ignored": Mistake(
            "In your loss only pairs of one dish cost anything. Then mapping all pictures to a single point costs "
            "nothing.",
            _contrastive_loss(_pull, lambda d, m: 0 * d),
        ),
        "pairs of one dish are ignored": Mistake(
            "In your loss only pairs of two dishes cost anything. Nothing pulls the pictures of one dish together.",
            _contrastive_loss(lambda d, m: 0 * d, _push),
        ),
        "the margin is always 1": Mistake(
            "Your code uses a margin of 1, whatever the argument margin is.",
            _contrastive_loss(_pull, lambda d, m: (1.0 - d).clamp(min=0) ** 2 / 2),
        ),
        "one loss for each pair": Mistake(
            "You return N numbers, one for each pair. They are right, but the loss is a single number: their mean.",
            _contrastive_loss(_pull, _push, lambda terms, same: terms),
        ),
        "the gradient is lost": Mistake(
            "Your loss is the right number, but it has lost its connection to the inputs. Whatever went through "
            "item(), detach() or NumPy has no gradient, so the network cannot learn from it.",
            _contrastive_loss(_pull, _push, lambda terms, same: terms.mean().detach()),
        ),
    },
    hints=(
        "Write two terms for each pair: its cost if it shows one dish, and its cost if it shows two. Then choose "
        "between them by same.",
        "torch.where(same, x, y) takes x where same is True, and y elsewhere. For a tensor z, max(0, z) is "
        "torch.relu(z) or z.clamp(min=0).",
        "near = distance ** 2; apart = torch.relu(margin - distance) ** 2; then return half the mean of "
        "torch.where(same, near, apart).",
    ),
)


# --- 13.triplet_loss ----------------------------------------------------------------------------------------


def _triplet_oracle(anchor, positive, negative, margin):
    given = [torch.from_numpy(np.array(each)).requires_grad_() for each in (anchor, positive, negative)]
    criterion = torch.nn.TripletMarginWithDistanceLoss(
        distance_function=lambda x, y: torch.nn.functional.mse_loss(x, y, reduction="none").sum(dim=1), margin=margin
    )
    loss = criterion(*given)
    loss.backward()
    return {"loss": float(np.round(loss.item(), 10)), "gradients": [rounded(each.grad.numpy()) for each in given]}


def _hinge_argument(anchor, positive, negative, margin):
    """What stands in the hinge, for each triplet."""
    return ((anchor - positive) ** 2).sum(axis=1) - ((anchor - negative) ** 2).sum(axis=1) + margin


def _triplets(rng, n, d, margin, draw, kinds=(True, False)):
    """Triplets of which some are active and some are not, none of them near the kink; so too with the roles swapped."""
    while True:
        a, p, q = (draw(rng, (n, d)) for _ in range(3))
        inner = [_hinge_argument(a, p, q, m) for m in (margin, 0.0, -margin)] + [_hinge_argument(a, q, p, margin)]
        near = min(np.abs(each).min() for each in inner)
        # No distance is 0: there the slope of a root that is squared again is nan, in an answer that is right elsewhere.
        apart = min(np.abs(x - y).sum(axis=1).min() for x, y in ((a, p), (a, q)))
        states = set((inner[0] > 0).tolist())
        if near > 0.02 and apart > 0 and states == set(kinds):
            return {"anchor": a, "positive": p, "negative": q, "margin": margin}


def _units(rng, shape):
    x = rng.normal(size=shape)
    return (x / np.sqrt((x**2).sum(axis=1, keepdims=True))).round(3)


def _triplet_cases(rng):
    def whole(rng, shape):
        return rng.integers(0, 3, shape).astype(float)

    yield Case("two triplets in the plane", **_triplets(rng, 2, 2, 0.5, whole))
    yield Case("vectors of length 1, margin 0.2", **_triplets(rng, 5, 3, 0.2, _units))
    yield Case("margin 1", **_triplets(rng, 7, 4, 1.0, signed))
    yield Case("as many triplets as numbers", **_triplets(rng, 4, 4, 0.3, signed))
    while True:
        easy = _triplets(rng, 3, 6, 0.2, signed)
        easy["negative"] = easy["negative"] + 9.0
        if (_hinge_argument(**easy) < -0.02).all():
            break
    yield Case("every negative far away", weight=0.5, **easy)


def _squares(x, y):
    return ((x - y) ** 2).sum(dim=1)


def _triplet_loss(inner=None, reduce=None, distance=None):
    """A triplet loss whose parts can be wrong."""

    def wrong(anchor, positive, negative, margin):
        near, far = ((distance or _squares)(anchor, other) for other in (positive, negative))
        value = inner(near, far, margin) if inner else near - far + margin
        return reduce(value) if reduce else value.clamp(min=0).mean()

    return wrong


def _unsquared_distance(x, y):
    return ((x - y) ** 2).sum(dim=1).sqrt()


TRIPLET_LOSS = Exercise(
    id="13.triplet_loss",
    title="The triplet loss",
    points=12,
    cases=_triplet_cases,
    oracle=_triplet_oracle,
    probe="loss_with_gradient",
    forbidden=(*OURS, *TRIPLETS),
    rtol=1e-4,
    misconceptions={
        "the roles are swapped": Mistake(
            "Your loss wants the negative to be nearer than the positive, so it is large when all is well. Which of "
            "the two distances should be small?",
            _triplet_loss(lambda near, far, m: far - near + m),
        ),
        "the hinge is missing": Mistake(
            "In your loss a triplet that is right by more than the margin has a negative cost, which hides another "
            "triplet's mistake. It should cost 0.",
            _triplet_loss(reduce=lambda value: value.mean()),
        ),
        "the hinge comes after the mean": Mistake(
            "You average first and cut off at 0 afterwards, so good triplets make up for bad ones. Cut each triplet "
            "off at 0, then take the mean.",
            _triplet_loss(reduce=lambda value: value.mean().clamp(min=0)),
        ),
        "a sum over the triplets": Mistake(
            "You add up the losses of the triplets. Here the loss is their mean.",
            _triplet_loss(reduce=lambda value: value.clamp(min=0).sum()),
        ),
        "the distances are not squared": Mistake(
            "You use the distances themselves, with the square root. FaceNet's loss compares their squares.",
            _triplet_loss(distance=_unsquared_distance),
        ),
        "a mean over the numbers of a vector": Mistake(
            "You take the mean of the squared differences. A squared distance is their sum, so yours is too small by "
            "a factor: the number of dimensions.",
            _triplet_loss(distance=lambda x, y: ((x - y) ** 2).mean(dim=1)),
        ),
        "absolute differences": Mistake(
            "You add up absolute differences. A squared distance is the sum of their squares.",
            _triplet_loss(distance=lambda x, y: (x - y).abs().sum(dim=1)),
        ),
        "the margin is left out": Mistake(
            "Your loss is 0 as soon as the negative is barely farther away than the positive. It should be farther by "
            "at least the margin.",
            _triplet_loss(lambda near, far, m: near - far),
        ),
        "the margin is subtracted": Mistake(
            "With your sign a triplet costs nothing until it is wrong by more than the margin. Add the margin: then "
            "it costs something until it is right by the margin.",
            _triplet_loss(lambda near, far, m: near - far - m),
        ),
        "only the active triplets are counted": Mistake(
            "You divide by the number of triplets that still cost something; in a good network hardly any are left. The "
            "docstring asks for the mean over all N.",
            _triplet_loss(reduce=lambda value: value[value > 0].mean()),
            also=[_triplet_loss(reduce=lambda value: value.clamp(min=0).sum() / (value > 0).sum().clamp(min=1))],
        ),
        "only the largest loss counts": Mistake(
            "You return the loss of the worst triplet. The docstring asks for the mean over all N.",
            _triplet_loss(reduce=lambda value: value.clamp(min=0).max()),
        ),
        "the result is squared": Mistake(
            "You square the result of the hinge. In the triplet loss it counts as it is.",
            _triplet_loss(reduce=lambda value: (value.clamp(min=0) ** 2).mean()),
        ),
        "half of everything": Mistake(
            "Your loss is half of what it should be. The contrastive loss has a factor of one half; this one has none.",
            _triplet_loss(reduce=lambda value: value.clamp(min=0).mean() / 2),
        ),
        "added up along the wrong axis": Mistake(
            "You add up over the triplets, which leaves one number for each dimension. A squared distance is a sum "
            "over the D numbers of a vector.",
            _triplet_loss(distance=lambda x, y: ((x - y) ** 2).sum(dim=0)),
        ),
        "the negative's distance from the positive": Mistake(
            "You measure how far the negative is from the positive. Both distances start at the anchor.",
            lambda a, p, q, margin: (_squares(a, p) - _squares(p, q) + margin).clamp(min=0).mean(),
        ),
        "one loss for each triplet": Mistake(
            "You return N numbers, one for each triplet. They are right, but the loss is a single number: their mean.",
            _triplet_loss(reduce=lambda value: value.clamp(min=0)),
        ),
        "the gradient is lost": Mistake(
            "Your loss is the right number, but it has lost its connection to the inputs. Whatever went through "
            "item(), detach() or NumPy has no gradient, so the network cannot learn from it.",
            _triplet_loss(reduce=lambda value: value.clamp(min=0).mean().detach()),
        ),
    },
    hints=(
        "Take one triplet. It has two squared distances, both from the anchor. Which one should be smaller, and by "
        "how much?",
        "((anchor - positive) ** 2).sum(dim=1) has the shape (N,). Cut off at zero for each triplet separately, "
        "before you average.",
        "If near and far are the two squared distances, the loss is torch.relu(near - far + margin).mean().",
    ),
)


# --- 13.semi_hard_negatives ---------------------------------------------------------------------------------


def _semi_hard_oracle(distances, labels, anchors, positives):
    chosen = []
    for a, p in zip(anchors.tolist(), positives.tolist(), strict=True):
        ranked = sorted((d, i) for i, d in enumerate(distances[a].tolist()) if labels[i] != labels[a])
        chosen.append(next((i for d, i in ranked if d > distances[a, p]), ranked[-1][1]))
    return np.array(chosen)


def _mined(mask, rank=None, fallback=None):
    """Negatives chosen by other rules: of what `mask` allows the first by `rank`, else by `fallback`."""

    def wrong(distances, labels, anchors, positives):
        chosen = []
        for a, p in zip(anchors, positives, strict=True):
            allowed = mask(distances, labels, a, p)
            row = (rank or (lambda d, a, p: d[a]))(distances, a, p)
            if allowed.any():
                chosen.append(int(np.where(allowed, row, np.inf).argmin()))
            else:
                chosen.append(int((fallback or _farthest)(distances, labels, a, p)))
        return np.array(chosen)

    return wrong


def _negative(d, labels, a, p):
    return labels != labels[a]


def _farther(d, labels, a, p):
    return (labels != labels[a]) & (d[a] > d[a, p])


def _nearer(d, labels, a, p):
    return (labels != labels[a]) & (d[a] < d[a, p])


def _farthest(d, labels, a, p):
    return np.where(labels != labels[a], d[a], -np.inf).argmax()


def _nearest(d, labels, a, p):
    return np.where(labels != labels[a], d[a], np.inf).argmin()


def _batch(rng, labels, pairs, whole=False, unit=1):
    """Distances, all different, for which every way of choosing (see the mistakes) chooses another."""
    labels, n = np.asarray(labels, np.int64), len(labels)
    all_pairs = np.array([(a, p) for a, p in itertools.permutations(range(n), 2) if labels[a] == labels[p]])
    while True:
        upper = (
            rng.permutation(n * (n - 1) // 2) + 1.0 if whole else rng.permutation(300)[: n * (n - 1) // 2] / 100 + 0.05
        )
        d = np.zeros((n, n))
        d[np.triu_indices(n, 1)] = upper
        d = (d + d.T) * unit
        taken = all_pairs[rng.permutation(len(all_pairs))[:pairs]]
        given = d, labels, taken[:, 0], taken[:, 1]
        right = _semi_hard_oracle(*given)
        if n > 10:  # places of two digits matter
            few = (_semi_hard_oracle(d, labels, *(one % 10 if k == at else one for k, one in enumerate(given[2:]))) for at in (0, 1))  # fmt: skip
            if any(np.array_equal(right, answer) for answer in few):
                continue
        if whole or not any(
            np.array_equal(right, miner(*given)) for miner in wrong_answers(SEMI_HARD_NEGATIVES).values()
        ):
            return dict(zip(("distances", "labels", "anchors", "positives"), given, strict=True))


def _semi_hard_cases(rng):
    yield Case("five pictures, three pairs", **_batch(rng, [0, 0, 1, 1, 1], 3, whole=True))
    yield Case("seven pictures of two dishes", **_batch(rng, rng.permutation([3, 3, 3, 13, 13, 13, 13]), 9))
    yield Case("twelve pictures, large distances", **_batch(rng, rng.permutation([0] * 3 + [1] * 5 + [2] * 4), 20, unit=1000))  # fmt: skip
    yield Case("eight pictures, every pair", **_batch(rng, rng.permutation([0, 0, 0, 1, 1, 1, 2, 2]), 14))


def _place_among_the_farther(distances, labels, anchors, positives):
    """Places among the negatives that are farther than the positive; where there are none, the right place."""
    found = []
    for a, p in zip(anchors, positives, strict=True):
        other = np.flatnonzero(labels != labels[a])
        far = other[distances[a, other] > distances[a, p]]
        found.append(distances[a, far].argmin() if len(far) else other[distances[a, other].argmax()])
    return np.array(found)


SEMI_HARD_NEGATIVES = Exercise(
    id="13.semi_hard_negatives",
    title="Semi-hard negatives",
    points=12,
    cases=_semi_hard_cases,
    oracle=_semi_hard_oracle,
    forbidden=OURS,
    misconceptions={
        "the hardest negative": Mistake(
            "You take the nearest picture of another dish, even if it is nearer than the positive. Take the nearest "
            "of those that are farther away than the positive.",
            _mined(_negative),
        ),
        "the easiest negative": Mistake(
            "You take the farthest picture of another dish. Such a triplet usually costs nothing, so nothing is "
            "learned from it.",
            _mined(_negative, lambda d, a, p: -d[a]),
        ),
        "pictures of the same dish are allowed": Mistake(
            "Some of your negatives show the anchor's own dish. A negative must have another label than the anchor.",
            _mined(lambda d, labels, a, p: d[a] > d[a, p], fallback=lambda d, labels, a, p: d[a].argmax()),
            also=[_mined(lambda d, labels, a, p: d[a] > d[a, p])],
        ),
        "nothing for when none is farther": Mistake(
            "If every negative is nearer than the positive, you return picture 0: that is the argmin of a row that is "
            "all infinite. The docstring says which one to take in that case.",
            _mined(_farther, fallback=lambda d, labels, a, p: 0),
        ),
        "the nearest where none is farther": Mistake(
            "If every negative is nearer than the positive, you take the nearest, which is the hardest of all. The "
            "docstring asks for the farthest in that case.",
            _mined(_farther, fallback=_nearest),
        ),
        "nearer than the positive": Mistake(
            "You take a negative that is nearer than the positive. Semi-hard ones are farther away: turn the "
            "comparison around.",
            _mined(_nearer, lambda d, a, p: -d[a], fallback=_nearest),
        ),
        "measured from the positive": Mistake(
            "You measure how far the negatives are from the positive. All distances start at the anchor: use row a of "
            "the matrix.",
            _mined(lambda d, labels, a, p: (labels != labels[a]) & (d[p] > d[a, p]), lambda d, a, p: d[p]),
        ),
        "distances instead of places": Mistake(
            "You return the distances of the chosen negatives. Return which pictures they are: argmin instead of min.",
            lambda d, labels, a, p: d[a, _semi_hard_oracle(d, labels, a, p)],
        ),
        "places among the negatives": Mistake(
            "Your indices count only what you left in: the pictures of other dishes, or the farther ones of these. "
            "Return indices into the whole batch: keep the row complete, and set what is not allowed to infinity.",
            lambda d, labels, a, p: np.array(
                [
                    int((labels[:chosen] != labels[one]).sum())
                    for one, chosen in zip(a, _semi_hard_oracle(d, labels, a, p), strict=True)
                ]
            ),
            also=[_place_among_the_farther],
        ),
        "the positives are returned": Mistake(
            "You return the positives. A negative shows another dish than the anchor.",
            lambda d, labels, a, p: np.array(p),
        ),
    },
    hints=(
        "Take one pair (a, p). In row a of the distances, which entries belong to other dishes? Which of those are "
        "larger than entry p?",
        "Make a copy of the row in which everything that is not allowed is infinite, and take its argmin. What if "
        "everything is infinite?",
        "row = distances[a]; negative = labels != labels[a]; farther = negative & (row > row[p]); if farther.any(): "
        "np.where(farther, row, np.inf).argmin(), else np.where(negative, row, -np.inf).argmax().",
    ),
)


# --- 13.make_pairs ------------------------------------------------------------------------------------------


def _dishes(rng, *sizes):
    return rng.permutation(np.repeat(np.arange(len(sizes)), sizes)).astype(np.int64)


def _pair_cases(rng):
    # A right answer never fails by chance: the probe asks two generators for different pairs only where the same
    # ones would come once in 10^9 times.
    yield Case("three dishes, seven pictures", labels=_dishes(rng, 3, 2, 2), n=4, rng=generator(rng, 2**31))
    yield Case("every pair of one dish that there is", labels=_dishes(rng, 4, 3, 2), n=10, rng=generator(rng, 2**31))
    yield Case("every pair of two dishes that there is", labels=_dishes(rng, 8, 2, 1), n=26, rng=generator(rng, 2**31))
    yield Case("a dish with a single picture", labels=_dishes(rng, 14, 5, 1), n=60, rng=generator(rng, 2**31))
    yield Case("sixty pictures of five dishes", labels=_dishes(rng, 20, 16, 11, 8, 5), n=int(rng.integers(50, 70)), rng=generator(rng, 2**31))  # fmt: skip


def _all_pairs(labels):
    first, second = np.triu_indices(len(labels), 1)
    return np.column_stack([first, second]), labels[first] == labels[second]


def _drawn_pairs(labels, n, rng, same=None, different=None):
    """n pairs of each kind, none twice."""
    pairs, alike = _all_pairs(labels)
    parts = [
        pairs[rng.permutation(np.flatnonzero(alike == kind))[: count if count is not None else n]]
        for kind, count in ((True, same), (False, different))
    ]
    return np.concatenate(parts), np.repeat([True, False], [len(part) for part in parts])


def _spoiled(change):
    """Right pairs, changed by `change(pairs, same, labels, n, rng)`."""
    return lambda labels, n, rng: change(*_drawn_pairs(labels, n, rng), labels, n, rng)


def _with_itself(pairs, same, labels, n, rng):
    pairs[: n // 2, 1] = pairs[: n // 2, 0]
    return pairs, same


def _one_twice(pairs, same, labels, n, rng):
    pairs[1] = pairs[0]
    return pairs, same


def _mirrored(pairs, same, labels, n, rng):
    pairs[1] = pairs[0][::-1]
    return pairs, same


_DRAWS = itertools.count()


def _own_chance(labels, n, rng):
    """Other pairs at every call; the probe calls three times a case, so that a sheet is the same at every build."""
    return _drawn_pairs(labels, n, np.random.default_rng([n, len(labels), next(_DRAWS) % 3]))


def _as_they_come(pairs, same, labels, n, rng):
    """As chance would have it: n of all pairs and n more, whatever they show."""
    every, alike = _all_pairs(labels)
    some = rng.permutation(len(every))[: 2 * n]
    if alike[some].sum() == n:  # by chance: take one pair of the other kind instead of the last
        some[-1] = next(i for i in rng.permutation(len(every)) if i not in some and alike[i] != alike[some[-1]])
    return every[some], alike[some]


MAKE_PAIRS = Exercise(
    id="13.make_pairs",
    title="Draw pairs",
    points=14,
    cases=_pair_cases,
    oracle=lambda labels, n, rng: PAIRS,
    probe="pairs",
    forbidden=(*LIBRARIES,),
    misconceptions={
        "a picture is paired with itself": Mistake(
            "Some of your pairs contain the same picture twice. Of course that is one dish, and any method gets it "
            "right, so your accuracy would be too good.",
            _spoiled(_with_itself),
        ),
        "as chance will have it": Mistake(
            "You draw pairs at random, and most of them show two dishes. Then always answering 'different' would be "
            "right most of the time. Draw n pairs of one dish and n of two.",
            _spoiled(_as_they_come),
        ),
        "n pairs in all": Mistake(
            "You return n pairs, half of them of one dish. Return n of each kind.",
            lambda labels, n, rng: _drawn_pairs(labels, n, rng, n // 2, n - n // 2),
        ),
        "a pair comes twice": Mistake(
            "Some of your pairs occur more than once. What has been drawn must not be drawn again: choose without "
            "replacement, or remember what you have.",
            _spoiled(_one_twice),
        ),
        "a pair comes in both orders": Mistake(
            "You count (3, 8) and (8, 3) as two pairs. They are the same two pictures, with the same similarity. Put "
            "the smaller index first, and remove duplicates after that.",
            _spoiled(_mirrored),
        ),
        "same is turned": Mistake(
            "same is True where the two labels differ. It should be True where they are equal.",
            _spoiled(lambda pairs, same, *rest: (pairs, ~same)),
        ),
        "same is not that of the pair": Mistake(
            "Your pairs and your answers are out of step: same[i] does not say whether pair i shows one dish. Did you "
            "shuffle the pairs without it?",
            _spoiled(lambda pairs, same, *rest: (pairs, np.roll(same, 1))),
        ),
        "a seed of its own": Mistake(
            "Your pairs are the same whichever generator is given: your code has a fixed seed, or draws nothing at "
            "all. Let rng do the drawing.",
            lambda labels, n, rng: _drawn_pairs(labels, n, np.random.default_rng(0)),
        ),
        "the generator is not used": Mistake(
            "Your pairs differ from call to call, even with a generator in the same state: you draw with NumPy's "
            "global generator. Then nobody can repeat your measurement. Let rng do the drawing.",
            _own_chance,
        ),
    },
    hints=(
        "How many pairs are there in all? For a few hundred pictures you can list them: every i with every j above "
        "it. Which of them show one dish?",
        "np.triu_indices(N, 1) returns two arrays, i < j, with every pair once: no picture with itself, and no pair "
        "in both orders. Divide them by labels[i] == labels[j].",
        "rng.choice(np.flatnonzero(alike), n, replace=False) chooses n pairs of one dish; the same with ~alike "
        "chooses n pairs of two. Join them with np.concatenate, and build same in the same order.",
    ),
)


# --- 13.best_threshold --------------------------------------------------------------------------------------


def _right(similarities, same, threshold):
    return int(((similarities >= threshold) == same).sum())


def _candidates(similarities):
    """Every threshold that makes a difference: each similarity, and one above them all."""
    values = np.unique(similarities)
    return np.append(values, values[-1] + 1)


def _best(similarities, same):
    """The lowest of the best, by trying them all."""
    candidates = _candidates(similarities)
    return float(candidates[int(np.argmax([_right(similarities, same, t) for t in candidates]))])


def _strict_best(similarities, same):
    """Where "same" is said above the threshold only: the highest of the best."""
    candidates = np.unique(similarities)
    found = [int(((similarities > t) == same).sum()) for t in candidates]
    return float(candidates[len(found) - 1 - int(np.argmax(found[::-1]))])


def _best_f1(s, y):
    return float(max(np.unique(s), key=lambda t: 2 * ((s >= t) & y).sum() / ((s >= t).sum() + y.sum())))


_THRESHOLDS = {
    "f1": _best_f1,
    "strict": _strict_best,
    "midway": lambda s, y: float((s[y].mean() + s[~y].mean()) / 2),
    "median": lambda s, y: float(np.median(s)),
    "lowest same": lambda s, y: float(s[y].min()),
    "highest different": lambda s, y: float(s[~y].max()),
    "accuracy": lambda s, y: _right(s, y, _best(s, y)) / len(s),
    "fixed": lambda s, y: 0.5,
    "most same found": lambda s, y: float(s.min()),
}


def _on_grid(s, y, grid):
    return max(_right(s, y, t) for t in grid)


def _best_of(grid):
    return lambda s, y: float(grid[int(np.argmax([_right(s, y, t) for t in grid]))])


#: Grids that people write besides steps of 0.01 from -1 to 1.
_GRIDS = [np.linspace(*grid) for grid in ((0, 1, 101), (-1, 1, 101), (0, 1, 51), (-1, 1, 41), (0, 1, 21), (-1, 1, 21), (0, 1, 11))]  # fmt: skip


def _without_a_pair(s, y):
    """What is found where the first pair is not looked at, the last one, or the highest threshold."""
    candidates = np.unique(s)
    hits = (s >= candidates[:, None]) == y
    counts = hits[:, 1:].sum(axis=1), hits[:, :-1].sum(axis=1), hits[:-1].sum(axis=1)
    return [_right(s, y, candidates[int(np.argmax(count))]) for count in counts]


def _guessed(s, y):
    """What thresholds find that are taken from no pair: round numbers, means and middles."""
    guesses = [*np.linspace(-1, 1, 41).round(2), s.mean(), np.median(s), s.std(), (s.min() + s.max()) / 2]
    return [_right(s, y, t) for t in (*guesses, np.abs(s).mean(), np.abs(s - y).mean())]


def _pair_after_pair(s, y):
    """What a running count over the sorted pairs finds where it may stop between two of one and the same similarity."""
    for order in (np.argsort(-s, kind="stable"), np.argsort(s, kind="stable")[::-1]):
        yield _right(s, y, s[order][int(np.argmax(np.cumsum(np.where(y[order], 1, -1))))])


def _scores(rng, same, gap, digits=2):
    """Similarities, of pairs of one dish higher by `gap` on average."""
    same = np.asarray(same)
    values = rng.normal(np.where(same, 0.2 + gap / 2, 0.2 - gap / 2), 0.28)
    return np.clip(values, -0.99, 0.99).round(digits)


def _threshold_case(rng, label, pairs, gap, wrong=(), digits=2, shift=0.0, also=None, **more):
    """A case where the mistakes named by `wrong` get fewer right, nearly all another number of pairs; and those of `also`."""
    while True:
        same = _balanced(rng, pairs)
        s = np.round(_scores(rng, same, gap, digits) - shift, digits).clip(-1)
        best = _right(s, same, _best(s, same))
        if also and max(also(s, same)) == best:
            continue
        counts = [_right(s, same, _THRESHOLDS[name](s, same)) for name in wrong]
        if "median" in wrong and counts[wrong.index("median")] == counts[wrong.index("midway")]:
            continue
        if best < pairs and all(count < best for count in counts) and len(counts) - len(set(counts)) <= 1:
            return Case(label, similarities=s, same=same, **more)


def _threshold_cases(rng):
    shift = float(rng.integers(0, 3)) / 10
    # Small cases are often judged well by whatever threshold somebody guesses: they weigh little.
    yield Case("six pairs", weight=0.4, similarities=np.array([0.8, 0.7, 0.6, 0.4, 0.3, 0.1]) - shift, same=np.array([True, True, False, True, False, False]))  # fmt: skip
    # tenths are too coarse here, and 0 is too high there
    above_zero, hundredths = np.linspace(0, 1, 101).round(2), np.linspace(-1, 1, 201).round(2)
    yield _threshold_case(rng, "two hundred pairs, four decimals", 200, 0.45, tuple(_THRESHOLDS), digits=4, also=lambda s, y: [_on_grid(s, y, hundredths), *_guessed(s, y)], weight=2)  # fmt: skip
    yield _threshold_case(rng, "twenty pairs, most of them below 0", 20, 0.3, ("strict", "most same found"), shift=0.6, also=lambda s, y: [_on_grid(s, y, above_zero), *_guessed(s, y)], weight=2)  # fmt: skip
    yield _threshold_case(rng, "eight pairs that are hard to tell apart", 8, -0.5, also=_without_a_pair, weight=0.4)
    yield _threshold_case(rng, "many pairs of one and the same similarity", 50, 0.3, ("strict", "lowest same"), digits=1, also=_pair_after_pair, weight=0.5)  # fmt: skip
    while True:
        same = _balanced(rng, 12)
        s = np.where(same, rng.uniform(0.31, 0.9, 12), rng.uniform(-0.6, 0.22, 12)).round(2)
        if _right(s, same, _strict_best(s, same)) < 12 and not s[~same].max() < 0.05:
            break
    yield Case("both kinds apart", weight=0.4, similarities=s, same=same)


def _threshold_oracle(similarities, same):
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(same, similarities, drop_intermediate=False)
    right = true * np.sum(same) + (1 - false) * np.sum(~np.asarray(same))
    return {"pairs judged correctly": int(np.round(right.max()))}


BEST_THRESHOLD = Exercise(
    id="13.best_threshold",
    title="The best threshold",
    points=10,
    cases=_threshold_cases,
    oracle=_threshold_oracle,
    probe="threshold",
    forbidden=LIBRARIES,
    misconceptions={
        "above instead of at or above": Mistake(
            "You count a pair as the same only above the threshold. In this chapter the answer is 'same' at or above "
            "it, so the pair whose similarity equals the threshold is included: >=.",
            _THRESHOLDS["strict"],
        ),
        "midway between the means": Mistake(
            "You take the mean of all similarities, or the point midway between the means of the two kinds (which is "
            "the same number here). That is near the best threshold if both kinds vary equally, but it is not the one "
            "with the most right answers. Try them all.",
            _THRESHOLDS["midway"],
        ),
        "the median": Mistake(
            "Your threshold is the median of all similarities, so half of the pairs are called the same. That need "
            "not be the right half. Try all thresholds, and count.",
            _THRESHOLDS["median"],
        ),
        "the best F1": Mistake(
            "Your threshold balances precision and recall (F1). In F1 a pair of two dishes that is rightly turned "
            "away counts for nothing. Here every right answer counts the same.",
            _THRESHOLDS["f1"],
        ),
        "no same pair is lost": Mistake(
            "Your threshold is the lowest similarity of a pair of one dish. It misses no such pair, but it lets in "
            "many pairs of two dishes.",
            _THRESHOLDS["lowest same"],
        ),
        "the highest different pair": Mistake(
            "Your threshold is the highest similarity of a pair of two dishes. A single odd pair decides, and most "
            "pairs of one dish are lost.",
            _THRESHOLDS["highest different"],
        ),
        "the accuracy is returned": Mistake(
            "You return how good the best threshold is. Return the threshold itself: remember it along with its count.",
            _THRESHOLDS["accuracy"],
        ),
        "thresholds of a fixed grid": Mistake(
            "You try thresholds in fixed steps. The answers change only where a threshold passes a similarity, and two of "
            "those may lie within one step. Try the similarities themselves: there are not many.",
            _best_of(np.linspace(-1, 1, 201).round(2)),
            also=[_best_of(grid.round(2)) for grid in _GRIDS],
        ),
        "always one half": Mistake(
            "Your threshold is 0.5, whatever the pairs are. Cosines are not probabilities: where the best threshold "
            "lies depends on the embedding.",
            _THRESHOLDS["fixed"],
        ),
        "every pair is let in": Mistake(
            "Your threshold is the lowest similarity of all, so every pair is called the same. Do you count only the "
            "pairs of one dish? A pair of two dishes that is turned away is a right answer too. Or do you say 'same' "
            "below the threshold?",
            _THRESHOLDS["most same found"],
        ),
    },
    hints=(
        "The answers change only where the threshold passes a similarity. So which thresholds are worth trying?",
        "For one threshold t: (similarities >= t) is what you say, same is what is true. How often do they agree?",
        "Loop over np.unique(similarities), count np.sum((similarities >= t) == same) for each t, and keep the t with "
        "the highest count.",
    ),
)


# --- 13.verification_accuracy -------------------------------------------------------------------------------


def _fold_values(similarities, same, folds, choose, measured=lambda others, own: own):
    """Each fold's accuracy; `choose(others, own)` gives the threshold from two boolean masks, `measured` the pairs judged."""
    found = []
    for fold in np.unique(folds):
        own = folds == fold
        judged = measured(~own, own)
        found.append(_right(similarities[judged], same[judged], choose(~own, own)) / judged.sum())
    return np.array(found)


def _summary(values, error=None):
    error = values.std(ddof=1) / np.sqrt(len(values)) if error is None else error
    return (rounded(values.mean()), rounded(error))


def _best_for_others(s, y):
    return lambda others, own: _best(s[others], y[others])


def _protocol(s, y, folds):
    return _summary(_fold_values(s, y, folds, _best_for_others(s, y)))


def _own_threshold(s, y, folds):
    return _summary(_fold_values(s, y, folds, lambda others, own: _best(s[own], y[own])))


def _all_threshold(s, y, folds):
    return _summary(_fold_values(s, y, folds, lambda others, own: _best(s, y)))


def _in_order(s, y, folds):
    count = len(np.unique(folds))
    cut = np.concatenate([np.full(len(part), k) for k, part in enumerate(np.array_split(np.arange(len(s)), count))])
    return _protocol(s, y, cut)


def _mean_threshold(s, y, folds):
    mean = np.mean([_best(s[folds != k], y[folds != k]) for k in np.unique(folds)])
    return _summary(_fold_values(s, y, folds, lambda others, own: mean))


def _on_the_nine(s, y, folds):
    return _summary(_fold_values(s, y, folds, _best_for_others(s, y), lambda others, own: others))


def _trained_on_one(s, y, folds):
    return _summary(_fold_values(s, y, folds, lambda others, own: _best(s[own], y[own]), lambda others, own: others))


def _with_error(error):
    def wrong(s, y, folds):
        values = _fold_values(s, y, folds, _best_for_others(s, y))
        return _summary(values, error(values, s))

    return wrong


def _pooled(s, y, folds):
    values = _fold_values(s, y, folds, _best_for_others(s, y))
    sizes = np.array([(folds == fold).sum() for fold in np.unique(folds)])
    return (rounded((values * sizes).sum() / sizes.sum()), _summary(values)[1])


def _strict_protocol(s, y, folds):
    values = []
    for fold in np.unique(folds):
        own = folds == fold
        t = _best(s[~own], y[~own])
        values.append(np.mean((s[own] > t) == y[own]))
    return _summary(np.array(values))


def _coarse_protocol(s, y, folds):
    """Thresholds tried in steps of 0.05: too coarse for similarities with two decimals."""
    grid = np.linspace(-1, 1, 41).round(2)
    return _summary(
        _fold_values(s, y, folds, lambda others, own: max(grid, key=lambda t: _right(s[others], y[others], t)))
    )


_PROTOCOLS = {
    "own": _own_threshold,
    "all": _all_threshold,
    "in order": _in_order,
    "mean threshold": _mean_threshold,
    "on the nine": _on_the_nine,
    "one": _trained_on_one,
    "deviation": _with_error(lambda values, s: values.std(ddof=1)),
    "n": _with_error(lambda values, s: values.std(ddof=0) / np.sqrt(len(values))),
    "pairs": _with_error(lambda values, s: values.std(ddof=1) / np.sqrt(len(s))),
    "variance": _with_error(lambda values, s: values.var(ddof=1)),
    "no root": _with_error(lambda values, s: values.std(ddof=1) / len(values)),
    "strict": _strict_protocol,
}


def _protocol_without(ends):
    """The protocol where thresholds are counted on all of the other folds' pairs but one."""

    def wrong(s, y, folds):
        def best(others, own):
            candidates, rest = np.unique(s[others]), np.flatnonzero(others)[ends]
            return candidates[int(np.argmax([_right(s[rest], y[rest], t) for t in candidates]))]

        return _summary(_fold_values(s, y, folds, best))

    return wrong


_CARELESS = {
    "without the first": _protocol_without(slice(1, None)),
    "without the last": _protocol_without(slice(None, -1)),
}


def _certain(s, y, folds) -> bool:
    """Whether every threshold that is best for the other folds says the same of each fold."""
    for fold in np.unique(folds):
        own = folds == fold
        candidates = np.unique(np.append(s, s.max() + 1))  # also those that lie between the others' similarities
        counts = np.array([_right(s[~own], y[~own], t) for t in candidates])
        said = [(s[own] >= t).tobytes() for t in candidates[counts == counts.max()]]
        if len(set(said)) > 1:
            return False
    return True


def _fold_case(rng, label, sizes, gap, digits, names=tuple(_PROTOCOLS), pooled=False):
    while True:
        order = rng.permutation(sum(sizes))
        folds = np.repeat(np.arange(len(sizes)), sizes)[order].astype(np.int64)
        same = np.concatenate([_balanced(rng, size) for size in sizes])[order]
        s = _scores(rng, same, gap, digits)
        if not _certain(s, same, folds):
            continue
        if digits > 1 and not _differ([_protocol(s, same, folds), _coarse_protocol(s, same, folds)]):
            continue
        results = [_protocol(s, same, folds), *((_PROTOCOLS | _CARELESS)[name](s, same, folds) for name in names)]
        if _differ(results + ([_pooled(s, same, folds)] if pooled else [])):
            return Case(label, similarities=s, same=same, folds=folds)


def _surest_case(rng, label):
    """Folds for which the highest similarity of all is the best threshold: most pairs of one dish look least alike."""
    top, next_best = rng.uniform(0.7, 0.95), rng.uniform(0.3, 0.5)
    folds, similarities, same = [], [], []
    for fold, half in enumerate((2, 2, 3)):
        folds += [fold] * 2 * half
        similarities += [top, *rng.uniform(-0.5, -0.1, half - 1), next_best, *rng.uniform(0.0, 0.25, half - 1)]
        same += [True] * half + [False] * half
    order = rng.permutation(len(folds))
    arrays = np.round(similarities, 2)[order], np.array(same)[order], np.array(folds, np.int64)[order]
    return Case(label, weight=0.5, **dict(zip(("similarities", "same", "folds"), arrays, strict=True)))


def _verification_cases(rng):
    yield _fold_case(rng, "three folds of six pairs", (6, 6, 6), 0.5, 2, ("own", "without the last"))
    yield _fold_case(rng, "five folds of twelve pairs", (12,) * 5, 0.5, 1)
    yield _fold_case(rng, "four folds of six pairs", (6,) * 4, 0.5, 2, ("own", "without the first"))
    yield _surest_case(rng, "only the most alike are the same")
    yield _fold_case(rng, "folds of different sizes", (10, 16, 8, 22), 0.5, 2, pooled=True)
    yield _fold_case(rng, "twelve folds", (14,) * 12, 0.45, 1)


def _verification_oracle(similarities, same, folds):
    from scipy.stats import sem
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import LeaveOneGroupOut

    values = []
    for others, own in LeaveOneGroupOut().split(similarities, same, folds):
        scores = similarities[others]
        best = max(np.append(np.unique(scores), 9.0), key=lambda t: accuracy_score(same[others], scores >= t))
        values.append(accuracy_score(same[own], similarities[own] >= best))
    return (rounded(np.mean(values)), rounded(sem(values)))


VERIFICATION_ACCURACY = Exercise(
    id="13.verification_accuracy",
    title="The protocol: accuracy in folds",
    points=14,
    cases=_verification_cases,
    oracle=_verification_oracle,
    forbidden=LIBRARIES,
    misconceptions={
        "the threshold comes from the test fold": Mistake(
            "You choose each fold's threshold on that very fold. It has then seen the answers, and the accuracy is "
            "too good. Choose it on the other folds.",
            _own_threshold,
        ),
        "one threshold from all folds": Mistake(
            "You choose a single threshold on all pairs, including those of the test fold. Choose a new one for each "
            "fold, on the pairs that are not in it.",
            _all_threshold,
        ),
        "the folds are cut again": Mistake(
            "You divide the pairs into folds of your own, in their order. The argument folds says which fold each "
            "pair is in: only the publisher's folds make results comparable.",
            _in_order,
        ),
        "the mean of the thresholds": Mistake(
            "You average the folds' thresholds and judge every pair by the average. But each threshold has seen the "
            "other folds, so the average has seen the test fold too. Judge each fold by its own threshold.",
            _mean_threshold,
        ),
        "measured on the folds it was chosen on": Mistake(
            "You choose a threshold on the other folds, and measure it there, too. Measure it on the fold that was "
            "left out.",
            _on_the_nine,
        ),
        "chosen on one, measured on the others": Mistake(
            "You choose on one fold and measure on all others, which is the protocol the wrong way around. Choose on "
            "all folds but one, and measure on that one.",
            _trained_on_one,
        ),
        "the deviation instead of the standard error": Mistake(
            "Your second number is the standard deviation of the folds' accuracies, which says how far a single fold "
            "is off. The standard error says how far their mean is off, and is smaller by the square root of the "
            "number of folds.",
            _PROTOCOLS["deviation"],
        ),
        "divided by F instead of F - 1": Mistake(
            "You use NumPy's standard deviation as it is, which divides by the number of folds. The sample standard "
            "deviation divides by that number minus 1: ddof=1.",
            _PROTOCOLS["n"],
        ),
        "divided by the number of pairs": Mistake(
            "You divide the standard deviation by the square root of the number of pairs. It is a deviation between "
            "folds, so use the number of folds.",
            _PROTOCOLS["pairs"],
        ),
        "divided by F and not by its root": Mistake(
            "You divide the standard deviation by the number of folds. The standard error divides it by the square "
            "root of that number.",
            _PROTOCOLS["no root"],
        ),
        "the share of errors": Mistake(
            "Your first number is how often the answer is wrong. The accuracy is how often it is right: count where "
            "they agree.",
            lambda s, y, folds: (rounded(1 - _protocol(s, y, folds)[0]), _protocol(s, y, folds)[1]),
        ),
        "in percent": Mistake(
            "Your numbers are in percent. Return shares, from 0 to 1.",
            lambda s, y, folds: tuple(rounded(100 * value) for value in _protocol(s, y, folds)),
        ),
        "the variance": Mistake(
            "Your second number is the variance of the folds' accuracies. The standard error is the square root of "
            "the variance, divided by the square root of the number of folds.",
            _PROTOCOLS["variance"],
        ),
        "above instead of at or above": Mistake(
            "In the test fold you say 'same' only above the threshold. It should be at or above it: >=.",
            _strict_protocol,
        ),
        "every pair counts the same": Mistake(
            "You count the right answers of all folds together. If folds differ in size, that differs from the mean "
            "of the folds' accuracies, which the docstring asks for.",
            _pooled,
        ),
    },
    hints=(
        "For each fold there are two sets of pairs: those in it, and all others. Which set may the threshold see, and "
        "which one is the accuracy measured on?",
        "own = folds == k is a mask, and ~own selects the other folds. Choose on similarities[~own] and same[~own], "
        "then judge similarities[own].",
        "accuracies.append(np.mean((similarities[own] >= t) == same[own])) for each k in np.unique(folds). Then "
        "return the mean, and np.std(accuracies, ddof=1) / np.sqrt(len(accuracies)).",
    ),
)


# --- 13.roc_curve -------------------------------------------------------------------------------------------


def _roc_oracle(similarities, same):
    from sklearn.metrics import roc_curve

    false, true, _ = roc_curve(same, similarities, drop_intermediate=False)
    return (rounded(false), rounded(true))


def _rates(similarities, same, thresholds, says=None):
    says = says or (lambda s, t: s >= t)
    said = np.array([says(similarities, t) for t in thresholds])
    return rounded(said[:, ~same].mean(axis=1)), rounded(said[:, same].mean(axis=1))


def _strictest_first(s):
    return np.append(np.inf, np.unique(s)[::-1])


def _roc_curve(thresholds=_strictest_first, says=None, finish=lambda f, t, same: (f, t)):
    return lambda similarities, same: finish(*_rates(similarities, same, thresholds(similarities), says), same)


def _pair_by_pair(similarities, same):
    order = np.argsort(-similarities, kind="stable")
    hits = same[order]
    return (
        rounded(np.append(0, np.cumsum(~hits) / (~hits).sum())),
        rounded(np.append(0, np.cumsum(hits) / hits.sum())),
    )


def _precision(similarities, same):
    false, true = _rates(similarities, same, _strictest_first(similarities))
    hits, misses = true * same.sum(), false * (~same).sum()
    return false, rounded(np.divide(hits, hits + misses, out=np.ones_like(hits), where=hits + misses > 0))


def _false_discoveries(similarities, same):
    false, true = _rates(similarities, same, _strictest_first(similarities))
    hits, misses = true * same.sum(), false * (~same).sum()
    return rounded(np.divide(misses, hits + misses, out=np.zeros_like(hits), where=hits + misses > 0)), true


def _roc_case(rng, label, same, gap, digits, top=None):
    same = np.asarray(same)
    while True:
        s = _scores(rng, same, gap, digits)
        if top:
            s[int(rng.choice(np.flatnonzero(same)))] = top
        tied = len(np.unique(s)) < len(s)
        mixed = any(len(set(same[s == value].tolist())) == 2 for value in np.unique(s))
        results = [np.concatenate(curve(s, same)) for curve in (_roc_curve(), *wrong_answers(ROC_CURVE).values())]
        if tied and mixed and _differ(results):
            return Case(label, similarities=s, same=same)


def _roc_cases(rng):
    shift = float(rng.integers(0, 3)) / 10
    yield Case("five pairs", similarities=np.array([0.5, 0.9, 0.3, 0.5, 0.8]) - shift, same=np.array([True, True, False, False, True]))  # fmt: skip
    yield _roc_case(rng, "thirteen pairs", rng.permutation([True] * 5 + [False] * 8), 0.4, 1)
    yield _roc_case(rng, "twenty pairs, many alike", rng.permutation([True] * 12 + [False] * 8), 0.3, 1)
    yield _roc_case(
        rng,
        "thirty pairs, one of them with the similarity 1",
        rng.permutation([True] * 9 + [False] * 21),
        0.5,
        1,
        top=1.0,
    )


ROC_CURVE = Exercise(
    id="13.roc_curve",
    title="The ROC curve",
    points=8,
    cases=_roc_cases,
    oracle=_roc_oracle,
    probe="roc_curve",
    forbidden=LIBRARIES,
    misconceptions={
        "above instead of at or above": Mistake(
            "You say 'same' only above the threshold. So your curve never reaches (1, 1), since the pair with the "
            "lowest similarity is never let in. It should be at or above the threshold: >=.",
            _roc_curve(says=lambda s, t: s > t),
        ),
        "the axes are swapped": Mistake(
            "Your numbers are right, but in the wrong order: first the false positive rate (two dishes called the "
            "same), then the true positive rate.",
            _roc_curve(finish=lambda f, t, same: (t, f)),
        ),
        "the thresholds are not sorted": Mistake(
            "You use the thresholds in the order of the pairs. The curve starts at the strictest one: sort them, from "
            "the highest down.",
            _roc_curve(lambda s: np.append(np.inf, list(dict.fromkeys(s.tolist())))),
        ),
        "from the lowest threshold up": Mistake(
            "Your curve starts at (1, 1). Start with the strictest threshold: from the highest similarity down.",
            _roc_curve(finish=lambda f, t, same: (f[::-1].copy(), t[::-1].copy())),
        ),
        "the first point is missing": Mistake(
            "Your curve does not start at (0, 0). The strictest threshold lies above every similarity, and calls no "
            "pair the same.",
            _roc_curve(lambda s: np.unique(s)[::-1]),
        ),
        "a point for each pair": Mistake(
            "Pairs with equal similarities are let in together or not at all. You add a point after each of them, so "
            "your curve has points too many. Add one point for each different similarity.",
            _pair_by_pair,
        ),
        "shares of all pairs": Mistake(
            "You divide by the number of all pairs. Each rate belongs to one kind: divide false positives by the "
            "number of pairs of two dishes, and true positives by the number of pairs of one.",
            _roc_curve(finish=lambda f, t, same: (rounded(f * (~same).mean()), rounded(t * same.mean()))),
        ),
        "counts instead of rates": Mistake(
            "You return counts. A rate is a share, from 0 to 1: divide by the number of pairs of that kind.",
            _roc_curve(finish=lambda f, t, same: (rounded(f * (~same).sum()), rounded(t * same.sum()))),
        ),
        "same below the threshold": Mistake(
            "You say 'same' where the similarity is low. That would be right for distances; similarities are high if "
            "two pictures are alike.",
            _roc_curve(says=lambda s, t: s <= t),
        ),
        "precision instead of the true positive rate": Mistake(
            "Your second number is the share of right ones among the pairs called the same (precision). The true "
            "positive rate is the share of all pairs of one dish that are found.",
            _precision,
        ),
        "the false discovery rate": Mistake(
            "Your first number is the share of wrong ones among the pairs called the same. The false positive rate is the share of "
            "all pairs of two dishes that are called the same: divide by their number.",
            _false_discoveries,
        ),
        "the true negative rate": Mistake(
            "Your first number counts the pairs of two dishes that are turned away. Count those that are let in: 1 "
            "minus yours.",
            _roc_curve(finish=lambda f, t, same: (rounded(1 - f), t)),
        ),
    },
    hints=(
        "For one threshold: what share of the pairs of two dishes is called the same? And of the pairs of one dish?",
        "The thresholds are infinity first, then the different similarities from high to low (np.unique sorts "
        "upwards, and [::-1] reverses that).",
        "for t in thresholds: said = similarities >= t; append said[~same].mean() to one list and said[same].mean() "
        "to the other. Return both as arrays.",
    ),
)


# --- 13.quiz ------------------------------------------------------------------------------------------------

QUIZ = quiz(
    "13.quiz",
    8,
    [
        Question(
            "c",
            a="A classifier's last layer has one score for each dish on the menu. Which of these scores would belong to "
            "the new dish?",
            b="To train a new row of weights takes more than two pictures, and you do not even know yet whether they "
            "show the same dish.",
            d="More training classes help. But how do you then compare a dish that is in none of them?",
        ),
        Question(
            "a",
            b="That is the margin. Compute 0.5 minus 0.9 plus 0.2, and cut off at zero.",
            c="Take the two squared distances and the hinge: 0.5 minus 0.9 plus 0.2. What does the hinge turn this "
            "into?",
            d="With a loss below zero, one triplet that is right would make up for another that is wrong. The hinge "
            "prevents that.",
        ),
        Question(
            "d",
            a="A larger set does make the threshold steadier, but that is not the reason. What would the threshold know "
            "if it came from the test fold?",
            b="The standard error comes from the folds' accuracies, however the threshold was chosen.",
            c="Speed is no reason: trying all thresholds takes milliseconds.",
        ),
        Question(
            "b",
            a="The accuracy at one threshold says nothing about a stricter one. Which number does?",
            c="The area averages over all false positive rates, and a lock would never be used at most of them.",
            d="A lower threshold lets in more strangers.",
        ),
        Question(
            "c",
            a="An average can hide it: most of the pictures show the majority, and errors on everybody else hardly "
            "change it.",
            b="One threshold for all gives groups different false positive rates if their similarities are distributed "
            "differently.",
            d="A false match can mean a locked door or an arrest, so it is not harmless.",
        ),
    ],
)

EXERCISES = [
    COSINE_SIMILARITY,
    CONTRASTIVE_LOSS,
    TRIPLET_LOSS,
    SEMI_HARD_NEGATIVES,
    MAKE_PAIRS,
    BEST_THRESHOLD,
    VERIFICATION_ACCURACY,
    ROC_CURVE,
    QUIZ,
]
