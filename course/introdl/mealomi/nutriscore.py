"""Nutri-Score, the algorithm for general foods: points for what is in 100 g, and a letter from A to E.

Two versions are in use: that of 2017, which packages in the shops have shown for years, and the revision of 2023, which takes
its place. `nutri_score` reckons by the revision, and by the older one where it is asked to. Beverages, cheese, fats, oils,
nuts and seeds have algorithms of their own, which are not here: none of the twenty dishes is one of them.

References
----------
Santé publique France, Nutri-Score: Regulation of use, and Scientific and Technical FAQ, versions of 2023; Scientific Committee
of the Nutri-Score, Update of the Nutri-Score algorithm, 2022. The version of 2017: arrêté du 31 octobre 2017 (France).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """Points for one nutrient.

    Attributes
    ----------
    name : str
        As in ``"sugars"``.
    value : float
        How much of it is in 100 g.
    unit : str
        Its unit.
    points : int
        What the value earns, from 0 to `most`.
    most : int
        The most points that it can earn.
    favourable : bool
        Whether its points count for the food (they are subtracted), not against it (they are added).
    counted : bool
        Whether its points count at all: those of protein may not.
    note : str
        Why points were capped or not counted, or ``""``.
    next_at : float or None
        The value above which there is one more point; None where there is none to earn.
    """

    name: str
    value: float
    unit: str
    points: int
    most: int
    favourable: bool
    counted: bool = True
    note: str = ""
    next_at: float | None = None


@dataclass(frozen=True)
class NutriScore:
    """A food's Nutri-Score, and how it comes about.

    Attributes
    ----------
    letter : str
        From A (best) to E.
    score : int
        Unfavourable minus favourable points that count; the lower, the better.
    unfavourable, favourable : int
        The points of either kind that count.
    items : tuple of Item
        The points, item by item.
    version : int
        2023 or 2017.
    """

    letter: str
    score: int
    unfavourable: int
    favourable: int
    items: tuple[Item, ...]
    version: int = 2023

    def points(self) -> dict[str, int]:
        """Return each item's points that count, by its name."""
        return {item.name: item.points if item.counted else 0 for item in self.items}


@dataclass(frozen=True)
class _Rule:
    """One row of the algorithm: which fact, in which unit, and above which values there is one more point."""

    name: str
    fact: str
    unit: str
    favourable: bool
    thresholds: tuple[float, ...]
    points: tuple[int, ...] = ()  # for each threshold the points above it; by default 1, 2, 3, ...


def _tens(step: float, count: int) -> tuple[float, ...]:
    """step, 2 step, ...: rounded, so that 3 x 0.2 is 0.6."""
    return tuple(round(step * number, 6) for number in range(1, count + 1))


_SHARES = ("fruit and vegetables", "fruit_veg_share", "%", True, (40, 60, 80), (1, 2, 5))
_RULES = {
    2023: (
        _Rule("energy", "kj", "kJ", False, _tens(335, 10)),
        _Rule("sugars", "sugars_g", "g", False, (3.4, 6.8, 10, 14, 17, 20, 24, 27, 31, 34, 37, 41, 44, 48, 51)),
        _Rule("saturated fat", "saturated_fat_g", "g", False, _tens(1, 10)),
        _Rule("salt", "salt_g", "g", False, _tens(0.2, 20)),
        _Rule("protein", "protein_g", "g", True, (2.4, 4.8, 7.2, 9.6, 12, 14, 17)),
        _Rule("fiber", "fibre_g", "g", True, (3.0, 4.1, 5.2, 6.3, 7.4)),
        _Rule(*_SHARES),
    ),
    2017: (
        _Rule("energy", "kj", "kJ", False, _tens(335, 10)),
        _Rule("sugars", "sugars_g", "g", False, (4.5, 9, 13.5, 18, 22.5, 27, 31, 36, 40, 45)),
        _Rule("saturated fat", "saturated_fat_g", "g", False, _tens(1, 10)),
        _Rule("sodium", "sodium_mg", "mg", False, _tens(90, 10)),
        _Rule("protein", "protein_g", "g", True, (1.6, 3.2, 4.8, 6.4, 8.0)),
        _Rule("fiber", "fibre_g", "g", True, (0.9, 1.9, 2.8, 3.7, 4.7)),
        _Rule(*_SHARES),
    ),
}
#: The highest score of A, B, C and D.
_LETTERS = {2023: (0, 2, 10, 18), 2017: (-1, 2, 10, 18)}
#: From so many unfavourable points on, protein does not count.
MANY_UNFAVOURABLE = 11
#: The most points that the protein of red meat earns (2023).
RED_MEAT_MOST = 2


def thresholds(version: int = 2023) -> dict[str, tuple[float, ...]]:
    """Return for each item the values per 100 g above which there is one more point (fruit and vegetables: 1, 2, 5).

    Parameters
    ----------
    version : 2023 or 2017
        Of the algorithm.
    """
    return {rule.name: rule.thresholds for rule in _rules(version)}


