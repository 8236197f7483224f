"""*Test yourself*: you against a network, five guesses for each picture.

`deck` gives the pictures and what the network says to each of them, and `play` shows the game in a notebook.
"""

from introdl.game.board import play
from introdl.game.decks import Deck, deck
from introdl.game.rules import COURSES, GUESSES, Game, Round

__all__ = ["COURSES", "GUESSES", "Deck", "Game", "Round", "deck", "play"]
