"""Right answers to chapter 13's exercises, written in as many ways as learners do."""

from __future__ import annotations

import itertools
import math
import random
from math import sqrt

import numpy as np
import torch
import torch.nn.functional as F

# --- 13.cosine_similarity -----------------------------------------------------------------------------------


def cosine_vectorized(a, b):
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return (a * b).sum(axis=1) / np.where(lengths > 0, lengths, 1)


def cosine_loops(a, b):
    out = np.zeros(len(a))
    for i in range(len(a)):
        dot = sum(x * y for x, y in zip(a[i], b[i], strict=True))
        size = sqrt(sum(x * x for x in a[i])) * sqrt(sum(y * y for y in b[i]))
        if size != 0:
            out[i] = dot / size
    return out


def cosine_einsum_float32(a, b):
    a, b = a.astype(np.float32), b.astype(np.float32)
    a = a / np.maximum(np.sqrt(np.einsum("nd,nd->n", a, a)), 1e-12)[:, None]
    b = b / np.maximum(np.sqrt(np.einsum("nd,nd->n", b, b)), 1e-12)[:, None]
    return np.einsum("nd,nd->n", a, b)


def cosine_epsilon(a, b):
    return np.sum(a * b, axis=-1) / (np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1) + 1e-9)


def cosine_diagonal(a, b):
    """The whole matrix, of which only the diagonal is wanted; nan made 0."""
    with np.errstate(all="ignore"):
        unit_a, unit_b = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (a, b))
        return np.nan_to_num(np.diag(unit_a @ unit_b.T))


def cosine_divide_where(a, b):
    dots = np.array([np.dot(x, y) for x, y in zip(a, b, strict=True)])
    lengths = np.array([math.hypot(*x) * math.hypot(*y) for x, y in zip(a, b, strict=True)])
    return np.divide(dots, lengths, out=np.zeros_like(dots), where=lengths != 0)


# --- 13.contrastive_loss ------------------------------------------------------------------------------------


def contrastive_where(distance, same, margin):
    return 0.5 * torch.where(same, distance**2, torch.relu(margin - distance) ** 2).mean()


def contrastive_weights(distance, same, margin):
    """As in the paper, with Y = 1 for a pair of two dishes."""
    Y = 1 - same.float()
    near = (1 - Y) * 0.5 * distance.pow(2)
    apart = Y * 0.5 * torch.clamp(margin - distance, min=0).pow(2)
    return torch.mean(near + apart)


def contrastive_sums(distance, same, margin):
    near, apart = distance[same], distance[~same]
    total = (near**2).sum() + (F.relu(margin - apart) ** 2).sum()
    return total / 2 / len(distance)


def contrastive_loop(distance, same, margin):
    total = 0.0
    for d, s in zip(distance, same, strict=True):
        if s:
            total = total + d * d / 2
        else:
            total = total + torch.maximum(margin - d, torch.tensor(0.0)) ** 2 / 2
    return total / len(same)


def contrastive_filled(distance, same, margin):
    loss = torch.zeros(len(distance))
    loss[same] = 0.5 * distance[same] ** 2
    loss[~same] = 0.5 * torch.max(torch.zeros_like(distance[~same]), margin - distance[~same]) ** 2
    return loss.mean()


def contrastive_begun_with_zeros(distance, same, margin):
    """A loss with an axis of length 1."""
    loss = torch.zeros(1)
    for i in range(len(distance)):
        loss = loss + (distance[i] ** 2 / 2 if same[i] else F.relu(margin - distance[i]) ** 2 / 2)
    return loss / len(distance)


# --- 13.triplet_loss ----------------------------------------------------------------------------------------


def triplet_relu(anchor, positive, negative, margin):
    near = ((anchor - positive) ** 2).sum(dim=1)
    far = ((anchor - negative) ** 2).sum(dim=1)
    return torch.relu(near - far + margin).mean()


def triplet_norms(anchor, positive, negative, margin):
    near = (anchor - positive).pow(2).sum(-1)
    far = torch.sum(torch.square(anchor - negative), axis=-1)
    return torch.clamp(near - far + margin, min=0.0).mean()


