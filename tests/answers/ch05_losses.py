"""Right answers to chapter 05's exercises, written in as many ways as learners do."""

from __future__ import annotations

import math

import numpy as np

# --- 05.linear_scores -------------------------------------------------------------------------------------


def linear_scores_product(X, W, b):
    return X @ W.T + b


def linear_scores_loops(X, W, b):
    scores = np.zeros((len(X), len(W)))
    for n in range(len(X)):
        for k in range(len(W)):
            scores[n, k] = sum(X[n, d] * W[k, d] for d in range(X.shape[1])) + b[k]
    return scores


def linear_scores_deck(X, W, b):
    return np.array([W @ x + b for x in X])


def linear_scores_columns(X, W, b):
    return (W @ X.T + b[:, None]).T


def linear_scores_bias_trick(X, W, b):
    ones = np.ones((len(X), 1))
    return np.hstack([X, ones]) @ np.hstack([W, b[:, None]]).T


def linear_scores_float32(X, W, b):
    return np.einsum("nd,kd->nk", X.astype(np.float32), W.astype(np.float32)) + b.astype(np.float32)


# --- 05.hinge_loss ----------------------------------------------------------------------------------------


def hinge_loss_vectorized(scores, labels, delta=1.0):
    rows = np.arange(len(labels))
    margins = np.maximum(0, scores - scores[rows, labels][:, None] + delta)
    margins[rows, labels] = 0
    return margins.sum(axis=1).mean()


def hinge_loss_loops(scores, labels, delta=1.0):
    total = 0.0
    for row, label in zip(scores, labels, strict=True):
        for j, s in enumerate(row):
            if j != label:
                total += max(0.0, s - row[label] + delta)
    return total / len(scores)


def hinge_loss_less_delta(scores, labels, delta=1.0):
    correct = np.take_along_axis(scores, labels[:, None], axis=1)
    return np.clip(scores - correct + delta, 0, None).sum() / len(scores) - delta


def hinge_loss_mask(scores, labels, delta=1.0):
    wrong = ~np.eye(scores.shape[1], dtype=bool)[labels]
    margins = scores - (scores * ~wrong).sum(axis=1, keepdims=True) + delta
    return np.float32(np.sum(margins[wrong & (margins > 0)]) / len(labels))


def hinge_loss_delete(scores, labels, delta=1.0):
    losses = [np.maximum(np.delete(s, y) - s[y] + delta, 0).sum() for s, y in zip(scores, labels, strict=True)]
    return np.array(np.mean(losses))


# --- 05.hinge_grad ----------------------------------------------------------------------------------------


def hinge_grad_vectorized(scores, labels, delta=1.0):
    rows = np.arange(len(labels))
    active = (scores - scores[rows, labels][:, None] + delta > 0).astype(float)
    active[rows, labels] = 0
    active[rows, labels] = -active.sum(axis=1)
    return active / len(labels)


def hinge_grad_loops(scores, labels, delta=1.0):
    grad = np.zeros(scores.shape)
    for n in range(scores.shape[0]):
        for k in range(scores.shape[1]):
            if k != labels[n] and scores[n, k] - scores[n, labels[n]] + delta > 0:
                grad[n, k] += 1
                grad[n, labels[n]] -= 1
    return grad / scores.shape[0]


def hinge_grad_all_then_subtract(scores, labels, delta=1.0):
    one_hot = np.eye(scores.shape[1])[labels]
    correct = np.take_along_axis(scores, labels[:, None], 1)
    active = (scores - correct + delta > 0) * (1 - one_hot)
    return (active - one_hot * active.sum(1, keepdims=True)) / len(labels)


def hinge_grad_float32(scores, labels, delta=1.0):
    return hinge_grad_loops(scores, labels, delta).astype(np.float32)


# --- 05.softmax -------------------------------------------------------------------------------------------


def softmax_shifted(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_loops(scores):
    out = []
    for row in scores:
        top = max(row)
        powers = [math.exp(s - top) for s in row]
        out.append([p / sum(powers) for p in powers])
    return np.array(out)


def softmax_logarithm(scores):
    return np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None])


