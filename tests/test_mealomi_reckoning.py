"""MealoMi's reckoning: portions, the Nutri-Score on both sides of every threshold, recommendations, scores for the unusual."""

import csv
import itertools

import numpy as np
import pytest

from introdl import mealomi, paths
from introdl.mealomi import novelty, nutriscore

# What earns no point at all.
NOTHING = {
    "kj": 0, "sugars_g": 0, "saturated_fat_g": 0, "sodium_mg": 0, "protein_g": 0, "fibre_g": 0, "fruit_veg_share": 0,
}  # fmt: skip

# Santé publique France, version of 2023, general foods, written out once more: (our name, fact, unit of the fact per unit
# of the table, thresholds).
TABLE_2023 = {
    "energy": ("kj", 1, [335, 670, 1005, 1340, 1675, 2010, 2345, 2680, 3015, 3350]),
    "sugars": ("sugars_g", 1, [3.4, 6.8, 10, 14, 17, 20, 24, 27, 31, 34, 37, 41, 44, 48, 51]),
    "saturated fat": ("saturated_fat_g", 1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    "salt": ("sodium_mg", 400, [0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6, 3.8, 4.0]),
    "protein": ("protein_g", 1, [2.4, 4.8, 7.2, 9.6, 12, 14, 17]),
    "fiber": ("fibre_g", 1, [3.0, 4.1, 5.2, 6.3, 7.4]),
    "fruit and vegetables": ("fruit_veg_share", 0.01, [40, 60, 80]),
}  # fmt: skip
TABLE_2017 = {
    "energy": ("kj", 1, [335, 670, 1005, 1340, 1675, 2010, 2345, 2680, 3015, 3350]),
    "sugars": ("sugars_g", 1, [4.5, 9, 13.5, 18, 22.5, 27, 31, 36, 40, 45]),
    "saturated fat": ("saturated_fat_g", 1, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
    "sodium": ("sodium_mg", 1, [90, 180, 270, 360, 450, 540, 630, 720, 810, 900]),
    "protein": ("protein_g", 1, [1.6, 3.2, 4.8, 6.4, 8.0]),
    "fiber": ("fibre_g", 1, [0.9, 1.9, 2.8, 3.7, 4.7]),
    "fruit and vegetables": ("fruit_veg_share", 0.01, [40, 60, 80]),
}
THRESHOLDS = [
    (version, name, fact, factor, number, value)
    for version, table in ((2023, TABLE_2023), (2017, TABLE_2017))
    for name, (fact, factor, values) in table.items()
    for number, value in enumerate(values, 1)
]


@pytest.mark.parametrize(("version", "name", "fact", "factor", "number", "value"), THRESHOLDS)
def test_a_point_is_earned_just_above_its_threshold_and_not_on_it(version, name, fact, factor, number, value):
    points = [0, 1, 2, 5] if name == "fruit and vegetables" else range(30)

    def of(amount):
        item = next(i for i in mealomi.nutri_score({**NOTHING, fact: amount}, version=version).items if i.name == name)
        return item.points

    assert of(value * factor) == points[number - 1], "on the threshold: not exceeded"
    assert of(value * factor * 0.9999) == points[number - 1]
    assert of(value * factor * 1.0001) == points[number]


def test_every_threshold_is_there_and_no_other():
    for version, table in ((2023, TABLE_2023), (2017, TABLE_2017)):
        assert {n: list(v) for n, v in nutriscore.thresholds(version).items()} == {n: v[2] for n, v in table.items()}


@pytest.mark.parametrize(
    ("score", "letter"),
    [(0, "A"), (1, "B"), (2, "B"), (3, "C"), (10, "C"), (11, "D"), (18, "D"), (19, "E"), (40, "E")],
)
def test_letters_change_where_they_should(score, letter):
    salt = min(score, 20)
    facts = {**NOTHING, "sodium_mg": salt * 80 + 1 if salt else 0}
    energy = score - salt
    facts["kj"] = 0 if not energy else min(energy, 10) * 335 + 1
    facts["saturated_fat_g"] = 0 if energy <= 10 else energy - 10 + 0.5
    found = mealomi.nutri_score(facts)
    assert (found.score, found.letter) == (score, letter)


def test_the_letters_of_2017_begin_one_lower():
    fruit = {**NOTHING, "fruit_veg_share": 0.5}
    assert mealomi.nutri_score(fruit, version=2017).letter == "A", "-1"
    assert mealomi.nutri_score(NOTHING, version=2017).letter == "B", "0"
    assert mealomi.nutri_score(NOTHING).letter == "A", "0"


def facts_with(unfavourable, protein, fruit=0.0):
    """So many unfavourable points, of salt alone."""
    return {**NOTHING, "sodium_mg": unfavourable * 80 + 1, "protein_g": protein, "fruit_veg_share": fruit}


def test_protein_counts_with_ten_unfavourable_points_and_not_with_eleven():
    assert mealomi.nutri_score(facts_with(10, 20)).score == 10 - 7
    assert mealomi.nutri_score(facts_with(11, 20)).score == 11
    item = next(i for i in mealomi.nutri_score(facts_with(11, 20)).items if i.name == "protein")
    assert item.points == 7 and not item.counted and "11 or more" in item.note


def test_fibre_and_fruit_count_all_the_same():
    facts = {**facts_with(11, 20, 0.9), "fibre_g": 8}
    assert mealomi.nutri_score(facts).score == 11 - 5 - 5


def test_by_the_version_of_2017_much_fruit_brings_protein_back():
    facts = {**NOTHING, "kj": 3351, "saturated_fat_g": 1.5, "protein_g": 9}  # 10 + 1 points
    for share, score in ((0.8, 11 - 2), (0.81, 11 - 5 - 5)):
        assert mealomi.nutri_score({**facts, "fruit_veg_share": share}, version=2017).score == score
    assert mealomi.nutri_score({**facts, "fruit_veg_share": 0.81}).score == 11 - 5, "2023 has no such exception"


def test_red_meat_earns_two_points_for_protein_at_most():
    steak = mealomi.per_100g("steak")
    assert mealomi.nutri_score(steak).points()["protein"] == 7
    assert mealomi.nutri_score(steak, red_meat=True).points()["protein"] == 2
    assert nutriscore.of_dish("steak") == mealomi.nutri_score(steak, red_meat=True)
    little = {**NOTHING, "protein_g": 3}
    assert mealomi.nutri_score(little, red_meat=True).points()["protein"] == 1


def test_dishes_by_hand():
    """Read off the table by eye: pizza 1133.9 kJ 3, sugars 3.37 0, saturated 5.04 5, salt 1.7125 8; protein not counted."""
    pizza = nutriscore.of_dish("pizza")
    assert pizza.points() == {
        "energy": 3, "sugars": 0, "saturated fat": 5, "salt": 8, "protein": 0, "fiber": 0, "fruit and vegetables": 0
    }  # fmt: skip
    assert (pizza.score, pizza.letter) == (16, "D")
    assert (nutriscore.of_dish("apple").score, nutriscore.of_dish("apple").letter) == (3 - 5, "A")


def test_items_sum_to_the_score():
    for dish, version in itertools.product(mealomi.dishes(), (2023, 2017)):
        found = nutriscore.of_dish(dish, version)
        counted = [item for item in found.items if item.counted]
        assert found.unfavourable == sum(item.points for item in counted if not item.favourable)
        assert found.favourable == sum(item.points for item in counted if item.favourable)
        assert found.score == found.unfavourable - found.favourable


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kj": None}, "kj is None"), ({"sugars_g": -1}, "sugars_g is -1"), ({"fruit_veg_share": 40}, "fruit_veg_share is 40"),
        ({"fibre_g": float("nan")}, "fibre_g is nan"), ({"protein_g": 101}, "from 0 to 100"),
    ],
)  # fmt: skip
def test_an_amount_that_cannot_be_is_a_sentence(change, words):
    with pytest.raises(ValueError, match=words):
        mealomi.nutri_score({**NOTHING, **change})
    with pytest.raises(ValueError, match="has no 'kj'"):
        mealomi.nutri_score({})
    with pytest.raises(ValueError, match="2023 or 2017"):
        mealomi.nutri_score(NOTHING, version=2020)


