"""What every exercise must hold: found once here, for the tests of all chapters."""

from __future__ import annotations

import importlib
from functools import cache

from autograder import bank
from autograder import exercises as exercise_bank
from introdl.checking.judge import Verdict, judge

CHAPTERS = sorted(exercise_bank.chapters())
EXERCISES = [id for chapter in CHAPTERS for id in exercise_bank.load(chapter)]
SEEDS = [bank.VISIBLE_SEED, "a classroom", "another classroom", "a third"]


def exercise(id: str):
    return exercise_bank.load(id[:2])[id]


@cache
def entry(id: str, seed: str):
    return bank.entry(exercise(id), seed)


def answers(id: str) -> list[tuple]:
    """Right answers written differently, each a tuple of objects."""
    module = importlib.import_module(f"tests.answers.ch{exercise_bank.chapters()[id[:2]]}")
    single = len(exercise(id).names) == 1
    return [(a,) if single else tuple(a) for a in module.ANSWERS[id]]


def verdict(id: str, seed: str, objects: tuple) -> Verdict:
    """Judge objects in this process (what they are is known to be harmless)."""
    drawn = entry(id, seed)
    return judge(drawn, bank.observe(drawn, objects))