def triplet_loop(anchor, positive, negative, margin):
    terms = []
    for a, p, n in zip(anchor, positive, negative, strict=True):
        terms.append(F.relu(torch.dot(a - p, a - p) - torch.dot(a - n, a - n) + margin))
    return torch.stack(terms).mean()


def triplet_written_out(anchor, positive, negative, margin):
    """The anchor's own square cancels."""
    inner = (positive**2).sum(1) - (negative**2).sum(1) - 2 * (anchor * (positive - negative)).sum(1) + margin
    return torch.maximum(inner, torch.zeros_like(inner)).sum() / anchor.shape[0]


def triplet_mse(anchor, positive, negative, margin):
    near = F.mse_loss(anchor, positive, reduction="none").sum(1)
    far = F.mse_loss(anchor, negative, reduction="none").sum(1)
    inside = near - far + margin
    return (inside * (inside > 0)).mean()


def triplet_roots_squared(anchor, positive, negative, margin):
    near = ((anchor - positive) ** 2).sum(1).sqrt()
    far = torch.cdist(anchor, negative).diagonal()
    return torch.relu(near**2 - far**2 + margin).mean()


def triplet_pairwise(anchor, positive, negative, margin):
    """With torch's small number added to every difference."""
    near, far = F.pairwise_distance(anchor, positive), F.pairwise_distance(anchor, negative)
    return torch.clamp(near**2 - far**2 + margin, min=0).mean()


# --- 13.semi_hard_negatives ---------------------------------------------------------------------------------


def semi_hard_loop(distances, labels, anchors, positives):
    chosen = []
    for a, p in zip(anchors, positives, strict=True):
        row, negative = distances[a], labels != labels[a]
        farther = negative & (row > row[p])
        if farther.any():
            chosen.append(np.where(farther, row, np.inf).argmin())
        else:
            chosen.append(np.where(negative, row, -np.inf).argmax())
    return np.array(chosen)


def semi_hard_vectorized(distances, labels, anchors, positives):
    rows = distances[anchors]
    negative = labels[anchors][:, None] != labels[None]
    farther = negative & (rows > distances[anchors, positives][:, None])
    first = np.argmin(np.where(farther, rows, np.inf), axis=1)
    last = np.argmax(np.where(negative, rows, -1), axis=1)
    return np.where(farther.any(axis=1), first, last)


def semi_hard_sorted(distances, labels, anchors, positives):
    out = []
    for a, p in zip(anchors.tolist(), positives.tolist(), strict=True):
        order = [i for i in np.argsort(distances[a]) if labels[i] != labels[a]]
        out.append(next((i for i in order if distances[a][i] > distances[a][p]), order[-1]))
    return np.array(out)


def semi_hard_plain(distances, labels, anchors, positives):
    out = np.empty(len(anchors), int)
    for k in range(len(anchors)):
        a, limit = anchors[k], distances[anchors[k], positives[k]]
        best = worst = None
        for j in range(len(labels)):
            if labels[j] == labels[a]:
                continue
            if worst is None or distances[a, j] > distances[a, worst]:
                worst = j
            if distances[a, j] > limit and (best is None or distances[a, j] < distances[a, best]):
                best = j
        out[k] = worst if best is None else best
    return out


# --- 13.make_pairs ------------------------------------------------------------------------------------------


def pairs_listed(labels, n, rng):
    first, second = np.triu_indices(len(labels), 1)
    alike = labels[first] == labels[second]
    chosen = np.concatenate([rng.choice(np.flatnonzero(kind), n, replace=False) for kind in (alike, ~alike)])
    return np.column_stack([first[chosen], second[chosen]]), alike[chosen]


def pairs_drawn_until_full(labels, n, rng):
    found = {True: set(), False: set()}
    while len(found[True]) < n or len(found[False]) < n:
        i, j = rng.integers(0, len(labels), 2)
        if i == j:
            continue
        kind = bool(labels[i] == labels[j])
        if len(found[kind]) < n:
            found[kind].add((min(i, j), max(i, j)))
    pairs = sorted(found[True]) + sorted(found[False])
    return np.array(pairs), np.array([True] * n + [False] * n)


