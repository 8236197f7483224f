"""Right answers to chapter 00's exercises, written in as many ways as learners do."""

from __future__ import annotations

import numpy as np

# --- 00.accuracy ------------------------------------------------------------------------------------------


def accuracy_mean(labels, predictions):
    return np.mean(predictions == labels)


def accuracy_loop(labels, predictions):
    hits = 0
    for i in range(len(labels)):
        if predictions[i] == labels[i]:
            hits += 1
    return hits / len(labels)


def accuracy_comprehension(labels, predictions):
    return sum(int(p == y) for p, y in zip(predictions, labels, strict=True)) / labels.size


def accuracy_less_error(labels, predictions):
    return 1 - np.count_nonzero(predictions - labels) / predictions.shape[0]


def accuracy_float32(labels, predictions):
    return (predictions == labels).astype(np.float32).mean()


# --- 00.top_k_accuracy ------------------------------------------------------------------------------------


def top_k_argsort(scores, labels, k):
    best = np.argsort(scores, axis=1)[:, -k:]
    return (best == labels[:, None]).any(axis=1).mean()


def top_k_loop(scores, labels, k):
    hits = 0
    for row, label in zip(scores, labels, strict=True):
        order = sorted(range(len(row)), key=lambda j: row[j], reverse=True)
        if label in order[:k]:
            hits += 1
    return hits / len(labels)


def top_k_counting(scores, labels, k):
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    return float(((scores > own).sum(axis=1) < k).mean())


def top_k_partition(scores, labels, k):
    best = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    return np.mean([y in b for y, b in zip(labels, best, strict=True)])


def top_k_removing(scores, labels, k):
    scores = scores.copy()
    right = np.zeros(len(labels), bool)
    for _ in range(k):
        best = scores.argmax(axis=1)
        right |= best == labels
        scores[np.arange(len(labels)), best] = -np.inf
    return np.float32(right.sum() / len(right))


def top_k_threshold(scores, labels, k):
    lowest = np.sort(scores, axis=1)[:, -k]
    return np.average(scores[np.arange(len(labels)), labels] >= lowest)


# --- 00.error_reduction -----------------------------------------------------------------------------------


def error_reduction_errors(old_accuracy, new_accuracy):
    old_error, new_error = 1 - old_accuracy, 1 - new_accuracy
    return (old_error - new_error) / old_error


def error_reduction_gain(old_accuracy, new_accuracy):
    return (new_accuracy - old_accuracy) / (1 - old_accuracy)


def error_reduction_left(old_accuracy, new_accuracy):
    return 1 - (1 - new_accuracy) / (1 - old_accuracy)


def error_reduction_float32(old_accuracy, new_accuracy):
    old, new = 100 * (1 - np.array([old_accuracy, new_accuracy]))
    return np.float32((old - new) / old)


# --- 00.standardize ---------------------------------------------------------------------------------------


def standardize_axes(images):
    images = images.astype(float)
    return (images - images.mean(axis=(0, 1, 2))) / images.std(axis=(0, 1, 2))


def standardize_loop(images):
    out = np.empty(images.shape)
    for c in range(images.shape[-1]):
        channel = images[..., c]
        out[..., c] = (channel - np.mean(channel)) / np.std(channel)
    return out


def standardize_scaled_first(images):
    images = images / 255
    mean = images.mean(axis=(0, 1, 2), keepdims=True)
    return (images - mean) / np.sqrt(((images - mean) ** 2).mean(axis=(0, 1, 2), keepdims=True))


def standardize_flat(images):
    flat = images.reshape(-1, images.shape[-1]).astype(np.float64)
    flat -= flat.mean(0)
    flat /= flat.std(0)
    return flat.reshape(images.shape)


def standardize_float32(images):
    images = np.float32(images)
    return (images - images.mean((0, 1, 2))) / images.std((0, 1, 2))


