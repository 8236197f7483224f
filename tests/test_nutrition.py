"""The nutrition table: what is committed is what the USDA's facts make, and the figures can be true."""

import copy
import csv
import importlib.util
import re
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
USDA = ROOT.parent / "shared/data/usda_sr27_abbrev.csv"
BASE = [
    "pizza",
    "burger",
    "doughnut",
    "fried_eggs",
    "pancakes",
    "french_fries",
    "apple",
    "banana",
    "ice_cream",
    "spaghetti",
    "salad",
    "soup",
]
SPECIALS = ["bagel", "waffles", "hot_dog", "tomato", "sushi", "steak", "chocolate_cake", "cheesecake"]


def load_build():
    spec = importlib.util.spec_from_file_location("nutrition_build", ROOT / "data/nutrition/build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load_build()
FACTS = build.read_facts()
RECIPES = build.read_recipes()
with (ROOT / "data/nutrition.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
TEXTS = ("dish", "source")
TABLE = {row["dish"]: {k: v if k in TEXTS else float(v) for k, v in row.items()} for row in ROWS}

each_dish = pytest.mark.parametrize("dish", BASE + SPECIALS)


@pytest.fixture
def recipes():
    return copy.deepcopy(RECIPES)


@pytest.fixture
def facts():
    return copy.deepcopy(FACTS)


def test_the_committed_table_is_what_the_facts_make():
    assert (ROOT / "data/nutrition.csv").read_bytes() == build.build().encode()


@pytest.mark.skipif(not USDA.exists(), reason="the USDA's whole table is not here")
def test_the_committed_facts_are_the_usdas():
    made = build.extract(USDA, build.foods_named(RECIPES))
    assert (ROOT / "data/nutrition/usda_sr27.csv").read_bytes() == made.encode()


def test_the_facts_hold_just_the_foods_that_the_recipes_name():
    assert list(FACTS) == build.foods_named(RECIPES)


def test_every_dish_is_there_once_and_marked_as_base_or_special():
    assert sorted(row["dish"] for row in ROWS) == sorted(BASE + SPECIALS)
    assert [row["dish"] for row in ROWS if row["special"] == "1"] == SPECIALS
    assert {row["special"] for row in ROWS} == {"0", "1"}


def test_no_cell_is_empty_and_the_columns_are_the_promised_ones():
    assert list(ROWS[0]) == [
        "dish",
        "special",
        "kcal",
        "kj",
        "protein_g",
        "fat_g",
        "saturated_fat_g",
        "carbohydrate_g",
        "sugars_g",
        "fibre_g",
        "sodium_mg",
        "fruit_veg_share",
        "serving_g",
        "source",
    ]
    assert all(cell for row in ROWS for cell in row.values())


@each_dish
def test_energy_agrees_with_atwater_factors_within_15_percent(dish):
    row = TABLE[dish]
    available = row["carbohydrate_g"] - row["fibre_g"]
    atwater = 4 * row["protein_g"] + 9 * row["fat_g"] + 4 * available + 2 * row["fibre_g"]
    assert atwater == pytest.approx(row["kcal"], rel=0.15)


@each_dish
def test_parts_are_no_more_than_their_wholes(dish):
    row = TABLE[dish]
    assert 0 <= row["saturated_fat_g"] <= row["fat_g"]
    assert 0 <= row["sugars_g"] <= row["carbohydrate_g"]
    assert 0 <= row["fibre_g"] <= row["carbohydrate_g"]
    assert row["sugars_g"] + row["fibre_g"] <= row["carbohydrate_g"] + 0.02
    assert row["protein_g"] + row["fat_g"] + row["carbohydrate_g"] + row["sodium_mg"] / 1000 <= 100
    assert 0 <= row["fruit_veg_share"] <= 1


@each_dish
def test_kilojoules_are_kilocalories_times_4_184(dish):
    assert TABLE[dish]["kj"] == pytest.approx(4.184 * TABLE[dish]["kcal"], abs=0.051)


@each_dish
def test_a_serving_is_a_plausible_plate(dish):
    assert 50 <= TABLE[dish]["serving_g"] <= 500


@each_dish
def test_the_source_names_foods_that_exist_with_grams_where_there_are_several(dish):
    named = re.findall(r"\b\d{5}\b", TABLE[dish]["source"])
    assert named and set(named) <= set(FACTS)
    parts = RECIPES["dishes"][dish]["parts"]
    assert {part["ndb"] for part in parts} <= set(named)
    if len(parts) > 1:
        assert re.findall(r"([\d.]+) g (\d{5})", TABLE[dish]["source"]) == [(str(p["grams"]), p["ndb"]) for p in parts]


def test_a_single_food_is_taken_over_as_it_is():
    for dish, recipe in RECIPES["dishes"].items():
        if len(recipe["parts"]) == 1:
            fact = FACTS[recipe["parts"][0]["ndb"]]
            for nutrient in build.NUTRIENTS:
                assert TABLE[dish][nutrient] == pytest.approx(float(fact[nutrient]), abs=0.0051), (dish, nutrient)


def test_a_recipe_sums_to_what_a_calculator_says():
    """The hot dog by hand: 42 g bun, 48 g frankfurter, 5 g mustard, 9 g ketchup, figures read off the USDA's table."""
    row = TABLE["hot_dog"]
    assert row["kcal"] == pytest.approx((42 * 278 + 48 * 322 + 5 * 60 + 9 * 101) / 104, abs=0.051)
    assert row["sodium_mg"] == pytest.approx((42 * 500 + 48 * 852 + 5 * 1104 + 9 * 907) / 104, abs=0.51)
    assert row["serving_g"] == 104


@pytest.mark.parametrize("dish", [name for name, recipe in RECIPES["dishes"].items() if "like" in recipe])
def test_a_dish_is_like_the_usdas_own_entry_for_its_kind(dish):
    """Energy within a fifth: a slip in a weight or a number shows here."""
    assert TABLE[dish]["kcal"] == pytest.approx(float(FACTS[RECIPES["dishes"][dish]["like"]]["kcal"]), rel=0.2)


def test_every_dish_that_is_compared_is_of_the_same_kind():
    compared = {dish for dish, recipe in RECIPES["dishes"].items() if "like" in recipe}
    assert compared >= {"burger", "hot_dog", "spaghetti", "soup"}


def test_fruit_and_vegetables_are_counted_by_the_nutri_scores_groups():
    counted = RECIPES["fruit_and_vegetables"]
    groups = ("7.10", "8.10", "8.15", "8.20", "8.25", "8.30", "8.38", "8.40", "8.42", "8.45", "8.50", "8.55", "8.60",
              "9.10", "9.20", "9.25", "9.30", "9.40", "9.50", "9.60", "12.20")  # fmt: skip
    assert {group.split()[0] for group in counted.values()} <= set(groups)
    for ndb in counted:
        assert not re.search("POTATO|OIL|FRNCH|CATSUP|MUSTARD|VINEGAR", FACTS[ndb]["description"], re.I), ndb


def test_shares_of_fruit_and_vegetables():
    share = {dish: row["fruit_veg_share"] for dish, row in TABLE.items()}
    assert share["apple"] == share["banana"] == share["tomato"] == 1
    assert share["salad"] == pytest.approx((94 + 75 + 52 + 28 + 14) / 284, abs=0.00051)
    assert share["sushi"] == pytest.approx((18 + 1.7) / 289.9, abs=0.00051), "nori counts with its dry weight"
    assert share["pizza"] == pytest.approx(2310 / 13895, abs=0.00051), "lycopene of the pizza over that of its sauce"
    none = "doughnut fried_eggs pancakes french_fries ice_cream bagel waffles hot_dog steak chocolate_cake cheesecake"
    assert all(share[dish] == 0 for dish in none.split()), "potatoes and ketchup do not count"


def test_a_blank_is_not_zero(recipes):
    """Without its stand-ins the rice of the sushi has no sugars, and the build stops."""
    del recipes["stand_ins"]["20053"]["sugars_g"]
    assert FACTS["20053"]["sugars_g"] == ""
    with pytest.raises(build.NutritionError, match=r"no sugars_g for food 20053; name a stand-in"):
        build.build(recipes=recipes)


def test_a_blank_of_a_single_food_stops_the_build(recipes):
    recipes["dishes"]["waffles"]["parts"][0]["ndb"] = "18367"
    with pytest.raises(build.NutritionError, match="18367"):
        build.build(recipes=recipes)


def test_blank_sugars_are_zero_only_where_the_carbohydrate_is(facts):
    assert facts["15236"]["sugars_g"] == "" and facts["15236"]["carbohydrate_g"] == "0"
    assert build.amount("15236", "sugars_g", facts, {}) == (0, "")
    facts["15236"]["carbohydrate_g"] = ""
    with pytest.raises(build.NutritionError):
        build.amount("15236", "sugars_g", facts, {})
    facts["15236"] |= {"carbohydrate_g": "0", "fat_g": ""}
    with pytest.raises(build.NutritionError):
        build.amount("15236", "fat_g", facts, {})


def test_a_stand_in_is_named_in_the_source_and_refused_where_it_is_not_needed(recipes):
    assert "sugars_g of 20053 as in 20045" in TABLE["sushi"]["source"]
    recipes["stand_ins"]["09003"] = {"sugars_g": "09040"}
    with pytest.raises(build.NutritionError, match="09003 has sugars_g of its own"):
        build.build(recipes=recipes)


def test_a_blank_stand_in_is_refused(recipes):
    recipes["stand_ins"]["20053"]["sugars_g"] = "20051"
    with pytest.raises(build.NutritionError, match="20051 cannot stand in for 20053"):
        build.build(recipes=recipes)


def test_drying_concentrates_and_no_food_loses_more_water_than_it_holds(facts):
    part = {"ndb": "11446", "grams": 10, "water_lost_g": Decimal("8.3")}
    assert build.weight(part, facts) == Decimal("1.7")
    with pytest.raises(build.NutritionError, match="cannot lose 9 g"):
        build.weight(part | {"water_lost_g": 9}, facts)


def test_a_dish_of_one_food_needs_a_serving(recipes):
    del recipes["dishes"]["apple"]["serving"]
    with pytest.raises(build.NutritionError, match="09003.* needs a serving"):
        build.build(recipes=recipes)


def test_an_unknown_food_says_what_to_do(recipes, tmp_path):
    recipes["dishes"]["apple"]["parts"][0]["ndb"] = "99999"
    with pytest.raises(build.NutritionError, match="no food 99999; take it over with"):
        build.build(recipes=recipes)
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(build.NutritionError, match="other.csv has no column 'NDB_No'"):
        build.extract(other, ["09003"])


def test_check_fails_on_a_changed_table_and_writes_nothing(tmp_path, monkeypatch, capsys):
    table = tmp_path / "nutrition.csv"
    table.write_bytes((ROOT / "data/nutrition.csv").read_bytes().replace(b"apple,0,52", b"apple,0,53"))
    before = table.read_bytes()
    monkeypatch.setattr(build, "TABLE", table)
    assert build.main(["--check"]) == 1
    assert table.read_bytes() == before
    assert "run: python data/nutrition/build.py" in capsys.readouterr().err
    assert build.main([]) == 0
    assert table.read_bytes() == (ROOT / "data/nutrition.csv").read_bytes()
    assert build.main(["--check"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["nutrition.csv"]