def pairs_lists(labels, n, rng):
    every = list(itertools.combinations(range(len(labels)), 2))
    same = [pair for pair in every if labels[pair[0]] == labels[pair[1]]]
    different = [pair for pair in every if labels[pair[0]] != labels[pair[1]]]
    rng.shuffle(same)
    rng.shuffle(different)
    pairs = same[:n] + different[:n]
    order = rng.permutation(2 * n)
    return np.array(pairs)[order], (np.arange(2 * n) < n)[order]


def pairs_seeded_random(labels, n, rng):
    """Python's own random, seeded by the generator; the second picture may come first."""
    own = random.Random(int(rng.integers(2**62)))
    every = [(j, i) for i in range(len(labels)) for j in range(i + 1, len(labels))]
    same = own.sample([pair for pair in every if labels[pair[0]] == labels[pair[1]]], n)
    different = own.sample([pair for pair in every if labels[pair[0]] != labels[pair[1]]], n)
    return same + different, [True] * n + [False] * n


def pairs_one_after_the_other(labels, n, rng):
    pairs, same, seen = [], [], set()
    for wanted in (True, False):
        count = 0
        while count < n:
            i = rng.integers(len(labels))
            partners = np.flatnonzero((labels == labels[i]) == wanted)
            partners = partners[partners != i]
            if len(partners) == 0:
                continue
            j = rng.choice(partners)
            if frozenset((int(i), int(j))) in seen:
                continue
            seen.add(frozenset((int(i), int(j))))
            pairs.append((i, j))
            same.append(wanted)
            count += 1
    return np.array(pairs), np.array(same)


# --- 13.best_threshold --------------------------------------------------------------------------------------


def threshold_tried(similarities, same):
    candidates = np.unique(similarities)
    right = [np.sum((similarities >= t) == same) for t in candidates]
    return candidates[np.argmax(right)]


def threshold_cumulative(similarities, same):
    """Sorted once: each pair that is let in adds 1 or takes 1 away."""
    order = np.argsort(similarities)[::-1]
    s, gains = similarities[order], np.cumsum(np.where(same[order], 1, -1))
    last = np.append(s[1:] < s[:-1], True)
    return float(s[np.argmax(np.where(last, gains, -len(s)))])


def threshold_between(similarities, same):
    """Halfway between neighbors, and the highest of the best."""
    values = sorted(set(similarities.tolist()))
    middles = [values[0] - 1] + [(a + b) / 2 for a, b in itertools.pairwise(values)] + [values[-1] + 1]
    return max(reversed(middles), key=lambda t: sum((s >= t) == y for s, y in zip(similarities, same, strict=True)))


def threshold_float32(similarities, same):
    s = similarities.astype(np.float32)
    right = ((s[None] >= s[:, None]) == same[None]).mean(axis=1)
    return s[right.argmax()]


def threshold_next_float(similarities, same):
    """Found with >, and handed over as the next number above."""
    candidates = np.append(similarities.min() - 1, similarities)
    right = [np.sum((similarities > t) == same) for t in candidates]
    return float(np.nextafter(candidates[int(np.argmax(right))], np.inf))


def threshold_torch_float32(similarities, same):
    scores, truth = torch.tensor(similarities, dtype=torch.float32), torch.tensor(same)
    return max(scores.tolist(), key=lambda t: int(((scores >= t) == truth).sum()))


def threshold_and_ends(similarities, same):
    tried = np.concatenate([[-1.5], similarities, [1.5]])
    return tried[np.argmax([np.mean((similarities >= t) == same) for t in tried])]


# --- 13.verification_accuracy -------------------------------------------------------------------------------


def verified(similarities, same, folds):
    accuracies = []
    for k in np.unique(folds):
        own = folds == k
        t = threshold_tried(similarities[~own], same[~own])
        accuracies.append(np.mean((similarities[own] >= t) == same[own]))
    return np.mean(accuracies), np.std(accuracies, ddof=1) / np.sqrt(len(accuracies))


def verified_between(similarities, same, folds):
    F = folds.max() + 1
    accuracies = np.zeros(F)
    for k in range(F):
        test = np.where(folds == k)[0]
        rest = np.where(folds != k)[0]
        t = threshold_between(similarities[rest], same[rest])
        accuracies[k] = sum(bool(similarities[i] >= t) == bool(same[i]) for i in test) / len(test)
    mean = accuracies.sum() / F
    return mean, math.sqrt(((accuracies - mean) ** 2).sum() / (F - 1)) / math.sqrt(F)


