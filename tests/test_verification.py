"""Chapter 13's library: pairs and folds, losses against closed forms, and the experiment on a few pictures."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.metrics import roc_curve as published_roc

from introdl import verification
from introdl.experiments import verification as experiment

LABELS = np.random.default_rng(5).permutation(np.repeat(np.arange(4), (40, 33, 27, 30)))


@pytest.fixture(scope="module")
def pairs():
    return verification.draw_pairs(LABELS, per_fold=12, folds=5, seed=3)


@pytest.fixture(scope="module")
def scores(pairs):
    """Similarities of which many are alike."""
    rng = np.random.default_rng(1)
    return rng.normal(np.where(pairs.same, 0.4, 0.1), 0.3).round(1)


def test_pairs_are_balanced_unique_and_share_no_picture_between_folds(pairs):
    assert len(pairs) == 2 * 12 * 5
    assert (pairs.same == (LABELS[pairs.first] == LABELS[pairs.second])).all()
    assert (pairs.first != pairs.second).all()
    assert len({frozenset(pair) for pair in zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)}) == len(
        pairs
    )
    members = []
    for fold in range(5):
        own = pairs.folds == fold
        assert pairs.same[own].sum() == 12 and own.sum() == 24
        members.append({*pairs.first[own].tolist(), *pairs.second[own].tolist()})
    assert sum(map(len, members)) == len(set.union(*members))


def test_the_seed_decides_which_pairs(pairs):
    again, other = (verification.draw_pairs(LABELS, 12, 5, seed) for seed in (3, 4))
    assert np.array_equal(again.first, pairs.first) and np.array_equal(again.second, pairs.second)
    assert not np.array_equal(other.first, pairs.first)


def test_too_few_pictures_are_refused_in_words():
    with pytest.raises(ValueError, match="pairs of one class, and 200 are"):
        verification.draw_pairs(LABELS, per_fold=200, folds=5)


def test_the_threshold_is_the_best_and_comes_from_the_other_folds(pairs, scores):
    def right(own, threshold):
        return np.mean((scores[own] >= threshold) == pairs.same[own])

    outcome = verification.ten_folds(scores, pairs)
    for fold, (accuracy, threshold) in enumerate(zip(outcome.accuracies, outcome.thresholds, strict=True)):
        own = pairs.folds == fold
        assert right(~own, threshold) == max(right(~own, t) for t in np.append(np.unique(scores), np.inf))
        assert accuracy == right(own, threshold)
    # Whatever happens in a fold, its own threshold does not know of it.
    changed = np.where(pairs.folds == 2, -scores, scores)
    assert verification.ten_folds(changed, pairs).thresholds[2] == outcome.thresholds[2]
    assert outcome.mean == pytest.approx(np.mean(outcome.accuracies))
    spread = np.sqrt(sum((a - outcome.mean) ** 2 for a in outcome.accuracies) / 4)
    assert outcome.standard_error == pytest.approx(spread / np.sqrt(5))


def test_the_roc_curve_is_scikit_learns(pairs, scores):
    false, true, thresholds = verification.roc(scores, pairs.same)
    wanted = published_roc(pairs.same, scores, drop_intermediate=False)
    for one, other in zip((false, true, thresholds), wanted, strict=True):
        np.testing.assert_allclose(one, other)
    assert verification.area_under(false, true) == pytest.approx(roc_auc_score(pairs.same, scores))
    assert verification.true_rate_at(false, true, 0.0) == true[false == 0].max()
    assert verification.true_rate_at(false, true, 1.0) == 1.0


def test_a_roc_curve_of_one_kind_has_its_sentence(scores):
    for same in (True, False):
        with pytest.raises(ValueError, match="pairs of both kinds"):
            verification.roc(scores, np.full(len(scores), same))


def test_cosine_of_zeros_is_zero():
    a, b = np.array([[3.0, 4.0], [0.0, 0.0], [1.0, 0.0]]), np.array([[4.0, 3.0], [1.0, 2.0], [-2.0, 0.0]])
    np.testing.assert_allclose(verification.cosine(a, b), [0.96, 0.0, -1.0])


def _units(n, seed):
    x = np.random.default_rng(seed).normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(3))
def test_losses_are_their_formulas(seed):
    x, labels = _units(9, seed), np.array([0, 0, 0, 1, 1, 2, 2, 2, 2])
    d = np.array([[((a - b) ** 2).sum() for b in x] for a in x])
    terms = []
    for a in range(9):
        for p in range(9):
            if a == p or labels[a] != labels[p]:
                continue
            negatives = sorted(d[a, n] for n in range(9) if labels[n] != labels[a])
            far = next((value for value in negatives if value > d[a, p]), negatives[-1])
            terms.append(max(0.0, d[a, p] - far + 0.2))
    vectors = torch.tensor(x, requires_grad=True)
    loss = verification.triplet(vectors, torch.tensor(labels), 0.2)
    assert loss.item() == pytest.approx(np.mean(terms))
    loss.backward()
    assert vectors.grad.abs().sum() > 0
    near = [d[i, j] / 2 for i in range(9) for j in range(i) if labels[i] == labels[j]]
    apart = [max(0, 1.5 - np.sqrt(d[i, j])) ** 2 / 2 for i in range(9) for j in range(i) if labels[i] != labels[j]]
    value = verification.contrastive(torch.tensor(x), torch.tensor(labels), 1.5).item()
    assert value == pytest.approx((np.mean(near) + np.mean(apart)) / 2)


def test_histograms_are_shares_and_pixels_are_means():
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    found = verification.color_histograms(images, bins=4)
    assert found.shape == (3, 64)
    np.testing.assert_allclose((found**2).sum(axis=1), 1, rtol=1e-5)
    r, g, b = images[1, 0, 0] // 64
    assert found[1, (int(r) * 4 + int(g)) * 4 + int(b)] ** 2 >= 1 / 64 - 1e-6
    first = verification.pixels(images, size=4)[0].reshape(4, 4, 3)
    np.testing.assert_allclose(first[0, 1], images[0, :2, 2:4].mean(axis=(0, 1)) / 255, rtol=1e-5)


def test_a_batch_that_does_not_fit_the_classes_is_refused():
    with pytest.raises(ValueError, match="equally many pictures"):
        verification.learn(
            torch.nn.Identity(), np.zeros((4, 8, 8, 3), np.uint8), np.arange(4), None,
            verification.LearningSettings(batch_size=6),
        )  # fmt: skip


def test_the_experiment_learns_and_measures(monkeypatch):
    monkeypatch.setattr(experiment, "STEPS", 2)
    monkeypatch.setattr(experiment, "BATCH", 12)
    monkeypatch.setattr(experiment, "WIDTHS", (4, 6, 8))
    monkeypatch.setattr(experiment, "PER_FOLD", 20)
    torch.set_num_threads(1)
    made = experiment.Experiment()
    made.specials = made.specials.subset(np.flatnonzero(np.arange(len(made.specials)) % 6 == 0))
    key = {"method": "triplet", "dishes": 3, "pictures": 6, "seed": 1}
    chosen, indices = made.diet(3, 6, 1)
    assert sorted(np.bincount(made.train.labels[indices])[chosen]) == [6, 6, 6]
    one, two = made.run(key), made.run(key)
    one.pop("seconds"), two.pop("seconds")
    assert one == two and len(one["which"]) == 3
    assert set(one) == {"specials", "specials_by_features", "known_dishes", "which"}
    for part in ("specials", "specials_by_features", "known_dishes"):
        assert 0.4 <= one[part]["accuracy"] <= 1 and one[part]["standard_error"] >= 0
    plain = made.run({"method": "color histogram", "dishes": 0, "pictures": 0, "seed": 0})
    assert plain["specials"]["accuracy"] > 0.5 and "which" not in plain


def test_the_runs_that_are_wanted_differ():
    keys = [tuple(sorted(key.items())) for key in experiment.wanted()]
    assert len(set(keys)) == len(keys)
