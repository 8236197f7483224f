"""The menu: each dish's recipe, a function of a random generator that returns a :class:`serving.Serving`."""

from importlib import import_module

BASE = [
    "pizza", "burger", "doughnut", "fried_eggs", "pancakes", "french_fries", "apple", "banana", "ice_cream",
    "spaghetti", "salad", "soup",
]  # fmt: skip
SPECIALS = ["bagel", "waffles", "hot_dog", "tomato", "sushi", "steak", "chocolate_cake", "cheesecake"]
MENU = BASE + SPECIALS

MODULES = {
    "pizza": "pizza", "burger": "buns", "hot_dog": "buns", "doughnut": "rings", "bagel": "rings", "fried_eggs": "eggs",
    "pancakes": "griddle", "waffles": "griddle", "french_fries": "fries", "apple": "fruit", "tomato": "fruit",
    "banana": "fruit", "ice_cream": "ices", "spaghetti": "pasta", "salad": "greens", "soup": "soups",
    "sushi": "rice", "steak": "meat", "chocolate_cake": "cakes", "cheesecake": "cakes",
}  # fmt: skip


def cook(dish, rng):
    """One serving of a dish.

    Parameters
    ----------
    dish : str
        A name on the ``MENU``.
    rng : numpy.random.Generator
        Source of every variation.

    Returns
    -------
    serving.Serving

    Raises
    ------
    ValueError
        If the dish is not on the menu.
    """
    if dish not in MENU:
        raise ValueError(f"There is no recipe for {dish!r}. The menu has {', '.join(MENU)}.")
    recipe = getattr(import_module(f"dishes.{MODULES[dish]}"), dish)
    return recipe(rng).finish(rng)
