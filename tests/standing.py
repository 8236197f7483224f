"""What every exercise must hold: found once here, for the tests of all chapters."""

from __future__ import annotations

import importlib
import pickle
from functools import lru_cache
from pathlib import Path

from autograder import exercises as exercise_bank
from autograder.authoring import build, drawing
from autograder.examining.repair import checked_exercise
from introdl import paths
from introdl.checking import sheets
from introdl.checking.judge import Verdict, judge

CHAPTERS = sorted(exercise_bank.chapters())
EXERCISES = [id for chapter in CHAPTERS for id in exercise_bank.load(chapter)]
SEEDS = [drawing.VISIBLE_SEED, "a classroom", "another classroom", "a third"]
#: Which of them each run of the tests goes through, and those of `make sweep`.
FEW, MORE = SEEDS[:2], [*SEEDS[2:], "a fourth", "a fifth"]


def exercise(id: str):
    return exercise_bank.load(id[:2])[id]


#: Where a run keeps what it has drawn, for all its processes; the fixture `drawn_once` makes it.
KEPT: list[Path] = []


@lru_cache(maxsize=8)  # tests ask for one exercise's after the other
def entry(id: str, seed: str) -> sheets.Entry:
    """An exercise's cases with their right answers and what each mistake gives. A run of the tests draws them once."""
    if not KEPT:
        return drawing.entry(exercise(id), seed)
    path = KEPT[0] / f"{id} {seed}.pickle"
    if not path.is_file():
        paths.write_atomically(path, pickle.dumps(drawing.entry(exercise(id), seed)))
    return pickle.loads(path.read_bytes())


def hidden(notebook, seed: str) -> dict[str, sheets.Entry]:
    """The hidden cases of the exercises that a notebook checks."""
    return {id: entry(id, seed) for id in map(checked_exercise, notebook.cells) if id}


@lru_cache(maxsize=1)
def committed_sheet(chapter: str) -> dict[str, sheets.Entry]:
    """The chapter's answer sheet as it lies under course/."""
    return sheets.read(build.root() / "course" / "sheets" / f"{exercise_bank.chapters()[chapter]}.npz")


def answers(id: str) -> list[tuple]:
    """Right answers written differently, each a tuple of objects."""
    module = importlib.import_module(f"tests.answers.ch{exercise_bank.chapters()[id[:2]]}")
    single = len(exercise(id).names) == 1
    return [(a,) if single else tuple(a) for a in module.ANSWERS[id]]


def verdict(id: str, seed: str, objects: tuple) -> Verdict:
    """Judge objects in this process (what they are is known to be harmless)."""
    drawn = entry(id, seed)
    return judge(drawn, drawing.observe(drawn, objects))


def verdict_of_mistake(id: str, seed: str, number: int) -> Verdict:
    """Judge what a known mistake gave when the entry was made."""
    drawn = entry(id, seed)
    return judge(drawn, drawn.misconceptions[number].outcomes)
