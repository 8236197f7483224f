"""Make ``data/nutrition.csv`` of the recipes and the USDA facts that lie beside this file.

>>> python data/nutrition/build.py              # write data/nutrition.csv
>>> python data/nutrition/build.py --check      # say whether it is what the facts make
>>> python data/nutrition/build.py --facts FILE # first take the facts out of the USDA's abbreviated file again

Standard library only. All sums are decimal and exact, so the file is the same byte for byte on every machine.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
import tempfile
import tomllib
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

HERE = Path(__file__).resolve().parent
FACTS = HERE / "usda_sr27.csv"
RECIPES = HERE / "recipes.toml"
TABLE = HERE.parent / "nutrition.csv"

KJ_PER_KCAL = Decimal("4.184")

# our name of a nutrient: (the USDA's heading, the step we round to)
NUTRIENTS = {
    "kcal": ("Energ_Kcal", Decimal("0.1")),
    "protein_g": ("Protein_(g)", Decimal("0.01")),
    "fat_g": ("Lipid_Tot_(g)", Decimal("0.01")),
    "saturated_fat_g": ("FA_Sat_(g)", Decimal("0.01")),
    "carbohydrate_g": ("Carbohydrt_(g)", Decimal("0.01")),
    "sugars_g": ("Sugar_Tot_(g)", Decimal("0.01")),
    "fibre_g": ("Fiber_TD_(g)", Decimal("0.01")),
    "sodium_mg": ("Sodium_(mg)", Decimal("1")),
}
# what else of a food is kept; the heading of lycopene ends in a mangled micro sign, so it is found by its beginning
OTHER_FACTS = {
    "water_g": "Water_(g)",
    "lycopene_ug": "Lycopene_(",
    "measure_1_g": "GmWt_1",
    "measure_1": "GmWt_Desc1",
    "measure_2_g": "GmWt_2",
    "measure_2": "GmWt_Desc2",
}
COLUMNS = [
    "dish", "special", "kcal", "kj", "protein_g", "fat_g", "saturated_fat_g", "carbohydrate_g", "sugars_g", "fibre_g",
    "sodium_mg", "fruit_veg_share", "serving_g", "source",
]  # fmt: skip


class NutritionError(ValueError):
    """The recipes and the facts do not fit together."""


def read_facts(path: Path = FACTS) -> dict[str, dict[str, str]]:
    """Return the committed USDA facts: NDB number to a row of texts per 100 g, ``""`` where the USDA has no value."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["ndb"]: row for row in csv.DictReader(file)}


def read_recipes(path: Path = RECIPES) -> dict:
    """Return ``recipes.toml``, numbers as `decimal.Decimal` or int."""
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def foods_named(recipes: dict) -> list[str]:
    """Return every NDB number that the recipes name, sorted."""
    found = set(recipes["fruit_and_vegetables"])
    for food, blanks in recipes["stand_ins"].items():
        found |= {food, *blanks.values()}
    for dish in recipes["dishes"].values():
        found |= {part["ndb"] for part in dish["parts"]}
        found |= {dish[key] for key in ("like", "fruit_veg_by_lycopene") if key in dish}
        found |= {dish["serving"]["ndb"]} if "ndb" in dish.get("serving", {}) else set()
    return sorted(found)


def extract(usda: Path, foods: list[str]) -> str:
    """Return the facts of some foods as CSV text, taken unchanged from the USDA's abbreviated file.

    Parameters
    ----------
    usda : pathlib.Path
        SR27's abbreviated file as CSV with its headings, UTF-8.
    foods : list of str
        NDB numbers.

    Raises
    ------
    NutritionError
        Where a number or a heading is missing there.
    """
    with usda.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        headings = {"ndb": "NDB_No", "description": "Shrt_Desc"}
        headings |= {name: heading for name, (heading, _) in NUTRIENTS.items()} | OTHER_FACTS
        for name, heading in headings.items():
            fitting = [have for have in rows.fieldnames or [] if have == heading or have.startswith(heading)]
            if not fitting:
                raise NutritionError(f"{usda.name} has no column {heading!r}; is it SR27's abbreviated file?")
            headings[name] = fitting[0]
        table = {row["NDB_No"]: row for row in rows}
    missing = [food for food in foods if food not in table]
    if missing:
        raise NutritionError(f"{usda.name} has no food {', '.join(missing)}; correct the numbers in {RECIPES.name}.")
    return as_csv(list(headings), [[table[food][heading] for heading in headings.values()] for food in foods])