def softmax_transposed(scores):
    columns = scores.T - scores.T.max(axis=0)
    powers = np.exp(columns)
    return (powers / powers.sum(axis=0)).T


def softmax_pairs(scores):
    """1 over the sum of exp(s_j - s_k); far differences are cut where they no longer count."""
    differences = np.minimum(scores[:, None, :] - scores[:, :, None], 600)
    return 1 / np.exp(differences).sum(axis=2)


def softmax_float32(scores):
    scores = scores.astype(np.float32)
    powers = np.exp(scores - scores.max(axis=-1)[..., None])
    powers /= powers.sum(axis=-1)[..., None]
    return powers


# --- 05.cross_entropy -------------------------------------------------------------------------------------


def cross_entropy_shifted(scores, labels):
    shifted = scores - scores.max(axis=1, keepdims=True)
    total = np.log(np.exp(shifted).sum(axis=1))
    return (total - shifted[np.arange(len(labels)), labels]).mean()


def cross_entropy_loops(scores, labels):
    losses = []
    for row, label in zip(scores.tolist(), labels.tolist(), strict=True):
        top = max(row)
        losses.append(top + math.log(sum(math.exp(s - top) for s in row)) - row[label])
    return sum(losses) / len(losses)


def cross_entropy_logaddexp(scores, labels):
    correct = np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]
    return float(np.mean(np.logaddexp.reduce(scores, axis=1) - correct))


def cross_entropy_one_hot(scores, labels):
    shifted = scores - scores.max(axis=1)[:, None]
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1))[:, None]
    return -np.sum(np.eye(scores.shape[1])[labels] * log_p) / len(scores)


def cross_entropy_from_the_correct(scores, labels):
    """The shift by the correct score, with a second one for safety."""
    relative = scores - scores[np.arange(len(labels)), labels][:, None]
    top = relative.max(axis=1)
    return np.average(top + np.log1p(np.exp(relative - top[:, None]).sum(axis=1) - 1))


def cross_entropy_float32(scores, labels):
    return np.float32(cross_entropy_shifted(scores.astype(np.float32), labels))


# --- 05.cross_entropy_grad --------------------------------------------------------------------------------


def cross_entropy_grad_minus(scores, labels):
    p = softmax_shifted(scores)
    p[np.arange(len(labels)), labels] -= 1
    return p / len(labels)


def cross_entropy_grad_one_hot(scores, labels):
    return (softmax_logarithm(scores) - np.eye(scores.shape[1])[labels]) / scores.shape[0]


def cross_entropy_grad_loops(scores, labels):
    p = softmax_loops(scores)
    grad = np.zeros_like(scores)
    for n in range(p.shape[0]):
        for k in range(p.shape[1]):
            grad[n, k] = (p[n, k] - (1 if labels[n] == k else 0)) / len(p)
    return grad


def cross_entropy_grad_float32(scores, labels):
    p = softmax_float32(scores)
    np.subtract.at(p, (np.arange(len(labels)), labels), 1)
    return p / np.float32(len(labels))


# --- 05.l2_penalty ----------------------------------------------------------------------------------------


def l2_penalty_sum(W, strength):
    return strength * np.sum(W[:, :-1] ** 2)


def l2_penalty_loops(W, strength):
    total = 0.0
    for row in W:
        for weight in row[:-1]:
            total += weight * weight
    return strength * total


def l2_penalty_norm(W, strength):
    return strength * np.linalg.norm(np.delete(W, -1, axis=1)) ** 2


def l2_penalty_less_biases(W, strength):
    W = W.copy()
    W[:, -1] = 0
    return strength * np.vdot(W, W)


def l2_penalty_float32(W, strength):
    w = W[:, : W.shape[1] - 1].astype(np.float32)
    return np.float32(strength) * np.einsum("kd,kd->", w, w)


# --- 05.huber ---------------------------------------------------------------------------------------------


def huber_where(y, y_hat, delta):
    r = np.abs(y - y_hat)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta)).mean()


def huber_loops(y, y_hat, delta):
    total = 0.0
    for a, b in zip(y, y_hat, strict=True):
        r = abs(a - b)
        total += 0.5 * r * r if r < delta else delta * r - delta**2 / 2
    return total / len(y)


