"""Right answers to chapter 01's exercises, written in as many ways as learners do."""

from __future__ import annotations

import itertools
import math

import numpy as np

# --- 01.split ---------------------------------------------------------------------------------------------


def split_permutation(n, fractions, rng):
    ends = np.round(np.cumsum(fractions) * n).astype(int)
    return tuple(np.split(rng.permutation(n), ends[:-1]))


def split_rest_to_the_last(n, fractions, rng):
    order = np.arange(n)
    rng.shuffle(order)
    sets, begin = [], 0
    for fraction in fractions[:-1]:
        size = int(fraction * n)
        sets.append(order[begin : begin + size])
        begin += size
    return (*sets, order[begin:])


def split_sorted(n, fractions, rng):
    order = rng.permutation(n)
    ends = [round(total * n) for total in itertools.accumulate(fractions)]
    ends[-1] = n
    return [np.sort(order[a:b]) for a, b in zip([0, *ends], ends, strict=False)]


def split_by_draws(n, fractions, rng):
    left = list(range(n))
    sets = []
    for fraction in fractions[:-1]:
        size = math.floor(fraction * n)
        sets.append([left.pop(int(rng.integers(len(left)))) for _ in range(size)])
    return (*sets, left)


def split_rest_to_the_first(n, fractions, rng):
    order = rng.choice(n, size=n, replace=False).astype(np.int32)
    sizes = [int(f * n) for f in fractions[1:]]
    sets, end = [], n
    for size in reversed(sizes):
        sets.append(order[end - size : end])
        end -= size
    return order[:end], *reversed(sets)


def split_by_keys(n, fractions, rng):
    ranks = np.argsort(np.argsort(rng.random(n)))
    ends = np.ceil(np.cumsum(fractions) * n - 1e-9)
    number = np.searchsorted(ends, ranks, side="right").clip(0, len(fractions) - 1)
    return tuple(np.flatnonzero(number == one) for one in range(len(fractions)))


# --- 01.color_histogram ----------------------------------------------------------------------------------


def histogram_numpy(image, bins):
    h, w, _ = image.shape
    return np.array([np.histogram(image[:, :, c], bins, range=(0, 256))[0] / (h * w) for c in range(3)])


