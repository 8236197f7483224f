"""MealoMi: the app of chapter 12. A photo of a meal becomes a dish, grams, energy, a score, and a line in your diary.

    from introdl import mealomi

    mealomi.app()

The parts work without the page: `recognize` asks the network, `nutrients` and `nutri_score` reckon, a `Diary` remembers,
`recommend` suggests, `share_card` draws. It is a lesson, not a medical device: what it says of rendered plates is measured on
the network's card, and on photographs of real meals it is often wrong.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