def as_csv(columns: list[str], rows: list[list[str]]) -> str:
    """Return a table as CSV text with a heading and Unix line ends."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([columns, *rows])
    return text.getvalue()


def food(ndb: str, facts: dict) -> dict[str, str]:
    """Return a food's row, or say what to do where it is not among the facts."""
    if ndb not in facts:
        raise NutritionError(f"{FACTS.name} has no food {ndb}; take it over with: build.py --facts FILE")
    return facts[ndb]


def amount(ndb: str, nutrient: str, facts: dict, stand_ins: dict) -> tuple[Decimal, str]:
    """Return a food's nutrient per 100 g, and a note where it is not the food's own.

    A blank is never read as zero. Sugars and fibre are parts of the carbohydrate, so they are 0 where that is 0;
    any other blank needs a stand-in from the recipes.

    Returns
    -------
    (decimal.Decimal, str)
        The amount in the nutrient's unit, and ``""`` or, for instance, ``"sugars_g of 20053 as in 20045"``.

    Raises
    ------
    NutritionError
        For a blank without a stand-in, and for a stand-in that is blank or not needed.
    """
    own, stand_in = food(ndb, facts)[nutrient], stand_ins.get(ndb, {}).get(nutrient)
    if own and stand_in:
        raise NutritionError(f"Food {ndb} has {nutrient} of its own ({own}); take its stand-in out of {RECIPES.name}.")
    if own:
        return Decimal(own), ""
    if stand_in:
        borrowed = food(stand_in, facts)[nutrient]
        if not borrowed:
            raise NutritionError(f"{stand_in} cannot stand in for {ndb}: its {nutrient} is blank as well.")
        return Decimal(borrowed), f"{nutrient} of {ndb} as in {stand_in}"
    if nutrient in ("sugars_g", "fibre_g") and Decimal(food(ndb, facts)["carbohydrate_g"] or "NaN") == 0:
        return Decimal(0), ""
    raise NutritionError(f"The USDA has no {nutrient} for food {ndb}; name a stand-in for it in {RECIPES.name}.")


def weight(part: dict, facts: dict) -> Decimal:
    """Return the grams of a part as it is eaten: what went in, less the water that it lost."""
    lost = Decimal(part.get("water_lost_g", 0))
    held = Decimal(part["grams"]) * Decimal(food(part["ndb"], facts)["water_g"]) / 100
    if not 0 <= lost <= held:
        raise NutritionError(f"{part['grams']} g of {part['ndb']} hold {held} g of water and cannot lose {lost} g.")
    return Decimal(part["grams"]) - lost


def fruit_veg_share(dish: dict, facts: dict, counted: dict) -> Decimal:
    """Return the share of fruit, vegetables and legumes in a dish by weight as eaten, 0 to 1.

    Where a dish is one food whose recipe nobody knows, the recipes may name a fruit or vegetable that alone brings its
    lycopene; the share is then the dish's lycopene over that food's.
    """
    if "fruit_veg_by_lycopene" in dish:
        bringer = dish["fruit_veg_by_lycopene"]
        if bringer not in counted or len(dish["parts"]) != 1:
            raise NutritionError(f"Only a counted food can bring the lycopene of a one-food dish; {bringer} does not.")
        return Decimal(food(dish["parts"][0]["ndb"], facts)["lycopene_ug"]) / Decimal(facts[bringer]["lycopene_ug"])
    whole = sum(weight(part, facts) for part in dish["parts"])
    return sum((weight(part, facts) for part in dish["parts"] if part["ndb"] in counted), Decimal(0)) / whole