def huber_clipped(y, y_hat, delta):
    r = np.abs(y_hat - y)
    inner = np.minimum(r, delta)
    return float(np.mean(inner**2 / 2 + delta * (r - inner)))


def huber_mask(y, y_hat, delta):
    r = y - y_hat
    losses = np.abs(r) * delta - delta * delta / 2
    small = np.abs(r) <= delta
    losses[small] = r[small] ** 2 / 2
    return np.average(losses)


def huber_product(y, y_hat, delta):
    r = (y - y_hat).astype(np.float32)
    cut = np.clip(r, -delta, delta)
    return (cut * (r - cut / 2)).mean()


# --- 05.binary_cross_entropy


def binary_from_the_hint(z, y):
    e = np.exp(-np.abs(z))
    p = np.where(z >= 0, 1 / (1 + e), e / (1 + e))
    losses = np.maximum(z, 0) - y * z + np.log(1 + e)
    return losses.mean(), (p - y) / len(z)


def binary_logaddexp(z, y):
    losses = np.logaddexp(0, z) - y * z
    return float(np.mean(losses)), (np.exp(-np.logaddexp(0, -z)) - y) / z.size


def binary_loops(z, y):
    total, grad = 0.0, np.zeros(len(z))
    for i in range(len(z)):
        wrong = -z[i] if y[i] == 1 else z[i]  # how far on the wrong side
        e = math.exp(-abs(wrong))
        total += max(wrong, 0.0) + math.log1p(e)
        share = 1 / (1 + e) if wrong >= 0 else e / (1 + e)  # the probability of the wrong answer
        grad[i] = -share if y[i] == 1 else share
    return total / len(z), grad / len(z)


def binary_as_two_classes(z, y):
    scores = np.stack([np.zeros_like(z), z], axis=1)
    shifted = scores - scores.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(y)), y].mean(), (np.exp(logs[:, 1]) - y) / len(y)


def binary_margins(z, y):
    sign = 2 * y - 1
    m = sign * z
    return np.logaddexp(0, -m).sum() / len(m), -sign * (0.5 - 0.5 * np.tanh(m / 2)) / len(m)


ANSWERS = {
    "05.linear_scores": [
        linear_scores_product,
        linear_scores_loops,
        linear_scores_deck,
        linear_scores_columns,
        linear_scores_bias_trick,
        linear_scores_float32,
    ],
    "05.hinge_loss": [
        hinge_loss_vectorized,
        hinge_loss_loops,
        hinge_loss_less_delta,
        hinge_loss_mask,
        hinge_loss_delete,
    ],
    "05.hinge_grad": [
        hinge_grad_vectorized,
        hinge_grad_loops,
        hinge_grad_all_then_subtract,
        hinge_grad_float32,
    ],
    "05.softmax": [
        softmax_shifted,
        softmax_loops,
        softmax_logarithm,
        softmax_transposed,
        softmax_pairs,
        softmax_float32,
    ],
    "05.cross_entropy": [
        cross_entropy_shifted,
        cross_entropy_loops,
        cross_entropy_logaddexp,
        cross_entropy_one_hot,
        cross_entropy_from_the_correct,
        cross_entropy_float32,
    ],
    "05.cross_entropy_grad": [
        cross_entropy_grad_minus,
        cross_entropy_grad_one_hot,
        cross_entropy_grad_loops,
        cross_entropy_grad_float32,
    ],
    "05.binary_cross_entropy": [
        binary_from_the_hint,
        binary_logaddexp,
        binary_loops,
        binary_as_two_classes,
        binary_margins,
    ],
    "05.l2_penalty": [
        l2_penalty_sum,
        l2_penalty_loops,
        l2_penalty_norm,
        l2_penalty_less_biases,
        l2_penalty_float32,
    ],
    "05.huber": [huber_where, huber_loops, huber_clipped, huber_mask, huber_product],
    "05.quiz": [("b", "c", "a", "d", "b"), ("B", "C", "A", "D", "B"), ("b)", "c)", "a)", "d)", "b)")],
}
