"""Wrong answers to chapters 12 and 13 that learners write and that have no name: they fail all the same, whatever the seed."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from tests.standing import SEEDS, entry, verdict


def _days(found):
    if not found:
        return {}
    first, last = min(found), max(found)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return {day.isoformat(): found.get(day, 0.0) for day in days}


def daily_totals_without_months(diary, utc_offset):
    """The day's number is moved by one, and a month's first day stays in its month."""
    found = {}
    for meal in diary:
        year, month, day = map(int, meal["time"][:10].split("-"))
        hour = int(meal["time"][11:13]) + int(meal["time"][14:16]) / 60 + utc_offset
        day += 1 if hour >= 24 else -1 if hour < 0 else 0
        try:
            local = date(year, month, day)
        except ValueError:
            local = date(year, month, 1)
        found[local] = found.get(local, 0) + meal["kcal"] * meal["eaten"]
    return _days(found)


def daily_totals_without_minutes(diary, utc_offset):
    found = {}
    for meal in diary:
        local = (datetime.fromisoformat(meal["time"]).replace(minute=0) + timedelta(hours=utc_offset)).date()
        found[local] = found.get(local, 0) + meal["kcal"] * meal["eaten"]
    return _days(found)


def nutrients_to_three_decimals(dish, grams, table):
    return {name: round(value * grams / 100, 3) for name, value in table[dish].items()}


def recommend_without_order_among_equals(liked, eaten, embeddings, k):
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    fit = (unit @ unit[liked].mean(axis=0)).round(9)
    fit[[*liked, *eaten]] = -np.inf
    return np.argsort(-fit)[: min(k, len(fit) - len({*liked, *eaten}))]


def _most_right(similarities, same, thresholds):
    return thresholds[int(np.argmax([((similarities >= t) == same).sum() for t in thresholds]))]


def best_threshold_in_tenths(similarities, same):
    return _most_right(similarities, same, np.linspace(-1, 1, 21).round(1))


def best_threshold_from_zero_up(similarities, same):
    return _most_right(similarities, same, np.linspace(0, 1, 1001).round(3))


def best_threshold_pair_after_pair(similarities, same):
    order = np.argsort(-similarities, kind="stable")
    return similarities[order][int(np.argmax(np.cumsum(np.where(same[order], 1, -1))))]


def verification_accuracy_in_steps(similarities, same, folds):
    values = []
    for fold in np.unique(folds):
        own = folds == fold
        t = _most_right(similarities[~own], same[~own], np.linspace(-1, 1, 41).round(2))
        values.append(np.mean((similarities[own] >= t) == same[own]))
    return np.mean(values), np.std(values, ddof=1) / np.sqrt(len(values))


def roc_curve_from_one(similarities, same):
    """1 is no threshold above all similarities where one of them is 1."""
    said = [similarities >= t for t in (1.0, *np.unique(similarities)[::-1])]
    return np.array([one[~same].mean() for one in said]), np.array([one[same].mean() for one in said])


@pytest.mark.parametrize(
    ("id", "wrong"),
    [
        ("12.daily_totals", daily_totals_without_months),
        ("12.daily_totals", daily_totals_without_minutes),
        ("12.nutrients", nutrients_to_three_decimals),
        ("12.recommend", recommend_without_order_among_equals),
        ("13.best_threshold", best_threshold_in_tenths),
        ("13.best_threshold", best_threshold_from_zero_up),
        ("13.best_threshold", best_threshold_pair_after_pair),
        ("13.verification_accuracy", verification_accuracy_in_steps),
        ("13.roc_curve", roc_curve_from_one),
    ],
    ids=lambda one: one if isinstance(one, str) else one.__name__,
)
def test_an_unnamed_mistake_fails_on_every_seed(id, wrong):
    for seed in SEEDS:
        assert not verdict(id, seed, (wrong,)).passed, f"passes with seed {seed!r}"


def _right_score(per_100g, red_meat):
    from autograder.exercises.ch12_mealomi import _published

    return _published(per_100g, red_meat)


def test_a_nutri_score_that_changes_its_dict_is_told_so():
    assert verdict("12.nutri_score", SEEDS[0], (_right_score,)).passed

    def with_salt(per_100g, red_meat=False):
        per_100g["salt_g"] = 2.5 * per_100g["sodium_mg"] / 1000
        return _right_score(per_100g, red_meat)

    found = verdict("12.nutri_score", SEEDS[0], (with_salt,))
    assert found.earned == 0
    assert "The dict per_100g has been changed (salt_g)" in found.cases[0].sentence


def test_while_the_energy_moves_its_kilocalories_move_along():
    seen = []

    def score(per_100g, red_meat=False):
        seen.append((per_100g["kj"], per_100g["kcal"]))
        return _right_score(per_100g, red_meat)

    verdict("12.nutri_score", SEEDS[0], (score,))
    assert len({kj for kj, _ in seen}) > 20
    assert all(abs(kcal - kj / 4.184) <= 0.051 for kj, kcal in seen if kj != 0)


def test_a_place_in_the_place_of_a_threshold_is_told_so():
    def place(similarities, same):
        return int(np.argmax([((similarities >= t) == same).sum() for t in similarities])) + 1

    found = verdict("13.best_threshold", SEEDS[0], (place,))
    assert any("lies above every similarity" in case.sentence for case in found.cases)


def test_one_case_of_many_that_comes_out_like_a_mistake_names_none():
    """Scores are small whole numbers: fibre reckoned by the table of 2017 comes out like other mistakes here and there."""
    from autograder.exercises import ch12_mealomi as chapter

    older = chapter._score_with(table=chapter._TABLE | {"fibre_g": chapter._TABLE_2017["fibre_g"]})
    found = verdict("12.nutri_score", SEEDS[0], (older,))
    assert found.diagnoses == [] and sum(not case.passed for case in found.cases) > 5
    assert entry("12.nutri_score", SEEDS[0]).misconceptions
