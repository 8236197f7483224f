"""How often you can expect to win: many games are dealt, and the network's own answers are looked up in its record."""

from __future__ import annotations

from math import comb

from introdl.game.decks import Deck
from introdl.game.rules import GUESSES


def odds(
    deck: Deck, course: str, at_once: float, games: int = 2000, rounds: int = 7, seed: int = 0
) -> tuple[float, float, float]:
    """Return the shares of games that you win, draw and lose.

    Parameters
    ----------
    deck : Deck
        The pictures, and what the network says to each of them.
    course : "normal" or "hard"
    at_once : float
        How good you are, from 0 to 1: the chance that you name a plate with your first guess. The other plates you
        name with the second. One plate has no influence on the next.
    games : int
        How many games are dealt, from game 1 on. On the hard course there are only as many as the misses fill.
    rounds, seed : int
        As in `Deck.draw`.

    Returns
    -------
    tuple of float
        They add up to 1; all three are 0 where there is no game.
    """
    if course == "hard":
        games = min(games, len(deck.misses) // rounds)
    won = drawn = 0.0
    for number in range(1, games + 1):
        ranks = deck.ranks[deck.draw(course, number, rounds, seed)]
        spare = int(ranks.clip(max=GUESSES + 1).sum()) - len(ranks)  # how many second guesses still leave a draw
        if (ranks > GUESSES).any():
            won += 1  # you name every plate, and the network does not
            continue
        won += _second_guesses(len(ranks), 1 - at_once, range(spare))
        drawn += _second_guesses(len(ranks), 1 - at_once, (spare,))
    return (won / games, drawn / games, max(0.0, 1 - (won + drawn) / games)) if games else (0.0, 0.0, 0.0)


def _second_guesses(plates: int, chance: float, counts) -> float:
    """The chance that a second guess is needed on one of these counts of the plates (binomial)."""
    return sum(comb(plates, k) * chance**k * (1 - chance) ** (plates - k) for k in counts)