def standardize_channels_first(images):
    x = np.moveaxis(images, -1, 1).astype(float)
    x = (x - x.mean(axis=(0, 2, 3), keepdims=True)) / x.std(axis=(0, 2, 3), keepdims=True)
    return np.moveaxis(x, 1, -1)


def standardize_small_epsilon(images):
    return (images - images.mean((0, 1, 2))) / (images.std((0, 1, 2)) + 1e-7)


# --- 00.one_hot -------------------------------------------------------------------------------------------


def one_hot_index(labels, num_classes):
    table = np.zeros((len(labels), num_classes))
    table[np.arange(len(labels)), labels] = 1
    return table


def one_hot_eye(labels, num_classes):
    return np.eye(num_classes)[labels]


def one_hot_loop(labels, num_classes):
    rows = []
    for label in labels:
        row = [0] * num_classes
        row[label] = 1
        rows.append(row)
    return np.array(rows)


def one_hot_compare(labels, num_classes):
    return np.arange(num_classes) == labels.reshape(-1, 1)


def one_hot_float32(labels, num_classes):
    table = np.zeros((labels.size, num_classes), dtype=np.float32)
    np.put_along_axis(table, labels[:, None], 1, axis=1)
    return table


# --- 00.correct_rank --------------------------------------------------------------------------------------


def correct_rank_count(scores, labels):
    own = scores[np.arange(len(labels)), labels][:, None]
    return 1 + (scores > own).sum(axis=1)


def correct_rank_loop(scores, labels):
    ranks = []
    for row, label in zip(scores, labels, strict=True):
        order = list(np.argsort(row)[::-1])
        ranks.append(order.index(label) + 1)
    return np.array(ranks)


def correct_rank_twice(scores, labels):
    places = np.argsort(np.argsort(-scores, axis=1), axis=1)
    return np.take_along_axis(places, labels[:, None], axis=1)[:, 0] + 1


def correct_rank_where(scores, labels):
    order = np.argsort(scores)[:, ::-1]
    return np.where(order == labels[:, None])[1] + 1.0


def correct_rank_at_least(scores, labels):
    return np.array([np.count_nonzero(row >= row[y]) for row, y in zip(scores, labels, strict=True)])


ANSWERS = {
    "00.accuracy": [accuracy_mean, accuracy_loop, accuracy_comprehension, accuracy_less_error, accuracy_float32],
    "00.top_k_accuracy": [
        top_k_argsort,
        top_k_loop,
        top_k_counting,
        top_k_partition,
        top_k_removing,
        top_k_threshold,
    ],
    "00.error_reduction": [
        error_reduction_errors,
        error_reduction_gain,
        error_reduction_left,
        error_reduction_float32,
    ],
    "00.standardize": [
        standardize_axes,
        standardize_loop,
        standardize_scaled_first,
        standardize_flat,
        standardize_float32,
        standardize_channels_first,
        standardize_small_epsilon,
    ],
    "00.one_hot": [one_hot_index, one_hot_eye, one_hot_loop, one_hot_compare, one_hot_float32],
    "00.correct_rank": [
        correct_rank_count,
        correct_rank_loop,
        correct_rank_twice,
        correct_rank_where,
        correct_rank_at_least,
    ],
    "00.quiz": [("d", "b", "c", "a", "b"), ("D", "B", "C", "A", "B"), ("d)", "b)", "c)", "a)", "b)")],
}


def _ranks_by_sorting(scores, labels):
    return np.array(
        [sorted(row, reverse=True).index(row[label]) + 1 for row, label in zip(scores, labels, strict=True)]
    )


def _one_best_after_another(scores, labels, k):
    left, hits = scores.copy(), np.zeros(len(labels), dtype=bool)
    for _ in range(k):
        best = left.argmax(axis=1)
        hits |= best == labels
        left[np.arange(len(labels)), best] = -np.inf
    return hits.mean()


ANSWERS["00.correct_rank"].append(_ranks_by_sorting)
ANSWERS["00.top_k_accuracy"].append(_one_best_after_another)
