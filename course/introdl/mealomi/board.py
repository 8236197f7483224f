"""The app on one notebook page."""

from __future__ import annotations


def app(diary=None, model=None) -> None:
    """Show MealoMi: choose, upload or take a photo; correct what the network says; keep a diary.

    Parameters
    ----------
    diary : Diary or path, optional
        By default the learner's own, ``mealomi.sqlite`` in the folder that ``introdl doctor`` names.
    model : introdl.models.MealNet, optional
        By default the app's.
    """
    raise NotImplementedError