# --- portions -------------------------------------------------------------------------------------------------------


def test_a_portion_is_grams_over_100_of_the_tables_row():
    with (paths.data() / "nutrition.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["dish"]: row for row in csv.DictReader(file)}
    assert mealomi.dishes() == tuple(rows)
    for dish, row in rows.items():
        found = mealomi.nutrients(dish, 250)
        assert set(found) == set(mealomi.NUTRIENTS)
        for name in set(found) - {"salt_g"}:
            assert found[name] == pytest.approx(2.5 * float(row[name]))
        assert found["salt_g"] == pytest.approx(2.5 * 2.5 * float(row["sodium_mg"]) / 1000)
        assert mealomi.serving(dish) == float(row["serving_g"])


@pytest.mark.parametrize(
    ("grams", "words"),
    [(0, "over 0"), (-3, "over 0"), (float("nan"), "cannot be"), (9999, "more than"), ("x", "number")],
)
def test_grams_that_cannot_be_are_a_sentence(grams, words):
    with pytest.raises(ValueError, match=words):
        mealomi.nutrients("apple", grams)


def test_an_unknown_dish_names_the_nearest():
    with pytest.raises(ValueError, match="apple"):
        mealomi.nutrients("aple", 100)


def test_what_is_returned_may_be_changed():
    mealomi.per_100g("apple")["kcal"] = 0
    assert mealomi.per_100g("apple")["kcal"] == 52


# --- recommendations ------------------------------------------------------------------------------------------------

DISHES = ["pizza", "pizza", "apple", "salad", "cheesecake"]
EMBEDDINGS = np.array([[1, 0.1, 0], [1, 0.3, 0], [0.8, 0.5, 0.1], [0.2, 1, 0], [1, 0, 0.2]])
LIKED = np.array([[3.0, 0, 0]])


def test_the_healthiest_of_what_is_near_comes_first_and_each_dish_once():
    found = mealomi.recommend(LIKED, EMBEDDINGS, DISHES, k=4)
    assert [one.dish for one in found] == ["salad", "apple", "pizza", "cheesecake"]
    assert [one.index for one in found] == [3, 2, 0, 4], "of two pizzas the one that is more like what was liked"
    assert [one.points for one in found] == sorted(one.points for one in found)
    cosine = EMBEDDINGS[2] @ LIKED[0] / np.linalg.norm(EMBEDDINGS[2]) / 3
    assert found[1].similarity == pytest.approx(cosine) and found[1].letter == "A"


def test_only_what_is_near_enough_is_looked_at():
    found = mealomi.recommend(LIKED, EMBEDDINGS, DISHES, k=4, near=2)
    assert {one.dish for one in found} == {"pizza", "cheesecake"}


def test_never_what_was_just_eaten_nor_the_same_picture():
    found = mealomi.recommend(LIKED, EMBEDDINGS, DISHES, k=9, just_eaten={"apple"}, seen=[0])
    assert [one.index for one in found] == [3, 1, 4]
    same = np.vstack([EMBEDDINGS, 7 * LIKED])
    assert 5 not in [one.index for one in mealomi.recommend(LIKED, same, [*DISHES, "tomato"], k=9)]


def test_lengths_do_not_matter():
    longer = EMBEDDINGS * np.array([[1], [9], [0.1], [5], [2]])
    first, second = (mealomi.recommend(LIKED, each, DISHES, k=4) for each in (EMBEDDINGS, longer))
    assert [one.index for one in first] == [one.index for one in second]


def test_because_names_the_liked_meal_that_is_nearest():
    liked = np.array([[1.0, 0, 0], [0, 1, 0]])
    found = {one.dish: one.because for one in mealomi.recommend(liked, EMBEDDINGS, DISHES, k=9)}
    assert found["salad"] == 1 and found["pizza"] == 0


def test_wrong_shapes_are_sentences():
    with pytest.raises(ValueError, match="at least one meal"):
        mealomi.recommend(np.zeros((0, 3)), EMBEDDINGS, DISHES)
    with pytest.raises(ValueError, match="should be"):
        mealomi.recommend(np.zeros((1, 4)), EMBEDDINGS, DISHES)


# --- what is unusual ------------------------------------------------------------------------------------------------


def test_scores_are_compared_as_scikit_learn_does():
    from sklearn.metrics import roc_auc_score

    from introdl.experiments import unusual as experiment

    rng = np.random.default_rng(0)
    usual, unusual = rng.integers(0, 6, 57), rng.integers(2, 9, 31)
    truth = np.r_[np.zeros(57), np.ones(31)]
    assert experiment.auroc(usual, unusual) == pytest.approx(roc_auc_score(truth, np.r_[usual, unusual]))
    assert experiment.auroc(np.array([1, 2, 3]), np.array([2.5, 4])) == pytest.approx(5 / 6)


def test_scores_are_what_their_formulas_say():
    scores = np.array([[2.0, 0, 0], [500, 499, 0]])
    p = np.exp(scores[0]) / np.exp(scores[0]).sum()
    assert novelty.max_softmax_score(scores)[0] == pytest.approx(1 - p[0])
    assert novelty.energy_score(scores)[0] == pytest.approx(-np.log(np.exp(scores[0]).sum()))
    assert np.isfinite(novelty.energy_score(scores)).all() and np.isfinite(novelty.max_softmax_score(scores)).all()


def test_the_limit_lets_the_share_through_that_was_asked_for():
    scores = np.random.default_rng(1).normal(size=1000)
    assert np.mean(scores > novelty.choose_limit(scores, 0.05)) == pytest.approx(0.05, abs=0.0011)
    with pytest.raises(ValueError, match="false_alarms"):
        novelty.choose_limit(scores, 1.0)


def test_limits_of_several_scores_share_the_false_alarms():
    usual = np.random.default_rng(2).normal(size=(2000, 2)) @ np.array([[1, 0.5], [0, 30]])
    limits = novelty.choose_limits(usual, 0.05)
    assert np.mean((usual > limits).any(axis=1)) == pytest.approx(0.05, abs=0.002)
    each = (usual > limits).mean(axis=0)
    assert each[0] == pytest.approx(each[1], abs=0.001) and each[0] < 0.04


def test_the_distance_is_one_minus_the_best_cosine_and_lengths_do_not_matter():
    centers = np.array([[1.0, 0], [0, 5]])
    found = novelty.embedding_distance(np.array([[3.0, 0], [2, 2], [-1, 0]]), centers)
    assert found == pytest.approx([0, 1 - np.sqrt(0.5), 1], abs=1e-6)


def test_the_early_distance_is_scipys_mahalanobis_and_survives_a_channel_that_never_speaks():
    import torch
    from scipy.spatial.distance import mahalanobis

    rng = np.random.default_rng(3)
    seen = rng.normal(size=(4000, 3)) @ np.array([[2, 0.05, 0], [0, 0.1, 0], [0, 0, 30]]) + [5, 5, -2]
    whitening = novelty._whitening(seen)
    inverse = whitening @ whitening.T
    points = np.array([[9, 5, -2], [5, 6, -2], [5, 5, 60.0]])
    mean = seen.mean(axis=0)
    found = novelty.early_distance(*(torch.tensor(each) for each in (points, mean, whitening))).numpy()
    assert found == pytest.approx([mahalanobis(point, mean, inverse) for point in points])
    spread = [mahalanobis(one, mean, inverse) ** 2 for one in seen[:500]]
    assert np.mean(spread) == pytest.approx(3, rel=0.15)  # chi-squared with three degrees of freedom
    assert found[1] > 3 * found[0]  # 1 off where plates hardly vary, against 4 off where they do
    assert np.isfinite(novelty._whitening(np.c_[seen, np.zeros(4000)])).all()


def test_unusual_is_what_is_over_either_limit():
    import torch

    scores = torch.tensor([[9.0, 0], [0.1, 0], [9, 0]])
    found = novelty.unusualness(scores, torch.tensor([2.0, 2.0, 30.0]), torch.tensor([0.4, 20.0]))
    assert found[0] == pytest.approx(0.1)
    assert found[1] == pytest.approx(novelty.max_softmax_score(scores.numpy())[1] / 0.4)
    assert found[2] == pytest.approx(1.5)


def test_the_apps_network_lets_no_noise_pass_and_most_plates():
    """A network that is sure of its dish may still be looking at noise: its first stages tell."""
    from introdl import data
    from introdl.experiments import unusual
    from introdl.mealomi import recognition

    model = mealomi.load()
    val = data.plates(size=model.card.size).split("val")
    rng = np.random.default_rng(4)
    for kind in (unusual.noise, unusual.shapes):
        assert np.mean(recognition.look(model, kind(30, rng, None)).unusual > 1) > 0.95, kind.__name__
    some = recognition.look(model, val.images[:: len(val) // 200])
    assert np.mean(some.unusual > 1) < 0.12
    assert np.mean(recognition.look(model, 255 - val.images[:40]).unusual > 1) > 0.7