def nutri_score(per_100g: Mapping[str, float], red_meat: bool = False, version: int = 2023) -> NutriScore:
    """Reckon the Nutri-Score of a general food.

    A nutrient earns one point for each threshold that its amount *exceeds*; an amount that is just the threshold does not
    exceed it. The score is the unfavourable points (energy, sugars, saturated fat, salt) minus the favourable ones (protein,
    fibre, fruit and vegetables). Where there are 11 unfavourable points or more, protein does not count; by the version of
    2017 it still does where fruit and vegetables earn their 5 points.

    Parameters
    ----------
    per_100g : mapping of str to float
        What is in 100 g: ``kj``, ``sugars_g``, ``saturated_fat_g``, ``sodium_mg``, ``protein_g``, ``fibre_g`` and
        ``fruit_veg_share`` (from 0 to 1), as `introdl.mealomi.per_100g` has it; anything else in it is not looked at.
    red_meat : bool
        Whether it is red meat (beef, pork, lamb): its protein earns at most 2 points by the version of 2023.
    version : 2023 or 2017
        Of the algorithm.

    Returns
    -------
    NutriScore
        Letter, score, and the points item by item.

    Raises
    ------
    ValueError
        Where an amount is missing, is no number, or cannot be; or where there is no such version.

    Examples
    --------
    An apple: 217.6 kJ and 10.39 g of sugars earn 0 and 3 points against it, 2.4 g of fibre 0 and its share of fruit 5 for it.

    >>> from introdl.mealomi import per_100g
    >>> nutri_score(per_100g("apple")).score, nutri_score(per_100g("apple")).letter
    (-2, 'A')
    """
    rules = _rules(version)
    items = {rule.name: _item(rule, per_100g) for rule in rules}
    unfavourable = sum(item.points for item in items.values() if not item.favourable)
    items["protein"] = _protein(items["protein"], unfavourable, items["fruit and vegetables"].points, red_meat, version)
    favourable = sum(item.points for item in items.values() if item.favourable and item.counted)
    score = unfavourable - favourable
    letter = "ABCDE"[sum(score > highest for highest in _LETTERS[version])]
    return NutriScore(letter, score, unfavourable, favourable, tuple(items.values()), version)


def _rules(version: int) -> tuple[_Rule, ...]:
    if version not in _RULES:
        raise ValueError(f"There is no version {version!r} of the Nutri-Score here; give 2023 or 2017.")
    return _RULES[version]


def _item(rule: _Rule, facts: Mapping[str, float]) -> Item:
    # In whole milligrams and percent no threshold is missed by a rounding error of 2.5 x sodium / 1000.
    fact = "sodium_mg" if rule.fact == "salt_g" else rule.fact
    value = _amount(facts, fact)
    value, unit = {"salt_g": (2.5 * value / 1000, "g"), "fruit_veg_share": (100 * value, "%")}.get(
        rule.fact, (value, rule.unit)
    )
    value = round(value, 9)
    exceeded = sum(value > threshold for threshold in rule.thresholds)
    points = rule.points or tuple(range(1, len(rule.thresholds) + 1))
    next_at = rule.thresholds[exceeded] if exceeded < len(rule.thresholds) else None
    return Item(rule.name, value, unit, (0, *points)[exceeded], points[-1], rule.favourable, next_at=next_at)


def _amount(facts: Mapping[str, float], name: str) -> float:
    if name not in facts:
        raise ValueError(f"per_100g has no {name!r}. It needs: {', '.join(_NEEDED)}.")
    try:
        value = float(facts[name])
    except (TypeError, ValueError):
        raise ValueError(f"{name} is {facts[name]!r}; give a number.") from None
    most = _MOST.get(name, 100)
    if not math.isfinite(value) or not 0 <= value <= most:
        raise ValueError(f"{name} is {value:g}; of 100 g it can be from 0 to {most:g}.")
    return value


_NEEDED = ("kj", "sugars_g", "saturated_fat_g", "sodium_mg", "protein_g", "fibre_g", "fruit_veg_share")
#: Pure fat has 3,700 kJ; pure salt has 40 g of sodium; a share is at most 1.
_MOST = {"kj": 4000, "sodium_mg": 40_000, "fruit_veg_share": 1}


def _protein(item: Item, unfavourable: int, fruit: int, red_meat: bool, version: int) -> Item:
    from dataclasses import replace

    if red_meat and version == 2023 and item.points > RED_MEAT_MOST:
        item = replace(item, points=RED_MEAT_MOST, most=RED_MEAT_MOST, note="red meat: at most 2", next_at=None)
    if unfavourable >= MANY_UNFAVOURABLE and not (version == 2017 and fruit >= 5):
        note = f"not counted: {unfavourable} unfavorable points, {MANY_UNFAVOURABLE} or more"
        item = replace(item, counted=False, note=note)
    return item


#: The dishes that are red meat and nothing else.
RED_MEAT = frozenset({"steak"})


def of_dish(dish: str, version: int = 2023) -> NutriScore:
    """Return the Nutri-Score of a dish of the table; see `introdl.mealomi.dishes`."""
    from introdl.mealomi.nutrition import per_100g

    return nutri_score(per_100g(dish), red_meat=dish in RED_MEAT, version=version)
