"""What chapter 01's figures compute: histograms, overlaps, and the way to an estimator."""

import itertools

import numpy as np
import pytest

from introdl.figures import regression_classification as figs


def test_histograms_of_many_pictures_are_those_of_each():
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3)).astype(np.uint8)
    for bins in (2, 8, 64):
        found = figs.histograms(images, bins)
        assert found.shape == (3, 3, bins)
        for image, rows in zip(images, found, strict=True):
            for channel in range(3):
                counts, _ = np.histogram(image[:, :, channel], bins, (0, 256))
                np.testing.assert_allclose(rows[channel], counts / 35)


def test_overlaps_are_those_of_counted_pixels():
    rng = np.random.default_rng(1)
    x, y = (np.sort(rng.integers(0, 20, (2, 30, 2)), axis=2) for _ in range(2))
    a, b = np.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], axis=2).astype(float)

    def mask(box):
        x0, y0, x1, y1 = box.astype(int)
        inside = np.zeros((20, 20), bool)
        inside[y0:y1, x0:x1] = True
        return inside

    for one, other, found in zip(a, b, figs.overlaps(a, b), strict=True):
        union = (mask(one) | mask(other)).sum()
        assert found == pytest.approx((mask(one) & mask(other)).sum() / union if union else 0.0)


def test_every_walk_ends_at_an_estimator_and_every_estimator_is_reached():
    options = [answers for _, answers in figs._QUESTIONS.values()]
    ends = {figs.choose(*answers)[0] for answers in itertools.product(*options)}
    assert ends == set(figs._WHY)
    for name in ends - {"more data"}:
        assert name.lower() in [step for step, _ in figs.make_estimator(name).steps]
    assert figs.choose("a number", "under 50", "along straight lines", "yes", "no") == ("more data", ("goal", "size"))


def test_an_estimator_that_is_not_there_has_its_sentence():
    with pytest.raises(ValueError, match="There is no estimator 'Lasso' here"):
        figs.make_estimator("Lasso")


def test_the_luckiest_guesser_is_best_only_where_it_was_chosen():
    val, test = figs.lucky_guessers(300, 500, 500, 12, 0)
    best = val.argmax()
    assert val[best] > 1 / 12 + 2 * np.sqrt(11 / 144 / 500)
    assert abs(test.mean() - 1 / 12) < 0.005 and test[best] < val[best]
