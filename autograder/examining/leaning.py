"""Which other exercises' answers an answer leans on, read from the notebook's text without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile

from autograder.examining.needed import names_used
from introdl.checking.cells import bound, given_names, parsed
from introdl.checking.judge import Verdict
from introdl.checking.sheets import Entry
from introdl.wording import listed


def called(sources: Iterable[str], entry: Entry, entries: Mapping[str, Entry]) -> list[str]:
    """Return the exercises whose functions an answer names, itself or through others of the learner's.

    Parameters
    ----------
    sources : iterable of str
        The notebook's code cells.
    entry : Entry
        The answer's exercise.
    entries : mapping of str to Entry
        The exercises that may be named.

    Returns
    -------
    list of str
        Ids, in the order of `entries`.
    """
    used = _used([statement for source in sources for statement in _statements(source)], set(entry.names))
    others = (one for one in entries.values() if one.id != entry.id and one.probe != "answers")
    return [one.id for one in others if used & set(one.names)]


@lru_cache(maxsize=4096)
def _statements(source: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """Return, for each statement of a cell, the names that it gives and those that it uses."""
    tree = parsed(source)
    return tuple((frozenset(bound([node])), frozenset(_names_in(node))) for node in (tree.body if tree else ()))


def _names_in(node: ast.stmt) -> set[str]:
    try:
        return names_used(ast.unparse(node))
    except RecursionError:  # a sum of a thousand terms, say
        return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _used(statements: Sequence[tuple[frozenset[str], frozenset[str]]], asked: set[str]) -> set[str]:
    used: set[str] = set()
    waiting = set(asked)
    while waiting:
        more = {name for given, names in statements if given & waiting for name in names}
        waiting = more - used - asked
        used |= more
    return used - asked


def before(entry: Entry, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the exercises that stand before one in the course: what its answer may lean on.

    A later one often holds it: whoever leans on that has the answer handed out.
    """
    return dict(takewhile(lambda one: one[0] != entry.id, entries.items()))


def in_place_of(wrong: Iterable[str], entry: Entry, entries: Mapping[str, Entry]) -> str:
    """Return code that puts the course's own answers in the place of others, with those that they themselves call.

    Parameters
    ----------
    wrong : iterable of str
        Ids of the exercises whose answers are not right.
    entry : Entry
        The exercise that is judged beside them.
    entries : mapping of str to Entry
        The chapter's exercises, with their solutions.

    Returns
    -------
    str
        "" where a solution is not at hand, or would answer `entry` itself.
    """
    asked = [one for one in entries.values() if one.id in set(wrong)]
    if not asked or not all(one.solution for one in asked):
        return ""
    solutions = [one.solution for one in entries.values() if one.solution]
    leaned = {id for one in asked for id in called(solutions, one, entries)}
    code = "\n\n".join(one.solution for one in entries.values() if one in asked or (one.id in leaned and one.solution))
    return code if given_names(code).isdisjoint(entry.names) else ""


def sentence(names: Sequence[str], verdict: Verdict) -> str:
    """Say that an answer was judged with the course's own functions in the place of wrong ones that it calls.

    Parameters
    ----------
    names : sequence of str
        Those functions.
    verdict : Verdict
        What came of it.
    """
    one = "a right one in its place" if len(names) == 1 else "right ones in their place"
    end = "your answer is right." if verdict.passed else "it earns what stands above."
    return f"It calls your {listed(names)}, which {'is' if len(names) == 1 else 'are'} not right. With {one}, {end}"
