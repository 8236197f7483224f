"""The rules: five guesses for each picture, for you as for the computer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from introdl import paths
from introdl.game.decks import Deck
from introdl.wording import spoken

GUESSES = 5
COURSES = ("normal", "hard")
_FORM = 1


@dataclass
class Round:
    """One picture of a game.

    Attributes
    ----------
    picture : int
        Its index in the deck.
    correct : int
        Its dish.
    computer : tuple of int
        The computer's guesses, best first, as many as a human has.
    guesses : list of int
        The human's guesses so far.
    given_up : bool
        Whether the human asked for the answer.
    """

    picture: int
    correct: int
    computer: tuple[int, ...]
    guesses: list[int] = field(default_factory=list)
    given_up: bool = False

    @property
    def human_at(self) -> int:
        """At which guess the human was right; 0 for not (yet)."""
        return self.guesses.index(self.correct) + 1 if self.correct in self.guesses else 0

    @property
    def computer_at(self) -> int:
        """At which guess the computer is right; 0 for none of them."""
        return self.computer.index(self.correct) + 1 if self.correct in self.computer else 0

    @property
    def taken(self) -> tuple[int, int]:
        """How many guesses the human and the computer needed; one more than all of them where they missed."""
        return self.human_at or GUESSES + 1, self.computer_at or GUESSES + 1

    @property
    def left(self) -> int:
        """How many guesses the human has left."""
        return 0 if self.over else GUESSES - len(self.guesses)

    @property
    def over(self) -> bool:
        """Whether nothing more can be guessed."""
        return self.given_up or bool(self.human_at) or len(self.guesses) >= GUESSES


@dataclass
class Game:
    """A game: some pictures, one after the other.

    A picture counts for the computer only when the human is done with it, so that the score gives nothing away.
    """

    deck: Deck
    course: str = "normal"
    number: int = 1
    rounds: list[Round] = field(default_factory=list)
    position: int = 0

    @classmethod
    def new(cls, deck: Deck, course: str = "normal", number: int = 1, rounds: int = 7, seed: int = 0) -> Game:
        """Begin a game on pictures that `Deck.draw` chooses."""
        chosen = deck.draw(course, number, rounds, seed)
        return cls(deck, course, number, [_round(deck, index) for index in chosen])

    @property
    def current(self) -> Round | None:
        """The picture on the table; None where the game is over or has no picture."""
        return self.rounds[self.position] if self.position < len(self.rounds) else None

    @property
    def over(self) -> bool:
        return self.position >= len(self.rounds)

    @property
    def played(self) -> list[Round]:
        """The pictures that the human is done with."""
        return [one for one in self.rounds if one.over]

    @property
    def human(self) -> int:
        """How many pictures the human got right."""
        return sum(one.human_at > 0 for one in self.played)

    @property
    def computer(self) -> int:
        """How many of the same pictures the computer got right."""
        return sum(one.computer_at > 0 for one in self.played)

    @property
    def taken(self) -> tuple[int, int]:
        """How many guesses the human and the computer needed together for the pictures that are done."""
        human, computer = zip((0, 0), *(one.taken for one in self.played), strict=True)
        return sum(human), sum(computer)

    @property
    def lead(self) -> int:
        """Above 0 where the human is ahead, below 0 where the computer is: by pictures, then by fewer guesses."""
        human, computer = self.taken
        return (self.human - self.computer) or (computer - human)

    def guess(self, text: str) -> str:
        """Take a guess as the human wrote it, and return a sentence.

        What is no dish, fits several, or was tried before costs no guess.
        """
        now = self.current
        if now is None or now.over:
            return "This picture is done. Go on to the next one."
        dish, sentence = understand(text, self.deck.classes)
        if dish is None:
            return sentence
        name = spoken(self.deck.classes[dish])
        if dish in now.guesses:
            return f"You have tried {name} already. That cost nothing."
        now.guesses.append(dish)
        if dish == now.correct:
            return f"✓ Right, with guess {now.human_at}: {name}."
        if now.over:
            return f"✗ Not {name}, and that was guess {GUESSES}. It is {spoken(self.deck.classes[now.correct])}."
        return f"✗ Not {name}. {now.left} {'guesses' if now.left > 1 else 'guess'} left."

    def give_up(self) -> str:
        """End the picture without a point, and return a sentence with the answer."""
        now = self.current
        if now is None or now.over:
            return "This picture is done. Go on to the next one."
        now.given_up = True
        return f"It is {spoken(self.deck.classes[now.correct])}."

    def go_on(self) -> None:
        """Lay the next picture on the table, where the human is done with this one."""
        if self.current is not None and self.current.over:
            self.position += 1


def _round(deck: Deck, index: int) -> Round:
    return Round(index, int(deck.pictures.labels[index]), tuple(deck.guesses[index, :GUESSES].tolist()))


def understand(text: str, classes: tuple[str, ...]) -> tuple[int | None, str]:
    """Find the dish that a text means.

    Parameters
    ----------
    text : str
        A dish's name, in capitals or not, or a part of it that only one dish has.
    classes : tuple of str
        The dishes' names.

    Returns
    -------
    int or None, str
        The dish and "", or None and a sentence that says what to do.
    """
    names = [spoken(name).lower() for name in classes]
    wanted = " ".join(spoken(text).lower().split())
    if not wanted:
        return None, "Write a dish, or choose one from the list, and press Enter."
    if wanted in names:
        return names.index(wanted), ""
    begin = [name for name in names if name.startswith(wanted)]
    holding = begin if len(begin) == 1 else [name for name in names if wanted in name]
    if len(holding) == 1:
        return names.index(holding[0]), ""
    if holding:
        return None, f"“{wanted}” fits several dishes: {', '.join(holding)}. Which one?"
    near = get_close_matches(wanted, names, n=2, cutoff=0.6)
    hint = f"Did you mean {' or '.join(near)}?" if near else "The list has them all."
    return None, f"“{wanted}” is not one of the {len(names)} dishes. {hint} That cost nothing."


class Memory:
    """Keeps the game in the learner's own folder, so that it goes on where it was left.

    Parameters
    ----------
    name : str
        The file's name; one for each place where the game is played.
    """

    def __init__(self, name: str = "plates"):
        self._name = name

    @property
    def path(self) -> Path:
        return paths.home() / "games" / f"{self._name}.json"

    def load(self, deck: Deck) -> tuple[Game | None, dict[str, list[int]]]:
        """Return the game that was left, and earlier games' sums by course: human, computer, pictures.

        What is missing, damaged, or about another deck counts as none.
        """
        try:
            kept = json.loads(self.path.read_text(encoding="utf-8"))
            if kept["form"] != _FORM or kept["deck"] != deck.key:
                return None, {}
            where = {name: index for index, name in enumerate(deck.files)}
            dishes = {name: index for index, name in enumerate(deck.classes)}
            rounds = []
            for one in kept["rounds"]:
                made = _round(deck, where[one["picture"]])
                made.guesses = [dishes[name] for name in one["guesses"]][:GUESSES]
                made.given_up = bool(one["given_up"])
                rounds.append(made)
            done = 0 <= kept["position"] <= len(rounds) and all(one.over for one in rounds[: kept["position"]])
            if kept["course"] not in COURSES or not rounds or not done:
                return None, {}
            sums = {course: [int(value) for value in kept["sums"].get(course, (0, 0, 0))] for course in COURSES}
            if any(len(values) != 3 for values in sums.values()):
                return None, {}
            return Game(deck, kept["course"], max(int(kept["number"]), 1), rounds, int(kept["position"])), sums
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None, {}

    def save(self, game: Game, sums: dict[str, list[int]]) -> str:
        """Keep a game. Return "" or, where the disk does not let us, a sentence that says so."""
        deck = game.deck
        kept = {
            "form": _FORM,
            "deck": deck.key,
            "course": game.course,
            "number": game.number,
            "position": game.position,
            "rounds": [
                {
                    "picture": deck.files[one.picture],
                    "guesses": [deck.classes[dish] for dish in one.guesses],
                    "given_up": one.given_up,
                }
                for one in game.rounds
            ],
            "sums": sums,
        }
        try:
            paths.write_atomically(self.path, json.dumps(kept, indent=1).encode())
            return ""
        except OSError as error:
            return f"The game could not be saved in {self.path.parent} ({error.strerror or error})."