def serving(dish: dict, facts: dict) -> Decimal:
    """Return the grams of a usual serving: a household measure, a stated choice, or else the whole recipe."""
    chosen = dish.get("serving")
    if chosen is None:
        if len(dish["parts"]) == 1:
            raise NutritionError(f"A dish of one food ({dish['parts'][0]['ndb']}) needs a serving in {RECIPES.name}.")
        return sum(weight(part, facts) for part in dish["parts"])
    if "grams" in chosen:
        return Decimal(chosen["grams"])
    grams = food(chosen["ndb"], facts)[f"measure_{chosen['measure']}_g"]
    if not grams:
        raise NutritionError(f"Food {chosen['ndb']} has no household measure {chosen['measure']}.")
    return Decimal(grams) * chosen.get("count", 1)


def source(dish: dict, facts: dict, notes: list[str]) -> str:
    """Return where a dish's figures come from: NDB numbers, with grams for a recipe, and what was borrowed."""
    if len(dish["parts"]) == 1:
        made_of = dish["parts"][0]["ndb"]
    else:
        made_of = " + ".join(
            f"{part['grams']} g {part['ndb']}"
            + (f" dried to {weight(part, facts)} g" if "water_lost_g" in part else "")
            for part in dish["parts"]
        )
    if "fruit_veg_by_lycopene" in dish:
        notes = [*notes, f"fruit_veg_share by lycopene of {dish['fruit_veg_by_lycopene']}"]
    return "; ".join([f"USDA SR27: {made_of}", *notes])


def rounded(value: Decimal, step: Decimal) -> str:
    """Return a number rounded to a step (half to even), without trailing zeros."""
    text = f"{value.quantize(step, ROUND_HALF_EVEN):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def dish_row(name: str, dish: dict, recipes: dict, facts: dict) -> list[str]:
    """Return one dish's row of the table, per 100 g as eaten."""
    whole = sum(weight(part, facts) for part in dish["parts"])
    row, notes = {"dish": name, "special": str(int(dish.get("special", False)))}, []
    for nutrient, (_, step) in NUTRIENTS.items():
        total = Decimal(0)
        for part in dish["parts"]:
            per_100_g, note = amount(part["ndb"], nutrient, facts, recipes["stand_ins"])
            total += per_100_g * Decimal(part["grams"])
            notes += [note] if note else []
        row[nutrient] = rounded(total / whole, step)
    row["kj"] = rounded(Decimal(row["kcal"]) * KJ_PER_KCAL, Decimal("0.1"))
    row["fruit_veg_share"] = rounded(fruit_veg_share(dish, facts, recipes["fruit_and_vegetables"]), Decimal("0.001"))
    row["serving_g"] = rounded(serving(dish, facts), Decimal("1"))
    row["source"] = source(dish, facts, notes)
    return [row[column] for column in COLUMNS]


def build(facts: dict | None = None, recipes: dict | None = None) -> str:
    """Return the text of ``nutrition.csv``.

    Parameters
    ----------
    facts, recipes : dict, optional
        From `read_facts` and `read_recipes`; the committed ones unless given.

    Raises
    ------
    NutritionError
        Where a food is unknown, a value is blank and nothing stands in for it, or a serving is missing.
    """
    facts = read_facts() if facts is None else facts
    recipes = read_recipes() if recipes is None else recipes
    return as_csv(COLUMNS, [dish_row(name, dish, recipes, facts) for name, dish in recipes["dishes"].items()])


def write(path: Path, text: str) -> None:
    """Write a file so that it is either whole or as it was: a temporary file, then a rename."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def main(arguments: list[str] | None = None) -> int:
    """Build or check the table; return the exit status."""
    parser = argparse.ArgumentParser(description="Make data/nutrition.csv of recipes.toml and usda_sr27.csv.")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where nutrition.csv is not up to date"
    )
    parser.add_argument(
        "--facts", type=Path, metavar="FILE", help="SR27's abbreviated file as CSV: renew usda_sr27.csv"
    )
    asked = parser.parse_args(arguments)
    try:
        if asked.facts:
            write(FACTS, extract(asked.facts, foods_named(read_recipes())))
        table = build()
    except (NutritionError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    if not asked.check:
        write(TABLE, table)
        return 0
    if not TABLE.exists() or TABLE.read_bytes() != table.encode():
        print("data/nutrition.csv is not what the facts make; run: python data/nutrition/build.py", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
