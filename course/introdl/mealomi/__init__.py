"""MealoMi: the app of chapter 12. A photo of a meal becomes a dish, grams, energy, a score, and a line in your diary.

    from introdl import mealomi

    mealomi.app()

The parts work without the page: `recognise` asks the network, `nutrients` and `nutri_score` reckon, a `Diary` remembers,
`recommend` suggests, `share_card` draws. It is a lesson, not a medical device: what it says of rendered plates is measured on
the network's card, and on photographs of real meals it is often wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from introdl import lazy

if TYPE_CHECKING:
    from introdl.mealomi.app_view import app
    from introdl.mealomi.diary import Diary, DiaryError, Entry
    from introdl.mealomi.novelty import choose_limit, embedding_distance, energy_score, max_softmax_score
    from introdl.mealomi.nutriscore import Item, NutriScore, nutri_score
    from introdl.mealomi.nutrition import NUTRIENTS, REFERENCE_INTAKES, dishes, nutrients, per_100g, serving
    from introdl.mealomi.recognition import Meal, load, recognise
    from introdl.mealomi.sharing import share_card
    from introdl.mealomi.taste import Suggestion, recommend

__getattr__, __dir__, __all__ = lazy.attach(
    __name__,
    {
        "Diary": "diary",
        "DiaryError": "diary",
        "Entry": "diary",
        "Item": "nutriscore",
        "Meal": "recognition",
        "NUTRIENTS": "nutrition",
        "NutriScore": "nutriscore",
        "REFERENCE_INTAKES": "nutrition",
        "Suggestion": "taste",
        "app": "app_view",
        "choose_limit": "novelty",
        "dishes": "nutrition",
        "embedding_distance": "novelty",
        "energy_score": "novelty",
        "load": "recognition",
        "max_softmax_score": "novelty",
        "nutri_score": "nutriscore",
        "nutrients": "nutrition",
        "per_100g": "nutrition",
        "recognise": "recognition",
        "recommend": "taste",
        "serving": "nutrition",
        "share_card": "sharing",
    },
)
