"""The exercises of every chapter: one module ``chNN_name`` for each, with a list ``EXERCISES``."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from autograder.authoring.exercise import Exercise
from autograder.errors import AuthorError


@cache
def chapters() -> dict[str, str]:
    """Return the name of each chapter (``03_convolution``) by its two digits."""
    names = sorted(m.name for m in iter_modules(__path__) if m.name.startswith("ch"))
    return {name[2:4]: name[2:] for name in names}


@cache
def load(chapter: str) -> dict[str, Exercise]:
    """Return a chapter's exercises by id, in their order.

    Parameters
    ----------
    chapter : str
        Two digits, ``"03"``.

    Raises
    ------
    autograder.errors.AuthorError
        If the chapter has no module or one that is not Python, or an id occurs twice or belongs to another chapter.
    """
    if chapter not in chapters():
        raise AuthorError(
            f"Chapter {chapter} has no exercises: autograder/exercises/ch{chapter}_*.py is missing. "
            f"There are: {', '.join(chapters().values()) or 'none'}."
        )
    try:
        module = import_module(f"autograder.exercises.ch{chapters()[chapter]}")
    except SyntaxError as error:
        raise AuthorError(
            f"{error.filename}:{error.lineno}: this is not Python: {error.msg}; mend it first."
        ) from error
    found: dict[str, Exercise] = {}
    for exercise in module.EXERCISES:
        if exercise.id in found:
            raise AuthorError(f"{module.__file__}: exercise {exercise.id} is defined twice.")
        if exercise.chapter != chapter:
            raise AuthorError(f"{module.__file__}: exercise {exercise.id} belongs to chapter {exercise.chapter}.")
        found[exercise.id] = exercise
    return found