def histogram_loops(image, bins):
    out = np.zeros((3, bins))
    for row in image.tolist():
        for pixel in row:
            for c, value in enumerate(pixel):
                out[c, value * bins // 256] += 1
    return out / (len(image) * len(image[0]))


def histogram_division(image, bins):
    places = image // (256 // bins)
    return np.stack([np.bincount(places[..., c].ravel(), minlength=bins) for c in range(3)]) / places[..., 0].size


def histogram_one_hot(image, bins):
    places = (image.astype(float) / 256 * bins).astype(int).reshape(-1, 3)
    return np.eye(bins, dtype=np.float32)[places].mean(axis=0)


def histogram_up_to_255(image, bins):
    pixels = image.reshape(-1, 3).T / 255
    out = np.empty((3, bins))
    for row, values in zip(out, pixels, strict=True):
        row[:] = np.histogram(values, bins=bins, range=(0, 1))[0]
    out /= out.sum(axis=1, keepdims=True)
    return out


def histogram_edges(image, bins):
    edges = np.arange(bins + 1) * (256 / bins)
    per = [[((channel >= a) & (channel < b)).mean() for a, b in zip(edges, edges[1:], strict=False)] for channel in np.moveaxis(image, 2, 0)]  # fmt: skip
    return np.asarray(per)


# --- 01.fit_line ------------------------------------------------------------------------------------------


def fit_line_lstsq(X, y):
    A = np.column_stack([X, np.ones(len(X))])
    u = np.linalg.lstsq(A, y, rcond=None)[0]
    return u[:-1], u[-1]


def fit_line_normal(X, y):
    A = np.hstack([np.ones((len(X), 1)), X])
    u = np.linalg.solve(A.T @ A, A.T @ y)
    return u[1:], float(u[0])


def fit_line_centered(X, y):
    center = X.mean(axis=0)
    w = np.linalg.pinv(X - center) @ (y - y.mean())
    return [w, y.mean() - center @ w]


def fit_line_covariance(X, y):
    joint = np.atleast_2d(np.cov(np.column_stack([X, y]).T))
    w = np.linalg.inv(joint[:-1, :-1]) @ joint[:-1, -1]
    return w, np.mean(y - X @ w)


def fit_line_float32(X, y):
    A = np.column_stack([X, np.ones(len(X))]).astype(np.float32)
    u, *_ = np.linalg.lstsq(A, y.astype(np.float32), rcond=None)
    return u[:-1], u[-1]


# --- 01.mean_absolute_error -------------------------------------------------------------------------------


def mae_numpy(truth, predicted):
    return np.abs(predicted - truth).mean()


def mae_loop(truth, predicted):
    total = 0.0
    for t, p in zip(truth, predicted, strict=True):
        total += abs(t - p)
    return total / len(truth)


def mae_norm(truth, predicted):
    return float(np.linalg.norm(truth - predicted, ord=1) / truth.size)


def mae_float32(truth, predicted):
    larger, smaller = np.maximum(truth, predicted), np.minimum(truth, predicted)
    return np.average((larger - smaller).astype(np.float32))


# --- 01.r2_score ------------------------------------------------------------------------------------------


def r2_sums(truth, predicted):
    return 1 - np.sum((truth - predicted) ** 2) / np.sum((truth - truth.mean()) ** 2)


def r2_variance(truth, predicted):
    return 1 - np.mean((predicted - truth) ** 2) / np.var(truth)


def r2_loop(truth, predicted):
    mean = sum(truth) / len(truth)
    left = sum((p - t) ** 2 for t, p in zip(truth, predicted, strict=True))
    return 1.0 - left / sum((t - mean) ** 2 for t in truth)


def r2_share(truth, predicted):
    total = np.dot(truth - np.mean(truth), truth - np.mean(truth))
    error = truth - predicted
    return np.float32((total - error @ error) / total)


# --- 01.knn_predict ---------------------------------------------------------------------------------------


def knn_loops(X_train, y_train, X_test, k):
    answers = []
    for x in X_test:
        distances = [math.sqrt(sum((a - b) ** 2 for a, b in zip(x, row, strict=True))) for row in X_train]
        near = sorted(range(len(X_train)), key=distances.__getitem__)[:k]
        votes = {}
        for index in near:
            votes[y_train[index]] = votes.get(y_train[index], 0) + 1
        answers.append(min(votes, key=lambda label: (-votes[label], label)))
    return np.array(answers)


def knn_bincount(X_train, y_train, X_test, k):
    answers = np.zeros(len(X_test), dtype=int)
    for i, x in enumerate(X_test):
        near = np.argsort(np.linalg.norm(X_train - x, axis=1))[:k]
        answers[i] = np.bincount(y_train[near]).argmax()
    return answers


def knn_vectorized(X_train, y_train, X_test, k):
    squares = (X_test**2).sum(1)[:, None] - 2 * X_test @ X_train.T + (X_train**2).sum(1)
    near = np.argpartition(squares, k - 1, axis=1)[:, :k]
    one_hot = np.eye(y_train.max() + 1)[y_train[near]]
    return one_hot.sum(axis=1).argmax(axis=1).astype(np.int32)


def knn_unique(X_train, y_train, X_test, k):
    def one(x):
        labels, counts = np.unique(y_train[np.argsort(((x - X_train) ** 2).sum(-1))[:k]], return_counts=True)
        return labels[np.argmax(counts)]

    return np.apply_along_axis(one, 1, X_test)


def knn_mode(X_train, y_train, X_test, k):
    from scipy.stats import mode

    distances = np.sqrt(((X_test[:, None] - X_train[None]) ** 2).sum(axis=2))
    return mode(y_train[distances.argsort(axis=1)[:, :k]], axis=1).mode


# --- 01.iou -----------------------------------------------------------------------------------------------


def iou_plain(box_a, box_b):
    w = max(0, min(box_a[2], box_b[2]) - max(box_a[0], box_b[0]))
    h = max(0, min(box_a[3], box_b[3]) - max(box_a[1], box_b[1]))
    overlap = w * h
    area = (box_a[2] - box_a[0]) * (box_a[3] - box_a[1]) + (box_b[2] - box_b[0]) * (box_b[3] - box_b[1])
    return overlap / (area - overlap) if area > overlap else 0.0


def iou_arrays(box_a, box_b):
    sides = np.clip(np.minimum(box_a[2:], box_b[2:]) - np.maximum(box_a[:2], box_b[:2]), 0, None)
    overlap = np.prod(sides)
    union = np.prod(box_a[2:] - box_a[:2]) + np.prod(box_b[2:] - box_b[:2]) - overlap
    return np.float32(overlap / union) if union else 0


def iou_early_return(box_a, box_b):
    ax0, ay0, ax1, ay1 = box_a
    bx0, by0, bx1, by1 = box_b
    if ax1 <= bx0 or bx1 <= ax0 or ay1 <= by0 or by1 <= ay0:
        return 0
    overlap = (min(ax1, bx1) - max(ax0, bx0)) * (min(ay1, by1) - max(ay0, by0))
    return overlap / ((ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - overlap)


def iou_small_floor(box_a, box_b):
    """Guards the division with a tiny number, as many libraries do."""
    w, h = (max(0.0, min(box_a[i + 2], box_b[i + 2]) - max(box_a[i], box_b[i])) for i in (0, 1))
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (box_a, box_b))
    return w * h / max(areas - w * h, 1e-9)


# --- 01.precision_recall_f1


def scores_counts(truth, predicted, label):
    hits = np.sum((truth == label) & (predicted == label))
    named, there = np.sum(predicted == label), np.sum(truth == label)
    p = hits / named if named > 0 else 0.0
    r = hits / there if there > 0 else 0.0
    return p, r, 2 * p * r / (p + r) if p + r > 0 else 0.0


def scores_loop(truth, predicted, label):
    hits = false_alarms = misses = 0
    for t, p in zip(truth, predicted, strict=True):
        if p == label and t == label:
            hits += 1
        elif p == label:
            false_alarms += 1
        elif t == label:
            misses += 1
    if hits == 0:
        return 0, 0, 0
    return hits / (hits + false_alarms), hits / (hits + misses), 2 * hits / (2 * hits + false_alarms + misses)


def scores_confusion(truth, predicted, label):
    classes = int(max(truth.max(), predicted.max(), label)) + 1
    matrix = np.zeros((classes, classes))
    np.add.at(matrix, (truth, predicted), 1)
    p = matrix[label, label] / max(matrix[:, label].sum(), 1)
    r = matrix[label, label] / max(matrix[label].sum(), 1)
    return np.array(p), np.array(r), 0.0 if p == 0 else 2 / (1 / p + 1 / r)


def scores_masks(truth, predicted, label):
    p = float(np.mean(truth[predicted == label] == label)) if label in predicted else 0.0
    r = float(np.mean(predicted[truth == label] == label)) if label in truth else 0.0
    try:
        return p, r, 2 * p * r / (p + r)
    except ZeroDivisionError:
        return p, r, 0.0


# --- 01.k_fold


def k_fold_array_split(order, k):
    pieces = np.array_split(order, k)
    return [(np.concatenate(pieces[:i] + pieces[i + 1 :]), pieces[i]) for i in range(k)]


def k_fold_masks(order, k):
    fold = np.sort(np.arange(len(order)) % k)
    return [(order[fold != i], order[fold == i]) for i in range(k)]


def k_fold_sets(order, k):
    pairs = []
    for piece in np.array_split(np.arange(len(order)), k):
        held = order[piece].tolist()
        pairs.append([sorted(set(order.tolist()) - set(held)), held[::-1]])
    return tuple(pairs)


def k_fold_borders(order, k):
    start, pairs = 0, []
    for i in range(k):
        end = start + len(order) // k + (1 if i < len(order) % k else 0)
        pairs.append((np.delete(order, np.arange(start, end)), order[start:end]))
        start = end
    return pairs


def k_fold_isin(order, k):
    return [(order[~np.isin(order, held)], held) for held in np.array_split(order, k)]


ANSWERS = {
    "01.split": [
        split_permutation,
        split_rest_to_the_last,
        split_sorted,
        split_by_draws,
        split_rest_to_the_first,
        split_by_keys,
    ],
    "01.color_histogram": [
        histogram_numpy,
        histogram_loops,
        histogram_division,
        histogram_one_hot,
        histogram_up_to_255,
        histogram_edges,
    ],
    "01.fit_line": [fit_line_lstsq, fit_line_normal, fit_line_centered, fit_line_covariance, fit_line_float32],
    "01.mean_absolute_error": [mae_numpy, mae_loop, mae_norm, mae_float32],
    "01.r2_score": [r2_sums, r2_variance, r2_loop, r2_share],
    "01.knn_predict": [knn_loops, knn_bincount, knn_vectorized, knn_unique, knn_mode],
    "01.precision_recall_f1": [scores_counts, scores_loop, scores_confusion, scores_masks],
    "01.k_fold": [k_fold_array_split, k_fold_masks, k_fold_sets, k_fold_borders, k_fold_isin],
    "01.iou": [iou_plain, iou_arrays, iou_early_return, iou_small_floor],
    "01.quiz": [("c", "b", "d", "a", "b"), ("C", "B", "D", "A", "B"), ("c)", "b)", "d)", "a)", "b)")],
}


def _drawn_from_what_is_left(n, fractions, rng):
    left, sets = np.arange(n), []
    for fraction in fractions[:-1]:
        sets.append(rng.choice(left, int(np.floor(fraction * n)), replace=False))
        left = np.setdiff1d(left, sets[-1])
    return (*sets, left)


ANSWERS["01.split"].append(_drawn_from_what_is_left)
