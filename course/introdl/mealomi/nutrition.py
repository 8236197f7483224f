"""Energy and nutrients of a portion, from the table `data/nutrition.csv` (USDA, per 100 g)."""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Mapping
from types import MappingProxyType

from introdl import paths

#: The nutrients of a portion: what people call them, and their unit.
NUTRIENTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "kcal": ("energy", "kcal"),
        "kj": ("energy", "kJ"),
        "fat_g": ("fat", "g"),
        "saturated_fat_g": ("saturated fat", "g"),
        "carbohydrate_g": ("carbohydrate", "g"),
        "sugars_g": ("sugars", "g"),
        "fibre_g": ("fiber", "g"),
        "protein_g": ("protein", "g"),
        "salt_g": ("salt", "g"),
    }
)

#: What an adult is reckoned to need or may have in a day: Regulation (EU) No 1169/2011, Annex XIII, part B. It has no fibre.
REFERENCE_INTAKES: Mapping[str, float] = MappingProxyType(
    {
        "kcal": 2000,
        "kj": 8400,
        "fat_g": 70,
        "saturated_fat_g": 20,
        "carbohydrate_g": 260,
        "sugars_g": 90,
        "protein_g": 50,
        "salt_g": 6,
    }
)

#: The most grams that a portion may have: more is a slip of the finger.
MOST_GRAMS = 5000


@functools.cache
def _table() -> dict[str, dict[str, float]]:
    with (paths.data() / "nutrition.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = {}
    for row in rows:
        facts = {name: float(value) for name, value in row.items() if name not in ("dish", "special", "source")}
        # Salt is what the sodium would weigh as sodium chloride, by the label rules: Regulation (EU) No 1169/2011, Annex I.
        facts["salt_g"] = 2.5 * facts["sodium_mg"] / 1000
        table[row["dish"]] = facts
    return table


def dishes() -> tuple[str, ...]:
    """Return the dishes that the table knows, in its order."""
    return tuple(_table())


def per_100g(dish: str) -> dict[str, float]:
    """Return what is known of 100 g of a dish.

    Parameters
    ----------
    dish : str
        One of `dishes`.

    Returns
    -------
    dict of str to float
        The names of `NUTRIENTS`, and ``sodium_mg``, ``fruit_veg_share`` (from 0 to 1) and ``serving_g``.

    Raises
    ------
    ValueError
        Where the table has no such dish; the message names the nearest.

    Examples
    --------
    >>> per_100g("apple")["kcal"]
    52.0
    """
    table = _table()
    if dish not in table:
        from introdl.data.dataset import chosen_classes

        chosen_classes([dish], tuple(table), "The nutrition table")
    return dict(table[dish])


def serving(dish: str) -> float:
    """Return the usual serving of a dish in grams."""
    return per_100g(dish)["serving_g"]


def nutrients(dish: str, grams: float) -> dict[str, float]:
    """Return energy and nutrients of a portion.

    Parameters
    ----------
    dish : str
        One of `dishes`.
    grams : float
        The portion's mass, over 0.

    Returns
    -------
    dict of str to float
        One amount for each of `NUTRIENTS`, in its unit.

    Raises
    ------
    ValueError
        Where the dish or the grams cannot be.

    Examples
    --------
    >>> round(nutrients("apple", 150)["kcal"])
    78
    """
    facts, grams = per_100g(dish), looked_at(grams)
    return {name: facts[name] * grams / 100 for name in NUTRIENTS}


def looked_at(grams: float) -> float:
    """Return grams as a float, or raise a ValueError that says what is wrong with them."""
    try:
        value = float(grams)
    except (TypeError, ValueError):
        raise ValueError(f"grams is {grams!r}; give a number, as in 150.") from None
    if not math.isfinite(value) or value <= 0:
        raise ValueError(f"A portion of {value:g} g cannot be: give grams over 0.")
    if value > MOST_GRAMS:
        raise ValueError(f"{value:,.0f} g is more than anybody eats at once: give at most {MOST_GRAMS:,} g.")
    return value
