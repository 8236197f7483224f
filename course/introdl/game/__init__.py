"""*Test yourself*: you against a network, five guesses for each picture.

`deck` gives the pictures and what the network says to each of them, `play` shows the game in a notebook, and `odds`
says how often you can expect to win.

*Same dish or not?*: `same_or_not` shows pairs of plates; you and a network say whether they are the same dish.
"""

from introdl.game.decks import Deck, deck
from introdl.game.odds import odds
from introdl.game.pairs import Match, same_or_not
from introdl.game.rules import COURSES, GUESSES, Game, Round
from introdl.game.table_view import play

__all__ = ["COURSES", "GUESSES", "Deck", "Game", "Match", "Round", "deck", "odds", "play", "same_or_not"]