def verified_with_scipy(similarities, same, folds):
    from scipy import stats

    accuracies = []
    for k in set(folds.tolist()):
        t = threshold_tried(similarities[folds != k], same[folds != k])
        accuracies.append(((similarities[folds == k] >= t) == same[folds == k]).mean())
    return np.mean(accuracies), stats.sem(accuracies)


def verified_with_statistics(similarities, same, folds):
    import statistics

    values = []
    for k in sorted(set(folds.tolist())):
        train, test = folds != k, folds == k
        t = threshold_cumulative(similarities[train], same[train])
        values.append(float(((similarities[test] >= t) == same[test]).mean()))
    return [statistics.mean(values), statistics.stdev(values) / len(values) ** 0.5]


def verified_float32(similarities, same, folds):
    mean, error = verified(similarities.astype(np.float32), same, folds)
    return np.array([mean, error])[0], np.float32(error)


# --- 13.roc_curve -------------------------------------------------------------------------------------------


def roc_loop(similarities, same):
    false, true = [], []
    for t in [np.inf, *np.unique(similarities)[::-1]]:
        said = similarities >= t
        false.append(said[~same].mean())
        true.append(said[same].mean())
    return np.array(false), np.array(true)


def roc_sorted(similarities, same):
    order = np.argsort(-similarities, kind="stable")
    s, y = similarities[order], same[order]
    ends = np.flatnonzero(np.append(np.diff(s) != 0, True))
    true = np.concatenate([[0], np.cumsum(y)[ends]]) / y.sum()
    false = np.concatenate([[0], np.cumsum(~y)[ends]]) / (~y).sum()
    return false, true


def roc_broadcast(similarities, same):
    thresholds = np.append(np.array(sorted(set(similarities), reverse=True)), -np.inf)
    thresholds = np.append(similarities.max() + 1, thresholds[:-1])
    said = similarities[:, None] >= thresholds[None]
    return [said[~same].mean(axis=0).astype(np.float32), said[same].mean(axis=0).astype(np.float32)]


def roc_counted(similarities, same):
    P, N = int(same.sum()), int((~same).sum())
    points = [(0.0, 0.0)]
    for t in sorted(set(similarities.tolist()), reverse=True):
        tp = sum(1 for s, y in zip(similarities, same, strict=True) if s >= t and y)
        fp = sum(1 for s, y in zip(similarities, same, strict=True) if s >= t and not y)
        points.append((fp / N, tp / P))
    false, true = zip(*points, strict=True)
    return np.array(false), np.array(true)


ANSWERS = {
    "13.cosine_similarity": [
        cosine_vectorized,
        cosine_loops,
        cosine_einsum_float32,
        cosine_epsilon,
        cosine_diagonal,
        cosine_divide_where,
    ],
    "13.contrastive_loss": [
        contrastive_where,
        contrastive_weights,
        contrastive_sums,
        contrastive_loop,
        contrastive_filled,
        contrastive_begun_with_zeros,
    ],
    "13.triplet_loss": [
        triplet_relu,
        triplet_norms,
        triplet_loop,
        triplet_written_out,
        triplet_mse,
        triplet_roots_squared,
        triplet_pairwise,
    ],
    "13.semi_hard_negatives": [semi_hard_loop, semi_hard_vectorized, semi_hard_sorted, semi_hard_plain],
    "13.make_pairs": [
        pairs_listed,
        pairs_drawn_until_full,
        pairs_lists,
        pairs_seeded_random,
        pairs_one_after_the_other,
    ],
    "13.best_threshold": [
        threshold_tried,
        threshold_cumulative,
        threshold_between,
        threshold_float32,
        threshold_next_float,
        threshold_torch_float32,
        threshold_and_ends,
    ],
    "13.verification_accuracy": [
        verified,
        verified_between,
        verified_with_statistics,
        verified_float32,
        verified_with_scipy,
    ],
    "13.roc_curve": [roc_loop, roc_sorted, roc_broadcast, roc_counted],
}
